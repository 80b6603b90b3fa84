/*
 * t_credentials.c -- where a key comes from, in which order, what is refused,
 * and that a role's key is fetched again in time, by one thread only.
 *
 * Each case has a HOME of its own and none of the variables that matter.  The
 * metadata services are a table of answers.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/stat.h>
#include <unistd.h>

#include "stages/store/credentials.h"
#include "stages/store/jsonfield.h"
#include "stages/store/profile.h"

#define SECRET "s3cr3t/Must+never=show"

static char home[64];

/* --- the world --- */

static int
set_up(void **state)
{
	static const char *const names[] = { "TENCENTCLOUD_SECRET_ID",
		"TENCENTCLOUD_SECRET_KEY", "TENCENTCLOUD_TOKEN",
		"TENCENTCLOUD_SESSION_TOKEN", "TENCENTCLOUD_CREDENTIALS_FILE",
		"COS_SECRET_ID", "COS_SECRET_KEY", "COS_TOKEN", "SECRETID",
		"SECRETKEY", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY",
		"AWS_SESSION_TOKEN", "AWS_PROFILE", "AWS_CONFIG_FILE",
		"AWS_SHARED_CREDENTIALS_FILE", "AWS_REGION",
		"AWS_DEFAULT_REGION", "AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3",
		"AWS_EC2_METADATA_DISABLED",
		"AWS_EC2_METADATA_SERVICE_ENDPOINT",
		"AWS_CONTAINER_CREDENTIALS_FULL_URI",
		"AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
		"AWS_CONTAINER_AUTHORIZATION_TOKEN",
		"AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE",
		"RDBPIPE_CVM_METADATA" };
	const char *tmp = getenv("TMPDIR");

	(void)state;
	for (size_t i = 0; i < COUNT_OF(names); i++)
		unsetenv(names[i]);
	snprintf(home, sizeof home, "%s/rdbpipe-home-XXXXXX",
	    tmp != NULL && strlen(tmp) < 40 ? tmp : "/tmp");
	if (mkdtemp(home) == NULL)
		return -1;
	return setenv("HOME", home, 1);
}

static int
tear_down(void **state)
{
	char words[128];

	(void)state;
	snprintf(words, sizeof words, "rm -rf '%s'", home);
	return system(words);
}

/* A file below HOME; its directory is made. */
static const char *
write_file(const char *name, const char *text)
{
	static char path[256];
	char *slash;
	FILE *f;

	snprintf(path, sizeof path, "%s/%s", home, name);
	slash = strrchr(path, '/');
	*slash = '\0';
	assert_true(mkdir(path, 0700) == 0 || errno == EEXIST);
	*slash = '/';
	f = fopen(path, "w");
	assert_non_null(f);
	assert_true(fputs(text, f) >= 0);
	assert_int_equal(fclose(f), 0);
	return path;
}

/* --- a metadata service --- */

struct answer {
	const char *method, *url;
	const char *header; /* that must be there; NULL: none may */
	int status;         /* 0: nobody answers */
	const char *body;
};

static const struct answer *answers;
static size_t n_answers;
static atomic_int asked, slow_ms;
static atomic_llong the_time;

static int64_t
the_clock(void)
{
	return the_time;
}

static bool
fake_fetch(void *arg, const struct role_request *r, int *status,
    struct text *body, struct err *e)
{
	assert_string_equal(arg, "arg");
	asked++;
	usleep((unsigned)slow_ms * 1000);
	assert_in_range(r->timeout_ms, 1, 10000);
	for (size_t i = 0; i < n_answers; i++) {
		const struct answer *a = &answers[i];

		if (strcmp(a->method, r->method) != 0 ||
		    strcmp(a->url, r->url) != 0)
			continue;
		assert_int_equal(r->n_headers, a->header != NULL);
		if (a->header != NULL)
			assert_string_equal(r->headers[0], a->header);
		if (a->status == 0)
			return err_set(e, ERR_REMOTE, "nobody at home");
		*status = a->status;
		text_put(body, a->body);
		return true;
	}
	return err_set(e, ERR_REMOTE, "not expected: %s %s", r->method, r->url);
}

static void
serve(const struct answer *a, size_t n)
{
	answers = a;
	n_answers = n;
	asked = 0;
	slow_ms = 0;
	the_time = 1790000000;
}

/* --- looking --- */

static struct credentials *
begin(enum credentials_dialect dialect, const char *profile, bool roles)
{
	struct credentials_means m = { .fetch = roles ? fake_fetch : NULL,
		.arg = "arg",
		.profile = profile,
		.clock = the_clock };
	struct err e;
	struct credentials *c = credentials_new(dialect, &m, &e);

	assert_non_null(c);
	return c;
}

