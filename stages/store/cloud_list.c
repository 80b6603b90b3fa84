/*
 * cloud_list.c -- listings of objects and of uploads, page by page.
 *
 * A page is read twice: once to see that it is whole and where the next one
 * begins, while it can still be asked for again; then to tell its entries.
 * Keys come percent-encoded (encoding-type=url), for they may hold what XML
 * cannot; what says so is an element that may stand behind them.
 */
#include "stages/store/cloud_object.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "stages/kit/hex.h"
#include "stages/store/xml.h"

#define PAGE_MAX   (16 << 20) /* bytes of a page: 1000 keys, all %XX */
#define BARREN_MAX 1000       /* pages on end that bring no new key */

struct paging {
	bool sending, encoded, truncated, seen;
	bool folders;        /* tell prefixes only */
	const char *prefix;  /* of all keys there can be */
	bool refused;        /* by us; the request is not to blame */
	struct text highest; /* key of all pages, */
	unsigned barren;     /* and pages since it was reached */
	cloud_each *each;
	void *each_arg;

	/* The entry being read. */
	struct text key, upload_id, class;
	uint64_t size;
	int64_t modified_ms;

	/* Where this page begins, and the next one. */
	struct text from, from_id, next, next_id, last;
};

/* Put a value, decoded if this page says that values are encoded. */
static void
put_key(struct paging *p, struct text *to, const char *value)
{
	text_clear(to);
	for (; *value != '\0'; value++) {
		int byte;
		char c = *value;

		if (p->encoded && c == '+') {
			c = ' ';
		} else if (p->encoded && c == '%' &&
		    (byte = hex_byte(value + 1)) != -1) {
			c = (char)byte;
			value += 2;
		}
		text_put_bytes(to, &c, 1);
	}
}

/* Minutes that a zone is east of Greenwich: "Z", "+08:00"; or nothing. */
static bool
zone_minutes(const char *text, int *minutes)
{
	int h, m;

	*minutes = 0;
	if (*text == '\0' || strcmp(text, "Z") == 0)
		return true;
	if ((*text != '+' && *text != '-') ||
	    sscanf(text + 1, "%2d:%2d", &h, &m) != 2 || h < 0 || m < 0)
		return false;
	*minutes = (*text == '-' ? -1 : 1) * (60 * h + m);
	return true;
}

/* "2026-11-22T02:03:11.000Z"; 0 when it is none. */
static int64_t
iso_ms(const char *text)
{
	struct tm tm;
	int ms = 0, minutes;
	const char *end;

	memset(&tm, 0, sizeof tm);
	if ((end = strptime(text, "%Y-%m-%dT%H:%M:%S", &tm)) == NULL)
		return 0;
	if (*end == '.') {
		if (sscanf(end, ".%3d", &ms) != 1)
			ms = 0;
		end++;
		end += strspn(end, "0123456789");
	}
	if (!zone_minutes(end, &minutes))
		return 0;
	return ((int64_t)timegm(&tm) - 60 * minutes) * 1000 + ms;
}

/* Keys that were not asked for must not be taken for others below the place:
 * what they are cut to may be removed. */
static bool
entry_check(struct paging *p, const char *key, struct err *e)
{
	char shown[100];

	if (!p->sending || strncmp(key, p->prefix, strlen(p->prefix)) == 0)
		return true;
	p->refused = true;
	return err_set(e, ERR_REMOTE,
	    "the store lists \"%s\", which was not asked for",
	    err_quote(shown, sizeof shown, key, strlen(key)));
}

/* A page with nothing behind all keys so far may be honest, but not for
 * ever. */
static void
entry_reach(struct paging *p, const char *key)
{
	if (!p->sending || strcmp(key, text_get(&p->highest)) <= 0)
		return;
	p->barren = 0;
	text_clear(&p->highest);
	text_put(&p->highest, key);
}

