/*
 * task.h -- do something in a process of its own, while we look after it.
 *
 * The process is a copy of ours, so it has its own connections, its own
 * environment and its own children; what it does wrong ends only itself.  We
 * meanwhile keep a lease, watch the clock, and pass on what we are told.
 *
 * It is told to end (SIGTERM) when a signal was noted, when its time is up, and
 * when tick says so; after .grace_ms it is killed.  Should we be killed, the
 * kernel sends it SIGTERM.
 */
#ifndef PIPELINE_TASK_H
#define PIPELINE_TASK_H

#include <stddef.h>
#include <stdint.h>

#include "stages/kit/err.h"

#define TASK_GRACE_MS 30000

struct task {
	/* Done there.  It must use no connection that was opened before. */
	bool (*work)(void *arg, struct err *);
	void *arg;
	/* Copied back from there when work has returned; without pointers. */
	void *out;
	size_t out_size;

	/* Called here some times a second; false: what it does is to end. */
	bool (*tick)(void *arg, struct err *);
	void *tick_arg;
	int64_t limit_ms; /* 0: it may take any time */
	int64_t grace_ms; /* 0: TASK_GRACE_MS */

	/* Out. */
	bool timed_out; /* it was told to end because its time was up */
};

/*
 * Run it.  False: the error is that of work, or of why it was told to end.  The
 * note of a signal stays (stop.h).
 */
MUST_USE bool task_run(struct task *, struct err *);

/*
 * Run a command by /bin/sh, with the variables ("NAME=value", NULL-ended) in
 * its environment; its output goes to our standard error.  It gets a process
 * group of its own, all of which ends when its time is up.  An exit status
 * other than 0 is an ERR_SYSTEM.  name: what it is, for messages.
 */
struct task_command {
	const char *name, *command;
	char *const *env;
	int64_t limit_ms;
	bool (*tick)(void *arg, struct err *);
	void *tick_arg;
};
MUST_USE bool task_command(const struct task_command *, struct err *);

#endif
