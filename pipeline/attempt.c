/* attempt.c -- see attempt.h. */
#include "pipeline/attempt.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pipeline/failure.h"
#include "pipeline/journal.h"
#include "pipeline/keeping.h"
#include "pipeline/moment.h"
#include "pipeline/place.h"
#include "pipeline/say.h"
#include "pipeline/task.h"
#include "stages/kit/clock.h"
#include "stages/kit/stop.h"

#define FUTURE_MS  (INT64_C(3600) * 1000) /* clocks may differ by that */
#define FOREVER_MS (INT64_C(86400) * 1000)

struct attempt {
	const struct attempt_how *how;
	const char *instance;
	struct store *store;
	struct lease lease;
	struct attempt_done *done;
	int64_t now, began;
	enum plan_verdict verdict;
};

/* --- is it due --- */

/* What the store knows of a window. */
struct past {
	int64_t last;  /* when what settles a window was last begun */
	int64_t opens; /* failures since then count */
	int failures;
	int64_t failed; /* when the last of them was */
};

static void
past_find(struct past *p, const struct stock *s, int64_t now)
{
	p->failures = 0;
	for (size_t i = 0; i < s->n; i++) {
		const struct retention_backup *b = stock_backup(s, i);
		const char *id = stock_item(s, i)->name.id;

		if (strcmp(strrchr(id, '-'), "-auto") != 0 ||
		    b->started > now + FUTURE_MS)
			continue;
		if (b->state == RETAIN_GOOD || b->state == RETAIN_SUSPECT)
			p->last = b->started;
		if (b->failed && b->started >= p->opens) {
			p->failures++;
			p->failed = b->changed;
		}
	}
}

static int64_t
pause_after(int failures)
{
	int64_t ms = ATTEMPT_PAUSE_MS;

	while (--failures > 0 && ms < ATTEMPT_PAUSE_MAX)
		ms *= 2;
	return ms < ATTEMPT_PAUSE_MAX ? ms : ATTEMPT_PAUSE_MAX;
}

static void
verdict_find(struct attempt *a, const struct stock *s)
{
	struct past past = { .opens = INT64_MAX };
	struct plan_due due;

	past_find(&past, s, a->now);
	a->verdict = PLAN_WAIT;
	a->done->outcome = ATTEMPT_WAIT;
	a->done->next = a->now + FOREVER_MS;
	if (!plan_due(a->how->plan, a->instance, past.last, a->now, &due))
		return;
	a->done->day = due.day;
	a->done->next = due.start;
	if (due.verdict == PLAN_WAIT)
		return;
	past.opens = due.day.opens;
	past_find(&past, s, a->now);
	if (past.failures > 0)
		a->done->next = past.failed + pause_after(past.failures);
	if (past.failures > 0 && a->done->next > a->now)
		return;
	a->verdict = due.verdict;
	a->done->late = due.verdict == PLAN_LATE;
	a->done->outcome = ATTEMPT_DUE;
	a->done->next = a->now;
}

static bool
look(struct attempt *a, struct err *e)
{
	struct stock s = { 0 };
	bool ok = stock_take(&s, a->store, a->instance, e);

	if (a->how->now == 0)
		a->now = clock_wall();
	if (ok)
		verdict_find(a, &s);
	stock_release(&s);
	return ok;
}

/* --- before and after --- */

/* Before: without the lease there is nothing to prepare for. */
static bool
tick_held(void *arg, struct err *e)
{
	return lease_renew(arg, e);
}

/* After: it runs, lease or no lease. */
static bool
tick_any(void *arg, struct err *e)
{
	struct lease *l = arg;

	if (l->held && !lease_renew(l, e))
		say("%s", e->text);
	return true;
}

enum { VAR_INSTANCE, VAR_PLAN, VAR_STATE, VAR_ID, VAR_EXIT, VAR_REASON, VARS };

/* One variable; NULL when there is no memory. */
static char *
variable(const char *name, const char *value)
{
	char *text;

	return asprintf(&text, "RDBPIPE_%s=%s", name, value) == -1 ? NULL :
								     text;
}

