/* backup.c -- see backup.h: the name, the chain, the manifest, in this order. */
#include "pipeline/backup.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>

#include "pipeline/moment.h"
#include "pipeline/place.h"
#include "pipeline/proof.h"
#include "pipeline/route.h"
#include "pipeline/say.h"
#include "rdb/slot.h"
#include "stages/kit/clock.h"
#include "stages/kit/stop.h"

#define OBJECT      "shard-0000.rdb.zst"
#define ID_TRIES_MS 30000 /* for a second that no other backup has taken */

struct backup {
	const struct backup_how *how;
	struct catalogue_name name;
	char *key; /* of the object */
	struct chain chain;
	struct manifest manifest;
	char *text; /* the manifest's */
};

/* --- the name --- */

static bool
taken(void *arg, const struct store_object *o, struct err *e)
{
	(void)o;
	(void)e;
	*(bool *)arg = true;
	return true;
}

/* The first second from now on in which nothing was begun. */
static bool
id_pick(struct backup *b, struct err *e)
{
	const struct timespec nap = { 0, 100 * 1000 * 1000 };
	char prefix[2 * IDENT_MAX], stamp[STAMP_LEN + 1];
	bool used = true;

	for (int64_t ms = 0; used && ms < ID_TRIES_MS; ms += 100) {
		if (ms > 0)
			nanosleep(&nap, NULL);
		b->manifest.started = clock_wall();
		moment_stamp(b->manifest.started, stamp);
		snprintf(
		    prefix, sizeof prefix, "%s/%s", b->name.instance, stamp);
		used = false;
		if (!store_list(b->how->store, prefix, taken, &used, e) ||
		    !stop_check(e))
			return false;
	}
	snprintf(b->name.id, sizeof b->name.id, "%s-%s", stamp,
	    manifest_types[b->how->type]);
	return !used ||
	    err_set(e, ERR_REMOTE, "no id is free: %s exists already", prefix);
}

/* --- the manifest --- */

static bool
text_keep(char **to, const char *text, struct err *e)
{
	*to = strdup(text);
	return *to != NULL || err_sys(e, "cannot make the manifest");
}

/* What the server said of itself; or, where an ACL forbids INFO, the file. */
static bool
engine_fill(struct backup *b, struct err *e)
{
	const char *name = chain_fact(&b->chain, "rdb-capture", "engine");
	const char *version =
	    chain_fact(&b->chain, "rdb-capture", "engine-version");
	const char *valkey =
	    chain_fact(&b->chain, "rdb-verify", "aux.valkey-ver");
	const char *redis =
	    chain_fact(&b->chain, "rdb-verify", "aux.redis-ver");

	if (name == NULL || *name == '\0')
		name = valkey != NULL ? "valkey" : "redis";
	if (version == NULL || *version == '\0')
		version = valkey != NULL ? valkey :
		    redis != NULL        ? redis :
					   "unknown";
	return text_keep(&b->manifest.engine, name, e) &&
	    text_keep(&b->manifest.version, version, e);
}

static bool
commands_fill(struct backup *b, struct err *e)
{
	for (size_t i = 0; i < b->chain.n; i++) {
		char **text =
		    json_list_add(&b->manifest.chain, sizeof *text, e);

		if (text == NULL ||
		    !command_text(&b->chain.link[i].command, false, text, e))
			return false;
	}
	return true;
}

/* All masters of a cluster in one object: all slots. */
static bool
cluster_fill(struct backup *b, struct manifest_shard *s, struct err *e)
{
	struct manifest_slots *all;

	if (chain_fact(&b->chain, "rdb-capture", "masters") == NULL)
		return true;
	all = json_list_add(&s->slots, sizeof *all, e);
	if (all == NULL)
		return false;
	all->last = RDB_SLOTS - 1;
	b->manifest.topology = TOPOLOGY_CLUSTER;
	return true;
}

static bool
shard_fill(struct backup *b, struct err *e)
{
	struct manifest_shard *s =
	    json_list_add(&b->manifest.shards, sizeof *s, e);

	return s != NULL && proof_shard(&b->chain, s, e) &&
	    cluster_fill(b, s, e) &&
	    text_keep(&s->source.url, b->how->from->url, e) &&
	    text_keep(&s->object.name, OBJECT, e);
}

