/* opt.c -- see opt.h. */
#include "stages/kit/opt.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define CHOICES_SHOWN 400 /* characters of what an option may be */

struct unit {
	const char *name;
	int64_t times;
};

/* Digits, then one of the units; the first unit is that of a bare number. */
static bool
number_parse(const char *text, const struct unit *units, int64_t *to)
{
	char *end;
	long long n;

	if (*text < '0' || *text > '9')
		return false;
	errno = 0;
	n = strtoll(text, &end, 10);
	if (errno != 0)
		return false;
	for (const struct unit *u = units; u->name != NULL; u++)
		if (strcmp(end, u->name) == 0)
			return !__builtin_mul_overflow(n, u->times, to);
	return false;
}

bool
opt_size(const char *text, int64_t *bytes)
{
	static const struct unit units[] = {
		{ "", 1 },
		{ "K", INT64_C(1) << 10 },
		{ "M", INT64_C(1) << 20 },
		{ "G", INT64_C(1) << 30 },
		{ "T", INT64_C(1) << 40 },
		{ "KiB", INT64_C(1) << 10 },
		{ "MiB", INT64_C(1) << 20 },
		{ "GiB", INT64_C(1) << 30 },
		{ "TiB", INT64_C(1) << 40 },
		{ NULL, 0 },
	};

	return number_parse(text, units, bytes);
}

bool
opt_time(const char *text, int64_t *ms)
{
	static const struct unit units[] = {
		{ "", 1000 },
		{ "ms", 1 },
		{ "s", 1000 },
		{ "m", 60 * 1000 },
		{ "h", 60 * 60 * 1000 },
		{ "d", 24 * 60 * 60 * 1000 },
		{ NULL, 0 },
	};

	return number_parse(text, units, ms);
}

static bool
opt_int(const char *text, int64_t *to)
{
	char *end;

	errno = 0;
	*to = strtoll(text, &end, 10);
	return end != text && *end == '\0' && errno == 0;
}

/* The option a word names, and the value behind its "=", if there is one. */
static const struct opt *
opt_find(const struct opt *const *tables, const char *word, const char **value)
{
	bool is_long = word[1] == '-';

	for (; *tables != NULL; tables++)
		for (const struct opt *o = *tables; o->type != OPT_END; o++) {
			size_t n = strlen(o->name);

			*value = NULL;
			if (!is_long && o->letter != '\0' &&
			    word[1] == o->letter && word[2] == '\0')
				return o;
			if (!is_long || strncmp(word + 2, o->name, n) != 0)
				continue;
			if (word[2 + n] == '=')
				*value = word + 3 + n;
			if (word[2 + n] == '=' || word[2 + n] == '\0')
				return o;
		}
	return NULL;
}

static bool
choice_take(const struct opt *o, const char *value, struct err *e)
{
	char list[CHOICES_SHOWN] = "";
	size_t n = 0;

	for (int i = 0; o->choices[i] != NULL; i++) {
		if (strcmp(o->choices[i], value) == 0) {
			*(int *)o->to = i;
			return true;
		}
		if (n < sizeof list)
			n += (size_t)snprintf(list + n, sizeof list - n, "%s%s",
			    i > 0 ? ", " : "", o->choices[i]);
	}
	return err_set(e, ERR_USAGE, "--%s wants one of %s, not '%s'", o->name,
	    list, value);
}

/* Say what would have done.  Bounds are shown where the help shows them, for
 * plain numbers; a size or time that is too small or large is named. */
static bool
range_refuse(const struct opt *o, const char *value, struct err *e)
{
	if (o->type == OPT_INT && o->max != 0 && o->max != INT64_MAX)
		return err_set(e, ERR_USAGE,
		    "--%s wants a whole number, %" PRId64 " to %" PRId64
		    ", not '%s'",
		    o->name, o->min, o->max, value);
	return err_set(e, ERR_USAGE, "--%s wants %s%s, not '%s'", o->name,
	    o->min > 0 ? "more than 0, " : "",
	    o->type == OPT_SIZE     ? "a size such as 512, 64K or 2G" :
		o->type == OPT_TIME ? "a time such as 500ms, 30s, 5m or 6h" :
				      "a whole number",
	    value);
}

