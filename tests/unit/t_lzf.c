/*
 * t_lzf.c -- the LZF decoder.
 *
 * Goal of this test: random LZF data, also some that needs the window many
 * times over, decodes to what a decoder of five lines makes of it, however it is
 * cut; and every way to be wrong is found and named, however it is cut.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "rdb/lzf.h"

#define MADE_MAX 300000

static uint32_t seed;

static unsigned
chance(unsigned below)
{
	seed = seed * 1664525 + 1013904223;
	return (seed >> 8) % below;
}

struct sample {
	uint8_t *packed, *plain;
	size_t stored, full;
};

/* One step, with what it stands for. */
static void
step_add(struct sample *s)
{
	size_t n, back;

	if (s->full == 0 || chance(3) == 0) {
		n = chance(32) + 1;
		s->packed[s->stored++] = (uint8_t)(n - 1);
		for (; n > 0; n--)
			s->packed[s->stored++] = s->plain[s->full++] =
			    (uint8_t)chance(256);
		return;
	}
	n = chance(4) == 0 ? 9 + chance(256) : 3 + chance(6);
	back = 1 + chance(s->full < 8192 ? (unsigned)s->full : 8192);
	if (chance(4) == 0)
		back = 1 + chance(s->full < 4 ? (unsigned)s->full : 4);
	if (n < 9) {
		s->packed[s->stored++] =
		    (uint8_t)((n - 2) << 5 | (back - 1) >> 8);
	} else {
		s->packed[s->stored++] = (uint8_t)(7 << 5 | (back - 1) >> 8);
		s->packed[s->stored++] = (uint8_t)(n - 9);
	}
	s->packed[s->stored++] = (uint8_t)(back - 1);
	for (; n > 0; n--, s->full++)
		s->plain[s->full] = s->plain[s->full - back];
}

static void
sample_make(struct sample *s, size_t full)
{
	s->packed = malloc(2 * MADE_MAX);
	s->plain = malloc(MADE_MAX + 300);
	s->stored = s->full = 0;
	while (s->full < full)
		step_add(s);
}

static void
sample_release(struct sample *s)
{
	free(s->packed);
	free(s->plain);
}

/* Decode, fed pieces of size bytes, each a block of its own. */
static enum rdb_got
decode(struct lzf *l, const uint8_t *p, size_t len, size_t size, uint8_t *to,
    size_t cap, size_t *made)
{
	enum rdb_got got = RDB_MORE;
	const uint8_t *out;
	uint8_t *block;
	size_t n;

	for (*made = 0; got == RDB_MORE && len > 0; p += size, len -= size) {
		struct rdb_chunk in;

		if (size > len)
			size = len;
		block = malloc(size);
		memcpy(block, p, size);
		in = (struct rdb_chunk){ block, block + size };
		while ((got = lzf_next(l, &in, &out, &n)) == RDB_RUN) {
			assert_true(n > 0 && n <= cap - *made);
			memcpy(to + *made, out, n);
			*made += n;
		}
		assert_true(got == RDB_BAD || in.ptr == in.end);
		free(block);
	}
	return got;
}

static void
test_random(void **unused)
{
	static const size_t sizes[] = { 1, 2, 3, 7, 64, 5000, SIZE_MAX };
	uint8_t *to = malloc(MADE_MAX + 300);
	struct lzf *l = malloc(sizeof *l);
	struct sample s;
	size_t made;

	(void)unused;
	for (unsigned round = 0; round < 300; round++) {
		seed = round;
		sample_make(&s, round % 50 == 0 ? MADE_MAX : 1 + chance(3000));
		for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
			lzf_init(l, s.stored, s.full);
			assert_int_equal(decode(l, s.packed, s.stored, sizes[i],
					     to, s.full, &made),
			    RDB_END);
			assert_int_equal(made, s.full);
			assert_memory_equal(to, s.plain, s.full);
		}
		sample_release(&s);
	}
	free(l);
	free(to);
}

struct bad {
	const char *bytes;
	size_t stored, full;
	const char *words;
};

static const struct bad bads[] = {
	{ "\4abc", 4, 5, "LZF data ends inside a step" },
	{ "\0", 1, 1, "LZF data ends inside a step" },
	{ "\0a\x20", 3, 4, "LZF data ends inside a step" },
	{ "\0a\xe0", 3, 12, "LZF data ends inside a step" },
	{ "\0a\xe0\0", 4, 12, "LZF data ends inside a step" },
	{ "\4abcde", 6, 4, "LZF data decodes to more than it says" },
	{ "\0a\x20\0", 4, 3, "LZF data decodes to more than it says" },
	{ "\0a\xe0\xff\0", 5, 200, "LZF data decodes to more than it says" },
	{ "\0a\x20\1", 4, 4, "LZF data refers to before its beginning" },
	{ "\x20\0", 2, 3, "LZF data refers to before its beginning" },
	{ "\0a", 2, 2, "LZF data and its length disagree" },
	{ "\0a\0b", 4, 1, "LZF data and its length disagree" },
	{ "", 0, 1, "LZF data and its length disagree" },
};

static void
test_bad(void **unused)
{
	struct lzf *l = malloc(sizeof *l);
	struct rdb_chunk none = { NULL, NULL };
	const uint8_t *out;
	uint8_t to[300];
	size_t made, n;

	(void)unused;
	for (size_t i = 0; i < sizeof bads / sizeof *bads; i++) {
		const struct bad *b = &bads[i];

		for (size_t size = 1; size < 8; size++) {
			lzf_init(l, b->stored, b->full);
			decode(l, (const uint8_t *)b->bytes, b->stored, size,
			    to, sizeof to, &made);
			assert_int_equal(lzf_next(l, &none, &out, &n), RDB_BAD);
			assert_string_equal(l->what, b->words);
			/* For ever. */
			assert_int_equal(lzf_next(l, &none, &out, &n), RDB_BAD);
		}
	}
	free(l);
}

/* Bytes behind the stored ones are not touched. */
static void
test_leaves_rest(void **unused)
{
	struct lzf *l = malloc(sizeof *l);
	const uint8_t *bytes = (const uint8_t *)"\0axyz", *out;
	struct rdb_chunk in = { bytes, bytes + 5 };
	size_t n;

	(void)unused;
	lzf_init(l, 2, 1);
	assert_int_equal(lzf_next(l, &in, &out, &n), RDB_RUN);
	assert_int_equal(n, 1);
	assert_int_equal(*out, 'a');
	assert_int_equal(lzf_next(l, &in, &out, &n), RDB_END);
	assert_ptr_equal(in.ptr, bytes + 2);
	free(l);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_random),
		cmocka_unit_test(test_bad),
		cmocka_unit_test(test_leaves_rest),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
