/* fakecloud.c -- see fakecloud.h. */
#include "tests/harness/fakecloud.h"

#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "rdb/crc64.h"
#include "stages/kit/clock.h"

#define PARTS 10000

struct fake fake;

struct cloud_line {
	const atomic_bool *cancel;
	bool past_stop;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct {
	uint8_t *p;
	size_t len;
} parts[PARTS];

static void
parts_drop(void)
{
	for (size_t i = 0; i < PARTS; i++) {
		free(parts[i].p);
		parts[i].p = NULL;
		parts[i].len = 0;
	}
}

void
fake_object(const void *p, size_t len)
{
	free(fake.object);
	fake.object = malloc(len + 1);
	memcpy(fake.object, p, len);
	fake.object_len = len;
	fake.exists = true;
	if (fake.damages && len > 0)
		fake.object[len / 2] ^= 1;
}

void
fake_reset(void)
{
	free(fake.object);
	parts_drop();
	memset(&fake, 0, sizeof fake);
}

/* Count a call.  False, with e filled, when it is to fail. */
static bool
call(enum fake_op op, struct err *e)
{
	unsigned n = ++fake.calls[op];

	if (fake.fail_at[op] != n && fake.fail_at[op] != UINT_MAX)
		return true;
	return err_set(e, fake.kind != ERR_NONE ? fake.kind : ERR_REMOTE, "%s",
	    fake.text != NULL ? fake.text : "it failed");
}

static struct cloud_number
crc_of(const void *p, size_t len)
{
	return (struct cloud_number){ !fake.no_crc,
		fake.no_crc ? 0 : crc64_xz(0, p, len) };
}

static struct cloud_number
nvme_of(const void *p, size_t len)
{
	return (struct cloud_number){ fake.nvme,
		fake.nvme ? crc64_nvme(0, p, len) : 0 };
}

static void
head_fill(struct cloud_head *h)
{
	memset(h, 0, sizeof *h);
	h->size = fake.object_len;
	h->crc64 = crc_of(fake.object, fake.object_len);
	h->nvme = nvme_of(fake.object, fake.object_len);
	strcpy(h->etag, "\"etag\"");
	if (!fake.no_id)
		strcpy(h->id, fake.taken ? "another" : fake.id);
	if (fake.archived != NULL)
		snprintf(h->archived, sizeof h->archived, "%s", fake.archived);
}

static void
published(const struct cloud_how *how, struct cloud_head *h)
{
	snprintf(fake.id, sizeof fake.id, "%s", how->id);
	head_fill(h);
	if (fake.wrong_crc)
		h->crc64.value ^= 1;
	if (fake.wrong_nvme)
		h->nvme.value ^= 1;
}

static void
rest(unsigned nth)
{
	struct timespec t = { 0, fake.delay_ms * 1000000L };

	if (nth % 2 == 1 && fake.delay_ms > 0)
		nanosleep(&t, NULL);
}

const struct place *
cloud_place(const struct cloud *c)
{
	static struct place place;

	(void)c;
	place.crc64nvme = fake.nvme;
	return &place;
}

/* --- lines --- */

struct cloud_line *
cloud_line_new(struct cloud *c, struct err *e)
{
	(void)c;
	if (!call(FAKE_LINE, e))
		return NULL;
	fake.lines++;
	return calloc(1, sizeof(struct cloud_line));
}

void
cloud_line_free(struct cloud_line *l)
{
	if (l != NULL)
		fake.lines--;
	free(l);
}

void
cloud_line_set(struct cloud_line *l, const atomic_bool *cancel, bool past_stop,
    int64_t deadline_ms)
{
	(void)deadline_ms;
	l->cancel = cancel;
	l->past_stop = past_stop;
}

int64_t
cloud_line_clock(const struct cloud_line *l)
{
	(void)l;
	return clock_wall() + fake.ahead_ms;
}

bool
cloud_line_maybe(const struct cloud_line *l)
{
	(void)l;
	return fake.maybe;
}

/* --- operations; the lock is held but where they rest --- */

bool
cloud_put(struct cloud_line *l, const char *key, struct span body,
    const struct cloud_how *how, struct cloud_head *head, struct err *e)
{
	bool ok = call(FAKE_PUT, e);

	(void)l, (void)key;
	if (ok) {
		fake_object(
		    body.ptr != NULL ? body.ptr : (const void *)"", body.len);
		published(how, head);
	}
	return ok;
}

bool
cloud_head(struct cloud_line *l, const char *key, bool *found,
    struct cloud_head *h, struct err *e)
{
	(void)l, (void)key;
	if (!call(FAKE_HEAD, e))
		return false;
	*found = fake.exists;
	if (fake.exists)
		head_fill(h);
	return true;
}

bool
cloud_get(struct cloud_line *l, const char *key, uint64_t from, uint64_t len,
    const char *etag, struct cloud_head *head, http_take *take, void *arg,
    struct err *e)
{
	unsigned nth;
	bool ok;

