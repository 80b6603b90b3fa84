/*
 * Goal: the directory store keeps its promises.  What was put is what is got;
 * an object appears whole or not at all, whichever system call fails and
 * whether or not the file system has nameless files; nothing else is ever
 * left behind, replaced or reached; listings are in byte order.
 *
 * The system calls that file_put.c makes are ours here: each can be told to
 * fail, and O_TMPFILE to be unknown.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "rdb/hash128.h"
#include "stages/kit/facts.h"
#include "stages/store/file.h"

#define MIB (1024 * 1024)

/* --- system calls that fail when told to --- */

static struct {
	bool armed;
	bool no_nameless;        /* O_TMPFILE: EOPNOTSUPP */
	bool no_noreplace;       /* RENAME_NOREPLACE: EINVAL */
	bool short_writes;       /* at most 7 bytes */
	unsigned calls, fail_at; /* the how manieth fails; 0: none */
	int fail_errno;
	const char *failed; /* name of the one that did */
} plan;

static bool
fails(const char *call)
{
	if (!plan.armed || ++plan.calls != plan.fail_at)
		return false;
	plan.failed = call;
	errno = plan.fail_errno;
	return true;
}

int
open(const char *path, int flags, ...)
{
	va_list ap;
	mode_t mode;

	va_start(ap, flags);
	mode = (flags & O_CREAT) || (flags & O_TMPFILE) == O_TMPFILE ?
	    va_arg(ap, mode_t) :
	    0;
	va_end(ap);
	if (plan.no_nameless && (flags & O_TMPFILE) == O_TMPFILE) {
		errno = EOPNOTSUPP;
		return -1;
	}
	return fails("open") ? -1 : openat(AT_FDCWD, path, flags, mode);
}

ssize_t
write(int fd, const void *p, size_t n)
{
	if (plan.armed && plan.short_writes && n > 7)
		n = 7;
	return fails("write") ? -1 : syscall(SYS_write, fd, p, n);
}

int
fsync(int fd)
{
	return fails("fsync") ? -1 : (int)syscall(SYS_fsync, fd);
}

int
mkdir(const char *path, mode_t mode)
{
	return fails("mkdir") ? -1 : mkdirat(AT_FDCWD, path, mode);
}

int
linkat(int from, const char *a, int to, const char *b, int flags)
{
	return fails("linkat") ?
	    -1 :
	    (int)syscall(SYS_linkat, from, a, to, b, flags);
}

int
rename(const char *a, const char *b)
{
	return fails("rename") ? -1 : renameat(AT_FDCWD, a, AT_FDCWD, b);
}

int
renameat2(int from, const char *a, int to, const char *b, unsigned flags)
{
	if (plan.no_noreplace) {
		errno = EINVAL;
		return -1;
	}
	return fails("renameat2") ?
	    -1 :
	    (int)syscall(SYS_renameat2, from, a, to, b, flags);
}

int
link(const char *a, const char *b)
{
	return fails("link") ?
	    -1 :
	    (int)syscall(SYS_linkat, AT_FDCWD, a, AT_FDCWD, b, 0);
}

int
sync_file_range(int fd, off_t at, off_t n, unsigned flags)
{
	return fails("sync_file_range") ?
	    -1 :
	    (int)syscall(SYS_sync_file_range, fd, at, n, flags);
}

int
fallocate(int fd, int mode, off_t at, off_t n)
{
	return fails("fallocate") ?
	    -1 :
	    (int)syscall(SYS_fallocate, fd, mode, at, n);
}

int
ftruncate(int fd, off_t n)
{
	return fails("ftruncate") ? -1 : (int)syscall(SYS_ftruncate, fd, n);
}

/* --- a scratch folder, and what is in it --- */

static char root[64];
static char tree[4096]; /* "a/ a/b=5 ": what tree_read found */
static struct err e;

static int
tree_add(const char *path, const struct stat *st, int type, struct FTW *at)
{
	size_t n = strlen(tree);

	if (at->level > 0)
		snprintf(tree + n, sizeof tree - n,
		    type == FTW_D ? "%s/ " : "%s=%ld ", path + strlen(root) + 1,
		    (long)st->st_size);
	return 0;
}

static const char *
tree_read(void)
{
	tree[0] = '\0';
	nftw(root, tree_add, 8, FTW_PHYS);
	return tree;
}

