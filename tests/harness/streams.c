/* streams.c -- see streams.h.  The table of good streams is at the end. */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "rdb/crc64.h"
#include "tests/harness/streams.h"

void
stream_init(struct stream *s)
{
	memset(s, 0, sizeof *s);
}

void
stream_release(struct stream *s)
{
	free(s->ptr);
	stream_init(s);
}

void
stream_bytes(struct stream *s, const void *p, size_t len)
{
	if (s->len + len > s->cap) {
		s->cap = (s->len + len) * 2;
		if ((s->ptr = realloc(s->ptr, s->cap)) == NULL)
			abort();
	}
	if (len > 0)
		memcpy(s->ptr + s->len, p, len);
	s->len += len;
}

void
stream_byte(struct stream *s, unsigned byte)
{
	uint8_t b = (uint8_t)byte;

	stream_bytes(s, &b, 1);
}

void
stream_little(struct stream *s, uint64_t v, unsigned width)
{
	for (; width > 0; width--, v >>= 8)
		stream_byte(s, v & 0xff);
}

void
stream_big(struct stream *s, uint64_t v, unsigned width)
{
	while (width-- > 0)
		stream_byte(s, v >> 8 * width & 0xff);
}

void
stream_len_wide(struct stream *s, uint64_t n, unsigned width)
{
	switch (width) {
	case 1:
		stream_byte(s, (unsigned)n);
		break;
	case 2:
		stream_big(s, 0x4000 | n, 2);
		break;
	case 5:
		stream_byte(s, 0x80);
		stream_big(s, n, 4);
		break;
	default:
		stream_byte(s, 0x81);
		stream_big(s, n, 8);
	}
}

void
stream_len(struct stream *s, uint64_t n)
{
	unsigned width = n < 64 ? 1 : n < 16384 ? 2 : n <= UINT32_MAX ? 5 : 9;

	stream_len_wide(s, n, width);
}

void
stream_blob(struct stream *s, const void *p, size_t len)
{
	stream_len(s, len);
	stream_bytes(s, p, len);
}

void
stream_str(struct stream *s, const char *text)
{
	stream_blob(s, text, strlen(text));
}

void
stream_int(struct stream *s, int64_t v, unsigned width)
{
	stream_byte(s, width == 1 ? 0xc0 : width == 2 ? 0xc1 : 0xc2);
	stream_little(s, (uint64_t)v, width);
}

void
stream_lzf(struct stream *s, const void *p, size_t len, uint64_t full)
{
	stream_byte(s, 0xc3);
	stream_len(s, len);
	stream_len(s, full);
	stream_bytes(s, p, len);
}

void
stream_id(struct stream *s, uint64_t ms, uint64_t seq)
{
	stream_big(s, ms, 8);
	stream_big(s, seq, 8);
}

void
stream_listpack(struct stream *s, const char *const *entries)
{
	struct stream lp = { 0 };
	size_t n = 0;

	for (; entries[n] != NULL; n++) {
		size_t len = strlen(entries[n]);

		if (entries[n][0] == '#') {
			stream_byte(&lp, (unsigned)atoi(entries[n] + 1));
			stream_byte(&lp, 1);
			continue;
		}
		assert(len < 64);
		stream_byte(&lp, 0x80 | (unsigned)len);
		stream_bytes(&lp, entries[n], len);
		stream_byte(&lp, (unsigned)len + 1);
	}
	stream_len(s, lp.len + 7);
	stream_little(s, lp.len + 7, 4);
	stream_little(s, n, 2);
	stream_bytes(s, lp.ptr, lp.len);
	stream_byte(s, 0xff);
	stream_release(&lp);
}

void
stream_begin(struct stream *s, bool valkey, int version)
{
	char magic[24];

	snprintf(
	    magic, sizeof magic, valkey ? "VALKEY%03d" : "REDIS%04d", version);
	stream_bytes(s, magic, 9);
	s->version = version;
}

void
stream_end(struct stream *s)
{
	stream_byte(s, 0xff);
	if (s->version >= 5)
		stream_little(s, crc64_rdb(0, s->ptr, s->len), 8);
}

#define BLOB(s, text)  stream_blob(s, text, sizeof(text) - 1)
#define BYTES(s, text) stream_bytes(s, text, sizeof(text) - 1)
#define LISTPACK(s, ...) \
	stream_listpack(s, (const char *const[]){ __VA_ARGS__, NULL })

/* "aaaa...", 20 of them, in 5 bytes of LZF. */
static void
lzf_20(struct stream *s)
{
	stream_lzf(s, "\x00\x61\xe0\x0a\x00", 5, 20);
}

