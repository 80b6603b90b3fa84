/*
 * file_list.c -- the objects of a directory, in byte order of their keys.
 *
 * Directories are read one at a time and sorted.  A directory sorts as its
 * name with the slash behind it, which is how it stands in keys: "a-b", then
 * "a/x", then "a0".
 */
#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "stages/kit/stop.h"
#include "stages/store/file.h"

/* The names in one directory, each with its slash when it is one. */
struct names {
	char **v;
	size_t n, cap;
};

/* The directories we are in, to see when a link leads back into one. */
struct level {
	const struct level *up;
	dev_t dev;
	ino_t ino;
};

struct walk {
	const char *prefix;
	store_each *each;
	void *arg;
	size_t root; /* bytes of path that stand before a key */
	char path[PATH_MAX];
};

static void
names_release(struct names *l)
{
	for (size_t i = 0; i < l->n; i++)
		free(l->v[i]);
	free(l->v);
}

static bool
names_add(struct names *l, const char *name, bool folder)
{
	size_t len = strlen(name);

	if (l->n == l->cap) {
		size_t cap = l->cap == 0 ? 64 : 2 * l->cap;
		char **v = realloc(l->v, cap * sizeof *v);

		if (v == NULL)
			return false;
		l->v = v;
		l->cap = cap;
	}
	if ((l->v[l->n] = malloc(len + 2)) == NULL)
		return false;
	memcpy(l->v[l->n], name, len);
	memcpy(l->v[l->n++] + len, folder ? "/" : "", folder ? 2 : 1);
	return true;
}

