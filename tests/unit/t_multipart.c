/*
 * Goal: a stream becomes one object, whole or not at all, whatever fails.
 * Every operation fails at every call there is, before and after it took
 * effect; then there is no upload left, and no object but the right one.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "rdb/crc64.h"
#include "stages/kit/facts.h"
#include "stages/kit/stop.h"
#include "stages/store/crew.h"
#include "stages/store/multipart.h"
#include "tests/harness/fakecloud.h"

#define MIB ((size_t)1 << 20)

static uint8_t *stream; /* 12 MiB and a bit */
static const size_t stream_len = 12 * MIB + 12345;
static char warning[800];

static void
warn_keep(const char *text)
{
	snprintf(warning, sizeof warning, "%s", text);
}

static struct multipart_how
small(void)
{
	return (struct multipart_how){ .schedule = { .part = MIB },
		.warn = warn_keep };
}

static struct sink *
begin(const struct multipart_how *how, struct err *e)
{
	struct multipart_to to = { .key = "k", .url = "cos://b-1/k" };

	warning[0] = '\0';
	return multipart_new(&to, how, e);
}

/* Put the first len bytes in chunks; commit. */
static bool
put(const struct multipart_how *how, size_t len, size_t chunk, struct err *e)
{
	struct sink *s = begin(how, e);
	bool ok = s != NULL;

	for (size_t at = 0; ok && at < len; at += chunk)
		ok = sink_put(s,
		    (struct span){
			stream + at, len - at < chunk ? len - at : chunk },
		    e);
	ok = ok && sink_commit(s, e);
	sink_free(s);
	assert_int_equal(fake.lines, 0);
	return ok;
}

static void
assert_there(size_t len)
{
	assert_true(fake.exists);
	assert_int_equal(fake.object_len, len);
	assert_memory_equal(fake.object, stream, len);
	assert_false(fake.open);
}

/* --- streams of every kind of length --- */

static void
lengths(void **state)
{
	const size_t lens[] = { 0, 1, MIB - 1, MIB, MIB + 1, 2 * MIB,
		2 * MIB + 1, 5 * MIB - 7, stream_len };
	const size_t chunks[] = { 1000, 65536, MIB, 3 * MIB + 17 };
	struct multipart_how how = small();
	struct err e;

	(void)state;
	for (size_t i = 0; i < sizeof lens / sizeof *lens; i++)
		for (size_t k = 0; k < sizeof chunks / sizeof *chunks; k++) {
			size_t parts =
			    lens[i] <= MIB ? 0 : (lens[i] + MIB - 1) / MIB;

			fake_reset();
			assert_true(put(&how, lens[i], chunks[k], &e));
			assert_there(lens[i]);
			assert_int_equal(fake.calls[FAKE_PART], parts);
			assert_int_equal(fake.calls[FAKE_PUT], parts == 0);
			assert_int_equal(fake.calls[FAKE_INITIATE], parts != 0);
			assert_int_equal(fake.calls[FAKE_ABORT], 0);
			/* The store told its checksum, so nobody looked. */
			assert_int_equal(fake.calls[FAKE_HEAD], 0);
		}
}

/* One byte at a time, and parts of odd sizes. */
static void
single_bytes(void **state)
{
	struct multipart_how how = small();
	struct err e;

	(void)state;
	how.schedule.part = MIB + 1;
	fake_reset();
	assert_true(put(&how, 2 * MIB + 3, 1, &e));
	assert_there(2 * MIB + 3);
	assert_int_equal(fake.calls[FAKE_PART], 3);
}

static void
parts_grow(void **state)
{
	const uint64_t sizes[] = { MIB, 2 * MIB, 3 * MIB, 4 * MIB, 0 };
	struct multipart_how how = small();
	struct err e;

	(void)state;
	how.schedule.parts = 10;
	fake_reset();
	assert_true(put(&how, stream_len, 100000, &e));
	assert_there(stream_len);
	for (size_t i = 0; sizes[i] != 0; i++)
		assert_int_equal(fake.part_sizes[i], sizes[i]);
}

