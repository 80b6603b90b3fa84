/*
 * place.c -- cos:// and s3:// URLs; see place.h.
 *
 * What a URL holds is repeated in messages only where it cannot be a secret
 * that somebody put there by mistake: names of options, not their values, and
 * no bucket with an '@' in it.
 */
#include "stages/store/place.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "stages/kit/hex.h"
#include "stages/store/profile.h"
#include "stages/store/sign.h"

#define LETTERS "abcdefghijklmnopqrstuvwxyz"
#define DIGITS  "0123456789"
#define UPPERS  "ABCDEFGHIJKLMNOPQRSTUVWXYZ"

/* What the query said; each owned, NULL: nothing. */
struct options {
	char *region, *endpoint, *addressing, *internal, *accelerate, *checksum;
};

static const char *const addressings[] = { "auto", "vhost", "path", "cname" };

/* --- percent-encoding --- */

/* A copy of n bytes, %XX replaced.  NULL, with e filled, on failure. */
static char *
decode(const char *from, size_t n, struct err *e)
{
	char *copy = malloc(n + 1), *to = copy;
	int byte;

	if (copy == NULL) {
		err_sys(e, "cannot read a URL");
		return NULL;
	}
	for (const char *end = from + n; from < end; from++) {
		if (*from != '%') {
			*to++ = *from;
			continue;
		}
		if (end - from < 3 || (byte = hex_byte(from + 1)) <= 0) {
			err_set(e, ERR_USAGE,
			    "a store's URL: %% wants two hex digits that are "
			    "not 00");
			free(copy);
			return NULL;
		}
		*to++ = (char)byte;
		from += 2;
	}
	*to = '\0';
	return copy;
}

/* --- the query --- */

static void
options_free(struct options *o)
{
	free(o->region);
	free(o->endpoint);
	free(o->addressing);
	free(o->internal);
	free(o->accelerate);
	free(o->checksum);
}

/* Where an option's value goes; NULL when this dialect has none such. */
static char **
option_at(
    struct options *o, enum place_dialect dialect, const char *name, size_t n)
{
	const struct {
		const char *name;
		char **to;
		bool cos, s3;
	} known[] = {
		{ "region", &o->region, true, true },
		{ "endpoint", &o->endpoint, true, true },
		{ "addressing", &o->addressing, true, true },
		{ "internal", &o->internal, true, false },
		{ "accelerate", &o->accelerate, true, false },
		{ "checksum", &o->checksum, false, true },
	};

	for (size_t i = 0; i < COUNT_OF(known); i++)
		if (strlen(known[i].name) == n &&
		    memcmp(known[i].name, name, n) == 0 &&
		    (dialect == PLACE_COS ? known[i].cos : known[i].s3))
			return known[i].to;
	return NULL;
}

static bool
options_read(struct options *o, enum place_dialect dialect, const char *query,
    struct err *e)
{
	const char *scheme = dialect == PLACE_COS ? "cos" : "s3";
	char shown[64], **to;

	while (*query != '\0') {
		size_t all = strcspn(query, "&"), n = strcspn(query, "=&");

		err_quote(shown, sizeof shown, query, n);
		if ((to = option_at(o, dialect, query, n)) == NULL)
			return err_set(e, ERR_USAGE,
			    "a %s:// URL takes no option \"%s\"", scheme,
			    shown);
		if (*to != NULL)
			return err_set(e, ERR_USAGE, "a %s:// URL has %s twice",
			    scheme, shown);
		if (n + 1 >= all)
			return err_set(e, ERR_USAGE,
			    "a %s:// URL: %s wants a value", scheme, shown);
		if ((*to = decode(query + n + 1, all - n - 1, e)) == NULL)
			return false;
		query += all + (query[all] == '&');
	}
	return true;
}

static bool
option_flag(bool *to, const char *name, const char *value, struct err *e)
{
	*to = value != NULL && strcmp(value, "1") == 0;
	return value == NULL || *to || strcmp(value, "0") == 0 ||
	    err_set(e, ERR_USAGE, "a cos:// URL: %s is 1 or 0", name);
}

static bool
option_checksum(bool *to, const char *value, struct err *e)
{
	*to = value != NULL && strcmp(value, "crc64nvme") == 0;
	return value == NULL || *to ||
	    err_set(e, ERR_USAGE, "a s3:// URL: checksum is crc64nvme");
}

