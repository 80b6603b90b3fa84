/*
 * checkup_store.c -- a look at a store, see checkup.h.
 *
 * The probe lies where backups lie, as permissions may be of a prefix.  It is
 * exclusive, as manifests and leases are, so whether the store keeps that
 * promise is known afterwards.  It is taken away whatever asks us to stop;
 * what SIGKILL leaves, the next look takes away.
 */
#include "pipeline/checkup.h"

#include <errno.h>
#include <ftw.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "pipeline/place.h"
#include "pipeline/retention.h"
#include "stages/kit/clock.h"
#include "stages/kit/stop.h"
#include "stages/store/file.h"

#define PROBE      "probe-"
#define PROBE_TEXT "rdbpipe check: may be removed\n"
#define PROBE_OLD  (INT64_C(10) * 60 * 1000)
#define SETTLE_MS  20000
#define SKEW_WARN  5000 /* ms; stores tell whole seconds */

struct look {
	struct findings *f;
	struct store *store;
	const char *instance;
	char key[IDENT_MAX + 64]; /* of the probe */
	int64_t now;
	bool seen; /* in a listing */
	char *old; /* one that was left behind; NULL: none */
	uint64_t uploads;
};

/* --- the probe --- */

static bool
probe_note(void *arg, const struct store_object *o, struct err *e)
{
	struct look *l = arg;

	(void)e;
	l->seen = l->seen || strcmp(o->key, l->key) == 0;
	if (l->old == NULL && o->modified_ms < l->now - PROBE_OLD)
		l->old = strdup(o->key);
	return true;
}

static bool
probe_list(struct look *l, struct err *e)
{
	char prefix[IDENT_MAX + 16];

	snprintf(prefix, sizeof prefix, "%s/" PROBE, l->instance);
	return store_list(l->store, prefix, probe_note, l, e);
}

/* Written twice: the second must change nothing. */
static bool
exclusive_try(const struct look *l, bool *kept, struct err *e)
{
	struct err refused;
	char *text;
	size_t len;

	if (place_write(l->store, l->key, "another\n", &refused))
		*kept = false;
	else if (refused.kind == ERR_SIGNAL) {
		*e = refused;
		return false;
	}
	if (!store_read(l->store, l->key, 1024, &text, &len, e))
		return false;
	*kept = len == strlen(PROBE_TEXT) && memcmp(text, PROBE_TEXT, len) == 0;
	free(text);
	return true;
}

/* What the store's clock said when the probe came. */
static bool
clock_judge(const struct look *l, int64_t before, int64_t after, struct err *e)
{
	struct store_object about;
	bool found;
	int64_t skew;

	if (!store_stat(l->store, l->key, &found, &about, e))
		return false;
	if (!found || about.modified_ms == 0)
		return true;
	skew = about.modified_ms < before ? about.modified_ms - before :
	    about.modified_ms > after     ? about.modified_ms - after :
					    0;
	if (skew > SKEW_WARN || skew < -SKEW_WARN)
		finding_warn(l->f, "clock", "set both clocks by NTP",
		    "the store's clock is %.0f s %s ours",
		    (double)(skew < 0 ? -skew : skew) / 1000,
		    skew < 0 ? "behind" : "before");
	else
		finding_ok(l->f, "clock", "the store's is ours");
	return true;
}

static bool
probe_use(struct look *l, int64_t before, int64_t after, struct err *e)
{
	bool kept = false;

	if (!exclusive_try(l, &kept, e) || !probe_list(l, e))
		return false;
	if (!kept)
		finding_bad(l->f, "exclusive", ERR_REMOTE,
		    "let no two backups of an instance run at once",
		    "the store does not refuse to put what is there already");
	if (!l->seen)
		finding_bad(l->f, "list", ERR_REMOTE,
		    "use a store that lists what it holds",
		    "what was just put is not listed");
	return clock_judge(l, before, after, e);
}

/* All of it; the probe is gone afterwards, or said to be left. */
static void
probe_judge(struct look *l)
{
	int64_t before = clock_wall(), after;
	struct err e, gone;
	bool put = place_write(l->store, l->key, PROBE_TEXT, &e), ok;

	after = clock_wall();
	ok = put && probe_use(l, before, after, &e);
	/* A put that failed, or was interrupted, may have come through. */
	store_settle(l->store, SETTLE_MS);
	if (!store_remove(l->store, l->key, &gone) && put)
		finding_bad(l->f, "store", gone.kind,
		    "permit removing; remove it by hand", "left behind: %s",
		    gone.text);
	if (ok)
		finding_ok(l->f, "store", "%s: put, list, read, remove",
		    store_url_of(l->store, l->instance));
	else
		finding_bad(l->f, "store", e.kind,
		    "check address, credentials, and the right to put, list, "
		    "read and remove",
		    "%s", e.text);
}