/* All of it, from what the chain's programs said. */
static bool
manifest_fill(struct backup *b, struct err *e)
{
	const struct backup_how *how = b->how;
	struct manifest *m = &b->manifest;

	m->type = how->type;
	m->expires = how->expires;
	m->hold = how->hold;
	m->finished = clock_wall();
	if (m->finished < m->started) /* the clock was set back meanwhile */
		m->finished = m->started;
	if (!text_keep(&m->id, b->name.id, e) ||
	    !text_keep(&m->instance, b->name.instance, e) ||
	    (how->remark != NULL && !text_keep(&m->remark, how->remark, e)) ||
	    !text_keep(&m->tool, "rdbpipe " RDBPIPE_VERSION, e) ||
	    !engine_fill(b, e) || !shard_fill(b, e) || !commands_fill(b, e))
		return false;
	m->format = manifest_shard(m, 0)->source.via == VIA_PSYNC ?
	    MANIFEST_FORMAT :
	    MANIFEST_FORMAT_SCAN;
	return how->publish == NULL || how->publish(how->arg, m, e);
}

/* Print the manifest, and read it as everybody will: strictly. */
static bool
manifest_seal(struct backup *b, struct err *e)
{
	struct manifest back;

	if (!manifest_print(&b->manifest, &b->text, e))
		return false;
	if (!manifest_read(&back, b->text, strlen(b->text), e)) {
		e->kind = ERR_BUG;
		return err_in(e, "the new manifest is refused");
	}
	manifest_release(&back);
	return true;
}

static bool
manifest_write(struct backup *b, struct err *e)
{
	char *key = catalogue_key(&b->name, MANIFEST_NAME, e);
	bool ok = key != NULL && stop_check(e) &&
	    place_write(b->how->store, key, b->text, e);

	free(key);
	return ok || err_in(e, "no manifest, so no backup");
}

/* --- the story --- */

static bool
agree(const struct chain *c, void *arg, struct err *e)
{
	(void)arg;
	return proof_flow(c, e);
}

static bool
prepare(struct backup *b, struct err *e)
{
	const struct backup_how *how = b->how;
	char level[24];

	if (how->remark != NULL && !json_text_ok(how->remark))
		return err_set(e, ERR_USAGE, "the remark is not UTF-8");
	snprintf(
	    b->name.instance, sizeof b->name.instance, "%s", how->instance);
	if (!id_pick(b, e) ||
	    (b->key = catalogue_key(&b->name, OBJECT, e)) == NULL)
		return false;
	snprintf(level, sizeof level, "%" PRId64, how->level);
	route_backup(&b->chain, how->from, store_url_of(how->store, b->key),
	    how->via, how->level > 0 ? level : NULL);
	b->chain.agree = agree;
	return true;
}

/*
 * Is the object ours, or may it be?  A sink that failed by itself has taken
 * back what it published, so what is there belongs to another backup that has
 * the same id; one that was killed may have published first.
 */
static bool
object_is_ours(const struct backup *b)
{
	int status = b->chain.link[b->chain.n - 1].status;

	return b->chain.went &&
	    (status == 0 || WIFSIGNALED(status) || WEXITSTATUS(status) > 128);
}

/* The object was or may have been published, but there is no backup: remove
 * it.  What went wrong first is what is reported. */
static void
object_remove(struct backup *b)
{
	struct store_object about;
	struct err e;
	bool found = false;

	if (!store_stat(b->how->store, b->key, &found, &about, &e) ||
	    (found && !store_remove(b->how->store, b->key, &e)))
		say("left behind: %s: %s", store_url_of(b->how->store, b->key),
		    e.text);
}

static bool
work(struct backup *b, struct err *e)
{
	bool ok;

	if (b->how->dry_run) {
		endpoint_hint(b->how->from);
		return route_print(&b->chain, e);
	}
	if (!route_say(&b->chain, e))
		return false;
	ok = chain_run(&b->chain, e) && proof_flow(&b->chain, e) &&
	    manifest_fill(b, e) && manifest_seal(b, e) && manifest_write(b, e);
	if (!ok && object_is_ours(b))
		object_remove(b);
	return ok;
}

static void
done_fill(const struct backup *b, struct backup_done *done)
{
	memset(done, 0, sizeof *done);
	snprintf(done->id, sizeof done->id, "%s", b->name.id);
	done->state = b->manifest.state;
	done->started = b->manifest.started;
	done->finished = b->manifest.finished;
	done->total = manifest_total(&b->manifest);
}

bool
backup_take(
    const struct backup_how *how, struct backup_done *done, struct err *e)
{
	struct backup b = { .how = how };
	bool ok = prepare(&b, e) && work(&b, e);

	done_fill(&b, done);
	chain_release(&b.chain);
	manifest_release(&b.manifest);
	free(b.text);
	free(b.key);
	return ok;
}
