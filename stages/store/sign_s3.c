/*
 * sign_s3.c -- AWS4-HMAC-SHA256, the signature of S3 ("SigV4").
 *
 * The canonical request is hashed, and the hash is signed with a key that is
 * derived from the secret for one day, one region and this service.  S3
 * differs from AWS's other services: the path is encoded once and not
 * normalised.  Source: "Authenticating Requests (AWS Signature Version 4)"
 * in the S3 API reference.
 */
#include <inttypes.h>
#include <stdio.h>
#include <time.h>

#include "stages/store/canon.h"
#include "stages/store/hmac.h"

#define ALGORITHM "AWS4-HMAC-SHA256"
#define HEX_LEN   (2 * HASH_SHA256_LEN + 1)

struct signature {
	struct canon params, headers;
	char date[sizeof "YYYYMMDDThhmmssZ"];
	struct text scope; /* "YYYYMMDD/region/s3/aws4_request" */
	char hex[HEX_LEN];
};

static struct span
span_of(const char *s)
{
	return (struct span){ (const uint8_t *)s, strlen(s) };
}

static bool
begin(struct signature *s, const struct sign_request *r,
    const struct sign_terms *t, struct err *e)
{
	static const char *const prefix[2] = { "x-amz-", "x-amz-" };
	time_t now = (time_t)t->now;
	struct tm tm;

	if (gmtime_r(&now, &tm) == NULL ||
	    strftime(s->date, sizeof s->date, "%Y%m%dT%H%M%SZ", &tm) == 0)
		return err_set(e, ERR_SYSTEM,
		    "the clock is at %" PRId64 ", which is no date", t->now);
	text_putf(&s->scope, "%.8s/%s/s3/aws4_request", s->date, t->region);
	return text_ok(&s->scope, e) &&
	    canon_params(&s->params, CANON_S3_PARAM, r, e) &&
	    canon_headers(&s->headers, CANON_S3_HEADER, r, prefix, e);
}

static void
release(struct signature *s)
{
	canon_release(&s->params);
	canon_release(&s->headers);
	text_release(&s->scope);
}

static bool
canonical_hash(const struct signature *s, const struct sign_request *r,
    const char *payload, char hex[HEX_LEN], struct err *e)
{
	struct text c = { 0 };
	uint8_t sha[HASH_SHA256_LEN];
	bool ok;

	text_put(&c, r->method);
	text_put(&c, "\n");
	sign_encode(&c, r->path, true);
	text_put(&c, "\n");
	canon_put(&s->params, "=", "&", &c);
	text_put(&c, "\n");
	canon_put(&s->headers, ":", "\n", &c);
	text_put(&c, "\n\n");
	canon_put_names(&s->headers, ";", &c);
	text_put(&c, "\n");
	text_put(&c, payload);
	ok = text_ok(&c, e) && hash_sha256(c.ptr, c.len, sha, e);
	text_release(&c);
	if (ok)
		hash_hex(sha, sizeof sha, hex);
	return ok;
}

static bool
derive_key(const struct signature *s, const struct sign_terms *t,
    uint8_t key[HASH_SHA256_LEN], struct err *e)
{
	const struct span link[] = { { (const uint8_t *)s->date, 8 },
		span_of(t->region), span_of("s3"), span_of("aws4_request") };
	struct text secret = { 0 };
	struct span k;
	size_t i;
	bool ok;

	text_put(&secret, "AWS4");
	text_put(&secret, t->key.secret);
	ok = text_ok(&secret, e);
	k = (struct span){ (const uint8_t *)secret.ptr, secret.len };
	for (i = 0; ok && i < COUNT_OF(link); i++) {
		uint8_t next[HASH_SHA256_LEN];

		ok = hmac_sha256(k, link[i], next, e);
		if (ok)
			memcpy(key, next, sizeof next);
		hash_wipe(next, sizeof next);
		k = (struct span){ key, HASH_SHA256_LEN };
	}
	text_release(&secret);
	return ok;
}

