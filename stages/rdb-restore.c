/*
 * rdb-restore.c -- an RDB stream into a running server, or a cluster.
 *
 * --via native plays the primary (redis/native.h): the server loads the
 * stream with its own loader, all types and modules included.  --via restore
 * and commands write key by key (redis/fill.h).  auto looks at the target
 * (redis/survey.h) once the input's header is there, and says what it takes.
 *
 * Memory: native: a row per database; else see redis/fill.h.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "rdb/rdb.h"
#include "stages/keys/choice.h"
#include "stages/kit/stage.h"
#include "stages/redis/fill.h"
#include "stages/redis/native.h"

#define HEADER     9 /* bytes of magic and version */
#define REPLID_LEN 40

enum via { VIA_AUTO, VIA_NATIVE, VIA_RESTORE, VIA_COMMANDS };

static const char *const vias[] = { "auto", "native", "restore", "commands",
	NULL };
static const char *const framings[] = { "auto", "length", "eof", NULL };
static const char *const loads[] = { "auto", "diskless", "disk", NULL };

static const char *const conflicts[] = { "fail", "skip", "replace", NULL };

static struct server_options options = { .timeout_ms = SERVER_TIMEOUT,
	.clusters = true };
static struct native_options native;
static struct choice choice = CHOICE_DEFAULT;
static int via = VIA_AUTO, framing = NATIVE_AUTO, load = TARGET_LOAD_AUTO;
static int conflict = FILL_FAIL;
static bool flush, plan;
static int64_t expected = -1, offset, connections, hold = FILL_HOLD;

static const struct opt opts[] = {
	SERVER_OPTIONS(options),
	{ OPT_CHOICE, 0, "via", &via, "WAY",
	    "native: play the primary of the target; restore, commands: key "
	    "by key; auto: what fits",
	    0, 0, vias, NULL },
	{ OPT_FLAG, 0, "dry-run", &plan, NULL,
	    "read all, tell what would be done, touch nothing", 0, 0, NULL,
	    NULL },
	{ OPT_CHOICE, 0, "on-conflict", &conflict, "HOW",
	    "a target that holds keys: fail; or skip, replace those the input "
	    "has, too",
	    0, 0, conflicts, NULL },
	{ OPT_FLAG, 0, "flush", &flush, NULL,
	    "remove all that the target holds first", 0, 0, NULL, NULL },
	{ OPT_INT, 0, "connections", &connections, "N",
	    "to a server (4), to each master of a cluster (2)", 1, 64, NULL,
	    NULL },
	{ OPT_SIZE, 0, "hold", &hold, "SIZE",
	    "largest value to hold for RESTORE; others go by commands (8M)", 1,
	    512 << 20, NULL, NULL },
	CHOICE_OPTIONS(choice),
	{ OPT_SIZE, 0, "expect", &expected, "SIZE",
	    "bytes the input has, exactly", 0, INT64_MAX, NULL, NULL },
	{ OPT_CHOICE, 0, "framing", &framing, "HOW",
	    "length, eof, or auto: length when the size is known", 0, 0,
	    framings, NULL },
	{ OPT_CHOICE, 0, "load", &load, "HOW",
	    "diskless: load as the bytes come; disk: from a file; auto: "
	    "diskless where the target lets us set it",
	    0, 0, loads, NULL },
	{ OPT_TEXT, 0, "listen", &native.listen, "ADDR[:PORT]",
	    "wait for the target here (default: the address from which we "
	    "reach it, a free port)",
	    0, 0, NULL, NULL },
	{ OPT_TEXT, 0, "announce", &native.announce, "HOST[:PORT]",
	    "where the target shall look for us, if not there; then any "
	    "address may connect",
	    0, 0, NULL, NULL },
	{ OPT_TEXT, 0, "replid", &native.replid, "HEX40",
	    "replication id to give (default: a random one)", 0, 0, NULL,
	    NULL },
	{ OPT_INT, 0, "offset", &offset, "N", "replication offset to give", 0,
	    INT64_MAX, NULL, NULL },
	OPT_TABLE_END,
};

/* --- the two ways --- */

static struct sink *
native_begin(struct server *server, const char *why, struct err *e)
{
	native.flush = flush;
	native.framing = (enum native_framing)framing;
	native.load = (enum target_load)load;
	native.offset = (uint64_t)offset;
	snprintf(native.why, sizeof native.why, "%s", why);
	server->rules = TARGET_RULES;
	return native_new(server, &native, e);
}

static struct sink *
fill_begin(
    struct server *server, bool native_too, const char *why, struct err *e)
{
	struct fill_options o = { .commands = via == VIA_COMMANDS,
		.native = native_too,
		.plan = plan,
		.flush = flush,
		.conflict = (enum fill_conflict)conflict,
		.connections = (unsigned)connections,
		.hold = (uint64_t)hold,
		.choice = &choice };

	snprintf(o.why, sizeof o.why, "%s", why);
	server->rules = SURVEY_RULES;
	return fill_new(server, &o, e);
}

/* Only these can do what was asked for. */
static bool
wants_fill(const char **why)
{
	*why = via == VIA_RESTORE || via == VIA_COMMANDS ? "" :
	    !choice_all(&choice)  ? "only some keys, or changed" :
	    conflict != FILL_FAIL ? "what the target holds stays" :
				    NULL;
	return *why != NULL;
}

/* --- auto: a sink that becomes another --- */

struct chooser {
	struct sink base;
	struct server server; /* until there is an inner sink */
	struct sink *inner;
	uint8_t head[HEADER];
	size_t head_len;
};

