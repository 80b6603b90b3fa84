/*
 * t_value.c -- values as elements.
 *
 * Goal of this test: what the built streams of the harness do not have: deleted
 * entries and entries with the fields of their node's first one, what old
 * formats leave unsaid, texts in pieces, numbers at their limits; and every
 * fault a value can have once its framing is right, with its words and offset.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "rdb/value.h"
#include "tests/harness/elements.h"
#include "tests/harness/streams.h"

/* A stream of one key "k": its value's bytes follow, then value_end. */
static void
value_begin(struct stream *s, bool valkey, unsigned type)
{
	stream_init(s);
	stream_begin(s, valkey, valkey ? 80 : 14);
	stream_byte(s, type);
	stream_str(s, "k");
}

/* Its elements are these, whole and byte by byte. */
static void
value_end(struct stream *s, const char *want)
{
	char *whole, *bytes;

	stream_end(s);
	whole = elements_of_value(s->ptr, s->len);
	bytes = elements_of(s->ptr, s->len, 1, 1);
	assert_string_equal(whole, want);
	assert_string_equal(strchr(bytes, '\n') + 1, want);
	free(whole);
	free(bytes);
	stream_release(s);
}

/* Three entries that share two fields, the second deleted; one of its own
 * fields; one without any. */
static const char *const node[] = { "#3", "#1", "#2", "a", "bb", "#0",
	/* same fields */
	"#2", "#0", "#0", "x", "y", "#5",
	/* deleted, same fields */
	"#3", "#1", "#0", "gone", "gone", "#5",
	/* its own fields */
	"#0", "#1", "#7", "#1", "c", "#12", "#6",
	/* same fields again */
	"#2", "#2", "#0", "", "#9", "#5", NULL };

#define ENTRIES                                                             \
	"  entry 5-1 2 field 1 \"a\" value 1 \"x\" field 2 \"bb\" value 1 " \
	"\"y\"\n"                                                           \
	"  entry 6-8 1 field 1 \"c\" value 2 \"12\"\n"                      \
	"  entry 7-1 2 field 1 \"a\" value 0 \"\" field 2 \"bb\" value 1 "  \
	"\"9\"\n"
#define NO_IDMP "  idmp 100 100\n  idmp-counts 0 0\n"

static void
node_add(struct stream *s)
{
	stream_len(s, 1);
	stream_byte(s, 16);
	stream_id(s, 5, 1);
	stream_listpack(s, node);
}

static void
group_old(struct stream *s, uint64_t ms, uint64_t seq)
{
	stream_str(s, "g");
	stream_len(s, ms);
	stream_len(s, seq);
	stream_len(s, 0);
	stream_len(s, 0);
}

/* Groups of an old stream: at 0, before the first, at the first, between, at
 * the last, behind it: what Redis 7.0 takes them to have read. */
static void
test_old_stream(void **unused)
{
	struct stream s;

	(void)unused;
	value_begin(&s, false, 15);
	node_add(&s);
	stream_len(&s, 3);
	stream_len(&s, 8);
	stream_len(&s, 0);
	stream_len(&s, 6);
	group_old(&s, 0, 0);
	group_old(&s, 5, 0);
	group_old(&s, 5, 1);
	group_old(&s, 6, 8);
	group_old(&s, 8, 0);
	group_old(&s, 8, 1);
	value_end(&s,
	    ENTRIES "  length 3\n  last 8-0\n  first 5-1\n  deleted 0-0\n"
		    "  added 3\n"
		    "  group 1 \"g\" at 0-0 0\n"
		    "  group 1 \"g\" at 5-0 0\n"
		    "  group 1 \"g\" at 5-1 1\n"
		    "  group 1 \"g\" at 6-8 -1\n"
		    "  group 1 \"g\" at 8-0 3\n"
		    "  group 1 \"g\" at 8-1 -1\n" NO_IDMP);

	/* All entries were deleted: nothing counts as added or read. */
	value_begin(&s, false, 15);
	stream_len(&s, 0);
	stream_len(&s, 0);
	stream_len(&s, 8);
	stream_len(&s, 0);
	stream_len(&s, 1);
	group_old(&s, 8, 0);
	value_end(&s,
	    "  length 0\n  last 8-0\n"
	    "  first 18446744073709551615-18446744073709551615\n"
	    "  deleted 0-0\n  added 0\n"
	    "  group 1 \"g\" at 8-0 0\n" NO_IDMP);
}

