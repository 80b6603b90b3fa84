/*
 * zipped.h -- a ziplist, put together.
 *
 * How servers before 7.0 store the nodes of a list; the reader is ziplist.c.
 *
 *	zipped_init(&z)
 *	zipped_add(&z, &piece)	for each piece of each element
 *	zipped_put(&z, out)	all of it as a string; z is empty again
 *	zipped_release(&z)
 *
 * Texts that are integers are stored as such, as servers do.  An element that is
 * alone in its ziplist can be written while it comes, if its size is known:
 *
 *	zipped_alone(out, size)	what stands in front of its bytes
 *	rdb_write_bytes(out, ...)
 *	zipped_alone_end(out)
 *
 * Format: src/ziplist.c of Redis 6.2.
 */
#ifndef RDB_ZIPPED_H
#define RDB_ZIPPED_H

#include "rdb/value.h"
#include "rdb/write.h"

/* The largest element; offsets in a ziplist have 32 bits. */
#define ZIPPED_MAX (UINT32_MAX - 64)

struct zipped {
	struct rdb_write body; /* the entries; .len: how many bytes so far */

	/* Private to zipped.c. */
	uint64_t count;
	size_t last_at, last_len;    /* the last entry in body */
	uint8_t digits[DECIMAL_MAX]; /* a short text, perhaps a number */
	unsigned have;
};

void zipped_init(struct zipped *);
void zipped_release(struct zipped *);
void zipped_add(struct zipped *, const struct rdb_piece *);
void zipped_put(struct zipped *, struct rdb_write *out);

void zipped_alone(struct rdb_write *out, uint64_t size);
void zipped_alone_end(struct rdb_write *out);

#endif
