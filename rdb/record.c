/* record.c -- records too long to be kept; see record.h. */
#include "rdb/record.h"

/* Give what was kept to the hash. */
static void
flush(struct record *r)
{
	if (!r->begun)
		hash128_init(&r->hash);
	r->begun = true;
	hash128_update(&r->hash, r->kept, r->len);
	r->len = 0;
}

void
record_spill(struct record *r, const void *p, size_t n)
{
	flush(r);
	if (n < RECORD_KEPT / 4) {
		memcpy(r->kept, p, n);
		r->len = n;
	} else {
		hash128_update(&r->hash, p, n);
	}
}

struct hash128_sum
record_sum_long(struct record *r)
{
	flush(r);
	return hash128_final(&r->hash);
}
