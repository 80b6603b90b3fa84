/* t_facts.c -- facts written by one side are read by the other, cut anywhere. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "stages/kit/facts.h"

/* Facts of every kind, as the bytes a driver would read. */
static size_t
facts_make(char *to, size_t cap)
{
	int fd[2];
	struct err e;
	struct facts *f;
	ssize_t n;

	assert_int_equal(pipe(fd), 0);
	assert_non_null(f = facts_new(fd[1], &e));
	facts_text(f, "engine", "redis");
	facts_text(f, "remark", "two\nlines \\ and a slash");
	facts_count(f, "bytes", UINT64_MAX);
	facts_hex(f, "sum", "\x00\xab\xff", 3);
	facts_hex64(f, "crc64", 0xe9c6d914c4b8d9caull);
	facts_count(f, "exit", 0);
	assert_true(facts_flush(f, &e));
	facts_free(f);
	close(fd[1]);
	n = read(fd[0], to, cap);
	close(fd[0]);
	return (size_t)n;
}

static void
round_trip_over_all_cuts(void **state)
{
	char bytes[500];
	size_t len = facts_make(bytes, sizeof bytes);

	(void)state;
	for (size_t cut = 0; cut <= len; cut++) {
		struct fact_list l = { 0 };
		struct err e;
		uint64_t n;

		assert_true(fact_list_add(&l, bytes, cut, &e));
		assert_true(fact_list_add(&l, bytes + cut, len - cut, &e));
		assert_string_equal(fact_list_get(&l, "engine"), "redis");
		assert_string_equal(fact_list_get(&l, "remark"),
		    "two\\nlines \\\\ and a slash");
		assert_true(fact_list_count(&l, "bytes", &n));
		assert_true(n == UINT64_MAX);
		assert_string_equal(fact_list_get(&l, "sum"), "00abff");
		assert_string_equal(
		    fact_list_get(&l, "crc64"), "e9c6d914c4b8d9ca");
		assert_null(fact_list_get(&l, "byte"));
		assert_false(fact_list_count(&l, "engine", &n));
		assert_false(fact_list_count(&l, "nothing", &n));
		fact_list_release(&l);
	}
}

static void
a_flood_is_refused(void **state)
{
	static char line[1 << 16];
	struct fact_list l = { 0 };
	struct err e;
	bool ok = true;

	(void)state;
	memset(line, 'x', sizeof line);
	for (int i = 0; ok && i < 1000; i++)
		ok = fact_list_add(&l, line, sizeof line, &e);
	assert_false(ok);
	assert_string_equal(e.text, "more than 4194304 bytes of facts");
	fact_list_release(&l);
}

static void
nobody_listening_is_fine(void **state)
{
	struct err e;

	(void)state;
	facts_text(NULL, "a", "b");
	facts_count(NULL, "a", 1);
	facts_hex(NULL, "a", "b", 1);
	assert_true(facts_flush(NULL, &e));
	facts_free(NULL);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(round_trip_over_all_cuts),
		cmocka_unit_test(a_flood_is_refused),
		cmocka_unit_test(nobody_listening_is_fine),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
