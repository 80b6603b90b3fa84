/*
 * t_sync.c -- the replica's side against a scripted server: both framings cut
 * at every byte, ends that do not agree, refusals and odd lines.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "stages/redis/sync.h"
#include "tests/harness/peer.h"

#define REPLID "0123456789abcdef0123456789abcdef01234567"
#define MARK   "fedcba9876543210fedcba9876543210fedcba98"
#define HELLO  "+PONG\r\n+OK\r\n+OK\r\n+OK\r\n+OK\r\n"
#define FULL   "+FULLRESYNC " REPLID " 77\r\n"

static const char body[] = "REDIS0011\xfa\x03"
			   "abc\xc0\x07\xfe\x00\xfb\x01\x00\x00\x01k\x05"
			   "value\xff";
static uint8_t rdb[sizeof body - 1 + 8];

/* The sample, with the CRC that the walker says it has. */
static int
make_rdb(void **state)
{
	struct rdb_walk w;
	struct rdb_run run;

	(void)state;
	memcpy(rdb, body, sizeof body - 1);
	rdb_walk_init(&w);
	rdb_walk_feed(&w, rdb, sizeof rdb);
	while (rdb_walk_next(&w, &run) == RDB_RUN)
		;
	for (unsigned i = 0; i < 8; i++)
		rdb[sizeof body - 1 + i] = (uint8_t)(w.crc >> (8 * i));
	return 0;
}

/* What a capture of the script gave. */
struct result {
	bool ok;
	struct err e;
	uint8_t got[256];
	size_t len;
	struct sync sync;
	struct peer peer;
	unsigned patience;
};

static unsigned patience_calls;

static void
patience(const char *why)
{
	assert_non_null(why);
	patience_calls++;
}

static bool
drain(struct result *r)
{
	struct span chunk;

	do {
		if (!sync_next(&r->sync, &chunk, &r->e))
			return false;
		assert_true(r->len + chunk.len <= sizeof r->got);
		if (chunk.len > 0)
			memcpy(r->got + r->len, chunk.ptr, chunk.len);
		r->len += chunk.len;
	} while (chunk.len > 0);
	return true;
}

static struct result
capture(
    const struct packet *packets, size_t n, bool closes, const char *url_text)
{
	static const struct sync_options how = { .version = SYNC_VERSION,
		.patience = patience };
	struct server_options options = { .timeout_ms = 300 };
	struct server server;
	struct result r = { 0 };
	char url[64];

	patience_calls = 0;
	strcpy(url, url_text);
	if (!server_init(&server, url, &options, SYNC_RULES, &r.e))
		fail_msg("%s", r.e.text);
	r.ok = server_adopt(
		   &server, peer_start(&r.peer, packets, n, closes), &r.e) &&
	    sync_begin(&r.sync, &server, &how, &r.e) && drain(&r);
	server_release(&server);
	peer_end(&r.peer);
	r.patience = patience_calls;
	return r;
}

/* Header, RDB and what follows, as one piece of bytes. */
static size_t
make_stream(char *to, const char *header, size_t rdb_len, const char *behind)
{
	size_t n = strlen(header);

	memcpy(to, header, n);
	memcpy(to + n, rdb, rdb_len);
	n += rdb_len;
	memcpy(to + n, behind, strlen(behind));
	return n + strlen(behind);
}

static size_t
make_framed(char *to, bool marked)
{
	char header[64];

	snprintf(header, sizeof header, "$%zu\r\n", sizeof rdb);
	return make_stream(to, marked ? "$EOF:" MARK "\r\n" : header,
	    sizeof rdb, marked ? MARK : "");
}

static void
whole(const struct result *r, size_t cut)
{
	if (!r->ok)
		fail_msg("cut %zu: %s", cut, r->e.text);
	assert_int_equal(r->len, sizeof rdb);
	assert_memory_equal(r->got, rdb, sizeof rdb);
	assert_string_equal(r->sync.replid, REPLID);
	assert_int_equal(r->sync.offset, 77);
}

static void
cut_anywhere(bool marked)
{
	char stream[300] = FULL;
	size_t n = strlen(FULL);

	n += make_framed(stream + n, marked);
	for (size_t cut = 1; cut < n; cut++) {
		struct packet p[] = { { HELLO, strlen(HELLO) }, { stream, cut },
			{ stream + cut, n - cut } };
		struct result r = capture(p, 3, true, "redis://h");

		whole(&r, cut);
		assert_int_equal(
		    r.sync.framing, marked ? SYNC_MARK : SYNC_LENGTH);
		assert_true(r.sync.rdb_only);
	}
}

static void
mark_cut_anywhere(void **state)
{
	(void)state;
	cut_anywhere(true);
}

