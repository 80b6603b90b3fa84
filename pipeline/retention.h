/*
 * retention.h -- which backups of an instance stay, and why.
 *
 * The rules are restic's (restic forget): keep the last N; the newest of each
 * of the last N hours, days, weeks, months, years that have one; all within
 * some time.  A backup stays when any rule keeps it; where a rule of hours to
 * years has not found N yet, the oldest backup stays too, as the beginning of
 * what it will find.  Hours to years are those of a calendar, in a zone; weeks
 * begin on Monday.
 *
 * What differs, because backups fail and people go on holidays:
 *
 *	only verified good backups count; while new ones fail, old ones stay
 *	time runs back from the newest of them, not from now
 *	the newest of them always stays
 *	what is held stays; what has a time of expiry of its own goes when that
 *	has passed, not before, whatever the rules; neither counts
 *	the others (suspect, broken, good but not verified) stay until they are
 *	older than every backup that the rules keep
 *	an unfinished attempt stays until nothing in it has changed for a while
 *	what is of the future stays and does not count: some clock was wrong
 *
 * Pure: no store, no clock.  Moments as in moment.h.
 */
#ifndef PIPELINE_RETENTION_H
#define PIPELINE_RETENTION_H

#include <stddef.h>

#include "pipeline/zone.h"
#include "stages/kit/opt.h"

#define RETENTION_ALL    INT64_MAX                   /* "unlimited" */
#define RETENTION_LITTER (INT64_C(2) * 86400 * 1000) /* ms */

/* A length by the calendar: "2y5m7d3h". */
struct retention_period {
	int64_t years, months, days, hours;
	bool forever;
};

/* Each unit at most once, or "forever".  ERR_USAGE. */
MUST_USE bool retention_period(
    const char *text, struct retention_period *, struct err *);

/* The moment a period after another, by the calendar of UTC. */
int64_t retention_until(const struct retention_period *, int64_t ms);

/* A number from 1, or "unlimited".  ERR_USAGE. */
MUST_USE bool retention_count(const char *text, int64_t *, struct err *);

enum retention_by {
	KEEP_LAST,
	KEEP_HOURLY,
	KEEP_DAILY,
	KEEP_WEEKLY,
	KEEP_MONTHLY,
	KEEP_YEARLY,
	KEEP_BY
};

/* Rules that belong together; all zero keeps everything. */
struct retention {
	int64_t count[KEEP_BY]; /* 0: no such rule */
	struct retention_period within;
	const struct zone *zone; /* borrowed; NULL: UTC */
};

bool retention_is_set(const struct retention *);

enum retention_state {
	RETAIN_GOOD,
	RETAIN_SUSPECT,
	RETAIN_BROKEN,
	RETAIN_UNFINISHED
};

struct retention_backup {
	enum retention_state state;
	bool verified, held;
	bool failed; /* unfinished, and it is known why: not at work */
	int64_t started;
	int64_t expires; /* 0: the rules say */
	int64_t changed; /* of the unfinished: when it last was */

	/* Out. */
	bool keep, last_good;
	char reason[100];
};

/*
 * Decide about all backups of one instance, ordered by .started.  Of several
 * sets of rules (plans) each keeps what it would keep alone.
 */
void retention_decide(const struct retention *rules, size_t n_rules,
    struct retention_backup *, size_t n, int64_t now, int64_t litter_ms);

#endif
