/* task.c -- see task.h. */
#include "pipeline/task.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "pipeline/command.h"
#include "pipeline/spawn.h"
#include "stages/kit/clock.h"
#include "stages/kit/stop.h"

#define LOOK_MS    200
#define COMMAND_MS 5000 /* for a command that was told to end */

/* What comes back through the pipe, in front of out. */
struct word {
	bool ok;
	struct err why;
};

/* --- in the child --- */

static bool
all_write(int fd, const void *from, size_t n)
{
	const char *p = from;

	while (n > 0) {
		ssize_t w = write(fd, p, n);

		if (w == -1 && errno == EINTR)
			continue;
		if (w <= 0)
			return false;
		p += w;
		n -= (size_t)w;
	}
	return true;
}

static void
child(const struct task *t, int fd, pid_t parent)
{
	struct word w = { 0 };

	prctl(PR_SET_PDEATHSIG, SIGTERM);
	if (getppid() != parent) /* it has gone before we could ask that */
		_exit(ERR_SYSTEM);
	w.ok = t->work(t->arg, &w.why);
	fflush(stdout);
	if (!all_write(fd, &w, sizeof w) || !all_write(fd, t->out, t->out_size))
		_exit(ERR_SYSTEM);
	_exit(0);
}

/* --- looking after it --- */

struct watch {
	struct task *task;
	pid_t pid;
	int64_t began, kill_at; /* 0: it was not told to end */
	struct err why;         /* of that */
};

static void
tell_to_end(struct watch *w)
{
	struct task *t = w->task;
	int64_t now = clock_steady();

	if (w->kill_at == 0) {
		kill(w->pid, SIGTERM);
		w->kill_at =
		    now + (t->grace_ms > 0 ? t->grace_ms : TASK_GRACE_MS);
	} else if (now >= w->kill_at) {
		kill(w->pid, SIGKILL);
	}
}

/* May it go on?  The first reason against it is kept. */
static void
look(struct watch *w)
{
	struct task *t = w->task;
	struct err why;

	if (w->kill_at == 0) {
		if (!stop_check(&w->why)) {
			tell_to_end(w);
			return;
		}
		if (t->limit_ms > 0 &&
		    clock_steady() - w->began >= t->limit_ms) {
			t->timed_out = true;
			err_set(&w->why, ERR_SYSTEM, "its time was up");
			tell_to_end(w);
			return;
		}
	}
	if (t->tick != NULL && !t->tick(t->tick_arg, &why)) {
		if (w->kill_at == 0)
			w->why = why;
		tell_to_end(w);
	} else if (w->kill_at != 0)
		tell_to_end(w);
}

/* All it says, until it has ended; the number of bytes. */
static size_t
listen(struct watch *w, int fd, char *to, size_t room)
{
	struct pollfd p = { fd, POLLIN, 0 };
	size_t n = 0;

	for (;;) {
		ssize_t got;

		look(w);
		if (poll(&p, 1, LOOK_MS) <= 0)
			continue;
		got = read(fd, to + n, room - n);
		if (got == -1 && errno == EINTR)
			continue;
		if (got <= 0)
			return n;
		n += (size_t)got;
		if (n == room)
			return n;
	}
}

static bool
ended_badly(int status, struct err *e)
{
	if (WIFSIGNALED(status))
		return err_set(e, ERR_SYSTEM,
		    "a process of ours was killed by "
		    "signal %d (%s)",
		    WTERMSIG(status), strsignal(WTERMSIG(status)));
	return err_set(e, ERR_BUG,
	    "a process of ours ended without a word, with status %d",
	    WEXITSTATUS(status));
}

static bool
start(struct watch *w, int fds[2], struct err *e)
{
	pid_t parent = getpid();

	if (!spawn_pipe(fds, e))
		return false;
	fflush(stdout);
	fflush(stderr);
	w->began = clock_steady();
	w->pid = fork();
	if (w->pid == 0) {
		close(fds[0]);
		child(w->task, fds[1], parent);
	}
	close(fds[1]);
	if (w->pid != -1)
		return true;
	close(fds[0]);
	return err_sys(e, "cannot start a process");
}

