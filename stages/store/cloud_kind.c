/* cloud_kind.c -- see cloud_kind.h. */
#include "stages/store/cloud_kind.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "stages/kit/hex.h"
#include "stages/store/cloud.h"
#include "stages/store/credentials.h"
#include "stages/store/multipart.h"
#include "stages/store/net.h"
#include "stages/store/ranges.h"

struct cloud_store {
	struct store base;
	struct place place;
	struct credentials *who;
	struct cloud *cloud;
	struct cloud_line *line; /* for what is no stream */
	uint8_t customer_key[CLOUD_KEY_LEN];
	const uint8_t *own_key; /* that one, or NULL: there is none */
	atomic_uint slow;       /* SlowDowns heard */
	char *root; /* what stands before a key in its name: "" or x/ */
	char *key;  /* of store_open_object */
	char *url;  /* the last one store_url_of gave out */
};

/* --- who we are --- */

/* The one request at a time that a role needs. */
static bool
role_ask(void *arg, const struct role_request *q, int *status,
    struct text *body, struct err *e)
{
	const struct http_options options = { .connect_ms = q->timeout_ms,
		.direct = true };
	struct http_request request = { .method = q->method,
		.url = q->url,
		.headers = q->headers,
		.n_headers = q->n_headers,
		.reply_max = ROLE_REPLY_MAX,
		.deadline_ms = q->timeout_ms };
	struct http_reply reply = { 0 };
	struct http *http = http_begin(e) ? http_new(&options, e) : NULL;
	bool ok;

	(void)arg;
	if (http == NULL)
		return false;
	ok = http_do(http, &request, &reply, e) == HTTP_REPLY;
	if (ok) {
		*status = reply.status;
		text_put_bytes(body, reply.body.ptr, reply.body.len);
		ok = text_ok(body, e);
	}
	http_free(http);
	return ok;
}

/* 64 digits, and perhaps a newline, to 32 bytes. */
static bool
key_from_hex(const char *text, size_t len, uint8_t *key)
{
	if (len == 2 * CLOUD_KEY_LEN + 1 && text[len - 1] == '\n')
		len--;
	if (len != 2 * CLOUD_KEY_LEN)
		return false;
	for (size_t i = 0; i < CLOUD_KEY_LEN; i++) {
		int byte = hex_byte(text + 2 * i);

		if (byte == -1)
			return false;
		key[i] = (uint8_t)byte;
	}
	return true;
}

static bool
customer_key_read(uint8_t *key, const char *path, struct err *e)
{
	char text[2 * CLOUD_KEY_LEN + 2];
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd == -1 ? -1 : read(fd, text, sizeof text);
	bool ok = true;

	if (n == -1)
		ok = err_sys(e, "cannot read the key in %s", path);
	else if (n == CLOUD_KEY_LEN)
		memcpy(key, text, CLOUD_KEY_LEN);
	else if (!key_from_hex(text, (size_t)n, key))
		ok = err_set(e, ERR_USAGE,
		    "%s: a customer's key is 32 bytes, or 64 hex digits", path);
	explicit_bzero(text, sizeof text);
	if (fd != -1)
		close(fd);
	return ok;
}

/* --- opening --- */

static void
slow_note(void *arg)
{
	atomic_fetch_add((atomic_uint *)arg, 1);
}

static void
cloud_kind_close(struct store *s)
{
	struct cloud_store *c = (struct cloud_store *)s;

	cloud_line_free(c->line);
	if (c->cloud != NULL)
		cloud_close(c->cloud);
	credentials_free(c->who);
	place_release(&c->place);
	explicit_bzero(c->customer_key, sizeof c->customer_key);
	free(c->root);
	free(c->key);
	free(c->url);
	free(c);
}

/* Split the name in the URL into root and key; without a key, all is root. */
static bool
name_split(struct cloud_store *c, const char *url, bool key, struct err *e)
{
	const char *name = c->place.key, *slash = strrchr(name, '/');
	size_t base = key ? (slash != NULL ? (size_t)(slash + 1 - name) : 0) :
			    strlen(name);
	bool end = base == 0 || name[base - 1] == '/';

	if (key && name[base] == '\0')
		return err_set(e, ERR_USAGE,
		    "%s names a place; an object's name is wanted", url);
	if (asprintf(&c->root, "%.*s%s", (int)base, name, end ? "" : "/") ==
		-1 ||
	    (c->key = strdup(name + base)) == NULL)
		return err_sys(e, "cannot open %s", url);
	return true;
}

