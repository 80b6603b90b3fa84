/*
 * t_digest.c -- the logical fingerprint.
 *
 * Goal of this test: the vectors of docs/digest.md; equal data in every
 * encoding there is has one digest, one test per type; data that differs in
 * anything that is data has another; shards add up; what is expired can be left
 * out; what cannot be decoded is a fault.
 */
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "rdb/digest.h"
#include "tests/harness/streams.h"

static struct rdb_digest *d;

static int
set_up(void **unused)
{
	(void)unused;
	d = malloc(sizeof *d);
	return d == NULL;
}

static int
tear_down(void **unused)
{
	(void)unused;
	free(d);
	return 0;
}

/* d is the digest of len bytes at p, fed by size; false: a fault. */
static bool
digest_at(const uint8_t *p, size_t len, size_t size, int64_t at_ms)
{
	enum rdb_got got = RDB_MORE;
	struct rdb_walk walk;
	struct rdb_run run;
	size_t n;

	rdb_walk_init(&walk);
	rdb_digest_init(d, at_ms);
	for (; len > 0 && got == RDB_MORE; p += n, len -= n) {
		n = size < len ? size : len;
		rdb_walk_feed(&walk, p, n);
		while ((got = rdb_walk_next(&walk, &run)) == RDB_RUN)
			if (!rdb_digest_feed(d, &run))
				return false;
	}
	assert_int_equal(got, RDB_END);
	return true;
}

static const char *
hex_of(struct hash128_sum sum)
{
	static char text[40];

	snprintf(
	    text, sizeof text, "%016" PRIx64 "%016" PRIx64, sum.hi, sum.lo);
	return text;
}

#define PUT(s, bytes) stream_bytes(s, bytes, sizeof(bytes) - 1)

/* A stream under way: REDIS, version 14; then what the test adds. */
static struct stream *
begin(void)
{
	static struct stream s;

	stream_init(&s);
	stream_begin(&s, false, 14);
	return &s;
}

/* End it: the digest, the same whole and byte by byte. */
static struct hash128_sum
sum_of(struct stream *s, int64_t at_ms)
{
	struct hash128_sum sum;

	stream_end(s);
	assert_true(digest_at(s->ptr, s->len, 1, at_ms));
	sum = d->keys_sum;
	assert_true(digest_at(s->ptr, s->len, s->len, at_ms));
	assert_memory_equal(&sum, &d->keys_sum, sizeof sum);
	stream_release(s);
	return sum;
}

/* The digest of one key "k" of this type and value. */
static struct hash128_sum
sum_of_value(bool valkey, unsigned type, const void *value, size_t len)
{
	struct stream s;

	stream_init(&s);
	stream_begin(&s, valkey, valkey ? 80 : 14);
	stream_byte(&s, type);
	stream_str(&s, "k");
	stream_bytes(&s, value, len);
	return sum_of(&s, RDB_DIGEST_ALL);
}

struct form {
	const char *name;
	unsigned type;
	bool valkey;
	const char *value;
	size_t len;
};

#define F(name, type, value)                                \
	{                                                   \
		name, type, false, value, sizeof(value) - 1 \
	}
#define V(name, type, value)                               \
	{                                                  \
		name, type, true, value, sizeof(value) - 1 \
	}

/* All forms hold the same data, and it is not what is in other. */
static void
same(const struct form *f, size_t n, const struct form *other)
{
	struct hash128_sum want, got;

	want = sum_of_value(f->valkey, f->type, f->value, f->len);
	assert_int_equal(d->keys, 1);
	for (size_t i = 1; i < n; i++) {
		got =
		    sum_of_value(f[i].valkey, f[i].type, f[i].value, f[i].len);
		if (memcmp(&got, &want, sizeof got) != 0)
			print_error("%s is not %s\n", f[i].name, f->name);
		assert_memory_equal(&got, &want, sizeof got);
	}
	got =
	    sum_of_value(other->valkey, other->type, other->value, other->len);
	assert_memory_not_equal(&got, &want, sizeof got);
}

#define SAME(forms, other) \
	same(forms, sizeof(forms) / sizeof *(forms), &(other))

/* --- one test per type --- */

