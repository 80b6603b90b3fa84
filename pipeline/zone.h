/*
 * zone.h -- what clocks on the wall show: a time zone, read from the system.
 *
 * A zone is opened by its name in the time zone database ("Europe/Berlin"),
 * from the folder TZDIR or /usr/share/zoneinfo; "UTC" needs no file, "local"
 * is /etc/localtime.  Neither TZ nor the C library's one zone is touched, so
 * any number of zones may be open, in any thread.
 *
 * Times are seconds: since 1970 UTC, or, where they are called local, what
 * the wall shows, counted as if it were UTC.  A day is a date as its number:
 * 0 is 1970-01-01.
 *
 * The clock may jump.  One question is enough for all cases: when does the
 * clock first show a time, or a later one?  For a time that is skipped this
 * is the moment of the jump, for one that comes twice the first of the two.
 *
 * Format: RFC 8536 (TZif versions 1 to 4); the rule at its end is that of
 * POSIX.1-2008, 8.3 (TZ), with the hours RFC 8536 adds.
 */
#ifndef PIPELINE_ZONE_H
#define PIPELINE_ZONE_H

#include <stdint.h>

#include "stages/kit/err.h"

#define ZONE_DAY 86400

struct zone;

/* ERR_USAGE when there is no such zone or its file makes no sense. */
MUST_USE bool zone_open(struct zone **, const char *name, struct err *);
void zone_close(struct zone *);

/* As it was opened. */
const char *zone_name(const struct zone *);

/* What to add to a time to get the local time, in seconds. */
int64_t zone_offset(const struct zone *, int64_t time);

enum zone_fit { ZONE_ONCE, ZONE_SKIPPED, ZONE_TWICE };

/* The first moment at which the clock shows local or later; fit (may be NULL)
 * says how often it shows exactly that. */
int64_t zone_first(const struct zone *, int64_t local, enum zone_fit *fit);

/* The day of a local time, and the day of a date and back (Gregorian; months
 * and days count from 1, and may be too large or too small: 31 June is 1
 * July). */
int64_t zone_day(int64_t local);
int64_t zone_day_of(int64_t year, int64_t month, int64_t day);

struct zone_date {
	int64_t year;
	int month, day;
	int weekday; /* 0: Monday */
};
struct zone_date zone_date(int64_t day);

/* Print "2026-11-22 02:03:11 +01:00", the local time of a time. */
#define ZONE_TEXT_LEN 40
void zone_print(const struct zone *, int64_t time, char buf[ZONE_TEXT_LEN]);

#endif
