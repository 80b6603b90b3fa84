/*
 * ziplist.c -- the ziplist reader of blob.h.
 *
 *	total (4, little endian)  offset of the last entry (4)  count (2)
 *	entries  0xff
 *	entry: length of the entry before, encoding, data
 *
 * The length of the entry before may stand in five bytes where one would do:
 * servers leave it so when an entry shrinks (__ziplistCascadeUpdate).
 */
#include "rdb/pack.h"

enum state { HEADER, ENTRY, LONG_BEFORE, CODE, ARGUMENT, TEXT, ENDED };

#define HEADER_LEN    10
#define COUNT_UNKNOWN 65535

static const char too_long[] = "ziplist entry goes past the end of its "
			       "ziplist";

static enum pack_got
header(struct blob *b, struct rdb_chunk *in)
{
	const uint8_t *p;

	if (b->size < HEADER_LEN + 1)
		return pack_bad(b, "ziplist is too short for its header");
	if ((p = pack_take(b, in, HEADER_LEN)) == NULL)
		return PACK_MORE;
	if ((uint32_t)pack_signed(p, 4) != b->size)
		return pack_bad(b, "ziplist and its declared size disagree");
	b->last_at = (uint32_t)pack_signed(p + 4, 4);
	b->count = p[8] | (unsigned)p[9] << 8;
	b->state = ENTRY;
	return PACK_ON;
}

static enum pack_got
terminator(struct blob *b)
{
	if (b->pos != b->size)
		return pack_bad(b, "ziplist ends before its declared size");
	if (b->count != COUNT_UNKNOWN && b->count != b->seen)
		return pack_bad(b, "ziplist and its declared count disagree");
	if (b->last_at != b->pos - 1 - b->before)
		return pack_bad(
		    b, "ziplist and the declared place of its end disagree");
	b->state = ENDED;
	return PACK_END;
}

/* What is said about the entry before is known; b->entry bytes said it. */
static enum pack_got
before(struct blob *b, uint64_t said)
{
	if (said != b->before)
		return pack_bad(b,
		    "ziplist entry and the length of the one "
		    "before disagree");
	if (!pack_has(b, 1 + 1))
		return pack_bad(b, too_long);
	b->state = CODE;
	return PACK_ON;
}

static enum pack_got
entry(struct blob *b, struct rdb_chunk *in)
{
	const uint8_t *p = pack_take(b, in, 1);

	if (p == NULL)
		return PACK_MORE;
	b->began = b->pos - 1;
	if (*p == 0xff)
		return terminator(b);
	if (b->pos == b->size)
		return pack_bad(b, "ziplist without its end mark");
	b->seen++;
	b->entry = 1;
	if (*p < 0xfe)
		return before(b, *p);
	b->entry = 5;
	if (!pack_has(b, 4))
		return pack_bad(b, too_long);
	b->state = LONG_BEFORE;
	return PACK_ON;
}

/* How many bytes follow the encoding before text, or are the number; 255:
 * unknown. */
static unsigned
argument_len(unsigned code)
{
	if (code < 0xc0)
		return code < 0x40 ? 0 : code < 0x80 ? 1 : 4;
	switch (code) {
	case 0xc0:
		return 2;
	case 0xd0:
		return 4;
	case 0xe0:
		return 8;
	case 0xf0:
		return 3;
	case 0xfe:
		return 1;
	default:
		return code > 0xf0 && code < 0xfe ? 0 : 255;
	}
}

static enum pack_got
text(struct blob *b, unsigned head, uint64_t n)
{
	if (!pack_has(b, n + 1))
		return pack_bad(b, too_long);
	b->before = b->entry + head + n;
	pack_text_begin(b, n);
	b->state = TEXT;
	return PACK_ON;
}

static enum pack_got
number(struct blob *b, struct blob_run *run, unsigned len, int64_t num)
{
	b->before = b->entry + len;
	b->state = ENTRY;
	return pack_number(run, num);
}

/* The encoding is b->code, and what belongs to it is at p. */
static enum pack_got
decode(struct blob *b, struct blob_run *run, const uint8_t *p)
{
	unsigned c = b->code, n = argument_len(c);

	if (c < 0x40)
		return text(b, 1, c);
	if (c < 0x80)
		return text(b, 2, (c & 0x3f) << 8 | p[0]);
	if (c < 0xc0)
		return text(
		    b, 5, (uint64_t)p[0] << 24 | p[1] << 16 | p[2] << 8 | p[3]);
	if (n == 0) /* 0xf1 to 0xfd: 0 to 12 */
		return number(b, run, 1, (int64_t)(c & 0x0f) - 1);
	return number(b, run, 1 + n, pack_signed(p, n));
}

static enum pack_got
code(struct blob *b, struct rdb_chunk *in, struct blob_run *run)
{
	const uint8_t *p = pack_take(b, in, 1);

	if (p == NULL)
		return PACK_MORE;
	b->code = *p;
	if (argument_len(b->code) == 255)
		return pack_bad(b, "unknown ziplist encoding");
	if (!pack_has(b, argument_len(b->code) + 1u))
		return pack_bad(b, too_long);
	if (argument_len(b->code) == 0)
		return decode(b, run, NULL);
	b->state = ARGUMENT;
	return PACK_ON;
}

static enum pack_got
step(struct blob *b, struct rdb_chunk *in, struct blob_run *run)
{
	const uint8_t *p;
	enum pack_got got;

	switch (b->state) {
	case HEADER:
		return header(b, in);
	case ENTRY:
		return entry(b, in);
	case LONG_BEFORE:
		if ((p = pack_take(b, in, 4)) == NULL)
			return PACK_MORE;
		return before(b, (uint32_t)pack_signed(p, 4));
	case CODE:
		return code(b, in, run);
	case ARGUMENT:
		p = pack_take(b, in, argument_len(b->code));
		return p == NULL ? PACK_MORE : decode(b, run, p);
	case TEXT:
		got = pack_text(b, in, run);
		if (got == PACK_RUN && run->last)
			b->state = ENTRY;
		return got;
	default:
		return PACK_END;
	}
}

enum rdb_got
ziplist_next(struct blob *b, struct rdb_chunk *in, struct blob_run *run)
{
	enum pack_got got;

	while ((got = step(b, in, run)) == PACK_ON)
		;
	return (enum rdb_got)got;
}
