/*
 * commands.h -- a key as the commands that make it.
 *
 * Turns a value, whatever its encoding and size, into RESP commands for a
 * server of a given engine and version: SET and APPEND, RPUSH, SADD, ZADD, HSET
 * and HPEXPIREAT, XADD, XGROUP, XCLAIM, XSETID ...  Elements are gathered to
 * pieces of COMMANDS_PIECE bytes; what is larger by itself passes through as
 * it comes, so memory does not grow with it.
 *
 *	c = commands_new(&target, &out, e)
 *	for each key	commands_begin(c, object, valkey, e)
 *			commands_feed(c, run, e) for each run of its value;
 *			with the last one the key's expiry is set
 *	for a function	commands_function(c, run, e), for each run
 *	commands_free(c)
 *
 * What comes out goes to out: put() takes the next bytes of a command, end()
 * says that a command is complete, so that one more reply is to come.  A small
 * command is one put() and one end(); no put() has bytes of two commands.  Which
 * database is selected, and whether an older key of the name is removed
 * before, is the caller's business: the first command of a key may be written
 * by commands_delete().  The key is argument 1 of every command, but for
 * XGROUP (2), XREADGROUP (7; for a consumer, before 6.2), and FUNCTION (none).
 *
 * Replies: whatever is no error is good, but to an XCLAIM an array of nothing:
 * it found no entry to claim (see below).  XREADGROUP answers by an array that
 * has an empty one in it, and that is good.
 *
 * Exact: scores with 17 digits, bytes as they are, expiries absolute.  The key's
 * expiry comes with the last of its commands, so that it does not expire half
 * made.  A time in the past removes what it is for, as RESTORE does.  A
 * collection of nothing is no command at all, as servers skip it.
 *
 * What no command can say is an ERR_REMOTE that names the key, never left out:
 * module data, arrays, metadata; pending entries that nobody owns, or whose
 * entry was deleted in a stream above COMMANDS_HELD_MAX, or that were delivered
 * later than it is now (by the clock here); idempotent IDs; and what the target
 * is too old for.  See commands_unsaid().  Left out, for it
 * is not data: idle times and frequencies, when consumers were seen, and, for
 * servers before 7.0, which have none, a stream's entries added, largest
 * deleted ID and the groups' entries read.
 *
 * Memory: some 300 KiB, and of one key up to
 *	COMMANDS_HELD_MAX	a member of a sorted set until its score is known;
 *				a field until its TTL is; names of a group and
 *				of a consumer, each; a stream, as stored: what
 *				is larger passes by
 *	COMMANDS_PENDING_MAX	pending entries of a group, 32 bytes each
 *	COMMANDS_LIVE_MAX	the IDs of a stream, some 3 bytes each.  In a
 *				stream with more it is not known beforehand
 *				whether a pending entry was deleted: its XCLAIM
 *				is answered by an empty array
 * Anything larger than the first two is refused as above.
 */
#ifndef REDIS_COMMANDS_H
#define REDIS_COMMANDS_H

#include "rdb/object.h"
#include "rdb/value.h"
#include "stages/kit/err.h"
#include "stages/kit/span.h"

#define COMMANDS_PIECE       (64 * 1024) /* bytes of elements in one command */
#define COMMANDS_HELD_MAX    (16u << 20)
#define COMMANDS_PENDING_MAX (2u << 20)
#define COMMANDS_LIVE_MAX    (32u << 20)
#define COMMANDS_BULK_MAX    (512u << 20) /* proto-max-bulk-len unless set */

/* 7.2.1 is COMMANDS_VERSION(7, 2, 1). */
#define COMMANDS_VERSION(major, minor, patch) \
	((unsigned)(major) << 16 | (unsigned)(minor) << 8 | (unsigned)(patch))

struct commands_target {
	bool valkey;      /* engine */
	unsigned version; /* COMMANDS_VERSION */
	/* Longest word; 0: COMMANDS_BULK_MAX.  A longer string is made by SET
	 * and APPEND, as is one above COMMANDS_BULK_MAX.  (Servers let no
	 * string grow above their proto-max-bulk-len, by whatever command: for
	 * a longer one it must be raised, if only for the time.) */
	uint64_t max_bulk;
};

struct commands_out {
	bool (*put)(void *arg, struct span, struct err *);
	bool (*end)(void *arg, struct err *);
	/* A string, or a word, of size bytes is to come, above max_bulk: NULL
	 * when the target takes it by then, or why it does not (lent until the
	 * next call).  Nothing of that command is out yet.  larger is NULL:
	 * strings are taken, words are not. */
	const char *(*larger)(void *arg, uint64_t size);
	void *arg;
};

struct commands;

/* target and out are copied; out.arg is borrowed.  NULL on failure. */
struct commands *commands_new(
    const struct commands_target *, const struct commands_out *, struct err *);
void commands_free(struct commands *);

/* NULL, or why values of this type cannot be said in commands of the target:
 * "module data has no commands".  Static text. */
const char *commands_cannot(
    const struct commands_target *, unsigned type, bool valkey);

/* DEL key.  (No UNLINK: it is younger, and the memory is needed.) */
MUST_USE bool commands_delete(
    struct commands *, const struct rdb_object *, struct err *);

/* The object is borrowed until the key's last run. */
MUST_USE bool commands_begin(
    struct commands *, const struct rdb_object *, bool valkey, struct err *);
MUST_USE bool commands_feed(
    struct commands *, const struct rdb_run *, struct err *);

/*
 * After a failure: it was a refusal of this key, and no command is cut in its
 * middle.  So the connection is good, and what was said of the key can be taken
 * back by commands_delete(), if it is to be restored in another way.  To know
 * before anything is said, feed the value to other commands first, whose put()
 * and end() only return true.
 */
bool commands_unsaid(const struct commands *);

/* FUNCTION LOAD REPLACE, from the runs of an RDB_FUNCTION. */
MUST_USE bool commands_function(
    struct commands *, const struct rdb_run *, bool valkey, struct err *);

#endif
