/*
 * rdb-compress.c -- standard input to one zstd frame on standard output.
 *
 * The frame carries a checksum, and the size of the content when that is
 * known.  It is ended only when the input has proven itself whole; until then
 * it stays open, and `zstd -d` calls it cut short.
 *
 * Memory: see codec/zstd.h; below 96 MiB at the default level.
 */
#include "stages/codec/zstd.h"
#include "stages/kit/stage.h"

static int64_t level = 3;
static int64_t threads = 1;
static int64_t expect = -1;

static const struct opt opts[] = {
	{ OPT_INT, 'l', "level", &level, "N",
	    "how hard to try, 1 to 19 (default 3)", 1, ZSTD_PACK_LEVEL_MAX,
	    NULL, NULL },
	{ OPT_INT, 'T', "threads", &threads, "N",
	    "worker threads, 0 to 64 (default 1)", 0, 64, NULL, NULL },
	{ OPT_SIZE, 0, "expect", &expect, "SIZE",
	    "bytes to come, exactly: noted in the frame", 0, 0, NULL, NULL },
	OPT_TABLE_END,
};

static bool
compress_check(const struct operands *args, struct err *e)
{
	(void)args, (void)e;
	if (expect != -1)
		stage_expect = (uint64_t)expect;
	return true;
}

static struct filter *
compress_new(const struct operands *args, struct err *e)
{
	struct zstd_pack_how how = { (int)level, (int)threads, stage_expect };

	(void)args;
	return zstd_pack_new(&how, e);
}

const struct stage stage = {
	.name = "rdb-compress",
	.brief = "compress standard input with zstd",
	.opts = opts,
	.proof = true,
	.check = compress_check,
	.filter = compress_new,
};
