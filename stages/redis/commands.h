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
 * says that a command is complete, so that one more reply is to come.  Which
 * database is selected, and whether an older key of the name is removed
 * before, is the caller's business: the first command of a key may be written
 * by commands_delete().
 *
 * Exact: scores with 17 digits, bytes as they are, expiries absolute.  What no
 * command can say (module data; a pending entry that was deleted, on servers
 * that forget those; ...) is an ERR_REMOTE that names it, never left out.
 */
#ifndef REDIS_COMMANDS_H
#define REDIS_COMMANDS_H

#include "rdb/object.h"
#include "rdb/value.h"
#include "stages/kit/err.h"
#include "stages/kit/span.h"

#define COMMANDS_PIECE (64 * 1024) /* bytes of elements in one command */

/* 7.2.1 is COMMANDS_VERSION(7, 2, 1). */
#define COMMANDS_VERSION(major, minor, patch) \
	((unsigned)(major) << 16 | (unsigned)(minor) << 8 | (unsigned)(patch))

struct commands_target {
	bool valkey;      /* engine */
	unsigned version; /* COMMANDS_VERSION */
};

struct commands_out {
	bool (*put)(void *arg, struct span, struct err *);
	bool (*end)(void *arg, struct err *);
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

/* FUNCTION LOAD REPLACE, from the runs of an RDB_FUNCTION. */
MUST_USE bool commands_function(
    struct commands *, const struct rdb_run *, bool valkey, struct err *);

#endif
