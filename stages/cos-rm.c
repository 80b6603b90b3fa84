/*
 * cos-rm.c -- remove objects of a store.
 *
 * Every URL is tried, whatever became of those before it; the status is that
 * of the worst.  With --uploads, URLs are places and what goes is uploads that
 * were begun and not finished.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "stages/kit/stage.h"
#include "stages/kit/stop.h"
#include "stages/store/net.h"
#include "stages/store/store.h"

#define DAY_MS ((int64_t)24 * 60 * 60 * 1000)

static bool force, uploads;
static int64_t older_than = -1;

static const struct opt opts[] = {
	{ OPT_FLAG, 'f', "force", &force, NULL,
	    "an object that is not there is no error", 0, 0, NULL, NULL },
	{ OPT_FLAG, 0, "uploads", &uploads, NULL,
	    "uploads that were begun and not finished", 0, 0, NULL, NULL },
	{ OPT_TIME, 0, "older-than", &older_than, "TIME",
	    "only uploads begun so long ago (default 1d)", 0, 0, NULL, NULL },
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

/* --- uploads --- */

/* What is to go, taken down before the first is removed. */
struct uploads {
	struct store_upload *v; /* strings owned */
	size_t n, cap;
	size_t undated; /* left alone: nobody says how old they are */
};

/* Whether an upload may go: one of a moment ago may be under way. */
static bool
is_old(const struct store_upload *u)
{
	int64_t age = older_than != -1 ? older_than : DAY_MS;

	return age == 0 || u->age_ms >= age;
}

static bool
upload_note(void *arg, const struct store_upload *u, struct err *e)
{
	struct uploads *all = arg;

	if (!is_old(u)) {
		all->undated += u->age_ms == -1;
		return true;
	}
	if (all->n == all->cap) {
		size_t cap = all->cap * 2 + 16;
		void *more = realloc(all->v, cap * sizeof *all->v);

		if (more == NULL)
			return err_sys(e, "cannot list uploads");
		all->v = more;
		all->cap = cap;
	}
	all->v[all->n] =
	    (struct store_upload){ strdup(u->key), strdup(u->id), 0, 0 };
	all->n++;
	return (all->v[all->n - 1].key != NULL &&
		   all->v[all->n - 1].id != NULL) ||
	    err_sys(e, "cannot list uploads");
}

static void
uploads_release(struct uploads *all)
{
	for (size_t i = 0; i < all->n; i++) {
		free((char *)all->v[i].key);
		free((char *)all->v[i].id);
	}
	free(all->v);
}

static bool
uploads_remove(const char *url, struct err *e)
{
	struct uploads all = { 0 };
	struct store *store = NULL;
	size_t done = 0;
	bool ok;

	ok = store_open(&store, url, e) &&
	    store_list_uploads(store, "", upload_note, &all, e);
	for (; ok && done < all.n; done++)
		ok = stop_check(e) &&
		    store_remove_upload(store, &all.v[done], e);
	store_close(store);
	uploads_release(&all);
	if (all.undated > 0)
		stage_warn("%s: %zu uploads left alone, for the store does not "
			   "say when they were begun; --older-than 0s ends all",
		    url, all.undated);
	if (ok)
		stage_say("%s: %zu uploads removed", url, done);
	return ok;
}

/* --- all --- */

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
		if (!(uploads ? uploads_remove : object_remove)(
			args->v[i], &one))
			worst_keep(e, &one);
	return e->kind == ERR_NONE;
}

static bool
remove_check(const struct operands *args, struct err *e)
{
	(void)args;
	return uploads || older_than == -1 ||
	    err_set(e, ERR_USAGE, "--older-than is for --uploads");
}

static const char *const notes[] = {
	"URL: cos://BUCKET-APPID/KEY?region=REGION, "
	"s3://BUCKET/KEY?region=REGION",
	"(or endpoint=URL), file:///path/name, or a path.  With --uploads it "
	"is a",
	"place, and all uploads below it that are old enough are ended.",
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
	.more = { store_net_opts },
	.check = remove_check,
	.act = remove_all,
};