static void
length_cut_anywhere(void **state)
{
	(void)state;
	cut_anywhere(false);
}

/* One byte a read, newlines before the answers and behind the mark. */
static void
byte_by_byte(void **state)
{
	char stream[400] = HELLO "\n\n" FULL "\n\n";
	size_t n = strlen(stream);
	struct packet p[400];
	struct result r;

	(void)state;
	n += make_framed(stream + n, true);
	memcpy(stream + n, "\n\n", 2);
	n += 2;
	for (size_t i = 0; i < n; i++)
		p[i] = (struct packet){ stream + i, 1 };
	r = capture(p, n, true, "redis://h");
	whole(&r, 1);
}

/* A server that leaves at any byte: never the whole RDB, always exit 4. */
static void
closed_anywhere(void **state)
{
	(void)state;
	for (int marked = 0; marked < 2; marked++) {
		char stream[300] = FULL;
		size_t n = strlen(FULL);

		n += make_framed(stream + n, marked);
		for (size_t cut = 0; cut < n; cut++) {
			struct packet p[] = { { HELLO, strlen(HELLO) },
				{ stream, cut } };
			struct result r = capture(p, 2, true, "redis://h");

			assert_false(r.ok);
			assert_int_equal(r.e.kind, ERR_REMOTE);
			assert_true(r.len < sizeof rdb);
			assert_non_null(
			    strstr(r.e.text, "closed the connection"));
		}
	}
}

/* What we say, in full: above all no listening port. */
static void
polite(void **state)
{
	static const char said[] =
	    "*1\r\n$4\r\nPING\r\n"
	    "*3\r\n$8\r\nREPLCONF\r\n$7\r\nversion\r\n$5\r\n9.1.0\r\n"
	    "*3\r\n$8\r\nREPLCONF\r\n$4\r\ncapa\r\n$3\r\neof\r\n"
	    "*3\r\n$8\r\nREPLCONF\r\n$4\r\ncapa\r\n$6\r\npsync2\r\n"
	    "*3\r\n$8\r\nREPLCONF\r\n$8\r\nrdb-only\r\n$1\r\n1\r\n"
	    "*3\r\n$5\r\nPSYNC\r\n$1\r\n?\r\n$2\r\n-1\r\n";
	char stream[300] = FULL;
	size_t n = strlen(FULL);
	struct packet p[2] = { { HELLO, strlen(HELLO) }, { stream, 0 } };
	struct result r;

	(void)state;
	p[1].len = n + make_framed(stream + n, true);
	r = capture(p, 2, true, "redis://h");
	whole(&r, 0);
	assert_string_equal(r.peer.got, said);
}

static void
logs_in(void **state)
{
	char stream[300] = FULL;
	size_t n = strlen(FULL);
	struct packet p[] = { { "+OK\r\n" HELLO, strlen(HELLO) + 5 },
		{ stream, 0 } };
	struct result r;

	(void)state;
	p[1].len = n + make_framed(stream + n, false);
	r = capture(p, 2, true, "redis://bob:pw@h");
	whole(&r, 0);
	assert_memory_equal(
	    r.peer.got, "*3\r\n$4\r\nAUTH\r\n$3\r\nbob\r\n$2\r\npw\r\n", 31);
	r = capture(p, 2, true, "redis://:pw@h");
	whole(&r, 0);
	assert_memory_equal(r.peer.got, "*2\r\n$4\r\nAUTH\r\n$2\r\npw\r\n", 22);
}

/* Servers before 6.2 and forks: unknown options do not matter. */
static void
old_servers(void **state)
{
	char stream[400] = "+PONG\r\n-ERR Unrecognized REPLCONF option\r\n"
			   "+OK\r\n+OK\r\n-ERR Unrecognized\r\n" FULL;
	size_t n = strlen(stream);
	struct packet p[] = { { stream, 0 } };
	struct result r;

	(void)state;
	n += make_framed(stream + n, false);
	memcpy(stream + n, "*1\r\n$4\r\nPING\r\n", 14); /* its commands */
	p[0].len = n + 14;
	r = capture(p, 1, false, "redis://h");
	whole(&r, 0);
	assert_false(r.sync.rdb_only);
}

static void
busy_servers(void **state)
{
	char stream[600] =
	    HELLO "-LOADING Redis is loading the dataset in memory\r\n"
		  "-NOMASTERLINK Can't SYNC while not connected\r\n"
		  "-BUSY Redis is busy running a script\r\n" FULL;
	size_t n = strlen(stream);
	struct packet p[] = { { stream, 0 } };
	struct result r;

	(void)state;
	p[0].len = n + make_framed(stream + n, true);
	r = capture(p, 1, true, "redis://h");
	if (r.ok)
		whole(&r, 0);
	else /* three waits of 0.1 s may be more than the 0.3 s it has */
		assert_non_null(strstr(r.e.text, "not ready within"));
	assert_int_equal(r.patience, 1);
}

