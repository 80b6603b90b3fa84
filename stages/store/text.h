/*
 * text.h -- a string that grows, for signatures and what goes on the wire.
 *
 * All zero is an empty text.  The text owns its memory; ptr is always ended
 * by NUL once anything was put, and moves when it grows, so a pointer into it
 * is good until the next call.  Memory is wiped when it is given back, on
 * growing too, because secrets pass through here.
 *
 * Putting never fails at once: when memory runs out the text turns bad and
 * stays so, and the one question at the end, text_ok, is where that shows.
 */
#ifndef STORE_TEXT_H
#define STORE_TEXT_H

#include "stages/kit/err.h"

struct text {
	char *ptr; /* owned */
	size_t len, cap;
	bool bad;
};

void text_put(struct text *, const char *s);
void text_put_bytes(struct text *, const void *p, size_t n);
void text_putf(struct text *, const char *fmt, ...) PRINTF_LIKE(2);

/* The text so far, "" when empty, NULL when it is bad. */
const char *text_get(const struct text *);

/* Did everything fit?  ERR_SYSTEM if not. */
MUST_USE bool text_ok(const struct text *, struct err *);

/* Keep the memory, drop (and wipe) the content. */
void text_clear(struct text *);
void text_release(struct text *);

#endif
