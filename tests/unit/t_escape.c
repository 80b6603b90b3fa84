/*
 * t_escape.c -- bytes as text that can be turned back (stages/print).
 *
 * Goal of this test: each of the 256 bytes in each style is what escape.h says;
 * UTF-8 is told from what is none as the Unicode standard does, wherever the
 * text is cut; base64 is that of RFC 4648; scores read back as the same number
 * in as few digits as that needs.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "stages/print/base64.h"
#include "stages/print/escape.h"
#include "tests/harness/memory.h"

static struct output out;
static struct memory_sink sink;

/* What was written since the last call; good until the next. */
static const char *
written(void)
{
	static char text[1 << 20];
	struct err e;

	assert_true(output_flush(&out, &e));
	assert_true(sink.len < sizeof text);
	if (sink.len > 0)
		memcpy(text, sink.got, sink.len);
	text[sink.len] = '\0';
	sink.len = 0;
	return text;
}

static int
setup(void **unused)
{
	(void)unused;
	memory_sink_init(&sink);
	output_init(&out, &sink.base);
	return 0;
}

static int
teardown(void **unused)
{
	(void)unused;
	memory_sink_release(&sink);
	return 0;
}

/* The text escaped, in chunks of size bytes each in a block of its own. */
static const char *
escaped(enum escape_style style, const char *p, size_t len, size_t size)
{
	struct escape e;

	escape_init(&e, style);
	for (size_t n; len > 0; p += n, len -= n) {
		char *chunk = malloc(n = size < len ? size : len);

		memcpy(chunk, p, n);
		escape_add(&e, &out, chunk, n);
		free(chunk);
	}
	escape_end(&e, &out);
	return written();
}

/* What a byte by itself has to become, put together another way. */
static void
expected(enum escape_style style, unsigned b, char *to)
{
	static const char names[] = "\b\f\n\r\t", letters[] = "bfnrt";
	const char *name = b == 0 ? NULL : strchr(names, (int)b);
	bool json = style <= ESCAPE_JSON_UTF8;

	if (b == '\\')
		strcpy(to, "\\\\");
	else if (b == '"' && style != ESCAPE_LINE)
		strcpy(to, json ? "\\\"" : "\"\"");
	else if (name != NULL && (json || strchr("\b\f", (int)b) == NULL))
		sprintf(to, "\\%c", letters[name - names]);
	else if (b >= 0x20 && b < 0x7f)
		sprintf(to, "%c", (int)b);
	else if (!json)
		sprintf(to, "\\x%02x", b);
	else if (b >= 0x80 && style == ESCAPE_JSON_UTF8)
		sprintf(to, "\\udc%02x", b);
	else
		sprintf(to, "\\u%04x", b);
}

static void
test_every_byte(void **unused)
{
	(void)unused;
	for (int style = 0; style <= ESCAPE_CSV; style++)
		for (unsigned b = 0; b < 256; b++) {
			/* Alone, and inside of a run of eight. */
			char alone = (char)b, run[20], want[40], long_want[60];

			memset(run, 'x', sizeof run);
			run[9] = (char)b;
			expected((enum escape_style)style, b, want);
			sprintf(long_want, "xxxxxxxxx%sxxxxxxxxxx", want);
			assert_string_equal(
			    escaped((enum escape_style)style, &alone, 1, 1),
			    want);
			assert_string_equal(
			    escaped((enum escape_style)style, run, 20, 20),
			    long_want);
		}
}

/* What UTF-8 there is (lengths 1 to 4, the ends of every range of table 3-7),
 * and what is none; "json" and "line" as they come out. */