static int
tree_drop(const char *path, const struct stat *st, int type, struct FTW *at)
{
	(void)st, (void)type, (void)at;
	return remove(path);
}

static int
setup(void **state)
{
	(void)state;
	memset(&plan, 0, sizeof plan);
	strcpy(root, "/tmp/t_store_file.XXXXXX");
	umask(0022);
	return mkdtemp(root) != NULL ? 0 : -1;
}

static int
teardown(void **state)
{
	(void)state;
	plan.armed = false;
	return nftw(root, tree_drop, 8, FTW_PHYS | FTW_DEPTH);
}

static const char *
in_root(const char *name)
{
	static char path[PATH_MAX];

	snprintf(path, sizeof path, "%s/%s", root, name);
	return path;
}

static void
file_make(const char *name, const char *text)
{
	FILE *f = fopen(in_root(name), "w");

	assert_non_null(f);
	fputs(text, f);
	assert_int_equal(fclose(f), 0);
}

static struct store *
opened(void)
{
	struct store *s = NULL;

	assert_true(store_open(&s, root, &e));
	return s;
}

/* --- putting and getting --- */

static bool
put(struct store *s, const char *key, const void *p, size_t n,
    const struct store_put *how)
{
	const struct store_put plain = { 0 };
	struct sink *to = store_put(s, key, how ? how : &plain, &e);
	struct span all = { p, n };
	bool ok = to != NULL;

	while (ok && all.len > 0)
		ok = sink_put(to,
		    span_take(&all, all.len < 3 * MIB ? all.len : 3 * MIB), &e);
	ok = ok && sink_commit(to, &e);
	sink_free(to);
	return ok;
}

static bool
put_text(struct store *s, const char *key, const char *text)
{
	return put(s, key, text, strlen(text), NULL);
}

/* Read an object; NUL-terminated, the caller frees. */
static uint8_t *
got(struct store *s, const char *key, size_t *n)
{
	struct source *from = store_get(s, key, &e);
	uint8_t *all = NULL;
	struct span c;
	bool ok = from != NULL;

	*n = 0;
	while (ok && (ok = source_next(from, &c, &e)) && c.len > 0) {
		all = realloc(all, *n + c.len + 1);
		memcpy(all + *n, c.ptr, c.len);
		*n += c.len;
		all[*n] = '\0';
	}
	if (!ok) {
		free(all);
		all = NULL;
	} else if (all == NULL)
		all = calloc(1, 1);
	if (from != NULL)
		source_free(from);
	return all;
}

static void
assert_object(struct store *s, const char *key, const char *text)
{
	size_t n;
	uint8_t *all = got(s, key, &n);

	assert_non_null(all);
	assert_string_equal((char *)all, text);
	free(all);
}

static void
assert_err(enum err_kind kind, const char *words)
{
	if (e.kind != kind || strstr(e.text, words) == NULL)
		fail_msg("kind %d, \"%s\"; wanted %d, \"%s\"", e.kind, e.text,
		    kind, words);
}

/* All of a small object, or none. */
static void
test_read_small(void **state)
{
	struct store *s = opened();
	char *all;
	size_t n;

	(void)state;
	assert_true(put_text(s, "a/five", "12345"));
	assert_true(put_text(s, "a/none", ""));
	assert_true(store_read(s, "a/five", 5, &all, &n, &e));
	assert_int_equal(n, 5);
	assert_string_equal(all, "12345");
	free(all);
	assert_true(store_read(s, "a/none", 0, &all, &n, &e));
	assert_int_equal(n, 0);
	assert_string_equal(all, "");
	free(all);
	assert_false(store_read(s, "a/five", 4, &all, &n, &e));
	assert_err(ERR_DATA, "longer than 4 bytes");
	assert_null(all);
	assert_false(store_read(s, "a/six", 4, &all, &n, &e));
	assert_err(ERR_REMOTE, "a/six");
	assert_false(store_read(s, "../x", 4, &all, &n, &e));
	store_close(s);
}

