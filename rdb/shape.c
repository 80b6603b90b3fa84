/*
 * shape.c -- the RDB format, as data.  The steps are explained in shape.h.
 *
 * Sources: src/rdb.h and src/rdb.c of Redis 1.3.6 to 8.8 and of Valkey 7.2
 * to 9.1; two opcodes of Redis Enterprise as librdb skips them.  Times before
 * version 9 are in the byte order of the server that wrote them; all we have
 * seen are little endian, and so they are read.
 */
#include "rdb/shape.h"

/* clang-format off */

#define NODES		MANY, NODE_ID, STR, AGAIN
#define V1_HEAD		LEN, LEN, LEN
#define V2_HEAD		LEN, LEN, LEN, LEN, LEN, LEN, LEN, LEN
#define PENDING		MANY, ID, TIME, LEN, AGAIN
#define OWNED		MANY, ID, AGAIN
#define IDEMPOTENT	LEN, LEN, MANY, STR, MANY, STR, LEN, LEN, AGAIN, \
			AGAIN, LEN, LEN

const uint8_t shape_nothing[] = { END };
const uint8_t shape_string[]  = { STR, END };

static const uint8_t
	strings[]  = { MANY, STR, AGAIN, END },
	pairs[]    = { MANY, STR, STR, AGAIN, END },
	zset_1[]   = { MANY, STR, TEXT, AGAIN, END },
	zset_2[]   = { MANY, STR, DOUBLE, AGAIN, END },
	quick_2[]  = { MANY, LEN, STR, AGAIN, END },
	hash_rc[]  = { MANY, LEN, STR, STR, AGAIN, END },
	hash_ttl[] = { TIME, MANY, LEN, STR, STR, AGAIN, END },
	hash_lpx[] = { TIME, STR, END },
	hash_vk[]  = { MANY, STR, STR, TIME, AGAIN, END },
	module[]   = { LEN, PARTS, END },
	stream_1[] = { NODES, V1_HEAD,
		       MANY, STR, LEN, LEN, PENDING,
			     MANY, STR, TIME, OWNED, AGAIN,
		       AGAIN, END },
	stream_2[] = { NODES, V2_HEAD,
		       MANY, STR, LEN, LEN, LEN, PENDING,
			     MANY, STR, TIME, OWNED, AGAIN,
		       AGAIN, END },
	stream_3[] = { NODES, V2_HEAD,
		       MANY, STR, LEN, LEN, LEN, PENDING,
			     MANY, STR, TIME, TIME, OWNED, AGAIN,
		       AGAIN, END },
	stream_4[] = { NODES, V2_HEAD,
		       MANY, STR, LEN, LEN, LEN, PENDING,
			     MANY, STR, TIME, TIME, OWNED, AGAIN,
		       AGAIN, IDEMPOTENT, END },
	stream_5[] = { NODES, V2_HEAD,
		       MANY, STR, LEN, LEN, LEN, PENDING,
			     MANY, STR, TIME, TIME, OWNED, AGAIN, OWNED,
		       AGAIN, IDEMPOTENT, END },
	array[]    = { COUNT, UPTO, 1, LEN, AGAIN,
		       TIMES, LEN, PICK, 4, STR, INT64, DOUBLE, STR,
		       AGAIN, END },

	one_num[]  = { NUM, END },
	resize[]   = { NUM, LEN, END },
	slot[]     = { SLOT, LEN, LEN, END },
	import[]   = { JOB_NAME, MANY, SLOT, SLOT_TO, AGAIN, END },
	meta[]     = { UPTO, 7, CLASS, PARTS, AGAIN, END },
	mod_aux[]  = { LEN, UINT_TAG, LEN, PARTS, END },
	func_rc[]  = { STR, STR, UPTO, 1, STR, AGAIN, STR, END },
	freq[]     = { BYTE, END },
	seconds[]  = { SECONDS, END },
	millis[]   = { MILLIS, END },
	stored[]   = { STORED_CRC, END };

#define T RDB_VALUE
static const char
	no_module_1[] = "a module value of a Redis 4.0 release candidate "
	    "(type 6), which does not say how long it is",
	no_8[] = "type 8, which was never in use";

