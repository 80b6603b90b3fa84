/* retention.c -- see retention.h. */
#include "pipeline/retention.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pipeline/moment.h"

/* Names of rules in reasons; those of counts first, in their order. */
static const char *const names[] = { "last", "hourly", "daily", "weekly",
	"monthly", "yearly", "within" };

#define WITHIN   KEEP_BY
#define UNIT_MAX 100000 /* more years, months, days are meant as "forever" */

/* --- text --- */

bool
retention_period(const char *text, struct retention_period *p, struct err *e)
{
	static const char units[] = "ymdh";
	int64_t *const to[] = { &p->years, &p->months, &p->days, &p->hours };
	unsigned seen = 0;
	const char *s = text, *unit;
	char shown[60], *end;
	bool ok = *text != '\0';

	memset(p, 0, sizeof *p);
	p->forever = strcmp(text, "forever") == 0;
	while (ok && *s != '\0' && !p->forever) {
		long n = *s >= '0' && *s <= '9' ? strtol(s, &end, 10) : -1;

		ok = n > 0 && n <= UNIT_MAX && *end != '\0' &&
		    (unit = strchr(units, *end)) != NULL &&
		    (seen >> (unit - units) & 1) == 0;
		if (ok) {
			seen |= 1u << (unit - units);
			*to[unit - units] = n;
			s = end + 1;
		}
	}
	return ok ||
	    err_set(e, ERR_USAGE,
		"\"%s\" is no time to keep, such as 7d, 2y5m7d3h or forever",
		err_quote(shown, sizeof shown, text, strlen(text)));
}

int64_t
retention_until(const struct retention_period *p, int64_t ms)
{
	int64_t s = ms / 1000, day = zone_day(s);
	struct zone_date d = zone_date(day);

	s += p->hours * 3600 - day * ZONE_DAY;
	day = zone_day_of(
	    d.year + p->years, d.month + p->months, d.day + p->days);
	return (day * ZONE_DAY + s) * 1000 + ms % 1000;
}

bool
retention_count(const char *text, int64_t *to, struct err *e)
{
	size_t n = strspn(text, "0123456789");
	char shown[60];

	if (strcmp(text, "unlimited") == 0) {
		*to = RETENTION_ALL;
		return true;
	}
	if (n > 0 && n < 10 && text[n] == '\0' && (*to = atol(text)) > 0)
		return true;
	return err_set(e, ERR_USAGE,
	    "\"%s\" is no number to keep, from 1, or \"unlimited\"",
	    err_quote(shown, sizeof shown, text, strlen(text)));
}

static bool
period_is_set(const struct retention_period *p)
{
	return p->forever || p->years + p->months + p->days + p->hours > 0;
}

bool
retention_is_set(const struct retention *r)
{
	bool set = period_is_set(&r->within);

	for (int i = 0; i < KEEP_BY; i++)
		set = set || r->count[i] != 0;
	return set;
}

/* --- the calendar --- */

static int64_t
local_of(const struct zone *z, int64_t ms)
{
	int64_t s = ms / 1000;

	return s + (z != NULL ? zone_offset(z, s) : 0);
}

/* The number of the hour, day ... a moment is in; nr for the last N. */
static int64_t
bucket(const struct retention *r, int by, int64_t ms, size_t nr)
{
	int64_t local = local_of(r->zone, ms), day = zone_day(local);
	struct zone_date d = zone_date(day);

	switch (by) {
	case KEEP_LAST:
		return (int64_t)nr;
	case KEEP_HOURLY:
		return day * 24 + (local - day * ZONE_DAY) / 3600;
	case KEEP_DAILY:
		return day;
	case KEEP_WEEKLY: /* by its Monday */
		return day - d.weekday;
	case KEEP_MONTHLY:
		return d.year * 12 + d.month;
	default:
		return d.year;
	}
}

/* A moment and a period before it, as Go's AddDate has it: 31 March less one
 * month is 31 February, so 3 March. */
static int64_t
moment_before(const struct retention *r, int64_t ms)
{
	const struct retention_period *p = &r->within;
	int64_t local = local_of(r->zone, ms), day = zone_day(local), s;
	struct zone_date d = zone_date(day);

	s = local - day * ZONE_DAY;
	day = zone_day_of(
	    d.year - p->years, d.month - p->months, d.day - p->days);
	s += day * ZONE_DAY;
	if (r->zone != NULL)
		s = zone_first(r->zone, s, NULL);
	return (s - p->hours * 3600) * 1000 + ms % 1000;
}

/* --- deciding --- */

/* Is it one that rules are about, and that counts? */
static bool
counts(const struct retention_backup *b, int64_t now)
{
	return b->state == RETAIN_GOOD && b->verified && !b->held &&
	    b->expires == 0 && b->started <= now;
}

