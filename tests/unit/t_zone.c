/*
 * Goal: time zones are read as RFC 8536 has them: the rule at the end of the
 * file with all it may say, files of version 1, and files that make no sense,
 * which are refused whatever byte of them is wrong.  What all the zones of
 * the system say is compared with another reader by test_zone.py, for which
 * this program answers questions from standard input ("ask").
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#include "pipeline/zone.h"

static char folder[] = "/tmp/t_zone-XXXXXX";

/* --- files --- */

struct bytes {
	uint8_t b[2000];
	size_t n;
};

static void
add(struct bytes *f, const void *p, size_t n)
{
	memcpy(f->b + f->n, p, n);
	f->n += n;
}

static void
add_number(struct bytes *f, int64_t v, size_t width)
{
	for (size_t i = width; i-- > 0;)
		f->b[f->n++] = (uint8_t)((uint64_t)v >> 8 * i);
}

/* One block: at 1000 and 2000 the clock goes to +3600 and back to 0. */
static void
add_block(struct bytes *f, char version, size_t width)
{
	const char head[16] = { version };
	static const uint8_t types[] = { 1, 0 };

	add(f, "TZif", 4);
	add(f, head, 16);
	for (int i = 0; i < 3; i++) /* isut, isstd, leap */
		add_number(f, 0, 4);
	add_number(f, 2, 4);
	add_number(f, 2, 4);
	add_number(f, 4, 4);
	add_number(f, 1000, width);
	add_number(f, 2000, width);
	add(f, types, 2);
	add_number(f, 0, 4);
	add(f, "\0\0", 2);
	add_number(f, 3600, 4);
	add(f, "\1\0", 2);
	add(f, "ABC", 4);
}

static void
file_make(struct bytes *f, const char *rule)
{
	f->n = 0;
	add_block(f, '2', 4);
	add_block(f, '2', 8);
	add(f, "\n", 1);
	add(f, rule, strlen(rule));
	add(f, "\n", 1);
}

static void
file_write(const char *name, const struct bytes *f)
{
	char path[100];
	FILE *to;

	snprintf(path, sizeof path, "%s/%s", folder, name);
	assert_non_null(to = fopen(path, "wb"));
	assert_int_equal(fwrite(f->b, 1, f->n, to), f->n);
	fclose(to);
}

/* The zone of a rule. */
static struct zone *
ruled(const char *rule)
{
	struct bytes f;
	struct zone *z;
	struct err e;

	file_make(&f, rule);
	file_write("Test", &f);
	if (!zone_open(&z, "Test", &e))
		fail_msg("%s: %s", rule, e.text);
	return z;
}

static int64_t
utc(int64_t year, int month, int day, int hour)
{
	return zone_day_of(year, month, day) * ZONE_DAY + hour * 3600;
}

/* --- tests --- */

static void
days(void **state)
{
	struct zone_date d;

	(void)state;
	assert_int_equal(zone_day_of(1970, 1, 1), 0);
	assert_int_equal(zone_day_of(2000, 3, 1), 11017);
	assert_int_equal(zone_day_of(1, 1, 1), -719162);
	assert_int_equal(zone_day_of(2026, 13, 1), zone_day_of(2027, 1, 1));
	assert_int_equal(zone_day_of(2026, 0, 31), zone_day_of(2025, 12, 31));
	assert_int_equal(zone_day_of(2026, -12, 1), zone_day_of(2024, 12, 1));
	assert_int_equal(zone_day_of(2026, 2, 31), zone_day_of(2026, 3, 3));
	assert_int_equal(zone_day(-1), -1);
	for (int64_t n = -800000; n < 3000000; n += 13) {
		d = zone_date(n);
		assert_int_equal(zone_day_of(d.year, d.month, d.day), n);
		assert_in_range(d.month, 1, 12);
		assert_in_range(d.day, 1, 31);
		assert_int_equal(((n + 3) % 7 + 7) % 7, d.weekday);
	}
}

