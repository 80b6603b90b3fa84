/* cloud_object.c -- put, head, get and delete of whole objects. */
#include "stages/store/cloud_object.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "rdb/crc64.h"
#include "stages/store/hmac.h"

/* --- what objects look like in headers --- */

void
object_headers(
    struct exchange *x, const struct cloud *c, const struct cloud_how *how)
{
	const struct dialect *d = c->dialect;

	exchange_header(x, "content-type",
	    how->content_type != NULL ? how->content_type :
					"application/octet-stream");
	exchange_header(x, d->meta_id, how->id);
	exchange_header(x, d->storage_class, how->storage_class);
	if (how->sse != CLOUD_SSE_NONE)
		exchange_header(x, d->sse,
		    how->sse == CLOUD_SSE_KMS ? d->sse_kms : "AES256");
	if (how->sse == CLOUD_SSE_KMS) {
		exchange_header(x, d->kms_key, how->kms_key);
		exchange_header(x, d->kms_context, how->kms_context);
	}
	exchange_header(x, d->tags, how->tags);
	exchange_header(x, d->lock_mode, how->lock_mode);
	exchange_header(x, d->lock_until, how->lock_until);
	exchange_customer(x, c);
}

bool
object_md5(struct exchange *x, char base64[32], struct err *e)
{
	uint8_t md5[HASH_MD5_LEN];

	if (!hash_md5(x->body.ptr, x->body.len, md5, e))
		return false;
	hash_base64(md5, sizeof md5, base64);
	exchange_header(x, "content-md5", base64);
	return true;
}

void
object_number(
    const struct cloud_line *l, const char *name, struct cloud_number *n)
{
	const char *value = http_header(l->http, name);
	char *end;

	n->known = value != NULL && *value >= '0' && *value <= '9';
	n->value = n->known ? strtoull(value, &end, 10) : 0;
	if (n->known && *end != '\0')
		n->known = false;
}

bool
object_etag(const struct cloud_line *l, char to[CLOUD_ETAG_MAX])
{
	const char *etag = http_header(l->http, "etag");

	if (etag == NULL || *etag == '\0' || strlen(etag) >= CLOUD_ETAG_MAX)
		return false;
	for (const char *c = etag; *c != '\0'; c++)
		if (err_is_control(c))
			return false;
	strcpy(to, etag);
	return true;
}

void
object_nvme_put(uint64_t value, char base64[OBJECT_NVME_LEN])
{
	uint8_t bytes[8];

	for (int i = 0; i < 8; i++)
		bytes[i] = (uint8_t)(value >> (56 - 8 * i));
	hash_base64(bytes, sizeof bytes, base64);
}

struct cloud_number
object_nvme(const char *base64)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmno"
				     "pqrstuvwxyz0123456789+/";
	struct cloud_number n = { false, 0 };
	char again[OBJECT_NVME_LEN];

	if (base64 == NULL || strlen(base64) != 12)
		return n;
	/* 64 bits are ten digits and two thirds of another. */
	for (int i = 0; i < 11; i++) {
		const char *at = strchr(digits, base64[i]);

		if (at == NULL)
			return n;
		if (i < 10)
			n.value = n.value << 6 | (uint64_t)(at - digits);
		else
			n.value = n.value << 4 | (uint64_t)(at - digits) >> 2;
	}
	object_nvme_put(n.value, again);
	n.known = strcmp(again, base64) == 0;
	return n;
}

bool
object_crc_differs(const struct cloud_number *a, const struct cloud_number *b)
{
	return a->known && b->known && a->value != b->value;
}

static void
copy_header(const struct cloud_line *l, const char *name, char *to, size_t cap)
{
	const char *value = http_header(l->http, name);

	to[0] = '\0';
	if (value != NULL && strlen(value) < cap)
		strcpy(to, value);
}