/* Sizes around those of chunks and windows. */
static void
test_put_get(void **state)
{
	static const size_t sizes[] = { 0, 1, MIB - 1, MIB, MIB + 1, 8 * MIB,
		8 * MIB + 1, 17 * MIB + 5, 24 * MIB };
	uint8_t *data = malloc(24 * MIB), *back;
	struct store *s = opened();
	size_t n;

	(void)state;
	for (size_t i = 0; i < 24 * MIB; i++)
		data[i] = (uint8_t)(i * 2654435761u >> 13);
	for (size_t i = 0; i < COUNT_OF(sizes); i++) {
		struct store_object o;
		bool found;

		assert_true(put(s, "a/b/c", data, sizes[i], NULL));
		assert_true(store_stat(s, "a/b/c", &found, &o, &e));
		assert_true(found);
		assert_int_equal(o.size, sizes[i]);
		back = got(s, "a/b/c", &n);
		assert_non_null(back);
		assert_int_equal(n, sizes[i]);
		assert_memory_equal(back, data, n);
		free(back);
	}
	free(data);
	store_close(s);
}

/* Checksums as others print them; both ends say the same. */
static void
test_facts(void **state)
{
	static const char want[] =
	    "bytes 9\ncrc64-xz 995dc9bbdf1939fa\n"
	    "xxh3-128 33119477ede5dcd5e9716427681d5860\nobject %s/k\n";
	struct store *s = opened();
	struct sink *to = store_put(s, "k", &(struct store_put){ 0 }, &e);
	struct source *from = NULL;
	struct span c = { (const uint8_t *)"123456789", 9 };
	char said[600], wanted[300];
	int pipes[2];

	(void)state;
	snprintf(wanted, sizeof wanted, want, root);
	assert_int_equal(pipe(pipes), 0);
	for (int i = 0; i < 2; i++) {
		struct facts *f = facts_new(pipes[1], &e);

		if (i == 0) {
			assert_true(sink_put(to, c, &e) && sink_commit(to, &e));
			sink_tell(to, f);
			sink_free(to);
			from = store_get(s, "k", &e);
			assert_int_equal(source_size(from), 9);
		} else {
			while (source_next(from, &c, &e) && c.len > 0)
				;
			source_tell(from, f);
			source_free(from);
		}
		assert_true(facts_flush(f, &e));
		facts_free(f);
		said[read(pipes[0], said, sizeof said - 1)] = '\0';
		assert_string_equal(said, wanted);
	}
	close(pipes[0]);
	close(pipes[1]);
	store_close(s);
}

static void
test_modes(void **state)
{
	struct store *s = opened();
	struct stat st;

	(void)state;
	for (int i = 0; i < 2; i++) {
		plan.no_nameless = i == 1;
		umask(0);
		assert_true(put_text(s, i ? "n/f" : "m/f", "x"));
		assert_int_equal(stat(in_root(i ? "n" : "m"), &st), 0);
		assert_int_equal(st.st_mode & 07777, 0700);
		assert_int_equal(stat(in_root(i ? "n/f" : "m/f"), &st), 0);
		assert_int_equal(st.st_mode & 07777, 0600);
		umask(0277);
		assert_true(put_text(s, i ? "f2" : "f1", "x"));
		assert_int_equal(stat(in_root(i ? "f2" : "f1"), &st), 0);
		assert_int_equal(st.st_mode & 07777, 0400);
	}
	store_close(s);
}

/* Who reads the old one goes on reading it; the name has the new one. */
static void
test_overwrite(void **state)
{
	struct store *s = opened();

	(void)state;
	for (int i = 0; i < 2; i++) {
		struct source *from;
		struct span c;

		plan.no_nameless = i == 1;
		assert_true(put_text(s, "k", "old"));
		from = store_get(s, "k", &e);
		assert_true(put_text(s, "k", "newer"));
		assert_true(source_next(from, &c, &e));
		assert_int_equal(c.len, 3);
		assert_memory_equal(c.ptr, "old", 3);
		source_free(from);
		assert_object(s, "k", "newer");
		assert_string_equal(tree_read(), "k=5 ");
	}
	store_close(s);
}

