/*
 * t_value_fuzz.c -- mutated streams, down to their elements: no crash, no lie.
 *
 * Goal of this test: bytes of built streams and, if it is there, of the
 * corpus, changed behind the header.  What the walker lets through must come
 * out as elements or as a fault, the same when cut otherwise, and the digest
 * must come to an end on it.  RDB_FUZZ_SEED and RDB_FUZZ_COUNT change which
 * and how many.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "rdb/digest.h"
#include "tests/harness/corpus.h"
#include "tests/harness/elements.h"
#include "tests/harness/streams.h"

static uint64_t seed = 1;

/* xorshift64*: Vigna, "An experimental exploration of Marsaglia's xorshift
 * generators, scrambled", 2016. */
static size_t
below(size_t n)
{
	seed ^= seed >> 12;
	seed ^= seed << 25;
	seed ^= seed >> 27;
	return (size_t)((seed * 0x2545f4914f6cdd1d) >> 11) % n;
}

/* Change one to three bytes, so that the framing often survives. */
static void
mutate(uint8_t *p, size_t len)
{
	static const uint8_t telling[] = { 0, 1, 2, 5, 10, 63, 64, 127, 128,
		192, 193, 195, 223, 224, 240, 241, 244, 254, 255 };

	for (size_t n = 1 + below(3); n > 0; n--) {
		uint8_t *at = p + 9 + below(len - 9);

		switch (below(3)) {
		case 0:
			*at = telling[below(sizeof telling)];
			break;
		case 1:
			*at = (uint8_t)(*at + 1 - 2 * below(2));
			break;
		default:
			*at ^= (uint8_t)(1 << below(8));
		}
	}
}

/* Walk and digest in chunks of size; the fault's words or NULL. */
static const char *
digest(struct rdb_digest *d, const uint8_t *p, size_t len, size_t size)
{
	struct rdb_walk walk;
	struct rdb_run run;
	enum rdb_got got = RDB_MORE;
	size_t n;

	rdb_walk_init(&walk);
	rdb_digest_init(d, 1700000000000);
	for (; len > 0 && got == RDB_MORE; p += n, len -= n) {
		n = size < len ? size : len;
		rdb_walk_feed(&walk, p, n);
		while ((got = rdb_walk_next(&walk, &run)) == RDB_RUN)
			if (!rdb_digest_feed(d, &run))
				return d->fault.what;
	}
	return NULL;
}

static unsigned good, faulty;

static void
try(const uint8_t *from, size_t len)
{
	static struct rdb_digest one, two;
	uint8_t *p = malloc(len);
	char *whole, *cut;
	const char *a, *b;

	memcpy(p, from, len);
	mutate(p, len);
	whole = elements_of(p, len, len, len);
	cut = elements_of(p, len, 1 + below(len), 1 + below(9));
	if (strcmp(whole, cut) != 0)
		print_error("%s\nor:\n%s\n", whole, cut);
	assert_true(strcmp(whole, cut) == 0);
	a = digest(&one, p, len, len);
	b = digest(&two, p, len, 1 + below(9));
	assert_true(a == b);
	assert_memory_equal(&one.keys_sum, &two.keys_sum, sizeof one.keys_sum);
	/* Both look at the same bytes, so both find it or none. */
	assert_true((a != NULL) == (strstr(whole, "bad at") != NULL));
	if (a != NULL)
		faulty++;
	else
		good++;
	free(whole);
	free(cut);
	free(p);
}

static unsigned
setting(const char *name, unsigned otherwise)
{
	const char *text = getenv(name);

	return text == NULL ? otherwise : (unsigned)strtoul(text, NULL, 10);
}

static void
test_built(void **unused)
{
	unsigned count = setting("RDB_FUZZ_COUNT", 10000);
	struct stream s;

	(void)unused;
	seed = setting("RDB_FUZZ_SEED", 1);
	for (unsigned i = 0; i < count; i++) {
		streams_make(below(streams_count()), &s);
		if (s.len > 20)
			try(s.ptr, s.len);
		stream_release(&s);
	}
	/* It did find both kinds. */
	assert_true(good > count / 10);
	assert_true(faulty > count / 100);
}

static void
test_corpus(void **unused)
{
	unsigned count = setting("RDB_FUZZ_COUNT", 2000);
	struct corpus corpus;

	(void)unused;
	corpus_open(&corpus);
	for (unsigned i = 0; i < count; i++) {
		size_t len;
		uint8_t *p = corpus_read(&corpus, below(corpus.n), &len);

		if (len < 20000)
			try(p, len);
		free(p);
	}
	corpus_close(&corpus);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_built),
		cmocka_unit_test(test_corpus),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
