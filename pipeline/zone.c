/* zone.c -- see zone.h: the file, the rule at its end, jumps. */
#include "pipeline/zone.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FILE_MAX     (1 << 20) /* the largest there is has 4 KiB */
#define HEADER_LEN   44
#define TYPES_MAX    256
#define OFFSET_MAX   (26 * 3600) /* RFC 8536: no offset is larger */
#define FOOTER_MAX   128
#define ZONE_FOREVER INT64_MAX

/* When a rule changes the clock, in every year. */
struct change {
	enum { CHANGE_MONTH, CHANGE_JULIAN, CHANGE_ORDINAL } kind;
	int month, week, day;
	int64_t time; /* of that day, seconds, by the clock before */
};

/* The rule for times after the last one listed. */
struct rule {
	bool there, summer; /* is there one, does it change the clock */
	int64_t offset, summer_offset;
	struct change begins, ends; /* of summer */
};

struct zone {
	char *name;
	int64_t *at; /* when the clock changes, ascending */
	uint8_t *type;
	size_t n;
	int64_t offset[TYPES_MAX]; /* of types */
	struct rule rule;
};

/* --- days --- */

static int64_t
floor_div(int64_t a, int64_t b)
{
	return a / b - (a % b < 0);
}

int64_t
zone_day(int64_t local)
{
	return floor_div(local, ZONE_DAY);
}

