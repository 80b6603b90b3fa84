/*
 * streams.h -- RDB streams built byte by byte, for tests in C.
 *
 * Two things: a builder, whose functions each append to a growing stream;
 * and a list of small good streams, one or more for every type, opcode and
 * dialect, whose values are right all the way down (a listpack's counts, a
 * stream's pending entries), so that deep readers can use them too.
 *
 *	struct stream s;
 *	for (size_t i = 0; i < streams_count(); i++) {
 *		const char *name = streams_make(i, &s);
 *		use(s.ptr, s.len);
 *		stream_release(&s);
 *	}
 *
 * Running out of memory ends the test.
 */
#ifndef HARNESS_STREAMS_H
#define HARNESS_STREAMS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct stream {
	uint8_t *ptr;
	size_t len, cap;
	int version;
};

void stream_init(struct stream *);
void stream_release(struct stream *);

void stream_bytes(struct stream *, const void *p, size_t len);
void stream_byte(struct stream *, unsigned byte);
void stream_little(struct stream *, uint64_t v, unsigned width);
void stream_big(struct stream *, uint64_t v, unsigned width);

/* A length in its shortest form; in one of width 1, 2, 5 or 9 bytes. */
void stream_len(struct stream *, uint64_t n);
void stream_len_wide(struct stream *, uint64_t n, unsigned width);

/* Strings: text, bytes, an integer in width 1, 2 or 4 bytes, LZF data. */
void stream_str(struct stream *, const char *text);
void stream_blob(struct stream *, const void *p, size_t len);
void stream_int(struct stream *, int64_t v, unsigned width);
void stream_lzf(struct stream *, const void *p, size_t len, uint64_t full);

/* A stream's ID, 16 bytes. */
void stream_id(struct stream *, uint64_t ms, uint64_t seq);

/* A listpack as a string: entries are text, or numbers up to 127 written
 * "#12"; NULL ends them. */
void stream_listpack(struct stream *, const char *const *entries);

/* Magic and version; end mark and, from version 5, the right CRC. */
void stream_begin(struct stream *, bool valkey, int version);
void stream_end(struct stream *);

/* The good streams.  streams_make inits s, fills it and returns a name. */
size_t streams_count(void);
const char *streams_make(size_t i, struct stream *s);

#endif