static void
test_limits(void **unused)
{
	struct stream s;

	(void)unused;
	/* The smallest TTL, and the largest there can be. */
	value_begin(&s, false, 24);
	stream_little(&s, 1000, 8);
	stream_len(&s, 2);
	stream_len(&s, 1);
	stream_str(&s, "f");
	stream_str(&s, "");
	stream_len(&s, (UINT64_C(1) << 48) - 1000);
	stream_int(&s, -1, 1);
	stream_int(&s, INT32_MIN, 4);
	value_end(&s,
	    "  field 1 \"f\" value 0 \"\" ttl 1000\n"
	    "  field 2 \"-1\" value 11 \"-2147483648\" ttl "
	    "281474976710655\n");

	value_begin(&s, true, 22);
	stream_len(&s, 2);
	stream_str(&s, "f");
	stream_str(&s, "v");
	stream_little(&s, UINT64_MAX, 8);
	stream_str(&s, "g");
	stream_str(&s, "w");
	stream_little(&s, 5, 8);
	value_end(&s,
	    "  field 1 \"f\" value 1 \"v\" ttl 0\n"
	    "  field 1 \"g\" value 1 \"w\" ttl 5\n");

	value_begin(&s, false, 28);
	stream_len(&s, 2);
	stream_len(&s, 0);
	stream_len(&s, UINT64_MAX - 1);
	stream_len(&s, 1);
	stream_little(&s, (uint64_t)INT64_MIN, 8);
	stream_len(&s, 3);
	stream_len(&s, 2);
	stream_little(&s, 0x7ff8000000000000, 8);
	value_end(&s,
	    "  index -2 text 20 \"-9223372036854775808\"\n"
	    "  index 3 double nan\n");
}

/* A packed collection inside LZF, in a hand-made node of each list type. */
static void
test_nested(void **unused)
{
	static const char lzf[] = "\x1f\x22\0\0\0\1\0\xe0\x18"
				  "aaaaaaaaaaaaaaaaaaaaaaaa"
				  "\1\x1a\xff";
	struct stream s;

	(void)unused;
	value_begin(&s, false, 18);
	stream_len(&s, 2);
	stream_len(&s, 2);
	stream_lzf(&s, lzf, sizeof lzf - 1, 34);
	stream_len(&s, 1);
	stream_lzf(&s, "\2abc\x40\2", 6, 7);
	value_end(&s,
	    "  item 24 \"aaaaaaaaaaaaaaaaaaaaaaaa\"\n"
	    "  item 7 \"abcabca\"\n");
}

struct bad {
	unsigned type;
	const char *bytes; /* of the value, which begins at offset 12 */
	size_t len;
	const char *words;
};

#define B(type, bytes, words)                         \
	{                                             \
		type, bytes, sizeof(bytes) - 1, words \
	}
#define NODE(n, total, count, bytes)                                    \
	"\1\x10\0\0\0\0\0\0\0\5\0\0\0\0\0\0\0\1" n total "\0\0\0" count \
	"\0" bytes "\0\0\0\0"
#define LP1 "\1" /* length behind an entry of one byte */

