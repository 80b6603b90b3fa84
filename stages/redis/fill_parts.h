/*
 * fill_parts.h -- the parts of fill.c, which is the only one to call them all.
 *
 *	fill.c		the sink: what comes in, and where it goes
 *	fill_key.c	a key as RESTORE, SET, MSET
 *	fill_answer.c	what the target answers
 *	fill_route.c	lanes and nodes; connections lost, slots that moved
 *	fill_limit.c	values above what the target takes
 *	fill_recast.c	hashes whose fields have times
 *	fill_end.c	counts compared; what a failure leaves
 */
#ifndef REDIS_FILL_PARTS_H
#define REDIS_FILL_PARTS_H

#include "rdb/object.h"
#include "rdb/recast.h"
#include "stages/keys/twins.h"
#include "stages/kit/whole_rdb.h"
#include "stages/redis/expiring.h"
#include "stages/redis/fill.h"
#include "stages/redis/lane.h"
#include "stages/redis/topology.h"

/* What a unit of a lane is. */
enum fill_tag {
	FILL_BY_RESTORE,
	FILL_BY_SET, /* or MSET */
	FILL_BY_COMMANDS,
	FILL_WAYS,
	FILL_DELETE = FILL_WAYS,
	FILL_EXISTS,
	FILL_FUNCTION
};

/* What becomes of the value at hand. */
enum fill_value {
	FILL_LEFT, /* left out */
	FILL_HELD, /* gathered, for RESTORE or SET */
	FILL_SAID  /* by commands, as it comes */
};

/* Strings on their way into one MSET. */
struct fill_batch {
	uint8_t *buf;
	size_t len;
	uint32_t keys;
	uint64_t db;
};

/* A master of the target, with its lanes. */
struct fill_node {
	struct server server; /* owned, but for a target of one server */
	char run_id[48];
	uint64_t before; /* keys it held */
	uint64_t evicted;
	unsigned slot; /* one of those it serves */
	bool moved;    /* another server has taken its place */

	/* Its proto-max-bulk-len, and what that was before us; "": is still. */
	uint64_t limit;
	char limit_before[24];
};

/* A unit that has to go elsewhere. */
struct fill_stray {
	struct fill_stray *next;
	struct lane_unit unit;
	char text[128]; /* the answer */
	size_t len;
	uint8_t bytes[];
};

/* Keys whose commands were cut, by the node they are on. */
struct fill_torn {
	struct fill_torn *next;
	unsigned node;
	uint64_t db;
	size_t len;
	uint8_t key[];
};

struct fill {
	struct sink base;
	struct fill_options o;
	struct server server; /* the one there is, or what names a cluster */
	struct survey survey; /* of it, or of its first master */
	bool begun, ended;
	bool sets, pxat, absttl; /* the target's commands */

	struct topology topology;
	struct fill_node *nodes;
	unsigned n_nodes, per_node;
	struct lanes lanes;
	struct fill_batch *batches; /* one a lane */
	uint16_t owner[RDB_SLOTS];  /* of each slot: its node */
	struct fill_stray *strays, **strays_end;
	unsigned reconnects;
	bool hopeless; /* a new master, for which there is no node */

	/* Of the key at hand. */
	struct whole_rdb whole;
	struct rdb_object object;
	struct expiring expiring;
	enum fill_value value;
	struct lane *lane;
	struct commands *commands;
	uint8_t *hold;
	size_t held, hold_cap;
	bool gathering; /* a function, into hold */
	bool asked;     /* FILL_EXISTS is on its way */
	bool exists;    /* its answer */
	bool again;     /* what is sent may have arrived before */
	bool said_late; /* commands, when all of the value is held */

	/* Values above proto-max-bulk-len. */
	uint64_t largest; /* of a plan */
	char limit_why[SURVEY_WHY];

