/*
 * sweep.h -- uploads that a lost answer left behind.
 *
 * When the answer to "begin an upload" is lost, an upload may exist whose id
 * nobody knows, and asking again begins another one.  It can be told from all
 * others: it is of our key, was begun when ours was, and never gets a part.
 * So whoever had to ask twice sweeps at the end of its own upload, when that
 * of anybody else who began at the same time has parts by now.
 */
#ifndef STORE_SWEEP_H
#define STORE_SWEEP_H

#include <stdint.h>

#include "stages/kit/err.h"

struct cloud_line;

struct sweep {
	const char *key;
	const char *upload_id; /* ours, still open; NULL: we never got one, and
				  the time must do */
	int64_t asked_ms;      /* when we began to ask, Unix ms */
	int64_t took_ms;       /* until we had an answer */
};

/* False: something may be left behind, and why. */
MUST_USE bool sweep_uploads(
    struct cloud_line *, const struct sweep *, struct err *);

#endif
