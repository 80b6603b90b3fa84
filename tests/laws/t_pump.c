/*
 * t_pump.c -- the filter contract, with every small size of chunk and room.
 *
 * Goal of this test: whatever the cuts, a chain of filters gives the same
 * bytes, and a stream that some filter calls short is never committed.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "stages/codec/zstd.h"
#include "stages/kit/pump.h"
#include "tests/harness/memory.h"

/* Turns each byte into two hex digits; ends with "$$$". */
struct hex {
	struct filter base;
	int half, tail;
};

static bool
hex_turn(struct filter *f, struct span *in, struct room *out, struct err *e)
{
	struct hex *h = (struct hex *)f;

	(void)e;
	while (in->len > 0 && out->len < out->cap) {
		unsigned d = h->half ? in->ptr[0] & 15u : in->ptr[0] >> 4;

		out->ptr[out->len++] = (uint8_t) "0123456789abcdef"[d];
		if (h->half)
			span_take(in, 1);
		h->half = !h->half;
	}
	return true;
}

static bool
hex_finish(struct filter *f, struct room *out, bool *done, struct err *e)
{
	struct hex *h = (struct hex *)f;

	(void)e;
	while (h->tail < 3 && out->len < out->cap)
		out->ptr[out->len++] = '$', h->tail++;
	*done = h->tail == 3;
	return true;
}

/* Counts, and refuses a short stream when it is over. */
struct count {
	struct filter base;
	uint64_t n, want;
};

static bool
count_watch(struct filter *f, struct span in, struct err *e)
{
	(void)e;
	((struct count *)f)->n += in.len;
	return true;
}

static bool
count_finish(struct filter *f, struct room *out, bool *done, struct err *e)
{
	struct count *c = (struct count *)f;

	assert_null(out);
	*done = true;
	return c->n == c->want || err_set(e, ERR_DATA, "short");
}

static const struct filter_ops hex_ops = {
	.name = "hex", .turn = hex_turn, .finish = hex_finish
};
static const struct filter_ops count_ops = {
	.name = "count", .watch = count_watch, .finish = count_finish
};

/* "no seams" through hex twice, counted in between. */
static bool
hex_twice(size_t chunk, size_t a, size_t b, uint64_t want,
    struct memory_sink *to, struct err *e)
{
	struct memory_source from;
	struct hex one = { .base = { &hex_ops } }, two = one;
	struct count all = { { &count_ops }, 0, 8 };
	struct count mid = { { &count_ops }, 0, want };
	struct filter *via[] = { &all.base, &one.base, &mid.base, &two.base };
	uint8_t m1[8], m2[8];
	struct room between[] = { { NULL, 0, 0 }, { m1, 0, a }, { NULL, 0, 0 },
		{ m2, 0, b } };
	struct pump p = { &from.base, via, 4, &to->base, between, NULL };
	bool ok;

	memory_source_init(&from, "no seams", 8, chunk);
	ok = pump_run(&p, e);
	memory_source_release(&from);
	return ok;
}

static void
every_shape_of_pump(void **state)
{
	(void)state;
	for (size_t chunk = 1; chunk < 9; chunk++)
		for (size_t a = 1; a < 9; a++)
			for (size_t b = 1; b < 9; b++) {
				struct memory_sink to;
				struct err e;

				memory_sink_init(&to);
				assert_true(
				    hex_twice(chunk, a, b, 19, &to, &e));
				assert_true(to.committed);
				assert_int_equal(to.len, 41);
				assert_memory_equal(to.got,
				    "36653666323037333635363136643733242424$$$",
				    41);
				memory_sink_release(&to);

				memory_sink_init(&to);
				assert_false(
				    hex_twice(chunk, a, b, 18, &to, &e));
				assert_string_equal(e.text, "short");
				assert_false(to.committed);
				memory_sink_release(&to);
			}
}

/* Takes nothing and puts nothing. */
static bool
stuck_turn(struct filter *f, struct span *in, struct room *out, struct err *e)
{
	(void)f, (void)in, (void)out, (void)e;
	return true;
}

