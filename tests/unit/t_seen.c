/*
 * t_seen.c -- keys are remembered exactly: in memory, in a file, and where one
 * becomes the other; and what is said when there is no room.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <signal.h>
#include <sys/resource.h>

#include "stages/redis/seen.h"

static bool
seen_before(struct seen *s, uint64_t db, unsigned number)
{
	struct err e = { 0 };
	char key[32];
	bool before;

	snprintf(key, sizeof key, "key:%u", number);
	if (!seen_add(s, db, key, strlen(key), &before, &e))
		fail_msg("%s", e.text);
	return before;
}

/* Every key is new once, in two databases, and then no more. */
static void
exact(size_t memory, unsigned n, bool on_disk)
{
	struct err e = { 0 };
	struct seen *s = seen_new(memory, &e);

	assert_non_null(s);
	for (unsigned i = 0; i < n; i++) {
		assert_false(seen_before(s, i % 3, i));
		assert_false(seen_before(s, 3, i));
		if (i % 7 == 0)
			assert_true(seen_before(s, i % 3, i));
	}
	assert_int_equal(seen_on_disk(s), on_disk);
	for (unsigned i = 0; i < n; i++) {
		assert_true(seen_before(s, i % 3, i));
		assert_true(seen_before(s, 3, i));
		assert_false(seen_before(s, 4 + i, i));
	}
	seen_free(s);
}

static void
in_memory(void **state)
{
	(void)state;
	exact((size_t)64 << 20, 20000, false);
}

static void
on_disk(void **state)
{
	(void)state;
	exact(SEEN_MEMORY_MIN, 20000, true);
}

/* Any bytes, and any length of them; keys that contain each other. */
static void
odd_keys(void **state)
{
	static const char zeros[70000];
	struct err e = { 0 };
	struct seen *s = seen_new(SEEN_MEMORY_MIN, &e);
	bool before;

	(void)state;
	for (int again = 0; again < 2; again++)
		for (size_t len = 0; len < sizeof zeros; len += 1 + len / 2) {
			assert_true(seen_add(s, 0, zeros, len, &before, &e));
			assert_int_equal(before, again);
		}
	seen_free(s);
}

static bool
fill(struct seen *s, struct err *e)
{
	bool before;

	for (unsigned i = 0; i < 20000; i++)
		if (!seen_add(s, 0, &i, sizeof i, &before, e))
			return false;
	return true;
}

static void
no_room(void **state)
{
	struct rlimit before, small = { 4096, RLIM_INFINITY };
	const char *folder = getenv("TMPDIR");
	char *kept = folder != NULL ? strdup(folder) : NULL;
	struct err e = { 0 };
	struct seen *s = seen_new(SEEN_MEMORY_MIN, &e);

	(void)state;
	setenv("TMPDIR", "/nowhere", 1);
	assert_false(fill(s, &e));
	assert_int_equal(e.kind, ERR_SYSTEM);
	assert_non_null(strstr(
	    e.text, "cannot make a temporary file in /nowhere (TMPDIR): "));
	if (kept != NULL)
		setenv("TMPDIR", kept, 1);
	else
		unsetenv("TMPDIR");
	/* What was known before is still known. */
	assert_true(seen_add(s, 0, &(unsigned){ 7 }, 4, &(bool){ 0 }, &e) ||
	    strstr(e.text, "temporary file") != NULL);
	getrlimit(RLIMIT_FSIZE, &before);
	small.rlim_max = before.rlim_max;
	setrlimit(RLIMIT_FSIZE, &small);
	assert_false(fill(s, &e));
	/* Some file systems know it only when the bytes come. */
	assert_int_equal(e.kind, ERR_SYSTEM);
	if (strstr(e.text, "no room for 65536 bytes in") == NULL &&
	    strstr(e.text, "the temporary file of the keys") == NULL)
		fail_msg("%s", e.text);
	setrlimit(RLIMIT_FSIZE, &before);
	assert_true(fill(s, &e));
	assert_true(seen_on_disk(s));
	seen_free(s);
	free(kept);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(in_memory),
		cmocka_unit_test(on_disk),
		cmocka_unit_test(odd_keys),
		cmocka_unit_test(no_room),
	};

	signal(SIGXFSZ, SIG_IGN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
