/*
 * conn.h -- bytes to and from a server: TCP, TLS or a Unix socket.
 *
 * One buffer for what arrives: a reader looks at what is held, takes as much
 * of it as it understands, and asks for more.  The bytes of a snapshot are
 * lent straight out of this buffer, so nothing is copied on the way.
 *
 * Every wait has an end (wait.h; ERR_REMOTE when it comes).  Errors name the
 * server, never a password.
 */
#ifndef REDIS_CONN_H
#define REDIS_CONN_H

#include <poll.h>
#include <stdbool.h>
#include <stdint.h>

#include "stages/kit/err.h"
#include "stages/kit/span.h"
#include "stages/redis/tls.h"
#include "stages/redis/url.h"

#define CONN_BUFFER (256 * 1024)

struct conn;

/*
 * Connect to where url says, trying each address its host has.  timeout_ms
 * bounds connecting as a whole (but for looking up the name: that takes as
 * long as the resolver lets it), and later every single wait for bytes.
 * options may be NULL where url is not of TLS.  NULL on failure.
 */
struct conn *conn_open(const struct url *url, const struct tls_options *,
    int64_t timeout_ms, struct err *);

/* Take over a connected socket; closed even on failure, which gives NULL. */
struct conn *conn_new(
    int fd, const char *name, int64_t timeout_ms, struct err *);

/* Become the server of TLS on a connection just accepted. */
MUST_USE bool conn_serve_tls(
    struct conn *, const struct tls_options *, struct err *);

/* What arrived and was not taken; good until conn_more or conn_try. */
struct span conn_held(const struct conn *);
void conn_take(struct conn *, size_t n);

/* Wait for at least one byte more.  The end of the stream is a failure. */
MUST_USE bool conn_more(struct conn *, struct err *);

/* The same, waiting ms at most; *got tells whether something came. */
MUST_USE bool conn_try(struct conn *, int64_t ms, bool *got, struct err *);

/* Send all of it. */
MUST_USE bool conn_write(struct conn *, struct span, struct err *);

/*
 * For whoever waits for several connections at once: what goes or comes now,
 * without waiting.  conn_write_some takes off the span what went; conn_read_some
 * tells whether bytes came.  conn_waits: what to poll(2) for afterwards, writing
 * or only reading.
 */
MUST_USE bool conn_write_some(struct conn *, struct span *, struct err *);
MUST_USE bool conn_read_some(struct conn *, bool *got, struct err *);
struct pollfd conn_waits(const struct conn *, bool writing);

/* The address we, or the other side, have on this connection, as a numeric
 * host; "" for a Unix socket. */
void conn_local_host(const struct conn *, char *host, size_t cap);
void conn_peer_host(const struct conn *, char *host, size_t cap);

const char *conn_name(const struct conn *);

void conn_close(struct conn *);

#endif