static const struct {
	const char *in, *json, *line;
} sequences[] = {
	{ "\xc3\xa9", "\xc3\xa9", "\xc3\xa9" },
	{ "\xe4\xb8\xad\xe6\x96\x87", "\xe4\xb8\xad\xe6\x96\x87",
	    "\xe4\xb8\xad\xe6\x96\x87" },
	{ "\xf0\x9f\x98\x80!", "\xf0\x9f\x98\x80!", "\xf0\x9f\x98\x80!" },
	{ "\xc2\x80\xc2\x9f\xc2\xa0", "\\u0080\\u009f\xc2\xa0",
	    "\\xc2\\x80\\xc2\\x9f\xc2\xa0" },
	{ "\xe0\xa0\x80", "\xe0\xa0\x80", "\xe0\xa0\x80" },
	{ "\xed\x9f\xbf\xee\x80\x80", "\xed\x9f\xbf\xee\x80\x80",
	    "\xed\x9f\xbf\xee\x80\x80" },
	{ "\xf4\x8f\xbf\xbf", "\xf4\x8f\xbf\xbf", "\xf4\x8f\xbf\xbf" },
	/* longer than needed, a surrogate, above U+10FFFF */
	{ "\xc0\x80", "\\udcc0\\udc80", "\\xc0\\x80" },
	{ "\xc1\xbf", "\\udcc1\\udcbf", "\\xc1\\xbf" },
	{ "\xe0\x9f\xbf", "\\udce0\\udc9f\\udcbf", "\\xe0\\x9f\\xbf" },
	{ "\xf0\x8f\xbf\xbf", "\\udcf0\\udc8f\\udcbf\\udcbf",
	    "\\xf0\\x8f\\xbf\\xbf" },
	{ "\xed\xa0\x80", "\\udced\\udca0\\udc80", "\\xed\\xa0\\x80" },
	{ "\xed\xb2\x80", "\\udced\\udcb2\\udc80", "\\xed\\xb2\\x80" },
	{ "\xf4\x90\x80\x80", "\\udcf4\\udc90\\udc80\\udc80",
	    "\\xf4\\x90\\x80\\x80" },
	{ "\xf5\x80\x80\x80", "\\udcf5\\udc80\\udc80\\udc80",
	    "\\xf5\\x80\\x80\\x80" },
	/* broken off, by something else or by the end */
	{ "\xe4\xb8", "\\udce4\\udcb8", "\\xe4\\xb8" },
	{ "\xe4\xb8x", "\\udce4\\udcb8x", "\\xe4\\xb8x" },
	{ "\xf0\x9f\x98", "\\udcf0\\udc9f\\udc98", "\\xf0\\x9f\\x98" },
	{ "\xf0\x9f\xc3\xa9", "\\udcf0\\udc9f\xc3\xa9", "\\xf0\\x9f\xc3\xa9" },
	{ "\xe4\xe4\xb8\xad", "\\udce4\xe4\xb8\xad", "\\xe4\xe4\xb8\xad" },
	{ "\xf0\x9f\x98\"", "\\udcf0\\udc9f\\udc98\\\"", "\\xf0\\x9f\\x98\"" },
	{ "\x80", "\\udc80", "\\x80" },
	{ "1234567\xc3\xa9\xc3 1234567\xff",
	    "1234567\xc3\xa9\\udcc3 1234567"
	    "\\udcff",
	    "1234567\xc3\xa9\\xc3 1234567\\xff" },
};

static void
test_utf8_over_all_cuts(void **unused)
{
	(void)unused;
	for (size_t i = 0; i < COUNT_OF(sequences); i++) {
		const char *in = sequences[i].in;
		size_t len = strlen(in);

		for (size_t size = 1; size <= len; size++) {
			assert_string_equal(
			    escaped(ESCAPE_JSON_UTF8, in, len, size),
			    sequences[i].json);
			assert_string_equal(escaped(ESCAPE_LINE, in, len, size),
			    sequences[i].line);
		}
	}
}

static void
test_what_was_no_utf8_is_counted(void **unused)
{
	struct escape e;

	(void)unused;
	escape_init(&e, ESCAPE_JSON_UTF8);
	escape_add(&e, &out, "a\xff\xc3\xa9\xe4\xb8", 6);
	assert_int_equal(e.strange, 1);
	escape_end(&e, &out);
	assert_int_equal(e.strange, 3);
	escape_add(&e, &out, "\xad", 1); /* begins anew */
	assert_int_equal(e.strange, 4);
	written();
}

/* Longer than all buffers, and cut wherever they end. */
static void
test_much(void **unused)
{
	enum { LEN = 150001 };
	static char in[LEN], want[6 * LEN + 1];

	(void)unused;
	for (size_t at = 0, i = 0; i < LEN; i++) {
		in[i] = (char)(i * 7919 >> 3);
		expected(ESCAPE_JSON_BYTES, (uint8_t)in[i], want + at);
		at += strlen(want + at);
	}
	assert_string_equal(escaped(ESCAPE_JSON_BYTES, in, LEN, LEN), want);
	assert_string_equal(escaped(ESCAPE_JSON_BYTES, in, LEN, 4097), want);
}