static void
a_stuck_filter_is_our_bug(void **state)
{
	static const struct filter_ops ops = { .name = "mule",
		.turn = stuck_turn };
	struct filter f = { &ops };
	struct memory_sink to;
	struct err e;

	(void)state;
	memory_sink_init(&to);
	assert_false(memory_pump(&f, "x", 1, 1, 4, &to, &e));
	assert_int_equal(e.kind, ERR_BUG);
	assert_string_equal(e.text, "mule is stuck");
	memory_sink_release(&to);
}

static void
sample_fill(uint8_t *p, size_t len)
{
	uint32_t x = 1;

	for (size_t i = 0; i < len; i++) {
		x = x * 1103515245 + 12345;
		p[i] = i % 100 < 50 ? (uint8_t)(x >> 16) : (uint8_t)'a';
	}
}

static struct filter *
pack_new(uint64_t size)
{
	struct zstd_pack_how how = { 3, 0, size };
	struct err e;
	struct filter *f = zstd_pack_new(&how, &e);

	assert_non_null(f);
	return f;
}

static void
zstd_round_trip(void **state)
{
	static const size_t sizes[] = { 1, 2, 3, 7, 64, 4096, 1 << 20 };
	enum { LEN = 20000 };
	static uint8_t sample[LEN];

	(void)state;
	sample_fill(sample, LEN);
	for (size_t i = 0; i < COUNT_OF(sizes); i++)
		for (size_t k = 0; k < COUNT_OF(sizes); k++) {
			struct memory_sink packed, plain;
			struct filter *f = pack_new(i % 2 ? LEN : SIZE_UNKNOWN);
			struct err e;

			memory_sink_init(&packed);
			assert_true(memory_pump(
			    f, sample, LEN, sizes[i], sizes[k], &packed, &e));
			filter_free(f);

			memory_sink_init(&plain);
			assert_non_null(f = zstd_unpack_new(&e));
			assert_true(memory_pump(f, packed.got, packed.len,
			    sizes[i], sizes[k], &plain, &e));
			filter_free(f);
			assert_int_equal(plain.len, LEN);
			assert_memory_equal(plain.got, sample, LEN);
			memory_sink_release(&packed);
			memory_sink_release(&plain);
		}
}

/* A frame cut anywhere: an error, and an output that lacks its end. */
static void
zstd_cut_anywhere(void **state)
{
	static const size_t rooms[] = { 1, 2, 100000 };
	static uint8_t sample[3000];
	struct memory_sink packed;
	struct filter *f = pack_new(SIZE_UNKNOWN);
	struct err e;

	(void)state;
	sample_fill(sample, sizeof sample);
	memory_sink_init(&packed);
	assert_true(
	    memory_pump(f, sample, sizeof sample, 100, 100, &packed, &e));
	filter_free(f);
	for (size_t cut = 0; cut < packed.len; cut++)
		for (size_t k = 0; k < COUNT_OF(rooms); k++) {
			struct memory_sink plain;

			memory_sink_init(&plain);
			assert_non_null(f = zstd_unpack_new(&e));
			assert_false(memory_pump(
			    f, packed.got, cut, 64, rooms[k], &plain, &e));
			assert_int_equal(e.kind, ERR_DATA);
			assert_false(plain.committed);
			assert_true(plain.len < sizeof sample);
			filter_free(f);
			memory_sink_release(&plain);
		}
	/* And one wrong byte in the checksum, the very end. */
	packed.got[packed.len - 1] ^= 1;
	for (size_t k = 0; k < COUNT_OF(rooms); k++) {
		struct memory_sink plain;

		memory_sink_init(&plain);
		assert_non_null(f = zstd_unpack_new(&e));
		assert_false(memory_pump(
		    f, packed.got, packed.len, 64, rooms[k], &plain, &e));
		assert_true(plain.len < sizeof sample);
		filter_free(f);
		memory_sink_release(&plain);
	}
	memory_sink_release(&packed);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_shape_of_pump),
		cmocka_unit_test(a_stuck_filter_is_our_bug),
		cmocka_unit_test(zstd_round_trip),
		cmocka_unit_test(zstd_cut_anywhere),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
