/*
 * place.h -- the store backups are in, as said on the command line.
 *
 * --store, else RDBPIPE_STORE: a URL, a directory, or the name of a [store]
 * (config.h); else the store of the instance's section; else the one [store]
 * there is, if there is one only; else a directory: /var/lib/rdbpipe for root,
 * $HOME/.local/share/rdbpipe for others.
 *
 * --customer-key, else RDBPIPE_STORE_KEY, names the file of a key that all in
 * it is encrypted with by the store (SSE-C); the programs of a chain are given
 * the file's name.
 */
#ifndef PIPELINE_PLACE_H
#define PIPELINE_PLACE_H

#include "stages/kit/opt.h"
#include "stages/store/store.h"

extern const struct opt place_store_opts[];    /* --store, --customer-key */
extern const struct opt place_instance_opts[]; /* --instance */

/* Open it; store_close is the caller's. */
MUST_USE bool place_open(struct store **, struct err *);

/* The same for this instance, whichever was named; for one after the other. */
MUST_USE bool place_open_of(
    struct store **, const char *instance, struct err *);

/* The instance named, checked; *instance NULL: none was named. */
MUST_USE bool place_instance(const char **instance, struct err *);

/* The instance when none was named; borrowed.  To be called before the two
 * above. */
void place_assume(const char *instance);

/* Write one small object; place_write fails when it exists, place_replace
 * takes its place. */
MUST_USE bool place_write(
    struct store *, const char *key, const char *text, struct err *);
MUST_USE bool place_replace(
    struct store *, const char *key, const char *text, struct err *);

#endif
