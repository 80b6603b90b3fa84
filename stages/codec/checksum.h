/*
 * checksum.h -- the checksums of a stream, several in one pass.
 *
 *	xxh3-128	XXH3, 128 bits; as `xxhsum -H128`
 *	sha256		FIPS 180-4; as `sha256sum`
 *	crc64-xz	ECMA-182 reflected, the CRC of .xz, which COS reports of
 *			its objects; 16 digits of the number
 *
 * Calling order: init; choose, at least once; update, any number of times;
 * final; text; release.
 */
#ifndef CODEC_CHECKSUM_H
#define CODEC_CHECKSUM_H

#include "rdb/hash128.h"
#include "stages/kit/err.h"

enum checksum { CHECKSUM_XXH3_128, CHECKSUM_SHA256, CHECKSUM_CRC64_XZ };
#define CHECKSUM_N        3
#define CHECKSUM_TEXT_MAX 65 /* digits and NUL */

struct checksums {
	bool on[CHECKSUM_N];
	struct hash128 xxh3;
	void *sha256; /* the library's context; NULL: not chosen */
	uint64_t crc64;
	char text[CHECKSUM_N][CHECKSUM_TEXT_MAX];
};

extern const char *const checksum_names[CHECKSUM_N];

void checksums_init(struct checksums *);
void checksums_release(struct checksums *);

MUST_USE bool checksums_choose(struct checksums *, enum checksum, struct err *);
void checksums_update(struct checksums *, const void *p, size_t len);

/* Fill text[] for those chosen. */
MUST_USE bool checksums_final(struct checksums *, struct err *);

#endif
