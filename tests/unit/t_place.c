/*
 * t_place.c -- what cos:// and s3:// URLs mean.
 *
 * Goal of this test: host, path, region and addressing of every form of URL;
 * every way one can be wrong, with the words for it; nothing that may be a
 * secret is repeated.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "stages/store/place.h"

static int
clean(void **state)
{
	static const char *const names[] = { "COS_REGION",
		"TENCENTCLOUD_REGION", "AWS_REGION", "AWS_DEFAULT_REGION",
		"AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3", "AWS_PROFILE",
		"AWS_IGNORE_CONFIGURED_ENDPOINT_URLS" };

	(void)state;
	setenv("AWS_CONFIG_FILE", "/nonexistent/config", 1);
	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		unsetenv(names[i]);
	return 0;
}

static void
understands(void **state)
{
	static const struct {
		const char *url, *origin, *path, *region, *key;
	} rows[] = {
		{ "cos://b-1/k?region=ap-guangzhou",
		    "https://b-1.cos.ap-guangzhou.myqcloud.com", "/k",
		    "ap-guangzhou", "k" },
		{ "cos://b-1/k?region=ap-guangzhou&internal=1",
		    "https://b-1.cos-internal.ap-guangzhou.tencentcos.cn", "/k",
		    "ap-guangzhou", "k" },
		{ "cos://b-1/k?accelerate=1",
		    "https://b-1.cos.accelerate.myqcloud.com", "/k", "", "k" },
		{ "cos://b-1/a%20b/%E4%BD%A0?region=x&internal=0",
		    "https://b-1.cos.x.myqcloud.com", "/a b/\xe4\xbd\xa0", "x",
		    "a b/\xe4\xbd\xa0" },
		{ "cos://b-1/k?endpoint=http://127.0.0.1:8080",
		    "http://127.0.0.1:8080", "/k", "", "k" },
		{ "cos://b-1?endpoint=http://[::1]:8080/", "http://[::1]:8080",
		    "/", "", "" },
		{ "cos://any/k?endpoint=https%3A%2F%2FCdn.Example%3A443",
		    "https://cdn.example", "/k", "", "k" },
		{ "cos://b-1/k?endpoint=http://cos.x.localhost:81"
		  "&addressing=vhost",
		    "http://b-1.cos.x.localhost:81", "/k", "", "k" },
		{ "cos://b-1/k?endpoint=https://cos.ap-x.myqcloud.com",
		    "https://b-1.cos.ap-x.myqcloud.com", "/k", "ap-x", "k" },
		{ "cos://b-1/k?endpoint=http://b-1.cos.ap-x.tencentcos.cn:80",
		    "http://b-1.cos.ap-x.tencentcos.cn", "/k", "ap-x", "k" },
		{ "cos://b-1/k?endpoint=http://h&addressing=path", "http://h",
		    "/b-1/k", "", "k" },
		{ "s3://b/k", "https://b.s3.us-east-1.amazonaws.com", "/k",
		    "us-east-1", "k" },
		{ "s3://b/k?region=cn-north-1",
		    "https://b.s3.cn-north-1.amazonaws.com.cn", "/k",
		    "cn-north-1", "k" },
		{ "s3://a.b/k?region=eu-west-1",
		    "https://s3.eu-west-1.amazonaws.com", "/a.b/k", "eu-west-1",
		    "k" },
		{ "s3://b/k?endpoint=http://127.0.0.1:9000",
		    "http://127.0.0.1:9000", "/b/k", "us-east-1", "k" },
		{ "s3://b/?endpoint=https://minio.example&region=auto",
		    "https://minio.example", "/b/", "auto", "" },
		{ "s3://b-1/k?endpoint=https://cos.ap-x.myqcloud.com",
		    "https://b-1.cos.ap-x.myqcloud.com", "/k", "ap-x", "k" },
		{ "s3://b/k?endpoint=http://s.example:90&addressing=vhost",
		    "http://b.s.example:90", "/k", "us-east-1", "k" },
		{ "s3://b/k?endpoint=http://s.example&addressing=cname",
		    "http://s.example", "/k", "us-east-1", "k" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct place p;
		struct err e;
		char *path, *url, origin[200];

		if (!place_parse(&p, rows[i].url, &e))
			fail_msg("%s: %s", rows[i].url, e.text);
		snprintf(origin, sizeof origin, "%s://%s",
		    p.tls ? "https" : "http", p.host);
		assert_string_equal(origin, rows[i].origin);
		path = place_path(&p, p.key);
		assert_string_equal(path, rows[i].path);
		assert_string_equal(p.region, rows[i].region);
		assert_string_equal(p.key, rows[i].key);
		url = place_url(&p, p.key);
		if (strchr(rows[i].url + 6, '/') != NULL &&
		    strstr(rows[i].url, "b-1?") == NULL)
			assert_string_equal(url, rows[i].url);
		free(url);
		free(path);
		place_release(&p);
	}
}

static void
refuses(void **state)
{
	static const struct {
		const char *url, *want;
	} rows[] = {
		{ "file:///x", "no cos:// or s3:// URL" },
		{ "cos://b-1/k", "say where it is, as in ?region=" },
		{ "cos:///k?region=x", "names no bucket" },
		{ "cos://b/k?region=x", "ends in -APPID" },
		{ "cos://b-/k?region=x", "ends in -APPID" },
		{ "cos://me:hunter2@b-1/k?region=x",
		    "the bucket has a character that none can have" },
		{ "cos://b-1/k?region=X/../", "a region is made of" },
		{ "cos://b-1/k?region", "region wants a value" },
		{ "cos://b-1/k?region=", "region wants a value" },
		{ "cos://b-1/k?region=x&region=y", "has region twice" },
		{ "cos://b-1/k?secret=hunter2", "takes no option \"secret\"" },
		{ "s3://b/k?internal=1",
		    "a s3:// URL takes no option \"internal\"" },
		{ "cos://b-1/k?region=x&internal=yes", "internal is 1 or 0" },
		{ "s3://b/k?checksum=md5", "checksum is crc64nvme" },
		{ "cos://b-1/k?region=x&checksum=crc64nvme",
		    "takes no option \"checksum\"" },
		{ "cos://b-1/k?region=x&internal=1&accelerate=1",
		    "exclude each other" },
		{ "cos://b-1/k?endpoint=http://h&internal=1",
		    "neither internal nor accelerate" },
		{ "cos://b-1/k?endpoint=h", "begins with http:// or https://" },
		{ "cos://b-1/k?endpoint=http://me:hunter2@h", "no user" },
		{ "cos://b-1/k?endpoint=http://h/path", "no path" },
		{ "cos://b-1/k?endpoint=http://h:x", "the port is no number" },
		{ "cos://b-1/k?endpoint=http://h:", "the port is no number" },
		{ "cos://b-1/k?endpoint=http://h:65536", "or no port" },
		{ "cos://b-1/k?endpoint=http://h:0", "or no port" },
		{ "cos://b-1/k?endpoint=http://[::1", "or no port" },
		{ "s3://b/../other/k", "a part that is" },
		{ "s3://b/a/./k", "a part that is" },
		{ "cos://b-1/a/%2e%2E?region=x", "a part that is" },
		{ "cos://b-1/k?endpoint=http://h%20h", "no host has such" },
		{ "cos://b-1/k?region=x&addressing=best", "addressing is" },
		{ "cos://b-1/k#x?region=x", "takes no #" },
		{ "cos://b-1/%zz?region=x", "two hex digits" },
		{ "cos://b-1/%00?region=x", "two hex digits" },
		{ "cos://b-1/a%0ab?region=x", "has a control character" },
		{ "cos://b-1/a%ff?region=x", "is not UTF-8" },
		{ "cos://b-1/a%ed%a0%80?region=x", "is not UTF-8" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct place p;
		struct err e;

		if (place_parse(&p, rows[i].url, &e))
			fail_msg("%s was taken", rows[i].url);
		assert_int_equal(e.kind, ERR_USAGE);
		assert_null(strstr(e.text, "hunter2"));
		if (strstr(e.text, rows[i].want) == NULL)
			fail_msg("%s: %s", rows[i].url, e.text);
	}
}

static void
bounds_keys(void **state)
{
	struct place p;
	struct err e;
	char key[1026];

	(void)state;
	assert_true(place_parse(&p, "cos://b-1/?region=x", &e));
	memset(key, 'k', sizeof key);
	key[850] = '\0';
	assert_true(place_check_key(&p, key, &e));
	key[850] = 'k';
	key[851] = '\0';
	assert_false(place_check_key(&p, key, &e));
	assert_non_null(strstr(e.text, "longer than 850 bytes"));
	assert_false(place_check_key(&p, "", &e));
	assert_string_equal(e.text, "a key is empty");
	place_release(&p);
	assert_true(place_parse(&p, "s3://b/", &e));
	assert_true(place_check_key(&p, key, &e));
	key[851] = 'k';
	key[1025] = '\0';
	assert_false(place_check_key(&p, key, &e));
	assert_non_null(strstr(e.text, "longer than 1024 bytes"));
	place_release(&p);
}

static void
reads_the_environment(void **state)
{
	struct place p;
	struct err e;

	(void)state;
	setenv("COS_REGION", "ap-env", 1);
	setenv("AWS_DEFAULT_REGION", "eu-env", 1);
	setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9", 1);
	assert_true(place_parse(&p, "cos://b-1/", &e));
	assert_string_equal(p.region, "ap-env");
	place_release(&p);
	assert_true(place_parse(&p, "s3://b/k", &e));
	assert_string_equal(p.region, "eu-env");
	assert_string_equal(p.host, "127.0.0.1:9");
	assert_true(p.own_endpoint && !p.tls);
	place_release(&p);
	clean(NULL);
}

/* The file of AWS's own tools: behind the URL, before what is built in. */
static void
reads_the_config_file(void **state)
{
	static const char text[] =
	    "[default]\nregion = eu-file\nendpoint_url = http://127.0.0.1:7\n"
	    "[profile p]\nregion = cn-file\nservices = s\n"
	    "[services s]\ns3 =\n  endpoint_url = https://h.example\n";
	char path[] = "/tmp/t_place-XXXXXX";
	struct place p;
	struct err e;
	int fd = mkstemp(path);

	(void)state;
	assert_int_equal(write(fd, text, sizeof text - 1), sizeof text - 1);
	close(fd);
	setenv("AWS_CONFIG_FILE", path, 1);
	assert_true(place_parse(&p, "s3://b/k", &e));
	assert_string_equal(p.region, "eu-file");
	assert_string_equal(p.host, "127.0.0.1:7");
	assert_true(p.own_endpoint && !p.tls);
	place_release(&p);
	assert_true(place_parse(&p, "s3://b/k?region=r&endpoint=http://x", &e));
	assert_string_equal(p.region, "r");
	assert_string_equal(p.host, "x");
	place_release(&p);
	setenv("AWS_PROFILE", "p", 1);
	assert_true(place_parse(&p, "s3://b/k", &e));
	assert_string_equal(p.region, "cn-file");
	assert_string_equal(p.host, "h.example");
	place_release(&p);
	setenv("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "true", 1);
	assert_true(place_parse(&p, "s3://b/k", &e));
	assert_string_equal(p.host, "b.s3.cn-file.amazonaws.com.cn");
	assert_false(p.own_endpoint);
	place_release(&p);
	unsetenv("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS");
	assert_true(place_parse(&p, "s3://b/k?checksum=crc64nvme", &e));
	assert_true(p.crc64nvme);
	place_release(&p);
	/* Neither of them is for COS. */
	assert_false(place_parse(&p, "cos://b-1/k", &e));
	assert_non_null(strstr(e.text, "say where it is"));
	setenv("AWS_CONFIG_FILE", "/", 1); /* no file that could be read */
	assert_false(place_parse(&p, "s3://b/k", &e));
	assert_true(place_parse(&p, "s3://b/k?region=r&endpoint=http://x", &e));
	place_release(&p);
	unlink(path);
	clean(NULL);
}

static void
moves(void **state)
{
	struct place p, q;
	struct err e;
	char *host;

	(void)state;
	assert_true(place_parse(&p, "cos://b-1/a%20b?region=ap-x", &e));
	assert_true(place_move(&q, &p, true, &e));
	assert_string_equal(q.host, "b-1.cos-internal.ap-x.tencentcos.cn");
	assert_string_equal(q.key, "a b");
	place_release(&p);
	assert_true(place_move(&p, &q, false, &e));
	assert_string_equal(p.host, "b-1.cos.ap-x.myqcloud.com");
	place_release(&p);
	place_release(&q);
	assert_true(place_parse(&p, "cos://b-1/k?accelerate=1", &e));
	assert_false(place_move(&q, &p, true, &e));
	assert_non_null(strstr(e.text, "say where it is"));
	place_release(&p);
	assert_true(place_parse(&p, "cos://b-1/k?endpoint=http://h", &e));
	assert_false(place_move(&q, &p, true, &e));
	assert_non_null(strstr(e.text, "one address only"));
	host = place_host_in(&p, "eu-x");
	assert_string_equal(host, "");
	free(host);
	place_release(&p);
	assert_true(place_parse(&p, "s3://b/k", &e));
	host = place_host_in(&p, "eu-x");
	assert_string_equal(host, "b.s3.eu-x.amazonaws.com");
	free(host);
	place_release(&p);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(understands),
		cmocka_unit_test(refuses),
		cmocka_unit_test(bounds_keys),
		cmocka_unit_test(reads_the_environment),
		cmocka_unit_test(reads_the_config_file),
		cmocka_unit_test(moves),
	};

	return cmocka_run_group_tests(tests, clean, NULL);
}