static void
finds(enum credentials_dialect dialect, const char *profile, const char *id,
    const char *token, const char *origin)
{
	struct credentials *c = begin(dialect, profile, n_answers > 0);
	struct credential k;
	struct err e;

	assert_string_equal(credentials_origin(c), "");
	if (!credentials_get(c, &k, &e))
		fail_msg("%s", e.text);
	assert_string_equal(k.key.id, id);
	assert_string_equal(k.key.secret, SECRET);
	assert_string_equal(k.key.token, token);
	if (origin[0] == '~') {
		const char *o = credentials_origin(c);

		assert_memory_equal(o, home, strlen(home));
		assert_string_equal(o + strlen(home), origin + 1);
	} else {
		assert_string_equal(credentials_origin(c), origin);
	}
	credential_release(&k);
	assert_null(k.key.secret);
	credentials_free(c);
}

static void
refuses(enum credentials_dialect dialect, const char *profile,
    enum err_kind kind, const char *text)
{
	struct credentials *c = begin(dialect, profile, n_answers > 0);
	struct credential k;
	struct err e;

	assert_false(credentials_get(c, &k, &e));
	if (text[0] == '~') {
		assert_memory_equal(e.text, home, strlen(home));
		assert_string_equal(e.text + strlen(home), text + 1);
	} else {
		assert_string_equal(e.text, text);
	}
	assert_int_equal(e.kind, kind);
	assert_null(strstr(e.text, "s3cr3t"));
	assert_null(k.room);
	credentials_free(c);
}

#define NONE_COS                                                            \
	"no credentials for COS: set TENCENTCLOUD_SECRET_ID and "           \
	"TENCENTCLOUD_SECRET_KEY, or write ~/.tencentcloud/credentials or " \
	"~/.cos.conf"
#define NONE_S3                                             \
	"no credentials for S3: set AWS_ACCESS_KEY_ID and " \
	"AWS_SECRET_ACCESS_KEY, or write ~/.aws/credentials"

/* --- the environment --- */

static void
environment(void **state)
{
	(void)state;
	serve(NULL, 0);
	refuses(CREDENTIALS_COS, NULL, ERR_USAGE, NONE_COS);
	refuses(CREDENTIALS_S3, NULL, ERR_USAGE, NONE_S3);
	setenv("SECRETID", "a", 1);
	setenv("SECRETKEY", SECRET, 1);
	finds(CREDENTIALS_COS, NULL, "a", "", "environment");
	setenv("COS_SECRET_ID", "b", 1);
	setenv("COS_SECRET_KEY", SECRET, 1);
	finds(CREDENTIALS_COS, NULL, "b", "", "environment");
	setenv("TENCENTCLOUD_SECRET_ID", "c", 1);
	setenv("TENCENTCLOUD_SECRET_KEY", SECRET, 1);
	finds(CREDENTIALS_COS, NULL, "c", "", "environment");
	setenv("TENCENTCLOUD_SESSION_TOKEN", "t1", 1);
	finds(CREDENTIALS_COS, NULL, "c", "t1", "environment");
	setenv("TENCENTCLOUD_TOKEN", "t2", 1);
	finds(CREDENTIALS_COS, NULL, "c", "t2", "environment");
	refuses(CREDENTIALS_S3, NULL, ERR_USAGE, NONE_S3);
	setenv("AWS_ACCESS_KEY_ID", "test:tester", 1);
	setenv("AWS_SECRET_ACCESS_KEY", SECRET, 1);
	finds(CREDENTIALS_S3, NULL, "test:tester", "", "environment");
	setenv("AWS_SESSION_TOKEN", "t", 1);
	setenv("AWS_PROFILE", "nowhere", 1);
	finds(CREDENTIALS_S3, NULL, "test:tester", "t", "environment");
}