static void
too_many_parts(void **state)
{
	struct multipart_how how = small();
	struct err e;

	(void)state;
	how.schedule =
	    (struct schedule_want){ .part = MIB, .parts = 3, .equal = true };
	fake_reset();
	assert_false(put(&how, 3 * MIB + 1, 65536, &e));
	assert_int_equal(e.kind, ERR_USAGE);
	assert_string_equal(e.text,
	    "cos://b-1/k: 3 parts are full, 3145728 bytes, and there is more: "
	    "begin with larger ones");
	assert_false(fake.exists);
	assert_false(fake.open);
	fake_reset();
	assert_true(put(&how, 3 * MIB, 65536, &e));
	assert_there(3 * MIB);
}

/* Parts that are slow overtake each other, and no more than asked for are
 * under way. */
static void
threads(void **state)
{
	struct err e;

	(void)state;
	for (unsigned n = 1; n <= CREW_THREADS_MAX; n *= 4) {
		struct multipart_how how = small();

		how.threads = n;
		fake_reset();
		fake.delay_ms = 5;
		assert_true(put(&how, stream_len, 65536, &e));
		assert_there(stream_len);
		assert_in_range(fake.busy_most, n > 1 ? 2 : 1, n);
		assert_in_range(fake.calls[FAKE_LINE], 2, n + 1);
	}
}

/* With memory for three parts two are under way at most, and it is said. */
static void
memory(void **state)
{
	struct multipart_how how = small();
	struct err e;

	(void)state;
	how.threads = 8;
	how.memory = 3 * MIB;
	fake_reset();
	fake.delay_ms = 2;
	assert_true(put(&how, stream_len, 65536, &e));
	assert_there(stream_len);
	assert_in_range(fake.busy_most, 1, 3);
	assert_string_equal(warning,
	    "parts of 1 MiB: 2 at a time from here on, so as not to need more "
	    "than 3 MiB");
}

/* --- what fails --- */

/* Every operation, at every call, alone and for ever, before and after it
 * took effect. */
static void
every_failure(void **state)
{
	const size_t lens[] = { 1000, 3 * MIB + 1 };
	const enum err_kind kinds[] = { ERR_REMOTE, ERR_SIGNAL, ERR_DATA };
	struct multipart_how how = small();
	unsigned failed = 0, won = 0;
	struct err e;

	(void)state;
	for (int op = 0; op < FAKE_OPS; op++)
		for (unsigned nth = 1; nth <= 6; nth++)
			for (int anyway = 0; anyway < 2; anyway++)
				for (size_t kind = 0; kind < 3; kind++)
					for (size_t i = 0; i < 2; i++) {
						bool ok;

						fake_reset();
						fake.kind = kinds[kind];
						fake.fail_at[op] = nth;
						fake.done_anyway[op] =
						    anyway != 0;
						if (kinds[kind] == ERR_DATA &&
						    !anyway)
							continue; /* it says that the object is there */
						ok = put(
						    &how, lens[i], 70000, &e);
						if (ok)
							assert_there(lens[i]);
						else
							assert_false(
							    fake.exists);
						assert_false(fake.open);
						failed += !ok;
						won += ok &&
						    fake.calls[op] >= nth &&
						    anyway;
					}
	assert_true(failed > 20);
	assert_true(won > 0);
}

/* The answer to Complete was lost for good; the object is ours, or not. */
static void
lost_answers(void **state)
{
	struct multipart_how how = small();
	struct err e;

	(void)state;
	fake_reset();
	fake.fail_at[FAKE_COMPLETE] = UINT_MAX;
	fake.done_anyway[FAKE_COMPLETE] = true;
	assert_true(put(&how, 2 * MIB, 65536, &e));
	assert_there(2 * MIB);
	fake_reset();
	fake.fail_at[FAKE_COMPLETE] = UINT_MAX;
	fake.done_anyway[FAKE_COMPLETE] = true;
	fake.taken = true;
	assert_false(put(&how, 2 * MIB, 65536, &e));
	assert_string_equal(e.text, "it failed");
	assert_true(fake.exists);
	assert_int_equal(fake.calls[FAKE_DELETE], 0);
}

