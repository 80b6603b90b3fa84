/*
 * t_lane.c -- many commands on the way: replies of every shape, cut anywhere,
 * are matched to the units they answer; what is larger than the buffer passes;
 * what a replica does not have yet is kept.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include <cmocka.h>

#include "stages/redis/lane.h"
#include "tests/harness/peer.h"

#define CAP 32768

/* What was answered, as text. */
struct log {
	char text[1000];
	unsigned lost;
	bool refuses; /* errors are the end */
};

static bool
note(void *arg, struct lane *l, const struct lane_answer *a, struct err *e)
{
	struct log *log = arg;
	size_t n = strlen(log->text);

	(void)l;
	snprintf(log->text + n, sizeof log->text - n, "%u:%s%s%s%s%lld ",
	    a->unit->tag, a->error != NULL ? a->error : "", a->nil ? "nil" : "",
	    a->empty ? "empty" : "", a->unit->passing ? "passing" : "", a->num);
	if (log->refuses && a->error != NULL)
		return err_set(e, ERR_REMOTE, "%s", a->error);
	return true;
}

static bool
lose(void *arg, struct lane *l, struct err *e)
{
	struct log *log = arg;

	(void)l;
	(void)e;
	log->lost++;
	return false;
}

static const struct lane_ops ops = { note, lose };

/* A set of one lane to a peer that plays these packets after its greeting. */
static void
open_lane(struct lanes *set, struct log *log, struct peer *peer,
    struct packet *packets, size_t n, bool closes, struct err *e)
{
	struct server_options options = { .timeout_ms = 300 };
	char url[] = "redis://h";

	memset(log, 0, sizeof *log);
	packets[0] = (struct packet){ "+PONG\r\n", 7 };
	assert_true(lanes_init(set, 1, CAP, &ops, log, e));
	assert_true(server_init(&set->v[0].server, url, &options, "", e));
	assert_true(server_adopt(
	    &set->v[0].server, peer_start(peer, packets, n, closes), e));
}

static void
close_lane(struct lanes *set, struct peer *peer)
{
	server_release(&set->v[0].server);
	lanes_release(set);
	peer_end(peer);
}

/* A unit of so many commands of size bytes. */
static void
put_unit(struct lane *l, unsigned tag, unsigned commands, size_t size)
{
	static uint8_t bytes[2 * CAP];
	struct lane_unit u = { .tag = tag, .keys = 1 };
	struct err e;

	memset(bytes, 'x', sizeof bytes);
	assert_true(lane_begin(l, &u, &e));
	while (commands-- > 0) {
		if (!lane_put(l, (struct span){ bytes, size }, &e))
			fail_msg("%s", e.text);
		lane_command(l);
	}
	assert_true(lane_end(l, &e));
}

static const char replies[] =
    "+OK\r\n+OK\r\n:3\r\n$5\r\nhe\r\nl\r\n*2\r\n$1\r\na\r\n*2\r\n*0\r\n:7\r\n"
    "*0\r\n-BUSYKEY there\r\n$-1\r\n+OK\r\n-OOM no\r\n-LATER\r\n+PONG\r\n";
static const char answers[] =
    "0:0 1:0 2:3 3:0 4:7 5:empty0 6:BUSYKEY there0 7:nil0 8:OOM no0 9:0 ";

static void
play(struct packet *packets, size_t n)
{
	struct lanes set;
	struct peer peer;
	struct log log;
	struct err e;

	open_lane(&set, &log, &peer, packets, n, false, &e);
	for (unsigned tag = 0; tag < 10; tag++)
		put_unit(&set.v[0], tag, tag == 8 ? 3 : 1, 10);
	assert_int_equal(lane_waiting(&set.v[0]), 10);
	assert_true(lanes_settle(&set, &e));
	assert_string_equal(log.text, answers);
	assert_true(lane_idle(&set.v[0]));
	close_lane(&set, &peer);
	assert_int_equal(peer.got_len, strlen("*1\r\n$4\r\nPING\r\n") + 120);
}

