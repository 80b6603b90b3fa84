/*
 * file.h -- a directory as a store.
 *
 *	file:///path	percent-encoded, absolute; no query, no other host
 *	/path, ./path	as it stands
 *
 * An object is a regular file and its key is its path below the root.
 *
 * Put: the file has no name (O_TMPFILE) until it is complete and on the
 * disk; then the directories that are missing are made, it gets its name,
 * and the directories are written too.  So whatever ends the program before,
 * SIGKILL included, nothing is left.  Where the file system has no nameless
 * files, it is `.rdbpipe-PID-N.tmp` in the deepest directory of its path that
 * existed, and is removed on every end but SIGKILL and loss of power;
 * listings never show such names, and no key may look like one.  An existing
 * object is replaced in one step (rename): a reader sees the old one or the
 * new one.
 * Only a regular file is ever replaced, never a link, a device or a
 * directory.
 *
 * Modes: files 0600, directories 0700, less what the umask takes: a backup
 * holds what the server held.
 *
 * Get and list follow symbolic links, which are the operator's own doing; a
 * directory that is its own ancestor is not entered.  Remove removes the
 * name, then the directories below the root that it leaves empty, as a store
 * without directories would.
 *
 * Memory: one chunk for a source; for a listing, the names of one directory
 * per level.
 */
#ifndef STORE_FILE_H
#define STORE_FILE_H

#include <limits.h>

#include "stages/store/kind.h"

extern const struct store_kind file_kind;

/* --- between file.c, file_put.c, file_get.c and file_list.c --- */

#define FILE_TEMPORARY     ".rdbpipe-" /* how names of unfinished files begin, */
#define FILE_TEMPORARY_END ".tmp"      /* and how they end */

struct file_store {
	struct store base;
	bool encoded; /* opened as file://: keys in URLs need %XX */
	char *shown;  /* what stands before a key in its URL: "" or x/ */
	char *root;   /* what stands before it in its path: "" or x/ */
	char *key;    /* of store_open_object */
	char *url;    /* the last one store_url_of gave out */
};

/* The path of a key; fails when it is longer than a path can be. */
MUST_USE bool file_path(const struct file_store *, const char *key,
    char path[PATH_MAX], struct err *);

/* Whether the last part of a path is that of an unfinished file. */
bool file_is_temporary(const char *name);

/* Write a directory's entries to the disk. */
MUST_USE bool file_sync_folder(const char *path, struct err *);

/* Cut the last part off a path: "a/b" "a" ".", or "/x" "/". */
void file_cut(char *path);

struct sink *file_put(
    struct store *, const char *key, const struct store_put *, struct err *);
struct source *file_get(struct store *, const char *key, struct err *);
bool file_list(struct store *, const char *prefix, store_each *each, void *arg,
    struct err *);
bool file_list_folders(struct store *, const char *prefix, store_each *each,
    void *arg, struct err *);

#endif
