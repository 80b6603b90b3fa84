/*
 * t_sign.c -- signatures are those of the official packages.
 *
 * sign_vectors.h was made with them by tests/store/make-vectors.mjs.  More
 * vectors, as test_sign_vectors.py writes them, are read from the file that
 * SIGN_VECTORS names.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "stages/store/canon.h"
#include "stages/store/hmac.h"

#define PAIRS_MAX 12

enum kind { COS_HEADER, COS_URL, COS_KEY, S3_HEADER, S3_URL };

/* A request and what somebody else made of it. */
struct vector {
	enum kind kind;
	const char *name, *method, *path;
	struct sign_pair params[PAIRS_MAX], headers[PAIRS_MAX]; /* {NULL} */
	const char *id, *secret, *token; /* COS_KEY: secret is the SignKey */
	int64_t from, until;
	const char *region, *payload;
	const char *expect; /* authorization, target; COS_KEY: signature */
	const char *target; /* on the wire, NULL: not told */
};

#include "sign_vectors.h"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define CAN_STARVE 0
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define CAN_STARVE 0
#endif
#endif

#ifndef CAN_STARVE
#define CAN_STARVE 1

/* The n-th allocation from now fails; 0: none does.  glibc's own are behind
 * these names. */
static unsigned starve;

void *__libc_malloc(size_t);
void *__libc_realloc(void *, size_t);

void *
malloc(size_t n)
{
	return starve > 0 && --starve == 0 ? NULL : __libc_malloc(n);
}

void *
realloc(void *p, size_t n)
{
	return starve > 0 && --starve == 0 ? NULL : __libc_realloc(p, n);
}
#endif

static size_t
count(const struct sign_pair *p)
{
	size_t n = 0;

	while (n < PAIRS_MAX && p[n].name != NULL)
		n++;
	assert_true(n < PAIRS_MAX);
	return n;
}

static int
hex_digit(char c)
{
	return c <= '9' ? c - '0' : (c | 32) - 'a' + 10;
}

/* In place. */
static void
percent_decode(char *s)
{
	char *to = s;

	for (; *s != '\0'; s++)
		if (*s == '%') {
			*to++ = (char)(hex_digit(s[1]) * 16 + hex_digit(s[2]));
			s += 2;
		} else {
			*to++ = *s;
		}
	*to = '\0';
}

static int
by_text(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* A target's path and its parameters, decoded and sorted, one a line. */
static char *
sorted(const char *target)
{
	char *copy = strdup(target), *part[64], *at, *all;
	size_t n = 0, i;

	for (at = strtok(copy, "?&"); at != NULL; at = strtok(NULL, "?&")) {
		assert_true(n < 64);
		if (n > 0)
			percent_decode(at);
		part[n++] = at;
	}
	qsort(part + 1, n - 1, sizeof *part, by_text);
	all = calloc(1, strlen(target) + 64);
	for (i = 0; i < n; i++)
		strcat(strcat(all, part[i]), "\n");
	free(copy);
	return all;
}

static void
same_target(const char *a, const char *b)
{
	char *x = sorted(a), *y = sorted(b);

	assert_string_equal(x, y);
	free(x);
	free(y);
}

static struct sign_request
request_of(const struct vector *v)
{
	return (struct sign_request){ v->method, v->path, v->params,
		count(v->params), v->headers, count(v->headers) };
}

static struct sign_terms
terms_of(const struct vector *v)
{
	return (struct sign_terms){ .key = { v->id, v->secret, v->token },
		.now = v->from,
		.lasts = v->until - v->from,
		.region = v->region,
		.payload = v->payload };
}

/* The last line added for S3, the first for COS. */
static void
check_header(const struct vector *v)
{
	struct sign_request r = request_of(v);
	struct sign_terms t = terms_of(v);
	struct sign_added a = { 0 };
	const char *line;
	struct err e;
	bool token = v->token != NULL;

	if (v->kind == COS_HEADER) {
		assert_true(sign_cos(&r, &t, &a, &e));
		assert_int_equal(a.n, token ? 2 : 1);
		line = a.line[0];
	} else {
		assert_true(sign_s3(&r, &t, &a, &e));
		assert_int_equal(a.n, token ? 4 : 3);
		line = a.line[a.n - 1];
	}
	assert_memory_equal(line, "authorization: ", 15);
	assert_string_equal(line + 15, v->expect);
	sign_release(&a);
}

static void
check_url(const struct vector *v)
{
	struct sign_request r = request_of(v);
	struct sign_terms t = terms_of(v);
	struct text target = { 0 };
	struct err e;

	if (v->kind == COS_URL)
		assert_true(sign_cos_url(&r, &t, &target, &e));
	else
		assert_true(sign_s3_url(&r, &t, &target, &e));
	same_target(target.ptr, v->expect);
	text_release(&target);
}

/* The documentation's examples: no secret, and every header is signed. */
static void
check_key(const struct vector *v)
{
	struct sign_request r = request_of(v);
	struct canon params = { 0 }, headers = { 0 };
	char key_time[64], out[CANON_COS_HEX];
	struct err e;

	assert_true(canon_params(&params, CANON_COS_PARAM, &r, &e));
	for (size_t i = 0; i < r.n_headers; i++)
		assert_true(canon_add(&headers, CANON_COS_HEADER,
		    r.headers[i].name, r.headers[i].value, &e));
	canon_sort(&params);
	canon_sort(&headers);
	snprintf(key_time, sizeof key_time, "%lld;%lld", (long long)v->from,
	    (long long)v->until);
	assert_true(canon_cos_signature(
	    v->secret, key_time, &r, &params, &headers, out, &e));
	assert_string_equal(out, v->expect);
	canon_release(&params);
	canon_release(&headers);
}

static void
check(const struct vector *v)
{
	struct sign_request r = request_of(v);
	struct text target = { 0 };
	struct err e;

	print_message("%s\n", v->name);
	switch (v->kind) {
	case COS_HEADER:
	case S3_HEADER:
		check_header(v);
		break;
	case COS_URL:
	case S3_URL:
		check_url(v);
		break;
	case COS_KEY:
		check_key(v);
		break;
	}
	assert_true(sign_target(&r, &target, &e));
	if (v->target != NULL)
		assert_string_equal(target.ptr, v->target);
	text_release(&target);
}

static void
vectors_of_our_own(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(own_vectors); i++)
		check(&own_vectors[i]);
}