static bool
option_addressing(enum place_addressing *to, const char *value, struct err *e)
{
	*to = PLACE_AUTO;
	for (size_t i = 0; value != NULL && i < COUNT_OF(addressings); i++)
		if (strcmp(value, addressings[i]) == 0)
			*to = (enum place_addressing)i;
	return value == NULL || *to != PLACE_AUTO ||
	    strcmp(value, "auto") == 0 ||
	    err_set(e, ERR_USAGE,
		"a store's URL: addressing is vhost, path, cname or auto");
}

/* --- names --- */

static bool
ends_in(const char *s, const char *end)
{
	size_t n = strlen(s), m = strlen(end);

	return n >= m && strcmp(s + n - m, end) == 0;
}

static bool
is_cos_host(const char *host)
{
	return ends_in(host, ".myqcloud.com") ||
	    ends_in(host, ".tencentcos.cn");
}

static bool
is_aws_host(const char *host)
{
	return ends_in(host, ".amazonaws.com") ||
	    ends_in(host, ".amazonaws.com.cn");
}

/* The region in "cos.REGION.myqcloud.com", "s3.REGION.amazonaws.com"; the
 * bucket may stand before.  malloc'd; NULL when there is none. */
static char *
region_of_host(const char *host)
{
	const char *at = NULL,
		   *const marks[] = { "cos.", "cos-internal.", "s3." };
	size_t n;

	if (!is_cos_host(host) && !is_aws_host(host))
		return NULL;
	for (size_t i = 0; at == NULL && i < COUNT_OF(marks); i++) {
		at = strstr(host, marks[i]);
		if (at != NULL && at != host && at[-1] != '.')
			at = NULL;
		if (at != NULL)
			at += strlen(marks[i]);
	}
	if (at == NULL || (n = strcspn(at, ".")) == 0 ||
	    strncmp(at, "accelerate.", 11) == 0 ||
	    strncmp(at, "amazonaws.", 10) == 0)
		return NULL;
	return strndup(at, n);
}

static bool
check_region(const char *region, struct err *e)
{
	return (*region != '\0' &&
		   region[strspn(region, LETTERS DIGITS "-")] == '\0') ||
	    err_set(e, ERR_USAGE,
		"a store's URL: a region is made of a-z, 0-9 and -, as in "
		"ap-guangzhou");
}

static bool
check_bucket(const struct place *p, struct err *e)
{
	const char *b = p->bucket, *dash = strrchr(b, '-');
	bool cos = p->dialect == PLACE_COS;
	size_t n = strlen(b);
	bool well = n > 0 && n <= 255 &&
	    b[strspn(b, LETTERS DIGITS "-." UPPERS "_")] == '\0';

	if (n == 0)
		return err_set(e, ERR_USAGE, "a %s:// URL names no bucket",
		    cos ? "cos" : "s3");
	if (!well || *b == '.' || *b == '-')
		return err_set(e, ERR_USAGE,
		    "a %s:// URL: the bucket has a character that none can "
		    "have",
		    cos ? "cos" : "s3");
	if (cos && !p->own_endpoint &&
	    (dash == NULL || dash == b || dash[1] == '\0' ||
		dash[1 + strspn(dash + 1, DIGITS)] != '\0'))
		return err_set(e, ERR_USAGE,
		    "cos://%s: a bucket of COS ends in -APPID, as in "
		    "backup-1250000000",
		    b);
	return true;
}

/* --- the host --- */

/* Find the ":port" of a host, NULL: none.  False when it is no such thing, or
 * an address's brackets are not closed. */
static bool
endpoint_port(const char *at, const char *end, const char **port)
{
	const char *from = at;
	long number;

	if (*at == '[' && (from = memchr(at, ']', (size_t)(end - at))) == NULL)
		return false;
	*port = memchr(from, ':', (size_t)(end - from));
	if (*port == NULL)
		return true;
	number = strtol(*port + 1, NULL, 10);
	return *port != at && end - *port <= 6 &&
	    strspn(*port + 1, DIGITS) == (size_t)(end - *port) - 1 &&
	    number >= 1 && number <= 65535;
}