static bool
cloud_connect(struct cloud_store *c, struct err *e)
{
	const struct credentials_means means = { .fetch = role_ask };
	struct cloud_options options = {
		.http.ca = store_net.ca,
		.slow = slow_note,
		.slow_arg = &c->slow,
		.traffic_limit = store_net.traffic_limit,
	};
	const char *ca = getenv("RDBPIPE_STORE_CA");
	const char *key_file = store_net_customer_key();

	if (options.http.ca == NULL && ca != NULL && *ca != '\0')
		options.http.ca = ca;
	if (options.http.ca != NULL && access(options.http.ca, R_OK) == -1)
		return err_sys(e, "cannot read %s", options.http.ca);
	if (key_file != NULL) {
		if (!customer_key_read(c->customer_key, key_file, e))
			return false;
		options.customer_key = c->own_key = c->customer_key;
	}
	c->who = credentials_new(
	    c->place.dialect == PLACE_COS ? CREDENTIALS_COS : CREDENTIALS_S3,
	    &means, e);
	return c->who != NULL &&
	    cloud_open(&c->cloud, &c->place, c->who, &options, e) &&
	    (c->line = cloud_line_new(c->cloud, e)) != NULL;
}

static bool
cloud_kind_open(
    struct store **s, const char **key, const char *url, struct err *e)
{
	struct cloud_store *c = calloc(1, sizeof *c);

	if (c == NULL)
		return err_sys(e, "cannot open %s", url);
	c->base.kind = &cloud_kind;
	atomic_init(&c->slow, 0);
	if (!place_parse(&c->place, url, e)) {
		free(c);
		return false;
	}
	if (!name_split(c, url, key != NULL, e) || !cloud_connect(c, e)) {
		cloud_kind_close(&c->base);
		return false;
	}
	*s = &c->base;
	if (key != NULL)
		*key = c->key;
	return true;
}

/* --- names --- */

/* The full name of a key, malloc'd. */
static char *
name_of(const struct cloud_store *c, const char *key, struct err *e)
{
	char *name;

	if (asprintf(&name, "%s%s", c->root, key) == -1) {
		err_sys(e, "cannot name %s", key);
		return NULL;
	}
	return name;
}

/* The same for an object: it must be a name the store takes. */
static char *
object_of(const struct cloud_store *c, const char *key, struct err *e)
{
	char *name = name_of(c, key, e);

	if (name != NULL && !place_check_key(&c->place, name, e)) {
		free(name);
		return NULL;
	}
	return name;
}

static const char *
cloud_kind_url_of(struct store *s, const char *key)
{
	struct cloud_store *c = (struct cloud_store *)s;
	struct err e;
	char *name = name_of(c, key, &e);
	char *url = name != NULL ? place_url(&c->place, name) : NULL;

	free(name);
	if (url == NULL)
		return key; /* a message is better short than not at all */
	free(c->url);
	return c->url = url;
}

/* --- streams --- */

static struct sink *
cloud_kind_put(struct store *s, const char *key, const struct store_put *how,
    struct err *e)
{
	struct cloud_store *c = (struct cloud_store *)s;
	struct multipart_how parts = { 0 };
	struct multipart_to to = { .cloud = c->cloud, .slow = &c->slow };
	char *name = object_of(c, key, e);
	struct sink *sink;

	if (name == NULL)
		return NULL;
	if (how->multipart != NULL)
		parts = *how->multipart;
	parts.object.exclusive = how->exclusive;
	parts.schedule.expect = how->expect;
	if (parts.threads == 0)
		parts.threads = (unsigned)store_net.parallel;
	if (parts.warn == NULL)
		parts.warn = store_net.warn;
	to.key = name;
	to.url = cloud_kind_url_of(s, key);
	sink = multipart_new(&to, &parts, e);
	free(name);
	return sink;
}

