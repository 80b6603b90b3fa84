/*
 * whole.h -- is this stream complete?
 *
 * End of file proves nothing: a pipe closes the same way when its writer is
 * done and when it was killed.  But some formats prove themselves.  This
 * watches a stream from its first byte and answers, at the end:
 *
 *	RDB	walked to its end mark, CRC64 right (or absent); nothing
 *		behind it but, perhaps, a 40-byte replication mark
 *	zstd	frames complete to the last block and checksum, by their
 *		headers (RFC 8878, section 3.1); contents are not decoded.
 *		Frames of nothing are refused: so looks what a compressor
 *		makes of a producer that died at once.  A stream of several
 *		frames that was cut exactly between two is not noticed; ours
 *		have one
 *	others	cannot be proven: somebody must say --trust-eof
 *
 * Memory: this struct, whatever the stream.
 */
#ifndef KIT_WHOLE_H
#define KIT_WHOLE_H

#include "stages/kit/filter.h"
#include "stages/kit/whole_rdb.h"

enum whole_format { WHOLE_UNSEEN, WHOLE_RDB, WHOLE_ZSTD, WHOLE_UNKNOWN };

struct whole {
	enum whole_format format;

	/* Private to whole.c. */
	uint8_t head[4]; /* first bytes, until they tell the format */
	unsigned head_len;
	uint64_t at;
	struct whole_rdb rdb;
	struct {
		unsigned state, need, have;
		uint32_t num;
		bool checksum;
		bool content; /* some block held something */
		uint64_t skip;
	} zstd;
};

void whole_init(struct whole *);

/* Look at the next bytes.  False when they can never become whole. */
MUST_USE bool whole_feed(struct whole *, struct span in, struct err *);

/* There is no more: true when the stream is proven complete. */
MUST_USE bool whole_end(const struct whole *, struct err *);

/*
 * The same as a watching filter, for the front of a program that passes on
 * or publishes.  With trust_eof, unknown formats (and the empty stream) are
 * taken on the word of whoever said so; known ones still must be complete.
 */
struct filter *whole_filter_new(bool trust_eof, struct err *);

#endif
