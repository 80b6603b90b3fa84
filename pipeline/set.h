/*
 * set.h -- the servers that a backup of a cluster is taken from.
 *
 *	set_open	the map, from any node; one member per master
 *	set_check	is the map still the same?
 *	set_close
 *
 * A member is the replica of its master that lags least, or the master itself
 * where there is none that is fit, or where the primaries are wanted.  A
 * replica is fit when its link is up, it is not synchronising, its master was
 * heard in the last SET_SILENCE seconds, and it is at most SET_LAG bytes of
 * the stream behind.
 *
 * A slot that moves between two members while they are read would be in both
 * snapshots, or in none.  So a cluster must be settled at the start, and have
 * the same map, still settled, when all have been read.
 */
#ifndef PIPELINE_SET_H
#define PIPELINE_SET_H

#include "pipeline/endpoint.h"
#include "pipeline/json.h"
#include "stages/redis/topology.h"

#define SET_LAG     (16 << 20) /* bytes */
#define SET_SILENCE 10         /* seconds */

struct set_member {
	struct endpoint from;   /* whom it is taken from */
	unsigned master;        /* its master's number in the map */
	bool replica;           /* from is not that master */
	struct json_list slots; /* of struct manifest_slots */
};

struct set {
	struct server any; /* the cluster by its URL; not connected */
	struct topology map;
	struct set_member *member; /* in order of their first slots */
	size_t n;
};

/* ERR_REMOTE: the cluster cannot be reached, or slots are on the move.  On
 * failure there is nothing to close.  from is borrowed. */
MUST_USE bool set_open(
    struct set *, const struct endpoint *from, bool primaries, struct err *);

/* ERR_REMOTE that names the first slot that is served by another now. */
MUST_USE bool set_check(const struct set *, struct err *);

void set_close(struct set *);

#endif
