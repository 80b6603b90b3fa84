/*
 * file.c -- a directory as a store: opening, naming, looking, removing.
 *
 * What moves bytes is in file_put.c and file_get.c, what walks directories in
 * file_list.c.
 */
#include "stages/store/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "stages/kit/hex.h"

/* --- URLs --- */

/* Replace %XX in place; url is what was written, for the message. */
static bool
url_decode(char *text, const char *url, struct err *e)
{
	char *to = text;

	for (const char *from = text; *from != '\0'; from++) {
		int byte;

		if (*from != '%') {
			*to++ = *from;
			continue;
		}
		if ((byte = hex_byte(from + 1)) <= 0)
			return err_set(e, ERR_USAGE,
			    "%s: %% wants two hex digits that are not 00", url);
		*to++ = (char)byte;
		from += 2;
	}
	*to = '\0';
	return true;
}

/* Write a key the way it stands in a file:// URL; to has room for 3 a byte. */
static void
url_encode(char *to, const char *key)
{
	for (; *key != '\0'; key++) {
		unsigned char c = (unsigned char)*key;

		if ((c | 0x20) >= 'a' && (c | 0x20) <= 'z')
			*to++ = *key;
		else if (strchr("0123456789-._~/@:+=,", c) != NULL)
			*to++ = *key;
		else
			to += sprintf(to, "%%%02X", c);
	}
	*to = '\0';
}

/* The path part of a file:// URL, still encoded. */
static bool
url_path(const char **path, const char *url, struct err *e)
{
	const char *p = url + strlen("file://");

	if (strncmp(p, "localhost/", 10) == 0)
		p += 9;
	if (*p != '/')
		return err_set(e, ERR_USAGE,
		    "%s: a file URL has three slashes, file:///path", url);
	if (strpbrk(p, "?#") != NULL)
		return err_set(e, ERR_USAGE,
		    "%s: a file URL takes no ? or #; write %%3F or %%23", url);
	*path = p;
	return true;
}

static void
file_close(struct store *s)
{
	struct file_store *f = (struct file_store *)s;

	free(f->shown);
	free(f->root);
	free(f->key);
	free(f->url);
	free(f);
}

/* Split what was written into root and key; without a key, all is root. */
static bool
file_split(struct file_store *f, const char *url, const char *path, bool key,
    struct err *e)
{
	const char *slash = strrchr(path, '/');
	size_t base = key ? (slash != NULL ? (size_t)(slash + 1 - path) : 0) :
			    strlen(path);
	size_t before = (size_t)(path - url);
	bool end = base == 0 || path[base - 1] == '/';

	if (key && path[base] == '\0')
		return err_set(e, ERR_USAGE,
		    "%s names a directory; an object's name is wanted", url);
	/* A path that is handed to a program must not look like an option. */
	if (asprintf(&f->shown, "%s%.*s%s", *url == '-' ? "./" : "",
		(int)(before + base), url, end ? "" : "/") == -1 ||
	    (f->root = strdup(f->shown + before)) == NULL ||
	    (f->key = strdup(path + base)) == NULL)
		return err_sys(e, "cannot open %s", url);
	return !f->encoded ||
	    (url_decode(f->root, url, e) && url_decode(f->key, url, e));
}

static bool
file_open(struct store **s, const char **key, const char *url, struct err *e)
{
	struct file_store *f;
	const char *path = url;
	bool encoded = strncmp(url, "file://", 7) == 0;

	if (*url == '\0')
		return err_set(e, ERR_USAGE, "a store's path is empty");
	if (strcmp(url, "-") == 0)
		return err_set(e, ERR_USAGE,
		    "'-' is no store; a file of that name is ./-");
	if (encoded && !url_path(&path, url, e))
		return false;
	if ((f = calloc(1, sizeof *f)) == NULL)
		return err_sys(e, "cannot open %s", url);
	f->base.kind = &file_kind;
	f->encoded = encoded;
	if (!file_split(f, url, path, key != NULL, e)) {
		file_close(&f->base);
		return false;
	}
	*s = &f->base;
	if (key != NULL)
		*key = f->key;
	return true;
}

static const char *
file_url_of(struct store *s, const char *key)
{
	struct file_store *f = (struct file_store *)s;
	size_t before = strlen(f->shown);
	char *url = malloc(before + 3 * strlen(key) + 1);

	if (url == NULL)
		return key; /* a message is better short than not at all */
	memcpy(url, f->shown, before);
	if (f->encoded)
		url_encode(url + before, key);
	else
		strcpy(url + before, key);
	free(f->url);
	return f->url = url;
}

