/*
 * engine.h -- which server loads what.
 *
 * A row per release of Redis and Valkey that changed its loader: the version of
 * the RDB it writes, which is the newest it reads, and its dialect.  From that and
 * the table of shapes (shape.h) follows which types and opcodes it loads:
 *
 *	a type		if it is not younger than the engine's version and,
 *			from 22 on, of the engine's dialect: there the same
 *			number means different things
 *	a file		by its magic and version, see rdb_engine_reads
 *
 * Module data is loaded by whoever has the module, except that of modules which
 * are part of a server: see rdb_engine_lacks, rdb_engine_has.
 *
 * Sources: src/rdb.h, src/rdb.c and src/version.h of the releases; for Valkey's
 * acceptance of foreign versions rdbIsForeignVersion in its src/rdb.h.
 */
#ifndef RDB_ENGINE_H
#define RDB_ENGINE_H

#include <stdbool.h>
#include <stdint.h>

struct rdb_engine {
	const char *name; /* "redis-7.2"; "redis-7" is the first of all 7.x */
	bool valkey;
	unsigned char major, minor;
	unsigned char version; /* of the RDB it writes */
};

/* Names of all, oldest first, NULL-ended; rdb_engine_at(i) is that of
 * rdb_engine_names[i]. */
extern const char *const rdb_engine_names[];
const struct rdb_engine *rdb_engine_at(unsigned i);

/* By such a name, or NULL. */
const struct rdb_engine *rdb_engine_find(const char *name);

/* By what a server says of itself: the row of its version, else the nearest
 * older one of its line, since a server loads what those before it did.  NULL:
 * older than all. */
const struct rdb_engine *rdb_engine_of(
    bool valkey, unsigned major, unsigned minor);

/* Is the magic of its files VALKEY? */
static inline bool
rdb_engine_dialect(const struct rdb_engine *e)
{
	return e->version >= 80;
}

/* Does it open a file with this magic and version?  relaxed: it is a Valkey
 * that was told rdb-version-check relaxed. */
bool rdb_engine_reads(
    const struct rdb_engine *, int version, bool valkey, bool relaxed);

/* Does it load values of this type, of a stream in this dialect? */
bool rdb_engine_loads(const struct rdb_engine *, unsigned type, bool valkey);

/* Does it load this opcode (242 to 255), of a stream in this dialect? */
bool rdb_engine_takes(const struct rdb_engine *, unsigned opcode, bool valkey);

/* Is this a module that is part of some servers, but not of this one, where it
 * cannot be had?  (Vector sets: part of Redis from 8.0 on.)  Or part of this one? */
bool rdb_engine_lacks(const struct rdb_engine *, uint64_t module_id);
bool rdb_engine_has(const struct rdb_engine *, uint64_t module_id);

/* The name of a module type, as its ID has it: nine characters of 6 bits above
 * 10 bits of version. */
#define RDB_MODULE_NAME 10 /* with its NUL */
const char *rdb_module_name(uint64_t id, char name[RDB_MODULE_NAME]);

#endif
