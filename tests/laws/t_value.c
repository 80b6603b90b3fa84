/*
 * t_value.c -- the elements of values do not depend on how input was cut.
 *
 * Goal of this test: every built stream (harness/streams.h) and every dump of
 * the corpus, if it is there, decoded whole, byte by byte, in chunks of 2, 3, 7,
 * 64 and 4096, and the small ones with a first cut at every byte: the same
 * elements, and the value ends when the walker says that it does.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <glob.h>

#include "tests/harness/elements.h"
#include "tests/harness/streams.h"

#define SMALL 1500 /* bytes up to which every cut is tried */

static const size_t sizes[] = { 1, 2, 3, 7, 64, 4096 };

/* Does this way to cut give the text?  Frees nothing of the caller's. */
static void
compare(const char *name, const char *want, const uint8_t *p, size_t len,
    size_t first, size_t size)
{
	char *got = elements_of(p, len, first, size);

	if (strcmp(got, want) != 0)
		print_error("%s, cut at %zu, then every %zu:\n%s\nnot:\n%s\n",
		    name, first, size, got, want);
	assert_true(strcmp(got, want) == 0);
	free(got);
}

/* The text, after all ways to cut have given the same. */
static char *
all_cuts(const char *name, const uint8_t *p, size_t len)
{
	char *want = elements_of(p, len, len, len);

	assert_null(strstr(want, "do not end together"));
	for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
		compare(name, want, p, len, sizes[i], sizes[i]);
	for (size_t at = 1; at < len && len <= SMALL; at++)
		compare(name, want, p, len, at, len);
	return want;
}

static void
test_built(void **unused)
{
	struct stream s;

	(void)unused;
	for (size_t i = 0; i < streams_count(); i++) {
		const char *name = streams_make(i, &s);
		char *text = all_cuts(name, s.ptr, s.len);

		if (strstr(text, "bad at") != NULL)
			print_error("%s: %s\n", name, text);
		assert_null(strstr(text, "bad at"));
		free(text);
		stream_release(&s);
	}
}

/* A file, or NULL. */
static uint8_t *
read_all(const char *path, size_t *len)
{
	FILE *from = fopen(path, "rb");
	uint8_t *p;

	if (from == NULL)
		return NULL;
	p = malloc(1 << 20);
	*len = fread(p, 1, 1 << 20, from);
	assert_true(*len < 1 << 20);
	fclose(from);
	return p;
}

static void
test_corpus(void **unused)
{
	glob_t found;
	size_t len = 0;

	(void)unused;
	if (glob("../shared/corpus/*/*.rdb", 0, NULL, &found) != 0) {
		print_message("no ../shared/corpus here\n");
		skip();
	}
	for (size_t i = 0; i < found.gl_pathc; i++) {
		uint8_t *p = read_all(found.gl_pathv[i], &len);
		char *text;

		assert_non_null(p);
		text = all_cuts(found.gl_pathv[i], p, len);
		assert_null(strstr(text, "bad at"));
		free(text);
		free(p);
	}
	globfree(&found);
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
