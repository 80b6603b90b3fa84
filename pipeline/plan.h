/*
 * plan.h -- what is to be backed up when, and what of it is due.
 *
 * A plan is a [plan NAME] of the configuration with its texts read.  Its
 * windows (window.h) are the same on every machine, as are the places in them
 * at which each instance starts; so what is due follows from the plan, the
 * clock, and when the newest good automatic backup of the instance was
 * started, which the store knows.
 *
 *	before its place in the window	wait
 *	then, while the window is open	run
 *	after it has closed		run late, or wait for the next one
 *
 * A window is done with when a good backup was started since it opened, for
 * whichever plan: two plans for one instance share what is made while both
 * their windows are open.  Of several windows that were missed only the last
 * is made up for.
 */
#ifndef PIPELINE_PLAN_H
#define PIPELINE_PLAN_H

#include "pipeline/config.h"
#include "pipeline/guard.h"
#include "pipeline/retention.h"
#include "pipeline/window.h"

struct plan {
	const struct config_section *section; /* borrowed: texts and commands */
	const char *name;
	struct window window;
	struct zone *zone; /* owned */
	struct retention keep;
	struct guard guard;
	int64_t level;              /* for rdb-compress */
	const char *verify;         /* "frame", "deep" */
	bool primary;               /* take it from a primary */
	bool abort;                 /* at the end of the window */
	bool late;                  /* run what was missed */
	const char *before, *after; /* NULL: none */
	int64_t before_ms, after_ms;
};

/* The section must outlive the plan. */
MUST_USE bool plan_open(
    struct plan *, const struct config_section *, struct err *);
void plan_close(struct plan *);

enum plan_verdict { PLAN_WAIT, PLAN_RUN, PLAN_LATE };

struct plan_due {
	enum plan_verdict verdict;
	struct window_day day; /* the window it is about */
	int64_t start;         /* the instance's place in it; PLAN_WAIT: until
				  then */
};

/* last: when the newest good automatic backup was started, 0: never.  False
 * when no window opens within 400 days. */
bool plan_due(const struct plan *, const char *instance, int64_t last,
    int64_t now, struct plan_due *);

/* All that can be said of how a window lies on its day, such as "02:30 is
 * skipped"; empty on most days. */
#define PLAN_NOTE_LEN 120
const char *plan_note(
    const struct plan *, const struct window_day *, char[PLAN_NOTE_LEN]);

#endif
