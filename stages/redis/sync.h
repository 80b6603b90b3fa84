/*
 * sync.h -- the replica's side of a full synchronisation.
 *
 * Asks a server for its data as a polite backup client: every REPLCONF in a
 * command of its own (an unknown one spoils the rest of the same command), no
 * listening port (Sentinel would take us for a replica), rdb-only where it is
 * known, so that the server keeps no command stream for us.
 *
 *	sync_begin	REPLCONF, PSYNC, and on to the first byte of the RDB
 *	sync_next	lends the RDB, chunk by chunk, then an empty one
 *
 * The end is proven twice: the RDB is walked, so its end is known from its
 * own grammar, and its CRC is checked; and exactly there the framing must
 * agree: the announced length used up, or the announced mark following.  The
 * last bytes of the RDB are lent only after that.  Nothing has to be closed.  Protocol and framing:
 * replication.c of Redis 2.8 to 8.8 and Valkey 7.2 to 9.1, masterTryPartial-
 * Resynchronization and readSyncBulkPayload.
 *
 * Memory: the connection's buffer.
 */
#ifndef REDIS_SYNC_H
#define REDIS_SYNC_H

#include <stdbool.h>
#include <stdint.h>

#include "stages/kit/err.h"
#include "stages/kit/span.h"
#include "stages/kit/whole_rdb.h"
#include "stages/redis/server.h"

#define SYNC_REPLID 40 /* characters of a replication id, and of a mark */

/*
 * What we say we are.  From 9.1 on, Valkey writes the RDB for the version of
 * whoever asks: none gives RDB 11, which cannot hold fields that expire; this
 * gives the newest that rdb/ walks.
 */
#define SYNC_VERSION "9.1.0"

/* ACL rules a capture needs. */
#define SYNC_RULES "+psync +replconf +ping"

enum sync_framing { SYNC_LENGTH, SYNC_MARK };

struct sync;

struct sync_options {
	const char *version; /* announced; borrowed */
	/* Called once when the server asks for patience.  May be NULL. */
	void (*patience)(const char *why);
	/* Called when all that is left to do is to ask for the snapshot.  False
	 * gives up.  May be NULL. */
	bool (*ready)(struct err *);
	/* Called when the server has said what the snapshot's position is: it
	 * does so at the fork, and what is written from then on is not in
	 * it.  replid and offset can be read.  May be NULL. */
	bool (*begun)(const struct sync *, struct err *);
	bool disk; /* do not say that we know marks: it saves to its disk, and
			 at once, without repl-diskless-sync-delay */
};

struct sync {
	/* To be read when sync_begin failed: the server does not let us
	 * replicate, whatever we do (NOPERM, unknown command). */
	bool denied;

	/* To be read after sync_begin. */
	char replid[SYNC_REPLID + 1];
	uint64_t offset;
	enum sync_framing framing;
	uint64_t length;        /* of the RDB: SIZE_UNKNOWN with a mark */
	bool rdb_only;          /* the server knows it */
	struct whole_rdb whole; /* walk.at: bytes so far */

	/* Private to sync.c. */
	struct server *server;
	char mark[SYNC_REPLID];
	size_t lent;      /* bytes to take off the connection */
	uint8_t tail[16]; /* last bytes, lent when all is proven */
	size_t tail_len;
	enum { SYNC_BODY, SYNC_PROOF, SYNC_ENDED } state;
};

/* The server is connected, borrowed, and used for nothing else meanwhile. */
MUST_USE bool sync_begin(
    struct sync *, struct server *, const struct sync_options *, struct err *);

/* Lend the next bytes, until the next call; length 0 at the proven end. */
MUST_USE bool sync_next(struct sync *, struct span *chunk, struct err *);

#endif