void
object_head(const struct cloud_line *l, struct cloud_head *head)
{
	const struct dialect *d = l->cloud->dialect;
	const char *modified = http_header(l->http, "last-modified");
	const char *restored = http_header(l->http, d->restore);
	struct cloud_number length;

	memset(head, 0, sizeof *head);
	object_number(l, "content-length", &length);
	head->size = length.value;
	if (modified == NULL || !http_date(modified, &head->modified_ms))
		head->modified_ms = 0;
	object_number(l, d->crc64, &head->crc64);
	if (l->cloud->place->crc64nvme)
		head->nvme = object_nvme(http_header(l->http, d->nvme));
	if (!object_etag(l, head->etag))
		head->etag[0] = '\0';
	copy_header(l, d->meta_id, head->id, sizeof head->id);
	copy_header(l, d->storage_class, head->storage_class,
	    sizeof head->storage_class);
	if ((strstr(head->storage_class, "ARCHIVE") != NULL ||
		strcmp(head->storage_class, "GLACIER") == 0) &&
	    (restored == NULL || strstr(restored, "\"false\"") == NULL))
		strcpy(head->archived, head->storage_class);
}

/* --- head --- */

bool
cloud_head(struct cloud_line *l, const char *key, bool *found,
    struct cloud_head *head, struct err *e)
{
	struct exchange x = {
		.doing = "look at", .method = "HEAD", .key = key
	};

	memset(head, 0, sizeof *head);
	if (l->cloud->place->crc64nvme)
		exchange_header(&x, l->cloud->dialect->sum_mode, "ENABLED");
	exchange_customer(&x, l->cloud);
	if ((*found = exchange_run(l, &x, e)))
		object_head(l, head);
	return *found || (l->said.status == 404 && l->said.from_store);
}

/* --- put --- */

struct putting {
	struct cloud_number crc64;
	struct cloud_head *head;
};

static bool
put_good(void *arg, struct cloud_line *l, enum retry_what *what, struct err *e)
{
	struct putting *p = arg;
	uint64_t size = p->head->size;

	object_head(l, p->head);
	p->head->size = size;
	l->maybe = true;
	if (p->head->etag[0] == '\0')
		return err_set(e, ERR_REMOTE, "the answer has no ETag");
	*what = RETRY_FEW;
	return !object_crc_differs(&p->crc64, &p->head->crc64) ||
	    err_set(e, ERR_REMOTE,
		"the store has other bytes: CRC-64 %016" PRIx64
		", not %016" PRIx64,
		p->head->crc64.value, p->crc64.value);
}

#define SETTLE_MS 20000 /* for the last look, whoever asked us to stop */

bool
object_settle(struct cloud_line *l, const char *key,
    const struct cloud_how *how, const struct cloud_head *sent,
    struct cloud_head *to)
{
	const atomic_bool *cancel = l->cancel;
	bool past_stop = l->past_stop, found, ours, wrong, maybe;
	int64_t deadline_ms = l->deadline_ms;
	struct cloud_head head;
	struct err ignored;

	/* libcurl itself sends again what a kept connection swallowed: then
	 * "exists" and "gone" are answers to the second time. */
	maybe = l->maybe || l->said.status == 404 || l->said.status == 409 ||
	    l->said.status == 412;
	if (!maybe || how->id == NULL || *how->id == '\0')
		return false;
	cloud_line_set(l, NULL, true, SETTLE_MS);
	ours = cloud_head(l, key, &found, &head, &ignored) && found &&
	    strcmp(head.id, how->id) == 0;
	/* Ours, but not what we sent: a store that keeps other bytes.  Should
	 * it not go away, the error at hand is still the one to tell. */
	wrong = ours &&
	    (head.size != sent->size ||
		object_crc_differs(&head.crc64, &sent->crc64) ||
		object_crc_differs(&head.nvme, &sent->nvme));
	if (wrong)
		wrong = !cloud_delete(l, key, &ignored) || wrong;
	cloud_line_set(l, cancel, past_stop, deadline_ms);
	if (ours && !wrong)
		*to = head;
	return ours && !wrong;
}