/* A damaged reply is not a damaged object; a damaged object is taken back. */
static void
checksums(void **state)
{
	struct multipart_how how = small();
	struct err e;

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		size_t len = i == 0 ? 5 : 2 * MIB;

		fake_reset();
		fake.wrong_crc = true;
		assert_true(put(&how, len, 65536, &e));
		assert_there(len);
		fake_reset();
		fake.damages = true;
		assert_false(put(&how, len, 65536, &e));
		assert_int_equal(e.kind, ERR_DATA);
		assert_non_null(strstr(e.text,
		    i == 0 ?
			"cos://b-1/k: the store holds 5 bytes with CRC-64" :
			"the store holds 2097152 bytes with CRC-64"));
		assert_false(fake.exists);
		assert_int_equal(fake.calls[FAKE_DELETE], 1);
	}
}

static void
left_behind(void **state)
{
	struct multipart_how how = small();
	struct err e;

	(void)state;
	fake_reset();
	fake.damages = true;
	fake.fail_at[FAKE_DELETE] = 1;
	assert_false(put(&how, 5, 5, &e));
	assert_string_equal(
	    warning, "left behind: cos://b-1/k, which is wrong: it failed");
	fake_reset();
	fake.fail_at[FAKE_PART] = 1;
	fake.fail_at[FAKE_ABORT] = UINT_MAX;
	assert_false(put(&how, 3 * MIB, 65536, &e));
	assert_string_equal(warning,
	    "left behind: upload upload of cos://b-1/k, see cos-rm --uploads: "
	    "it failed");
}

/* Stores that tell no checksum: a look at the size and the id. */
static void
no_checksum(void **state)
{
	struct multipart_how how = small();
	struct err e;

	(void)state;
	fake_reset();
	fake.no_crc = true;
	assert_true(put(&how, 2 * MIB, 65536, &e));
	assert_there(2 * MIB);
	assert_int_equal(fake.calls[FAKE_HEAD], 1);
	fake_reset();
	fake.no_crc = true;
	fake.fail_at[FAKE_HEAD] = UINT_MAX;
	assert_true(put(&how, 2 * MIB, 65536, &e));
	assert_string_equal(
	    warning, "cos://b-1/k is put, but cannot be looked at: it failed");
	fake_reset();
	fake.no_crc = fake.taken = true;
	assert_false(put(&how, 2 * MIB, 65536, &e));
	assert_string_equal(
	    e.text, "cos://b-1/k: was put, and is another object by now");
	assert_true(fake.exists);
}

static void
unsure(void **state)
{
	struct multipart_how how = small();
	struct err e;

	(void)state;
	fake_reset();
	fake.wrong_crc = true;
	fake.fail_at[FAKE_HEAD] = UINT_MAX;
	assert_false(put(&how, 5, 5, &e));
	assert_int_equal(e.kind, ERR_DATA);
	assert_non_null(strstr(e.text, "the store said CRC-64"));
	fake_reset();
	fake.fail_at[FAKE_COMPLETE] = 1;
	fake.fail_at[FAKE_HEAD] = UINT_MAX;
	assert_false(put(&how, 2 * MIB, 65536, &e));
	assert_string_equal(
	    warning, "cos://b-1/k may have been put: it failed");
}

/* Bytes that change between coming in and going out are noticed before
 * anything is published. */
