/*
 * t_cloud.c -- the operations, against a store that plays by a script.
 *
 * Goal of this test: what goes on the wire in both dialects; how every kind of
 * answer is taken: tried again, repaired, settled by our own id, or told in
 * one clear line that holds the store's code and request and no secret.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "stages/store/cloud.h"
#include "stages/store/credentials.h"
#include "tests/harness/script.h"

/* The real thing, in front of the harness's cloud in memory, whose names are
 * the same. */
#include "stages/store/cloud.c"
#include "stages/store/exchange.c"
#include "stages/store/cloud_list.c"
#include "stages/store/cloud_object.c"
#include "stages/store/cloud_upload.c"

#define ID       "x-cos-request-id: REQ1\r\n"
#define OK       "HTTP/1.1 200 OK\r\n" ID
#define NO_BODY  "content-length: 0\r\n\r\n"
#define HELLO    "\"5d41402a\""                                  /* an ETag */
#define CRC      "x-cos-hash-crc64ecma: 3675645893302102789\r\n" /* of "a" */
#define PUT_DONE OK "etag: " HELLO "\r\n" CRC NO_BODY
#define REFUSED(status, code, message)                                       \
	"HTTP/1.1 " status " X\r\n" ID "connection: close\r\n\r\n"           \
	"<?xml version='1.0'?><Error><Code>" code "</Code><Message>" message \
	"</Message></Error>"
#define XML(head, body) \
	OK head "connection: close\r\n\r\n<?xml version='1.0'?>" body
#define COMPLETED                                                     \
	"<CompleteMultipartUploadResult><ETag>&quot;e-1&quot;</ETag>" \
	"</CompleteMultipartUploadResult>"

static const struct span letter = { (const uint8_t *)"a", 1 };

/* A cloud over a script. */
struct fixture {
	struct script *script;
	struct place place;
	struct credentials *who;
	struct cloud *cloud;
	struct cloud_line *line;
	unsigned slow;
	struct err e;
};

static void
on_slow(void *arg)
{
	++*(unsigned *)arg;
}

static void
begin(struct fixture *f, const char *scheme, const struct script_step *steps,
    size_t n)
{
	struct credentials_means means = { .fetch = NULL };
	struct cloud_options options = { .backoff_ms = 1,
		.tries = 4,
		.http = { .stall_ms = 400, .answer_ms = 400, .direct = true },
		.slow = on_slow,
		.slow_arg = &f->slow };
	bool cos = strcmp(scheme, "cos") == 0;
	char url[128];

	memset(f, 0, sizeof *f);
	f->script = script_start(steps, n);
	snprintf(url, sizeof url, "%s://b-1/?endpoint=http://127.0.0.1:%d",
	    scheme, script_port(f->script));
	assert_true(place_parse(&f->place, url, &f->e));
	f->who = credentials_new(
	    cos ? CREDENTIALS_COS : CREDENTIALS_S3, &means, &f->e);
	assert_non_null(f->who);
	assert_true(cloud_open(&f->cloud, &f->place, f->who, &options, &f->e));
	f->line = cloud_line_new(f->cloud, &f->e);
	assert_non_null(f->line);
}

static void
end(struct fixture *f)
{
	for (size_t i = 0; i < script_requests(f->script); i++)
		assert_null(strstr(script_head(f->script, i), "hunter2"));
	assert_null(strstr(f->e.text, "hunter2"));
	cloud_line_free(f->line);
	cloud_close(f->cloud);
	credentials_free(f->who);
	place_release(&f->place);
	script_stop(f->script);
}

#define BEGIN(f, scheme, steps) \
	begin(f, scheme, steps, sizeof steps / sizeof *steps)

static void
has(struct fixture *f, size_t i, const char *want)
{
	if (strstr(script_head(f->script, i), want) == NULL)
		fail_msg("no %s in\n%s", want, script_head(f->script, i));
}

static void
says(struct fixture *f, const char *want)
{
	if (strstr(f->e.text, want) == NULL)
		fail_msg("not \"%s\" but \"%s\"", want, f->e.text);
	assert_int_equal(f->e.kind, ERR_REMOTE);
}

/* --- put --- */

static void
puts_with_all_there_is(void **state)
{
	static const struct script_step steps[] = { { .reply = PUT_DONE },
		{ .reply = OK "etag: e\r\n" NO_BODY } };
	struct cloud_how how = { .id = "I1",
		.storage_class = "ARCHIVE",
		.sse = CLOUD_SSE_KMS,
		.kms_key = "K",
		.tags = "a=b",
		.lock_mode = "COMPLIANCE",
		.lock_until = "2030",
		.exclusive = true };
	struct cloud_head head;
	struct fixture f;

	(void)state;
	BEGIN(&f, "cos", steps);
	assert_true(cloud_put(f.line, "d/k +%", letter, &how, &head, &f.e));
	assert_string_equal(head.etag, HELLO);
	assert_true(head.crc64.known);
	assert_int_equal(head.size, 1);
	has(&f, 0, "PUT /d/k%20%2B%25 HTTP/1.1\r\n");
	has(&f, 0, "x-cos-meta-rdbpipe-id: I1\r\n");
	has(&f, 0, "x-cos-storage-class: ARCHIVE\r\n");
	has(&f, 0, "x-cos-server-side-encryption: cos/kms\r\n");
	has(&f, 0, "x-cos-tagging: a=b\r\n");
	has(&f, 0, "x-cos-object-lock-mode: COMPLIANCE\r\n");
	has(&f, 0, "x-cos-forbid-overwrite: true\r\n");
	has(&f, 0, "content-md5: DMF1ucDxtqgxw5niaXcmYQ==\r\n");
	has(&f, 0, "q-sign-algorithm=sha1&q-ak=AKIDtest&");
	end(&f);

	BEGIN(&f, "s3", steps);
	assert_true(cloud_put(f.line, "k", letter, &how, &head, &f.e));
	has(&f, 0, "PUT /b-1/k HTTP/1.1\r\n");
	has(&f, 0, "x-amz-meta-rdbpipe-id: I1\r\n");
	has(&f, 0, "x-amz-server-side-encryption: aws:kms\r\n");
	has(&f, 0, "if-none-match: *\r\n");
	/* Over plain HTTP the body is signed: SHA-256 of "a". */
	has(&f, 0, "x-amz-content-sha256: ca978112ca1bbdcafac231b39a23dc4da");
	has(&f, 0, "AWS4-HMAC-SHA256 Credential=AKIAtest/");
	end(&f);
}