static int
names_order(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Files and directories count, links as what they lead to. */
static bool
entry_add(DIR *d, const struct dirent *at, struct names *l, struct err *e)
{
	unsigned char type = at->d_type;
	struct stat st;

	if (strcmp(at->d_name, ".") == 0 || strcmp(at->d_name, "..") == 0 ||
	    file_is_temporary(at->d_name))
		return true;
	if (type == DT_LNK || type == DT_UNKNOWN) {
		if (fstatat(dirfd(d), at->d_name, &st, 0) == -1)
			return true; /* gone, or a link to nothing */
		type = S_ISREG(st.st_mode) ? DT_REG :
		    S_ISDIR(st.st_mode)    ? DT_DIR :
					     DT_UNKNOWN;
	}
	if (type != DT_REG && type != DT_DIR)
		return true;
	return names_add(l, at->d_name, type == DT_DIR) ||
	    err_sys(e, "cannot list a directory");
}

/* A path that came from a disk, for a message. */
static bool
list_failed(const char *path, struct err *e)
{
	char shown[300];

	return err_sys(e, "cannot list %s",
	    err_quote(shown, sizeof shown, path, strlen(path)));
}

static bool
names_read(DIR *d, const char *path, struct names *l, struct err *e)
{
	struct dirent *at;

	while (errno = 0, (at = readdir(d)) != NULL)
		if (!entry_add(d, at, l, e))
			return false;
	if (errno != 0)
		return list_failed(path, e);
	if (l->n > 0)
		qsort(l->v, l->n, sizeof *l->v, names_order);
	return stop_check(e);
}

/*
 * Read the directory at path; nothing when it is not there (any more), or is
 * one that we are in.
 */
static bool
folder_read(
    const char *path, struct level *level, struct names *l, struct err *e)
{
	DIR *d = opendir(*path == '\0' ? "." : path);
	struct stat st;
	bool ok;

	if (d == NULL)
		return errno == ENOENT || errno == ENOTDIR ||
		    list_failed(path, e);
	ok = fstat(dirfd(d), &st) == 0 || list_failed(path, e);
	level->dev = st.st_dev;
	level->ino = st.st_ino;
	for (const struct level *up = level->up; ok && up != NULL; up = up->up)
		if (up->dev == level->dev && up->ino == level->ino)
			goto out;
	ok = ok && names_read(d, path, l, e);
out:
	closedir(d);
	return ok;
}

/* Whether keys that begin with this can have the prefix. */
static bool
prefix_agrees(const char *key, const char *prefix)
{
	size_t k = strlen(key), p = strlen(prefix);

	return strncmp(key, prefix, k < p ? k : p) == 0;
}

static bool
object_tell(struct walk *w, struct err *e)
{
	struct store_object o;
	struct stat st;

	o.key = w->path + w->root;
	if (strncmp(o.key, w->prefix, strlen(w->prefix)) != 0)
		return true;
	if (stat(w->path, &st) == -1)
		return errno == ENOENT || errno == ENOTDIR ||
		    list_failed(w->path, e);
	o.size = (uint64_t)st.st_size;
	o.modified_ms =
	    (int64_t)st.st_mtim.tv_sec * 1000 + st.st_mtim.tv_nsec / 1000000;
	return w->each(w->arg, &o, e);
}

/* Everything below w->path, which ends in '/' or is empty. */
static bool
folder_walk(struct walk *w, const struct level *up, struct err *e)
{
	struct names l = { 0 };
	struct level level = { up, 0, 0 };
	size_t len = strlen(w->path);
	bool ok = folder_read(w->path, &level, &l, e);

	for (size_t i = 0; ok && i < l.n; i++) {
		size_t n = strlen(l.v[i]);

		if (len + n >= sizeof w->path) {
			errno = ENAMETOOLONG;
			ok = list_failed(w->path, e);
			break;
		}
		memcpy(w->path + len, l.v[i], n + 1);
		if (!prefix_agrees(w->path + w->root, w->prefix))
			continue;
		ok = l.v[i][n - 1] == '/' ? folder_walk(w, &level, e) :
					    object_tell(w, e);
	}
	w->path[len] = '\0';
	names_release(&l);
	return ok;
}

/* Begin a walk at the deepest directory that the prefix names. */
static bool
walk_run(struct walk *w, struct store *s, const char *prefix, store_each *each,
    void *arg, struct err *e)
{
	struct file_store *f = (struct file_store *)s;
	const char *slash = strrchr(prefix, '/');

	w->prefix = prefix;
	w->each = each;
	w->arg = arg;
	w->root = strlen(f->root);
	if (!file_path(f, prefix, w->path, e))
		return false;
	w->path[w->root + (slash != NULL ? (size_t)(slash + 1 - prefix) : 0)] =
	    '\0';
	return folder_walk(w, NULL, e);
}

bool
file_list(struct store *s, const char *prefix, store_each *each, void *arg,
    struct err *e)
{
	struct walk w;

	return walk_run(&w, s, prefix, each, arg, e);
}

/* --- folders --- */

/* Stops a walk at its first object: there is something. */
static bool
something_found(void *arg, const struct store_object *o, struct err *e)
{
	(void)o;
	*(bool *)arg = true;
	return err_set(e, ERR_BUG, "a walk that was to stop went on");
}

/* Tell of the directory at w->path if an object is below it. */
static bool
folder_tell(struct store *s, const char *name, const char *prefix,
    store_each *each, void *arg, struct err *e)
{
	struct store_object o = { .key = name };
	struct walk w;
	char key[PATH_MAX];
	bool found = false;
	size_t len = strlen(prefix);

	memcpy(key, prefix, len);
	strcpy(key + len, name);
	if (!walk_run(&w, s, key, something_found, &found, e) && !found)
		return false;
	key[len + strlen(name) - 1] = '\0';
	o.key = key + len;
	return !found || each(arg, &o, e);
}

bool
file_list_folders(struct store *s, const char *prefix, store_each *each,
    void *arg, struct err *e)
{
	char path[PATH_MAX];
	struct names l = { 0 };
	struct level level = { NULL, 0, 0 };
	bool ok = file_path((struct file_store *)s, prefix, path, e) &&
	    folder_read(path, &level, &l, e);

	for (size_t i = 0; ok && i < l.n; i++)
		if (l.v[i][strlen(l.v[i]) - 1] == '/')
			ok = folder_tell(s, l.v[i], prefix, each, arg, e);
	names_release(&l);
	return ok;
}