static void
bad_environment(void **state)
{
	(void)state;
	serve(NULL, 0);
	setenv("TENCENTCLOUD_SECRET_ID", "id", 1);
	refuses(CREDENTIALS_COS, NULL, ERR_USAGE,
	    "TENCENTCLOUD_SECRET_ID is there but TENCENTCLOUD_SECRET_KEY is "
	    "not");
	setenv("TENCENTCLOUD_SECRET_KEY", " " SECRET, 1);
	refuses(CREDENTIALS_COS, NULL, ERR_USAGE,
	    "TENCENTCLOUD_SECRET_KEY begins or ends with a blank or a line "
	    "end");
	setenv("TENCENTCLOUD_SECRET_KEY", SECRET "\r", 1);
	refuses(CREDENTIALS_COS, NULL, ERR_USAGE,
	    "TENCENTCLOUD_SECRET_KEY begins or ends with a blank or a line "
	    "end");
	setenv("TENCENTCLOUD_SECRET_KEY", SECRET "\n" SECRET, 1);
	refuses(CREDENTIALS_COS, NULL, ERR_USAGE,
	    "TENCENTCLOUD_SECRET_KEY holds a control character");
	setenv("TENCENTCLOUD_SECRET_KEY", "\"" SECRET "\"", 1);
	refuses(CREDENTIALS_COS, NULL, ERR_USAGE,
	    "TENCENTCLOUD_SECRET_KEY begins with a quotation mark");
	setenv("TENCENTCLOUD_SECRET_KEY", SECRET, 1);
	setenv("TENCENTCLOUD_SECRET_ID", "id\t", 1);
	refuses(CREDENTIALS_COS, NULL, ERR_USAGE,
	    "TENCENTCLOUD_SECRET_ID begins or ends with a blank or a line "
	    "end");
	setenv("TENCENTCLOUD_SECRET_ID", "id", 1);
	setenv("TENCENTCLOUD_SESSION_TOKEN", "t ", 1);
	refuses(CREDENTIALS_COS, NULL, ERR_USAGE,
	    "TENCENTCLOUD_SESSION_TOKEN begins or ends with a blank or a line "
	    "end");
	setenv("AWS_SECRET_ACCESS_KEY", SECRET, 1);
	refuses(CREDENTIALS_S3, NULL, ERR_USAGE,
	    "AWS_SECRET_ACCESS_KEY is there but AWS_ACCESS_KEY_ID is not");
}

/* --- files --- */

static void
cos_files(void **state)
{
	(void)state;
	serve(NULL, 0);
	write_file(".cos.conf",
	    " [common]\r\n# secret_id = no\nsecret_id = from-coscmd \r\n"
	    "secret_key = " SECRET "\r\nbucket = b-1\n");
	finds(CREDENTIALS_COS, NULL, "from-coscmd", "", "~/.cos.conf");
	write_file(".cos.conf",
	    "[other]\nsecret_id = no\n[common]\naccess_id=old\n"
	    "secret_key=" SECRET "\ntoken = a=b==\n[more]\nsecret_id = no");
	finds(CREDENTIALS_COS, NULL, "old", "a=b==", "~/.cos.conf");
	write_file(".tencentcloud/credentials",
	    "; mine\n[default]\nsecret_id = sdk\nsecret_key = " SECRET
	    "\n\n[two]\nsecret_id = sdk2\nsecret_key = " SECRET "\n");
	finds(CREDENTIALS_COS, NULL, "sdk", "", "~/.tencentcloud/credentials");
	setenv("TENCENTCLOUD_SECRET_ID", "env", 1);
	setenv("TENCENTCLOUD_SECRET_KEY", SECRET, 1);
	finds(CREDENTIALS_COS, NULL, "env", "", "environment");
	finds(
	    CREDENTIALS_COS, "two", "sdk2", "", "~/.tencentcloud/credentials");
	refuses(CREDENTIALS_COS, "three", ERR_USAGE,
	    "no profile \"three\" in ~/.tencentcloud/credentials");
}

static void
aws_files(void **state)
{
	(void)state;
	serve(NULL, 0);
	write_file(".aws/config",
	    "[default]\nregion = r1\n[profile two]\n"
	    "aws_access_key_id = two-config\naws_secret_access_key = " SECRET
	    "\n[two]\naws_access_key_id = no\n");
	refuses(CREDENTIALS_S3, NULL, ERR_USAGE, NONE_S3);
	setenv("AWS_PROFILE", "two", 1);
	finds(CREDENTIALS_S3, NULL, "two-config", "", "~/.aws/config");
	write_file(".aws/credentials",
	    "[default]\naws_access_key_id=one\naws_secret_access_key=" SECRET
	    "\n[two]\naws_access_key_id = two\naws_secret_access_key = "
	    "" SECRET "\naws_session_token = tok\n");
	finds(CREDENTIALS_S3, NULL, "two", "tok", "~/.aws/credentials");
	finds(CREDENTIALS_S3, "default", "one", "", "~/.aws/credentials");
	refuses(CREDENTIALS_S3, "x\x1b[", ERR_USAGE,
	    "no profile \"x\\x1b[\" in ~/.aws/credentials");
	unsetenv("AWS_PROFILE");
	setenv("AWS_SHARED_CREDENTIALS_FILE",
	    write_file("elsewhere",
		"[default]\naws_access_key_id = e\n"
		"aws_secret_access_key = " SECRET),
	    1);
	finds(CREDENTIALS_S3, NULL, "e", "", "~/elsewhere");
	unsetenv("HOME");
	finds(CREDENTIALS_S3, NULL, "e", "", "~/elsewhere");
	unsetenv("AWS_SHARED_CREDENTIALS_FILE");
	refuses(CREDENTIALS_S3, NULL, ERR_USAGE, NONE_S3);
}

