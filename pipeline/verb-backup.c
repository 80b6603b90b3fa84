/*
 * verb-backup.c -- `rdbpipe backup URL --instance NAME`: a backup now, by a
 * person.  The work is in backup.c.
 */
#include "pipeline/verb.h"

#include <inttypes.h>
#include <stdio.h>

#include "pipeline/backup.h"
#include "pipeline/config.h"
#include "pipeline/figure.h"
#include "pipeline/place.h"
#include "pipeline/say.h"

static const char *remark, *via;
static int64_t level;
static bool dry_run;

/* clang-format off */
static const struct opt opts[] = {
	{ OPT_TEXT, 0, "remark", &remark, "TEXT",
	    "a note to be kept with the backup", 0, 0, NULL, NULL },
	{ OPT_TEXT, 0, "via", &via, "WAY",
	    "psync, scan or auto (default), see rdb-capture(1)", 0, 0, NULL, NULL },
	{ OPT_INT, 0, "level", &level, "N",
	    "how hard rdb-compress tries, 1 to 19 (default 3)", 1, 19, NULL, NULL },
	{ OPT_FLAG, 'n', "dry-run", &dry_run, NULL,
	    "only print the chain, as a line of shell", 0, 0, NULL, NULL },
	OPT_TABLE_END,
};
/* clang-format on */

static void
tell(const struct backup_how *how, const struct backup_done *done)
{
	char raw[FIGURE_LEN], stored[FIGURE_LEN], took[FIGURE_LEN];

	say("%s of %s: %" PRIu64 " keys, %s raw, %s stored, %s", done->id,
	    how->instance, done->total.keys, figure_bytes(raw, done->total.raw),
	    figure_bytes(stored, done->total.stored),
	    figure_time(took, done->finished - done->started));
	printf("%s\n", done->id);
}

/* What was said on the command line, as the backup wants it. */
static bool
prepare(struct backup_how *how, struct endpoint *from, char *url, struct err *e)
{
	if (!endpoint_init(from, url, e))
		return false;
	if (from->instance != NULL)
		place_assume(from->instance->name);
	if (!place_instance(&how->instance, e))
		return false;
	if (how->instance == NULL)
		return err_set(e, ERR_USAGE, "backup wants --instance NAME");
	if (remark != NULL && !json_text_ok(remark))
		return err_set(e, ERR_USAGE, "--remark is not UTF-8");
	how->from = from;
	how->type = TYPE_MANUAL;
	how->remark = remark;
	how->via = via;
	how->level = level;
	how->dry_run = dry_run;
	return place_open(&how->store, e);
}

static bool
backup_run(const struct operands *args, struct err *e)
{
	struct endpoint from = { 0 };
	struct backup_how how = { 0 };
	struct backup_done done;
	bool ok =
	    prepare(&how, &from, args->v[0], e) && backup_take(&how, &done, e);

	if (ok && !dry_run)
		tell(&how, &done);
	if (how.store != NULL)
		store_close(how.store);
	endpoint_release(&from);
	return ok;
}

static const char *const notes[] = {
	"INSTANCE is one of rdbpipe.conf(5); with a URL, --instance is needed.",
	"Prints the new backup's id on standard output.  A password in the URL",
	"is kept out of the programs' arguments and of the manifest; better",
	"still are --password-file and REDISCLI_AUTH.",
	NULL,
};

const struct verb verb_backup = {
	.name = "backup",
	.brief = "back up a running server",
	.operands = "URL|INSTANCE",
	.operands_min = 1,
	.operands_max = 1,
	.tables = { opts, place_instance_opts, place_store_opts,
	    endpoint_opts },
	.notes = notes,
	.run = backup_run,
};
