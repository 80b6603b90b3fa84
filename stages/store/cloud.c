/*
 * cloud.c -- opening, lines, addresses; see cloud.h.
 *
 * The operations are in cloud_object.c, cloud_upload.c and cloud_list.c; what
 * they share is exchange.h.
 */
#include "stages/store/cloud.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "stages/kit/clock.h"
#include "stages/store/exchange.h"
#include "stages/store/hmac.h"

/* A customer's key as its two headers want it. */
static bool
customer_key(struct cloud *c, const uint8_t *key, struct err *e)
{
	uint8_t md5[HASH_MD5_LEN];

	if (key == NULL)
		return true;
	if (!c->place->tls)
		return err_set(
		    e, ERR_USAGE, "a customer's key is only sent over https");
	if (!hash_md5(key, CLOUD_KEY_LEN, md5, e))
		return false;
	hash_base64(key, CLOUD_KEY_LEN, c->customer_key);
	hash_base64(md5, sizeof md5, c->customer_md5);
	return true;
}

bool
cloud_open(struct cloud **to, const struct place *place,
    struct credentials *credentials, const struct cloud_options *options,
    struct err *e)
{
	struct cloud *c;

	if (strlen(place->host) >= sizeof c->host ||
	    strlen(place->region) >= sizeof c->region)
		return err_set(e, ERR_USAGE,
		    "a store's URL: the host or the region is too long");
	if (!http_begin(e))
		return false;
	if ((c = calloc(1, sizeof *c)) == NULL)
		return err_sys(e, "cannot open a store");
	c->place = place;
	c->dialect = dialect_of(place->dialect);
	c->credentials = credentials;
	c->options = *options;
	strcpy(c->host, place->host);
	strcpy(c->region, place->region);
	if (!customer_key(c, options->customer_key, e)) {
		free(c);
		return false;
	}
	pthread_mutex_init(&c->lock, NULL);
	*to = c;
	return true;
}

void
cloud_close(struct cloud *c)
{
	if (c == NULL)
		return;
	pthread_mutex_destroy(&c->lock);
	hash_wipe(c->customer_key, sizeof c->customer_key);
	free(c);
}

const struct place *
cloud_place(const struct cloud *c)
{
	return c->place;
}

struct cloud_line *
cloud_line_new(struct cloud *c, struct err *e)
{
	struct cloud_line *l = calloc(1, sizeof *l);

	if (l == NULL) {
		err_sys(e, "cannot talk to a store");
		return NULL;
	}
	l->cloud = c;
	if ((l->http = http_new(&c->options.http, e)) == NULL) {
		free(l);
		return NULL;
	}
	return l;
}

void
cloud_line_free(struct cloud_line *l)
{
	if (l == NULL)
		return;
	http_free(l->http);
	credential_release(&l->key);
	sign_release(&l->added);
	text_release(&l->target);
	text_release(&l->url);
	text_release(&l->lines);
	free(l);
}

void
cloud_line_set(struct cloud_line *l, const atomic_bool *cancel, bool past_stop,
    int64_t deadline_ms)
{
	l->cancel = cancel;
	l->past_stop = past_stop;
	l->deadline_ms = deadline_ms;
}

const char *
cloud_line_address(const struct cloud_line *l)
{
	return l->reply.address;
}

int64_t
cloud_line_clock(const struct cloud_line *l)
{
	return clock_wall() + (l->reply.dated ? l->reply.clock_skew_ms : 0);
}

bool
cloud_line_maybe(const struct cloud_line *l)
{
	return l->maybe;
}

/* What whoever reads the address must send as it was signed. */
static size_t
presign_headers(const struct cloud *c, const char *host, struct sign_pair *to)
{
	const struct dialect *d = c->dialect;
	size_t n = 0;

	to[n++] = (struct sign_pair){ "host", host };
	if (c->customer_key[0] == '\0')
		return n;
	to[n++] = (struct sign_pair){ d->customer_algorithm, "AES256" };
	to[n++] = (struct sign_pair){ d->customer_key, c->customer_key };
	to[n++] = (struct sign_pair){ d->customer_md5, c->customer_md5 };
	return n;
}

char *
cloud_presign(struct cloud *c, const char *key, int64_t seconds,
    struct cloud_key_end *end, struct err *e)
{
	struct sign_pair headers[4];
	struct sign_request request = { .method = "GET", .headers = headers };
	struct sign_terms terms = { .early = 60, .lasts = seconds };
	struct credential key_of_now = { 0 };
	struct text target = { 0 }, url = { 0 };
	char *path = place_path(c->place, key), at[320], region[64];
	bool ok;

	pthread_mutex_lock(&c->lock);
	memcpy(at, c->host, sizeof at);
	memcpy(region, c->region, sizeof region);
	terms.now = (int64_t)time(NULL) + c->skew_ms / 1000;
	pthread_mutex_unlock(&c->lock);
	request.n_headers = presign_headers(c, at, headers);
	request.path = path;
	terms.region = region;
	ok = path != NULL ? credentials_get(c->credentials, &key_of_now, e) :
			    err_sys(e, "cannot sign an address");
	if (ok) {
		terms.key = key_of_now.key;
		end->temporary = key_of_now.key.token != NULL &&
		    *key_of_now.key.token != '\0';
		end->at = key_of_now.until;
		ok = c->dialect->sign_url(&request, &terms, &target, e);
		credential_release(&key_of_now);
	}
	if (ok) {
		text_putf(&url, "%s://%s%s", c->place->tls ? "https" : "http",
		    at, text_get(&target));
		ok = text_ok(&url, e);
	}
	text_release(&target);
	free(path);
	if (!ok)
		text_release(&url);
	return url.ptr;
}
