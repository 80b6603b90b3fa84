/*
 * file_put.c -- a new object of a directory as a sink.
 *
 * While bytes arrive the file has no name, or a temporary one; commit syncs
 * it, makes what directories are missing, gives it its name and syncs the
 * directories.  Until then nothing but the file itself exists.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "stages/kit/stop.h"
#include "stages/store/file.h"
#include "stages/store/tally.h"

#define WINDOW    (8 * 1024 * 1024) /* bytes; written back in the background */
#define TRIES     3                 /* when directories vanish under us */
#define NAMES_MAX 1000              /* temporary names tried */
#define NAMELESS_NO(sys) \
	((sys) == EOPNOTSUPP || (sys) == EISDIR || (sys) == EINVAL)

struct file_sink {
	struct sink base;
	struct file_store *store; /* lent */
	int fd;
	bool exclusive;
	bool fresh; /* the name is there, and was not before us */
	uint64_t expect;
	uint64_t started, written; /* bytes given to the disk; known there */
	struct tally tally;
	char *key;
	char path[PATH_MAX];
	char folder[PATH_MAX];    /* deepest directory of path that existed */
	char temporary[PATH_MAX]; /* "": the file has no name */
};

/* --- writing --- */

/*
 * Have the kernel write windows in the background, one behind the one that is
 * being filled, and drop from its cache what is on the disk: the last fsync
 * has little left to do, and a server on this machine keeps its memory.
 *
 * An error of sync_file_range counts: it is not told again by fsync.
 */
static bool
window_write(struct file_sink *f, struct err *e)
{
	off_t at = (off_t)f->started, before = (off_t)f->written;

	if (f->tally.bytes - f->started < WINDOW)
		return true;
	if (sync_file_range(f->fd, at, (off_t)f->tally.bytes - at,
		SYNC_FILE_RANGE_WRITE) == -1 ||
	    sync_file_range(f->fd, before, at - before,
		SYNC_FILE_RANGE_WAIT_BEFORE | SYNC_FILE_RANGE_WRITE |
		    SYNC_FILE_RANGE_WAIT_AFTER) == -1) {
		if (errno == EIO || errno == ENOSPC || errno == EDQUOT)
			return err_sys(e, "cannot write %s", f->path);
	}
	(void)posix_fadvise(f->fd, before, at - before, POSIX_FADV_DONTNEED);
	f->written = f->started;
	f->started = f->tally.bytes;
	return true;
}

static bool
put_put(struct sink *s, struct span c, struct err *e)
{
	struct file_sink *f = (struct file_sink *)s;

	while (c.len > 0) {
		ssize_t n = write(f->fd, c.ptr, c.len);

		if (n == -1 && errno != EINTR)
			return err_sys(e, "cannot write %s", f->path);
		if (n > 0)
			tally_add(&f->tally, span_take(&c, (size_t)n));
		if (!stop_check(e))
			return false;
	}
	return window_write(f, e);
}

/* --- giving it its name --- */

/* An object may be replaced; nothing else may. */
static bool
target_check(const struct file_sink *f, struct err *e)
{
	struct stat st;

	if (lstat(f->path, &st) == -1)
		return errno == ENOENT ||
		    err_sys(e, "cannot write %s", f->path);
	if (S_ISDIR(st.st_mode)) {
		errno = EISDIR;
		return err_sys(e, "cannot write %s", f->path);
	}
	if (!S_ISREG(st.st_mode))
		return err_set(e, ERR_SYSTEM,
		    "cannot write %s: it is not a regular file", f->path);
	if (f->exclusive)
		return err_set(e, ERR_REMOTE, "%s: exists already", f->path);
	return true;
}

/* Find the deepest directory on the way to the object that exists. */
static bool
folder_find(struct file_sink *f, struct err *e)
{
	struct stat st;

	strcpy(f->folder, f->path);
	for (;;) {
		file_cut(f->folder);
		if (stat(f->folder, &st) == 0)
			break;
		/* A link to nothing exists and cannot be made. */
		if (errno != ENOENT || lstat(f->folder, &st) == 0)
			return err_sys(
			    e, "cannot write %s: %s", f->path, f->folder);
	}
	if (S_ISDIR(st.st_mode))
		return true;
	errno = ENOTDIR;
	return err_sys(e, "cannot write %s: %s", f->path, f->folder);
}