static void
test_exclusive(void **state)
{
	const struct store_put how = { .exclusive = true };
	struct store *s = opened();
	struct span c = { (const uint8_t *)"mine", 4 };

	(void)state;
	for (int i = 0; i < 3; i++) {
		struct sink *to;

		plan.no_nameless = i > 0;
		plan.no_noreplace = i > 1;
		assert_true(put(s, "a/k", "first", 5, &how));
		assert_false(put(s, "a/k", "second", 6, &how));
		assert_err(ERR_REMOTE, "/a/k: exists already");
		/* Somebody else is faster. */
		to = store_put(s, "a/l", &how, &e);
		assert_non_null(to);
		assert_true(sink_put(to, c, &e));
		assert_true(put_text(s, "a/l", "theirs"));
		assert_false(sink_commit(to, &e));
		assert_err(ERR_REMOTE, "/a/l: exists already");
		sink_free(to);
		assert_object(s, "a/k", "first");
		assert_object(s, "a/l", "theirs");
		assert_true(store_remove(s, "a/k", &e));
		assert_true(store_remove(s, "a/l", &e));
		assert_string_equal(tree_read(), "");
	}
	store_close(s);
}

static void
test_abandoned(void **state)
{
	struct store *s = opened();
	struct span c = { (const uint8_t *)"some", 4 };

	(void)state;
	for (int i = 0; i < 2; i++) {
		struct sink *to;

		plan.no_nameless = i == 1;
		to = store_put(s, "a/b/c", &(struct store_put){ 0 }, &e);
		assert_true(sink_put(to, c, &e));
		if (i == 0)
			assert_string_equal(tree_read(), "");
		else
			assert_non_null(strstr(tree_read(), ".rdbpipe-"));
		sink_free(to);
		assert_string_equal(tree_read(), "");
	}
	store_close(s);
}

/*
 * Whichever call fails, put fails, and there is what there was before: no
 * object, or the old one.  The only exception: when a replaced object's
 * directory cannot be synced the new one is there, whole.
 */
static void
faults_run(bool nameless, bool over, int sys)
{
	const struct store_put how = { .expect = 20 * MIB };
	static uint8_t data[17 * MIB];
	struct store *s = opened();
	const char *before = over ? "a/ a/b/ a/b/k=3 " : "";
	unsigned tried = 0;

	for (unsigned at = 1;; at++) {
		bool ok;

		memset(&plan, 0, sizeof plan);
		plan.no_nameless = !nameless;
		if (over)
			assert_true(put_text(s, "a/b/k", "old"));
		plan.fail_at = at;
		plan.fail_errno = sys;
		plan.armed = true;
		ok = put(s, "a/b/k", data, sizeof data, &how);
		plan.armed = false;
		if (plan.failed == NULL) {
			assert_true(ok);
			break;
		}
		tried++;
		if (ok) { /* a hint that was not taken */
			bool room = strcmp(plan.failed, "fallocate") == 0;

			assert_true(room ||
			    strcmp(plan.failed, "sync_file_range") == 0);
			assert_true(sys == EPERM || (room && sys == EIO));
			assert_true(store_remove(s, "a/b/k", &e));
			continue;
		}
		assert_int_equal(e.kind, ERR_SYSTEM);
		assert_int_equal(e.sys, sys);
		assert_non_null(strstr(e.text, root));
		if (over && strstr(e.text, "directory") != NULL)
			assert_string_equal(
			    tree_read(), "a/ a/b/ a/b/k=17825792 ");
		else
			assert_string_equal(tree_read(), before);
	}
	/* Opening, six writes, two windows, sync, names, folders. */
	assert_in_range(tried, 12, 40);
	assert_true(store_remove(s, "a/b/k", &e));
	store_close(s);
}

static void
test_faults(void **state)
{
	static const int numbers[] = { EIO, ENOSPC, EDQUOT, EPERM };

	(void)state;
	for (size_t i = 0; i < COUNT_OF(numbers); i++)
		for (int form = 0; form < 4; form++)
			faults_run(form & 1, form & 2, numbers[i]);
}

static void
test_short_writes(void **state)
{
	struct store *s = opened();

	(void)state;
	plan.armed = plan.short_writes = true;
	assert_true(put_text(s, "k", "twenty-one characters"));
	plan.armed = false;
	assert_object(s, "k", "twenty-one characters");
	store_close(s);
}

/* A full disk, as far as one can have it without being root. */
static void
test_full(void **state)
{
	struct rlimit was, less;
	struct store *s = opened();
	static uint8_t data[2 * MIB];

	(void)state;
	signal(SIGXFSZ, SIG_IGN);
	getrlimit(RLIMIT_FSIZE, &was);
	less = was;
	less.rlim_cur = MIB;
	setrlimit(RLIMIT_FSIZE, &less);
	assert_false(put(s, "a/k", data, sizeof data, NULL));
	assert_err(ERR_SYSTEM, "/a/k: file too large");
	setrlimit(RLIMIT_FSIZE, &was);
	assert_string_equal(tree_read(), "");
	store_close(s);
}

