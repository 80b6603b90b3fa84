/*
 * lease.h -- one at a time per instance, agreed on in the store alone.
 *
 *	struct lease l;
 *	bool taken;
 *
 *	ok = lease_take(&l, store, "shop", LEASE_MS, &taken, &e);
 *	... taken: lease_renew(&l, &e) at least every second ...
 *	... lease_check(&l, store, &e) right before anything is published ...
 *	lease_release(&l);
 *
 * A lease is one small object, <instance>/lock-00000001, which says who holds
 * it.  It is made by a conditional write and rewritten while its holder works.
 * Who finds one that nobody has rewritten for as long as it says it lasts
 * takes the number behind it, again by a conditional write; so of many who
 * find a dead one, one wins, and nobody ever has to remove an object that may
 * have become somebody else's meanwhile.  The winner removes the dead one.
 *
 * Whose clock?  The store's.  An object's age is the time the store gives it,
 * compared with the time the store gives to a probe that is written for that
 * purpose (<instance>/clock-...).  So machines may disagree about the time of
 * day; what the lease says of times is for people.
 *
 * Stores without conditional writes (Swift; COS with versioning) look first
 * and write then, so two may both believe that they wrote: there the last
 * write wins.  Behind a network everyone therefore waits for LEASE_SETTLE_MS
 * after writing and reads what became of it.  Only a request that is under way
 * for longer than that can still take a lease from its holder, who then finds
 * out at his next look.
 *
 * Who has lost his lease must not publish: lease_check says so, and leaves at
 * least half of the time the lease lasts for what is to be published.
 */
#ifndef PIPELINE_LEASE_H
#define PIPELINE_LEASE_H

#include "pipeline/ident.h"
#include "stages/store/store.h"

#define LEASE_MS        120000 /* how long one lasts, by default */
#define LEASE_MS_MIN    3000
#define LEASE_SETTLE_MS 2000
#define LEASE_WHO_LEN   200

struct lease {
	struct store *store; /* borrowed */
	char instance[IDENT_MAX + 1];
	char holder[33]; /* 128 random bits */
	uint64_t number;
	int64_t lasts_ms, taken;
	uint64_t renewals;
	int64_t confirmed; /* clock_steady() before the last good renewal */
	int64_t tried;     /* the same of the last attempt */
	bool held;
	char who[LEASE_WHO_LEN]; /* not taken: who holds it, for people */
};

/*
 * Take it.  Where somebody else holds it, *taken is false and .who says who.
 * When it fails because of a signal, the note of that is forgotten (stop.h).
 * lasts_ms is at least LEASE_MS_MIN.
 */
MUST_USE bool lease_take(struct lease *, struct store *, const char *instance,
    int64_t lasts_ms, bool *taken, struct err *);

/*
 * Say that we are still at work, when it is time to; else this costs nothing.
 * A store that cannot be asked is asked again later.  False (ERR_REMOTE):
 * the lease is lost, to somebody else or to time.
 */
MUST_USE bool lease_renew(struct lease *, struct err *);

/* Is it still ours, by all that can be found out?  store is the same store,
 * which a child process has opened for itself.  False: no, or not known. */
MUST_USE bool lease_check(struct lease *, struct store *, struct err *);

/* Give it back, if it is held.  What goes wrong is said. */
void lease_release(struct lease *);

/* Does anybody hold it now?  who: as above. */
MUST_USE bool lease_look(struct store *, const char *instance, bool *busy,
    char who[LEASE_WHO_LEN], struct err *);

#endif
