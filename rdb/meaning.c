/* meaning.c -- the table; see meaning.h.  Compare shape.c, line by line. */
#include "rdb/meaning.h"

/* clang-format off */

#define _ 0 /* loops, whose steps mean nothing by themselves */

#define NODES		_, DEED_NODE, DEED_ENTRIES, _
#define V1_HEAD		RDB_STREAM_LENGTH, DEED_MS, DEED_LAST_OLD
#define V2_HEAD		RDB_STREAM_LENGTH, DEED_MS, RDB_STREAM_LAST, \
			DEED_MS, RDB_STREAM_FIRST, \
			DEED_MS, RDB_STREAM_DELETED, RDB_STREAM_ADDED
#define V1_GROUP	RDB_GROUP, DEED_MS, DEED_GROUP_OLD
#define V2_GROUP	RDB_GROUP, DEED_MS, DEED_GROUP_ID, RDB_GROUP_STATE
#define PENDING		_, RDB_PENDING, DEED_FIRST_OF, RDB_PENDING, _
#define V1_CONSUMER	RDB_CONSUMER, DEED_SEEN_OLD
#define V3_CONSUMER	RDB_CONSUMER, DEED_FIRST_OF, RDB_CONSUMER_STATE
#define OWNED		_, RDB_OWNED, _
#define NACKED		_, RDB_NACKED, _
#define IDEMPOTENT	DEED_FIRST_OF, RDB_IDMP, \
			_, RDB_PRODUCER, _, RDB_IID, DEED_MS, RDB_IID_ENTRY, \
			_, _, DEED_FIRST_OF, RDB_IDMP_COUNTS

static const uint8_t
	string[]   = { RDB_STRING },
	list[]     = { _, RDB_ITEM, _, _ },
	set[]      = { _, RDB_MEMBER, _, _ },
	hash[]     = { _, RDB_FIELD, RDB_FIELD_VALUE, _, _ },
	zset[]     = { _, RDB_MEMBER, RDB_SCORE, _, _ },
	packed[]   = { DEED_PACKED, _ },
	packeds[]  = { _, DEED_PACKED, _, _ },
	quick_2[]  = { _, DEED_CONTAINER, DEED_QUICK, _, _ },
	hash_rc[]  = { _, DEED_TTL_FIRST, RDB_FIELD, RDB_FIELD_VALUE, _, _ },
	hash_ttl[] = { DEED_TTL_BASE, _, DEED_TTL_ABOVE, RDB_FIELD,
		       RDB_FIELD_VALUE, _, _ },
	hash_lpx[] = { DEED_TTL_BASE, DEED_PACKED, _ },
	hash_vk[]  = { _, RDB_FIELD, RDB_FIELD_VALUE, DEED_TTL_VALKEY, _, _ },
	module[]   = { RDB_MODULE, _, _ },
	stream_1[] = { NODES, V1_HEAD,
		       _, V1_GROUP, PENDING,
			  _, V1_CONSUMER, OWNED, _,
		       _, _ },
	stream_2[] = { NODES, V2_HEAD,
		       _, V2_GROUP, PENDING,
			  _, V1_CONSUMER, OWNED, _,
		       _, _ },
	stream_3[] = { NODES, V2_HEAD,
		       _, V2_GROUP, PENDING,
			  _, V3_CONSUMER, OWNED, _,
		       _, _ },
	stream_4[] = { NODES, V2_HEAD,
		       _, V2_GROUP, PENDING,
			  _, V3_CONSUMER, OWNED, _,
		       _, IDEMPOTENT, _ },
	stream_5[] = { NODES, V2_HEAD,
		       _, V2_GROUP, PENDING,
			  _, V3_CONSUMER, OWNED, _, NACKED,
		       _, IDEMPOTENT, _ },
	array[]    = { _, _, _, RDB_ARRAY_INSERT, _,
		       _, RDB_ARRAY_INDEX, _, _, RDB_ARRAY_TEXT, DEED_INTEGER,
			  RDB_ARRAY_DOUBLE, RDB_ARRAY_TEXT,
		       _, _ },
	meta[]     = { _, _, RDB_META_CLASS, _, _, _ },
	library[]  = { RDB_LIBRARY, _ },
	library_rc[] = { RDB_LIBRARY_NAME, RDB_LIBRARY_ENGINE,
		       _, _, RDB_LIBRARY_ABOUT, _, RDB_LIBRARY, _ };

static const uint8_t
	items[]    = { RDB_ITEM },
	members[]  = { RDB_MEMBER },
	scored[]   = { RDB_MEMBER, RDB_SCORE },
	fields[]   = { RDB_FIELD, RDB_FIELD_VALUE },
	ttls[]     = { RDB_FIELD, RDB_FIELD_VALUE, RDB_FIELD_TTL };

