/*
 * zipmap.c -- the zipmap reader of blob.h: field, value, field, value, ...
 *
 *	pairs (1; 254 and up: walk to know)  pairs  0xff
 *	pair: length field length free value and free bytes of no meaning
 *	length: one byte below 254, or 254 and four bytes, little endian
 *
 * A long length that would fit one byte is refused: servers once had two
 * readers that did not agree on the size of such an entry (CVE-2026-25243).
 */
#include "rdb/pack.h"

enum state { HEADER, FIELD_LEN, VALUE_LEN, LONG_LEN, FREE, TEXT, PAD, ENDED };

#define LONG          254
#define COUNT_UNKNOWN 254

static const char too_long[] = "zipmap entry goes past the end of its "
			       "zipmap";

static enum pack_got
header(struct blob *b, struct rdb_chunk *in)
{
	const uint8_t *p;

	if (b->size < 2)
		return pack_bad(b, "zipmap is too short for its header");
	if ((p = pack_take(b, in, 1)) == NULL)
		return PACK_MORE;
	b->count = *p;
	b->state = FIELD_LEN;
	return PACK_ON;
}

static enum pack_got
terminator(struct blob *b)
{
	if (b->pos != b->size)
		return pack_bad(b, "zipmap ends before its declared size");
	if (b->count < COUNT_UNKNOWN && b->count != b->seen / 2)
		return pack_bad(b, "zipmap and its declared count disagree");
	b->state = ENDED;
	return PACK_END;
}

/* A text of n bytes comes; b->code tells what it is. */
static enum pack_got
text(struct blob *b, uint64_t n)
{
	bool value = b->code == VALUE_LEN;

	if (!pack_has(b, n + value + 1))
		return pack_bad(b, too_long);
	pack_text_begin(b, n);
	b->state = value ? FREE : TEXT;
	return PACK_ON;
}

/* A length, or for a field the end. */
static enum pack_got
length(struct blob *b, struct rdb_chunk *in)
{
	const uint8_t *p = pack_take(b, in, 1);

	if (p == NULL)
		return PACK_MORE;
	b->began = b->pos - 1;
	b->code = b->state;
	if (*p == 0xff && b->state == FIELD_LEN)
		return terminator(b);
	if (*p == 0xff)
		return pack_bad(b, "zipmap ends behind a field without value");
	if (b->pos == b->size)
		return pack_bad(b, "zipmap without its end mark");
	b->seen++;
	if (*p < LONG)
		return text(b, *p);
	if (!pack_has(b, 4 + 1))
		return pack_bad(b, too_long);
	b->state = LONG_LEN;
	return PACK_ON;
}

static enum pack_got
long_length(struct blob *b, struct rdb_chunk *in)
{
	const uint8_t *p = pack_take(b, in, 4);
	uint32_t n;

	if (p == NULL)
		return PACK_MORE;
	n = (uint32_t)pack_signed(p, 4);
	if (n < LONG)
		return pack_bad(b, "zipmap length in more bytes than it needs");
	return text(b, n);
}

/* How many bytes of no meaning follow the value. */
static enum pack_got
free_len(struct blob *b, struct rdb_chunk *in)
{
	const uint8_t *p = pack_take(b, in, 1);

	if (p == NULL)
		return PACK_MORE;
	b->before = *p;
	if (!pack_has(b, b->text + b->before + 1))
		return pack_bad(b, too_long);
	b->state = TEXT;
	return PACK_ON;
}

static enum pack_got
pad(struct blob *b, struct rdb_chunk *in)
{
	for (; b->before > 0; b->before--)
		if (pack_take(b, in, 1) == NULL)
			return PACK_MORE;
	b->state = FIELD_LEN;
	return PACK_ON;
}

static enum pack_got
step(struct blob *b, struct rdb_chunk *in, struct blob_run *run)
{
	enum pack_got got;

	switch (b->state) {
	case HEADER:
		return header(b, in);
	case FIELD_LEN:
	case VALUE_LEN:
		return length(b, in);
	case LONG_LEN:
		return long_length(b, in);
	case FREE:
		return free_len(b, in);
	case TEXT:
		got = pack_text(b, in, run);
		if (got == PACK_RUN && run->last)
			b->state = b->code == VALUE_LEN ? PAD : VALUE_LEN;
		return got;
	case PAD:
		return pad(b, in);
	default:
		return PACK_END;
	}
}

enum rdb_got
zipmap_next(struct blob *b, struct rdb_chunk *in, struct blob_run *run)
{
	enum pack_got got;

	while ((got = step(b, in, run)) == PACK_ON)
		;
	return (enum rdb_got)got;
}
