/*
 * retry.h -- whether another try can help, and how long to wait for it.
 *
 * Two pure things and a sleep: what an outcome means (a table), and the
 * schedule of tries: full jitter, each wait drawn from 0 to a limit that
 * doubles up to RETRY_WAIT_MAX, so that many clients do not come back at once
 * (https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/).
 */
#ifndef STORE_RETRY_H
#define STORE_RETRY_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "stages/kit/err.h"

#define RETRY_TRIES       10
#define RETRY_BACKOFF_MS  200
#define RETRY_WAIT_MAX_MS 20000
#define RETRY_DEADLINE_MS (15 * 60 * 1000)
#define RETRY_NOWHERE_MS  10000  /* for a host that never answered */
#define RETRY_ASKED_MS    120000 /* the most that Retry-After is heeded */

enum retry_what {
	RETRY_NEVER,    /* the store means it */
	RETRY_LATER,    /* wait and try again */
	RETRY_NOWHERE,  /* the same, but not for long: there was no connection,
			   nor ever one before */
	RETRY_FEW,      /* the same, but thrice is enough: if it comes back,
			   the fault is no chance */
	RETRY_SLOW,     /* the same; the store also asks for less at a time */
	RETRY_CONFLICT, /* the same; an earlier try may be under way still */
	RETRY_CLOCK,    /* set our clock by the store's, try at once */
	RETRY_TOKEN,    /* fetch another key, try at once */
	RETRY_REGION    /* sign for the region that the store names, at once */
};

/* What came of a try. */
struct retry_outcome {
	int status;          /* 0: there was no reply */
	const char *code;    /* the store's, "" */
	const char *message; /* the store's, "" */
	bool from_store;     /* false: somebody between us and the store */
	bool dated;
	int64_t skew_ms; /* the server's clock less the one we signed by */
};

enum retry_what retry_meaning(const struct retry_outcome *);

/* One operation's tries. */
struct retry {
	unsigned tries, tries_max;                 /* begun; allowed */
	unsigned few, clock, token, region, fresh; /* of each kind, so far */
	int64_t began_ms, deadline_ms, backoff_ms;
	int64_t nowhere_ms; /* since when nobody is there, for whoever sets it
			       before RETRY_NOWHERE; of clock_steady() */
	unsigned doublings;
	uint64_t random;
};

/* 0 for the defaults above. */
void retry_begin(
    struct retry *, unsigned tries, int64_t deadline_ms, int64_t backoff_ms);

/* Something moved: the waits begin small again, the deadline anew. */
void retry_progress(struct retry *);

/* Milliseconds until the deadline, at least 1. */
int64_t retry_left_ms(const struct retry *);

/*
 * True when there is to be another try, after *wait_ms.  asked_ms: the store
 * wants to be left alone for so long (retry_asked), 0: it did not say.  That
 * comes on top of the wait, up to RETRY_ASKED_MS and to half of what is left
 * until the deadline, so that there is another try in any case.
 */
bool retry_again(
    struct retry *, enum retry_what, int64_t asked_ms, int64_t *wait_ms);

/* What a Retry-After header says, in milliseconds from now: seconds, or a
 * date by the server's clock, which is skew_ms ahead of ours.  0: nothing. */
int64_t retry_asked(const char *value, int64_t skew_ms);

/* Sleep.  False, with e filled, when asked to stop (unless past_stop) or
 * *cancel became true. */
MUST_USE bool retry_pause(
    int64_t ms, bool past_stop, const atomic_bool *cancel, struct err *e);

#endif
