/*
 * crc64.c -- both through ISA-L, which folds by carry-less multiplication
 * where the processor can.  ISA-L inverts on the way in and out, as CRC-64/XZ
 * wants it; Redis does not, so for Redis we invert once more.
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
