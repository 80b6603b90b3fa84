/*
 * t_edit.c -- a stream edited is a stream, however it was cut.
 *
 * Goal of this test: over every built stream (harness/streams.h) and every
 * dump of the corpus, if it is there, with chunks of 1, 2, 3, 7, 64 and 4096 bytes
 * and rooms of 1, 5 and 4096,
 *
 *	- the output does not depend on the cuts;
 *	- with every key kept, or written anew, it is whole and has the input's
 *	  digest; kept, it is hardly longer; so it has when hashes whose fields
 *	  have times are rewritten, with the times they have;
 *	- with every other key left out, it is whole and holds the others;
 *	- a prefix of the input never makes an output that is whole.
 *
 * And that memory has its bound, and an error when there is none.
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
#include "rdb/kind.h"
#include "rdb/recast.h"
#include "stages/keys/edit.h"
#include "tests/harness/corpus.h"
#include "tests/harness/streams.h"

#define SMALL 400 /* bytes up to which every prefix is tried */

static const size_t sizes[] = { 1, 2, 3, 7, 64, 4096 };
static const size_t rooms[] = { 1, 5, 4096 };

/* What becomes of keys in turn; EDIT_RECAST: the value is copied, or, with
 * times of fields, recast. */
struct editor {
	struct edit edit;
	enum edit_verdict even, odd;
	bool begun, ended, times;
	struct rdb_recast recast;
};

static uint64_t
same_time(const void *arg, uint64_t ms)
{
	(void)arg;
	return ms;
}

static bool
editor_key(struct edit *d, enum edit_verdict *verdict, struct err *e)
{
	struct editor *ed = (struct editor *)d;
	bool valkey = d->rdb.walk.valkey;
	unsigned to = RDB_RECAST_TTL(valkey), from = d->object.type;

	(void)e;
	*verdict = d->keys_in % 2 == 0 ? ed->even : ed->odd;
	ed->begun = false;
	ed->times = *verdict == EDIT_RECAST && rdb_kind_field_ttl(from);
	if (ed->times) {
		rdb_recast_begin_as(&ed->recast, from, valkey, to, &d->out);
		d->object.type = to;
	}
	return true;
}

static bool
editor_value(struct edit *d, const struct rdb_run *run, struct err *e)
{
	struct editor *ed = (struct editor *)d;

	(void)e;
	if (!ed->begun)
		edit_head(d);
	ed->begun = true;
	if (ed->times)
		return rdb_recast_feed(&ed->recast, run);
	rdb_write_bytes(&d->out, run->ptr, run->len);
	return true;
}

static bool
editor_end(struct edit *d, struct err *e)
{
	(void)e;
	assert_true(d->rdb.ended);
	((struct editor *)d)->ended = true;
	return true;
}

static const struct edit_ops ops = {
	.key = editor_key,
	.value = editor_value,
	.end = editor_end,
};

/* How a run of the editor goes. */
struct how {
	enum edit_verdict even, odd;
	bool hints;
	size_t chunk, room;
};

static void
take(struct stream *out, struct room *room)
{
	stream_bytes(out, room->ptr, room->len);
	room->len = 0;
}

/* All of p through an editor, to the end or an error. */
static bool
edited(const uint8_t *p, size_t len, const struct how *how, struct stream *out,
    struct err *e)
{
	static uint8_t memory[4096];
	struct room room = { memory, 0, how->room };
	static struct editor ed;
	struct span all = { p, len };
	bool ok = true, done = false;

	edit_init(&ed.edit, &ops);
	ed.even = how->even;
	ed.odd = how->odd;
	ed.ended = false;
	rdb_recast_init(&ed.recast, NULL, false);
	ed.recast.time = same_time;
	ed.edit.keep_hints = how->hints;
	stream_init(out);
	while (ok && all.len > 0) {
		struct span in = span_take(
		    &all, all.len < how->chunk ? all.len : how->chunk);

		while (ok && in.len > 0) {
			size_t had = in.len;

			ok = edit_turn(&ed.edit.base, &in, &room, e);
			assert_true(!ok || in.len < had || room.len > 0);
			take(out, &room);
		}
	}
	while (ok && !done) {
		ok = edit_finish(&ed.edit.base, &room, &done, e);
		take(out, &room);
	}
	assert_true(!ok || ed.ended);
	edit_release(&ed.edit);
	rdb_recast_release(&ed.recast);
	return ok;
}

/* --- what a stream holds --- */

struct look {
	struct whole_rdb rdb;
	struct rdb_digest *digest;
};

static bool
look_run(void *arg, const struct rdb_run *run, struct err *e)
{
	struct look *l = arg;

	(void)e;
	return rdb_digest_feed(l->digest, run);
}

