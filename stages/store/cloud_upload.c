/* cloud_upload.c -- multipart uploads: begin, part, complete, abort, list. */
#include "stages/store/cloud_object.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "rdb/crc64.h"
#include "stages/store/xml.h"

#define PART_MAX 10000

/* Asked to stop, we still want to know the id of what we just began: without
 * it the upload cannot be ended. */
#define INITIATE_GRACE_MS 10000

/* --- begin --- */

struct initiating {
	char *id; /* owned until given out */
};

static bool
initiate_leaf(void *arg, const char *path, const char *value, struct err *e)
{
	struct initiating *i = arg;

	if (strcmp(path, "InitiateMultipartUploadResult/UploadId") != 0 ||
	    *value == '\0')
		return true;
	free(i->id);
	return (i->id = strdup(value)) != NULL ||
	    err_sys(e, "cannot begin an upload");
}

static bool
initiate_good(
    void *arg, struct cloud_line *l, enum retry_what *what, struct err *e)
{
	struct initiating *i = arg;

	(void)what;
	return xml_read(l->reply.body, initiate_leaf, i, e) &&
	    (i->id != NULL ||
		err_set(e, ERR_REMOTE, "the answer has no upload id"));
}

bool
cloud_initiate(struct cloud_line *l, const char *key,
    const struct cloud_how *how, char **upload_id, struct err *e)
{
	struct initiating i = { NULL };
	struct exchange x = { .doing = "begin to put",
		.method = "POST",
		.key = key,
		.grace_ms = INITIATE_GRACE_MS,
		.good = initiate_good,
		.arg = &i };

	exchange_param(&x, "uploads", NULL);
	object_headers(&x, l->cloud, how);
	if (l->cloud->place->crc64nvme) {
		exchange_header(
		    &x, l->cloud->dialect->sum_algorithm, "CRC64NVME");
		exchange_header(&x, l->cloud->dialect->sum_type, "FULL_OBJECT");
	}
	if (!exchange_run(l, &x, e)) {
		free(i.id);
		return false;
	}
	*upload_id = i.id;
	return true;
}

/* --- parts --- */

struct parting {
	struct cloud_number crc64, nvme;
	struct cloud_part *part;
};

/* Does the store say that it has checked what it was to check? */
static bool
part_nvme_good(const struct parting *p, struct cloud_line *l,
    enum retry_what *what, struct err *e)
{
	const char *told = http_header(l->http, l->cloud->dialect->nvme);
	struct cloud_number n = object_nvme(told);

	*what = RETRY_NEVER;
	if (told == NULL)
		return err_set(e, ERR_REMOTE,
		    "the store ignores CRC64NVME: it would check nothing; "
		    "leave out checksum=crc64nvme");
	*what = RETRY_FEW;
	return (n.known && n.value == p->nvme.value) ||
	    err_set(e, ERR_REMOTE,
		"the store has other bytes: CRC64NVME %016" PRIx64
		", not %016" PRIx64,
		n.value, p->nvme.value);
}

static bool
part_good(void *arg, struct cloud_line *l, enum retry_what *what, struct err *e)
{
	struct parting *p = arg;
	struct cloud_number crc;

	if (!object_etag(l, p->part->etag))
		return err_set(e, ERR_REMOTE, "the answer has no ETag");
	object_number(l, l->cloud->dialect->crc64, &crc);
	*what = RETRY_FEW;
	if (object_crc_differs(&p->crc64, &crc))
		return err_set(e, ERR_REMOTE,
		    "the store has other bytes: CRC-64 %016" PRIx64
		    ", not %016" PRIx64,
		    crc.value, p->crc64.value);
	return !p->nvme.known || part_nvme_good(p, l, what, e);
}

