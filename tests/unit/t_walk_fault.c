/*
 * t_walk_fault.c -- bad streams, and what must be said of them.
 *
 * Goal of this test: every fault the walker knows, with its words, its offset
 * and the key concerned; and the same words however the stream was cut, for
 * these and for every built stream cut short anywhere.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/harness/items.h"
#include "tests/harness/streams.h"

/* A stream with one fault in it. */
struct bad {
	const char *bytes;
	size_t len;
	const char *words;
};

#define BAD(bytes, words)                       \
	{                                       \
		bytes, sizeof(bytes) - 1, words \
	}
#define REDIS(bytes, words)  BAD("REDIS0014" bytes, words)
#define VALKEY(bytes, words) BAD("VALKEY080" bytes, words)
#define AAAA                 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

static const struct bad headers[] = {
	BAD("", "offset 0: nothing there, not even a header"),
	BAD("RED", "offset 3, in the header: cut short"),
	BAD("REDIS001", "offset 8, in the header: cut short"),
	BAD("VALK", "offset 4, in the header: cut short"),
	BAD("REDIS0014", "offset 9: cut short before the end mark"),
	BAD("hello", "offset 0: not an RDB stream (0x68)"),
	BAD("\0\0\0\0", "offset 0: not an RDB stream (0x00)"),
	BAD("REDIX0011", "offset 4: not an RDB stream (0x58)"),
	BAD("VALUE", "offset 3: not an RDB stream (0x55)"),
	BAD("(2)", "offset 0: not an RDB stream (0x28)"),
	BAD("REDIS00x1", "offset 7: version that is not a number (0x78)"),
	BAD("REDIS0000\xff", "offset 5: RDB version 0, which was never in use"),
	BAD("REDIS0015",
	    "offset 5: RDB version 15 is newer than 14, the last "
	    "this program knows"),
	BAD("REDIS0080",
	    "offset 5: RDB version 80 is newer than 14, the last "
	    "this program knows"),
	BAD("REDIS0099",
	    "offset 5: RDB version 99 is newer than 14, the last "
	    "this program knows"),
	BAD("VALKEY081",
	    "offset 6: RDB version 81 is newer than 80, the last "
	    "of Valkey this program knows"),
	BAD("VALKEY011",
	    "offset 6: RDB version 11 under the magic VALKEY, "
	    "whose first is 80"),
	BAD("VALKEY000", "offset 6: RDB version 0, which was never in use"),
	BAD("\x28\xb5\x2f\xfd\x04",
	    "offset 0: not an RDB stream: this is a zstd frame"),
	BAD("\x50\x2a\x4d\x18\x04",
	    "offset 0: not an RDB stream: this is a skippable zstd frame"),
	BAD("\x04\x22\x4d\x18\x04",
	    "offset 0: not an RDB stream: this is an lz4 frame"),
	BAD("\x1f\x8b\x08", "offset 0: not an RDB stream: this is gzip data"),
	BAD("\xfd\x37zXZ", "offset 0: not an RDB stream: this is xz data"),
	BAD("BZh91", "offset 0: not an RDB stream: this is bzip2 data"),
	BAD("PK\3\4", "offset 0: not an RDB stream: this is a zip archive"),
	BAD("age-encryption.org/v1\n",
	    "offset 0: not an RDB stream: this is an age-encrypted file"),
	BAD("VCS\1\1\1\1\x28",
	    "offset 0: not an RDB stream: this is a stream "
	    "Valkey has compressed as a whole (VCS)"),
	BAD("VKCS\1\1\1\1\x28",
	    "offset 0: not an RDB stream: this is a stream "
	    "Valkey has compressed as a whole (VKCS)"),
	BAD("*2\r\n$6\r\nSELECT",
	    "offset 0: not an RDB stream: this is a "
	    "stream of commands, such as an AOF"),
	BAD("$EOF:0123",
	    "offset 0: not an RDB stream: this is replication "
	    "traffic, with its framing"),
	BAD("\n\n\n",
	    "offset 0: not an RDB stream: this is replication "
	    "traffic, with its keep-alives"),
	BAD("+FULLRESYNC",
	    "offset 0: not an RDB stream: this is a server's reply"),
	BAD("-ERR unknown command",
	    "offset 0: not an RDB stream: this is a "
	    "server's reply (an error)"),
	BAD("<?xml", "offset 0: not an RDB stream: this is XML or HTML"),
	BAD("{\"a\"", "offset 0: not an RDB stream: this is JSON"),
};

