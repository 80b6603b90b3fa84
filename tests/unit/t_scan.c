/*
 * t_scan.c -- a capture key by key from a scripted server: cut at every byte,
 * and closed at every byte.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "rdb/crc64.h"
#include "stages/kit/whole_rdb.h"
#include "stages/redis/scan.h"
#include "tests/harness/peer.h"

/* What a server says, put together as it goes. */
struct script {
	char text[4096];
	size_t len;
};

static void
say(struct script *s, const char *text)
{
	size_t n = strlen(text);

	memcpy(s->text + s->len, text, n);
	s->len += n;
}

/* A bulk string: value, RDB version 11 and CRC64. */
static void
say_dump(struct script *s, const char *value, size_t n)
{
	char head[16];
	uint8_t all[300];
	uint64_t crc;

	memcpy(all, value, n);
	all[n] = 11;
	all[n + 1] = 0;
	crc = crc64_rdb(0, all, n + 2);
	for (unsigned i = 0; i < 8; i++)
		all[n + 2 + i] = (uint8_t)(crc >> 8 * i);
	snprintf(head, sizeof head, "$%zu\r\n", n + 10);
	say(s, head);
	memcpy(s->text + s->len, all, n + 10);
	s->len += n + 10;
	say(s, "\r\n");
}

#define STRING  "\x00\x05hello"
#define LIBRARY "\xf5\x0c#!lua name=l"

/* The node is opened: CLIENT, READONLY, INFO, PEXPIRETIME. */
static void
say_opened(struct script *s)
{
	say(s,
	    "-ERR unknown subcommand\r\n-ERR This instance has cluster "
	    "support disabled\r\n");
	say(s, "$38\r\nredis_version:7.2.4\r\ndb0:keys=3\r\ndb2:k\r\n:-2\r\n");
}

static void
say_key(struct script *s, const char *expiry, const char *value, size_t n)
{
	say(s, "+OK\r\n+QUEUED\r\n+QUEUED\r\n*2\r\n");
	say(s, expiry);
	if (value == NULL)
		say(s, "$-1\r\n");
	else
		say_dump(s, value, n);
}

/* Three keys, one of them found again, one gone; a library. */
static void
make_script(struct script *s)
{
	s->len = 0;
	say(s, "+PONG\r\n");
	say_opened(s);
	say_dump(s, LIBRARY, sizeof LIBRARY - 1);
	say_opened(s);
	say_dump(s, LIBRARY, sizeof LIBRARY - 1);
	say(s, "*2\r\n$1\r\n5\r\n*2\r\n$1\r\na\r\n$0\r\n\r\n");
	say_key(s, ":-1\r\n", STRING, sizeof STRING - 1);
	say_key(s, ":1700000000123\r\n", STRING, sizeof STRING - 1);
	say(s, "*2\r\n$1\r\n0\r\n*2\r\n$1\r\na\r\n$4\r\ngone\r\n");
	say_key(s, ":-2\r\n", NULL, 0);
}

static const char rdb_head[] = "REDIS0011\xfa\x09redis-ver\x05"
			       "7.2.4\xfa\x05"
			       "ctime\x0a";
static const char rdb_rest[] =
    "\xfa\x0brdbpipe-via\x04scan" LIBRARY "\xfe\x00\x00\x01"
    "a\x05hello\xfc\x7b\x68\xe5\xcf\x8b\x01\x00\x00\x00\x00\x05hello\xff";

struct result {
	bool ok;
	struct err e;
	uint8_t got[512];
	size_t len;
	uint64_t keys, vanished, duplicates;
	struct peer peer;
};

static bool
drain(struct scan *s, struct result *r)
{
	struct span chunk;

	do {
		if (!scan_next(s, &chunk, &r->e))
			return false;
		assert_true(r->len + chunk.len <= sizeof r->got);
		if (chunk.len > 0)
			memcpy(r->got + r->len, chunk.ptr, chunk.len);
		r->len += chunk.len;
	} while (chunk.len > 0);
	return true;
}

static struct result
capture(const struct packet *packets, size_t n)
{
	static const struct scan_options how = { .count = SCAN_COUNT,
		.memory = SEEN_MEMORY_MIN };
	struct server_options options = { .timeout_ms = 2000 };
	struct server server;
	struct scan scan;
	struct result r = { 0 };
	char url[] = "redis://h";

	memset(&scan, 0, sizeof scan);
	assert_true(server_init(&server, url, &options, SCAN_RULES, &r.e));
	r.ok = server_adopt(
		   &server, peer_start(&r.peer, packets, n, true), &r.e) &&
	    scan_begin(&scan, &server, &how, &r.e) && drain(&scan, &r);
	r.keys = scan.keys;
	r.vanished = scan.vanished;
	r.duplicates = scan.duplicates;
	scan_release(&scan);
	server_release(&server);
	peer_end(&r.peer);
	return r;
}

