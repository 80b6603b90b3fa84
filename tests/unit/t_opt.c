/* t_opt.c -- command lines: what is taken, what is refused, in which words. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "stages/kit/opt.h"

static bool flag;
static const char *text;
static int64_t number, size, duration;
static int choice, style;
static struct opt_list many;
static const char *const colours[] = { "red", "green", NULL };

static const struct opt first[] = {
	{ OPT_FLAG, 'f', "flag", &flag, NULL, "a flag", 0, 0, NULL, NULL },
	{ OPT_TEXT, 't', "text", &text, "WORD", "a word", 0, 0, NULL, NULL },
	{ OPT_INT, 'n', "number", &number, "N", "a number", -5, 5, NULL, NULL },
	OPT_TABLE_END,
};
static const struct opt second[] = {
	{ OPT_SIZE, 0, "size", &size, "SIZE", "a size", 0, 0, NULL, NULL },
	{ OPT_TIME, 0, "time", &duration, "TIME", "a time", 0, 0, NULL, NULL },
	{ OPT_CHOICE, 0, "colour", &choice, "COLOUR", "red or green", 0, 0,
	    colours, NULL },
	{ OPT_CHOICE, 0, "style", &style, "STYLE", "optional value", 0, 0,
	    colours, "red" },
	{ OPT_LIST, 'm', "many", &many, "WORD", "any number", 0, 0, NULL,
	    NULL },
	OPT_TABLE_END,
};
static const struct opt *const tables[] = { first, second, NULL };

/* Parse a line of words; what remains is joined with '|' into rest. */
static bool
parse(const char *line, char *rest, struct err *e)
{
	static char copy[200];
	char *argv[20];
	int argc = 0;
	struct operands args = { NULL, 0 };
	bool ok;

	snprintf(copy, sizeof copy, "prog %s", line);
	for (char *w = strtok(copy, " "); w != NULL; w = strtok(NULL, " "))
		argv[argc++] = w;
	flag = false, text = NULL, number = size = duration = 0;
	choice = style = -1;
	many.n = 0;
	ok = opt_parse(tables, argc, argv, &args, e);
	rest[0] = '\0';
	for (int i = 0; ok && i < args.n; i++)
		strcat(strcat(rest, i > 0 ? "|" : ""), args.v[i]);
	return ok;
}

static void
what_is_taken(void **state)
{
	char rest[200];
	struct err e;

	(void)state;
	assert_true(parse("a -f --text=x b -n -3 - --size 2G", rest, &e));
	assert_true(flag);
	assert_string_equal(text, "x");
	assert_int_equal(number, -3);
	assert_int_equal(size, INT64_C(2) << 30);
	assert_string_equal(rest, "a|b|-");

	assert_true(parse("--time 500ms --colour green -- --flag", rest, &e));
	assert_int_equal(duration, 500);
	assert_int_equal(choice, 1);
	assert_string_equal(rest, "--flag");
	assert_false(flag);

	assert_true(parse("--style next", rest, &e));
	assert_int_equal(style, 0);
	assert_string_equal(rest, "next");
	assert_true(parse("--style=green", rest, &e));
	assert_int_equal(style, 1);
	assert_true(parse("--text=", rest, &e));
	assert_string_equal(text, "");
}

static void
lists_gather(void **state)
{
	char rest[200];
	struct err e;

	(void)state;
	assert_true(parse("a", rest, &e));
	assert_int_equal(many.n, 0);
	assert_true(parse("--many x a -m y --many= --text t", rest, &e));
	assert_int_equal(many.n, 3);
	assert_string_equal(many.v[0], "x");
	assert_string_equal(many.v[1], "y");
	assert_string_equal(many.v[2], "");
	assert_string_equal(rest, "a");
	assert_false(parse("-m", rest, &e));
	assert_string_equal(e.text, "--many wants WORD");
}

static void
lists_have_an_end(void **state)
{
	static char option[] = "--many=x", name[] = "prog";
	char *argv[2 + OPT_LIST_MAX] = { name };
	struct operands args;
	struct err e;

	(void)state;
	for (int i = 1; i < 2 + OPT_LIST_MAX; i++)
		argv[i] = option;
	many.n = 0;
	assert_true(opt_parse(tables, 1 + OPT_LIST_MAX, argv, &args, &e));
	assert_int_equal(many.n, OPT_LIST_MAX);
	many.n = 0;
	assert_false(opt_parse(tables, 2 + OPT_LIST_MAX, argv, &args, &e));
	assert_int_equal(e.kind, ERR_USAGE);
	assert_string_equal(e.text, "--many is given more than 256 times");
}

static void
what_is_refused(void **state)
{
	static const struct {
		const char *line, *want;
	} rows[] = {
		{ "--nope", "unknown option '--nope', see --help" },
		{ "--fla", "unknown option '--fla', see --help" },
		{ "-x", "unknown option '-x', see --help" },
		{ "-fn", "unknown option '-fn', see --help" },
		{ "--flag=1", "--flag takes no value" },
		{ "--text", "--text wants WORD" },
		{ "--number 6",
		    "--number wants a whole number, -5 to 5, not '6'" },
		{ "--number 1x",
		    "--number wants a whole number, -5 to 5, not '1x'" },
		{ "--size 10X",
		    "--size wants a size such as 512, 64K or 2G, not '10X'" },
		{ "--size 99999999999T",
		    "--size wants a size such as 512, 64K or 2G, not "
		    "'99999999999T'" },
		{ "--time -1",
		    "--time wants a time such as 500ms, 30s, 5m or 6h, not "
		    "'-1'" },
		{ "--colour blue",
		    "--colour wants one of red, green, not 'blue'" },
		{ "--text a --text b", "--text is given twice" },
		{ "-t a --text b", "--text is given twice" },
	};
	char rest[200];
	struct err e;

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		assert_false(parse(rows[i].line, rest, &e));
		assert_string_equal(e.text, rows[i].want);
		assert_int_equal(e.kind, ERR_USAGE);
	}
}

static void
help_names_every_option(void **state)
{
	char *page = NULL;
	size_t len = 0;
	FILE *to = open_memstream(&page, &len);

	(void)state;
	opt_help(tables, to);
	fclose(to);
	assert_non_null(strstr(page, "  -f, --flag                  a flag\n"));
	assert_non_null(strstr(page, "  -n, --number N"));
	assert_non_null(strstr(page, "      --style[=STYLE]"));
	assert_non_null(strstr(page, "optional value"));
	free(page);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_taken),
		cmocka_unit_test(lists_gather),
		cmocka_unit_test(lists_have_an_end),
		cmocka_unit_test(what_is_refused),
		cmocka_unit_test(help_names_every_option),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