bool
cloud_put_part(struct cloud_line *l, const struct cloud_upload *u,
    struct span body, struct cloud_part *part, struct err *e)
{
	const struct cloud *c = l->cloud;
	struct parting p = { { true, crc64_xz(0, body.ptr, body.len) },
		{ c->place->crc64nvme, 0 }, part };
	char doing[40], number[16], limit[24], md5[32], nvme[OBJECT_NVME_LEN];
	struct exchange x = { .doing = doing,
		.method = "PUT",
		.key = u->key,
		.body = body,
		.bulk = true,
		.good = part_good,
		.arg = &p };

	if (part->number < 1 || part->number > PART_MAX)
		return err_set(e, ERR_BUG, "part %u is no part", part->number);
	snprintf(doing, sizeof doing, "put part %u of", part->number);
	snprintf(number, sizeof number, "%u", part->number);
	exchange_param(&x, "partNumber", number);
	exchange_param(&x, "uploadId", u->upload_id);
	exchange_customer(&x, c);
	if (c->options.traffic_limit > 0) {
		snprintf(
		    limit, sizeof limit, "%" PRId64, c->options.traffic_limit);
		exchange_header(&x, c->dialect->traffic, limit);
	}
	if (c->options.md5 && !object_md5(&x, md5, e))
		return false;
	if (p.nvme.known) {
		p.nvme.value = crc64_nvme(0, body.ptr, body.len);
		object_nvme_put(p.nvme.value, nvme);
		exchange_header(&x, c->dialect->nvme, nvme);
	}
	part->size = body.len;
	part->crc64 = p.crc64;
	part->nvme = p.nvme;
	return exchange_run(l, &x, e);
}

/* --- complete --- */

struct completing {
	const char *nvme_leaf;
	char etag[CLOUD_ETAG_MAX];
	struct cloud_number crc64, nvme;
};

static bool
complete_leaf(void *arg, const char *path, const char *value, struct err *e)
{
	struct completing *c = arg;

	(void)e;
	if (strcmp(path, "CompleteMultipartUploadResult/ETag") == 0)
		snprintf(c->etag, sizeof c->etag, "%s", value);
	else if (c->nvme_leaf != NULL && strcmp(path, c->nvme_leaf) == 0)
		c->nvme = object_nvme(value);
	return true;
}

/* Success is that element with an ETag, nothing less: the status was sent
 * before the store knew. */
static bool
complete_good(
    void *arg, struct cloud_line *l, enum retry_what *what, struct err *e)
{
	struct completing *c = arg;

	(void)what;
	l->maybe = true;
	object_number(l, l->cloud->dialect->crc64, &c->crc64);
	return xml_read(l->reply.body, complete_leaf, c, e) &&
	    (c->etag[0] != '\0' ||
		err_set(e, ERR_REMOTE, "the answer has no ETag"));
}

static bool
complete_body(
    struct text *t, const struct cloud_part *parts, size_t n, struct err *e)
{
	text_put(t, "<CompleteMultipartUpload>");
	for (size_t i = 0; i < n; i++) {
		text_putf(t, "<Part><PartNumber>%u</PartNumber><ETag>",
		    parts[i].number);
		xml_put(t, parts[i].etag);
		text_put(t, "</ETag></Part>");
	}
	text_put(t, "</CompleteMultipartUpload>");
	return text_ok(t, e);
}

/* The object's size and checksums, from those of its parts. */
static void
parts_sum(const struct cloud_part *parts, size_t n, struct cloud_head *sent)
{
	memset(sent, 0, sizeof *sent);
	sent->crc64.known = sent->nvme.known = n > 0;
	for (size_t i = 0; i < n; i++) {
		const struct cloud_part *p = &parts[i];

		sent->crc64.known = sent->crc64.known && p->crc64.known;
		sent->crc64.value =
		    crc64_xz_join(sent->crc64.value, p->crc64.value, p->size);
		sent->nvme.known = sent->nvme.known && p->nvme.known;
		sent->nvme.value =
		    crc64_nvme_join(sent->nvme.value, p->nvme.value, p->size);
		sent->size += p->size;
	}
}

