/* moment.c -- see moment.h. */
#include "pipeline/moment.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

void
moment_print(int64_t ms, char buf[MOMENT_LEN + 1])
{
	time_t seconds = (time_t)(ms / 1000);
	char day[32] = "";
	struct tm tm;

	if (gmtime_r(&seconds, &tm) != NULL)
		strftime(day, sizeof day, "%Y-%m-%dT%H:%M:%S", &tm);
	snprintf(buf, MOMENT_LEN + 1, "%.19s.%03uZ", day,
	    (unsigned)(ms % 1000) % 1000);
}

bool
moment_read(const char *text, int64_t *ms)
{
	char back[MOMENT_LEN + 1];
	struct tm tm;
	unsigned part;
	int end = 0;

	memset(&tm, 0, sizeof tm);
	if (strlen(text) != MOMENT_LEN ||
	    sscanf(text, "%4d-%2d-%2dT%2d:%2d:%2d.%3uZ%n", &tm.tm_year,
		&tm.tm_mon, &tm.tm_mday, &tm.tm_hour, &tm.tm_min, &tm.tm_sec,
		&part, &end) != 7 ||
	    end != (int)MOMENT_LEN || tm.tm_year < 1970)
		return false;
	tm.tm_year -= 1900;
	tm.tm_mon -= 1;
	*ms = (int64_t)timegm(&tm) * 1000 + part;
	/* What was normalised on the way (31 June, +1) comes back changed. */
	moment_print(*ms, back);
	return strcmp(back, text) == 0;
}

void
moment_stamp(int64_t ms, char buf[STAMP_LEN + 1])
{
	char full[MOMENT_LEN + 1];

	moment_print(ms, full);
	snprintf(buf, STAMP_LEN + 1, "%.4s%.2s%.5s%.2s%.2sZ", full, full + 5,
	    full + 8, full + 14, full + 17);
}

bool
moment_take(const char *text, int64_t *ms)
{
	static const char rest[] = "0000-00-00T00:00:00.000Z";
	char full[MOMENT_LEN + 1];
	size_t n = strlen(text);

	if (n > 0 && text[n - 1] == 'Z')
		n--;
	/* To the day, the minute, the second, the millisecond. */
	if ((n != 10 && n != 16 && n != 19 && n != 23) ||
	    (n == 10 && text[n] == 'Z'))
		return false;
	snprintf(full, sizeof full, "%.*s%s", (int)n, text, rest + n);
	if (full[10] == ' ')
		full[10] = 'T';
	return moment_read(full, ms);
}

bool
moment_is_stamp(const char *text)
{
	int64_t ms;

	return moment_of_stamp(text, &ms);
}

bool
moment_of_stamp(const char *text, int64_t *ms)
{
	char full[MOMENT_LEN + 1];

	if (strnlen(text, STAMP_LEN) < STAMP_LEN || text[STAMP_LEN - 1] != 'Z')
		return false;
	snprintf(full, sizeof full, "%.4s-%.2s-%.5s:%.2s:%.2s.000Z", text,
	    text + 4, text + 6, text + 11, text + 13);
	return moment_read(full, ms);
}
