/*
 * t_walk_fuzz.c -- mutated streams: no crash, no lie.
 *
 * Goal of this test: built streams with bytes changed, put in, taken out,
 * doubled or cut off.  The walker must come to an end, the runs must be the
 * stream up to there, a fault must lie inside, and another way of cutting
 * must find the very same.  Always the same mutations: RDB_FUZZ_SEED and
 * RDB_FUZZ_COUNT change which and how many.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/harness/items.h"
#include "tests/harness/streams.h"

static uint64_t seed = 1;

/* xorshift64*: Vigna, "An experimental exploration of Marsaglia's xorshift
 * generators, scrambled", 2016. */
static uint64_t
random_next(void)
{
	seed ^= seed >> 12;
	seed ^= seed << 25;
	seed ^= seed >> 27;
	return seed * 0x2545f4914f6cdd1d;
}

static size_t
below(size_t n)
{
	return n == 0 ? 0 : (size_t)(random_next() >> 11) % n;
}

/* A byte that means something more often than chance would have it. */
static uint8_t
byte_pick(void)
{
	static const uint8_t telling[] = { 0, 1, 2, 3, 5, 7, 15, 21, 27, 28, 63,
		64, 127, 128, 129, 192, 193, 194, 195, 196, 243, 244, 247, 250,
		252, 254, 255 };

	return random_next() >> 63 ? telling[below(sizeof telling)] :
				     (uint8_t)(random_next() >> 32);
}

/* One change; p has room for nine bytes more. */
static size_t
mutate(uint8_t *p, size_t len)
{
	size_t at = below(len), n = 1 + below(9);

	if (n > len - at)
		n = len - at;
	switch (below(7)) {
	case 0:
		p[at] ^= (uint8_t)(1u << below(8));
		return len;
	case 1: /* take out */
		memmove(p + at, p + at + n, len - at - n);
		return len - n;
	case 2: /* double */
		memmove(p + at + n, p + at, len - at);
		return len + n;
	case 3: /* cut off, seldom */
		return below(8) == 0 ? at : len;
	case 4: /* a length of nine bytes */
		for (size_t i = 0; i < n; i++)
			p[at + i] = i == 0 ? 0x81 : byte_pick();
		return len;
	default:
		p[at] = byte_pick();
		return len;
	}
}

static void
one(const struct stream *s, uint8_t *p, unsigned long number, unsigned *ends)
{
	size_t len = s->len;
	struct items whole, cut;
	const char *differs;

	memcpy(p, s->ptr, len);
	for (size_t n = 1 + below(3); n > 0 && len > 0; n--)
		len = mutate(p, len);
	items_walk(&whole, p, len, len, len);
	items_walk(&cut, p, len, 1 + below(len), 1 + below(40));
	if ((differs = items_differ(&whole, &cut)) != NULL)
		fail_msg("mutation %lu: %s: \"%s\" / \"%s\"", number, differs,
		    whole.words, cut.words);
	for (const char *c = whole.words; *c != '\0'; c++)
		if (*c < ' ' || *c > '~')
			fail_msg("mutation %lu: not printable", number);
	ends[whole.got]++;
	items_release(&whole);
	items_release(&cut);
}

static unsigned long
from_environment(const char *name, unsigned long otherwise)
{
	const char *s = getenv(name);

	return s == NULL ? otherwise : strtoul(s, NULL, 10);
}

static void
mutations(void **state)
{
	unsigned long count = from_environment("RDB_FUZZ_COUNT", 10000);
	unsigned ends[4] = { 0 };
	struct stream s;
	uint8_t *p;

	(void)state;
	seed = from_environment("RDB_FUZZ_SEED", 1) * 2 + 1;
	for (unsigned long i = 0; i < count; i++) {
		streams_make(i % streams_count(), &s);
		p = malloc(2 * s.len + 64);
		assert_non_null(p);
		one(&s, p, i, ends);
		free(p);
		stream_release(&s);
	}
	print_message("%u bad, %u cut short, %u to the end\n", ends[RDB_BAD],
	    ends[RDB_MORE], ends[RDB_END]);
	assert_true(ends[RDB_BAD] > count / 10);
	assert_true(ends[RDB_MORE] > count / 10);
}

/* Noise behind a good header. */
static void
noise(void **state)
{
	uint8_t p[300];
	struct items whole, cut;

	(void)state;
	for (unsigned i = 0; i < 3000; i++) {
		memcpy(p, i % 2 ? "REDIS0014" : "VALKEY080", 9);
		for (size_t k = 9; k < sizeof p; k++)
			p[k] = byte_pick();
		items_walk(&whole, p, sizeof p, sizeof p, sizeof p);
		items_walk(&cut, p, sizeof p, 1, 1);
		assert_null(items_differ(&whole, &cut));
		items_release(&whole);
		items_release(&cut);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(mutations),
		cmocka_unit_test(noise),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
