/*
 * object.h -- one key at a time, with all that stands before its value.
 *
 * The walker (rdb.h) labels bytes; what belongs to one key comes in up to five
 * items before the value: expiry, idle time or frequency, metadata, type, key.
 * This reader gathers them, for programs that look at keys one by one:
 *
 *	rdb_object_init(&o)
 *	for each run of a walk
 *		switch (rdb_object_feed(&o, &run))
 *		RDB_OBJECT_OTHER	not of a key: header, aux, function,
 *					slot, resize, trailer.  A database
 *					that is selected is remembered
 *		RDB_OBJECT_HEAD		kept, or part of what is kept
 *		RDB_OBJECT_KEY		all but the value is known now: o.db ...
 *		RDB_OBJECT_VALUE	bytes of its value; run.last ends it
 *		RDB_OBJECT_BAD		see o.fault
 *	rdb_object_release(&o)
 *
 * The key is decoded; its value's bytes are not touched: rdb/value.h reads
 * them.  Every key has a value of at least one byte.  What is read from the
 * struct may be changed, too: nothing of it is taken over into the next key.
 *
 * Memory: this struct, the key and the metadata of one key, which grow as
 * their bytes arrive, RDB_OBJECT_MAX each.  Larger ones are a fault: no server
 * takes them in a command either.
 */
#ifndef RDB_OBJECT_H
#define RDB_OBJECT_H

#include "rdb/text.h"

#define RDB_OBJECT_MAX (512u << 20)

enum rdb_object_got {
	RDB_OBJECT_OTHER,
	RDB_OBJECT_HEAD,
	RDB_OBJECT_KEY,
	RDB_OBJECT_VALUE,
	RDB_OBJECT_BAD
};

/* Bytes that are owned and grow. */
struct rdb_object_bytes {
	uint8_t *ptr;
	size_t len, cap;
};

struct rdb_object {
	struct rdb_fault fault; /* after RDB_OBJECT_BAD; what == NULL: memory
				   ran out */

	/* To be read from RDB_OBJECT_KEY to the end of the value. */
	uint64_t db;
	bool expires;
	int64_t expire; /* ms since 1970 */
	bool has_idle, has_freq;
	uint64_t idle;   /* seconds */
	unsigned freq;   /* 0 to 255 */
	unsigned type;   /* of the value, in the stream's dialect */
	uint64_t key_at; /* where the key's bytes begin in the stream */
	struct rdb_object_bytes key;  /* decoded */
	struct rdb_object_bytes meta; /* as stored, opcode included; len 0:
					 none */

	/* Private to object.c. */
	bool open; /* something of the next key has been seen */
	uint64_t selected;
	struct rdb_text text;
};

void rdb_object_init(struct rdb_object *);
void rdb_object_release(struct rdb_object *);
enum rdb_object_got rdb_object_feed(
    struct rdb_object *, const struct rdb_run *);

#endif
