/*
 * t_whole.c -- what proves itself complete, and what never does.
 *
 * Goal of this test: every prefix of a whole stream is refused, however it is
 * cut; so is every stream with something behind its end; and the words say
 * which.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "rdb/crc64.h"
#include "stages/codec/zstd.h"
#include "stages/kit/whole.h"
#include "tests/harness/memory.h"

/* Feed in chunks; true when whole. */
static bool
is_whole(const uint8_t *p, size_t len, size_t chunk, struct err *e)
{
	struct whole w;
	struct span all = { p, len };

	whole_init(&w);
	while (all.len > 0)
		if (!whole_feed(&w,
			span_take(&all, all.len < chunk ? all.len : chunk), e))
			return false;
	return whole_end(&w, e);
}

static const size_t chunks[] = { 1, 2, 3, 7, 64, 4096 };

/* Every proper prefix is refused, the whole is not, whatever the chunks. */
static void
check_prefixes(const uint8_t *p, size_t len, bool (*good)(size_t cut))
{
	for (size_t c = 0; c < COUNT_OF(chunks); c++)
		for (size_t cut = 0; cut <= len; cut++) {
			struct err e;
			bool want = cut == len || (good && good(cut));

			if (is_whole(p, cut, chunks[c], &e) != want)
				fail_msg("chunk %zu, %zu of %zu bytes: %s",
				    chunks[c], cut, len,
				    want ? e.text : "whole");
			if (!want)
				assert_int_equal(e.kind, ERR_DATA);
		}
}

/* A stream with one key, "k" = "v", of some version; its length. */
static size_t
rdb_make(uint8_t *to, const char *magic, bool crc)
{
	static const uint8_t body[] = { 0xfe, 0, 0, 1, 'k', 1, 'v', 0xff };
	size_t len = strlen(magic);
	uint64_t sum;

	memcpy(to, magic, len);
	memcpy(to + len, body, sizeof body);
	len += sizeof body;
	sum = crc ? crc64_rdb(0, to, len) : 0;
	for (int i = 0; i < 8; i++)
		to[len++] = (uint8_t)(sum >> 8 * i);
	return len;
}

static void
rdb_streams(void **state)
{
	uint8_t p[128];
	size_t len;
	struct err e;

	(void)state;
	len = rdb_make(p, "REDIS0010", true);
	check_prefixes(p, len, NULL);
	check_prefixes(p, rdb_make(p, "VALKEY080", true), NULL);
	check_prefixes(p, rdb_make(p, "REDIS0010", false), NULL);

	len = rdb_make(p, "REDIS0010", true);
	p[len - 9] = 0xfd; /* the end mark */
	assert_false(is_whole(p, len, 7, &e));
	rdb_make(p, "REDIS0010", true);
	p[15] ^= 1; /* the value */
	assert_false(is_whole(p, len, 7, &e));
	assert_memory_equal(e.text, "offset 17: RDB checksum is ", 27);
	p[15] ^= 1;
	assert_true(is_whole(p, len, 7, &e));
}

static void
rdb_tails(void **state)
{
	static const char mark[] = "0123456789abcdef0123456789abcdef01234567";
	uint8_t p[128];
	size_t len = rdb_make(p, "REDIS0010", true);
	struct err e;

	(void)state;
	memcpy(p + len, mark, 40);
	for (size_t c = 0; c < COUNT_OF(chunks); c++) {
		assert_true(is_whole(p, len + 40, chunks[c], &e));
		for (size_t n = 1; n < 40; n++) {
			assert_false(is_whole(p, len + n, chunks[c], &e));
			assert_non_null(
			    strstr(e.text, " behind the end of the RDB"));
		}
		p[len + 40] = '0';
		assert_false(is_whole(p, len + 41, chunks[c], &e));
		assert_string_equal(
		    e.text, "offset 65: bytes behind the end of the RDB");
		p[len + 5] = 'G';
		assert_false(is_whole(p, len + 40, chunks[c], &e));
		assert_string_equal(
		    e.text, "offset 30: bytes behind the end of the RDB");
		p[len + 5] = '5';
	}
}

