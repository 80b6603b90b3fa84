/*
 * recasts.h -- a stream's values as an engine has them, for tests of the recaster.
 *
 * What rdb-convert does, without it: keys are walked, values recast, and all is
 * written as an RDB of the engine's.  What belongs to no key is left out.
 *
 * Each chunk is fed from a block of its own, of exactly its size, freed before
 * the next: so the sanitizers see who looks too far or too late.
 */
#ifndef HARNESS_RECASTS_H
#define HARNESS_RECASTS_H

#include "rdb/recast.h"
#include "tests/harness/streams.h"

struct recast_result {
	struct stream out;         /* ended only if words is empty */
	uint64_t lost[RDB_LOSSES]; /* of all values */
	uint64_t rewritten;
	char words[200]; /* why it was refused or bad; empty: it was neither */
};

/* len bytes at p, fed a chunk of first bytes, then chunks of size bytes. */
void recasts_make(struct recast_result *, const uint8_t *p, size_t len,
    size_t first, size_t size, const struct rdb_engine *, bool lossy);
void recasts_release(struct recast_result *);

#endif