static bool
sums_differ(const struct cloud_head *head, const struct cloud_head *sent)
{
	return object_crc_differs(&head->crc64, &sent->crc64) ||
	    object_crc_differs(&head->nvme, &sent->nvme);
}

/* The store is done; hold what it has against what we sent. */
static bool
complete_check(struct cloud_line *l, const struct exchange *x,
    const struct cloud_head *sent, struct cloud_head *head, struct err *e)
{
	uint64_t size = sent->size;
	struct cloud_head seen;
	struct err ignored;
	bool found;

	/* Not told with the answer: look.  Who may only write cannot. */
	if (!head->crc64.known && !head->nvme.known &&
	    cloud_head(l, x->key, &found, &seen, &ignored)) {
		if (!found || seen.size != size) {
			err_set(e, ERR_DATA,
			    found ? "the object has %" PRIu64
				    " bytes, not %" PRIu64 :
				    "the object is not there",
			    seen.size, size);
			return exchange_blame(l, x, e);
		}
		head->crc64 = seen.crc64;
		head->nvme = seen.nvme;
		head->modified_ms = seen.modified_ms;
	}
	if (!sums_differ(head, sent))
		return true;
	if (object_crc_differs(&head->nvme, &sent->nvme))
		err_set(e, ERR_DATA,
		    "the object has CRC64NVME %016" PRIx64 ", not %016" PRIx64,
		    head->nvme.value, sent->nvme.value);
	else
		err_set(e, ERR_DATA,
		    "the object has CRC-64 %016" PRIx64 ", not %016" PRIx64,
		    head->crc64.value, sent->crc64.value);
	return exchange_blame(l, x, e);
}

bool
cloud_complete(struct cloud_line *l, const struct cloud_upload *u,
    const struct cloud_part *parts, size_t n, const struct cloud_how *how,
    struct cloud_head *head, struct err *e)
{
	const struct dialect *d = l->cloud->dialect;
	struct completing c = { .etag = "" };
	struct cloud_head sent;
	struct exchange x = { .doing = "complete",
		.method = "POST",
		.key = u->key,
		.trickle = true,
		.good = complete_good,
		.arg = &c };
	struct text body = { 0 };
	struct err ignored;
	char md5[32], nvme[OBJECT_NVME_LEN], size[24];
	bool ok;

	memset(head, 0, sizeof *head);
	parts_sum(parts, n, &sent);
	ok = complete_body(&body, parts, n, e);
	x.body = (struct span){ (const uint8_t *)body.ptr, body.len };
	exchange_param(&x, "uploadId", u->upload_id);
	exchange_header(&x, "content-type", "application/xml");
	if (ok &&
	    !object_md5(&x, md5, &ignored)) /* not where it is forbidden */
		x.n_headers = 1;
	if (sent.nvme.known) {
		c.nvme_leaf = d->nvme_leaf;
		object_nvme_put(sent.nvme.value, nvme);
		snprintf(size, sizeof size, "%" PRIu64, sent.size);
		exchange_header(&x, d->nvme, nvme);
		exchange_header(&x, d->sum_type, "FULL_OBJECT");
		exchange_header(&x, d->sum_size, size);
	}
	if (how->exclusive)
		exchange_header(&x, d->exclusive, d->exclusive_value);
	if (ok && exchange_run(l, &x, e)) {
		head->size = sent.size;
		head->crc64 = c.crc64;
		head->nvme = c.nvme;
		memcpy(head->etag, c.etag, sizeof head->etag);
		ok = complete_check(l, &x, &sent, head, e);
	} else if (ok) {
		ok = object_settle(l, u->key, how, &sent, head);
	}
	text_release(&body);
	return ok;
}

/* --- list --- */

struct listing {
	bool sending; /* the reply is good: tell the parts */
	cloud_each_part *each;
	void *arg;
	struct cloud_part part;
	bool truncated;
	unsigned last,
	    next; /* the last part told; where the next page begins */
};