/* Split an endpoint; *host is malloc'd, with a port unless the scheme's. */
static bool
endpoint_read(const char *url, bool *tls, char **host, struct err *e)
{
	const char *at, *end, *port;
	size_t n;

	*tls = strncmp(url, "https://", 8) == 0;
	if (!*tls && strncmp(url, "http://", 7) != 0)
		return err_set(e, ERR_USAGE,
		    "a store's endpoint begins with http:// or https://");
	at = url + (*tls ? 8 : 7);
	n = strcspn(at, "/?#");
	end = at + n;
	if (n == 0 || n > 255 || memchr(at, '@', n) != NULL ||
	    (*end != '\0' && strcmp(end, "/") != 0))
		return err_set(e, ERR_USAGE,
		    "a store's endpoint is a scheme, a host and perhaps a "
		    "port: no user, no path");
	for (const char *c = at; c < end; c++)
		if (strchr(LETTERS UPPERS DIGITS "-._:[]", *c) == NULL)
			return err_set(e, ERR_USAGE,
			    "a store's endpoint: no host has such a name");
	if (!endpoint_port(at, end, &port))
		return err_set(e, ERR_USAGE,
		    "a store's endpoint: the port is no number, or no port");
	if (port != NULL && strtol(port + 1, NULL, 10) == (*tls ? 443 : 80))
		n = (size_t)(port - at);
	if ((*host = strndup(at, n)) == NULL)
		return err_sys(e, "cannot read a URL");
	for (char *c = *host; *c != '\0'; c++)
		if (*c >= 'A' && *c <= 'Z')
			*c |= 0x20;
	return true;
}

/* The service's name for a region, without the bucket.  malloc'd or NULL. */
static char *
service_host(enum place_dialect dialect, const char *region, bool internal,
    bool accelerate)
{
	char *host = NULL;
	int n;

	if (dialect == PLACE_S3)
		n = asprintf(&host, "s3.%s.amazonaws.com%s", region,
		    strncmp(region, "cn-", 3) == 0 ? ".cn" : "");
	else if (internal)
		n = asprintf(&host, "cos-internal.%s.tencentcos.cn", region);
	else if (accelerate)
		n = asprintf(&host, "cos.accelerate.myqcloud.com");
	else
		n = asprintf(&host, "cos.%s.myqcloud.com", region);
	return n == -1 ? NULL : host;
}

/* How the bucket is named, when the URL does not say. */
static enum place_addressing
addressing_of(const struct place *p, const char *host)
{
	char name[256];

	snprintf(name, sizeof name, "%.*s", (int)strcspn(host, ":"), host);
	if (p->dialect == PLACE_COS)
		return is_cos_host(name) ? PLACE_VHOST : PLACE_CNAME;
	return (is_aws_host(name) || is_cos_host(name)) &&
		strchr(p->bucket, '.') == NULL ?
	    PLACE_VHOST :
	    PLACE_PATH;
}

/* Put the bucket where addressing says; host is taken over. */
static bool
place_bucket(struct place *p, char *host, struct err *e)
{
	size_t n = strlen(p->bucket);
	bool there;

	p->host = host;
	if (host == NULL)
		return err_sys(e, "cannot read a URL");
	there = strncmp(host, p->bucket, n) == 0 && host[n] == '.';
	if (p->addressing == PLACE_AUTO)
		p->addressing = addressing_of(p, host);
	if (p->addressing == PLACE_VHOST && !there) {
		p->host = NULL;
		if (asprintf(&p->host, "%s.%s", p->bucket, host) == -1)
			p->host = NULL;
		free(host);
	}
	if (p->addressing != PLACE_PATH)
		p->base = strdup("/");
	else if (asprintf(&p->base, "/%s/", p->bucket) == -1)
		p->base = NULL;
	return (p->host != NULL && p->base != NULL) ||
	    err_sys(e, "cannot read a URL");
}

/* --- regions --- */

static const char *
environment(const char *a, const char *b)
{
	const char *value = getenv(a);

	if (value == NULL || *value == '\0')
		value = getenv(b);
	return value == NULL || *value == '\0' ? NULL : value;
}

/* What S3's own tools would take, from the environment or from their file.
 * *to is owned, NULL: they are not told. */
static bool
s3_setting(const char *name, char **to, struct err *e)
{
	struct text value = { 0 };
	bool ok = profile_setting_s3(NULL, name, &value, e);

	*to = ok && value.len > 0 ? strdup(value.ptr) : NULL;
	if (ok && value.len > 0 && *to == NULL)
		ok = err_sys(e, "cannot read a URL");
	text_release(&value);
	return ok;
}

