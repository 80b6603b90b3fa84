/*
 * expiring.h -- how many keys may have expired by some moment.
 *
 * Counts expiry times in bins that double in width, so that a bound can be
 * given later without keeping the times.  Memory: this struct.
 */
#ifndef REDIS_EXPIRING_H
#define REDIS_EXPIRING_H

#include <stdint.h>

struct expiring {
	int64_t from;      /* ms since 1970: where the bins begin */
	uint64_t bins[65]; /* 0: up to from; n: from + [2^(n-1), 2^n) */
};

void expiring_init(struct expiring *, int64_t now_ms);
void expiring_add(struct expiring *, int64_t at_ms);

/* An upper bound of how many of the times are not after now_ms, which is not
 * before the one given first. */
uint64_t expiring_until(const struct expiring *, int64_t now_ms);

#endif