static struct source *
cloud_kind_get(struct store *s, const char *key, struct err *e)
{
	struct cloud_store *c = (struct cloud_store *)s;
	struct ranges_from from = { .cloud = c->cloud,
		.slow = &c->slow,
		.threads = (unsigned)store_net.parallel,
		.size = (uint64_t)store_net.range };
	char *name = object_of(c, key, e);
	struct source *source;

	if (name == NULL)
		return NULL;
	from.key = name;
	from.url = cloud_kind_url_of(s, key);
	source = ranges_new(&from, e);
	free(name);
	return source;
}

/* One request, which asks for a byte more than there may be. */
static bool
cloud_kind_read(struct store *s, const char *key, size_t max,
    bool (*take)(void *arg, struct span, struct err *), void *arg,
    struct err *e)
{
	struct cloud_store *c = (struct cloud_store *)s;
	struct cloud_head head;
	char *name = object_of(c, key, e);
	bool ok = name != NULL &&
	    cloud_get(
		c->line, name, 0, (uint64_t)max + 1, NULL, &head, take, arg, e);

	free(name);
	return ok;
}

/* --- looking --- */

static bool
cloud_kind_stat(struct store *s, const char *key, bool *found,
    struct store_object *o, struct err *e)
{
	struct cloud_store *c = (struct cloud_store *)s;
	struct cloud_head head = { 0 };
	char *name = object_of(c, key, e);
	bool ok = name != NULL && cloud_head(c->line, name, found, &head, e);

	free(name);
	o->key = key;
	o->size = head.size;
	o->modified_ms = head.modified_ms;
	return ok;
}

/* What a listing is turned into. */
struct listing {
	const struct cloud_store *c;
	size_t skip; /* bytes of every name that are not of the key */
	store_each *each;
	store_each_upload *each_upload;
	void *arg;
};

/* The name less the root; NULL when there is nothing left of it. */
static const char *
key_of(const struct listing *l, const char *name)
{
	return strlen(name) > l->skip ? name + l->skip : NULL;
}

static bool
object_row(void *arg, const struct cloud_entry *entry, struct err *e)
{
	const struct listing *l = arg;
	struct store_object o = { key_of(l, entry->key), entry->size,
		entry->modified_ms };

	/* The mark that some tools put for a folder is no object of ours. */
	return o.key == NULL || entry->is_prefix || l->each(l->arg, &o, e);
}

static bool
folder_row(void *arg, const struct cloud_entry *entry, struct err *e)
{
	const struct listing *l = arg;
	const char *key = key_of(l, entry->key);
	struct store_object o = { 0 };
	char *name;
	bool ok;

	if (!entry->is_prefix || key == NULL || key[0] == '/')
		return true;
	if ((name = strdup(key)) == NULL)
		return err_sys(e, "cannot list");
	name[strcspn(name, "/")] = '\0';
	o.key = name;
	ok = l->each(l->arg, &o, e);
	free(name);
	return ok;
}

static bool
cloud_kind_list(struct store *s, const char *prefix, store_each *each,
    void *arg, struct err *e)
{
	struct cloud_store *c = (struct cloud_store *)s;
	struct listing l = { c, strlen(c->root), each, NULL, arg };
	char *name = name_of(c, prefix, e);
	bool ok =
	    name != NULL && cloud_list(c->line, name, false, object_row, &l, e);

	free(name);
	return ok;
}

static bool
cloud_kind_list_folders(struct store *s, const char *prefix, store_each *each,
    void *arg, struct err *e)
{
	struct cloud_store *c = (struct cloud_store *)s;
	struct listing l = { c, strlen(c->root) + strlen(prefix), each, NULL,
		arg };
	char *name = name_of(c, prefix, e);
	bool ok =
	    name != NULL && cloud_list(c->line, name, true, folder_row, &l, e);

	free(name);
	return ok;
}

/*
 * The store says nothing about what it did not delete, so we look first.  But
 * why looking failed, a refused HEAD does not say, and one may be allowed to
 * remove what one may not look at; so whatever it says, we ask.
 */
