/*
 * t_pass.c -- who only counts, counts the same.
 *
 * Goal of this test: with records passed over (rdb_walk_pass) the census, the
 * end, the CRC and the words of a fault are those of the plain walk, for every
 * stream we can build, each real dump there is, and every cut.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "rdb/census.h"
#include "tests/harness/corpus.h"
#include "tests/harness/streams.h"

struct outcome {
	struct rdb_census census;
	enum rdb_got got;
	uint64_t at, crc, passed;
	char words[200];
};

static void
count(struct outcome *o, const uint8_t *p, size_t len, size_t chunk, bool pass)
{
	struct rdb_tally tally = { 0 };
	struct rdb_walk w;
	struct rdb_run run;

	memset(o, 0, sizeof *o);
	rdb_walk_init(&w);
	o->got = RDB_MORE;
	for (size_t at = 0; at < len && o->got == RDB_MORE; at += chunk) {
		size_t n = len - at < chunk ? len - at : chunk;
		uint8_t *copy = malloc(n); /* so that ASan sees overruns */

		memcpy(copy, p + at, n);
		rdb_walk_feed(&w, copy, n);
		do {
			if (pass)
				rdb_walk_pass(&w, &tally);
			o->passed += tally.keys;
			assert_true(rdb_census_add(&o->census, &tally));
			o->got = rdb_walk_next(&w, &run);
			if (o->got == RDB_RUN)
				assert_true(rdb_census_feed(&o->census, &run));
		} while (o->got == RDB_RUN);
		if (o->got != RDB_END)
			rdb_walk_explain(
			    &w, o->got == RDB_MORE, o->words, sizeof o->words);
		free(copy);
	}
	o->at = w.at;
	o->crc = w.crc;
}

static void
same(const char *name, const struct outcome *a, const struct outcome *b)
{
	const struct rdb_census *c = &a->census, *d = &b->census;

	/* How far a walk had come is of no interest after a fault. */
	if (a->got != b->got ||
	    (a->got == RDB_BAD && strcmp(a->words, b->words) != 0) ||
	    (a->got != RDB_BAD && a->at != b->at) ||
	    (a->got == RDB_END && a->crc != b->crc))
		fail_msg(
		    "%s: ends differently: %s / %s", name, a->words, b->words);
	if (c->keys != d->keys || c->expires != d->expires ||
	    c->functions != d->functions || c->n_dbs != d->n_dbs ||
	    memcmp(c->by_type, d->by_type, sizeof c->by_type) != 0)
		fail_msg("%s: counts differ", name);
	for (size_t i = 0; i < c->n_dbs; i++)
		if (memcmp(&c->dbs[i], &d->dbs[i], sizeof c->dbs[i]) != 0)
			fail_msg("%s: database %zu differs", name, i);
}

/* How many records were passed over when the stream was not cut. */
static uint64_t
law(const char *name, const uint8_t *p, size_t len)
{
	static const size_t chunks[] = { 1, 2, 3, 7, 64, 4096, SIZE_MAX / 2 };
	struct outcome plain, passed;
	uint64_t n = 0;

	count(&plain, p, len, len + 1, false);
	for (size_t i = 0; i < sizeof chunks / sizeof *chunks; i++) {
		count(&passed, p, len, chunks[i], true);
		same(name, &plain, &passed);
		n = passed.passed;
		rdb_census_release(&passed.census);
	}
	rdb_census_release(&plain.census);
	return n;
}

static void
built_streams(void **state)
{
	struct stream s;

	(void)state;
	for (size_t i = 0; i < streams_count(); i++) {
		const char *name = streams_make(i, &s);

		law(name, s.ptr, s.len);
		/* Of large streams only some places, spread over all. */
		size_t step = 1 + s.len / 200;

		for (size_t cut = 0; cut < s.len; cut += step)
			law(name, s.ptr, cut);
		for (size_t at = 9; at < s.len; at += step) {
			s.ptr[at] ^= 0xff;
			law(name, s.ptr, s.len);
			s.ptr[at] ^= 0xff;
		}
		stream_release(&s);
	}
}

/* Every prefix a record can have, in two databases, many times. */
static void
many_records(void **state)
{
	struct stream s;

	(void)state;
	stream_init(&s);
	stream_begin(&s, false, 10);
	for (unsigned i = 0; i < 3000; i++) {
		if (i == 0 || i == 1700) {
			stream_byte(&s, 254);
			stream_len(&s, i);
		}
		if (i % 2 == 0) {
			stream_byte(&s, 252);
			stream_little(&s, 4102444800000u + i, 8);
		} else if (i % 5 == 0) {
			stream_byte(&s, 253);
			stream_little(&s, 1900000000u + i, 4);
		}
		if (i % 3 == 0) {
			stream_byte(&s, 248);
			stream_len(&s, i);
		} else if (i % 7 == 0) {
			stream_byte(&s, 249);
			stream_byte(&s, i & 0xff);
		}
		stream_byte(&s, i % 11 == 0 ? 1 : 0);
		stream_int(&s, i, 2);
		if (i % 11 == 0)
			stream_len(&s, 2);
		stream_str(&s, "a value");
		if (i % 11 == 0)
			stream_str(&s, "another");
	}
	stream_end(&s);
	/* Uncut, all of them are in one piece. */
	assert_int_equal(law("many", s.ptr, s.len), 3000);
	stream_release(&s);
}

static void
real_dumps(void **state)
{
	struct corpus corpus;

	(void)state;
	corpus_open(&corpus);
	for (size_t i = 0; i < corpus.n; i++) {
		size_t len;
		uint8_t *p = corpus_read(&corpus, i, &len);

		law(corpus.path[i], p, len);
		free(p);
	}
	corpus_close(&corpus);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(built_streams),
		cmocka_unit_test(many_records),
		cmocka_unit_test(real_dumps),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
