/* peer.c -- see peer.h. */
#include "tests/harness/peer.h"

#include <assert.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static void *
play(void *arg)
{
	struct peer *p = arg;

	for (size_t i = 0; i < p->n; i++)
		if (p->packets[i].len > 0 &&
		    send(p->fd, p->packets[i].ptr, p->packets[i].len,
			MSG_NOSIGNAL) < 0)
			break;
	if (p->closes)
		shutdown(p->fd, SHUT_WR);
	return NULL;
}

int
peer_start(struct peer *p, const struct packet *packets, size_t n, bool closes)
{
	int fds[2];
	int failed = socketpair(AF_UNIX, SOCK_SEQPACKET, 0, fds);

	assert(failed == 0);
	memset(p, 0, sizeof *p);
	p->fd = fds[0];
	p->packets = packets;
	p->n = n;
	p->closes = closes;
	failed = pthread_create(&p->thread, NULL, play, p);
	assert(failed == 0);
	(void)failed;
	return fds[1];
}

void
peer_end(struct peer *p)
{
	ssize_t n;

	/* The tested side has closed, so nothing blocks any more. */
	pthread_join(p->thread, NULL);
	while (p->got_len < sizeof p->got - 1 &&
	    (n = recv(p->fd, p->got + p->got_len,
		 sizeof p->got - 1 - p->got_len, MSG_DONTWAIT)) > 0)
		p->got_len += (size_t)n;
	p->got[p->got_len] = '\0';
	close(p->fd);
}
