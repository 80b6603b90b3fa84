/*
 * t_topology.c -- the map of a cluster from scripted nodes: what is read, what
 * is refused, whom else is asked, and when slots are on the move.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <arpa/inet.h>
#include <cmocka.h>
#include <pthread.h>
#include <sys/socket.h>
#include <unistd.h>

#include "stages/redis/topology.h"

#define ID(c)              "$40\r\n" c c c c c c c c c c "\r\n" /* of four characters */
#define A                  ID("aaaa")
#define B                  ID("bbbb")
#define C                  ID("cccc")
#define HOST               "$9\r\n127.0.0.1\r\n"
#define NODE(port, id)     "*3\r\n" HOST ":" port "\r\n" id
#define RANGE(from, to, n) "*" n "\r\n:" from "\r\n:" to "\r\n"

/* Answers one connection after the other, each with all that it will say. */
struct node {
	int fd;
	unsigned port;
	const char *const *says;
	size_t n;
	pthread_t thread;
};

static void *
serve(void *arg)
{
	struct node *node = arg;
	char scrap[512];

	for (size_t i = 0; i < node->n; i++) {
		int fd = accept(node->fd, NULL, NULL);
		size_t left = strlen(node->says[i]);
		const char *at = node->says[i];
		ssize_t n;

		if (fd < 0)
			return NULL;
		while (left > 0 && (n = send(fd, at, left, MSG_NOSIGNAL)) > 0) {
			at += n;
			left -= (size_t)n;
		}
		while (recv(fd, scrap, sizeof scrap, 0) > 0)
			;
		close(fd);
	}
	return NULL;
}

static void
node_start(struct node *node, const char *const *says, size_t n)
{
	struct sockaddr_in a = { .sin_family = AF_INET };
	socklen_t len = sizeof a;

	a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	node->fd = socket(AF_INET, SOCK_STREAM, 0);
	node->says = says;
	node->n = n;
	assert_int_equal(bind(node->fd, (struct sockaddr *)&a, len), 0);
	assert_int_equal(listen(node->fd, 8), 0);
	getsockname(node->fd, (struct sockaddr *)&a, &len);
	node->port = ntohs(a.sin_port);
	assert_int_equal(pthread_create(&node->thread, NULL, serve, node), 0);
}

static void
node_end(struct node *node)
{
	shutdown(node->fd, SHUT_RDWR);
	pthread_join(node->thread, NULL);
	close(node->fd);
}

static void
cluster_init(struct server *s, const char *url)
{
	static const struct server_options options = { .timeout_ms = 2000,
		.clusters = true };
	char text[200];
	struct err e = { 0 };

	strcpy(text, url);
	if (!server_init(s, text, &options, TOPOLOGY_RULES, &e))
		fail_msg("%s", e.text);
}

/* The map that one node tells. */
static bool
load(struct topology *t, const char *says, struct err *e)
{
	struct node node;
	struct server s;
	char url[64];
	bool ok;

	node_start(&node, &says, 1);
	snprintf(url, sizeof url, "redis+cluster://127.0.0.1:%u", node.port);
	cluster_init(&s, url);
	memset(e, 0, sizeof *e);
	ok = topology_load(t, &s, e);
	server_release(&s);
	node_end(&node);
	return ok;
}

static void
whole_map(void **state)
{
	struct topology t = { 0 };
	struct err e;

	(void)state;
	/* Two masters, the first with two ranges and a replica. */
	if (!load(&t,
		"+PONG\r\n*3\r\n" RANGE("0", "99", "4") NODE("1", A)
		    NODE("3", C) RANGE("100", "16000", "3") NODE("2", B)
			RANGE("16001", "16383", "4") NODE("1", A) NODE("3", C),
		&e))
		fail_msg("%s", e.text);
	assert_int_equal(t.masters, 2);
	assert_int_equal(t.len, 3);
	assert_int_equal(topology_node_of(&t, 0), 0);
	assert_int_equal(topology_node_of(&t, 99), 0);
	assert_int_equal(topology_node_of(&t, 100), 1);
	assert_int_equal(topology_node_of(&t, 16000), 1);
	assert_int_equal(topology_node_of(&t, 16383), 0);
	assert_int_equal(t.nodes[0].slots, 100 + 383);
	assert_int_equal(t.nodes[1].slots, 15901);
	assert_int_equal(t.nodes[0].port, 1);
	assert_string_equal(t.nodes[1].host, "127.0.0.1");
	assert_memory_equal(t.nodes[1].id, "bbbbbbbb", 8);
	assert_int_equal(t.nodes[2].master, 0);
	assert_int_equal(t.nodes[2].slots, 0);
	topology_release(&t);
	assert_int_equal(t.len, 0);
}

