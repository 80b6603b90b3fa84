/* wait.c -- see wait.h. */
#include "stages/redis/wait.h"

#include <errno.h>
#include <poll.h>

#include "stages/kit/clock.h"
#include "stages/kit/stop.h"

/* Signals do not end waits any more. */
static bool deaf;

bool
wait_check(struct err *e)
{
	return deaf || stop_check(e);
}

void
wait_last_words(void)
{
	deaf = true;
}

enum wait_got
wait_until(int fd, short events, int64_t end, struct err *e)
{
	struct pollfd p = { .fd = fd, .events = events };

	for (;;) {
		int64_t left = end - clock_steady();
		int n = poll(&p, 1,
		    left < 0         ? 0 :
			left > 60000 ? 60000 :
				       (int)left);

		if (n > 0)
			return WAIT_READY;
		if (n == 0 && clock_steady() >= end)
			return WAIT_QUIET;
		if (n < 0 && errno != EINTR) {
			err_sys(e, "cannot wait for a connection");
			return WAIT_FAILED;
		}
		if (n < 0 && !wait_check(e))
			return WAIT_FAILED;
	}
}

bool
wait_pause(int64_t ms, struct err *e)
{
	if (!wait_check(e))
		return false;
	return wait_until(-1, 0, clock_steady() + ms, e) != WAIT_FAILED;
}

bool
wait_readable(int fd, int64_t ms, bool *ready, struct err *e)
{
	enum wait_got got = wait_until(fd, POLLIN, clock_steady() + ms, e);

	*ready = got == WAIT_READY;
	return got != WAIT_FAILED;
}
