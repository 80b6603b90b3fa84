/*
 * url.h -- the address of a server, as an operator writes it.
 *
 *	redis://[user[:password]@]host[:port][/db]	TCP
 *	rediss://...					TCP with TLS
 *	unix://[user[:password]@]/path.sock		Unix socket
 *	redis+cluster://[user[:password]@]host[:port][,host[:port]...]
 *							a cluster, by any of
 *							its nodes; rediss+...
 *							with TLS
 *
 * User and password are percent-decoded, and so is a socket's path.  A host
 * may be a name, an IPv4 address or an IPv6 address in brackets; the port is
 * 6379 when left out.  "redis://:secret@host" is a password without a user.
 * redis+sentinel:// is recognised and refused.  What names a cluster is for
 * topology.h; server_init() refuses it to programs that take one server.
 *
 * A URL is where a secret could leak from.  No message made here holds any
 * part of the text in front of '@', and url_hide() takes the password out of
 * the argument list.
 */
#ifndef REDIS_URL_H
#define REDIS_URL_H

#include <stdbool.h>
#include <stddef.h>

#include "stages/kit/err.h"

enum url_kind { URL_TCP, URL_TLS, URL_UNIX };

#define URL_NODES_MAX 64

struct url_node {
	char *host; /* owned; without brackets */
	unsigned port;
};

struct url {
	enum url_kind kind;
	bool cluster;
	struct url_node
	    *nodes; /* of a cluster: all that are named; else NULL */
	size_t nodes_len;
	char *host; /* owned; without brackets; NULL for a socket; of a cluster
		       the first, as port and name */
	char *path; /* owned; of the socket, else NULL */
	unsigned port;
	int db;                /* -1: none given */
	char *user, *password; /* owned; NULL: none given */
	char name[300];        /* for messages: "host:port" or the path */
};

/* Fill *u; on failure (ERR_USAGE) there is nothing to release. */
MUST_USE bool url_parse(struct url *u, const char *text, struct err *);

/* Make *u the URL of a node of a cluster: of its kind, user and password.  On
 * failure there is nothing to release. */
MUST_USE bool url_node_init(struct url *u, const struct url *cluster,
    const char *host, unsigned port, struct err *);

/* Wipes the password before the memory goes back. */
void url_release(struct url *);

/* Overwrite the password in text, which was parsed before, with 'x'. */
void url_hide(char *text);

/*
 * Split "host[:port]" or "[v6]:port" into host (cap bytes) and *port, which
 * keeps its value when there is none.  False when it is not of that form.
 */
MUST_USE bool url_split_host(
    const char *text, char *host, size_t cap, unsigned *port);

/* Whether text can be a host: printable, and nothing that ends one in a URL. */
bool url_is_host(const char *text);

#endif