/* Settle the region: the URL's, the host's, that of our surroundings. */
static bool
place_region(struct place *p, const char *said, const char *host, struct err *e)
{
	const char *cos = environment("COS_REGION", "TENCENTCLOUD_REGION");

	if (said == NULL && host != NULL &&
	    (p->region = region_of_host(host)) != NULL)
		return true;
	if (said == NULL && p->dialect == PLACE_S3 &&
	    !s3_setting("region", &p->region, e))
		return false;
	if (p->region != NULL)
		return check_region(p->region, e);
	if (said != NULL)
		p->region = strdup(said);
	else if (p->dialect == PLACE_S3)
		p->region = strdup("us-east-1");
	else if (cos != NULL)
		p->region = strdup(cos);
	else if (host != NULL || p->accelerate)
		p->region = strdup("");
	else
		return err_set(e, ERR_USAGE,
		    "cos://%s: say where it is, as in ?region=ap-guangzhou",
		    p->bucket);
	if (p->region == NULL)
		return err_sys(e, "cannot read a URL");
	return *p->region == '\0' || check_region(p->region, e);
}

/* Host, region and addressing from what was said. */
static bool
place_settle(struct place *p, struct options *o, struct err *e)
{
	char *host = NULL;

	if (!option_flag(&p->internal, "internal", o->internal, e) ||
	    !option_flag(&p->accelerate, "accelerate", o->accelerate, e) ||
	    !option_addressing(&p->addressing, o->addressing, e) ||
	    !option_checksum(&p->crc64nvme, o->checksum, e))
		return false;
	if (p->internal && p->accelerate)
		return err_set(e, ERR_USAGE,
		    "a cos:// URL: internal and accelerate exclude each "
		    "other");
	if ((p->internal || p->accelerate) && o->endpoint != NULL)
		return err_set(e, ERR_USAGE,
		    "a cos:// URL: with an endpoint there is neither internal "
		    "nor accelerate");
	if (o->endpoint == NULL && p->dialect == PLACE_S3 &&
	    !s3_setting("endpoint_url", &o->endpoint, e))
		return false;
	p->own_endpoint = o->endpoint != NULL;
	p->tls = true;
	if (p->own_endpoint && !endpoint_read(o->endpoint, &p->tls, &host, e))
		return false;
	if (!check_bucket(p, e) || !place_region(p, o->region, host, e)) {
		free(host);
		return false;
	}
	if (host == NULL)
		host = service_host(
		    p->dialect, p->region, p->internal, p->accelerate);
	return place_bucket(p, host, e);
}

bool
place_parse(struct place *p, const char *url, struct err *e)
{
	struct options o = { NULL, NULL, NULL, NULL, NULL, NULL };
	const char *at, *query;
	size_t n, key;
	bool ok = false;

	memset(p, 0, sizeof *p);
	if (strncmp(url, "cos://", 6) == 0)
		p->dialect = PLACE_COS;
	else if (strncmp(url, "s3://", 5) == 0)
		p->dialect = PLACE_S3;
	else
		return err_set(e, ERR_USAGE, "no cos:// or s3:// URL");
	at = strstr(url, "://") + 3;
	n = strcspn(at, "/?");
	key = at[n] == '/' ? n + 1 : n;
	query = strchr(at, '?');
	if (strchr(at, '#') != NULL) {
		err_set(e, ERR_USAGE, "a store's URL takes no #; write %%23");
		return false;
	}
	if (query == NULL)
		query = at + strlen(at);
	if ((p->bucket = strndup(at, n)) == NULL ||
	    (p->query = strdup(query)) == NULL) {
		err_sys(e, "cannot read a URL");
		goto out;
	}
	p->key = decode(at + key, (size_t)(query - at) - key, e);
	if (p->key == NULL)
		goto out;
	if (!options_read(&o, p->dialect, query + (*query == '?'), e) ||
	    !place_settle(p, &o, e))
		goto out;
	ok = *p->key == '\0' || place_check_key(p, p->key, e);
out:
	options_free(&o);
	if (!ok)
		place_release(p);
	return ok;
}

void
place_release(struct place *p)
{
	free(p->bucket);
	free(p->key);
	free(p->region);
	free(p->host);
	free(p->base);
	free(p->query);
	memset(p, 0, sizeof *p);
}

/* --- keys --- */

