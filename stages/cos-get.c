/*
 * cos-get.c -- an object of a store to standard output.
 *
 * Memory: one chunk for a directory; for cos:// and s3:// see ranges.h.
 */
#include "stages/kit/stage.h"
#include "stages/store/net.h"
#include "stages/store/store.h"

static const struct opt opts[] = {
	{ OPT_SIZE, 0, "range-size", &store_net.range, "SIZE",
	    "read so much at a time per connection (default 8M)", 4096,
	    (int64_t)1 << 30, NULL, NULL },
	OPT_TABLE_END,
};

static struct source *
get_open(const struct operands *args, struct err *e)
{
	static struct store *store; /* lives as long as the source */
	const char *key;

	return store_open_object(&store, &key, args->v[0], e) ?
	    store_get(store, key, e) :
	    NULL;
}

static const char *const notes[] = {
	"URL: cos://BUCKET-APPID/KEY?region=REGION, "
	"s3://BUCKET/KEY?region=REGION",
	"(or endpoint=URL), file:///path/name, or a path.",
	NULL,
};

const struct stage stage = {
	.name = "cos-get",
	.brief = "get an object of a store to standard output",
	.operands = "URL",
	.operands_min = 1,
	.operands_max = 1,
	.notes = notes,
	.opts = opts,
	.more = { store_data_opts, store_key_opts, store_net_opts },
	.source = get_open,
};
