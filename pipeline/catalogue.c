/* catalogue.c -- see catalogue.h. */
#include "pipeline/catalogue.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pipeline/say.h"

char *
catalogue_key(const struct catalogue_name *n, const char *object, struct err *e)
{
	char *key;

	if (asprintf(&key, "%s/%s/%s", n->instance, n->id, object) == -1) {
		err_sys(e, "cannot name %s", object);
		return NULL;
	}
	return key;
}

/* --- reading one --- */

/* All bytes of a source, which must not be more than a manifest may have. */
static bool
source_gather(struct source *from, char **text, size_t *len, struct err *e)
{
	struct span chunk;
	char *more;

	for (*len = 0;; *len += chunk.len) {
		if (!source_next(from, &chunk, e))
			return false;
		if (chunk.len == 0)
			return true;
		if (chunk.len > MANIFEST_MAX - *len)
			return err_set(
			    e, ERR_DATA, "longer than %d bytes", MANIFEST_MAX);
		if ((more = realloc(*text, *len + chunk.len + 1)) == NULL)
			return err_sys(e, "cannot read a manifest");
		*text = more;
		memcpy(more + *len, chunk.ptr, chunk.len);
		more[*len + chunk.len] = '\0';
	}
}

/* *text stays NULL when there is no manifest. */
static bool
text_read(struct store *s, const struct catalogue_name *n, char **text,
    size_t *len, struct err *e)
{
	char *key = catalogue_key(n, MANIFEST_NAME, e);
	struct store_object about;
	struct source *from = NULL;
	bool found = false;
	bool ok = key != NULL && store_stat(s, key, &found, &about, e);

	*text = NULL;
	*len = 0;
	if (ok && found) {
		from = store_get(s, key, e);
		ok = from != NULL && source_gather(from, text, len, e);
		if (ok && *text == NULL && (*text = calloc(1, 1)) == NULL)
			ok = err_sys(e, "cannot read a manifest");
	}
	if (!ok) {
		free(*text);
		*text = NULL;
	}
	source_free(from);
	free(key);
	return ok;
}

bool
catalogue_text(struct store *s, const struct catalogue_name *n, char **text,
    size_t *len, struct err *e)
{
	if (!text_read(s, n, text, len, e))
		return err_in(e, "manifest of %s/%s", n->instance, n->id);
	return *text != NULL ||
	    err_set(e, ERR_DATA,
		"%s/%s has no manifest: that backup was not finished",
		n->instance, n->id);
}

static bool
manifest_parse(const struct catalogue_name *n, const char *text, size_t len,
    struct manifest *m, struct err *e)
{
	if (!manifest_read(m, text, len, e))
		return false;
	if (strcmp(m->id, n->id) == 0 && strcmp(m->instance, n->instance) == 0)
		return true;
	err_set(e, ERR_DATA, "is that of %s/%s, in the wrong place",
	    m->instance, m->id);
	manifest_release(m);
	return false;
}

bool
catalogue_read(struct store *s, const struct catalogue_name *n,
    struct manifest *m, struct err *e)
{
	char *text;
	size_t len;
	bool ok;

	if (!catalogue_text(s, n, &text, &len, e))
		return false;
	ok = manifest_parse(n, text, len, m, e);
	free(text);
	return ok || err_in(e, "manifest of %s/%s", n->instance, n->id);
}

/* --- names --- */

static bool
name_keep(void *arg, const struct store_object *o, struct err *e)
{
	char **name = json_list_add(arg, sizeof *name, e);

	if (name == NULL)
		return false;
	*name = strdup(o->key);
	return *name != NULL || err_sys(e, "cannot list");
}

static void
names_release(struct json_list *l)
{
	for (size_t i = 0; i < l->n; i++)
		free(((char **)l->item)[i]);
	free(l->item);
	*l = (struct json_list){ 0 };
}

/* What one_id() is called for, until it returns false. */
typedef bool one_id_fn(void *arg, const struct catalogue_name *, struct err *);

static bool
ids_each(struct store *s, const char *instance, one_id_fn *each, void *arg,
    struct err *e)
{
	struct json_list ids = { 0 };
	struct catalogue_name n = { "", "" };
	char prefix[IDENT_MAX + 2];
	bool ok;

	snprintf(prefix, sizeof prefix, "%s/", instance);
	ok = store_list_folders(s, prefix, name_keep, &ids, e);
	for (size_t i = 0; ok && i < ids.n; i++) {
		const char *id = ((char **)ids.item)[i];

		if (!ident_id_ok(id))
			continue;
		snprintf(n.instance, sizeof n.instance, "%s", instance);
		snprintf(n.id, sizeof n.id, "%s", id);
		ok = each(arg, &n, e);
	}
	names_release(&ids);
	return ok;
}

static bool
names_each(struct store *s, const char *instance, one_id_fn *each, void *arg,
    struct err *e)
{
	struct json_list instances = { 0 };
	bool ok;

	if (instance != NULL)
		return ids_each(s, instance, each, arg, e);
	ok = store_list_folders(s, "", name_keep, &instances, e);
	for (size_t i = 0; ok && i < instances.n; i++) {
		const char *name = ((char **)instances.item)[i];

		if (ident_instance_ok(name))
			ok = ids_each(s, name, each, arg, e);
	}
	names_release(&instances);
	return ok;
}

