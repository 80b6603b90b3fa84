/*
 * pack.h -- what the readers of packed collections share; private to
 * rdb/blob.c, listpack.c, ziplist.c, zipmap.c, intset.c.
 */
#ifndef RDB_PACK_H
#define RDB_PACK_H

#include <string.h>

#include "rdb/blob.h"

enum rdb_got listpack_next(
    struct blob *, struct rdb_chunk *, struct blob_run *);
enum rdb_got ziplist_next(struct blob *, struct rdb_chunk *, struct blob_run *);
enum rdb_got zipmap_next(struct blob *, struct rdb_chunk *, struct blob_run *);
enum rdb_got intset_next(struct blob *, struct rdb_chunk *, struct blob_run *);

/* What a step of a reader comes to: an answer for the caller, or "go on". */
enum pack_got {
	PACK_RUN = RDB_RUN,
	PACK_MORE = RDB_MORE,
	PACK_END = RDB_END,
	PACK_BAD = RDB_BAD,
	PACK_ON
};

/* The blob is bad for ever; returns PACK_BAD. */
enum pack_got pack_bad(struct blob *, const char *what);

/*
 * Take n (at most 16) bytes as one piece: from the chunk, or put together
 * from several.  NULL: the chunk is used up, come back with the next and the
 * same n.  The caller knows that the blob has so many bytes left.
 */
const uint8_t *pack_gather(struct blob *, struct rdb_chunk *, unsigned n);

static inline const uint8_t *
pack_take(struct blob *b, struct rdb_chunk *in, unsigned n)
{
	const uint8_t *p = in->ptr;

	if (b->have > 0 || (size_t)(in->end - p) < n)
		return pack_gather(b, in, n);
	in->ptr += n;
	b->pos += n;
	return p;
}

/* Does the blob have n bytes left behind what was taken? */
static inline bool
pack_has(const struct blob *b, uint64_t n)
{
	return n <= b->size - b->pos;
}

/* An element of n bytes of text begins; pack_text lends it. */
static inline void
pack_text_begin(struct blob *b, uint64_t n)
{
	b->text = b->left = n;
}

/* Lend what the chunk has of it; PACK_RUN or PACK_MORE. */
enum pack_got pack_text(struct blob *, struct rdb_chunk *, struct blob_run *);

/* An element that is a number. */
static inline enum pack_got
pack_number(struct blob_run *run, int64_t num)
{
	*run = (struct blob_run){
		.is_num = true, .first = true, .last = true, .num = num
	};
	return PACK_RUN;
}

/* n (1 to 8) bytes, little endian, signed. */
static inline int64_t
pack_signed(const uint8_t *p, unsigned n)
{
	uint64_t v = 0, sign = UINT64_C(1) << (8 * n - 1);

	while (n-- > 0)
		v = v << 8 | p[n];
	return (int64_t)((v ^ sign) - sign);
}

#endif
