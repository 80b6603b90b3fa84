/* exchange.c -- see exchange.h. */
#include "stages/store/exchange.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "stages/kit/clock.h"
#include "stages/store/hmac.h"

#define SLOWEST 256 /* bytes a millisecond that a deadline allows for */

/* A Date outside of these is no clock worth signing by, in milliseconds. */
#define CLOCK_LOW  ((int64_t)1000000000 * 1000)   /* 2001 */
#define CLOCK_HIGH ((int64_t)253402300799 * 1000) /* the end of 9999 */

void
exchange_param(struct exchange *x, const char *name, const char *value)
{
	if (x->n_params < EXCHANGE_PARAMS)
		x->params[x->n_params++] = (struct sign_pair){ name, value };
}

void
exchange_header(struct exchange *x, const char *name, const char *value)
{
	if (name != NULL && value != NULL && *value != '\0' &&
	    x->n_headers < EXCHANGE_HEADERS)
		x->headers[x->n_headers++] = (struct sign_pair){ name, value };
}

void
exchange_customer(struct exchange *x, const struct cloud *c)
{
	if (c->customer_key[0] == '\0')
		return;
	exchange_header(x, c->dialect->customer_algorithm, "AES256");
	exchange_header(x, c->dialect->customer_key, c->customer_key);
	exchange_header(x, c->dialect->customer_md5, c->customer_md5);
}

/* --- a try --- */

/* Copy what other lines may change meanwhile. */
static void
look(struct cloud_line *l)
{
	struct cloud *c = l->cloud;

	pthread_mutex_lock(&c->lock);
	l->signed_skew_ms = c->skew_ms;
	memcpy(l->host, c->host, sizeof l->host);
	memcpy(l->region, c->region, sizeof l->region);
	pthread_mutex_unlock(&c->lock);
}

/* What S3 is told of the body's hash. */
static bool
payload(const struct cloud_line *l, const struct exchange *x, char hex[65],
    const char **to, struct err *e)
{
	uint8_t hash[HASH_SHA256_LEN];

	*to = x->body.len == 0 ? SIGN_EMPTY : SIGN_UNSIGNED;
	if (l->cloud->place->dialect != PLACE_S3 || x->body.len == 0 ||
	    (x->bulk && l->cloud->place->tls))
		return true;
	if (*hex == '\0') {
		if (!hash_sha256(x->body.ptr, x->body.len, hash, e))
			return false;
		hash_hex(hash, sizeof hash, hex);
	}
	*to = hex;
	return true;
}

/* Sign the request and write it out, as URL and header lines. */
static bool
prepare(struct cloud_line *l, const struct sign_request *request,
    const char *hash, struct err *e)
{
	const struct cloud *c = l->cloud;
	struct sign_terms terms = {
		.key = l->key.key,
		.now = (int64_t)time(NULL) + l->signed_skew_ms / 1000,
		.early = 60,
		.lasts = 3600,
		.region = l->region,
		.payload = hash,
	};

	text_clear(&l->target);
	text_clear(&l->url);
	text_clear(&l->lines);
	if (!sign_target(request, &l->target, e) ||
	    !c->dialect->sign(request, &terms, &l->added, e))
		return false;
	text_putf(&l->url, "%s://%s%s", c->place->tls ? "https" : "http",
	    l->host, text_get(&l->target));
	for (size_t i = 0; i < request->n_headers; i++) {
		text_putf(&l->lines, "%s: %s", request->headers[i].name,
		    request->headers[i].value);
		text_put_bytes(&l->lines, "", 1);
	}
	for (size_t i = 0; i < l->added.n; i++)
		text_put_bytes(
		    &l->lines, l->added.line[i], strlen(l->added.line[i]) + 1);
	return text_ok(&l->url, e) && text_ok(&l->lines, e);
}

/* The headers that every request has, in front of its own. */
static size_t
all_headers(struct cloud_line *l, const struct exchange *x,
    struct sign_pair *to, char length[24])
{
	size_t n = 0;

	to[n++] = (struct sign_pair){ "host", l->host };
	if (strcmp(x->method, "PUT") == 0 || strcmp(x->method, "POST") == 0) {
		snprintf(length, 24, "%zu", x->body.len);
		to[n++] = (struct sign_pair){ "content-length", length };
	}
	if (l->retry.tries > 1 && l->cloud->dialect->retried != NULL)
		to[n++] =
		    (struct sign_pair){ l->cloud->dialect->retried, "true" };
	for (size_t i = 0; i < x->n_headers; i++)
		to[n++] = x->headers[i];
	return n;
}

