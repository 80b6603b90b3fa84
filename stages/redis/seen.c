/* seen.c -- see seen.h. */
#include "stages/redis/seen.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "stages/kit/stop.h"
#include "stages/store/hmac.h"

#define WINDOW    64 /* entries read at once */
#define CAP_FIRST 1024

/* Both 0: nobody. */
struct entry {
	uint64_t hi, lo;
};

/* Linear probing; an entry's place comes from its upper bits, so that a table
 * is in the order of its hashes, and is copied from front to back. */
struct seen {
	size_t memory;
	unsigned bits; /* 1 << bits entries */
	uint64_t n;
	struct entry *table; /* NULL: in the file */
	int fd;
	struct entry window[WINDOW]; /* of the file */
};

static uint64_t
capacity(const struct seen *s)
{
	return (uint64_t)1 << s->bits;
}

struct seen *
seen_new(size_t memory, struct err *e)
{
	struct seen *s = calloc(1, sizeof *s);

	if (s != NULL) {
		s->memory = memory;
		s->fd = -1;
		while (capacity(s) < CAP_FIRST)
			s->bits++;
		s->table = calloc(CAP_FIRST, sizeof *s->table);
	}
	if (s == NULL || s->table == NULL) {
		err_sys(e, "no memory for the keys that were seen");
		free(s);
		return NULL;
	}
	return s;
}

void
seen_free(struct seen *s)
{
	if (s == NULL)
		return;
	if (s->fd != -1)
		close(s->fd);
	free(s->table);
	free(s);
}

bool
seen_on_disk(const struct seen *s)
{
	return s->table == NULL;
}

/* --- the file --- */

static bool
file_failed(struct err *e)
{
	return err_sys(e, "the temporary file of the keys that were seen");
}

/* A file that nobody else sees, with room for all entries. */
static int
file_new(uint64_t entries, struct err *e)
{
	const char *folder = getenv("TMPDIR");
	char path[4096];
	int fd;

	if (folder == NULL || *folder == '\0')
		folder = "/var/tmp";
	snprintf(path, sizeof path, "%s/rdbpipe-seen-XXXXXX", folder);
	fd = mkostemp(path, O_CLOEXEC);
	if (fd < 0) {
		err_sys(
		    e, "cannot make a temporary file in %s (TMPDIR)", folder);
		return -1;
	}
	unlink(path);
	errno = posix_fallocate(fd, 0, (off_t)(entries * sizeof(struct entry)));
	if (errno == 0)
		return fd;
	err_sys(e, "no room for %llu MiB in %s (TMPDIR)",
	    (unsigned long long)(entries * sizeof(struct entry) >> 20), folder);
	close(fd);
	return -1;
}

static bool
file_read(int fd, struct entry *to, uint64_t at, size_t n, struct err *e)
{
	char *p = (char *)to;
	size_t left = n * sizeof *to;
	off_t from = (off_t)(at * sizeof *to);

	while (left > 0) {
		ssize_t got = pread(fd, p, left, from);

		if (got < 0 && errno == EINTR) {
			if (!stop_check(e))
				return false;
			continue;
		}
		if (got == 0)
			errno = EIO; /* somebody cut it */
		if (got <= 0)
			return file_failed(e);
		p += got;
		from += got;
		left -= (size_t)got;
	}
	return true;
}

static bool
file_write(int fd, const struct entry *entry, uint64_t at, struct err *e)
{
	ssize_t n;

	while ((n = pwrite(fd, entry, sizeof *entry,
		    (off_t)(at * sizeof *entry))) < 0 &&
	    errno == EINTR)
		if (!stop_check(e))
			return false;
	if (n == (ssize_t)sizeof *entry)
		return true;
	if (n >= 0)
		errno = EIO; /* cannot be: it has its room */
	return file_failed(e);
}

/* --- the table --- */

/* Entries from a place on, as many as are at hand; a loan. */
static const struct entry *
look(struct seen *s, uint64_t at, size_t *n, struct err *e)
{
	uint64_t left = capacity(s) - at;

	if (s->table != NULL) {
		*n = (size_t)left;
		return s->table + at;
	}
	*n = left < WINDOW ? (size_t)left : WINDOW;
	return file_read(s->fd, s->window, at, *n, e) ? s->window : NULL;
}

/* Find the place of an entry, or the free one where it belongs. */
static bool
find(struct seen *s, const struct entry *entry, uint64_t *at, bool *there,
    struct err *e)
{
	*at = entry->hi >> (64 - s->bits);
	for (;;) {
		size_t n;
		const struct entry *p = look(s, *at, &n, e);

		if (p == NULL)
			return false;
		for (size_t i = 0; i < n; i++, ++*at) {
			*there = p[i].hi == entry->hi && p[i].lo == entry->lo;
			if (*there || (p[i].hi == 0 && p[i].lo == 0))
				return true;
		}
		*at = *at == capacity(s) ? 0 : *at;
	}
}

static bool
put(struct seen *s, const struct entry *entry, uint64_t at, struct err *e)
{
	if (s->table == NULL)
		return file_write(s->fd, entry, at, e);
	s->table[at] = *entry;
	return true;
}

/* Take over all that another table holds. */
static bool
copy(struct seen *to, struct seen *from, struct err *e)
{
	uint64_t at = 0, place;
	bool there;

	while (at < capacity(from)) {
		size_t n;
		const struct entry *p = look(from, at, &n, e);

		if (p == NULL)
			return false;
		for (size_t i = 0; i < n; i++)
			if ((p[i].hi != 0 || p[i].lo != 0) &&
			    (!find(to, &p[i], &place, &there, e) ||
				!put(to, &p[i], place, e)))
				return false;
		at += n;
	}
	return true;
}

/* Twice as large: in memory, as long as both fit; else in a file. */
static bool
grow(struct seen *s, struct err *e)
{
	struct seen old = *s;
	uint64_t bytes;

	s->bits++;
	bytes = capacity(s) * sizeof *s->table;
	s->table = NULL;
	s->fd = -1;
	if (old.table != NULL && bytes + bytes / 2 <= s->memory) {
		s->table = calloc(capacity(s), sizeof *s->table);
		if (s->table == NULL)
			err_sys(e, "no memory for the keys that were seen");
	} else {
		s->fd = file_new(capacity(s), e);
	}
	if ((s->table == NULL && s->fd == -1) || !copy(s, &old, e)) {
		if (s->fd != -1)
			close(s->fd);
		free(s->table);
		*s = old;
		return false;
	}
	if (old.fd != -1)
		close(old.fd);
	free(old.table);
	return true;
}

bool
seen_add(struct seen *s, uint64_t db, const void *key, size_t len, bool *before,
    struct err *e)
{
	uint8_t hash[HASH_SHA256_LEN];
	struct entry entry;
	uint64_t at;

	if (!hash_sha256(key, len, hash, e))
		return false;
	memcpy(&entry, hash, sizeof entry);
	entry.lo ^= db;
	if (entry.hi == 0 && entry.lo == 0)
		entry.lo = 1;
	if (s->n >= capacity(s) / 4 * 3 && !grow(s, e))
		return false;
	if (!find(s, &entry, &at, before, e))
		return false;
	if (*before)
		return true;
	s->n++;
	return put(s, &entry, at, e);
}