static void
test_string(void **unused)
{
	static const struct form forms[] = {
		F("plain", 0, "\3-12"),
		F("length in 2 bytes", 0, "\x40\3-12"),
		F("length in 9 bytes", 0, "\x81\0\0\0\0\0\0\0\3-12"),
		F("int8", 0, "\xc0\xf4"),
		F("int16", 0, "\xc1\xf4\xff"),
		F("int32", 0, "\xc2\xf4\xff\xff\xff"),
		F("lzf", 0, "\xc3\4\3\2-12"),
		V("in Valkey", 0, "\xc0\xf4"),
	};
	static const struct form other = F("other", 0, "\4-012");

	(void)unused;
	SAME(forms, other);
}

#define LP_A5B                   \
	"\x0f\x0f\0\0\0\3\0\x81" \
	"a\2\5\1\x81"            \
	"b\2\xff"
#define ZL_A5B "\x13\x13\0\0\0\x0f\0\0\0\3\0\0\1a\3\xf6\2\1b\xff"

static void
test_list(void **unused)
{
	static const struct form forms[] = {
		F("list", 1,
		    "\3\1a\1"
		    "5\1b"),
		F("list with an integer", 1, "\3\1a\xc0\5\1b"),
		F("ziplist", 10, ZL_A5B),
		F("quicklist", 14, "\1" ZL_A5B),
		F("quicklist of two", 14,
		    "\2\x10\x10\0\0\0\x0d\0\0\0\2\0\0\1a\3\xf6\xff"
		    "\x0e\x0e\0\0\0\x0a\0\0\0\1\0\0\1b\xff"),
		F("quicklist 2", 18, "\1\2" LP_A5B),
		F("quicklist 2 of plain nodes", 18,
		    "\3\1\1a\1\1"
		    "5\1\1b"),
	};
	static const struct form other = F("other order", 1,
	    "\3\1b\1"
	    "5\1a");

	(void)unused;
	SAME(forms, other);
}

static void
test_set(void **unused)
{
	static const struct form forms[] = {
		F("set", 2,
		    "\2\1"
		    "1\2-7"),
		F("other order, integers", 2, "\2\xc0\xf9\xc0\1"),
		F("intset 16", 11, "\x0c\2\0\0\0\2\0\0\0\xf9\xff\1\0"),
		F("intset 32", 11,
		    "\x10\4\0\0\0\2\0\0\0\xf9\xff\xff\xff\1\0\0\0"),
		F("listpack", 20, "\x0c\x0c\0\0\0\2\0\1\1\xdf\xf9\2\xff"),
	};
	static const struct form other = F("other", 2,
	    "\2\1"
	    "1\1"
	    "7");

	(void)unused;
	SAME(forms, other);
}

static void
test_zset(void **unused)
{
	static const struct form forms[] = {
		F("text", 3,
		    "\2\1a\3"
		    "1.5\1b\1"
		    "0"),
		F("text, other order", 3,
		    "\2\1b\4-0.0\1a\5"
		    "1.500"),
		F("binary", 5,
		    "\2\1a\0\0\0\0\0\0\xf8\x3f\1b\0\0\0\0\0\0\0\x80"),
		F("ziplist", 12,
		    "\x18\x18\0\0\0\x12\0\0\0\4\0\0\1b\3\xf1\2\1a\3\3"
		    "1.5\xff"),
		F("listpack", 17,
		    "\x14\x14\0\0\0\4\0\x81"
		    "b\2\0\1\x81"
		    "a\2\x83"
		    "1.5\4\xff"),
	};
	static const struct form other = F("other", 3,
	    "\2\1a\1"
	    "0\1b\3"
	    "1.5");

	(void)unused;
	SAME(forms, other);
}

