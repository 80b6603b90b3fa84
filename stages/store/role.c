/*
 * role.c -- see role.h
 *
 * Sources: COS, cloud.tencent.com/document/product/213/4934 ("CVM metadata")
 * and the COS SDK for Go; AWS, "Use IMDSv2" in the EC2 guide and "Container
 * credential provider" in the SDK reference guide.  Instance metadata without
 * a session token (IMDSv1) is not asked for.
 */
#include "stages/store/role.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>
#include <unistd.h>

#include "stages/store/jsonfield.h"
#include "stages/store/sign.h"

#define CVM       "http://metadata.tencentyun.com"
#define EC2       "http://169.254.169.254"
#define CONTAINER "http://169.254.170.2"

#define CVM_PATH   "/latest/meta-data/cam/security-credentials/"
#define EC2_PATH   "/latest/meta-data/iam/security-credentials/"
#define TOKEN_PATH "/latest/api/token"
#define TOKEN_TTL  "X-aws-ec2-metadata-token-ttl-seconds: 21600"

/* Whom to ask, and with what. */
struct asker {
	role_fetch *fetch;
	void *arg;
	int timeout_ms;
	struct text base, header; /* header: a line for every GET, or empty */
};

/* The members of an answer, as each cloud calls them. */
struct names {
	const char *id, *secret, *until;
	bool until_is_number;
};

static const struct names cvm_names = { "TmpSecretId", "TmpSecretKey",
	"ExpiredTime", true };
static const struct names aws_names = { "AccessKeyId", "SecretAccessKey",
	"Expiration", false };

static const char *
setting(const char *name)
{
	const char *v = getenv(name);

	return v != NULL && *v != '\0' ? v : NULL;
}

/* Make one request for base + path; anything but 200 is an error.  Answers
 * are not shown: they may be half a secret. */
static bool
ask(const struct asker *a, const char *method, const char *path,
    const char *line, struct text *body, struct err *e)
{
	struct text url = { 0 };
	struct role_request r = { .method = method,
		.headers = &line,
		.n_headers = line != NULL && *line != '\0',
		.timeout_ms = a->timeout_ms };
	int status = 0;
	bool ok;

	text_putf(&url, "%s%s", text_get(&a->base), path);
	r.url = url.ptr;
	ok = text_ok(&url, e) && a->fetch(a->arg, &r, &status, body, e);
	if (ok && status != 200)
		ok = err_set(e, ERR_REMOTE, "%s answered %d", url.ptr, status);
	ok = ok && text_ok(body, e);
	text_release(&url);
	return ok;
}

static bool
get(const struct asker *a, const char *path, struct text *body, struct err *e)
{
	return ask(a, "GET", path, text_get(&a->header), body, e);
}

static bool
has_controls(const char *s)
{
	for (; *s != '\0'; s++)
		if ((unsigned char)*s <= ' ' || *s == 0x7f)
			return true;
	return false;
}

/* The first line of the list of roles. */
static bool
find_role(
    const struct asker *a, const char *path, struct text *role, struct err *e)
{
	struct text body = { 0 };
	const char *s;
	bool ok = get(a, path, &body, e);

	if (ok) {
		s = text_get(&body);
		s += strspn(s, " \t\r\n");
		text_put_bytes(role, s, strcspn(s, " \t\r\n"));
		ok = text_ok(role, e);
	}
	text_release(&body);
	if (!ok || role->len > 0)
		return ok;
	return err_set(
	    e, ERR_REMOTE, "%s%s names no role", text_get(&a->base), path);
}

/* "2026-11-22T12:00:00Z", with or without a fraction. */
static bool
read_moment(const char *text, int64_t *seconds)
{
	struct tm tm = { 0 };
	const char *end = strptime(text, "%Y-%m-%dT%H:%M:%S", &tm);

	if (end != NULL && *end == '.')
		end += 1 + strspn(end + 1, "0123456789");
	if (end == NULL || strcmp(end, "Z") != 0)
		return false;
	*seconds = (int64_t)timegm(&tm);
	return true;
}

static bool
read_number(const char *text, int64_t *n)
{
	char *end;

	errno = 0;
	*n = strtoll(text, &end, 10);
	return end != text && *end == '\0' && errno == 0;
}

