/* hex.c -- see hex.h. */
#include "stages/kit/hex.h"

int
hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

int
hex_byte(const char *digits)
{
	int high = hex_digit(digits[0]), low;

	if (high == -1 || (low = hex_digit(digits[1])) == -1)
		return -1;
	return high * 16 + low;
}
