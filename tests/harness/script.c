/* script.c -- see script.h. */
#include "tests/harness/script.h"

#include <arpa/inet.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#define REQUESTS_MAX 64
#define HEAD_MAX     8192

struct script {
	const struct script_step *steps;
	size_t n;
	int listener, port, conn;
	pthread_t thread;
	atomic_bool over;
	atomic_size_t requests, connections;
	char heads[REQUESTS_MAX][HEAD_MAX];
	size_t bodies[REQUESTS_MAX];
};

/* Wait for bytes; false when the test is over or, if watched, somebody else
 * connects. */
static bool
readable(struct script *s, int fd, bool watch)
{
	struct pollfd p[2] = { { fd, POLLIN, 0 }, { s->listener, POLLIN, 0 } };

	while (!atomic_load(&s->over)) {
		if (poll(p, watch ? 2 : 1, 20) <= 0)
			continue;
		if (p[0].revents != 0)
			return true;
		if (p[1].revents != 0)
			return false;
	}
	return false;
}

static bool
sleep_ms(struct script *s, int ms)
{
	for (; ms > 0 && !atomic_load(&s->over); ms -= 10)
		usleep(10000);
	return !atomic_load(&s->over);
}

/* Read a request's head and as much of its body as the step wants. */
static bool
request_read(struct script *s, size_t at, size_t body_max)
{
	char *head = s->heads[at], *end = NULL, *length;
	size_t len = 0, want = 0, body;
	char junk[65536];

	while (end == NULL) {
		ssize_t n;

		if (!readable(s, s->conn, true) ||
		    (n = recv(s->conn, head + len, HEAD_MAX - 1 - len, 0)) <= 0)
			return false;
		len += (size_t)n;
		head[len] = '\0';
		end = strstr(head, "\r\n\r\n");
	}
	if ((length = strcasestr(head, "\r\ncontent-length:")) != NULL)
		want = strtoul(length + 17, NULL, 10);
	if (body_max > 0 && want > body_max)
		want = body_max;
	body = len - (size_t)(end + 4 - head);
	end[4] = '\0';
	while (body < want) {
		size_t ask =
		    want - body < sizeof junk ? want - body : sizeof junk;
		ssize_t n;

		if (!readable(s, s->conn, false) ||
		    (n = recv(s->conn, junk, ask, 0)) <= 0)
			return false;
		body += (size_t)n;
	}
	s->bodies[at] = body;
	return true;
}

static void
send_all(int fd, const char *p)
{
	size_t left = strlen(p);

	while (left > 0) {
		ssize_t n = send(fd, p, left, MSG_NOSIGNAL);

		if (n <= 0)
			return;
		p += n;
		left -= (size_t)n;
	}
}

/* Serve one request; false ends the connection. */
static bool
step(struct script *s)
{
	static const struct script_step none = {
		.reply =
		    "HTTP/1.1 599 Script Over\r\ncontent-length: 0\r\n\r\n",
		.end = SCRIPT_CLOSE
	};
	size_t at = atomic_load(&s->requests);
	const struct script_step *now = at < s->n ? &s->steps[at] : &none;
	struct linger hard = { 1, 0 };
	char byte;

	if (at == REQUESTS_MAX || !request_read(s, at, now->body_max))
		return false;
	atomic_store(&s->requests, at + 1);
	if (!sleep_ms(s, now->pause_ms))
		return false;
	send_all(s->conn, now->reply);
	if (now->more != NULL && sleep_ms(s, now->pause_ms))
		send_all(s->conn, now->more);
	switch (now->end) {
	case SCRIPT_KEEP:
		return true;
	case SCRIPT_RESET:
		setsockopt(s->conn, SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
		return false;
	case SCRIPT_HOLD:
		while (readable(s, s->conn, false) &&
		    recv(s->conn, &byte, 1, 0) > 0)
			continue;
		return false;
	default:
		return false;
	}
}

static void *
serve(void *arg)
{
	struct script *s = arg;

	while (readable(s, s->listener, false)) {
		if ((s->conn = accept(s->listener, NULL, NULL)) == -1)
			continue;
		atomic_fetch_add(&s->connections, 1);
		while (step(s))
			continue;
		close(s->conn);
	}
	return NULL;
}

struct script *
script_start(const struct script_step *steps, size_t n)
{
	struct sockaddr_in a = { .sin_family = AF_INET };
	socklen_t len = sizeof a;
	struct script *s = calloc(1, sizeof *s);

	if (s == NULL)
		abort();
	s->steps = steps;
	s->n = n;
	a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	s->listener = socket(AF_INET, SOCK_STREAM, 0);
	if (bind(s->listener, (struct sockaddr *)&a, sizeof a) != 0 ||
	    listen(s->listener, 8) != 0 ||
	    getsockname(s->listener, (struct sockaddr *)&a, &len) != 0 ||
	    pthread_create(&s->thread, NULL, serve, s) != 0)
		abort();
	s->port = ntohs(a.sin_port);
	return s;
}

int
script_port(const struct script *s)
{
	return s->port;
}

size_t
script_requests(struct script *s)
{
	return atomic_load(&s->requests);
}

const char *
script_head(struct script *s, size_t i)
{
	return i < atomic_load(&s->requests) ? s->heads[i] : "";
}

size_t
script_body_len(struct script *s, size_t i)
{
	return s->bodies[i];
}

size_t
script_connections(struct script *s)
{
	return atomic_load(&s->connections);
}

void
script_stop(struct script *s)
{
	atomic_store(&s->over, true);
	pthread_join(s->thread, NULL);
	close(s->listener);
	free(s);
}
