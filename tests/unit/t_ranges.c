/*
 * Goal: an object read in ranges is the object, in order, however slow some of
 * them are; bytes that are not what the store has are never lent to the end.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "stages/store/crew.h"
#include "stages/store/pace.h"
#include "stages/store/ranges.h"
#include "tests/harness/fakecloud.h"

#define RANGE 5000

static uint8_t bytes[20 * RANGE + 77];

static struct source *
begin(unsigned threads, struct err *e)
{
	struct ranges_from from = { .key = "k",
		.url = "cos://b-1/k",
		.threads = threads,
		.size = RANGE };

	return ranges_new(&from, e);
}

/* Read all; *got is how much was lent, and it is right. */
static bool
get(unsigned threads, size_t *got, struct err *e)
{
	struct source *s = begin(threads, e);
	struct span c;
	bool ok = s != NULL;

	*got = 0;
	while (ok && (ok = source_next(s, &c, e)) && c.len > 0) {
		assert_true(*got + c.len <= sizeof bytes);
		assert_memory_equal(c.ptr, bytes + *got, c.len);
		*got += c.len;
	}
	source_free(s);
	assert_int_equal(fake.lines, 0);
	return ok;
}

static void
lengths(void **state)
{
	const size_t lens[] = { 0, 1, RANGE - 1, RANGE, RANGE + 1, 2 * RANGE,
		7 * RANGE + 3, sizeof bytes };
	size_t got;
	struct err e;

	(void)state;
	for (size_t i = 0; i < sizeof lens / sizeof *lens; i++)
		for (unsigned n = 1; n <= CREW_THREADS_MAX; n *= 2) {
			fake_reset();
			fake_object(bytes, lens[i]);
			fake.delay_ms = n == 4 ? 3 : 0;
			assert_true(get(n, &got, &e));
			assert_int_equal(got, lens[i]);
			assert_int_equal(fake.calls[FAKE_GET],
			    (lens[i] + RANGE - 1) / RANGE);
			assert_true(fake.busy_most <= n);
		}
}

static void
side_by_side(void **state)
{
	size_t got;
	struct err e;

	(void)state;
	fake_reset();
	fake_object(bytes, sizeof bytes);
	fake.delay_ms = 10;
	assert_true(get(0, &got, &e));
	assert_in_range(fake.busy_most, 2, RANGES_THREADS);
}

static void
every_failure(void **state)
{
	const unsigned ranges = (sizeof bytes + RANGE - 1) / RANGE;
	size_t got;
	struct err e;

	(void)state;
	for (unsigned nth = 1; nth <= ranges; nth++) {
		fake_reset();
		fake_object(bytes, sizeof bytes);
		fake.fail_at[FAKE_GET] = nth;
		assert_false(get(4, &got, &e));
		assert_string_equal(e.text, "it failed");
		assert_true(got < sizeof bytes);
	}
	fake_reset();
	fake_object(bytes, sizeof bytes);
	fake.fail_at[FAKE_HEAD] = 1; /* a byte will do */
	assert_true(get(4, &got, &e));
	fake_reset();
	fake_object(bytes, sizeof bytes);
	fake.fail_at[FAKE_HEAD] = fake.fail_at[FAKE_GET] = 1;
	assert_false(get(4, &got, &e));
	for (unsigned nth = 1; nth <= 3; nth++) {
		fake_reset();
		fake_object(bytes, sizeof bytes);
		fake.fail_at[FAKE_LINE] = nth;
		assert_false(get(4, &got, &e));
	}
}

static void
refused(void **state)
{
	size_t got;
	struct err e;

	(void)state;
	fake_reset();
	assert_false(get(4, &got, &e));
	assert_int_equal(e.kind, ERR_REMOTE);
	assert_string_equal(e.text, "it is not there");
	fake_reset();
	fake_object(bytes, 10);
	fake.archived = "DEEP_ARCHIVE";
	assert_false(get(4, &got, &e));
	assert_string_equal(e.text,
	    "cos://b-1/k is archived (DEEP_ARCHIVE): it must be restored "
	    "before it can be read");
	/* A range that ended early and nobody noticed. */
	fake_reset();
	fake_object(bytes, sizeof bytes);
	fake.damages = true;
	assert_false(get(1, &got, &e));
	assert_string_equal(
	    e.text, "cos://b-1/k: 4999 bytes at 0, asked for were 5000");
}

/* The last range is not lent when the whole is not what the store has. */
static void
wrong_checksum(void **state)
{
	struct source *s;
	struct span c;
	size_t got = 0;
	struct err e;

	(void)state;
	fake_reset();
	fake_object(bytes, sizeof bytes);
	assert_non_null(s = begin(4, &e));
	fake.object[RANGE * 3] ^= 1; /* after it was looked at */
	while (source_next(s, &c, &e))
		got += c.len;
	assert_int_equal(e.kind, ERR_DATA);
	assert_non_null(strstr(e.text, "the bytes that came have CRC-64"));
	assert_true(got > 0 && got <= sizeof bytes - 77);
	source_free(s);
	fake_reset();
	fake_object(bytes, sizeof bytes);
	fake.no_crc = true;
	assert_true(get(4, &got, &e));
	assert_int_equal(got, sizeof bytes);
}

/* Freed in the middle: nothing hangs, nothing is lost. */
static void
freed(void **state)
{
	struct source *s;
	struct span c;
	struct err e;

	(void)state;
	for (int n = 0; n < 5; n++) {
		fake_reset();
		fake_object(bytes, sizeof bytes);
		fake.delay_ms = 5;
		assert_non_null(s = begin(4, &e));
		for (int i = 0; i < n; i++)
			assert_true(source_next(s, &c, &e));
		source_free(s);
		assert_int_equal(fake.lines, 0);
	}
}

/* --- pace --- */

static void
pace(void **state)
{
	struct pace p;

	(void)state;
	pace_init(&p, 8, 3);
	assert_int_equal(pace_allow(&p, 3, 1000), 8);
	assert_int_equal(pace_allow(&p, 4, 2000), 4);
	/* What was under way when it was said says nothing new. */
	assert_int_equal(pace_allow(&p, 7, 2500), 4);
	assert_int_equal(pace_allow(&p, 8, 3000), 2);
	assert_int_equal(pace_allow(&p, 9, 4000), 1);
	assert_int_equal(pace_allow(&p, 10, 5000), 1);
	/* One a minute comes back. */
	assert_int_equal(pace_allow(&p, 10, 64999), 1);
	assert_int_equal(pace_allow(&p, 10, 65000), 2);
	assert_int_equal(pace_allow(&p, 10, 66000), 2);
	for (int i = 2; i < 8; i++)
		assert_int_equal(pace_allow(&p, 10, 65000 + i * 60000), i + 1);
	assert_int_equal(pace_allow(&p, 10, 10000000), 8);
}

static int
setup(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof bytes; i++)
		bytes[i] = (uint8_t)(i * 131 + i / RANGE);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	fake_reset();
	return 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lengths),
		cmocka_unit_test(side_by_side),
		cmocka_unit_test(every_failure),
		cmocka_unit_test(refused),
		cmocka_unit_test(wrong_checksum),
		cmocka_unit_test(freed),
		cmocka_unit_test(pace),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