/* What rules may say, and the offset by UTC. */
static void
rules(void **state)
{
	static const struct {
		const char *rule;
		int year, month, day, hour;
		int64_t offset;
	} want[] = {
		{ "", 2030, 1, 1, 0, 0 }, /* as after the last change */
		{ "CET-1", 2030, 7, 1, 0, 3600 },
		{ "<+0545>-5:45", 2030, 7, 1, 0, 20700 },
		{ "AAA3:30:15", 2030, 7, 1, 0, -12615 },
		{ "CET-1CEST,M3.5.0,M10.5.0/3", 2030, 3, 31, 0, 3600 },
		{ "CET-1CEST,M3.5.0,M10.5.0/3", 2030, 3, 31, 1, 7200 },
		{ "CET-1CEST,M3.5.0,M10.5.0/3", 2030, 10, 27, 0, 7200 },
		{ "CET-1CEST,M3.5.0,M10.5.0/3", 2030, 10, 27, 1, 3600 },
		/* south: summer is over the new year */
		{ "NZST-12NZDT,M9.5.0,M4.1.0/3", 2030, 1, 1, 0, 46800 },
		{ "NZST-12NZDT,M9.5.0,M4.1.0/3", 2030, 6, 1, 0, 43200 },
		/* another offset, days of the year with and without 29 Feb */
		{ "AAA0BBB-0:30,J60/0,J61/0", 2028, 3, 1, 0, 1800 },
		{ "AAA0BBB-0:30,J60/0,J61/0", 2028, 2, 29, 23, 0 },
		{ "AAA0BBB,59/0,60/0", 2028, 2, 29, 1, 3600 },
		{ "AAA0BBB,59/0,60/0", 2030, 3, 1, 1, 3600 },
		{ "AAA0BBB,59/0,60/0", 2030, 3, 2, 1, 0 },
		/* hours before and after the day */
		{ "AAA0BBB,M3.5.0/-1,M10.5.0/0", 2030, 3, 30, 23, 3600 },
		{ "AAA0BBB,M3.5.0/49,M10.5.0/0", 2030, 4, 2, 0, 0 },
		{ "AAA0BBB,M3.5.0/49,M10.5.0/0", 2030, 4, 2, 1, 3600 },
		/* all year */
		{ "XXX3EDT4,0/0,J365/23", 2030, 12, 31, 23, -14400 },
		{ "XXX3EDT4,0/0,J365/23", 2031, 1, 1, 4, -14400 },
		/* standard time is the later one (Ireland) */
		{ "IST-1GMT0,M10.5.0,M3.5.0/1", 2030, 1, 1, 0, 0 },
		{ "IST-1GMT0,M10.5.0,M3.5.0/1", 2030, 7, 1, 0, 3600 },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(want); i++) {
		struct zone *z = ruled(want[i].rule);
		int64_t got = zone_offset(z,
		    utc(want[i].year, want[i].month, want[i].day,
			want[i].hour));

		zone_close(z);
		if (got != want[i].offset)
			fail_msg(
			    "%s (%zu): %lld", want[i].rule, i, (long long)got);
	}
}

static void
bad_rules(void **state)
{
	static const char *const bad[] = { "A-1", "CET", "CET-168", "CET-1CEST",
		"CET-1CEST,M3.5.0", "CET-1CEST,M13.5.0,M10.5.0",
		"CET-1CEST,M3.6.0,M10.5.0", "CET-1CEST,M3.5.7,M10.5.0",
		"CET-1CEST,J366,M10.5.0", "CET-1CEST,366,1", "CET-1:60",
		"CET-1CEST,M3.5.0/168,M10.5.0", "<CET-1", "<>1", "CET-1x",
		"CET-1CEST,M3.5.0,M10.5.0x" };
	struct bytes f;
	struct zone *z;
	struct err e;

	(void)state;
	for (size_t i = 0; i < COUNT_OF(bad); i++) {
		file_make(&f, bad[i]);
		file_write("Test", &f);
		if (zone_open(&z, "Test", &e))
			fail_msg("\"%s\" is taken", bad[i]);
		assert_int_equal(e.kind, ERR_USAGE);
		assert_string_equal(
		    e.text, "time zone \"Test\": its rule makes no sense");
	}
}

/* Every cut is refused, no byte changed does any harm. */
static void
bad_files(void **state)
{
	struct bytes f, g;
	struct zone *z;
	struct err e;

	(void)state;
	file_make(&f, "CET-1CEST,M3.5.0,M10.5.0/3");
	for (size_t n = 0; n < f.n; n++) {
		g = f;
		g.n = n;
		file_write("Cut", &g);
		if (zone_open(&z, "Cut", &e))
			fail_msg("cut at %zu is taken", n);
		assert_int_equal(e.kind, ERR_USAGE);
	}
	for (size_t n = 0; n < f.n; n++)
		for (int bit = 0; bit < 8; bit++) {
			g = f;
			g.b[n] ^= (uint8_t)(1 << bit);
			file_write("Bit", &g);
			if (zone_open(&z, "Bit", &e)) {
				zone_first(z, utc(2030, 3, 31, 2), NULL);
				zone_close(z);
			}
		}
}

