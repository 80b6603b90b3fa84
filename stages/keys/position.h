/*
 * position.h -- leave out where in a replication the data was.
 *
 * A server that loads an RDB with repl-id, repl-offset and repl-stream-db among its
 * auxiliary fields may go on from there: as a replica, or, since Redis 7.0, with
 * the replicas it had, which then get only what came later.  So data that is not
 * all of what was at that position must not carry it.
 *
 * Shown the runs of RDB_AUX_NAME and RDB_AUX_VALUE in order, cut anywhere.
 */
#ifndef KEYS_POSITION_H
#define KEYS_POSITION_H

#include "rdb/write.h"

#define POSITION_NAME 24 /* bytes of a name that could be one of them */

struct position {
	/* Private to position.c; begin with all zero. */
	uint8_t held[POSITION_NAME]; /* the name, until it is known */
	size_t len;
	bool known, drop;
};

/* Does this run go on as it is?  If not, it is left out, or was held and has been
 * put to out by now. */
bool position_keep(
    struct position *, const struct rdb_run *, struct rdb_write *out);

#endif