/* Everything that can be wrong with the answers, and what is said then. */
static void
odd_answers(void **state)
{
	static char long_line[1200];
	const struct {
		const char *url, *script;
		bool closes;
		enum err_kind kind;
		const char *says;
	} t[] = {
		{ "redis://h", "-NOAUTH Authentication required.\r\n", true,
		    ERR_REMOTE, "h:6379: wants a password" },
		{ "redis://h", "-ERR operation not permitted\r\n", true,
		    ERR_REMOTE, "wants a password" },
		{ "redis://h", "-DENIED Redis is running in protected\r\n",
		    true, ERR_REMOTE, "protected mode" },
		{ "redis://h", "-ERR max number of clients reached\r\n", true,
		    ERR_REMOTE, "refuses ping: ERR max number of clients" },
		{ "redis://bob:pw@h", "-WRONGPASS invalid\r\n", true,
		    ERR_REMOTE, "wrong password for user \"bob\"" },
		{ "redis://:pw@h", "-ERR invalid password\r\n", true,
		    ERR_REMOTE, "wrong password for user \"default\"" },
		{ "redis://:pw@h",
		    "-ERR AUTH <password> called without any password "
		    "configured for the default user\r\n",
		    true, ERR_REMOTE, "has no password set" },
		{ "redis://:pw@h",
		    "-ERR Client sent AUTH, but no password is "
		    "set\r\n",
		    true, ERR_REMOTE, "has no password set" },
		{ "redis://bob:pw@h",
		    "-ERR wrong number of arguments for 'auth' command\r\n",
		    true, ERR_REMOTE, "knows no users" },
		{ "redis://bob:pw@h",
		    "+OK\r\n+PONG\r\n-NOPERM this user has no\r\n", true,
		    ERR_REMOTE,
		    "user \"bob\" lacks +replconf: ACL SETUSER bob +psync "
		    "+replconf +ping" },
		{ "redis://bob:pw@h",
		    "+OK\r\n" HELLO "-NOPERM this user has no\r\n", true,
		    ERR_REMOTE, "user \"bob\" lacks +psync" },
		{ "redis://h", HELLO "-ERR unknown command 'PSYNC'\r\n", true,
		    ERR_REMOTE, "does not know psync; managed services" },
		{ "redis://h", HELLO "-ERR something\x1b[31m else\r\n", true,
		    ERR_REMOTE, "refuses psync: ERR something\\x1b[31m else" },
		{ "redis://h",
		    HELLO "-LOADING a\r\n-LOADING b\r\n-LOADING c"
			  "\r\n-LOADING d\r\n-LOADING e\r\n",
		    false, ERR_REMOTE, "not ready within 0 s (--timeout)" },
		{ "redis://h", HELLO "+CONTINUE\r\n", true, ERR_REMOTE,
		    "unexpected answer to PSYNC: \"+CONTINUE\"" },
		{ "redis://h", HELLO "+RDBCHANNELSYNC 5\r\n", true, ERR_REMOTE,
		    "unexpected answer to PSYNC" },
		{ "redis://h", HELLO "+FULLRESYNC 0123 7\r\n", true, ERR_REMOTE,
		    "unexpected answer to PSYNC" },
		{ "redis://h", HELLO "+FULLRESYNC " REPLID "\r\n", true,
		    ERR_REMOTE, "unexpected answer to PSYNC" },
		{ "redis://h", HELLO "+FULLRESYNC " REPLID " -1\r\n", true,
		    ERR_REMOTE, "unexpected answer to PSYNC" },
		{ "redis://h", HELLO "+FULLRESYNC " REPLID " 1 2\r\n", true,
		    ERR_REMOTE, "unexpected answer to PSYNC" },
		{ "redis://h", HELLO "$5\r\n", true, ERR_REMOTE,
		    "unexpected answer to PSYNC" },
		{ "redis://h", HELLO FULL "-ERR Unable to save\r\n", true,
		    ERR_REMOTE, "could not make a snapshot: ERR Unable" },
		{ "redis://h", HELLO FULL "$\r\n", true, ERR_REMOTE,
		    "unexpected start of the snapshot: \"$\"" },
		{ "redis://h", HELLO FULL "$-1\r\n", true, ERR_REMOTE,
		    "unexpected start of the snapshot" },
		{ "redis://h", HELLO FULL "$9\r\n", true, ERR_REMOTE,
		    "unexpected start of the snapshot" },
		{ "redis://h", HELLO FULL "$99999999999999999\r\n", true,
		    ERR_REMOTE, "unexpected start of the snapshot" },
		{ "redis://h", HELLO FULL "$99999999999999999999999\r\n", true,
		    ERR_REMOTE, "unexpected start of the snapshot" },
		{ "redis://h", HELLO FULL "$12x\r\n", true, ERR_REMOTE,
		    "unexpected start of the snapshot" },
		{ "redis://h", HELLO FULL "$EOF:abc\r\n", true, ERR_REMOTE,
		    "unexpected start of the snapshot" },
		{ "redis://h", HELLO FULL "*1\r\n", true, ERR_REMOTE,
		    "unexpected start of the snapshot" },
		{ "redis://h", HELLO FULL "REDIS0011", true, ERR_REMOTE,
		    "while the snapshot was being prepared" },
		{ "redis://h", long_line, true, ERR_REMOTE,
		    "a line of more than 1023 bytes" },
		{ "redis://h", HELLO FULL, false, ERR_REMOTE,
		    "nothing came for 0 s" },
		{ "redis://h", "HTTP/1.1 400 Bad Request\r\n", true, ERR_REMOTE,
		    "does not speak the Redis protocol" },
		{ "redis://h", "*99999\r\n", true, ERR_REMOTE,
		    "does not speak the Redis protocol" },
		{ "redis://h",
		    "*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1"
		    "\r\n*1\r\n*1\r\n:1\r\n",
		    true, ERR_REMOTE, "does not speak the Redis protocol" },
	};

	(void)state;
	strcpy(long_line, HELLO);
	memset(long_line + strlen(HELLO), 'x', 1100);
	for (size_t i = 0; i < sizeof t / sizeof *t; i++) {
		struct packet p[] = { { t[i].script, strlen(t[i].script) } };
		struct result r = capture(p, 1, t[i].closes, t[i].url);

		if (r.ok)
			fail_msg("%s: accepted", t[i].script);
		if (strstr(r.e.text, t[i].says) == NULL)
			fail_msg("%s: %s", t[i].script, r.e.text);
		assert_int_equal(r.e.kind, t[i].kind);
		assert_null(strstr(r.e.text, "pw"));
	}
}

