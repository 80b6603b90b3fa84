/*
 * exchange.h -- one operation on a store, with all its tries.
 *
 * What cloud.h promises of every operation is done here, once: signing anew,
 * repairing clock, token and region, waiting, giving up, and the words for
 * it.  Private to cloud*.c, who describe operations and read good replies.
 */
#ifndef STORE_EXCHANGE_H
#define STORE_EXCHANGE_H

#include <pthread.h>

#include "stages/store/cloud.h"
#include "stages/store/complaint.h"
#include "stages/store/credentials.h"
#include "stages/store/dialect.h"
#include "stages/store/retry.h"

#define EXCHANGE_PARAMS  8
#define EXCHANGE_HEADERS 24

struct cloud {
	const struct place *place;
	const struct dialect *dialect;
	struct credentials *credentials;
	struct cloud_options options;
	char customer_key[64], customer_md5[32]; /* base64; "" */
	pthread_mutex_t lock;
	/* Under the lock: what was learnt from the store. */
	bool answered;      /* it has, at least once: it is there */
	int64_t nowhere_ms; /* when it was first not (a steady clock), or 0 */
	int64_t skew_ms;
	char region[64];
	char host[320];
};

struct cloud_line {
	struct cloud *cloud;
	struct http *http;
	const atomic_bool *cancel;
	bool past_stop;
	int64_t deadline_ms;

	/* Of the operation at hand. */
	struct retry retry;
	struct http_reply reply;
	struct complaint said; /* of the last try */
	bool maybe;            /* a try failed that may have been carried out
				  all the same */
	int64_t skew_ms;       /* the server's clock less what we signed by */

	/* Of the try at hand. */
	struct credential key;
	int64_t signed_skew_ms;
	struct sign_added added;
	struct text target, url, lines;
	char host[320], region[64];
};

struct exchange {
	const char *doing; /* "put part 3 of" */
	const char *method;
	const char *key; /* "": the bucket */
	struct sign_pair params[EXCHANGE_PARAMS];
	size_t n_params;
	struct sign_pair headers[EXCHANGE_HEADERS];
	size_t n_headers;
	struct span body;
	int64_t grace_ms; /* see http.h */
	bool bulk;        /* S3 over TLS: the body is too much to hash */

	/* Called before every try, to change what is asked for.  False: all is
	 * done, there is nothing left to ask.  May be NULL. */
	bool (*before)(void *arg);

	/* See http.h; with take there is no deadline but that things move. */
	http_take *take;
	size_t reply_max;
	bool trickle;

	/*
	 * A 2xx reply came: is it good?  False, with e filled: *what says
	 * what to do.  NULL: it is.  arg is also that of take and before.
	 */
	bool (*good)(void *arg, struct cloud_line *, enum retry_what *what,
	    struct err *);
	void *arg;
};

void exchange_param(struct exchange *, const char *name, const char *value);
/* A header, unless its name or value is NULL or "". */
void exchange_header(struct exchange *, const char *name, const char *value);
/* The headers of a customer's key. */
void exchange_customer(struct exchange *, const struct cloud *);

/* Do it for good.  On failure line->said is what the store said last, with
 * status 0 when there was no reply. */
MUST_USE bool exchange_run(
    struct cloud_line *, struct exchange *, struct err *);

/* "doing cos://b/k" in front of an error, and how often it was tried. */
bool exchange_blame(
    const struct cloud_line *, const struct exchange *, struct err *);

#endif
