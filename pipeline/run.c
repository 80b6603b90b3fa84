/*
 * run.c -- chain_run and chain_run_crew: start all, watch until the last has
 * ended, give the go-ahead, find whom to blame.  The contract is in chain.h.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "pipeline/chain.h"
#include "pipeline/spawn.h"
#include "stages/kit/clock.h"
#include "stages/kit/stop.h"

#define BLAME_MS 200

/* How hard we have asked the others to end. */
enum pressure { LET_RUN, LET_FOLLOW, ASKED, KILLED };

struct run {
	struct chain *chain;
	int go_fd; /* ours to write; -1: none, or closed */
	bool off;  /* called off: it is not for this chain to say why */
	int64_t began_ms;
	size_t left; /* programs not yet reaped */
	const struct chain_link *blame;
	int64_t blame_ms;
	const struct chain_link *piped; /* first that died of SIGPIPE */
	struct err why;                 /* ERR_NONE: only blame, or nothing */
	enum pressure pressure;
	int64_t next_ms; /* when to press harder */
};

static void
fd_close(int *fd)
{
	if (*fd != -1)
		close(*fd);
	*fd = -1;
}

/* --- starting --- */

/* Start link i between in and out; give it the go pipe if it is the gate. */
static bool
link_start(struct run *r, size_t i, int in, int out, struct err *e)
{
	struct chain_link *l = &r->chain->link[i];
	bool gate = r->chain->gate && i + 1 == r->chain->n;
	bool held = r->chain->held && i == 0;
	struct spawn s = { &l->command, in, out, -1, -1, r->chain->quiet };
	int facts[2], go[2] = { -1, -1 };
	bool ok;

	if (!spawn_pipe(facts, e))
		return false;
	if ((gate || held) && !spawn_pipe(go, e)) {
		fd_close(&facts[0]);
		fd_close(&facts[1]);
		return false;
	}
	s.facts = facts[1];
	s.go = go[0];
	ok = spawn_start(&s, &l->pid, &l->pid_fd, e);
	fd_close(&facts[1]);
	fd_close(&go[0]);
	if (!ok) {
		fd_close(&facts[0]);
		fd_close(&go[1]);
		return false;
	}
	fcntl(facts[0], F_SETFL, O_NONBLOCK);
	l->facts_fd = facts[0];
	if (held)
		r->chain->start_fd = go[1];
	else if (gate)
		r->go_fd = go[1];
	r->left++;
	return true;
}

/* Start all, left to right.  On failure those started are still running. */
static bool
all_start(struct run *r, struct err *e)
{
	size_t n = r->chain->n;
	int in = -1, between[2] = { -1, -1 };
	bool ok = spawn_open(&in, "/dev/null", O_RDONLY, e);

	for (size_t i = 0; ok && i < n; i++) {
		ok = i + 1 < n ?
		    spawn_pipe(between, e) :
		    spawn_open(&between[1], "/dev/null", O_WRONLY, e);
		ok = ok && link_start(r, i, in, between[1], e);
		fd_close(&between[1]);
		fd_close(&in);
		in = between[0];
		between[0] = -1;
	}
	fd_close(&in);
	return ok;
}

/* --- watching --- */

/* Take what facts there are; after its end that is all there will be. */
static void
facts_take(struct run *r, struct chain_link *l)
{
	struct err full = { 0 };
	char buf[4096];
	ssize_t n;

	while (l->facts_fd != -1) {
		n = read(l->facts_fd, buf, sizeof buf);
		if (n == -1 && errno == EINTR)
			continue;
		if (n == -1)
			return;
		if (n > 0 && fact_list_add(&l->facts, buf, (size_t)n, &full))
			continue;
		fd_close(&l->facts_fd);
		if (full.kind != ERR_NONE && r->why.kind == ERR_NONE &&
		    r->blame == NULL)
			err_set(&r->why, full.kind, "%s: %s", l->command.name,
			    full.text);
	}
}

static bool
ended_well(const struct chain_link *l)
{
	return l->pid == 0 && l->status == 0;
}

/* Did it end because nobody read its output?  141 is how a wrapper written
 * in sh says so. */
