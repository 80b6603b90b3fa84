/*
 * rdb.h -- walk an RDB stream without holding it.
 *
 * The walker labels bytes.  Feed it chunks cut anywhere; it hands back runs
 * of those same bytes, each with a label that says what they are.  It reads,
 * writes and allocates nothing, and keeps its whole state in one struct of
 * fixed size, however large a value or a key is.
 *
 *	rdb_walk_init(&w);
 *	while (there is a chunk) {
 *		rdb_walk_feed(&w, chunk, len);
 *		while ((got = rdb_walk_next(&w, &run)) == RDB_RUN)
 *			use(run);
 *		if (got != RDB_MORE)
 *			break;
 *	}
 *	RDB_END: complete.  RDB_BAD: see w.fault.  RDB_MORE: cut short.
 *
 * Two promises, both tested for every file we have and every way to cut it:
 *
 *	nothing lost	the runs, laid end to end, are the stream;
 *	no seams	merging neighbours that belong to one item gives the
 *			same list of items however the chunks were cut.
 *
 * The format: RDB 1 to 14 under the magic REDIS, 80 under VALKEY, as the
 * loaders of Redis 8.8 and Valkey 9.1 read it (src/rdb.c, src/rdb.h).  A
 * later version is a fault, never a guess.
 */
#ifndef RDB_RDB_H
#define RDB_RDB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define RDB_VERSION_MAX        14 /* under the magic REDIS */
#define RDB_VERSION_VALKEY_MAX 80 /* under the magic VALKEY */

enum rdb_got { RDB_RUN, RDB_MORE, RDB_END, RDB_BAD };

/* One item of the stream, in the order items appear. */
enum rdb_label {
	RDB_HEADER,   /* magic and version */
	RDB_AUX_NAME, /* its opcode, one byte, then a string */
	RDB_AUX_VALUE,
	RDB_FUNCTION, /* a library; opcode, then one string */
	RDB_MODULE_AUX,
	RDB_SELECT, /* run.num: database */
	RDB_RESIZE, /* run.num: keys to come, a hint */
	RDB_SLOT,   /* slot info or slot import; run.num: slot */
	RDB_EXPIRE, /* run.num: milliseconds since 1970, signed */
	RDB_IDLE,   /* run.num: seconds */
	RDB_FREQ,   /* run.num: 0 to 255 */
	RDB_META,   /* key metadata of modules (Redis 8.6) */
	RDB_OTHER,  /* known, to be skipped (Redis Enterprise) */
	RDB_TYPE,   /* run.num: type of the value to come */
	RDB_KEY,    /* a string, encoded */
	RDB_VALUE,  /* encoded, as DUMP has it behind the type */
	RDB_TRAILER /* end mark and, from version 5, the CRC;
				   run.num: the CRC as stored, 0: none */
};

/* A run of bytes inside the chunk last fed; good until the next feed. */
struct rdb_run {
	enum rdb_label label;
	const uint8_t *ptr;
	size_t len;
	uint64_t at;  /* offset of ptr[0] in the stream */
	bool first;   /* the item begins with this run */
	bool last;    /* the item ends with this run */
	uint64_t num; /* see rdb_label; set when last */
};

struct rdb_fault {
	uint64_t at;      /* offset of the byte that made no sense */
	const char *what; /* static text: "unknown type", ... */
	unsigned byte;    /* that byte */
	bool has_byte;    /* the byte says something */
};

#define RDB_NEST      4  /* deepest loops: stream, group, consumer */
#define RDB_KEY_SHOWN 96 /* encoded bytes of a key kept for messages */

/* What is left of the chunk. */
struct rdb_chunk {
	const uint8_t *ptr, *end;
};

/* One number or string, half read: private, see atom.h. */
struct rdb_atom {
	uint64_t num;     /* the number read */
	uint64_t left;    /* bytes of a body still to come */
	uint64_t full;    /* length of the string once decoded */
	const char *what; /* why it is wrong */
	uint8_t part, width, sub, kind, tag, size;
};

/* A place in a shape: private, see shape.h. */
struct rdb_place {
	const uint8_t *step, *picked;
	const uint8_t *body[RDB_NEST];
	uint64_t left[RDB_NEST];
	uint64_t count, num;
	unsigned depth;
};

struct shape_row;

/* Shown so that it can live on the stack. */
struct rdb_walk {
	/* To be read. */
	struct rdb_fault fault;
	int version;
	bool valkey; /* magic was VALKEY: other type numbers */
	uint64_t at; /* bytes walked so far */
	/* CRC64 from the magic to the end mark; right once RDB_END was
	 * returned.  The walker does not judge it: compare it with the
	 * trailer's run.num, and know that 0 there means unchecked. */
	uint64_t crc;

	/* Private to walk.c and explain.c. */
	struct rdb_chunk in;
	const uint8_t *crc_from; /* what of the chunk the CRC has not seen */
	const uint8_t *key_from; /* the key's bytes in this chunk */
	const uint8_t *key_to;
	const struct shape_row *rows; /* the dialect's table */
	const struct shape_row *row;  /* opcode or type being read */
	struct rdb_place place;
	struct rdb_atom atom;
	unsigned state, label;
	unsigned magics; /* beginnings the stream may still have */
	bool begun;      /* the item has had a run */
	bool key_known;  /* inside a key or value */
	bool prefixed;   /* an expiry or such waits for its key */
	unsigned key_len;
	uint8_t key[RDB_KEY_SHOWN]; /* its first encoded bytes, if saved */
};

void rdb_walk_init(struct rdb_walk *);
void rdb_walk_feed(struct rdb_walk *, const void *chunk, size_t len);
enum rdb_got rdb_walk_next(struct rdb_walk *, struct rdb_run *);

/* Records that were passed over. */
struct rdb_tally {
	uint64_t keys, expires;
	uint64_t by_type[256]; /* keys per type byte */
};

/*
 * Between two records, and nowhere else: pass over the records (expiry, idle
 * time, type, key, value) that lie in the chunk whole and good, adding them to
 * the tally, without handing them out.  What stops it, such as an opcode, a
 * record that the chunk cuts, or a fault, is for rdb_walk_next.  For those who
 * only count: about three times as fast.  The runs that are still handed out
 * keep the promise of no seams item by item, not as a whole.
 */
void rdb_walk_pass(struct rdb_walk *, struct rdb_tally *);

/* How many bytes of the chunk have not been walked; after RDB_END, what
 * follows the stream. */
size_t rdb_walk_rest(const struct rdb_walk *);

/*
 * After RDB_BAD the fault, or, cut_short, after RDB_MORE at the end of input
 * where it ended, as words: `offset 3000, key "user:17", in hash-listpack:
 * unknown string encoding (0xc7)`.  Printable ASCII, NUL-terminated; at most cap bytes.
 */
void rdb_walk_explain(
    const struct rdb_walk *, bool cut_short, char *buf, size_t cap);

/*
 * A reader above the walk has found a fault in the item handed out last: the
 * walk is RDB_BAD from now on and explains this fault, naming the key.  Call it
 * before the next feed.
 */
void rdb_walk_blame(struct rdb_walk *, const struct rdb_fault *);

/* The name of a type as listings show it ("hash-listpack"), or NULL. */
const char *rdb_type_name(unsigned type, bool valkey);

/* The RDB version that introduced a type: a DUMP payload of it needs no later
 * one.  0: no such type, or only of forks. */
unsigned rdb_type_since(unsigned type, bool valkey);

#endif
