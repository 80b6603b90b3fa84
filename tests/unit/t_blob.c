/*
 * t_blob.c -- listpack, ziplist, zipmap, intset.
 *
 * Goal of this test: every encoding of an element in each of the four, and
 * every way each of them can be wrong, with the words for it; all of it the same
 * when the blob comes whole and when it comes byte by byte.
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

#include "rdb/blob.h"

/* The elements as text: numbers as such, long texts by their length. */
static void
print_run(FILE *to, const struct blob_run *run)
{
	if (run->is_num) {
		fprintf(to, "%" PRId64 " ", run->num);
		return;
	}
	if (run->size > 60) {
		if (run->first)
			fprintf(to, "[%" PRIu64 "] ", run->size);
		return;
	}
	fprintf(to, "%s%.*s%s", run->first ? "'" : "", (int)run->len,
	    (const char *)run->ptr, run->last ? "' " : "");
}

static char *
elements(enum blob_kind kind, const uint8_t *p, size_t len, size_t size)
{
	struct blob b;
	struct blob_run run;
	enum rdb_got got = RDB_MORE;
	size_t text_len, n, left = len;
	char *text = NULL;
	FILE *to = open_memstream(&text, &text_len);

	blob_begin(&b, kind, len);
	while (got == RDB_MORE) {
		struct rdb_chunk in;
		uint8_t *block;

		n = left < size ? left : size;
		block = malloc(n + 1);
		memcpy(block, p, n);
		in = (struct rdb_chunk){ block, block + n };
		while ((got = blob_next(&b, &in, &run)) == RDB_RUN)
			print_run(to, &run);
		assert_true(got != RDB_MORE || in.ptr == in.end);
		assert_true(got != RDB_MORE || left > 0);
		p += n;
		left -= n;
		free(block);
	}
	if (got == RDB_END)
		assert_int_equal(left, 0);
	else
		fprintf(to, "%s", b.what);
	/* It stays as it is. */
	assert_int_equal(blob_next(&b, &(struct rdb_chunk){ p, p }, &run), got);
	fclose(to);
	return text;
}

static void
check(enum blob_kind kind, const uint8_t *p, size_t len, const char *want)
{
	static const size_t sizes[] = { 1, 2, 3, 5, 7, 11, 64, SIZE_MAX };

	for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
		char *got = elements(kind, p, len, sizes[i]);

		if (strcmp(got, want) != 0)
			print_error("by %zu\n", sizes[i]);
		assert_string_equal(got, want);
		free(got);
	}
}

struct sample {
	const char *bytes;
	size_t len;
	const char *want;
};

#define S(bytes, want)                         \
	{                                      \
		bytes, sizeof(bytes) - 1, want \
	}

static void
check_all(enum blob_kind kind, const struct sample *s, size_t n)
{
	for (; n > 0; n--, s++)
		check(kind, (const uint8_t *)s->bytes, s->len, s->want);
}

