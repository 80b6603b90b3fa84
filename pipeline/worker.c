/* worker.c -- see worker.h. */
#include "pipeline/worker.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "pipeline/place.h"
#include "pipeline/say.h"

#define WORD_MAX  256 /* bytes of an object that holds an id */
#define SETTLE_MS 1000

static bool
exists(struct store *s, const char *key, bool *found, struct err *e)
{
	struct store_object about;

	return store_stat(s, key, found, &about, e);
}

/* Put it unless it is there.  A put that fails although nothing is there has
 * failed for another reason. */
static bool
put_once(struct store *s, const char *key, const char *text, bool *ours,
    struct err *e)
{
	struct err why;
	bool found;

	*ours = place_write(s, key, text, &why);
	if (*ours)
		return true;
	if (why.kind == ERR_REMOTE && exists(s, key, &found, e) && found)
		return true;
	*e = why;
	return false;
}

/* --- the id --- */

/* A store that only looks before it puts may have let two of us win: wait
 * until both have put, then believe what is there. */
static void
settle(const char *url)
{
	const struct timespec nap = { SETTLE_MS / 1000,
		SETTLE_MS % 1000 * 1000 * 1000 };

	if (store_is_remote(url))
		nanosleep(&nap, NULL);
}

static bool
id_read(struct store *s, const char *key, char *id, struct err *e)
{
	char *text;
	size_t len;
	bool ok;

	if (!store_read(s, key, WORD_MAX, &text, &len, e))
		return false;
	text[strcspn(text, "\n")] = '\0';
	ok = strlen(text) <= IDENT_MAX && ident_id_ok(text);
	if (ok)
		memcpy(id, text, strlen(text) + 1);
	else
		err_set(e, ERR_DATA, "%s holds no id", store_url_of(s, key));
	free(text);
	return ok;
}

bool
worker_join(struct store *s, const char *instance, const char *word, char *id,
    struct err *e)
{
	char key[2 * IDENT_MAX + 8], text[IDENT_MAX + 2];
	bool ours;

	if (!ident_object_ok(word))
		return err_set(e, ERR_USAGE,
		    "--join wants a word of letters, digits, '.', '_' and '-'");
	snprintf(key, sizeof key, "%s/set-%s", instance, word);
	snprintf(text, sizeof text, "%s\n", id);
	if (!put_once(s, key, text, &ours, e))
		return false;
	if (ours)
		settle(store_url_of(s, key));
	return id_read(s, key, id, e) ||
	    err_in(e, "cannot join the set %s", word);
}

/* --- records --- */

static char *
record_key(const struct catalogue_name *name, size_t shard, struct err *e)
{
	char object[32];

	snprintf(object, sizeof object, "part-%04u.json", (unsigned)shard);
	return catalogue_key(name, object, e);
}

bool
worker_has(struct store *s, const struct catalogue_name *name, size_t shard,
    bool *has, struct err *e)
{
	char *key = record_key(name, shard, e);
	bool ok = key != NULL && exists(s, key, has, e);

	free(key);
	return ok;
}

bool
worker_record(struct store *s, const struct catalogue_name *name, size_t shard,
    const struct manifest *part, bool *ours, struct err *e)
{
	char *key = record_key(name, shard, e), *text = NULL;
	bool ok = key != NULL && manifest_print(part, &text, e) &&
	    put_once(s, key, text, ours, e);

	free(text);
	free(key);
	return ok;
}

/* *found false: it is not there. */
static bool
record_read(struct store *s, const struct catalogue_name *name, size_t shard,
    bool *found, struct manifest *part, struct err *e)
{
	char *key = record_key(name, shard, e), *text = NULL;
	size_t len;
	bool ok = key != NULL && exists(s, key, found, e);

	if (ok && *found)
		ok = store_read(s, key, MANIFEST_MAX, &text, &len, e) &&
		    (manifest_read_part(part, text, len, e) ||
			err_in(e, "%s", key));
	if (ok && *found &&
	    (strcmp(part->id, name->id) != 0 ||
		strcmp(part->instance, name->instance) != 0)) {
		manifest_release(part);
		ok = err_set(e, ERR_DATA, "%s is of another set", key);
	}
	free(text);
	free(key);
	return ok;
}

/* The part's shard goes over to the whole. */
static bool
part_add(struct manifest *whole, struct manifest *part, struct err *e)
{
	struct manifest_shard *to;

	if (whole->shards.n == 0) {
		*whole = *part;
		memset(part, 0, sizeof *part);
		return true;
	}
	if ((to = json_list_add(&whole->shards, sizeof *to, e)) == NULL)
		return false;
	*to = *manifest_shard(part, 0);
	memset(manifest_shard(part, 0), 0, sizeof *to);
	if (part->started < whole->started)
		whole->started = part->started;
	if (part->finished > whole->finished)
		whole->finished = part->finished;
	return true;
}

bool
worker_gather(struct store *s, const struct catalogue_name *name, size_t n,
    size_t *have, struct manifest *whole, struct err *e)
{
	bool ok = true, found = false;

	memset(whole, 0, sizeof *whole);
	*have = 0;
	for (size_t i = 0; ok && i < n; i++) {
		struct manifest part = { 0 };

		ok = record_read(s, name, i, &found, &part, e);
		if (ok && found) {
			++*have;
			ok = part_add(whole, &part, e);
		}
		manifest_release(&part);
	}
	if (!ok || *have < n) {
		manifest_release(whole);
		return ok;
	}
	whole->skew_ms = manifest_skew(whole);
	whole->format = manifest_format(whole);
	return true;
}

/* --- the end --- */

bool
worker_publish(struct store *s, const struct catalogue_name *name,
    const char *text, bool *ours, struct err *e)
{
	char *key = catalogue_key(name, MANIFEST_NAME, e);
	bool ok = key != NULL && put_once(s, key, text, ours, e);

	free(key);
	return ok;
}

struct tidying {
	const struct manifest *m;
	size_t skip; /* bytes in front of an object's name */
	struct json_list keys;
};

/* Is it ours to remove? */
static bool
is_needed(const struct manifest *m, const char *object)
{
	if (strncmp(object, "part-", 5) == 0)
		return false;
	for (size_t i = 0; i < m->shards.n; i++)
		if (strcmp(manifest_shard(m, i)->object.name, object) == 0)
			return true;
	return strncmp(object, "shard-", 6) != 0;
}

static bool
tidy_note(void *arg, const struct store_object *o, struct err *e)
{
	struct tidying *t = arg;
	char **key;

	if (is_needed(t->m, o->key + t->skip))
		return true;
	if ((key = json_list_add(&t->keys, sizeof *key, e)) == NULL)
		return false;
	*key = strdup(o->key);
	return *key != NULL || err_sys(e, "cannot list");
}

void
worker_tidy(struct store *s, const struct catalogue_name *name,
    const struct manifest *m)
{
	struct tidying t = { .m = m };
	char *prefix;
	struct err e;

	if ((prefix = catalogue_key(name, "", &e)) == NULL)
		return;
	t.skip = strlen(prefix);
	if (!store_list(s, prefix, tidy_note, &t, &e))
		say("cannot look for what is left over: %s", e.text);
	for (size_t i = 0; i < t.keys.n; i++) {
		char *key = ((char **)t.keys.item)[i];

		if (key != NULL && !store_remove(s, key, &e))
			say("left behind: %s: %s", store_url_of(s, key),
			    e.text);
		free(key);
	}
	free(t.keys.item);
	free(prefix);
}
