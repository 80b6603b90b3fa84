/*
 * rdb-capture.c -- the data of a running server, as an RDB.
 *
 * Over replication, which gives one point in time (redis/sync.h); or, where a
 * server does not let itself be replicated, key by key (redis/scan.h).
 * Standard output carries exactly the RDB; its last bytes come only when the
 * end has been proven.
 *
 * Memory: one buffer of 256 KiB, and what TLS needs; key by key see scan.h.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "stages/kit/clock.h"
#include "stages/kit/facts.h"
#include "stages/kit/stage.h"
#include "stages/redis/scan.h"
#include "stages/redis/server.h"
#include "stages/redis/sync.h"

enum way { WAY_AUTO, WAY_PSYNC, WAY_SCAN };

static const char *const ways[] = { "auto", "psync", "scan", NULL };
static int via = WAY_AUTO;
static bool disk;
static struct server_options options = { .timeout_ms = SERVER_TIMEOUT,
	.clusters = true };
static const char *announced = SYNC_VERSION;
static struct scan_options scanning = { .count = SCAN_COUNT,
	.memory = SCAN_MEMORY };

static const struct opt opts[] = {
	SERVER_OPTIONS(options),
	{ OPT_TEXT, 0, "replica-version", &announced, "X.Y.Z",
	    "version to announce; Valkey writes the RDB for it "
	    "(default " SYNC_VERSION "; 8.1.0 gives one that Redis 7.2 loads)",
	    0, 0, NULL, NULL },
	{ OPT_CHOICE, 0, "via", &via, "WAY",
	    "psync (replication); scan (key by key, no point in time; also "
	    "whole clusters); auto (default): psync, and scan where that is "
	    "refused",
	    0, 0, ways, NULL },
	{ OPT_FLAG, 0, "disk", &disk, NULL,
	    "psync: have the server save to its disk first, which it begins "
	    "at once, without its repl-diskless-sync-delay",
	    0, 0, NULL, NULL },
	{ OPT_INT, 0, "count", &scanning.count, "N",
	    "scan: keys asked for at a time (default 500)", 1, 100000, NULL,
	    NULL },
	{ OPT_SIZE, 0, "rate", &scanning.rate, "BYTES",
	    "scan: bytes a second at most (default: as fast as it goes)", 1,
	    INT64_MAX / 1000, NULL, NULL },
	{ OPT_SIZE, 0, "memory", &scanning.memory, "BYTES",
	    "scan: to remember keys in; what is above is in a file in TMPDIR "
	    "(default 256M)",
	    SEEN_MEMORY_MIN, INT64_MAX / 4, NULL, NULL },
	{ OPT_FLAG, 0, "idle", &scanning.idle, NULL,
	    "scan: idle times, or frequencies of use, too", 0, 0, NULL, NULL },
	OPT_TABLE_END,
};

struct capture {
	struct source base;
	struct server server;
	struct server_info info;
	enum way way; /* as it was decided */
	struct sync sync;
	struct scan scan;
};

static bool
capture_next(struct source *src, struct span *chunk, struct err *e)
{
	struct capture *c = (struct capture *)src;

	if (c->way == WAY_SCAN)
		return scan_next(&c->scan, chunk, e);
	return sync_next(&c->sync, chunk, e) ||
	    err_in(e, "%s", c->server.url.name);
}

static uint64_t
capture_size(const struct source *src)
{
	const struct capture *c = (const struct capture *)src;

	return c->way == WAY_SCAN ? SIZE_UNKNOWN : c->sync.length;
}

/* Who the server is; of a cluster only what its nodes share. */
static void
tell_server(const struct server_info *info, bool cluster, struct facts *facts)
{
	char text[64];

	if (info->text == NULL)
		return;
	facts_text(
	    facts, "engine", server_info_engine(info, text, sizeof text));
	facts_text(facts, "engine-version", text);
	if (cluster)
		return;
	facts_text(facts, "run-id",
	    server_info_get(info, "run_id", text, sizeof text));
	facts_text(
	    facts, "role", server_info_get(info, "role", text, sizeof text));
}

static void
tell_sync(const struct sync *s, struct facts *facts)
{
	facts_text(facts, "via", "psync");
	facts_text(facts, "point-in-time", "yes");
	facts_text(
	    facts, "framing", s->framing == SYNC_MARK ? "eof" : "length");
	facts_text(facts, "rdb-only", s->rdb_only ? "yes" : "no");
	facts_count(facts, "bytes", s->whole.walk.at);
}

static void
tell_scan(const struct scan *s, struct facts *facts)
{
	static const char *const functions[] = { "none", "saved", "denied" };

	facts_text(facts, "via", "scan");
	facts_text(facts, "point-in-time", "no");
	if (s->masters > 0)
		facts_count(facts, "masters", s->masters);
	facts_count(facts, "keys", s->keys);
	facts_count(facts, "vanished", s->vanished);
	facts_count(facts, "duplicates", s->duplicates);
	facts_count(facts, "databases", s->databases);
	facts_text(facts, "functions", functions[s->functions]);
	facts_count(facts, "started", (uint64_t)s->started);
	facts_count(facts, "finished", (uint64_t)s->finished);
	facts_count(facts, "bytes", s->out.at);
}

