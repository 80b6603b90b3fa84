/* stop.c -- see stop.h. */
#include "stages/kit/stop.h"

#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/time.h>

/* Set by the handler, read by every thread. */
static atomic_int asked;

/* Note the signal and start the ticking that no wait can sleep through. */
static void
stop_note(int signal)
{
	const struct itimerval tick = { { 0, 100000 }, { 0, 100000 } };
	int none = 0;

	if (atomic_compare_exchange_strong(&asked, &none, signal))
		setitimer(ITIMER_REAL, &tick, NULL);
}

static void
tick_nothing(int signal)
{
	(void)signal;
}

void
stop_init(void)
{
	struct sigaction act, was;

	memset(&act, 0, sizeof act); /* no SA_RESTART: waits return EINTR */
	sigemptyset(&act.sa_mask);
	act.sa_handler = stop_note;
	sigaction(SIGINT, &act, NULL);
	sigaction(SIGTERM, &act, NULL);
	/* A terminal that is gone; nohup may have said to go on all the same. */
	if (sigaction(SIGHUP, NULL, &was) == 0 && was.sa_handler != SIG_IGN)
		sigaction(SIGHUP, &act, NULL);
	act.sa_handler = tick_nothing;
	sigaction(SIGALRM, &act, NULL);
	act.sa_handler = SIG_IGN;
	sigaction(SIGPIPE, &act, NULL);
	/* A file size limit is a full disk to us: EFBIG, not death. */
	sigaction(SIGXFSZ, &act, NULL);
}

bool
stop_check(struct err *e)
{
	int signal = atomic_load(&asked);

	return signal == 0 || err_signal(e, signal);
}

void
stop_forget(void)
{
	const struct itimerval still = { 0 };

	setitimer(ITIMER_REAL, &still, NULL);
	asked = 0;
}
