/*
 * crc64.c -- two through ISA-L, which folds by carry-less multiplication
 * where the processor can.  ISA-L inverts on the way in and out, as CRC-64/XZ
 * wants it; Redis does not, so for Redis we invert once more.  The third is in
 * crc64_nvme.c, for ISA-L has it since 2.31 only.
 */
#include <isa-l/crc64.h>

#include "rdb/crc64.h"

uint64_t
crc64_rdb(uint64_t crc, const void *p, size_t len)
{
	return len == 0 ? crc : ~crc64_jones_refl(~crc, p, len);
}

uint64_t
crc64_xz(uint64_t crc, const void *p, size_t len)
{
	return len == 0 ? crc : crc64_ecma_refl(crc, p, len);
}

/*
 * Joining.  A CRC is a polynomial modulo P; bytes that follow multiply it by
 * x^8 each, and the inversions cancel out.  Reflected: bit 63 is x^0.
 */
#define XZ_POLY   0xc96c5795d7870f42
#define NVME_POLY 0x9a6c9329ac4bc9b5
#define X_0       ((uint64_t)1 << 63)
#define X_8       ((uint64_t)1 << 55)

/* a times b, modulo P. */
static uint64_t
times(uint64_t poly, uint64_t a, uint64_t b)
{
	uint64_t product = 0;

	for (uint64_t bit = X_0; bit != 0; bit >>= 1) {
		if (a & bit)
			product ^= b;
		b = b & 1 ? b >> 1 ^ poly : b >> 1;
	}
	return product;
}

static uint64_t
join(uint64_t poly, uint64_t first, uint64_t second, uint64_t second_len)
{
	uint64_t shift = X_0;

	for (uint64_t square = X_8; second_len > 0; second_len >>= 1) {
		if (second_len & 1)
			shift = times(poly, shift, square);
		square = times(poly, square, square);
	}
	return times(poly, shift, first) ^ second;
}

uint64_t
crc64_xz_join(uint64_t first, uint64_t second, uint64_t second_len)
{
	return join(XZ_POLY, first, second, second_len);
}

uint64_t
crc64_nvme_join(uint64_t first, uint64_t second, uint64_t second_len)
{
	return join(NVME_POLY, first, second, second_len);
}
