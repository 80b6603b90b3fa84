/*
 * text.h -- a string of the format, decoded while it arrives.
 *
 * A string is stored plain, as an integer that stands for its decimal text,
 * or as LZF.  This reader lends the bytes it stands for, in runs, whatever
 * its size.  The first run of a string says how long all of it is.
 *
 *	rdb_text_begin(&t);
 *	while ((got = rdb_text_next(&t, &chunk, &run)) == RDB_RUN)
 *		use(run); if (run.last) the string is complete
 *	RDB_MORE: feed the next chunk.  RDB_BAD: see t.what.
 *
 * After the last run the reader is ready for the next string.
 */
#ifndef RDB_TEXT_H
#define RDB_TEXT_H

#include "rdb/decimal.h"
#include "rdb/lzf.h"

struct rdb_text {
	const char *what; /* after RDB_BAD: why; static text */

	/* Private. */
	unsigned state;
	uint64_t left; /* bytes to lend */
	uint64_t size;
	struct rdb_atom atom;
	uint8_t digits[DECIMAL_MAX];
	struct lzf lzf;
};

/* Bytes of a string, good until the next call.  The empty string is one run
 * of no bytes. */
struct rdb_text_run {
	const uint8_t *ptr;
	size_t len;
	uint64_t size; /* of the whole string, in every run */
	bool first, last;
};

void rdb_text_begin(struct rdb_text *);
enum rdb_got rdb_text_next(
    struct rdb_text *, struct rdb_chunk *, struct rdb_text_run *);

#endif