/* The part of path that is a directory below f->folder, from its length on;
 * 0 when there is no more. */
static size_t
folder_next(const struct file_sink *f, size_t len)
{
	size_t n = len;

	while (f->path[n] == '/')
		n++;
	n += strcspn(f->path + n, "/");
	return f->path[n] == '\0' ? 0 : n;
}

/* Make the directories between f->folder and the object. */
static bool
folders_make(struct file_sink *f, struct err *e)
{
	char path[PATH_MAX];

	size_t n = strcmp(f->folder, ".") == 0 ? 0 : strlen(f->folder);

	while ((n = folder_next(f, n)) != 0) {
		memcpy(path, f->path, n);
		path[n] = '\0';
		if (mkdir(path, 0700) == -1 && errno != EEXIST)
			return err_sys(e, "cannot make directory %s", path);
	}
	return true;
}

/* Remove those that are empty; somebody else may have put into them. */
static void
folders_unmake(const struct file_sink *f)
{
	char path[PATH_MAX];

	strcpy(path, f->path);
	for (file_cut(path); strcmp(path, f->folder) != 0; file_cut(path))
		if (rmdir(path) == -1 && errno != ENOENT)
			return;
}

/* Sync every directory that has a new entry: the object's, and those up to
 * the one that existed before. */
static bool
folders_sync(const struct file_sink *f, struct err *e)
{
	char path[PATH_MAX];

	strcpy(path, f->path);
	do {
		file_cut(path);
		if (!file_sync_folder(path, e))
			return false;
	} while (strcmp(path, f->folder) != 0);
	return true;
}

/* Give the nameless file this name. */
static int
name_give(const struct file_sink *f, const char *path)
{
	char link[64];

	snprintf(link, sizeof link, "/proc/self/fd/%d", f->fd);
	return linkat(AT_FDCWD, link, AT_FDCWD, path, AT_SYMLINK_FOLLOW);
}

/* Give the file a temporary name in the folder: make it, or link it when it
 * is there already and has none. */