/* Send what was prepared. */
static enum http_got
send_it(struct cloud_line *l, const struct exchange *x, struct err *e)
{
	const char *lines[EXCHANGE_HEADERS + 3 + SIGN_ADDED_MAX];
	struct http_request request = {
		.method = x->method,
		.url = text_get(&l->url),
		.headers = lines,
		.body = x->body,
		.take = x->take,
		.arg = x->arg,
		.reply_max = x->reply_max,
		.deadline_ms = x->take != NULL ? 0 : retry_left_ms(&l->retry),
		.trickle = x->trickle,
		.past_stop = l->past_stop,
		.grace_ms = x->grace_ms,
		.cancel = l->cancel,
	};

	for (size_t at = 0;
	     at < l->lines.len && request.n_headers < COUNT_OF(lines);
	     at += strlen(l->lines.ptr + at) + 1)
		lines[request.n_headers++] = l->lines.ptr + at;
	return http_do(l->http, &request, &l->reply, e);
}

/* A reply came: is it good, and what else if not? */
static bool
judge(struct cloud_line *l, const struct exchange *x, enum retry_what *what,
    struct err *e)
{
	struct retry_outcome o = { .status = l->reply.status };
	bool success = l->reply.status / 100 == 2;

	complaint_read(&l->said, l->cloud->dialect, l->http, l->reply.status,
	    l->reply.body);
	if (success && l->said.code[0] == '\0') {
		*what = RETRY_LATER;
		return x->good == NULL || x->good(x->arg, l, what, e);
	}
	l->skew_ms = l->reply.clock_skew_ms - l->signed_skew_ms;
	o.code = l->said.code;
	o.message = l->said.message;
	o.from_store = l->said.from_store || success;
	o.dated = l->reply.dated;
	o.skew_ms = l->skew_ms;
	*what = retry_meaning(&o);
	if (success || l->reply.status >= 500 || *what == RETRY_CONFLICT ||
	    !o.from_store)
		l->maybe = true;
	return complaint_say(&l->said, l->skew_ms, e);
}

/* Nobody took the connection.  A store that has answered before will be back;
 * one that never did may be a name that was typed wrong. */
static enum retry_what
nowhere(struct cloud_line *l)
{
	struct cloud *c = l->cloud;
	bool answered;

	pthread_mutex_lock(&c->lock);
	answered = c->answered;
	if (c->nowhere_ms == 0)
		c->nowhere_ms = clock_steady();
	l->retry.nowhere_ms = c->nowhere_ms;
	pthread_mutex_unlock(&c->lock);
	return answered ? RETRY_LATER : RETRY_NOWHERE;
}

static void
note_answer(struct cloud *c)
{
	pthread_mutex_lock(&c->lock);
	c->answered = true;
	pthread_mutex_unlock(&c->lock);
}

/* One try.  False, with e filled: *what says what to do. */
static bool
try_once(struct cloud_line *l, const struct exchange *x, char hex[65],
    enum retry_what *what, struct err *e)
{
	struct sign_pair headers[EXCHANGE_HEADERS + 3];
	struct sign_request request = { .method = x->method,
		.params = x->params,
		.n_params = x->n_params,
		.headers = headers };
	char *path = place_path(l->cloud->place, x->key), length[24];
	const char *hash;
	bool ok;

	memset(&l->said, 0, sizeof l->said);
	*what = RETRY_NEVER;
	if (path == NULL)
		return err_sys(e, "cannot ask the store");
	credential_release(&l->key);
	look(l);
	request.path = path;
	request.n_headers = all_headers(l, x, headers, length);
	ok = credentials_get(l->cloud->credentials, &l->key, e) &&
	    payload(l, x, hex, &hash, e) && prepare(l, &request, hash, e);
	free(path);
	if (!ok)
		return false;
	switch (send_it(l, x, e)) {
	case HTTP_REPLY:
		note_answer(l->cloud);
		return judge(l, x, what, e);
	case HTTP_LOST:
		l->maybe = l->maybe || !l->reply.unreached;
		*what = l->reply.unreached ? nowhere(l) : RETRY_LATER;
		return false;
	default:
		l->maybe = true;
		return false;
	}
}

/* --- between tries --- */

static bool
repair_clock(struct cloud_line *l)
{
	struct cloud *c = l->cloud;

	int64_t theirs = clock_wall() + l->reply.clock_skew_ms;

	if (!l->reply.dated || theirs < CLOCK_LOW || theirs > CLOCK_HIGH)
		return false;
	pthread_mutex_lock(&c->lock);
	c->skew_ms = l->reply.clock_skew_ms;
	pthread_mutex_unlock(&c->lock);
	return true;
}

