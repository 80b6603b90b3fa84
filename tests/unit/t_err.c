/* t_err.c -- errors: made once, context in front, foreign bytes harmless. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "stages/kit/err.h"

static void
context_goes_in_front(void **state)
{
	struct err e;

	(void)state;
	errno = ENOENT;
	assert_false(err_sys(&e, "cannot open %s", "/x"));
	assert_int_equal(e.kind, ERR_SYSTEM);
	assert_int_equal(e.sys, ENOENT);
	assert_false(err_in(&e, "store %d", 7));
	assert_string_equal(
	    e.text, "store 7: cannot open /x: no such file or directory");
	assert_int_equal(err_exit_code(&e), 3);
}

static void
signals_have_their_own_codes(void **state)
{
	struct err e;

	(void)state;
	assert_false(err_signal(&e, 15));
	assert_int_equal(err_exit_code(&e), 143);
	err_signal(&e, 2);
	assert_int_equal(err_exit_code(&e), 130);
}

static void
long_texts_are_cut(void **state)
{
	struct err e;
	char big[2000];

	(void)state;
	memset(big, 'x', sizeof big - 1);
	big[sizeof big - 1] = '\0';
	err_set(&e, ERR_DATA, "%s", big);
	err_in(&e, "%s", big);
	assert_int_equal(strlen(e.text), sizeof e.text - 1);
}

static void
quoting(void **state)
{
	static const struct {
		const char *in;
		size_t len;
		const char *want;
	} rows[] = {
		{ "user:17", 7, "user:17" },
		{ "a\"b\\c", 5, "a\\\"b\\\\c" },
		{ "\0\x1b[31m\xff", 7, "\\x00\\x1b[31m\\xff" },
		{ "", 0, "" },
	};
	char buf[64], tiny[16];

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++)
		assert_string_equal(
		    err_quote(buf, sizeof buf, rows[i].in, rows[i].len),
		    rows[i].want);
	err_quote(tiny, sizeof tiny, "aaaaaaaaaaaaaaaaaaaaaaaaaaa", 27);
	assert_true(strlen(tiny) < sizeof tiny);
	assert_non_null(strstr(tiny, "aaa..."));
}

static void
cleaning(void **state)
{
	static const char *const rows[][2] = {
		{ "cannot open /x: no", "cannot open /x: no" },
		{ "a\nb\x1b[2J \xc3\xbc \xc2\x9bm\x7f",
		    "a\\x0ab\\x1b[2J \xc3\xbc \\xc2\\x9bm\\x7f" },
		{ "'redis://me:a@b:c@h:1/2' and unix://:x@/p",
		    "'redis://me:***@h:1/2' and unix://:***@/p" },
		{ "redis://me@h:1 rediss://h:1 x:// file:///a:b@c",
		    "redis://me@h:1 rediss://h:1 x:// file:///a:b@c" },
	};
	char buf[100], tiny[16];

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++)
		assert_string_equal(
		    err_clean(buf, sizeof buf, rows[i][0]), rows[i][1]);
	err_clean(tiny, sizeof tiny, "aaa\n\n\n\n://:password@aaaaaaaaaaaa");
	assert_string_equal(tiny, "aaa\\x0a\\x0a");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(context_goes_in_front),
		cmocka_unit_test(signals_have_their_own_codes),
		cmocka_unit_test(long_texts_are_cut),
		cmocka_unit_test(quoting),
		cmocka_unit_test(cleaning),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
