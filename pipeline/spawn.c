/* spawn.c -- see spawn.h. */
#include "pipeline/spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

/* Move a descriptor out of the way of the numbers a child is given. */
static bool
move_up(int *fd)
{
	int up = fcntl(*fd, F_DUPFD_CLOEXEC, SPAWN_FD_MIN);
	int why = errno;

	close(*fd);
	*fd = up;
	errno = why;
	return up != -1;
}

bool
spawn_pipe(int end[2], struct err *e)
{
	bool ok;

	if (pipe2(end, O_CLOEXEC) == -1)
		return err_sys(e, "cannot make a pipe");
	ok = move_up(&end[0]);
	if (!move_up(&end[1]) || !ok) {
		err_sys(e, "cannot make a pipe");
		close(end[0]);
		close(end[1]);
		return false;
	}
	return true;
}

bool
spawn_open(int *fd, const char *path, int flags, struct err *e)
{
	*fd = open(path, flags | O_CLOEXEC);
	if (*fd == -1 || !move_up(fd))
		return err_sys(e, "cannot open %s", path);
	return true;
}

static void
signals_default(void)
{
	static const int ours[] = { SIGINT, SIGTERM, SIGALRM, SIGPIPE,
		SIGXFSZ };
	sigset_t none;

	for (size_t i = 0; i < COUNT_OF(ours); i++)
		signal(ours[i], SIG_DFL);
	if (signal(SIGHUP, SIG_DFL) == SIG_IGN) /* nohup is for all of us */
		signal(SIGHUP, SIG_IGN);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

/* In the child: take the descriptors, then become the program. */
static _Noreturn void
child(const struct spawn *s, char *const *argv, pid_t parent, int report)
{
	int why;

	signals_default();
	prctl(PR_SET_PDEATHSIG, SIGTERM);
	unsetenv(COMMAND_SECRET);
	if (getppid() != parent)
		_exit(128 + SIGTERM);
	if (dup2(s->in, 0) != -1 && dup2(s->out, 1) != -1 &&
	    dup2(s->facts, SPAWN_FACTS_FD) != -1 &&
	    (s->go == -1 || dup2(s->go, SPAWN_GO_FD) != -1) &&
	    (s->command->env == NULL || putenv(s->command->env) == 0)) {
		/* Ours are close-on-exec anyway; this is for those that
		 * whoever started us left open. */
		close_range(s->go == -1 ? SPAWN_GO_FD : SPAWN_GO_FD + 1, ~0U,
		    CLOSE_RANGE_CLOEXEC);
		execv(s->command->path, argv);
	}
	why = errno;
	while (write(report, &why, sizeof why) == -1 && errno == EINTR)
		continue;
	_exit(127);
}

/* argv[0], the descriptors, then the words. */
static void
argv_fill(const struct spawn *s, const char **argv)
{
	*argv++ = s->command->name;
	*argv++ = "--facts-fd=3";
	if (s->go != -1)
		*argv++ = "--go-fd=4";
	if (s->quiet)
		*argv++ = "--quiet";
	for (size_t i = 0; i <= s->command->n; i++)
		*argv++ = s->command->words[i];
}

static void
reap(pid_t pid)
{
	while (waitpid(pid, NULL, 0) == -1 && errno == EINTR)
		continue;
}

/* Wait until the child has become the program, or says why not. */
static bool
report_read(int fd, pid_t pid, const char *path, struct err *e)
{
	int why = 0;
	ssize_t n;

	while ((n = read(fd, &why, sizeof why)) == -1 && errno == EINTR)
		continue;
	if (n == 0)
		return true;
	reap(pid);
	errno = why;
	return err_sys(e, "cannot start %s", path);
}

bool
spawn_start(const struct spawn *s, pid_t *pid, int *pid_fd, struct err *e)
{
	const char *argv[COMMAND_WORDS + 5];
	pid_t parent = getpid(), started;
	int report[2];
	bool ok;

	*pid = 0;
	argv_fill(s, argv);
	if (!spawn_pipe(report, e))
		return false;
	if ((started = fork()) == 0)
		child(s, (char *const *)argv, parent, report[1]);
	close(report[1]);
	if (started == -1)
		ok = err_sys(e, "cannot start %s", s->command->path);
	else
		ok = report_read(report[0], started, s->command->path, e);
	close(report[0]);
	if (!ok)
		return false;
	if ((*pid_fd = pidfd_open(started, 0)) == -1) {
		err_sys(e, "cannot watch %s", s->command->name);
		kill(started, SIGKILL);
		reap(started);
		return false;
	}
	*pid = started;
	return true;
}
