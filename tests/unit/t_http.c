/*
 * t_http.c -- one request at a time, against a server that misbehaves.
 *
 * Goal of this test: a whole reply is told from a lost one, whatever the
 * server does between its bytes; nothing waits for ever; a connection that
 * was kept and had died is recognised as such; redirects stay unfollowed.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "stages/store/http.h"
#include "tests/harness/script.h"

#define OK_HEAD "HTTP/1.1 200 OK\r\ncontent-length: 5\r\n"
#define OK      OK_HEAD "ETag: \"e\"\r\n\r\nhello"

static const struct http_options quick = {
	.connect_ms = 2000, .stall_ms = 500, .answer_ms = 500, .direct = true
};

struct asked {
	struct http_reply reply;
	struct err e;
	enum http_got got;
};

static void
ask(struct http *h, struct script *s, struct http_request r, struct asked *a)
{
	char url[128];

	snprintf(
	    url, sizeof url, "http://127.0.0.1:%d/k?secret=x", script_port(s));
	memset(a, 0, sizeof *a);
	r.url = url;
	if (r.method == NULL)
		r.method = "GET";
	a->got = http_do(h, &r, &a->reply, &a->e);
	if (a->got != HTTP_REPLY) {
		assert_true(a->e.kind != ERR_NONE);
		assert_null(strstr(a->e.text, "secret"));
	}
}

static struct http *
client(void)
{
	struct err e;
	struct http *h;

	assert_true(http_begin(&e));
	h = http_new(&quick, &e);
	assert_non_null(h);
	return h;
}

/* One request against one step. */
static void
once(const struct script_step *step, struct http_request r, struct asked *a)
{
	struct script *s = script_start(step, 1);
	struct http *h = client();

	ask(h, s, r, a);
	if (a->got == HTTP_REPLY)
		a->reply.body.ptr = NULL;
	http_free(h);
	script_stop(s);
}

static void
keeps_the_connection(void **state)
{
	static const struct script_step steps[] = {
		{ .reply = "HTTP/1.1 100 Continue\r\nx-early: 1\r\n\r\n" OK },
		{ .reply = "HTTP/1.1 404 Not Found\r\nX-Twice: a\r\n"
			   "x-twice:  b \r\ncontent-length: 2\r\n\r\nno" },
		{ .reply = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n"
			   "date: Sun, 06 Nov 1994 08:49:37 GMT\r\n\r\n"
			   "2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n" },
	};
	const char *lines[] = { "x-one: 1", "x-none:", "content-type: a/b" };
	struct script *s = script_start(steps, 3);
	struct http *h = client();
	struct asked a;

	(void)state;
	ask(h, s, (struct http_request){ .headers = lines, .n_headers = 3 },
	    &a);
	assert_int_equal(a.got, HTTP_REPLY);
	assert_int_equal(a.reply.status, 200);
	assert_int_equal(a.reply.body.len, 5);
	assert_memory_equal(a.reply.body.ptr, "hello", 5);
	assert_string_equal(http_header(h, "etag"), "\"e\"");
	assert_null(http_header(h, "x-early"));
	assert_string_equal(a.reply.address, "127.0.0.1");
	assert_false(a.reply.dated);
	assert_non_null(strstr(script_head(s, 0), "GET /k?secret=x HTTP/1.1"));
	assert_non_null(strstr(script_head(s, 0), "\r\nx-one: 1\r\n"));
	assert_non_null(strstr(script_head(s, 0), "\r\nx-none:\r\n"));
	assert_null(strcasestr(script_head(s, 0), "accept"));

	ask(h, s,
	    (struct http_request){
		.method = "PUT", .body = { (const uint8_t *)"abc", 3 } },
	    &a);
	assert_int_equal(a.got, HTTP_REPLY);
	assert_int_equal(a.reply.status, 404);
	assert_string_equal(http_header(h, "x-twice"), "b");
	assert_non_null(strstr(script_head(s, 1), "Content-Length: 3"));
	assert_null(strcasestr(script_head(s, 1), "expect"));
	assert_null(strcasestr(script_head(s, 1), "content-type"));
	assert_int_equal(script_body_len(s, 1), 3);

	ask(h, s, (struct http_request){ .method = "POST" }, &a);
	assert_int_equal(a.got, HTTP_REPLY);
	assert_int_equal(a.reply.body.len, 5);
	assert_true(a.reply.dated);
	assert_true(a.reply.clock_skew_ms < -1000000000);
	assert_non_null(strstr(script_head(s, 2), "Content-Length: 0"));
	assert_int_equal(script_connections(s), 1);
	http_free(h);
	script_stop(s);
}