static void
key(struct stream *s, unsigned type, const char *name)
{
	stream_byte(s, type);
	stream_str(s, name);
}

static void
nothing(struct stream *s)
{
	(void)s;
}

static void
strings(struct stream *s)
{
	char big[300];

	memset(big, 'b', sizeof big);
	key(s, 0, "plain");
	stream_str(s, "value");
	key(s, 0, "empty");
	stream_str(s, "");
	key(s, 0, "");
	stream_str(s, "of the empty key");
	key(s, 0, "int8");
	stream_int(s, -5, 1);
	key(s, 0, "int16");
	stream_int(s, -1234, 2);
	key(s, 0, "int32");
	stream_int(s, -123456789, 4);
	key(s, 0, "14 bits");
	stream_blob(s, big, sizeof big);
	key(s, 0, "32 bits, not shortest");
	stream_len_wide(s, 3, 5);
	BYTES(s, "abc");
}

static void
string_wide(struct stream *s)
{
	key(s, 0, "64 bits");
	stream_len_wide(s, 3, 9);
	BYTES(s, "abc");
}

static void
odd_keys(struct stream *s)
{
	char big[200];

	memset(big, 'k', sizeof big);
	stream_byte(s, 0);
	stream_int(s, 1000, 2);
	stream_str(s, "an integer is its key");
	stream_byte(s, 0);
	lzf_20(s);
	lzf_20(s);
	stream_byte(s, 0);
	stream_blob(s, big, sizeof big);
	stream_str(s, "long key");
	stream_byte(s, 0);
	BLOB(s, "\0\x1b[31m\"\\\n");
	stream_str(s, "nasty key");
}

static void
lists(struct stream *s)
{
	key(s, 1, "list");
	stream_len(s, 3);
	stream_str(s, "one");
	stream_int(s, 2, 1);
	lzf_20(s);
	key(s, 1, "empty list");
	stream_len(s, 0);
	key(s, 2, "set");
	stream_len(s, 2);
	stream_str(s, "a");
	stream_str(s, "b");
	key(s, 4, "hash");
	stream_len(s, 2);
	stream_str(s, "f1");
	stream_str(s, "v1");
	stream_str(s, "f2");
	stream_int(s, 22, 1);
}

static void
zsets(struct stream *s)
{
	key(s, 3, "zset");
	stream_len(s, 4);
	stream_str(s, "nan is not here");
	stream_str(s, "1.5"); /* a length byte and digits, just the same */
	stream_str(s, "plus");
	stream_byte(s, 254);
	stream_str(s, "minus");
	stream_byte(s, 255);
	stream_str(s, "many digits");
	stream_str(s, "3.1415926535897931");
}

static void
zset_2(struct stream *s)
{
	key(s, 5, "zset-2");
	stream_len(s, 2);
	stream_str(s, "two");
	stream_little(s, 0x4000000000000000, 8);
	stream_str(s, "one");
	stream_little(s, 0x3ff0000000000000, 8);
}

/* Module data with a part of each kind. */
static void
parts(struct stream *s)
{
	stream_len(s, 1);
	stream_len(s, UINT64_MAX);
	stream_len(s, 2);
	stream_len(s, 300);
	stream_len(s, 3);
	stream_little(s, 0x3f800000, 4);
	stream_len(s, 4);
	stream_little(s, 0x3ff0000000000000, 8);
	stream_len(s, 5);
	stream_str(s, "text");
	stream_len(s, 5);
	lzf_20(s);
	stream_len(s, 0);
}

static void
module(struct stream *s)
{
	key(s, 7, "module");
	stream_len(s, 0xb5ebad1234567801);
	parts(s);
	key(s, 7, "module of nothing");
	stream_len(s, 0xb5ebad1234567801);
	stream_len(s, 0);
}

static void
zipmap(struct stream *s)
{
	key(s, 9, "zipmap");
	BLOB(s, "\2\1a\2\0xy\2bb\1\1z\0\xff");
}

static void
ziplists(struct stream *s)
{
	key(s, 10, "list-ziplist");
	BLOB(s, "\x11\0\0\0\x0d\0\0\0\2\0\0\1a\3\xfe\5\xff");
	key(s, 12, "zset-ziplist");
	BLOB(s, "\x10\0\0\0\x0d\0\0\0\2\0\0\1a\3\xf6\xff");
	key(s, 13, "hash-ziplist");
	BLOB(s, "\x10\0\0\0\x0d\0\0\0\2\0\0\1a\3\xf6\xff");
}

