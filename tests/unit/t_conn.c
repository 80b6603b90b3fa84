/*
 * t_conn.c -- connecting to a host of several addresses.
 *
 * Goal: an address that never answers does not use up the time of the next.
 * The host's addresses are ours: the program has its own getaddrinfo.
 */
#include <netdb.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "stages/kit/clock.h"
#include "stages/redis/conn.h"

#define CALLERS    16
#define TIMEOUT_MS 2000

static struct sockaddr_in place[2];
static struct addrinfo list[2];

int
getaddrinfo(const char *host, const char *port, const struct addrinfo *hints,
    struct addrinfo **to)
{
	(void)host, (void)port, (void)hints;
	for (int i = 0; i < 2; i++)
		list[i] = (struct addrinfo){ .ai_family = AF_INET,
			.ai_addr = (struct sockaddr *)&place[i],
			.ai_addrlen = sizeof place[i],
			.ai_next = i == 0 ? &list[1] : NULL };
	*to = list;
	return 0;
}

void
freeaddrinfo(struct addrinfo *gone)
{
	assert_ptr_equal(gone, list);
}

/* Listen on a free port; its address goes to *at. */
static int
listener(struct sockaddr_in *at, int queue)
{
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	socklen_t len = sizeof *at;

	*at = (struct sockaddr_in){ .sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	assert_int_equal(bind(fd, (struct sockaddr *)at, len), 0);
	assert_int_equal(listen(fd, queue), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)at, &len), 0);
	return fd;
}

static void
a_silent_address_leaves_time_for_the_next(void **state)
{
	char host[] = "both";
	struct url url = { .kind = URL_TCP, .host = host, .port = 1 };
	int fd[2] = { listener(&place[0], 0), listener(&place[1], 8) };
	int caller[CALLERS];
	struct err e;
	struct conn *c;
	int64_t began;

	(void)state;
	/* A full queue drops whoever else knocks. */
	for (int i = 0; i < CALLERS; i++) {
		caller[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
		(void)!connect(
		    caller[i], (struct sockaddr *)&place[0], sizeof place[0]);
	}
	began = clock_steady();
	assert_non_null(c = conn_open(&url, NULL, TIMEOUT_MS, &e));
	assert_true(clock_steady() - began < TIMEOUT_MS);
	conn_close(c);
	for (int i = 0; i < CALLERS; i++)
		close(caller[i]);
	close(fd[0]);
	/* Nobody listens there any more: refused at once, so on to the next. */
	assert_non_null(c = conn_open(&url, NULL, TIMEOUT_MS, &e));
	conn_close(c);
	close(fd[1]);
	assert_null(conn_open(&url, NULL, TIMEOUT_MS, &e));
	assert_string_equal(e.text, "cannot connect to : connection refused");
	assert_int_equal(e.kind, ERR_REMOTE);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_silent_address_leaves_time_for_the_next),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