static bool
list_take(const struct opt *o, const char *value, struct err *e)
{
	struct opt_list *list = o->to;

	if (list->n == OPT_LIST_MAX)
		return err_set(e, ERR_USAGE, "--%s is given more than %d times",
		    o->name, OPT_LIST_MAX);
	list->v[list->n++] = value;
	return true;
}

static bool
value_take(const struct opt *o, const char *value, struct err *e)
{
	int64_t n;
	bool ok;

	switch (o->type) {
	case OPT_TEXT:
		*(const char **)o->to = value;
		return true;
	case OPT_CHOICE:
		return choice_take(o, value, e);
	case OPT_LIST:
		return list_take(o, value, e);
	case OPT_SIZE:
		ok = opt_size(value, &n);
		break;
	case OPT_TIME:
		ok = opt_time(value, &n);
		break;
	default:
		ok = opt_int(value, &n);
	}
	if (!ok || n < o->min || (o->max != 0 && n > o->max))
		return range_refuse(o, value, e);
	*(int64_t *)o->to = n;
	return true;
}

/* Take the option in argv[*i], and its value, if that is the next word. */
static bool
word_take(const struct opt *const *tables, int argc, char **argv, int *i,
    const struct opt **taken, struct err *e)
{
	const char *word = argv[*i], *value;
	const struct opt *o = opt_find(tables, word, &value);

	*taken = o;
	if (o == NULL)
		return err_set(
		    e, ERR_USAGE, "unknown option '%s', see --help", word);
	if (o->type == OPT_FLAG) {
		if (value != NULL)
			return err_set(
			    e, ERR_USAGE, "--%s takes no value", o->name);
		*(bool *)o->to = true;
		return true;
	}
	if (value == NULL && o->bare != NULL)
		value = o->bare;
	if (value == NULL) {
		if (*i + 1 == argc)
			return err_set(
			    e, ERR_USAGE, "--%s wants %s", o->name, o->arg);
		value = argv[++*i];
	}
	return value_take(o, value, e);
}

bool
opt_parse(const struct opt *const *tables, int argc, char **argv,
    struct operands *rest, struct err *e)
{
	enum { SEEN_MAX = 64 };
	const struct opt *seen[SEEN_MAX], *o;
	int n = 0, kept = 1;

	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "--") == 0) {
			while (++i < argc)
				argv[kept++] = argv[i];
			break;
		}
		if (argv[i][0] != '-' || argv[i][1] == '\0') {
			argv[kept++] = argv[i];
			continue;
		}
		if (!word_take(tables, argc, argv, &i, &o, e))
			return false;
		for (int k = 0; k < n; k++)
			if (seen[k] == o)
				return err_set(e, ERR_USAGE,
				    "--%s is given twice", o->name);
		if (n < SEEN_MAX && o->type != OPT_LIST)
			seen[n++] = o;
	}
	rest->v = argv + 1;
	rest->n = kept - 1;
	return true;
}

/* "-l, --level LEVEL" */
static int
name_print(const struct opt *o, FILE *to)
{
	char letter[8] = "    ";

	if (o->letter != '\0')
		snprintf(letter, sizeof letter, "-%c, ", o->letter);
	if (o->bare != NULL)
		return fprintf(to, "  %s--%s[=%s]", letter, o->name, o->arg);
	return fprintf(to, "  %s--%s%s%s", letter, o->name,
	    o->arg != NULL ? " " : "", o->arg != NULL ? o->arg : "");
}

void
opt_help(const struct opt *const *tables, FILE *to)
{
	enum { COLUMN = 30 };

	for (; *tables != NULL; tables++)
		for (const struct opt *o = *tables; o->type != OPT_END; o++) {
			int n = name_print(o, to);

			if (n >= COLUMN)
				n = fprintf(to, "\n") - 1;
			fprintf(to, "%*s%s\n", COLUMN - n, "", o->help);
		}
}
