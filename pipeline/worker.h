/*
 * worker.h -- several workers make one set, and know of each other only
 * through the store.
 *
 *	worker_join	the word they share becomes the id they share
 *	worker_has	which shards are recorded already?
 *	worker_record	a shard of ours is stored: say so
 *	worker_gather	are all there?  Then this is the manifest
 *	worker_tidy	when it is published
 *
 * Worker K of N takes the shards K-1, K-1+N, K-1+2N, ... of the set, in the
 * order of their first slots.  Every attempt at a shard has an object of its
 * own; the record (part-0000.json, a manifest of that one shard, sealed) is
 * put only if there is none, so of two attempts one counts.  Whoever finds all
 * records makes the manifest of them alone: two who do it at once make the
 * same one, byte for byte, and one of them puts it.
 *
 *	<instance>/set-WORD		the id, by whoever came first
 *	<instance>/<id>/part-0000.json	until the manifest is there
 *
 * A worker that was killed is started again with the same words, and does
 * what is not recorded.
 */
#ifndef PIPELINE_WORKER_H
#define PIPELINE_WORKER_H

#include "pipeline/catalogue.h"

/* id (IDENT_MAX + 1 bytes) comes as what it is to be should we be the first.
 * word: as ident_object_ok() wants it. */
MUST_USE bool worker_join(struct store *, const char *instance,
    const char *word, char *id, struct err *);

MUST_USE bool worker_has(struct store *, const struct catalogue_name *,
    size_t shard, bool *has, struct err *);

/* *ours false: somebody else was first with this shard. */
MUST_USE bool worker_record(struct store *, const struct catalogue_name *,
    size_t shard, const struct manifest *, bool *ours, struct err *);

/*
 * Read the records of n shards.  *have < n: that many are there, and whole
 * holds nothing.  ERR_DATA: one is broken, or they do not go together.
 */
MUST_USE bool worker_gather(struct store *, const struct catalogue_name *,
    size_t n, size_t *have, struct manifest *whole, struct err *);

/* Remove what the set does not need: records, and objects of attempts that
 * came to nothing.  What cannot be removed is only said. */
void worker_tidy(
    struct store *, const struct catalogue_name *, const struct manifest *);

/* Put the manifest, or find that it is there already. */
MUST_USE bool worker_publish(struct store *, const struct catalogue_name *,
    const char *text, bool *ours, struct err *);

#endif