static void
test_hash(void **unused)
{
	static const struct form forms[] = {
		F("hash", 4,
		    "\2\1a\1x\1b\1"
		    "5"),
		F("other order", 4, "\2\1b\xc0\5\1a\1x"),
		F("zipmap", 9,
		    "\x0e\2\1a\1\0x\1b\1\2"
		    "5..\xff"),
		F("ziplist", 13,
		    "\x16\x16\0\0\0\x13\0\0\0\4\0\0\1a\3\1x\3\1b\3\xf6\xff"),
		F("listpack", 16,
		    "\x12\x12\0\0\0\4\0\x81"
		    "a\2\x81x\2\x81"
		    "b\2\5\1\xff"),
		F("no TTLs, release candidate", 22,
		    "\2\0\1a\1x\0\1b\1"
		    "5"),
		F("no TTLs, Redis", 24,
		    "\0\0\0\0\0\0\0\0\2\0\1a\1x\0\1b\1"
		    "5"),
		V("no TTLs, Valkey", 22,
		    "\2\1a\1x\xff\xff\xff\xff\xff\xff\xff\xff"
		    "\1b\1"
		    "5\xff\xff\xff\xff\xff\xff\xff\xff"),
	};
	static const struct form other = F("other", 4,
	    "\2\1a\1"
	    "5\1b\1x");

	(void)unused;
	SAME(forms, other);
}

static void
test_hash_ttl(void **unused)
{
	static const struct form forms[] = {
		F("release candidate", 22,
		    "\2\x43\xe8\1a\1x\0\1b\1"
		    "5"),
		F("release candidate, listpack", 23,
		    "\x17\x17\0\0\0\6\0\x81"
		    "a\2\x81x\2\xc3\xe8\2\x81"
		    "b\2"
		    "\5\1\0\1\xff"),
		F("Redis", 24,
		    "\x64\0\0\0\0\0\0\0\2\x43\x85\1a\1x\0\1b\1"
		    "5"),
		F("Redis, listpack", 25,
		    "\xe8\3\0\0\0\0\0\0\x17\x17\0\0\0\6\0\x81"
		    "a\2\x81x\2"
		    "\xc3\xe8\2\x81"
		    "b\2\5\1\0\1\xff"),
		V("Valkey", 22,
		    "\2\1b\1"
		    "5\xff\xff\xff\xff\xff\xff\xff\xff"
		    "\1a\1x\xe8\3\0\0\0\0\0\0"),
	};
	static const struct form other = F("a TTL less", 4,
	    "\2\1a\1x\1b\1"
	    "5");

	(void)unused;
	SAME(forms, other);
}

/* Nodes made by hand: master entry of one field "f" with count live and
 * deleted dead ones, and entries with value 5 or 6. */
static void
node(struct stream *s, uint64_t seq, const char *const *entries)
{
	stream_byte(s, 16);
	stream_id(s, 1, seq);
	stream_listpack(s, entries);
}

static const char *const both[] = { "#2", "#0", "#1", "f", "#0", "#2", "#0",
	"#0", "#5", "#4", "#2", "#0", "#2", "#6", "#4", NULL };
static const char *const first[] = { "#1", "#0", "#1", "f", "#0", "#2", "#0",
	"#0", "#5", "#4", NULL };
static const char *const second[] = { "#1", "#1", "#1", "g", "#0",
	/* one that was deleted, then one with its own field */
	"#3", "#0", "#0", "gone", "#4", "#0", "#0", "#1", "#1", "f", "#6", "#6",
	NULL };

/* From length to the end, as the version (1 to 5) of streams has it. */
static void
tail(struct stream *s, unsigned version, uint64_t read)
{
	static const uint8_t idle_mp[] = { 0x40, 100, 0x40, 100, 0, 0, 0 };

	PUT(s, "\2\1\3"); /* length, last */
	if (version > 1)
		PUT(s, "\1\1\0\0\2");
	stream_len(s, 1);
	stream_str(s, "g");
	PUT(s, "\1\1");
	if (version > 1)
		stream_len(s, read);
	stream_byte(s, 1);
	stream_id(s, 1, 1);
	stream_little(s, 7, 8);
	stream_len(s, 3);
	stream_len(s, 1);
	stream_str(s, "c");
	stream_little(s, 9, 8);
	if (version > 2)
		stream_little(s, 9, 8);
	stream_byte(s, 1);
	stream_id(s, 1, 1);
	if (version > 4)
		stream_byte(s, 0);
	if (version > 3)
		stream_bytes(s, idle_mp, sizeof idle_mp);
}