static void
add_pair(struct sign_pair *p, char *text)
{
	char *is = strchr(text, '=');

	if (is != NULL)
		*is++ = '\0';
	p += count(p);
	percent_decode(text);
	p->name = text;
	if (is != NULL)
		percent_decode(is);
	p->value = is;
}

/* One "word text" line of a vector; the text is kept. */
static void
read_line(struct vector *v, const char *word, char *text)
{
	static const char *const kinds[] = { "cos", "cos-url", "cos-key", "s3",
		"s3-url" };

	if (strcmp(word, "param") == 0) {
		add_pair(v->params, text);
		return;
	}
	if (strcmp(word, "header") == 0) {
		add_pair(v->headers, text);
		return;
	}
	percent_decode(text);
	for (size_t i = 0; strcmp(word, "kind") == 0 && i < 5; i++)
		if (strcmp(text, kinds[i]) == 0)
			v->kind = (enum kind)i;
	const struct {
		const char *word;
		const char **to;
	} t[] = { { "name", &v->name }, { "method", &v->method },
		{ "path", &v->path }, { "id", &v->id },
		{ "secret", &v->secret }, { "token", &v->token },
		{ "region", &v->region }, { "payload", &v->payload },
		{ "expect", &v->expect }, { "target", &v->target } };
	for (size_t i = 0; i < COUNT_OF(t); i++)
		if (strcmp(word, t[i].word) == 0)
			*t[i].to = text;
	if (strcmp(word, "from") == 0)
		v->from = atoll(text);
	if (strcmp(word, "until") == 0)
		v->until = atoll(text);
}

static void
vectors_of_a_file(void **state)
{
	const char *path = getenv("SIGN_VECTORS");
	FILE *f = fopen(path, "r");
	char line[8192], *kept[64];
	struct vector v = { 0 };
	size_t n = 0, n_kept = 0;

	(void)state;
	assert_non_null(f);
	while (fgets(line, sizeof line, f) != NULL) {
		line[strcspn(line, "\n")] = '\0';
		if (*line != '\0') {
			char *text = strchr(line, ' ');

			assert_non_null(text);
			*text++ = '\0';
			assert_true(n_kept < COUNT_OF(kept));
			kept[n_kept] = strdup(text);
			read_line(&v, line, kept[n_kept++]);
			continue;
		}
		check(&v);
		n++;
		while (n_kept > 0)
			free(kept[--n_kept]);
		v = (struct vector){ 0 };
	}
	fclose(f);
	print_message("%zu vectors checked\n", n);
}

static struct sign_request
plain_get(const struct sign_pair *headers, size_t n)
{
	return (struct sign_request){ .method = "GET",
		.path = "/k",
		.headers = headers,
		.n_headers = n };
}

