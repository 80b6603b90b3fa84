/*
 * lzf.c -- see lzf.h.
 *
 * Two ways over one state: quick() makes whole steps while input and
 * room are plentiful and never stops inside one; slow() can stop after any
 * byte.  Quick leaves whatever looks wrong to slow, so one place judges.
 */
#include <string.h>

#include "rdb/lzf.h"

enum state { CONTROL, LENGTH, OFFSET, LITERAL, COPY, BROKEN };

#define STEP_IN  36  /* longest step: a control byte and 32 literals, or 3 */
#define STEP_OUT 264 /* longest copy */

void
lzf_init(struct lzf *l, uint64_t stored, uint64_t full)
{
	l->what = NULL;
	l->in_left = stored;
	l->out_left = full;
	l->lent = l->len = 0;
	l->state = CONTROL;
}

static enum rdb_got
bad(struct lzf *l, const char *what)
{
	l->what = what;
	l->state = BROKEN;
	return RDB_BAD;
}

/* Append n bytes from back bytes ago; the two may overlap. */
static void
copy(uint8_t *to, size_t back, size_t n)
{
	const uint8_t *from = to - back;

	if (back >= n)
		memcpy(to, from, n);
	else if (back == 1)
		memset(to, *from, n);
	else
		while (n-- > 0)
			*to++ = *from++;
}

/* Whole steps, as long as neither input nor room can run out in one. */
static void
quick(struct lzf *l, struct rdb_chunk *in)
{
	const uint8_t *p = in->ptr, *stop, *step;
	uint8_t *o = l->window + l->len, *full;
	size_t have = (size_t)(in->end - p), back, n;

	if (have > l->in_left)
		have = (size_t)l->in_left;
	if (have < STEP_IN)
		return;
	full = l->out_left < sizeof l->window - l->len ?
	    o + l->out_left :
	    l->window + sizeof l->window;
	stop = p + have;
	while (stop - p >= STEP_IN && full - o >= STEP_OUT) {
		step = p;
		n = *p++;
		if (n < 32) {
			memcpy(o, p, 32); /* a constant size is cheaper */
			p += n + 1;
			o += n + 1;
			continue;
		}
		back = (n & 31) << 8;
		n >>= 5;
		if (n == 7)
			n += *p++;
		back += *p++ + 1u;
		n += 2;
		if (back > (size_t)(o - l->window)) {
			p = step;
			break;
		}
		copy(o, back, n);
		o += n;
	}
	l->in_left -= (uint64_t)(p - in->ptr);
	l->out_left -= (uint64_t)(o - (l->window + l->len));
	l->len = (size_t)(o - l->window);
	in->ptr = p;
}

/* Pass n literals on, as far as input and room go; false: out of input. */
static bool
literals(struct lzf *l, struct rdb_chunk *in)
{
	size_t n = l->n, have = (size_t)(in->end - in->ptr);
	size_t room = sizeof l->window - l->len;

	if (n > have)
		n = have;
	if (n > room)
		n = room;
	if (n > 0)
		memcpy(l->window + l->len, in->ptr, n);
	in->ptr += n;
	l->in_left -= n;
	l->out_left -= n;
	l->len += n;
	l->n -= (unsigned)n;
	if (l->n == 0)
		l->state = CONTROL;
	return l->n == 0 || l->len == sizeof l->window;
}

/* Make the copy, as far as there is room. */
static void
copies(struct lzf *l)
{
	size_t n = l->n, room = sizeof l->window - l->len;

	if (n > room)
		n = room;
	copy(l->window + l->len, l->back, n);
	l->len += n;
	l->out_left -= n;
	l->n -= (unsigned)n;
	if (l->n == 0)
		l->state = CONTROL;
}

/* Is a run of n bytes possible, of which in come from the input? */
static bool
fits(struct lzf *l, unsigned in)
{
	if (in > l->in_left)
		return bad(l, "LZF data ends inside a step"), false;
	if (l->n > l->out_left)
		return bad(l, "LZF data decodes to more than it says"), false;
	return true;
}

/* A byte of a control sequence. */
static bool
control(struct lzf *l, unsigned byte)
{
	switch (l->state) {
	case CONTROL:
		if (byte < 32) {
			l->n = byte + 1;
			l->state = LITERAL;
			return fits(l, l->n);
		}
		l->n = (byte >> 5) + 2;
		l->back = (byte & 31) << 8;
		l->state = byte >> 5 == 7 ? LENGTH : OFFSET;
		return fits(l, l->state == LENGTH ? 2 : 1);
	case LENGTH:
		l->n += byte;
		l->state = OFFSET;
		return fits(l, 1);
	default:
		l->back += byte + 1;
		l->state = COPY;
		if (l->back > l->len)
			return bad(l,
				   "LZF data refers to before its "
				   "beginning"),
			       false;
		return true;
	}
}

/* Decode until the room is full or the input is used up. */
static enum rdb_got
slow(struct lzf *l, struct rdb_chunk *in)
{
	for (;;) {
		if (l->state == CONTROL) {
			quick(l, in);
			if (l->out_left == 0 && l->in_left == 0)
				return RDB_END;
			if (l->out_left == 0 || l->in_left == 0)
				return bad(l,
				    "LZF data and its length "
				    "disagree");
		}
		if (l->len == sizeof l->window)
			return RDB_RUN;
		if (l->state == COPY) {
			copies(l);
			continue;
		}
		if (l->state == LITERAL) {
			if (!literals(l, in))
				return RDB_MORE;
			continue;
		}
		if (in->ptr == in->end)
			return RDB_MORE;
		l->in_left--;
		if (!control(l, *in->ptr++))
			return RDB_BAD;
	}
}

enum rdb_got
lzf_next(struct lzf *l, struct rdb_chunk *in, const uint8_t **ptr, size_t *n)
{
	enum rdb_got got;

	if (l->state == BROKEN)
		return RDB_BAD;
	if (sizeof l->window - l->len < STEP_OUT) {
		memmove(l->window, l->window + l->len - LZF_BACK, LZF_BACK);
		l->len = l->lent = LZF_BACK;
	}
	/* What was decoded before a fault goes out before it is told. */
	got = slow(l, in);
	*ptr = l->window + l->lent;
	*n = l->len - l->lent;
	l->lent = l->len;
	return *n > 0 ? RDB_RUN : got;
}
