/*
 * twins.h -- did this name come before?
 *
 * Mappings may give two keys one name, and a server that loads such an RDB
 * gives up half-way.  This remembers 64 bits of a hash for every name, in memory
 * that has an end: when it is full, three of four names are forgotten, by their
 * hash, and from then on only names of that quarter are looked at, and so on.  So
 * every pair is found among the first 6 million names (TWINS_BYTES), and of more
 * names a fixed share of the pairs.  Two different names are taken for one with a
 * probability of n * n / 2^65: one in a million for 6 million.
 *
 *	twins_init(&t, TWINS_BYTES)
 *	twins_add(&t, db, key, len, &twin, e)	for each
 *	t.level > 0: only one in 4^level names was looked at
 *	twins_release(&t)
 *
 * Memory: grows with the names to bytes, and half as much again for a moment.
 */
#ifndef KEYS_TWINS_H
#define KEYS_TWINS_H

#include <stddef.h>
#include <stdint.h>

#include "stages/kit/err.h"

#define TWINS_BYTES ((size_t)64 << 20)

struct twins {
	unsigned level; /* to be read */

	/* Private to twins.c. */
	uint64_t *slots; /* 0: free */
	size_t cap, cap_max, n;
};

/* bytes is a power of two, 64 at least. */
void twins_init(struct twins *, size_t bytes);
void twins_release(struct twins *);

/* *twin: this name came before.  False: memory ran out. */
MUST_USE bool twins_add(struct twins *, uint64_t db, const void *key,
    size_t len, bool *twin, struct err *);

#endif