static void
damaged_in_memory(void **state)
{
	struct multipart_how how = small();
	struct err e;

	(void)state;
	fake_reset();
	fake.scribbles = true;
	assert_false(put(&how, 3 * MIB, 65536, &e));
	assert_int_equal(e.kind, ERR_BUG);
	assert_non_null(strstr(e.text, "damaged in memory"));
	assert_int_equal(fake.calls[FAKE_COMPLETE], 0);
	assert_false(fake.exists);
	assert_false(fake.open);
}

static void
exclusive(void **state)
{
	struct multipart_how how = small();
	struct err e;

	(void)state;
	how.object.exclusive = true;
	fake_reset();
	fake_object("x", 1);
	assert_null(begin(&how, &e));
	assert_int_equal(e.kind, ERR_REMOTE);
	assert_string_equal(e.text, "cos://b-1/k: exists already");
	assert_int_equal(fake.lines, 0);
}

/* An answer to Initiate was lost: what it began goes too, but nothing that may
 * be somebody else's. */
static void
lost_uploads(void **state)
{
	struct multipart_how how = small();
	struct err e;

	(void)state;
	fake_reset();
	fake.maybe = true;
	assert_true(put(&how, 3 * MIB, 65536, &e));
	assert_there(3 * MIB);
	assert_false(fake.lost_open);
	assert_int_equal(fake.calls[FAKE_ABORT], 1);
	fake_reset(); /* ours failed */
	fake.maybe = true;
	fake.fail_at[FAKE_PART] = 1;
	assert_false(put(&how, 3 * MIB, 65536, &e));
	assert_false(fake.lost_open);
	fake_reset(); /* ours was never begun */
	fake.maybe = true;
	fake.fail_at[FAKE_INITIATE] = UINT_MAX;
	assert_false(put(&how, 3 * MIB, 65536, &e));
	assert_false(fake.lost_open);
	fake_reset(); /* nor is our clock right */
	fake.maybe = true;
	fake.fail_at[FAKE_INITIATE] = UINT_MAX;
	fake.ahead_ms = 86400 * 1000;
	assert_false(put(&how, 3 * MIB, 65536, &e));
	assert_false(fake.lost_open);
	fake_reset(); /* it is an older one */
	fake.maybe = true;
	fake.lost_ms = 20000;
	assert_true(put(&how, 3 * MIB, 65536, &e));
	assert_true(fake.lost_open);
	fake_reset(); /* it has parts, so it is somebody's */
	fake.maybe = true;
	fake.lost_parts = 1;
	assert_true(put(&how, 3 * MIB, 65536, &e));
	assert_true(fake.lost_open);
	fake_reset();
	fake.maybe = true;
	fake.fail_at[FAKE_LIST_UPLOADS] = 1;
	assert_true(put(&how, 3 * MIB, 65536, &e));
	assert_string_equal(warning,
	    "an upload of cos://b-1/k may be left behind, see cos-rm "
	    "--uploads: it failed");
}

/* --- without commit --- */

static void
not_committed(void **state)
{
	struct multipart_how how = small();
	struct err e;

	(void)state;
	for (size_t len = 0; len <= 4 * MIB; len += MIB) {
		struct sink *s;

		fake_reset();
		fake.delay_ms = 30;
		assert_non_null(s = begin(&how, &e));
		assert_true(sink_put(s, (struct span){ stream, len }, &e));
		sink_free(s);
		assert_false(fake.exists);
		assert_false(fake.open);
		assert_int_equal(fake.calls[FAKE_ABORT], len > MIB);
		assert_int_equal(fake.lines, 0);
	}
}