/* Code is "Success" where there is one: containers have none. */
static bool
check_code(struct span json, const char *what, struct err *e)
{
	struct text code = { 0 };
	char q[80];
	bool ok = true;

	if (jsonfield_get(json, "Code", &code) &&
	    strcmp(text_get(&code), "Success") != 0)
		ok = err_set(e, ERR_REMOTE, "%s: \"%s\"", what,
		    err_quote(q, sizeof q, code.ptr, code.len));
	text_release(&code);
	return ok;
}

static bool
read_key(const struct text *body, const struct names *n, const char *what,
    struct role_key *k, struct err *e)
{
	struct span json = { (const uint8_t *)body->ptr, body->len };
	struct text until = { 0 };
	bool ok;

	if (!check_code(json, what, e))
		return false;
	ok = jsonfield_get(json, n->id, &k->id) && k->id.len > 0 &&
	    jsonfield_get(json, n->secret, &k->secret) && k->secret.len > 0 &&
	    jsonfield_get(json, "Token", &k->token) && k->token.len > 0 &&
	    jsonfield_get(json, n->until, &until) && until.len > 0;
	if (ok)
		ok = n->until_is_number ? read_number(until.ptr, &k->until) :
					  read_moment(until.ptr, &k->until);
	text_release(&until);
	if (!ok)
		return err_set(e, ERR_REMOTE,
		    "%s: the answer is no key: one of %s, %s, Token and %s is "
		    "missing or malformed",
		    what, n->id, n->secret, n->until);
	return text_ok(&k->id, e) && text_ok(&k->secret, e) &&
	    text_ok(&k->token, e);
}

static bool
get_key(const struct asker *a, const char *path, const struct names *n,
    struct role_key *k, struct err *e)
{
	struct text body = { 0 }, what = { 0 };
	bool ok;

	text_putf(&what, "%s%s", text_get(&a->base), path);
	ok = get(a, path, &body, e) && text_ok(&what, e) &&
	    read_key(&body, n, what.ptr, k, e);
	text_release(&body);
	text_release(&what);
	return ok;
}

/* Both clouds: the list of roles, then the key of the first. */
static bool
instance_key(const struct asker *a, const char *list, const struct names *n,
    struct role_key *k, struct err *e)
{
	struct text path = { 0 };
	bool ok;

	if (!find_role(a, list, &k->role, e))
		return false;
	text_put(&path, list);
	sign_encode(&path, k->role.ptr, false);
	ok = text_ok(&path, e) && get_key(a, path.ptr, n, k, e);
	text_release(&path);
	return ok;
}

/* A base address: without the slashes that our paths begin with. */
static void
put_base(struct text *to, const char *env, const char *otherwise)
{
	text_put(to, setting(env) != NULL ? setting(env) : otherwise);
	while (!to->bad && to->len > 0 && to->ptr[to->len - 1] == '/')
		to->ptr[--to->len] = '\0';
}

static void
release(struct asker *a)
{
	text_release(&a->base);
	text_release(&a->header);
}

bool
role_cos(role_fetch *fetch, void *arg, struct role_key *k, struct err *e)
{
	struct asker a = { .fetch = fetch, .arg = arg, .timeout_ms = 5000 };
	bool ok;

	put_base(&a.base, "RDBPIPE_CVM_METADATA", CVM);
	ok =
	    text_ok(&a.base, e) && instance_key(&a, CVM_PATH, &cvm_names, k, e);
	release(&a);
	return ok;
}

/* The session that every further question is asked in. */
static bool
begin_session(struct asker *a, struct err *e)
{
	struct text token = { 0 };
	bool ok = ask(a, "PUT", TOKEN_PATH, TOKEN_TTL, &token, e);

	if (ok && (token.len == 0 || has_controls(token.ptr)))
		ok = err_set(e, ERR_REMOTE, "%s%s gave no token",
		    text_get(&a->base), TOKEN_PATH);
	if (ok)
		text_putf(
		    &a->header, "X-aws-ec2-metadata-token: %s", token.ptr);
	text_release(&token);
	return ok && text_ok(&a->header, e);
}

