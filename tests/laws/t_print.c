/*
 * t_print.c -- what is printed does not depend on how the input was cut.
 *
 * Goal of this test: every built stream (harness/streams.h) and every dump of
 * the corpus, if it is there, in every format: the same text whole, byte by
 * byte, in chunks of 2, 3, 7 and 64, and for the small ones with a first cut at
 * every byte.  And a stream that ends too early, at any byte, is an error whose
 * text is a beginning of the whole one, never all of it where the format has an
 * end.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "stages/print/csv.h"
#include "stages/print/json.h"
#include "stages/print/jsonl.h"
#include "stages/print/keys.h"
#include "stages/print/printer.h"
#include "stages/print/resp.h"
#include "tests/harness/corpus.h"
#include "tests/harness/memory.h"
#include "tests/harness/streams.h"

#define SMALL 700 /* bytes up to which every cut is tried */

enum { JSON, JSON_UTF8, JSONL, JSONL_BASE64, KEYS, CSV, RESP, FORMATS };

static const char *const names[FORMATS] = { "json", "json utf8", "jsonl",
	"jsonl base64", "keys", "csv", "resp" };
static const size_t sizes[] = { 1, 2, 3, 7, 64 };

static struct format *
format_new(int which, struct output *out, struct err *e)
{
	switch (which) {
	case JSON:
		return json_new(out, WRITER_BYTES, e);
	case JSON_UTF8:
		return json_new(out, WRITER_UTF8, e);
	case JSONL:
		return jsonl_new(out, WRITER_UTF8, e);
	case JSONL_BASE64:
		return jsonl_new(out, WRITER_BASE64, e);
	case KEYS:
		return keys_new(out, false, e);
	case CSV:
		return csv_new(out, e);
	default:
		return resp_format_new(out, NULL, true, e);
	}
}

/* One way of printing something, and what came of it. */
struct printed {
	char *text; /* free() it */
	size_t len;
	bool good;
	struct err err;
};

/* The text for len bytes at p, fed a chunk of first bytes, then chunks of size
 * bytes, each in a block of its own. */
static struct printed
print(int which, const uint8_t *p, size_t len, size_t first, size_t size)
{
	static struct choice choice = CHOICE_DEFAULT;
	struct printer *printer = malloc(sizeof *printer);
	struct output *out = malloc(sizeof *out);
	struct printed got = { .good = true };
	struct memory_sink sink;
	struct format *format;
	size_t n = first;

	memory_sink_init(&sink);
	output_init(out, &sink.base);
	assert_non_null(format = format_new(which, out, &got.err));
	printer_init(printer, format, &choice);
	printer->aux = printer->libraries = true;
	for (; len > 0 && got.good; p += n, len -= n, n = size) {
		uint8_t *chunk = malloc(n = n < len ? n : len);

		memcpy(chunk, p, n);
		got.good =
		    printer_feed(printer, (struct span){ chunk, n }, &got.err);
		free(chunk);
	}
	got.good = got.good && printer_end(printer, &got.err);
	if (!got.good)
		printer_salvage(printer);
	printer_release(printer);
	format_free(format);
	free(printer);
	free(out);
	got.text = (char *)sink.got;
	got.len = sink.len;
	return got;
}

static bool
same(const struct printed *a, const struct printed *b)
{
	return a->good == b->good && a->len == b->len &&
	    (a->len == 0 || memcmp(a->text, b->text, a->len) == 0) &&
	    (a->good || strcmp(a->err.text, b->err.text) == 0);
}

static void
compare(const char *name, int which, const struct printed *want,
    const uint8_t *p, size_t len, size_t first, size_t size)
{
	struct printed got = print(which, p, len, first, size);

	if (!same(&got, want))
		print_error("%s as %s, cut at %zu, then every %zu:\n%.*s\n%s\n"
			    "not:\n%.*s\n%s\n",
		    name, names[which], first, size, (int)got.len, got.text,
		    got.good ? "" : got.err.text, (int)want->len, want->text,
		    want->good ? "" : want->err.text);
	assert_true(same(&got, want));
	free(got.text);
}

/* Of what ends too early only a beginning is printed. */
static void
shortened(const char *name, int which, const struct printed *want,
    const uint8_t *p, size_t len)
{
	bool closed = which == JSON || which == JSON_UTF8;

	for (size_t n = 0; n < len; n++) {
		struct printed got = print(which, p, n, n, n);

		if (got.good || got.len > want->len ||
		    (closed && got.len == want->len) ||
		    (got.len > 0 && memcmp(got.text, want->text, got.len) != 0))
			print_error("%s as %s, %zu bytes of it:\n%.*s\n", name,
			    names[which], n, (int)got.len, got.text);
		assert_false(got.good);
		assert_int_equal(got.err.kind, ERR_DATA);
		assert_true(got.len <= want->len);
		assert_false(closed && got.len == want->len);
		assert_true(
		    got.len == 0 || memcmp(got.text, want->text, got.len) == 0);
		free(got.text);
	}
}

/* Commands cannot say everything; that is no matter of cuts. */
static void
judge(const char *name, int which, const struct printed *got)
{
	if (!got->good && which != RESP)
		print_error(
		    "%s as %s: %s\n", name, names[which], got->err.text);
	assert_true(got->good || which == RESP);
	assert_true(got->good || got->err.kind == ERR_REMOTE);
}

static void
all_cuts(const char *name, int which, const uint8_t *p, size_t len)
{
	struct printed want = print(which, p, len, len, len);

	judge(name, which, &want);
	for (size_t i = 0; i < COUNT_OF(sizes); i++)
		compare(name, which, &want, p, len, sizes[i], sizes[i]);
	for (size_t at = 1; at < len && len <= SMALL; at++)
		compare(name, which, &want, p, len, at, len);
	if (len <= SMALL && want.good)
		shortened(name, which, &want, p, len);
	free(want.text);
}

static void
test_built(void **unused)
{
	struct stream s;

	(void)unused;
	for (size_t i = 0; i < streams_count(); i++) {
		const char *name = streams_make(i, &s);

		for (int which = 0; which < FORMATS; which++)
			all_cuts(name, which, s.ptr, s.len);
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

		for (int which = 0; which < FORMATS; which++) {
			struct printed want = print(which, p, len, len, len);

			compare(corpus.path[i], which, &want, p, len, 1, 1);
			compare(corpus.path[i], which, &want, p, len, 7, 4096);
			free(want.text);
		}
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
