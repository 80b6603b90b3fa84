/* conn.c -- see conn.h.  The descriptor never blocks; wait.h does. */
#include "stages/redis/conn.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "stages/kit/clock.h"
#include "stages/redis/dial.h"
#include "stages/redis/wait.h"

struct conn {
	int fd;
	struct tls *tls;
	int64_t timeout_ms;
	size_t head, tail;             /* held: buf[head..tail) */
	short read_waits, write_waits; /* for these events */
	char name[300];
	uint8_t buf[CONN_BUFFER];
};

/* --- connecting --- */

struct conn *
conn_new(int fd, const char *name, int64_t timeout_ms, struct err *e)
{
	int one = 1, flags = fcntl(fd, F_GETFL);
	struct conn *c = malloc(sizeof *c);

	if (c == NULL || flags < 0 ||
	    fcntl(fd, F_SETFL, flags | O_NONBLOCK) != 0) {
		err_sys(e, "cannot set up the connection to %s", name);
		free(c);
		close(fd);
		return NULL;
	}
	/* Both fail on what is not TCP, and need not succeed there. */
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
	setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &one, sizeof one);
	c->fd = fd;
	c->tls = NULL;
	c->timeout_ms = timeout_ms;
	c->head = c->tail = 0;
	c->read_waits = POLLIN;
	c->write_waits = POLLOUT;
	snprintf(c->name, sizeof c->name, "%s", name);
	return c;
}

/* Wait as TLS asks.  False when it failed, fell silent or was closed. */
static bool
tls_settle(struct conn *c, enum tls_got got, int64_t end, struct err *e)
{
	enum wait_got wait;

	if (got == TLS_FAILED)
		return err_in(e, "%s", c->name);
	if (got == TLS_CLOSED)
		return err_set(e, ERR_REMOTE,
		    "%s: closed the connection during the TLS handshake",
		    c->name);
	wait =
	    wait_until(c->fd, got == TLS_WANT_READ ? POLLIN : POLLOUT, end, e);
	if (wait == WAIT_QUIET)
		return err_set(e, ERR_REMOTE,
		    "%s: no answer to the TLS handshake (does this port "
		    "speak TLS?)",
		    c->name);
	return wait == WAIT_READY;
}

static bool
shake_hands(struct conn *c, int64_t end, struct err *e)
{
	enum tls_got got;

	while ((got = tls_handshake(c->tls, e)) != TLS_OK)
		if (!tls_settle(c, got, end, e))
			return false;
	return true;
}

struct conn *
conn_open(const struct url *u, const struct tls_options *options,
    int64_t timeout_ms, struct err *e)
{
	int64_t end = clock_steady() + timeout_ms;
	struct conn *c;
	int fd;

	if ((fd = dial_open(u, end, e)) < 0)
		return NULL;
	c = conn_new(fd, u->name, timeout_ms, e);
	if (c == NULL || u->kind != URL_TLS)
		return c;
	c->tls = tls_client_new(fd, options, u->host, e);
	if (c->tls == NULL || !shake_hands(c, end, e)) {
		conn_close(c);
		return NULL;
	}
	return c;
}

bool
conn_serve_tls(struct conn *c, const struct tls_options *options, struct err *e)
{
	c->tls = tls_server_new(c->fd, options, e);
	return c->tls != NULL &&
	    shake_hands(c, clock_steady() + c->timeout_ms, e);
}

void
conn_close(struct conn *c)
{
	if (c == NULL)
		return;
	tls_free(c->tls);
	close(c->fd);
	/* What a server answered may hold secrets of its configuration. */
	explicit_bzero(c->buf, sizeof c->buf);
	free(c);
}

/* --- reading --- */

struct span
conn_held(const struct conn *c)
{
	return (struct span){ c->buf + c->head, c->tail - c->head };
}

void
conn_take(struct conn *c, size_t n)
{
	assert(n <= c->tail - c->head);
	c->head += n;
}

static void
make_room(struct conn *c)
{
	if (c->head == c->tail) {
		c->head = c->tail = 0;
	} else if (c->head > 0) {
		memmove(c->buf, c->buf + c->head, c->tail - c->head);
		c->tail -= c->head;
		c->head = 0;
	}
}

/* The connection broke; errno tells how. */
static bool
lost(struct conn *c, struct err *e)
{
	err_sys(e, "%s: connection lost", c->name);
	e->kind = ERR_REMOTE;
	return false;
}

/* One read into the free part; WAIT_READY: bytes came. */
static enum wait_got
read_plain(struct conn *c, struct err *e)
{
	ssize_t n = read(c->fd, c->buf + c->tail, CONN_BUFFER - c->tail);

	if (n > 0) {
		c->tail += (size_t)n;
		return WAIT_READY;
	}
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return WAIT_QUIET;
	if (n == 0) {
		err_set(e, ERR_REMOTE, "%s: closed the connection", c->name);
	} else {
		lost(c, e);
	}
	return WAIT_FAILED;
}

/* As many records as are there.  *events: what to wait for otherwise. */
static enum wait_got
read_tls(struct conn *c, short *events, struct err *e)
{
	size_t before = c->tail, n = 0;
	enum tls_got got = TLS_OK;

	while (c->tail < CONN_BUFFER &&
	    (got = tls_read(c->tls, c->buf + c->tail, CONN_BUFFER - c->tail, &n,
		 e)) == TLS_OK)
		c->tail += n;
	*events = got == TLS_WANT_WRITE ? POLLOUT : POLLIN;
	if (c->tail > before)
		return WAIT_READY;
	if (got == TLS_CLOSED) {
		err_set(e, ERR_REMOTE, "%s: closed the connection", c->name);
	} else if (got == TLS_FAILED) {
		err_in(e, "%s", c->name);
	} else {
		return WAIT_QUIET;
	}
	return WAIT_FAILED;
}

