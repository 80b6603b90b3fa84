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

#include "tests/harness/corpus.h"
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

static void
test_corpus(void **unused)
{
	struct corpus corpus;

	(void)unused;
	corpus_open(&corpus);
	for (size_t i = 0; i < corpus.n; i++) {
		size_t len;
		uint8_t *p = corpus_read(&corpus, i, &len);
		char *text;

		text = all_cuts(corpus.path[i], p, len);
		assert_null(strstr(text, "bad at"));
		free(text);
		free(p);
	}
	corpus_close(&corpus);
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
