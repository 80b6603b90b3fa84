/* Goal: hash128 is XXH3-128 as everybody else computes it, however it is
 * fed, and addition carries. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "rdb/hash128.h"

static const char *
hex_of(struct hash128_sum sum)
{
	static char text[2 * HASH128_LEN + 1];
	uint8_t out[HASH128_LEN];

	hash128_put(sum, out);
	for (int i = 0; i < HASH128_LEN; i++)
		snprintf(text + 2 * i, 3, "%02x", out[i]);
	return text;
}

/* What `xxhsum -H128` 0.8.1 prints for these. */
static void
test_known(void **unused)
{
	(void)unused;
	assert_string_equal(
	    hex_of(hash128_of("", 0)), "99aa06d3014798d86001c324468d497f");
	assert_string_equal(hex_of(hash128_of("123456789", 9)),
	    "33119477ede5dcd5e9716427681d5860");
}

static void
test_cuts(void **unused)
{
	uint8_t data[2000];
	struct hash128 h;
	struct hash128_sum whole, parts;

	(void)unused;
	for (size_t i = 0; i < sizeof data; i++)
		data[i] = (uint8_t)(i * 31 + i / 256);
	for (size_t n = 0; n <= sizeof data; n += 37) {
		whole = hash128_of(data, n);
		for (size_t step = 1; step < 300; step += 13) {
			hash128_init(&h);
			for (size_t i = 0; i < n; i += step)
				hash128_update(
				    &h, data + i, n - i < step ? n - i : step);
			parts = hash128_final(&h);
			assert_memory_equal(&whole, &parts, sizeof whole);
		}
	}
}

/* A state may begin at any address. */
static void
test_alignment(void **unused)
{
	static uint8_t room[sizeof(struct hash128) + 64];
	struct hash128_sum want = hash128_of("0123456789", 10), got;

	(void)unused;
	for (size_t i = 0; i < 64; i++) {
		struct hash128 *h = (struct hash128 *)(room + i);

		hash128_init(h);
		hash128_update(h, "01234", 5);
		hash128_update(h, "56789", 5);
		got = hash128_final(h);
		assert_memory_equal(&want, &got, sizeof want);
	}
}

static void
test_add(void **unused)
{
	struct hash128_sum a = { 1, UINT64_MAX };

	(void)unused;
	hash128_add(&a, (struct hash128_sum){ 2, 1 });
	assert_int_equal(a.hi, 4);
	assert_int_equal(a.lo, 0);
	a = (struct hash128_sum){ UINT64_MAX, UINT64_MAX };
	hash128_add(&a, a);
	assert_int_equal(a.hi, UINT64_MAX);
	assert_int_equal(a.lo, UINT64_MAX - 1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_known),
		cmocka_unit_test(test_cuts),
		cmocka_unit_test(test_alignment),
		cmocka_unit_test(test_add),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
