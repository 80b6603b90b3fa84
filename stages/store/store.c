/*
 * store.c -- which kind of store a URL means, and what a key may be.
 *
 * Everything else is the kind's: one row per scheme.
 */
#include "stages/store/store.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "stages/store/cloud_kind.h"
#include "stages/store/file.h"
#include "stages/store/kind.h"

#define KEY_MAX 1024 /* bytes; what S3 takes, COS takes 850 */

static const struct scheme {
	const char *name;
	const struct store_kind *kind;
} schemes[] = {
	{ "file", &file_kind },
	{ "cos", &cloud_kind },
	{ "s3", &cloud_kind },
};

/* Length of the scheme in front of "://"; 0 when this is a plain path. */
static size_t
scheme_len(const char *url)
{
	size_t n = strspn(url,
	    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
	    "0123456789+.-");

	return strncmp(url + n, "://", 3) == 0 ? n : 0;
}

/* The kind a URL belongs to.  What stands behind an unknown scheme is not
 * repeated: it may hold a password. */
static const struct store_kind *
kind_of(const char *url, struct err *e)
{
	size_t n = scheme_len(url);

	if (n == 0 && strstr(url, "://") == url) {
		err_set(e, ERR_USAGE, "a store's URL has no scheme");
		return NULL;
	}
	if (n == 0)
		return &file_kind;
	for (size_t i = 0; i < COUNT_OF(schemes); i++) {
		if (strlen(schemes[i].name) != n ||
		    strncmp(schemes[i].name, url, n) != 0)
			continue;
		return schemes[i].kind;
	}
	err_set(e, ERR_USAGE,
	    "%.*s:// is no store; there are cos://, s3://, file:// and "
	    "plain paths",
	    n < 32 ? (int)n : 32, url);
	return NULL;
}

/*
 * No part of a key may be empty, "." or "..".  A prefix is the beginning of
 * a key: it may be empty and its last part may be anything but "..".
 */
static bool
key_check(const char *key, bool prefix, struct err *e)
{
	char shown[128];
	const char *part = key, *why = NULL;
	size_t len;

	if (strlen(key) > KEY_MAX)
		why = "is too long";
	for (; why == NULL; part += len + 1) {
		bool last = part[len = strcspn(part, "/")] == '\0';

		if (len == 0 && !(last && prefix))
			why = "has an empty part";
		else if (len == 2 && strncmp(part, "..", 2) == 0)
			why = "may not hold \"..\"";
		else if (len == 1 && *part == '.' && !(last && prefix))
			why = "may not hold \".\"";
		if (last)
			break;
	}
	return why == NULL ||
	    err_set(e, ERR_USAGE, "the key \"%s\" %s",
		err_quote(shown, sizeof shown, key, strlen(key)), why);
}

bool
store_is_remote(const char *url)
{
	struct err e;

	return kind_of(url, &e) == &cloud_kind;
}

bool
store_open(struct store **s, const char *url, struct err *e)
{
	const struct store_kind *kind = kind_of(url, e);

	return kind != NULL && kind->open(s, NULL, url, e);
}

bool
store_open_object(
    struct store **s, const char **key, const char *url, struct err *e)
{
	const struct store_kind *kind = kind_of(url, e);

	if (kind == NULL || !kind->open(s, key, url, e))
		return false;
	if (!key_check(*key, false, e)) {
		store_close(*s);
		*s = NULL;
		return false;
	}
	return true;
}

void
store_close(struct store *s)
{
	if (s != NULL)
		s->kind->close(s);
}

const char *
store_url_of(struct store *s, const char *key)
{
	return s->kind->url_of(s, key);
}

struct sink *
store_put(struct store *s, const char *key, const struct store_put *how,
    struct err *e)
{
	return key_check(key, false, e) ? s->kind->put(s, key, how, e) : NULL;
}

struct source *
store_get(struct store *s, const char *key, struct err *e)
{
	return key_check(key, false, e) ? s->kind->get(s, key, e) : NULL;
}

/* What store_read() gathers. */
struct gathered {
	char *bytes;
	size_t len, max;
};

static bool
gather(void *arg, struct span piece, struct err *e)
{
	struct gathered *g = arg;
	char *more;

	if (piece.len > g->max - g->len)
		return err_set(e, ERR_DATA, "longer than %zu bytes", g->max);
	if ((more = realloc(g->bytes, g->len + piece.len + 1)) == NULL)
		return err_sys(e, "cannot read a small object");
	g->bytes = more;
	memcpy(more + g->len, piece.ptr, piece.len);
	g->len += piece.len;
	more[g->len] = '\0';
	return true;
}