static const struct bad bads[] = {
	B(3, "\1\1m\xfd", "bad at 16: score is not a number"),
	B(3, "\1\1m\0", "bad at 16: score is not a number"),
	B(3, "\1\1m\3nan", "bad at 19: score is not a number"),
	B(3, "\1\1m\4 1.5", "bad at 20: score is not a number"),
	B(3,
	    "\1\1m\4"
	    "1.5x",
	    "bad at 20: score is not a number"),
	B(3,
	    "\1\1m\4"
	    "0x10",
	    "bad at 20: score is not a number"),
	B(5, "\1\1m\0\0\0\0\0\0\xf8\x7f", "bad at 23: score is not a number"),
	B(16, "\x09\x09\0\0\0\1\0\1\1\xff",
	    "bad at 21: odd number of elements in a packed collection"),
	B(13, "\x0d\x0d\0\0\0\x0a\0\0\0\1\0\0\xf1\xff",
	    "bad at 25: odd number of elements in a packed collection"),
	B(17, "\x0d\x0d\0\0\0\2\0\1\1\x82no\3\xff",
	    "bad at 21: score is not a number"),
	B(23, "\x0b\x0b\0\0\0\2\0\1\1\2\1\xff",
	    "bad at 23: number of elements that cannot be divided by three"),
	B(23, "\x0f\x0f\0\0\0\3\0\1\1\2\1\x81t\2\1\1\xff",
	    "bad at 23: TTL of a field is out of range"),
	B(23, "\x0e\x0e\0\0\0\3\0\1\1\2\1\xdf\xff\2\xff",
	    "bad at 23: TTL of a field is out of range"),
	B(25, "\0\0\0\0\0\0\1\0\7\7\0\0\0\0\0\xff",
	    "bad at 20: smallest TTL of a hash is out of range"),
	B(24, "\xff\xff\xff\xff\xff\xff\0\0\1\2\1f\1v",
	    "bad at 22: TTL of a field is out of range"),
	B(22, "\1\x81\0\1\0\0\0\0\0\0\1f\1v",
	    "bad at 22: TTL of a field is out of range"),
	B(18, "\1\3\1x", "bad at 14: unknown container of a list node"),
	B(10, "\0", "bad at 13: ziplist is too short for its header"),
	B(11, "\x0a\2\0\0\0\2\0\0\0\1\0",
	    "bad at 13: intset and its declared count disagree"),
	B(9, "\3\0\0\xff",
	    "bad at 15: zipmap ends behind a field without "
	    "value"),
	B(16, "\xc3\x0b\x0a\x09\x0b\0\0\0\1\0\5\1\xff\0",
	    "bad at 12: listpack and its declared size disagree"),
	B(0, "\xc3\4\5\0a\x20\5",
	    "bad at 19: LZF data refers to before its "
	    "beginning"),

	/* stream nodes */
	B(15, NODE("\7", "\7", "\0", "\xff"),
	    "bad at 37: stream node ends inside an entry"),
	B(15, NODE("\x0a", "\x0a", "\1", "\x81x\2\xff"),
	    "bad at 37: text where a stream node has a number"),
	B(15, NODE("\x0a", "\x0a", "\1", "\xdf\xff\2\xff"),
	    "bad at 37: stream node with a negative count"),
	B(15, NODE("\x0c", "\x0c", "\2", "\0\1\xdf\xff\2\xff"),
	    "bad at 39: stream node with a negative count"),
	B(15, NODE("\x0e", "\x0e", "\3", "\0\1\0\1\xdf\xff\2\xff"),
	    "bad at 41: stream entry with an impossible number of fields"),
	B(15, NODE("\x0f", "\x0f", "\4", "\0\1\0\1\0\1\1\1\xff"),
	    "bad at 43: stream node without the end of its master entry"),
	B(15, NODE("\x11", "\x11", "\5", "\0\1\0\1\0\1\0\1\4\1\xff"),
	    "bad at 45: unknown flags of a stream entry"),
	B(15, NODE("\x11", "\x11", "\5", "\0\1\0\1\0\1\0\1\0\1\xff"),
	    "bad at 45: stream node and its declared counts disagree"),
	B(15, NODE("\x11", "\x11", "\5", "\1\1\0\1\0\1\0\1\1\1\xff"),
	    "bad at 45: stream node and its declared counts disagree"),
	B(15, NODE("\x0f", "\x0f", "\4", "\1\1\0\1\0\1\0\1\xff"),
	    "bad at 45: stream node and its declared counts disagree"),
	B(15,
	    NODE("\x17", "\x17", "\10", "\1\1\0\1\0\1\0\1\2\1\0\1\0\1\4\1\xff"),
	    "bad at 51: stream entry and its declared length disagree"),
	B(15, NODE("\x15", "\x15", "\7", "\1\1\0\1\0\1\0\1\2\1\0\1\0\1\xff"),
	    "bad at 51: stream node ends inside an entry"),
	B(15,
	    NODE("\x1d", "\x1d", "\x0b",
		"\2\1\0\1\0\1\0\1\2\1\0\1\0\1\3\1\2\1\0\1\0\1\xff"),
	    "bad at 57: stream entries whose IDs do not ascend"),
	B(15, "\1\x10\0\0\0\0\0\0\0\5\0\0\0\0\0\0\0\1\1\0\0\0\0\0",
	    "bad at 31: listpack is too short for its header"),
};

static void
test_bad(void **unused)
{
	(void)unused;
	for (size_t i = 0; i < sizeof bads / sizeof *bads; i++) {
		char *whole, *bytes, *last;
		struct stream s;

		value_begin(&s, false, bads[i].type);
		stream_bytes(&s, bads[i].bytes, bads[i].len);
		stream_end(&s);
		whole = elements_of(s.ptr, s.len, s.len, s.len);
		bytes = elements_of(s.ptr, s.len, 1, 1);
		last = strstr(whole, "bad at");
		if (last == NULL)
			print_error("%zu: %s\n", i, whole);
		assert_non_null(last);
		last[strlen(last) - 1] = '\0';
		assert_string_equal(last, bads[i].words);
		last[strlen(last)] = '\n';
		assert_string_equal(bytes, whole);
		free(whole);
		free(bytes);
		stream_release(&s);
	}
}