static bool
was_piped(int status)
{
	return WIFSIGNALED(status) ? WTERMSIG(status) == SIGPIPE :
				     WEXITSTATUS(status) == 128 + SIGPIPE;
}

/*
 * The first to fail is to blame, unless one nearer to the source turns out to
 * have failed just before: a killed program's pipes close before the kernel
 * says that it has ended, and who reads them may be quicker to end.
 */
static void
blame_take(struct run *r, const struct chain_link *l)
{
	if (r->pressure >= ASKED || r->why.kind != ERR_NONE)
		return; /* whom we told to end is not to blame */
	if (r->blame == NULL)
		r->blame_ms = clock_steady();
	else if (l > r->blame || clock_steady() - r->blame_ms > BLAME_MS)
		return;
	r->blame = l;
}

/* Reap a program that has ended and judge it. */
static void
link_end(struct run *r, struct chain_link *l)
{
	while (waitpid(l->pid, &l->status, 0) == -1 && errno == EINTR)
		continue;
	facts_take(r, l);
	fd_close(&l->facts_fd);
	fd_close(&l->pid_fd);
	l->pid = 0;
	r->left--;
	if (l->status == 0)
		return;
	if (was_piped(l->status)) {
		if (r->piped == NULL)
			r->piped = l;
	} else {
		blame_take(r, l);
	}
}

/* Did a program end well but leave its facts unfinished? */
static void
facts_check(struct run *r, const struct chain_link *l)
{
	const char *code = fact_list_get(&l->facts, "exit");

	if (ended_well(l) && r->why.kind == ERR_NONE && r->blame == NULL &&
	    (code == NULL || strcmp(code, "0") != 0))
		err_set(&r->why, ERR_BUG, "%s ended well, but its facts do not",
		    l->command.name);
}

static void
all_signal(struct run *r, int signal)
{
	for (size_t i = 0; i < r->chain->n; i++)
		if (r->chain->link[i].pid > 0)
			kill(r->chain->link[i].pid, signal);
}

/* Something is wrong: no go-ahead any more, and more pressure as time goes. */
static void
press(struct run *r)
{
	const struct chain *c = r->chain;
	int64_t now = clock_steady();
	bool stopped = r->off || r->why.kind == ERR_SIGNAL;

	fd_close(&r->go_fd);
	fd_close(&r->chain->start_fd);
	if (r->pressure == LET_RUN) {
		r->pressure = LET_FOLLOW;
		r->next_ms =
		    now + (c->follow_ms > 0 ? c->follow_ms : CHAIN_FOLLOW_MS);
	}
	if (r->pressure == LET_FOLLOW && (stopped || now >= r->next_ms)) {
		all_signal(r, SIGTERM);
		r->pressure = ASKED;
		r->next_ms =
		    now + (c->grace_ms > 0 ? c->grace_ms : CHAIN_GRACE_MS);
	}
	if (r->pressure == ASKED && now >= r->next_ms) {
		all_signal(r, SIGKILL);
		r->pressure = KILLED;
	}
}

/*
 * Have all but the last ended well, so that it may commit?  Does it still wait
 * for that?  One that speaks before it may is about to end, having failed: it
 * knows why better than a comparison of what it says.
 */
static bool
gate_ready(const struct run *r)
{
	if (r->chain->link[r->chain->n - 1].facts.len > 0)
		return false;
	for (size_t i = 0; i + 1 < r->chain->n; i++)
		if (!ended_well(&r->chain->link[i]))
			return false;
	return true;
}

static void
gate_open(struct run *r)
{
	struct chain *c = r->chain;

	if (c->agree != NULL && !c->agree(c, c->arg, &r->why))
		return;
	/* SIGPIPE is ignored; a sink that is gone is noticed by its end. */
	c->went = write(r->go_fd, "go\n", 3) == 3;
	fd_close(&r->go_fd);
}

/* How long may we wait for the next thing to happen?  -1: no matter. */
static int64_t
patience(const struct run *r)
{
	int64_t now = clock_steady();

	if (r->pressure != LET_FOLLOW && r->pressure != ASKED)
		return -1;
	return r->next_ms > now ? r->next_ms - now : 0;
}