static bool
stream_gather(
    struct store *s, const char *key, struct gathered *g, struct err *e)
{
	struct source *from = s->kind->get(s, key, e);
	struct span chunk = { 0 };
	bool ok = from != NULL;

	do
		ok = ok && source_next(from, &chunk, e) && gather(g, chunk, e);
	while (ok && chunk.len > 0);
	source_free(from);
	return ok;
}

bool
store_read(struct store *s, const char *key, size_t max, char **bytes,
    size_t *len, struct err *e)
{
	struct gathered g = { .max = max };
	struct span none = { (const uint8_t *)"", 0 };
	bool ok;

	*bytes = NULL;
	*len = 0;
	if (!key_check(key, false, e))
		return false;
	ok = s->kind->read != NULL ? s->kind->read(s, key, max, gather, &g, e) :
				     stream_gather(s, key, &g, e);
	/* An empty object comes in no piece at all. */
	if (!ok || !gather(&g, none, e)) {
		free(g.bytes);
		return false;
	}
	*bytes = g.bytes;
	*len = g.len;
	return true;
}

bool
store_stat(struct store *s, const char *key, bool *found,
    struct store_object *o, struct err *e)
{
	return key_check(key, false, e) && s->kind->stat(s, key, found, o, e);
}

bool
store_list(struct store *s, const char *prefix, store_each *each, void *arg,
    struct err *e)
{
	return key_check(prefix, true, e) &&
	    s->kind->list(s, prefix, each, arg, e);
}

bool
store_list_folders(struct store *s, const char *prefix, store_each *each,
    void *arg, struct err *e)
{
	size_t len = strlen(prefix);

	if (len > 0 && prefix[len - 1] != '/')
		return err_set(
		    e, ERR_BUG, "folders are listed below a '/', not here");
	return key_check(prefix, true, e) &&
	    s->kind->list_folders(s, prefix, each, arg, e);
}

bool
store_remove(struct store *s, const char *key, struct err *e)
{
	return key_check(key, false, e) && s->kind->remove(s, key, e);
}

void
store_settle(struct store *s, int64_t ms)
{
	if (s->kind->settle != NULL)
		s->kind->settle(s, ms);
}

const char *
store_folder(const struct store *s)
{
	return s->kind->folder != NULL ? s->kind->folder(s) : NULL;
}

bool
store_list_uploads(struct store *s, const char *prefix, store_each_upload *each,
    void *arg, struct err *e)
{
	if (s->kind->list_uploads == NULL)
		return err_set(
		    e, ERR_USAGE, "a directory has no unfinished uploads");
	return key_check(prefix, true, e) &&
	    s->kind->list_uploads(s, prefix, each, arg, e);
}

bool
store_remove_upload(
    struct store *s, const struct store_upload *u, struct err *e)
{
	if (s->kind->remove_upload == NULL)
		return err_set(
		    e, ERR_USAGE, "a directory has no unfinished uploads");
	return s->kind->remove_upload(s, u, e);
}

char *
store_address(
    struct store *s, const char *key, struct store_address *how, struct err *e)
{
	if (s->kind->address == NULL) {
		err_set(
		    e, ERR_USAGE, "a directory has no addresses to hand out");
		return NULL;
	}
	return key_check(key, false, e) ? s->kind->address(s, key, how, e) :
					  NULL;
}

/* How it ends with its key; "" when it does not. */
static void
key_note(const struct store_address *how, char *text, size_t cap)
{
	char at[32];
	time_t end = (time_t)how->key_end;
	struct tm tm;

	*text = '\0';
	if (!how->key_ends)
		return;
	if (how->key_end == INT64_MAX)
		snprintf(text, cap,
		    "signed with a temporary key: the address ends with that "
		    "key, whenever that is");
	else if (how->key_end - time(NULL) < how->seconds &&
	    gmtime_r(&end, &tm) != NULL &&
	    strftime(at, sizeof at, "%Y-%m-%dT%H:%M:%SZ", &tm) > 0)
		snprintf(text, cap,
		    "signed with a temporary key: the address ends with that "
		    "key, at %s, and not only after %lld s",
		    at, (long long)how->seconds);
}

bool
store_address_note(
    const struct store_address *how, char text[STORE_ADDRESS_NOTE])
{
	size_t n;

	key_note(how, text, STORE_ADDRESS_NOTE);
	n = strlen(text);
	if (how->customer_key)
		snprintf(text + n, STORE_ADDRESS_NOTE - n,
		    "%swhoever reads it must send the headers of the "
		    "customer's key: ...-customer-algorithm, "
		    "...-customer-key, ...-customer-key-md5",
		    n > 0 ? "; " : "");
	return *text != '\0';
}