static void
intset(struct stream *s)
{
	key(s, 11, "intset");
	BLOB(s, "\2\0\0\0\3\0\0\0\xfe\xff\1\0\2\0");
}

static void
quicklist(struct stream *s)
{
	key(s, 14, "quicklist");
	stream_len(s, 2);
	BLOB(s, "\x11\0\0\0\x0d\0\0\0\2\0\0\1a\3\xfe\5\xff");
	BLOB(s, "\x0e\0\0\0\x0a\0\0\0\1\0\0\1b\xff");
}

static void
listpacks(struct stream *s)
{
	key(s, 16, "hash-listpack");
	LISTPACK(s, "field", "value", "number", "#12");
	key(s, 17, "zset-listpack");
	LISTPACK(s, "one", "#1", "one and a half", "1.5");
	key(s, 18, "quicklist-2");
	stream_len(s, 2);
	stream_len(s, 2);
	LISTPACK(s, "a", "#2");
	stream_len(s, 1);
	stream_str(s, "one element, plain");
}

static void
set_listpack(struct stream *s)
{
	key(s, 20, "set-listpack");
	LISTPACK(s, "a", "b", "#3");
}

/* Nodes and head of a stream with two entries, IDs 1-1 and 1-2. */
static void
log_head(struct stream *s, unsigned type)
{
	stream_len(s, 1);
	stream_len(s, 16);
	stream_id(s, 1, 1);
	LISTPACK(s, "#2", "#0", "#1", "f", "#0", "#2", "#0", "#0", "v", "#4",
	    "#0", "#0", "#1", "#1", "g", "w", "#6");
	stream_len(s, 2);
	stream_len(s, 1);
	stream_len(s, 2);
	if (type < 19)
		return;
	stream_len(s, 1);
	stream_len(s, 1);
	stream_len(s, 0);
	stream_len(s, 0);
	stream_len(s, 2);
}

/* A group: 1-1 pends with alice; 1-2, in type 27, with nobody. */
static void
log_group(struct stream *s, unsigned type)
{
	stream_str(s, "group");
	stream_len(s, 1);
	stream_len(s, 2);
	if (type >= 19)
		stream_len(s, UINT64_MAX); /* entries read: not known */
	stream_len(s, type == 27 ? 2 : 1);
	stream_id(s, 1, 1);
	stream_little(s, 1700000000000, 8);
	stream_len(s, 3);
	if (type == 27) {
		stream_id(s, 1, 2);
		stream_little(s, 1700000000001, 8);
		stream_len(s, 1);
	}
	stream_len(s, 2);
	stream_str(s, "alice");
	stream_little(s, 1700000000000, 8);
	if (type >= 21)
		stream_little(s, 1700000000000, 8);
	stream_len(s, 1);
	stream_id(s, 1, 1);
	stream_str(s, "bob");
	stream_little(s, 1700000000000, 8);
	if (type >= 21)
		stream_little(s, UINT64_MAX, 8); /* never active */
	stream_len(s, 0);
	if (type == 27) {
		stream_len(s, 1);
		stream_id(s, 1, 2);
	}
}

static void
log_idempotent(struct stream *s)
{
	stream_len(s, 100);
	stream_len(s, 100);
	stream_len(s, 2);
	stream_str(s, "producer");
	stream_len(s, 1);
	stream_str(s, "request-1");
	stream_len(s, 1);
	stream_len(s, 1);
	stream_str(s, "idle producer");
	stream_len(s, 0);
	stream_len(s, 1);
	stream_len(s, 0);
}

static void
log_of(struct stream *s, unsigned type)
{
	key(s, type, "log");
	log_head(s, type);
	stream_len(s, 1);
	log_group(s, type);
	if (type >= 26)
		log_idempotent(s);
}

static void
log_1(struct stream *s)
{
	log_of(s, 15);
	key(s, 15, "empty log");
	stream_bytes(s, "\0\0\0\0\0", 5);
}

static void
log_2(struct stream *s)
{
	log_of(s, 19);
}

static void
log_3(struct stream *s)
{
	log_of(s, 21);
}

static void
log_4(struct stream *s)
{
	log_of(s, 26);
}

static void
log_5(struct stream *s)
{
	log_of(s, 27);
}

static void
hash_rc(struct stream *s)
{
	key(s, 22, "hash with ttl, 7.4 rc");
	stream_len(s, 2);
	stream_len(s, 1900000000000);
	stream_str(s, "f1");
	stream_str(s, "v1");
	stream_len(s, 0);
	stream_str(s, "f2");
	stream_str(s, "v2");
	key(s, 23, "the same as a listpack");
	LISTPACK(s, "f1", "v1", "#0");
}