static bool
part_leaf(void *arg, const char *path, const char *value, struct err *e)
{
	struct listing *p = arg;
	const char *name = strrchr(path, '/');

	if (strcmp(path, "ListPartsResult/IsTruncated") == 0)
		p->truncated = strcmp(value, "true") == 0;
	else if (strcmp(path, "ListPartsResult/NextPartNumberMarker") == 0)
		p->next = (unsigned)strtoul(value, NULL, 10);
	if (strncmp(path, "ListPartsResult/Part", 20) != 0)
		return true;
	if (path[20] == '\0') {
		struct cloud_part part = p->part;

		memset(&p->part, 0, sizeof p->part);
		if (part.number > p->last)
			p->last = part.number;
		return !p->sending || p->each == NULL ||
		    p->each(p->arg, &part, e);
	}
	if (path[20] != '/')
		return true;
	if (strcmp(name, "/PartNumber") == 0)
		p->part.number = (unsigned)strtoul(value, NULL, 10);
	else if (strcmp(name, "/Size") == 0)
		p->part.size = strtoull(value, NULL, 10);
	else if (strcmp(name, "/ETag") == 0)
		snprintf(p->part.etag, sizeof p->part.etag, "%s", value);
	return true;
}

static bool
parts_good(
    void *arg, struct cloud_line *l, enum retry_what *what, struct err *e)
{
	(void)what;
	return xml_read(l->reply.body, part_leaf, arg, e);
}

bool
cloud_list_parts(struct cloud_line *l, const struct cloud_upload *u,
    bool *found, cloud_each_part *each, void *arg, struct err *e)
{
	struct listing p = { .each = each, .arg = arg };
	char marker[16] = "";
	unsigned from = 0;

	*found = true;
	do {
		struct exchange x = { .doing = "list the parts of",
			.method = "GET",
			.key = u->key,
			.good = parts_good,
			.arg = &p,
			.reply_max = 4 << 20 };

		exchange_param(&x, "uploadId", u->upload_id);
		if (from > 0)
			exchange_param(&x, "part-number-marker", marker);
		p.sending = p.truncated = false;
		p.next = p.last = 0;
		if (!exchange_run(l, &x, e)) {
			*found = false;
			return strcmp(l->said.code, "NoSuchUpload") == 0;
		}
		p.sending = true;
		if (each != NULL && !xml_read(l->reply.body, part_leaf, &p, e))
			return false;
		if (p.next == 0)
			p.next = p.last;
		if (p.truncated && p.next <= from) {
			err_set(e, ERR_REMOTE, "the list does not go on");
			return exchange_blame(l, &x, e);
		}
		from = p.next;
		snprintf(marker, sizeof marker, "%u", from);
	} while (p.truncated && each != NULL);
	return true;
}

/* --- abort --- */

#define ABORT_ROUNDS  20
#define ABORT_WAIT_MS 500

bool
cloud_abort(struct cloud_line *l, const struct cloud_upload *u, struct err *e)
{
	bool found = true;

	/* A part that was under way may arrive after the upload is gone, and
	 * on some stores keep it: ask until it is not there. */
	for (int i = 0; found; i++) {
		struct exchange x = { .doing = "call off the upload of",
			.method = "DELETE",
			.key = u->key };

		if (i == ABORT_ROUNDS) {
			err_set(e, ERR_REMOTE, "the store does not let go");
			return exchange_blame(l, &x, e);
		}
		if (i > 0 &&
		    !retry_pause(ABORT_WAIT_MS, l->past_stop, l->cancel, e))
			return false;
		exchange_param(&x, "uploadId", u->upload_id);
		if (!exchange_run(l, &x, e))
			return strcmp(l->said.code, "NoSuchUpload") == 0;
		if (!cloud_list_parts(l, u, &found, NULL, NULL, e))
			return false;
	}
	return true;
}
