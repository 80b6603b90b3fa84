/*
 * writer.h -- JSON, written in order: commas, brackets, strings in pieces.
 *
 *	writer_init(w, out, encoding)
 *	writer_open(w, '{')
 *	writer_name(w, "db"), writer_num(w, 0)		a member
 *	writer_text(w, ...), writer_colon(w)		a member, its name in
 *	...						pieces
 *	writer_close(w)
 *
 * Whatever is a value or the name of a member puts the comma before itself.
 * What is never closed stays open: so does a document whose input was cut.
 */
#ifndef PRINT_WRITER_H
#define PRINT_WRITER_H

#include "rdb/value.h"
#include "stages/print/base64.h"
#include "stages/print/escape.h"

enum writer_encoding { WRITER_BYTES, WRITER_UTF8, WRITER_BASE64 };

extern const char *const writer_encodings[]; /* their names; NULL-ended */

#define WRITER_DEPTH 12

struct writer {
	struct output *out;
	enum writer_encoding encoding;
	bool comma; /* the next one needs it */
	unsigned depth;
	char closers[WRITER_DEPTH];
	struct escape escape;
	struct base64 base64;
};

void writer_init(struct writer *, struct output *, enum writer_encoding);

void writer_open(struct writer *, char bracket); /* '{' or '[' */
void writer_close(struct writer *);
void writer_close_to(struct writer *, unsigned depth);
void writer_line(struct writer *); /* a line ends: white space */

/* A member's name, of plain ASCII; its value is next. */
void writer_name(struct writer *, const char *);

void writer_num(struct writer *, uint64_t);
void writer_int(struct writer *, int64_t);
void writer_null(struct writer *);
void writer_word(struct writer *, const char *); /* a string of plain ASCII */
void writer_double(struct writer *, double);     /* a string */
void writer_id(struct writer *, struct rdb_id);  /* a string: "1-2" */

/* A string of any bytes, in pieces. */
void writer_text(
    struct writer *, const void *p, size_t n, bool first, bool last);

/* Bytes so far that are lone surrogates now, which some readers refuse. */
static inline uint64_t
writer_strange(const struct writer *w)
{
	return w->encoding == WRITER_UTF8 ? w->escape.strange : 0;
}

/* The string just written was a member's name. */
void writer_colon(struct writer *);

#endif