/* The refusals, in both dialects and both forms. */
static void
refused(const struct sign_pair *headers, size_t n, const char *text)
{
	struct sign_request r = plain_get(headers, n);
	struct sign_terms t = { .key = { "id", "secret", NULL },
		.now = 1790000000,
		.lasts = 60,
		.region = "us-east-1",
		.payload = SIGN_EMPTY };
	struct sign_added a = { 0 };
	struct text to = { 0 };
	struct err e;

	assert_false(sign_cos(&r, &t, &a, &e));
	assert_int_equal(e.kind, ERR_USAGE);
	assert_string_equal(e.text, text);
	assert_false(sign_s3(&r, &t, &a, &e));
	assert_string_equal(e.text, text);
	assert_false(sign_cos_url(&r, &t, &to, &e));
	assert_string_equal(e.text, text);
	assert_false(sign_s3_url(&r, &t, &to, &e));
	assert_string_equal(e.text, text);
	sign_release(&a);
	text_release(&to);
}

static void
bad_headers(void **state)
{
	static const struct sign_pair twice[] = { { "host", "h" },
		{ "x-cos-meta-a", "1" }, { "X-Cos-Meta-A", "2" } };

	(void)state;
	refused(twice, 3, "header X-Cos-Meta-A given twice");
	refused(&(struct sign_pair){ "x-amz-meta-a", "b\r\nx: y" }, 1,
	    "header x-amz-meta-a: control character in its value");
	refused(&(struct sign_pair){ "x-amz-meta-a", "b\x7f" }, 1,
	    "header x-amz-meta-a: control character in its value");
	refused(&(struct sign_pair){ "user-agent", " b" }, 1,
	    "header user-agent: blank before or behind its value");
	refused(&(struct sign_pair){ "range", "b " }, 1,
	    "header range: blank before or behind its value");
	refused(&(struct sign_pair){ "a: b\r\nc", "d" }, 1,
	    "\"a: b\\x0d\\x0ac\" is no name for a header");
	refused(
	    &(struct sign_pair){ "", "d" }, 1, "\"\" is no name for a header");
}

static void
bad_terms(void **state)
{
	static const struct sign_pair host = { "host", "h" };
	struct sign_request r = plain_get(&host, 1);
	struct sign_terms t = { .key = { "id", "secret", NULL },
		.region = "us-east-1",
		.payload = SIGN_EMPTY };
	struct sign_added a = { 0 };
	struct text to = { 0 };
	struct err e;

	(void)state;
	t.lasts = SIGN_S3_LONGEST + 1;
	assert_false(sign_s3_url(&r, &t, &to, &e));
	assert_int_equal(e.kind, ERR_USAGE);
	assert_string_equal(
	    e.text, "an S3 address lasts 1 s to 7 days, not 604801 s");
	t.lasts = 0;
	assert_false(sign_s3_url(&r, &t, &to, &e));
	assert_string_equal(
	    e.text, "an S3 address lasts 1 s to 7 days, not 0 s");
	t.now = INT64_MAX;
	assert_false(sign_s3(&r, &t, &a, &e));
	assert_string_equal(
	    e.text, "the clock is at 9223372036854775807, which is no date");
	text_release(&to);
}

/* The lines beside authorization, and that a release leaves nothing. */
static void
added_lines(void **state)
{
	static const struct sign_pair host = { "host", "h" };
	struct sign_request r = plain_get(&host, 1);
	struct sign_terms t = { .key = { "id", "secret", "tok/+=" },
		.now = 1790000000,
		.early = 60,
		.lasts = 3600,
		.region = "us-east-1",
		.payload = SIGN_UNSIGNED };
	struct sign_added a = { 0 };
	struct err e;

	(void)state;
	assert_true(sign_s3(&r, &t, &a, &e));
	assert_string_equal(
	    a.line[0], "x-amz-content-sha256: UNSIGNED-PAYLOAD");
	assert_string_equal(a.line[1], "x-amz-date: 20260921T141320Z");
	assert_string_equal(a.line[2], "x-amz-security-token: tok/+=");
	/* The same struct again: nothing leaks, nothing is left. */
	assert_true(sign_cos(&r, &t, &a, &e));
	assert_int_equal(a.n, 2);
	assert_non_null(strstr(
	    a.line[0], "&q-sign-time=1789999940;1790003600&q-key-time="));
	assert_non_null(
	    strstr(a.line[0], "&q-header-list=host;x-cos-security-token&"));
	assert_string_equal(a.line[1], "x-cos-security-token: tok/+=");
	sign_release(&a);
	assert_int_equal(a.n, 0);
	assert_null(a.text.ptr);
}

