/* engine.c -- see engine.h. */
#include "rdb/engine.h"

#include <string.h>

#include "rdb/shape.h"

#define FOREIGN_TYPE 22 /* from here on numbers differ between the dialects */

enum { /* opcodes, see shape.c */
	OP_SLOT_INFO = 244,
	OP_FUNCTION_RC = 246
};

/* clang-format off */

/* name, valkey, major, minor, version of its RDB.  A short name is in front of
 * the release it stands for. */
#define ENGINES(X) \
X("redis-2.8",  false, 2, 8, 6)  X("redis-3",    false, 3, 0, 6) \
X("redis-3.0",  false, 3, 0, 6)  X("redis-3.2",  false, 3, 2, 7) \
X("redis-4",    false, 4, 0, 8)  X("redis-4.0",  false, 4, 0, 8) \
X("redis-5",    false, 5, 0, 9)  X("redis-5.0",  false, 5, 0, 9) \
X("redis-6",    false, 6, 0, 9)  X("redis-6.0",  false, 6, 0, 9) \
X("redis-6.2",  false, 6, 2, 9) \
X("redis-7",    false, 7, 0, 10) X("redis-7.0",  false, 7, 0, 10) \
X("redis-7.2",  false, 7, 2, 11) X("redis-7.4",  false, 7, 4, 12) \
X("redis-8",    false, 8, 0, 12) X("redis-8.0",  false, 8, 0, 12) \
X("redis-8.2",  false, 8, 2, 12) X("redis-8.4",  false, 8, 4, 12) \
X("redis-8.6",  false, 8, 6, 13) X("redis-8.8",  false, 8, 8, 14) \
X("valkey-7",   true,  7, 2, 11) X("valkey-7.2", true,  7, 2, 11) \
X("valkey-8",   true,  8, 0, 11) X("valkey-8.0", true,  8, 0, 11) \
X("valkey-8.1", true,  8, 1, 11) \
X("valkey-9",   true,  9, 0, 80) X("valkey-9.0", true,  9, 0, 80) \
X("valkey-9.1", true,  9, 1, 80)

#define ROW(...)	{ __VA_ARGS__ },
#define NAME(name, ...)	name,

static const struct rdb_engine engines[] = { ENGINES(ROW) };
const char *const rdb_engine_names[] = { ENGINES(NAME) NULL };

/* clang-format on */

enum { COUNT_OF = sizeof engines / sizeof *engines };

const struct rdb_engine *
rdb_engine_at(unsigned i)
{
	return i < COUNT_OF ? &engines[i] : NULL;
}

const struct rdb_engine *
rdb_engine_find(const char *name)
{
	for (unsigned i = 0; i < COUNT_OF; i++)
		if (strcmp(engines[i].name, name) == 0)
			return &engines[i];
	return NULL;
}

const struct rdb_engine *
rdb_engine_of(bool valkey, unsigned major, unsigned minor)
{
	const struct rdb_engine *found = NULL;

	for (unsigned i = 0; i < COUNT_OF; i++) {
		const struct rdb_engine *e = &engines[i];

		if (e->valkey == valkey &&
		    (e->major < major ||
			(e->major == major && e->minor <= minor)))
			found = e;
	}
	return found;
}

/* Versions 12 to 79 are Redis' own to Valkey, whatever it has come to.  Before
 * 8.1 it had no such setting. */
bool
rdb_engine_reads(
    const struct rdb_engine *e, int version, bool valkey, bool relaxed)
{
	bool may = e->valkey && (e->major > 8 || (e->major == 8 && e->minor));

	if (version < 1 || valkey != (version >= 80))
		return false;
	if (relaxed && may)
		return true;
	if (e->valkey && version >= 12 && version < 80)
		return false;
	return version <= e->version;
}

bool
rdb_engine_loads(const struct rdb_engine *e, unsigned type, bool valkey)
{
	unsigned since = rdb_type_since(type, valkey);

	return since > 0 && since <= e->version &&
	    (type < FOREIGN_TYPE || valkey == e->valkey);
}

bool
rdb_engine_takes(const struct rdb_engine *e, unsigned opcode, bool valkey)
{
	const struct shape_row *row;

	if (opcode > 255)
		return false;
	row = &shape_rows(valkey)[opcode];
	if (row->name == NULL || row->label == RDB_VALUE || row->since == 0 ||
	    row->since > e->version || opcode == OP_FUNCTION_RC)
		return false;
	/* Valkey skips 244 since 8.1, but does not use it. */
	return opcode > OP_SLOT_INFO ||
	    (opcode == OP_SLOT_INFO ? !e->valkey : valkey == e->valkey);
}

const char *
rdb_module_name(uint64_t id, char name[RDB_MODULE_NAME])
{
	static const char set[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				  "abcdefghijklmnopqrstuvwxyz0123456789-_";

	name[RDB_MODULE_NAME - 1] = '\0';
	id >>= 10;
	for (unsigned i = RDB_MODULE_NAME - 1; i-- > 0; id >>= 6)
		name[i] = set[id & 63];
	return name;
}

static bool
is_vector_sets(uint64_t module_id)
{
	char name[RDB_MODULE_NAME];

	return strcmp(rdb_module_name(module_id, name), "vectorset") == 0;
}

bool
rdb_engine_has(const struct rdb_engine *e, uint64_t module_id)
{
	return is_vector_sets(module_id) && !e->valkey && e->major >= 8;
}

bool
rdb_engine_lacks(const struct rdb_engine *e, uint64_t module_id)
{
	return is_vector_sets(module_id) && !rdb_engine_has(e, module_id);
}
