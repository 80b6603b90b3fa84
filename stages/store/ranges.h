/*
 * ranges.h -- an object of a store as a source, read in ranges side by side.
 *
 * The object is looked at first; every range is then asked for with the ETag
 * it had, so an object that is replaced meanwhile is an error and never a
 * mixture; without an ETag only a CRC-64 of the store's can tell, and without
 * either nothing is read.  Ranges come on several connections (crew.h) into memory and are
 * lent in order; one that breaks goes on at the byte reached (cloud.h).
 *
 * When the store knows the object's CRC-64/XZ, it is compared with that of the
 * bytes before the last range is lent: whoever got the end got it all.
 *
 * Memory: threads + 2 ranges, and what multipart.h says of libraries.
 */
#ifndef STORE_RANGES_H
#define STORE_RANGES_H

#include <stdatomic.h>
#include <stdint.h>

#include "stages/kit/port.h"

struct cloud;

#define RANGES_THREADS 4
#define RANGES_SIZE    ((uint64_t)8 << 20)

/* What to read; key and url are copied. */
struct ranges_from {
	struct cloud *cloud;
	const char *key, *url;
	const atomic_uint *slow; /* as in multipart.h */
	unsigned threads;        /* connections; 0: RANGES_THREADS */
	uint64_t size;           /* bytes of a range; 0: RANGES_SIZE */
};

/* NULL on failure.  A missing object is an ERR_REMOTE that says so.  Facts:
 * those of tally.h, and store-crc64-xz when the store told. */
struct source *ranges_new(const struct ranges_from *, struct err *);

#endif
