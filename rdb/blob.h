/*
 * blob.h -- collections packed into one string, read while they arrive.
 *
 * Small collections are stored as one string that holds all elements:
 *
 *	listpack	hash, set, sorted set, list node, stream node (5.0+)
 *	ziplist		the same before 7.0
 *	zipmap		hash before 2.6
 *	intset		set of integers
 *
 * One reader for all: it goes forward only, may be interrupted after any byte,
 * and holds nothing but this struct, however large the blob is.
 *
 *	blob_begin(&b, BLOB_LISTPACK, size);
 *	while ((got = blob_next(&b, &chunk, &run)) == RDB_RUN)
 *		use(run);
 *	RDB_MORE: feed the next bytes of the decoded string
 *	RDB_END: complete, all size bytes taken.  RDB_BAD: see b.what
 *
 * What is checked: declared sizes against the real one, counts, the way back
 * (listpack: length behind each entry, of minimal size; ziplist: length of
 * the entry before, offset of the last), the terminator at exactly the last
 * byte, canonical lengths in a zipmap, ascending order in an intset.  Elements
 * lie wholly inside the blob by construction: nothing is read by offset.
 * What is not: whether members occur twice (that needs all of them at once),
 * or whether an odd count makes sense (the user knows what the elements are).
 *
 * Formats: src/listpack.c of Redis 5.0 and later, src/ziplist.c, src/zipmap.c,
 * src/intset.c.
 */
#ifndef RDB_BLOB_H
#define RDB_BLOB_H

#include "rdb/rdb.h"

enum blob_kind { BLOB_LISTPACK, BLOB_ZIPLIST, BLOB_ZIPMAP, BLOB_INTSET };

/* An element, or part of one; good until the next call. */
struct blob_run {
	bool is_num;        /* stored as an integer: num, in one run */
	bool first, last;   /* of the element */
	int64_t num;        /* what its decimal text says */
	const uint8_t *ptr; /* !is_num: len bytes of text, of size in all */
	size_t len;
	uint64_t size;
};

struct blob {
	const char *what; /* after RDB_BAD: why; static text */
	uint64_t began;   /* offset in the blob of the element at hand, of its
			     end mark, or 0: where to look when it is bad */

	/* Private to blob.c and the file of each kind. */
	enum rdb_got (*next)(
	    struct blob *, struct rdb_chunk *, struct blob_run *);
	uint64_t size, pos;      /* of the blob; taken of it */
	uint64_t left;           /* of the text being lent */
	uint64_t text;           /* size of that text */
	uint64_t entry, before;  /* length of this entry, of the one before */
	uint64_t seen;           /* elements begun */
	uint64_t count, last_at; /* as declared */
	int64_t floor;           /* intset: the number before */
	unsigned state, code, have;
	uint8_t head[16]; /* a number, cut */
};

/* A blob of size bytes will come. */
void blob_begin(struct blob *, enum blob_kind, uint64_t size);

/* Take bytes off the front of the chunk; see above. */
static inline enum rdb_got
blob_next(struct blob *b, struct rdb_chunk *in, struct blob_run *run)
{
	return b->next(b, in, run);
}

#endif