static void
capture_tell(const struct source *src, struct facts *facts)
{
	const struct capture *c = (const struct capture *)src;

	if (c->way == WAY_SCAN) {
		tell_server(&c->scan.info, c->scan.masters > 0, facts);
		tell_scan(&c->scan, facts);
	} else {
		tell_server(&c->info, false, facts);
		tell_sync(&c->sync, facts);
	}
}

static void
capture_free(struct source *src)
{
	struct capture *c = (struct capture *)src;

	if (c->way == WAY_SCAN)
		scan_release(&c->scan);
	server_info_release(&c->info);
	server_release(&c->server);
	free(c);
}

static const struct source_ops capture_ops = {
	.next = capture_next,
	.size = capture_size,
	.tell = capture_tell,
	.free = capture_free,
};

/*
 * Learn what the server is.  An ACL may keep that from us, and a server that
 * is loading may be too busy: the snapshot does not depend on it.
 */
static bool
look(struct capture *c, struct err *e)
{
	char text[64];

	if (!server_info_try(&c->server, &c->info, e))
		return false;
	if (strcmp(server_info_get(&c->info, "role", text, sizeof text),
		"slave") == 0 &&
	    strcmp(server_info_get(
		       &c->info, "master_link_status", text, sizeof text),
		"up") != 0)
		stage_warn("%s is a replica without a link to its primary: "
			   "its data may be old, or refused",
		    c->server.url.name);
	return true;
}

/* Told at once, for whoever makes several captures of one moment. */
static bool
ready(struct err *e)
{
	return stage_fact("ready", "yes", e) && stage_go(e);
}

static bool
begun(const struct sync *s, struct err *e)
{
	char offset[24], now[24];

	snprintf(offset, sizeof offset, "%" PRIu64, s->offset);
	snprintf(now, sizeof now, "%" PRId64, clock_wall());
	return stage_fact("replid", s->replid, e) &&
	    stage_fact("offset", offset, e) && stage_fact("begun", now, e);
}

static void
patience(const char *why)
{
	stage_say("waiting for the server: %s", why);
}

/* The server is connected, or names a cluster. */
static bool
begin_scan(struct capture *c, struct err *e)
{
	c->way = WAY_SCAN;
	c->server.rules = c->server.url.cluster ? SCAN_RULES
	    " +cluster|slots +cluster|nodes" :
						  SCAN_RULES;
	if (!scan_begin(&c->scan, &c->server, &scanning, e))
		return false;
	if (c->scan.functions == SCAN_FUNCTIONS_DENIED)
		stage_warn("%s: functions are left out: FUNCTION DUMP is "
			   "hidden, or the user lacks +function|dump",
		    c->server.url.name);
	return true;
}

/* Over replication; where that is not for us, and nobody insists, by keys. */
static bool
begin_sync(struct capture *c, struct err *e)
{
	const struct sync_options how = { .version = announced,
		.patience = patience,
		.ready = ready,
		.begun = begun,
		.disk = disk };

	c->way = WAY_PSYNC;
	if (!look(c, e))
		return false;
	if (sync_begin(&c->sync, &c->server, &how, e))
		return true;
	if (!c->sync.denied || via == WAY_PSYNC)
		return false;
	stage_warn("no replication (%s); reading key by key instead, which "
		   "gives no point in time",
	    e->text);
	return server_connect(&c->server, e) && begin_scan(c, e);
}

static bool
begin(struct capture *c, struct err *e)
{
	if (c->server.url.cluster && via != WAY_SCAN)
		return err_set(e, ERR_USAGE,
		    "replication gives one shard at a time: name each master "
		    "with redis:// or rediss://, or take the whole cluster "
		    "with --via scan");
	if (c->server.url.cluster)
		return begin_scan(c, e);
	if (!server_connect(&c->server, e))
		return false;
	return via == WAY_SCAN ? begin_scan(c, e) : begin_sync(c, e);
}

static struct source *
capture_new(const struct operands *args, struct err *e)
{
	struct capture *c = calloc(1, sizeof *c);

	if (c == NULL) {
		err_sys(e, "no memory for the capture");
		return NULL;
	}
	c->base.ops = &capture_ops;
	if (!server_init(&c->server, args->v[0], &options, SYNC_RULES, e)) {
		free(c);
		return NULL;
	}
	if (options.tls.insecure)
		stage_warn("--tls-insecure: the server's certificate is not "
			   "checked; anybody could be answering");
	if (begin(c, e))
		return &c->base;
	capture_free(&c->base);
	return NULL;
}

static const char *const notes[] = {
	"URL: redis://[user[:password]@]host[:port], rediss://... for TLS,",
	"unix://[user[:password]@]/path.sock.  Better than in the URL: a "
	"password",
	"in --password-file or REDISCLI_AUTH.  An ACL user needs " SYNC_RULES
	",",
	"for --via scan " SCAN_RULES ".",
	"--via scan also takes redis+cluster://host:port[,host:port...].",
	NULL,
};

const struct stage stage = {
	.name = "rdb-capture",
	.brief = "take a full snapshot of a running server, as an RDB stream",
	.operands = "URL",
	.operands_min = 1,
	.operands_max = 1,
	.notes = notes,
	.opts = opts,
	.starts = true,
	.source = capture_new,
};
