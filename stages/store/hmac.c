/* hmac.c -- see hmac.h; the only user of OpenSSL's digests in this folder. */
#include "stages/store/hmac.h"

#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>

/* TLS on this thread must not find our error in its queue. */
static bool
fail(struct err *e, const char *what, const char *name)
{
	ERR_clear_error();
	return err_set(e, ERR_SYSTEM, "openssl cannot do %s%s", what, name);
}

static bool
hash(const char *name, const void *p, size_t n, uint8_t *out, size_t out_len,
    struct err *e)
{
	size_t got = 0;

	if (EVP_Q_digest(NULL, name, NULL, n > 0 ? p : "", n, out, &got) != 1 ||
	    got != out_len)
		return fail(e, "", name);
	return true;
}

/* A NULL key or message would mean "none" to OpenSSL, not an empty one. */
static bool
mac(const char *name, struct span key, struct span of, uint8_t *out,
    size_t out_len, struct err *e)
{
	static const uint8_t empty[1];
	size_t got = 0;

	if (EVP_Q_mac(NULL, "HMAC", NULL, name, NULL,
		key.len > 0 ? key.ptr : empty, key.len,
		of.len > 0 ? of.ptr : empty, of.len, out, out_len,
		&got) == NULL ||
	    got != out_len)
		return fail(e, "HMAC with ", name);
	return true;
}

bool
hmac_sha1(
    struct span key, struct span of, uint8_t out[HASH_SHA1_LEN], struct err *e)
{
	return mac("SHA1", key, of, out, HASH_SHA1_LEN, e);
}

bool
hmac_sha256(struct span key, struct span of, uint8_t out[HASH_SHA256_LEN],
    struct err *e)
{
	return mac("SHA256", key, of, out, HASH_SHA256_LEN, e);
}

bool
hash_md5(const void *p, size_t n, uint8_t out[HASH_MD5_LEN], struct err *e)
{
	return hash("MD5", p, n, out, HASH_MD5_LEN, e);
}

bool
hash_sha1(const void *p, size_t n, uint8_t out[HASH_SHA1_LEN], struct err *e)
{
	return hash("SHA1", p, n, out, HASH_SHA1_LEN, e);
}

bool
hash_sha256(
    const void *p, size_t n, uint8_t out[HASH_SHA256_LEN], struct err *e)
{
	return hash("SHA256", p, n, out, HASH_SHA256_LEN, e);
}

void
hash_hex(const void *p, size_t n, char *out)
{
	static const char digit[] = "0123456789abcdef";
	const uint8_t *b = p;
	size_t i;

	for (i = 0; i < n; i++) {
		*out++ = digit[b[i] >> 4];
		*out++ = digit[b[i] & 15];
	}
	*out = '\0';
}

void
hash_base64(const void *p, size_t n, char *out)
{
	static const char digit[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				    "abcdefghijklmnopqrstuvwxyz0123456789+/";
	const uint8_t *b = p;
	size_t i, k;

	for (i = 0; i < n; i += 3) {
		size_t left = n - i;
		uint32_t v = (uint32_t)b[i] << 16;

		if (left > 1)
			v |= (uint32_t)b[i + 1] << 8;
		if (left > 2)
			v |= b[i + 2];
		for (k = 0; k < 4; k++, v <<= 6)
			*out++ = k > left ? '=' : digit[v >> 18 & 63];
	}
	*out = '\0';
}

void
hash_wipe(void *p, size_t n)
{
	OPENSSL_cleanse(p, n);
}