/* All headers and parameters are gathered: make the signature. */
static bool
sign(struct signature *s, const struct sign_request *r,
    const struct sign_terms *t, const char *payload, struct err *e)
{
	uint8_t key[HASH_SHA256_LEN], mac[HASH_SHA256_LEN];
	struct text sts = { 0 };
	char hash[HEX_LEN];
	bool ok;

	canon_sort(&s->params);
	canon_sort(&s->headers);
	if (!canonical_hash(s, r, payload, hash, e))
		return false;
	text_putf(&sts, ALGORITHM "\n%s\n%s\n%s", s->date, s->scope.ptr, hash);
	ok = text_ok(&sts, e) && derive_key(s, t, key, e) &&
	    hmac_sha256(
		(struct span){ key, sizeof key }, span_of(sts.ptr), mac, e);
	hash_wipe(key, sizeof key);
	text_release(&sts);
	if (ok)
		hash_hex(mac, sizeof mac, s->hex);
	return ok;
}

static bool
has_token(const struct sign_terms *t)
{
	return t->key.token != NULL && *t->key.token != '\0';
}

/* A header of the signature's own: signed, and a line to send. */
static bool
add_line(struct signature *s, struct text *lines, const char *name,
    const char *value, struct err *e)
{
	text_putf(lines, "%s: %s", name, value);
	text_put_bytes(lines, "", 1);
	return canon_add(&s->headers, CANON_S3_HEADER, name, value, e);
}

bool
sign_s3(const struct sign_request *r, const struct sign_terms *t,
    struct sign_added *added, struct err *e)
{
	struct signature s = { 0 };
	struct text lines = { 0 };
	bool ok = false;

	if (!begin(&s, r, t, e) ||
	    !add_line(&s, &lines, "x-amz-content-sha256", t->payload, e) ||
	    !add_line(&s, &lines, "x-amz-date", s.date, e))
		goto out;
	if (has_token(t) &&
	    !add_line(&s, &lines, "x-amz-security-token", t->key.token, e))
		goto out;
	if (!sign(&s, r, t, t->payload, e))
		goto out;
	text_putf(&lines,
	    "authorization: " ALGORITHM " Credential=%s/%s, SignedHeaders=",
	    t->key.id, s.scope.ptr);
	canon_put_names(&s.headers, ";", &lines);
	text_putf(&lines, ", Signature=%s", s.hex);
	ok = canon_added(added, &lines, has_token(t) ? 4 : 3, e);
out:
	text_release(&lines);
	release(&s);
	return ok;
}

/* A parameter of the signature's own: signed, and put. */
static bool
add_param(struct signature *s, struct text *to, char before, const char *name,
    const char *value, struct err *e)
{
	text_putf(to, "%c%s=", before, name);
	sign_encode(to, value, false);
	return canon_add(&s->params, CANON_S3_PARAM, name, value, e);
}

/* Who, when and for how long. */
static bool
add_params(struct signature *s, const struct sign_request *r,
    const struct sign_terms *t, struct text *to, struct err *e)
{
	struct text who = { 0 }, names = { 0 };
	char lasts[24];
	bool ok;

	text_putf(&who, "%s/%s", t->key.id, s->scope.ptr);
	canon_put_names(&s->headers, ";", &names);
	text_put(&names, "");
	snprintf(lasts, sizeof lasts, "%" PRId64, t->lasts);
	ok = text_ok(&who, e) && text_ok(&names, e) &&
	    add_param(s, to, r->n_params == 0 ? '?' : '&', "X-Amz-Algorithm",
		ALGORITHM, e) &&
	    add_param(s, to, '&', "X-Amz-Credential", who.ptr, e) &&
	    add_param(s, to, '&', "X-Amz-Date", s->date, e) &&
	    add_param(s, to, '&', "X-Amz-Expires", lasts, e) &&
	    (!has_token(t) ||
		add_param(
		    s, to, '&', "X-Amz-Security-Token", t->key.token, e)) &&
	    add_param(s, to, '&', "X-Amz-SignedHeaders", names.ptr, e);
	text_release(&who);
	text_release(&names);
	return ok;
}

bool
sign_s3_url(const struct sign_request *r, const struct sign_terms *t,
    struct text *to, struct err *e)
{
	struct signature s = { 0 };
	bool ok = false;

	if (t->lasts < 1 || t->lasts > SIGN_S3_LONGEST)
		return err_set(e, ERR_USAGE,
		    "an S3 address lasts 1 s to 7 days, not %" PRId64 " s",
		    t->lasts);
	if (!begin(&s, r, t, e) || !sign_target(r, to, e))
		goto out;
	canon_sort(&s.headers);
	if (!add_params(&s, r, t, to, e) || !sign(&s, r, t, SIGN_UNSIGNED, e))
		goto out;
	text_putf(to, "&X-Amz-Signature=%s", s.hex);
	ok = text_ok(to, e);
out:
	release(&s);
	return ok;
}