static const struct bad types[] = {
	REDIS("\x1d", "offset 9: unknown type or opcode (0x1d)"),
	REDIS("\xf2", "offset 9: unknown type or opcode (0xf2)"),
	REDIS("\0\1k\1v\xc8", "offset 14: unknown type or opcode (0xc8)"),
	REDIS("\6\1k",
	    "offset 9: a module value of a Redis 4.0 release "
	    "candidate (type 6), which does not say how long it is "
	    "(0x06)"),
	REDIS("\x08\1k", "offset 9: type 8, which was never in use (0x08)"),
	VALKEY("\x17", "offset 9: unknown type or opcode (0x17)"),
	VALKEY("\x1c", "offset 9: unknown type or opcode (0x1c)"),
	VALKEY("\xf6", "offset 9: unknown type or opcode (0xf6)"),
	VALKEY("\x6b", "offset 9: unknown type or opcode (0x6b)"),
};

static const struct bad numbers[] = {
	REDIS("\xfe\x82",
	    "offset 10, in a database number: unknown length "
	    "encoding (0x82)"),
	REDIS("\xfe\xbf",
	    "offset 10, in a database number: unknown length "
	    "encoding (0xbf)"),
	REDIS("\xfe\xc0\1",
	    "offset 10, in a database number: string encoding "
	    "where a number belongs (0xc0)"),
	REDIS("\xfe\x80\0\0", "offset 13, in a database number: cut short"),
	REDIS("\xfb\1\xc1",
	    "offset 11, in the number of keys to come: string "
	    "encoding where a number belongs (0xc1)"),
	REDIS("\xfb\1", "offset 11, in the number of keys to come: cut short"),
	REDIS("\xf8\xff",
	    "offset 10, in an idle time: string encoding where "
	    "a number belongs (0xff)"),
	REDIS("\xf9", "offset 10, in an access frequency: cut short"),
	REDIS("\xfc\0\0\0", "offset 13, in an expiry: cut short"),
	REDIS("\xfd\0\0\0", "offset 13, in an expiry: cut short"),
	REDIS("\xff\0\0\0", "offset 13, in the checksum: cut short"),
	REDIS("\x6b\x90",
	    "offset 10, in a number of Redis Enterprise: unknown "
	    "length encoding (0x90)"),
	REDIS("\xf4\x80\0\0\x40\0",
	    "offset 10, in cluster slots: slot above 16383"),
	REDIS("\xf4\5\5\x99",
	    "offset 12, in cluster slots: unknown length encoding (0x99)"),
	VALKEY("\xf3\x05short",
	    "offset 10, in cluster slots: slot import "
	    "without a name of 40 bytes"),
	VALKEY("\xf3\xc0\1",
	    "offset 10, in cluster slots: slot import "
	    "without a name of 40 bytes"),
	VALKEY("\xf3\x28"
	       "0123456789012345678901234567890123456789"
	       "\1\x0a\x09",
	    "offset 53, in cluster slots: slot range that "
	    "ends before it begins"),
	VALKEY("\xf3\x28"
	       "0123456789012345678901234567890123456789"
	       "\1\0\x80\0\1\0\0",
	    "offset 53, in cluster slots: slot above 16383"),
};

static const struct bad strings[] = {
	REDIS("\xfa\xc4",
	    "offset 10, in the name of an aux field: unknown "
	    "string encoding (0xc4)"),
	REDIS("\xfa\1n\xc7",
	    "offset 12, in the value of an aux field: "
	    "unknown string encoding (0xc7)"),
	REDIS("\xfa\1n", "offset 12, in the value of an aux field: cut short"),
	REDIS("\xf5\x05#!", "offset 13, in a function library: cut short"),
	REDIS("\0\xff",
	    "offset 10, in the key: unknown string encoding "
	    "(0xff)"),
	REDIS("\0", "offset 10, in the key: cut short"),
	REDIS("\0\x0auser",
	    "offset 15, key \"user\"..., in the key: cut "
	    "short"),
	REDIS("\0\7user:17\xc5",
	    "offset 18, key \"user:17\", in string: "
	    "unknown string encoding (0xc5)"),
	REDIS("\x10\7user:17\xc7",
	    "offset 18, key \"user:17\", in "
	    "hash-listpack: unknown string encoding "
	    "(0xc7)"),
	REDIS("\x10\7user:17\7abc",
	    "offset 22, key \"user:17\", in hash-listpack: cut short"),
	REDIS("\0\7user:17",
	    "offset 18, key \"user:17\", in string: cut "
	    "short"),
	/* LZF: 3 bytes give 264 at most, and at least 1. */
	REDIS("\0\1k\xc3\3\x41\x09"
	      "abc",
	    "offset 14, key \"k\", in string: LZF "
	    "sizes that cannot be"),
	REDIS("\0\1k\xc3\3\0abc",
	    "offset 14, key \"k\", in string: LZF sizes "
	    "that cannot be"),
	REDIS("\0\1k\xc3\0\1",
	    "offset 14, key \"k\", in string: LZF sizes "
	    "that cannot be"),
	REDIS("\0\1k\xc3\x41\0\5",
	    "offset 15, key \"k\", in string: LZF "
	    "sizes that cannot be"),
	REDIS("\0\1k\xc3\xc3",
	    "offset 13, key \"k\", in string: string "
	    "encoding where a number belongs (0xc3)"),
	REDIS("\0\1k\xc3\3\xff",
	    "offset 14, key \"k\", in string: string "
	    "encoding where a number belongs (0xff)"),
	/* 2^63 and all ones are too long; 2^63 - 1 is not there, is all. */
	REDIS("\0\1k\x81\x80\0\0\0\0\0\0\0",
	    "offset 12, key \"k\", in string: string longer than can be"),
	REDIS("\0\1k\x81\xff\xff\xff\xff\xff\xff\xff\xff",
	    "offset 12, key \"k\", in string: string longer than can be"),
	REDIS("\0\1k\x81\x7f\xff\xff\xff\xff\xff\xff\xff"
	      "abc",
	    "offset 24, key \"k\", in string: cut short"),
};

