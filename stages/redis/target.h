/*
 * target.h -- a server that is to receive a data set by replication.
 *
 * What has to be asked and told over a normal connection while master.h
 * sends the bytes.  In calling order:
 *
 *	target_open	log in, look: is it fit, and empty?
 *	target_prepare	flush if asked to, set it up for a fast load
 *	target_follow	REPLICAOF us
 *	target_watch	now and then while it loads
 *	target_compare	are the keys there?
 *	target_promote	REPLICAOF NO ONE, settings put back
 *	target_close
 *
 * After target_prepare began, whatever fails, target_abandon() leaves the
 * server on its own, empty, with its settings as they were.  A SIGKILL of ours
 * does not: it then keeps looking for us until told REPLICAOF NO ONE.  A server
 * that somebody else has taken from us meanwhile is not ours to empty.
 */
#ifndef REDIS_TARGET_H
#define REDIS_TARGET_H

#include <stdbool.h>
#include <stdint.h>

#include "rdb/census.h"
#include "stages/kit/err.h"
#include "stages/redis/expiring.h"
#include "stages/redis/server.h"

#define TARGET_RULES                                                \
	"+ping +info +replicaof +config|get +config|set +flushall " \
	"+function|flush"

/* How the target takes the file in: its repl-diskless-load. */
enum target_load { TARGET_LOAD_AUTO, TARGET_LOAD_DISKLESS, TARGET_LOAD_DISK };

struct target {
	/* To be read after target_open. */
	struct server server;
	struct server_info info; /* as of target_open */
	const char *engine;
	char version[32];
	uint64_t databases; /* it has; 0: it does not say */
	bool tls;           /* it replicates over TLS */
	bool diskless;      /* after target_prepare: it loads as
					   the bytes come */

	/* Private to target.c. */
	char load_before[32]; /* repl-diskless-load; "": untouched */
	char host[256];       /* what it was told to follow */
	unsigned port;
	bool touched, following;
};

/*
 * server: initialised, connected or not; released by target_close.  rdb_version
 * and valkey are of the stream to come; flush: data there may be removed.
 */
MUST_USE bool target_open(
    struct target *, int rdb_version, bool valkey, bool flush, struct err *);
void target_close(struct target *);

MUST_USE bool target_prepare(
    struct target *, bool flush, enum target_load, struct err *);
MUST_USE bool target_follow(
    struct target *, const char *host, unsigned port, struct err *);

/* What it says about its link, in words for a message, and whether it is
 * loading at this moment. */
MUST_USE bool target_watch(
    struct target *, bool *loading, char *words, size_t cap, struct err *);

/*
 * Compare its keys with those of the stream, while it still is our replica:
 * then it serves no writes and expires nothing.  *keys: what it has.  A key
 * less is an ERR_DATA, unless expired ones explain it; *gone: how many.
 */
MUST_USE bool target_compare(struct target *, const struct rdb_census *,
    const struct expiring *, int64_t now_ms, uint64_t *keys, uint64_t *gone,
    struct err *);

MUST_USE bool target_promote(struct target *, struct err *);

/* Free when nothing was touched. */
MUST_USE bool target_abandon(struct target *, struct err *);

#endif