/* What poll is to look at: two rows for each program. */
static size_t
rows_fill(const struct run *r, struct pollfd *p)
{
	const struct chain *c = r->chain;

	for (size_t i = 0; i < c->n; i++) {
		p[2 * i] = (struct pollfd){ c->link[i].facts_fd, POLLIN, 0 };
		p[2 * i + 1] = (struct pollfd){ c->link[i].pid_fd, POLLIN, 0 };
	}
	return 2 * c->n;
}

/* Take note of what poll saw. */
static size_t
rows_take(struct run *r, const struct pollfd *p)
{
	struct chain *c = r->chain;

	for (size_t i = 0; i < c->n; i++) {
		if (p[2 * i].revents != 0)
			facts_take(r, &c->link[i]);
		if (p[2 * i + 1].revents == 0)
			continue;
		link_end(r, &c->link[i]);
		facts_check(r, &c->link[i]);
	}
	return 2 * c->n;
}

/* Do what is to be done before the next wait. */
static void
step(struct run *r)
{
	struct err stop;

	if (r->why.kind == ERR_NONE && !stop_check(&stop))
		r->why = stop;
	if (r->off || r->why.kind != ERR_NONE || r->blame != NULL ||
	    r->piped != NULL)
		press(r);
	else if (r->go_fd != -1 && gate_ready(r)) {
		gate_open(r);
		if (r->why.kind != ERR_NONE)
			press(r);
	}
}

/* --- the verdict --- */

/* Signals that others send, and no fault of the program's; those it notes by
 * itself can still kill it in its first moments. */
static bool
from_outside(int signal)
{
	return signal == SIGKILL || signal == SIGTERM || signal == SIGINT ||
	    signal == SIGHUP;
}

/* The error a program's own end stands for. */
static bool
blame_set(const struct chain_link *l, struct err *e)
{
	const char *name = l->command.name;
	int code, number;

	if (WIFSIGNALED(l->status)) {
		number = WTERMSIG(l->status);
		return err_set(e, from_outside(number) ? ERR_SYSTEM : ERR_BUG,
		    "%s was killed by signal %d (%s)", name, number,
		    strsignal(number));
	}
	code = WEXITSTATUS(l->status);
	if (code > 128) {
		err_set(e, ERR_SIGNAL, "%s was stopped by signal %d (%s)", name,
		    code - 128, strsignal(code - 128));
		e->sys = code - 128;
		return false;
	}
	return err_set(e,
	    code >= ERR_DATA && code <= ERR_BUG ? (enum err_kind)code : ERR_BUG,
	    "%s failed first, with exit status %d", name, code);
}

static bool
verdict(const struct run *r, struct err *e)
{
	/* Either came before anyone could be blamed, or we were asked to
	 * stop, and then it does not matter how they took it. */
	if (r->why.kind != ERR_NONE) {
		*e = r->why;
		return false;
	}
	if (r->blame != NULL)
		return blame_set(r->blame, e);
	if (r->piped != NULL)
		return err_set(e, ERR_BUG,
		    "%s lost its reader, though none failed",
		    r->piped->command.name);
	if (r->chain->gate && !r->chain->went)
		return err_set(e, ERR_BUG, "%s did not wait for the go-ahead",
		    r->chain->link[r->chain->n - 1].command.name);
	return true;
}

/* --- several --- */

/* Those below begun have been started; one that has ended has no chain. */
struct crew {
	const struct chain_crew *of;
	struct run *run;  /* one for each chain */
	struct pollfd *p; /* rows for all */
	size_t begun, running;
	bool called_off; /* look's owner knows */
	struct err why;
};

static void
run_begin(struct run *r, struct chain *c)
{
	*r = (struct run){ .chain = c, .go_fd = -1 };
	r->began_ms = clock_steady();
	c->start_fd = -1;
	for (size_t i = 0; i < c->n; i++) {
		c->link[i].pid_fd = -1;
		c->link[i].facts_fd = -1;
	}
	if (c->trouble.kind != ERR_NONE)
		r->why = c->trouble;
	else if (!all_start(r, &r->why)) {
		/* Half a chain is no chain: do not let it follow. */
		fd_close(&r->go_fd);
		all_signal(r, SIGTERM);
		r->pressure = ASKED;
		r->next_ms = clock_steady() + CHAIN_GRACE_MS;
	}
}

