/*
 * history.h -- what the store tells of the backups of one instance: the
 * newest good one, and how many there are of each state.
 *
 * Made from the manifests alone (catalogue.h), by one look at each; nothing
 * of it is remembered between runs.
 */
#ifndef PIPELINE_HISTORY_H
#define PIPELINE_HISTORY_H

#include "pipeline/catalogue.h"

enum history_state {
	HISTORY_COMPLETE,
	HISTORY_SUSPECT,
	HISTORY_BROKEN,
	HISTORY_UNFINISHED,
	HISTORY_FAILED, /* a plan's, see failure.h */
	HISTORY_STATES
};

/* "complete", "suspect", "broken", "unfinished", "failed". */
extern const char *const history_states[];

struct history {
	char instance[IDENT_MAX + 1];
	uint64_t count[HISTORY_STATES];

	/* The newest complete one; its id is "" when there is none. */
	char id[IDENT_MAX + 1];
	int64_t started, finished; /* moments */
	uint64_t raw, stored, keys;
	char verified[16]; /* level; "": not verified */

	/* The newest of each state, by id; "": none. */
	char newest[HISTORY_STATES][IDENT_MAX + 1];
	struct err fault;   /* why the newest broken one is */
	struct err failure; /* why the newest failed one is */

	/* Attempts that nothing changed in since .litter_before. */
	int64_t litter_before; /* in; see history_take */
	uint64_t litter;
};

/* litter_before: a moment. */
MUST_USE bool history_take(struct history *, struct store *,
    const char *instance, int64_t litter_before, struct err *);

#endif
