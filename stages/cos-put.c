/*
 * cos-put.c -- standard input into an object of a store.
 *
 * The object appears when the input has proven itself whole and is safe on
 * the store's disks; before that, and after any failure, there is none.
 *
 * Memory: one chunk.
 */
#include "stages/kit/stage.h"
#include "stages/store/store.h"

static bool exclusive;
static int64_t expect;

static const struct opt opts[] = {
	{ OPT_FLAG, 0, "exclusive", &exclusive, NULL,
	    "fail if the object exists already", 0, 0, NULL, NULL },
	{ OPT_SIZE, 0, "expect", &expect, "SIZE",
	    "about this much will come: reserve room for it now", 0, 0, NULL,
	    NULL },
	OPT_TABLE_END,
};

static bool
put_check(const struct operands *args, struct err *e)
{
	(void)args, (void)e;
	if (expect > 0)
		stage_expect = (uint64_t)expect;
	return true;
}

static struct sink *
put_open(const struct operands *args, struct err *e)
{
	static struct store *store; /* lives as long as the sink, to the end */
	struct store_put how = { exclusive, (uint64_t)expect };
	const char *key;

	return store_open_object(&store, &key, args->v[0], e) ?
	    store_put(store, key, &how, e) :
	    NULL;
}

static const char *const notes[] = {
	"URL: file:///path/name, or a path.  Directories that are missing are",
	"made (mode 0700, the object's is 0600).  An object of that name is",
	"replaced in one step, unless --exclusive.",
	"",
	"The input must prove itself whole: RDB and zstd can.  For anything",
	"else, also for nothing at all, somebody must say --trust-eof.",
	NULL,
};

const struct stage stage = {
	.name = "cos-put",
	.brief = "put standard input into a store",
	.operands = "URL",
	.operands_min = 1,
	.operands_max = 1,
	.notes = notes,
	.opts = opts,
	.proof = true,
	.check = put_check,
	.sink = put_open,
};
