/*
 * Goal: a data set is suspect exactly when guard.h says so, at the very
 * borders and for numbers of any size.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "pipeline/guard.h"

static void
judged(void **state)
{
	static const struct {
		struct guard guard;
		struct guard_size now, last;
		bool first, good;
		const char *why;
	} cases[] = {
		{ { 0, 0 }, { 0, 0 }, { 9, 9 }, false, true, "" },
		{ { 1, 0 }, { 0, 9 }, { 0, 0 }, true, false,
		    "0 keys are fewer than the 1 there must be" },
		{ { 5, 0 }, { 5, 9 }, { 0, 0 }, true, true, "" },
		{ { 5, 50 }, { 4, 9 }, { 4, 9 }, false, false,
		    "4 keys are fewer than the 5 there must be" },
		{ { 0, 50 }, { 0, 0 }, { 0, 0 }, true, true, "" },
		{ { 0, 50 }, { 0, 0 }, { 0, 0 }, false, true, "" },
		{ { 0, 50 }, { 50, 50 }, { 100, 100 }, false, true, "" },
		{ { 0, 50 }, { 49, 50 }, { 100, 100 }, false, false,
		    "49 keys are more than 50% less than the 100 of the last "
		    "good backup" },
		{ { 0, 50 }, { 2, 9 }, { 5, 9 }, false, false,
		    "2 keys are more than 50% less than the 5 of the last good "
		    "backup" },
		{ { 0, 50 }, { 3, 9 }, { 5, 9 }, false, true, "" },
		{ { 0, 50 }, { 9, 4 }, { 9, 9 }, false, false,
		    "4 bytes of RDB are more than 50% less than the 9 of the "
		    "last good backup" },
		{ { 0, 1 }, { 98, 9 }, { 100, 9 }, false, false, NULL },
		{ { 0, 1 }, { 99, 9 }, { 100, 9 }, false, true, "" },
		{ { 0, 99 }, { 1, 9 }, { 100, 9 }, false, true, "" },
		{ { 0, 99 }, { 0, 9 }, { 1, 9 }, false, false, NULL },
		{ { 0, 50 }, { INT64_MAX / 2 + 1, 9 }, { INT64_MAX, 9 }, false,
		    true, "" },
		{ { 0, 50 }, { INT64_MAX / 2, 9 }, { INT64_MAX, 9 }, false,
		    false, NULL },
		{ { 0, 50 }, { UINT64_MAX, 9 }, { 1, 9 }, false, true, "" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		char why[GUARD_TEXT_LEN] = "";
		bool good = guard_judge(&cases[i].guard, &cases[i].now,
		    cases[i].first ? NULL : &cases[i].last, why);

		if (good != cases[i].good)
			fail_msg("case %zu: %s", i, why);
		if (cases[i].why != NULL)
			assert_string_equal(why, cases[i].why);
	}
}

static void
shares(void **state)
{
	static const char *const bad[] = { "", "%", "0%", "00%", "100%", "50",
		"50 %", "-5%", "5.5%", "050%", "50%%", "a%" };
	unsigned n;
	struct err e;

	(void)state;
	assert_true(guard_share("1%", &n, &e));
	assert_int_equal(n, 1);
	assert_true(guard_share("99%", &n, &e));
	assert_int_equal(n, 99);
	for (size_t i = 0; i < COUNT_OF(bad); i++) {
		if (guard_share(bad[i], &n, &e))
			fail_msg("\"%s\" was taken", bad[i]);
		assert_int_equal(e.kind, ERR_USAGE);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(judged),
		cmocka_unit_test(shares),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
