/*
 * pump.h -- the one loop.
 *
 * Moves everything from a source through filters into a sink and commits
 * the sink.  No other function in this tree loops over read and write.
 */
#ifndef KIT_PUMP_H
#define KIT_PUMP_H

#include "stages/kit/filter.h"
#include "stages/kit/port.h"

struct progress;

struct pump {
	struct source *from;
	struct filter **via; /* in order; n may be 0 */
	size_t n;
	struct sink *to;
	struct room *between;      /* via[i] turns into between[i]; cap 0 for
				   watchers, else at least 1 */
	struct progress *progress; /* told of every chunk; may be NULL */
};

/* On failure the sink has not been committed. */
MUST_USE bool pump_run(struct pump *, struct err *);

#endif