/* --- the list --- */

struct listing {
	struct store *store;
	catalogue_each_fn *each;
	void *arg;
};

static bool
entry_make(void *arg, const struct catalogue_name *n, struct err *e)
{
	const struct listing *l = arg;
	struct catalogue_entry entry = { n->instance, n->id, BACKUP_GOOD, NULL,
		NULL };
	struct manifest m;
	struct err fault;
	char *text;
	size_t len;
	bool ok;

	if (!text_read(l->store, n, &text, &len, &fault)) {
		if (fault.kind == ERR_SIGNAL) {
			*e = fault;
			return false;
		}
		entry.kind = BACKUP_BROKEN;
	} else if (text == NULL) {
		err_set(&fault, ERR_DATA, "no manifest");
		entry.kind = BACKUP_UNFINISHED;
	} else if (!manifest_parse(n, text, len, &m, &fault))
		entry.kind = BACKUP_BROKEN;
	free(text);
	if (entry.kind == BACKUP_GOOD)
		entry.manifest = &m;
	else
		entry.fault = &fault;
	ok = l->each(l->arg, &entry, e);
	if (entry.kind == BACKUP_GOOD)
		manifest_release(&m);
	return ok;
}

bool
catalogue_each(struct store *s, const char *instance, catalogue_each_fn *each,
    void *arg, struct err *e)
{
	struct listing l = { s, each, arg };

	return names_each(s, instance, entry_make, &l, e);
}

/* --- finding --- */

struct search {
	struct store *store;
	const char *word;
	bool latest;
	struct json_list hits; /* of struct catalogue_name */
};

static bool
name_match(void *arg, const struct catalogue_name *n, struct err *e)
{
	struct search *q = arg;
	struct catalogue_name *hit;

	if (!q->latest && strncmp(n->id, q->word, strlen(q->word)) != 0)
		return true;
	if ((hit = json_list_add(&q->hits, sizeof *hit, e)) == NULL)
		return false;
	*hit = *n;
	return true;
}

/* Several fit: name the first few. */
static bool
several(const struct search *q, const char *word, struct err *e)
{
	const struct catalogue_name *hit = q->hits.item;
	char list[300] = "";
	size_t n = 0, i;

	for (i = 0; i < q->hits.n && n + 60 < sizeof list; i++)
		n += (size_t)snprintf(list + n, sizeof list - n, "%s%.40s/%s",
		    i > 0 ? ", " : "", hit[i].instance, hit[i].id);
	if (n >= sizeof list)
		n = sizeof list - 1;
	return err_set(e, ERR_USAGE, "%s could be any of %zu backups: %s%s",
	    word, q->hits.n, list, i == q->hits.n ? "" : ", ...");
}

/* The newest of the hits that is good; all must be of one instance. */
static bool
latest_pick(const struct search *q, struct catalogue_name *to, struct err *e)
{
	const struct catalogue_name *hit = q->hits.item;
	struct manifest m;
	size_t i = q->hits.n;

	for (size_t k = 1; k < q->hits.n; k++)
		if (strcmp(hit[k].instance, hit[0].instance) != 0)
			return err_set(e, ERR_USAGE,
			    "latest of which instance? there are several, such "
			    "as %s and %s: say --instance or INSTANCE/latest",
			    hit[0].instance, hit[k].instance);
	while (i-- > 0) {
		struct err fault;

		if (catalogue_read(q->store, &hit[i], &m, &fault)) {
			manifest_release(&m);
			*to = hit[i];
			return true;
		}
		if (fault.kind == ERR_SIGNAL) {
			*e = fault;
			return false;
		}
		say("passed over: %s", fault.text);
	}
	return err_set(e, ERR_USAGE, "no good backup found for \"latest\"");
}

static bool
hit_pick(const struct search *q, const char *word, struct catalogue_name *to,
    struct err *e)
{
	const struct catalogue_name *hit = q->hits.item;
	char shown[100];

	if (q->hits.n == 0)
		return err_set(e, ERR_USAGE, "no backup \"%s\" here",
		    err_quote(shown, sizeof shown, word, strlen(word)));
	if (q->hits.n > 1)
		return several(q, word, e);
	*to = hit[0];
	return true;
}

bool
catalogue_find(struct store *s, const char *instance, const char *word,
    struct catalogue_name *to, struct err *e)
{
	const char *slash = strchr(word, '/');
	struct search q = { .store = s, .word = word };
	char before[IDENT_MAX + 1];
	bool ok;

	if (slash != NULL) {
		snprintf(
		    before, sizeof before, "%.*s", (int)(slash - word), word);
		if (!ident_instance_ok(before))
			return err_set(e, ERR_USAGE,
			    "'%s': a backup is ID or INSTANCE/ID", word);
		if (instance != NULL && strcmp(instance, before) != 0)
			return err_set(e, ERR_USAGE, "%s is not of instance %s",
			    word, instance);
		instance = before;
		q.word = slash + 1;
	}
	if (*q.word == '\0')
		return err_set(e, ERR_USAGE, "a backup's id is empty");
	q.latest = strcmp(q.word, "latest") == 0;
	ok = names_each(s, instance, name_match, &q, e) &&
	    (q.latest ? latest_pick(&q, to, e) : hit_pick(&q, word, to, e));
	free(q.hits.item);
	return ok;
}
