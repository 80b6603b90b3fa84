/*
 * crew.c -- see crew.h.
 *
 * One lock guards everything; two conditions: workers wait for work, the owner
 * for news.  Requests and checksums are done outside the lock.
 */
#include "stages/store/crew.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <time.h>

#include "stages/kit/clock.h"
#include "stages/kit/stop.h"
#include "stages/store/cloud.h"
#include "stages/store/pace.h"

#define LOOK_MS 100 /* how often waiters look around */

struct worker {
	pthread_t thread;
	struct crew *crew;
	struct cloud_line *line;
};

struct crew {
	struct cloud *cloud; /* borrowed */
	struct crew_want want;
	crew_work *work;
	void *arg;
	atomic_bool cancel;
	struct worker worker[CREW_THREADS_MAX];

	pthread_mutex_t lock;
	pthread_cond_t to_do, news;
	/* All of this is under the lock. */
	unsigned threads; /* started */
	bool closing, failed;
	struct err fault; /* when failed */
	struct pace pace;
	struct piece *first, **last; /* to be done, in order */
	unsigned queued, busy;
	struct piece *spare;
	struct piece *all[CREW_THREADS_MAX + 2];
	unsigned pieces;
	uint64_t bytes; /* in pieces */
};

/* Wait for a condition, but look around now and then. */
static void
look(struct crew *c, pthread_cond_t *cond)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	t.tv_nsec += LOOK_MS * 1000000L;
	if (t.tv_nsec >= 1000000000L) {
		t.tv_sec++;
		t.tv_nsec -= 1000000000L;
	}
	pthread_cond_timedwait(cond, &c->lock, &t);
}

/* --- workers --- */

static bool
may_begin(struct crew *c)
{
	unsigned slow = c->want.slow != NULL ? atomic_load(c->want.slow) : 0;

	return c->first != NULL &&
	    c->busy < pace_allow(&c->pace, slow, clock_steady());
}

static struct piece *
piece_next(struct crew *c)
{
	struct piece *p = c->first;

	if ((c->first = p->next) == NULL)
		c->last = &c->first;
	p->next = NULL;
	c->queued--;
	c->busy++;
	return p;
}

/* Put a piece where its memory waits for the next one. */
static void
piece_rest(struct crew *c, struct piece *p)
{
	p->next = c->spare;
	c->spare = p;
}

static void
piece_done(struct crew *c, struct piece *p, bool ok, const struct err *e)
{
	c->busy--;
	p->done = ok;
	if (!c->want.keep)
		piece_rest(c, p);
	if (!ok && !c->failed) {
		c->failed = true;
		c->fault = *e;
		atomic_store(&c->cancel, true);
	}
	pthread_cond_broadcast(&c->news);
	pthread_cond_broadcast(&c->to_do);
}

static void *
worker_run(void *arg)
{
	struct worker *w = arg;
	struct crew *c = w->crew;

	pthread_mutex_lock(&c->lock);
	while (!c->closing && !c->failed) {
		struct piece *p;
		struct err e = { 0 };
		bool ok;

		if (!may_begin(c)) {
			if (c->first != NULL)
				look(c, &c->to_do);
			else
				pthread_cond_wait(&c->to_do, &c->lock);
			continue;
		}
		p = piece_next(c);
		pthread_mutex_unlock(&c->lock);
		ok = c->work(c->arg, w->line, p, &e);
		pthread_mutex_lock(&c->lock);
		piece_done(c, p, ok, &e);
	}
	pthread_mutex_unlock(&c->lock);
	return NULL;
}

/* One more thread.  Signals are for the owner, whose waits they end. */
static bool
worker_start(struct crew *c, struct err *e)
{
	struct worker *w = &c->worker[c->threads];
	sigset_t all, before;

	w->crew = c;
	if ((w->line = cloud_line_new(c->cloud, e)) == NULL)
		return false;
	cloud_line_set(w->line, &c->cancel, false, 0);
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	errno = pthread_create(&w->thread, NULL, worker_run, w);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (errno != 0) {
		cloud_line_free(w->line);
		return err_sys(e, "cannot start a thread");
	}
	c->threads++;
	return true;
}

/* --- the owner --- */

/* Whether the owner may go on. */
static bool
in_order(struct crew *c, struct err *e)
{
	if (c->failed)
		*e = c->fault;
	return !c->failed && stop_check(e);
}

static void
piece_free(struct crew *c, struct piece *p)
{
	for (unsigned i = 0; i < c->pieces; i++)
		if (c->all[i] == p)
			c->all[i] = c->all[--c->pieces];
	c->bytes -= p->cap;
	free(p->mem);
	free(p);
}

