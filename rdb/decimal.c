/* decimal.c -- see decimal.h. */
#include <string.h>

#include "rdb/decimal.h"

size_t
decimal_put(int64_t v, uint8_t text[DECIMAL_MAX])
{
	uint64_t u = v < 0 ? -(uint64_t)v : (uint64_t)v;
	uint8_t digits[DECIMAL_MAX];
	size_t at = sizeof digits, n;

	do {
		digits[--at] = (uint8_t)('0' + u % 10);
		u /= 10;
	} while (u > 0);
	if (v < 0)
		digits[--at] = '-';
	n = sizeof digits - at;
	memcpy(text, digits + at, n);
	return n;
}