static const struct sample listpacks[] = {
	S("\7\0\0\0\0\0\xff", ""),
	/* 7 bits; 13 bits: -1, 4095, -4096; 16, 24, 32, 64 */
	S("\11\0\0\0\1\0\x7f\1\xff", "127 "),
	S("\x12\0\0\0\4\0\xdf\xff\2\xcf\xff\2\xd0\0\2\0\1\xff",
	    "-1 4095 -4096 0 "),
	S("\x0b\0\0\0\1\0\xf1\xfe\xff\3\xff", "-2 "),
	S("\x0c\0\0\0\1\0\xf2\0\0\x80\4\xff", "-8388608 "),
	S("\x0d\0\0\0\1\0\xf3\0\0\0\x80\5\xff", "-2147483648 "),
	S("\x11\0\0\0\1\0\xf4\0\0\0\0\0\0\0\x80\11\xff",
	    "-9223372036854775808 "),
	/* texts: 6, 12, 32 bits of length; the count not known */
	S("\x0d\0\0\0\2\0\x82hi\3\x80\1\xff", "'hi' '' "),
	S("\x0b\0\0\0\1\0\xe0\1a\3\xff", "'a' "),
	S("\x0e\0\0\0\1\0\xf0\1\0\0\0a\6\xff", "'a' "),
	S("\11\0\0\0\xff\xff\5\1\xff", "5 "),

	S("\6\0\0\0\0\0", "listpack is too short for its header"),
	S("\x08\0\0\0\0\0\xff", "listpack and its declared size disagree"),
	S("\11\0\0\0\2\0\5\1\xff",
	    "5 listpack and its declared count disagree"),
	S("\11\0\0\0\0\0\5\1\xff",
	    "5 listpack and its declared count disagree"),
	S("\10\0\0\0\0\0\xff\xff", "listpack ends before its declared size"),
	S("\7\0\0\0\0\0\0", "listpack without its end mark"),
	S("\11\0\0\0\1\0\5\1\0", "5 listpack without its end mark"),
	S("\11\0\0\0\1\0\xf5\1\xff", "unknown listpack encoding"),
	S("\11\0\0\0\1\0\xfe\1\xff", "unknown listpack encoding"),
	S("\11\0\0\0\1\0\5\2\xff",
	    "5 listpack entry and the length behind it disagree"),
	S("\13\0\0\0\1\0\x82hi\4\xff",
	    "'hi' listpack entry and the length behind it disagree"),
	/* two bytes where one would do */
	S("\12\0\0\0\1\0\5\0\x81\xff",
	    "5 listpack entry and the length behind it disagree"),
	S("\10\0\0\0\1\0\5\xff",
	    "listpack entry goes past the end of its listpack"),
	S("\11\0\0\0\1\0\x82h\xff",
	    "listpack entry goes past the end of its listpack"),
	S("\12\0\0\0\1\0\x82hi\xff",
	    "listpack entry goes past the end of its listpack"),
	S("\12\0\0\0\1\0\xf4\0\0\xff",
	    "listpack entry goes past the end of its listpack"),
	S("\15\0\0\0\1\0\xf0\xff\xff\xff\xff\5\xff",
	    "listpack entry goes past the end of its listpack"),
};

/* Lengths that need 1 to 3 bytes behind the entry, and every first byte of
 * text. */
static void
test_listpack(void **unused)
{
	static const uint32_t sizes[] = { 0, 1, 63, 64, 125, 126, 127, 4095,
		4096, 16378, 16379, 20000, 2097146, 2097147, 2100000 };

	(void)unused;
	check_all(
	    BLOB_LISTPACK, listpacks, sizeof listpacks / sizeof *listpacks);
	for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
		uint32_t n = sizes[i], len = n + 5, total;
		unsigned back = len < 128 ? 1 :
		    len < 16384           ? 2 :
		    len < 2097152         ? 3 :
					    4;
		uint8_t *p = malloc(n + 32), *at = p + 6;
		char want[80];

		memset(p, 'x', n + 32);
		memcpy(at, "\xf0", 1);
		for (unsigned k = 0; k < 4; k++)
			at[1 + k] = (uint8_t)(n >> 8 * k);
		at += len;
		for (unsigned k = back; k-- > 0;)
			*at++ = (uint8_t)((len >> 7 * k & 0x7f) |
			    (k + 1 < back ? 0x80 : 0));
		*at++ = 0xff;
		total = (uint32_t)(at - p);
		for (unsigned k = 0; k < 4; k++)
			p[k] = (uint8_t)(total >> 8 * k);
		p[4] = 1, p[5] = 0;
		if (n > 60)
			snprintf(want, sizeof want, "[%u] ", n);
		else
			snprintf(want, sizeof want, "'%.*s' ", (int)n, "x");
		if (n <= 1 || n > 60)
			check(BLOB_LISTPACK, p, total, want);
		free(p);
	}
}

