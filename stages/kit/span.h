/* span.h -- bytes someone else owns, and room to put bytes in. */
#ifndef KIT_SPAN_H
#define KIT_SPAN_H

#include <assert.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/*
 * A span is a loan.  Whoever hands it out keeps the memory and says how long
 * it stays readable; whoever holds it never frees it.  Where a header says
 * nothing, a loan ends at the next call on the object that made it.
 */
struct span {
	const uint8_t *ptr;
	size_t len;
};

/* Room is memory to fill front to back: len of its cap bytes are in use. */
struct room {
	uint8_t *ptr;
	size_t len;
	size_t cap;
};

/* Take n bytes off the front of s and return them.  n is at most s->len. */
static inline struct span
span_take(struct span *s, size_t n)
{
	struct span head = { s->ptr, n };

	assert(n <= s->len);
	if (n > 0)
		s->ptr += n;
	s->len -= n;
	return head;
}

/* Copy as much of s as fits behind what r holds; take that much off s. */
static inline size_t
room_put(struct room *r, struct span *s)
{
	size_t free_len = r->cap - r->len;
	size_t n = s->len < free_len ? s->len : free_len;

	if (n > 0)
		memcpy(r->ptr + r->len, s->ptr, n);
	r->len += n;
	span_take(s, n);
	return n;
}

#endif