static void
hash_ttl(struct stream *s)
{
	key(s, 24, "hash with ttl");
	stream_little(s, 1900000000000, 8);
	stream_len(s, 2);
	stream_len(s, 1);
	stream_str(s, "f1");
	stream_str(s, "v1");
	stream_len(s, 0);
	stream_str(s, "f2");
	stream_str(s, "v2");
	key(s, 25, "the same as a listpack");
	stream_little(s, 100, 8);
	LISTPACK(s, "f1", "v1", "#100", "f2", "v2", "#0");
}

static void
hash_valkey(struct stream *s)
{
	key(s, 22, "hash with ttl");
	stream_len(s, 2);
	stream_str(s, "f1");
	stream_str(s, "v1");
	stream_little(s, 1900000000000, 8);
	stream_str(s, "f2");
	stream_str(s, "v2");
	stream_little(s, UINT64_MAX, 8);
}

static void
array(struct stream *s)
{
	key(s, 28, "array");
	stream_len(s, 4);
	stream_len(s, 1);
	stream_len(s, 9);
	stream_len(s, 0);
	stream_len(s, 0);
	stream_str(s, "a string of some length");
	stream_len(s, 1);
	stream_len(s, 1);
	stream_little(s, (uint64_t)-7, 8);
	stream_len(s, 5);
	stream_len(s, 2);
	stream_little(s, 0x3ff8000000000000, 8);
	stream_len(s, 1000000);
	stream_len(s, 3);
	stream_str(s, "small");
	key(s, 28, "array without insert index");
	stream_len(s, 1);
	stream_len(s, 0);
	stream_len(s, 0);
	stream_len(s, 3);
	stream_str(s, "x");
	key(s, 28, "empty array");
	stream_len(s, 0);
	stream_len(s, 0);
}

static void
aux(struct stream *s)
{
	stream_byte(s, 250);
	stream_str(s, "redis-ver");
	stream_str(s, "7.2.4");
	stream_byte(s, 250);
	stream_str(s, "redis-bits");
	stream_int(s, 64, 1);
	stream_byte(s, 250);
	stream_str(s, "ctime");
	stream_int(s, 1700000000, 4);
}

static void
functions(struct stream *s)
{
	stream_byte(s, 245);
	stream_str(s, "#!lua name=lib\nredis.register_function('f', f)");
}

static void
functions_rc(struct stream *s)
{
	for (unsigned described = 0; described < 2; described++) {
		stream_byte(s, 246);
		stream_str(s, "name");
		stream_str(s, "LUA");
		stream_len(s, described);
		if (described)
			stream_str(s, "what it is for");
		stream_str(s, "return 1");
	}
}

static void
module_aux(struct stream *s)
{
	stream_byte(s, 247);
	stream_len(s, 0xb5ebad1234567801);
	stream_len(s, 2);
	stream_len(s, 1);
	parts(s);
}

static void
slot_info(struct stream *s)
{
	stream_byte(s, 244);
	stream_len(s, 16383);
	stream_len(s, 100);
	stream_len(s, 10);
}

static void
slot_import(struct stream *s)
{
	stream_byte(s, 243);
	stream_str(s, "0123456789abcdef0123456789abcdef01234567");
	stream_len(s, 2);
	stream_len(s, 0);
	stream_len(s, 0);
	stream_len(s, 100);
	stream_len(s, 16383);
}

static void
key_meta(struct stream *s)
{
	stream_byte(s, 243);
	stream_len(s, 2);
	stream_little(s, 0x12345601, 4);
	parts(s);
	stream_little(s, 0x65432100, 4);
	stream_len(s, 0);
	key(s, 0, "key with metadata");
	stream_str(s, "value");
}

static void
database(struct stream *s)
{
	stream_byte(s, 254);
	stream_len(s, 3);
}

static void
sizes(struct stream *s)
{
	stream_byte(s, 251);
	stream_len(s, 70000);
	stream_len(s, 1000);
}

static void
seconds(struct stream *s)
{
	stream_byte(s, 253);
	stream_little(s, 1900000000, 4);
	key(s, 0, "expires");
	stream_str(s, "at a second");
	stream_byte(s, 253);
	stream_little(s, 0xffffffff, 4);
	key(s, 0, "expired");
	stream_str(s, "a second before 1970");
}

