/* backup.c -- see backup.h: the name, the chains, the manifest, in this order. */
#include "pipeline/backup.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "pipeline/moment.h"
#include "pipeline/pause.h"
#include "pipeline/place.h"
#include "pipeline/proof.h"
#include "pipeline/route.h"
#include "pipeline/say.h"
#include "pipeline/set.h"
#include "pipeline/sidecar.h"
#include "pipeline/worker.h"
#include "rdb/slot.h"
#include "stages/kit/clock.h"
#include "stages/kit/stop.h"

#define ID_TRIES_MS 30000 /* for a second that no other backup has taken */

/* One shard on its way. */
struct part {
	const struct endpoint *from;     /* borrowed */
	const struct set_member *member; /* borrowed; NULL: no cluster */
	size_t number;                   /* of the shard, in the set */
	char object[48];
	char *key;
};

struct backup {
	const struct backup_how *how;
	struct catalogue_name name;
	struct set set; /* of a cluster */
	bool is_set;
	struct part *part; /* n of them, and as many chains */
	struct chain *chain;
	size_t n;
	struct pause pause; /* of a consistent set */
	struct manifest manifest;
	char *text;    /* the manifest's */
	char *sidecar; /* the key of what is beside the shards; NULL: none */
	bool published;
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

/* The id of a backup that begins at manifest.started. */
static void
id_make(struct backup *b)
{
	char stamp[STAMP_LEN + 1];

	moment_stamp(b->manifest.started, stamp);
	snprintf(b->name.id, sizeof b->name.id, "%s-%s", stamp,
	    manifest_types[b->how->type]);
}

/* Is there a manifest already?  Then b has it. */
static bool
is_published(struct backup *b, struct err *e)
{
	struct store_object about;
	char *key = catalogue_key(&b->name, MANIFEST_NAME, e);
	bool ok = key != NULL &&
	    store_stat(b->how->store, key, &b->published, &about, e);

	free(key);
	if (ok && b->published)
		ok = catalogue_read(b->how->store, &b->name, &b->manifest, e);
	return ok;
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
	const struct chain *c = &b->chain[0];
	const char *name = chain_fact(c, "rdb-capture", "engine");
	const char *version = chain_fact(c, "rdb-capture", "engine-version");
	const char *valkey = chain_fact(c, "rdb-verify", "aux.valkey-ver");
	const char *redis = chain_fact(c, "rdb-verify", "aux.redis-ver");

	if (name == NULL || *name == '\0')
		name = valkey != NULL ? "valkey" : "redis";
	if (version == NULL || *version == '\0')
		version = valkey != NULL ? valkey :
		    redis != NULL        ? redis :
					   "unknown";
	return text_keep(&b->manifest.engine, name, e) &&
	    text_keep(&b->manifest.version, version, e);
}

/* Those of the first shard: the others differ in server and object. */
static bool
commands_fill(struct backup *b, struct err *e)
{
	const struct chain *c = &b->chain[0];

	for (size_t i = 0; i < c->n; i++) {
		char **text =
		    json_list_add(&b->manifest.chain, sizeof *text, e);

		if (text == NULL ||
		    !command_text(&c->link[i].command, false, text, e))
			return false;
	}
	return true;
}

/* The slots of a member; or, all masters in one object, all of them. */
static bool
slots_fill(struct backup *b, size_t i, struct manifest_shard *s, struct err *e)
{
	const struct set_member *m = b->part[i].member;
	struct manifest_slots *range;

	if (m == NULL &&
	    chain_fact(&b->chain[i], "rdb-capture", "masters") == NULL)
		return true;
	b->manifest.topology = TOPOLOGY_CLUSTER;
	for (size_t k = 0; k < (m != NULL ? m->slots.n : 1); k++) {
		if ((range = json_list_add(&s->slots, sizeof *range, e)) ==
		    NULL)
			return false;
		if (m != NULL)
			*range = ((struct manifest_slots *)m->slots.item)[k];
		else
			range->last = RDB_SLOTS - 1;
	}
	return true;
}

static bool
shard_fill(struct backup *b, size_t i, struct err *e)
{
	struct manifest_shard *s =
	    json_list_add(&b->manifest.shards, sizeof *s, e);

	if (s == NULL || !proof_shard(&b->chain[i], s, e))
		return false;
	if (!b->is_set) /* started and finished say it as well */
		s->source.begun = 0;
	return slots_fill(b, i, s, e) &&
	    text_keep(&s->source.url, b->part[i].from->url, e) &&
	    text_keep(&s->object.name, b->part[i].object, e);
}

/* What is said of the backup as a whole; the shards are still to come. */
static bool
head_fill(struct backup *b, struct err *e)
{
	const struct backup_how *how = b->how;
	struct manifest *m = &b->manifest;

	m->type = how->type;
	m->expires = how->expires;
	m->hold = how->hold;
	m->finished = clock_wall();
	if (m->finished < m->started) /* the clock was set back meanwhile */
		m->finished = m->started;
	return text_keep(&m->id, b->name.id, e) &&
	    text_keep(&m->instance, b->name.instance, e) &&
	    (how->remark == NULL || text_keep(&m->remark, how->remark, e)) &&
	    text_keep(&m->tool, "rdbpipe " RDBPIPE_VERSION, e) &&
	    engine_fill(b, e) && commands_fill(b, e);
}

/* All of it, from what the chains' programs said. */
static bool
manifest_fill(struct backup *b, struct err *e)
{
	const struct backup_how *how = b->how;
	struct manifest *m = &b->manifest;

	if (!head_fill(b, e))
		return false;
	for (size_t i = 0; i < b->n; i++)
		if (!shard_fill(b, i, e))
			return false;
	m->skew_ms = manifest_skew(m);
	m->consistent = how->consistent ? CONSISTENT_YES : CONSISTENT_NO;
	m->pause_ms = (uint64_t)b->pause.took_ms;
	m->format = manifest_format(m);
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

/* --- the shards --- */

static bool
agree(const struct chain *c, void *arg, struct err *e)
{
	(void)arg;
	return proof_flow(c, e);
}

/* Who is to be read, into which object. */
static bool
part_init(struct backup *b, size_t i, struct err *e)
{
	const struct backup_how *how = b->how;
	struct part *p = &b->part[i];
	struct chain *c = &b->chain[i];
	char level[24];

	p->member = b->is_set ? &b->set.member[p->number] : NULL;
	p->from = b->is_set ? &p->member->from : how->from;
	/* Workers: an object for each attempt, so that none is in the way. */
	if (how->workers > 0)
		snprintf(p->object, sizeof p->object,
		    "shard-%04u.%08x%08x.rdb.zst", (unsigned)p->number,
		    (unsigned)clock_wall(), (unsigned)getpid());
	else
		snprintf(p->object, sizeof p->object, "shard-%04u.rdb.zst",
		    (unsigned)p->number);
	if ((p->key = catalogue_key(&b->name, p->object, e)) == NULL)
		return false;
	snprintf(level, sizeof level, "%" PRId64, how->level);
	route_backup(c, p->from, store_url_of(how->store, p->key),
	    how->consistent ? "psync" : how->via, how->level > 0 ? level : NULL,
	    how->consistent && b->pause.at[i].disk);
	c->held = how->consistent;
	c->agree = agree;
	return true;
}

/* Is this shard for us?  A worker leaves out those that are recorded. */
static bool
part_wanted(struct backup *b, size_t number, bool *wanted, struct err *e)
{
	const struct backup_how *how = b->how;
	bool has = false;

	*wanted = how->workers == 0 ||
	    number % how->workers == (size_t)how->worker - 1;
	if (how->workers > 0 && *wanted &&
	    !worker_has(how->store, &b->name, number, &has, e))
		return false;
	*wanted = *wanted && !has;
	return true;
}

static bool
parts_init(struct backup *b, struct err *e)
{
	size_t all = b->is_set ? b->set.n : 1;
	bool wanted;

	b->part = calloc(all, sizeof *b->part);
	b->chain = calloc(all, sizeof *b->chain);
	if (b->part == NULL || b->chain == NULL)
		return err_sys(e, "no memory for %zu shards", all);
	for (size_t number = 0; number < all; number++) {
		if (!part_wanted(b, number, &wanted, e))
			return false;
		if (!wanted)
			continue;
		b->part[b->n].number = number;
		if (!part_init(b, b->n++, e))
			return false;
	}
	return true;
}

static bool
consistent_init(struct backup *b, struct err *e)
{
	int64_t limit = b->how->pause_limit_ms;

	if (!b->is_set)
		return err_set(e, ERR_USAGE,
		    "--consistent is for clusters, redis+cluster://..., and "
		    "not with --via scan");
	return pause_open(
	    &b->pause, &b->set, limit > 0 ? limit : PAUSE_LIMIT_MS, e);
}

static bool
worker_prepare(struct backup *b, struct err *e)
{
	const struct backup_how *how = b->how;

	if (!b->is_set || how->consistent)
		return err_set(e, ERR_USAGE,
		    "--worker is for clusters, redis+cluster://..., and goes "
		    "neither with --via scan nor with --consistent");
	b->manifest.started = clock_wall();
	id_make(b);
	if (how->dry_run)
		return parts_init(b, e);
	return worker_join(
		   how->store, b->name.instance, how->set, b->name.id, e) &&
	    is_published(b, e) && (b->published || parts_init(b, e));
}

static bool
prepare(struct backup *b, struct err *e)
{
	const struct backup_how *how = b->how;

	if (how->remark != NULL && !json_text_ok(how->remark))
		return err_set(e, ERR_USAGE, "the remark is not UTF-8");
	snprintf(
	    b->name.instance, sizeof b->name.instance, "%s", how->instance);
	if (endpoint_is_cluster(how->from) &&
	    (how->via == NULL || strcmp(how->via, "scan") != 0)) {
		if (!set_open(&b->set, how->from, how->primaries, e))
			return false;
		b->is_set = true;
	}
	if (how->workers > 0)
		return worker_prepare(b, e);
	return id_pick(b, e) && (!how->consistent || consistent_init(b, e)) &&
	    parts_init(b, e);
}

/*
 * Is the object ours, or may it be?  A sink that failed by itself has taken
 * back what it published, so what is there belongs to another backup that has
 * the same id; one that was killed may have published first.
 */
static bool
object_is_ours(const struct chain *c)
{
	int status = c->link[c->n - 1].status;

	return c->went &&
	    (status == 0 || WIFSIGNALED(status) || WEXITSTATUS(status) > 128);
}

/* The object was or may have been published, but there is no backup: remove
 * it.  What went wrong first is what is reported. */
static void
object_remove(struct store *store, const char *key)
{
	struct store_object about;
	struct err e;
	bool found = false;

	if (!store_stat(store, key, &found, &about, &e) ||
	    (found && !store_remove(store, key, &e)))
		say("left behind: %s: %s", store_url_of(store, key), e.text);
}

static bool
show(struct backup *b, struct err *e)
{
	if (b->how->dry_run)
		endpoint_hint(b->how->from);
	for (size_t i = 0; i < b->n; i++)
		if (!(b->how->dry_run ? route_print(&b->chain[i], e) :
					route_say(&b->chain[i], e)))
			return false;
	return true;
}

/* --- one point in time --- */

static bool
all_ready(const struct backup *b)
{
	for (size_t i = 0; i < b->n; i++)
		if (chain_fact(&b->chain[i], "rdb-capture", "ready") == NULL)
			return false;
	return true;
}

static bool
all_start(struct backup *b, struct err *e)
{
	for (size_t i = 0; i < b->n; i++)
		if (!chain_start(&b->chain[i], e))
			return false;
	return true;
}

/* Note the snapshots that have begun since the last look. */
static bool
begun_note(struct backup *b, size_t *left, size_t *last, struct err *e)
{
	*left = 0;
	for (size_t i = 0; i < b->n; i++) {
		const struct chain_link *l = &b->chain[i].link[0];
		uint64_t offset;

		if (!b->pause.at[i].paused)
			continue;
		/* The last of the three that are told at that moment. */
		if (fact_list_get(&l->facts, "begun") == NULL) {
			++*left;
			*last = i;
		} else if (!fact_list_count(&l->facts, "offset", &offset) ||
		    !pause_taken(&b->pause, i,
			fact_list_get(&l->facts, "replid"), offset, e))
			return false;
	}
	return true;
}

/* Called whenever a program has said something. */
static bool
pause_look(void *arg, int64_t *wait_ms, struct err *e)
{
	struct backup *b = arg;
	struct pause *p = &b->pause;
	size_t left, last = 0;

	if (p->at == NULL)
		return true;
	if (p->since_ms == 0 &&
	    (!all_ready(b) || !pause_begin(p, e) || !all_start(b, e)))
		return p->since_ms == 0;
	if (!begun_note(b, &left, &last, e))
		return false;
	if (left > 0) {
		*wait_ms = pause_left(p);
		return *wait_ms > 0 || pause_late(p, last, e);
	}
	pause_end(p);
	say("writes were paused for %" PRId64 " ms", p->took_ms);
	return true;
}

static void
pause_off(void *arg)
{
	pause_end(&((struct backup *)arg)->pause);
}

/* --- the story --- */

static bool
chains_run(struct backup *b, struct err *e)
{
	size_t most = b->how->parallel > 0 ? b->how->parallel : BACKUP_PARALLEL;
	const struct chain_crew crew = {
		.chain = b->chain,
		.n = b->n,
		.at_once = b->how->consistent ? b->n : most,
		.look = b->how->consistent ? pause_look : NULL,
		.off = pause_off,
		.arg = b,
	};

	if (!chain_run_crew(&crew, e))
		return false;
	for (size_t i = 0; i < b->n; i++)
		if (!proof_flow(&b->chain[i], e))
			return false;
	return true;
}

/* --- beside the shards --- */

/* Ask every primary of the set. */
static bool
servers_ask(struct backup *b, struct sidecar *c, struct err *e)
{
	bool ok = true;

	for (unsigned i = 0; ok && i < b->set.map.masters; i++) {
		struct server s;

		if (!topology_server(&b->set.map, i, &b->set.any, &s, e))
			return false;
		ok = sidecar_ask(c, &s, e);
		server_release(&s);
	}
	return ok;
}

/* Store it, and have the manifest name it. */
static bool
sidecar_make(struct backup *b, struct err *e)
{
	struct sidecar c = { 0 };
	char *text = NULL, *key = NULL, sum[33];
	bool ok = servers_ask(b, &c, e) && sidecar_print(&c, &text, e) &&
	    (key = catalogue_key(&b->name, SIDECAR_NAME, e)) != NULL &&
	    place_write(b->how->store, key, text, e);

	if (ok) {
		b->sidecar = key;
		key = NULL;
		sidecar_sum(text, strlen(text), sum);
		ok = text_keep(&b->manifest.sidecar, SIDECAR_NAME, e) &&
		    text_keep(&b->manifest.sidecar_xxh3_128, sum, e);
	}
	sidecar_release(&c);
	free(key);
	free(text);
	return ok;
}

static void
objects_remove(struct backup *b)
{
	if (b->sidecar != NULL)
		object_remove(b->how->store, b->sidecar);
	for (size_t i = 0; i < b->n; i++)
		if (object_is_ours(&b->chain[i]))
			object_remove(b->how->store, b->part[i].key);
}

static bool
work(struct backup *b, struct err *e)
{
	bool ok;

	if (!show(b, e))
		return false;
	if (b->how->dry_run)
		return true;
	ok = chains_run(b, e) &&
	    (!b->is_set || (set_check(&b->set, e) && sidecar_make(b, e))) &&
	    manifest_fill(b, e) && manifest_seal(b, e) && manifest_write(b, e);
	b->published = ok;
	if (!ok)
		objects_remove(b);
	return ok;
}

/* --- one of several workers --- */

/* Record one of our shards, unless somebody else was first. */
static bool
part_record(struct backup *b, size_t i, struct err *e)
{
	bool ours;

	b->manifest.shards.n = 0;
	if (!shard_fill(b, i, e))
		return false;
	b->manifest.format = manifest_format(&b->manifest);
	if (!worker_record(b->how->store, &b->name, b->part[i].number,
		&b->manifest, &ours, e))
		return false;
	manifest_shard_release(manifest_shard(&b->manifest, 0));
	if (!ours)
		object_remove(b->how->store, b->part[i].key);
	return true;
}

static bool
parts_record(struct backup *b, struct err *e)
{
	if (b->n == 0)
		return true;
	if (!head_fill(b, e))
		return false;
	for (size_t i = 0; i < b->n; i++)
		if (!part_record(b, i, e) || !stop_check(e))
			return false;
	b->manifest.shards.n = 0;
	return true;
}

/* Are the records of the cluster as it is now? */
static bool
slots_same(const struct backup *b, struct err *e)
{
	for (size_t i = 0; i < b->set.n; i++) {
		const struct json_list *was =
		    &manifest_shard(&b->manifest, i)->slots;
		const struct json_list *is = &b->set.member[i].slots;

		if (was->n != is->n ||
		    memcmp(was->item, is->item,
			is->n * sizeof(struct manifest_slots)) != 0)
			return err_set(e, ERR_REMOTE,
			    "shard %zu was stored with other slots than it "
			    "has now: begin a new --join",
			    i);
	}
	return true;
}

/* Make the set public if we are the last. */
static bool
set_finish(struct backup *b, struct err *e)
{
	struct store *store = b->how->store;
	size_t have;
	bool ours;

	manifest_release(&b->manifest);
	if (!worker_gather(store, &b->name, b->set.n, &have, &b->manifest, e))
		return false;
	if (have < b->set.n) {
		say("%zu of %zu shards are stored: the last worker publishes",
		    have, b->set.n);
		return true;
	}
	if (!set_check(&b->set, e) || !slots_same(b, e) ||
	    !manifest_seal(b, e) ||
	    !worker_publish(store, &b->name, b->text, &ours, e))
		return false;
	b->published = true;
	if (ours)
		worker_tidy(store, &b->name, &b->manifest);
	return true;
}

static bool
worker_work(struct backup *b, struct err *e)
{
	if (b->published) {
		say("%s is complete already", b->name.id);
		return true;
	}
	if (!show(b, e))
		return false;
	if (b->how->dry_run)
		return true;
	/* Only what is not recorded can be taken back. */
	if (!chains_run(b, e) || !set_check(&b->set, e)) {
		objects_remove(b);
		return false;
	}
	return parts_record(b, e) && set_finish(b, e);
}

static void
done_fill(const struct backup *b, struct backup_done *done)
{
	memset(done, 0, sizeof *done);
	snprintf(done->id, sizeof done->id, "%s", b->name.id);
	done->published = b->published;
	done->state = b->manifest.state;
	done->started = b->manifest.started;
	done->finished = b->manifest.finished;
	done->total = manifest_total(&b->manifest);
}

static void
backup_release(struct backup *b)
{
	for (size_t i = 0; i < b->n; i++) {
		if (b->chain != NULL)
			chain_release(&b->chain[i]);
		if (b->part != NULL)
			free(b->part[i].key);
	}
	free(b->chain);
	free(b->part);
	pause_end(&b->pause);
	if (b->is_set)
		set_close(&b->set);
	manifest_release(&b->manifest);
	free(b->text);
	free(b->sidecar);
}

bool
backup_take(
    const struct backup_how *how, struct backup_done *done, struct err *e)
{
	struct backup b = { .how = how };
	bool ok = prepare(&b, e) &&
	    (how->workers > 0 ? worker_work(&b, e) : work(&b, e));

	done_fill(&b, done);
	backup_release(&b);
	return ok;
}
