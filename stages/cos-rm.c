/*
 * cos-rm.c -- remove objects of a store.
 *
 * Every URL is tried, whatever became of those before it; the status is that
 * of the worst.
 */
#include <stdio.h>

#include "stages/kit/stage.h"
#include "stages/kit/stop.h"
#include "stages/store/store.h"

static bool force;

static const struct opt opts[] = {
	{ OPT_FLAG, 'f', "force", &force, NULL,
	    "an object that is not there is no error", 0, 0, NULL, NULL },
	OPT_TABLE_END,
};

/* Whether a remove failed because there was nothing to remove. */
static bool
is_missing(struct store *s, const char *key, const struct err *why)
{
	struct store_object o;
	struct err other;
	bool found;

	return why->kind == ERR_REMOTE &&
	    store_stat(s, key, &found, &o, &other) && !found;
}

static bool
object_remove(const char *url, struct err *e)
{
	struct store *store = NULL;
	const char *key;
	bool ok;

	if (!stop_check(e) || !store_open_object(&store, &key, url, e))
		return false;
	ok =
	    store_remove(store, key, e) || (force && is_missing(store, key, e));
	store_close(store);
	return ok;
}

/* Keep the worse error in *worst, print the other one. */
static void
worst_keep(struct err *worst, const struct err *one)
{
	struct err other = *one;
	char line[4 * sizeof other.text];

	if (one->kind > worst->kind) {
		other = *worst;
		*worst = *one;
	}
	if (other.kind != ERR_NONE)
		fprintf(stderr, "%s: %s\n", stage.name,
		    err_clean(line, sizeof line, other.text));
}

static bool
remove_all(const struct operands *args, struct facts *facts, struct err *e)
{
	struct err one;

	(void)facts;
	e->kind = ERR_NONE;
	for (int i = 0; i < args->n && e->kind != ERR_SIGNAL; i++)
		if (!object_remove(args->v[i], &one))
			worst_keep(e, &one);
	return e->kind == ERR_NONE;
}

static const char *const notes[] = {
	"URL: file:///path/name, or a path.",
	NULL,
};

const struct stage stage = {
	.name = "cos-rm",
	.brief = "remove objects of a store",
	.operands = "URL...",
	.operands_min = 1,
	.operands_max = -1,
	.notes = notes,
	.opts = opts,
	.act = remove_all,
};
