/*
 * edit.h -- an RDB stream into another one, key by key.
 *
 * What rdb-filter and rdb-convert share.  The input is walked until it has
 * proven itself whole; each key is put together and shown to the program, which
 * says what becomes of it; the output is written with a CRC of its own, and
 * gets its end mark only when the input has proven itself.  So an input that
 * was cut, or is bad, never becomes an RDB that looks good.
 *
 *	struct sieve { struct edit edit; ... };		first member
 *	filter_ops	.turn = edit_turn, .finish = edit_finish
 *	edit_init(&s->edit, &ops)	s->edit.base.ops = its filter_ops
 *	edit_release(&s->edit)		in its .free
 *
 * In calling order, where e is filled exactly when false is returned:
 *
 *	begin()	the header was read: version and valkey below are those of the
 *		input, and may be set to what the output shall be.  Optional
 *	other()	each run of what belongs to no key: auxiliary fields, functions,
 *		module data, hints that are kept, a slot import.  It goes on as it
 *		is unless *keep is made false; then other() may have written
 *		something else to edit->out.  Optional: everything is kept
 *	key()	all but the value is known: edit->object.  Says one of
 *		EDIT_LEAVE	nothing of this key is written
 *		EDIT_KEEP	byte for byte as it came, see below
 *		EDIT_CHANGE	what stands before the value is written from
 *				edit->object, which key() may have changed: db,
 *				expiry, key, ...; the value as it came
 *		EDIT_RECAST	nothing is written: value() does all of it
 *	value()	each run of the value of such a key; run->last ends it.  It calls
 *		edit_head() when what stands before the value can be written (type
 *		and all: edit->object), and writes to edit->out behind that; or
 *		never, and the key is left out
 *	end()	the input has proven itself; edit->rdb says how.  Optional
 *
 * Databases are selected when a key, or a hint that is kept, needs it, so one
 * without keys is not mentioned.  Resize hints and slot info hold the numbers of
 * keys to come: they are dropped unless keep_hints was set after init, which is
 * right when every key stays in its database.  What is kept is byte for byte what
 * came: all but headers, selections and the CRC.  What only Redis Enterprise says of
 * a key (RDB_OTHER) goes with an EDIT_KEEP, and is dropped with the others.
 *
 * Memory: this struct, one key (rdb/object.h) and as much for its bytes as
 * stored, and what EDIT_SLICE bytes of input make; no value is held.
 */
#ifndef KEYS_EDIT_H
#define KEYS_EDIT_H

#include "rdb/object.h"
#include "rdb/write.h"
#include "stages/kit/filter.h"
#include "stages/kit/whole_rdb.h"

#define EDIT_SLICE (64 * 1024) /* bytes of input between two drains */

enum edit_verdict { EDIT_LEAVE, EDIT_KEEP, EDIT_CHANGE, EDIT_RECAST };

struct edit;

struct edit_ops {
	bool (*begin)(struct edit *, struct err *);
	bool (*other)(
	    struct edit *, const struct rdb_run *, bool *keep, struct err *);
	bool (*key)(struct edit *, enum edit_verdict *, struct err *);
	bool (*value)(struct edit *, const struct rdb_run *, struct err *);
	bool (*end)(struct edit *, struct err *);
};

struct edit {
	struct filter base;

	/* For the program. */
	bool keep_hints;
	int version; /* of the output; from begin() on */
	bool valkey;
	struct rdb_object object; /* from key() to the end of value() */
	struct rdb_write out;     /* for other() and value() to write to */
	struct whole_rdb rdb;     /* the input; to be read */
	uint64_t keys_in, keys_out;

	/* Private to edit.c. */
	const struct edit_ops *ops;
	enum edit_verdict verdict;
	struct rdb_write head; /* before the value, as stored */
	bool selected;         /* the output has a database, */
	uint64_t db;           /* which is this */
	bool slot_info;        /* the slot item at hand is a hint */
	bool finished;
};

void edit_init(struct edit *, const struct edit_ops *);
void edit_release(struct edit *);

/* For the program's filter_ops. */
bool edit_turn(
    struct filter *, struct span *in, struct room *out, struct err *);
bool edit_finish(struct filter *, struct room *out, bool *done, struct err *);

/* Select the database of edit->object, and write all that stands before its
 * value.  Counts the key. */
void edit_head(struct edit *);

/* A reader of the program's own found a fault in the value at hand: an ERR_DATA
 * with offset and key.  Without fault->what: memory ran out.  Always false. */
bool edit_blame(struct edit *, const struct rdb_fault *, struct err *);

/* This key cannot be had as asked for: an ERR_DATA, `key "a" in database 0: `
 * in front of the words.  Always false. */
bool edit_refuse(const struct edit *, struct err *, const char *fmt, ...)
    PRINTF_LIKE(3);

#endif
