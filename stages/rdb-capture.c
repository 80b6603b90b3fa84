/*
 * rdb-capture.c -- a full snapshot of a running server, over replication.
 *
 * Standard output carries exactly the RDB; what framed it is gone, and its
 * last bytes come only when the end has been proven (redis/sync.h).
 *
 * Memory: one buffer of 256 KiB, and what TLS needs.
 */
#include <stdlib.h>
#include <string.h>

#include "stages/kit/facts.h"
#include "stages/kit/stage.h"
#include "stages/redis/server.h"
#include "stages/redis/sync.h"

static struct server_options options = { .timeout_ms = SERVER_TIMEOUT };
static const char *announced = SYNC_VERSION;

static const struct opt opts[] = {
	SERVER_OPTIONS(options),
	{ OPT_TEXT, 0, "replica-version", &announced, "X.Y.Z",
	    "version to announce; Valkey writes the RDB for it "
	    "(default " SYNC_VERSION "; 8.1.0 gives one that Redis 7.2 loads)",
	    0, 0, NULL, NULL },
	OPT_TABLE_END,
};

struct capture {
	struct source base;
	struct server server;
	struct server_info info;
	struct sync sync;
};

static bool
capture_next(struct source *src, struct span *chunk, struct err *e)
{
	struct capture *c = (struct capture *)src;

	return sync_next(&c->sync, chunk, e) ||
	    err_in(e, "%s", c->server.url.name);
}

static uint64_t
capture_size(const struct source *src)
{
	return ((const struct capture *)src)->sync.length;
}

static void
capture_tell(const struct source *src, struct facts *facts)
{
	const struct capture *c = (const struct capture *)src;
	const struct sync *s = &c->sync;
	char text[64];

	if (c->info.text != NULL) {
		facts_text(facts, "engine",
		    server_info_engine(&c->info, text, sizeof text));
		facts_text(facts, "engine-version", text);
		facts_text(facts, "run-id",
		    server_info_get(&c->info, "run_id", text, sizeof text));
		facts_text(facts, "role",
		    server_info_get(&c->info, "role", text, sizeof text));
	}
	facts_text(facts, "via", "psync");
	facts_text(facts, "replid", s->replid);
	facts_count(facts, "offset", s->offset);
	facts_text(
	    facts, "framing", s->framing == SYNC_MARK ? "eof" : "length");
	facts_text(facts, "rdb-only", s->rdb_only ? "yes" : "no");
	facts_count(facts, "bytes", s->whole.walk.at);
}

static void
capture_free(struct source *src)
{
	struct capture *c = (struct capture *)src;

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

static void
patience(const char *why)
{
	stage_say("waiting for the server: %s", why);
}

static struct source *
capture_new(const struct operands *args, struct err *e)
{
	const struct sync_options how = { announced, patience };
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
	if (server_connect(&c->server, e) && look(c, e) &&
	    sync_begin(&c->sync, &c->server, &how, e))
		return &c->base;
	capture_free(&c->base);
	return NULL;
}

static const char *const notes[] = {
	"URL: redis://[user[:password]@]host[:port], rediss://... for TLS,",
	"unix://[user[:password]@]/path.sock.  Better than in the URL: a "
	"password",
	"in --password-file or REDISCLI_AUTH.  An ACL user needs " SYNC_RULES
	".",
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
	.source = capture_new,
};