/* A file that is there but cannot be had is no reason to look further. */
static void
cannot_open(void)
{
	struct credentials *c = begin(CREDENTIALS_COS, NULL, false);
	struct credential k;
	struct err e;

	assert_false(credentials_get(c, &k, &e));
	assert_int_equal(e.kind, ERR_USAGE);
	assert_memory_equal(e.text, "cannot open ", 12);
	assert_non_null(
	    strstr(e.text, "/.cos.conf: too many levels of symbolic links"));
	credentials_free(c);
}

static void
bad_files(void **state)
{
	char path[128], *big = malloc((1 << 20) + 2);

	(void)state;
	serve(NULL, 0);
	write_file(".cos.conf", "[common]\nsecret_id = x\n");
	refuses(CREDENTIALS_COS, NULL, ERR_USAGE,
	    "~/.cos.conf: secret_id is there but secret_key is not");
	write_file(".cos.conf",
	    "[common]\nsecret_id = x\nsecret_key = '" SECRET "'\n");
	refuses(CREDENTIALS_COS, NULL, ERR_USAGE,
	    "~/.cos.conf: secret_key begins with a quotation mark");
	memset(big, 'x', (1 << 20) + 1);
	big[(1 << 20) + 1] = '\0';
	write_file(".cos.conf", big);
	free(big);
	refuses(CREDENTIALS_COS, NULL, ERR_USAGE,
	    "~/.cos.conf is too large for settings");
	snprintf(path, sizeof path, "%s/.cos.conf", home);
	unlink(path);
	assert_int_equal(symlink(path, path), 0);
	cannot_open();
}

static void
settings(void **state)
{
	struct text v = { 0 };
	struct err e;
	static const struct {
		const char *profile, *name, *value;
	} t[] = { { NULL, "region", "r1" }, { NULL, "endpoint_url", "" },
		{ "two", "region", "r2" },
		{ "two", "endpoint_url", "http://s3" },
		{ "three", "endpoint_url", "http://three" },
		{ "nowhere", "region", "" } };

	(void)state;
	assert_true(profile_setting_s3(NULL, "region", &v, &e));
	assert_string_equal(text_get(&v), "");
	write_file(".aws/config",
	    "[default]\nregion = r1\ns3 =\n  endpoint_url = no\n"
	    "[profile two]\nregion=r2\nendpoint_url = http://all\n"
	    "services = mine\n[services mine]\ndynamodb =\n"
	    "  endpoint_url = http://no\ns3 =\n  endpoint_url = http://s3\n"
	    "[profile three]\nendpoint_url = http://three\n");
	for (size_t i = 0; i < COUNT_OF(t); i++) {
		assert_true(
		    profile_setting_s3(t[i].profile, t[i].name, &v, &e));
		assert_string_equal(text_get(&v), t[i].value);
	}
	/* What an indented line belongs to; the last of two counts. */
	write_file(".aws/config",
	    "[profile p]\ns3 =\n[profile p]\n  region = no\n  region = r5\n"
	    "services = x\n[services x]\ns3 =\nother = 1\n"
	    "  endpoint_url = no\n");
	assert_true(profile_setting_s3("p", "region", &v, &e));
	assert_string_equal(v.ptr, "r5");
	assert_true(profile_setting_s3("p", "endpoint_url", &v, &e));
	assert_string_equal(text_get(&v), "");
	setenv("AWS_DEFAULT_REGION", "r3", 1);
	assert_true(profile_setting_s3("two", "region", &v, &e));
	assert_string_equal(v.ptr, "r3");
	setenv("AWS_REGION", "r4", 1);
	assert_true(profile_setting_s3("two", "region", &v, &e));
	assert_string_equal(v.ptr, "r4");
	setenv("AWS_ENDPOINT_URL", "http://env", 1);
	assert_true(profile_setting_s3("two", "endpoint_url", &v, &e));
	assert_string_equal(v.ptr, "http://env");
	setenv("AWS_CONFIG_FILE", home, 1); /* a directory */
	unsetenv("AWS_ENDPOINT_URL");
	assert_false(profile_setting_s3("two", "endpoint_url", &v, &e));
	assert_non_null(strstr(e.text, "cannot read "));
	text_release(&v);
}

/* --- roles --- */

