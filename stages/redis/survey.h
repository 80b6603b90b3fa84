/*
 * survey.h -- what a server that is to be filled is, may and holds.
 *
 * Asked over its normal connection before anything is decided; nothing is
 * changed.  What a user may not ask is left at its default.
 *
 *	survey_take	a server, connected or not
 *	survey_native	would it load a whole stream by itself?
 *	survey_release
 *
 * Whether REPLICAOF, RESTORE and CONFIG SET are permitted is found out by giving
 * them arguments that are refused after the permission was judged: a port that
 * is no number, a payload that is none, a length that is a word (replicaofCommand,
 * restoreCommand and configSetCommand in src/replication.c, src/cluster.c and
 * src/config.c, all versions).
 */
#ifndef REDIS_SURVEY_H
#define REDIS_SURVEY_H

#include "rdb/engine.h"
#include "stages/redis/commands.h"
#include "stages/redis/server.h"

#define SURVEY_RULES                                                           \
	"+ping +info +select +restore +set +mset +del +exists +function|load " \
	"+flushall +function|flush +config|get +config|set +wait"

#define SURVEY_WHY 300

struct survey {
	struct server_info info;
	const char *engine;
	char version[32];
	const struct rdb_engine *loads;  /* never NULL */
	struct commands_target commands; /* its version, and max_bulk */
	uint64_t databases;              /* it has; 0: it does not say */
	uint64_t maxmemory, used;        /* 0: no limit */
	uint64_t keys, libraries;
	bool cluster; /* runs in cluster mode */
	bool relaxed; /* tries to load what it does not know */

	/* Why not, in words; "": permitted. */
	char no_replicaof[SURVEY_WHY], no_restore[SURVEY_WHY];
	char no_config_set[SURVEY_WHY];
};

/* A replica is refused: it takes no writes.  ERR_REMOTE. */
MUST_USE bool survey_take(struct survey *, struct server *, struct err *);
void survey_release(struct survey *);

/* Would native.h do, for a stream of this version and dialect?  why (SURVEY_WHY
 * bytes): the reason, either way. */
bool survey_native(const struct survey *, int version, bool valkey, char *why);

/* What it holds is in nobody's way: nothing.  An ERR_REMOTE says what. */
MUST_USE bool survey_empty(
    const struct survey *, const struct server *, struct err *);

#endif
