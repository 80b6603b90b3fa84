/*
 * intset.c -- the intset reader of blob.h.
 *
 *	width (4, little endian: 2, 4 or 8)  count (4)  numbers, ascending
 */
#include "rdb/pack.h"

enum state { HEADER, NUMBER, ENDED };

#define HEADER_LEN 8

static enum pack_got
header(struct blob *b, struct rdb_chunk *in)
{
	const uint8_t *p;

	if (b->size < HEADER_LEN)
		return pack_bad(b, "intset is too short for its header");
	if ((p = pack_take(b, in, HEADER_LEN)) == NULL)
		return PACK_MORE;
	b->code = (unsigned)pack_signed(p, 4);
	b->count = (uint32_t)pack_signed(p + 4, 4);
	if (b->code != 2 && b->code != 4 && b->code != 8)
		return pack_bad(b, "unknown intset encoding");
	if (b->size != HEADER_LEN + b->code * b->count)
		return pack_bad(b, "intset and its declared count disagree");
	b->state = NUMBER;
	return PACK_ON;
}

static enum pack_got
number(struct blob *b, struct rdb_chunk *in, struct blob_run *run)
{
	const uint8_t *p;
	int64_t num;

	if (b->seen == b->count) {
		b->state = ENDED;
		return PACK_END;
	}
	if ((p = pack_take(b, in, b->code)) == NULL)
		return PACK_MORE;
	b->began = b->pos - b->code;
	num = pack_signed(p, b->code);
	if (b->seen > 0 && num <= b->floor)
		return pack_bad(b, "intset is not in ascending order");
	b->floor = num;
	b->seen++;
	return pack_number(run, num);
}

static enum pack_got
step(struct blob *b, struct rdb_chunk *in, struct blob_run *run)
{
	switch (b->state) {
	case HEADER:
		return header(b, in);
	case NUMBER:
		return number(b, in, run);
	default:
		return PACK_END;
	}
}

enum rdb_got
intset_next(struct blob *b, struct rdb_chunk *in, struct blob_run *run)
{
	enum pack_got got;

	while ((got = step(b, in, run)) == PACK_ON)
		;
	return (enum rdb_got)got;
}
