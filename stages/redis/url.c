/* url.c -- server URLs; see url.h for the forms and the care about secrets. */
#include "stages/redis/url.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "stages/kit/hex.h"

#define DEFAULT_PORT 6379
#define PATH_MAX_LEN 107 /* sockaddr_un */

/* Percent-decode n bytes into new memory; what names them in messages. */
static char *
decode(const char *s, size_t n, const char *what, struct err *e)
{
	char *out = malloc(n + 1), *to = out;

	if (out == NULL) {
		err_sys(e, "no memory for the URL");
		return NULL;
	}
	for (size_t i = 0; i < n; i++) {
		int c = (unsigned char)s[i];

		if (c == '%') {
			c = i + 2 < n ? hex_byte(s + i + 1) : -1;
			i += 2;
			if (c <= 0) {
				free(out);
				err_set(e, ERR_USAGE,
				    "the %s in the URL has a '%%' that is not "
				    "followed by two hex digits (write %%25 "
				    "for the sign itself)",
				    what);
				return NULL;
			}
		}
		*to++ = (char)c;
	}
	*to = '\0';
	return out;
}

static bool
parse_number(const char *s, size_t n, unsigned max, unsigned *out)
{
	unsigned value = 0;

	if (n == 0 || n > 6)
		return false;
	for (size_t i = 0; i < n; i++) {
		if (s[i] < '0' || s[i] > '9')
			return false;
		value = value * 10 + (unsigned)(s[i] - '0');
	}
	*out = value;
	return value <= max;
}

/* What is in front of '@': user, user:password or :password. */
static bool
parse_userinfo(struct url *u, const char *s, size_t n, struct err *e)
{
	const char *colon = memchr(s, ':', n);
	size_t user_len = colon != NULL ? (size_t)(colon - s) : n;

	if (user_len > 0) {
		u->user = decode(s, user_len, "user", e);
		if (u->user == NULL)
			return false;
	}
	if (colon != NULL && n - user_len > 1) {
		u->password =
		    decode(colon + 1, n - user_len - 1, "password", e);
		if (u->password == NULL)
			return false;
	}
	return true;
}

/* Find host and port in n bytes; false when they are of no known form. */
static bool
split_host(const char *s, size_t n, char *host, size_t cap, unsigned *port)
{
	const char *from = s, *rest;
	size_t len;

	if (n > 0 && s[0] == '[') {
		rest = memchr(s, ']', n);
		if (rest == NULL)
			return false;
		from = s + 1;
		len = (size_t)(rest - from);
		rest++;
	} else {
		rest = memchr(s, ':', n);
		len = rest != NULL ? (size_t)(rest - s) : n;
		if (rest == NULL)
			rest = s + n;
	}
	if (len == 0 || len >= cap)
		return false;
	memcpy(host, from, len);
	host[len] = '\0';
	if (rest == s + n)
		return true;
	return *rest == ':' &&
	    parse_number(rest + 1, (size_t)(s + n - rest - 1), 65535, port);
}

bool
url_split_host(const char *text, char *host, size_t cap, unsigned *port)
{
	return split_host(text, strlen(text), host, cap, port);
}

bool
url_is_host(const char *host)
{
	if (*host == '\0')
		return false;
	for (const char *c = host; *c != '\0'; c++)
		if (*c <= ' ' || *c > '~' || strchr("\"\\%,?#@", *c) != NULL)
			return false;
	return true;
}

/* host[:port], n bytes of it. */
static bool
parse_node(struct url_node *node, const char *s, size_t n, struct err *e)
{
	char host[256];

	node->port = DEFAULT_PORT;
	if (!split_host(s, n, host, sizeof host, &node->port) ||
	    !url_is_host(host) || node->port == 0)
		return err_set(e, ERR_USAGE,
		    "the URL must be redis://[user[:password]@]host[:port], "
		    "with a port from 1 to 65535 and IPv6 addresses in "
		    "brackets");
	node->host = strdup(host);
	return node->host != NULL || err_sys(e, "no memory for the URL");
}

static void
name_node(struct url *u)
{
	snprintf(u->name, sizeof u->name,
	    strchr(u->host, ':') != NULL ? "[%s]:%u" : "%s:%u", u->host,
	    u->port);
}

/* host[:port][/db] */
static bool
parse_tcp(struct url *u, const char *s, struct err *e)
{
	size_t n = strcspn(s, "/");
	struct url_node node = { NULL, 0 };
	unsigned db;

	if (!parse_node(&node, s, n, e))
		return false;
	u->host = node.host;
	u->port = node.port;
	name_node(u);
	if (s[n] == '\0' || s[n + 1] == '\0')
		return true;
	if (!parse_number(s + n + 1, strlen(s + n + 1), 99999, &db))
		return err_set(e, ERR_USAGE,
		    "what follows the host in the URL must be the number of a "
		    "database");
	u->db = (int)db;
	return true;
}