/* Room that was reserved and not needed is given back. */
static void
test_expect(void **state)
{
	struct store *s = opened();
	struct stat st;

	(void)state;
	assert_true(put(s, "k", "x", 1, &(struct store_put){ .expect = MIB }));
	assert_int_equal(stat(in_root("k"), &st), 0);
	assert_int_equal(st.st_size, 1);
	assert_true(st.st_blocks < 100);
	assert_true(put(s, "k", "xyz", 3, &(struct store_put){ .expect = 2 }));
	assert_object(s, "k", "xyz");
	plan.armed = true;
	plan.fail_at = 2;
	plan.fail_errno = ENOSPC;
	assert_null(store_put(s, "l", &(struct store_put){ .expect = 9 }, &e));
	assert_string_equal(plan.failed, "fallocate");
	assert_err(ERR_SYSTEM, "cannot reserve 9 bytes for /tmp/");
	assert_err(ERR_SYSTEM, "/l: no space left on device");
	store_close(s);
}

/* Somebody removes the last object of a directory that we are putting to. */
static void
test_vanished(void **state)
{
	struct store *s = opened();
	struct sink *to;

	(void)state;
	assert_true(put_text(s, "a/b/old", "x"));
	to = store_put(s, "a/b/k", &(struct store_put){ 0 }, &e);
	assert_true(store_remove(s, "a/b/old", &e));
	assert_string_equal(tree_read(), "");
	assert_true(sink_commit(to, &e));
	sink_free(to);
	assert_string_equal(tree_read(), "a/ a/b/ a/b/k=0 ");
	store_close(s);
}

/* --- what is refused --- */

static void
test_keys(void **state)
{
	static const struct {
		const char *key, *words;
	} bad[] = {
		{ "", "the key \"\" has an empty part" },
		{ "/etc", "the key \"/etc\" has an empty part" },
		{ "a//b", "the key \"a//b\" has an empty part" },
		{ "a/", "the key \"a/\" has an empty part" },
		{ "..", "the key \"..\" may not hold \"..\"" },
		{ "../x", "may not hold \"..\"" },
		{ "a/../../x", "may not hold \"..\"" },
		{ "a/..", "may not hold \"..\"" },
		{ ".", "the key \".\" may not hold \".\"" },
		{ "a/./b", "may not hold \".\"" },
	};
	char longer[1100];
	struct store *s = opened();
	struct store_object o;
	bool found;

	(void)state;
	for (size_t i = 0; i < COUNT_OF(bad); i++) {
		assert_false(put_text(s, bad[i].key, "x"));
		assert_err(ERR_USAGE, bad[i].words);
		assert_null(store_get(s, bad[i].key, &e));
		assert_err(ERR_USAGE, bad[i].words);
		assert_false(store_stat(s, bad[i].key, &found, &o, &e));
		assert_false(store_remove(s, bad[i].key, &e));
	}
	assert_false(store_list(s, "../", NULL, NULL, &e));
	assert_err(ERR_USAGE, "may not hold \"..\"");
	assert_false(store_list_folders(s, "a", NULL, NULL, &e));
	assert_err(ERR_BUG, "folders are listed below a '/'");
	memset(longer, 'x', sizeof longer);
	longer[sizeof longer - 1] = '\0';
	assert_false(put_text(s, longer, "x"));
	assert_err(ERR_USAGE, "is too long");
	longer[300] = '\0';
	assert_false(put_text(s, longer, "x"));
	assert_err(ERR_SYSTEM, "file name too long");
	assert_false(put_text(s, "a/.rdbpipe-1-1.tmp", "x"));
	assert_err(ERR_USAGE, "names like this are for unfinished files");
	assert_true(put_text(s, "a/..b/...", "x"));
	assert_true(put_text(s, ".rdbpipe-.tm", "x"));
	assert_non_null(strstr(tree_read(), "a/..b/...=1 "));
	store_close(s);
}