static const struct bad keys[] = {
	REDIS("\0\xc0\xfb\xc4",
	    "offset 12, key \"-5\", in string: unknown "
	    "string encoding (0xc4)"),
	REDIS("\0\xc1\x2e\xfb\xc4",
	    "offset 13, key \"-1234\", in string: "
	    "unknown string encoding (0xc4)"),
	REDIS("\0\xc2\0\0\0\x80\xc4",
	    "offset 15, key \"-2147483648\", in "
	    "string: unknown string encoding (0xc4)"),
	REDIS("\0\xc2\0\0", "offset 13, in the key: cut short"),
	REDIS("\0\xc3\5\x14\0a\xe0\x0a\0\xc4",
	    "offset 18, key \"aaaaaaaaaaaaaaaaaaaa\", in string: unknown "
	    "string encoding (0xc4)"),
	REDIS("\0\xc3\5\x14\0a",
	    "offset 15, key \"a\"..., in the key: cut "
	    "short"),
	/* LZF that reaches before its beginning: as far as it went. */
	REDIS("\0\xc3\4\x09\0a\x20\5\xc4",
	    "offset 17, key \"a\"..., in string: unknown string encoding "
	    "(0xc4)"),
	REDIS("\0\0\xc4",
	    "offset 11, key \"\", in string: unknown string "
	    "encoding (0xc4)"),
	REDIS("\0\x0a\"\\\n\r\t\x1b[2J\x80\xc4",
	    "offset 21, key \"\\\"\\\\\\n\\r\\t\\x1b[2J\\x80\", in string: "
	    "unknown string encoding (0xc4)"),
	REDIS("\0\x40\x64" AAAA AAAA "\xc4",
	    "offset 112, key \"" AAAA "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
	    "aaaa\"..., in string: unknown string encoding (0xc4)"),
	/* The value before is over: its key has no part in this. */
	REDIS("\0\1k\1v\xfe\xc4",
	    "offset 15, in a database number: string "
	    "encoding where a number belongs (0xc4)"),
	REDIS("\0\1k\1v", "offset 14: cut short before the end mark"),
};