/* What is sent: in the order given, a parameter without value without "=". */
static void
targets(void **state)
{
	static const struct sign_pair p[] = { { "uploads", NULL },
		{ "prefix", "a/b c" }, { "empty", "" } };
	struct sign_request r = { .method = "GET",
		.path = "/a/./../b//c%",
		.params = p,
		.n_params = 3 };
	struct text to = { 0 };
	struct err e;

	(void)state;
	text_put(&to, "http://h");
	assert_true(sign_target(&r, &to, &e));
	assert_string_equal(
	    to.ptr, "http://h/a/./../b//c%25?uploads&prefix=a%2Fb%20c&empty=");
	text_release(&to);
}

/* S3 sorts by value what has one name, so the order sent does not matter. */
static void
one_name_twice(void **state)
{
	static const struct sign_pair a[] = { { "a", "2" }, { "a", "1" } },
				      b[] = { { "a", "1" }, { "a", "2" } };
	struct sign_request r = plain_get(NULL, 0);
	struct sign_terms t = { .key = { "id", "secret", NULL },
		.region = "r",
		.payload = SIGN_EMPTY };
	struct sign_added x = { 0 }, y = { 0 };
	struct err e;

	(void)state;
	r.n_params = 2;
	r.params = a;
	assert_true(sign_s3(&r, &t, &x, &e));
	r.params = b;
	assert_true(sign_s3(&r, &t, &y, &e));
	assert_string_equal(x.line[2], y.line[2]);
	sign_release(&x);
	sign_release(&y);
}

/* An address holds what the service's rules ask, first parameters first. */
static void
addresses(void **state)
{
	static const struct sign_pair host = { "host", "h" },
				      acl = { "acl", NULL };
	struct sign_request r = plain_get(&host, 1);
	struct sign_terms t = { .key = { "i;d", "secret", "t+" },
		.now = 1000,
		.lasts = 5,
		.region = "r" };
	struct text to = { 0 };
	struct err e;

	(void)state;
	r.params = &acl;
	r.n_params = 1;
	assert_true(sign_cos_url(&r, &t, &to, &e));
	assert_non_null(strstr(to.ptr,
	    "/k?acl&q-sign-algorithm=sha1&q-ak=i%3Bd&q-sign-time=1000%3B1005&"
	    "q-key-time=1000%3B1005&q-header-list=host&q-url-param-list=acl&"
	    "q-signature="));
	assert_non_null(strstr(to.ptr, "&x-cos-security-token=t%2B"));
	text_clear(&to);
	assert_true(sign_s3_url(&r, &t, &to, &e));
	assert_non_null(strstr(to.ptr,
	    "/k?acl&X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=i%3Bd%2F"
	    "19700101%2Fr%2Fs3%2Faws4_request&X-Amz-Date=19700101T001640Z&"
	    "X-Amz-Expires=5&X-Amz-Security-Token=t%2B&"
	    "X-Amz-SignedHeaders=host&X-Amz-Signature="));
	text_release(&to);
}