static void
tries_again(void **state)
{
	static const struct script_step steps[] = {
		{ .reply = "", .end = SCRIPT_RESET },
		{ .reply = REFUSED("503", "SlowDown", ""),
		    .end = SCRIPT_CLOSE },
		/* A page of somebody between us and the store. */
		{ .reply = "HTTP/1.1 403 No\r\nconnection: close\r\n\r\n"
			   "<html>proxy</html>",
		    .end = SCRIPT_CLOSE },
		{ .reply = PUT_DONE },
	};
	struct cloud_how how = { .id = "I1" };
	struct cloud_head head;
	struct fixture f;

	(void)state;
	BEGIN(&f, "cos", steps);
	assert_true(cloud_put(f.line, "k", letter, &how, &head, &f.e));
	assert_int_equal(script_requests(f.script), 4);
	assert_int_equal(f.slow, 1);
	assert_null(strstr(script_head(f.script, 0), "x-cos-sdk-retry"));
	has(&f, 1, "x-cos-sdk-retry: true");
	end(&f);
}

/* A busy store says for how long it wants to be left alone. */
static void
waits_as_asked(void **state)
{
	static const struct script_step steps[] = {
		{ .reply =
			"HTTP/1.1 503 X\r\n" ID "Retry-After: 1\r\n" NO_BODY },
		{ .reply =
			"HTTP/1.1 429 X\r\n" ID "retry-after: 1\r\n" NO_BODY },
		{ .reply =
			"HTTP/1.1 500 X\r\n" ID "Retry-After: 99\r\n" NO_BODY },
		{ .reply = PUT_DONE },
	};
	struct cloud_how how = { .id = "I1" };
	struct cloud_head head;
	struct timespec from, to;
	struct fixture f;
	long ms;

	(void)state;
	BEGIN(&f, "cos", steps);
	clock_gettime(CLOCK_MONOTONIC, &from);
	assert_true(cloud_put(f.line, "k", letter, &how, &head, &f.e));
	clock_gettime(CLOCK_MONOTONIC, &to);
	ms = (to.tv_sec - from.tv_sec) * 1000 +
	    (to.tv_nsec - from.tv_nsec) / 1000000;
	assert_true(ms >= 2000 && ms < 30000);
	assert_int_equal(f.slow, 2);
	end(&f);
}

/* A host that has answered once is waited for as long as any failure is; one
 * that never did was not asked anything, so nothing can have been done. */
static void
tells_nobody_from_gone(void **state)
{
	static const struct script_step steps[] = { { .reply = PUT_DONE,
	    .end = SCRIPT_CLOSE } };
	struct cloud_how how = { .id = "I1" };
	struct cloud_head head;
	struct fixture f;

	(void)state;
	BEGIN(&f, "cos", steps);
	script_stop(f.script);
	assert_false(cloud_put(f.line, "k", letter, &how, &head, &f.e));
	says(&f, ": cannot connect (4 tries)");
	assert_false(cloud_line_maybe(f.line));
	assert_false(f.cloud->answered);
	f.script = script_start(steps, 0);
	end(&f);

	BEGIN(&f, "cos", steps);
	assert_true(cloud_put(f.line, "k", letter, &how, &head, &f.e));
	assert_true(f.cloud->answered);
	assert_int_equal(nowhere(f.line), RETRY_LATER);
	end(&f);
}

/* An address says when the key that signed it ends. */
static void
tells_of_a_key_that_ends(void **state)
{
	static const uint8_t own[CLOUD_KEY_LEN] = { 1 };
	struct credentials_means means = { .fetch = NULL };
	struct cloud_options options = { .customer_key = own };
	struct cloud_key_end end = { true, 0 };
	struct credentials *who;
	struct cloud *c;
	struct place p;
	struct err e;
	char *url;

	(void)state;
	assert_true(place_parse(&p, "s3://b/?region=r", &e));
	who = credentials_new(CREDENTIALS_S3, &means, &e);
	assert_true(cloud_open(&c, &p, who, &options, &e));
	url = cloud_presign(c, "k", 60, &end, &e);
	assert_false(end.temporary);
	/* What the reader must send is signed, and is not in the address. */
	assert_non_null(strstr(url, "customer-key"));
	assert_null(strstr(url, c->customer_key));
	free(url);
	cloud_close(c);
	credentials_free(who);
	setenv("AWS_SESSION_TOKEN", "hunter2", 1);
	who = credentials_new(CREDENTIALS_S3, &means, &e);
	assert_true(cloud_open(&c, &p, who, &options, &e));
	url = cloud_presign(c, "k", 60, &end, &e);
	assert_true(end.temporary);
	assert_true(end.at == INT64_MAX);
	free(url);
	unsetenv("AWS_SESSION_TOKEN");
	cloud_close(c);
	credentials_free(who);
	place_release(&p);
}

