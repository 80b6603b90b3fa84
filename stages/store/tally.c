/* tally.c -- see tally.h. */
#include "stages/store/tally.h"

#include "rdb/crc64.h"
#include "stages/kit/facts.h"

void
tally_init(struct tally *t)
{
	t->bytes = 0;
	t->crc64 = 0;
	hash128_init(&t->xxh3);
}

void
tally_add(struct tally *t, struct span in)
{
	t->bytes += in.len;
	t->crc64 = crc64_xz(t->crc64, in.ptr, in.len);
	hash128_update(&t->xxh3, in.ptr, in.len);
}

void
tally_tell(const struct tally *t, const char *url, struct facts *f)
{
	uint8_t sum[HASH128_LEN];

	hash128_put(hash128_final(&t->xxh3), sum);
	facts_count(f, "bytes", t->bytes);
	facts_hex64(f, "crc64-xz", t->crc64);
	facts_hex(f, "xxh3-128", sum, sizeof sum);
	facts_text(f, "object", url);
}
