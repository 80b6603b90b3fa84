/*
 * whole_rdb.h -- an RDB stream, walked until it has proven itself whole.
 *
 * Everybody who must know that an RDB is complete walks it the same way: to
 * its end mark, with its CRC compared, and nothing behind it but the 40-byte
 * mark that replication leaves.  What else a program wants to know of the
 * stream it learns from the runs, as they pass (rdb/rdb.h).
 *
 *	whole_rdb_init(&w);
 *	each chunk	whole_rdb_feed(&w, in, each, arg, &used, e)
 *	the end		whole_rdb_end(&w, e)
 *
 * Errors are ERR_DATA and name offset, key and what was wrong.
 */
#ifndef KIT_WHOLE_RDB_H
#define KIT_WHOLE_RDB_H

#include "rdb/rdb.h"
#include "stages/kit/err.h"
#include "stages/kit/span.h"

#define WHOLE_RDB_MARK 40 /* bytes of a replication's mark */

struct whole_rdb {
	struct rdb_walk walk;
	uint64_t crc;  /* as stored in the trailer; 0: none */
	uint64_t tail; /* bytes behind the end */
	bool ended;    /* walk.at is the size of the RDB */

	/* Set it after init to judge what follows the end yourself: feed then
	 * leaves it alone, and counts nothing as tail. */
	bool spare_tail;

	/* Set it after init when the runs of keys and values do not matter:
	 * records in one piece are then only counted, here, and never handed
	 * to each. */
	struct rdb_tally *tally;
};

/* Called for every run.  False, with e filled, stops it all. */
typedef bool whole_rdb_each(void *arg, const struct rdb_run *, struct err *e);

void whole_rdb_init(struct whole_rdb *);

/*
 * Walk the next bytes.  Without each, no run matters.  *used (may be NULL): how many of them belong to the
 * RDB; the others are its tail.
 */
MUST_USE bool whole_rdb_feed(struct whole_rdb *, struct span in,
    whole_rdb_each *each, void *arg, size_t *used, struct err *e);

/*
 * For a reader above the walk that found a fault in the item at hand: make
 * the error for it, with offset and key.  Always false.
 */
bool whole_rdb_blame(
    struct whole_rdb *, const struct rdb_fault *, struct err *e);

/* Judge bytes behind the end: part of a mark, or wrong. */
MUST_USE bool whole_rdb_tail(struct whole_rdb *, struct span in, struct err *e);

/* There is no more. */
MUST_USE bool whole_rdb_end(const struct whole_rdb *, struct err *e);

/* True when the stream carried a checksum, and it is right. */
static inline bool
whole_rdb_checked(const struct whole_rdb *w)
{
	return w->ended && w->crc != 0 && w->crc == w->walk.crc;
}

#endif
