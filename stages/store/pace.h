/*
 * pace.h -- how many requests at a time a store puts up with.
 *
 * A store that says SlowDown gets half as many, but at least one; what was
 * under way when it spoke speaks of the same moment, so a second passes before
 * it is believed again.  One more is tried a minute later, and so on up to
 * what was asked for.
 *
 * Pure: the clock is the caller's, in milliseconds.
 */
#ifndef STORE_PACE_H
#define STORE_PACE_H

#include <stdint.h>

#define PACE_DEAF_MS    1000
#define PACE_RECOVER_MS 60000

struct pace {
	unsigned most, now;
	unsigned seen;      /* complaints that were counted */
	int64_t changed_ms; /* when now was last changed */
};

void pace_init(struct pace *, unsigned most, unsigned complaints);

/* Requests that may be under way now; complaints: how many there ever were. */
unsigned pace_allow(struct pace *, unsigned complaints, int64_t now_ms);

#endif
