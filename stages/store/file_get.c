/*
 * file_get.c -- an object of a directory as a source.
 *
 * The size is what the file had when it was opened, and exactly that much is
 * lent: objects are replaced, never changed, so a file that ends earlier or
 * goes on is one that somebody else is writing to.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "stages/kit/stop.h"
#include "stages/store/file.h"
#include "stages/store/tally.h"

#define CHUNK (1024 * 1024)

struct file_source {
	struct source base;
	struct file_store *store; /* lent */
	int fd;
	uint64_t size;
	uint8_t *mem;
	struct tally tally;
	char *key;
	char path[PATH_MAX];
};

/* Read up to n bytes; fewer only at the end of the file. */
static bool
file_read(struct file_source *f, size_t n, size_t *got, struct err *e)
{
	*got = 0;
	while (*got < n) {
		ssize_t r = read(f->fd, f->mem + *got, n - *got);

		if (r == -1 && errno != EINTR)
			return err_sys(e, "cannot read %s", f->path);
		if (r == 0)
			break;
		if (r > 0)
			*got += (size_t)r;
		if (!stop_check(e))
			return false;
	}
	return true;
}

/* The last chunk is lent only when the file is known to end behind it. */
static bool
file_next(struct source *s, struct span *chunk, struct err *e)
{
	struct file_source *f = (struct file_source *)s;
	uint64_t left = f->size - f->tally.bytes;
	size_t want = left < CHUNK ? (size_t)left : CHUNK, got;
	bool last = want == left;

	if (!file_read(f, want + (last ? 1 : 0), &got, e))
		return false;
	if (got < want)
		return err_set(e, ERR_DATA,
		    "%s: ended at byte %" PRIu64 ", it had %" PRIu64
		    " when it was opened",
		    f->path, f->tally.bytes + got, f->size);
	if (got > want)
		return err_set(e, ERR_DATA,
		    "%s: grew while it was read, somebody is writing to it",
		    f->path);
	*chunk = (struct span){ f->mem, got };
	tally_add(&f->tally, *chunk);
	return true;
}

static uint64_t
file_size(const struct source *s)
{
	return ((const struct file_source *)s)->size;
}

static void
file_tell(const struct source *s, struct facts *facts)
{
	const struct file_source *f = (const struct file_source *)s;

	tally_tell(&f->tally, store_url_of(&f->store->base, f->key), facts);
}

static void
file_free(struct source *s)
{
	struct file_source *f = (struct file_source *)s;

	if (f->fd != -1)
		close(f->fd);
	free(f->mem);
	free(f->key);
	free(f);
}

static const struct source_ops file_source_ops = {
	.next = file_next,
	.size = file_size,
	.tell = file_tell,
	.free = file_free,
};

/* O_NONBLOCK: opening a FIFO would wait for a writer. */
static bool
file_begin(struct file_source *f, struct err *e)
{
	struct stat st;

	f->fd = open(f->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (f->fd == -1 && (errno == ENOENT || errno == ENOTDIR))
		return err_set(e, ERR_REMOTE, "%s: no such object", f->path);
	if (f->fd == -1 || fstat(f->fd, &st) == -1)
		return err_sys(e, "cannot open %s", f->path);
	if (S_ISDIR(st.st_mode)) {
		errno = EISDIR;
		return err_sys(e, "cannot read %s", f->path);
	}
	if (!S_ISREG(st.st_mode))
		return err_set(
		    e, ERR_SYSTEM, "%s is not a regular file", f->path);
	(void)posix_fadvise(f->fd, 0, 0, POSIX_FADV_SEQUENTIAL);
	f->size = (uint64_t)st.st_size;
	return true;
}

struct source *
file_get(struct store *s, const char *key, struct err *e)
{
	struct file_source *f = calloc(1, sizeof *f);

	if (f == NULL) {
		err_sys(e, "cannot read %s", key);
		return NULL;
	}
	f->base.ops = &file_source_ops;
	f->store = (struct file_store *)s;
	f->fd = -1;
	tally_init(&f->tally);
	if ((f->key = strdup(key)) == NULL ||
	    (f->mem = malloc(CHUNK + 1)) == NULL)
		err_sys(e, "cannot read %s", key);
	else if (file_path(f->store, key, f->path, e) && file_begin(f, e))
		return &f->base;
	file_free(&f->base);
	return NULL;
}