static void
facts_told(void **state)
{
	struct multipart_how how = small();
	char text[1000], want[1000];
	int fd[2];
	struct facts *facts;
	struct sink *s;
	struct err e;
	ssize_t n;

	(void)state;
	fake_reset();
	assert_int_equal(pipe(fd), 0);
	assert_non_null(facts = facts_new(fd[1], &e));
	assert_non_null(s = begin(&how, &e));
	assert_true(sink_put(s, (struct span){ stream, 2 * MIB }, &e));
	assert_true(sink_commit(s, &e));
	sink_tell(s, facts);
	sink_free(s);
	assert_true(facts_flush(facts, &e));
	facts_free(facts);
	n = read(fd[0], text, sizeof text - 1);
	assert_true(n > 0);
	text[n] = '\0';
	snprintf(want, sizeof want,
	    "object cos://b-1/k\nstore-crc64-xz %016llx\nparts 2\n"
	    "upload-id upload\n",
	    (unsigned long long)crc64_xz(0, stream, 2 * MIB));
	assert_non_null(strstr(text, want));
	close(fd[0]);
	close(fd[1]);
}

/* Asked to stop: the wait for memory ends, and the upload is aborted all the
 * same.  Last, for there is no way back. */
static void
stopped(void **state)
{
	struct multipart_how how = small();
	struct sink *s;
	struct err e;

	(void)state;
	how.threads = 1;
	fake_reset();
	stop_init();
	fake.delay_ms = 100;
	assert_non_null(s = begin(&how, &e));
	raise(SIGTERM);
	assert_false(sink_put(s, (struct span){ stream, stream_len }, &e));
	assert_int_equal(e.kind, ERR_SIGNAL);
	sink_free(s);
	assert_false(fake.exists);
	assert_false(fake.open);
}

static int
setup(void **state)
{
	(void)state;
	if ((stream = malloc(stream_len)) == NULL)
		return -1;
	for (size_t i = 0; i < stream_len; i++)
		stream[i] = (uint8_t)(i * 31 + (i >> 8) * 7 + (i >> 20));
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	fake_reset();
	free(stream);
	return 0;
}

/* A store that checks CRC64NVME says so part by part, so nothing is put in
 * one request but what is empty. */
static void
proven_by_nvme(void **state)
{
	const size_t lens[] = { 0, 1, MIB, 3 * MIB + 5 };
	struct multipart_how how = small();
	struct err e;

	(void)state;
	for (size_t i = 0; i < sizeof lens / sizeof *lens; i++) {
		fake_reset();
		fake.nvme = fake.no_crc = true;
		assert_true(put(&how, lens[i], 70000, &e));
		assert_there(lens[i]);
		assert_int_equal(fake.calls[FAKE_PUT], lens[i] == 0);
		assert_int_equal(
		    fake.calls[FAKE_PART], (lens[i] + MIB - 1) / MIB);
		assert_int_equal(fake.calls[FAKE_HEAD], 0);
	}
	/* Another answer may be a damaged one: the object decides. */
	fake_reset();
	fake.nvme = fake.no_crc = fake.wrong_nvme = true;
	assert_true(put(&how, 3 * MIB, 70000, &e));
	assert_there(3 * MIB);
	assert_int_equal(fake.calls[FAKE_HEAD], 1);
	fake_reset();
	fake.nvme = fake.no_crc = fake.damages = true;
	assert_false(put(&how, 3 * MIB, 70000, &e));
	assert_int_equal(e.kind, ERR_DATA);
	assert_non_null(strstr(e.text, "with CRC64NVME "));
	assert_false(fake.exists || fake.open);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lengths),
		cmocka_unit_test(single_bytes),
		cmocka_unit_test(parts_grow),
		cmocka_unit_test(too_many_parts),
		cmocka_unit_test(threads),
		cmocka_unit_test(memory),
		cmocka_unit_test(every_failure),
		cmocka_unit_test(lost_answers),
		cmocka_unit_test(checksums),
		cmocka_unit_test(left_behind),
		cmocka_unit_test(no_checksum),
		cmocka_unit_test(unsure),
		cmocka_unit_test(damaged_in_memory),
		cmocka_unit_test(exclusive),
		cmocka_unit_test(lost_uploads),
		cmocka_unit_test(not_committed),
		cmocka_unit_test(facts_told),
		cmocka_unit_test(proven_by_nvme),
		cmocka_unit_test(stopped),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
