/* master.c -- see master.h. */
#include "stages/redis/master.h"

#include <errno.h>
#include <inttypes.h>
#include <netdb.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <unistd.h>

#include "stages/kit/port.h"
#include "stages/redis/wait.h"

#define WORDS_MAX 64 /* commands of one handshake; real ones: 10 */

void
master_init(struct master *m)
{
	memset(m, 0, sizeof *m);
	m->fd = -1;
}

void
master_close(struct master *m)
{
	if (m->fd >= 0)
		close(m->fd);
	resp_free(m->resp);
	conn_close(m->link);
	master_init(m);
}

bool
master_random(char *to, size_t n, struct err *e)
{
	unsigned char raw[MASTER_MARK];

	assert(n <= sizeof raw);
	if (getrandom(raw, n, 0) != (ssize_t)n)
		return err_sys(e, "cannot get random bytes");
	for (size_t i = 0; i < n; i++)
		to[i] = "0123456789abcdef"[raw[i] & 15];
	return true;
}

/* --- being found --- */

/* Note the address we ended up with. */
static bool
note_address(struct master *m, struct err *e)
{
	struct sockaddr_storage a = { 0 };
	socklen_t len = sizeof a;
	char port[8];
	unsigned n = 0;

	if (getsockname(m->fd, (struct sockaddr *)&a, &len) != 0 ||
	    getnameinfo((struct sockaddr *)&a, len, m->host, sizeof m->host,
		port, sizeof port, NI_NUMERICHOST | NI_NUMERICSERV) != 0 ||
	    sscanf(port, "%u", &n) != 1)
		return err_sys(e, "cannot tell the address we listen on");
	m->port = n;
	return true;
}

bool
master_listen(struct master *m, const char *host, unsigned port, struct err *e)
{
	const struct addrinfo hints = {
		.ai_family = AF_UNSPEC,
		.ai_socktype = SOCK_STREAM,
		.ai_flags = AI_PASSIVE | AI_NUMERICSERV,
	};
	struct addrinfo *a = NULL;
	char service[8];
	int why, one = 1;

	snprintf(service, sizeof service, "%u", port);
	why = getaddrinfo(host, service, &hints, &a);
	if (why != 0)
		return err_set(e, ERR_USAGE, "cannot listen on %s: %s", host,
		    gai_strerror(why));
	m->fd =
	    socket(a->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	/* A link that we closed keeps its port for a minute. */
	if (m->fd >= 0)
		setsockopt(m->fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
	if (m->fd < 0 || bind(m->fd, a->ai_addr, a->ai_addrlen) != 0 ||
	    listen(m->fd, 8) != 0) {
		freeaddrinfo(a);
		return err_sys(e, "cannot listen on %s, port %u", host, port);
	}
	freeaddrinfo(a);
	return note_address(m, e);
}

bool
master_accept(struct master *m, const char *from, int64_t timeout_ms,
    int64_t ms, bool *got, struct err *e)
{
	char peer[64];
	int fd;

	if (!wait_readable(m->fd, ms, got, e))
		return false;
	if (!*got)
		return true;
	*got = false;
	fd = accept4(m->fd, NULL, NULL, SOCK_CLOEXEC);
	if (fd < 0)
		return errno == EAGAIN || errno == ECONNABORTED ||
		    errno == EINTR || err_sys(e, "cannot accept a connection");
	m->link = conn_new(fd, "the replication link", timeout_ms, e);
	if (m->link == NULL)
		return false;
	conn_peer_host(m->link, peer, sizeof peer);
	if (from != NULL && strcmp(from, peer) != 0) {
		memcpy(m->stranger, peer, sizeof peer);
		conn_close(m->link);
		m->link = NULL;
		return true;
	}
	/* One is all we want; others need not wait for an answer. */
	close(m->fd);
	m->fd = -1;
	*got = true;
	m->resp = resp_new(m->link, e);
	return m->resp != NULL;
}

/* --- the handshake --- */

static bool
say(struct master *m, const char *text, struct err *e)
{
	return conn_write(
	    m->link, (struct span){ (const uint8_t *)text, strlen(text) }, e);
}

/* A word of a command, or "". */
static const char *
word(const struct reply *command, size_t i)
{
	if (command->kind != REPLY_ARRAY || i >= command->len)
		return "";
	return resp_item(command, i).text;
}

/* Answer one command.  *asked: it was the one we wait for. */
static bool
answer(
    struct master *m, const struct reply *command, bool *asked, struct err *e)
{
	const char *name = word(command, 0);

	*asked = false;
	if (strcasecmp(name, "PING") == 0)
		return say(m, "+PONG\r\n", e);
	/* AUTH: the target's masterauth, whatever it is, is right here.
	 * REPLCONF: all it can do is fine with us, we need none of it. */
	if (strcasecmp(name, "AUTH") == 0 || strcasecmp(name, "REPLCONF") == 0)
		return say(m, "+OK\r\n", e);
	m->old = strcasecmp(name, "SYNC") == 0;
	*asked = m->old || strcasecmp(name, "PSYNC") == 0;
	return *asked || say(m, "-ERR unknown command\r\n", e);
}

bool
master_greet(struct master *m, const struct tls_options *tls, struct err *e)
{
	struct reply command;
	bool asked = false;

	if (tls != NULL && !conn_serve_tls(m->link, tls, e))
		return err_in(e, "the target's connection to us");
	for (int n = 0; !asked; n++) {
		if (n == WORDS_MAX)
			return err_set(e, ERR_REMOTE,
			    "the target does not ask for a synchronisation");
		if (!resp_read(m->resp, &command, e) ||
		    !answer(m, &command, &asked, e))
			return err_in(e, "in the target's handshake");
	}
	return true;
}

/* --- the payload --- */

bool
master_begin(struct master *m, const char *replid, uint64_t offset,
    uint64_t length, struct err *e)
{
	char line[128];

	snprintf(line, sizeof line, "+FULLRESYNC %.40s %" PRIu64 "\r\n", replid,
	    offset);
	if (!m->old && !say(m, line, e))
		return false;
	m->marked = length == SIZE_UNKNOWN;
	if (!m->marked) {
		snprintf(line, sizeof line, "$%" PRIu64 "\r\n", length);
		return say(m, line, e);
	}
	if (!master_random(m->mark, MASTER_MARK, e))
		return false;
	snprintf(line, sizeof line, "$EOF:%.40s\r\n", m->mark);
	return say(m, line, e);
}

bool
master_put(struct master *m, struct span s, struct err *e)
{
	return conn_write(m->link, s, e);
}

bool
master_finish(struct master *m, struct err *e)
{
	return !m->marked ||
	    conn_write(m->link,
		(struct span){ (const uint8_t *)m->mark, MASTER_MARK }, e);
}

bool
master_await(
    struct master *m, int64_t ms, bool *acked, bool *alive, struct err *e)
{
	struct reply command;
	bool got;

	*acked = false;
	if (!resp_try(m->resp, ms, &command, &got, alive, e))
		return false;
	*acked = got && strcasecmp(word(&command, 0), "REPLCONF") == 0 &&
	    strcasecmp(word(&command, 1), "ACK") == 0;
	return true;
}