/* An entry is complete: tell it. */
static bool
entry_tell(struct paging *p, bool is_prefix, bool is_upload, struct err *e)
{
	struct cloud_entry entry = {
		.key = text_get(&p->key),
		.is_prefix = is_prefix,
		.upload_id = is_upload ? text_get(&p->upload_id) : NULL,
		.size = p->size,
		.modified_ms = p->modified_ms,
		.storage_class = text_get(&p->class),
	};
	bool ok = text_ok(&p->key, e) && text_ok(&p->upload_id, e) &&
	    text_ok(&p->class, e) && text_ok(&p->highest, e) &&
	    entry_check(p, text_get(&p->key), e);

	if (ok)
		entry_reach(p, entry.key);
	if (ok && !is_prefix && !is_upload) {
		text_clear(&p->last);
		text_put(&p->last, entry.key);
		ok = text_ok(&p->last, e);
	}
	if (ok && p->sending && (!p->folders || is_prefix))
		ok = p->each(p->each_arg, &entry, e);
	text_clear(&p->key);
	text_clear(&p->upload_id);
	text_clear(&p->class);
	p->size = 0;
	p->modified_ms = 0;
	return ok;
}

/* A leaf of an entry, by its name. */
static void
entry_leaf(struct paging *p, const char *name, const char *value)
{
	if (strcmp(name, "Key") == 0 || strcmp(name, "Prefix") == 0)
		put_key(p, &p->key, value);
	else if (strcmp(name, "Size") == 0)
		p->size = strtoull(value, NULL, 10);
	else if (strcmp(name, "LastModified") == 0 ||
	    strcmp(name, "Initiated") == 0)
		p->modified_ms = iso_ms(value);
	else if (strcmp(name, "UploadId") == 0) {
		text_clear(&p->upload_id);
		text_put(&p->upload_id, value);
	} else if (strcmp(name, "StorageClass") == 0) {
		text_clear(&p->class);
		text_put(&p->class, value);
	}
}

/* A leaf of the list itself. */
static void
list_leaf(struct paging *p, const char *name, const char *value)
{
	if (strcmp(name, "EncodingType") == 0)
		p->encoded = strcmp(value, "url") == 0;
	else if (strcmp(name, "IsTruncated") == 0)
		p->truncated = strcmp(value, "true") == 0;
	else if (strcmp(name, "NextContinuationToken") == 0) {
		text_clear(&p->next);
		text_put(&p->next, value);
	} else if (strcmp(name, "NextMarker") == 0 ||
	    strcmp(name, "NextKeyMarker") == 0) {
		put_key(p, &p->next, value);
	} else if (strcmp(name, "NextUploadIdMarker") == 0) {
		text_clear(&p->next_id);
		text_put(&p->next_id, value);
	}
}

static bool
page_leaf(void *arg, const char *path, const char *value, struct err *e)
{
	struct paging *p = arg;
	const char *root_end = strchr(path, '/'), *entry_end;
	const char *const kinds[] = { "Contents", "CommonPrefixes", "Upload" };

	if (root_end == NULL) {
		p->seen = strcmp(path, "ListBucketResult") == 0 ||
		    strcmp(path, "ListMultipartUploadsResult") == 0;
		return true;
	}
	path = root_end + 1;
	entry_end = strchr(path, '/');
	for (size_t i = 0; i < COUNT_OF(kinds); i++) {
		size_t n = strlen(kinds[i]);

		if (strncmp(path, kinds[i], n) != 0)
			continue;
		if (path[n] == '\0')
			return entry_tell(p, i == 1, i == 2, e);
		if (path[n] == '/' && strchr(entry_end + 1, '/') == NULL)
			entry_leaf(p, entry_end + 1, value);
		if (path[n] == '/')
			return true;
	}
	if (entry_end == NULL)
		list_leaf(p, path, value);
	return true;
}

static bool
page_good(void *arg, struct cloud_line *l, enum retry_what *what, struct err *e)
{
	struct paging *p = arg;

	(void)what;
	p->sending = p->seen = p->truncated = p->encoded = false;
	text_clear(&p->next);
	text_clear(&p->next_id);
	text_clear(&p->last);
	/* Twice, so that a late EncodingType holds for the markers too. */
	if (!xml_read(l->reply.body, page_leaf, p, e))
		return false;
	if (!p->seen)
		return err_set(e, ERR_REMOTE, "the answer is no list");
	return !p->encoded || xml_read(l->reply.body, page_leaf, p, e);
}

