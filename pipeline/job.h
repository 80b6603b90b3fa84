/*
 * job.h -- one backup, made while its instance's lease is held.
 *
 *	lease_take(&lease, ...)
 *	job_run(&how, &done, &e)
 *	lease_release(&lease)
 *
 * The backup is made by a process of its own (task.h), which opens the store
 * once more; ours renews the lease meanwhile and ends it when its time is up.
 * Before the manifest is published the lease is looked at once more, and the
 * guard (guard.h) asked.
 */
#ifndef PIPELINE_JOB_H
#define PIPELINE_JOB_H

#include "pipeline/backup.h"
#include "pipeline/guard.h"
#include "pipeline/lease.h"

struct job_how {
	struct backup_how backup; /* without .store, .publish, .arg */
	struct guard guard;
	struct lease *lease; /* held */
	int64_t limit_ms;    /* 0: it may take any time */
};

struct job_done {
	struct backup_done backup;
	char why[GUARD_TEXT_LEN]; /* suspect: why */
	bool timed_out;
};

/*
 * True: it was published.  The state may be suspect; then the manifest's remark
 * says why, in front of what was remarked.
 */
MUST_USE bool job_run(const struct job_how *, struct job_done *, struct err *);

#endif
