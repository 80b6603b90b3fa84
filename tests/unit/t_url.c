/* t_url.c -- server URLs: their parts, and no secret in any message. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "stages/redis/url.h"

#define same(a, b) \
	((a) == NULL ? (b) == NULL : (b) != NULL && strcmp((a), (b)) == 0)

static void
good_urls(void **state)
{
	static const struct {
		const char *text;
		enum url_kind kind;
		const char *host, *path;
		unsigned port;
		int db;
		const char *user, *password, *name;
	} t[] = {
		{ "redis://h", URL_TCP, "h", NULL, 6379, -1, NULL, NULL,
		    "h:6379" },
		{ "redis://h:7/", URL_TCP, "h", NULL, 7, -1, NULL, NULL,
		    "h:7" },
		{ "redis://h:7/12", URL_TCP, "h", NULL, 7, 12, NULL, NULL,
		    "h:7" },
		{ "rediss://u:p@h", URL_TLS, "h", NULL, 6379, -1, "u", "p",
		    "h:6379" },
		{ "valkey://h", URL_TCP, "h", NULL, 6379, -1, NULL, NULL,
		    "h:6379" },
		{ "valkeys://h", URL_TLS, "h", NULL, 6379, -1, NULL, NULL,
		    "h:6379" },
		{ "redis://:p@h", URL_TCP, "h", NULL, 6379, -1, NULL, "p",
		    "h:6379" },
		{ "redis://u@h", URL_TCP, "h", NULL, 6379, -1, "u", NULL,
		    "h:6379" },
		{ "redis://u:@h", URL_TCP, "h", NULL, 6379, -1, "u", NULL,
		    "h:6379" },
		{ "redis://u:a%40b%3a%2F%25@h", URL_TCP, "h", NULL, 6379, -1,
		    "u", "a@b:/%", "h:6379" },
		{ "redis://u:a@b:c@h", URL_TCP, "h", NULL, 6379, -1, "u",
		    "a@b:c", "h:6379" },
		{ "redis://[::1]:70", URL_TCP, "::1", NULL, 70, -1, NULL, NULL,
		    "[::1]:70" },
		{ "redis://[fe80::1]", URL_TCP, "fe80::1", NULL, 6379, -1, NULL,
		    NULL, "[fe80::1]:6379" },
		{ "unix:///run/r.sock", URL_UNIX, NULL, "/run/r.sock", 0, -1,
		    NULL, NULL, "/run/r.sock" },
		{ "unix://u:p@/run/a%20b", URL_UNIX, NULL, "/run/a b", 0, -1,
		    "u", "p", "/run/a b" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof t / sizeof *t; i++) {
		struct url u;
		struct err e = { 0 };

		if (!url_parse(&u, t[i].text, &e))
			fail_msg("%s: %s", t[i].text, e.text);
		if (u.kind != t[i].kind || !same(u.host, t[i].host) ||
		    !same(u.path, t[i].path) || u.port != t[i].port ||
		    u.db != t[i].db || !same(u.user, t[i].user) ||
		    !same(u.password, t[i].password) ||
		    strcmp(u.name, t[i].name) != 0)
			fail_msg("%s: other parts", t[i].text);
		url_release(&u);
	}
}

/* The nodes of a cluster's URL, written as "host port host port". */
static void
cluster_urls(void **state)
{
	static const struct {
		const char *text;
		enum url_kind kind;
		const char *user, *password, *name, *nodes;
	} t[] = {
		{ "redis+cluster://h", URL_TCP, NULL, NULL, "h:6379",
		    "h 6379 " },
		{ "redis+cluster://h:7000,i", URL_TCP, NULL, NULL, "h:7000",
		    "h 7000 i 6379 " },
		{ "valkey+cluster://h/", URL_TCP, NULL, NULL, "h:6379",
		    "h 6379 " },
		{ "rediss+cluster://u:p%2C@[::1]:1,[::2]:2,h:3/0", URL_TLS, "u",
		    "p,", "[::1]:1", "::1 1 ::2 2 h 3 " },
		{ "valkeys+cluster://:a,b@h:1,i:2", URL_TLS, NULL, "a,b", "h:1",
		    "h 1 i 2 " },
	};

	(void)state;
	for (size_t i = 0; i < sizeof t / sizeof *t; i++) {
		char nodes[200] = "";
		struct url u;
		struct err e = { 0 };

		if (!url_parse(&u, t[i].text, &e))
			fail_msg("%s: %s", t[i].text, e.text);
		for (size_t k = 0; k < u.nodes_len; k++)
			snprintf(nodes + strlen(nodes),
			    sizeof nodes - strlen(nodes), "%s %u ",
			    u.nodes[k].host, u.nodes[k].port);
		assert_string_equal(nodes, t[i].nodes);
		assert_true(u.cluster);
		assert_int_equal(u.kind, t[i].kind);
		assert_int_equal(u.db, -1);
		assert_string_equal(u.name, t[i].name);
		assert_string_equal(u.host, u.nodes[0].host);
		assert_int_equal(u.port, u.nodes[0].port);
		assert_true(same(u.user, t[i].user));
		assert_true(same(u.password, t[i].password));
		url_release(&u);
	}
}

