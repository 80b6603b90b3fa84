/*
 * lzf.h -- LZF, decoded while it arrives.
 *
 * A string of any size needs no more memory than this struct: LZF refers
 * back at most 8 KiB, so the decoder keeps that much behind what it lends
 * out.  Input may be cut anywhere.
 *
 *	lzf_init(&l, stored, full);
 *	for each chunk of the stored bytes
 *		while ((got = lzf_next(&l, &chunk, &p, &n)) == RDB_RUN)
 *			use n bytes at p
 *	RDB_END: all of it was decoded.  RDB_BAD: see l.what.
 *
 * Every rule is checked: a copy refers to bytes that were made, nothing
 * reads past stored or writes past full, and both end together.  Format: liblzf
 * by Marc Lehmann, lzf_d.c.
 */
#ifndef RDB_LZF_H
#define RDB_LZF_H

#include "rdb/rdb.h"

#define LZF_BACK 8192           /* furthest a copy refers back */
#define LZF_KEEP (4 * LZF_BACK) /* what is decoded between two slides */

struct lzf {
	const char *what; /* after RDB_BAD: why; static text */

	/* Private. */
	uint64_t in_left, out_left; /* of stored, of full */
	size_t lent, len;           /* of the window: lent out, filled */
	unsigned state, n, back;    /* the copy being made */
	uint8_t window[LZF_BACK + LZF_KEEP];
};

/* stored bytes will come and stand for full bytes. */
void lzf_init(struct lzf *, uint64_t stored, uint64_t full);

/*
 * Take bytes off the front of the chunk, at most those stored, and lend what
 * they stand for until the next call.  RDB_RUN: n > 0 bytes at ptr; call
 * again.  RDB_MORE: the chunk is used up.  RDB_END: complete.  RDB_BAD: the
 * bytes are no LZF of that size, now and for ever.
 */
enum rdb_got lzf_next(
    struct lzf *, struct rdb_chunk *, const uint8_t **ptr, size_t *n);

#endif
