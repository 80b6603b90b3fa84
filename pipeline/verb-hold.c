/*
 * verb-hold.c -- `rdbpipe hold ID` and `rdbpipe release ID`: a backup that is
 * to stay whatever the rules, and one that may go again.
 */
#include "pipeline/verb.h"

#include <stdio.h>
#include <stdlib.h>

#include "pipeline/catalogue.h"
#include "pipeline/place.h"

static const char *why;

/* clang-format off */
static const struct opt opts[] = {
	{ OPT_TEXT, 0, "why", &why, "TEXT",
	    "a note to be kept with it", 0, 0, NULL, NULL },
	OPT_TABLE_END,
};
/* clang-format on */

static bool
hold_write(struct store *store, const struct catalogue_name *n, bool held,
    struct err *e)
{
	struct hold h = { 0 };
	char *key = catalogue_key(n, HOLD_NAME, e), *text = NULL;
	bool ok = key != NULL && hold_init(&h, held, why, e) &&
	    hold_print(&h, &text, e) && place_replace(store, key, text, e);

	hold_release(&h);
	free(text);
	free(key);
	return ok;
}

static bool
hold_remove(struct store *store, const struct catalogue_name *n, struct err *e)
{
	char *key = catalogue_key(n, HOLD_NAME, e);
	struct store_object about;
	bool found = false;
	bool ok = key != NULL && store_stat(store, key, &found, &about, e) &&
	    (!found || store_remove(store, key, e));

	free(key);
	return ok;
}

/* Without a hold.json the manifest's word counts: where that holds, only
 * another word releases. */
static bool
release(struct store *store, const struct catalogue_name *n, struct err *e)
{
	struct manifest m;
	struct err fault;
	bool born_held = false;

	if (catalogue_read(store, n, &m, &fault)) {
		born_held = m.hold;
		manifest_release(&m);
	} else if (fault.kind != ERR_DATA) {
		*e = fault;
		return false;
	}
	return born_held ? hold_write(store, n, false, e) :
			   hold_remove(store, n, e);
}

static bool
change(const struct operands *args, bool held, struct err *e)
{
	struct catalogue_name name;
	struct store *store = NULL;
	const char *instance;
	bool ok;

	if (why != NULL && !json_text_ok(why))
		return err_set(e, ERR_USAGE, "--why is not UTF-8");
	ok = place_instance(&instance, e) && place_open(&store, e) &&
	    catalogue_find(store, instance, args->v[0], &name, e) &&
	    (held ? hold_write(store, &name, true, e) :
		    release(store, &name, e));
	if (ok)
		printf("%s %s/%s\n", held ? "held" : "released", name.instance,
		    name.id);
	if (store != NULL)
		store_close(store);
	return ok;
}

static bool
hold_run(const struct operands *args, struct err *e)
{
	return change(args, true, e);
}

static bool
release_run(const struct operands *args, struct err *e)
{
	return change(args, false, e);
}

static const char *const notes[] = {
	"ID is an id, the beginning of one, INSTANCE/ID, or \"latest\".",
	NULL,
};

const struct verb verb_hold = {
	.name = "hold",
	.brief = "keep a backup whatever the rules",
	.operands = "ID",
	.operands_min = 1,
	.operands_max = 1,
	.tables = { opts, place_instance_opts, place_store_opts },
	.notes = notes,
	.run = hold_run,
};

const struct verb verb_release = {
	.name = "release",
	.brief = "let a backup go that was held",
	.operands = "ID",
	.operands_min = 1,
	.operands_max = 1,
	.tables = { opts, place_instance_opts, place_store_opts },
	.notes = notes,
	.run = release_run,
};
