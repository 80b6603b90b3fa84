/*
 * t_position.c -- where in a replication the data was is left out, and no more.
 *
 * Goal of this test: of auxiliary fields those three go, names like theirs and
 * names of any length stay, wherever the input was cut.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "stages/keys/position.h"
#include "tests/harness/streams.h"

static void
aux(struct stream *s, const char *name)
{
	stream_byte(s, 250);
	stream_str(s, name);
	stream_str(s, "0123456789");
}

/* What is left of s, fed by size. */
static void
left_of(const struct stream *s, size_t size, struct rdb_write *out)
{
	struct position position = { 0 };
	struct rdb_walk walk;
	struct rdb_run run;

	rdb_write_init(out);
	rdb_walk_init(&walk);
	for (size_t at = 0, n; at < s->len; at += n) {
		n = size < s->len - at ? size : s->len - at;
		rdb_walk_feed(&walk, s->ptr + at, n);
		while (rdb_walk_next(&walk, &run) == RDB_RUN)
			if ((run.label != RDB_AUX_NAME &&
				run.label != RDB_AUX_VALUE) ||
			    position_keep(&position, &run, out))
				rdb_write_bytes(out, run.ptr, run.len);
	}
}

static void
test_left(void **unused)
{
	static const char *const stay[] = { "redis-ver", "repl-ix", "repl-idx",
		"repl", "", "repl-stream-dx", "repl-stream-db2",
		"a name of 22 bytes here",
		"one that is longer than any of them", "ctime" };
	static const char *const go[] = { "repl-id", "repl-offset",
		"repl-stream-db" };
	struct stream all, want;
	struct rdb_write out;

	(void)unused;
	stream_init(&all);
	stream_init(&want);
	stream_begin(&all, false, 11);
	stream_begin(&want, false, 11);
	for (size_t i = 0; i < sizeof stay / sizeof *stay; i++) {
		aux(&all, go[i % 3]);
		aux(&all, stay[i]);
		aux(&want, stay[i]);
	}
	for (size_t size = 1; size < all.len; size++) {
		left_of(&all, size, &out);
		assert_int_equal(out.len, want.len);
		assert_memory_equal(out.ptr, want.ptr, want.len);
		rdb_write_release(&out);
	}
	stream_release(&all);
	stream_release(&want);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_left),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
