/* checksum.c -- see checksum.h. */
#include "stages/codec/checksum.h"

#include <inttypes.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <string.h>

#include "rdb/crc64.h"

const char *const checksum_names[CHECKSUM_N] = {
	[CHECKSUM_XXH3_128] = "xxh3-128",
	[CHECKSUM_SHA256] = "sha256",
	[CHECKSUM_CRC64_XZ] = "crc64-xz",
};

void
checksums_init(struct checksums *c)
{
	memset(c, 0, sizeof *c);
}

void
checksums_release(struct checksums *c)
{
	EVP_MD_CTX_free(c->sha256);
	checksums_init(c);
}

bool
checksums_choose(struct checksums *c, enum checksum which, struct err *e)
{
	c->on[which] = true;
	if (which == CHECKSUM_XXH3_128)
		hash128_init(&c->xxh3);
	if (which == CHECKSUM_SHA256 && c->sha256 == NULL &&
	    ((c->sha256 = EVP_MD_CTX_new()) == NULL ||
		EVP_DigestInit_ex(c->sha256, EVP_sha256(), NULL) != 1))
		return err_set(e, ERR_SYSTEM, "cannot set up SHA-256");
	return true;
}

void
checksums_update(struct checksums *c, const void *p, size_t len)
{
	if (c->on[CHECKSUM_XXH3_128])
		hash128_update(&c->xxh3, p, len);
	if (c->on[CHECKSUM_SHA256])
		EVP_DigestUpdate(c->sha256, p, len);
	if (c->on[CHECKSUM_CRC64_XZ])
		c->crc64 = crc64_xz(c->crc64, p, len);
}

static void
hex_put(char *to, const uint8_t *p, size_t len)
{
	for (size_t i = 0; i < len; i++)
		sprintf(to + 2 * i, "%02x", p[i]);
}

bool
checksums_final(struct checksums *c, struct err *e)
{
	uint8_t bytes[EVP_MAX_MD_SIZE];

	if (c->on[CHECKSUM_XXH3_128]) {
		hash128_put(hash128_final(&c->xxh3), bytes);
		hex_put(c->text[CHECKSUM_XXH3_128], bytes, HASH128_LEN);
	}
	if (c->on[CHECKSUM_SHA256]) {
		if (EVP_DigestFinal_ex(c->sha256, bytes, NULL) != 1)
			return err_set(e, ERR_BUG, "SHA-256 failed");
		hex_put(c->text[CHECKSUM_SHA256], bytes, 32);
	}
	if (c->on[CHECKSUM_CRC64_XZ])
		snprintf(c->text[CHECKSUM_CRC64_XZ], CHECKSUM_TEXT_MAX,
		    "%016" PRIx64, c->crc64);
	return true;
}
