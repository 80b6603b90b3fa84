/*
 * record.h -- put bytes together and hash them; private to digest.c.
 *
 * What is short is hashed in one go, what is long as it comes; the hash is
 * the same.
 */
#ifndef RDB_RECORD_H
#define RDB_RECORD_H

#include <stdbool.h>
#include <string.h>

#include "rdb/hash128.h"

#define RECORD_KEPT 4096

struct record {
	size_t len; /* bytes kept */
	bool begun; /* too long to keep: hash has had what came before */
	uint8_t kept[RECORD_KEPT];
	struct hash128 hash;
};

/* What record_add does when bytes do not fit any more. */
void record_spill(struct record *, const void *p, size_t n);
struct hash128_sum record_sum_long(struct record *);

static inline void
record_start(struct record *r)
{
	r->len = 0;
	r->begun = false;
}

static inline void
record_add(struct record *r, const void *p, size_t n)
{
	if (n > RECORD_KEPT - r->len) {
		record_spill(r, p, n);
		return;
	}
	if (n > 0)
		memcpy(r->kept + r->len, p, n);
	r->len += n;
}

static inline void
record_byte(struct record *r, unsigned byte)
{
	uint8_t b = (uint8_t)byte;

	record_add(r, &b, 1);
}

/* 8 bytes, little endian. */
static inline void
record_num(struct record *r, uint64_t num)
{
	/* One by one, for compilers make one store of that. */
	const uint8_t b[8] = { (uint8_t)num, (uint8_t)(num >> 8),
		(uint8_t)(num >> 16), (uint8_t)(num >> 24),
		(uint8_t)(num >> 32), (uint8_t)(num >> 40),
		(uint8_t)(num >> 48), (uint8_t)(num >> 56) };

	record_add(r, b, sizeof b);
}

/* 16 bytes, most significant first. */
static inline void
record_hash(struct record *r, struct hash128_sum sum)
{
	uint8_t b[HASH128_LEN];

	hash128_put(sum, b);
	record_add(r, b, sizeof b);
}

static inline struct hash128_sum
record_sum(struct record *r)
{
	return r->begun ? record_sum_long(r) : hash128_of(r->kept, r->len);
}

#endif
