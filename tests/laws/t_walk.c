/*
 * t_walk.c -- the walker's two promises, for every stream and every cut.
 *
 * Goal of this test: for each stream we can build and each real dump there is
 * (in ../shared/corpus, where that exists), the runs laid end to end are the
 * stream, and the items are the same whether it was walked whole, byte by
 * byte, in chunks of 2, 3, 7, 64 and 4096 bytes, or cut in two anywhere.
 * Labels and numbers are what the bytes say.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "rdb/shape.h"
#include "tests/harness/corpus.h"
#include "tests/harness/items.h"
#include "tests/harness/streams.h"

#define CUT_ANYWHERE 6000 /* streams up to this size are cut in two anywhere */

static void
same(const char *name, const struct items *whole, const uint8_t *p, size_t len,
    size_t first, size_t size)
{
	struct items cut;
	const char *differs;

	items_walk(&cut, p, len, first, size);
	differs = items_differ(whole, &cut);
	if (differs != NULL)
		fail_msg("%s: cut at %zu, then by %zu: %s (%s / %s)", name,
		    first, size, differs, whole->words, cut.words);
	items_release(&cut);
}

/* Both promises; the items of the whole are left for the caller. */
static void
law(const char *name, const uint8_t *p, size_t len, struct items *whole)
{
	static const size_t sizes[] = { 1, 2, 3, 7, 64, 4096 };

	items_walk(whole, p, len, len, len);
	if (whole->broken != NULL)
		fail_msg("%s: %s", name, whole->broken);
	for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
		same(name, whole, p, len, sizes[i], sizes[i]);
	for (size_t at = 1; len <= CUT_ANYWHERE && at < len; at++)
		same(name, whole, p, len, at, len);
}

static void
built_streams(void **state)
{
	struct stream s;
	struct items l;

	(void)state;
	for (size_t i = 0; i < streams_count(); i++) {
		const char *name = streams_make(i, &s);

		law(name, s.ptr, s.len, &l);
		if (l.got != RDB_END)
			fail_msg("%s: %s", name, l.words);
		assert_int_equal(rdb_walk_rest(&l.walk), 0);
		if (s.version >= 5)
			assert_true(l.v[l.n - 1].num == l.walk.crc);
		else
			assert_true(l.v[l.n - 1].num == 0);
		items_release(&l);
		stream_release(&s);
	}
}

/* Mark the types and opcodes that begin an item. */
static void
rows_mark(const struct items *l, const uint8_t *p, bool seen[256])
{
	for (size_t i = 0; i < l->n; i++)
		switch (l->v[i].label) {
		case RDB_HEADER:
		case RDB_AUX_VALUE:
		case RDB_KEY:
		case RDB_VALUE:
			break;
		default:
			seen[p[l->v[i].at]] = true;
		}
}

/* All rows of both tables that can be walked are in some built stream. */
static void
built_streams_have_all_rows(void **state)
{
	bool seen[2][256] = { { false } };
	struct stream s;
	struct items l;

	(void)state;
	for (size_t i = 0; i < streams_count(); i++) {
		streams_make(i, &s);
		items_walk(&l, s.ptr, s.len, s.len, s.len);
		rows_mark(&l, s.ptr, seen[l.walk.valkey]);
		items_release(&l);
		stream_release(&s);
	}
	for (unsigned v = 0; v < 2; v++)
		for (unsigned t = 0; t < 256; t++)
			if (seen[v][t] != (shape_rows(v)[t].shape != NULL))
				fail_msg("%u of dialect %u", t, v);
}

/* What follows the end is left alone, and counted. */
static void
bytes_behind_the_end(void **state)
{
	struct stream s;
	struct items l;

	(void)state;
	streams_make(1, &s);
	stream_bytes(&s, "*1\r\n$4\r\nPING\r\n", 14);
	law("with a command behind it", s.ptr, s.len, &l);
	assert_int_equal(l.got, RDB_END);
	assert_int_equal(l.walk.at, s.len - 14);
	items_release(&l);
	stream_release(&s);
}

