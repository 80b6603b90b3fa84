/*
 * tally.h -- size and checksums of an object, taken as its bytes pass.
 *
 * Every kind of store keeps one in its sinks and sources, so that all tell
 * the same facts: bytes, crc64-xz (the checksum COS itself reports of an
 * object) and xxh3-128.
 */
#ifndef STORE_TALLY_H
#define STORE_TALLY_H

#include "rdb/hash128.h"
#include "stages/kit/span.h"

struct facts;

/* It stays where it was initialised; never copy it. */
struct tally {
	uint64_t bytes;
	uint64_t crc64;
	struct hash128 xxh3;
};

void tally_init(struct tally *);
void tally_add(struct tally *, struct span);
/* Say the facts; url becomes the fact `object`. */
void tally_tell(const struct tally *, const char *url, struct facts *);

#endif