static struct hash128_sum
sum_of_stream(unsigned version, bool two_nodes, uint64_t read)
{
	static const unsigned types[] = { 0, 15, 19, 21, 26, 27 };
	struct stream *s = begin();

	stream_byte(s, types[version]);
	stream_str(s, "k");
	stream_len(s, two_nodes ? 2 : 1);
	if (two_nodes) {
		node(s, 1, first);
		node(s, 2, second);
	} else {
		node(s, 1, both);
	}
	tail(s, version, read);
	return sum_of(s, RDB_DIGEST_ALL);
}

static void
test_stream(void **unused)
{
	struct hash128_sum want = sum_of_stream(1, false, 0), got;

	(void)unused;
	for (unsigned version = 1; version <= 5; version++) {
		got = sum_of_stream(version, false, 1);
		assert_memory_equal(&got, &want, sizeof got);
	}
	got = sum_of_stream(5, false, 2);
	assert_memory_not_equal(&got, &want, sizeof got);
	/* In nodes of their own, and one deleted in between. */
	got = sum_of_stream(3, true, 1);
	assert_memory_equal(&got, &want, sizeof got);
}

static void
test_module(void **unused)
{
	static const struct form forms[] = {
		F("module", 7,
		    "\5\1\7\2\7\3\1\2\3\4\4\0\0\0\0\0\0\xf0\x3f"
		    "\5\3-12\0"),
		F("other lengths, a string as integer", 7,
		    "\x40\5\1\x40\7\2\7\3\1\2\3\4\4\0\0\0\0\0\0\xf0\x3f"
		    "\5\xc0\xf4\0"),
	};
	static const struct form other = F("signed for unsigned", 7,
	    "\5\2\7\1\7\3\1\2\3\4\4\0\0\0\0\0\0\xf0\x3f\5\3-12\0");

	(void)unused;
	SAME(forms, other);
}

static void
test_array(void **unused)
{
	static const struct form forms[] = {
		F("array", 28, "\2\0\1\0\1x\5\1\7\0\0\0\0\0\0\0"),
		F("other order and tags", 28,
		    "\2\0\5\3\1"
		    "7\1\3\1x"),
	};
	static const struct form other =
	    F("insert index", 28, "\2\1\6\1\0\1x\5\1\7\0\0\0\0\0\0\0");

	(void)unused;
	SAME(forms, other);
}

/* --- what is data, and what is not --- */

static struct hash128_sum
sum_of_key(const char *before, size_t len, const char *key)
{
	struct stream *s = begin();

	stream_bytes(s, before, len);
	stream_byte(s, 0);
	stream_str(s, key);
	stream_str(s, "v");
	return sum_of(s, RDB_DIGEST_ALL);
}

#define KEY(before) sum_of_key(before, sizeof(before) - 1, "k")

static void
test_around(void **unused)
{
	struct hash128_sum sums[] = {
		KEY(""),
		sum_of_key("", 0, "l"),
		KEY("\xfe\1"),
		KEY("\xfc\1\0\0\0\0\0\0\0"),
		KEY("\xfc\2\0\0\0\0\0\0\0"),
		KEY("\xfd\1\0\0\0"),
		KEY("\xf3\1abcd\0"),
		KEY("\xf3\1abcd\1\5\0"),
		KEY("\xf3\1abce\0"),
		KEY("\xf3\2abcd\0abce\0"),
	};
	size_t n = sizeof sums / sizeof *sums;
	struct hash128_sum same_as;

	(void)unused;
	for (size_t i = 0; i < n; i++)
		for (size_t j = 0; j < i; j++)
			assert_memory_not_equal(
			    &sums[i], &sums[j], sizeof *sums);
	same_as = KEY("\xf8\5");
	assert_memory_equal(&same_as, &sums[0], sizeof *sums);
	same_as = KEY("\xf9\5\xfe\0\xfb\1\0");
	assert_memory_equal(&same_as, &sums[0], sizeof *sums);
	same_as = KEY("\xfc\xff\xff\xff\xff\xff\xff\xff\xff");
	assert_memory_equal(&same_as, &sums[0], sizeof *sums);
	assert_int_equal(d->expires, 0);
	same_as = KEY("\xfc\xe8\3\0\0\0\0\0\0");
	assert_memory_equal(&same_as, &sums[5], sizeof *sums);
	assert_int_equal(d->expires, 1);
	same_as = KEY("\xf3\2abce\0abcd\0");
	assert_memory_equal(&same_as, &sums[9], sizeof *sums);
}

