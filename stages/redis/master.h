/*
 * master.h -- the primary's side of a full synchronisation.
 *
 * A server that has been told REPLICAOF us connects, introduces itself, and
 * is sent an RDB.  In calling order:
 *
 *	master_listen	on a free port
 *	master_accept	until the right one has come
 *	master_greet	its handshake, up to PSYNC
 *	master_begin	+FULLRESYNC and the framing
 *	master_put	the RDB
 *	master_finish	the mark, where the framing wants one
 *	master_await	until it says that it has loaded everything
 *	master_close
 *
 * After a mark nothing is sent before the first REPLCONF ACK: a replica that
 * writes to disk compares the last 40 bytes of each read (replication.c,
 * readSyncBulkPayload).  Inside the payload there is no room for signs of
 * life either: input that stalls for the target's repl-timeout loses it.
 */
#ifndef REDIS_MASTER_H
#define REDIS_MASTER_H

#include <stdbool.h>
#include <stdint.h>

#include "stages/kit/err.h"
#include "stages/kit/span.h"
#include "stages/redis/conn.h"
#include "stages/redis/resp.h"

#define MASTER_MARK 40

struct master {
	/* To be read. */
	char host[64]; /* numeric, as bound */
	unsigned port;
	bool marked;       /* the framing is a mark, not a length */
	char stranger[64]; /* last address that was turned away, or "" */

	/* Private to master.c. */
	int fd; /* listens; -1: not */
	struct conn *link;
	struct resp *resp;
	char mark[MASTER_MARK];
	bool old; /* it asked with SYNC (before 2.8) */
};

/* All closed; master_close() is free. */
void master_init(struct master *);
void master_close(struct master *);

/* host: a numeric address, or a name of this machine; port 0: a free one. */
MUST_USE bool master_listen(
    struct master *, const char *host, unsigned port, struct err *);

/*
 * Wait ms at most for a connection.  *got tells whether one came.  Others
 * than from this numeric host are closed at once; NULL: anybody.
 */
MUST_USE bool master_accept(struct master *, const char *from,
    int64_t timeout_ms, int64_t ms, bool *got, struct err *);

/* Answer the handshake.  tls NULL: plain. */
MUST_USE bool master_greet(
    struct master *, const struct tls_options *tls, struct err *);

/* replid: 40 characters.  length SIZE_UNKNOWN: a mark ends the RDB. */
MUST_USE bool master_begin(struct master *, const char *replid, uint64_t offset,
    uint64_t length, struct err *);
MUST_USE bool master_put(struct master *, struct span, struct err *);
MUST_USE bool master_finish(struct master *, struct err *);

/* Wait ms at most.  *acked: it has loaded.  *alive: it said something. */
MUST_USE bool master_await(
    struct master *, int64_t ms, bool *acked, bool *alive, struct err *);

/* n random hex digits, and no NUL.  Marks and replication ids are such. */
MUST_USE bool master_random(char *to, size_t n, struct err *);

#endif
