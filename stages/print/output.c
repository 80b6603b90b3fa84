/* output.c -- see output.h. */
#include "stages/print/output.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DIGITS 20 /* of the largest number of 64 bits */

void
output_init(struct output *o, struct sink *to)
{
	memset(o, 0, offsetof(struct output, buf));
	o->to = to;
}

static void
hand_on(struct output *o, const void *p, size_t n)
{
	struct span span = { p, n };

	if (o->failed || n == 0)
		return;
	o->failed = !sink_put(o->to, span, &o->err);
	if (!o->failed)
		o->bytes += n;
}

void
output_empty(struct output *o)
{
	hand_on(o, o->buf, o->len);
	o->len = o->whole = 0;
}

void
output_bytes(struct output *o, const void *p, size_t n)
{
	if (sizeof o->buf - o->len < n)
		output_empty(o);
	if (n >= sizeof o->buf) {
		hand_on(o, p, n);
		return;
	}
	if (n > 0)
		memcpy(o->buf + o->len, p, n);
	o->len += n;
}

void
output_text(struct output *o, const char *text)
{
	output_bytes(o, text, strlen(text));
}

void
output_num(struct output *o, uint64_t n)
{
	char digits[DIGITS];
	size_t at = DIGITS;

	do {
		digits[--at] = (char)('0' + n % 10);
		n /= 10;
	} while (n > 0);
	output_bytes(o, digits + at, DIGITS - at);
}

void
output_int(struct output *o, int64_t n)
{
	if (n < 0)
		output_byte(o, '-');
	output_num(o, n < 0 ? 0 - (uint64_t)n : (uint64_t)n);
}

/* Integers that a double holds exactly need no search for digits. */
static bool
is_small_integer(double d)
{
	return d >= -9007199254740992.0 && d <= 9007199254740992.0 &&
	    d == (double)(int64_t)d;
}

/*
 * Most scores have a few digits behind the point.  If n / 10^k is the number, n
 * below 10^15, then these digits are what 15 digits of it are: a double keeps as
 * many.  (The quotient of two exact doubles is rounded as a reader rounds.)
 */
static bool
fraction_put(struct output *o, double d)
{
	double size = d < 0 ? -d : d, power = 10;
	uint64_t n, fraction;
	unsigned places = 1;

	if (!(size >= 1e-3 && size < 1e9))
		return false;
	for (; places <= 6; places++, power *= 10) {
		n = (uint64_t)(size * power + 0.5);
		if ((double)n / power == size)
			break;
	}
	if (places > 6)
		return false;
	if (d < 0)
		output_byte(o, '-');
	output_num(o, n / (uint64_t)power);
	output_byte(o, '.');
	fraction = n % (uint64_t)power;
	for (uint64_t tenth = (uint64_t)power / 10; tenth > fraction;
	     tenth /= 10)
		output_byte(o, '0');
	output_num(o, fraction);
	return true;
}

void
output_double(struct output *o, double d)
{
	char text[40];

	if (is_small_integer(d)) {
		output_int(o, (int64_t)d);
		return;
	}
	if (fraction_put(o, d))
		return;
	if (isnan(d)) {
		output_text(o, "nan"); /* printf may put a sign before it */
		return;
	}
	for (int digits = 15; digits <= 17; digits++) {
		snprintf(text, sizeof text, "%.*g", digits, d);
		if (digits == 17 || strtod(text, NULL) == d)
			break;
	}
	output_text(o, text);
}

void
output_whole(struct output *o)
{
	o->whole = o->len;
}

bool
output_good(const struct output *o, struct err *e)
{
	if (o->failed)
		*e = o->err;
	return !o->failed;
}

bool
output_flush(struct output *o, struct err *e)
{
	output_empty(o);
	return output_good(o, e);
}

void
output_salvage(struct output *o)
{
	o->len = o->whole;
	output_empty(o);
}