bool
task_run(struct task *t, struct err *e)
{
	struct watch w = { .task = t };
	size_t room = sizeof(struct word) + t->out_size, n;
	char *buf = malloc(room);
	struct word word;
	int fds[2], status;
	bool ok = false;

	t->timed_out = false;
	if (buf == NULL)
		return err_sys(e, "cannot start a process");
	if (!start(&w, fds, e)) {
		free(buf);
		return false;
	}
	n = listen(&w, fds[0], buf, room);
	close(fds[0]);
	while (waitpid(w.pid, &status, 0) == -1 && errno == EINTR)
		continue;
	if (n == room) {
		memcpy(&word, buf, sizeof word);
		if (t->out_size > 0)
			memcpy(t->out, buf + sizeof word, t->out_size);
		ok = word.ok;
		if (!ok)
			*e = w.kill_at != 0 ? w.why : word.why;
	} else if (w.kill_at != 0) {
		*e = w.why;
	} else {
		ended_badly(status, e);
	}
	free(buf);
	return ok;
}

/* --- commands --- */

/* Told to end: so is all that the command has started. */
static pid_t group;

static void
group_end(int signal)
{
	if (group > 0)
		kill(-group, signal);
}

static void
command_exec(const struct task_command *c)
{
	static const int noted[] = { SIGINT, SIGTERM, SIGHUP, SIGALRM, SIGPIPE,
		SIGXFSZ };
	int null = open("/dev/null", O_RDONLY);

	setpgid(0, 0);
	prctl(PR_SET_PDEATHSIG, SIGTERM);
	for (size_t i = 0; i < COUNT_OF(noted); i++)
		signal(noted[i], SIG_DFL);
	unsetenv(COMMAND_SECRET);
	for (char *const *v = c->env; *v != NULL; v++)
		putenv(*v);
	if (null == -1 || dup2(null, STDIN_FILENO) == -1 ||
	    dup2(STDERR_FILENO, STDOUT_FILENO) == -1)
		_exit(126);
	/* From 3 on all is closed: nothing of ours stays open in there. */
	for (int fd = STDERR_FILENO + 1; fd < 64; fd++)
		close(fd);
	execl("/bin/sh", "sh", "-c", c->command, (char *)NULL);
	_exit(127);
}

/* In a task of its own: wait for the command, end what it started. */
static bool
command_work(void *arg, struct err *e)
{
	const struct task_command *c = arg;
	int status;

	if ((group = fork()) == -1)
		return err_sys(e, "cannot start %s", c->name);
	if (group == 0)
		command_exec(c);
	setpgid(group, group);
	while (waitpid(group, &status, 0) == -1) {
		if (errno != EINTR)
			return err_sys(e, "cannot wait for %s", c->name);
		if (!stop_check(e)) {
			const struct timespec nap = { 0, 100000000 };
			int64_t until = clock_steady() + COMMAND_MS;

			group_end(SIGTERM);
			while (clock_steady() < until &&
			    waitpid(group, &status, WNOHANG) == 0)
				nanosleep(&nap, NULL);
			group_end(SIGKILL);
			return false;
		}
	}
	if (WIFSIGNALED(status))
		return err_set(e, ERR_SYSTEM, "was killed by signal %d (%s)",
		    WTERMSIG(status), strsignal(WTERMSIG(status)));
	return WEXITSTATUS(status) == 0 ||
	    err_set(e, ERR_SYSTEM, "ended with status %d", WEXITSTATUS(status));
}

bool
task_command(const struct task_command *c, struct err *e)
{
	struct task t = { .work = command_work,
		.arg = (void *)c,
		.tick = c->tick,
		.tick_arg = c->tick_arg,
		.limit_ms = c->limit_ms,
		.grace_ms = 2 * COMMAND_MS };

	return task_run(&t, e) || err_in(e, "%s", c->name);
}
