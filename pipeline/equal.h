/*
 * equal.h -- does a server hold the data of a backup?
 *
 * The server is captured and its logical digest compared with the
 * manifest's.  Keys with an expiry may go in the meantime, so when the
 * digests differ and there are such keys, both sides are read again with
 * `rdb-digest --at T`, T a little in the future: whatever has expired by then
 * counts on neither side, and both readings are over before T.
 */
#ifndef PIPELINE_EQUAL_H
#define PIPELINE_EQUAL_H

#include "pipeline/endpoint.h"
#include "pipeline/manifest.h"

/* Prints "digest ... equal" on standard output; ERR_DATA when they differ. */
MUST_USE bool equal_prove(const struct manifest_shard *, const char *object_url,
    const struct endpoint *, struct err *);

#endif
