/*
 * failure.h -- why a backup that a plan wanted was not made.
 *
 * A failed attempt leaves <instance>/<id>/failed.json where its manifest would
 * be, described in docs/manifest.md.  It is for people (rdbpipe list), and for
 * whoever decides when to try again (verb-auto.c); it is litter to prune.
 */
#ifndef PIPELINE_FAILURE_H
#define PIPELINE_FAILURE_H

#include "pipeline/json.h"

#define FAILURE_NAME   "failed.json"
#define FAILURE_FORMAT 1
#define FAILURE_MAX    65536 /* bytes we are willing to read */

struct failure {
	uint64_t format; /* FAILURE_FORMAT */
	char *plan;
	int64_t started, ended; /* moments */
	uint64_t exit;          /* the kind of the error: an exit code */
	char *reason;
};

/* As text, ending in a newline: owned by the caller.  What is no UTF-8 in the
 * reason is quoted. */
MUST_USE bool failure_print(const struct failure *, char **text, struct err *);

/* On failure (ERR_DATA) it is all zero. */
MUST_USE bool failure_read(
    struct failure *, const char *text, size_t len, struct err *);

void failure_release(struct failure *);

#endif