/* The header is whole, or there is no more.  What is wrong with it the native
 * sink says, without having asked anybody. */
static bool
choose(struct chooser *c, struct err *e)
{
	struct survey survey = { .info = { NULL } };
	char why[SURVEY_WHY] = "";
	struct rdb_walk walk;
	struct rdb_run run;
	bool fits = true, ok = true;

	rdb_walk_init(&walk);
	rdb_walk_feed(&walk, c->head, c->head_len);
	if (c->head_len == HEADER && rdb_walk_next(&walk, &run) == RDB_RUN) {
		ok = survey_take(&survey, &c->server, e);
		fits = ok &&
		    survey_native(&survey, walk.version, walk.valkey, why);
		survey_release(&survey);
	}
	if (!ok)
		return false;
	c->inner = fits && !plan ? native_begin(&c->server, why, e) :
				   fill_begin(&c->server, fits, why, e);
	memset(&c->server, 0, sizeof c->server);
	return c->inner != NULL &&
	    sink_put(c->inner, (struct span){ c->head, c->head_len }, e);
}

static bool
chooser_put(struct sink *s, struct span in, struct err *e)
{
	struct chooser *c = (struct chooser *)s;

	if (c->inner == NULL) {
		struct room head = { c->head, c->head_len, HEADER };

		room_put(&head, &in);
		c->head_len = head.len;
		if (c->head_len < HEADER)
			return true;
		if (!choose(c, e))
			return false;
	}
	return in.len == 0 || sink_put(c->inner, in, e);
}

static bool
chooser_commit(struct sink *s, struct err *e)
{
	struct chooser *c = (struct chooser *)s;

	return (c->inner != NULL || choose(c, e)) && sink_commit(c->inner, e);
}

static void
chooser_tell(const struct sink *s, struct facts *facts)
{
	const struct chooser *c = (const struct chooser *)s;

	if (c->inner != NULL)
		sink_tell(c->inner, facts);
}

static void
chooser_free(struct sink *s)
{
	struct chooser *c = (struct chooser *)s;

	sink_free(c->inner);
	server_release(&c->server);
	free(c);
}

static const struct sink_ops chooser_ops = {
	.put = chooser_put,
	.commit = chooser_commit,
	.tell = chooser_tell,
	.free = chooser_free,
};

static struct sink *
chooser_new(struct server *server, struct err *e)
{
	struct chooser *c = calloc(1, sizeof *c);

	if (c == NULL) {
		server_release(server);
		err_sys(e, "no memory for the restore");
		return NULL;
	}
	c->base.ops = &chooser_ops;
	c->server = *server;
	return &c->base;
}

/* --- the program --- */

static struct sink *
restore_new(const struct operands *args, struct err *e)
{
	struct server server;
	const char *why;

	if (!server_init(&server, args->v[0], &options, SURVEY_RULES, e))
		return NULL;
	if (options.tls.insecure)
		stage_warn("--tls-insecure: the target's certificate is not "
			   "checked; anybody could be answering");
	if (via == VIA_NATIVE && !plan)
		return native_begin(&server, "", e);
	if (wants_fill(&why))
		return fill_begin(&server, false, why, e);
	if (server.url.cluster)
		return fill_begin(&server, false, "", e);
	return chooser_new(&server, e);
}

static bool
restore_check(const struct operands *args, struct err *e)
{
	(void)args;
	if (!choice_check(&choice, e))
		return false;
	if (via == VIA_NATIVE && !choice_all(&choice))
		return err_set(e, ERR_USAGE,
		    "--via native loads the input as it is: leave out filters "
		    "and mappings, or --via native");
	if (via == VIA_NATIVE && conflict != FILL_FAIL)
		return err_set(e, ERR_USAGE,
		    "--via native needs an empty target: --flush, or another "
		    "way");
	if (flush && conflict != FILL_FAIL)
		return err_set(e, ERR_USAGE,
		    "--flush removes all there is: --on-conflict %s is for "
		    "what stays",
		    conflicts[conflict]);
	if (native.replid != NULL &&
	    (strlen(native.replid) != REPLID_LEN ||
		strspn(native.replid, "0123456789abcdef") != REPLID_LEN))
		return err_set(
		    e, ERR_USAGE, "--replid wants 40 lower case hex digits");
	if (expected != -1)
		stage_expect = (uint64_t)expected;
	if (framing == NATIVE_LENGTH && expected == -1 &&
	    lseek(STDIN_FILENO, 0, SEEK_CUR) == -1)
		return err_set(e, ERR_USAGE,
		    "--framing length needs --expect, or a file as input");
	return true;
}

static const char *const notes[] = {
	"URL: redis://[user[:password]@]host[:port], rediss://... for TLS,",
	"unix://[user[:password]@]/path.sock, redis+cluster://host:port[,...].",
	"--via native: the target must hold no data (or --flush), be no "
	"replica",
	"and not in cluster mode.  It becomes a replica of this program for a",
	"moment: it must be able to connect back to us.  When anything fails "
	"it",
	"is left empty.  An ACL user needs",
	TARGET_RULES ".",
	"--via restore, commands: not atomic; a second run with --on-conflict",
	"skip completes what the first could not.  An ACL user needs",
	SURVEY_RULES ".",
	NULL,
};

const struct stage stage = {
	.name = "rdb-restore",
	.brief = "load standard input, an RDB stream, into a running server or "
		 "cluster",
	.operands = "URL",
	.operands_min = 1,
	.operands_max = 1,
	.notes = notes,
	.opts = opts,
	.check = restore_check,
	.sink = restore_new,
};