/* --- paths --- */

bool
file_path(const struct file_store *f, const char *key, char path[PATH_MAX],
    struct err *e)
{
	int n = snprintf(path, PATH_MAX, "%s%s", f->root, key);

	if (n >= 0 && n < PATH_MAX)
		return true;
	errno = ENAMETOOLONG;
	return err_sys(e, "%.200s...", f->root);
}

bool
file_is_temporary(const char *name)
{
	const char *slash = strrchr(name, '/');
	size_t begin = strlen(FILE_TEMPORARY), end = strlen(FILE_TEMPORARY_END);
	size_t len;

	if (slash != NULL)
		name = slash + 1;
	len = strlen(name);
	return len >= begin + end &&
	    strncmp(name, FILE_TEMPORARY, begin) == 0 &&
	    strcmp(name + len - end, FILE_TEMPORARY_END) == 0;
}

void
file_cut(char *path)
{
	char *slash = strrchr(path, '/');

	if (slash == NULL)
		strcpy(path, ".");
	else if (slash == path)
		path[1] = '\0';
	else
		*slash = '\0';
}

/*
 * A directory that may be written but not read, a drop box, cannot be synced
 * alone.  Some file systems (FUSE, SMB) know no such thing and say EINVAL.
 */
bool
file_sync_folder(const char *path, struct err *e)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	bool ok = true;

	if (fd == -1 && errno == EACCES) {
		sync();
		return true;
	}
	if (fd == -1)
		return err_sys(e, "cannot open directory %s", path);
	if (fsync(fd) == -1 && errno != EINVAL)
		ok = err_sys(e, "cannot write directory %s", path);
	close(fd);
	return ok;
}

/* --- looking --- */

static bool
file_stat(struct store *s, const char *key, bool *found, struct store_object *o,
    struct err *e)
{
	char path[PATH_MAX];
	struct stat st;

	if (!file_path((struct file_store *)s, key, path, e))
		return false;
	*found = false;
	if (stat(path, &st) == -1)
		return errno == ENOENT || errno == ENOTDIR ||
		    err_sys(e, "cannot look at %s", path);
	*found = S_ISREG(st.st_mode);
	o->key = key;
	o->size = (uint64_t)st.st_size;
	o->modified_ms =
	    (int64_t)st.st_mtim.tv_sec * 1000 + st.st_mtim.tv_nsec / 1000000;
	return true;
}

/* --- removing --- */

/* Remove the directories below the root that are empty now. */
static void
empties_remove(const struct file_store *f, char *path)
{
	size_t root = strlen(f->root);

	for (file_cut(path); strlen(path) > root; file_cut(path))
		if (rmdir(path) == -1)
			return;
}

static bool
file_remove(struct store *s, const char *key, struct err *e)
{
	struct file_store *f = (struct file_store *)s;
	char path[PATH_MAX], folder[PATH_MAX];
	struct stat st;

	if (!file_path(f, key, path, e))
		return false;
	if (stat(path, &st) == 0 && S_ISDIR(st.st_mode)) {
		errno = EISDIR;
		return err_sys(e, "cannot remove %s", path);
	}
	if (stat(path, &st) == 0 && !S_ISREG(st.st_mode))
		return err_set(e, ERR_SYSTEM, "%s is not a regular file", path);
	if (unlink(path) == -1)
		return errno == ENOENT || errno == ENOTDIR ?
		    err_set(e, ERR_REMOTE, "%s: no such object", path) :
		    err_sys(e, "cannot remove %s", path);
	strcpy(folder, path);
	file_cut(folder);
	if (!file_sync_folder(folder, e))
		return false;
	empties_remove(f, path);
	return true;
}

static const char *
file_folder(const struct store *s)
{
	const struct file_store *f = (const struct file_store *)s;

	return *f->root != '\0' ? f->root : "./";
}

const struct store_kind file_kind = {
	.open = file_open,
	.close = file_close,
	.url_of = file_url_of,
	.put = file_put,
	.get = file_get,
	.stat = file_stat,
	.list = file_list,
	.list_folders = file_list_folders,
	.remove = file_remove,
	.folder = file_folder,
};
