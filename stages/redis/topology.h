/*
 * topology.h -- who serves what in a cluster.
 *
 *	server_init		with the URL of a cluster; not connected
 *	topology_load		asks the URL's nodes, in turn, for the map
 *	topology_node_of	the master of a slot
 *	topology_server		a struct server for a node
 *	topology_settled	asks every master whether slots are on the move
 *	topology_load		again: the map anew, from any node known
 *	topology_release
 *
 * A map is taken only when it is whole: every one of the 16384 slots has one
 * master.  It comes from CLUSTER SLOTS, which every version knows and managed
 * services allow; the state of nodes and slots from CLUSTER NODES.  A node
 * that is announced without an address has that of whoever told of it
 * (Redis 7: cluster-preferred-endpoint-type unknown-endpoint; before, a node
 * that nobody has met yet).
 *
 * Memory: the map, some 300 bytes a node, TOPOLOGY_NODES_MAX nodes; while it is
 * asked for, the reply, TOPOLOGY_REPLY bytes on the wire at most.
 *
 * Format: CLUSTER SLOTS and CLUSTER NODES in the command reference of Redis;
 * src/cluster.c of Redis 3.0 to 8.8 and Valkey 7.2 to 9.1.
 */
#ifndef REDIS_TOPOLOGY_H
#define REDIS_TOPOLOGY_H

#include <stdint.h>

#include "rdb/slot.h"
#include "stages/redis/server.h"

/* Redis recommends some 1000 at most. */
#define TOPOLOGY_NODES_MAX 4096
/* 16384 ranges of one slot, each with a master and three replicas. */
#define TOPOLOGY_REPLY (8u << 20)
#define TOPOLOGY_RULES "+cluster|slots +cluster|nodes +ping"

struct topology_node {
	char *host; /* owned */
	unsigned port;
	char id[41];     /* "": not said (before 4.0) */
	unsigned master; /* of a replica: its master; else its own number */
	unsigned slots;  /* of a master: how many */
	uint64_t epoch;  /* of a master, from topology_settled on */
};

/* All zero: nothing known yet. */
struct topology {
	struct topology_node *nodes; /* masters first, then replicas; as told */
	unsigned masters, len;
	uint16_t owner[RDB_SLOTS]; /* of each slot: its master's number */
};

/*
 * Fill, or replace, the map: asks the nodes in the URL of server, then the
 * masters known so far; server is borrowed for the call and stays unconnected.  On
 * failure what was known stays.  ERR_REMOTE: nobody answers, or slots without
 * a master, or an answer that makes no sense.
 */
MUST_USE bool topology_load(
    struct topology *, const struct server *, struct err *);
void topology_release(struct topology *);

/* slot: below RDB_SLOTS, as rdb_slot() gives it. */
unsigned topology_node_of(const struct topology *, unsigned slot);

/* A server for a node, not connected, with the login and options of server.
 * On failure there is nothing to release. */
MUST_USE bool topology_server(const struct topology *, unsigned node,
    const struct server *, struct server *to, struct err *);

/*
 * Connects to every master; ERR_REMOTE when one of them says that it migrates
 * or imports a slot, or that it serves others than the map says.  Fills in their
 * epochs: who takes over a slot, in a migration or a failover, takes a new one, so
 * the same owners with the same epochs had their slots all the time between.
 */
MUST_USE bool topology_settled(
    struct topology *, const struct server *, struct err *);

/* Of two maps that topology_settled() has looked at: the first slot that has
 * another master in the second, or whose master took slots meanwhile;
 * RDB_SLOTS: none.  Nodes are known by their addresses: servers before 7.0 tell
 * of them in any order. */
unsigned topology_moved(const struct topology *, const struct topology *);

/* From "MOVED 3999 127.0.0.1:6381" or "ASK ...", the text of an error reply:
 * host (cap bytes; "": where it came from), port and slot.  False: no such. */
MUST_USE bool topology_redirect(
    const char *text, char *host, size_t cap, unsigned *port, unsigned *slot);

#endif