/* One zstd frame of n bytes. */
static size_t
zstd_make(uint8_t *to, size_t cap, size_t n, int level, bool sized)
{
	struct zstd_pack_how how = { level, 0, sized ? n : SIZE_UNKNOWN };
	struct memory_sink out;
	struct err e;
	uint8_t *plain = malloc(n + 1);
	struct filter *f = zstd_pack_new(&how, &e);
	size_t len;

	for (size_t i = 0; i < n; i++)
		plain[i] = (uint8_t)(i % 5 < 2 ? i * i : 'x');
	memory_sink_init(&out);
	assert_true(memory_pump(f, plain, n, 1000, 1000, &out, &e));
	assert_true(out.len <= cap);
	memcpy(to, out.got, len = out.len);
	memory_sink_release(&out);
	filter_free(f);
	free(plain);
	return len;
}

static size_t first_frame;

static bool
at_a_seam(size_t cut)
{
	return cut == first_frame || cut == first_frame + 11;
}

static void
zstd_streams(void **state)
{
	static uint8_t p[400000];
	uint8_t skippable[] = { 0x5a, 0x2a, 0x4d, 0x18, 3, 0, 0, 0, 1, 2, 3 };
	struct err e;
	size_t len;

	(void)state;
	check_prefixes(p, zstd_make(p, sizeof p, 700, 3, false), NULL);
	check_prefixes(p, zstd_make(p, sizeof p, 700, 3, true), NULL);
	/* Nothing, compressed: what is left of a producer that died. */
	len = zstd_make(p, sizeof p, 0, 1, true);
	assert_false(is_whole(p, len, 1, &e));
	assert_string_equal(e.text, "the zstd frames hold nothing");
	assert_false(is_whole(skippable, sizeof skippable, 64, &e));
	assert_string_equal(e.text, "the zstd frames hold nothing");
	len = zstd_make(p, sizeof p, 400000, 1, true);
	assert_true(is_whole(p, len, 64, &e));
	assert_false(is_whole(p, len - 1, 4096, &e));
	assert_memory_equal(e.text, "cut short at offset ", 20);

	/* Frames in a row: whole at each seam, and nowhere else. */
	len = first_frame = zstd_make(p, sizeof p, 300, 3, true);
	memcpy(p + len, skippable, sizeof skippable);
	len += sizeof skippable;
	len += zstd_make(p + len, sizeof p - len, 100, 3, false);
	check_prefixes(p, len, at_a_seam);
	p[len] = 'x';
	assert_false(is_whole(p, len + 1, 64, &e));
	memcpy(p + len, "xxxx", 4);
	assert_false(is_whole(p, len + 4, 64, &e));
	assert_non_null(strstr(e.text, "bytes behind the end of a zstd frame"));
}

static void
unknown_streams(void **state)
{
	struct err e;

	(void)state;
	assert_false(is_whole((const uint8_t *)"", 0, 1, &e));
	assert_string_equal(e.text, "the input is empty");
	assert_false(is_whole((const uint8_t *)"RED", 3, 1, &e));
	assert_string_equal(
	    e.text, "the input has only 3 bytes, too few for any format");
	assert_false(
	    is_whole((const uint8_t *)"age-encryption.org/v1", 21, 4, &e));
	assert_non_null(strstr(e.text, "--trust-eof"));
}

/* The filter: trust covers unknown formats, never a known one cut short. */
static void
trust(void **state)
{
	static const struct {
		const char *bytes;
		size_t len;
		bool trust, want;
	} rows[] = {
		{ "hello", 5, false, false },
		{ "hello", 5, true, true },
		{ "", 0, true, true },
		{ "hi", 2, true, true },
		{ "REDIS0010\xff", 10, true, false },
		{ "\x28\xb5\x2f\xfd\x00", 5, true, false },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct memory_sink to;
		struct err e;
		struct filter *f = whole_filter_new(rows[i].trust, &e);

		memory_sink_init(&to);
		assert_int_equal(
		    memory_pump(f, rows[i].bytes, rows[i].len, 1, 1, &to, &e),
		    rows[i].want);
		assert_int_equal(to.committed, rows[i].want);
		memory_sink_release(&to);
		filter_free(f);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rdb_streams),
		cmocka_unit_test(rdb_tails),
		cmocka_unit_test(zstd_streams),
		cmocka_unit_test(unknown_streams),
		cmocka_unit_test(trust),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
