/*
 * t_choice.c -- which keys a command line means, and as what.
 *
 * Goal of this test: every filter and mapping, alone and together, over one
 * table of keys; every value that is refused, in its words.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "stages/keys/choice.h"

static struct choice choice;

/* Parse and check a line of words. */
static bool
asked(const char *line, struct err *e)
{
	static const struct opt opts[] = { CHOICE_OPTIONS(choice),
		OPT_TABLE_END };
	static const struct opt *const tables[] = { opts, NULL };
	static char copy[1000];
	struct operands rest;
	char *argv[40];
	int argc = 0;

	snprintf(copy, sizeof copy, "prog %s", line);
	for (char *w = strtok(copy, " "); w != NULL; w = strtok(NULL, " "))
		argv[argc++] = w;
	choice = (struct choice)CHOICE_DEFAULT;
	return opt_parse(tables, argc, argv, &rest, e) && rest.n == 0 &&
	    choice_check(&choice, e);
}

/* Keys of all kinds; the moment is 1000. */
static const struct {
	const char *key;
	unsigned type;
	uint64_t db;
	int64_t expire; /* 0: none */
} keys[] = {
	{ "user:1", 0, 0, 0 },      /* string, slot 10778 */
	{ "user:1:name", 0, 0, 0 }, /* string, slot 12440 */
	{ "user:2", 16, 0, 999 },   /* hash */
	{ "job:1", 18, 1, 1000 },   /* list */
	{ "job:2", 11, 3, 1001 },   /* set */
	{ "a=b", 5, 7, 0 },         /* zset */
	{ "{user:1}x", 21, 0, 0 },  /* stream, slot as user:1 */
	{ "mod", 7, 0, 0 },         /* module */
	{ "", 28, 15, 5000 },       /* array */
};

/* What is taken, as "db/key@expire" joined by blanks. */
static const char *
taken(const char *line)
{
	static char text[1000];
	struct rdb_object o;
	struct err e = { 0 };
	size_t at = 0;

	if (!asked(line, &e))
		fail_msg("%s: %s", line, e.text);
	text[0] = '\0';
	rdb_object_init(&o);
	for (size_t i = 0; i < COUNT_OF(keys); i++) {
		size_t len = strlen(keys[i].key);

		o.key.ptr = realloc(o.key.ptr, 16);
		o.key.cap = 16;
		o.key.len = len;
		memcpy(o.key.ptr, keys[i].key, len);
		o.db = keys[i].db;
		o.type = keys[i].type;
		o.expires = keys[i].expire != 0;
		o.expire = keys[i].expire;
		if (choice_take(&choice, &o, false, &e) != CHOICE_TAKEN)
			continue;
		at += (size_t)snprintf(text + at, sizeof text - at, "%s%d/%.*s",
		    at > 0 ? " " : "", (int)o.db, (int)o.key.len,
		    (char *)o.key.ptr);
		if (o.expires)
			at += (size_t)snprintf(text + at, sizeof text - at,
			    "@%lld", (long long)o.expire);
	}
	rdb_object_release(&o);
	return text;
}

struct row {
	const char *line, *want;
};

static void
check(const struct row *rows, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(taken(rows[i].line), rows[i].want) != 0)
			fail_msg("'%s': %s, not %s", rows[i].line,
			    taken(rows[i].line), rows[i].want);
}

static void
what_is_meant(void **state)
{
	static const struct row rows[] = {
		{ "",
		    "0/user:1 0/user:1:name 0/user:2@999 1/job:1@1000 "
		    "3/job:2@1001 7/a=b 0/{user:1}x 0/mod 15/@5000" },
		/* names */
		{ "--prefix user:", "0/user:1 0/user:1:name 0/user:2@999" },
		{ "--prefix user:1 --prefix job:1",
		    "0/user:1 0/user:1:name 1/job:1@1000" },
		{ "--prefix user: --not-prefix user:1", "0/user:2@999" },
		{ "--key *:1", "0/user:1 1/job:1@1000" },
		{ "--key *:1 --key mod", "0/user:1 1/job:1@1000 0/mod" },
		{ "--prefix user: --key *:1", "0/user:1" },
		{ "--not-key *:* --not-key a*", "0/mod 15/@5000" },
		{ "--prefix user:2x", "" },
		/* types */
		{ "--type string", "0/user:1 0/user:1:name" },
		{ "--type hash,list --type set",
		    "0/user:2@999 1/job:1@1000 3/job:2@1001" },
		{ "--type zset,stream,module,array",
		    "7/a=b 0/{user:1}x 0/mod 15/@5000" },
		{ "--not-type string,hash,list,set,zset,stream",
		    "0/mod 15/@5000" },
		{ "--type hash,list --not-type hash", "1/job:1@1000" },
		/* databases, slots */
		{ "--db 1,3", "1/job:1@1000 3/job:2@1001" },
		{ "--db 2-7 --db 15", "3/job:2@1001 7/a=b 15/@5000" },
		{ "--slots 10778", "0/user:1 0/{user:1}x" },
		{ "--slots 0-10777,10779-16383 --type string",
		    "0/user:1:name" },
		{ "--slots 0", "15/@5000" }, /* that of the empty key */
		/* expiry: over when the moment has come */
		{ "--expired drop --now 1000 --db 0-3 --not-type string,stream"
		  ",module",
		    "3/job:2@1001" },
		{ "--expired keep --prefix job:", "1/job:1@1000 3/job:2@1001" },
		{ "--expired drop --db 0-3 --not-type string,stream,module",
		    "" },
	};

	(void)state;
	check(rows, COUNT_OF(rows));
}

