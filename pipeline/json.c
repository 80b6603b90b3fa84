/* json.c -- see json.h.  The only file that knows the JSON library. */
#include "pipeline/json.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "pipeline/moment.h"

#define PATH_MAX_SHOWN 200

/* Where we are, as messages say it: "shards[0].rdb". */
struct path {
	char text[PATH_MAX_SHOWN];
};

static struct path
path_field(const struct path *in, const char *name)
{
	struct path p;

	snprintf(p.text, sizeof p.text, "%.150s%s%.40s", in->text,
	    *in->text != '\0' ? "." : "", name);
	return p;
}

static struct path
path_item(const struct path *in, size_t i)
{
	struct path p;

	snprintf(p.text, sizeof p.text, "%.150s[%zu]", in->text, i);
	return p;
}

static void *
member(const struct json_field *f, const void *record)
{
	return (char *)record + f->at;
}

static size_t
item_size(const struct json_field *f)
{
	return f->of != NULL ? f->size : sizeof(char *);
}

bool
json_text_ok(const char *text)
{
	json_t *j = json_string(text);

	json_decref(j);
	return j != NULL;
}

void *
json_list_add(struct json_list *l, size_t size, struct err *e)
{
	char *more = realloc(l->item, (l->n + 1) * size);

	if (more == NULL) {
		err_sys(e, "cannot grow a list");
		return NULL;
	}
	l->item = more;
	memset(more + l->n * size, 0, size);
	return more + l->n++ * size;
}

/* --- releasing --- */

static void release_all(const struct json_field *, void *record);

static void
release_one(const struct json_field *f, void *record)
{
	char **text = member(f, record);
	struct json_list *l = member(f, record);

	switch (f->kind) {
	case FIELD_TEXT:
	case FIELD_HEX:
		free(*text);
		break;
	case FIELD_RECORD:
		release_all(f->of, member(f, record));
		break;
	case FIELD_LIST:
		for (size_t i = 0; i < l->n; i++)
			if (f->of != NULL)
				release_all(
				    f->of, (char *)l->item + i * f->size);
			else
				free(((char **)l->item)[i]);
		free(l->item);
		break;
	default:
		break;
	}
}

static void
release_all(const struct json_field *f, void *record)
{
	for (; f->kind != FIELD_LAST; f++)
		release_one(f, record);
}

void
json_release(const struct json_field *f, void *record, size_t size)
{
	release_all(f, record);
	memset(record, 0, size);
}

/* --- printing --- */

static json_t *object_of(const struct json_field *, const void *record);

static json_t *
list_of(const struct json_field *f, const struct json_list *l)
{
	json_t *list = json_array();

	for (size_t i = 0; i < l->n; i++) {
		const char *item = (char *)l->item + i * item_size(f);
		json_t *j = f->of != NULL ? object_of(f->of, item) :
					    json_string(*(char *const *)item);

		if (json_array_append_new(list, j) == -1) {
			json_decref(list);
			return NULL;
		}
	}
	return list;
}

/* NULL when the value has no place in JSON (not UTF-8, beyond 2^63). */
static json_t *
value_of(const struct json_field *f, const void *record)
{
	const void *p = member(f, record);
	char when[MOMENT_LEN + 1];
	uint64_t n;

	switch (f->kind) {
	case FIELD_TEXT:
	case FIELD_HEX:
		if (*(char *const *)p == NULL)
			return f->null ? json_null() : NULL;
		return json_string(*(char *const *)p);
	case FIELD_COUNT:
		n = *(const uint64_t *)p;
		return n <= INT64_MAX ? json_integer((json_int_t)n) : NULL;
	case FIELD_NUMBER:
		return json_integer((json_int_t) * (const int64_t *)p);
	case FIELD_TIME:
		if (*(const int64_t *)p == 0)
			return f->null ? json_null() : NULL;
		moment_print(*(const int64_t *)p, when);
		return json_string(when);
	case FIELD_FLAG:
		return json_boolean(*(const bool *)p);
	case FIELD_CHOICE:
		return json_string(f->words[*(const int *)p]);
	case FIELD_RECORD:
		return object_of(f->of, p);
	case FIELD_LIST:
		return list_of(f, p);
	case FIELD_LAST:
		break;
	}
	return NULL;
}

/* Is it what an optional field is when it is left out? */
static bool
unsaid(const struct json_field *f, const void *record)
{
	const void *m = member(f, record);

	switch (f->kind) {
	case FIELD_TEXT:
	case FIELD_HEX:
		return *(char *const *)m == NULL;
	case FIELD_COUNT:
		return *(const uint64_t *)m == 0;
	case FIELD_NUMBER:
	case FIELD_TIME:
		return *(const int64_t *)m == 0;
	case FIELD_FLAG:
		return !*(const bool *)m;
	case FIELD_CHOICE:
		return *(const int *)m == 0;
	case FIELD_LAST:
	case FIELD_RECORD:
	case FIELD_LIST:
		break;
	}
	return false;
}

static json_t *
object_of(const struct json_field *f, const void *record)
{
	json_t *o = json_object();

	for (; f->kind != FIELD_LAST; f++)
		if (!(f->optional && unsaid(f, record)) &&
		    json_object_set_new(o, f->name, value_of(f, record)) ==
			-1) {
			json_decref(o);
			return NULL;
		}
	return o;
}

bool
json_print(const struct json_field *f, const void *record, bool indented,
    char **text, struct err *e)
{
	json_t *o = object_of(f, record);

	*text = NULL;
	if (o != NULL)
		*text = json_dumps(o,
		    JSON_PRESERVE_ORDER |
			(indented ? JSON_INDENT(2) : JSON_COMPACT));
	json_decref(o);
	return *text != NULL ||
	    err_set(e, ERR_BUG, "a record cannot be written as JSON");
}