static void
test_urls(void **state)
{
	static const struct {
		const char *url, *words;
	} bad[] = {
		{ "", "a store's path is empty" },
		{ "-", "'-' is no store; a file of that name is ./-" },
		{ "cos://b-1/k", "cos://b-1: say where it is" },
		{ "s3:///k", "a s3:// URL names no bucket" },
		{ "ftp://u:secret@h/k", "ftp:// is no store; there are" },
		{ "FILE:///x", "FILE:// is no store" },
		{ "://x", "a store's URL has no scheme" },
		{ "file://host/x", "a file URL has three slashes" },
		{ "file:///x?y", "a file URL takes no ? or #" },
		{ "file:///x#y", "a file URL takes no ? or #" },
		{ "file:///x%2", "% wants two hex digits" },
		{ "file:///x%zz", "% wants two hex digits" },
		{ "file:///%41%zz", "file:///%41%zz: % wants two hex digits" },
		{ "file:///x%00", "% wants two hex digits that are not 00" },
	};
	const char *key;
	struct store *s;

	(void)state;
	for (size_t i = 0; i < COUNT_OF(bad); i++) {
		assert_false(store_open(&s, bad[i].url, &e));
		assert_err(ERR_USAGE, bad[i].words);
		assert_null(strstr(e.text, "secret"));
		assert_false(store_open_object(&s, &key, bad[i].url, &e));
	}
	assert_false(store_open_object(&s, &key, "/a/b/", &e));
	assert_err(ERR_USAGE, "/a/b/ names a directory");
	assert_false(store_open_object(&s, &key, "/a/..", &e));
	assert_err(ERR_USAGE, "may not hold \"..\"");
	assert_false(store_open_object(&s, &key, "file:///a/%2e%2e", &e));
	assert_err(ERR_USAGE, "may not hold \"..\"");
	assert_false(store_open_object(&s, &key, "file:///a/%2e%2e%2fb", &e));
}

/* A key's URL, opened as an object's, is that key again. */
static void
test_url_of(void **state)
{
	static const struct {
		const char *place, *key, *url;
	} table[] = {
		{ "/a", "k", "/a/k" },
		{ "/a/", "i/k", "/a/i/k" },
		{ "/", "k", "/k" },
		{ ".", "k", "./k" },
		{ "a%20b", "c d%", "a%20b/c d%" },
		{ "file:///a%20b", "c d", "file:///a%20b/c%20d" },
		{ "file:///a", "x%?#\xc3\xa9y", "file:///a/x%25%3F%23%C3%A9y" },
		{ "file://localhost/a/", "k", "file://localhost/a/k" },
	};
	struct store *s;
	const char *key;

	(void)state;
	for (size_t i = 0; i < COUNT_OF(table); i++) {
		assert_true(store_open(&s, table[i].place, &e));
		assert_string_equal(
		    store_url_of(s, table[i].key), table[i].url);
		store_close(s);
		assert_true(store_open_object(&s, &key, table[i].url, &e));
		assert_string_equal(key,
		    strrchr(table[i].key, '/') != NULL ?
			strrchr(table[i].key, '/') + 1 :
			table[i].key);
		assert_string_equal(store_url_of(s, key), table[i].url);
		store_close(s);
	}
	assert_true(store_open_object(&s, &key, "k", &e));
	assert_string_equal(key, "k");
	assert_string_equal(store_url_of(s, key), "k");
	store_close(s);
}

/* Only regular files are replaced, read and removed. */
static void
test_not_objects(void **state)
{
	static const struct {
		const char *key, *put, *get, *remove;
	} table[] = {
		{ "dir", "is a directory", "is a directory", "is a directory" },
		{ "fifo", "it is not a regular file", "is not a regular file",
		    "is not a regular file" },
		{ "link", "it is not a regular file", NULL, NULL },
		{ "file/k", "not a directory", "no such object",
		    "no such object" },
		{ "nowhere/k", "no such file", "no such object",
		    "no such object" },
	};
	struct store *s = opened();

	(void)state;
	assert_int_equal(mkdir(in_root("dir"), 0700), 0);
	assert_int_equal(mkfifo(in_root("fifo"), 0600), 0);
	file_make("file", "text");
	assert_int_equal(symlink("file", in_root("link")), 0);
	assert_int_equal(symlink("none", in_root("nowhere")), 0);
	for (size_t i = 0; i < COUNT_OF(table); i++) {
		assert_false(put_text(s, table[i].key, "x"));
		assert_err(ERR_SYSTEM, table[i].put);
		if (table[i].get == NULL) {
			assert_object(s, table[i].key, "text");
			continue;
		}
		assert_null(store_get(s, table[i].key, &e));
		assert_err(
		    strstr(table[i].get, "no such") ? ERR_REMOTE : ERR_SYSTEM,
		    table[i].get);
		assert_false(store_remove(s, table[i].key, &e));
		assert_err(
		    strstr(table[i].get, "no such") ? ERR_REMOTE : ERR_SYSTEM,
		    table[i].remove);
	}
	/* A link goes, what it led to stays. */
	assert_true(store_remove(s, "link", &e));
	assert_object(s, "file", "text");
	store_close(s);
}

