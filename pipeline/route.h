/*
 * route.h -- which programs make which chain.
 *
 *	backup	rdb-capture | rdb-verify | rdb-digest --watch | rdb-checksum
 *		| rdb-compress | cos-put
 *	fetch	cos-get | rdb-decompress | rdb-verify | rdb-digest --watch
 *		| rdb-checksum
 *	clone	fetch | rdb-restore
 *	digests	what remains of either end when only the fingerprint counts
 */
#ifndef PIPELINE_ROUTE_H
#define PIPELINE_ROUTE_H

#include "pipeline/chain.h"
#include "pipeline/endpoint.h"
#include "pipeline/manifest.h"

/* via, disk: for rdb-capture, level: for rdb-compress; NULL: their defaults. */
void route_backup(struct chain *, const struct endpoint *from,
    const char *object_url, const char *via, const char *level, bool disk);

void route_fetch(struct chain *, const char *object_url);

/* What rdb-restore is told besides; texts may be NULL. */
struct route_target {
	bool flush; /* what the server holds may go */
	bool add;   /* it holds other shards of the same set: key by key */
	const char *listen, *announce; /* where it is to fetch the data */
};

/* Gated. */
void route_clone(struct chain *, const char *object_url,
    const struct manifest_shard *, const struct endpoint *to,
    const struct route_target *);

/* rdb-digest over a server's or an object's data; at: NULL, or a moment as
 * text: keys that expire until then are left out. */
void route_digest_server(
    struct chain *, const struct endpoint *, const char *at);
void route_digest_object(
    struct chain *, const char *object_url, const char *at);

/* Print it as a line of shell on standard output; its last program's output
 * goes nowhere unless it is a sink. */
MUST_USE bool route_print(struct chain *, struct err *);

/* Say the chain, as people read it, on standard error. */
MUST_USE bool route_say(struct chain *, struct err *);

#endif
