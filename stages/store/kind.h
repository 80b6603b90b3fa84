/*
 * kind.h -- one kind of store, as store.c sees it.
 *
 * A kind is a constant table of functions.  store.c picks it by the URL's
 * scheme and has checked every key before it calls: not empty, no leading or
 * doubled slash, no "." or "..", so a key can be glued behind a root.  The
 * functions mean what store.h says of the one named alike.
 */
#ifndef STORE_KIND_H
#define STORE_KIND_H

#include "stages/store/store.h"

/* First member of every concrete store. */
struct store {
	const struct store_kind *kind;
};

struct store_kind {
	/*
	 * key NULL: the URL names a place.  Else it names an object: open
	 * the place it is in, and set *key to its name there.
	 */
	bool (*open)(
	    struct store **, const char **key, const char *url, struct err *);
	void (*close)(struct store *);
	const char *(*url_of)(struct store *, const char *key);
	struct sink *(*put)(struct store *, const char *key,
	    const struct store_put *, struct err *);
	struct source *(*get)(struct store *, const char *key, struct err *);
	bool (*stat)(struct store *, const char *key, bool *found,
	    struct store_object *, struct err *);
	bool (*list)(struct store *, const char *prefix, store_each *each,
	    void *arg, struct err *);
	bool (*list_folders)(struct store *, const char *prefix,
	    store_each *each, void *arg, struct err *);
	bool (*remove)(struct store *, const char *key, struct err *);

	/* May be NULL: it is read as a stream.  In pieces, of which there may
	 * be one byte more than max. */
	bool (*read)(struct store *, const char *key, size_t max,
	    bool (*take)(void *arg, struct span, struct err *), void *arg,
	    struct err *);

	/* Those below may be NULL: this kind has no such thing. */
	void (*settle)(struct store *, int64_t ms);
	const char *(*folder)(const struct store *);
	bool (*list_uploads)(struct store *, const char *prefix,
	    store_each_upload *each, void *arg, struct err *);
	bool (*remove_upload)(
	    struct store *, const struct store_upload *, struct err *);
	char *(*address)(struct store *, const char *key,
	    struct store_address *, struct err *);
};

#endif