#define ZL(total, last, count) total "\0\0\0" last "\0\0\0" count "\0"

static const struct sample ziplists[] = {
	S(ZL("\x0b", "\x0a", "\0") "\xff", ""),
	/* numbers: 0 to 12, 8, 16, 24, 32, 64 bits */
	S(ZL("\x0d", "\x0a", "\1") "\0\xf1\xff", "0 "),
	S(ZL("\x11", "\x0e", "\3") "\0\xfd\2\xfd\2\xf2\xff", "12 12 1 "),
	S(ZL("\x0e", "\x0a", "\1") "\0\xfe\x80\xff", "-128 "),
	S(ZL("\x0f", "\x0a", "\1") "\0\xc0\0\x80\xff", "-32768 "),
	S(ZL("\x10", "\x0a", "\1") "\0\xf0\xff\xff\x7f\xff", "8388607 "),
	S(ZL("\x11", "\x0a", "\1") "\0\xd0\xff\xff\xff\x7f\xff", "2147483647 "),
	S(ZL("\x15", "\x0a", "\1") "\0\xe0\0\0\0\0\0\0\0\x80\xff",
	    "-9223372036854775808 "),
	/* texts: 6, 14, 32 bits of length, big endian */
	S(ZL("\x0f", "\x0a", "\1") "\0\2hi\xff", "'hi' "),
	S(ZL("\x10", "\x0a", "\1") "\0\x40\2hi\xff", "'hi' "),
	S(ZL("\x13", "\x0a", "\1") "\0\x80\0\0\0\2hi\xff", "'hi' "),
	/* the length of the entry before, in five bytes: servers do that */
	S(ZL("\x16", "\x0d", "\2") "\0\1a\xfe\3\0\0\0\2hi\xff", "'a' 'hi' "),
	S("\x0d\0\0\0\x0a\0\0\0\xff\xff\0\xf1\xff", "0 "),

	S("\x0a\0\0\0\x0a\0\0\0\0\0", "ziplist is too short for its header"),
	S(ZL("\x0c", "\x0a", "\0") "\xff",
	    "ziplist and its declared size disagree"),
	S(ZL("\x0d", "\x0a", "\2") "\0\xf1\xff",
	    "0 ziplist and its declared count disagree"),
	S(ZL("\x0d", "\x0b", "\1") "\0\xf1\xff",
	    "0 ziplist and the declared place of its end disagree"),
	S(ZL("\x0c", "\x0a", "\0") "\xff\xff",
	    "ziplist ends before its declared size"),
	S(ZL("\x0b", "\x0a", "\0") "\0", "ziplist without its end mark"),
	S(ZL("\x0d", "\x0a", "\1") "\1\xf1\xff",
	    "ziplist entry and the length of the one before disagree"),
	S(ZL("\x16", "\x0d", "\2") "\0\1a\xfe\4\0\0\0\2hi\xff",
	    "'a' ziplist entry and the length of the one before disagree"),
	S(ZL("\x0d", "\x0a", "\1") "\0\xc1\xff", "unknown ziplist encoding"),
	S(ZL("\x0d", "\x0a", "\1") "\0\xff\xff", "unknown ziplist encoding"),
	S(ZL("\x0c", "\x0a", "\1") "\0\xff",
	    "ziplist entry goes past the end of its ziplist"),
	S(ZL("\x0d", "\x0a", "\1") "\0\1\xff",
	    "ziplist entry goes past the end of its ziplist"),
	S(ZL("\x0d", "\x0a", "\1") "\0\xe0\xff",
	    "ziplist entry goes past the end of its ziplist"),
	S(ZL("\x0d", "\x0a", "\1") "\xfe\0\xff",
	    "ziplist entry goes past the end of its ziplist"),
	S(ZL("\x11", "\x0a", "\1") "\0\x80\xff\xff\xff\xff\xff",
	    "ziplist entry goes past the end of its ziplist"),
};

