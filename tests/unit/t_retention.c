/*
 * Goal: rules are read as restic's are, and what is kept and why is what
 * retention.h says, case by case.  Histories by the hundred are compared with
 * a model of the same rules by test_retention.py, for which this program
 * decides about histories on standard input ("ask").
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "pipeline/moment.h"
#include "pipeline/retention.h"

#define DAY  (INT64_C(86400) * 1000)
#define HOUR (INT64_C(3600) * 1000)
#define MOST 200

static int64_t
at(const char *text)
{
	int64_t ms;

	assert_true(moment_take(text, &ms));
	return ms;
}

static void
periods(void **state)
{
	static const struct {
		const char *text;
		struct retention_period want;
	} good[] = {
		{ "7d", { .days = 7 } },
		{ "2y5m7d3h", { 2, 5, 7, 3, false } },
		{ "3h1y", { .years = 1, .hours = 3 } },
		{ "forever", { .forever = true } },
	};
	static const char *const bad[] = { "", "7", "d", "0d", "-1d", "7D",
		"7d ", "7w", "1d2d", "100001d", "7d,", "for ever",
		"99999999999999999999d" };
	struct retention_period p;
	struct err e;

	(void)state;
	for (size_t i = 0; i < COUNT_OF(good); i++) {
		assert_true(retention_period(good[i].text, &p, &e));
		assert_memory_equal(&p, &good[i].want, sizeof p);
	}
	for (size_t i = 0; i < COUNT_OF(bad); i++) {
		if (retention_period(bad[i], &p, &e))
			fail_msg("\"%s\" is taken", bad[i]);
		assert_int_equal(e.kind, ERR_USAGE);
	}
}

static void
counts(void **state)
{
	static const char *const bad[] = { "", "0", "-1", "1.5", " 1", "1 ",
		"1000000000", "many" };
	struct err e;
	int64_t n;

	(void)state;
	assert_true(retention_count("12", &n, &e));
	assert_int_equal(n, 12);
	assert_true(retention_count("unlimited", &n, &e));
	assert_int_equal(n, RETENTION_ALL);
	for (size_t i = 0; i < COUNT_OF(bad); i++)
		if (retention_count(bad[i], &n, &e))
			fail_msg("\"%s\" is taken", bad[i]);
}

static struct retention_backup
good(const char *started)
{
	return (struct retention_backup){
		.state = RETAIN_GOOD, .verified = true, .started = at(started)
	};
}

static void
expect(const struct retention_backup *b, bool keep, const char *reason)
{
	if (b->keep != keep || strcmp(b->reason, reason) != 0)
		fail_msg("%s: \"%s\", not \"%s\"", b->keep ? "kept" : "gone",
		    b->reason, reason);
}

/* Every reason there is. */
static void
reasons(void **state)
{
	struct retention_backup b[] = {
		good("2026-01-01"), /* 0 no rule keeps it */
		good("2026-01-02"), /* 1 held */
		good("2026-01-03"), /* 2 expired */
		good("2026-01-04"), /* 3 expires */
		good("2026-01-05"), /* 4 broken, too old */
		good("2026-01-06"), /* 5 daily */
		good("2026-01-07"), /* 6 suspect */
		good("2026-01-08"), /* 7 not verified */
		good("2026-01-09"), /* 8 broken */
		good("2026-01-10"), /* 9 daily, the last good one */
		good("2026-01-11"), /* 10 unfinished, old */
		good("2026-01-12"), /* 11 unfinished, new */
		good("2027-01-01"), /* 12 of the future */
	};
	const struct retention r = { .count[KEEP_DAILY] = 2 };

	(void)state;
	b[1].held = true;
	b[2].expires = at("2026-01-12");
	b[3].expires = at("2026-02-12");
	b[4].state = b[8].state = RETAIN_BROKEN;
	b[6].state = RETAIN_SUSPECT;
	b[7].verified = false;
	b[10].state = b[11].state = RETAIN_UNFINISHED;
	b[10].changed = at("2026-01-11");
	b[11].changed = at("2026-01-12");
	retention_decide(
	    &r, 1, b, COUNT_OF(b), at("2026-01-13"), RETENTION_LITTER);
	expect(&b[0], false, "no rule keeps it");
	expect(&b[1], true, "held");
	expect(&b[2], false, "expired 2026-01-12T00:00:00.000Z");
	expect(&b[3], true, "expires 2026-02-12T00:00:00.000Z");
	expect(&b[4], false, "broken, older than all that is kept");
	expect(&b[5], true, "daily");
	expect(&b[6], true, "suspect");
	expect(&b[7], true, "not verified");
	expect(&b[8], true, "broken");
	expect(&b[9], true, "daily, last good");
	assert_true(b[9].last_good && !b[5].last_good);
	expect(&b[10], false, "unfinished");
	expect(&b[11], true, "unfinished, may be at work");
	expect(&b[12], true, "in the future");
	retention_decide(
	    NULL, 0, b, COUNT_OF(b), at("2026-01-13"), RETENTION_LITTER);
	expect(&b[0], true, "no rule");
	expect(&b[2], false, "expired 2026-01-12T00:00:00.000Z");
	expect(&b[4], true, "broken");
	expect(&b[9], true, "last good");
}