	/* A hash whose fields may have times, which are changed. */
	bool recasting, recast_begun;
	bool doubtful;             /* it cannot be restored if there is one */
	struct rdb_recast *recast; /* NULL: none came yet */
	struct rdb_write recast_out;
	struct twins twins; /* names that mappings made */

	/* A failure. */
	bool stopping; /* only count what is answered */
	bool cut;      /* a passing unit lost its connection */
	struct fill_torn *torn;

	/* Counts of keys. */
	uint64_t keys, expires, left; /* in the stream; not meant */
	uint64_t done[FILL_WAYS], skipped;
	uint64_t planned[FILL_WAYS], planned_bytes[FILL_WAYS], unfit;
	uint64_t functions, functions_skipped;
	uint64_t over; /* expired before they were sent */
	uint64_t target_keys, replaced;
	bool modules_said;
};

/* --- fill_key.c --- */

/* How the key at hand can be made. */
enum fill_tag fill_way(const struct fill *, const char **cannot);

/* The key at hand, whose value is whole. */
MUST_USE bool fill_put_key(struct fill *, struct span value, struct err *);
MUST_USE bool fill_put_delete(struct fill *, struct err *);
MUST_USE bool fill_ask_exists(struct fill *, struct err *);
MUST_USE bool fill_flush_batches(struct fill *, struct err *);

/* --- fill_answer.c --- */

bool fill_answered(
    void *arg, struct lane *, const struct lane_answer *, struct err *);

/* The key a command is about: its argument 1. */
struct span fill_key_of(struct span command);

/* "host:6379: database 0, key "a"" */
void fill_where(const struct fill *, const struct lane *, uint64_t db,
    struct span key, char *buf, size_t cap);

static inline uint64_t
fill_done(const struct fill *f)
{
	return f->done[FILL_BY_RESTORE] + f->done[FILL_BY_SET] +
	    f->done[FILL_BY_COMMANDS];
}

/* --- fill_route.c --- */

/* Who is there, and what they hold; then the lanes to them. */
MUST_USE bool fill_survey(struct fill *, struct err *);
MUST_USE bool fill_connect(struct fill *, struct err *);
void fill_disconnect(struct fill *);
struct lane *fill_lane(struct fill *, struct span key);
bool fill_lost(void *arg, struct lane *, struct err *);
/* Make a lane good that lost a passing unit, without it. */
MUST_USE bool fill_regain(struct fill *, struct lane *, struct err *);
MUST_USE bool fill_stray_add(struct fill *, const struct lane *,
    const struct lane_answer *, struct err *);
/* Send what has to go elsewhere. */
MUST_USE bool fill_strays(struct fill *, struct err *);
/* Until all is answered, and nothing has to go elsewhere. */
MUST_USE bool fill_settle(struct fill *, struct err *);

/* --- fill_limit.c --- */

/* See struct commands_out: have the node of the key at hand take a value of
 * size bytes, by raising its proto-max-bulk-len. */
const char *fill_larger(void *arg, uint64_t size);
/* Put back what was raised. */
MUST_USE bool fill_limits_back(struct fill *, struct err *);
/* Another server takes the node's place. */
void fill_limit_left(struct fill_node *);

/* --- fill_recast.c --- */

/* All but the value is known: does that become another one (.recasting), of
 * the type that the object then has? */
MUST_USE bool fill_recast(struct fill *, struct err *);
/* rdb_recast_feed() failed, and not because the value is bad: in words. */
const char *fill_recast_failed(const struct fill *);

/* --- fill_end.c --- */

/* Policies, before anything is written. */
MUST_USE bool fill_prepare(struct fill *, struct err *);
MUST_USE bool fill_compare(struct fill *, struct err *);
MUST_USE bool fill_torn_add(
    struct fill *, unsigned node, uint64_t db, struct span key);
/* A failure: wait for what was sent, remove what was cut, and add to the error
 * how far it came. */
void fill_stop(struct fill *, struct err *);
/* What would be done; false, with the error, when not all of it can be. */
MUST_USE bool fill_plan(const struct fill *, struct err *);

#endif