/* --- reading --- */

static bool object_take(const struct json_field *, void *record, json_t *,
    const struct path *, struct err *);

static bool
refuse(struct err *e, const struct path *p, const char *what)
{
	return err_set(e, ERR_DATA, "%s %s", p->text, what);
}

static bool
text_take(char **to, json_t *j, const struct path *p, struct err *e)
{
	if (!json_is_string(j))
		return refuse(e, p, "is not a text");
	*to = strdup(json_string_value(j));
	return *to != NULL || err_sys(e, "cannot read a text");
}

static bool
hex_take(const struct json_field *f, char **to, json_t *j, const struct path *p,
    struct err *e)
{
	if (!text_take(to, j, p, e))
		return false;
	if (strlen(*to) == f->digits &&
	    strspn(*to, "0123456789abcdef") == f->digits)
		return true;
	return err_set(e, ERR_DATA, "%s is not %u lower case hex digits",
	    p->text, f->digits);
}

static bool
choice_take(const struct json_field *f, int *to, json_t *j,
    const struct path *p, struct err *e)
{
	char shown[80];

	if (!json_is_string(j))
		return refuse(e, p, "is not a text");
	for (*to = 0; f->words[*to] != NULL; ++*to)
		if (strcmp(f->words[*to], json_string_value(j)) == 0)
			return true;
	*to = 0;
	return err_set(e, ERR_DATA, "%s is \"%s\", a word we do not know",
	    p->text,
	    err_quote(shown, sizeof shown, json_string_value(j),
		json_string_length(j)));
}

static bool
list_take(const struct json_field *f, struct json_list *l, json_t *j,
    const struct path *p, struct err *e)
{
	if (!json_is_array(j))
		return refuse(e, p, "is not a list");
	for (size_t i = 0; i < json_array_size(j); i++) {
		struct path at = path_item(p, i);
		void *item = json_list_add(l, item_size(f), e);

		if (item == NULL)
			return false;
		if (f->of != NULL ?
			!object_take(
			    f->of, item, json_array_get(j, i), &at, e) :
			!text_take(item, json_array_get(j, i), &at, e))
			return false;
	}
	return true;
}

static bool
value_take(const struct json_field *f, void *record, json_t *j,
    const struct path *p, struct err *e)
{
	void *to = member(f, record);

	if (json_is_null(j) && f->null)
		return true;
	switch (f->kind) {
	case FIELD_TEXT:
		return text_take(to, j, p, e);
	case FIELD_HEX:
		return hex_take(f, to, j, p, e);
	case FIELD_COUNT:
		if (!json_is_integer(j) || json_integer_value(j) < 0)
			return refuse(e, p, "is not a whole number from 0");
		*(uint64_t *)to = (uint64_t)json_integer_value(j);
		return true;
	case FIELD_NUMBER:
		if (!json_is_integer(j))
			return refuse(e, p, "is not a whole number");
		*(int64_t *)to = (int64_t)json_integer_value(j);
		return true;
	case FIELD_TIME:
		if (!json_is_string(j) ||
		    !moment_read(json_string_value(j), to))
			return refuse(e, p, "is not a UTC time");
		return true;
	case FIELD_FLAG:
		if (!json_is_boolean(j))
			return refuse(e, p, "is not true or false");
		*(bool *)to = json_is_true(j);
		return true;
	case FIELD_CHOICE:
		return choice_take(f, to, j, p, e);
	case FIELD_RECORD:
		return object_take(f->of, to, j, p, e);
	case FIELD_LIST:
		return list_take(f, to, j, p, e);
	case FIELD_LAST:
		break;
	}
	return err_set(e, ERR_BUG, "%s has no kind", p->text);
}

/* Every field is taken out of the object; what is left then is unknown. */
static bool
object_take(const struct json_field *f, void *record, json_t *o,
    const struct path *p, struct err *e)
{
	const char *name;
	char shown[80];
	json_t *j;

	if (!json_is_object(o))
		return refuse(e, p, "is not an object");
	for (; f->kind != FIELD_LAST; f++) {
		struct path at = path_field(p, f->name);

		if ((j = json_object_get(o, f->name)) == NULL && f->optional)
			continue;
		if (j == NULL)
			return refuse(e, &at, "is missing");
		if (!value_take(f, record, j, &at, e))
			return false;
		if (f->optional && unsaid(f, record))
			return refuse(e, &at, "says what goes without saying");
		json_object_del(o, f->name);
	}
	if (json_object_size(o) == 0)
		return true;
	name = json_object_iter_key(json_object_iter(o));
	return err_set(e, ERR_DATA, "%s%sunknown field \"%s\"", p->text,
	    *p->text != '\0' ? ": " : "",
	    err_quote(shown, sizeof shown, name, strlen(name)));
}

bool
json_read(const struct json_field *f, void *record, size_t size,
    const char *text, size_t len, struct err *e)
{
	const struct path top = { "" };
	const char *what;
	json_error_t fault;
	char shown[200];
	json_t *o = json_loadb(text, len, JSON_REJECT_DUPLICATES, &fault);
	bool ok;

	memset(record, 0, size);
	if (o == NULL) {
		what = fault.text;
		return err_set(e, ERR_DATA, "not JSON: line %d, column %d: %s",
		    fault.line, fault.column,
		    err_quote(shown, sizeof shown, what, strlen(what)));
	}
	ok = json_is_object(o) ? object_take(f, record, o, &top, e) :
				 err_set(e, ERR_DATA, "not a JSON object");
	if (!ok)
		json_release(f, record, size);
	json_decref(o);
	return ok;
}
