/*
 * t_target.c -- which servers are fit to be restored into, from what a
 * scripted one says; how many keys may have expired; the primary's side of
 * odd handshakes.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "stages/kit/port.h"
#include "stages/redis/master.h"
#include "stages/redis/target.h"
#include "tests/harness/peer.h"

/* Open a target that answers INFO so, and all that follows with this. */
static bool
open_target(const char *info, const char *config, int version, bool valkey,
    bool flush, struct err *e)
{
	struct server_options options = { .timeout_ms = 300 };
	char script[4000], url[] = "redis://h";
	struct packet p = { script, 0 };
	struct target t = { 0 };
	struct peer peer;
	bool ok;

	p.len = (size_t)snprintf(script, sizeof script,
	    "+PONG\r\n$%zu\r\n%s\r\n", strlen(info), info);
	/* Also for each database that it is asked for. */
	for (int i = 0; i < 30; i++)
		p.len += (size_t)snprintf(
		    script + p.len, sizeof script - p.len, "%s", config);
	assert_true(server_init(&t.server, url, &options, TARGET_RULES, e));
	ok = server_adopt(&t.server, peer_start(&peer, &p, 1, true), e) &&
	    target_open(&t, version, valkey, flush, e);
	target_close(&t);
	peer_end(&peer);
	return ok;
}

#define NOTHING "*0\r\n"
#define RELAXED "*2\r\n$17\r\nrdb-version-check\r\n$7\r\nrelaxed\r\n"
#define STRICT  "*2\r\n$17\r\nrdb-version-check\r\n$6\r\nstrict\r\n"
#define DENIED  "-NOPERM no\r\n"
#define VALKEY  "redis_version:7.2.4\r\nvalkey_version:"

static void
fit_and_unfit(void **state)
{
	static const struct {
		const char *info, *config;
		int version;
		bool valkey, flush;
		const char *says; /* NULL: fit */
	} t[] = {
		{ "redis_version:2.8.9\r\n", DENIED, 6, false, false, NULL },
		{ "redis_version:2.8.9\r\n", DENIED, 7, false, false,
		    "Redis 2.8.9 loads RDB up to version 6, this is 7" },
		{ "redis_version:6.2.1\r\n", NOTHING, 9, false, false, NULL },
		{ "redis_version:6.2.1\r\n", NOTHING, 10, false, false,
		    "up to version 9" },
		{ "redis_version:7.2.1\r\n", NOTHING, 12, false, false,
		    "up to version 11" },
		{ "redis_version:7.4.0\r\n", NOTHING, 12, false, false, NULL },
		{ "redis_version:8.4.0\r\n", NOTHING, 13, false, false,
		    "up to version 12" },
		{ "redis_version:8.6.0\r\n", NOTHING, 13, false, false, NULL },
		{ "redis_version:8.6.0\r\n", NOTHING, 14, false, false,
		    "up to version 13" },
		{ "redis_version:9.0.0\r\n", NOTHING, 14, false, false, NULL },
		{ "redis_version:10.1.0\r\n", NOTHING, 14, false, false, NULL },
		{ "redis_version:8.8.0\r\n", NOTHING, 80, true, false,
		    "Redis 8.8.0 cannot load RDB 80 of Valkey" },
		{ "redis_version:unstable\r\n", NOTHING, 14, false, false,
		    NULL },
		{ VALKEY "8.1.1\r\n", STRICT, 11, false, false, NULL },
		{ VALKEY "8.1.1\r\n", STRICT, 12, false, false,
		    "Valkey 8.1.1 refuses RDB 12 of Redis" },
		{ VALKEY "8.1.1\r\n", DENIED, 12, false, false,
		    "rdb-version-check relaxed makes it try" },
		{ VALKEY "9.1.1\r\n", RELAXED, 12, false, false, NULL },
		{ VALKEY "8.1.1\r\n", NOTHING, 80, true, false,
		    "Valkey 8.1.1 loads RDB up to version 11, this is 80" },
		{ VALKEY "9.0.0\r\n", NOTHING, 80, true, false, NULL },
		{ "redis_version:7.0.0\r\ncluster_enabled:1\r\n", NOTHING, 10,
		    false, false, "runs in cluster mode" },
		{ "redis_version:7.0.0\r\nrole:slave\r\nmaster_host:x\x1by\r\n",
		    NOTHING, 10, false, true, "is a replica of x\\x1by" },
		{ "redis_version:7.0.0\r\nrole:master\r\ndb0:keys=3,"
		  "expires=0\r\ndb9:keys=4,expires=1\r\n",
		    NOTHING, 10, false, false, "holds 7 keys" },
		{ "redis_version:7.0.0\r\ndb0:keys=3,expires=0\r\n", NOTHING,
		    10, false, true, NULL },
		{ "redis_version:7.0.0\r\nnumber_of_libraries:2\r\n", NOTHING,
		    10, false, false, "holds 2 function libraries" },
		{ "redis_version:7.0.0\r\n",
		    "*2\r\n$15\r\ntls-replication\r\n$3\r\nyes\r\n", 10, false,
		    false, "so we need a certificate" },
		{ "redis_version:7.0.0\r\nloading:1\r\n", NOTHING, 10, false,
		    false, "h:6379: " }, /* the script ends: it never is done */
	};

	(void)state;
	for (size_t i = 0; i < sizeof t / sizeof *t; i++) {
		struct err e = { 0 };
		bool ok = open_target(t[i].info, t[i].config, t[i].version,
		    t[i].valkey, t[i].flush, &e);

		if (ok != (t[i].says == NULL))
			fail_msg("%zu: %s", i, e.text);
		if (ok)
			continue;
		assert_int_equal(e.kind, ERR_REMOTE);
		if (strstr(e.text, t[i].says) == NULL)
			fail_msg("%zu: %s", i, e.text);
	}
}