static bool
role_ec2(role_fetch *fetch, void *arg, struct role_key *k, struct err *e)
{
	struct asker a = { .fetch = fetch, .arg = arg, .timeout_ms = 1000 };
	const char *off = setting("AWS_EC2_METADATA_DISABLED");
	bool ok;

	if (off != NULL && strcasecmp(off, "true") == 0)
		return err_set(
		    e, ERR_REMOTE, "AWS_EC2_METADATA_DISABLED is set");
	put_base(&a.base, "AWS_EC2_METADATA_SERVICE_ENDPOINT", EC2);
	ok = text_ok(&a.base, e) && begin_session(&a, e) &&
	    instance_key(&a, EC2_PATH, &aws_names, k, e);
	release(&a);
	return ok;
}

/*
 * A secret goes to this address and comes from it, so without TLS it must be
 * this machine's, or the two that ECS and EKS have, as AWS's SDKs want it.
 */
static bool
is_safe(const char *url)
{
	static const char *const hosts[] = { "localhost", "127.0.0.1", "[::1]",
		"169.254.170.2", "169.254.170.23", "[fd00:ec2::23]" };
	size_t i, n;

	if (strncmp(url, "https://", 8) == 0)
		return true;
	if (strncmp(url, "http://", 7) != 0)
		return false;
	url += 7;
	if (strchr(url, '@') != NULL)
		return false;
	for (i = 0; i < COUNT_OF(hosts); i++) {
		n = strlen(hosts[i]);
		if (strncmp(url, hosts[i], n) == 0 &&
		    (url[n] == '\0' || strchr(":/?", url[n]) != NULL))
			return true;
	}
	return false;
}

static bool
read_token_file(const char *path, struct text *to, struct err *e)
{
	char buf[8192];
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	ssize_t n = fd >= 0 ? read(fd, buf, sizeof buf) : -1;

	if (n < 0)
		err_sys(e, "cannot read %s", path);
	if (fd >= 0)
		close(fd);
	if (n < 0)
		return false;
	while (n > 0 && isspace((unsigned char)buf[n - 1]))
		n--;
	text_put_bytes(to, buf, (size_t)n);
	explicit_bzero(buf, sizeof buf);
	return text_ok(to, e);
}

/* The header that the container's agent wants, if any. */
static bool
put_container_token(struct text *header, struct err *e)
{
	const char *file = setting("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE");
	const char *token = setting("AWS_CONTAINER_AUTHORIZATION_TOKEN");

	if (file == NULL && token == NULL)
		return true;
	text_put(header, "Authorization: ");
	if (file != NULL) {
		if (!read_token_file(file, header, e))
			return false;
	} else {
		text_put(header, token);
	}
	if (!text_ok(header, e))
		return false;
	for (const char *s = header->ptr; *s != '\0'; s++)
		if ((unsigned char)*s < ' ' || *s == 0x7f)
			return err_set(e, ERR_USAGE, "control character in %s",
			    file != NULL ? file :
					   "AWS_CONTAINER_AUTHORIZATION_TOKEN");
	return true;
}

static bool
role_container(role_fetch *fetch, void *arg, const char *relative,
    const char *full, struct role_key *k, struct err *e)
{
	struct asker a = { .fetch = fetch, .arg = arg, .timeout_ms = 5000 };
	bool ok;

	if (relative == NULL && !is_safe(full))
		return err_set(e, ERR_USAGE,
		    "AWS_CONTAINER_CREDENTIALS_FULL_URI is neither https nor "
		    "of this machine");
	text_put(&a.base, relative != NULL ? CONTAINER : full);
	ok = text_ok(&a.base, e) && put_container_token(&a.header, e) &&
	    get_key(&a, relative != NULL ? relative : "", &aws_names, k, e);
	release(&a);
	return ok;
}

bool
role_s3(role_fetch *fetch, void *arg, struct role_key *k, struct err *e)
{
	const char *relative =
	    setting("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI");
	const char *full = setting("AWS_CONTAINER_CREDENTIALS_FULL_URI");

	if (relative != NULL || full != NULL)
		return role_container(fetch, arg, relative, full, k, e);
	return role_ec2(fetch, arg, k, e);
}

void
role_key_release(struct role_key *k)
{
	text_release(&k->id);
	text_release(&k->secret);
	text_release(&k->token);
	text_release(&k->role);
	k->until = 0;
}