/* A key's expiry and metadata are not the next key's. */
static void
test_next_key(void **unused)
{
	struct stream *s = begin();
	struct hash128_sum both_keys, one, two;

	(void)unused;
	PUT(s, "\xfc\1\0\0\0\0\0\0\0\xf3\1abcd\0");
	PUT(s, "\0\1k\1v\0\1l\1v");
	both_keys = sum_of(s, RDB_DIGEST_ALL);
	one = KEY("\xfc\1\0\0\0\0\0\0\0\xf3\1abcd\0");
	two = sum_of_key("", 0, "l");
	hash128_add(&one, two);
	assert_memory_equal(&both_keys, &one, sizeof one);
}

static void
test_shards(void **unused)
{
	struct hash128_sum all, part;
	struct stream *s = begin();

	(void)unused;
	for (unsigned i = 0; i < 50; i++) {
		stream_byte(s, 0);
		stream_int(s, (int)i, 1);
		stream_str(s, "v");
	}
	all = sum_of(s, RDB_DIGEST_ALL);
	assert_int_equal(d->keys, 50);
	for (unsigned left = 2; left-- > 0;) {
		s = begin();
		for (unsigned i = 50; i-- > 0;) {
			if (i % 2 != left)
				continue;
			stream_byte(s, 0);
			stream_int(s, (int)i, 4);
			stream_str(s, "v");
		}
		if (left == 1) {
			part = sum_of(s, RDB_DIGEST_ALL);
			continue;
		}
		hash128_add(&part, sum_of(s, RDB_DIGEST_ALL));
	}
	assert_memory_equal(&all, &part, sizeof all);
}

static void
test_expired(void **unused)
{
	struct stream *s = begin();
	struct hash128_sum left, all;

	(void)unused;
	PUT(s, "\xfc\x64\0\0\0\0\0\0\0\0\1a\1v"); /* at 100 */
	PUT(s, "\xfc\x65\0\0\0\0\0\0\0\0\1b\1v"); /* at 101 */
	PUT(s, "\0\1c\1v");
	/* fields at 100, at 101, never; then a hash of one at 100 */
	PUT(s, "\x16\1h\3\x40\x64\1a\1v\x40\x65\1b\1v\0\1c\1v");
	PUT(s, "\x16\1i\1\x40\x64\1a\1v");
	stream_end(s);
	assert_true(digest_at(s->ptr, s->len, s->len, 100));
	left = d->keys_sum;
	assert_int_equal(d->keys, 3);
	assert_int_equal(d->expires, 1);
	assert_int_equal(d->left_out, 2);
	assert_int_equal(d->fields_left_out, 1);
	assert_true(digest_at(s->ptr, s->len, s->len, RDB_DIGEST_ALL));
	all = d->keys_sum;
	assert_int_equal(d->keys, 5);
	assert_int_equal(d->left_out + d->fields_left_out, 0);
	assert_true(digest_at(s->ptr, s->len, s->len, 99));
	assert_memory_equal(&all, &d->keys_sum, sizeof all);
	stream_release(s);

	/* As if a server had removed them. */
	s = begin();
	PUT(s, "\xfc\x65\0\0\0\0\0\0\0\0\1b\1v\0\1c\1v");
	PUT(s, "\x16\1h\2\x40\x65\1b\1v\0\1c\1v");
	all = sum_of(s, RDB_DIGEST_ALL);
	assert_memory_equal(&all, &left, sizeof all);
}