/* Names of fields up to RDB_NAMES_MAX can be referred to, and no more. */
static void
test_names(void **unused)
{
	for (unsigned extra = 0; extra < 2; extra++) {
		size_t n = RDB_NAMES_MAX - 4 + extra, len = n + 5, total;
		uint8_t *lp = malloc(n + 64), *p = lp + 6;
		struct stream s;
		char *text;

		(void)unused;
		memcpy(p, "\1\1\0\1\1\1\xf0", 7);
		for (unsigned k = 0; k < 4; k++)
			p[7 + k] = (uint8_t)(n >> 8 * k);
		memset(p + 11, 'n', n);
		p += 11 + n;
		*p++ = (uint8_t)(len >> 14);
		*p++ = (uint8_t)((len >> 7 & 0x7f) | 0x80);
		*p++ = (uint8_t)((len & 0x7f) | 0x80);
		memcpy(p, "\0\1\2\1\0\1\0\1\x81v\2\4\1\xff", 14);
		total = (size_t)(p + 14 - lp);
		for (unsigned k = 0; k < 4; k++)
			lp[k] = (uint8_t)(total >> 8 * k);
		lp[4] = 10, lp[5] = 0;

		value_begin(&s, false, 15);
		stream_len(&s, 1);
		stream_byte(&s, 16);
		stream_id(&s, 1, 1);
		stream_blob(&s, lp, total);
		stream_bytes(&s, "\1\1\1\0", 4);
		stream_end(&s);
		text = elements_of(s.ptr, s.len, s.len, s.len);
		if (extra == 0) {
			assert_non_null(strstr(text, "field 65532 \"nnn"));
			assert_non_null(strstr(text, "nnn\" value 1 \"v\"\n"));
			assert_null(strstr(text, "bad"));
		} else {
			assert_non_null(strstr(text,
			    ": stream entry refers to field names that are "
			    "too long to be kept"));
		}
		free(text);
		free(lp);
		stream_release(&s);
	}
}

/* What is no value, and what comes before one was begun. */
static void
test_not_a_value(void **unused)
{
	struct rdb_value *v = malloc(sizeof *v);
	struct rdb_piece p;

	(void)unused;
	rdb_value_init(v);
	assert_int_equal(rdb_value_next(v, &p), RDB_BAD);
	assert_false(rdb_value_begin(v, 6, false));
	assert_false(rdb_value_begin(v, 8, false));
	assert_false(rdb_value_begin(v, 29, false));
	assert_false(rdb_value_begin(v, 24, true));
	assert_false(rdb_value_begin(v, 1000, false));
	assert_false(rdb_value_begin_opcode(v, 243, true));
	assert_false(rdb_value_begin_opcode(v, 250, false));
	assert_false(rdb_value_begin_opcode(v, 2450, false));
	assert_true(rdb_value_begin(v, 22, true));
	assert_true(rdb_value_begin_opcode(v, 243, false));
	free(v);
}

/* What the walker refuses, this reader refuses by itself too. */
static void
test_without_walk(void **unused)
{
	static const struct bad framing[] = {
		B(28, "\1\0\1\4", "unknown tag of an array's element"),
		B(28, "\1\2", "more of something than can be"),
		B(4, "\x81\x80\0\0\0\0\0\0\0", "more elements than can be"),
		B(15, "\1\3abc", "stream node without an ID of 16 bytes"),
		B(2, "\1\xc4", "unknown string encoding"),
		B(2, "\xc0", "string encoding where a number belongs"),
		B(2, "\1\xc3\1\x40\xff", "LZF sizes that cannot be"),
		B(7, "\1\6", "unknown part of module data"),
	};
	struct rdb_value *v = malloc(sizeof *v);
	struct rdb_piece p;
	enum rdb_got got;

	(void)unused;
	rdb_value_init(v);
	for (size_t i = 0; i < sizeof framing / sizeof *framing; i++) {
		assert_true(rdb_value_begin(v, framing[i].type, false));
		rdb_value_feed(v, framing[i].bytes, framing[i].len, 0);
		while ((got = rdb_value_next(v, &p)) == RDB_RUN)
			;
		assert_int_equal(got, RDB_BAD);
		assert_string_equal(v->fault.what, framing[i].words);
		assert_int_equal(rdb_value_next(v, &p), RDB_BAD);
	}
	free(v);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_old_stream),
		cmocka_unit_test(test_limits),
		cmocka_unit_test(test_nested),
		cmocka_unit_test(test_bad),
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_not_a_value),
		cmocka_unit_test(test_without_walk),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