static void
run_end(struct crew *w, struct run *r)
{
	struct err e;

	fd_close(&r->go_fd);
	fd_close(&r->chain->start_fd);
	r->chain->took_ms = clock_steady() - r->began_ms;
	w->running--;
	if (!r->off && !verdict(r, &e) && w->why.kind == ERR_NONE)
		w->why = e;
	r->chain = NULL;
}

/* Start as many as may run. */
static void
crew_fill(struct crew *w)
{
	size_t most = w->of->at_once > 0 ? w->of->at_once : w->of->n;

	while (w->why.kind == ERR_NONE && w->begun < w->of->n &&
	    w->running < most) {
		run_begin(&w->run[w->begun], &w->of->chain[w->begun]);
		w->begun++;
		w->running++;
	}
}

/* Has anything gone wrong with any of them? */
static bool
crew_failing(const struct crew *w)
{
	for (size_t i = 0; i < w->begun; i++) {
		const struct run *r = &w->run[i];

		if (r->chain != NULL &&
		    (r->why.kind != ERR_NONE || r->blame != NULL ||
			r->piped != NULL))
			return true;
	}
	return w->why.kind != ERR_NONE;
}

static void
crew_look(struct crew *w, int64_t *wait_ms)
{
	const struct chain_crew *of = w->of;

	if (of->look == NULL || w->called_off)
		return;
	w->called_off = crew_failing(w) || !of->look(of->arg, wait_ms, &w->why);
	if (w->called_off) {
		of->off(of->arg);
		*wait_ms = 0;
	}
}

/* Wait for something to happen to any of them, and take note of it. */
static void
crew_wait(struct crew *w, int64_t wait_ms)
{
	size_t n = 0;

	for (size_t i = 0; i < w->begun; i++) {
		struct run *r = &w->run[i];
		int64_t ms;

		if (r->chain == NULL)
			continue;
		n += rows_fill(r, w->p + n);
		ms = patience(r);
		if (ms != -1 && (wait_ms == -1 || ms < wait_ms))
			wait_ms = ms;
	}
	if (poll(w->p, n, (int)wait_ms) <= 0)
		return;
	n = 0;
	for (size_t i = 0; i < w->begun; i++)
		if (w->run[i].chain != NULL)
			n += rows_take(&w->run[i], w->p + n);
}

static void
crew_run(struct crew *w)
{
	for (crew_fill(w); w->running > 0; crew_fill(w)) {
		int64_t wait_ms = -1;

		crew_look(w, &wait_ms);
		for (size_t i = 0; i < w->begun; i++) {
			struct run *r = &w->run[i];

			if (r->chain == NULL)
				continue;
			if (w->why.kind != ERR_NONE &&
			    r->why.kind == ERR_NONE && r->blame == NULL)
				r->off = true;
			step(r);
			if (r->left == 0) {
				run_end(w, r);
				wait_ms = 0;
			}
		}
		if (w->running > 0)
			crew_wait(w, wait_ms);
	}
}

bool
chain_run_crew(const struct chain_crew *of, struct err *e)
{
	struct crew w = { .of = of };

	w.run = calloc(of->n, sizeof *w.run);
	w.p = calloc(of->n, 2 * CHAIN_MAX * sizeof *w.p);
	if (w.run != NULL && w.p != NULL)
		crew_run(&w);
	else
		err_sys(&w.why, "cannot run %zu chains", of->n);
	free(w.run);
	free(w.p);
	if (w.why.kind != ERR_NONE)
		*e = w.why;
	return w.why.kind == ERR_NONE;
}

bool
chain_run(struct chain *c, struct err *e)
{
	const struct chain_crew one = { .chain = c, .n = 1 };

	return chain_run_crew(&one, e);
}

bool
chain_start(struct chain *c, struct err *e)
{
	bool ok = write(c->start_fd, "go\n", 3) == 3;

	if (!ok)
		err_sys(e, "%s does not wait for the word",
		    c->link[0].command.name);
	fd_close(&c->start_fd);
	return ok;
}
