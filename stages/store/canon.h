/*
 * canon.h -- pairs in the one order and spelling that get signed.
 *
 * What sign_cos.c and sign_s3.c have in common: headers or parameters are
 * added in any order, each spelt as its dialect wants, then sorted by name
 * and value, byte by byte.  Not for others.
 */
#ifndef STORE_CANON_H
#define STORE_CANON_H

#include "stages/store/sign.h"

struct canon_pair {
	char *name, *value; /* owned; as they are signed */
};

/* All zero is empty; canon_release gives it back. */
struct canon {
	struct canon_pair *pair;
	size_t n, cap;
};

/* How a dialect spells. */
enum canon_spelling {
	CANON_COS_PARAM,  /* lower(enc(name)), enc(value) */
	CANON_COS_HEADER, /* the same */
	CANON_S3_PARAM,   /* enc(name), enc(value) */
	CANON_S3_HEADER   /* lower(name), value with single blanks */
};

MUST_USE bool canon_add(struct canon *, enum canon_spelling, const char *name,
    const char *value, struct err *);

/* Add the request's parameters. */
MUST_USE bool canon_params(struct canon *, enum canon_spelling,
    const struct sign_request *, struct err *);

/*
 * Add the request's headers that are safe to sign: those of the list that
 * COS's SDKs have, less expect and transfer-encoding that proxies change, and all whose name begins with one of the two prefixes.
 * Empty ones are left out, as nothing sends them.  This is also where all of
 * them are checked.
 */
MUST_USE bool canon_headers(struct canon *, enum canon_spelling,
    const struct sign_request *, const char *const prefix[2], struct err *);

void canon_sort(struct canon *);

/* Put "name<is>value" for all, with <and> between; the names alone. */
void canon_put(
    const struct canon *, const char *is, const char *and, struct text *);
void canon_put_names(const struct canon *, const char *and, struct text *);

void canon_release(struct canon *);

/* Make n lines, each ended by NUL, what is added; *lines is taken over. */
MUST_USE bool canon_added(
    struct sign_added *, struct text *lines, size_t n, struct err *);

/*
 * COS's signature from its parts, all of them as they are signed: sign_key is
 * the hex of HMAC(secret, key_time).  A test makes the documentation's
 * examples with it, which give no secret and sign a date.
 */
#define CANON_COS_HEX 41
MUST_USE bool canon_cos_signature(const char sign_key[CANON_COS_HEX],
    const char *key_time, const struct sign_request *,
    const struct canon *params, const struct canon *headers,
    char out[CANON_COS_HEX], struct err *);

#endif