static const struct bad values[] = {
	REDIS("\1\1k\xc0",
	    "offset 12, key \"k\", in list: string encoding "
	    "where a number belongs (0xc0)"),
	REDIS("\1\1k\x81\x80\0\0\0\0\0\0\0",
	    "offset 12, key \"k\", in list: "
	    "more elements than can be"),
	REDIS("\1\1k\x81\x7f\0\0\0\0\0\0\0\1x",
	    "offset 23, key \"k\", in list: cut short"),
	REDIS("\4\1k\2\1f\1v\1f\xd0",
	    "offset 19, key \"k\", in hash: unknown "
	    "string encoding (0xd0)"),
	REDIS("\3\1k\1\1m\5"
	      "1.5",
	    "offset 19, key \"k\", in zset: cut "
	    "short"),
	REDIS("\5\1k\1\1m\0\0\0",
	    "offset 18, key \"k\", in zset-2: cut "
	    "short"),
	REDIS("\7\1k\5\6",
	    "offset 13, key \"k\", in module-2: unknown part "
	    "of module data"),
	REDIS("\7\1k\5\1\xc0",
	    "offset 14, key \"k\", in module-2: string "
	    "encoding where a number belongs (0xc0)"),
	REDIS("\7\1k\5\5\xc9",
	    "offset 14, key \"k\", in module-2: unknown "
	    "string encoding (0xc9)"),
	REDIS("\7\1k\5\4\0\0", "offset 16, key \"k\", in module-2: cut short"),
	REDIS("\x0f\1k\1\x0f",
	    "offset 13, key \"k\", in stream: stream node "
	    "without an id"),
	REDIS("\x1b\1k\1\xc0\1",
	    "offset 13, key \"k\", in stream-5: stream "
	    "node without an id"),
	REDIS("\x1c\1k\1\2",
	    "offset 13, key \"k\", in array: flag that is "
	    "neither 0 nor 1"),
	REDIS("\x1c\1k\1\0\0\4",
	    "offset 15, key \"k\", in array: unknown tag "
	    "of an array's element"),
	REDIS("\x1c\1k\1\0\0\1\0\0",
	    "offset 18, key \"k\", in array: cut "
	    "short"),
	REDIS("\xf3\x08",
	    "offset 10, in key metadata: more metadata classes "
	    "than can be"),
	REDIS("\xf3\1\0\0\0\0\7",
	    "offset 15, in key metadata: unknown part "
	    "of module data"),
	REDIS("\xf3\1\0\0", "offset 13, in key metadata: cut short"),
	REDIS("\xf7\5\1\1",
	    "offset 11, in module aux data: module aux data "
	    "that does not say when"),
	REDIS("\xf7\5\2\1\6",
	    "offset 13, in module aux data: unknown part "
	    "of module data"),
	REDIS("\xf6\1n\3LUA\2",
	    "offset 16, in a function library: flag that "
	    "is neither 0 nor 1"),
};

/* Whole, in chunks, and in two anywhere: these words. */
static void
check(const char *name, const uint8_t *p, size_t len, const char *words)
{
	static const size_t sizes[] = { 1, 2, 3, 7 };
	struct items whole, cut;
	const char *differs;

	items_walk(&whole, p, len, len, len);
	if (words != NULL)
		assert_string_equal(whole.words, words);
	for (size_t i = 0; i < 4 + len; i++) {
		size_t first = i < 4 ? sizes[i] : i - 3;

		items_walk(&cut, p, len, first, i < 4 ? first : len);
		differs = items_differ(&whole, &cut);
		if (differs != NULL)
			fail_msg("%s: first %zu: %s: \"%s\", not \"%s\"", name,
			    first, differs, cut.words, whole.words);
		items_release(&cut);
	}
	items_release(&whole);
}

static void
check_all(const struct bad *b, size_t n)
{
	for (; n > 0; n--, b++)
		check(b->words, (const uint8_t *)b->bytes, b->len, b->words);
}

#define TABLE(name)                                          \
	static void bad_##name(void **state)                 \
	{                                                    \
		(void)state;                                 \
		check_all(name, sizeof name / sizeof *name); \
	}

TABLE(headers)
TABLE(types)
TABLE(numbers)
TABLE(strings)
TABLE(keys)
TABLE(values)

/* Cut short at every byte: never the end, and the same words for each cut. */
static void
cut_short(void **state)
{
	struct stream s;
	struct items l;

	(void)state;
	for (size_t i = 0; i < streams_count(); i++) {
		const char *name = streams_make(i, &s);

		for (size_t len = 0; len < s.len; len++) {
			items_walk(&l, s.ptr, len, len, len);
			assert_int_equal(l.got, RDB_MORE);
			assert_non_null(strstr(
			    l.words, len > 0 ? "cut short" : "nothing there"));
			items_release(&l);
			if (s.len < 500)
				check(name, s.ptr, len, NULL);
		}
		stream_release(&s);
	}
}

/* Words fit in whatever room there is. */
static void
little_room(void **state)
{
	static const char bytes[] = "REDIS0014\0\7user:17\xc5";
	struct items l;
	char buf[100];

	(void)state;
	items_walk(&l, (const uint8_t *)bytes, sizeof bytes - 1, 100, 100);
	for (size_t cap = 0; cap <= sizeof buf; cap++) {
		memset(buf, '#', sizeof buf);
		rdb_walk_explain(&l.walk, false, buf, cap);
		if (cap < sizeof buf)
			assert_int_equal(buf[cap], '#');
		if (cap > 0)
			assert_int_equal(strncmp(buf, l.words, cap - 1), 0);
		if (cap > 0)
			assert_true(strlen(buf) < cap);
	}
	items_release(&l);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bad_headers),
		cmocka_unit_test(bad_types),
		cmocka_unit_test(bad_numbers),
		cmocka_unit_test(bad_strings),
		cmocka_unit_test(bad_keys),
		cmocka_unit_test(bad_values),
		cmocka_unit_test(cut_short),
		cmocka_unit_test(little_room),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
