/*
 * equal.h -- does a server hold the data of a backup?
 *
 * The server is captured and its logical digest compared with the
 * manifest's.  Keys, and fields of hashes, may have expired in the meantime;
 * so when the digests differ, both sides are read again with `rdb-digest --at
 * T`, T a little in the future: whatever has expired by then counts on
 * neither side, and the server is read before T.
 */
#ifndef PIPELINE_EQUAL_H
#define PIPELINE_EQUAL_H

#include "pipeline/endpoint.h"
#include "pipeline/manifest.h"

/*
 * object_url: that of each shard, whose digests are added.  Prints "digest ...
 * equal" on standard output; ERR_DATA when they differ.
 */
MUST_USE bool equal_prove(const struct manifest *, char *const *object_url,
    const struct endpoint *, struct err *);

#endif
