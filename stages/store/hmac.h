/*
 * hmac.h -- the hashes the stores' protocols are made of.
 *
 * OpenSSL's, each in one go.  They fail only when OpenSSL does: no memory, or
 * an algorithm that the machine's policy forbids (MD5 under FIPS).
 */
#ifndef STORE_HMAC_H
#define STORE_HMAC_H

#include <stdint.h>

#include "stages/kit/err.h"
#include "stages/kit/span.h"

#define HASH_MD5_LEN    16
#define HASH_SHA1_LEN   20
#define HASH_SHA256_LEN 32

/* RFC 2104. */
MUST_USE bool hmac_sha1(
    struct span key, struct span of, uint8_t out[HASH_SHA1_LEN], struct err *);
MUST_USE bool hmac_sha256(struct span key, struct span of,
    uint8_t out[HASH_SHA256_LEN], struct err *);

MUST_USE bool hash_md5(
    const void *p, size_t n, uint8_t out[HASH_MD5_LEN], struct err *);
MUST_USE bool hash_sha1(
    const void *p, size_t n, uint8_t out[HASH_SHA1_LEN], struct err *);
MUST_USE bool hash_sha256(
    const void *p, size_t n, uint8_t out[HASH_SHA256_LEN], struct err *);

/* n bytes as 2n lower case digits and NUL; out has 2n + 1 bytes. */
void hash_hex(const void *p, size_t n, char *out);
/* n bytes as base64 (RFC 4648, padded) and NUL; out has (n+2)/3*4 + 1. */
void hash_base64(const void *p, size_t n, char *out);

/* Overwrite a secret so that no compiler leaves it out. */
void hash_wipe(void *p, size_t n);

#endif
