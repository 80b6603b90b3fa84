/*
 * verb-delete.c -- `rdbpipe delete ID...`: these backups, and no others.
 */
#include "pipeline/verb.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pipeline/lease.h"
#include "pipeline/place.h"
#include "pipeline/stock.h"
#include "stages/kit/clock.h"
#include "stages/kit/stop.h"

static bool dry_run, force;

/* clang-format off */
static const struct opt opts[] = {
	{ OPT_FLAG, 0, "force", &force, NULL,
	    "even if no good backup of the instance is left then", 0, 0, NULL,
	    NULL },
	{ OPT_FLAG, 'n', "dry-run", &dry_run, NULL,
	    "only print what would be deleted", 0, 0, NULL, NULL },
	OPT_TABLE_END,
};
/* clang-format on */

static bool
is_good(const struct retention_backup *b)
{
	return b->state == RETAIN_GOOD && b->verified;
}

/* The place of a name in the stock.  It was found in the same store. */
static bool
place_find(const struct stock *s, const struct catalogue_name *n, size_t *i,
    struct err *e)
{
	for (*i = 0; *i < s->n; ++*i)
		if (strcmp(stock_item(s, *i)->name.id, n->id) == 0)
			return true;
	return err_set(
	    e, ERR_REMOTE, "%s/%s has just gone", n->instance, n->id);
}

/* May it go, after those in front of it have gone? */
static bool
may_go(const struct catalogue_name *names, size_t at, struct store *store,
    struct err *e)
{
	const struct catalogue_name *n = &names[at];
	struct stock s = { 0 };
	size_t i = 0, good = 0;
	bool held = false, was_good = false, busy = false;
	char who[LEASE_WHO_LEN];
	bool ok =
	    stock_take(&s, store, n->instance, e) && place_find(&s, n, &i, e);

	if (ok) {
		held = stock_backup(&s, i)->held;
		was_good = is_good(stock_backup(&s, i));
		if (stock_backup(&s, i)->state == RETAIN_UNFINISHED &&
		    !stock_backup(&s, i)->failed)
			ok = lease_look(store, n->instance, &busy, who, e);
	}
	for (size_t k = 0; ok && k < s.n; k++) {
		bool goes = false;

		for (size_t j = 0; j <= at; j++)
			goes = goes ||
			    (strcmp(names[j].instance, n->instance) == 0 &&
				strcmp(names[j].id,
				    stock_item(&s, k)->name.id) == 0);
		good += !goes && is_good(stock_backup(&s, k));
	}
	stock_release(&s);
	if (!ok)
		return false;
	if (held)
		return err_set(e, ERR_USAGE, "%s/%s is held; release it first",
		    n->instance, n->id);
	if (busy)
		return err_set(e, ERR_USAGE,
		    "%s/%s may be at work: %s is being backed up by %s",
		    n->instance, n->id, n->instance, who);
	return !was_good || good > 0 || force ||
	    err_set(e, ERR_USAGE,
		"%s/%s is the last good backup of %s; --force deletes it",
		n->instance, n->id, n->instance);
}

/* All are found and asked before any goes. */
static bool
names_find(struct store *store, const struct operands *args,
    struct catalogue_name *names, struct err *e)
{
	const char *instance;

	if (!place_instance(&instance, e))
		return false;
	for (int i = 0; i < args->n; i++)
		if (!catalogue_find(store, instance, args->v[i], &names[i], e))
			return false;
	for (int i = 0; i < args->n; i++)
		if (!may_go(names, (size_t)i, store, e))
			return false;
	return true;
}

static bool
go(struct store *store, const struct catalogue_name *n, struct err *e)
{
	if (!dry_run && (!stop_check(e) || !catalogue_remove(store, n, e)))
		return false;
	printf("%s %s/%s\n", dry_run ? "would delete" : "deleted", n->instance,
	    n->id);
	fflush(stdout);
	return true;
}

static bool
delete_run(const struct operands *args, struct err *e)
{
	struct catalogue_name *names = calloc((size_t)args->n, sizeof *names);
	struct store *store = NULL;
	bool ok = (names != NULL || err_sys(e, "no memory")) &&
	    place_open(&store, e) && names_find(store, args, names, e);

	for (int i = 0; ok && i < args->n; i++)
		ok = go(store, &names[i], e);
	if (store != NULL)
		store_close(store);
	free(names);
	return ok;
}

static const char *const notes[] = {
	"ID is an id, the beginning of one, INSTANCE/ID, or \"latest\".  All "
	"are",
	"looked at before any is deleted.  The manifest goes first, so what is",
	"left if this is interrupted is an unfinished attempt; see prune.",
	NULL,
};

const struct verb verb_delete = {
	.name = "delete",
	.brief = "delete backups",
	.operands = "ID...",
	.operands_min = 1,
	.operands_max = -1,
	.tables = { opts, place_instance_opts, place_store_opts },
	.notes = notes,
	.run = delete_run,
};