#define NONE	NULL, 0, 0, 0
#define LIST(k)	items, 1, k, 0
#define SET(k)	members, 1, k, 0
#define ZSET(k)	scored, 2, k, 0
#define HASH(k)	fields, 2, k, 0
#define TTL(k)	ttls, 3, k, 0
#define STREAM(n) NULL, 0, BLOB_LISTPACK, n

/* dialect, type, deeds, turns and kind, what ends a group */
#define BOTH_ROWS \
	[0]  = { string,   NONE,                RDB_STRING }, \
	[1]  = { list,     NONE,                RDB_ITEM }, \
	[2]  = { set,      NONE,                RDB_MEMBER }, \
	[3]  = { zset,     NONE,                RDB_SCORE }, \
	[4]  = { hash,     NONE,                RDB_FIELD_VALUE }, \
	[5]  = { zset,     NONE,                RDB_SCORE }, \
	[7]  = { module,   NONE,                RDB_PART_END }, \
	[9]  = { packed,   HASH(BLOB_ZIPMAP),   RDB_FIELD_VALUE }, \
	[10] = { packed,   LIST(BLOB_ZIPLIST),  RDB_ITEM }, \
	[11] = { packed,   SET(BLOB_INTSET),    RDB_MEMBER }, \
	[12] = { packed,   ZSET(BLOB_ZIPLIST),  RDB_SCORE }, \
	[13] = { packed,   HASH(BLOB_ZIPLIST),  RDB_FIELD_VALUE }, \
	[14] = { packeds,  LIST(BLOB_ZIPLIST),  RDB_ITEM }, \
	[15] = { stream_1, STREAM(1),           RDB_WHATS }, \
	[16] = { packed,   HASH(BLOB_LISTPACK), RDB_FIELD_VALUE }, \
	[17] = { packed,   ZSET(BLOB_LISTPACK), RDB_SCORE }, \
	[18] = { quick_2,  LIST(BLOB_LISTPACK), RDB_ITEM }, \
	[19] = { stream_2, STREAM(2),           RDB_WHATS }, \
	[20] = { packed,   SET(BLOB_LISTPACK),  RDB_MEMBER }, \
	[21] = { stream_3, STREAM(3),           RDB_WHATS },

static const struct value_row redis_rows[] = {
	BOTH_ROWS
	[22] = { hash_rc,  NONE,                RDB_FIELD_TTL },
	[23] = { packed,   TTL(BLOB_LISTPACK),  RDB_FIELD_TTL },
	[24] = { hash_ttl, NONE,                RDB_FIELD_TTL },
	[25] = { hash_lpx, TTL(BLOB_LISTPACK),  RDB_FIELD_TTL },
	[26] = { stream_4, STREAM(4),           RDB_WHATS },
	[27] = { stream_5, STREAM(5),           RDB_WHATS },
	[28] = { array,    NONE,                RDB_ARRAY_TEXT },
};

static const struct value_row valkey_rows[] = {
	BOTH_ROWS
	[22] = { hash_vk,  NONE,                RDB_FIELD_TTL },
};

static const struct value_row
	meta_row       = { meta,       NONE, RDB_PART_END },
	library_row    = { library,    NONE, RDB_LIBRARY },
	library_rc_row = { library_rc, NONE, RDB_LIBRARY };

/* clang-format on */

const struct value_row *
meaning_of(unsigned type, bool valkey)
{
	const struct value_row *rows = valkey ? valkey_rows : redis_rows;
	size_t n = valkey ? sizeof valkey_rows : sizeof redis_rows;

	if (type >= n / sizeof *rows || rows[type].deeds == NULL)
		return NULL;
	return &rows[type];
}

const struct value_row *
meaning_of_opcode(unsigned opcode, bool valkey)
{
	switch (opcode) {
	case 243:
		return valkey ? NULL : &meta_row;
	case 245:
		return &library_row;
	case 246:
		return valkey ? NULL : &library_rc_row;
	default:
		return NULL;
	}
}

bool
meaning_ends(const struct value_row *row, unsigned what)
{
	/* Whatever the type; the rest depends on it. */
	static const bool always[RDB_WHATS] = {
		[RDB_STREAM_LENGTH] = true,
		[RDB_STREAM_LAST] = true,
		[RDB_STREAM_FIRST] = true,
		[RDB_STREAM_DELETED] = true,
		[RDB_STREAM_ADDED] = true,
		[RDB_GROUP_STATE] = true,
		[RDB_PENDING] = true,
		[RDB_CONSUMER_STATE] = true,
		[RDB_OWNED] = true,
		[RDB_NACKED] = true,
		[RDB_IDMP] = true,
		[RDB_PRODUCER] = true,
		[RDB_IID_ENTRY] = true,
		[RDB_IDMP_COUNTS] = true,
		[RDB_ARRAY_INSERT] = true,
		[RDB_ARRAY_TEXT] = true,
		[RDB_ARRAY_DOUBLE] = true,
		[RDB_LIBRARY] = true,
	};

	return what == row->ends || always[what];
}