/* The bound is never below the truth, and not above what doubles the time. */
static void
expiring_bounds(void **state)
{
	enum { N = 2000 };
	static int64_t times[N];
	const int64_t from = 1700000000000;
	struct expiring x;
	uint64_t seed = 1;

	(void)state;
	expiring_init(&x, from);
	for (unsigned i = 0; i < N; i++) {
		seed = seed * 6364136223846793005u + 1442695040888963407u;
		times[i] = from - 1000 +
		    (int64_t)(seed >> (24 + (seed >> 59)) & 0xffffffffff);
		expiring_add(&x, times[i]);
	}
	expiring_add(&x, INT64_MIN);
	expiring_add(&x, INT64_MAX);
	for (int64_t after = 0; after < INT64_C(1) << 41;
	     after = after * 3 + 1) {
		uint64_t least = 1, most = 1;

		for (unsigned i = 0; i < N; i++) {
			least += times[i] <= from + after;
			most += times[i] <= from + 2 * after;
		}
		assert_true(expiring_until(&x, from + after) >= least);
		assert_true(expiring_until(&x, from + after) <= most);
	}
}

/* A replica's words in, what it is told out. */
static bool
greet(const char *script, struct peer *peer, uint64_t length, struct err *e)
{
	struct packet p = { script, strlen(script) };
	struct master m;
	bool ok;

	master_init(&m);
	m.link = conn_new(peer_start(peer, &p, 1, true), "link", 300, e);
	m.resp = resp_new(m.link, e);
	ok = master_greet(&m, NULL, e) &&
	    master_begin(
		&m, "0123456789012345678901234567890123456789", 5, length, e);
	master_close(&m);
	peer_end(peer);
	return ok;
}

static void
greetings(void **state)
{
	static struct peer peer;
	struct err e = { 0 };

	(void)state;
	assert_true(
	    greet("\n*1\r\n$4\r\nping\r\n\n\n*2\r\n$4\r\nAUTH\r\n$1\r\nx"
		  "\r\n*1\r\n$5\r\nHELLO\r\n*1\r\n$8\r\nREPLCONF\r\n"
		  "*3\r\n$5\r\nPSYNC\r\n$1\r\n?\r\n$2\r\n-1\r\n",
		&peer, 77, &e));
	assert_string_equal(peer.got,
	    "+PONG\r\n+OK\r\n-ERR unknown command\r\n+OK\r\n"
	    "+FULLRESYNC 0123456789012345678901234567890123456789 5\r\n"
	    "$77\r\n");
	/* Before 2.8: the payload is the answer. */
	assert_true(greet("*1\r\n$4\r\nSYNC\r\n", &peer, SIZE_UNKNOWN, &e));
	assert_int_equal(peer.got_len, 5 + 40 + 2);
	assert_memory_equal(peer.got, "$EOF:", 5);

	assert_false(greet("*1\r\n$4\r\nPING\r\n", &peer, 1, &e));
	assert_non_null(strstr(e.text,
	    "in the target's handshake: link: "
	    "closed the connection"));
	assert_false(greet("GET / HTTP/1.1\r\n", &peer, 1, &e));
	assert_non_null(strstr(e.text, "does not speak the Redis protocol"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(fit_and_unfit),
		cmocka_unit_test(expiring_bounds),
		cmocka_unit_test(greetings),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