static void
replies_in_all_cuts(void **state)
{
	size_t len = sizeof replies - 1;
	struct packet packets[1 + sizeof replies];

	(void)state;
	for (size_t cut = 0; cut <= len; cut++) {
		packets[1] = (struct packet){ replies, cut };
		packets[2] = (struct packet){ replies + cut, len - cut };
		play(packets, 3);
	}
	for (size_t i = 0; i < len; i++)
		packets[1 + i] = (struct packet){ replies + i, 1 };
	play(packets, 1 + len);
}

static void
nonsense(void **state)
{
	static const struct {
		const char *reply, *says;
	} t[] = {
		{ "+OK\r\n+OK\r\n", "answers what was not asked" },
		{ "+OK\r\n:1\r\n", "answers what was not asked" },
		{ "hello\r\n", "not in the Redis protocol: \"hello" },
		{ "+OK\n", "not in the Redis protocol" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof t / sizeof *t; i++) {
		struct packet packets[2] = { { NULL, 0 },
			{ t[i].reply, strlen(t[i].reply) } };
		struct lanes set;
		struct peer peer;
		struct log log;
		struct err e = { 0 };

		open_lane(&set, &log, &peer, packets, 2, false, &e);
		put_unit(&set.v[0], 1, 1, 10);
		/* It may be answered before the rest comes. */
		while (lanes_turn(&set, 10, &e))
			;
		assert_int_equal(e.kind, ERR_REMOTE);
		if (strstr(e.text, t[i].says) == NULL)
			fail_msg("%s", e.text);
		close_lane(&set, &peer);
	}
}

/* All replies of a unit came before it ended. */
static void
answered_before_its_end(void **state)
{
	struct packet packets[2] = { { NULL, 0 }, { "+OK\r\n", 5 } };
	struct lane_unit u = { .tag = 1, .keys = 1 };
	struct lanes set;
	struct lane *l;
	struct peer peer;
	struct log log;
	struct err e;

	(void)state;
	open_lane(&set, &log, &peer, packets, 2, false, &e);
	l = &set.v[0];
	assert_true(lane_begin(l, &u, &e));
	assert_true(lane_put(l, (struct span){ (const uint8_t *)"x", 1 }, &e));
	lane_command(l);
	while (lane_unit(l, 0)->left > 0)
		assert_true(lanes_turn(&set, 10, &e));
	assert_string_equal(log.text, "");
	assert_true(lane_end(l, &e));
	assert_string_equal(log.text, "1:0 ");
	assert_true(lanes_settle(&set, &e));
	close_lane(&set, &peer);
}

/* What follows a refusal is answered all the same. */
static void
stopped_by_a_refusal(void **state)
{
	static const char says[] = "+OK\r\n-NO\r\n+OK\r\n:3\r\n";
	struct packet packets[2] = { { NULL, 0 }, { says, sizeof says - 1 } };
	struct lanes set;
	struct peer peer;
	struct log log;
	struct err e;

	(void)state;
	open_lane(&set, &log, &peer, packets, 2, false, &e);
	log.refuses = true;
	for (unsigned tag = 1; tag < 5; tag++)
		put_unit(&set.v[0], tag, 1, 10);
	assert_false(lanes_settle(&set, &e));
	assert_string_equal(log.text, "1:0 2:NO0 ");
	log.refuses = false;
	lanes_stop(&set, 1000);
	assert_string_equal(log.text, "1:0 2:NO0 3:0 4:3 ");
	assert_int_equal(lane_waiting(&set.v[0]), 0);
	close_lane(&set, &peer);
}

/* Nothing goes out behind a SELECT that is refused. */
static void
select_refused(void **state)
{
	static const char no[] = "-ERR DB index is out of range\r\n";
	struct packet packets[2] = { { NULL, 0 }, { no, sizeof no - 1 } };
	struct lane_unit u = { .tag = 1, .keys = 1, .db = 12 };
	struct lanes set;
	struct peer peer;
	struct log log;
	struct err e;

	(void)state;
	open_lane(&set, &log, &peer, packets, 2, false, &e);
	assert_false(lane_begin(&set.v[0], &u, &e));
	assert_int_equal(e.kind, ERR_REMOTE);
	assert_non_null(strstr(e.text, "refuses SELECT 12: ERR DB index"));
	close_lane(&set, &peer);
}

static void
larger_than_the_buffer(void **state)
{
	struct packet packets[2] = { { NULL, 0 }, { "+OK\r\n", 5 } };
	struct lanes set;
	struct peer peer;
	struct log log;
	struct err e;

	(void)state;
	open_lane(&set, &log, &peer, packets, 2, false, &e);
	put_unit(&set.v[0], 1, 1, 10);
	put_unit(&set.v[0], 2, 1, CAP + 100);
	assert_non_null(lane_passing(&set.v[0]));
	assert_int_equal(send(peer.fd, "+OK\r\n", 5, MSG_NOSIGNAL), 5);
	assert_true(lanes_settle(&set, &e));
	assert_string_equal(log.text, "1:0 2:passing0 ");
	assert_null(lane_passing(&set.v[0]));
	close_lane(&set, &peer);
}

static void
a_connection_lost(void **state)
{
	struct packet packets[2] = { { NULL, 0 }, { "+OK\r\n", 5 } };
	struct lanes set;
	struct peer peer;
	struct log log;
	struct err e;

	(void)state;
	open_lane(&set, &log, &peer, packets, 2, true, &e);
	for (unsigned tag = 1; tag < 4; tag++)
		put_unit(&set.v[0], tag, 2, 10);
	assert_false(lanes_settle(&set, &e));
	assert_int_equal(log.lost, 1);
	assert_int_equal(e.kind, ERR_REMOTE);
	assert_non_null(strstr(e.text, "closed the connection"));
	/* Half an answer is none; all three can be sent again. */
	assert_int_equal(lane_waiting(&set.v[0]), 3);
	assert_int_equal(lane_bytes(&set.v[0], 2).len, 20);
	close_lane(&set, &peer);
}

static void
silence(void **state)
{
	struct packet packets[1];
	struct lanes set;
	struct peer peer;
	struct log log;
	struct err e;

	(void)state;
	open_lane(&set, &log, &peer, packets, 1, false, &e);
	put_unit(&set.v[0], 1, 1, 10);
	assert_false(lanes_settle(&set, &e));
	assert_non_null(
	    strstr(e.text, "neither takes commands nor answers them"));
	close_lane(&set, &peer);
}

static void
kept_for_replicas(void **state)
{
	static const char *const says[] = { "+OK\r\n:1\r\n", "+OK\r\n:0\r\n",
		"+OK\r\n-NOPERM\r\n" };

	(void)state;
	for (int i = 0; i < 3; i++) {
		struct packet packets[3] = { { NULL, 0 }, { says[i], 5 },
			{ says[i] + 5, strlen(says[i]) - 5 } };
		struct lanes set;
		struct peer peer;
		struct log log;
		struct err e;

		open_lane(&set, &log, &peer, packets, 2, false, &e);
		set.v[0].replicas = 1;
		put_unit(&set.v[0], 1, 1, 10);
		assert_true(lane_drain(&set.v[0], &e));
		assert_true(set.v[0].first != set.v[0].end); /* kept */
		assert_int_equal(
		    send(peer.fd, packets[2].ptr, packets[2].len, MSG_NOSIGNAL),
		    (ssize_t)packets[2].len);
		assert_true(lane_settle(&set.v[0], &e) || i > 0);
		assert_true(set.v[0].first == set.v[0].end);
		assert_int_equal(set.v[0].unsure, i > 0);
		assert_string_equal(log.text, "1:0 ");
		close_lane(&set, &peer);
		assert_non_null(strstr(peer.got, "$4\r\nWAIT\r\n$1\r\n1\r\n"));
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(replies_in_all_cuts),
		cmocka_unit_test(nonsense),
		cmocka_unit_test(answered_before_its_end),
		cmocka_unit_test(stopped_by_a_refusal),
		cmocka_unit_test(select_refused),
		cmocka_unit_test(larger_than_the_buffer),
		cmocka_unit_test(a_connection_lost),
		cmocka_unit_test(silence),
		cmocka_unit_test(kept_for_replicas),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
