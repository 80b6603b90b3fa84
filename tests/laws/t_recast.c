/*
 * t_recast.c -- recast values mean the same, and do not depend on the cuts.
 *
 * Goal of this test: every built stream (harness/streams.h) for every engine:
 * where nothing is lost, the digest is that of the input; where something is, it
 * is refused unless lossy; no value is of a type the engine does not load; what
 * was recast needs no recasting again; and byte by byte, in chunks of 2, 3, 7 and
 * 64, and with a first cut at every byte, the same bytes come out.  Of streams
 * with bytes that are wrong, whatever passes still means what it meant.
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
#include "tests/harness/recasts.h"

#define SMALL 1500 /* bytes up to which every cut is tried */

static const size_t sizes[] = { 1, 2, 3, 7, 64 };

/* The digest of the keys; and no type is one the engine does not load.  False:
 * there is a fault. */
static bool
digest_if(const struct stream *s, const struct rdb_engine *engine,
    struct hash128_sum *sum)
{
	struct rdb_digest *d = malloc(sizeof *d);
	enum rdb_got got;
	struct rdb_walk walk;
	struct rdb_run run;
	bool good = true;

	rdb_walk_init(&walk);
	rdb_digest_init(d, RDB_DIGEST_ALL);
	rdb_walk_feed(&walk, s->ptr, s->len);
	while (good && (got = rdb_walk_next(&walk, &run)) == RDB_RUN) {
		if (run.label == RDB_META)
			continue;
		if (run.label == RDB_TYPE && engine != NULL)
			assert_true(rdb_engine_loads(
			    engine, (unsigned)run.num, walk.valkey));
		good = rdb_digest_feed(d, &run);
	}
	*sum = d->keys_sum;
	free(d);
	return good && got == RDB_END;
}

static struct hash128_sum
digest_of(const struct stream *s, const struct rdb_engine *engine)
{
	struct hash128_sum sum;

	assert_true(digest_if(s, engine, &sum));
	return sum;
}

static bool
same_sum(struct hash128_sum a, struct hash128_sum b)
{
	return a.hi == b.hi && a.lo == b.lo;
}

/* The same with other cuts: the same. */
static void
cut(const char *name, const struct recast_result *want, const struct stream *s,
    size_t first, size_t size, const struct rdb_engine *engine, bool lossy)
{
	struct recast_result got;
	bool good;

	recasts_make(&got, s->ptr, s->len, first, size, engine, lossy);
	good = strcmp(got.words, want->words) == 0 &&
	    memcmp(got.lost, want->lost, sizeof got.lost) == 0 &&
	    (got.words[0] != '\0' ||
		(got.out.len == want->out.len &&
		    memcmp(got.out.ptr, want->out.ptr, got.out.len) == 0));
	if (!good)
		print_error("%s to %s, cut at %zu, then every %zu: \"%s\"\n",
		    name, engine->name, first, size, got.words);
	assert_true(good);
	recasts_release(&got);
}

static void
all_cuts(const char *name, const struct recast_result *want,
    const struct stream *s, const struct rdb_engine *engine, bool lossy)
{
	for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
		cut(name, want, s, sizes[i], sizes[i], engine, lossy);
	for (size_t at = 1; at < s->len && s->len <= SMALL; at++)
		cut(name, want, s, at, s->len, engine, lossy);
}

static uint64_t
losses_of(const struct recast_result *r)
{
	uint64_t n = 0;

	for (int i = 0; i < RDB_LOSSES; i++)
		n += r->lost[i];
	return n;
}

/* One stream for one engine; returns how many values were rewritten. */
static uint64_t
one(const char *name, const struct stream *s, const struct rdb_engine *engine)
{
	struct recast_result strict, lossy, again;
	uint64_t rewritten;

	recasts_make(&strict, s->ptr, s->len, s->len, s->len, engine, false);
	recasts_make(&lossy, s->ptr, s->len, s->len, s->len, engine, true);
	if (lossy.words[0] != '\0')
		print_error("%s to %s: %s\n", name, engine->name, lossy.words);
	assert_string_equal(lossy.words, "");
	digest_of(&lossy.out, engine);

	/* Refused exactly when something is lost. */
	assert_true((strict.words[0] != '\0') == (losses_of(&lossy) > 0));
	if (strict.words[0] == '\0')
		assert_true(same_sum(
		    digest_of(&strict.out, engine), digest_of(s, NULL)));
	else
		assert_false(same_sum(
		    digest_of(&lossy.out, engine), digest_of(s, NULL)));

	recasts_make(&again, lossy.out.ptr, lossy.out.len, lossy.out.len,
	    lossy.out.len, engine, false);
	assert_string_equal(again.words, "");
	assert_int_equal(again.rewritten, 0);

	all_cuts(name, &strict, s, engine, false);
	all_cuts(name, &lossy, s, engine, true);
	rewritten = lossy.rewritten;
	recasts_release(&strict);
	recasts_release(&lossy);
	recasts_release(&again);
	return rewritten;
}

static void
test_built(void **unused)
{
	uint64_t rewritten = 0;
	struct stream s;

	(void)unused;
	for (size_t i = 0; i < streams_count(); i++) {
		const char *name = streams_make(i, &s);

		for (unsigned e = 0; rdb_engine_at(e) != NULL; e++)
			/* Short names are twins of others. */
			if (strchr(rdb_engine_names[e], '.') != NULL)
				rewritten += one(name, &s, rdb_engine_at(e));
		stream_release(&s);
	}
	print_message("%d values rewritten\n", (int)rewritten);
	assert_true(rewritten > 300);
}

/* One or two bytes are wrong.  Elements that occur twice are not looked for, and
 * a digest does not mind. */
static bool
mutated(const struct stream *s, const struct rdb_engine *engine)
{
	struct hash128_sum want, got;
	struct recast_result strict, lossy;
	bool passed;

	recasts_make(&strict, s->ptr, s->len, s->len, s->len, engine, false);
	recasts_make(&lossy, s->ptr, s->len, 1, 1, engine, true);
	passed = strict.words[0] == '\0';
	if (passed && digest_if(s, NULL, &want)) {
		assert_string_equal(lossy.words, "");
		assert_true(digest_if(&strict.out, engine, &got));
		assert_true(same_sum(got, want));
	}
	recasts_release(&strict);
	recasts_release(&lossy);
	return passed;
}

static void
test_mutated(void **unused)
{
	unsigned passed = 0, n = 0;
	struct stream s;

	(void)unused;
	srand(4);
	for (size_t i = 0; i < streams_count(); i++) {
		streams_make(i, &s);
		for (unsigned k = 0; k < 40 && s.len > 20; k++, n++) {
			size_t at = 9 + (size_t)rand() % (s.len - 9);
			uint8_t was = s.ptr[at];
			unsigned e = (unsigned)rand() % 29;

			s.ptr[at] ^= (uint8_t)(1 << rand() % 8);
			assert_non_null(rdb_engine_at(e));
			passed += mutated(&s, rdb_engine_at(e));
			s.ptr[at] = was;
		}
		stream_release(&s);
	}
	print_message("%u of %u passed\n", passed, n);
	assert_true(passed > 100 && passed < n);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_built),
		cmocka_unit_test(test_mutated),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