/* RFC 2202, RFC 4231, FIPS 180-4, RFC 1321, RFC 4648. */
static void
hashes(void **state)
{
	static const char key[] = "Jefe",
			  msg[] = "what do ya want for nothing?";
	const struct span k = { (const uint8_t *)key, 4 },
			  m = { (const uint8_t *)msg, 28 }, none = { NULL, 0 };
	static const struct {
		const char *in, *out;
	} b64[] = { { "", "" }, { "f", "Zg==" }, { "fo", "Zm8=" },
		{ "foo", "Zm9v" }, { "foob", "Zm9vYg==" },
		{ "fooba", "Zm9vYmE=" }, { "foobar", "Zm9vYmFy" },
		{ "\xff\xfe\xfb", "//77" } };
	uint8_t h[HASH_SHA256_LEN];
	char hex[2 * HASH_SHA256_LEN + 1];
	struct err e;

	(void)state;
	assert_true(hmac_sha1(k, m, h, &e));
	hash_hex(h, HASH_SHA1_LEN, hex);
	assert_string_equal(hex, "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79");
	assert_true(hmac_sha256(k, m, h, &e));
	hash_hex(h, HASH_SHA256_LEN, hex);
	assert_string_equal(hex,
	    "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
	assert_true(hmac_sha256(none, none, h, &e));
	hash_hex(h, HASH_SHA256_LEN, hex);
	assert_string_equal(hex,
	    "b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad");
	assert_true(hash_sha1("abc", 3, h, &e));
	hash_hex(h, HASH_SHA1_LEN, hex);
	assert_string_equal(hex, "a9993e364706816aba3e25717850c26c9cd0d89d");
	assert_true(hash_sha256(NULL, 0, h, &e));
	hash_hex(h, HASH_SHA256_LEN, hex);
	assert_string_equal(hex, SIGN_EMPTY);
	assert_true(hash_md5("message digest", 14, h, &e));
	hash_hex(h, HASH_MD5_LEN, hex);
	assert_string_equal(hex, "f96b697d7cb7938d525a2f31aaf161d0");
	for (size_t i = 0; i < COUNT_OF(b64); i++) {
		hash_base64(b64[i].in, strlen(b64[i].in), hex);
		assert_string_equal(hex, b64[i].out);
	}
}

static void
texts(void **state)
{
	struct text t = { 0 };
	struct err e;

	(void)state;
	assert_string_equal(text_get(&t), "");
	for (int i = 0; i < 1000; i++)
		text_putf(&t, "%d,", i);
	assert_int_equal(t.len, 3890);
	assert_int_equal(strlen(t.ptr), 3890);
	assert_true(text_ok(&t, &e));
	text_clear(&t);
	assert_string_equal(text_get(&t), "");
	t.bad = true;
	text_put(&t, "x");
	assert_null(text_get(&t));
	assert_false(text_ok(&t, &e));
	assert_int_equal(e.kind, ERR_SYSTEM);
	text_release(&t);
}

#if CAN_STARVE

typedef bool sign_form(const struct sign_request *, const struct sign_terms *,
    struct text *, struct err *);

static bool
header_form(bool s3, const struct sign_request *r, const struct sign_terms *t,
    struct text *to, struct err *e)
{
	struct sign_added a = { 0 };
	bool ok = s3 ? sign_s3(r, t, &a, e) : sign_cos(r, t, &a, e);

	for (size_t i = 0; i < a.n; i++)
		text_put(to, a.line[i]);
	sign_release(&a);
	return ok && text_ok(to, e);
}

static bool
cos_header(const struct sign_request *r, const struct sign_terms *t,
    struct text *to, struct err *e)
{
	return header_form(false, r, t, to, e);
}

static bool
s3_header(const struct sign_request *r, const struct sign_terms *t,
    struct text *to, struct err *e)
{
	return header_form(true, r, t, to, e);
}

/* Every allocation fails once: an error each time, and the same signature
 * as ever in the end. */
static void
no_memory(void **state)
{
	static sign_form *const forms[] = { cos_header, s3_header, sign_cos_url,
		sign_s3_url };
	static const struct sign_pair header[] = { { "host", "h" },
		{ "range", "bytes=0-1" } };
	static const struct sign_pair param[] = { { "a b", "c" },
		{ "uploads", NULL } };
	const struct sign_request r = { "GET", "/k", param, 2, header, 2 };
	const struct sign_terms t = { .key = { "id", "secret", "tok" },
		.now = 1790000000,
		.lasts = 60,
		.region = "us-east-1",
		.payload = SIGN_EMPTY };

	(void)state;
	for (size_t i = 0; i < COUNT_OF(forms); i++) {
		struct text want = { 0 };
		struct err e = { 0 };
		unsigned n;
		bool done = false;

		assert_true(forms[i](&r, &t, &want, &e));
		for (n = 1; !done; n++) {
			struct text got = { 0 };
			bool ok;

			assert_in_range(n, 1, 2000);
			starve = n;
			ok = forms[i](&r, &t, &got, &e);
			done = starve > 0;
			starve = 0;
			if (ok)
				assert_string_equal(got.ptr, want.ptr);
			else
				assert_int_equal(e.kind, ERR_SYSTEM);
			assert_true(ok || !done);
			text_release(&got);
		}
		print_message("%u allocations failed\n", n - 2);
		text_release(&want);
	}
}

#else

static void
no_memory(void **state)
{
	(void)state;
	skip();
}

#endif

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(hashes),
		cmocka_unit_test(texts),
		cmocka_unit_test(vectors_of_our_own),
		cmocka_unit_test(bad_headers),
		cmocka_unit_test(bad_terms),
		cmocka_unit_test(added_lines),
		cmocka_unit_test(targets),
		cmocka_unit_test(one_name_twice),
		cmocka_unit_test(addresses),
		cmocka_unit_test(no_memory),
	};

	const struct CMUnitTest of_a_file[] = {
		cmocka_unit_test(vectors_of_a_file),
	};

	if (getenv("SIGN_VECTORS") != NULL)
		return cmocka_run_group_tests(of_a_file, NULL, NULL);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