/* New backups fail for a year: what was good stays. */
static void
failing(void **state)
{
	struct retention_backup b[400];
	const struct retention r = { .within = { .days = 7 } };
	size_t kept = 0;

	(void)state;
	for (size_t i = 0; i < COUNT_OF(b); i++) {
		b[i] = good("2026-01-01");
		b[i].started += (int64_t)i * DAY;
		if (i >= 30)
			b[i].state = i % 2 ? RETAIN_BROKEN : RETAIN_SUSPECT;
	}
	retention_decide(&r, 1, b, COUNT_OF(b), b[399].started + HOUR, 0);
	for (size_t i = 0; i < 30; i++)
		kept += b[i].keep;
	assert_int_equal(kept, 7);
	assert_true(b[29].keep && b[23].keep && !b[22].keep);
}

/* The calendar is the zone's: 23:30 UTC is the next day in Berlin. */
static void
zones(void **state)
{
	struct retention_backup b[] = { good("2026-01-09T12:00"),
		good("2026-01-09T23:30"), good("2026-01-10T12:00") };
	struct retention r = { .count[KEEP_DAILY] = 3 };
	struct zone *berlin;
	struct err e;

	(void)state;
	if (!zone_open(&berlin, "Europe/Berlin", &e))
		skip();
	retention_decide(&r, 1, b, 3, at("2026-01-13"), 0);
	expect(&b[0], true, "daily"); /* the oldest */
	expect(&b[1], true, "daily");
	r.zone = berlin;
	retention_decide(&r, 1, b, 3, at("2026-01-13"), 0);
	expect(&b[0], true, "daily");
	expect(&b[1], false, "no rule keeps it");
	/* Two plans: each keeps what it would keep alone. */
	retention_decide((struct retention[]){ { .count[KEEP_LAST] = 1 },
			     { .count[KEEP_LAST] = 2 } },
	    2, b, 3, at("2026-01-13"), 0);
	expect(&b[0], false, "no rule keeps it");
	expect(&b[1], true, "last");
	zone_close(berlin);
}

/*
 * History in: "rules LAST ... YEARLY WITHIN ZONE", any number; "backup STATE
 * VERIFIED HELD STARTED EXPIRES CHANGED", any number; "decide NOW LITTER".
 * Out: a line "KEEP REASON" for each backup.
 */
static int
answer(void)
{
	struct retention rules[4] = { { .count = { 0 } } };
	struct retention_backup list[MOST];
	struct zone *zone[4] = { NULL };
	size_t n = 0, n_rules = 0;
	char line[300], name[60], within[60];
	long long a, b, c, d, f, g;
	struct err e;

	while (fgets(line, sizeof line, stdin) != NULL) {
		if (n_rules < 4 &&
		    sscanf(line,
			"rules %lld %lld %lld %lld %lld %lld %59s %59s", &a, &b,
			&c, &d, &f, &g, within, name) == 8) {
			const int64_t count[] = { a, b, c, d, f, g };
			struct retention *r = &rules[n_rules];

			memset(r, 0, sizeof *r);
			memcpy(r->count, count, sizeof count);
			for (int i = 0; i < KEEP_BY; i++)
				if (r->count[i] < 0)
					r->count[i] = RETENTION_ALL;
			if ((strcmp(within, "-") != 0 &&
				!retention_period(within, &r->within, &e)) ||
			    !zone_open(&zone[n_rules], name, &e))
				return printf("%s\n", e.text), 1;
			r->zone = zone[n_rules++];
		} else if (n < MOST &&
		    sscanf(line, "backup %lld %lld %lld %lld %lld %lld", &a, &b,
			&c, &d, &f, &g) == 6)
			list[n++] =
			    (struct retention_backup){ (enum retention_state)a,
				    b != 0, c != 0, false, d, f, g, false,
				    false, "" };
		else if (sscanf(line, "decide %lld %lld", &a, &b) == 2) {
			retention_decide(rules, n_rules, list, n, a, b);
			for (size_t i = 0; i < n; i++)
				printf("%d %s\n", list[i].keep, list[i].reason);
			while (n_rules > 0)
				zone_close(zone[--n_rules]);
			n = 0;
		} else
			return printf("what is %s", line), 1;
	}
	return 0;
}

int
main(int argc, char **argv)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(periods),
		cmocka_unit_test(counts),
		cmocka_unit_test(reasons),
		cmocka_unit_test(failing),
		cmocka_unit_test(zones),
	};

	if (argc > 1 && strcmp(argv[1], "ask") == 0)
		return answer();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