/* What turns up under the name between the beginning and the end. */
static void
test_late_directory(void **state)
{
	struct store *s = opened();

	(void)state;
	for (int i = 0; i < 2; i++) {
		struct sink *to;

		plan.no_nameless = i == 1;
		to = store_put(s, "k", &(struct store_put){ 0 }, &e);
		assert_int_equal(mkdir(in_root("k"), 0700), 0);
		assert_false(sink_commit(to, &e));
		assert_err(ERR_SYSTEM, "/k: is a directory");
		sink_free(to);
		assert_string_equal(tree_read(), "k/ ");
		assert_int_equal(rmdir(in_root("k")), 0);
	}
	store_close(s);
}

/* A file that is being written to is no object. */
static void
test_changing(void **state)
{
	struct store *s = opened();
	struct source *from;
	struct span c;

	(void)state;
	file_make("k", "0123456789");
	from = store_get(s, "k", &e);
	file_make("k", "0123456");
	assert_false(source_next(from, &c, &e));
	assert_err(
	    ERR_DATA, "/k: ended at byte 7, it had 10 when it was opened");
	source_free(from);
	from = store_get(s, "k", &e);
	file_make("k", "01234567");
	assert_false(source_next(from, &c, &e));
	assert_err(ERR_DATA, "/k: grew while it was read");
	source_free(from);
	store_close(s);
}

/* --- listing and removing --- */

struct listing {
	char text[2048];
	unsigned n, stop_at;
};

static bool
listing_add(void *arg, const struct store_object *o, struct err *error)
{
	struct listing *l = arg;
	size_t n = strlen(l->text);

	snprintf(l->text + n, sizeof l->text - n, "%s ", o->key);
	return ++l->n != l->stop_at || err_set(error, ERR_DATA, "enough");
}

static void
assert_listing(struct store *s, const char *prefix, const char *want)
{
	struct listing l = { 0 };

	assert_true(store_list(s, prefix, listing_add, &l, &e));
	assert_string_equal(l.text, want);
}

static void
assert_folders(struct store *s, const char *prefix, const char *want)
{
	struct listing l = { 0 };

	assert_true(store_list_folders(s, prefix, listing_add, &l, &e));
	assert_string_equal(l.text, want);
}

static void
test_list(void **state)
{
	static const char *const keys[] = { "a/x", "a/y/z", "a-b", "a0",
		"a.b/c", "b/\xc3\xa9", "b/z", "Z", "dot/.hidden" };
	struct store *s = opened();
	struct listing l = { .stop_at = 3 };

	(void)state;
	assert_listing(s, "", "");
	assert_folders(s, "", "");
	for (size_t i = 0; i < COUNT_OF(keys); i++)
		assert_true(put_text(s, keys[i], "x"));
	mkdir(in_root("empty"), 0700);
	mkdir(in_root("b/empty"), 0700);
	mkfifo(in_root("fifo"), 0600);
	file_make(".rdbpipe-12-0.tmp", "litter");
	assert_listing(
	    s, "", "Z a-b a.b/c a/x a/y/z a0 b/z b/\xc3\xa9 dot/.hidden ");
	assert_listing(s, "a", "a-b a.b/c a/x a/y/z a0 ");
	assert_listing(s, "a/", "a/x a/y/z ");
	assert_listing(s, "a/y", "a/y/z ");
	assert_listing(s, "a/x", "a/x ");
	assert_listing(s, "a/x/", "");
	assert_listing(s, "none/at/all", "");
	assert_listing(s, "dot/.", "dot/.hidden ");
	assert_folders(s, "", "a.b a b dot ");
	assert_folders(s, "a/", "y ");
	assert_folders(s, "empty/", "");
	assert_folders(s, "none/", "");
	/* Whoever lists can stop. */
	assert_false(store_list(s, "", listing_add, &l, &e));
	assert_err(ERR_DATA, "enough");
	assert_string_equal(l.text, "Z a-b a.b/c ");
	memset(&l, 0, sizeof l);
	l.stop_at = 2;
	assert_false(store_list_folders(s, "", listing_add, &l, &e));
	assert_string_equal(l.text, "a.b a ");
	store_close(s);
}