static void
nvme_in_base64(void **state)
{
	static const char *const bad[] = { "", "rosUhgp5mIg",
		"rosUhgp5mIh=", "rosUhgp5mIg=-3",
		"rosU gp5mIg=", "============" };
	char text[OBJECT_NVME_LEN];

	(void)state;
	object_nvme_put(0xae8b14860a799888, text);
	assert_string_equal(text, "rosUhgp5mIg=");
	for (uint64_t n = 1, i = 0; i < 300;
	     i++, n = n * 0x5851f42d4c957f2d + 1) {
		object_nvme_put(n, text);
		assert_true(object_nvme(text).known);
		assert_true(object_nvme(text).value == n);
	}
	assert_false(object_nvme(NULL).known);
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		assert_false(object_nvme(bad[i]).known);
}

#define NVME(sum) "x-amz-checksum-crc64nvme: " sum "\r\n"

/* The store is to check CRC64NVME: told with every part and at the end; one
 * that does not answer with it is refused. */
static void
wants_nvme(void **state)
{
	static const struct script_step steps[] = {
		{ .reply = XML("",
		      "<InitiateMultipartUploadResult><UploadId>u"
		      "</UploadId></InitiateMultipartUploadResult>"),
		    .end = SCRIPT_CLOSE },
		{ .reply = OK "etag: e\r\n" NVME("AAAAAAAAAAA=") NO_BODY },
		{ .reply = OK "etag: e\r\n" NVME("rosUhgp5mIg=") NO_BODY },
		{ .reply = XML("",
		      "<CompleteMultipartUploadResult><ETag>e</ETag>"
		      "<ChecksumCRC64NVME>rosUhgp5mIg="
		      "</ChecksumCRC64NVME>"
		      "</CompleteMultipartUploadResult>"),
		    .end = SCRIPT_CLOSE },
		{ .reply = XML("",
		      "<CompleteMultipartUploadResult><ETag>e</ETag>"
		      "<ChecksumCRC64NVME>AAAAAAAAAAA="
		      "</ChecksumCRC64NVME>"
		      "</CompleteMultipartUploadResult>"),
		    .end = SCRIPT_CLOSE },
		{ .reply = OK "etag: e\r\n" NO_BODY },
	};
	const struct span body = { (const uint8_t *)"123456789", 9 };
	struct cloud_upload u = { "k", NULL };
	struct cloud_part part = { .number = 1 };
	struct cloud_how how = { .id = "I1" };
	struct cloud_head head;
	struct fixture f;
	char *id;

	(void)state;
	BEGIN(&f, "s3", steps);
	f.place.crc64nvme = true;
	assert_true(cloud_initiate(f.line, "k", &how, &id, &f.e));
	has(&f, 0, "x-amz-checksum-algorithm: CRC64NVME\r\n");
	has(&f, 0, "x-amz-checksum-type: FULL_OBJECT\r\n");
	u.upload_id = id;
	assert_true(cloud_put_part(f.line, &u, body, &part, &f.e));
	assert_int_equal(script_requests(f.script), 3);
	has(&f, 2, NVME("rosUhgp5mIg="));
	has(&f, 2, ";x-amz-checksum-crc64nvme;"); /* and it is signed */
	assert_true(cloud_complete(f.line, &u, &part, 1, &how, &head, &f.e));
	has(&f, 3, NVME("rosUhgp5mIg="));
	has(&f, 3, "x-amz-checksum-type: FULL_OBJECT\r\n");
	has(&f, 3, "x-amz-mp-object-size: 9\r\n");
	assert_true(head.nvme.known && head.nvme.value == part.nvme.value);
	assert_false(cloud_complete(f.line, &u, &part, 1, &how, &head, &f.e));
	assert_int_equal(f.e.kind, ERR_DATA);
	assert_non_null(strstr(f.e.text, "has CRC64NVME 0000000000000000"));
	assert_false(cloud_put_part(f.line, &u, body, &part, &f.e));
	says(&f, "put part 1 of s3://b-1/k: the store ignores CRC64NVME");
	assert_int_equal(script_requests(f.script), 6);
	free(id);
	end(&f);
}

