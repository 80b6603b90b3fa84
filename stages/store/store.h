/*
 * store.h -- somewhere that keeps objects: a directory, COS, S3.
 *
 * A store is opened by URL and holds objects by key ("i/20261122T…/x").  An
 * object appears whole or not at all: put gives a sink, and only its commit
 * makes the object visible, durable before that.  Which kind of store it is,
 * is known to one row of a table in store.c.
 *
 *	file:///path, /path, ./path	a directory (file.h)
 *
 * Calling order: store_open; any of the others, any number of times;
 * store_close.  Sources and sinks must be freed before store_close.
 */
#ifndef STORE_STORE_H
#define STORE_STORE_H

#include <stdint.h>

#include "stages/kit/port.h"

struct store;

/* One row of a listing.  key is relative to the opened URL, borrowed. */
struct store_object {
	const char *key;
	uint64_t size;       /* bytes */
	int64_t modified_ms; /* since 1970, UTC */
};

/* How to put; all zero is the plain way. */
struct store_put {
	bool exclusive;  /* fail (ERR_REMOTE) if the key exists */
	uint64_t expect; /* bytes to come, 0: unknown; a hint */
};

/* Open a place that holds objects.  Nothing is created before a put. */
MUST_USE bool store_open(struct store **, const char *url, struct err *);

/*
 * Open the place an object's own URL is in, and give its key there (owned by
 * the store).  The URL must not end in '/'.
 */
MUST_USE bool store_open_object(
    struct store **, const char **key, const char *url, struct err *);

void store_close(struct store *);

/* The URL of a key, for messages; never holds a secret.  Owned by the store,
 * good until the next call. */
const char *store_url_of(struct store *, const char *key);

/*
 * Sinks and sources; NULL on failure.  Both tell facts: bytes, crc64-xz and
 * xxh3-128 of the object's bytes as stored, and object (the URL).
 * A missing object is an ERR_REMOTE that says so.
 */
struct sink *store_put(
    struct store *, const char *key, const struct store_put *, struct err *);
struct source *store_get(struct store *, const char *key, struct err *);

/* *found false, and no error, when there is none. */
MUST_USE bool store_stat(struct store *, const char *key, bool *found,
    struct store_object *, struct err *);

/*
 * Call each for every object whose key begins with prefix, in byte order of
 * keys.  each returns false (and fills its err) to stop.
 */
typedef bool store_each(void *arg, const struct store_object *, struct err *);
MUST_USE bool store_list(struct store *, const char *prefix, store_each *each,
    void *arg, struct err *);

/*
 * The names one level below prefix that have something below them ("a/b/"
 * gives "c" for "a/b/c/d"); object->key is the name.  prefix is empty or ends
 * in '/'.  The order is that of the keys: "a.b" before "a", for "a.b/" is
 * before "a/".
 */
MUST_USE bool store_list_folders(struct store *, const char *prefix,
    store_each *each, void *arg, struct err *);

/* Remove an object; one that is not there is an ERR_REMOTE. */
MUST_USE bool store_remove(struct store *, const char *key, struct err *);

#endif
