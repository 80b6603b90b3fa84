/*
 * t_glob.c -- patterns: what they match, as KEYS does, and how fast.
 *
 * Goal of this test: each construct, and each malformed one, means what
 * stringmatchlen makes of it (tests/server/test_filter.py asks a server about
 * many more), and no pattern takes more than the product of both lengths.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "stages/keys/glob.h"
#include "stages/kit/cc.h"
#include "stages/kit/clock.h"

struct row {
	const char *pattern, *text;
	bool want;
};

static const struct row rows[] = {
	{ "", "", true },
	{ "", "a", false },
	{ "a", "", false },
	{ "abc", "abc", true },
	{ "abc", "abcd", false },
	{ "abcd", "abc", false },
	{ "ABC", "abc", false },
	/* stars */
	{ "*", "", true },
	{ "**", "", true },
	{ "*", "anything", true },
	{ "a*", "a", true },
	{ "*a", "bca", true },
	{ "*a", "bcab", false },
	{ "a*c", "abcbc", true },
	{ "a*b*c", "a-b-b-c", true },
	{ "a*b*c", "a-c-b", false },
	{ "***b", "ab", true },
	{ "user:*:name", "user:17:name", true },
	{ "user:*:name", "user:17:names", false },
	{ "*aab*", "aaaab", true },
	/* one byte */
	{ "?", "", false },
	{ "?", "a", true },
	{ "h?llo", "hello", true },
	{ "h?llo", "hllo", false },
	{ "*?", "", false },
	{ "?*?", "ab", true },
	{ "?*?", "a", false },
	/* sets */
	{ "h[ae]llo", "hello", true },
	{ "h[ae]llo", "hillo", false },
	{ "h[^e]llo", "hallo", true },
	{ "h[^e]llo", "hello", false },
	{ "h[a-c]llo", "hbllo", true },
	{ "h[c-a]llo", "hbllo", true },
	{ "h[a-c]llo", "hdllo", false },
	{ "[0-9a-f]", "e", true },
	{ "[0-9a-f]", "g", false },
	{ "[a^]", "^", true },
	{ "[\\]]", "]", true },
	{ "[\\]]", "\\", false },
	{ "[a\\-c]", "-", true },
	{ "[a\\-c]", "b", false },
	{ "*[0-9]", "key9", true },
	{ "*[0-9]", "key9x", false },
	/* a backslash */
	{ "\\*", "*", true },
	{ "\\*", "a", false },
	{ "a\\?b", "a?b", true },
	{ "a\\?b", "axb", false },
	{ "\\a", "a", true },
	{ "a\\\\b", "a\\b", true },
	/* malformed, as the server sees it */
	{ "a\\", "a\\", true },
	{ "a\\", "a", false },
	{ "[]", "a", false },
	{ "[]a]", "aa]", false },
	{ "[^]", "a", true },
	{ "[", "a", false },
	{ "[^", "a", true },
	{ "[ab", "b", true },
	{ "[ab", "c", false },
	{ "[a-", "a", true },
	{ "[a-", "-", true },
	{ "[a-]", "a", true },
	{ "[a-]", "^", true }, /* between "]" and "a" */
	{ "[a-]", "b", false },
	{ "[a-]b]", "b", true }, /* still open behind the range */
	{ "[ab\\", "\\", true },
	{ "]", "]", true },
};

static void
what_matches(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		const struct row *r = &rows[i];

		if (glob_match(r->pattern, strlen(r->pattern), r->text,
			strlen(r->text)) != r->want)
			fail_msg("'%s' and '%s'", r->pattern, r->text);
	}
}

static void
any_bytes(void **state)
{
	static const uint8_t text[] = { 'a', 0, 0xff, 'b' };

	(void)state;
	assert_true(glob_match("a*b", 3, text, 4));
	assert_true(glob_match("a??b", 4, text, 4));
	assert_true(glob_match("a\0\xff*", 4, text, 4));
	assert_true(glob_match("a[\0]*", 5, text, 4));
	assert_true(glob_match("a?[\x80-\xff]b", 8, text, 4));
	assert_false(glob_match("a?[\x80-\xfe]b", 8, text, 4));
	assert_false(glob_match("a\0", 2, "a", 1));
}

/* What does not end in a lifetime when every star is tried everywhere. */
static void
stars_do_not_explode(void **state)
{
	static char pattern[2000], text[20000];
	int64_t began = clock_steady();

	(void)state;
	for (size_t i = 0; i + 1 < sizeof pattern; i += 2)
		memcpy(pattern + i, "a*", 2);
	memset(text, 'a', sizeof text);
	assert_true(glob_match(pattern, sizeof pattern, text, sizeof text));
	pattern[sizeof pattern - 1] = 'b';
	assert_false(glob_match(pattern, sizeof pattern, text, sizeof text));
	assert_true(clock_steady() - began < 5000);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_matches),
		cmocka_unit_test(any_bytes),
		cmocka_unit_test(stars_do_not_explode),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
