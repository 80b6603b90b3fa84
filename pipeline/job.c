/* job.c -- see job.h. */
#include "pipeline/job.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pipeline/place.h"
#include "pipeline/task.h"

/* A chain that is told to end takes some time for that (chain.h). */
#define JOB_GRACE_MS (3 * CHAIN_GRACE_MS + 30000)

struct job {
	const struct job_how *how;
	struct store *store; /* of the process at work */
	struct job_done done;
};

/* --- at the last moment --- */

struct last_good {
	bool found;
	struct guard_size size;
};

/* They come in order, so the last one is the newest. */
static bool
good_note(void *arg, const struct catalogue_entry *entry, struct err *e)
{
	struct last_good *last = arg;
	struct manifest_total t;

	(void)e;
	if (entry->kind != BACKUP_GOOD ||
	    entry->manifest->state != STATE_COMPLETE)
		return true;
	t = manifest_total(entry->manifest);
	last->found = true;
	last->size = (struct guard_size){ t.keys, t.raw };
	return true;
}

static bool
suspect(struct job *j, struct manifest *m, struct err *e)
{
	char *remark;

	if (asprintf(&remark, "suspect: %s%s%s", j->done.why,
		m->remark != NULL ? "; " : "",
		m->remark != NULL ? m->remark : "") == -1)
		return err_sys(e, "cannot make the manifest");
	free(m->remark);
	m->remark = remark;
	m->state = STATE_SUSPECT;
	return true;
}

static bool
publish(void *arg, struct manifest *m, struct err *e)
{
	struct job *j = arg;
	const struct guard *g = &j->how->guard;
	struct manifest_total t = manifest_total(m);
	struct guard_size now = { t.keys, t.raw };
	struct last_good last = { 0 };

	if (g->max_shrink > 0 &&
	    !catalogue_each(j->store, m->instance, good_note, &last, e))
		return err_in(e, "cannot find the last good backup");
	if (!guard_judge(
		g, &now, last.found ? &last.size : NULL, j->done.why) &&
	    !suspect(j, m, e))
		return false;
	return lease_check(j->how->lease, j->store, e);
}

/* --- the story --- */

/* In the process at work. */
static bool
work(void *arg, struct err *e)
{
	struct job *j = arg;
	struct backup_how how = j->how->backup;
	bool ok = place_open(&j->store, e);

	if (ok) {
		how.store = j->store;
		how.publish = publish;
		how.arg = j;
		ok = backup_take(&how, &j->done.backup, e);
		store_close(j->store);
	}
	return ok;
}

static bool
tick(void *arg, struct err *e)
{
	return lease_renew(arg, e);
}

bool
job_run(const struct job_how *how, struct job_done *done, struct err *e)
{
	struct job j = { .how = how };
	struct task t = { .work = work,
		.arg = &j,
		.out = &j.done,
		.out_size = sizeof j.done,
		.tick = tick,
		.tick_arg = how->lease,
		.limit_ms = how->limit_ms,
		.grace_ms = JOB_GRACE_MS };
	bool ok = task_run(&t, e);

	*done = j.done;
	done->timed_out = t.timed_out;
	return ok;
}