static void
test_ziplist(void **unused)
{
	(void)unused;
	check_all(BLOB_ZIPLIST, ziplists, sizeof ziplists / sizeof *ziplists);
}

#define LONG254 "\xfe\xfe\0\0\0"
#define X10     "xxxxxxxxxx"
#define X50     X10 X10 X10 X10 X10
#define X254    X50 X50 X50 X50 X50 "xxxx"

static const struct sample zipmaps[] = {
	S("\0\xff", ""),
	S("\1\1a\2\0xy\xff", "'a' 'xy' "),
	S("\1\1a\2\3xy...\xff", "'a' 'xy' "),
	S("\1\0\0\0\xff", "'' '' "),
	S("\xfe\1a\1\0b\1c\1\0d\xff", "'a' 'b' 'c' 'd' "),
	S("\1\1a" LONG254 "\0" X254 "\xff", "'a' [254] "),
	S("\1" LONG254 X254 "\1\0b\xff", "[254] 'b' "),

	S("\0", "zipmap is too short for its header"),
	S("\2\1a\1\0b\xff", "'a' 'b' zipmap and its declared count disagree"),
	S("\0\xff\xff", "zipmap ends before its declared size"),
	S("\0\0", "zipmap without its end mark"),
	S("\1\1a\xff", "'a' zipmap ends behind a field without value"),
	S("\1\1a\xff\0", "'a' zipmap ends behind a field without value"),
	S("\1\xfe\1\0\0\0a\1\0b\xff",
	    "zipmap length in more bytes than it needs"),
	S("\1\1a\xfe\1\0\0\0\0b\xff",
	    "'a' zipmap length in more bytes than it needs"),
	S("\1\5a\xff", "zipmap entry goes past the end of its zipmap"),
	S("\1\xfe\1\xff", "zipmap entry goes past the end of its zipmap"),
	S("\1\1a\5\0b\xff", "'a' zipmap entry goes past the end of its zipmap"),
	S("\1\1a\1\5b\xff", "'a' zipmap entry goes past the end of its zipmap"),
	S("\1\xfe\xff\xff\xff\xff\xff",
	    "zipmap entry goes past the end of its zipmap"),
};

static void
test_zipmap(void **unused)
{
	(void)unused;
	check_all(BLOB_ZIPMAP, zipmaps, sizeof zipmaps / sizeof *zipmaps);
}

static const struct sample intsets[] = {
	S("\2\0\0\0\0\0\0\0", ""),
	S("\2\0\0\0\2\0\0\0\xff\xff\1\0", "-1 1 "),
	S("\4\0\0\0\1\0\0\0\0\0\0\x80", "-2147483648 "),
	S("\10\0\0\0\2\0\0\0\0\0\0\0\0\0\0\x80\xff\xff\xff\xff\xff\xff\xff\x7f",
	    "-9223372036854775808 9223372036854775807 "),

	S("\2\0\0\0\0\0\0", "intset is too short for its header"),
	S("\3\0\0\0\0\0\0\0", "unknown intset encoding"),
	S("\2\0\0\0\2\0\0\0\1\0", "intset and its declared count disagree"),
	S("\2\0\0\0\0\0\0\0\1\0", "intset and its declared count disagree"),
	/* 8 * count that does not fit 32 bits (CVE-2021-32687) */
	S("\10\0\0\0\0\0\0\x20", "intset and its declared count disagree"),
	S("\2\0\0\0\2\0\0\0\1\0\1\0", "1 intset is not in ascending order"),
	S("\2\0\0\0\2\0\0\0\1\0\0\0", "1 intset is not in ascending order"),
};

static void
test_intset(void **unused)
{
	(void)unused;
	check_all(BLOB_INTSET, intsets, sizeof intsets / sizeof *intsets);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_listpack),
		cmocka_unit_test(test_ziplist),
		cmocka_unit_test(test_zipmap),
		cmocka_unit_test(test_intset),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