/* The last word of a store that never gets better, and how often. */
static void
gives_up_in_words(void **state)
{
	static const struct {
		struct script_step step;
		unsigned tries;
		const char *want;
	} rows[] = {
		{ { .reply = REFUSED("403", "SignatureDoesNotMatch", "m"),
		      .end = SCRIPT_CLOSE },
		    1,
		    "put cos://b-1/k: the secret key is wrong "
		    "(SignatureDoesNotMatch: \"m\", request REQ1)" },
		{ { .reply = REFUSED("404", "NoSuchBucket", "m"),
		      .end = SCRIPT_CLOSE },
		    1, "the bucket does not exist (NoSuchBucket" },
		{ { .reply = REFUSED("403", "AccessDenied", "a&#xe9;b"),
		      .end = SCRIPT_CLOSE },
		    1,
		    "no permission (AccessDenied: \"a\\xc3\\xa9b\", request "
		    "REQ1)" },
		{ { .reply = REFUSED("418", "Teapot", ""),
		      .end = SCRIPT_CLOSE },
		    1, "the store refused (Teapot, request REQ1)" },
		{ { .reply = "HTTP/1.1 500 X\r\n" ID NO_BODY }, 4,
		    "the store failed (status 500, request REQ1, 4 tries)" },
		{ { .reply = REFUSED("503", "SlowDown", "m"),
		      .end = SCRIPT_CLOSE },
		    4,
		    "the store asks for less (SlowDown: \"m\", request REQ1, "
		    "4 tries)" },
		{ { .reply = "HTTP/1.1 502 X\r\n" NO_BODY }, 4,
		    "the answer is not of the store, but of something on the "
		    "way to it (status 502, 4 tries)" },
		{ { .reply = "", .end = SCRIPT_CLOSE }, 4,
		    ": closed the connection without an answer (4 tries)" },
		{ { .reply = OK NO_BODY }, 4,
		    "the answer has no ETag (4 tries)" },
		{ { .reply =
			  OK "etag: e\r\nx-cos-hash-crc64ecma: 7\r\n" NO_BODY },
		    3,
		    "the store has other bytes: CRC-64 0000000000000007, not "
		    "330284772e652b05 (3 tries)" },
		{ { .reply =
			  "HTTP/1.1 307 X\r\n" ID
			  "location: http://else/k?sign=hunter2\r\n" NO_BODY },
		    1,
		    "the bucket is somewhere else for now, at http://else/k "
		    "(status 307, request REQ1)" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct script_step steps[4];
		struct cloud_how how = { .content_type = NULL };
		struct cloud_head head;
		struct fixture f;

		for (size_t s = 0; s < 4; s++)
			steps[s] = rows[i].step;
		BEGIN(&f, "cos", steps);
		assert_false(cloud_put(f.line, "k", letter, &how, &head, &f.e));
		says(&f, rows[i].want);
		/* libcurl may have sent one more on a dead connection. */
		assert_true(script_requests(f.script) >= rows[i].tries);
		end(&f);
	}
}

static void
sets_the_clock(void **state)
{
	static const struct script_step steps[] = {
		{ .reply = "HTTP/1.1 403 X\r\n" ID
			   "date: Wed, 01 Jan 2031 00:00:00 GMT\r\n"
			   "connection: close\r\n\r\n<Error><Code>"
			   "RequestTimeTooSkewed</Code></Error>",
		    .end = SCRIPT_CLOSE },
		{ .reply = PUT_DONE },
	};
	struct cloud_how how = { .id = "I1" };
	struct cloud_head head;
	struct fixture f;

	(void)state;
	BEGIN(&f, "cos", steps);
	assert_true(cloud_put(f.line, "k", letter, &how, &head, &f.e));
	has(&f, 1, "q-sign-time=19249919"); /* 1924992000 - 60 */
	end(&f);
}

static void
tells_the_clock(void **state)
{
	static const struct script_step steps[] = {
		{ .reply = REFUSED("403", "RequestTimeTooSkewed", "m"),
		    .end = SCRIPT_CLOSE },
	};
	struct cloud_how how = { .id = "I1" };
	struct cloud_head head;
	struct fixture f;

	(void)state;
	BEGIN(&f, "cos", steps);
	assert_false(cloud_put(f.line, "k", letter, &how, &head, &f.e));
	says(
	    &f, "the store says that the clock is wrong (RequestTimeTooSkewed");
	end(&f);
}

static int
environment(void **state)
{
	(void)state;
	unsetenv("AWS_REGION");
	unsetenv("AWS_DEFAULT_REGION");
	unsetenv("COS_REGION");
	unsetenv("TENCENTCLOUD_TOKEN");
	unsetenv("AWS_SESSION_TOKEN");
	unsetenv("AWS_PROFILE");
	setenv("TENCENTCLOUD_SECRET_ID", "AKIDtest", 1);
	setenv("TENCENTCLOUD_SECRET_KEY", "hunter2", 1);
	setenv("AWS_ACCESS_KEY_ID", "AKIAtest", 1);
	setenv("AWS_SECRET_ACCESS_KEY", "hunter2", 1);
	return 0;
}

/* A machine whose role has a new key every time it is asked. */
static bool
role(void *arg, const struct role_request *r, int *status, struct text *body,
    struct err *e)
{
	unsigned *n = arg;

	(void)e;
	*status = 200;
	if (r->url[strlen(r->url) - 1] == '/') {
		text_put(body, "backup");
		return true;
	}
	text_putf(body,
	    "{\"TmpSecretId\":\"AKIDrole%u\",\"TmpSecretKey\":"
	    "\"hunter2\",\"Token\":\"T%u\",\"ExpiredTime\":%lld,"
	    "\"Code\":\"Success\"}",
	    *n, *n, (long long)time(NULL) + 7200);
	++*n;
	return true;
}

static void
fetches_another_token(void **state)
{
	static const struct script_step steps[] = {
		{ .reply = REFUSED("403", "ExpiredToken", "m"),
		    .end = SCRIPT_CLOSE },
		{ .reply = PUT_DONE },
		{ .reply = REFUSED("403", "ExpiredToken", "m"),
		    .end = SCRIPT_CLOSE },
		{ .reply = REFUSED("400", "ExpiredToken", "m"),
		    .end = SCRIPT_CLOSE },
		{ .reply = REFUSED("403", "ExpiredToken", "m"),
		    .end = SCRIPT_CLOSE },
	};
	unsigned fetched = 1;
	struct credentials_means means = { .fetch = role, .arg = &fetched };
	struct cloud_how how = { .id = "I1" };
	struct cloud_head head;
	struct fixture f;

	(void)state;
	unsetenv("TENCENTCLOUD_SECRET_ID");
	unsetenv("TENCENTCLOUD_SECRET_KEY");
	setenv("HOME", "/nonexistent", 1);
	BEGIN(&f, "cos", steps);
	credentials_free(f.who);
	f.who = credentials_new(CREDENTIALS_COS, &means, &f.e);
	f.cloud->credentials = f.who;
	if (!cloud_put(f.line, "k", letter, &how, &head, &f.e))
		fail_msg("%s", f.e.text);
	has(&f, 0, "q-ak=AKIDrole1&");
	has(&f, 0, "x-cos-security-token: T1\r\n");
	has(&f, 1, "q-ak=AKIDrole2&");
	has(&f, 1, "x-cos-security-token: T2\r\n");
	assert_false(cloud_put(f.line, "k", letter, &how, &head, &f.e));
	says(&f,
	    "the token has expired, and there is no newer one "
	    "(ExpiredToken");
	end(&f);
	environment(NULL);
}

/* A token of the environment cannot be renewed: told at once. */
static void
tells_an_expired_token(void **state)
{
	static const struct script_step steps[] = {
		{ .reply = REFUSED("403", "ExpiredToken", "m"),
		    .end = SCRIPT_CLOSE },
	};
	struct cloud_how how = { .id = "I1" };
	struct cloud_head head;
	struct fixture f;

	(void)state;
	setenv("TENCENTCLOUD_TOKEN", "T9", 1);
	BEGIN(&f, "cos", steps);
	assert_false(cloud_put(f.line, "k", letter, &how, &head, &f.e));
	says(&f,
	    "the token has expired, and there is no newer one "
	    "(ExpiredToken: \"m\", request REQ1)");
	end(&f);
	environment(NULL);
}

static void
learns_the_region(void **state)
{
	static const struct script_step steps[] = {
		{ .reply = "HTTP/1.1 400 X\r\nx-amz-request-id: R\r\n"
			   "connection: close\r\n\r\n<Error><Code>"
			   "AuthorizationHeaderMalformed</Code><Region>"
			   "eu-far-1</Region></Error>",
		    .end = SCRIPT_CLOSE },
		{ .reply = "HTTP/1.1 200 OK\r\netag: e\r\n" NO_BODY },
	};
	struct cloud_how how = { .id = "I1" };
	struct cloud_head head;
	struct fixture f;

	(void)state;
	BEGIN(&f, "s3", steps);
	assert_true(cloud_put(f.line, "k", letter, &how, &head, &f.e));
	has(&f, 0, "/us-east-1/s3/aws4_request");
	has(&f, 1, "/eu-far-1/s3/aws4_request");
	end(&f);
}

/* The answer is lost, and the next try says that the object is there: the id
 * tells whose it is. */
static void
settles_a_put(void **state)
{
	static const struct script_step ours[] = {
		{ .reply = "", .end = SCRIPT_CLOSE },
		{ .reply = REFUSED("409", "FileAlreadyExists", ""),
		    .end = SCRIPT_CLOSE },
		{ .reply = OK "x-cos-meta-rdbpipe-id: I1\r\netag: e\r\n" CRC
			      "content-length: 1\r\n\r\n" },
	};
	struct cloud_how how = { .id = "I1", .exclusive = true };
	struct cloud_head head;
	struct fixture f;

	(void)state;
	BEGIN(&f, "cos", ours);
	assert_true(cloud_put(f.line, "k", letter, &how, &head, &f.e));
	assert_string_equal(head.id, "I1");
	end(&f);
	how.id = "I2";
	BEGIN(&f, "cos", ours);
	assert_false(cloud_put(f.line, "k", letter, &how, &head, &f.e));
	says(&f, "the object exists already (FileAlreadyExists");
	end(&f);
}

/* --- multipart --- */

static void
begins_an_upload(void **state)
{
	static const struct script_step steps[] = {
		{ .reply = XML("",
		      "<InitiateMultipartUploadResult><UploadId>"
		      "</UploadId></InitiateMultipartUploadResult"
		      ">"),
		    .end = SCRIPT_CLOSE },
		{ .reply = XML("",
		      "<InitiateMultipartUploadResult><UploadId>"
		      "u/1</UploadId>"
		      "</InitiateMultipartUploadResult>"),
		    .end = SCRIPT_CLOSE },
		{ .reply = PUT_DONE },
	};
	struct cloud_how how = { .id = "I1", .exclusive = true };
	struct cloud_part part = { .number = 3 };
	struct cloud_upload up = { "k", NULL };
	struct fixture f;
	char *id;

	(void)state;
	BEGIN(&f, "cos", steps);
	assert_true(cloud_initiate(f.line, "k", &how, &id, &f.e));
	assert_string_equal(id, "u/1");
	has(&f, 1, "POST /k?uploads");
	has(&f, 1, "content-length: 0\r\n");
	up.upload_id = id;
	assert_true(cloud_put_part(f.line, &up, letter, &part, &f.e));
	has(&f, 2, "PUT /k?partNumber=3&uploadId=u%2F1 HTTP/1.1");
	assert_string_equal(part.etag, HELLO);
	assert_int_equal(part.size, 1);
	assert_true(part.crc64.known);
	free(id);
	end(&f);
}

static bool
complete(struct fixture *f, const char *id, struct cloud_head *head)
{
	struct cloud_upload up = { "k", "u1" };
	struct cloud_part part = { .number = 1,
		.size = 1,
		.etag = HELLO,
		.crc64 = { true, 3675645893302102789u } };
	struct cloud_how how = { .id = id };

	return cloud_complete(f->line, &up, &part, 1, &how, head, &f->e);
}

static void
completes(void **state)
{
	static const struct script_step steps[] = {
		{ .reply = XML("", "<Error><Code>InternalError</Code></Error>"),
		    .end = SCRIPT_CLOSE },
		{ .reply = OK CRC "connection: close\r\n\r\n   ",
		    .pause_ms = 300,
		    .more = "\n <?xml version='1.0'?>",
		    .end = SCRIPT_CLOSE },
		{ .reply = OK CRC "connection: close\r\n\r\n   " COMPLETED,
		    .end = SCRIPT_CLOSE },
	};
	struct cloud_head head;
	struct fixture f;

	(void)state;
	BEGIN(&f, "cos", steps);
	assert_true(complete(&f, "I1", &head));
	assert_string_equal(head.etag, "\"e-1\"");
	assert_int_equal(head.size, 1);
	has(&f, 0, "POST /k?uploadId=u1 HTTP/1.1");
	has(&f, 0, "content-type: application/xml");
	assert_int_equal(script_requests(f.script), 3);
	end(&f);
}

static void
settles_a_complete(void **state)
{
	static const struct script_step lost[] = {
		{ .reply = "", .end = SCRIPT_CLOSE },
		{ .reply = REFUSED("404", "NoSuchUpload", ""),
		    .end = SCRIPT_CLOSE },
		{ .reply = OK "x-cos-meta-rdbpipe-id: I1\r\netag: e\r\n" CRC
			      "content-length: 1\r\n\r\n" },
	};
	static const struct script_step wrong[] = {
		{ .reply = XML("x-cos-hash-crc64ecma: 9\r\n", COMPLETED),
		    .end = SCRIPT_CLOSE },
	};
	static const struct script_step untold[] = {
		{ .reply = XML("", COMPLETED), .end = SCRIPT_CLOSE },
		{ .reply = OK "etag: e\r\ncontent-length: 2\r\n\r\n" },
	};
	struct cloud_head head;
	struct fixture f;

	(void)state;
	BEGIN(&f, "cos", lost);
	assert_true(complete(&f, "I1", &head));
	end(&f);
	BEGIN(&f, "cos", lost);
	assert_false(complete(&f, "I2", &head));
	says(&f, "complete cos://b-1/k: the upload is gone (NoSuchUpload");
	end(&f);
	BEGIN(&f, "cos", wrong);
	assert_false(complete(&f, "I1", &head));
	assert_int_equal(f.e.kind, ERR_DATA);
	assert_string_equal(f.e.text,
	    "complete cos://b-1/k: the object has CRC-64 0000000000000009, "
	    "not 330284772e652b05");
	end(&f);
	BEGIN(&f, "cos", untold);
	assert_false(complete(&f, "I1", &head));
	assert_int_equal(f.e.kind, ERR_DATA);
	assert_string_equal(
	    f.e.text, "complete cos://b-1/k: the object has 2 bytes, not 1");
	end(&f);
}

static void
aborts_until_gone(void **state)
{
	static const struct script_step steps[] = {
		{ .reply = "HTTP/1.1 204 X\r\n" ID "\r\n" },
		{ .reply = XML("",
		      "<ListPartsResult><Part><PartNumber>1"
		      "</PartNumber></Part></ListPartsResult>"),
		    .end = SCRIPT_CLOSE },
		{ .reply = "HTTP/1.1 204 X\r\n" ID "\r\n" },
		{ .reply = REFUSED("404", "NoSuchUpload", ""),
		    .end = SCRIPT_CLOSE },
	};
	struct cloud_upload up = { "k", "u1" };
	struct fixture f;

	(void)state;
	BEGIN(&f, "cos", steps);
	assert_true(cloud_abort(f.line, &up, &f.e));
	assert_int_equal(script_requests(f.script), 4);
	has(&f, 2, "DELETE /k?uploadId=u1");
	end(&f);
}

/* --- get --- */

static bool
gather(void *arg, struct span piece, struct err *e)
{
	(void)e;
	strncat(arg, (const char *)piece.ptr, piece.len);
	return true;
}

static void
goes_on_at_the_byte_reached(void **state)
{
	static const struct script_step steps[] = {
		{ .reply = "HTTP/1.1 206 X\r\n" ID "etag: e\r\n" CRC
			   "content-range: bytes 2-6/9\r\n"
			   "content-length: 5\r\n\r\nab",
		    .end = SCRIPT_CLOSE },
		{ .reply = REFUSED("500", "InternalError", ""),
		    .end = SCRIPT_CLOSE },
		{ .reply = "HTTP/1.1 206 X\r\n" ID "etag: e\r\n"
			   "content-range: bytes 4-6/9\r\n"
			   "content-length: 3\r\n\r\ncde" },
	};
	struct cloud_head head;
	struct fixture f;
	char got[16] = "";

	(void)state;
	BEGIN(&f, "cos", steps);
	assert_true(cloud_get(f.line, "k", 2, 5, "", &head, gather, got, &f.e));
	assert_string_equal(got, "abcde");
	assert_int_equal(head.size, 9);
	has(&f, 0, "range: bytes=2-6\r\n");
	has(&f, 2, "range: bytes=4-6\r\n");
	has(&f, 2, "if-match: e\r\n");
	end(&f);
}

static void
refuses_other_bytes(void **state)
{
	static const struct {
		struct script_step step;
		const char *want;
	} rows[] = {
		{ { .reply = "HTTP/1.1 206 X\r\n" ID "etag: e\r\n"
			     "content-range: bytes 0-4/9\r\n"
			     "content-length: 5\r\n\r\nabcde" },
		    "other bytes than were asked for" },
		{ { .reply = OK "etag: e\r\ncontent-length: 9\r\n\r\n"
				"abcdefghi" },
		    "other bytes than were asked for" },
		{ { .reply = "HTTP/1.1 206 X\r\n" ID "etag: e\r\n"
			     "content-length: 5\r\n\r\nabcde" },
		    "does not tell which bytes" },
		{ { .reply = "HTTP/1.1 206 X\r\n" ID "etag: f\r\n"
			     "content-range: bytes 2-6/9\r\n"
			     "content-length: 5\r\n\r\nabcde" },
		    "has changed while it was read" },
		{ { .reply = "HTTP/1.1 412 X\r\n" ID NO_BODY },
		    "has changed while it was read" },
		{ { .reply = REFUSED("404", "NoSuchKey", "m"),
		      .end = SCRIPT_CLOSE },
		    "get cos://b-1/k: no such object (NoSuchKey" },
		{ { .reply = REFUSED("403", "InvalidObjectState", "m"),
		      .end = SCRIPT_CLOSE },
		    "archived and must be restored first" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct cloud_head head;
		struct fixture f;
		char got[16] = "";

		begin(&f, "cos", &rows[i].step, 1);
		assert_false(cloud_get(
		    f.line, "k", 2, 5, "e", &head, gather, got, &f.e));
		says(&f, rows[i].want);
		assert_string_equal(got, "");
		end(&f);
	}
}

static void
gets_an_empty_object(void **state)
{
	static const struct script_step steps[] = {
		{ .reply = REFUSED("416", "InvalidRange", ""),
		    .end = SCRIPT_CLOSE },
		{ .reply = OK "etag: e\r\ncontent-length: 0\r\n\r\n" },
		{ .reply = OK "etag: e\r\ncontent-length: 0\r\n\r\n" },
	};
	struct cloud_head head;
	struct fixture f;
	char got[16] = "";

	(void)state;
	BEGIN(&f, "cos", steps);
	assert_true(cloud_get(f.line, "k", 0, 5, "", &head, gather, got, &f.e));
	assert_int_equal(head.size, 0);
	assert_true(cloud_get(
	    f.line, "k", 0, UINT64_MAX, "", &head, gather, got, &f.e));
	assert_null(strstr(script_head(f.script, 2), "range:"));
	end(&f);
}

/* --- head and lists --- */

static void
looks(void **state)
{
	static const struct script_step steps[] = {
		{ .reply = "HTTP/1.1 404 X\r\n" ID NO_BODY },
		{ .reply = OK "etag: e\r\ncontent-length: 7\r\n"
			      "last-modified: Sun, 06 Nov 1994 08:49:37 GMT\r\n"
			      "x-cos-storage-class: DEEP_ARCHIVE\r\n"
			      "x-cos-meta-rdbpipe-id: I1\r\n" CRC "\r\n" },
		{ .reply = OK "content-length: 7\r\n"
			      "x-cos-storage-class: ARCHIVE\r\nx-cos-restore: "
			      "ongoing-request=\"false\", expiry-date=\"x\"\r\n"
			      "\r\n" },
		{ .reply = "HTTP/1.1 403 X\r\n" ID NO_BODY },
	};
	struct cloud_head head;
	struct fixture f;
	bool found;

	(void)state;
	BEGIN(&f, "cos", steps);
	assert_true(cloud_head(f.line, "k", &found, &head, &f.e));
	assert_false(found);
	assert_true(cloud_head(f.line, "k", &found, &head, &f.e));
	assert_true(found && head.crc64.known);
	assert_int_equal(head.size, 7);
	assert_int_equal(head.modified_ms, 784111777000);
	assert_string_equal(head.archived, "DEEP_ARCHIVE");
	assert_string_equal(head.id, "I1");
	assert_true(cloud_head(f.line, "k", &found, &head, &f.e));
	assert_string_equal(head.archived, "");
	assert_false(cloud_head(f.line, "k", &found, &head, &f.e));
	says(&f,
	    "look at cos://b-1/k: no permission, or the secret key is "
	    "wrong (status 403, request REQ1)");
	end(&f);
}

static bool
note(void *arg, const struct cloud_entry *entry, struct err *e)
{
	char row[64];

	(void)e;
	snprintf(row, sizeof row, "%s%s %d%s%s;", entry->is_prefix ? "D" : "",
	    entry->key, (int)entry->size, entry->upload_id ? " u" : "",
	    entry->upload_id ? entry->upload_id : "");
	strcat(arg, row);
	return true;
}

static void
lists(void **state)
{
	static const struct script_step steps[] = {
		{ .reply = XML("",
		      "<ListBucketResult><IsTruncated>true"
		      "</IsTruncated><NextMarker>a%2Bb</NextMarker>"
		      "<Contents><Key>a%20x</Key><Size>5</Size>"
		      "</Contents><Contents><Key>a%2Bb</Key>"
		      "<Owner><ID>o</ID></Owner><Size>6</Size>"
		      "</Contents><EncodingType>url</EncodingType>"
		      "</ListBucketResult>"),
		    .end = SCRIPT_CLOSE },
		{ .reply = OK "content-length: 40\r\n\r\n<ListBucketRes",
		    .end = SCRIPT_CLOSE },
		{ .reply = XML("",
		      "<ListBucketResult><Contents><Key>ab%20"
		      "</Key></Contents></ListBucketResult>"),
		    .end = SCRIPT_CLOSE },
		{ .reply = XML("",
		      "<ListBucketResult><IsTruncated>true</IsTruncated>"
		      "<NextMarker>a%20x/</NextMarker>"
		      "<Contents><Key>az</Key></Contents><CommonPrefixes>"
		      "<Prefix>a%20x/</Prefix></CommonPrefixes>"
		      "<EncodingType>url</EncodingType>"
		      "</ListBucketResult>"),
		    .end = SCRIPT_CLOSE },
		{ .reply = XML("",
		      "<ListBucketResult><CommonPrefixes><Prefix>"
		      "ac/</Prefix></CommonPrefixes>"
		      "</ListBucketResult>"),
		    .end = SCRIPT_CLOSE },
		{ .reply = XML("",
		      "<ListMultipartUploadsResult><Upload><Key>"
		      "k</Key><UploadId>1</UploadId></Upload>"
		      "</ListMultipartUploadsResult>"),
		    .end = SCRIPT_CLOSE },
		{ .reply = XML("", "<Other/>"), .end = SCRIPT_CLOSE },
	};
	struct fixture f;
	char got[256] = "";

	(void)state;
	BEGIN(&f, "cos", steps);
	assert_true(cloud_list(f.line, "a", false, note, got, &f.e));
	assert_string_equal(got, "a x 5;a+b 6;ab%20 0;");
	has(&f, 0, "GET /?prefix=a&max-keys=1000&encoding-type=url HTTP/1.1");
	has(&f, 2, "&marker=a%2Bb HTTP/1.1");
	got[0] = '\0';
	assert_true(cloud_list(f.line, "a", true, note, got, &f.e));
	assert_string_equal(got, "Da x/ 0;Dac/ 0;"); /* no objects */
	has(&f, 3,
	    "GET /?prefix=a&max-keys=1000&encoding-type=url&delimiter="
	    "%2F HTTP/1.1");
	has(&f, 4, "&marker=a%20x%2F");
	got[0] = '\0';
	assert_true(cloud_list_uploads(f.line, "", note, got, &f.e));
	assert_string_equal(got, "k 0 u1;");
	has(&f, 5, "GET /?uploads");
	assert_false(cloud_list(f.line, "", false, note, got, &f.e));
	end(&f);
}

static void
does_not_list_for_ever(void **state)
{
	static const struct script_step steps[] = {
		{ .reply = XML("",
		      "<ListBucketResult><IsTruncated>true"
		      "</IsTruncated><NextContinuationToken>t"
		      "</NextContinuationToken>"
		      "</ListBucketResult>"),
		    .end = SCRIPT_CLOSE },
		{ .reply = XML("",
		      "<ListBucketResult><IsTruncated>true"
		      "</IsTruncated><NextContinuationToken>t"
		      "</NextContinuationToken>"
		      "</ListBucketResult>"),
		    .end = SCRIPT_CLOSE },
	};
	struct fixture f;
	char got[256] = "";

	(void)state;
	BEGIN(&f, "s3", steps);
	assert_false(cloud_list(f.line, "", false, note, got, &f.e));
	says(&f, "the list does not go on");
	has(&f, 1, "continuation-token=t");
	end(&f);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(puts_with_all_there_is),
		cmocka_unit_test(tries_again),
		cmocka_unit_test(waits_as_asked),
		cmocka_unit_test(tells_nobody_from_gone),
		cmocka_unit_test(tells_of_a_key_that_ends),
		cmocka_unit_test(nvme_in_base64),
		cmocka_unit_test(wants_nvme),
		cmocka_unit_test(gives_up_in_words),
		cmocka_unit_test(sets_the_clock),
		cmocka_unit_test(tells_the_clock),
		cmocka_unit_test(fetches_another_token),
		cmocka_unit_test(tells_an_expired_token),
		cmocka_unit_test(learns_the_region),
		cmocka_unit_test(settles_a_put),
		cmocka_unit_test(begins_an_upload),
		cmocka_unit_test(completes),
		cmocka_unit_test(settles_a_complete),
		cmocka_unit_test(aborts_until_gone),
		cmocka_unit_test(goes_on_at_the_byte_reached),
		cmocka_unit_test(refuses_other_bytes),
		cmocka_unit_test(gets_an_empty_object),
		cmocka_unit_test(looks),
		cmocka_unit_test(lists),
		cmocka_unit_test(does_not_list_for_ever),
	};

	return cmocka_run_group_tests(tests, environment, NULL);
}
