/*
 * moment.h -- points in time, as the manifest and people write them.
 *
 * A moment is milliseconds since 1970, UTC: clock_wall() (kit/clock.h) is now.  As text it is RFC 3339 with
 * exactly three decimals and a Z, "2026-11-22T02:03:11.123Z": one spelling
 * only, so text can be compared and sorted.
 */
#ifndef PIPELINE_MOMENT_H
#define PIPELINE_MOMENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MOMENT_LEN (sizeof "2026-11-22T02:03:11.123Z" - 1)
#define STAMP_LEN  (sizeof "20261122T020311Z" - 1)

/* Write it to buf, NUL-terminated.  Years 1970 to 9999. */
void moment_print(int64_t ms, char buf[MOMENT_LEN + 1]);

/* False when text is not exactly what moment_print would have written. */
bool moment_read(const char *text, int64_t *ms);

/* As people write it: a date, or a date and a time of UTC behind 'T' or a
 * blank, to the minute, second or millisecond, with or without Z. */
bool moment_take(const char *text, int64_t *ms);

/* The short form that backup ids begin with: "20261122T020311Z". */
void moment_stamp(int64_t ms, char buf[STAMP_LEN + 1]);

/* The moment of the stamp that text begins with; false when it begins with
 * none of an existing time. */
bool moment_of_stamp(const char *text, int64_t *ms);
bool moment_is_stamp(const char *text);

#endif
