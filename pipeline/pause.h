/*
 * pause.h -- a short write pause over all primaries of a cluster, while all
 * snapshots begin: so that the set is one point in time.
 *
 *	pause_open	connects, looks at the sources' settings
 *	pause_begin	CLIENT PAUSE ... WRITE everywhere; then replicas catch up
 *	pause_taken	a snapshot has begun: is it of the pause?  its primary
 *			goes on
 *	pause_end	on every way out
 *
 * A snapshot's moment is the server's fork.  The server answers PSYNC with
 * +FULLRESYNC at that fork, in one go (startBgsaveForReplication in
 * src/replication.c, Redis 6.2 to 8.8, Valkey), so whoever has the answer
 * may let writes go on.  Unless the snapshot is of a save that ran already:
 * then its offset is one from before the pause, and it is refused.
 *
 * All primaries are paused before the first snapshot is asked for, and each
 * until its own has begun: so what was written after that on one of them, and
 * what followed from it elsewhere, is in no snapshot.
 *
 * Bounds: the pause given to servers ends by itself after limit_ms, should we
 * be killed; a snapshot that has not begun by then is a failure.
 *
 * Needs CLIENT PAUSE with WRITE: Redis 6.2, Valkey.  CLIENT UNPAUSE also ends
 * a pause that somebody else had begun.
 */
#ifndef PIPELINE_PAUSE_H
#define PIPELINE_PAUSE_H

#include "pipeline/set.h"

#define PAUSE_LIMIT_MS 500
#define PAUSE_RULES    "+client|pause +client|unpause +role +config|get"

struct pause_at {
	struct server primary, source; /* connected; source: a replica's */
	bool replica;
	bool disk;       /* have it save to its disk, else it would delay */
	uint64_t offset; /* of the primary, when paused */
	char replid[41];
	bool alone; /* nobody replicates it: it takes a new id for the first
			 who asks, and has no save that we could join */
	bool paused;
};

struct pause {
	struct pause_at *at; /* as the members of the set */
	size_t n;
	int64_t limit_ms;
	int64_t since_ms; /* 0: not begun */
	int64_t took_ms;  /* until the last went on */
};

MUST_USE bool pause_open(
    struct pause *, const struct set *, int64_t limit_ms, struct err *);

MUST_USE bool pause_begin(struct pause *, struct err *);

/* How long it may still last. */
int64_t pause_left(const struct pause *);

/* The snapshot of member i has begun, with this position. */
MUST_USE bool pause_taken(struct pause *, size_t i, const char *replid,
    uint64_t offset, struct err *);

/* ERR_REMOTE: it was not had in time; says what could be changed. */
bool pause_late(const struct pause *, size_t i, struct err *);

/* Let all go on that are paused still, and close. */
void pause_end(struct pause *);

#endif
