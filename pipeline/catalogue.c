/* catalogue.c -- see catalogue.h. */
#include "pipeline/catalogue.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pipeline/failure.h"
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

/* *text stays NULL when there is no such object.  known: it is there. */
static bool
text_read(struct store *s, const struct catalogue_name *n, const char *object,
    size_t max, bool known, char **text, size_t *len, struct err *e)
{
	char *key = catalogue_key(n, object, e);
	struct store_object about;
	bool found = known;
	bool ok =
	    key != NULL && (known || store_stat(s, key, &found, &about, e));

	*text = NULL;
	*len = 0;
	if (ok && found)
		ok = store_read(s, key, max, text, len, e);
	free(key);
	return ok;
}

bool
catalogue_text(struct store *s, const struct catalogue_name *n, char **text,
    size_t *len, struct err *e)
{
	if (!text_read(s, n, MANIFEST_NAME, MANIFEST_MAX, false, text, len, e))
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

bool
catalogue_hold(struct store *s, const struct catalogue_name *n, bool *found,
    struct hold *h, struct err *e)
{
	char *text;
	size_t len;
	bool ok = text_read(s, n, HOLD_NAME, HOLD_MAX, false, &text, &len, e);

	*found = ok && text != NULL;
	if (*found)
		ok = hold_read(h, text, len, e);
	free(text);
	return ok || err_in(e, HOLD_NAME " of %s/%s", n->instance, n->id);
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

/* What a listing shows of a backup or an attempt. */
struct place_in {
	struct catalogue_name name;
	bool manifest, hold, failure; /* is there one? */
	int64_t changed;
};

/* Called for each of them, until it returns false. */
typedef bool one_id_fn(void *arg, const struct place_in *, struct err *);

struct gathering {
	size_t skip; /* bytes of "instance/" */
	const char *instance;
	struct json_list places; /* of struct place_in */
};

/* One object: of the place seen last, or of a new one. */
static bool
object_note(void *arg, const struct store_object *o, struct err *e)
{
	struct gathering *g = arg;
	const char *id = o->key + g->skip, *object = strchr(id, '/');
	struct place_in *p = NULL;
	char text[IDENT_MAX + 1];

	if (object == NULL || (size_t)(object - id) > IDENT_MAX)
		return true;
	snprintf(text, sizeof text, "%.*s", (int)(object - id), id);
	if (!ident_id_ok(text))
		return true;
	if (g->places.n > 0)
		p = (struct place_in *)g->places.item + g->places.n - 1;
	if (p == NULL || strcmp(p->name.id, text) != 0) {
		if ((p = json_list_add(&g->places, sizeof *p, e)) == NULL)
			return false;
		snprintf(p->name.instance, sizeof p->name.instance, "%s",
		    g->instance);
		memcpy(p->name.id, text, sizeof text);
	}
	p->manifest = p->manifest || strcmp(object + 1, MANIFEST_NAME) == 0;
	p->hold = p->hold || strcmp(object + 1, HOLD_NAME) == 0;
	p->failure = p->failure || strcmp(object + 1, FAILURE_NAME) == 0;
	if (o->modified_ms > p->changed)
		p->changed = o->modified_ms;
	return true;
}

static bool
ids_each(struct store *s, const char *instance, one_id_fn *each, void *arg,
    struct err *e)
{
	struct gathering g = { .instance = instance,
		.skip = strlen(instance) + 1 };
	char prefix[IDENT_MAX + 2];
	bool ok;

	snprintf(prefix, sizeof prefix, "%s/", instance);
	ok = store_list(s, prefix, object_note, &g, e);
	for (size_t i = 0; ok && i < g.places.n; i++)
		ok = each(arg, (struct place_in *)g.places.item + i, e);
	free(g.places.item);
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

/* An attempt: fault is why it came to nothing, as far as that is known. */
static bool
attempt_find(struct store *s, const struct place_in *p,
    struct catalogue_entry *entry, struct err *fault)
{
	struct failure f = { 0 };
	struct err why = { 0 };
	char *text = NULL;
	size_t len;

	err_set(fault, ERR_DATA, "no manifest");
	entry->kind = BACKUP_UNFINISHED;
	if (!p->failure)
		return true;
	if (text_read(s, &p->name, FAILURE_NAME, FAILURE_MAX, true, &text, &len,
		&why) &&
	    failure_read(&f, text, len, &why)) {
		entry->kind = BACKUP_FAILED;
		err_set(fault, ERR_DATA, "plan %s: %s", f.plan, f.reason);
	}
	failure_release(&f);
	free(text);
	if (why.kind == ERR_SIGNAL)
		*fault = why;
	return why.kind != ERR_SIGNAL;
}

/* What kind of thing is at a place; false: stop. */
static bool
kind_find(struct store *s, const struct place_in *p,
    struct catalogue_entry *entry, struct manifest *m, struct err *fault)
{
	char *text;
	size_t len;

	if (!p->manifest)
		return attempt_find(s, p, entry, fault);
	if (text_read(s, &p->name, MANIFEST_NAME, MANIFEST_MAX, true, &text,
		&len, fault) &&
	    manifest_parse(&p->name, text, len, m, fault)) {
		entry->kind = BACKUP_GOOD;
		entry->manifest = m;
	} else {
		if (fault->kind == ERR_SIGNAL)
			return false;
		entry->kind = BACKUP_BROKEN;
	}
	free(text);
	return true;
}

/* Is it held?  A hold that cannot be read holds. */
static bool
hold_find(struct store *s, const struct place_in *p,
    struct catalogue_entry *entry, struct hold *h, struct err *e)
{
	struct err why;
	bool found;

	entry->held = entry->manifest != NULL && entry->manifest->hold;
	if (!p->hold)
		return true;
	if (catalogue_hold(s, &p->name, &found, h, &why)) {
		if (found) {
			entry->hold = h;
			entry->held = h->hold;
		}
		return true;
	}
	entry->held = true;
	if (why.kind == ERR_SIGNAL) {
		*e = why;
		return false;
	}
	say("%s; so it is held", why.text);
	return true;
}

static bool
entry_make(void *arg, const struct place_in *p, struct err *e)
{
	const struct listing *l = arg;
	struct catalogue_entry entry = { .instance = p->name.instance,
		.id = p->name.id,
		.changed = p->changed };
	struct manifest m = { 0 };
	struct hold h = { 0 };
	struct err fault;
	bool ok;

	if (!kind_find(l->store, p, &entry, &m, &fault)) {
		*e = fault;
		return false;
	}
	if (entry.kind != BACKUP_GOOD)
		entry.fault = &fault;
	ok =
	    hold_find(l->store, p, &entry, &h, e) && l->each(l->arg, &entry, e);
	manifest_release(&m);
	hold_release(&h);
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
name_match(void *arg, const struct place_in *p, struct err *e)
{
	const struct catalogue_name *n = &p->name;
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
			bool good = m.state == STATE_COMPLETE;

			manifest_release(&m);
			*to = hit[i];
			if (good)
				return true;
			err_set(&fault, ERR_DATA, "%s/%s is suspect",
			    hit[i].instance, hit[i].id);
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

/* --- removing --- */

/* The manifest in front of all others. */
static bool
manifest_remove(struct store *s, const struct catalogue_name *n, struct err *e)
{
	char *key = catalogue_key(n, MANIFEST_NAME, e);
	struct store_object about;
	bool found = false;
	bool ok = key != NULL && store_stat(s, key, &found, &about, e) &&
	    (!found || store_remove(s, key, e));

	free(key);
	return ok;
}

bool
catalogue_remove(struct store *s, const struct catalogue_name *n, struct err *e)
{
	struct json_list keys = { 0 };
	char *prefix = catalogue_key(n, "", e);
	bool ok = prefix != NULL && manifest_remove(s, n, e) &&
	    store_list(s, prefix, name_keep, &keys, e);

	for (size_t i = 0; ok && i < keys.n; i++)
		ok = store_remove(s, ((char **)keys.item)[i], e);
	names_release(&keys);
	free(prefix);
	return ok || err_in(e, "cannot remove %s/%s", n->instance, n->id);
}
