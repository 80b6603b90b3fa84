/* process.c -- see process.h. */
#include "stages/kit/process.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#include "stages/kit/stop.h"

const char process_exit_help[] =
    "Exit status: 0 good, 1 wrong data, 2 wrong usage, 3 a system call "
    "failed,\n4 a server or store refused or went away, 5 a bug, 129/130/143 "
    "by signal.\n";

void
process_begin(void)
{
	/* Reading or writing what was not given must fail, not be nothing. */
	static const int way[] = { O_WRONLY, O_RDONLY, O_RDWR };

	for (int fd = 0; fd <= STDERR_FILENO; fd++)
		if (fcntl(fd, F_GETFD) == -1)
			(void)!open("/dev/null", way[fd]);
	stop_init();
}

bool
process_close_stdout(bool ok, struct err *e)
{
	/* What was refused earlier may be gone by now without a trace. */
	bool refused = ferror(stdout);
	bool failed = fflush(stdout) != 0 ||
	    (close(STDOUT_FILENO) != 0 && errno != EBADF);

	if (!ok)
		return false;
	if (failed && errno == EINTR && !stop_check(e))
		return false;
	if (failed)
		return err_sys(e, "cannot write standard output");
	return !refused ||
	    err_set(e, ERR_SYSTEM, "standard output did not take all of it");
}

int
process_end(const char *name, bool ok, const struct err *e)
{
	char line[4 * sizeof e->text];

	if (ok)
		return 0;
	if (e->kind == ERR_SYSTEM && e->sys == EPIPE) {
		signal(SIGPIPE, SIG_DFL);
		raise(SIGPIPE);
	}
	fprintf(
	    stderr, "%s: %s\n", name, err_clean(line, sizeof line, e->text));
	return err_exit_code(e);
}
