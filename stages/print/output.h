/*
 * output.h -- text on its way to a sink: one buffer, and what is whole in it.
 *
 * A printer writes very many very small things, so a failure to write is kept
 * until somebody asks: output_good() after each piece of input is often enough.
 *
 *	output_init(o, sink)
 *	output_...(o, ...)	in any number
 *	output_whole(o)		so far nothing is half said
 *	output_good(o, e)	has all gone well?
 *	output_flush(o, e)	all of it, at the end; or, when the input turned
 *	output_salvage(o)	out bad: up to the last whole()
 *
 * Memory: this struct, whatever is written.
 */
#ifndef PRINT_OUTPUT_H
#define PRINT_OUTPUT_H

#include "stages/kit/port.h"

#define OUTPUT_SIZE (256 * 1024)
#define OUTPUT_ROOM (8 * 1024) /* most that output_room() gives */

struct output {
	struct sink *to; /* borrowed */
	uint64_t bytes;  /* that the sink has taken */
	bool failed;     /* err is why; all that comes later is dropped */
	struct err err;
	size_t len;   /* of buf, filled */
	size_t whole; /* of it, up to here nothing is half said */
	uint8_t buf[OUTPUT_SIZE];
};

void output_init(struct output *, struct sink *);

/* All that is there goes to the sink. */
void output_empty(struct output *);

/* Room for n bytes, at most OUTPUT_ROOM, to be filled and told by taken(). */
static inline uint8_t *
output_room(struct output *o, size_t n)
{
	assert(n <= OUTPUT_ROOM);
	if (sizeof o->buf - o->len < n)
		output_empty(o);
	return o->buf + o->len;
}

static inline void
output_taken(struct output *o, const uint8_t *end)
{
	o->len = (size_t)(end - o->buf);
}

void output_bytes(struct output *, const void *p, size_t n);
void output_text(struct output *, const char *text);
void output_num(struct output *, uint64_t);
void output_int(struct output *, int64_t);

static inline void
output_byte(struct output *o, char c)
{
	uint8_t *to = output_room(o, 1);

	*to = (uint8_t)c;
	output_taken(o, to + 1);
}

/* A score: the shortest of up to 17 digits that reads back as the same number;
 * "inf", "-inf", "nan".  -0 is 0, as it is for servers that compare them. */
void output_double(struct output *, double);

void output_whole(struct output *);
MUST_USE bool output_good(const struct output *, struct err *);
MUST_USE bool output_flush(struct output *, struct err *);
void output_salvage(struct output *);

#endif