/* Collections of nothing are no keys; streams and modules are. */
static void
test_empty(void **unused)
{
	struct stream *s = begin();

	(void)unused;
	PUT(s, "\1\1a\0\2\1b\0\3\1c\0\4\1d\0\x1c\1e\0\0");
	PUT(s, "\x10\1f\7\7\0\0\0\0\0\xff");
	sum_of(s, RDB_DIGEST_ALL);
	assert_int_equal(d->empty, 6);
	assert_int_equal(d->keys, 0);
	assert_string_equal(
	    hex_of(d->keys_sum), "00000000000000000000000000000000");

	s = begin();
	PUT(s, "\x0f\1s\0\0\0\0\0\7\1m\5\0\0\1t\0");
	sum_of(s, RDB_DIGEST_ALL);
	assert_int_equal(d->empty, 0);
	assert_int_equal(d->keys, 3);
}

static void
test_functions(void **unused)
{
	struct stream *s = begin();
	struct hash128_sum plain;

	(void)unused;
	PUT(s, "\xf5\2-1\xf5\3two");
	sum_of(s, RDB_DIGEST_ALL);
	assert_int_equal(d->functions, 2);
	assert_int_equal(d->keys, 0);
	plain = d->functions_sum;
	s = begin();
	PUT(s, "\xf5\3two\xf5\xc0\xff");
	sum_of(s, RDB_DIGEST_ALL);
	assert_memory_equal(&plain, &d->functions_sum, sizeof plain);
	s = begin();
	PUT(s, "\xf6\1n\3LUA\0\2-1\xf5\3two");
	sum_of(s, RDB_DIGEST_ALL);
	assert_int_equal(d->functions, 2);
	assert_memory_not_equal(&plain, &d->functions_sum, sizeof plain);
}

/* Long texts are hashed as they come: same as what is short and kept. */
static void
test_long(void **unused)
{
	static const size_t sizes[] = { 1, 100, 4000, 4050, 4096, 5000,
		100000 };

	(void)unused;
	for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
		size_t n = sizes[i];
		uint8_t *record = calloc(1, n + 100), *p = record;
		uint8_t *text = malloc(n);
		struct hash128_sum want, got;
		struct stream *s = begin();

		for (size_t k = 0; k < n; k++)
			text[k] = (uint8_t)(k * 7 + k / 251);
		stream_byte(s, 0);
		stream_str(s, "k");
		stream_blob(s, text, n);
		/* docs/digest.md: a string */
		memcpy(p, "K\0\0\0\0\0\0\0\0\0", 10);
		memset(p + 10, 0xff, 8);
		p[34] = 1;
		p[42] = 'k';
		for (unsigned k = 0; k < 8; k++)
			p[43 + k] = (uint8_t)((uint64_t)n >> 8 * k);
		memcpy(p + 51, text, n);
		want = hash128_of(record, 51 + n);
		got = sum_of(s, RDB_DIGEST_ALL);
		assert_memory_equal(&got, &want, sizeof got);
		free(record);
		free(text);
	}
}

static void
test_fault(void **unused)
{
	static const char bad[] = "REDIS0014\x10\1k\x09\x09\0\0\0\1\0\1\2\xff";
	static const char key[] = "REDIS0014\0\xc3\3\2\0a\0\1v\xff";

	(void)unused;
	assert_false(digest_at(
	    (const uint8_t *)bad, sizeof bad - 1, 100, RDB_DIGEST_ALL));
	assert_string_equal(
	    d->fault.what, "listpack entry and the length behind it disagree");
	assert_int_equal(d->fault.at, 19);
	assert_false(digest_at(
	    (const uint8_t *)key, sizeof key - 1, 100, RDB_DIGEST_ALL));
	assert_string_equal(d->fault.what, "LZF data ends inside a step");
	assert_int_equal(d->fault.at, 10);
}

/* --- docs/digest.md --- */

struct vector {
	const char *bytes;
	size_t len;
	const char *keys, *functions;
};

#define VECTOR(bytes, keys, functions)                    \
	{                                                 \
		bytes, sizeof(bytes) - 1, keys, functions \
	}
#define ZERO "00000000000000000000000000000000"

#define ID(seq) "\0\0\0\0\0\0\0\1\0\0\0\0\0\0\0" seq
#define MS(n)   n "\0\0\0\0\0\0\0"
#define NODE                                                     \
	"\1\x10" ID("\1") "\x1c\x1c\0\0\0\x0a\0\1\1\0\1\1\1\x81" \
			  "f\2\0\1"                              \
			  "\2\1\0\1\0\1\5\1\4\1\xff"