/* Is it whole?  What its keys are, and how many. */
static bool
looked(const uint8_t *p, size_t len, struct hash128_sum *sum, uint64_t *keys)
{
	struct look l;
	struct err e;
	bool ok;

	l.digest = malloc(sizeof *l.digest);
	assert_non_null(l.digest);
	whole_rdb_init(&l.rdb);
	rdb_digest_init(l.digest, RDB_DIGEST_ALL);
	ok = whole_rdb_feed(
		 &l.rdb, (struct span){ p, len }, look_run, &l, NULL, &e) &&
	    whole_rdb_end(&l.rdb, &e);
	*sum = l.digest->keys_sum;
	hash128_add(sum, l.digest->functions_sum);
	*keys = l.digest->keys + l.digest->empty;
	free(l.digest);
	return ok;
}

/* --- the laws --- */

/* However it is cut, it comes to the same; which is in *want. */
static void
cuts(const char *name, const uint8_t *p, size_t len, struct how how,
    struct stream *want)
{
	struct stream got;
	struct err e;

	how.chunk = len;
	how.room = 4096;
	if (!edited(p, len, &how, want, &e))
		fail_msg("%s: %s", name, e.text);
	for (size_t c = 0; c < COUNT_OF(sizes); c++)
		for (size_t r = 0; r < COUNT_OF(rooms); r++) {
			how.chunk = sizes[c];
			how.room = rooms[r];
			assert_true(edited(p, len, &how, &got, &e));
			if (got.len != want->len ||
			    memcmp(got.ptr, want->ptr, got.len) != 0)
				fail_msg("%s: chunks of %zu, rooms of %zu",
				    name, how.chunk, how.room);
			stream_release(&got);
		}
}

static void
same_data(const char *name, const uint8_t *p, size_t len, struct how how)
{
	struct hash128_sum want, got;
	uint64_t keys, keys_got;
	struct stream out;

	cuts(name, p, len, how, &out);
	assert_true(looked(p, len, &want, &keys));
	if (!looked(out.ptr, out.len, &got, &keys_got))
		fail_msg("%s: the output is not whole", name);
	if (got.hi != want.hi || got.lo != want.lo || keys != keys_got)
		fail_msg("%s: other data", name);
	if (how.even == EDIT_KEEP)
		assert_true(out.len <= len + 2); /* a database, named */
	stream_release(&out);
}

/* Even and odd keys alone have the digests that add up to that of all. */
static void
halves(const char *name, const uint8_t *p, size_t len)
{
	static const struct how how[] = {
		{ EDIT_KEEP, EDIT_LEAVE, false, 0, 0 },
		{ EDIT_LEAVE, EDIT_RECAST, false, 0, 0 },
		{ EDIT_LEAVE, EDIT_LEAVE, false, 0, 0 },
	};
	struct hash128_sum sum[COUNT_OF(how)], want;
	uint64_t keys[COUNT_OF(how)], all;
	struct stream out;

	for (size_t i = 0; i < COUNT_OF(how); i++) {
		cuts(name, p, len, how[i], &out);
		assert_true(looked(out.ptr, out.len, &sum[i], &keys[i]));
		stream_release(&out);
	}
	assert_true(looked(p, len, &want, &all));
	assert_int_equal(keys[2], 0);
	assert_int_equal(keys[0] + keys[1], all);
	/* Functions are in all three. */
	hash128_add(&sum[0], sum[1]);
	hash128_add(&want, sum[2]);
	assert_true(sum[0].hi == want.hi && sum[0].lo == want.lo);
}

/* Cut short, it never looks whole; at least all but the last bytes. */
static void
prefixes(const char *name, const uint8_t *p, size_t len)
{
	struct how how = { EDIT_KEEP, EDIT_CHANGE, true, 7, 5 };
	struct hash128_sum sum;
	struct stream out;
	uint64_t keys;
	struct err e;

	for (size_t cut = len > SMALL ? len - SMALL : 0; cut < len; cut++) {
		if (edited(p, cut, &how, &out, &e))
			fail_msg("%s: %zu of %zu bytes", name, cut, len);
		assert_int_equal(e.kind, ERR_DATA);
		assert_false(looked(out.ptr, out.len, &sum, &keys));
		stream_release(&out);
	}
}

static void
all_laws(const char *name, const uint8_t *p, size_t len)
{
	static const struct how all[] = {
		{ EDIT_KEEP, EDIT_KEEP, true, 0, 0 },
		{ EDIT_KEEP, EDIT_KEEP, false, 0, 0 },
		{ EDIT_CHANGE, EDIT_RECAST, true, 0, 0 },
		{ EDIT_RECAST, EDIT_CHANGE, false, 0, 0 },
	};

	for (size_t i = 0; i < COUNT_OF(all); i++)
		same_data(name, p, len, all[i]);
	halves(name, p, len);
	prefixes(name, p, len);
}

static void
test_built(void **unused)
{
	struct stream s;

	(void)unused;
	for (size_t i = 0; i < streams_count(); i++) {
		const char *name = streams_make(i, &s);

		all_laws(name, s.ptr, s.len);
		stream_release(&s);
	}
}