/* A store without conditional writes (501): look, then put. */
static bool
put_unconditional(struct cloud_line *l, struct exchange *x, struct err *e)
{
	struct cloud_head head;
	bool found;

	if (!cloud_head(l, x->key, &found, &head, e))
		return false;
	if (found) {
		err_set(e, ERR_REMOTE, "the object exists already");
		return exchange_blame(l, x, e);
	}
	x->n_headers--; /* the condition is the last one */
	return exchange_run(l, x, e);
}

bool
cloud_put(struct cloud_line *l, const char *key, struct span body,
    const struct cloud_how *how, struct cloud_head *head, struct err *e)
{
	const struct cloud *c = l->cloud;
	struct putting p = { { true, crc64_xz(0, body.ptr, body.len) }, head };
	struct exchange x = { .doing = "put",
		.method = "PUT",
		.key = key,
		.body = body,
		.bulk = true,
		.good = put_good,
		.arg = &p };
	struct cloud_head sent = { 0 };
	char md5[32], limit[24];

	memset(head, 0, sizeof *head);
	head->size = body.len;
	object_headers(&x, c, how);
	if (c->options.traffic_limit > 0) {
		snprintf(
		    limit, sizeof limit, "%" PRId64, c->options.traffic_limit);
		exchange_header(&x, c->dialect->traffic, limit);
	}
	if ((c->options.md5 || how->lock_mode != NULL) &&
	    !object_md5(&x, md5, e))
		return false;
	if (how->exclusive)
		exchange_header(
		    &x, c->dialect->exclusive, c->dialect->exclusive_value);
	if (exchange_run(l, &x, e))
		return true;
	if (how->exclusive && l->said.status == 501)
		return put_unconditional(l, &x, e);
	sent.size = body.len;
	sent.crc64 = p.crc64;
	return object_settle(l, key, how, &sent, head);
}

/* --- delete --- */

bool
cloud_delete(struct cloud_line *l, const char *key, struct err *e)
{
	struct exchange x = {
		.doing = "remove", .method = "DELETE", .key = key
	};

	return exchange_run(l, &x, e) ||
	    (l->said.status == 404 && l->said.from_store &&
		strcmp(l->said.code, "NoSuchBucket") != 0);
}

/* --- get --- */

#define PROGRESS 65536 /* bytes after which the tries begin anew */

struct getting {
	struct cloud_line *line;
	struct exchange x;
	uint64_t from, len, done;
	struct cloud_head *head;
	http_take *take;
	void *arg;
	bool begun;  /* head is filled */
	bool opened; /* the reply of this try was looked over */
	bool over;   /* more than was asked for came: we have it all */
	size_t step; /* bytes since the tries last began anew */
	char range[64], limit[24];
};

/* Say what to ask for in the next try. */
static bool
get_before(void *arg)
{
	struct getting *g = arg;
	uint64_t at = g->from + g->done;

	if (g->begun && g->done == g->len)
		return false;

	g->x.n_headers = 0;
	exchange_customer(&g->x, g->line->cloud);
	exchange_header(&g->x, g->line->cloud->dialect->traffic, g->limit);
	exchange_header(&g->x, "if-match", g->head->etag);
	if (g->len == UINT64_MAX)
		snprintf(g->range, sizeof g->range, "bytes=%" PRIu64 "-", at);
	else
		snprintf(g->range, sizeof g->range,
		    "bytes=%" PRIu64 "-%" PRIu64, at, g->from + g->len - 1);
	if (at > 0 || g->len != UINT64_MAX)
		exchange_header(&g->x, "range", g->range);
	g->opened = false;
	return true;
}

/* Where the reply's bytes begin and how large the object is. */
static bool
get_extent(struct getting *g, uint64_t *at, uint64_t *size, struct err *e)
{
	const struct cloud_line *l = g->line;
	const char *range = http_header(l->http, "content-range");
	struct cloud_number length;
	uint64_t last;

	if (http_status(l->http) != 206) {
		object_number(l, "content-length", &length);
		*at = 0;
		*size = length.value;
		return length.known ||
		    err_set(e, ERR_REMOTE, "the store does not tell the size");
	}
	return (range != NULL &&
		   sscanf(range, "bytes %" SCNu64 "-%" SCNu64 "/%" SCNu64, at,
		       &last, size) == 3) ||
	    err_set(e, ERR_REMOTE,
		"the store does not tell which bytes it "
		"sends");
}

