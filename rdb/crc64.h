/*
 * crc64.h -- the CRC64s of this trade.
 *
 *	crc64_rdb	at the end of RDB streams and DUMP payloads: Jones'
 *			polynomial, reflected, begins as 0, not inverted
 *			(src/crc64.c of Redis).  "123456789":
 *			e9c6d914c4b8d9ca
 *	crc64_xz	CRC-64/XZ: ECMA-182's polynomial, reflected, inverted
 *			(https://tukaani.org/xz/xz-file-format.txt, 6); what
 *			object stores report as CRC64.  "123456789":
 *			995dc9bbdf1939fa
 *	crc64_nvme	CRC-64/NVME: Rocksoft's polynomial, reflected, inverted
 *			(NVM Command Set Specification 1.0, 5.2.1.3.4); what S3
 *			calls CRC64NVME.  "123456789": ae8b14860a799888
 *
 * All begin with 0, and all go on from what they returned:
 *
 *	crc = crc64_rdb(crc64_rdb(0, a, a_len), b, b_len);
 */
#ifndef RDB_CRC64_H
#define RDB_CRC64_H

#include <stddef.h>
#include <stdint.h>

uint64_t crc64_rdb(uint64_t crc, const void *p, size_t len);
uint64_t crc64_xz(uint64_t crc, const void *p, size_t len);
uint64_t crc64_nvme(uint64_t crc, const void *p, size_t len);

/* The CRC of two stretches laid end to end, from that of each and the length
 * of the second. */
uint64_t crc64_xz_join(uint64_t first, uint64_t second, uint64_t second_len);
uint64_t crc64_nvme_join(uint64_t first, uint64_t second, uint64_t second_len);

#endif