/* The store named another region: sign for it, and ask there. */
static bool
repair_region(struct cloud_line *l)
{
	struct cloud *c = l->cloud;
	const char *region = l->said.region;
	char *host;

	if (c->place->dialect != PLACE_S3 || *region == '\0' ||
	    strcmp(region, l->region) == 0 ||
	    region[strspn(region, "abcdefghijklmnopqrstuvwxyz0123456789-")] !=
		'\0' ||
	    (host = place_host_in(c->place, region)) == NULL)
		return false;
	pthread_mutex_lock(&c->lock);
	snprintf(c->region, sizeof c->region, "%s", region);
	if (*host != '\0')
		snprintf(c->host, sizeof c->host, "%s", host);
	pthread_mutex_unlock(&c->lock);
	free(host);
	return true;
}

/* Another key than the refused one?  The environment's never changes. */
static bool
repair_token(struct cloud_line *l)
{
	struct credentials *who = l->cloud->credentials;
	struct credential next = { 0 };
	const struct sign_key *a = &l->key.key, *b = &next.key;
	struct err ignored;
	bool other;

	if (!credentials_renew(who, &l->key, &ignored) ||
	    !credentials_get(who, &next, &ignored))
		return false;
	other = strcmp(a->id, b->id) != 0 ||
	    strcmp(a->token != NULL ? a->token : "",
		b->token != NULL ? b->token : "") != 0;
	credential_release(&next);
	return other;
}

/* The error of the last try stays the one to tell, if this cannot help. */
static bool
repair(struct cloud_line *l, enum retry_what what)
{
	switch (what) {
	case RETRY_CLOCK:
		return repair_clock(l);
	case RETRY_REGION:
		return repair_region(l);
	case RETRY_TOKEN:
		return repair_token(l);
	default:
		return true;
	}
}

/* For how long a store that is busy wants to be left alone. */
static int64_t
asked_ms(const struct cloud_line *l)
{
	if (l->reply.status != 429 && l->reply.status != 503)
		return 0;
	return retry_asked(http_header(l->http, "retry-after"),
	    l->reply.dated ? l->reply.clock_skew_ms : 0);
}

bool
exchange_blame(
    const struct cloud_line *l, const struct exchange *x, struct err *e)
{
	char *url = place_url(l->cloud->place, x->key), shown[200];
	unsigned tries = l->retry.tries;

	err_quote(shown, sizeof shown, url == NULL ? "" : url,
	    url == NULL ? 0 : strcspn(url, "?"));
	free(url);
	if (tries > 1 && e->kind != ERR_SIGNAL) {
		size_t n = strlen(e->text);

		if (n > 0 && e->text[n - 1] == ')' && n < sizeof e->text - 16)
			snprintf(e->text + n - 1, sizeof e->text - n + 1,
			    ", %u tries)", tries);
		else if (n < sizeof e->text - 16)
			snprintf(e->text + n, sizeof e->text - n, " (%u tries)",
			    tries);
	}
	return err_in(e, "%s %s", x->doing, shown);
}

bool
exchange_run(struct cloud_line *l, struct exchange *x, struct err *e)
{
	const struct cloud_options *o = &l->cloud->options;
	enum retry_what what;
	char hex[65] = "";
	int64_t wait_ms;

	retry_begin(&l->retry, o->tries,
	    l->deadline_ms > 0 ? l->deadline_ms : o->deadline_ms,
	    o->backoff_ms);
	l->retry.deadline_ms += (int64_t)(x->body.len / SLOWEST);
	l->maybe = false;
	for (;;) {
		if (x->before != NULL && !x->before(x->arg))
			return true;
		l->retry.tries++;
		memset(&l->reply, 0, sizeof l->reply);
		if (try_once(l, x, hex, &what, e))
			return true;
		/* A kept connection had died unseen: nobody's failure. */
		if (what == RETRY_LATER && l->reply.stale &&
		    l->retry.fresh++ < 2) {
			l->retry.tries--;
			continue;
		}
		if (what == RETRY_SLOW && o->slow != NULL)
			o->slow(o->slow_arg);
		if (!retry_again(&l->retry, what, asked_ms(l), &wait_ms) ||
		    !repair(l, what))
			break;
		if (!retry_pause(wait_ms, l->past_stop, l->cancel, e))
			break;
	}
	return exchange_blame(l, x, e);
}
