/*
 * guard.h -- is this data set what it should be, or has something gone wrong
 * on the server?
 *
 * An empty or shrunken data set is backed up all the same, but as suspect: it
 * is kept and reported, and never counts as a good one.  Pure.
 */
#ifndef PIPELINE_GUARD_H
#define PIPELINE_GUARD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "stages/kit/err.h"

#define GUARD_TEXT_LEN 200

struct guard {
	uint64_t min_keys; /* 0: any number will do */
	unsigned
	    max_shrink; /* per cent of the last good one, 1 to 99; 0: any */
};

/* What there is to judge by. */
struct guard_size {
	uint64_t keys, raw; /* raw: bytes of RDB */
};

/*
 * Is it good?  last: that of the last good backup, NULL: there is none.  Where
 * it is not, why says so in words.
 */
bool guard_judge(const struct guard *, const struct guard_size *now,
    const struct guard_size *last, char why[GUARD_TEXT_LEN]);

/* "50%", 1 to 99.  ERR_USAGE. */
MUST_USE bool guard_share(const char *text, unsigned *per_cent, struct err *);

#endif