#define CVM                                                    \
	"http://metadata.tencentyun.com/latest/meta-data/cam/" \
	"security-credentials/"
#define CVM_KEY(id, until)                                           \
	"{ \"TmpSecretId\": \"" id "\", \"TmpSecretKey\": \"" SECRET \
	"\",\n \"ExpiredTime\": " until ", \"Expiration\": \"x\",\n" \
	" \"Token\": \"tok\", \"Code\": \"Success\" }\n"

static void
cvm_role(void **state)
{
	static const struct answer a[] = {
		{ "GET", CVM, NULL, 200, "\nbackup role\r\nother\n" },
		{ "GET", CVM "backup", NULL, 200, CVM_KEY("r", "1790007200") },
	};
	static const struct answer b[] = {
		{ "GET",
		    "http://127.0.0.1:1/latest/meta-data/cam/"
		    "security-credentials/",
		    NULL, 200, "a/b" },
		{ "GET",
		    "http://127.0.0.1:1/latest/meta-data/cam/"
		    "security-credentials/a%2Fb",
		    NULL, 200, CVM_KEY("r2", "1790007200") },
	};

	(void)state;
	serve(a, 2);
	finds(
	    CREDENTIALS_COS, NULL, "r", "tok", "role backup of this instance");
	serve(b, 2);
	setenv("RDBPIPE_CVM_METADATA", "http://127.0.0.1:1//", 1);
	finds(CREDENTIALS_COS, NULL, "r2", "tok", "role a/b of this instance");
	setenv("TENCENTCLOUD_SECRET_ID", "env", 1);
	setenv("TENCENTCLOUD_SECRET_KEY", SECRET, 1);
	asked = 0;
	finds(CREDENTIALS_COS, NULL, "env", "", "environment");
	assert_int_equal(asked, 0);
}

static void
bad_cvm_role(void **state)
{
	static const struct {
		int status;
		const char *list, *key, *text;
	} t[] = {
		{ 0, "", "", "nobody at home" },
		{ 404, "", "", CVM " answered 404" },
		{ 200, " \n", "", CVM " names no role" },
		{ 200, "r", "{\"Code\":\"Fail\x1b\"}", CVM "r answered 404" },
		{ 200, "r", "{\"Code\":\"NoWay\"}", CVM "r: \"NoWay\"" },
		{ 200, "r", "s3cr3t", NULL },
		{ 200, "r", "{\"TmpSecretId\":\"x\"}", NULL },
		{ 200, "r",
		    "{\"TmpSecretId\":\"x\",\"TmpSecretKey\":\"s3cr3t\","
		    "\"Token\":\"t\",\"ExpiredTime\":\"soon\"}",
		    NULL },
		{ 200, "r",
		    "{\"TmpSecretId\":\"x\",\"TmpSecretKey\":\"s3cr3t\","
		    "\"Token\":\"\",\"ExpiredTime\":1}",
		    NULL },
		{ 200, "r",
		    "{\"TmpSecretId\":\"x\",\"TmpSecretKey\":\"\","
		    "\"Token\":\"t\",\"ExpiredTime\":1}",
		    NULL },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(t); i++) {
		const struct answer a[] = {
			{ "GET", CVM, NULL, t[i].status, t[i].list },
			{ "GET", CVM "r", NULL, i == 3 ? 404 : 200, t[i].key },
		};
		const char *why = t[i].text != NULL ? t[i].text :
						      CVM
		    "r: the answer is no key: one of TmpSecretId, TmpSecr";
		struct credentials *c;
		struct credential k;
		struct err e;

		serve(a, 2);
		c = begin(CREDENTIALS_COS, NULL, true);
		assert_false(credentials_get(c, &k, &e));
		assert_int_equal(e.kind, ERR_USAGE);
		assert_memory_equal(
		    e.text, NONE_COS " (nor a role: ", strlen(NONE_COS) + 14);
		assert_non_null(strstr(e.text, why));
		assert_null(strstr(e.text, "s3cr3t"));
		credentials_free(c);
	}
}

/* A role's secret is looked at as any other. */
static void
role_with_blank(void **state)
{
	static const struct answer a[] = {
		{ "GET", CVM, NULL, 200, "r" },
		{ "GET", CVM "r", NULL, 200, CVM_KEY(" x", "1790007200") },
	};

	(void)state;
	serve(a, 2);
	refuses(CREDENTIALS_COS, NULL, ERR_USAGE,
	    "the role's id begins or ends with a blank or a line end");
}