static void
test_list_links(void **state)
{
	struct store *s = opened();

	(void)state;
	assert_true(put_text(s, "a/b/k", "x"));
	symlink("..", in_root("a/b/up"));
	symlink(".", in_root("a/self"));
	symlink("none", in_root("a/dangling"));
	symlink("a/b/k", in_root("l"));
	symlink("a/b", in_root("m"));
	assert_listing(s, "", "a/b/k l m/k ");
	store_close(s);
}

static void
test_remove(void **state)
{
	struct store *s = opened();

	(void)state;
	assert_true(put_text(s, "i/1/m", "x"));
	assert_true(put_text(s, "i/1/n", "x"));
	assert_true(put_text(s, "i/2/m", "x"));
	assert_true(store_remove(s, "i/1/m", &e));
	assert_string_equal(tree_read() + strlen(tree), "");
	assert_listing(s, "", "i/1/n i/2/m ");
	assert_true(store_remove(s, "i/1/n", &e));
	assert_int_equal(access(in_root("i/1"), F_OK), -1);
	assert_true(store_remove(s, "i/2/m", &e));
	assert_string_equal(tree_read(), "");
	assert_false(store_remove(s, "i/2/m", &e));
	assert_err(ERR_REMOTE, "/i/2/m: no such object");
	assert_null(store_get(s, "i/2/m", &e));
	assert_err(ERR_REMOTE, "/i/2/m: no such object");
	store_close(s);
}

/* The root is made by the first put, and survives the last remove. */
static void
test_root(void **state)
{
	struct store *s;
	struct store_object o;
	bool found = true;

	(void)state;
	assert_true(store_open(&s, in_root("new/root"), &e));
	assert_listing(s, "", "");
	assert_true(store_stat(s, "k", &found, &o, &e));
	assert_false(found);
	assert_string_equal(tree_read(), "");
	assert_true(put_text(s, "i/k", "x"));
	assert_string_equal(tree_read(),
	    "new/ new/root/ new/root/i/ "
	    "new/root/i/k=1 ");
	assert_true(store_remove(s, "i/k", &e));
	assert_string_equal(tree_read(), "new/ new/root/ ");
	store_close(s);
}

/* Relative paths: every step of the way works without a leading slash. */
static void
test_relative(void **state)
{
	const char *key;
	struct store *s;
	char was[PATH_MAX];

	(void)state;
	assert_non_null(getcwd(was, sizeof was));
	assert_int_equal(chdir(root), 0);
	assert_true(store_open_object(&s, &key, "k", &e));
	assert_true(put_text(s, key, "x"));
	assert_true(put_text(s, key, "y"));
	assert_listing(s, "", "k ");
	assert_true(store_remove(s, key, &e));
	assert_true(put_text(s, "a/b", "x"));
	assert_true(store_remove(s, "a/b", &e));
	store_close(s);
	assert_true(store_open_object(&s, &key, "./x//y/k", &e));
	assert_true(put_text(s, key, "x"));
	assert_string_equal(tree_read(), "x/ x/y/ x/y/k=1 ");
	store_close(s);
	assert_int_equal(chdir(was), 0);
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(test_read_small),
		CASE(test_put_get),
		CASE(test_facts),
		CASE(test_modes),
		CASE(test_overwrite),
		CASE(test_exclusive),
		CASE(test_abandoned),
		CASE(test_faults),
		CASE(test_short_writes),
		CASE(test_full),
		CASE(test_expect),
		CASE(test_vanished),
		CASE(test_keys),
		CASE(test_urls),
		CASE(test_url_of),
		CASE(test_not_objects),
		CASE(test_late_directory),
		CASE(test_changing),
		CASE(test_list),
		CASE(test_list_links),
		CASE(test_remove),
		CASE(test_root),
		CASE(test_relative),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