static struct piece *
piece_make(struct crew *c, size_t size, struct err *e)
{
	struct piece *p = calloc(1, sizeof *p);

	if (p == NULL || (p->mem = malloc(size > 0 ? size : 1)) == NULL) {
		free(p);
		err_sys(e, "cannot get %zu bytes for a part", size);
		return NULL;
	}
	p->cap = size;
	c->all[c->pieces++] = p;
	c->bytes += size;
	return p;
}

/* Spare memory that is large enough; what is not is given back. */
static struct piece *
spare_take(struct crew *c, size_t size)
{
	struct piece *p;

	while ((p = c->spare) != NULL) {
		c->spare = p->next;
		if (p->cap >= size)
			return p;
		piece_free(c, p);
	}
	return NULL;
}

static bool
piece_look(struct crew *c, size_t size, struct piece **piece, struct err *e)
{
	struct piece *p;

	*piece = NULL;
	if (!in_order(c, e))
		return false;
	p = spare_take(c, size);
	if (p == NULL && c->pieces < c->want.threads + 2 &&
	    (c->pieces < 2 || c->bytes + size <= c->want.memory) &&
	    (p = piece_make(c, size, e)) == NULL)
		return false;
	if (p != NULL) {
		p->next = NULL;
		p->len = 0;
		p->done = false;
	}
	*piece = p;
	return true;
}

struct piece *
crew_piece(struct crew *c, size_t size, struct err *e)
{
	struct piece *p;

	pthread_mutex_lock(&c->lock);
	while (piece_look(c, size, &p, e) && p == NULL)
		look(c, &c->news);
	pthread_mutex_unlock(&c->lock);
	return p;
}

bool
crew_piece_now(struct crew *c, size_t size, struct piece **piece, struct err *e)
{
	bool ok;

	pthread_mutex_lock(&c->lock);
	ok = piece_look(c, size, piece, e);
	pthread_mutex_unlock(&c->lock);
	return ok;
}

bool
crew_give(struct crew *c, struct piece *p, struct err *e)
{
	bool ok;

	pthread_mutex_lock(&c->lock);
	*c->last = p;
	c->last = &p->next;
	c->queued++;
	ok = in_order(c, e) &&
	    (c->busy + c->queued <= c->threads ||
		c->threads == c->want.threads || worker_start(c, e));
	pthread_cond_signal(&c->to_do);
	pthread_mutex_unlock(&c->lock);
	return ok;
}

bool
crew_wait(struct crew *c, struct piece *p, struct err *e)
{
	bool ok;

	pthread_mutex_lock(&c->lock);
	while ((ok = in_order(c, e)) && !p->done)
		look(c, &c->news);
	pthread_mutex_unlock(&c->lock);
	return ok;
}

void
crew_spare(struct crew *c, struct piece *p)
{
	pthread_mutex_lock(&c->lock);
	piece_rest(c, p);
	pthread_mutex_unlock(&c->lock);
}

bool
crew_finish(struct crew *c, struct err *e)
{
	bool ok;

	pthread_mutex_lock(&c->lock);
	while ((ok = in_order(c, e)) && c->queued + c->busy > 0)
		look(c, &c->news);
	pthread_mutex_unlock(&c->lock);
	return ok;
}

/* --- the whole --- */

struct crew *
crew_new(struct cloud *cloud, const struct crew_want *want, crew_work *work,
    void *arg, struct err *e)
{
	struct crew *c = calloc(1, sizeof *c);
	pthread_condattr_t clock;

	if (c == NULL) {
		err_sys(e, "cannot set up threads");
		return NULL;
	}
	c->cloud = cloud;
	c->want = *want;
	c->work = work;
	c->arg = arg;
	c->last = &c->first;
	atomic_init(&c->cancel, false);
	pace_init(&c->pace, want->threads,
	    want->slow != NULL ? atomic_load(want->slow) : 0);
	pthread_mutex_init(&c->lock, NULL);
	pthread_condattr_init(&clock);
	pthread_condattr_setclock(&clock, CLOCK_MONOTONIC);
	pthread_cond_init(&c->to_do, &clock);
	pthread_cond_init(&c->news, &clock);
	pthread_condattr_destroy(&clock);
	return c;
}

void
crew_free(struct crew *c)
{
	if (c == NULL)
		return;
	pthread_mutex_lock(&c->lock);
	c->closing = true;
	atomic_store(&c->cancel, true);
	pthread_cond_broadcast(&c->to_do);
	pthread_mutex_unlock(&c->lock);
	for (unsigned i = 0; i < c->threads; i++) {
		pthread_join(c->worker[i].thread, NULL);
		cloud_line_free(c->worker[i].line);
	}
	while (c->pieces > 0)
		piece_free(c, c->all[0]);
	pthread_cond_destroy(&c->to_do);
	pthread_cond_destroy(&c->news);
	pthread_mutex_destroy(&c->lock);
	free(c);
}