static void
as_what(void **state)
{
	static const struct row rows[] = {
		{ "--prefix job: --map-db 1=5", "5/job:1@1000 3/job:2@1001" },
		{ "--prefix job: --map-db *=0 --map-db 3=1",
		    "0/job:1@1000 1/job:2@1001" },
		{ "--prefix job: --map-db 1=3 --map-db 3=1",
		    "3/job:1@1000 1/job:2@1001" },
		/* filters look before mappings */
		{ "--db 1 --map-db 1=5", "5/job:1@1000" },
		{ "--db 5 --map-db 1=5", "" },
		{ "--type string --rename-prefix user:=u:",
		    "0/u:1 0/u:1:name" },
		{ "--type string --rename-prefix "
		  "user:=person:with:a:long:name:",
		    "0/person:with:a:long:name:1 "
		    "0/person:with:a:long:name:1:name" },
		{ "--type string --rename-prefix user:1= --prefix user:1:",
		    "0/:name" },
		{ "--type string --rename-prefix =old:",
		    "0/old:user:1 0/old:user:1:name" },
		/* the longest one, whatever the order, and once */
		{ "--type string --rename-prefix u=v --rename-prefix user:1:=u:"
		  " --rename-prefix us=w",
		    "0/wer:1 0/u:name" },
		{ "--type zset --rename-prefix a\\==c=d", "7/c=db" },
		{ "--type zset --rename-prefix a=x=", "7/x==b" },
		{ "--prefix job: --ttl keep", "1/job:1@1000 3/job:2@1001" },
		{ "--prefix job: --ttl drop", "1/job:1 3/job:2" },
		{ "--prefix job: --ttl shift=+2s",
		    "1/job:1@3000 3/job:2@3001" },
		{ "--prefix job: --ttl shift=2ms",
		    "1/job:1@1002 3/job:2@1003" },
		{ "--prefix job: --ttl shift=-1s", "1/job:1@1 3/job:2@1" },
		{ "--prefix job: --ttl shift=-30m", "1/job:1@1 3/job:2@1" },
		{ "--key job:* --ttl floor=1ms --now 1000",
		    "1/job:1@1001 3/job:2@1001" },
		{ "--key job:* --ttl floor=1h --now 1000",
		    "1/job:1@3601000 3/job:2@3601000" },
		{ "--type string --ttl floor=1h", "0/user:1 0/user:1:name" },
		{ "--prefix job: --ttl shift=9223372036854775807ms",
		    "1/job:1@9223372036854775807 "
		    "3/job:2@9223372036854775807" },
	};

	(void)state;
	check(rows, COUNT_OF(rows));
}

static void
what_is_refused(void **state)
{
	static const char types[] = "--type wants string, list, set, zset, "
				    "hash, stream, module or array, not '";
	static const struct row rows[] = {
		{ "--type sets", "sets'" },
		{ "--type hash,", "'" },
		{ "--db one",
		    "--db wants databases such as 0,2-3, at most 256 "
		    "of them, not 'one'" },
		{ "--db 3-1",
		    "--db wants databases such as 0,2-3, at most 256 "
		    "of them, not '3-1'" },
		{ "--slots 16384",
		    "--slots wants slots up to 16383, such as "
		    "0-5460,6000, not '16384'" },
		{ "--slots 1-2-3",
		    "--slots wants slots up to 16383, such as "
		    "0-5460,6000, not '1-2-3'" },
		{ "--map-db 0",
		    "--map-db wants A=B or *=B, databases by "
		    "number, not '0'" },
		{ "--map-db 0=x",
		    "--map-db wants A=B or *=B, databases by "
		    "number, not '0=x'" },
		{ "--map-db 0=99999999999",
		    "--map-db wants A=B or *=B, "
		    "databases by number, not "
		    "'0=99999999999'" },
		{ "--map-db *=1 --map-db 3=2 --map-db *=0",
		    "--map-db says twice what becomes of the same database: "
		    "'*=1' and '*=0'" },
		{ "--rename-prefix ab",
		    "--rename-prefix wants OLD=NEW, not 'ab'" },
		{ "--rename-prefix a\\=b",
		    "--rename-prefix wants OLD=NEW, not 'a\\=b'" },
		{ "--rename-prefix a\\b=x --rename-prefix a\\\\b=y",
		    "--rename-prefix says twice what becomes of the same "
		    "prefix: 'a\\b=x' and 'a\\\\b=y'" },
		{ "--rename-prefix a=b --rename-prefix a=c",
		    "--rename-prefix says twice what becomes of the same "
		    "prefix: 'a=b' and 'a=c'" },
		{ "--ttl 2h",
		    "--ttl wants keep, drop, shift=+2h, shift=-30m "
		    "or floor=1h, not '2h'" },
		{ "--ttl floor=-1h",
		    "--ttl wants keep, drop, shift=+2h, "
		    "shift=-30m or floor=1h, not "
		    "'floor=-1h'" },
		{ "--ttl shift=",
		    "--ttl wants keep, drop, shift=+2h, "
		    "shift=-30m or floor=1h, not 'shift='" },
		{ "--now 5",
		    "--now is the moment of --expired drop and --ttl "
		    "floor; neither is given" },
		{ "--expired maybe",
		    "--expired wants one of keep, drop, not 'maybe'" },
	};
	char want[400];
	struct err e;

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		snprintf(want, sizeof want, "%s%s", i < 2 ? types : "",
		    rows[i].want);
		assert_false(asked(rows[i].line, &e));
		assert_string_equal(e.text, want);
		assert_int_equal(e.kind, ERR_USAGE);
	}
}