/* The ways a node's address is said, or not said. */
static void
announced_hosts(void **state)
{
	static const char *const t[][2] = {
		{ "*2\r\n" HOST ":1\r\n", "127.0.0.1" },
		{ "*3\r\n$0\r\n\r\n:1\r\n" A, "127.0.0.1" },
		{ "*3\r\n$-1\r\n:1\r\n" A, "127.0.0.1" },
		{ "*4\r\n$-1\r\n:1\r\n" A "*0\r\n", "127.0.0.1" },
		{ "*4\r\n$6\r\nnode-1\r\n:1\r\n" A
		  "*2\r\n$2\r\nip\r\n$9\r\n127.0.0.9\r\n",
		    "node-1" },
		{ "*4\r\n$1\r\n?\r\n:1\r\n" A
		  "*2\r\n$2\r\nip\r\n$9\r\n127.0.0.9\r\n",
		    "127.0.0.9" },
		{ "*3\r\n$3\r\n::1\r\n:1\r\n" A, "::1" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof t / sizeof *t; i++) {
		char says[400];
		struct topology map = { 0 };
		struct err e;

		snprintf(says, sizeof says, "+PONG\r\n*1\r\n%s%s",
		    RANGE("0", "16383", "3"), t[i][0]);
		if (!load(&map, says, &e))
			fail_msg("%s: %s", t[i][0], e.text);
		assert_string_equal(map.nodes[0].host, t[i][1]);
		assert_int_equal(map.nodes[0].slots, RDB_SLOTS);
		topology_release(&map);
	}
}

static void
refused_maps(void **state)
{
	static const char *const t[][2] = {
		{ "*0\r\n",
		    "serves 16384 of its 16384 slots, the first of them 0" },
		{ "*1\r\n" RANGE("0", "16382", "3") NODE("1", A),
		    "serves 1 of its 16384 slots, the first of them 16383" },
		{ "*1\r\n" RANGE("7", "16383", "3") NODE("1", A),
		    "serves 7 of its 16384 slots, the first of them 0" },
		{ "*2\r\n" RANGE("0", "9", "3") NODE("1", A)
			RANGE("9", "16383", "3") NODE("2", B),
		    "a slot has two masters" },
		{ "*1\r\n" RANGE("0", "16384", "3") NODE("1", A),
		    "a range of slots is none" },
		{ "*1\r\n" RANGE("-1", "16383", "3") NODE("1", A),
		    "a range of slots is none" },
		{ "*1\r\n" RANGE("9", "8", "3") NODE("1", A),
		    "a range of slots is none" },
		{ "*1\r\n*3\r\n$1\r\n0\r\n:16383\r\n" NODE("1", A),
		    "a range of slots is none" },
		{ "*1\r\n" RANGE("0", "16383", "2"), "not two slots" },
		{ "*1\r\n:1\r\n", "not two slots" },
		{ "+OK\r\n", "it is no list" },
		{ "*1\r\n" RANGE("0", "16383", "3") ":1\r\n",
		    "not host and port" },
		{ "*1\r\n" RANGE("0", "16383", "3") "*1\r\n" HOST,
		    "not host and port" },
		{ "*1\r\n" RANGE("0", "16383", "3") NODE("0", A),
		    "port is none" },
		{ "*1\r\n" RANGE("0", "16383", "3") NODE("65536", A),
		    "port is none" },
		{ "*1\r\n" RANGE("0", "16383", "3") "*2\r\n$3\r\na b\r\n:1\r\n",
		    "host is none" },
		{ "*1\r\n" RANGE("0", "16383", "3") "*2\r\n:1\r\n:1\r\n",
		    "host is none" },
		{ "*1\r\n" RANGE("0", "16383", "3") "*2\r\n$1\r\n?\r\n:1\r\n",
		    "neither name nor address" },
		{ "*1\r\n" RANGE("0", "16383", "3") NODE("1", "$1\r\nx\r\n"),
		    "id is none" },
		{ "*2\r\n" RANGE("0", "9", "3") NODE("1", A)
			RANGE("10", "16383", "3") NODE("1", B),
		    "two nodes have one address" },
		{ "*1\r\n" RANGE("0", "16383", "4") NODE("1", A) NODE("1", A),
		    "a node has two parts in it" },
		{ "*2\r\n" RANGE("0", "9", "4") NODE("1", A) NODE("3", C)
			RANGE("10", "16383", "4") NODE("2", B) NODE("3", C),
		    "a node has two parts in it" },
		{ "-ERR This instance has cluster support disabled\r\n",
		    "is no node of a cluster: name it with redis://" },
		{ "-ERR unknown command 'CLUSTER'\r\n",
		    "does not know cluster|slots" },
		{ "-NOPERM this user has no permissions\r\n",
		    "lacks +cluster|slots: ACL SETUSER default +cluster" },
		{ "*16385\r\n", "does not speak the Redis protocol, or too" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof t / sizeof *t; i++) {
		char says[600];
		struct topology map = { 0 };
		struct err e;

		snprintf(says, sizeof says, "+PONG\r\n%s", t[i][0]);
		if (load(&map, says, &e))
			fail_msg("%s: accepted", t[i][0]);
		if (strstr(e.text, t[i][1]) == NULL)
			fail_msg("%s: %s", t[i][0], e.text);
		assert_int_equal(e.kind, ERR_REMOTE);
		assert_null(map.nodes);
	}
}

/* Every slot with another master than the one before, and 1000 of those:
 * larger than what other replies may be. */
static void
fragmented(void **state)
{
	size_t cap = 200 * RDB_SLOTS, n;
	char *says = malloc(cap);
	struct topology t = { 0 };
	struct err e;

	(void)state;
	n = (size_t)snprintf(says, cap, "+PONG\r\n*%d\r\n", RDB_SLOTS);
	for (int i = 0; i < RDB_SLOTS; i++)
		n += (size_t)snprintf(says + n, cap - n,
		    "*3\r\n:%d\r\n:%d\r\n*3\r\n" HOST ":%d\r\n$40\r\n%040d\r\n",
		    i, i, 1 + i % 1000, i % 1000);
	if (!load(&t, says, &e))
		fail_msg("%s", e.text);
	assert_int_equal(t.masters, 1000);
	assert_int_equal(topology_node_of(&t, 16383), 383);
	topology_release(&t);
	/* One node for each slot is no cluster any more. */
	n = (size_t)snprintf(says, cap, "+PONG\r\n*%d\r\n", RDB_SLOTS);
	for (int i = 0; i < RDB_SLOTS; i++)
		n += (size_t)snprintf(says + n, cap - n,
		    "*3\r\n:%d\r\n:%d\r\n*3\r\n" HOST ":%d\r\n$40\r\n%040d\r\n",
		    i, i, 1 + i, i);
	assert_false(load(&t, says, &e));
	assert_non_null(strstr(e.text, "more than 4096 nodes"));
	free(says);
}

/* The next node of the URL, and later those of the map, are asked. */
static void
other_nodes_are_asked(void **state)
{
	static const char *const broken[] = { "-LOADING\r\n-LOADING\r\n",
		"+PONG\r\n*0\r\n" };
	char good[300];
	const char *goods[] = { good, good };
	struct node one, two;
	struct topology t = { 0 };
	struct server s;
	struct err e = { 0 };
	char url[100];

	(void)state;
	node_start(&one, broken, 2);
	node_start(&two, goods, 2);
	snprintf(good, sizeof good,
	    "+PONG\r\n*1\r\n" RANGE("0", "16383", "3") "*2\r\n" HOST ":%u\r\n",
	    two.port);
	snprintf(url, sizeof url, "redis+cluster://127.0.0.1:%u,127.0.0.1:%u",
	    one.port, two.port);
	cluster_init(&s, url);
	assert_true(topology_load(&t, &s, &e));
	server_release(&s);
	/* Named by one only that is gone for good by then. */
	snprintf(url, sizeof url, "redis+cluster://127.0.0.1:%u", one.port);
	cluster_init(&s, url);
	assert_true(topology_load(&t, &s, &e));
	assert_int_equal(t.masters, 1);
	node_end(&one);
	node_end(&two);
	/* Nobody is left: what was known stays. */
	assert_false(topology_load(&t, &s, &e));
	assert_non_null(strstr(e.text, "none of 2 nodes has a map"));
	assert_non_null(strstr(e.text, "connection refused"));
	assert_int_equal(t.masters, 1);
	topology_release(&t);
	server_release(&s);
}

/* A node that serves all, and what it says of itself. */
static bool
settled(const char *line, struct err *e)
{
	char map[300], nodes[400];
	const char *says[] = { map, nodes };
	struct node node;
	struct topology t = { 0 };
	struct server s;
	char url[64];
	bool ok;

	node_start(&node, says, 2);
	snprintf(map, sizeof map,
	    "+PONG\r\n*1\r\n" RANGE("0", "16383", "3") "*2\r\n" HOST ":%u\r\n",
	    node.port);
	snprintf(
	    nodes, sizeof nodes, "+PONG\r\n$%zu\r\n%s\r\n", strlen(line), line);
	snprintf(url, sizeof url, "redis+cluster://127.0.0.1:%u", node.port);
	cluster_init(&s, url);
	memset(e, 0, sizeof *e);
	assert_true(topology_load(&t, &s, e));
	ok = topology_settled(&t, &s, e);
	if (ok)
		assert_int_equal(t.nodes[0].epoch, 12);
	topology_release(&t);
	server_release(&s);
	node_end(&node);
	return ok;
}

static void
slots_on_the_move(void **state)
{
#define SELF "07c3 127.0.0.1:1@2 myself,master - 3 4 12 connected"
	static const char *const good[] = {
		SELF " 0-16383\n",
		SELF " 0-16383",
		"67ed 127.0.0.1:9@8 slave 07c3 0 1 2 connected\n" SELF
		" 0 1-5 6-16383\n292f 127.0.0.1:7 master,fail - 0 0 3 x\n",
	};
	static const char *const bad[][2] = {
		{ SELF " 0-16383 [93-<-292f]\n", "has slots on the move" },
		{ SELF " 0-16383 [93->-292f]", "has slots on the move" },
		{ SELF " 0-16382\n", "serves other slots than the map says" },
		{ SELF "\n", "serves other slots than the map says" },
		{ "07c3 127.0.0.1:1@2 myself,slave 12 0 0 1 connected\n",
		    "is no master any more" },
		{ "07c3 127.0.0.1:1@2 master - 0 0 1 connected 0-16383\n",
		    "CLUSTER NODES makes no sense" },
		{ SELF " 0-16384\n", "CLUSTER NODES makes no sense" },
		{ SELF " 5-4\n", "CLUSTER NODES makes no sense" },
		{ SELF " 0x-16383\n", "CLUSTER NODES makes no sense" },
	};
	struct err e;

	(void)state;
	for (size_t i = 0; i < sizeof good / sizeof *good; i++)
		if (!settled(good[i], &e))
			fail_msg("%s: %s", good[i], e.text);
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		if (settled(bad[i][0], &e))
			fail_msg("%s: accepted", bad[i][0]);
		if (strstr(e.text, bad[i][1]) == NULL)
			fail_msg("%s: %s", bad[i][0], e.text);
		assert_int_equal(e.kind, ERR_REMOTE);
	}
}

static void
redirections(void **state)
{
	static const struct {
		const char *text, *host;
		unsigned port, slot;
	} good[] = {
		{ "MOVED 3999 127.0.0.1:6381", "127.0.0.1", 6381, 3999 },
		{ "ASK 0 ::1:6381", "::1", 6381, 0 },
		{ "MOVED 16383 :7", "", 7, 16383 },
		{ "MOVED 5 ?:7", "", 7, 5 },
		{ "MOVED 5 node.example:65535", "node.example", 65535, 5 },
	};
	static const char *const bad[] = { "", "MOVED", "MOVED ", "MOVED x h:1",
		"MOVED 16384 h:1", "MOVED 1 h", "MOVED 1 h:", "MOVED 1 h:0",
		"MOVED 1 h:65536", "MOVED 1 h:1x", "MOVED 1 a b:1",
		"MOVED 1 123456789012345678901234567890123:1", "ERR x" };
	char host[32];
	unsigned port, slot;

	(void)state;
	for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
		if (!topology_redirect(
			good[i].text, host, sizeof host, &port, &slot))
			fail_msg("%s: not read", good[i].text);
		assert_string_equal(host, good[i].host);
		assert_int_equal(port, good[i].port);
		assert_int_equal(slot, good[i].slot);
	}
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		if (topology_redirect(bad[i], host, sizeof host, &port, &slot))
			fail_msg("%s: read", bad[i]);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(whole_map),
		cmocka_unit_test(announced_hosts),
		cmocka_unit_test(refused_maps),
		cmocka_unit_test(fragmented),
		cmocka_unit_test(other_nodes_are_asked),
		cmocka_unit_test(slots_on_the_move),
		cmocka_unit_test(redirections),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
