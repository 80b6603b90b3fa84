/* hash128.c -- see hash128.h; the only file that knows xxhash.h. */
#define XXH_STATIC_LINKING_ONLY /* to know the size of the state */
#include <xxhash.h>

#include "rdb/hash128.h"

_Static_assert(sizeof(XXH3_state_t) + 64 <= sizeof(struct hash128),
    "struct hash128 holds the state wherever it begins");

/* The state inside, at the first address that suits it. */
static XXH3_state_t *
state_of(const struct hash128 *h)
{
	uintptr_t at = (uintptr_t)h->room;

	return (XXH3_state_t *)((at + 63) & ~(uintptr_t)63);
}

void
hash128_init(struct hash128 *h)
{
	XXH3_128bits_reset(state_of(h));
}

void
hash128_update(struct hash128 *h, const void *p, size_t n)
{
	if (n > 0)
		XXH3_128bits_update(state_of(h), p, n);
}

static struct hash128_sum
sum_of(XXH128_hash_t x)
{
	return (struct hash128_sum){ .hi = x.high64, .lo = x.low64 };
}

struct hash128_sum
hash128_final(const struct hash128 *h)
{
	return sum_of(XXH3_128bits_digest(state_of(h)));
}

struct hash128_sum
hash128_of(const void *p, size_t n)
{
	return sum_of(XXH3_128bits(p, n));
}

void
hash128_put(struct hash128_sum sum, uint8_t out[HASH128_LEN])
{
	for (int i = 0; i < 8; i++) {
		out[i] = (uint8_t)(sum.hi >> (56 - 8 * i));
		out[8 + i] = (uint8_t)(sum.lo >> (56 - 8 * i));
	}
}
