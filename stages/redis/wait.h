/*
 * wait.h -- waiting for a server: never for ever, and not against a signal.
 *
 * Every wait has an end and looks at stop.h when a signal interrupts it.  Times
 * are milliseconds; an end is a moment of clock_steady() (kit/clock.h).
 */
#ifndef REDIS_WAIT_H
#define REDIS_WAIT_H

#include <stdint.h>

#include "stages/kit/err.h"

enum wait_got { WAIT_READY, WAIT_QUIET, WAIT_FAILED };

/*
 * Until poll(2) reports one of the events of a descriptor (-1: of none), or end
 * has come: WAIT_QUIET.  Only WAIT_FAILED fills the error.
 */
enum wait_got wait_until(int fd, short events, int64_t end, struct err *);

/* Until a descriptor can be read, ms at most; *ready tells whether. */
MUST_USE bool wait_readable(int fd, int64_t ms, bool *ready, struct err *);

/* Sleep; false when asked to stop meanwhile. */
MUST_USE bool wait_pause(int64_t ms, struct err *);

/* stop_check(), unless these are our last words. */
MUST_USE bool wait_check(struct err *);

/*
 * From now on, in the whole program, signals that ask us to stop no longer end
 * a wait: for those last words that leave a server tidy.
 */
void wait_last_words(void);

#endif
