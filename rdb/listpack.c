/*
 * listpack.c -- the listpack reader of blob.h.
 *
 *	total (4, little endian)  count (2)  entries  0xff
 *	entry: encoding, data, then the length of both, 7 bits a byte, to be
 *	read from behind
 */
#include "rdb/pack.h"

enum state { HEADER, ENTRY, ARGUMENT, TEXT, BACK, ENDED };

#define HEADER_LEN    6
#define COUNT_UNKNOWN 65535 /* too many for the field: walk to know */

static const char too_long[] = "listpack entry goes past the end of its "
			       "listpack";

static enum pack_got
header(struct blob *b, struct rdb_chunk *in)
{
	const uint8_t *p;

	if (b->size < HEADER_LEN + 1)
		return pack_bad(b, "listpack is too short for its header");
	if ((p = pack_take(b, in, HEADER_LEN)) == NULL)
		return PACK_MORE;
	if ((uint64_t)(p[0] | p[1] << 8 | p[2] << 16 | (uint32_t)p[3] << 24) !=
	    b->size)
		return pack_bad(b, "listpack and its declared size disagree");
	b->count = p[4] | (unsigned)p[5] << 8;
	b->state = ENTRY;
	return PACK_ON;
}

/* How many bytes say the length of an entry of n bytes. */
static unsigned
back_len(uint64_t n)
{
	return n < 1u << 7 ? 1 :
	    n < 1u << 14   ? 2 :
	    n < 1u << 21   ? 3 :
	    n < 1u << 28   ? 4 :
			     5;
}

/* The byte 0xff: the end, if it is the last byte and the count is right. */
static enum pack_got
terminator(struct blob *b)
{
	if (b->pos != b->size)
		return pack_bad(b, "listpack ends before its declared size");
	if (b->count != COUNT_UNKNOWN && b->count != b->seen)
		return pack_bad(b, "listpack and its declared count disagree");
	b->state = ENDED;
	return PACK_END;
}

/* How many bytes follow this first byte before the text; 255: unknown. */
static unsigned
argument_len(unsigned code)
{
	static const uint8_t wide[] = { 4, 2, 3, 4, 8 };

	if (code < 0xc0)
		return 0;
	if (code < 0xf0)
		return 1;
	return code <= 0xf4 ? wide[code - 0xf0] : 255;
}

/* An entry of text: n bytes, behind an encoding of head bytes. */
static enum pack_got
text(struct blob *b, unsigned head, uint64_t n)
{
	b->entry = head + n;
	if (!pack_has(b, n + back_len(b->entry) + 1))
		return pack_bad(b, too_long);
	pack_text_begin(b, n);
	b->state = TEXT;
	return PACK_ON;
}

static enum pack_got
number(struct blob *b, struct blob_run *run, unsigned entry, int64_t num)
{
	b->entry = entry;
	if (!pack_has(b, 1 + 1))
		return pack_bad(b, too_long);
	b->state = BACK;
	return pack_number(run, num);
}

/* The first byte is b->code, and what belongs to it is at p. */
static enum pack_got
decode(struct blob *b, struct blob_run *run, const uint8_t *p)
{
	unsigned c = b->code, n = argument_len(c);

	if (c < 0x80)
		return number(b, run, 1, (int64_t)c);
	if (c < 0xc0)
		return text(b, 1, c & 0x3f);
	if (c < 0xe0) /* 13 bits, signed */
		return number(b, run, 2,
		    (int64_t)(((c & 0x1f) << 8 | p[0]) ^ 0x1000) - 0x1000);
	if (c < 0xf0)
		return text(b, 2, (c & 0x0f) << 8 | p[0]);
	if (c == 0xf0)
		return text(b, 5, (uint64_t)(uint32_t)pack_signed(p, 4));
	return number(b, run, 1 + n, pack_signed(p, n));
}

static enum pack_got
entry(struct blob *b, struct rdb_chunk *in, struct blob_run *run)
{
	const uint8_t *p = pack_take(b, in, 1);

	if (p == NULL)
		return PACK_MORE;
	b->began = b->pos - 1;
	b->code = *p;
	if (b->code == 0xff)
		return terminator(b);
	if (b->pos == b->size)
		return pack_bad(b, "listpack without its end mark");
	b->seen++;
	if (argument_len(b->code) == 255)
		return pack_bad(b, "unknown listpack encoding");
	if (!pack_has(b, argument_len(b->code) + 2u))
		return pack_bad(b, too_long);
	if (argument_len(b->code) == 0)
		return decode(b, run, NULL);
	b->state = ARGUMENT;
	return PACK_ON;
}

/* The length of the entry, behind it: most significant group first, and all
 * groups but that one are marked. */
static enum pack_got
back(struct blob *b, struct rdb_chunk *in)
{
	unsigned n = back_len(b->entry), mark = 0;
	const uint8_t *p = pack_take(b, in, n);

	if (p == NULL)
		return PACK_MORE;
	for (unsigned i = n; i-- > 0; mark = 0x80)
		if (*p++ != (((b->entry >> 7 * i) & 0x7f) | mark))
			return pack_bad(b,
			    "listpack entry and the length behind it disagree");
	b->state = ENTRY;
	return PACK_ON;
}

/* A short text or number that lies in the chunk as a whole. */
static bool
quick(struct blob *b, struct rdb_chunk *in, struct blob_run *run)
{
	const uint8_t *p = in->ptr;
	size_t have = (size_t)(in->end - p), n;

	if (b->have > 0 || have == 0 || *p >= 0xc0)
		return false;
	n = *p < 0x80 ? 0 : *p & 0x3f;
	if (have < n + 2 || !pack_has(b, n + 3) || p[1 + n] != 1 + n)
		return false;
	if (*p < 0x80)
		pack_number(run, *p);
	else
		*run = (struct blob_run){ .first = true,
			.last = true,
			.ptr = p + 1,
			.len = n,
			.size = n };
	b->began = b->pos;
	in->ptr += n + 2;
	b->pos += n + 2;
	b->seen++;
	return true;
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
		return quick(b, in, run) ? PACK_RUN : entry(b, in, run);
	case ARGUMENT:
		p = pack_take(b, in, argument_len(b->code));
		return p == NULL ? PACK_MORE : decode(b, run, p);
	case TEXT:
		got = pack_text(b, in, run);
		if (got == PACK_RUN && run->last)
			b->state = BACK;
		return got;
	case BACK:
		return back(b, in);
	default:
		return PACK_END;
	}
}

enum rdb_got
listpack_next(struct blob *b, struct rdb_chunk *in, struct blob_run *run)
{
	enum pack_got got;

	while ((got = step(b, in, run)) == PACK_ON)
		;
	return (enum rdb_got)got;
}
