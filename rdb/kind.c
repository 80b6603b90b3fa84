/* kind.c -- see kind.h. */
#include "rdb/kind.h"

enum rdb_kind
rdb_kind_of(unsigned type)
{
	switch (type) {
	case 0:
		return RDB_KIND_STRING;
	case 1:
	case 10:
	case 14:
	case 18:
		return RDB_KIND_LIST;
	case 2:
	case 11:
	case 20:
		return RDB_KIND_SET;
	case 3:
	case 5:
	case 12:
	case 17:
		return RDB_KIND_ZSET;
	case 7:
		return RDB_KIND_MODULE;
	case 15:
	case 19:
	case 21:
	case 26:
	case 27:
		return RDB_KIND_STREAM;
	case 28:
		return RDB_KIND_ARRAY;
	default:
		return RDB_KIND_HASH;
	}
}

const char *
rdb_kind_name(enum rdb_kind kind)
{
	static const char *const names[RDB_KINDS] = { "string", "list", "set",
		"zset", "hash", "module", "stream", "array" };

	return names[kind];
}

bool
rdb_kind_field_ttl(unsigned type)
{
	return type >= 22 && type <= 25;
}
