/*
 * digest.h -- the logical fingerprint of a data set.
 *
 * Two streams with the same digest hold the same data: keys with their types,
 * databases, expiry times and elements, whatever the encodings, the order of
 * keys, the versions of the servers that wrote them, and whatever number of
 * shards the data is spread over: the digests of the shards, added with
 * hash128_add, are the digest of the whole.  docs/digest.md defines it so that
 * others can compute it.
 *
 *	rdb_digest_init(d, RDB_DIGEST_ALL);
 *	for each run of a walk (rdb.h)
 *		if (!rdb_digest_feed(d, &run))
 *			see d->fault
 *	after RDB_END: d->keys_sum, d->functions_sum, counts
 *
 * It guards against accidents, not against an adversary: XXH3 can be forged.
 * Not data, and so left out: idle times, access frequencies, when a consumer
 * was seen, auxiliary fields, slot numbers, entries of streams that were deleted.
 *
 * Memory: this struct, about 190 KiB, however large the data.  Take it from
 * malloc.
 */
#ifndef RDB_DIGEST_H
#define RDB_DIGEST_H

#include "rdb/record.h"
#include "rdb/value.h"

#define RDB_DIGEST_ALL INT64_MIN /* leave out nothing */

struct rdb_digest {
	/* To be read; sums once the walk has ended. */
	struct rdb_fault fault;
	struct hash128_sum keys_sum;
	struct hash128_sum functions_sum; /* every shard carries all of them */
	uint64_t keys, expires;           /* that are in the sum */
	uint64_t left_out;                /* keys expired at at_ms */
	uint64_t fields_left_out; /* same for fields of hashes in the sum */
	uint64_t empty;     /* collections of nothing: servers skip them */
	uint64_t functions; /* libraries */

	/* Private to digest.c. */
	int64_t at_ms, expire;
	uint64_t db;
	bool valkey;
	unsigned type, kind, opcode;
	struct hash128_sum meta, terms; /* of this key */
	uint64_t n_terms, elements, gone;
	uint64_t released; /* place in the row of a group's released entries */
	struct hash128_sum group, owner; /* hashes of names */
	struct record key, term;
	struct rdb_text text;
	struct rdb_value value;
};

/*
 * With at_ms, milliseconds since 1970, keys and fields of hashes that are
 * expired at that moment (their time is at_ms or before) are left out and
 * counted apart: what two servers may have removed or not.
 */
void rdb_digest_init(struct rdb_digest *, int64_t at_ms);

/* Take the next run of the walk.  False: a value cannot be decoded; where and
 * why is in fault, which key it is the walk knows. */
bool rdb_digest_feed(struct rdb_digest *, const struct rdb_run *);

#endif