	(void)l, (void)key;
	pthread_mutex_lock(&lock);
	ok = call(FAKE_GET, e);
	nth = fake.calls[FAKE_GET];
	if (++fake.busy > fake.busy_most)
		fake.busy_most = fake.busy;
	head_fill(head);
	if (ok && !fake.exists)
		ok = err_set(e, ERR_REMOTE, "it is not there");
	pthread_mutex_unlock(&lock);
	rest(nth);
	if (ok && len > 1 && strcmp(etag, head->etag) != 0)
		ok = err_set(e, ERR_BUG, "no etag");
	if (ok && fake.damages && len > 1)
		len--; /* a short answer that nobody noticed */
	for (uint64_t at = 0; ok && at < len; at += 1000) {
		uint64_t n = len - at < 1000 ? len - at : 1000;

		ok = take(arg,
		    (struct span){ fake.object + from + at, (size_t)n }, e);
	}
	pthread_mutex_lock(&lock);
	fake.busy--;
	pthread_mutex_unlock(&lock);
	return ok;
}

bool
cloud_delete(struct cloud_line *l, const char *key, struct err *e)
{
	(void)l, (void)key;
	if (!call(FAKE_DELETE, e))
		return false;
	fake.exists = false;
	return true;
}

bool
cloud_initiate(struct cloud_line *l, const char *key,
    const struct cloud_how *how, char **upload_id, struct err *e)
{
	bool ok = call(FAKE_INITIATE, e);

	(void)l, (void)key, (void)how;
	fake.lost_open = fake.maybe;
	if (ok) {
		fake.open = true;
		*upload_id = strdup("upload");
	}
	return ok;
}

static bool
upload_known(const struct cloud_upload *u, struct err *e)
{
	return u->upload_id != NULL || err_set(e, ERR_REMOTE, "NoSuchUpload");
}

bool
cloud_put_part(struct cloud_line *l, const struct cloud_upload *u,
    struct span body, struct cloud_part *part, struct err *e)
{
	unsigned nth;
	bool ok;

	pthread_mutex_lock(&lock);
	ok = call(FAKE_PART, e) && upload_known(u, e);
	nth = fake.calls[FAKE_PART];
	if (++fake.busy > fake.busy_most)
		fake.busy_most = fake.busy;
	pthread_mutex_unlock(&lock);
	rest(nth);
	pthread_mutex_lock(&lock);
	fake.busy--;
	if (l->cancel != NULL && atomic_load(l->cancel) && ok)
		ok = err_set(e, ERR_REMOTE, "called off");
	if (ok) {
		uint8_t *copy = malloc(body.len);

		memcpy(copy, body.ptr, body.len);
		parts[part->number - 1].p = copy;
		parts[part->number - 1].len = body.len;
		if (part->number <= 16)
			fake.part_sizes[part->number - 1] = body.len;
		part->crc64 = crc_of(body.ptr, body.len);
		part->nvme = nvme_of(body.ptr, body.len);
		snprintf(part->etag, sizeof part->etag, "\"%u\"", part->number);
		if (fake.scribbles)
			*(uint8_t *)body.ptr ^= 1;
	}
	pthread_mutex_unlock(&lock);
	return ok;
}

bool
cloud_complete(struct cloud_line *l, const struct cloud_upload *u,
    const struct cloud_part *part, size_t n, const struct cloud_how *how,
    struct cloud_head *head, struct err *e)
{
	bool ok = call(FAKE_COMPLETE, e);
	size_t len = 0;
	uint8_t *all;

	(void)l, (void)part;
	if (!upload_known(u, e))
		return false;
	if (!ok && !fake.done_anyway[FAKE_COMPLETE])
		return false;
	for (size_t i = 0; i < n; i++)
		len += parts[i].len;
	all = malloc(len);
	len = 0;
	for (size_t i = 0; i < n; i++) {
		memcpy(all + len, parts[i].p, parts[i].len);
		len += parts[i].len;
	}
	fake_object(all, len);
	free(all);
	fake.open = false;
	published(how, head);
	return ok;
}

bool
cloud_abort(struct cloud_line *l, const struct cloud_upload *u, struct err *e)
{
	fake.past_stop = l->past_stop;
	if (!call(FAKE_ABORT, e))
		return false;
	if (strcmp(u->upload_id, "lost") == 0) {
		fake.lost_open = false;
		return true;
	}
	fake.open = false;
	parts_drop();
	return true;
}

bool
cloud_list_parts(struct cloud_line *l, const struct cloud_upload *u,
    bool *found, cloud_each_part *each, void *arg, struct err *e)
{
	const struct cloud_part part = { .number = 1 };

	(void)l;
	if (!call(FAKE_LIST_PARTS, e))
		return false;
	*found = strcmp(u->upload_id, "lost") == 0 ? fake.lost_open : fake.open;
	for (unsigned i = 0; each != NULL && i < fake.lost_parts; i++)
		if (!each(arg, &part, e))
			return false;
	return true;
}

bool
cloud_list_uploads(struct cloud_line *l, const char *prefix, cloud_each *each,
    void *arg, struct err *e)
{
	const int64_t now = clock_wall() + fake.ahead_ms;
	const struct cloud_entry all[] = {
		{ .key = "k", .upload_id = "upload", .modified_ms = now },
		{ .key = "k",
		    .upload_id = "lost",
		    .modified_ms = now - fake.lost_ms },
		{ .key = "kk", .upload_id = "other", .modified_ms = now },
	};

	(void)l, (void)prefix;
	if (!call(FAKE_LIST_UPLOADS, e))
		return false;
	for (size_t i = fake.open ? 0 : 1; i < 3; i++)
		if ((i != 1 || fake.lost_open) && !each(arg, &all[i], e))
			return false;
	return true;
}
