/*
 * t_xml.c -- replies leaf by leaf.
 *
 * Goal of this test: paths, texts and order of what stores send; everything
 * that is no reply is refused with the words for it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "stages/store/xml.h"

static bool
note(void *arg, const char *path, const char *value, struct err *e)
{
	text_putf(arg, "%s=%s;", path, value);
	return strcmp(value, "stop") != 0 || err_set(e, ERR_DATA, "stopped");
}

static bool
read_all(const char *document, struct text *to, struct err *e)
{
	struct span s = { (const uint8_t *)document, strlen(document) };

	return xml_read(s, note, to, e);
}

static void
tells_leaves(void **state)
{
	static const struct {
		const char *document, *want;
	} rows[] = {
		{ "<a/>", "a=;" },
		{ "<a><b>1</b><b> 2 </b></a>", "a/b=1;a/b= 2 ;a=;" },
		{ "  \n\r\n\t<?xml version='1.0' encoding='UTF-8'?>\n  "
		  "<a xmlns='u'><s:K xmlns:s='v'>&quot;x&#x41;&lt;</s:K></a>\n",
		    "a/K=\"xA<;a=;" },
		{ "<a><![CDATA[<&>]]></a>", "a=<&>;" },
		{ "<a>\xe4\xbd\xa0</a>", "a=\xe4\xbd\xa0;" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct text got = { 0 };
		struct err e;

		assert_true(read_all(rows[i].document, &got, &e));
		assert_string_equal(text_get(&got), rows[i].want);
		text_release(&got);
	}
}

static void
refuses(void **state)
{
	static const struct {
		const char *document, *want;
	} rows[] = {
		{ "", "the reply is empty" },
		{ " \n ", "the reply is empty" },
		{ "hello", "the reply is no XML: " },
		{ "<html><p>no</html>", "the reply is no XML: mismatched tag" },
		{ "<a><b>", "the reply is no XML: " },
		{ "<a>\x01</a>", "the reply is no XML: " },
		{ "<!DOCTYPE a [<!ENTITY x 'y'>]><a>&x;</a>",
		    "the reply declares a document type" },
		{ "<a><a><a><a><a><a><a><a><a><a><a><a><a>",
		    "the reply nests too deep" },
		{ "<a><b>stop</b><b>more</b></a>", "stopped" },
	};
	struct text got = { 0 };
	struct err e;
	char *long_text = malloc(40000);

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		assert_false(read_all(rows[i].document, &got, &e));
		if (strstr(e.text, rows[i].want) == NULL)
			fail_msg("%s: %s", rows[i].document, e.text);
	}
	memset(long_text, 'x', 39999);
	long_text[39999] = '\0';
	memcpy(long_text, "<a>", 3);
	assert_false(read_all(long_text, &got, &e));
	assert_string_equal(e.text, "the reply has an endless text");
	assert_null(strstr(text_get(&got), "more"));
	free(long_text);
	text_release(&got);
}

static void
escapes(void **state)
{
	struct text t = { 0 };

	(void)state;
	xml_put(&t, "\"a\"&<b>'");
	assert_string_equal(text_get(&t), "&quot;a&quot;&amp;&lt;b&gt;'");
	text_release(&t);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tells_leaves),
		cmocka_unit_test(refuses),
		cmocka_unit_test(escapes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