static void
whole(const struct result *r, size_t cut)
{
	size_t head = sizeof rdb_head - 1, rest = sizeof rdb_rest - 1;
	struct whole_rdb w;
	struct err e = { 0 };

	if (!r->ok)
		fail_msg("cut %zu: %s", cut, r->e.text);
	assert_int_equal(r->len, head + 10 + rest + 8);
	assert_memory_equal(r->got, rdb_head, head);
	assert_memory_equal(r->got + head + 10, rdb_rest, rest);
	whole_rdb_init(&w);
	assert_true(whole_rdb_feed(&w,
	    (struct span){ (uint8_t *)(uintptr_t)r->got, r->len }, NULL, NULL,
	    NULL, &e));
	assert_true(whole_rdb_end(&w, &e));
	assert_true(whole_rdb_checked(&w));
	assert_int_equal(r->keys, 2);
	assert_int_equal(r->vanished, 1);
	assert_int_equal(r->duplicates, 1);
}

static void
cut_anywhere(void **state)
{
	struct script s;

	(void)state;
	make_script(&s);
	for (size_t cut = 1; cut < s.len; cut++) {
		struct packet p[] = { { s.text, cut },
			{ s.text + cut, s.len - cut } };
		struct result r = capture(p, 2);

		whole(&r, cut);
	}
}

static void
byte_by_byte(void **state)
{
	static struct packet p[4096];
	struct script s;
	struct result r;

	(void)state;
	make_script(&s);
	for (size_t i = 0; i < s.len; i++)
		p[i] = (struct packet){ s.text + i, 1 };
	r = capture(p, s.len);
	whole(&r, 1);
}

/* A server that leaves at any byte: never a whole RDB. */
static void
closed_anywhere(void **state)
{
	struct script s;

	(void)state;
	make_script(&s);
	for (size_t cut = 0; cut < s.len; cut++) {
		struct packet p[] = { { s.text, cut } };
		struct result r = capture(p, 1);

		if (r.ok)
			fail_msg("closed at %zu: taken for whole", cut);
		assert_int_equal(r.e.kind, ERR_REMOTE);
		assert_non_null(strstr(r.e.text, "h:6379: closed the conn"));
		assert_true(r.len == 0 || r.got[r.len - 9] != 0xff);
	}
}

/* Each byte of what it says, changed: an error, or what was meant. */
static void
changed_anywhere(void **state)
{
	struct script s;
	unsigned refused = 0;

	(void)state;
	make_script(&s);
	for (size_t i = 0; i < s.len; i++) {
		for (unsigned bit = 0; bit < 8; bit += 3) {
			struct packet p[] = { { s.text, s.len } };
			struct result r;

			s.text[i] = (char)(s.text[i] ^ 1 << bit);
			r = capture(p, 1);
			refused += !r.ok;
			assert_int_not_equal(r.e.kind, ERR_BUG);
			s.text[i] = (char)(s.text[i] ^ 1 << bit);
		}
	}
	assert_true(refused > s.len);
}

/* What we say: nothing about a key that was seen, all of a key at once. */
static void
asks(void **state)
{
	static const char want[] =
	    "*4\r\n$4\r\nSCAN\r\n$1\r\n5\r\n$5\r\nCOUNT\r\n$3\r\n500\r\n"
	    "*1\r\n$5\r\nMULTI\r\n*2\r\n$11\r\nPEXPIRETIME\r\n$4\r\ngone\r\n"
	    "*2\r\n$4\r\nDUMP\r\n$4\r\ngone\r\n*1\r\n$4\r\nEXEC\r\n";
	struct script s;
	struct result r;

	(void)state;
	make_script(&s);
	r = capture(&(struct packet){ s.text, s.len }, 1);
	whole(&r, 0);
	assert_non_null(strstr(r.peer.got, want));
	assert_string_equal(strstr(r.peer.got, want), want);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(cut_anywhere),
		cmocka_unit_test(byte_by_byte),
		cmocka_unit_test(closed_anywhere),
		cmocka_unit_test(changed_anywhere),
		cmocka_unit_test(asks),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
