/*
 * pieces.h -- what the files of the value reader share; private to rdb/.
 *
 *	value.c		the machine: which step comes next, strings, parts
 *	numbers.c	what a number means
 *	packed.c	what an element of a packed collection means
 *	entries.c	the same for the nodes of a stream
 *	meaning.c	the table of what means what
 *	pieces.c	pieces that wait to be handed out
 */
#ifndef RDB_PIECES_H
#define RDB_PIECES_H

#include "rdb/meaning.h"
#include "rdb/value.h"

enum value_state {
	VALUE_RUNNING,
	VALUE_DEFAULTED, /* what the format does not say has been added */
	VALUE_ENDED,
	VALUE_BROKEN
};

/* What a step comes to: an answer for the caller, or "go on". */
enum step_got {
	STEP_RUN = RDB_RUN,
	STEP_MORE = RDB_MORE,
	STEP_END = RDB_END,
	STEP_BAD = RDB_BAD,
	STEP_ON
};

/* The place in the stream of the byte that comes next. */
uint64_t value_place(const struct rdb_value *);

/* The value is bad for ever, here: STEP_BAD. */
enum step_got value_bad(struct rdb_value *, const char *what);

/* Put a piece that is no text behind those that wait; its content is the
 * caller's to fill in. */
struct rdb_piece *pieces_push(struct rdb_value *, unsigned what);

/* The same, with its content. */
void pieces_num(struct rdb_value *, unsigned what, uint64_t num, uint64_t more);
void pieces_id(
    struct rdb_value *, unsigned what, struct rdb_id id, uint64_t num);
void pieces_score(struct rdb_value *, unsigned what, double);

/* A number as the text it stands for. */
void pieces_decimal(struct rdb_value *, unsigned what, int64_t num);

/* Part of a text as a piece that is handed out at once. */
void pieces_text(const struct rdb_value *, struct rdb_piece *, unsigned what,
    const struct rdb_text_run *);

#endif