static void
millis(struct stream *s)
{
	stream_byte(s, 252);
	stream_little(s, 1900000000123, 8);
	key(s, 0, "expires");
	stream_str(s, "at a millisecond");
}

static void
idle_and_freq(struct stream *s)
{
	stream_byte(s, 248);
	stream_len(s, 100000);
	key(s, 0, "idle");
	stream_str(s, "value");
	stream_byte(s, 249);
	stream_byte(s, 200);
	key(s, 0, "often used");
	stream_str(s, "value");
}

static void
enterprise(struct stream *s)
{
	stream_byte(s, 121);
	stream_len(s, 12000);
	stream_byte(s, 107);
	stream_len(s, 5000000000);
	key(s, 0, "in ram");
	stream_str(s, "value");
}

static const struct good {
	void (*make)(struct stream *);
	const char *name;
	int since; /* RDB version */
	int who;   /* 1 Redis, 2 Valkey, 3 both */
} goods[] = {
	{ nothing, "empty", 1, 3 },
	{ strings, "strings", 1, 3 },
	{ string_wide, "string-wide", 8, 3 },
	{ odd_keys, "odd-keys", 1, 3 },
	{ lists, "lists", 1, 3 },
	{ zsets, "zsets", 1, 3 },
	{ zset_2, "zset-2", 8, 3 },
	{ module, "module", 8, 3 },
	{ zipmap, "zipmap", 2, 3 },
	{ ziplists, "ziplists", 4, 3 },
	{ intset, "intset", 2, 3 },
	{ quicklist, "quicklist", 7, 3 },
	{ listpacks, "listpacks", 10, 3 },
	{ set_listpack, "set-listpack", 11, 3 },
	{ log_1, "stream", 9, 3 },
	{ log_2, "stream-2", 10, 3 },
	{ log_3, "stream-3", 11, 3 },
	{ log_4, "stream-4", 13, 1 },
	{ log_5, "stream-5", 14, 1 },
	{ hash_rc, "hash-rc", 12, 1 },
	{ hash_ttl, "hash-ttl", 12, 1 },
	{ hash_valkey, "hash-ttl", 80, 2 },
	{ array, "array", 14, 1 },
	{ aux, "aux", 7, 3 },
	{ functions, "functions", 10, 3 },
	{ functions_rc, "functions-rc", 10, 1 },
	{ module_aux, "module-aux", 9, 3 },
	{ slot_info, "slot-info", 12, 3 },
	{ slot_import, "slot-import", 80, 2 },
	{ key_meta, "key-meta", 13, 1 },
	{ database, "database", 1, 3 },
	{ sizes, "sizes", 7, 3 },
	{ seconds, "seconds", 1, 3 },
	{ millis, "millis", 3, 3 },
	{ idle_and_freq, "idle-and-freq", 9, 3 },
	{ enterprise, "enterprise", 9, 1 },
};

enum { GOODS = sizeof goods / sizeof *goods, OLDER = 13 };

/*
 * In order: each of the goods under REDIS, in the version that introduced
 * it; the empty stream in versions 2 to 14; each under VALKEY 80; all that
 * Redis 14 has in one; all that Valkey 80 has in one.
 */
size_t
streams_count(void)
{
	return 2 * GOODS + OLDER + 2;
}

static const char *
one(struct stream *s, const struct good *g, bool valkey, int version)
{
	static char name[64];

	/* What the other dialect lacks has its place taken by an empty one. */
	stream_begin(s, valkey, version);
	if (g->who & (valkey ? 2 : 1))
		g->make(s);
	else
		g = &goods[0];
	stream_end(s);
	snprintf(name, sizeof name, "%s under %s %d", g->name,
	    valkey ? "VALKEY" : "REDIS", version);
	return name;
}

static const char *
all(struct stream *s, bool valkey, int version)
{
	stream_begin(s, valkey, version);
	for (size_t i = 0; i < GOODS; i++)
		if (goods[i].who & (valkey ? 2 : 1))
			goods[i].make(s);
	stream_end(s);
	return valkey ? "everything under VALKEY 80" :
			"everything under REDIS 14";
}

const char *
streams_make(size_t i, struct stream *s)
{
	stream_init(s);
	if (i < GOODS)
		return one(s, &goods[i], false,
		    goods[i].since <= 14 ? goods[i].since : 14);
	i -= GOODS;
	if (i < OLDER)
		return one(s, &goods[0], false, (int)i + 2);
	i -= OLDER;
	if (i < GOODS)
		return one(s, &goods[i], true, 80);
	return i == GOODS ? all(s, false, 14) : all(s, true, 80);
}