static void
paging_release(struct paging *p)
{
	text_release(&p->key);
	text_release(&p->upload_id);
	text_release(&p->class);
	text_release(&p->next);
	text_release(&p->next_id);
	text_release(&p->last);
	text_release(&p->highest);
	text_release(&p->from);
	text_release(&p->from_id);
}

/* Ask for a page and tell it. */
static bool
page_tell(struct cloud_line *l, struct exchange *x, struct paging *p,
    const char *marker, struct err *e)
{
	x->good = page_good;
	x->arg = p;
	x->reply_max = PAGE_MAX;
	if (p->from.len > 0)
		exchange_param(x, marker, p->from.ptr);
	if (p->from_id.len > 0)
		exchange_param(x, "upload-id-marker", p->from_id.ptr);
	if (!exchange_run(l, x, e))
		return false;
	p->sending = true;
	p->barren++;
	return xml_read(l->reply.body, page_leaf, p, e);
}

/* Go to the next page, which must be another one. */
static bool
page_turn(struct paging *p, bool uploads, struct err *e)
{
	if (p->next.len == 0 && !uploads)
		text_put(&p->next, text_get(&p->last));
	if (!text_ok(&p->next, e))
		return false;
	if (p->next.len == 0 || p->barren == BARREN_MAX ||
	    (strcmp(p->next.ptr, text_get(&p->from)) == 0 &&
		strcmp(text_get(&p->next_id), text_get(&p->from_id)) == 0)) {
		p->refused = true;
		return err_set(e, ERR_REMOTE, "the list does not go on");
	}
	text_clear(&p->from);
	text_put(&p->from, p->next.ptr);
	text_clear(&p->from_id);
	text_put(&p->from_id, text_get(&p->next_id));
	return text_ok(&p->from, e) && text_ok(&p->from_id, e);
}

/* Ask for pages until there are no more; v2: the marker is a token. */
static bool
pages(struct cloud_line *l, const struct exchange *first, struct paging *p,
    bool uploads, struct err *e)
{
	bool v2 = !uploads && l->cloud->dialect->list_v2, ok;
	const char *marker = uploads ? "key-marker" :
	    v2                       ? "continuation-token" :
				       "marker";
	struct exchange x;

	do {
		x = *first;
		ok = page_tell(l, &x, p, marker, e);
	} while (ok && p->truncated && (ok = page_turn(p, uploads, e)));
	if (!ok && p->refused)
		exchange_blame(l, &x, e);
	paging_release(p);
	return ok;
}

bool
cloud_list(struct cloud_line *l, const char *prefix, bool folders,
    cloud_each *each, void *arg, struct err *e)
{
	struct exchange x = { .doing = "list", .method = "GET", .key = "" };
	struct paging p = { .folders = folders,
		.prefix = prefix,
		.each = each,
		.each_arg = arg };

	if (l->cloud->dialect->list_v2)
		exchange_param(&x, "list-type", "2");
	exchange_param(&x, "prefix", prefix);
	exchange_param(&x, "max-keys", "1000");
	exchange_param(&x, "encoding-type", "url");
	if (folders)
		exchange_param(&x, "delimiter", "/");
	return pages(l, &x, &p, false, e);
}

bool
cloud_list_uploads(struct cloud_line *l, const char *prefix, cloud_each *each,
    void *arg, struct err *e)
{
	struct exchange x = {
		.doing = "list the uploads of", .method = "GET", .key = ""
	};
	struct paging p = { .prefix = prefix, .each = each, .each_arg = arg };

	exchange_param(&x, "uploads", NULL);
	exchange_param(&x, "prefix", prefix);
	exchange_param(&x, "max-uploads", "1000");
	exchange_param(&x, "encoding-type", "url");
	return pages(l, &x, &p, true, e);
}