/* Of a whole dump all laws; the replication mark of some is no part of it. */
static void
file_laws(const char *path, const uint8_t *p, size_t len)
{
	struct hash128_sum sum;
	uint64_t keys;

	if (len > 100000 || !looked(p, len, &sum, &keys))
		return;
	if (len <= WHOLE_RDB_MARK ||
	    !looked(p, len - WHOLE_RDB_MARK, &sum, &keys))
		all_laws(path, p, len);
}

static void
test_corpus(void **unused)
{
	struct corpus corpus;

	(void)unused;
	corpus_open(&corpus);
	for (size_t i = 0; i < corpus.n; i++) {
		size_t len;
		uint8_t *p = corpus_read(&corpus, i, &len);

		file_laws(corpus.path[i], p, len);
		free(p);
	}
	corpus_close(&corpus);
}

/* What is bad stops it; what is before the fault is no stream. */
static void
test_bad(void **unused)
{
	struct how how = { EDIT_KEEP, EDIT_KEEP, true, 7, 5 };
	struct hash128_sum sum;
	struct stream s, out;
	uint64_t keys;
	struct err e;

	(void)unused;
	stream_init(&s);
	stream_begin(&s, false, 10);
	stream_bytes(&s, "\0\1k\1v", 5);
	stream_end(&s);
	s.ptr[s.len - 1] ^= 1;
	assert_false(edited(s.ptr, s.len, &how, &out, &e));
	assert_non_null(strstr(e.text, "RDB checksum is "));
	assert_false(looked(out.ptr, out.len, &sum, &keys));
	stream_release(&out);
	s.ptr[s.len - 1] ^= 1;
	stream_byte(&s, 0);
	assert_false(edited(s.ptr, s.len, &how, &out, &e));
	assert_non_null(strstr(e.text, "bytes behind the end of the RDB"));
	assert_false(looked(out.ptr, out.len, &sum, &keys));
	stream_release(&out);
	stream_release(&s);
}

/* --- memory --- */

/* Nobody takes the output, so no more is read than a slice. */
static void
test_slices(void **state)
{
	static uint8_t value[1 << 20], memory[1];
	struct room room = { memory, 0, 1 };
	struct stream s;
	struct editor ed = { .even = EDIT_KEEP, .odd = EDIT_KEEP };
	struct span in;
	struct err e;

	(void)state;
	stream_init(&s);
	stream_begin(&s, false, 10);
	stream_byte(&s, 0);
	stream_str(&s, "k");
	stream_blob(&s, value, sizeof value);
	stream_end(&s);
	in = (struct span){ s.ptr, s.len };
	edit_init(&ed.edit, &ops);
	for (int i = 0; i < 3; i++)
		assert_true(edit_turn(&ed.edit.base, &in, &room, &e));
	assert_int_equal(s.len - in.len, EDIT_SLICE);
	edit_release(&ed.edit);
	stream_release(&s);
}

/* Where a writer runs out of memory. */
static enum { FAIL_KEY, FAIL_END, FAIL_HEAD, FAILS } fails;

static bool
failing_other(
    struct edit *d, const struct rdb_run *run, bool *keep, struct err *e)
{
	(void)run, (void)keep, (void)e;
	if (fails == FAIL_HEAD)
		rdb_write_bytes(&d->head, "", SIZE_MAX);
	return true;
}

static bool
failing_key(struct edit *d, enum edit_verdict *verdict, struct err *e)
{
	(void)e;
	*verdict = EDIT_KEEP;
	if (fails == FAIL_KEY)
		rdb_write_bytes(&d->out, "", SIZE_MAX);
	return true;
}

static bool
failing_end(struct edit *d, struct err *e)
{
	(void)e;
	if (fails == FAIL_END)
		rdb_write_bytes(&d->out, "", SIZE_MAX);
	return true;
}

static void
test_no_memory(void **state)
{
	static const struct edit_ops failing = {
		.other = failing_other, .key = failing_key, .end = failing_end
	};
	static uint8_t memory[4096];
	struct stream s;

	(void)state;
	stream_init(&s);
	stream_begin(&s, false, 10);
	stream_byte(&s, 250);
	stream_str(&s, "aux");
	stream_str(&s, "field");
	stream_byte(&s, 0);
	stream_str(&s, "k");
	stream_str(&s, "v");
	stream_end(&s);
	for (fails = 0; fails < FAILS; fails++) {
		struct room room = { memory, 0, sizeof memory };
		struct span in = { s.ptr, s.len };
		struct err e = { 0 };
		struct edit d;
		bool done;

		edit_init(&d, &failing);
		assert_int_equal(
		    edit_turn(&d.base, &in, &room, &e), fails == FAIL_END);
		if (fails == FAIL_END)
			assert_false(edit_finish(&d.base, &room, &done, &e));
		assert_int_equal(e.kind, ERR_SYSTEM);
		edit_release(&d);
	}
	stream_release(&s);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_built),
		cmocka_unit_test(test_corpus),
		cmocka_unit_test(test_bad),
		cmocka_unit_test(test_slices),
		cmocka_unit_test(test_no_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
