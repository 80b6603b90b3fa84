/*
 * verb-backup.c -- `rdbpipe backup URL --instance NAME`: one snapshot of a
 * server into the store, and the manifest that makes it a backup.
 */
#include "pipeline/verb.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>

#include "pipeline/catalogue.h"
#include "pipeline/config.h"
#include "pipeline/endpoint.h"
#include "pipeline/figure.h"
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

/* As rdb-capture has them, which is told only what was asked for. */
static const char *const ways[] = { "auto", "psync", "scan", NULL };

static const char *remark;
static int via = -1;
static int64_t level = -1;
static bool dry_run;

/* clang-format off */
static const struct opt opts[] = {
	{ OPT_TEXT, 0, "remark", &remark, "TEXT",
	    "a note to be kept with the backup", 0, 0, NULL, NULL },
	{ OPT_CHOICE, 0, "via", &via, "WAY",
	    "psync, scan or auto (default), see rdb-capture(1)", 0, 0, ways, NULL },
	{ OPT_INT, 0, "level", &level, "N",
	    "how hard rdb-compress tries, 1 to 19 (default 3)", 1, 19, NULL, NULL },
	{ OPT_FLAG, 'n', "dry-run", &dry_run, NULL,
	    "only print the chain, as a line of shell", 0, 0, NULL, NULL },
	OPT_TABLE_END,
};
/* clang-format on */

struct backup {
	struct endpoint from;
	struct store *store;
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
		if (!store_list(b->store, prefix, taken, &used, e) ||
		    !stop_check(e))
			return false;
	}
	snprintf(b->name.id, sizeof b->name.id, "%s-manual", stamp);
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
	    text_keep(&s->source.url, b->from.url, e) &&
	    text_keep(&s->object.name, OBJECT, e);
}

/* Make the manifest, and read it as everybody will: strictly. */
static bool
manifest_make(struct backup *b, struct err *e)
{
	struct manifest *m = &b->manifest, back;

	m->type = TYPE_MANUAL;
	m->finished = clock_wall();
	if (m->finished < m->started) /* the clock was set back meanwhile */
		m->finished = m->started;
	if (!text_keep(&m->id, b->name.id, e) ||
	    !text_keep(&m->instance, b->name.instance, e) ||
	    (remark != NULL && !text_keep(&m->remark, remark, e)) ||
	    !text_keep(&m->tool, "rdbpipe " RDBPIPE_VERSION, e) ||
	    !engine_fill(b, e) || !shard_fill(b, e) || !commands_fill(b, e))
		return false;
	m->format = manifest_shard(m, 0)->source.via == VIA_PSYNC ?
	    MANIFEST_FORMAT :
	    MANIFEST_FORMAT_SCAN;
	if (!manifest_print(m, &b->text, e))
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
	    place_write(b->store, key, b->text, e);

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
prepare(struct backup *b, char *url, struct err *e)
{
	const char *instance;
	char text[24];

	if (!endpoint_init(&b->from, url, e))
		return false;
	if (b->from.instance != NULL)
		place_assume(b->from.instance->name);
	if (!place_instance(&instance, e))
		return false;
	if (instance == NULL)
		return err_set(e, ERR_USAGE, "backup wants --instance NAME");
	if (remark != NULL && !json_text_ok(remark))
		return err_set(e, ERR_USAGE, "--remark is not UTF-8");
	snprintf(b->name.instance, sizeof b->name.instance, "%s", instance);
	if (!place_open(&b->store, e) || !id_pick(b, e) ||
	    (b->key = catalogue_key(&b->name, OBJECT, e)) == NULL)
		return false;
	snprintf(text, sizeof text, "%" PRId64, level);
	route_backup(&b->chain, &b->from, store_url_of(b->store, b->key),
	    via < 0 ? NULL : ways[via], level > 0 ? text : NULL);
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

	if (!store_stat(b->store, b->key, &found, &about, &e) ||
	    (found && !store_remove(b->store, b->key, &e)))
		say("left behind: %s: %s", store_url_of(b->store, b->key),
		    e.text);
}

static void
tell(const struct backup *b)
{
	struct manifest_total t = manifest_total(&b->manifest);
	char raw[FIGURE_LEN], stored[FIGURE_LEN], took[FIGURE_LEN];

	say("%s of %s: %" PRIu64 " keys, %s raw, %s stored, %s", b->name.id,
	    b->name.instance, t.keys, figure_bytes(raw, t.raw),
	    figure_bytes(stored, t.stored),
	    figure_time(took, b->manifest.finished - b->manifest.started));
	printf("%s\n", b->name.id);
}

static bool
work(struct backup *b, struct err *e)
{
	bool ok;

	if (dry_run) {
		endpoint_hint(&b->from);
		return route_print(&b->chain, e);
	}
	if (!route_say(&b->chain, e))
		return false;
	ok = chain_run(&b->chain, e) && proof_flow(&b->chain, e) &&
	    manifest_make(b, e) && manifest_write(b, e);
	if (ok)
		tell(b);
	else if (object_is_ours(b))
		object_remove(b);
	return ok;
}

static bool
backup_run(const struct operands *args, struct err *e)
{
	struct backup b = { 0 };
	bool ok = prepare(&b, args->v[0], e) && work(&b, e);

	chain_release(&b.chain);
	manifest_release(&b.manifest);
	free(b.text);
	free(b.key);
	if (b.store != NULL)
		store_close(b.store);
	endpoint_release(&b.from);
	return ok;
}

static const char *const notes[] = {
	"INSTANCE is one of rdbpipe.conf(5); with a URL, --instance is needed.",
	"Prints the new backup's id on standard output.  A password in the URL",
	"is kept out of the programs' arguments and of the manifest; better",
	"still are --password-file and REDISCLI_AUTH.",
	NULL,
};

const struct verb verb_backup = {
	.name = "backup",
	.brief = "back up a running server",
	.operands = "URL|INSTANCE",
	.operands_min = 1,
	.operands_max = 1,
	.tables = { opts, place_instance_opts, place_store_opts,
	    endpoint_opts },
	.notes = notes,
	.run = backup_run,
};
