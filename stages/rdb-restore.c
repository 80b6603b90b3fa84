/*
 * rdb-restore.c -- an RDB stream into a running server.
 *
 * --via native plays the primary (redis/native.h): the server loads the
 * stream with its own loader, all types and modules included.
 */
#include <string.h>
#include <unistd.h>

#include "stages/kit/stage.h"
#include "stages/redis/native.h"
#include "stages/redis/server.h"

#define REPLID_LEN 40

enum via { VIA_AUTO, VIA_NATIVE, VIA_RESTORE, VIA_COMMANDS };

static const char *const vias[] = { "auto", "native", "restore", "commands",
	NULL };
static const char *const framings[] = { "auto", "length", "eof", NULL };
static const char *const loads[] = { "auto", "diskless", "disk", NULL };

static struct server_options options = { .timeout_ms = SERVER_TIMEOUT };
static struct native_options native;
static int via = VIA_AUTO, framing = NATIVE_AUTO, load = TARGET_LOAD_AUTO;
static bool flush;
static int64_t expected = -1, offset;

static const struct opt opts[] = {
	SERVER_OPTIONS(options),
	{ OPT_CHOICE, 0, "via", &via, "WAY",
	    "native: play the primary of the target (auto: the same)", 0, 0,
	    vias, NULL },
	{ OPT_FLAG, 0, "flush", &flush, NULL,
	    "remove all that the target holds first", 0, 0, NULL, NULL },
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

static struct sink *
restore_new(const struct operands *args, struct err *e)
{
	struct server server;

	if (!server_init(&server, args->v[0], &options, TARGET_RULES, e))
		return NULL;
	if (options.tls.insecure)
		stage_warn("--tls-insecure: the target's certificate is not "
			   "checked; anybody could be answering");
	native.flush = flush;
	native.framing = (enum native_framing)framing;
	native.load = (enum target_load)load;
	native.offset = (uint64_t)offset;
	return native_new(&server, &native, e);
}

static bool
restore_check(const struct operands *args, struct err *e)
{
	(void)args;
	if (via == VIA_RESTORE || via == VIA_COMMANDS)
		return err_set(e, ERR_USAGE,
		    "--via %s is not built in yet; native is", vias[via]);
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
	"unix://[user[:password]@]/path.sock.  The target must hold no data "
	"(or",
	"--flush), be no replica and not in cluster mode.  It becomes a "
	"replica",
	"of this program for a moment: it must be able to connect back to us.",
	"When anything fails it is left empty.  An ACL user needs",
	TARGET_RULES ".",
	NULL,
};

const struct stage stage = {
	.name = "rdb-restore",
	.brief = "load standard input, an RDB stream, into a running server",
	.operands = "URL",
	.operands_min = 1,
	.operands_max = 1,
	.notes = notes,
	.opts = opts,
	.check = restore_check,
	.sink = restore_new,
};