static void
what_is_asked(void **state)
{
	struct err e;

	(void)state;
	assert_true(asked("", &e));
	assert_true(choice_all(&choice));
	assert_true(asked("--ttl keep --expired keep", &e));
	assert_true(choice_all(&choice));
	assert_false(choice_moves_fields(&choice, 24));
	for (size_t i = 0; i < 4; i++) {
		static const char *const lines[] = { "--db 0", "--ttl drop",
			"--expired drop", "--not-key x" };

		assert_true(asked(lines[i], &e));
		assert_false(choice_all(&choice));
		assert_false(choice_may_clash(&choice));
	}
	assert_true(asked("--map-db 0=1", &e) && choice_may_clash(&choice));
	assert_true(
	    asked("--rename-prefix a=b", &e) && choice_may_clash(&choice));
	assert_true(asked("--type hash", &e) && !choice_modules(&choice));
	assert_true(asked("--not-type module", &e) && !choice_modules(&choice));
	assert_true(asked("--not-type hash", &e) && choice_modules(&choice));
}

static void
times_of_fields(void **state)
{
	const uint64_t max = (UINT64_C(1) << 46) - 1;
	struct err e;

	(void)state;
	assert_true(asked("--ttl drop", &e));
	assert_true(choice_moves_fields(&choice, 22));
	assert_true(choice_moves_fields(&choice, 25));
	assert_false(choice_moves_fields(&choice, 16));
	assert_int_equal(choice_field_time(&choice, 1000), 0);
	assert_true(asked("--ttl shift=-1s", &e));
	assert_int_equal(choice_field_time(&choice, 5000), 4000);
	assert_int_equal(choice_field_time(&choice, 500), 1);
	assert_true(asked("--ttl shift=1s", &e));
	assert_int_equal(choice_field_time(&choice, 5000), 6000);
	assert_true(choice_field_time(&choice, max - 1) == max);
	assert_true(choice_field_time(&choice, max + 9) == max + 9);
	assert_true(asked("--ttl shift=-1s", &e));
	assert_true(choice_field_time(&choice, max + 5000) == max + 4000);
	assert_true(asked("--ttl floor=1s --now 1000", &e));
	assert_int_equal(choice_field_time(&choice, 1), 2000);
	assert_int_equal(choice_field_time(&choice, 2001), 2001);
}

/* Sums that no time can have. */
static void
times_saturate(void **state)
{
	struct rdb_object o = { .expires = true, .expire = INT64_MIN + 5 };
	bool changed;
	struct err e;

	(void)state;
	assert_true(asked("--ttl shift=-9223372036854775807ms", &e));
	assert_true(choice_map(&choice, &o, &changed, &e) && changed);
	assert_int_equal(o.expire, 1);
	assert_true(asked("--ttl shift=9223372036854775807ms", &e));
	assert_true(choice_map(&choice, &o, &changed, &e));
	assert_true(o.expire == INT64_MAX);
}

/* There is room for so many ranges, however they are given. */
static void
databases_have_an_end(void **state)
{
	char line[3 * OPT_LIST_MAX + 20] = "--db 0";
	struct err e;

	(void)state;
	for (int i = 1; i < OPT_LIST_MAX; i++)
		strcat(line, ",0");
	assert_true(asked(line, &e));
	strcat(line, ",7");
	assert_false(asked(line, &e));
	assert_string_equal(e.text,
	    "--db wants databases such as 0,2-3, at most 256 of them, "
	    "not '7'");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_meant),
		cmocka_unit_test(as_what),
		cmocka_unit_test(what_is_refused),
		cmocka_unit_test(what_is_asked),
		cmocka_unit_test(times_of_fields),
		cmocka_unit_test(times_saturate),
		cmocka_unit_test(databases_have_an_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
