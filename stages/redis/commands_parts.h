/*
 * commands_parts.h -- what the parts of commands share; private to them.
 *
 *	commands.c		which type is said how; keys, expiries, refusals
 *	commands_string.c	SET, APPEND
 *	commands_gather.c	elements gathered to pieces
 *	commands_collection.c	RPUSH, SADD, ZADD, HSET
 *	commands_times.c	HPEXPIREAT
 *	commands_stream.c	XADD, XSETID, XGROUP
 *	commands_pending.c	XCLAIM
 *	commands_live.c		which IDs a stream has
 *	commands_ghost.c	entries that are pending and were deleted
 *	commands_function.c	FUNCTION LOAD
 *
 * Parts take the pieces of a value (rdb/value.h) one by one.  They return
 * nothing: whether all went well is in the wire's .ok.
 */
#ifndef REDIS_COMMANDS_PARTS_H
#define REDIS_COMMANDS_PARTS_H

#include "stages/redis/commands_wire.h"

/* What is kept of a key: memory that grows as bytes arrive. */
struct commands_held {
	uint8_t *ptr;
	size_t len, cap;
};

/* Elements of a collection, encoded, until there are enough for a command. */
struct commands_gather {
	const char *name;   /* of the command */
	unsigned per_group; /* texts that belong together */
	unsigned texts;     /* of the group under way, complete */
	bool by;            /* this group passes by, too large to be kept */
	uint64_t words;     /* in whole groups */
	size_t done;        /* bytes of whole groups */
	size_t len;
	uint8_t buf[COMMANDS_PIECE];
};

/* Fields with a TTL whose HSET is not out yet: { ms, length, bytes } ... */
struct commands_times {
	bool on; /* fields of this hash may have one */
	size_t len;
	uint8_t buf[COMMANDS_PIECE];
};

/* The IDs that a stream has, ascending, as differences. */
struct commands_live {
	struct commands_held ids;
	bool lost; /* more than can be kept */
	uint64_t count;
	struct rdb_id last; /* added */
	/* Where a search is. */
	size_t at;
	struct rdb_id now;
};

struct commands_pend {
	struct rdb_id id;
	uint64_t time, count;
};

#define CLAIM_MAX 128 /* IDs in one XCLAIM */

/* Pending entries of a group, and those that are about to be claimed. */
struct commands_pending {
	struct commands_held list; /* struct commands_pend */
	size_t owned;
	struct commands_pend claim; /* what they have in common */
	unsigned n_ids;
	struct rdb_id ids[CLAIM_MAX];
};

/* Entries of a stream that are added, to be claimed, and then deleted. */
struct commands_ghosts {
	struct commands_held list; /* struct rdb_id, ascending */
	size_t len;
	size_t next;  /* to be added */
	size_t front; /* so many are in front of the first entry that stays */
	bool known;   /* the value was looked through: there are no others */
};

struct commands {
	struct commands_target target;
	struct commands_wire wire;
	const struct rdb_object *object; /* NULL: a function */
	const struct commands_row *row;
	bool from_valkey; /* its dialect */
	bool said;        /* there is something of this key */
	bool unsaid;      /* it was refused */
	bool expires;     /* to be said at the end */

	bool folded; /* in the command under way */

	uint64_t left, bulk_left;    /* of a string, of its command */
	struct rdb_id last, deleted; /* of a stream */
	uint64_t added;
	struct commands_held held, held_consumer;
	struct commands_held raw; /* a stream's value, as it is stored */
	uint64_t raw_at;
	bool spilt; /* it is larger than can be held */
	struct commands_ghosts ghosts;
	struct commands_live live;
	struct commands_pending pending;
	struct commands_gather gather;
	struct commands_times times;
	struct rdb_value value;
};

/* --- commands.c --- */

/* Is the target of this version, or later?  Of Valkey: 0 if all of them are. */
bool commands_since(
    const struct commands_target *, unsigned redis, unsigned valkey);

/* A command of the key: name, key. */
void commands_key(struct commands *, uint64_t words, const char *name);

/* This key cannot be said, because of; the value makes no sense. */
void commands_refuse(struct commands *, const char *why);
void commands_bad(struct commands *, const char *what);
void commands_no_memory(struct commands *);

/* False: refused, since no word, or string, may be so long. */
bool commands_fits(struct commands *, uint64_t size);
bool commands_fits_string(struct commands *, uint64_t size);

/* Part of a text as part of a word. */
void commands_text(struct commands *, const struct rdb_piece *);

/* Keep a text, up to COMMANDS_HELD_MAX bytes, instead of the one before. */
void commands_hold(
    struct commands *, struct commands_held *, const struct rdb_piece *);

/* Keep n bytes more. */
bool commands_keep(
    struct commands *, struct commands_held *, const void *, size_t n);

/* Read bytes of the value, handing its pieces on: false: a failure. */
bool commands_read(struct commands *, struct span, uint64_t at, bool last,
    void (*)(struct commands *, const struct rdb_piece *));

/* --- the parts --- */

void string_piece(struct commands *, const struct rdb_piece *);

void gather_start(struct commands *, const char *name, unsigned per_group);
void gather_text(struct commands *, const struct rdb_piece *);
/* Say all that is gathered in whole groups, and their TTLs. */
void gather_flush(struct commands *);

void list_piece(struct commands *, const struct rdb_piece *);
void zset_piece(struct commands *, const struct rdb_piece *);
void hash_piece(struct commands *, const struct rdb_piece *);

/* The field that is held has this TTL.  Say those of what was gathered. */
void times_add(struct commands *, uint64_t ms);
void times_flush(struct commands *);

void stream_start(struct commands *);
void stream_feed(struct commands *, const struct rdb_run *);
void stream_done(struct commands *);

void live_start(struct commands_live *);
void live_add(struct commands *, struct rdb_id);
/* Search from the first one; IDs are asked for in ascending order. */
void live_rewind(struct commands_live *);
bool live_has(struct commands_live *, struct rdb_id);
int live_compare(struct rdb_id, struct rdb_id);

void ghosts_start(struct commands_ghosts *);
/* Look at a piece of the value before anything is said; all were looked at. */
void ghosts_look(struct commands *, const struct rdb_piece *);
void ghosts_looked(struct commands *);
/* Add those in front of an ID, and all others. */
void ghosts_before(struct commands *, struct rdb_id);
void ghosts_rest(struct commands *);
void ghosts_delete(struct commands *);

void pending_start(struct commands *);
void pending_add(struct commands *, const struct rdb_piece *);
void pending_own(struct commands *, struct rdb_id);
/* A consumer, and a group, has no more. */
void pending_flush(struct commands *);
void pending_end(struct commands *);

#endif
