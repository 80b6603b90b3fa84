/*
 * Goal: parts grow so that 10,000 of them reach 1.7 TiB from 16 MiB, no size
 * is one that a store refuses, and what cannot be reached is said before the
 * first byte, not at part 10,001.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "stages/store/schedule.h"

#define GIB ((uint64_t)1 << 30)
#define TIB ((uint64_t)1 << 40)

static struct schedule
made(struct schedule_want w)
{
	struct schedule s;
	struct err e;

	assert_true(schedule_init(&s, &w, &e));
	return s;
}

static void
defaults(void **state)
{
	struct schedule s = made((struct schedule_want){ 0 });
	uint64_t sum = 0;

	(void)state;
	assert_int_equal(schedule_size(&s, 1), 16 * SCHEDULE_MIB);
	assert_int_equal(schedule_size(&s, 1000), 16 * SCHEDULE_MIB);
	assert_int_equal(schedule_size(&s, 1001), 24 * SCHEDULE_MIB);
	assert_int_equal(schedule_size(&s, 3489), 54 * SCHEDULE_MIB);
	assert_int_equal(schedule_size(&s, 10000), 616 * SCHEDULE_MIB);
	assert_int_equal(schedule_size(&s, 10001), 0);
	assert_int_equal(schedule_size(&s, 0), 0);
	for (unsigned n = 1; n <= 10000; n++) {
		uint64_t size = schedule_size(&s, n);

		assert_true(size >= (n > 1 ? schedule_size(&s, n - 1) : 0));
		assert_true(size % SCHEDULE_MIB == 0);
		sum += size;
		assert_true(n % 997 != 0 || schedule_reach(&s, n) == sum);
	}
	assert_true(sum == schedule_reach(&s, 10000));
	assert_true(sum >= 17 * TIB / 10 && sum < 18 * TIB / 10);
	assert_true(schedule_reach(&s, 3488) < 100 * GIB);
	assert_true(schedule_reach(&s, 3489) >= 100 * GIB);
}

/* From every first size a store takes, and for every number of parts, no
 * part is outside what it takes, and none is smaller than one before it. */
static void
limits(void **state)
{
	const uint64_t first[] = { SCHEDULE_PART_MIN, SCHEDULE_PART_MIN + 1,
		5 * SCHEDULE_MIB, 64 * SCHEDULE_MIB, GIB, SCHEDULE_PART_MAX - 1,
		SCHEDULE_PART_MAX };
	const unsigned parts[] = { 1, 2, 9, 10, 11, 19, 1000, 9999, 10000 };

	(void)state;
	for (size_t i = 0; i < sizeof first / sizeof *first; i++)
		for (size_t k = 0; k < sizeof parts / sizeof *parts; k++) {
			struct schedule s = made((struct schedule_want){
			    .part = first[i], .parts = parts[k] });
			uint64_t last = 0;

			for (unsigned n = 1; n <= parts[k]; n++) {
				uint64_t size = schedule_size(&s, n);

				assert_true(size >= last && size >= first[i]);
				assert_true(size <= SCHEDULE_PART_MAX);
				last = size;
			}
			assert_int_equal(schedule_size(&s, parts[k] + 1), 0);
		}
}

static void
equal_parts(void **state)
{
	struct schedule s =
	    made((struct schedule_want){ .part = SCHEDULE_MIB, .equal = true });

	(void)state;
	assert_int_equal(schedule_size(&s, 1), SCHEDULE_MIB);
	assert_int_equal(schedule_size(&s, 10000), SCHEDULE_MIB);
	assert_true(schedule_reach(&s, 10000) == 10000 * SCHEDULE_MIB);
}

/* What is expected, and a fifth more, fits without growing. */
static void
expected(void **state)
{
	const uint64_t sizes[] = { 1, 16 * SCHEDULE_MIB, 100 * GIB, TIB,
		10 * TIB, 35 * TIB };

	(void)state;
	for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
		struct schedule s = made((struct schedule_want){
		    .expect = sizes[i], .equal = true });

		assert_true(schedule_reach(&s, 10000) >= sizes[i] / 100 * 120);
		s = made((struct schedule_want){
		    .expect = sizes[i], .parts = 10000 });
		assert_true(s.first >= SCHEDULE_PART);
	}
	assert_int_equal(
	    made((struct schedule_want){ .expect = GIB }).first, SCHEDULE_PART);
	assert_int_equal(
	    made((struct schedule_want){ .expect = TIB, .part = GIB }).first,
	    GIB);
}

static void
refused(void **state)
{
	const struct {
		struct schedule_want want;
		const char *text;
	} cases[] = {
		{ { .part = SCHEDULE_PART_MIN - 1 },
		    "a part has 1 MiB to 5 GiB, not 1048575 bytes" },
		{ { .part = SCHEDULE_PART_MAX + 1 },
		    "a part has 1 MiB to 5 GiB, not 5368709121 bytes" },
		{ { .part = SCHEDULE_MIB,
		      .equal = true,
		      .expect = 10000 * SCHEDULE_MIB + 1 },
		    "10000 parts from 1048576 bytes reach 10485760000 bytes, "
		    "not the 10485760001 that are expected" },
		{ { .parts = 2, .expect = 11 * GIB },
		    "2 parts from 5368709120 bytes reach 10737418240 bytes, "
		    "not the 11811160064 that are expected" },
		{ { .expect = UINT64_MAX, .parts = 1 },
		    "1 parts from 5368709120 bytes reach 5368709120 bytes, "
		    "not the 18446744073709551615 that are expected" },
	};
	struct schedule s;
	struct err e;

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		assert_false(schedule_init(&s, &cases[i].want, &e));
		assert_int_equal(e.kind, ERR_USAGE);
		assert_string_equal(e.text, cases[i].text);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(defaults),
		cmocka_unit_test(limits),
		cmocka_unit_test(equal_parts),
		cmocka_unit_test(expected),
		cmocka_unit_test(refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
