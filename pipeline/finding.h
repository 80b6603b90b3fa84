/*
 * finding.h -- what was looked at and how it is: good, doubtful or bad, and
 * what to do about it.
 *
 *	struct findings f = { .format = 1 };
 *
 *	finding_about(&f, "cache")
 *	finding_ok(&f, "reach", "redis 7.0.15")
 *	finding_warn(&f, "clock", "set the clocks by NTP", "12 s late")
 *	finding_bad(&f, "age", ERR_DATA, NULL, "no good backup at all")
 *	...
 *	findings_print(&f, json, &e)		all of them, a line each
 *	findings_verdict(&f, &e)		false when any is bad
 *	findings_release(&f)
 *
 * Adding cannot fail: lack of memory is remembered, and told by the first
 * of the last three that can fail.
 */
#ifndef PIPELINE_FINDING_H
#define PIPELINE_FINDING_H

#include "pipeline/json.h"

enum finding_level { FINDING_OK, FINDING_WARN, FINDING_BAD };

struct finding {
	int level;          /* enum finding_level */
	char *about;        /* "cache"; NULL: of everything */
	char *check;        /* "reach", "permission", ... */
	char *says;         /* one line, as an error's text */
	char *advice;       /* what to do; NULL: nothing */
	enum err_kind kind; /* of the bad ones: whose fault */
};

struct findings {
	uint64_t format;
	int64_t now;
	struct json_list list; /* of struct finding */
	uint64_t count[3];     /* by level */
	const char *about;     /* borrowed */
	bool lost;             /* one could not be kept */
};

/* Those to come are about this; borrowed until the next call. */
void finding_about(struct findings *, const char *about);

void finding_ok(struct findings *, const char *check, const char *fmt, ...)
    PRINTF_LIKE(3);
/* advice: NULL when there is nothing to be done; copied. */
void finding_warn(struct findings *, const char *check, const char *advice,
    const char *fmt, ...) PRINTF_LIKE(4);
/* kind: ERR_DATA for backups that are wrong, missing or old; ERR_REMOTE,
 * ERR_SYSTEM, ERR_USAGE for what keeps them from being made. */
void finding_bad(struct findings *, const char *check, enum err_kind,
    const char *advice, const char *fmt, ...) PRINTF_LIKE(5);

/* To standard output. */
MUST_USE bool findings_print(const struct findings *, bool json, struct err *);

/* An ERR_DATA when any of the bad is one: else the first one's kind. */
MUST_USE bool findings_verdict(const struct findings *, struct err *);

void findings_release(struct findings *);

#endif
