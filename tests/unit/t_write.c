/*
 * t_write.c -- an RDB stream, written.
 *
 * Goal of this test: numbers at the edges of their forms have the right bytes;
 * however the bytes are taken off, they are the same and so is the CRC; what was
 * written is read back; when memory has run out nothing more is put, for good.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "rdb/crc64.h"
#include "rdb/write.h"
#include "stages/kit/cc.h"

static void
forms_of_lengths(void **state)
{
	static const struct {
		uint64_t num;
		const char *bytes;
		size_t n;
	} rows[] = {
		{ 0, "\0", 1 },
		{ 63, "\x3f", 1 },
		{ 64, "\x40\x40", 2 },
		{ 16383, "\x7f\xff", 2 },
		{ 16384, "\x80\x00\x00\x40\x00", 5 },
		{ UINT32_MAX, "\x80\xff\xff\xff\xff", 5 },
		{ UINT64_C(1) << 32, "\x81\0\0\0\x01\0\0\0\0", 9 },
		{ UINT64_MAX, "\x81\xff\xff\xff\xff\xff\xff\xff\xff", 9 },
	};
	struct rdb_write w;

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		rdb_write_init(&w);
		rdb_write_length(&w, rows[i].num);
		assert_int_equal(w.len, rows[i].n);
		assert_memory_equal(w.ptr, rows[i].bytes, w.len);
		rdb_write_release(&w);
	}
}

static void
heads_and_ends(void **state)
{
	static const struct {
		int version;
		bool valkey;
		const char *magic;
		size_t trailer;
	} rows[] = {
		{ 4, false, "REDIS0004", 1 },
		{ 5, false, "REDIS0005", 9 },
		{ 12, false, "REDIS0012", 9 },
		{ 80, true, "VALKEY080", 9 },
	};
	struct rdb_write w;

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		rdb_write_init(&w);
		rdb_write_magic(&w, rows[i].version, rows[i].valkey);
		assert_int_equal(w.len, 9);
		assert_memory_equal(w.ptr, rows[i].magic, 9);
		rdb_write_trailer(&w, rows[i].version);
		assert_int_equal(w.len, 9 + rows[i].trailer);
		rdb_write_release(&w);
	}
}

/* Take n bytes off, behind what was taken before. */
static void
take(struct rdb_write *w, size_t n, uint8_t *all, size_t *len)
{
	memcpy(all + *len, w->ptr, n);
	*len += n;
	rdb_write_taken(w, n);
}

/* A stream of every call, of which step bytes are taken whenever there are as
 * many: how long is it? */
static size_t
written(size_t step, uint8_t *all)
{
	char key[] = "key", big[5000];
	struct rdb_object o = { .expires = true,
		.expire = -2,
		.has_idle = true,
		.idle = 70000,
		.has_freq = true,
		.freq = 255,
		.type = 0,
		.key = { (uint8_t *)key, 3, 3 },
		.meta = { (uint8_t *)"\xf3\0", 2, 2 } };
	struct rdb_write w;
	size_t len = 0;
	uint64_t crc;

	memset(big, 'b', sizeof big);
	rdb_write_init(&w);
	rdb_write_magic(&w, 13, false);
	rdb_write_aux(&w, "redis-ver", "8.6.0");
	rdb_write_select(&w, 16384);
	for (int i = 0; i < 4; i++) {
		rdb_write_object(&w, &o);
		rdb_write_string(&w, big, sizeof big);
		while (w.len >= step)
			take(&w, step, all, &len);
	}
	rdb_write_trailer(&w, 13);
	assert_false(w.failed);
	assert_int_equal(w.at, len + w.len);
	crc = w.crc;
	take(&w, w.len, all, &len);
	assert_int_equal(w.len, 0);
	assert_true(crc64_rdb(0, all, len - 8) == crc);
	assert_int_equal(all[len - 8], crc & 255);
	rdb_write_release(&w);
	return len;
}

static void
the_same_however_it_is_taken(void **state)
{
	static const uint8_t head[] = "REDIS0013\xfa\x09redis-ver\x05"
				      "8.6.0\xfe\x80\0\0\x40\0"
				      "\xfc\xfe\xff\xff\xff\xff\xff\xff\xff"
				      "\xf8\x80\0\x01\x11\x70\xf9\xff\xf3\0"
				      "\0\x03key\x53\x88"
				      "bbb";
	static uint8_t one[30000], other[30000];
	size_t len = written(SIZE_MAX, one);

	(void)state;
	assert_memory_equal(one, head, sizeof head - 1);
	for (size_t step = 1; step < 9000; step += step < 20 ? 1 : 777) {
		assert_int_equal(written(step, other), len);
		assert_memory_equal(one, other, len);
	}
}

static void
a_failure_stays(void **state)
{
	struct rdb_write w;

	(void)state;
	rdb_write_init(&w);
	rdb_write_bytes(&w, "ab", 2);
	rdb_write_bytes(&w, "", SIZE_MAX); /* more than any memory */
	assert_true(w.failed);
	rdb_write_byte(&w, 'c'); /* for which there would be room */
	rdb_write_trailer(&w, 13);
	assert_true(w.failed);
	assert_int_equal(w.at, 2);
	assert_int_equal(w.len, 2);
	assert_memory_equal(w.ptr, "ab", 2);
	rdb_write_taken(&w, 2);
	rdb_write_byte(&w, 'd');
	assert_int_equal(w.len, 0);
	rdb_write_release(&w);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(forms_of_lengths),
		cmocka_unit_test(heads_and_ends),
		cmocka_unit_test(the_same_however_it_is_taken),
		cmocka_unit_test(a_failure_stays),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
