/*
 * hash128.h -- XXH3, 128 bits, streaming and in one go.
 *
 * The one hash of this tree that is not cryptographic: for checksums against
 * accidents and for the logical digest.  Seed 0, no secret; the numbers are
 * those `xxhsum -H128` prints.  Source: xxHash's doc/xxhash_spec.md.
 *
 *	struct hash128 h;
 *	uint8_t out[HASH128_LEN];
 *
 *	hash128_init(&h);
 *	hash128_update(&h, p, n);		any number of times
 *	hash128_put(hash128_final(&h), out);	h can go on after that
 *
 * Nothing here allocates or fails.
 */
#ifndef RDB_HASH128_H
#define RDB_HASH128_H

#include <stddef.h>
#include <stdint.h>

#define HASH128_LEN 16

/* A hash in the making: memory of the caller, needing no alignment of its
 * own.  It stays where it was initialised; never copy it. */
struct hash128 {
	uint8_t room[576 + 64];
};

/* The hash as a number: hi * 2^64 + lo. */
struct hash128_sum {
	uint64_t hi, lo;
};

void hash128_init(struct hash128 *);
void hash128_update(struct hash128 *, const void *p, size_t n);
struct hash128_sum hash128_final(const struct hash128 *);

/* init, update, final in one go; much faster when n is small. */
struct hash128_sum hash128_of(const void *p, size_t n);

/* The canonical 16 bytes, most significant first; in hex they are what
 * `xxhsum -H128` prints. */
void hash128_put(struct hash128_sum, uint8_t out[HASH128_LEN]);

/* *to += by, modulo 2^128. */
static inline void
hash128_add(struct hash128_sum *to, struct hash128_sum by)
{
	to->lo += by.lo;
	to->hi += by.hi + (to->lo < by.lo);
}

#endif
