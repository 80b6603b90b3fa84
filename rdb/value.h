/*
 * value.h -- the elements of a value, whatever way it is stored.
 *
 * The walker (rdb.h) says which bytes are a value; this reader says what they
 * mean: fields and their values, members and scores, stream entries, ...  The
 * same data gives the same elements whether it was stored as a listpack, a
 * ziplist, an intset or plain, by an old server or a new one.
 *
 *	rdb_value_init(&v);
 *	at the run of RDB_TYPE	rdb_value_begin(&v, type, valkey)
 *	for each run of RDB_VALUE
 *		rdb_value_feed(&v, run.ptr, run.len, run.at);
 *		while ((got = rdb_value_next(&v, &piece)) == RDB_RUN)
 *			use(piece);
 *	RDB_END: complete; comes with the last byte.  RDB_BAD: see v.fault.
 *
 * Elements arrive as pieces in the order of enum rdb_what.  A text (a member,
 * a field, ...) can be larger than memory, so it comes as one or more pieces:
 * .first to .last, each with .size, the length of the whole text.  Integers
 * come as the decimal text they stand for.  A piece of another kind is always
 * one.  .done ends a group of pieces that belong together: field, value and
 * TTL; member and score; one stream entry.
 *
 * Memory: this struct, whatever the data; see RDB_NAMES_MAX for the one limit
 * that follows from it.
 *
 * What an old format does not say is filled in as a server does on load:
 * a stream of type 15 gets entries added, the largest deleted ID and the
 * groups' read counters (src/rdb.c of Redis 7.0), one before type 21 the
 * consumers' active times (7.2), one before type 26 the settings of
 * idempotent production (8.6: 100 seconds, 100 IDs).  So a stream always
 * comes with all its pieces.
 *
 * What is checked: all that is needed to be sure about the elements; see
 * blob.h for packed collections, and for streams the counts inside a node,
 * the length of each entry, and that IDs ascend.  What is not: duplicates, and
 * whether parts of a stream contradict each other.
 *
 * Formats: rdbLoadObject in src/rdb.c, src/t_stream.c, src/t_hash.c of Redis
 * 8.8 and Valkey 9.1.
 */
#ifndef RDB_VALUE_H
#define RDB_VALUE_H

#include "rdb/blob.h"
#include "rdb/text.h"

struct rdb_id {
	uint64_t ms, seq;
};

/* What a piece is, and where it has its content. */
enum rdb_what {
	RDB_STRING,      /* text */
	RDB_ITEM,        /* of a list, in order: text */
	RDB_MEMBER,      /* of a set, of a sorted set: text */
	RDB_SCORE,       /* of the member before: score; never NaN */
	RDB_FIELD,       /* of a hash, of a stream entry: text */
	RDB_FIELD_VALUE, /* text */
	RDB_FIELD_TTL,   /* only in types with TTL: num, milliseconds since
			    1970, 0: none */

	RDB_ENTRY,          /* of a stream: id; num: fields that follow */
	RDB_STREAM_LENGTH,  /* num: live entries, as declared */
	RDB_STREAM_LAST,    /* id: the last one given out */
	RDB_STREAM_FIRST,   /* id: the first live one, as declared */
	RDB_STREAM_DELETED, /* id: the largest deleted one */
	RDB_STREAM_ADDED,   /* num: entries ever added */
	RDB_GROUP,          /* its name: text */
	RDB_GROUP_STATE,    /* id: last delivered; num: entries read,
			       UINT64_MAX: not known */
	RDB_PENDING,        /* id; num: when delivered, ms; more: how often */
	RDB_CONSUMER,       /* of the group; its name: text */
	RDB_CONSUMER_STATE, /* num: seen, ms; more: active, ms, or
			       UINT64_MAX: never */
	RDB_OWNED,          /* id: pending for this consumer */
	RDB_NACKED,         /* id: pending for nobody; in order of release */
	RDB_IDMP,           /* num: seconds; more: IDs kept per producer */
	RDB_PRODUCER,       /* its name: text */
	RDB_IID,            /* of the producer: text */
	RDB_IID_ENTRY,      /* id: the entry it made */
	RDB_IDMP_COUNTS,    /* num: IDs added; more: duplicates refused */

	RDB_MODULE,      /* num: module id; parts follow */
	RDB_META_CLASS,  /* of a key's metadata: num; parts follow */
	RDB_PART_SINT,   /* num, to be read as signed */
	RDB_PART_UINT,   /* num */
	RDB_PART_FLOAT,  /* num: its 4 bytes, little endian */
	RDB_PART_DOUBLE, /* num: its 8 bytes, little endian */
	RDB_PART_STRING, /* text */
	RDB_PART_END,