/* The RDB's own end and the framing's end must be the same. */
static void
ends_that_disagree(void **state)
{
	struct {
		const char *header;
		size_t len;
		const char *behind;
		int flip; /* byte of the RDB to change, or -1 */
		const char *says;
	} t[] = {
		{ "$EOF:" MARK "\r\n", sizeof rdb, REPLID, -1,
		    "offset 39: the snapshot ends here, but its mark does "
		    "not follow" },
		{ "$EOF:" MARK "\r\n", sizeof rdb - 3, MARK, -1,
		    "checksum is" },
		{ "$EOF:" MARK "\r\n", sizeof rdb, MARK, 20, "checksum is" },
		{ "$EOF:" MARK "\r\n", 9, MARK, -1, "offset 9: " },
		{ "$39\r\n", sizeof rdb, "", sizeof rdb - 1, "checksum is" },
		{ "$40\r\n", sizeof rdb, "x", -1,
		    "offset 39: the snapshot ends here, but 40 bytes were" },
		{ "$38\r\n", sizeof rdb, "", -1,
		    "does not end with the 38 bytes that were announced" },
		{ "$39\r\n", sizeof rdb, "", 0, "offset 0: " },
	};

	(void)state;
	assert_int_equal(sizeof rdb, 39);
	for (size_t i = 0; i < sizeof t / sizeof *t; i++) {
		char stream[300] = FULL;
		size_t n = strlen(FULL);
		struct packet p[] = { { HELLO, strlen(HELLO) }, { stream, 0 } };
		struct result r;

		if (t[i].flip >= 0)
			rdb[t[i].flip] ^= 1;
		n +=
		    make_stream(stream + n, t[i].header, t[i].len, t[i].behind);
		if (t[i].flip >= 0)
			rdb[t[i].flip] ^= 1;
		p[1].len = n;
		r = capture(p, 2, true, "redis://h");
		assert_false(r.ok);
		if (strstr(r.e.text, t[i].says) == NULL)
			fail_msg("%zu: %s", i, r.e.text);
		assert_int_equal(r.e.kind, ERR_DATA);
		assert_true(r.len < sizeof rdb);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(mark_cut_anywhere),
		cmocka_unit_test(length_cut_anywhere),
		cmocka_unit_test(byte_by_byte),
		cmocka_unit_test(closed_anywhere),
		cmocka_unit_test(polite),
		cmocka_unit_test(logs_in),
		cmocka_unit_test(old_servers),
		cmocka_unit_test(busy_servers),
		cmocka_unit_test(odd_answers),
		cmocka_unit_test(ends_that_disagree),
	};

	return cmocka_run_group_tests(tests, make_rdb, NULL);
}
