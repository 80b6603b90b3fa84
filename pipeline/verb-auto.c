/*
 * verb-auto.c -- `rdbpipe auto`: make the backups that are due by plan.
 *
 * Each instance of each plan is looked at by a process of its own (attempt.h),
 * one after the other; here is only who comes when, and what is said of it.
 */
#include "pipeline/verb.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "pipeline/attempt.h"
#include "pipeline/figure.h"
#include "pipeline/journal.h"
#include "pipeline/moment.h"
#include "pipeline/place.h"
#include "pipeline/say.h"
#include "pipeline/task.h"
#include "stages/kit/clock.h"
#include "stages/kit/stop.h"

#define GRACE_MS (INT64_C(10) * 60 * 1000) /* for all that is to be ended */
#define LOOK_MS  (INT64_C(60) * 1000)      /* clocks jump, others work, too */

enum { LOG_TEXT, LOG_JSON };

static const char *const logs[] = { "text", "json", NULL };
static bool once, daemon_mode, dry_run;
static const char *now_text;
static int64_t lease_ms = LEASE_MS;
static int log_as;

/* clang-format off */
static const struct opt opts[] = {
	{ OPT_FLAG, 0, "once", &once, NULL,
	    "make what is due now, and end (default)", 0, 0, NULL, NULL },
	{ OPT_FLAG, 0, "daemon", &daemon_mode, NULL,
	    "stay, and make what becomes due", 0, 0, NULL, NULL },
	{ OPT_FLAG, 'n', "dry-run", &dry_run, NULL,
	    "only print what is due, and when the others are", 0, 0, NULL, NULL },
	{ OPT_TEXT, 0, "now", &now_text, "TIME",
	    "with --dry-run: as if it were that time", 0, 0, NULL, NULL },
	{ OPT_TIME, 0, "lease", &lease_ms, "TIME",
	    "who is silent for so long has crashed (default 2m)",
	    LEASE_MS_MIN, INT64_C(86400000), NULL, NULL },
	{ OPT_CHOICE, 0, "log", &log_as, "FORMAT",
	    "text (default), or json: one line per event on standard output",
	    0, 0, logs, NULL },
	OPT_TABLE_END,
};
/* clang-format on */

/* An instance of a plan, and when it is to be looked at. */
struct turn {
	const struct plan *plan;
	const struct config_section *instance;
	int64_t next;
};

struct roster {
	const struct config *config;
	struct plan *plan; /* owned, n_plans of them */
	size_t n_plans;
	struct json_list turns; /* of struct turn */
	int64_t now;            /* --now; 0: it is now */
	struct err worst;       /* of the greatest exit code */
	size_t failures;
};

/* --- who is on it --- */

static bool
turns_add(struct roster *r, const struct plan *p, struct err *e)
{
	for (size_t i = 0; i < r->config->sections.n; i++) {
		const struct config_section *s = config_section(r->config, i);
		struct turn *t;

		if (s->of != OF_INSTANCE || !config_is_for(p->section, s->name))
			continue;
		if ((t = json_list_add(&r->turns, sizeof *t, e)) == NULL)
			return false;
		*t = (struct turn){ p, s, 0 };
	}
	return true;
}

static bool
plan_add(struct roster *r, const struct config_section *s, struct err *e)
{
	struct plan *p = &r->plan[r->n_plans];

	if (!plan_open(p, s, e))
		return false;
	r->n_plans++;
	if (strcmp(p->verify, "frame") != 0)
		return err_set(e, ERR_USAGE,
		    "%s: [plan %s] verify = %s is not built in yet; frame is",
		    s->where, s->name, p->verify);
	return turns_add(r, p, e);
}

/* The plans that were named, or all. */
static bool
roster_fill(struct roster *r, const struct operands *args, struct err *e)
{
	size_t most;

	if (!config_shared(&r->config, e))
		return false;
	most = r->config->sections.n + (size_t)args->n;
	if ((r->plan = calloc(most + 1, sizeof *r->plan)) == NULL)
		return err_sys(e, "no memory");
	for (int i = 0; i < args->n; i++) {
		const struct config_section *s =
		    config_want(r->config, OF_PLAN, args->v[i], e);

		if (s == NULL || !plan_add(r, s, e))
			return false;
	}
	for (size_t i = 0; args->n == 0 && i < r->config->sections.n; i++) {
		const struct config_section *s = config_section(r->config, i);

		if (s->of == OF_PLAN && !plan_add(r, s, e))
			return false;
	}
	return r->turns.n > 0 ||
	    err_set(e, ERR_USAGE, "no plan is for any instance");
}