static bool
is_leap(int64_t year)
{
	return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

/* Days before 1 January of a year, since 1970. */
static int64_t
year_day(int64_t year)
{
	int64_t y = year - 1;

	return 365 * (year - 1970) + floor_div(y, 4) - floor_div(y, 100) +
	    floor_div(y, 400) - (492 - 19 + 4);
}

/* Days of a year before a month, 1 to 12. */
static int
month_day(int64_t year, int month)
{
	static const int before[] = { 0, 31, 59, 90, 120, 151, 181, 212, 243,
		273, 304, 334 };

	return before[month - 1] + (month > 2 && is_leap(year));
}

int64_t
zone_day_of(int64_t year, int64_t month, int64_t day)
{
	int64_t years = floor_div(month - 1, 12);

	year += years;
	return year_day(year) + month_day(year, (int)(month - 12 * years)) +
	    day - 1;
}

struct zone_date
zone_date(int64_t day)
{
	/* Not after the year; then onward. */
	struct zone_date d = { .year =
				   1970 + floor_div(day, day < 0 ? 365 : 366) };
	int64_t rest;

	while (year_day(d.year + 1) <= day)
		d.year++;
	rest = day - year_day(d.year);
	for (d.month = 12; month_day(d.year, d.month) > rest;)
		d.month--;
	d.day = (int)rest - month_day(d.year, d.month) + 1;
	/* 1970-01-01 was a Thursday. */
	d.weekday = (int)(day + 3 - 7 * floor_div(day + 3, 7));
	return d;
}

/* --- the rule, as text --- */

/* A name of a clock: letters, or anything in <>. */
static bool
name_skip(const char **s)
{
	const char *p = *s;
	size_t n;

	if (*p == '<') {
		n = strcspn(p, ">");
		if (p[n] == '\0')
			return false;
		*s = p + n + 1;
		return n > 1;
	}
	while (isalpha((unsigned char)*p))
		p++;
	n = (size_t)(p - *s);
	*s = p;
	return n >= 3;
}

static bool
number_take(const char **s, int min, int max, int *to)
{
	const char *p = *s;
	int n = 0;

	while (*p >= '0' && *p <= '9' && n <= max)
		n = n * 10 + (*p++ - '0');
	if (p == *s || n < min || n > max)
		return false;
	*s = p;
	*to = n;
	return true;
}

/* "[+-]hh[:mm[:ss]]" as seconds. */
static bool
clock_take(const char **s, int64_t *to)
{
	int sign = **s == '-' ? -1 : 1, h, m = 0, sec = 0;

	if (**s == '-' || **s == '+')
		++*s;
	if (!number_take(s, 0, 167, &h))
		return false;
	if (**s == ':' && (++*s, !number_take(s, 0, 59, &m)))
		return false;
	if (**s == ':' && (++*s, !number_take(s, 0, 59, &sec)))
		return false;
	*to = sign * (h * 3600 + m * 60 + sec);
	return true;
}

static bool
change_take(const char **s, struct change *c)
{
	bool ok;

	memset(c, 0, sizeof *c);
	if (**s == 'M') {
		++*s;
		c->kind = CHANGE_MONTH;
		ok = number_take(s, 1, 12, &c->month) && *(*s)++ == '.' &&
		    number_take(s, 1, 5, &c->week) && *(*s)++ == '.' &&
		    number_take(s, 0, 6, &c->day);
	} else if (**s == 'J') {
		++*s;
		c->kind = CHANGE_JULIAN;
		ok = number_take(s, 1, 365, &c->day);
	} else {
		c->kind = CHANGE_ORDINAL;
		ok = number_take(s, 0, 365, &c->day);
	}
	c->time = 2 * 3600;
	return ok && (**s != '/' || (++*s, clock_take(s, &c->time)));
}

/* POSIX counts offsets to the west. */
static bool
rule_read(struct rule *r, const char *s)
{
	int64_t west;

	memset(r, 0, sizeof *r);
	r->there = *s != '\0';
	if (!r->there)
		return true;
	if (!name_skip(&s) || !clock_take(&s, &west))
		return false;
	r->offset = -west;
	if (*s == '\0')
		return true;
	r->summer = true;
	r->summer_offset = r->offset + 3600;
	if (!name_skip(&s))
		return false;
	if (*s != ',') {
		if (!clock_take(&s, &west))
			return false;
		r->summer_offset = -west;
	}
	return *s++ == ',' && change_take(&s, &r->begins) && *s++ == ',' &&
	    change_take(&s, &r->ends) && *s == '\0';
}

/* The day of a change in a year. */
static int64_t
change_day(const struct change *c, int64_t year)
{
	int64_t first = year_day(year), day;
	int skip;

	if (c->kind == CHANGE_ORDINAL)
		return first + c->day;
	if (c->kind == CHANGE_JULIAN) /* 29 February is never counted */
		return first + c->day - 1 + (is_leap(year) && c->day > 59);
	first = zone_day_of(year, c->month, 1);
	/* The rule's week begins on Sunday, ours on Monday. */
	skip = (c->day + 6) % 7 - zone_date(first).weekday;
	day = first + (skip + 7) % 7 + 7 * (c->week - 1);
	while (day >= zone_day_of(year, c->month + 1, 1))
		day -= 7;
	return day;
}

/* What the rule says of a time: the offset, and until when. */
static int64_t
rule_offset(const struct rule *r, int64_t time, int64_t *until)
{
	int64_t year, last = INT64_MIN, offset = r->offset;

	*until = ZONE_FOREVER;
	if (!r->summer)
		return offset;
	year = zone_date(zone_day(time)).year;
	/* A summer may last over the new year, and all of it: two years to
	 * either side hold the changes before and after. */
	for (int64_t y = year - 2; y <= year + 2; y++)
		for (int end = 0; end < 2; end++) {
			const struct change *c = end ? &r->ends : &r->begins;
			int64_t at = change_day(c, y) * ZONE_DAY + c->time -
			    (end ? r->summer_offset : r->offset);

			/* Of two at once, the beginning of summer wins. */
			if (at <= time && (at > last || (at == last && !end))) {
				last = at;
				offset = end ? r->offset : r->summer_offset;
			}
			if (at > time && at < *until)
				*until = at;
		}
	return offset;
}

/* --- the file --- */

static int64_t
big_endian(const uint8_t *p, size_t n)
{
	uint64_t v = n == 4 && *p >= 0x80 ? UINT64_MAX : 0;

	for (size_t i = 0; i < n; i++)
		v = v << 8 | p[i];
	return (int64_t)v;
}

/* The counts of a header, in the order of the file. */
struct counts {
	size_t isut, isstd, leap, time, type, chars;
};

/* One block: header and data.  *len: bytes of all of it. */
static bool
block_measure(
    const uint8_t *p, size_t have, size_t width, struct counts *c, size_t *len)
{
	size_t *const count[] = { &c->isut, &c->isstd, &c->leap, &c->time,
		&c->type, &c->chars };

	if (have < HEADER_LEN || memcmp(p, "TZif", 4) != 0)
		return false;
	for (size_t i = 0; i < COUNT_OF(count); i++) {
		int64_t n = big_endian(p + 20 + 4 * i, 4);

		if (n < 0 || n > FILE_MAX)
			return false;
		*count[i] = (size_t)n;
	}
	*len = HEADER_LEN + c->time * (width + 1) + c->type * 6 + c->chars +
	    c->leap * (width + 4) + c->isstd + c->isut;
	return *len <= have && c->type >= 1 && c->type <= TYPES_MAX;
}

/* Seconds that leap would make our arithmetic wrong; no zone of UTC has any.
 */
static bool
block_take(struct zone *z, const uint8_t *p, size_t width,
    const struct counts *c, struct err *e)
{
	const uint8_t *times = p + HEADER_LEN, *kinds = times + c->time * width,
		      *types = kinds + c->time;

	if (c->leap > 0)
		return err_set(e, ERR_USAGE, "it counts leap seconds");
	z->at = calloc(c->time + 1, sizeof *z->at);
	z->type = calloc(c->time + 1, sizeof *z->type);
	if (z->at == NULL || z->type == NULL)
		return err_sys(e, "no memory");
	for (size_t i = 0; i < c->type; i++) {
		z->offset[i] = big_endian(types + 6 * i, 4);
		if (llabs(z->offset[i]) > OFFSET_MAX)
			return err_set(e, ERR_USAGE, "an offset is too large");
	}
	for (z->n = 0; z->n < c->time; z->n++) {
		size_t i = z->n;

		z->at[i] = big_endian(times + i * width, width);
		z->type[i] = kinds[i];
		if (kinds[i] >= c->type || (i > 0 && z->at[i] <= z->at[i - 1]))
			return err_set(e, ERR_USAGE, "it makes no sense");
	}
	return true;
}

static bool
file_take(struct zone *z, const uint8_t *p, size_t n, struct err *e)
{
	size_t width = 4, len, end;
	struct counts c;
	char footer[FOOTER_MAX];

	if (!block_measure(p, n, width, &c, &len))
		return err_set(e, ERR_USAGE, "it is no TZif file");
	if (p[4] != '\0') { /* version 2 and later: the same again, wider */
		p += len;
		n -= len;
		width = 8;
		if (!block_measure(p, n, width, &c, &len))
			return err_set(e, ERR_USAGE, "it is cut short");
	}
	if (!block_take(z, p, width, &c, e))
		return false;
	if (width == 4)
		return true;
	p += len;
	n -= len;
	if (n < 2 || p[0] != '\n')
		return err_set(e, ERR_USAGE, "it is cut short");
	for (end = 1; end < n && p[end] != '\n';)
		end++;
	if (end == n || end >= sizeof footer)
		return err_set(e, ERR_USAGE, "it is cut short");
	snprintf(footer, sizeof footer, "%.*s", (int)end - 1, p + 1);
	return rule_read(&z->rule, footer) ||
	    err_set(e, ERR_USAGE, "its rule makes no sense");
}

/* Names are paths below one folder: nothing may lead out of it. */
static bool
name_ok(const char *name)
{
	static const char allowed[] = "abcdefghijklmnopqrstuvwxyz"
				      "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				      "0123456789_+-/";
	size_t n = strlen(name);

	return n > 0 && n < 100 && strspn(name, allowed) == n && *name != '/' &&
	    name[n - 1] != '/' && strstr(name, "//") == NULL;
}

static FILE *
file_open(const char *name, struct err *e)
{
	const char *folder = getenv("TZDIR");
	char path[4096] = "/etc/localtime";
	char shown[120];
	FILE *f;

	err_quote(shown, sizeof shown, name, strlen(name));
	if (strcmp(name, "local") != 0) {
		if (folder == NULL || *folder != '/')
			folder = "/usr/share/zoneinfo";
		if (!name_ok(name)) {
			err_set(e, ERR_USAGE, "no time zone \"%s\"", shown);
			return NULL;
		}
		snprintf(path, sizeof path, "%s/%s", folder, name);
	}
	if ((f = fopen(path, "re")) == NULL) {
		if (errno == ENOENT || errno == ENOTDIR)
			err_set(e, ERR_USAGE,
			    "no time zone \"%s\": there is no %.200s", shown,
			    path);
		else
			err_sys(e, "cannot open %.200s", path);
	}
	return f;
}

static bool
file_read(struct zone *z, const char *name, struct err *e)
{
	FILE *f = file_open(name, e);
	uint8_t *all = malloc(FILE_MAX);
	size_t n;
	bool ok = false;

	if (f == NULL)
		goto out;
	if (all == NULL) {
		err_sys(e, "no memory");
		goto out;
	}
	n = fread(all, 1, FILE_MAX, f);
	ok = ferror(f) ? err_sys(e, "cannot read it") : file_take(z, all, n, e);
	if (!ok)
		err_in(e, "time zone \"%s\"", name);
out:
	free(all);
	if (f != NULL)
		fclose(f);
	return ok;
}

bool
zone_open(struct zone **to, const char *name, struct err *e)
{
	struct zone *z = calloc(1, sizeof *z);
	bool ok;

	*to = NULL;
	if (z == NULL || (z->name = strdup(name)) == NULL) {
		free(z);
		return err_sys(e, "cannot open time zone %s", name);
	}
	z->rule.there = true; /* that of UTC */
	ok = strcmp(name, "UTC") == 0 || file_read(z, name, e);
	if (ok)
		*to = z;
	else
		zone_close(z);
	return ok;
}

void
zone_close(struct zone *z)
{
	if (z == NULL)
		return;
	free(z->name);
	free(z->at);
	free(z->type);
	free(z);
}

const char *
zone_name(const struct zone *z)
{
	return z->name;
}

/* --- looking --- */

/* The offset at a time, and until when it stays that. */
static int64_t
piece(const struct zone *z, int64_t time, int64_t *until)
{
	size_t low = 0, high = z->n;

	while (low < high) { /* the number of changes up to time */
		size_t mid = low + (high - low) / 2;

		if (z->at[mid] <= time)
			low = mid + 1;
		else
			high = mid;
	}
	if (low == z->n && z->rule.there)
		return rule_offset(&z->rule, time, until);
	*until = low < z->n ? z->at[low] : ZONE_FOREVER;
	return z->offset[low > 0 ? z->type[low - 1] : 0];
}

int64_t
zone_offset(const struct zone *z, int64_t time)
{
	int64_t until;

	return piece(z, time, &until);
}

/* Does the clock show local again, after a time? */
static bool
comes_again(const struct zone *z, int64_t local, int64_t after)
{
	int64_t until, offset;

	for (int64_t t = after + 1; t <= local + OFFSET_MAX; t = until) {
		offset = piece(z, t, &until);
		if (local - offset >= t && local - offset < until)
			return true;
	}
	return false;
}

int64_t
zone_first(const struct zone *z, int64_t local, enum zone_fit *fit)
{
	int64_t t = local - OFFSET_MAX, until, offset;

	for (;; t = until) {
		offset = piece(z, t, &until);
		if (local - offset < until)
			break;
	}
	if (local - offset > t)
		t = local - offset;
	if (fit != NULL)
		*fit = t + offset != local   ? ZONE_SKIPPED :
		    comes_again(z, local, t) ? ZONE_TWICE :
					       ZONE_ONCE;
	return t;
}

void
zone_print(const struct zone *z, int64_t time, char buf[ZONE_TEXT_LEN])
{
	int64_t offset = zone_offset(z, time), local = time + offset;
	struct zone_date d = zone_date(zone_day(local));
	int s = (int)(local - zone_day(local) * ZONE_DAY);
	int minutes = (int)(llabs(offset) / 60);

	snprintf(buf, ZONE_TEXT_LEN,
	    "%04d-%02d-%02d %02d:%02d:%02d %c%02d:%02d", (int)d.year % 10000,
	    d.month, d.day, s / 3600, s / 60 % 60, s % 60,
	    offset < 0 ? '-' : '+', minutes / 60 % 100, minutes % 60);
}