static bool
cloud_kind_remove(struct store *s, const char *key, struct err *e)
{
	struct cloud_store *c = (struct cloud_store *)s;
	struct cloud_head head = { 0 };
	char *name = object_of(c, key, e);
	bool found = false, looked, ok;

	if (name == NULL)
		return false;
	looked = cloud_head(c->line, name, &found, &head, e);
	ok =
	    (looked || e->kind == ERR_REMOTE) && cloud_delete(c->line, name, e);
	free(name);
	return ok && looked && !found ?
	    err_set(e, ERR_REMOTE, "%s: no such object",
		cloud_kind_url_of(s, key)) :
	    ok;
}

static void
cloud_kind_settle(struct store *s, int64_t ms)
{
	struct cloud_store *c = (struct cloud_store *)s;

	cloud_line_set(c->line, NULL, true, ms);
}

/* --- uploads --- */

static bool
upload_row(void *arg, const struct cloud_entry *entry, struct err *e)
{
	const struct listing *l = arg;
	int64_t began = entry->modified_ms;
	int64_t age = cloud_line_clock(l->c->line) - began;
	struct store_upload u = { key_of(l, entry->key), entry->upload_id,
		began,
		began == 0  ? -1 :
		    age > 0 ? age :
			      0 };

	return u.key == NULL || l->each_upload(l->arg, &u, e);
}

static bool
cloud_kind_list_uploads(struct store *s, const char *prefix,
    store_each_upload *each, void *arg, struct err *e)
{
	struct cloud_store *c = (struct cloud_store *)s;
	struct listing l = { c, strlen(c->root), NULL, each, arg };
	char *name = name_of(c, prefix, e);
	bool ok = name != NULL &&
	    cloud_list_uploads(c->line, name, upload_row, &l, e);

	free(name);
	return ok;
}

static bool
cloud_kind_remove_upload(
    struct store *s, const struct store_upload *u, struct err *e)
{
	struct cloud_store *c = (struct cloud_store *)s;
	struct cloud_upload upload = { NULL, u->id };
	char *name = name_of(c, u->key, e);
	bool ok;

	upload.key = name;
	ok = name != NULL && cloud_abort(c->line, &upload, e);
	free(name);
	return ok;
}

/* --- addresses --- */

/* The address of a name at a place that may be another than the store's. */
static char *
address_at(struct cloud_store *c, const struct place *place, const char *name,
    struct store_address *how, struct err *e)
{
	const struct cloud_options options = { .customer_key = c->own_key };
	struct cloud_key_end end = { false, INT64_MAX };
	struct cloud *cloud = NULL;
	char *address;

	if (!cloud_open(&cloud, place, c->who, &options, e))
		return NULL;
	address = cloud_presign(cloud, name, how->seconds, &end, e);
	how->key_ends = end.temporary;
	how->key_end = end.at;
	how->customer_key = c->own_key != NULL;
	cloud_close(cloud);
	return address;
}

static char *
cloud_kind_address(
    struct store *s, const char *key, struct store_address *how, struct err *e)
{
	struct cloud_store *c = (struct cloud_store *)s;
	struct place moved;
	char *name = object_of(c, key, e), *address = NULL;

	how->region = c->place.region;
	if (name != NULL && how->internal == c->place.internal)
		address = address_at(c, &c->place, name, how, e);
	else if (name != NULL &&
	    place_move(&moved, &c->place, how->internal, e)) {
		address = address_at(c, &moved, name, how, e);
		place_release(&moved);
	}
	free(name);
	return address;
}

const struct store_kind cloud_kind = {
	.open = cloud_kind_open,
	.close = cloud_kind_close,
	.url_of = cloud_kind_url_of,
	.put = cloud_kind_put,
	.get = cloud_kind_get,
	.read = cloud_kind_read,
	.stat = cloud_kind_stat,
	.list = cloud_kind_list,
	.list_folders = cloud_kind_list_folders,
	.remove = cloud_kind_remove,
	.settle = cloud_kind_settle,
	.list_uploads = cloud_kind_list_uploads,
	.remove_upload = cloud_kind_remove_upload,
	.address = cloud_kind_address,
};
