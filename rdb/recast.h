/*
 * recast.h -- a value as another server stores it.
 *
 * Servers load what is older than they are, and refuse the rest.  This turns a
 * value of a type that an engine (engine.h) does not load into one of a type that
 * it does, without changing what the value means: rdb/digest.h is the judge.
 *
 *	rdb_recast_init(&r, engine, lossy)
 *	for each key
 *		rdb_engine_loads(...): its bytes are right as they are; else
 *		to = rdb_recast_type(engine, type, valkey)
 *		to == RDB_RECAST_NEVER: no way to say it
 *		rdb_recast_begin(&r, type, valkey, &out)
 *		for each run of its value
 *			rdb_recast_feed(&r, &run)
 *	rdb_recast_release(&r)
 *
 * What becomes of what:
 *
 *	packed set, hash, sorted set	plain ones, since every server packs them
 *					again as it is configured to
 *	list of listpacks		of ziplists, node by node; before 3.2 plain
 *	hash with times of fields	the other dialect's; else a plain one
 *	stream				an older one, by leaving out what that
 *					does not have
 *
 * What is left out is no loss as long as the reader of the older form takes it to
 * be what it was (value.h, "What an old format does not say").  All else is
 * a loss: refused, or, lossy, counted in lost[].
 *
 * Memory: this struct, some 120 KiB, and where something has to be known before
 * it can be written, what is gathered until then, RDB_RECAST_GATHER at most; more
 * is refused.  Gathered are: one node of a list, unless it is a single element;
 * all of a list for servers before 3.2; all of a listpack of 65535 entries and
 * more; one field of a Valkey hash with times; and the pending entries of a group
 * with released ones, when those may be lost.
 */
#ifndef RDB_RECAST_H
#define RDB_RECAST_H

#include "rdb/engine.h"
#include "rdb/value.h"
#include "rdb/write.h"
#include "rdb/zipped.h"

#define RDB_RECAST_GATHER (64u << 20)
#define RDB_RECAST_NEVER  256 /* no type of the engine's holds it */

/* What can get lost.  The last ones are not of values, but counted alike. */
enum rdb_loss {
	RDB_LOSS_KEY,        /* a key as a whole */
	RDB_LOSS_FIELD_TTL,  /* the time of a field */
	RDB_LOSS_RELEASED,   /* a pending entry of no consumer */
	RDB_LOSS_DELETED_ID, /* the largest deleted ID of a stream */
	RDB_LOSS_ADDED,      /* how many entries were ever added to one */
	RDB_LOSS_READ,       /* how many a group has read */
	RDB_LOSS_IDMP,       /* settings of idempotent production */
	RDB_LOSS_IDMP_ID,    /* an ID of a producer */
	RDB_LOSS_IDMP_COUNT, /* its counters */
	RDB_LOSS_META,       /* metadata of a key */
	RDB_LOSS_FUNCTION,   /* a library of functions */
	RDB_LOSS_MODULE_AUX, /* module data of no key */
	RDB_LOSS_IMPORT,     /* a slot that is being imported */
	RDB_LOSSES
};

/* "field-ttls"; and in words: "times of fields". */
const char *rdb_loss_name(enum rdb_loss);
const char *rdb_loss_words(enum rdb_loss);

struct shape_row;

struct rdb_recast {
	/* To be read.  After rdb_recast_feed returned false: */
	struct rdb_fault fault; /* the value is bad if fault.what is set, or */
	const char *refusal;    /* it cannot be had, in words, if this is; or */
	enum rdb_loss refused;  /* this would be lost, if not RDB_LOSSES; else
				   memory ran out */
	uint64_t lost[RDB_LOSSES]; /* of the value begun last */

	/* May be set after init: what becomes of the time of a field, in ms
	 * since 1970; 0: none.  Asked for times that are not 0. */
	uint64_t (*time)(const void *arg, uint64_t ms);
	const void *time_arg;

	/* Private to recast*.c. */
	const struct rdb_engine *engine;
	struct rdb_write *out;
	bool (*piece)(struct rdb_recast *, const struct rdb_piece *);
	bool (*end)(struct rdb_recast *);
	bool lossy;
	unsigned from, to;
	bool from_valkey;
	bool headed;    /* the count in front has been written, or */
	bool gathered;  /* will be, when the value has ended */
	bool alone;     /* a list's node of one element passes */
	uint64_t count; /* gathered so far */
	uint64_t nodes; /* of a list, still to be written */
	struct rdb_write held;
	struct rdb_write field; /* whose time is not known yet */
	struct zipped zip;
	struct {
		const struct shape_row *row;
		const uint8_t *marks;
		struct rdb_place place;
		struct rdb_atom atom;
		unsigned level;
		struct rdb_id last;
		bool holding;
		size_t pending_len;   /* of the group: its bytes in held */
		struct rdb_write ids; /* of those of no consumer */
	} stream;
	struct rdb_value value;
};

/* The type a value becomes, in the engine's dialect. */
unsigned rdb_recast_type(const struct rdb_engine *, unsigned type, bool valkey);

void rdb_recast_init(
    struct rdb_recast *, const struct rdb_engine *, bool lossy);
void rdb_recast_release(struct rdb_recast *);

/* A value begins, of a type that becomes another one.  What it becomes is put
 * to out, which is borrowed until its end. */
void rdb_recast_begin(
    struct rdb_recast *, unsigned type, bool valkey, struct rdb_write *out);

/*
 * The same with a type that the caller chooses, for whom no engine matters (init's
 * may be NULL then): for a hash with times of fields RDB_RECAST_TTL of its dialect,
 * where .time may change them, or 4 if it says 0 to all.
 */
#define RDB_RECAST_TTL(valkey) ((valkey) ? 22u : 24u)
void rdb_recast_begin_as(struct rdb_recast *, unsigned type, bool valkey,
    unsigned to, struct rdb_write *out);

bool rdb_recast_feed(struct rdb_recast *, const struct rdb_run *);

#endif
