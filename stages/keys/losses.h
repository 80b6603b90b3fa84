/*
 * losses.h -- what was left out, so that somebody can know.
 *
 * Losses (rdb/recast.h) are counted by kind.  Each key that lost something gets a
 * line: the first LOSSES_SHOWN on standard error, or all in a file:
 *
 *	db 0 key "cart:7" field-ttls 3
 *	db 0 key "plan" keys 1
 *	functions 1				not of a key
 *
 * Keys are quoted as errors quote them, but in full.
 */
#ifndef KEYS_LOSSES_H
#define KEYS_LOSSES_H

#include <stdio.h>

#include "rdb/object.h"
#include "rdb/recast.h"
#include "stages/kit/err.h"

#define LOSSES_SHOWN 20

struct losses {
	/* To be read. */
	uint64_t of[RDB_LOSSES];
	uint64_t keys; /* that lost something, or all */

	/* Private to losses.c. */
	FILE *list;
	const char *path;
};

/* path: write lines there; NULL: to standard error.  It is borrowed. */
MUST_USE bool losses_open(struct losses *, const char *path, struct err *);

/* A key lost lost[] of each kind; nothing is fine, too. */
void losses_key(struct losses *, const struct rdb_object *,
    const uint64_t lost[RDB_LOSSES]);

/* Something that is of no key is left out. */
void losses_other(struct losses *, enum rdb_loss);

/* All is written: sums on standard error, and the file on its disk. */
MUST_USE bool losses_end(struct losses *, struct err *);
void losses_release(struct losses *);

#endif
