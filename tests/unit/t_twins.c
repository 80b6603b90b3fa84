/*
 * t_twins.c -- names that come twice are noticed, in memory with an end.
 *
 * Goal of this test: while there is room, every pair is found and nothing else
 * is taken for one; when there is none, a share of the names is still looked at,
 * and that share finds its pairs.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "stages/keys/twins.h"

/* Add "key:N" of a database: was it there? */
static bool
add(struct twins *t, uint64_t db, unsigned n)
{
	char key[32];
	bool twin;
	struct err e;

	snprintf(key, sizeof key, "key:%u", n);
	assert_true(twins_add(t, db, key, strlen(key), &twin, &e));
	return twin;
}

static void
all_pairs_while_there_is_room(void **state)
{
	struct twins t;

	(void)state;
	twins_init(&t, (size_t)1 << 20); /* 131072 slots */
	for (unsigned n = 0; n < 90000; n++)
		assert_false(add(&t, 0, n));
	for (unsigned n = 0; n < 90000; n += 97)
		assert_true(add(&t, 0, n));
	assert_false(add(&t, 1, 0)); /* another database */
	assert_false(add(&t, UINT64_C(1) << 40, 0));
	assert_true(add(&t, 1, 0));
	assert_int_equal(t.level, 0);
	twins_release(&t);
}

static void
names_are_bytes(void **state)
{
	struct twins t;
	struct err e;
	bool twin;

	(void)state;
	twins_init(&t, 64);
	assert_true(twins_add(&t, 0, "", 0, &twin, &e) && !twin);
	assert_true(twins_add(&t, 0, "\0", 1, &twin, &e) && !twin);
	assert_true(twins_add(&t, 0, "\0\0", 2, &twin, &e) && !twin);
	assert_true(twins_add(&t, 0, "\0", 1, &twin, &e) && twin);
	assert_true(twins_add(&t, 0, "", 0, &twin, &e) && twin);
	twins_release(&t);
}

static void
a_share_when_it_is_full(void **state)
{
	enum { NAMES = 300000 };
	struct twins t;
	unsigned found = 0, share;

	(void)state;
	twins_init(&t, (size_t)1 << 17); /* 16384 slots */
	for (unsigned n = 0; n < NAMES; n++)
		assert_false(add(&t, 0, n));
	assert_in_range(t.level, 2, 3);
	assert_true(t.n <= t.cap && t.cap <= 16384);
	share = 1u << 2 * t.level;
	for (unsigned n = 0; n < NAMES; n++)
		found += add(&t, 0, n);
	assert_in_range(found, NAMES / share * 9 / 10, NAMES / share * 11 / 10);
	twins_release(&t);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_pairs_while_there_is_room),
		cmocka_unit_test(names_are_bytes),
		cmocka_unit_test(a_share_when_it_is_full),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
