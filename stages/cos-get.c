/*
 * cos-get.c -- an object of a store to standard output.
 *
 * Memory: one chunk.
 */
#include "stages/kit/stage.h"
#include "stages/store/store.h"

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
	"URL: file:///path/name, or a path.",
	NULL,
};

const struct stage stage = {
	.name = "cos-get",
	.brief = "get an object of a store to standard output",
	.operands = "URL",
	.operands_min = 1,
	.operands_max = 1,
	.notes = notes,
	.source = get_open,
};