static void
roster_release(struct roster *r)
{
	while (r->n_plans > 0)
		plan_close(&r->plan[--r->n_plans]);
	free(r->plan);
	free(r->turns.item);
}

/* --- telling --- */

static void
made_say(const struct turn *t, const struct job_done *done)
{
	const struct backup_done *b = &done->backup;
	char raw[FIGURE_LEN], stored[FIGURE_LEN], took[FIGURE_LEN];

	say("plan %s: %s of %s: %" PRIu64 " keys, %s raw, %s stored, %s",
	    t->plan->name, b->id, t->instance->name, b->total.keys,
	    figure_bytes(raw, b->total.raw),
	    figure_bytes(stored, b->total.stored),
	    figure_time(took, b->finished - b->started));
	if (!journal_on) {
		printf("%s/%s\n", t->instance->name, b->id);
		fflush(stdout);
	}
	journal_write(&(struct journal_line){ .event = "made",
	    .plan = t->plan->name,
	    .instance = t->instance->name,
	    .id = b->id,
	    .state = manifest_states[b->state],
	    .reason = *done->why != '\0' ? done->why : NULL,
	    .keys = b->total.keys,
	    .raw = b->total.raw,
	    .stored = b->total.stored,
	    .took_ms = (uint64_t)(b->finished - b->started) });
}

/* One line each, quiet or not; the worst is what we end with. */
static void
failure_note(struct roster *r, const struct turn *t,
    const struct attempt_done *done, const struct err *why)
{
	char line[4 * sizeof why->text];
	const char *id = done->job.backup.id;

	r->failures++;
	if (r->worst.kind == ERR_NONE ||
	    err_exit_code(why) > err_exit_code(&r->worst))
		r->worst = *why;
	fprintf(stderr, "rdbpipe: plan %s: %s: %s\n", t->plan->name,
	    t->instance->name, err_clean(line, sizeof line, why->text));
	journal_write(&(struct journal_line){ .event = "failed",
	    .plan = t->plan->name,
	    .instance = t->instance->name,
	    .id = *id != '\0' ? id : NULL,
	    .state = done->outcome == ATTEMPT_MADE ?
		manifest_states[done->job.backup.state] :
		NULL,
	    .reason = why->text,
	    .exit = (uint64_t)err_exit_code(why) });
}

/* What a dry run found. */
static void
look_tell(const struct turn *t, const struct attempt_done *done)
{
	bool due = done->outcome == ATTEMPT_DUE;
	char next[MOMENT_LEN + 1];

	moment_print(done->next, next);
	if (!journal_on)
		printf("%s %s %s %s\n", t->plan->name, t->instance->name,
		    !due           ? "waits until" :
			done->late ? "is due, late, at" :
				     "is due at",
		    next);
	journal_write(&(struct journal_line){ .event = due ? "due" : "waiting",
	    .plan = t->plan->name,
	    .instance = t->instance->name,
	    .reason = due && done->late ? "late" : NULL,
	    .next = done->next });
}

static void
tell(struct roster *r, const struct turn *t, const struct attempt_done *done)
{
	struct err why;

	if (dry_run)
		look_tell(t, done);
	if (done->outcome == ATTEMPT_BUSY) {
		say("plan %s: %s is being backed up by %s", t->plan->name,
		    t->instance->name, done->who);
		journal_write(&(struct journal_line){ .event = "busy",
		    .plan = t->plan->name,
		    .instance = t->instance->name,
		    .reason = done->who,
		    .next = done->next });
	}
	if (done->outcome != ATTEMPT_MADE)
		return;
	made_say(t, &done->job);
	if (done->job.backup.state == STATE_SUSPECT) {
		err_set(&why, ERR_DATA, "%s is suspect: %s",
		    done->job.backup.id, done->job.why);
		failure_note(r, t, done, &why);
	}
}

