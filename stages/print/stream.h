/*
 * stream.h -- a stream as JSON, in pieces: an object with its "entries" and,
 * when rich, all else: settings, groups, consumers, what is pending.
 *
 * Names are librdb's (rdb-cli json --include stream-meta).  The order of
 * members is that in which they are stored.
 */
#ifndef PRINT_STREAM_H
#define PRINT_STREAM_H

#include "stages/print/writer.h"

struct stream_json {
	struct writer *w;
	bool rich, idempotent;
	unsigned base; /* the writer's depth before it */
	unsigned part;
	uint64_t producers, iids;
};

void stream_json_begin(
    struct stream_json *, struct writer *, unsigned type, bool rich);
void stream_json_piece(struct stream_json *, const struct rdb_piece *);
void stream_json_end(struct stream_json *);

#endif
