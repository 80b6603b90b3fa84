/*
 * checkup.h -- the looks that `rdbpipe check` takes: at a server, at a store,
 * at what is in it.
 *
 * Each adds findings (finding.h) and never fails otherwise: what could not be
 * looked at is a finding, too.  Nothing is changed: commands are tried with
 * arguments that are refused after the permission was judged, and the one
 * object that is put is taken away again.
 */
#ifndef PIPELINE_CHECKUP_H
#define PIPELINE_CHECKUP_H

#include "pipeline/config.h"
#include "pipeline/finding.h"
#include "pipeline/history.h"
#include "stages/store/store.h"

/*
 * A server, by URL or by the name of an [instance]; of a cluster, each of its
 * masters.  Reach and login, version, role, link to the primary, loading, the
 * ACL rules a capture needs, clock.  primary: a plan wants its source to be
 * one.  url is overwritten where it has a password.
 */
void checkup_server(struct findings *, char *url, bool primary);

/*
 * The store, in the folder of an instance: a small object is put, put again
 * (which must be refused), listed, read, removed; uploads that are open;
 * temporary files; clock.
 */
void checkup_store(struct findings *, struct store *, const char *instance);

/* How an instance is to be backed up: plans, from c, and max_age. */
struct checkup_rules {
	const struct config *config; /* NULL: no plans */
	int64_t max_age;             /* ms; 0: as plans have it */
	int64_t now;
};

/* Its backups: a good one, not too old, no litter; whether the time of its
 * plans is enough. */
void checkup_backups(
    struct findings *, const struct history *, const struct checkup_rules *);

#endif