static const char *
base64(const char *p, size_t len, size_t size)
{
	struct base64 b = { .n_held = 0 };

	for (size_t n; len > 0; p += n, len -= n) {
		n = size < len ? size : len;
		base64_add(&b, &out, p, n);
	}
	base64_end(&b, &out);
	assert_int_equal(b.n_held, 0);
	return written();
}

/* RFC 4648, section 10. */
static void
test_base64(void **unused)
{
	static const char *const want[] = { "", "Zg==", "Zm8=", "Zm9v",
		"Zm9vYg==", "Zm9vYmE=", "Zm9vYmFy" };
	static char zeros[30000];
	const char *text;

	(void)unused;
	for (size_t len = 0; len < COUNT_OF(want); len++)
		for (size_t size = 1; size <= 7; size++)
			assert_string_equal(
			    base64("foobar", len, size), want[len]);
	assert_string_equal(base64("\0\xff\xfe\xfb", 4, 4), "AP/++w==");
	/* More than one room. */
	memset(zeros, 0, sizeof zeros);
	text = base64(zeros, sizeof zeros, sizeof zeros);
	assert_int_equal(strlen(text), sizeof zeros / 3 * 4);
	assert_int_equal(strspn(text, "A"), sizeof zeros / 3 * 4);
}

static const char *
number(double d)
{
	output_double(&out, d);
	return written();
}

static void
test_scores(void **unused)
{
	static const struct {
		double d;
		const char *want;
	} rows[] = { { 0, "0" }, { -0.0, "0" }, { 1, "1" }, { -1, "-1" },
		{ 1.5, "1.5" }, { -2.25, "-2.25" }, { 0.1, "0.1" },
		{ 0.05, "0.05" }, { 10.000001, "10.000001" },
		{ 0.001, "0.001" }, { 0.0001, "0.0001" }, { 0.00001, "1e-05" },
		{ -9.99999, "-9.99999" },
		{ 123456789.123456, "123456789.123456" },
		{ 1.0 / 3, "0.3333333333333333" },
		{ 0.1 + 0.2, "0.30000000000000004" },
		{ 9007199254740992, "9007199254740992" },
		{ -9007199254740992, "-9007199254740992" },
		{ 1.000033e25, "1.000033e+25" },
		{ -4.329000123123131e28, "-4.329000123123131e+28" },
		{ 5e-324, "4.94065645841247e-324" },
		{ 1.7976931348623157e308, "1.7976931348623157e+308" },
		{ INFINITY, "inf" }, { -INFINITY, "-inf" }, { NAN, "nan" },
		{ -NAN, "nan" } };

	(void)unused;
	for (size_t i = 0; i < COUNT_OF(rows); i++)
		assert_string_equal(number(rows[i].d), rows[i].want);
}

/* The quick way for a few digits behind the point is no other text. */
static void
test_scores_are_those_of_printf(void **unused)
{
	uint64_t chance = 1;
	char want[40];

	(void)unused;
	for (int i = 0; i < 200000; i++) {
		double d,
		    scale = (double[]){ 1, 8, 10, 1e3, 1e5, 64e3, 1e6, 1e7,
			    3 }[i % 9];

		chance = chance * 6364136223846793005 + 1442695040888963407;
		d = (double)((int64_t)chance >> (24 + i % 30)) / scale;
		for (int digits = 15; digits <= 17; digits++) {
			snprintf(want, sizeof want, "%.*g", digits, d);
			if (strtod(want, NULL) == d)
				break;
		}
		if (d == (double)(int64_t)d)
			snprintf(want, sizeof want, "%lld", (long long)d);
		assert_string_equal(number(d), want);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
		    test_every_byte, setup, teardown),
		cmocka_unit_test_setup_teardown(
		    test_utf8_over_all_cuts, setup, teardown),
		cmocka_unit_test_setup_teardown(
		    test_what_was_no_utf8_is_counted, setup, teardown),
		cmocka_unit_test_setup_teardown(test_much, setup, teardown),
		cmocka_unit_test_setup_teardown(test_base64, setup, teardown),
		cmocka_unit_test_setup_teardown(test_scores, setup, teardown),
		cmocka_unit_test_setup_teardown(
		    test_scores_are_those_of_printf, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