	RDB_ARRAY_INSERT, /* num: where the next insert goes; may be absent */
	RDB_ARRAY_INDEX,  /* num; what is there follows: */
	RDB_ARRAY_TEXT,   /* text; integers come as text too */
	RDB_ARRAY_DOUBLE, /* score; may be NaN */

	RDB_LIBRARY,        /* source of a library of functions: text */
	RDB_LIBRARY_NAME,   /* before 7.0 was final: name, engine, */
	RDB_LIBRARY_ENGINE, /* perhaps a description, source: texts */
	RDB_LIBRARY_ABOUT,
	RDB_WHATS
};

/* Good until the next call on the value. */
struct rdb_piece {
	enum rdb_what what;
	bool first, last; /* of a text; true for all else */
	bool done;        /* ends a group of pieces */
	const uint8_t *ptr;
	size_t len;
	uint64_t size;
	uint64_t num, more;
	double score;
	struct rdb_id id;
};

/*
 * The field names of a stream node are stored once, and entries refer to
 * them.  So many bytes of names (and 4 for each) can be kept; an entry that
 * refers to more is a fault.  Servers fill a node to stream-node-max-bytes,
 * 4096 by default, names and values together.
 */
#define RDB_NAMES_MAX 65536

/* The entries of one stream node: private, see entries.h. */
struct rdb_entries {
	const char *what;
	unsigned state;
	bool same, gone, lost, replay;
	bool any_live, any;
	struct rdb_id node, now, before, first_live;
	int64_t live, dead; /* still to come, as declared */
	uint64_t in_master; /* fields of the node's master */
	uint64_t left;      /* of this entry, still to come */
	uint64_t count;
	size_t len, at, name_at; /* of names: filled, next to give out */
	uint8_t digits[DECIMAL_MAX];
	uint8_t names[RDB_NAMES_MAX];
};

#define RDB_VALUE_QUEUE 6

/* Some 115 KiB; do not put it on a small stack. */
struct rdb_value {
	struct rdb_fault fault; /* after RDB_BAD */

	/* Private to value.c and its helpers. */
	const struct value_row *row;
	unsigned state;
	bool in_text, in_blob, text_last;
	struct rdb_chunk in;   /* what was fed */
	struct rdb_chunk lent; /* decoded bytes, for the blob */
	const uint8_t *from;   /* where what was fed began, */
	uint64_t at;           /* and its place in the stream */
	const uint8_t *shape;
	struct rdb_place place;
	struct rdb_atom atom;
	unsigned turn;  /* place in a row of a packed collection */
	unsigned have;  /* of scratch */
	bool part_open; /* a part of module data, or digits */
	bool ttl_kept;
	bool plain;             /* the blob is stored as it is */
	uint64_t text_at;       /* where the text began; its bytes if plain */
	uint64_t ms, base, ttl; /* numbers kept for a later step */
	struct rdb_id id, last;
	uint64_t length;
	unsigned q_at, q_len;
	struct rdb_piece queue[RDB_VALUE_QUEUE];
	uint8_t scratch[256];
	uint8_t digits[DECIMAL_MAX];
	struct blob blob;
	struct rdb_text text;
	struct rdb_entries entries;
};

void rdb_value_init(struct rdb_value *);

/* A value of this type begins.  False: no such type in this dialect. */
bool rdb_value_begin(struct rdb_value *, unsigned type, bool valkey);

/*
 * What an opcode carries begins: the metadata of a key (243, Redis only) or a
 * library of functions (245, 246).  Feed what is behind the opcode's byte.
 * False: another opcode.
 */
bool rdb_value_begin_opcode(struct rdb_value *, unsigned opcode, bool valkey);

/* len bytes at ptr, found at offset at of the stream; a loan until the next
 * feed. */
void rdb_value_feed(
    struct rdb_value *, const void *ptr, size_t len, uint64_t at);

enum rdb_got rdb_value_next(struct rdb_value *, struct rdb_piece *);

/*
 * With the first piece of a collection, for who has to say it in front: how many
 * members, fields or items it declares.  False: that is not known before its
 * end, as in a list of nodes, or a listpack of 65535 entries and more.
 */
bool rdb_value_count(const struct rdb_value *, uint64_t *n);

/* With a piece of a list of nodes (types 14 and 18): how many nodes are to come,
 * that of the piece included; and how many elements that one declares, 0: it
 * does not say. */
uint64_t rdb_value_nodes(const struct rdb_value *, uint64_t *elements);

#endif