static void
labels_and_numbers(void **state)
{
	static const struct {
		enum rdb_label label;
		uint64_t num;
	} want[] = {
		{ RDB_HEADER, 0 },
		{ RDB_AUX_NAME, 0 },
		{ RDB_AUX_VALUE, 0 },
		{ RDB_FUNCTION, 0 },
		{ RDB_SELECT, 300 },
		{ RDB_RESIZE, 70000 },
		{ RDB_SLOT, 16383 },
		{ RDB_EXPIRE, 1900000000000 },
		{ RDB_IDLE, 100000 },
		{ RDB_TYPE, 1 },
		{ RDB_KEY, 0 },
		{ RDB_VALUE, 0 },
		{ RDB_EXPIRE, (uint64_t)-1000 },
		{ RDB_FREQ, 255 },
		{ RDB_META, 0 },
		{ RDB_OTHER, 7 },
		{ RDB_TYPE, 0 },
		{ RDB_KEY, 0 },
		{ RDB_VALUE, 0 },
		{ RDB_EXPIRE, 1 },
		{ RDB_TRAILER, 0 },
	};
	static const char bytes[] = "REDIS0012"
				    "\xfa\1n\1v"
				    "\xf5\3lib"
				    "\xfe\x41\x2c"
				    "\xfb\x80\0\1\x11\x70\0"
				    "\xf4\x7f\xff\0\0"
				    "\xfc\0\x38\xd3\x60\xba\1\0\0"
				    "\xf8\x80\0\1\x86\xa0"
				    "\1\1k\0"
				    "\xfd\xff\xff\xff\xff"
				    "\xf9\xff"
				    "\xf3\0"
				    "\x6b\7"
				    "\0\1k\1v"
				    "\xfc\1\0\0\0\0\0\0\0"
				    "\xff\0\0\0\0\0\0\0\0";
	struct items l;

	(void)state;
	law("by hand", (const uint8_t *)bytes, sizeof bytes - 1, &l);
	assert_string_equal(l.words, "");
	assert_int_equal(l.n, sizeof want / sizeof *want);
	for (size_t i = 0; i < l.n; i++) {
		assert_int_equal(l.v[i].label, want[i].label);
		assert_true(l.v[i].num == want[i].num);
	}
	items_release(&l);
}

/* The dialect decides what a number means. */
static void
dialects(void **state)
{
	(void)state;
	assert_string_equal(rdb_type_name(22, false), "hash-metadata-pre-ga");
	assert_string_equal(rdb_type_name(22, true), "hash-2");
	assert_string_equal(rdb_type_name(28, false), "array");
	assert_null(rdb_type_name(28, true));
	assert_null(rdb_type_name(6, false));
	assert_null(rdb_type_name(255, false));
	assert_null(rdb_type_name(256, false));
}

/* One real dump: as the corpus's README says it should be. */
static void
real_dump(const char *path, uint8_t *p, size_t len)
{
	struct items l;

	law(path, p, len, &l);
	if (strstr(path, "future_v19") != NULL) {
		assert_int_equal(l.got, RDB_BAD);
	} else {
		uint64_t crc = l.v[l.n - 1].num;
		bool differs = strstr(path, "invalid_chksum") != NULL;

		if (l.got != RDB_END)
			fail_msg("%s: %s", path, l.words);
		if (crc != 0 && (crc != l.walk.crc) != differs)
			fail_msg("%s: CRC", path);
	}
	items_release(&l);
	free(p);
}

static void
real_dumps(void **state)
{
	struct corpus corpus;
	size_t len;

	(void)state;
	corpus_open(&corpus);
	for (size_t i = 0; i < corpus.n; i++) {
		uint8_t *p = corpus_read(&corpus, i, &len);

		real_dump(corpus.path[i], p, len);
	}
	print_message("%zu real dumps\n", corpus.n);
	corpus_close(&corpus);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(built_streams),
		cmocka_unit_test(built_streams_have_all_rows),
		cmocka_unit_test(bytes_behind_the_end),
		cmocka_unit_test(labels_and_numbers),
		cmocka_unit_test(dialects),
		cmocka_unit_test(real_dumps),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