/* The first byte of a reply, or its end: is it what was asked for? */
static bool
get_open(struct getting *g, struct err *e)
{
	struct cloud_head head;
	uint64_t at, size;

	if (g->opened)
		return true;
	g->opened = true;
	object_head(g->line, &head);
	if (!get_extent(g, &at, &size, e))
		return false;
	head.size = size;
	if (at != g->from + g->done)
		return err_set(e, ERR_REMOTE,
		    "the store sends other bytes than "
		    "were asked for");
	if (g->begun &&
	    (size != g->head->size || strcmp(head.etag, g->head->etag) != 0))
		return err_set(
		    e, ERR_REMOTE, "the object has changed while it was read");
	if (g->begun)
		return true;
	if (g->head->etag[0] != '\0' && strcmp(head.etag, g->head->etag) != 0)
		return err_set(
		    e, ERR_REMOTE, "the object has changed while it was read");
	*g->head = head;
	g->begun = true;
	if (g->len > size - g->from)
		g->len = size - g->from;
	return true;
}

/* A byte a connection is no progress: it would take for ever. */
static void
get_progress(struct getting *g, size_t n)
{
	g->done += n;
	g->step += n;
	if (g->step < PROGRESS)
		return;
	g->step = 0;
	retry_progress(&g->line->retry);
}

static bool
get_take(void *arg, struct span piece, struct err *e)
{
	struct getting *g = arg;
	uint64_t left;

	if (!get_open(g, e))
		return false;
	left = g->len - g->done;
	if (piece.len > left) { /* a whole object, or no end of one */
		g->over = true;
		piece.len = (size_t)left;
	}
	if (piece.len > 0 && !g->take(g->arg, piece, e)) {
		g->over = false;
		return false;
	}
	get_progress(g, piece.len);
	return !g->over ||
	    err_set(e, ERR_REMOTE, "more came than was asked for");
}

static bool
get_good(void *arg, struct cloud_line *l, enum retry_what *what, struct err *e)
{
	struct getting *g = arg;

	*what = RETRY_NEVER;
	if (!get_open(g, e))
		return false;
	*what = RETRY_LATER;
	(void)l;
	return g->done == g->len ||
	    err_set(e, ERR_REMOTE, "the reply was cut short");
}

bool
cloud_get(struct cloud_line *l, const char *key, uint64_t from, uint64_t len,
    const char *etag, struct cloud_head *head, http_take *take, void *arg,
    struct err *e)
{
	struct getting g = { .line = l,
		.from = from,
		.len = len,
		.head = head,
		.take = take,
		.arg = arg };
	struct err ours;
	bool found;

	memset(head, 0, sizeof *head);
	if (etag != NULL)
		snprintf(head->etag, sizeof head->etag, "%s", etag);
	if (len == 0)
		return err_set(e, ERR_BUG, "no bytes were asked for");
	g.x = (struct exchange){ .doing = "get",
		.method = "GET",
		.key = key,
		.before = get_before,
		.take = get_take,
		.good = get_good,
		.arg = &g };
	if (l->cloud->options.traffic_limit > 0)
		snprintf(g.limit, sizeof g.limit, "%" PRId64,
		    l->cloud->options.traffic_limit);
	if (from > UINT64_MAX - 1 - (len == UINT64_MAX ? 0 : len))
		return err_set(e, ERR_BUG, "no object is that large");
	if (exchange_run(l, &g.x, e) || g.over)
		return true;
	/* Nothing is there from this byte on: an empty object, for one. */
	if (l->said.status == 416 && !g.begun) {
		ours = *e;
		if (cloud_head(l, key, &found, head, e) && found &&
		    head->size <= from)
			return true;
		*e = ours;
	}
	if (l->said.status == 412) {
		err_set(
		    e, ERR_REMOTE, "the object has changed while it was read");
		return exchange_blame(l, &g.x, e);
	}
	return false;
}
