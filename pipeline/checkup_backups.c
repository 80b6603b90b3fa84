/*
 * checkup_backups.c -- a look at the backups of an instance, see checkup.h.
 *
 * Without --max-age the plans say how old a backup may be: a good one must
 * have been begun since the last window opened that has closed by now.
 */
#include "pipeline/checkup.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "pipeline/figure.h"
#include "pipeline/moment.h"
#include "pipeline/plan.h"

#define AGE_MAX (INT64_C(26) * 3600 * 1000) /* ms; a day, and some slack */

/* --- age --- */

static void
age_text(const struct history *h, int64_t now, char to[FIGURE_LEN])
{
	int64_t minutes = (now - h->started) / 60000;

	if (minutes >= 48 * 60)
		snprintf(to, FIGURE_LEN, "%" PRId64 "d%02" PRId64 "h",
		    minutes / 1440, minutes / 60 % 24);
	else
		figure_time(to, now - h->started);
}

static void
age_judge(
    struct findings *f, const struct history *h, int64_t most, int64_t now)
{
	char age[FIGURE_LEN], allowed[FIGURE_LEN];

	age_text(h, now, age);
	if (now - h->started > most)
		finding_bad(f, "age", ERR_DATA,
		    "rdbpipe backup, and find out "
		    "why none was made",
		    "the newest good backup, %s, is %s old; %s are allowed",
		    h->id, age, figure_time(allowed, most));
	else
		finding_ok(f, "age", "the newest good backup, %s, is %s old",
		    h->id, age);
}

/* The last window that has closed; false: none. */
static bool
window_last(const struct plan *p, int64_t now, struct window_day *d)
{
	return window_before(&p->window, now, d) &&
	    (d->closes <= now || window_before(&p->window, d->opens - 1, d));
}

static void
plan_age_judge(struct findings *f, const struct history *h,
    const struct plan *p, int64_t now)
{
	char age[FIGURE_LEN], opened[ZONE_TEXT_LEN];
	struct window_day d;

	if (!window_last(p, now, &d))
		return;
	age_text(h, now, age);
	zone_print(p->zone, d.opens / 1000, opened);
	if (h->started < d.opens)
		finding_bad(f, "age", ERR_DATA,
		    "rdbpipe backup; is rdbpipe auto running?",
		    "plan %s: no good backup since its window of %s; the "
		    "newest, %s, is %s old",
		    p->name, opened, h->id, age);
	else
		finding_ok(f, "age",
		    "plan %s: the newest good backup, %s, is %s old", p->name,
		    h->id, age);
}

/* --- is the time enough? --- */

/* From its place in the window, the last one would have been done in time. */
static void
time_judge(struct findings *f, const struct history *h, const struct plan *p,
    int64_t now)
{
	char took[FIGURE_LEN], left[FIGURE_LEN];
	struct window_day d;
	int64_t start;

	if (!window_after(&p->window, now, &d))
		return;
	start = window_start(&d, p->name, h->instance);
	if (h->finished - h->started <= d.closes - start)
		return;
	figure_time(took, h->finished - h->started);
	figure_time(left, d.closes - start);
	finding_warn(f, "window",
	    p->abort ? "widen the window: the backup will be ended at its end" :
		       "widen the window",
	    "plan %s: the last backup took %s, of the window only %s are left "
	    "when it starts",
	    p->name, took, left);
}

/* --- plans --- */

static bool
plan_judge(struct findings *f, const struct history *h,
    const struct checkup_rules *rules, const struct config_section *section)
{
	struct plan p;
	struct err e;

	if (!plan_open(&p, section, &e)) {
		finding_bad(f, "plan", e.kind, NULL, "[plan %s]: %s",
		    section->name, e.text);
		return false;
	}
	if (*h->id != '\0') {
		if (rules->max_age == 0)
			plan_age_judge(f, h, &p, rules->now);
		time_judge(f, h, &p, rules->now);
	}
	plan_close(&p);
	return true;
}

/* How many plans there are for it. */
static size_t
plans_judge(struct findings *f, const struct history *h,
    const struct checkup_rules *rules)
{
	const struct config *c = rules->config;
	size_t n = 0;

	for (size_t i = 0; c != NULL && i < c->sections.n; i++) {
		const struct config_section *s = config_section(c, i);

		if (s->of == OF_PLAN && config_is_for(s, h->instance))
			n += plan_judge(f, h, rules, s);
	}
	return n;
}

/* --- what went wrong --- */

static void
failed_judge(struct findings *f, const struct history *h)
{
	const char *suspect = h->newest[HISTORY_SUSPECT];
	const char *failed = h->newest[HISTORY_FAILED];

	if (*suspect != '\0' && strcmp(suspect, h->id) > 0)
		finding_bad(f, "suspect", ERR_DATA,
		    "compare it with the one before; rdbpipe show",
		    "%s, the newest, is suspect", suspect);
	if (*failed != '\0' && strcmp(failed, h->id) > 0)
		finding_warn(f, "failed", "it is tried again; mend the cause",
		    "%s failed: %s", failed, h->failure.text);
	if (h->count[HISTORY_BROKEN] > 0)
		finding_bad(f, "broken", ERR_DATA,
		    "rdbpipe list --state broken",
		    "%" PRIu64 " broken %s; %s: %s", h->count[HISTORY_BROKEN],
		    h->count[HISTORY_BROKEN] == 1 ? "manifest" : "manifests",
		    h->newest[HISTORY_BROKEN], h->fault.text);
	if (h->litter > 0)
		finding_warn(f, "leftover", "rdbpipe prune",
		    "%" PRIu64 " unfinished %s, which nothing changed in for "
		    "two days",
		    h->litter, h->litter == 1 ? "attempt" : "attempts");
}

static void
good_judge(struct findings *f, const struct history *h,
    const struct checkup_rules *rules, size_t plans)
{
	if (*h->id == '\0') {
		finding_bad(f, "age", ERR_DATA, "rdbpipe backup",
		    "there is no good backup");
		return;
	}
	if (plans == 0 || rules->max_age != 0)
		age_judge(f, h, rules->max_age != 0 ? rules->max_age : AGE_MAX,
		    rules->now);
	if (h->started > rules->now)
		finding_warn(f, "clock", "set the clocks by NTP",
		    "%s is of the future: some clock is, or was, wrong", h->id);
	if (*h->verified == '\0')
		finding_warn(f, "verified", "rdbpipe verify",
		    "%s was not verified when it was made", h->id);
}

void
checkup_backups(struct findings *f, const struct history *h,
    const struct checkup_rules *rules)
{
	size_t plans = plans_judge(f, h, rules);

	good_judge(f, h, rules, plans);
	failed_judge(f, h);
}
