/*
 * sign_cos.c -- q-sign-algorithm=sha1, the signature of COS's own protocol.
 *
 *	KeyTime      = "start;end"
 *	SignKey      = hex(HMAC-SHA1(secret, KeyTime))
 *	HttpString   = method "\n" path "\n" params "\n" headers "\n"
 *	StringToSign = "sha1\n" KeyTime "\n" hex(SHA1(HttpString)) "\n"
 *	Signature    = hex(HMAC-SHA1(SignKey, StringToSign))
 *
 * The path is signed decoded.  Source: document 436/7778 and the SDKs for C,
 * Go and Node.
 */
#include <inttypes.h>
#include <stdio.h>
#include <strings.h>

#include "stages/store/canon.h"
#include "stages/store/hmac.h"

#define TOKEN "x-cos-security-token"

struct signature {
	struct canon params, headers;
	char key_time[48];
	char hex[CANON_COS_HEX];
};

static struct span
span_of(const char *s)
{
	return (struct span){ (const uint8_t *)s, strlen(s) };
}

static void
put_lower(struct text *to, const char *s)
{
	for (; *s != '\0'; s++) {
		char c = *s >= 'A' && *s <= 'Z' ? (char)(*s + 32) : *s;

		text_put_bytes(to, &c, 1);
	}
}

static bool
string_to_sign(const char *key_time, const struct sign_request *r,
    const struct canon *params, const struct canon *headers,
    char out[2 * HASH_SHA1_LEN + 64], struct err *e)
{
	struct text http = { 0 };
	uint8_t sha1[HASH_SHA1_LEN];
	char hex[CANON_COS_HEX];
	bool ok;

	put_lower(&http, r->method);
	text_putf(&http, "\n%s\n", r->path);
	canon_put(params, "=", "&", &http);
	text_put(&http, "\n");
	canon_put(headers, "=", "&", &http);
	text_put(&http, "\n");
	ok = text_ok(&http, e) && hash_sha1(http.ptr, http.len, sha1, e);
	text_release(&http);
	if (!ok)
		return false;
	hash_hex(sha1, sizeof sha1, hex);
	snprintf(out, 2 * HASH_SHA1_LEN + 64, "sha1\n%s\n%s\n", key_time, hex);
	return true;
}

bool
canon_cos_signature(const char sign_key[CANON_COS_HEX], const char *key_time,
    const struct sign_request *r, const struct canon *params,
    const struct canon *headers, char out[CANON_COS_HEX], struct err *e)
{
	char sts[2 * HASH_SHA1_LEN + 64];
	uint8_t mac[HASH_SHA1_LEN];

	if (!string_to_sign(key_time, r, params, headers, sts, e) ||
	    !hmac_sha1(span_of(sign_key), span_of(sts), mac, e))
		return false;
	hash_hex(mac, sizeof mac, out);
	return true;
}

static bool
sign(struct signature *s, const struct sign_request *r,
    const struct sign_terms *t, struct err *e)
{
	uint8_t mac[HASH_SHA1_LEN];
	char sign_key[CANON_COS_HEX];
	bool ok;

	canon_sort(&s->params);
	canon_sort(&s->headers);
	snprintf(s->key_time, sizeof s->key_time, "%" PRId64 ";%" PRId64,
	    t->now - t->early, t->now + t->lasts);
	if (!hmac_sha1(span_of(t->key.secret), span_of(s->key_time), mac, e))
		return false;
	hash_hex(mac, sizeof mac, sign_key);
	ok = canon_cos_signature(
	    sign_key, s->key_time, r, &s->params, &s->headers, s->hex, e);
	hash_wipe(mac, sizeof mac);
	hash_wipe(sign_key, sizeof sign_key);
	return ok;
}

static bool
gather(struct signature *s, const struct sign_request *r, struct err *e)
{
	static const char *const prefix[2] = { "x-cos-", "x-ci-" };

	return canon_params(&s->params, CANON_COS_PARAM, r, e) &&
	    canon_headers(&s->headers, CANON_COS_HEADER, r, prefix, e);
}

static bool
has_token(const struct sign_terms *t)
{
	return t->key.token != NULL && *t->key.token != '\0';
}

static void
release(struct signature *s)
{
	canon_release(&s->params);
	canon_release(&s->headers);
}

static void
put_authorization(
    const struct signature *s, const struct sign_terms *t, struct text *to)
{
	text_put(to, "authorization: q-sign-algorithm=sha1&q-ak=");
	text_put(to, t->key.id);
	text_putf(to,
	    "&q-sign-time=%s&q-key-time=%s&q-header-list=", s->key_time,
	    s->key_time);
	canon_put_names(&s->headers, ";", to);
	text_put(to, "&q-url-param-list=");
	canon_put_names(&s->params, ";", to);
	text_putf(to, "&q-signature=%s", s->hex);
}

bool
sign_cos(const struct sign_request *r, const struct sign_terms *t,
    struct sign_added *added, struct err *e)
{
	struct signature s = { 0 };
	struct text lines = { 0 };
	size_t n = 1;
	bool ok = false;

	if (!gather(&s, r, e))
		goto out;
	if (has_token(t) &&
	    !canon_add(&s.headers, CANON_COS_HEADER, TOKEN, t->key.token, e))
		goto out;
	if (!sign(&s, r, t, e))
		goto out;
	put_authorization(&s, t, &lines);
	if (has_token(t)) {
		text_put_bytes(&lines, "", 1);
		text_putf(&lines, TOKEN ": %s", t->key.token);
		n++;
	}
	ok = canon_added(added, &lines, n, e);
out:
	text_release(&lines);
	release(&s);
	return ok;
}

/* A list of names as a value: its ";" is spelt %3B, as the documentation
 * asks, though servers take it raw from the SDKs. */
static void
put_list(struct text *to, const char *name, const struct canon *c)
{
	struct text list = { 0 };

	canon_put_names(c, ";", &list);
	text_put(to, name);
	if (list.len > 0)
		sign_encode(to, list.ptr, false);
	to->bad |= list.bad;
	text_release(&list);
}

static void
put_pair(struct text *to, const char *name, const char *value)
{
	text_put(to, name);
	sign_encode(to, value, false);
}

bool
sign_cos_url(const struct sign_request *r, const struct sign_terms *t,
    struct text *to, struct err *e)
{
	struct signature s = { 0 };
	bool ok;

	ok = gather(&s, r, e) && sign(&s, r, t, e) && sign_target(r, to, e);
	if (ok) {
		text_put(to, r->n_params == 0 ? "?" : "&");
		put_pair(to, "q-sign-algorithm=", "sha1");
		put_pair(to, "&q-ak=", t->key.id);
		put_pair(to, "&q-sign-time=", s.key_time);
		put_pair(to, "&q-key-time=", s.key_time);
		put_list(to, "&q-header-list=", &s.headers);
		put_list(to, "&q-url-param-list=", &s.params);
		put_pair(to, "&q-signature=", s.hex);
		if (has_token(t))
			put_pair(to, "&" TOKEN "=", t->key.token);
		ok = text_ok(to, e);
	}
	release(&s);
	return ok;
}