/* what: "before" or "after"; why: of a failure, or NULL. */
static bool
hook_run(struct attempt *a, const char *what, const char *command,
    int64_t limit_ms, const char *state, const struct err *why, struct err *e)
{
	char code[12] = "0", *env[VARS + 1] = { NULL };
	struct task_command c = { what, command, env, limit_ms,
		why == NULL && strcmp(state, "starting") == 0 ? tick_held :
								tick_any,
		&a->lease };
	bool ok = true;

	if (why != NULL)
		snprintf(code, sizeof code, "%d", err_exit_code(why));
	env[VAR_INSTANCE] = variable("INSTANCE", a->instance);
	env[VAR_PLAN] = variable("PLAN", a->how->plan->name);
	env[VAR_STATE] = variable("STATE", state);
	env[VAR_ID] = variable("ID", a->done->job.backup.id);
	env[VAR_EXIT] = variable("EXIT", code);
	env[VAR_REASON] =
	    variable("REASON", why != NULL ? why->text : a->done->job.why);
	for (int i = 0; i < VARS; i++)
		ok = ok && env[i] != NULL;
	ok = ok ? task_command(&c, e) : err_sys(e, "%s", what);
	for (int i = 0; i < VARS; i++)
		free(env[i]);
	return ok;
}

static bool
before(struct attempt *a, struct err *e)
{
	const struct plan *p = a->how->plan;

	return p->before == NULL ||
	    hook_run(a, "before", p->before, p->before_ms, "starting", NULL, e);
}

/* Always, whatever happened; a lease that was lost is no reason against it. */
static bool
after(struct attempt *a, const struct err *why, struct err *e)
{
	const struct plan *p = a->how->plan;
	const char *state = why != NULL                 ? "failed" :
	    a->done->job.backup.state == STATE_COMPLETE ? "complete" :
							  "suspect";

	return p->after == NULL ||
	    hook_run(a, "after", p->after, p->after_ms, state, why, e);
}

/* --- the backup --- */

/* What is to be made, by the plan.  url is the endpoint's to overwrite. */
static bool
backup_make(struct attempt *a, struct err *e)
{
	const struct plan *p = a->how->plan;
	char *url = strdup(a->how->instance->name);
	struct endpoint from = { 0 };
	struct job_how how = { .guard = p->guard, .lease = &a->lease };
	bool ok = url != NULL ? endpoint_init(&from, url, e) :
				err_sys(e, "no memory");

	how.backup.from = &from;
	how.backup.instance = a->instance;
	how.backup.type = TYPE_AUTO;
	how.backup.level = p->level;
	how.backup.primaries = p->primary;
	if (p->abort && a->verdict == PLAN_RUN) {
		how.limit_ms = a->done->day.closes - clock_wall();
		if (how.limit_ms <= 0)
			how.limit_ms = 1;
	}
	ok = ok && job_run(&how, &a->done->job, e);
	if (!ok && a->done->job.timed_out)
		err_set(
		    e, ERR_SYSTEM, "its window has closed, on-overrun = abort");
	endpoint_release(&from);
	free(url);
	return ok;
}

/* What is left of an attempt: why it came to nothing. */
static void
failure_leave(struct attempt *a, const struct err *why)
{
	struct failure f = { .format = FAILURE_FORMAT,
		.plan = (char *)a->how->plan->name,
		.started = a->began,
		.ended = clock_wall(),
		.exit = (uint64_t)err_exit_code(why),
		.reason = (char *)why->text };
	struct catalogue_name name;
	char stamp[STAMP_LEN + 1], *text = NULL, *key;
	struct err e;

	if (f.ended < f.started)
		f.ended = f.started;
	moment_stamp(a->began, stamp);
	snprintf(name.instance, sizeof name.instance, "%s", a->instance);
	snprintf(name.id, sizeof name.id, "%s-auto", stamp);
	if (*a->done->job.backup.id != '\0')
		strcpy(name.id, a->done->job.backup.id);
	strcpy(a->done->job.backup.id, name.id);
	key = catalogue_key(&name, FAILURE_NAME, &e);
	if (key == NULL || !failure_print(&f, &text, &e) ||
	    !place_write(a->store, key, text, &e))
		say("%s: its failure is not in the store: %s", a->instance,
		    e.text);
	free(text);
	free(key);
}

