/* walk.h -- what the files of the walker share; private to rdb/. */
#ifndef RDB_WALK_H
#define RDB_WALK_H

#include "rdb/atom.h"

enum walk_state {
	WALK_HEADER,
	WALK_BETWEEN, /* the next byte is a type or an opcode */
	WALK_ITEM,
	WALK_STOPPED,
	WALK_BROKEN
};

/* Faults whose words have numbers in them: compared by address. */
extern const char walk_too_new[], walk_not_valkey[];

/*
 * magic.c: read magic and version, or find out what else the stream is.
 * ATOM_WRONG: the fault is filled in.
 */
enum atom magic_run(struct rdb_walk *);

#endif
