/*
 * value.h -- a key's value as JSON, in pieces.
 *
 *	value_begin(v, w, object, rich)
 *	value_piece(v, p)	for each piece (rdb/value.h)
 *	value_end(v, bytes)	how many the value took in the stream
 *
 * What each kind becomes is in docs/rdb-print.1.  Rich adds what librdb's JSON
 * leaves out: expiry times of fields, groups of streams, contents of modules,
 * the insert index of an array.
 */
#ifndef PRINT_VALUE_H
#define PRINT_VALUE_H

#include "rdb/kind.h"
#include "rdb/object.h"
#include "stages/print/stream.h"

struct value {
	struct writer *w;
	bool rich;
	enum rdb_kind kind;
	bool field_ttl; /* each value of a hash is a pair */
	unsigned base;  /* the writer's depth before it all */
	uint64_t module;
	struct stream_json stream;
};

void value_begin(
    struct value *, struct writer *, const struct rdb_object *, bool rich);
void value_piece(struct value *, const struct rdb_piece *);
void value_end(struct value *, uint64_t bytes);

#endif