static void
tells_lost_replies(void **state)
{
	static const struct {
		struct script_step step;
		const char *want;
	} rows[] = {
		{ { .reply = "", .end = SCRIPT_CLOSE },
		    "closed the connection without an answer" },
		{ { .reply = "", .end = SCRIPT_RESET },
		    "the connection broke" },
		{ { .reply = OK_HEAD "\r\nhel", .end = SCRIPT_CLOSE },
		    "the reply was cut short" },
		{ { .reply = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked"
			     "\r\n\r\n5\r\nhe",
		      .end = SCRIPT_CLOSE },
		    "the reply was cut short" },
		{ { .reply = OK_HEAD "\r\nhel", .end = SCRIPT_RESET },
		    "the connection broke within the reply" },
		{ { .reply = "0\r\n\r\n", .end = SCRIPT_CLOSE },
		    "the reply is no HTTP/1.1" },
		{ { .reply = "SSH-2.0-OpenSSH\r\n", .end = SCRIPT_CLOSE },
		    "the reply is no HTTP/1.1" },
		{ { .reply = OK_HEAD "\r\nhel", .end = SCRIPT_HOLD },
		    "the connection stalled" },
		{ { .reply = "", .end = SCRIPT_HOLD }, "no answer within 1 s" },
		{ { .reply = OK_HEAD, .end = SCRIPT_CLOSE }, "" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct asked a;

		once(&rows[i].step, (struct http_request){ .method = "GET" },
		    &a);
		assert_int_equal(a.got, HTTP_LOST);
		assert_int_equal(a.e.kind, ERR_REMOTE);
		assert_false(a.reply.stale);
		assert_true(strncmp(a.e.text, "127.0.0.1:", 10) == 0);
		if (strstr(a.e.text, rows[i].want) == NULL)
			fail_msg("row %zu: %s", i, a.e.text);
	}
}

static void
knows_a_dead_connection(void **state)
{
	static const struct script_step steps[] = {
		{ .reply = OK },
		/* Heard, but not answered: libcurl cannot tell it from dead. */
		{ .reply = "", .end = SCRIPT_CLOSE },
		{ .reply = OK "0\r\n\r\n" }, /* bytes nobody asked for */
		{ .reply = OK },
	};
	struct script *s = script_start(steps, 4);
	struct http *h = client();
	struct asked a;

	(void)state;
	ask(h, s, (struct http_request){ .method = "GET" }, &a);
	assert_int_equal(a.got, HTTP_REPLY);
	ask(h, s,
	    (struct http_request){
		.method = "PUT", .body = { (const uint8_t *)"abc", 3 } },
	    &a);
	assert_int_equal(a.got, HTTP_REPLY);
	assert_int_equal(script_requests(s), 3);
	assert_int_equal(script_body_len(s, 2), 3); /* sent again, whole */
	ask(h, s, (struct http_request){ .method = "GET" }, &a);
	if (a.got == HTTP_LOST) { /* the stray bytes were taken for a reply */
		ask(h, s, (struct http_request){ .method = "GET" }, &a);
	}
	assert_int_equal(a.got, HTTP_REPLY);
	assert_int_equal(a.reply.body.len, 5);
	http_free(h);
	script_stop(s);
}

static void
does_not_follow(void **state)
{
	static const struct script_step step = {
		.reply = "HTTP/1.1 307 Temporary Redirect\r\nlocation: "
			 "http://127.0.0.1:1/\r\ncontent-length: 0\r\n\r\n"
	};
	struct asked a;

	(void)state;
	once(&step, (struct http_request){ .method = "GET" }, &a);
	assert_int_equal(a.got, HTTP_REPLY);
	assert_int_equal(a.reply.status, 307);
}

static void
bounds_the_reply(void **state)
{
	static const struct script_step step = { .reply = OK };
	struct asked a;

	(void)state;
	once(&step, (struct http_request){ .method = "GET", .reply_max = 4 },
	    &a);
	assert_int_equal(a.got, HTTP_LOST);
	assert_non_null(strstr(a.e.text, "longer than any we expect"));
}

static bool
take_some(void *arg, struct span piece, struct err *e)
{
	size_t *left = arg;

	if (piece.len > *left)
		return err_set(e, ERR_DATA, "that is enough");
	*left -= piece.len;
	return true;
}

static void
hands_over_pieces(void **state)
{
	static const struct script_step step = { .reply = OK };
	static const struct script_step no = {
		.reply = "HTTP/1.1 403 No\r\ncontent-length: 5\r\n\r\nhello"
	};
	size_t left = 5;
	struct http_request r = {
		.method = "GET", .take = take_some, .arg = &left
	};
	struct asked a;

	(void)state;
	once(&step, r, &a);
	assert_int_equal(a.got, HTTP_REPLY);
	assert_int_equal(left, 0);
	assert_int_equal(a.reply.body.len, 0);
	once(&no, r, &a); /* not for the taker */
	assert_int_equal(a.got, HTTP_REPLY);
	assert_int_equal(a.reply.body.len, 5);
	once(&step, r, &a);
	assert_int_equal(a.got, HTTP_FAILED);
	assert_int_equal(a.e.kind, ERR_DATA);
	assert_string_equal(a.e.text, "that is enough");
}

static void
heeds_deadline_and_cancel(void **state)
{
	static const struct script_step hold = { .reply = "",
		.end = SCRIPT_HOLD };
	atomic_bool cancel = true;
	struct asked a;

	(void)state;
	once(&hold, (struct http_request){ .deadline_ms = 100 }, &a);
	assert_int_equal(a.got, HTTP_LOST);
	assert_non_null(strstr(a.e.text, "not done in time"));
	once(&hold, (struct http_request){ .cancel = &cancel }, &a);
	assert_int_equal(a.got, HTTP_FAILED);
	assert_string_equal(a.e.text, "called off");
}

/* Blanks that come slowly are a sign of life, if we were told so. */
static void
waits_for_a_trickle(void **state)
{
	static const struct script_step step = {
		.reply = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n ",
		.pause_ms = 400,
		.more = " "
	};
	struct http_options patient = quick;
	struct script *s;
	struct http *h;
	struct asked a;
	struct err e;

	(void)state;
	patient.stall_ms = 1;
	s = script_start(&step, 1);
	h = http_new(&patient, &e);
	ask(h, s, (struct http_request){ .trickle = true }, &a);
	assert_int_equal(a.got, HTTP_REPLY);
	http_free(h);
	script_stop(s);
}

static void
says_who_cannot_be_reached(void **state)
{
	struct script *s = script_start(NULL, 0);
	struct http_options bad = { .ca = "/nonexistent/ca.pem" };
	struct http *h = client();
	struct http_reply reply;
	struct http_request r = { .method = "GET" };
	char url[64];
	struct err e;

	(void)state;
	snprintf(url, sizeof url, "https://127.0.0.1:%d/", script_port(s));
	script_stop(s);
	r.url = url;
	assert_int_equal(http_do(h, &r, &reply, &e), HTTP_LOST);
	assert_non_null(strstr(e.text, ": cannot connect"));
	assert_false(reply.sent || reply.answered);
	assert_true(reply.unreached);
	r.url = "http://nobody.invalid/";
	assert_int_equal(http_do(h, &r, &reply, &e), HTTP_LOST);
	assert_non_null(strstr(e.text, ": the name is not known"));
	assert_true(reply.unreached);
	http_free(h);
	(void)bad;
}

/* What is signed is what is sent: a path is not tidied. */
static void
leaves_the_path_alone(void **state)
{
	static const struct script_step step = { .reply = OK };
	struct script *s = script_start(&step, 1);
	struct http *h = client();
	struct http_request r = { .method = "GET" };
	struct http_reply reply;
	struct err e;
	char url[128];

	(void)state;
	snprintf(url, sizeof url, "http://127.0.0.1:%d/a/../b/./c//d",
	    script_port(s));
	r.url = url;
	assert_int_equal(http_do(h, &r, &reply, &e), HTTP_REPLY);
	assert_non_null(strstr(script_head(s, 0), "GET /a/../b/./c//d HTTP"));
	http_free(h);
	script_stop(s);
}

/* The answer may take longer than a stall: that is for bytes that flow. */
static void
takes_a_late_answer(void **state)
{
	const struct http_options options = { .connect_ms = 2000,
		.stall_ms = 300,
		.answer_ms = 5000,
		.direct = true };
	static const struct script_step late = { .reply = OK,
		.pause_ms = 1200 };
	const struct http_request requests[] = {
		{ .method = "GET" },
		{ .method = "POST" },
		{ .method = "PUT", .body = { (const uint8_t *)"abc", 3 } },
	};

	(void)state;
	for (size_t i = 0; i < sizeof requests / sizeof *requests; i++) {
		struct script *s = script_start(&late, 1);
		struct asked a;
		struct http *h = http_new(&options, &a.e);

		assert_non_null(h);
		ask(h, s, requests[i], &a);
		assert_int_equal(a.got, HTTP_REPLY);
		assert_int_equal(a.reply.status, 200);
		http_free(h);
		script_stop(s);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(keeps_the_connection),
		cmocka_unit_test(tells_lost_replies),
		cmocka_unit_test(knows_a_dead_connection),
		cmocka_unit_test(does_not_follow),
		cmocka_unit_test(bounds_the_reply),
		cmocka_unit_test(hands_over_pieces),
		cmocka_unit_test(heeds_deadline_and_cancel),
		cmocka_unit_test(waits_for_a_trickle),
		cmocka_unit_test(leaves_the_path_alone),
		cmocka_unit_test(takes_a_late_answer),
		cmocka_unit_test(says_who_cannot_be_reached),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
