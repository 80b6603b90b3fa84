/*
 * window.h -- when a plan may start: days of the week, and from when to when.
 *
 * A window opens on each of its days when the zone's clock first shows .from,
 * or a later time, and closes when it first shows .to: on the same day, or,
 * where .to is not after .from, on the next.  The day of a window across
 * midnight is the one it opens on.
 *
 * So where the clock is put forward, a time that is skipped means the moment
 * of the jump, and where it is put back, a time that comes twice means the
 * first.  A window all of which is skipped opens at the jump and stays open as
 * long as it does on other days; a day that is skipped altogether (Samoa,
 * 2011-12-30) has none.  Windows of one plan never overlap.
 *
 * Inside the window a plan starts at a place that depends on names only, so
 * that many plans with the same window are spread over it.  The last quarter
 * is left free.
 *
 * Pure: time is handed in.  Moments are as in moment.h, on whole seconds.
 */
#ifndef PIPELINE_WINDOW_H
#define PIPELINE_WINDOW_H

#include "pipeline/zone.h"

struct window {
	unsigned days;     /* bit 0: Monday */
	int from, to;      /* minutes; from below 1440, to at most that */
	struct zone *zone; /* borrowed */
};

/* "Mon,Wed,Fri", "Mon-Fri", full names, "daily".  ERR_USAGE. */
MUST_USE bool window_days(const char *text, unsigned *days, struct err *);

/* "02:00-08:00".  ERR_USAGE; the zone and days stay. */
MUST_USE bool window_hours(const char *text, struct window *, struct err *);

/* "Mon,Tue", "daily"; "02:00-08:00".  buf is returned. */
#define WINDOW_TEXT_LEN 40
const char *window_days_print(unsigned days, char buf[WINDOW_TEXT_LEN]);
const char *window_hours_print(const struct window *, char[WINDOW_TEXT_LEN]);

/* A window on one day. */
struct window_day {
	int64_t day;                    /* see zone.h */
	int64_t opens, closes;          /* moments; closes is not in it */
	enum zone_fit opening, closing; /* is the clock put forward or back */
	bool whole; /* all of it was skipped: opens at the jump */
};

/* The first one that opens after a moment, the last one that opens at or
 * before it.  False: none in the next or last 400 days. */
bool window_after(const struct window *, int64_t ms, struct window_day *);
bool window_before(const struct window *, int64_t ms, struct window_day *);

/* Where in a window something of these names starts. */
int64_t window_start(
    const struct window_day *, const char *plan, const char *instance);

#endif