/* host[:port][,host[:port]...] and nothing behind but a '/'. */
static bool
parse_cluster(struct url *u, const char *s, struct err *e)
{
	size_t end = strcspn(s, "/"), n;

	if (s[end] == '/' && strcmp(s + end, "/") != 0 &&
	    strcmp(s + end, "/0") != 0)
		return err_set(e, ERR_USAGE,
		    "a cluster has one database, 0: its URL ends with the "
		    "last host");
	u->nodes = calloc(URL_NODES_MAX, sizeof *u->nodes);
	if (u->nodes == NULL)
		return err_sys(e, "no memory for the URL");
	for (const char *to = s + end;; s += n + 1) {
		n = strcspn(s, ",/");
		if (u->nodes_len == URL_NODES_MAX)
			return err_set(e, ERR_USAGE,
			    "the URL names more than %d nodes: a few are "
			    "enough to find the others",
			    URL_NODES_MAX);
		if (!parse_node(&u->nodes[u->nodes_len], s, n, e))
			return false;
		u->nodes_len++;
		if (s + n >= to)
			break;
	}
	u->port = u->nodes[0].port;
	u->host = strdup(u->nodes[0].host);
	if (u->host == NULL)
		return err_sys(e, "no memory for the URL");
	name_node(u);
	return true;
}

static bool
parse_unix(struct url *u, const char *s, struct err *e)
{
	if (s[0] != '/')
		return err_set(e, ERR_USAGE,
		    "a socket's URL is unix:///path, with three slashes");
	u->path = decode(s, strlen(s), "path", e);
	if (u->path == NULL)
		return false;
	if (strlen(u->path) > PATH_MAX_LEN)
		return err_set(e, ERR_USAGE,
		    "the path of the Unix socket is longer than %d bytes",
		    PATH_MAX_LEN);
	err_quote(u->name, sizeof u->name, u->path, strlen(u->path));
	return true;
}

/* The text behind "scheme://", or NULL. */
static const char *
after(const char *text, const char *scheme)
{
	size_t n = strlen(scheme);

	return strncmp(text, scheme, n) == 0 ? text + n : NULL;
}

static const char *
parse_scheme(struct url *u, const char *text, struct err *e)
{
	const char *s;

	if ((s = after(text, "redis://")) != NULL ||
	    (s = after(text, "valkey://")) != NULL) {
		u->kind = URL_TCP;
	} else if ((s = after(text, "rediss://")) != NULL ||
	    (s = after(text, "valkeys://")) != NULL) {
		u->kind = URL_TLS;
	} else if ((s = after(text, "unix://")) != NULL) {
		u->kind = URL_UNIX;
	} else if ((s = after(text, "redis+cluster://")) != NULL ||
	    (s = after(text, "valkey+cluster://")) != NULL) {
		u->kind = URL_TCP;
		u->cluster = true;
	} else if ((s = after(text, "rediss+cluster://")) != NULL ||
	    (s = after(text, "valkeys+cluster://")) != NULL) {
		u->kind = URL_TLS;
		u->cluster = true;
	} else if (after(text, "redis+sentinel://") != NULL) {
		err_set(e, ERR_USAGE,
		    "redis+sentinel:// is not supported yet: name the server "
		    "itself with redis://");
	} else {
		err_set(e, ERR_USAGE,
		    "a server's URL begins with redis://, rediss:// or "
		    "unix://, a cluster's with redis+cluster:// or "
		    "rediss+cluster://");
	}
	return s;
}

/* Where the user and password end: the last '@' before the path. */
static const char *
find_at(const char *s)
{
	const char *end = s + strcspn(s, "/"), *at = NULL;

	for (const char *p = s; p < end; p++)
		if (*p == '@')
			at = p;
	return at;
}

bool
url_parse(struct url *u, const char *text, struct err *e)
{
	const char *s, *at;
	bool ok;

	memset(u, 0, sizeof *u);
	u->db = -1;
	s = parse_scheme(u, text, e);
	if (s == NULL)
		return false;
	at = find_at(s);
	ok = at == NULL || parse_userinfo(u, s, (size_t)(at - s), e);
	if (ok) {
		if (at != NULL)
			s = at + 1;
		if (u->cluster)
			ok = parse_cluster(u, s, e);
		else
			ok = u->kind == URL_UNIX ? parse_unix(u, s, e) :
						   parse_tcp(u, s, e);
	}
	if (!ok)
		url_release(u);
	return ok;
}

/* Copy s, which may be NULL. */
static bool
copy(char **to, const char *s, struct err *e)
{
	*to = s != NULL ? strdup(s) : NULL;
	return s == NULL || *to != NULL || err_sys(e, "no memory for the URL");
}

bool
url_node_init(struct url *u, const struct url *cluster, const char *host,
    unsigned port, struct err *e)
{
	memset(u, 0, sizeof *u);
	u->kind = cluster->kind;
	u->db = -1;
	u->port = port;
	if (!copy(&u->host, host, e) || !copy(&u->user, cluster->user, e) ||
	    !copy(&u->password, cluster->password, e)) {
		url_release(u);
		return false;
	}
	name_node(u);
	return true;
}

void
url_release(struct url *u)
{
	for (size_t i = 0; i < u->nodes_len; i++)
		free(u->nodes[i].host);
	free(u->nodes);
	if (u->password != NULL)
		explicit_bzero(u->password, strlen(u->password));
	free(u->password);
	free(u->user);
	free(u->host);
	free(u->path);
	memset(u, 0, sizeof *u);
}

void
url_hide(char *text)
{
	char *s = strstr(text, "://");
	const char *at = s != NULL ? find_at(s + 3) : NULL;

	if (at == NULL)
		return;
	for (s += 3; s < at && *s != ':';)
		s++;
	for (; s < at; s++)
		if (*s != ':')
			*s = 'x';
}
