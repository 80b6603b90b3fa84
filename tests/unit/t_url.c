/* t_url.c -- server URLs: their parts, and no secret in any message. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
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

static void
bad_urls(void **state)
{
	static const char *const t[][2] = {
		{ "", "begins with redis://, rediss:// or unix://" },
		{ "h:6379", "begins with redis://" },
		{ "http://h", "begins with redis://" },
		{ "redis+cluster://h",
		    "redis+cluster:// is not supported yet" },
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
		cmocka_unit_test(bad_urls),
		cmocka_unit_test(passwords_are_hidden),
		cmocka_unit_test(hosts_are_split),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
