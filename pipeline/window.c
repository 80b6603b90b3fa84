/* window.c -- see window.h. */
#include "pipeline/window.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "rdb/hash128.h"

#define MINUTES   1440
#define ALL_DAYS  0x7f
#define LOOK_DAYS 400

static const char *const names[] = { "Monday", "Tuesday", "Wednesday",
	"Thursday", "Friday", "Saturday", "Sunday" };

/* --- text --- */

/* A day's name, or its first three letters; -1. */
static int
day_find(const char *word, size_t n)
{
	for (size_t i = 0; i < COUNT_OF(names); i++)
		if ((n == 3 || n == strlen(names[i])) &&
		    strncasecmp(word, names[i], n) == 0)
			return (int)i;
	return -1;
}

/* "Mon" or "Fri-Mon". */
static bool
days_add(const char *word, size_t n, unsigned *days)
{
	const char *dash = memchr(word, '-', n);
	size_t head = dash != NULL ? (size_t)(dash - word) : n;
	int first = day_find(word, head), last = first;

	if (dash != NULL)
		last = day_find(dash + 1, n - head - 1);
	if (first == -1 || last == -1)
		return false;
	for (int d = first;; d = (d + 1) % 7) {
		if (*days >> d & 1)
			return false;
		*days |= 1u << d;
		if (d == last)
			return true;
	}
}

bool
window_days(const char *text, unsigned *days, struct err *e)
{
	const char *p = text;
	char shown[80];
	bool ok = true;

	*days = 0;
	if (strcasecmp(text, "daily") == 0) {
		*days = ALL_DAYS;
		return true;
	}
	while (ok) {
		size_t n;

		p += strspn(p, " \t");
		n = strcspn(p, ", \t");
		ok = days_add(p, n, days);
		p += n;
		p += strspn(p, " \t");
		if (*p == '\0')
			break;
		ok = ok && *p++ == ',';
	}
	return ok ||
	    err_set(e, ERR_USAGE,
		"\"%s\" is no list of weekdays, each once, such as "
		"Mon,Wed,Fri, Mon-Fri or daily",
		err_quote(shown, sizeof shown, text, strlen(text)));
}

/* "hh:mm" as minutes. */
static bool
minutes_take(const char **s, int *to)
{
	const char *p = *s;

	for (int i = 0; i < 5; i++)
		if (i == 2 ? p[i] != ':' : !isdigit((unsigned char)p[i]))
			return false;
	*to = ((p[0] - '0') * 10 + p[1] - '0') * 60 + (p[3] - '0') * 10 + p[4] -
	    '0';
	*s = p + 5;
	return p[3] < '6' && *to <= MINUTES;
}

bool
window_hours(const char *text, struct window *w, struct err *e)
{
	const char *p = text;
	char shown[80];
	int from, to;

	err_quote(shown, sizeof shown, text, strlen(text));
	if (!minutes_take(&p, &from) || *p++ != '-' || !minutes_take(&p, &to) ||
	    *p != '\0' || from == MINUTES)
		return err_set(e, ERR_USAGE,
		    "\"%s\" is no window, such as 02:00-08:00 or 22:30-04:00",
		    shown);
	if (from == to)
		return err_set(e, ERR_USAGE,
		    "window \"%s\" is closed when it opens; a whole day is "
		    "00:00-24:00",
		    shown);
	w->from = from;
	w->to = to;
	return true;
}

const char *
window_days_print(unsigned days, char buf[WINDOW_TEXT_LEN])
{
	size_t n = 0;

	*buf = '\0';
	if (days == ALL_DAYS)
		snprintf(buf, WINDOW_TEXT_LEN, "daily");
	else
		for (int d = 0; d < 7; d++)
			if (days >> d & 1)
				n += (size_t)snprintf(buf + n,
				    WINDOW_TEXT_LEN - n, "%s%.3s",
				    n > 0 ? "," : "", names[d]);
	return buf;
}

const char *
window_hours_print(const struct window *w, char buf[WINDOW_TEXT_LEN])
{
	snprintf(buf, WINDOW_TEXT_LEN, "%02d:%02d-%02d:%02d", w->from / 60,
	    w->from % 60, w->to / 60, w->to % 60);
	return buf;
}

/* --- time --- */

/* The window that opens on a day; false: none does. */
static bool
day_fill(const struct window *w, int64_t day, struct window_day *to)
{
	int64_t midnight = day * ZONE_DAY, long_s = (w->to - w->from) * 60;
	int64_t opens, closes;

	if (!(w->days >> zone_date(day).weekday & 1) ||
	    zone_first(w->zone, midnight, NULL) ==
		zone_first(w->zone, midnight + ZONE_DAY, NULL))
		return false;
	if (long_s <= 0)
		long_s += ZONE_DAY;
	opens = zone_first(w->zone, midnight + w->from * 60, &to->opening);
	closes =
	    zone_first(w->zone, midnight + w->from * 60 + long_s, &to->closing);
	to->whole = opens == closes;
	if (to->whole)
		closes += long_s;
	to->day = day;
	to->opens = opens * 1000;
	to->closes = closes * 1000;
	return true;
}

/* The day it is where the window is. */
static int64_t
today(const struct window *w, int64_t ms)
{
	int64_t s = ms / 1000;

	return zone_day(s + zone_offset(w->zone, s));
}

bool
window_after(const struct window *w, int64_t ms, struct window_day *to)
{
	int64_t day = today(w, ms) - 1; /* a clock put back: one day more */

	for (int i = 0; i < LOOK_DAYS; i++)
		if (day_fill(w, day + i, to) && to->opens > ms)
			return true;
	return false;
}

bool
window_before(const struct window *w, int64_t ms, struct window_day *to)
{
	int64_t day = today(w, ms) + 1;

	for (int i = 0; i < LOOK_DAYS; i++)
		if (day_fill(w, day - i, to) && to->opens <= ms)
			return true;
	return false;
}

int64_t
window_start(const struct window_day *d, const char *plan, const char *instance)
{
	uint64_t seconds = (uint64_t)(d->closes - d->opens) / 1000;
	uint64_t room = seconds - seconds / 4;
	struct hash128 h;
	uint64_t place;

	hash128_init(&h);
	/* With the end of the text, so that no two pairs run together. */
	hash128_update(&h, plan, strlen(plan) + 1);
	hash128_update(&h, instance, strlen(instance));
	/* A fraction of room, which is far below 2^32. */
	place = (hash128_final(&h).hi >> 32) * room >> 32;
	return d->opens + (int64_t)place * 1000;
}
