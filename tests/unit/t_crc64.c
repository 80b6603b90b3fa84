/* t_crc64.c -- the CRC64s: check values, pieces, and a slow twin. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "rdb/crc64.h"

/* Bit by bit, with a reflected polynomial. */
static uint64_t
slow(uint64_t poly, uint64_t crc, const uint8_t *p, size_t len)
{
	for (; len > 0; len--) {
		crc ^= *p++;
		for (int bit = 0; bit < 8; bit++)
			crc = crc & 1 ? crc >> 1 ^ poly : crc >> 1;
	}
	return crc;
}

static void
check_values(void **state)
{
	(void)state;
	assert_true(crc64_rdb(0, "123456789", 9) == 0xe9c6d914c4b8d9ca);
	assert_true(crc64_xz(0, "123456789", 9) == 0x995dc9bbdf1939fa);
	assert_true(crc64_nvme(0, "123456789", 9) == 0xae8b14860a799888);
	assert_true(crc64_nvme(0, NULL, 0) == 0);
	assert_true(crc64_rdb(0, NULL, 0) == 0);
	assert_true(crc64_xz(0, NULL, 0) == 0);
	assert_true(crc64_rdb(7, NULL, 0) == 7);
}

/* Every length up to some blocks, in two pieces, against the slow ones. */
static void
all_lengths(void **state)
{
	uint8_t p[600];

	(void)state;
	for (size_t i = 0; i < sizeof p; i++)
		p[i] = (uint8_t)(i * 131 + i / 7);
	for (size_t len = 0; len <= sizeof p; len++) {
		size_t cut = len * 7 / 13;
		uint64_t rdb = slow(0x95ac9329ac4bc9b5, 0, p, len);
		uint64_t xz = ~slow(0xc96c5795d7870f42, ~0ull, p, len);
		uint64_t nvme = ~slow(0x9a6c9329ac4bc9b5, ~0ull, p, len);

		assert_true(crc64_rdb(0, p, len) == rdb);
		assert_true(crc64_xz(0, p, len) == xz);
		assert_true(crc64_nvme(0, p, len) == nvme);
		assert_true(crc64_nvme(crc64_nvme(0, p, cut), p + cut,
				len - cut) == nvme);
		assert_true(
		    crc64_nvme_join(crc64_nvme(0, p, cut),
			crc64_nvme(0, p + cut, len - cut), len - cut) == nvme);
		assert_true(
		    crc64_rdb(crc64_rdb(0, p, cut), p + cut, len - cut) == rdb);
		assert_true(
		    crc64_xz(crc64_xz(0, p, cut), p + cut, len - cut) == xz);
	}
}

/* Any two stretches joined are what the whole gives; the numbers are those
 * the official clients' tests use, the last one is a MiB of zeros. */
static void
joined(void **state)
{
	uint8_t p[300];
	uint64_t crc, whole, len = 1;

	(void)state;
	for (size_t i = 0; i < sizeof p; i++)
		p[i] = (uint8_t)(i * 7 + i / 3);
	whole = crc64_xz(0, p, sizeof p);
	for (size_t cut = 0; cut <= sizeof p; cut++)
		assert_true(crc64_xz_join(crc64_xz(0, p, cut),
				crc64_xz(0, p + cut, sizeof p - cut),
				sizeof p - cut) == whole);
	assert_true(crc64_xz_join(1796661072844795914u, 4472352582074980600u,
			5) == 5981764153023615706u);
	for (crc = crc64_xz(0, "", 1); len < 1024 * 1024; len *= 2)
		crc = crc64_xz_join(crc, crc, len);
	assert_true(crc == 6947770692288575170u);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(check_values),
		cmocka_unit_test(all_lengths),
		cmocka_unit_test(joined),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
