/*
 * url.h -- the address of a server, as an operator writes it.
 *
 *	redis://[user[:password]@]host[:port][/db]	TCP
 *	rediss://...					TCP with TLS
 *	unix://[user[:password]@]/path.sock		Unix socket
 *
 * User and password are percent-decoded, and so is a socket's path.  A host
 * may be a name, an IPv4 address or an IPv6 address in brackets; the port is
 * 6379 when left out.  "redis://:secret@host" is a password without a user.
 * redis+cluster:// and redis+sentinel:// are recognised and refused.
 *
 * A URL is where a secret could leak from.  No message made here holds any
 * part of the text in front of '@', and url_hide() takes the password out of
 * the argument list.
 */
#ifndef REDIS_URL_H
#define REDIS_URL_H

#include <stdbool.h>

#include "stages/kit/err.h"

enum url_kind { URL_TCP, URL_TLS, URL_UNIX };

struct url {
	enum url_kind kind;
	char *host; /* owned; without brackets; NULL for a socket */
	char *path; /* owned; of the socket, else NULL */
	unsigned port;
	int db;                /* -1: none given */
	char *user, *password; /* owned; NULL: none given */
	char name[300];        /* for messages: "host:port" or the path */
};

/* Fill *u; on failure (ERR_USAGE) there is nothing to release. */
MUST_USE bool url_parse(struct url *u, const char *text, struct err *);

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

#endif
