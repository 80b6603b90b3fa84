/* port.c -- descriptors and files as sources and sinks; see port.h. */
#include "stages/kit/port.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "stages/kit/stop.h"

#define PIPE_SIZE (1024 * 1024) /* asked for; the kernel may say no */

struct fd_source {
	struct source base;
	int fd;
	bool close;
	const char *name;
	uint64_t size;
	size_t cap;
	uint8_t *mem;
};

struct fd_sink {
	struct sink base;
	int fd;
	const char *name;
};

static bool
fd_next(struct source *s, struct span *chunk, struct err *e)
{
	struct fd_source *f = (struct fd_source *)s;
	ssize_t n;

	while ((n = read(f->fd, f->mem, f->cap)) == -1) {
		if (errno != EINTR)
			return err_sys(e, "cannot read %s", f->name);
		if (!stop_check(e))
			return false;
	}
	*chunk = (struct span){ f->mem, (size_t)n };
	return stop_check(e);
}

static uint64_t
fd_size(const struct source *s)
{
	return ((const struct fd_source *)s)->size;
}

static void
fd_source_free(struct source *s)
{
	struct fd_source *f = (struct fd_source *)s;

	if (f->close)
		close(f->fd);
	free(f->mem);
	free(f);
}

static bool
fd_put(struct sink *s, struct span c, struct err *e)
{
	struct fd_sink *f = (struct fd_sink *)s;

	while (c.len > 0) {
		ssize_t n = write(f->fd, c.ptr, c.len);

		if (n == -1 && errno != EINTR)
			return err_sys(e, "cannot write %s", f->name);
		if (n > 0)
			span_take(&c, (size_t)n);
		if (!stop_check(e))
			return false;
	}
	return true;
}

static bool
fd_commit(struct sink *s, struct err *e)
{
	(void)s, (void)e; /* bytes in a pipe cannot be called back */
	return true;
}

static void
fd_sink_free(struct sink *s)
{
	free(s);
}

static const struct source_ops fd_source_ops = {
	.next = fd_next,
	.size = fd_size,
	.free = fd_source_free,
};

static const struct sink_ops fd_sink_ops = {
	.put = fd_put,
	.commit = fd_commit,
	.free = fd_sink_free,
};

/* What is left of a regular file is the size to come. */
static uint64_t
size_of(int fd)
{
	struct stat st;
	off_t at;

	if (fstat(fd, &st) == -1 || !S_ISREG(st.st_mode) ||
	    (at = lseek(fd, 0, SEEK_CUR)) == -1 || at > st.st_size)
		return SIZE_UNKNOWN;
	return (uint64_t)(st.st_size - at);
}

/* A larger pipe means fewer changes between its two programs. */
static void
pipe_widen(int fd)
{
	struct stat st;

	if (fstat(fd, &st) == 0 && S_ISFIFO(st.st_mode))
		(void)fcntl(fd, F_SETPIPE_SZ, PIPE_SIZE);
}

struct source *
source_fd_new(int fd, const char *name, size_t chunk, struct err *e)
{
	struct fd_source *f = calloc(1, sizeof *f);

	if (f == NULL || (f->mem = malloc(chunk)) == NULL) {
		free(f);
		err_sys(e, "cannot read %s", name);
		return NULL;
	}
	f->base.ops = &fd_source_ops;
	f->fd = fd;
	f->name = name;
	f->cap = chunk;
	f->size = size_of(fd);
	pipe_widen(fd);
	return &f->base;
}

struct source *
source_file_new(const char *path, size_t chunk, struct err *e)
{
	struct source *s;
	int fd;

	/* Opening a FIFO waits for a writer. */
	while ((fd = open(path, O_RDONLY | O_CLOEXEC)) == -1) {
		if (errno != EINTR)
			err_sys(e, "cannot open %s", path);
		if (errno != EINTR || !stop_check(e))
			return NULL;
	}
	(void)posix_fadvise(fd, 0, 0, POSIX_FADV_SEQUENTIAL);
	if ((s = source_fd_new(fd, path, chunk, e)) == NULL)
		close(fd);
	else
		((struct fd_source *)s)->close = true;
	return s;
}

struct sink *
sink_fd_new(int fd, const char *name, struct err *e)
{
	struct fd_sink *f = malloc(sizeof *f);

	if (f == NULL) {
		err_sys(e, "cannot write %s", name);
		return NULL;
	}
	f->base.ops = &fd_sink_ops;
	f->fd = fd;
	f->name = name;
	pipe_widen(fd);
	return &f->base;
}

static bool
null_put(struct sink *s, struct span c, struct err *e)
{
	(void)s, (void)c, (void)e;
	return true;
}

static const struct sink_ops null_ops = {
	.put = null_put,
	.commit = fd_commit,
	.free = fd_sink_free,
};

struct sink *
sink_null_new(struct err *e)
{
	struct sink *s = malloc(sizeof *s);

	if (s == NULL)
		err_sys(e, "cannot set up a sink");
	else
		s->ops = &null_ops;
	return s;
}