static bool
is_good(const struct retention_backup *b, int64_t now)
{
	return b->state == RETAIN_GOOD && b->verified && b->started <= now;
}

static void
name_add(struct retention_backup *b, const char *name)
{
	size_t n = strlen(b->reason);

	b->keep = true;
	if (strstr(b->reason, name) == NULL)
		snprintf(b->reason + n, sizeof b->reason - n, "%s%s",
		    n > 0 ? ", " : "", name);
}

/* One set of rules over all that count; newest is the moment time runs from.
 */
static void
rules_apply(const struct retention *r, struct retention_backup *list, size_t n,
    int64_t now, int64_t newest)
{
	int64_t left[KEEP_BY], last[KEEP_BY];
	int64_t limit =
	    r->within.forever ? INT64_MIN : moment_before(r, newest);
	size_t nr = 0, oldest = 0;

	while (oldest < n && !counts(&list[oldest], now))
		oldest++;
	memcpy(left, r->count, sizeof left);
	for (int by = 0; by < KEEP_BY; by++)
		last[by] = INT64_MIN;
	for (size_t i = n; i-- > oldest;) {
		struct retention_backup *b = &list[i];

		if (!counts(b, now))
			continue;
		for (int by = 0; by < KEEP_BY; by++) {
			int64_t in = bucket(r, by, b->started, nr);

			if (left[by] == 0 || (in == last[by] && i != oldest))
				continue;
			last[by] = in;
			left[by] -= left[by] != RETENTION_ALL;
			name_add(b, names[by]);
		}
		if (period_is_set(&r->within) && b->started > limit)
			name_add(b, names[WITHIN]);
		nr++;
	}
}

/* What neither counts nor is unfinished: why it stays or goes.  kept: when
 * the oldest backup that the rules keep was started. */
static void
rest_decide(struct retention_backup *b, int64_t now, int64_t kept)
{
	static const char *const words[] = { "not verified", "suspect",
		"broken" };
	char when[MOMENT_LEN + 1];

	b->keep = true;
	if (b->started > now)
		snprintf(b->reason, sizeof b->reason, "in the future");
	else if (b->expires != 0) {
		moment_print(b->expires, when);
		b->keep = b->expires > now;
		snprintf(b->reason, sizeof b->reason, "%s %s",
		    b->keep ? "expires" : "expired", when);
	} else {
		b->keep = b->started >= kept;
		snprintf(b->reason, sizeof b->reason, "%s%s", words[b->state],
		    b->keep ? "" : ", older than all that is kept");
	}
}

static void
litter_decide(struct retention_backup *b, int64_t now, int64_t litter_ms)
{
	b->keep = now - b->changed < litter_ms;
	snprintf(b->reason, sizeof b->reason, "%s",
	    b->failed   ? "failed" :
		b->keep ? "unfinished, may be at work" :
			  "unfinished");
}

/* Everything but what counts. */
static void
others_decide(struct retention_backup *list, size_t n, int64_t now,
    int64_t litter_ms, int64_t kept)
{
	for (size_t i = 0; i < n; i++) {
		struct retention_backup *b = &list[i];

		if (b->held)
			name_add(b, "held");
		else if (b->last_good || counts(b, now))
			continue;
		else if (b->state == RETAIN_UNFINISHED)
			litter_decide(b, now, litter_ms);
		else
			rest_decide(b, now, kept);
	}
}

void
retention_decide(const struct retention *rules, size_t n_rules,
    struct retention_backup *list, size_t n, int64_t now, int64_t litter_ms)
{
	size_t last = n, set = 0;
	int64_t kept = INT64_MAX;

	for (size_t i = 0; i < n; i++) {
		list[i].keep = list[i].last_good = false;
		*list[i].reason = '\0';
		if (is_good(&list[i], now))
			last = i;
	}
	for (size_t k = 0; k < n_rules && last < n; k++)
		if (retention_is_set(&rules[k])) {
			set++;
			rules_apply(
			    &rules[k], list, n, now, list[last].started);
		}
	if (last < n) {
		list[last].last_good = true;
		name_add(&list[last], "last good");
	}
	for (size_t i = n; i-- > 0;) {
		struct retention_backup *b = &list[i];

		if (set == 0 && counts(b, now) && !b->keep)
			name_add(b, "no rule");
		else if (!b->keep && counts(b, now))
			snprintf(
			    b->reason, sizeof b->reason, "no rule keeps it");
		if (b->keep && b->started < kept)
			kept = b->started;
	}
	/* Without a good one, and without rules, nothing is too old. */
	others_decide(
	    list, n, now, litter_ms, last < n && set > 0 ? kept : INT64_MIN);
}