#define HEAD  "\1\1\3\1\1\0\0\2"
#define OWNER "\1\1c" MS("\11") MS("\11") "\1" ID("\1")

/* Computed by other means (Python and xxhsum -H128), not by this code. */
static const struct vector vectors[] = {
	VECTOR("", ZERO, ZERO),
	VECTOR("\0\4name\3"
	       "Ada",
	    "681616b3f17e43f8ff730de1eefe8627", ZERO),
	VECTOR("\xfe\3\xfc\0\x68\xe5\xcf\x8b\1\0\0\0\1n\xc0\x0c",
	    "8e149e3ed862c2303ccbc948b0334436", ZERO),
	VECTOR("\1\1l\3\1a\0\1a", "17df73e42e5bca524764c91190cddafe", ZERO),
	VECTOR("\2\1s\2\1a\2-7", "db74b3328cd060e507f25ceaec050d86", ZERO),
	VECTOR("\3\1z\2\1a\3"
	       "1.5\1b\2-0",
	    "c57ab252b6bf6672a6c4de70b6bff923", ZERO),
	VECTOR("\x16\1h\2\x43\xe8\1a\1x\0\1b\1"
	       "5",
	    "49b9f6cc9599151e19269ea2c7152a94", ZERO),
	VECTOR("\7\1m\5\1\x81\xff\xff\xff\xff\xff\xff\xff\xff\5\2hi\0",
	    "da1be20a5d7a1f472b43802ccfa7857f", ZERO),
	VECTOR("\x15\1t" NODE HEAD "\1\1g\1\1\1\1" ID("\1") MS("\7") "\3" OWNER,
	    "ac57d439eddc349a82e81e353c3bd61f", ZERO),
	VECTOR("\x1b\1t" NODE HEAD "\1\1g\1\1\1\2" ID("\1")
		   MS("\7") "\3" ID("\2") MS("\10") "\1" OWNER "\1" ID(
		       "\2") "\x40\xc8\x32\1\1p\1\1q\1\1\1\0",
	    "180390c562b0dc6c34de0744523956fb", ZERO),
	VECTOR("\x1c\1a\3\1\6\0\0\1x\5\1" MS("\7") "\11\2\0\0\0\0\0\0\xf8\x3f",
	    "617b19f58acfc02fce4123764a006708", ZERO),
	VECTOR("\xf3\1abcd\2\5\0\0\1k\1v", "11a75a4acf66690536dcbe045016755a",
	    ZERO),
	VECTOR(
	    "\xf5\x0d#!lua name=x\n", ZERO, "6503775f378428191db20e42271bff8e"),
	VECTOR("\0\4name\3"
	       "Ada\1\1l\3\1a\0\1a",
	    "7ff58a981fda0e4b46d7d6f37fcc6125", ZERO),
};

static void
test_vectors(void **unused)
{
	(void)unused;
	for (size_t i = 0; i < sizeof vectors / sizeof *vectors; i++) {
		const struct vector *v = &vectors[i];
		struct stream *s = begin();

		stream_bytes(s, v->bytes, v->len);
		sum_of(s, RDB_DIGEST_ALL);
		assert_string_equal(hex_of(d->keys_sum), v->keys);
		assert_string_equal(hex_of(d->functions_sum), v->functions);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_string),
		cmocka_unit_test(test_list),
		cmocka_unit_test(test_set),
		cmocka_unit_test(test_zset),
		cmocka_unit_test(test_hash),
		cmocka_unit_test(test_hash_ttl),
		cmocka_unit_test(test_stream),
		cmocka_unit_test(test_module),
		cmocka_unit_test(test_array),
		cmocka_unit_test(test_around),
		cmocka_unit_test(test_next_key),
		cmocka_unit_test(test_shards),
		cmocka_unit_test(test_expired),
		cmocka_unit_test(test_empty),
		cmocka_unit_test(test_functions),
		cmocka_unit_test(test_long),
		cmocka_unit_test(test_fault),
		cmocka_unit_test(test_vectors),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
