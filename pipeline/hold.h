/*
 * hold.h -- a backup that is to stay, whatever the rules.
 *
 * A manifest is never changed, so a hold is an object beside it,
 * <instance>/<id>/hold.json, described in docs/manifest.md.  Where there is
 * one it counts; where there is none, the manifest's own "hold" does, which is
 * how the backup was made.  So a backup that was made held is released by a
 * hold.json that says false, any other by removing the file.  One that cannot
 * be read holds.
 */
#ifndef PIPELINE_HOLD_H
#define PIPELINE_HOLD_H

#include "pipeline/json.h"

#define HOLD_NAME   "hold.json"
#define HOLD_FORMAT 1
#define HOLD_MAX    65536 /* bytes we are willing to read */

struct hold {
	uint64_t format; /* HOLD_FORMAT */
	bool hold;
	char *who;    /* "root@db1" */
	int64_t when; /* a moment */
	char *why;    /* NULL: not said */
};

/* One of now, by us.  why is copied. */
MUST_USE bool hold_init(
    struct hold *, bool hold, const char *why, struct err *);

/* As text, ending in a newline: owned by the caller. */
MUST_USE bool hold_print(const struct hold *, char **text, struct err *);

/* On failure (ERR_DATA) it is all zero. */
MUST_USE bool hold_read(
    struct hold *, const char *text, size_t len, struct err *);

void hold_release(struct hold *);

#endif