static void
old_remove(struct look *l)
{
	struct err e;

	if (l->old == NULL)
		return;
	if (store_remove(l->store, l->old, &e))
		finding_ok(l->f, "leftover",
		    "removed what an earlier check left: %s", l->old);
	else
		finding_warn(l->f, "leftover", "remove it", "%s", e.text);
	free(l->old);
}

/* --- leftovers --- */

/* Ours is "instance/id/object". */
static bool
upload_note(void *arg, const struct store_upload *u, struct err *e)
{
	struct look *l = arg;
	const char *id = u->key + strlen(l->instance) + 1, *object;
	char text[IDENT_MAX + 2];

	(void)e;
	object = strchr(id, '/');
	if (object == NULL || (size_t)(object - id) > IDENT_MAX ||
	    u->began_ms >= l->now - RETENTION_LITTER)
		return true;
	snprintf(text, sizeof text, "%.*s", (int)(object - id), id);
	l->uploads += ident_id_ok(text);
	return true;
}

static void
uploads_judge(struct look *l)
{
	char prefix[IDENT_MAX + 2];
	struct err e;

	snprintf(prefix, sizeof prefix, "%s/", l->instance);
	if (!store_list_uploads(l->store, prefix, upload_note, l, &e))
		finding_warn(l->f, "leftover",
		    "permit listing uploads, so that prune can remove those "
		    "that nobody finishes",
		    "%s", e.text);
	else if (l->uploads > 0)
		finding_warn(l->f, "leftover", "rdbpipe prune",
		    "%" PRIu64 " %s than two days, which %s paid for",
		    l->uploads,
		    l->uploads == 1 ? "upload is open for more" :
				      "uploads are open for more",
		    l->uploads == 1 ? "is" : "are");
}

/* nftw() takes no argument. */
static _Thread_local struct {
	char path[256];
	uint64_t n;
	int64_t before;
} temporaries;

static int
temporary_note(
    const char *path, const struct stat *about, int type, struct FTW *where)
{
	if (type != FTW_F || !file_is_temporary(path + where->base) ||
	    (int64_t)about->st_mtime * 1000 >= temporaries.before)
		return 0;
	if (temporaries.n++ == 0)
		snprintf(temporaries.path, sizeof temporaries.path, "%s", path);
	return 0;
}

/* Where a file system has no nameless files, SIGKILL leaves some. */
static void
temporaries_judge(const struct look *l)
{
	char path[PATH_MAX];

	snprintf(
	    path, sizeof path, "%s%s", store_folder(l->store), l->instance);
	temporaries.n = 0;
	temporaries.before = l->now - RETENTION_LITTER;
	if (nftw(path, temporary_note, 16, FTW_PHYS) == -1)
		return; /* it has just gone, or was said to be unreadable */
	if (temporaries.n > 0)
		finding_warn(l->f, "leftover", "remove them",
		    "%" PRIu64 " temporary %s of programs that were killed, "
		    "such as %s",
		    temporaries.n, temporaries.n == 1 ? "file" : "files",
		    temporaries.path);
}

/* A directory that is not there may be one that is not mounted: a probe would
 * make it. */
static bool
is_there(const struct look *l)
{
	const char *folder = store_folder(l->store);

	if (folder == NULL || access(folder, F_OK) == 0 || errno != ENOENT)
		return true;
	finding_warn(l->f, "store",
	    "is its file system mounted? the first backup makes it",
	    "%s does not exist", folder);
	return false;
}

void
checkup_store(struct findings *f, struct store *store, const char *instance)
{
	struct look l = { .f = f,
		.store = store,
		.instance = instance,
		.now = clock_wall() };
	struct err e;

	snprintf(l.key, sizeof l.key, "%s/" PROBE "%" PRId64 "-%ld", instance,
	    l.now, (long)getpid());
	if (!is_there(&l))
		return;
	probe_judge(&l);
	old_remove(&l);
	if (!stop_check(&e))
		return;
	if (store_folder(store) != NULL)
		temporaries_judge(&l);
	else
		uploads_judge(&l);
}
