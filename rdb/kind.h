/*
 * kind.h -- what a key is, whatever way its value is stored.
 *
 * The many types of the format are encodings of few kinds: what the command
 * TYPE says.
 */
#ifndef RDB_KIND_H
#define RDB_KIND_H

#include <stdbool.h>

/* docs/digest.md has these numbers: add, never renumber. */
enum rdb_kind {
	RDB_KIND_STRING,
	RDB_KIND_LIST,
	RDB_KIND_SET,
	RDB_KIND_ZSET,
	RDB_KIND_HASH,
	RDB_KIND_MODULE,
	RDB_KIND_STREAM,
	RDB_KIND_ARRAY,
	RDB_KINDS
};

/* Of a type that rdb_type_name() knows, in either dialect. */
enum rdb_kind rdb_kind_of(unsigned type);

/* "string", "list", "set", "zset", "hash", "module", "stream", "array". */
const char *rdb_kind_name(enum rdb_kind);

/* Do the fields of hashes of this type come with expiry times? */
bool rdb_kind_field_ttl(unsigned type);

#endif
