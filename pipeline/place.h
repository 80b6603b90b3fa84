/*
 * place.h -- the store backups are in, as said on the command line.
 *
 * --store, else RDBPIPE_STORE, else a directory: /var/lib/rdbpipe for root,
 * $HOME/.local/share/rdbpipe for others.  --customer-key, else
 * RDBPIPE_STORE_KEY, names the file of a key that all in it is encrypted with
 * by the store (SSE-C); the programs of a chain are given the file's name.
 */
#ifndef PIPELINE_PLACE_H
#define PIPELINE_PLACE_H

#include "stages/kit/opt.h"
#include "stages/store/store.h"

extern const struct opt place_store_opts[];    /* --store, --customer-key */
extern const struct opt place_instance_opts[]; /* --instance */

/* Open it; store_close is the caller's. */
MUST_USE bool place_open(struct store **, struct err *);

/* The instance named, checked; *instance NULL: none was named. */
MUST_USE bool place_instance(const char **instance, struct err *);

/* Write one small object; exclusive: fails when it exists. */
MUST_USE bool place_write(
    struct store *, const char *key, const char *text, struct err *);

#endif
