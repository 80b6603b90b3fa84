/*
 * crc64_nvme.c -- CRC-64/NVME by tables, eight bytes at a time ("slicing by
 * 8", Kounavis and Berry, 2005).  table[k][b] is what byte b does to the CRC
 * when k more bytes follow it.
 */
#include <pthread.h>

#include "rdb/crc64.h"

#define POLY 0x9a6c9329ac4bc9b5

static uint64_t table[8][256];

static void
table_make(void)
{
	for (unsigned b = 0; b < 256; b++) {
		uint64_t crc = b;

		for (int bit = 0; bit < 8; bit++)
			crc = crc & 1 ? crc >> 1 ^ POLY : crc >> 1;
		table[0][b] = crc;
	}
	for (unsigned b = 0; b < 256; b++)
		for (int k = 1; k < 8; k++)
			table[k][b] = table[k - 1][b] >> 8 ^
			    table[0][table[k - 1][b] & 0xff];
}

/* Eight bytes, the first one lowest. */
static uint64_t
load(const uint8_t *p)
{
	uint64_t word = 0;

	for (int i = 7; i >= 0; i--)
		word = word << 8 | p[i];
	return word;
}

uint64_t
crc64_nvme(uint64_t crc, const void *from, size_t len)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	const uint8_t *p = from;

	pthread_once(&once, table_make);
	crc = ~crc;
	for (; len >= 8; len -= 8, p += 8) {
		uint64_t word = crc ^ load(p);

		crc = 0;
		for (int k = 0; k < 8; k++)
			crc ^= table[7 - k][word >> 8 * k & 0xff];
	}
	for (; len > 0; len--)
		crc = crc >> 8 ^ table[0][(crc ^ *p++) & 0xff];
	return ~crc;
}
