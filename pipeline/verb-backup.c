/*
 * verb-backup.c -- `rdbpipe backup URL --instance NAME`: a backup now, by a
 * person.  The work is in backup.c.
 */
#include "pipeline/verb.h"

#include <inttypes.h>
#include <stdio.h>

#include "pipeline/config.h"
#include "pipeline/figure.h"
#include "pipeline/job.h"
#include "pipeline/moment.h"
#include "pipeline/pause.h"
#include "pipeline/place.h"
#include "pipeline/retention.h"
#include "pipeline/say.h"
#include "stages/kit/clock.h"
#include "stages/kit/stop.h"

/* As rdb-capture has them, which is told only what was asked for. */
static const char *const ways[] = { "auto", "psync", "scan", NULL };

static const char *remark, *keep, *shrink;
static int via = -1;
static int64_t level, min_keys;
static bool dry_run;

/* Of clusters. */
static int64_t parallel = BACKUP_PARALLEL;
static int source;
static const char *const sources[] = { "replica", "primary", NULL };
static bool consistent;
static const char *worker, *set_word;
static int64_t pause_limit = PAUSE_LIMIT_MS;

/* clang-format off */
static const struct opt opts[] = {
	{ OPT_TEXT, 0, "remark", &remark, "TEXT",
	    "a note to be kept with the backup", 0, 0, NULL, NULL },
	{ OPT_CHOICE, 0, "via", &via, "WAY",
	    "psync, scan or auto (default), see rdb-capture(1)", 0, 0, ways, NULL },
	{ OPT_INT, 0, "level", &level, "N",
	    "how hard rdb-compress tries, 1 to 19 (default 3)", 1, 19, NULL, NULL },
	{ OPT_TEXT, 0, "keep", &keep, "PERIOD",
	    "until it expires: 30d, 1y6m, or forever (default: what prune keeps)",
	    0, 0, NULL, NULL },
	{ OPT_INT, 0, "min-keys", &min_keys, "N",
	    "it is suspect when it has fewer keys", 0, 0, NULL, NULL },
	{ OPT_TEXT, 0, "max-shrink", &shrink, "N%",
	    "or is so much smaller than the last good one", 0, 0, NULL, NULL },
	{ OPT_INT, 0, "parallel", &parallel, "N",
	    "of a cluster: shards at a time (default 2)", 1, 1000, NULL, NULL },
	{ OPT_CHOICE, 0, "source", &source, "WHO",
	    "of a cluster: replica (default; the primary where none is fit), "
	    "or primary", 0, 0, sources, NULL },
	{ OPT_FLAG, 0, "consistent", &consistent, NULL,
	    "of a cluster: one point in time, by a short write pause on all "
	    "primaries", 0, 0, NULL, NULL },
	{ OPT_TIME, 0, "pause-limit", &pause_limit, "TIME",
	    "how long that may last, else there is no backup (default 500ms)",
	    1, 60000, NULL, NULL },
	{ OPT_TEXT, 0, "worker", &worker, "K/N",
	    "of a cluster: one of N workers, who join through the store; the "
	    "last one publishes", 0, 0, NULL, NULL },
	{ OPT_TEXT, 0, "join", &set_word, "WORD",
	    "with --worker: the word that all N are given, for this set alone",
	    0, 0, NULL, NULL },
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

/* --keep: when it expires, or that it never does, whatever the rules. */
static bool
keep_read(struct backup_how *how, struct err *e)
{
	struct retention_period p;
	char text[MOMENT_LEN + 1];
	int64_t back;

	if (keep == NULL)
		return true;
	if (!retention_period(keep, &p, e))
		return err_in(e, "--keep");
	how->hold = p.forever;
	if (p.forever)
		return true;
	how->expires = retention_until(&p, clock_wall());
	moment_print(how->expires, text);
	return (moment_read(text, &back) && back == how->expires) ||
	    err_set(e, ERR_USAGE, "--keep %s is too long; say forever", keep);
}

/* --worker K/N and --join, which go together. */
static bool
worker_read(struct backup_how *how, struct err *e)
{
	unsigned k, n;
	int end = 0;

	if (worker == NULL && set_word == NULL)
		return true;
	if (worker == NULL || set_word == NULL)
		return err_set(
		    e, ERR_USAGE, "--worker K/N and --join WORD go together");
	if (sscanf(worker, "%5u/%5u%n", &k, &n, &end) != 2 ||
	    worker[end] != '\0' || k < 1 || k > n)
		return err_set(e, ERR_USAGE,
		    "--worker wants K/N, such as 1/3, with K from 1 to N");
	if (min_keys != 0 || shrink != NULL)
		return err_set(e, ERR_USAGE,
		    "--worker goes neither with --min-keys nor with "
		    "--max-shrink: no worker sees all");
	how->worker = k;
	how->workers = n;
	how->set = set_word;
	return true;
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
	how->via = via < 0 ? NULL : ways[via];
	how->level = level;
	how->dry_run = dry_run;
	how->parallel = (size_t)parallel;
	how->primaries = source == 1;
	how->consistent = consistent;
	how->pause_limit_ms = pause_limit;
	if (!worker_read(how, e))
		return false;
	return place_open(&how->store, e);
}

/* Under the lease.  One that is suspect was made, but is no success. */
static bool
take(const struct job_how *how, struct err *e)
{
	struct job_done done;

	if (!job_run(how, &done, e))
		return false;
	tell(&how->backup, &done.backup);
	return done.backup.state == STATE_COMPLETE ||
	    err_set(e, ERR_DATA, "%s is suspect: %s", done.backup.id, done.why);
}

static bool
take_alone(struct job_how *how, struct err *e)
{
	struct lease lease;
	bool taken, ok;

	if (!lease_take(&lease, how->backup.store, how->backup.instance,
		LEASE_MS, &taken, e))
		return false;
	if (!taken)
		return err_set(e, ERR_REMOTE, "%s is being backed up by %s",
		    how->backup.instance, lease.who);
	how->lease = &lease;
	ok = take(how, e);
	stop_forget();
	lease_release(&lease);
	return ok;
}

/* Workers hold no lease: they are several on purpose. */
static bool
take_share(const struct backup_how *how, struct err *e)
{
	struct backup_done done;

	if (!backup_take(how, &done, e))
		return false;
	if (done.published)
		tell(how, &done);
	else
		printf("%s\n", done.id);
	return true;
}

static bool
backup_run(const struct operands *args, struct err *e)
{
	struct endpoint from = { 0 };
	struct job_how how = { .guard.min_keys = (uint64_t)min_keys };
	struct backup_done done;
	bool ok =
	    (shrink == NULL || guard_share(shrink, &how.guard.max_shrink, e) ||
		err_in(e, "--max-shrink")) &&
	    keep_read(&how.backup, e) &&
	    prepare(&how.backup, &from, args->v[0], e) &&
	    (dry_run               ? backup_take(&how.backup, &done, e) :
		    worker != NULL ? take_share(&how.backup, e) :
				     take_alone(&how, e));

	if (how.backup.store != NULL)
		store_close(how.backup.store);
	endpoint_release(&from);
	return ok;
}

static const char *const notes[] = {
	"INSTANCE is one of rdbpipe.conf(5); with a URL, --instance is needed.",
	"Prints the new backup's id on standard output.  A password in the URL",
	"is kept out of the programs' arguments and of the manifest; better",
	"still are --password-file and REDISCLI_AUTH.  A suspect backup is "
	"kept and",
	"listed, but counts as none; then the exit status is 1.",
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
