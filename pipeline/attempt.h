/*
 * attempt.h -- one instance by one plan: is it due, and if so, make it.
 *
 * What is due is decided from the plan and the store alone, so any number of
 * processes on any number of machines may do this at once; the lease
 * (lease.h) lets one of them, which looks at the store once more.
 *
 *	look -> lease -> look again -> before -> backup -> after -> retention
 *
 * A window is settled by a backup that is good, or suspect: made again it
 * would be suspect again.  A failure leaves a failed.json (failure.h), and is
 * tried again after ATTEMPT_PAUSE_MS, then twice that, and so on up to
 * ATTEMPT_PAUSE_MAX, as long as the plan says that it is due.  To have lost the
 * lease, or to be told to stop, leaves nothing: somebody else may go on at once.
 */
#ifndef PIPELINE_ATTEMPT_H
#define PIPELINE_ATTEMPT_H

#include "pipeline/job.h"
#include "pipeline/plan.h"

#define ATTEMPT_PAUSE_MS  (INT64_C(5) * 60 * 1000)
#define ATTEMPT_PAUSE_MAX (INT64_C(60) * 60 * 1000)
#define ATTEMPT_BUSY_MS   (INT64_C(30) * 1000)

struct attempt_how {
	const struct plan *plan;
	const struct config *config;
	const struct config_section *instance;
	int64_t lease_ms;
	int64_t now; /* only look, as if it were then; 0: it is now */
	bool look;   /* decide, and do nothing */
};

enum attempt_outcome {
	ATTEMPT_WAIT,    /* nothing to do until .next */
	ATTEMPT_DUE,     /* it would be made now */
	ATTEMPT_BUSY,    /* somebody else is at it */
	ATTEMPT_MADE,    /* see .job */
	ATTEMPT_NOT_MADE /* it was due, and failed */
};

struct attempt_done {
	enum attempt_outcome outcome;
	int64_t next; /* a moment: nothing changes before */
	bool late;    /* due: the window has closed */
	struct window_day day;
	char who[LEASE_WHO_LEN]; /* busy: who */
	struct job_done job;
};

/*
 * In a process of its own (task.h): it opens the store of the instance.
 * False: something went wrong; the outcome may still be ATTEMPT_MADE, when it
 * did afterwards.
 */
MUST_USE bool attempt_run(
    const struct attempt_how *, struct attempt_done *, struct err *);

#endif
