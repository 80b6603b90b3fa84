/*
 * store.h -- somewhere that keeps objects: a directory, COS, S3.
 *
 * A store is opened by URL and holds objects by key ("i/20261122T…/x").  An
 * object appears whole or not at all: put gives a sink, and only its commit
 * makes the object visible, durable before that.  Which kind of store it is,
 * is known to one row of a table in store.c.
 *
 *	file:///path, /path, ./path	a directory (file.h)
 *	cos://BUCKET/KEY?region=...	Tencent COS (place.h)
 *	s3://BUCKET/KEY?endpoint=...	S3 and what speaks like it (place.h)
 *
 * How a program reaches the latter two is in net.h.
 *
 * Calling order: store_open; any of the others, any number of times;
 * store_close.  Sources and sinks must be freed before store_close.
 */
#ifndef STORE_STORE_H
#define STORE_STORE_H

#include <stdint.h>

#include "stages/kit/port.h"

struct multipart_how;
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
	/* Of cos:// and s3:// only, see multipart.h; NULL: plain.  The two
	 * above go into it. */
	const struct multipart_how *multipart;
};

/* True when the URL is of a store behind a network. */
bool store_is_remote(const char *url);

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

/*
 * A small object in one go, by the store's own connection, where there is
 * one: for the many that only describe others.  *bytes is malloc'd and has a
 * zero behind its *len bytes; NULL on failure.  ERR_DATA when there are more
 * than max.
 */
MUST_USE bool store_read(struct store *, const char *key, size_t max,
    char **bytes, size_t *len, struct err *);

/* *found false, and no error, when there is none. */
MUST_USE bool store_stat(struct store *, const char *key, bool *found,
    struct store_object *, struct err *);

/*
 * Call each for every object whose key begins with prefix, in byte order of
 * keys.  each returns false (and fills its err) to stop; it must not use the
 * store, nor may that of the other listings.
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

/* From now on operations are carried out although a signal asked us to stop,
 * but only for so long (ms) each: to take back what was put. */
void store_settle(struct store *, int64_t ms);

/* The directory a store is, ending in '/'; NULL when it is none; borrowed. */
const char *store_folder(const struct store *);

/*
 * Uploads that were begun and neither finished nor given up: what a client
 * leaves behind that was killed.  Stores charge for them.  Directories have
 * none (ERR_USAGE).
 */
struct store_upload {
	const char *key, *id; /* borrowed */
	int64_t began_ms;     /* since 1970, UTC; 0: not told */
	int64_t age_ms;       /* since then, by the store's own clock; -1: not
				 told */
};
typedef bool store_each_upload(
    void *arg, const struct store_upload *, struct err *);
MUST_USE bool store_list_uploads(struct store *, const char *prefix,
    store_each_upload *each, void *arg, struct err *);
MUST_USE bool store_remove_upload(
    struct store *, const struct store_upload *, struct err *);

/*
 * An address to read an object at for so many seconds without credentials;
 * malloc'd, NULL on failure.  internal: by the name that is only found inside
 * the store's region, which is region (borrowed, good until store_close).
 * It ends with the key that signed it, when that is a temporary one:
 * key_end is then when, or INT64_MAX, if nobody knows.
 */
struct store_address {
	int64_t seconds;
	bool internal;
	/* Out. */
	const char *region;
	bool key_ends;     /* with a temporary key */
	int64_t key_end;   /* Unix seconds */
	bool customer_key; /* the reader must send the headers of SSE-C */
};
char *store_address(
    struct store *, const char *key, struct store_address *, struct err *);

/*
 * What is to be said of an address besides: that it ends sooner than it was
 * asked to, and what must be sent with it.  One line into text; false: there
 * is nothing to say.
 */
#define STORE_ADDRESS_NOTE 400
bool store_address_note(
    const struct store_address *, char text[STORE_ADDRESS_NOTE]);

#endif