#define EC2       "http://169.254.169.254/latest/meta-data/iam/security-credentials/"
#define EC2_TOKEN "X-aws-ec2-metadata-token: T=="
#define AWS_KEY                                                               \
	"{\"Code\" : \"Success\", \"AccessKeyId\":\"r\",\"SecretAccessKey\":" \
	"\"" SECRET "\",\"Token\":\"tok\",\"Expiration\":"                    \
	"\"2026-09-21T16:13:20Z\"}"

static void
ec2_role(void **state)
{
	static const struct answer a[] = {
		{ "PUT", "http://169.254.169.254/latest/api/token",
		    "X-aws-ec2-metadata-token-ttl-seconds: 21600", 200, "T==" },
		{ "GET", EC2, EC2_TOKEN, 200, "role" },
		{ "GET", EC2 "role", EC2_TOKEN, 200, AWS_KEY },
	};
	static const struct answer no_token[] = {
		{ "PUT", "http://169.254.169.254/latest/api/token",
		    "X-aws-ec2-metadata-token-ttl-seconds: 21600", 200,
		    "a\nb: c" },
	};
	struct credentials *c;
	struct credential k;
	struct err e;

	(void)state;
	serve(a, 3);
	finds(CREDENTIALS_S3, NULL, "r", "tok", "role role of this instance");
	c = begin(CREDENTIALS_S3, NULL, true);
	assert_true(credentials_get(c, &k, &e));
	assert_int_equal(k.until, 1790000000 + 7200);
	credential_release(&k);
	credentials_free(c);
	/* A profile that says only where to go leaves the key to the role. */
	write_file(".aws/config", "[profile p]\nregion = r\n");
	finds(CREDENTIALS_S3, "p", "r", "tok", "role role of this instance");
	serve(no_token, 1);
	refuses(CREDENTIALS_S3, NULL, ERR_USAGE,
	    NONE_S3 " (nor a role: http://169.254.169.254/latest/api/token "
		    "gave no token)");
	setenv("AWS_EC2_METADATA_DISABLED", "True", 1);
	refuses(CREDENTIALS_S3, NULL, ERR_USAGE,
	    NONE_S3 " (nor a role: AWS_EC2_METADATA_DISABLED is set)");
	assert_int_equal(asked, 1);
}