/* --- turns --- */

/* In a process of its own. */
struct work {
	struct attempt_how how;
	struct attempt_done done;
};

static bool
turn_work(void *arg, struct err *e)
{
	struct work *w = arg;

	return attempt_run(&w->how, &w->done, e);
}

static void
turn_take(struct roster *r, struct turn *t)
{
	struct work w = { .how = { t->plan, r->config, t->instance, lease_ms,
			      r->now, dry_run } };
	struct task task = { .work = turn_work,
		.arg = &w,
		.out = &w.done,
		.out_size = sizeof w.done,
		.grace_ms = GRACE_MS + t->plan->after_ms };
	struct err why;
	bool ok = task_run(&task, &why);

	tell(r, t, &w.done);
	if (!ok)
		failure_note(r, t, &w.done, &why);
	/* What was made or failed is looked at anew, when it may be due. */
	t->next = w.done.outcome == ATTEMPT_WAIT && ok ?
	    w.done.next :
	    clock_wall() + ATTEMPT_BUSY_MS;
}

static bool
turns_take(struct roster *r, struct err *e)
{
	for (size_t i = 0; i < r->turns.n; i++) {
		struct turn *t = (struct turn *)r->turns.item + i;

		if (!stop_check(e))
			return false;
		if (t->next <= clock_wall() || dry_run)
			turn_take(r, t);
	}
	return stop_check(e);
}

/* Until the first of them may be due, but never for long. */
static bool
nap(const struct roster *r, struct err *e)
{
	int64_t now = clock_wall(), until = now + LOOK_MS;

	for (size_t i = 0; i < r->turns.n; i++) {
		const struct turn *t = (struct turn *)r->turns.item + i;

		if (t->next < until)
			until = t->next;
	}
	while (clock_wall() < until && clock_wall() >= now) {
		const struct timespec a_bit = { 0, 200 * 1000 * 1000 };

		nanosleep(&a_bit, NULL);
		if (!stop_check(e))
			return false;
	}
	return true;
}

/* --- the story --- */

static bool
options_read(struct roster *r, struct err *e)
{
	journal_on = log_as == LOG_JSON;
	if (once && daemon_mode)
		return err_set(
		    e, ERR_USAGE, "--once and --daemon exclude each other");
	if (dry_run && daemon_mode)
		return err_set(
		    e, ERR_USAGE, "--dry-run and --daemon exclude each other");
	if (now_text == NULL)
		return true;
	if (!dry_run)
		return err_set(e, ERR_USAGE, "--now is for --dry-run only");
	return moment_take(now_text, &r->now) ||
	    err_set(e, ERR_USAGE,
		"--now wants a time (UTC) such as 2026-11-22, not '%s'",
		now_text);
}

/* A daemon goes on whatever fails; it ends when it is told to. */
static bool
rounds(struct roster *r, struct err *e)
{
	bool ok = turns_take(r, e);

	while (ok && daemon_mode)
		ok = nap(r, e) && turns_take(r, e);
	return ok;
}

static bool
auto_run(const struct operands *args, struct err *e)
{
	struct roster r = { 0 };
	bool ok =
	    options_read(&r, e) && roster_fill(&r, args, e) && rounds(&r, e);

	if (ok && r.failures > 0) {
		*e = r.worst;
		ok = r.failures == 1 ?
		    err_in(e, "not all went well") :
		    err_in(e, "%zu went wrong, the worst", r.failures);
	}
	roster_release(&r);
	return ok;
}

static const char *const notes[] = {
	"What is due follows from the plans (all, or those named) and the "
	"store",
	"alone, so this may be run by a timer, cron or as a daemon, on one "
	"machine",
	"or several at once: a lease in the store lets one of them make each",
	"backup.  Prints INSTANCE/ID of what was made.  A failure does not "
	"keep",
	"the others from being made; the exit status is the greatest of all.",
	NULL,
};

const struct verb verb_auto = {
	.name = "auto",
	.brief = "make the backups that are due by plan",
	.operands = "[PLAN...]",
	.operands_min = 0,
	.operands_max = -1,
	.tables = { opts, place_store_opts },
	.notes = notes,
	.run = auto_run,
};
