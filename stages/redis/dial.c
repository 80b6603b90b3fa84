/* dial.c -- see dial.h. */
#include "stages/redis/dial.h"

#include <errno.h>
#include <netdb.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "stages/kit/clock.h"
#include "stages/redis/wait.h"

/* Connect one socket to one address; errno tells why not. */
static int
one_open(const struct sockaddr *to, socklen_t len, int64_t end, struct err *e)
{
	int fd = socket(
	    to->sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	socklen_t size = sizeof(int);
	int failed = 0;

	if (fd < 0)
		return -1;
	/* A signal in the middle leaves the attempt going on. */
	if (connect(fd, to, len) != 0 && errno != EINPROGRESS && errno != EINTR)
		failed = errno;
	else if (to->sa_family != AF_UNIX) {
		switch (wait_until(fd, POLLOUT, end, e)) {
		case WAIT_READY:
			getsockopt(fd, SOL_SOCKET, SO_ERROR, &failed, &size);
			break;
		case WAIT_QUIET:
			failed = ETIMEDOUT;
			break;
		case WAIT_FAILED:
			failed = EINTR;
			break;
		}
	}
	if (failed == 0)
		return fd;
	close(fd);
	errno = failed;
	return -1;
}

static bool
refused(const struct url *u, struct err *e)
{
	if (errno == EINTR) /* e is filled: asked to stop */
		return false;
	err_sys(e, "cannot connect to %s", u->name);
	e->kind = ERR_REMOTE;
	return false;
}

/* Until when to try this address: one that never answers must leave time for
 * those behind it. */
static int64_t
share(const struct addrinfo *a, int64_t end)
{
	int64_t now = clock_steady(), n = 0;

	for (; a != NULL; a = a->ai_next)
		n++;
	return now + (end - now) / n;
}

static int
tcp_open(const struct url *u, int64_t end, struct err *e)
{
	const struct addrinfo hints = {
		.ai_family = AF_UNSPEC,
		.ai_socktype = SOCK_STREAM,
		.ai_flags = AI_NUMERICSERV,
	};
	struct addrinfo *list = NULL;
	char port[8];
	int fd = -1, why;

	snprintf(port, sizeof port, "%u", u->port);
	why = getaddrinfo(u->host, port, &hints, &list);
	if (why != 0) {
		err_set(e, ERR_REMOTE, "cannot find the address of %s: %s",
		    u->host, gai_strerror(why));
		return -1;
	}
	errno = EADDRNOTAVAIL;
	for (const struct addrinfo *a = list; a != NULL && fd < 0;
	     a = a->ai_next) {
		fd = one_open(a->ai_addr, a->ai_addrlen, share(a, end), e);
		if (fd < 0 && errno == EINTR)
			break;
	}
	if (fd < 0)
		refused(u, e);
	freeaddrinfo(list);
	return fd;
}

static int
unix_open(const struct url *u, int64_t end, struct err *e)
{
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	int fd;

	memcpy(to.sun_path, u->path, strlen(u->path) + 1);
	fd = one_open((struct sockaddr *)&to, sizeof to, end, e);
	if (fd < 0)
		refused(u, e);
	return fd;
}

int
dial_open(const struct url *u, int64_t end, struct err *e)
{
	if (!wait_check(e))
		return -1;
	return u->kind == URL_UNIX ? unix_open(u, end, e) : tcp_open(u, end, e);
}