bool
conn_try(struct conn *c, int64_t ms, bool *got, struct err *e)
{
	int64_t end = clock_steady() + ms;
	short events = POLLIN;
	enum wait_got now;

	*got = false;
	make_room(c);
	if (c->tail == CONN_BUFFER)
		return err_set(e, ERR_BUG, "the buffer of %s is full", c->name);
	for (;;) {
		now =
		    c->tls != NULL ? read_tls(c, &events, e) : read_plain(c, e);
		*got = now == WAIT_READY;
		if (now != WAIT_QUIET)
			return now == WAIT_READY;
		now = wait_until(c->fd, events, end, e);
		if (now != WAIT_READY)
			return now == WAIT_QUIET;
	}
}

bool
conn_read_some(struct conn *c, bool *got, struct err *e)
{
	enum wait_got now = WAIT_QUIET;

	make_room(c);
	if (c->tail < CONN_BUFFER)
		now = c->tls != NULL ? read_tls(c, &c->read_waits, e) :
				       read_plain(c, e);
	*got = now == WAIT_READY;
	return now != WAIT_FAILED;
}

bool
conn_more(struct conn *c, struct err *e)
{
	bool got;

	if (!conn_try(c, c->timeout_ms, &got, e))
		return false;
	if (!got)
		return err_set(e, ERR_REMOTE, "%s: nothing came for %.0f s",
		    c->name, (double)c->timeout_ms / 1000);
	return true;
}

/* --- writing --- */

/* The other side left; it may have told why before. */
static bool
lost_tls(struct conn *c, struct err *e)
{
	char scrap[512];
	size_t n;
	enum tls_got got = TLS_OK;

	while (got == TLS_OK)
		got = tls_read(c->tls, scrap, sizeof scrap, &n, e);
	if (got == TLS_FAILED)
		return err_in(e, "%s", c->name);
	errno = EPIPE;
	return lost(c, e);
}

/* Send what can be sent now; *events: what to wait for when that is none. */
static bool
write_some(struct conn *c, struct span *s, short *events, struct err *e)
{
	size_t done = 0;
	ssize_t n;

	if (c->tls != NULL) {
		enum tls_got got = tls_write(c->tls, s->ptr, s->len, &done, e);

		if (got == TLS_FAILED)
			return err_in(e, "%s", c->name);
		if (got == TLS_CLOSED)
			return lost_tls(c, e);
		*events = got == TLS_WANT_READ ? POLLIN : POLLOUT;
	} else {
		n = send(c->fd, s->ptr, s->len, MSG_NOSIGNAL);
		if (n < 0 && errno != EAGAIN && errno != EINTR)
			return lost(c, e);
		done = n > 0 ? (size_t)n : 0;
		*events = POLLOUT;
	}
	span_take(s, done);
	return true;
}

bool
conn_write_some(struct conn *c, struct span *s, struct err *e)
{
	return s->len == 0 || write_some(c, s, &c->write_waits, e);
}

struct pollfd
conn_waits(const struct conn *c, bool writing)
{
	return (struct pollfd){ .fd = c->fd,
		.events =
		    (short)(c->read_waits | (writing ? c->write_waits : 0)) };
}

bool
conn_write(struct conn *c, struct span s, struct err *e)
{
	int64_t end = clock_steady() + c->timeout_ms;
	enum wait_got wait;
	short events = POLLOUT;

	while (s.len > 0) {
		size_t before = s.len;

		if (!write_some(c, &s, &events, e))
			return false;
		if (s.len < before) {
			end = clock_steady() + c->timeout_ms;
			continue;
		}
		wait = wait_until(c->fd, events, end, e);
		if (wait == WAIT_FAILED)
			return false;
		if (wait == WAIT_QUIET)
			return err_set(e, ERR_REMOTE,
			    "%s: took no bytes for %.0f s", c->name,
			    (double)c->timeout_ms / 1000);
	}
	return wait_check(e);
}

/* --- about it --- */

static void
host_of(const struct sockaddr_storage *a, socklen_t len, char *host, size_t cap)
{
	host[0] = '\0';
	if (a->ss_family != AF_INET && a->ss_family != AF_INET6)
		return;
	if (getnameinfo((const struct sockaddr *)a, len, host, (socklen_t)cap,
		NULL, 0, NI_NUMERICHOST) != 0)
		host[0] = '\0';
	/* An IPv4 peer of an IPv6 listener is the IPv4 peer. */
	if (strncmp(host, "::ffff:", 7) == 0)
		memmove(host, host + 7, strlen(host + 7) + 1);
}

void
conn_local_host(const struct conn *c, char *host, size_t cap)
{
	struct sockaddr_storage a = { 0 };
	socklen_t len = sizeof a;

	getsockname(c->fd, (struct sockaddr *)&a, &len);
	host_of(&a, len, host, cap);
}

void
conn_peer_host(const struct conn *c, char *host, size_t cap)
{
	struct sockaddr_storage a = { 0 };
	socklen_t len = sizeof a;

	getpeername(c->fd, (struct sockaddr *)&a, &len);
	host_of(&a, len, host, cap);
}

const char *
conn_name(const struct conn *c)
{
	return c->name;
}