static bool
temporary_take(struct file_sink *f, struct err *e)
{
	int got = -1;

	for (int i = 0; i < NAMES_MAX && got == -1; i++) {
		int n = snprintf(f->temporary, sizeof f->temporary,
		    "%s/" FILE_TEMPORARY "%ld-%d" FILE_TEMPORARY_END, f->folder,
		    (long)getpid(), i);

		if (n >= (int)sizeof f->temporary)
			errno = ENAMETOOLONG;
		else if (f->fd == -1)
			got = f->fd = open(f->temporary,
			    O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
		else
			got = name_give(f, f->temporary);
		if (got == -1 && errno != EEXIST)
			break;
	}
	if (got != -1)
		return true;
	f->temporary[0] = '\0';
	return err_sys(e, "cannot write %s", f->path);
}

/* Turn the temporary name into the object's; 0, or -1 with errno. */
static int
temporary_rename(struct file_sink *f)
{
	int got;

	if (!f->exclusive)
		return rename(f->temporary, f->path);
	got = renameat2(
	    AT_FDCWD, f->temporary, AT_FDCWD, f->path, RENAME_NOREPLACE);
	if (got == 0 || (errno != EINVAL && errno != ENOSYS))
		return got;
	/* A file system that cannot do this may know hard links. */
	if ((got = link(f->temporary, f->path)) == 0)
		unlink(f->temporary);
	return got;
}

enum named { NAMED, NAMED_NOT, NAMED_AGAIN };

/*
 * What errno says about an attempt.  The directories on the way may have been
 * removed by somebody who removed the last object in them.
 */
static enum named
name_failed(const struct file_sink *f, struct err *e)
{
	if (errno == EEXIST && f->exclusive)
		err_set(e, ERR_REMOTE, "%s: exists already", f->path);
	else
		err_sys(e, "cannot name %s", f->path);
	return e->sys == ENOENT ? NAMED_AGAIN : NAMED_NOT;
}

static enum named
object_name(struct file_sink *f, struct err *e)
{
	struct stat st;

	if (f->temporary[0] == '\0') {
		if (name_give(f, f->path) == 0) {
			f->fresh = true;
			return NAMED;
		}
		if (errno != EEXIST || f->exclusive)
			return name_failed(f, e);
		if (!temporary_take(f, e))
			return NAMED_NOT;
	}
	if (!f->exclusive && !target_check(f, e))
		return NAMED_NOT;
	f->fresh = lstat(f->path, &st) == -1;
	if (temporary_rename(f) == 0) {
		f->temporary[0] = '\0';
		return NAMED;
	}
	f->fresh = false;
	return name_failed(f, e);
}

static bool
object_publish(struct file_sink *f, struct err *e)
{
	enum named got = NAMED_AGAIN;

	for (int i = 0; i < TRIES && got == NAMED_AGAIN; i++) {
		if ((i > 0 && !folder_find(f, e)) || !folders_make(f, e))
			return false;
		got = object_name(f, e);
	}
	return got == NAMED;
}

static bool
put_commit(struct sink *s, struct err *e)
{
	struct file_sink *f = (struct file_sink *)s;

	if (f->expect > f->tally.bytes &&
	    ftruncate(f->fd, (off_t)f->tally.bytes) == -1)
		return err_sys(e, "cannot write %s", f->path);
	if (fsync(f->fd) == -1)
		return err_sys(e, "cannot write %s to the disk", f->path);
	if (object_publish(f, e) && folders_sync(f, e))
		return true;
	/* A new name goes again; what was replaced cannot come back. */
	if (f->fresh)
		unlink(f->path);
	folders_unmake(f);
	return false;
}

static void
put_tell(const struct sink *s, struct facts *facts)
{
	const struct file_sink *f = (const struct file_sink *)s;

	tally_tell(&f->tally, store_url_of(&f->store->base, f->key), facts);
}

static void
put_free(struct sink *s)
{
	struct file_sink *f = (struct file_sink *)s;

	if (f->fd != -1)
		close(f->fd);
	if (f->temporary[0] != '\0')
		unlink(f->temporary);
	free(f->key);
	free(f);
}

static const struct sink_ops file_sink_ops = {
	.put = put_put,
	.commit = put_commit,
	.tell = put_tell,
	.free = put_free,
};

/* --- beginning --- */

/* Open a file without a name, where that can be had and later be named. */
static bool
file_begin(struct file_sink *f, struct err *e)
{
	char link[64];

	f->fd = open(f->folder, O_TMPFILE | O_WRONLY | O_CLOEXEC, 0600);
	if (f->fd == -1 && !NAMELESS_NO(errno))
		return err_sys(e, "cannot write %s", f->path);
	snprintf(link, sizeof link, "/proc/self/fd/%d", f->fd);
	if (f->fd != -1 && access(link, F_OK) == -1) {
		close(f->fd); /* no /proc here: it could never be named */
		f->fd = -1;
	}
	return f->fd != -1 || temporary_take(f, e);
}

/* Reserve room for what is expected, so that a disk that is too small says so
 * now.  Where room cannot be reserved, nothing is said. */
static bool
room_reserve(struct file_sink *f, struct err *e)
{
	if (f->expect == 0 || f->expect > INT64_MAX ||
	    fallocate(f->fd, FALLOC_FL_KEEP_SIZE, 0, (off_t)f->expect) == 0)
		return true;
	if (errno == ENOSPC || errno == EDQUOT || errno == EFBIG)
		return err_sys(e, "cannot reserve %" PRIu64 " bytes for %s",
		    f->expect, f->path);
	return true;
}

struct sink *
file_put(struct store *s, const char *key, const struct store_put *how,
    struct err *e)
{
	struct file_sink *f = calloc(1, sizeof *f);

	if (f == NULL || (f->key = strdup(key)) == NULL) {
		free(f);
		err_sys(e, "cannot write %s", key);
		return NULL;
	}
	f->base.ops = &file_sink_ops;
	f->store = (struct file_store *)s;
	f->fd = -1;
	f->exclusive = how->exclusive;
	f->expect = how->expect;
	tally_init(&f->tally);
	if (file_is_temporary(key))
		err_set(e, ERR_USAGE,
		    "%s: names like this are for unfinished files", key);
	else if (file_path(f->store, key, f->path, e) && folder_find(f, e) &&
	    target_check(f, e) && file_begin(f, e) && room_reserve(f, e))
		return &f->base;
	put_free(&f->base);
	return NULL;
}
