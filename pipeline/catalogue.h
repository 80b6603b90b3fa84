/*
 * catalogue.h -- the backup list, made from the store alone.
 *
 * What lies in a store is one of four: a backup (a manifest that can be read
 * and is about this place), a broken one (the manifest is there but refused),
 * a failed attempt (no manifest, but a failed.json that says why; failure.h),
 * or an unfinished one (neither).  A broken one never hides the others.
 *
 * The store is asked for one listing of an instance, and for the manifest of
 * each of its backups; where there is a hold.json, for that too.
 */
#ifndef PIPELINE_CATALOGUE_H
#define PIPELINE_CATALOGUE_H

#include "pipeline/hold.h"
#include "pipeline/ident.h"
#include "pipeline/manifest.h"
#include "stages/store/store.h"

enum catalogue_kind {
	BACKUP_GOOD,
	BACKUP_BROKEN,
	BACKUP_UNFINISHED,
	BACKUP_FAILED
};

struct catalogue_entry {
	const char *instance, *id;
	enum catalogue_kind kind;
	const struct manifest *manifest; /* good only */
	const struct err *fault;         /* not good: why */
	bool held;                       /* is not to be removed, see hold.h */
	const struct hold *hold; /* NULL: no hold.json, or a broken one */
	int64_t changed;         /* when the newest object in it was written */
};

/* Called for each; false (with its err filled) stops. */
typedef bool catalogue_each_fn(
    void *arg, const struct catalogue_entry *, struct err *);

/*
 * Call each for all of one instance, or of all (instance NULL), by instance
 * and then by time.  One manifest is in memory at a time.
 */
MUST_USE bool catalogue_each(struct store *, const char *instance,
    catalogue_each_fn *each, void *arg, struct err *);

/* The name of one backup. */
struct catalogue_name {
	char instance[IDENT_MAX + 1];
	char id[IDENT_MAX + 1];
};

/*
 * Which backup does a person mean?  An id or the beginning of one, with
 * "INSTANCE/" in front where needed (or instance not NULL), or "latest": the
 * newest good one.  ERR_USAGE when it is none or several; then the
 * candidates are named.
 */
MUST_USE bool catalogue_find(struct store *, const char *instance,
    const char *word, struct catalogue_name *, struct err *);

/* Read its manifest.  ERR_DATA when it is broken or missing. */
MUST_USE bool catalogue_read(struct store *, const struct catalogue_name *,
    struct manifest *, struct err *);

/* The same, as the text of the file, owned by the caller. */
MUST_USE bool catalogue_text(struct store *, const struct catalogue_name *,
    char **text, size_t *len, struct err *);

/* Its hold.json: *found false when there is none. ERR_DATA: it is broken. */
MUST_USE bool catalogue_hold(struct store *, const struct catalogue_name *,
    bool *found, struct hold *, struct err *);

/* Remove all of it, the manifest first: from then on it is no backup. */
MUST_USE bool catalogue_remove(
    struct store *, const struct catalogue_name *, struct err *);

/* "instance/id/object", owned by the caller. */
char *catalogue_key(
    const struct catalogue_name *, const char *object, struct err *);

#endif
