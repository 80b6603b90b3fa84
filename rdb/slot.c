/* slot.c -- see slot.h. */
#include "rdb/slot.h"

#include <stdint.h>
#include <string.h>

/* The CRC of one hex digit, so of half a byte. */
static const uint16_t table[16] = { 0x0000, 0x1021, 0x2042, 0x3063, 0x4084,
	0x50a5, 0x60c6, 0x70e7, 0x8108, 0x9129, 0xa14a, 0xb16b, 0xc18c, 0xd1ad,
	0xe1ce, 0xf1ef };

static unsigned
crc16(const uint8_t *p, size_t len)
{
	unsigned crc = 0;

	for (; len > 0; len--, p++) {
		crc = (crc << 4 & 0xffff) ^ table[(crc >> 12) ^ (*p >> 4)];
		crc = (crc << 4 & 0xffff) ^ table[(crc >> 12) ^ (*p & 15)];
	}
	return crc;
}

unsigned
rdb_slot(const void *key, size_t len)
{
	const uint8_t *p = key, *open, *close;

	if (len > 0 && (open = memchr(p, '{', len)) != NULL) {
		open++;
		close = memchr(open, '}', (size_t)(p + len - open));
		if (close != NULL && close > open)
			return crc16(open, (size_t)(close - open)) % RDB_SLOTS;
	}
	return crc16(p, len) % RDB_SLOTS;
}