/* number, dialect, since, label, shape, name, refusal */
#define ROWS(X) \
X(  0, BOTH,    1, T, shape_string, "string",                 NULL) \
X(  1, BOTH,    1, T, strings,      "list",                   NULL) \
X(  2, BOTH,    1, T, strings,      "set",                    NULL) \
X(  3, BOTH,    1, T, zset_1,       "zset",                   NULL) \
X(  4, BOTH,    1, T, pairs,        "hash",                   NULL) \
X(  5, BOTH,    8, T, zset_2,       "zset-2",                 NULL) \
X(  6, BOTH,    8, T, NULL,         "module-pre-ga",          no_module_1) \
X(  7, BOTH,    8, T, module,       "module-2",               NULL) \
X(  8, BOTH,    0, T, NULL,         "vm-pointer",             no_8) \
X(  9, BOTH,    2, T, shape_string, "hash-zipmap",            NULL) \
X( 10, BOTH,    2, T, shape_string, "list-ziplist",           NULL) \
X( 11, BOTH,    2, T, shape_string, "set-intset",             NULL) \
X( 12, BOTH,    2, T, shape_string, "zset-ziplist",           NULL) \
X( 13, BOTH,    4, T, shape_string, "hash-ziplist",           NULL) \
X( 14, BOTH,    7, T, strings,      "list-quicklist",         NULL) \
X( 15, BOTH,    9, T, stream_1,     "stream",                 NULL) \
X( 16, BOTH,   10, T, shape_string, "hash-listpack",          NULL) \
X( 17, BOTH,   10, T, shape_string, "zset-listpack",          NULL) \
X( 18, BOTH,   10, T, quick_2,      "list-quicklist-2",       NULL) \
X( 19, BOTH,   10, T, stream_2,     "stream-2",               NULL) \
X( 20, BOTH,   11, T, shape_string, "set-listpack",           NULL) \
X( 21, BOTH,   11, T, stream_3,     "stream-3",               NULL) \
X( 22, REDIS,  12, T, hash_rc,      "hash-metadata-pre-ga",   NULL) \
X( 22, VALKEY, 80, T, hash_vk,      "hash-2",                 NULL) \
X( 23, REDIS,  12, T, shape_string, "hash-listpack-ex-pre-ga", NULL) \
X( 24, REDIS,  12, T, hash_ttl,     "hash-metadata",          NULL) \
X( 25, REDIS,  12, T, hash_lpx,     "hash-listpack-ex",       NULL) \
X( 26, REDIS,  13, T, stream_4,     "stream-4",               NULL) \
X( 27, REDIS,  14, T, stream_5,     "stream-5",               NULL) \
X( 28, REDIS,  14, T, array,        "array",                  NULL) \
X(107, REDIS,   0, RDB_OTHER,      one_num, "ram-lru",         NULL) \
X(121, REDIS,   0, RDB_OTHER,      one_num, "slot-num",        NULL) \
X(243, REDIS,  13, RDB_META,       meta,    "key-meta",        NULL) \
X(243, VALKEY, 80, RDB_SLOT,       import,  "slot-import",     NULL) \
X(244, BOTH,   12, RDB_SLOT,       slot,    "slot-info",       NULL) \
X(245, BOTH,   10, RDB_FUNCTION,   shape_string, "function",   NULL) \
X(246, REDIS,  10, RDB_FUNCTION,   func_rc, "function-pre-ga", NULL) \
X(247, BOTH,    9, RDB_MODULE_AUX, mod_aux, "module-aux",      NULL) \
X(248, BOTH,    9, RDB_IDLE,       one_num, "idle",            NULL) \
X(249, BOTH,    9, RDB_FREQ,       freq,    "freq",            NULL) \
X(250, BOTH,    7, RDB_AUX_NAME,   shape_string, "aux",        NULL) \
X(251, BOTH,    7, RDB_RESIZE,     resize,  "resize-db",       NULL) \
X(252, BOTH,    3, RDB_EXPIRE,     millis,  "expire-ms",       NULL) \
X(253, BOTH,    1, RDB_EXPIRE,     seconds, "expire",          NULL) \
X(254, BOTH,    1, RDB_SELECT,     one_num, "select-db",       NULL) \
X(255, BOTH,    1, RDB_TRAILER,    stored,  "end",             NULL)

#define ROW(n, since, label, shape, name, refusal) \
	[n] = { shape, name, refusal, label, since },
#define SKIP(n, since, label, shape, name, refusal)
#define REDIS_BOTH	ROW
#define REDIS_REDIS	ROW
#define REDIS_VALKEY	SKIP
#define VALKEY_BOTH	ROW
#define VALKEY_REDIS	SKIP
#define VALKEY_VALKEY	ROW
#define IN_REDIS(n, who, ...)	REDIS_##who(n, __VA_ARGS__)
#define IN_VALKEY(n, who, ...)	VALKEY_##who(n, __VA_ARGS__)

static const struct shape_row redis_rows[256] = { ROWS(IN_REDIS) };
static const struct shape_row valkey_rows[256] = { ROWS(IN_VALKEY) };

/* clang-format on */

const struct shape_row *
shape_rows(bool valkey)
{
	return valkey ? valkey_rows : redis_rows;
}

const struct shape_row *
shape_of(unsigned type, bool valkey)
{
	const struct shape_row *row;

	if (type > 255)
		return NULL;
	row = &shape_rows(valkey)[type];
	return row->shape != NULL && row->label == RDB_VALUE ? row : NULL;
}

const char *
rdb_type_name(unsigned type, bool valkey)
{
	const struct shape_row *row = shape_of(type, valkey);

	return row == NULL ? NULL : row->name;
}

unsigned
rdb_type_since(unsigned type, bool valkey)
{
	const struct shape_row *row = shape_of(type, valkey);

	return row == NULL ? 0 : row->since;
}