static void
version_1(void **state)
{
	struct bytes f = { .n = 0 };
	struct zone *z;
	struct err e;

	(void)state;
	add_block(&f, '\0', 4);
	file_write("Old", &f);
	assert_true(zone_open(&z, "Old", &e));
	assert_int_equal(zone_offset(z, 999), 0);
	assert_int_equal(zone_offset(z, 1000), 3600);
	assert_int_equal(zone_offset(z, 1999), 3600);
	assert_int_equal(zone_offset(z, 2000), 0);
	assert_int_equal(zone_offset(z, 4000000000), 0);
	zone_close(z);
}

static void
first(void **state)
{
	struct zone *z = ruled("CET-1CEST,M3.5.0,M10.5.0/3");
	enum zone_fit fit;

	(void)state;
	/* Jump at 01:00 UTC: 02:30 is skipped. */
	assert_int_equal(zone_first(z, utc(2030, 3, 31, 2) + 1800, &fit),
	    utc(2030, 3, 31, 1));
	assert_int_equal(fit, ZONE_SKIPPED);
	assert_int_equal(
	    zone_first(z, utc(2030, 3, 31, 3), &fit), utc(2030, 3, 31, 1));
	assert_int_equal(fit, ZONE_ONCE);
	assert_int_equal(
	    zone_first(z, utc(2030, 10, 27, 2), &fit), utc(2030, 10, 27, 0));
	assert_int_equal(fit, ZONE_TWICE);
	assert_int_equal(
	    zone_first(z, utc(2030, 10, 27, 3), &fit), utc(2030, 10, 27, 2));
	assert_int_equal(fit, ZONE_ONCE);
	zone_close(z);
}

static void
names(void **state)
{
	static const char *const bad[] = { "", "/etc/passwd", "../etc", "a//b",
		"a/", "Europe/Nowhere", "Europe", "a b", "a\nb" };
	struct zone *z;
	struct err e;
	char text[ZONE_TEXT_LEN];

	(void)state;
	for (size_t i = 0; i < COUNT_OF(bad); i++) {
		if (zone_open(&z, bad[i], &e))
			fail_msg("\"%s\" is taken", bad[i]);
		assert_int_equal(e.kind, ERR_USAGE);
	}
	assert_true(zone_open(&z, "UTC", &e));
	assert_string_equal(zone_name(z), "UTC");
	zone_print(z, 1, text);
	assert_string_equal(text, "1970-01-01 00:00:01 +00:00");
	zone_close(z);
	z = ruled("AAA3:30");
	zone_print(z, utc(2030, 1, 1, 3), text);
	assert_string_equal(text, "2029-12-31 23:30:00 -03:30");
	zone_close(z);
}

/* Lines "offset ZONE TIME" or "first ZONE LOCAL" in, numbers out. */
static int
answer(void)
{
	char what[10], name[100], open[100] = "";
	struct zone *z = NULL;
	struct err e;
	long long time;

	while (scanf("%9s %99s %lld", what, name, &time) == 3) {
		enum zone_fit fit = ZONE_ONCE;
		int64_t n;

		if (strcmp(name, open) != 0) {
			zone_close(z);
			if (!zone_open(&z, name, &e))
				return printf("%s\n", e.text), 1;
			strcpy(open, name);
		}
		n = *what == 'o' ? zone_offset(z, time) :
				   zone_first(z, time, &fit);
		printf("%lld %d\n", (long long)n, (int)fit);
	}
	zone_close(z);
	return 0;
}

int
main(int argc, char **argv)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(days),
		cmocka_unit_test(rules),
		cmocka_unit_test(bad_rules),
		cmocka_unit_test(bad_files),
		cmocka_unit_test(version_1),
		cmocka_unit_test(first),
		cmocka_unit_test(names),
	};
	static const char *const made[] = { "Test", "Cut", "Bit", "Old" };
	char path[100];
	int failed;

	if (argc > 1 && strcmp(argv[1], "ask") == 0)
		return answer();
	if (mkdtemp(folder) == NULL)
		return 1;
	setenv("TZDIR", folder, 1);
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	for (size_t i = 0; i < COUNT_OF(made); i++) {
		snprintf(path, sizeof path, "%s/%s", folder, made[i]);
		unlink(path);
	}
	rmdir(folder);
	return failed;
}
