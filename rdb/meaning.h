/*
 * meaning.h -- what each step of a shape means; private to value.c.
 *
 * A shape (shape.h) says how a value is laid out.  Here, next to each of its
 * bytes, stands what the step's number or text is: mostly an enum rdb_what,
 * to be handed out as it is, or one of the deeds below.
 */
#ifndef RDB_MEANING_H
#define RDB_MEANING_H

#include "rdb/value.h"

enum deed {
	DEED_PACKED = RDB_WHATS, /* text: a blob of row->kind, of row->turns */
	DEED_CONTAINER,          /* 1: the text is an item; 2: a listpack */
	DEED_QUICK,              /* that text */
	DEED_TTL_BASE,           /* the smallest TTL of a hash */
	DEED_TTL_ABOVE,          /* TTL: 0 none, else base + this - 1 */
	DEED_TTL_FIRST,          /* TTL: 0 none */
	DEED_TTL_VALKEY,         /* TTL: -1 none */
	DEED_NODE,               /* text: ID of a stream node */
	DEED_ENTRIES,            /* text: its listpack */
	DEED_MS,                 /* first half of an ID */
	DEED_LAST_OLD,           /* RDB_STREAM_LAST, and nothing follows */
	DEED_GROUP_OLD,          /* RDB_GROUP_STATE without a counter */
	DEED_GROUP_ID,           /* ID of RDB_GROUP_STATE */
	DEED_SEEN_OLD,           /* RDB_CONSUMER_STATE without active time */
	DEED_FIRST_OF,           /* first number of a pair */
	DEED_INTEGER             /* text as an integer */
};

struct value_row {
	const uint8_t *deeds;
	const uint8_t *turns; /* what a blob's elements are, in turn */
	uint8_t n_turns;
	uint8_t kind;   /* enum blob_kind */
	uint8_t stream; /* 1 to 5: as types 15, 19, 21, 26, 27 */
	uint8_t ends;   /* the what that ends a group of pieces */
};

/* The row of a type, or NULL. */
const struct value_row *meaning_of(unsigned type, bool valkey);

/* The row of opcode 243 (Redis), 245 or 246, or NULL. */
const struct value_row *meaning_of_opcode(unsigned opcode, bool valkey);

/* Does this piece end a group of pieces in such a value? */
bool meaning_ends(const struct value_row *, unsigned what);

#endif