/* The rules of all plans for the instance. */
static bool
retain(struct attempt *a, struct err *e)
{
	struct keeping *k = calloc(1, sizeof *k);
	struct stock s = { 0 };
	size_t removed = 0;
	bool ok = k != NULL || err_sys(e, "no memory");

	if (ok) {
		k->config = a->how->config;
		ok = stock_take(&s, a->store, a->instance, e) &&
		    stock_decide(&s, keeping_rules, k, clock_wall(),
			RETENTION_LITTER, e) &&
		    keeping_apply(&s, a->store, &removed, e);
		keeping_close(k);
	}
	stock_release(&s);
	free(k);
	if (removed > 0) {
		say("%zu of %s removed, which no rule keeps", removed,
		    a->instance);
		journal_write(&(struct journal_line){ .event = "pruned",
		    .plan = a->how->plan->name,
		    .instance = a->instance,
		    .count = removed });
	}
	return ok || err_in(e, "retention");
}

/* --- the story --- */

static void
began(struct attempt *a)
{
	a->began = clock_wall();
	say("plan %s: %s is due%s", a->how->plan->name, a->instance,
	    a->verdict == PLAN_LATE ? ", late" : "");
	journal_write(&(struct journal_line){ .event = "started",
	    .plan = a->how->plan->name,
	    .instance = a->instance,
	    .reason = a->verdict == PLAN_LATE ? "late" : NULL });
}

/* Under the lease. */
static bool
make(struct attempt *a, struct err *e)
{
	struct err why, stop;
	bool ok, stopped, after_ok;

	began(a);
	ok = before(a, &why) && backup_make(a, &why);
	stopped = !stop_check(&stop);
	stop_forget(); /* whoever told us to end gives us time to clean up */
	a->done->outcome = ok ? ATTEMPT_MADE : ATTEMPT_NOT_MADE;
	/* Who has lost his lease leaves it to whoever has it now. */
	if (!ok && !stopped && lease_check(&a->lease, a->store, &stop))
		failure_leave(a, &why);
	after_ok = after(a, ok ? NULL : &why, e);
	if (!ok) {
		if (!after_ok)
			say("%s: %s", a->instance, e->text);
		*e = why;
		return false;
	}
	if (a->done->job.backup.state == STATE_COMPLETE && !stopped &&
	    a->lease.held) {
		struct err kept;

		if (!retain(a, &kept)) {
			if (after_ok)
				*e = kept;
			return false;
		}
	}
	return after_ok;
}

static bool
take(struct attempt *a, struct err *e)
{
	bool taken, ok;

	if (!lease_take(
		&a->lease, a->store, a->instance, a->how->lease_ms, &taken, e))
		return false;
	if (!taken) {
		a->done->outcome = ATTEMPT_BUSY;
		a->done->next = a->now + ATTEMPT_BUSY_MS;
		snprintf(a->done->who, sizeof a->done->who, "%s", a->lease.who);
		return true;
	}
	/* Somebody may have made it between our look and the lease. */
	ok = look(a, e) && (a->done->outcome != ATTEMPT_DUE || make(a, e));
	stop_forget();
	lease_release(&a->lease);
	return ok;
}

bool
attempt_run(
    const struct attempt_how *how, struct attempt_done *done, struct err *e)
{
	struct attempt a = { .how = how,
		.instance = how->instance->name,
		.done = done,
		.now = how->now != 0 ? how->now : clock_wall() };
	bool ok;

	memset(done, 0, sizeof *done);
	done->next = a.now + ATTEMPT_PAUSE_MS;
	place_assume(a.instance);
	if (!place_open(&a.store, e))
		return false;
	ok = look(&a, e) &&
	    (how->look || done->outcome != ATTEMPT_DUE || take(&a, e));
	store_close(a.store);
	return ok;
}
