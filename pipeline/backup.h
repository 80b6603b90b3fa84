/*
 * backup.h -- take one backup of one instance, from the first look at the
 * server to the manifest in the store.
 *
 *	struct backup_how how = { .from = &endpoint, .store = store,
 *	    .instance = "shop", .type = TYPE_MANUAL };
 *	struct backup_done done;
 *
 *	ok = backup_take(&how, &done, &e);
 *
 * A cluster is backed up as one set: a chain for each shard (set.h), one
 * manifest for all; but for via "scan", which reads it all into one object.
 *
 * Who asks for it (a person, a plan) and what becomes of it afterwards is for
 * the caller.  A backup exists when its manifest does: on failure there is
 * none, and what was stored for it is removed again where that can be.
 */
#ifndef PIPELINE_BACKUP_H
#define PIPELINE_BACKUP_H

#include "pipeline/catalogue.h"
#include "pipeline/endpoint.h"

#define BACKUP_PARALLEL 2

/* All that is not said is zero or NULL, and then as the comment has it. */
struct backup_how {
	/* These three must be there; all are borrowed for the call. */
	const struct endpoint *from;
	struct store *store;
	const char *instance; /* checked, see ident.h */

	int type;           /* enum manifest_type */
	const char *remark; /* UTF-8; NULL: none */
	const char *via;    /* for rdb-capture; NULL: its default */
	int64_t level;      /* for rdb-compress; 0: its default */
	int64_t expires;    /* a moment; 0: never */
	bool hold;          /* never to be removed */
	bool dry_run;       /* only print the chain */

	/* Of a cluster. */
	size_t parallel; /* shards at a time; 0: BACKUP_PARALLEL */
	bool primaries;  /* take it from them, though there are replicas */
	bool consistent; /* one point in time, by a write pause (pause.h); then
			    all shards are read at once */
	int64_t pause_limit_ms; /* 0: PAUSE_LIMIT_MS */

	/* One of several workers (worker.h), of a cluster: number worker, from
	 * 1 on, of workers; set is the word they share.  publish is not asked.
	 * 0: alone. */
	unsigned worker, workers;
	const char *set;

	/*
	 * Asked once, when all is stored and proven, before the manifest is
	 * made public; it may change the manifest's state.  False, with its
	 * err filled: there is to be no backup.  NULL: nobody is asked.
	 */
	bool (*publish)(void *arg, struct manifest *, struct err *);
	void *arg;
};

struct backup_done {
	bool published; /* false: other workers are not done yet */
	char id[IDENT_MAX + 1];
	int state;                 /* enum manifest_state */
	int64_t started, finished; /* moments */
	struct manifest_total total;
};

/*
 * Take it, in the calling process, which must not have other children.  done
 * may be filled in part on failure: an id that is not empty was tried.  The
 * err's kind is that of the program to blame.
 */
MUST_USE bool backup_take(
    const struct backup_how *, struct backup_done *, struct err *);

#endif
