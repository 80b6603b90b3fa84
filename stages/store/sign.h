/*
 * sign.h -- signatures of requests to a store, for COS and for S3.
 *
 * Pure: no clock, no environment, no network.  A request is described once,
 * decoded; the same description gives what is signed and what goes on the
 * wire (sign_target), so the two cannot differ.
 *
 *	struct sign_added added = { 0 };
 *	struct text target = { 0 };
 *
 *	sign_target(&request, &target, e)	path and query, encoded
 *	sign_cos(&request, &terms, &added, e)	or sign_s3
 *	... send METHOD target, request.headers, added.line[0..n) ...
 *	sign_release(&added); text_release(&target);
 *
 * A signature is good for one try: sign each part, and each retry, anew.
 *
 * Sources: COS, cloud.tencent.com/document/product/436/7778 and the official
 * SDKs; S3, "Signature Version 4" in the S3 API reference.  Both dialects
 * encode as RFC 3986 says: all but A-Z a-z 0-9 - _ . ~ becomes %XX in upper
 * case, blanks too, and "/" except in the path.  Paths are never normalised.
 */
#ifndef STORE_SIGN_H
#define STORE_SIGN_H

#include <stdint.h>

#include "stages/kit/err.h"
#include "stages/store/text.h"

/* A query parameter or a header; both strings decoded, and borrowed. */
struct sign_pair {
	const char *name;
	const char *value; /* NULL for a parameter without one ("?acl") */
};

struct sign_request {
	const char *method; /* "GET", upper case */
	const char *path;   /* decoded, begins with '/' ("/a b/c"); with path
			       style the bucket is its first part */
	const struct sign_pair *params; /* in the order they are sent: COS
					   looks at the first */
	size_t n_params;
	/*
	 * Every header that is sent, "host" among them with its port unless
	 * that is the scheme's own.  What proxies may change (user-agent,
	 * connection, ...) is left out of the signature here.  None may be
	 * there twice, in any case of letters.
	 */
	const struct sign_pair *headers;
	size_t n_headers;
};

/* Who signs; strings borrowed.  See credentials.h. */
struct sign_key {
	const char *id, *secret;
	const char *token; /* NULL or "": a lasting key */
};

/* S3: the SHA-256 of the body in hex, or one of these. */
#define SIGN_UNSIGNED "UNSIGNED-PAYLOAD"
#define SIGN_EMPTY                                                       \
	"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b8" \
	"55"

struct sign_terms {
	struct sign_key key;
	int64_t now;   /* Unix seconds on the store's clock: a known skew has
			  been added by the caller */
	int64_t early; /* COS: good from now - early; 60 is harmless.  S3
			  does not use it */
	int64_t lasts; /* good until now + lasts, seconds.  The header form
			  of S3 has no such thing */
	const char *region;  /* S3 only: "us-east-1", "auto" for R2 */
	const char *payload; /* S3 header form only, see above */
};

/* Headers to send beside the request's own, as whole lines ("name: value",
 * no line end).  They are secrets' children: never print them. */
#define SIGN_ADDED_MAX 4
struct sign_added {
	const char *line[SIGN_ADDED_MAX]; /* into text */
	size_t n;
	struct text text;
};

/*
 * The header form.  COS adds authorization and, with a token,
 * x-cos-security-token (signed); S3 adds x-amz-content-sha256, x-amz-date,
 * authorization and, with a token, x-amz-security-token.  *added is all zero
 * or left from an earlier call.
 *
 * ERR_USAGE: a header twice, a control character in a name or value (they may
 * come from the command line).  ERR_SYSTEM: no memory.
 */
MUST_USE bool sign_cos(const struct sign_request *, const struct sign_terms *,
    struct sign_added *, struct err *);
MUST_USE bool sign_s3(const struct sign_request *, const struct sign_terms *,
    struct sign_added *, struct err *);
void sign_release(struct sign_added *);

/*
 * The query form, for addresses handed to somebody else: put the whole
 * request target, signature included, into *target.  The request's headers
 * must then be sent as signed; "host" alone is what a plain GET needs.  COS
 * writes the token last and unsigned, as its SDKs do.  S3 refuses more than
 * SIGN_S3_LONGEST seconds (ERR_USAGE).
 */
#define SIGN_S3_LONGEST (7 * 24 * 3600)
MUST_USE bool sign_cos_url(const struct sign_request *,
    const struct sign_terms *, struct text *target, struct err *);
MUST_USE bool sign_s3_url(const struct sign_request *,
    const struct sign_terms *, struct text *target, struct err *);

/* The request target as it goes on the wire: path and "?query". */
MUST_USE bool sign_target(
    const struct sign_request *, struct text *target, struct err *);

/* Put s encoded; keep_slash for paths. */
void sign_encode(struct text *, const char *s, bool keep_slash);

#endif