/* A few nodes find the others; a list has an end. */
static void
too_many_nodes(void **state)
{
	char text[1024] = "redis+cluster://h";
	struct url u;
	struct err e = { 0 };

	(void)state;
	for (int i = 1; i < URL_NODES_MAX; i++)
		strcat(text, ",h");
	assert_true(url_parse(&u, text, &e));
	assert_int_equal(u.nodes_len, URL_NODES_MAX);
	url_release(&u);
	assert_false(url_parse(&u, strcat(text, ",h"), &e));
	assert_non_null(strstr(e.text, "more than 64 nodes"));
}

static void
nodes_of_a_cluster(void **state)
{
	struct url u, node;
	struct err e = { 0 };

	(void)state;
	assert_true(url_parse(&u, "rediss+cluster://u:p@a:1,b:2", &e));
	assert_true(url_node_init(&node, &u, "::1", 70, &e));
	assert_int_equal(node.kind, URL_TLS);
	assert_false(node.cluster);
	assert_string_equal(node.host, "::1");
	assert_string_equal(node.name, "[::1]:70");
	assert_string_equal(node.user, "u");
	assert_string_equal(node.password, "p");
	assert_int_equal(node.db, -1);
	url_release(&node);
	url_release(&u);
}

static void
bad_urls(void **state)
{
	static const char *const t[][2] = {
		{ "",
		    "begins with redis://, rediss:// or unix://, a cluster's "
		    "with redis+cluster:// or rediss+cluster://" },
		{ "h:6379", "begins with redis://" },
		{ "http://h", "begins with redis://" },
		{ "redis+cluster://", "must be redis://" },
		{ "redis+cluster://:hunter2@", "must be redis://" },
		{ "redis+cluster://:hunter2@a,", "must be redis://" },
		{ "redis+cluster://:hunter2@,a", "must be redis://" },
		{ "redis+cluster://:hunter2@a,,b", "must be redis://" },
		{ "redis+cluster://:hunter2@a:1,b:0", "port from 1 to 65535" },
		{ "redis+cluster://:hunter2@a:1 ,b", "must be redis://" },
		{ "redis+cluster://:hunter2@a,b/1", "has one database" },
		{ "redis+cluster://:hunter2@a,b/x", "has one database" },
		{ "redis+cluster://:hunter2%@a,b", "the password in the URL" },
		{ "redis://:hunter2@a,b", "must be redis://" },
		{ "redis+sentinel://h/s",
		    "redis+sentinel:// is not supported yet" },
		{ "redis://", "must be redis://" },
		{ "redis://hunter2@", "must be redis://" },
		{ "redis://:hunter2@:6379", "must be redis://" },
		{ "redis://:hunter2@h:0", "port from 1 to 65535" },
		{ "redis://:hunter2@h:65536", "port from 1 to 65535" },
		{ "redis://:hunter2@h:6379x", "port from 1 to 65535" },
		{ "redis://:hunter2@h:", "port from 1 to 65535" },
		{ "redis://:hunter2@h:99999999999", "port from 1 to 65535" },
		{ "redis://:hunter2@::1", "IPv6 addresses in brackets" },
		{ "redis://:hunter2@[::1", "IPv6 addresses in brackets" },
		{ "redis://:hunter2@[::1]x", "IPv6 addresses in brackets" },
		{ "redis://:hunter2@a b", "must be redis://" },
		{ "redis://:hunter2@h?db=1", "must be redis://" },
		{ "redis://:hunter2@h/x", "number of a database" },
		{ "redis://:hunter2@h/1/2", "number of a database" },
		{ "redis://:hunter2%@h", "the password in the URL" },
		{ "redis://:hunter2%2@h", "the password in the URL" },
		{ "redis://:hunter2%zz@h", "write %25 for the sign itself" },
		{ "redis://:hunter2%00@h", "the password in the URL" },
		{ "redis://hunter2%@h", "the user in the URL" },
		{ "unix://hunter2", "unix:///path" },
		{ "unix://:hunter2@", "unix:///path" },
		{ "unix:///%zz", "the path in the URL" },
		{ "unix:///1234567890123456789012345678901234567890123456789"
		  "012345678901234567890123456789012345678901234567890123456"
		  "78",
		    "longer than 107 bytes" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof t / sizeof *t; i++) {
		struct url u;
		struct err e = { 0 };

		if (url_parse(&u, t[i][0], &e))
			fail_msg("%s: accepted", t[i][0]);
		assert_int_equal(e.kind, ERR_USAGE);
		if (strstr(e.text, t[i][1]) == NULL)
			fail_msg("%s: %s", t[i][0], e.text);
		if (strstr(e.text, "hunter2") != NULL)
			fail_msg("tells the secret: %s", e.text);
	}
}

static void
passwords_are_hidden(void **state)
{
	static const char *const t[][2] = {
		{ "redis://u:secret@h:1/2", "redis://u:xxxxxx@h:1/2" },
		{ "redis://:s:t@h", "redis://:x:x@h" },
		{ "redis://u@h", "redis://u@h" },
		{ "redis+cluster://u:ab,c@h:1,i:2",
		    "redis+cluster://u:xxxx@h:1,i:2" },
		{ "redis://h:6379", "redis://h:6379" },
		{ "unix://:abc@/a@b:c", "unix://:xxx@/a@b:c" },
		{ "nonsense", "nonsense" },
	};
	char text[64];

	(void)state;
	for (size_t i = 0; i < sizeof t / sizeof *t; i++) {
		strcpy(text, t[i][0]);
		url_hide(text);
		assert_string_equal(text, t[i][1]);
	}
}

static void
hosts_are_split(void **state)
{
	char host[16];
	unsigned port = 5;

	(void)state;
	assert_true(url_split_host("a", host, sizeof host, &port));
	assert_string_equal(host, "a");
	assert_int_equal(port, 5);
	assert_true(url_split_host("[::]:80", host, sizeof host, &port));
	assert_string_equal(host, "::");
	assert_int_equal(port, 80);
	assert_false(url_split_host("", host, sizeof host, &port));
	assert_false(url_split_host("a:b", host, sizeof host, &port));
	assert_false(
	    url_split_host("0123456789abcdef", host, sizeof host, &port));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(good_urls),
		cmocka_unit_test(cluster_urls),
		cmocka_unit_test(too_many_nodes),
		cmocka_unit_test(nodes_of_a_cluster),
		cmocka_unit_test(bad_urls),
		cmocka_unit_test(passwords_are_hidden),
		cmocka_unit_test(hosts_are_split),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