/* Bytes of the UTF-8 character at s; 0 when it is none (RFC 3629). */
static size_t
utf8_len(const unsigned char *s)
{
	static const struct {
		unsigned char low, high, next_low, next_high;
		size_t len;
	} rows[] = {
		{ 0x01, 0x7f, 0, 0, 1 },
		{ 0xc2, 0xdf, 0x80, 0xbf, 2 },
		{ 0xe0, 0xe0, 0xa0, 0xbf, 3 },
		{ 0xe1, 0xec, 0x80, 0xbf, 3 },
		{ 0xed, 0xed, 0x80, 0x9f, 3 },
		{ 0xee, 0xef, 0x80, 0xbf, 3 },
		{ 0xf0, 0xf0, 0x90, 0xbf, 4 },
		{ 0xf1, 0xf3, 0x80, 0xbf, 4 },
		{ 0xf4, 0xf4, 0x80, 0x8f, 4 },
	};

	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		if (*s < rows[i].low || *s > rows[i].high)
			continue;
		if (rows[i].len > 1 &&
		    (s[1] < rows[i].next_low || s[1] > rows[i].next_high))
			return 0;
		for (size_t n = 2; n < rows[i].len; n++)
			if ((s[n] & 0xc0) != 0x80)
				return 0;
		return rows[i].len;
	}
	return 0;
}

/* What proxies and servers may take away from a path, and then it is another
 * key, or even another bucket. */
static bool
has_dots(const char *key)
{
	for (size_t n; *key != '\0'; key += n + (key[n] == '/')) {
		n = strcspn(key, "/");
		if ((n == 1 && *key == '.') ||
		    (n == 2 && strncmp(key, "..", 2) == 0))
			return true;
	}
	return false;
}

bool
place_check_key(const struct place *p, const char *key, struct err *e)
{
	size_t max = p->dialect == PLACE_COS ? PLACE_KEY_MAX : 1024, n;
	const unsigned char *s = (const unsigned char *)key;
	const char *why = NULL;
	char shown[128];

	if (*key == '\0')
		return err_set(e, ERR_USAGE, "a key is empty");
	if (strlen(key) > max)
		why = p->dialect == PLACE_COS ?
		    "is longer than 850 bytes, which COS does not take" :
		    "is longer than 1024 bytes, which S3 does not take";
	else if (has_dots(key))
		why = "has a part that is \".\" or \"..\"";
	for (; why == NULL && *s != '\0'; s += n) {
		if (*s < 0x20 || *s == 0x7f)
			why = "has a control character";
		else if ((n = utf8_len(s)) == 0)
			why = "is not UTF-8";
		if (why != NULL)
			break;
	}
	return why == NULL ||
	    err_set(e, ERR_USAGE, "the key \"%s\" %s",
		err_quote(shown, sizeof shown, key, strlen(key)), why);
}

/* --- addresses --- */

char *
place_url(const struct place *p, const char *key)
{
	struct text t = { 0 };

	text_putf(
	    &t, "%s://%s/", p->dialect == PLACE_COS ? "cos" : "s3", p->bucket);
	sign_encode(&t, key, true);
	text_put(&t, p->query);
	return text_get(&t) == NULL ? NULL : t.ptr;
}

char *
place_path(const struct place *p, const char *key)
{
	char *path = NULL;

	return asprintf(&path, "%s%s", p->base, key) == -1 ? NULL : path;
}

char *
place_host_in(const struct place *p, const char *region)
{
	char *service, *host = NULL;

	if (p->own_endpoint)
		return strdup("");
	service = service_host(p->dialect, region, p->internal, p->accelerate);
	if (service == NULL || p->addressing != PLACE_VHOST)
		return service;
	if (asprintf(&host, "%s.%s", p->bucket, service) == -1)
		host = NULL;
	free(service);
	return host;
}

bool
place_move(
    struct place *to, const struct place *from, bool internal, struct err *e)
{
	char *url = NULL;
	bool ok;

	if (from->dialect != PLACE_COS || from->own_endpoint)
		return err_set(e, ERR_USAGE,
		    "%s://%s: it has one address only, no internal one",
		    from->dialect == PLACE_COS ? "cos" : "s3", from->bucket);
	if (*from->region == '\0')
		return err_set(e, ERR_USAGE,
		    "cos://%s: say where it is, as in ?region=ap-guangzhou",
		    from->bucket);
	if (asprintf(&url, "cos://%s/?region=%s%s", from->bucket, from->region,
		internal ? "&internal=1" : "") == -1)
		return err_sys(e, "cannot read a URL");
	ok = place_parse(to, url, e);
	free(url);
	if (!ok)
		return false;
	free(to->key);
	if ((to->key = strdup(from->key)) == NULL) {
		place_release(to);
		return err_sys(e, "cannot read a URL");
	}
	return true;
}