static void
container_role(void **state)
{
	static const char *const unsafe[] = { "http://10.0.0.1/x",
		"http://localhost.evil/", "http://127.0.0.1:80@evil/x",
		"ftp://localhost/" };
	static const struct answer plain[] = {
		{ "GET", "http://169.254.170.2/v2/x", NULL, 200, AWS_KEY },
	};
	static const struct answer full[] = {
		{ "GET", "http://127.0.0.1:9/x?y", "Authorization: tok en", 200,
		    AWS_KEY },
	};

	(void)state;
	serve(full, 1);
	setenv(
	    "AWS_CONTAINER_CREDENTIALS_FULL_URI", "http://127.0.0.1:9/x?y", 1);
	setenv("AWS_CONTAINER_AUTHORIZATION_TOKEN", "tok en", 1);
	finds(CREDENTIALS_S3, NULL, "r", "tok", "role of this container");
	setenv("AWS_CONTAINER_AUTHORIZATION_TOKEN", "no", 1);
	setenv("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE",
	    write_file("token", "tok en\r\n"), 1);
	finds(CREDENTIALS_S3, NULL, "r", "tok", "role of this container");
	write_file("token", "s3cr3t\nb: c");
	setenv("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", "/dev/null/x", 1);
	refuses(CREDENTIALS_S3, NULL, ERR_USAGE,
	    NONE_S3 " (nor a role: cannot read /dev/null/x: not a directory)");
	unsetenv("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE");
	setenv("AWS_CONTAINER_AUTHORIZATION_TOKEN", "s3cr3t\nb: c", 1);
	refuses(CREDENTIALS_S3, NULL, ERR_USAGE,
	    "control character in AWS_CONTAINER_AUTHORIZATION_TOKEN");
	unsetenv("AWS_CONTAINER_AUTHORIZATION_TOKEN");
	for (size_t i = 0; i < COUNT_OF(unsafe); i++) {
		setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", unsafe[i], 1);
		refuses(CREDENTIALS_S3, NULL, ERR_USAGE,
		    "AWS_CONTAINER_CREDENTIALS_FULL_URI is neither https nor "
		    "of this machine");
	}
	serve(plain, 1);
	setenv("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "/v2/x", 1);
	finds(CREDENTIALS_S3, NULL, "r", "tok", "role of this container");
}

/* --- in time --- */

static const struct answer first_key[] = {
	{ "GET", CVM, NULL, 200, "r" },
	{ "GET", CVM "r", NULL, 200, CVM_KEY("one", "1790007200") },
};
static const struct answer second_key[] = {
	{ "GET", CVM, NULL, 200, "r" },
	{ "GET", CVM "r", NULL, 200, CVM_KEY("two", "1790014400") },
};
static const struct answer no_key[] = { { "GET", CVM, NULL, 500, "" } };

static void
gets(struct credentials *c, int64_t at, const char *id, int asks)
{
	struct credential k;
	struct err e;

	the_time = at;
	asked = 0;
	if (!credentials_get(c, &k, &e))
		fail_msg("%s", e.text);
	assert_string_equal(k.key.id, id);
	assert_int_equal(asked, asks);
	credential_release(&k);
}

static void
refreshed(void **state)
{
	const int64_t end = 1790007200;
	struct credentials *c;
	struct credential k;
	struct err e;

	(void)state;
	serve(first_key, 2);
	c = begin(CREDENTIALS_COS, NULL, true);
	gets(c, end - 7200, "one", 2);
	gets(c, end - 601, "one", 0);
	serve(no_key, 1);
	gets(c, end - 600, "one", 1); /* fails, and is not asked again */
	gets(c, end - 571, "one", 0); /* at once */
	gets(c, end - 570, "one", 1);
	gets(c, end - 1, "one", 1);
	the_time = end;
	assert_false(credentials_get(c, &k, &e));
	assert_int_equal(e.kind, ERR_REMOTE);
	assert_ptr_equal(strstr(e.text,
			     "the key of the role r of this instance ended and "
			     "there is no new one: no credentials for COS: "),
	    e.text);
	assert_null(strstr(e.text, "s3cr3t"));
	serve(second_key, 2);
	gets(c, end + 1, "two", 2);
	gets(c, end + 2, "two", 0);
	assert_string_equal(credentials_origin(c), "role r of this instance");
	credentials_free(c);
}

/* One that lasts less than the 600 s: not asked for at every turn, but as
 * soon as it ended. */
static void
short_lived(void **state)
{
	struct credentials *c;

	(void)state;
	serve(first_key, 2);
	c = begin(CREDENTIALS_COS, NULL, true);
	gets(c, 1790007190, "one", 2);
	gets(c, 1790007199, "one", 0);
	serve(second_key, 2);
	gets(c, 1790007200, "two", 2);
	credentials_free(c);
}

/* A clock that is ahead makes every key look ended; it is used all the same. */
static void
wrong_clock(void **state)
{
	struct credentials *c;

	(void)state;
	serve(first_key, 2);
	c = begin(CREDENTIALS_COS, NULL, true);
	gets(c, 1790050000, "one", 2);
	gets(c, 1790050029, "one", 0);
	gets(c, 1790050031, "one", 2);
	credentials_free(c);
}

static void
renewed(void **state)
{
	struct credentials *c;
	struct credential old, k;
	struct err e;

	(void)state;
	serve(first_key, 2);
	c = begin(CREDENTIALS_COS, NULL, true);
	assert_true(credentials_get(c, &old, &e));
	serve(second_key, 2);
	assert_true(credentials_renew(c, &old, &e));
	assert_int_equal(asked, 2);
	/* Another thread with the same old key: it is done already. */
	assert_true(credentials_renew(c, &old, &e));
	assert_int_equal(asked, 2);
	assert_true(credentials_get(c, &k, &e));
	assert_string_equal(k.key.id, "two");
	serve(no_key, 1);
	assert_false(credentials_renew(c, &k, &e));
	assert_int_equal(e.kind, ERR_REMOTE);
	credential_release(&old);
	credential_release(&k);
	credentials_free(c);
}

struct many {
	struct credentials *c;
	const char *id; /* NULL: it must fail */
	atomic_int right;
};

static void *
one_of_many(void *arg)
{
	struct many *m = arg;
	struct credential k;
	struct err e;

	if (credentials_get(m->c, &k, &e))
		m->right += m->id != NULL && strcmp(k.key.id, m->id) == 0;
	else
		m->right += m->id == NULL;
	credential_release(&k);
	return NULL;
}

static void
many_get(struct credentials *c, const char *id)
{
	struct many m = { .c = c, .id = id };
	pthread_t t[8];

	for (size_t i = 0; i < COUNT_OF(t); i++)
		assert_int_equal(
		    pthread_create(&t[i], NULL, one_of_many, &m), 0);
	for (size_t i = 0; i < COUNT_OF(t); i++)
		pthread_join(t[i], NULL);
	assert_int_equal(m.right, COUNT_OF(t));
}

/* Eight threads at once: one asks, all have the outcome. */
static void
many_threads(void **state)
{
	struct credentials *c;

	(void)state;
	serve(first_key, 2);
	slow_ms = 100;
	c = begin(CREDENTIALS_COS, NULL, true);
	many_get(c, "one");
	assert_int_equal(asked, 2);
	many_get(c, "one");
	assert_int_equal(asked, 2);
	credentials_free(c);
	serve(no_key, 1);
	slow_ms = 200;
	c = begin(CREDENTIALS_COS, NULL, true);
	many_get(c, NULL);
	assert_int_equal(asked, 1);
	credentials_free(c);
}

/* While one thread fetches the next key, the others do not wait for it. */
static void
nobody_waits(void **state)
{
	struct many m = { .id = "two" };
	struct credential k;
	struct err e;
	pthread_t t;

	(void)state;
	serve(first_key, 2);
	m.c = begin(CREDENTIALS_COS, NULL, true);
	assert_true(credentials_get(m.c, &k, &e));
	credential_release(&k);
	serve(second_key, 2);
	the_time = 1790007000;
	slow_ms = 200;
	pthread_create(&t, NULL, one_of_many, &m);
	while (asked == 0)
		usleep(1000);
	assert_true(credentials_get(m.c, &k, &e));
	assert_string_equal(k.key.id, "one");
	assert_int_equal(asked, 1); /* it is still at the first question */
	credential_release(&k);
	pthread_join(t, NULL);
	assert_int_equal(m.right, 1);
	credentials_free(m.c);
}

/* --- JSON --- */

static void
json_fields(void **state)
{
	static const struct {
		const char *json, *name, *value; /* NULL: not there */
	} t[] = {
		{ "{\"a\":\"b\"}", "a", "b" },
		{ " { \"x\" : 1 , \"a\" : \"b\" }", "a", "b" },
		{ "{\"a\":-1.5e3}", "a", "-1.5e3" },
		{ "{\"a\":true}", "a", "true" },
		{ "{\"a\":\"\"}", "a", "" },
		{ "{\"a\":null}", "a", NULL },
		{ "{\"x\":{\"a\":[\"}\",{}]},\"a\":\"b\"}", "a", "b" },
		{ "{\"x\":{\"a\":1}}", "a", NULL },
		{ "{\"a\":[1]}", "a", NULL },
		{ "{\"\\u0061\":\"b\"}", "a", "b" },
		{ "{\"a\":\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"}", "a",
		    "\"\\/\b\f\n\r\t" },
		{ "{\"a\":\"\\u00e9\\u4E2d\\ud83d\\ude00\"}", "a",
		    "\xc3\xa9\xe4\xb8\xad\xf0\x9f\x98\x80" },
		{ "{\"a\":\"\\u0000\"}", "a", NULL },
		{ "{\"a\":\"\\ud83d\"}", "a", NULL },
		{ "{\"a\":\"\\ud83dx\"}", "a", NULL },
		{ "{\"a\":\"\\ude00\"}", "a", NULL },
		{ "{\"a\":\"\\u12g4\"}", "a", NULL },
		{ "{\"a\":\"\\x\"}", "a", NULL },
		{ "{\"a\":\"\n\"}", "a", NULL },
		{ "{\"a\":\"b", "a", NULL },
		{ "{\"a\":\"\\", "a", NULL },
		{ "{\"a\":", "a", NULL },
		{ "{\"a\":}", "a", NULL },
		{ "{\"a\" \"b\"}", "a", NULL },
		{ "{\"x\":1 \"a\":2}", "a", NULL },
		{ "{\"x\":[[[[", "a", NULL },
		{ "[\"a\"]", "a", NULL },
		{ "", "a", NULL },
		{ "{}", "a", NULL },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(t); i++) {
		/* Exactly as much memory as there is text. */
		size_t n = strlen(t[i].json);
		uint8_t *p = malloc(n > 0 ? n : 1);
		struct text v = { 0 };
		bool found;

		memcpy(p, t[i].json, n);
		found = jsonfield_get((struct span){ p, n }, t[i].name, &v);
		assert_int_equal(found, t[i].value != NULL);
		assert_string_equal(text_get(&v), found ? t[i].value : "");
		text_release(&v);
		free(p);
	}
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(environment),
		CASE(bad_environment),
		CASE(cos_files),
		CASE(aws_files),
		CASE(bad_files),
		CASE(settings),
		CASE(cvm_role),
		CASE(bad_cvm_role),
		CASE(role_with_blank),
		CASE(ec2_role),
		CASE(container_role),
		CASE(refreshed),
		CASE(short_lived),
		CASE(wrong_clock),
		CASE(renewed),
		CASE(many_threads),
		CASE(nobody_waits),
		CASE(json_fields),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
