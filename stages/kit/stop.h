/*
 * stop.h -- being asked to stop, and noticing.
 *
 * SIGINT, SIGTERM and SIGHUP (unless it is ignored, as nohup has it) only take
 * a note; whoever waits in a system call looks at the note when the call returns EINTR, gives up with stop_check(), and
 * cleans up on the normal error path.  A signal that arrives between the
 * look and the call is not lost: from the first one on, a timer interrupts
 * every wait ten times a second until the program has ended.
 *
 * Rule: after any call that failed with EINTR, ask stop_check(); in loops
 * that never wait, ask it once per turn.  SIGPIPE is ignored everywhere; a
 * broken pipe on standard output becomes a quiet end, see stage.h.
 */
#ifndef KIT_STOP_H
#define KIT_STOP_H

#include "stages/kit/err.h"

/* Install the handlers.  Once, by main. */
void stop_init(void);

/* True when nobody asked us to stop; else fills e and returns false. */
MUST_USE bool stop_check(struct err *e);

/*
 * Forget the note, to clean up in calls that would give up because of it.  The
 * next signal is noted anew.  For processes whose parent sees to it that they
 * end.
 */
void stop_forget(void);

#endif
