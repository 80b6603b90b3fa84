/*
 * http.h -- one HTTP request at a time, on a handle that one thread owns.
 *
 * The only user of libcurl.  A handle keeps its connection alive (HTTP/1.1)
 * between requests; several threads have several handles.  A call blocks
 * until the reply is complete or lost, and never for ever: there are limits
 * for connecting, for silence and for the whole; stop_check() is asked about
 * once a second.
 *
 *	http_begin()			once, by the thread that starts others
 *	http_new()
 *	http_do(); http_header() ...	any number of times
 *	http_free()
 *
 * Redirects are never followed, for signatures are made for one host; no
 * .netrc, no cookies, no compression.  Servers must prove who they are (TLS
 * 1.2 and up).  Proxies are those of the environment, as with curl itself:
 * http_proxy, HTTPS_PROXY, ALL_PROXY, and NO_PROXY, which a private endpoint
 * should be named in.
 */
#ifndef STORE_HTTP_H
#define STORE_HTTP_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "stages/kit/err.h"
#include "stages/kit/span.h"

struct http;

/* All zero is the plain way. */
struct http_options {
	const char *ca;     /* file of trusted authorities; NULL: the system's;
			       borrowed as long as the handle lives */
	int64_t connect_ms; /* to connect, TLS included; 0: 10 s */
	int64_t stall_ms;   /* less than 1 KiB/s for so long is a stall; 0:
			       30 s */
	int64_t answer_ms;  /* from the last byte sent to the first one of the
			       reply; 0: 120 s */
	bool direct;        /* no proxy, whatever the environment says */
};

/* The reply's body in pieces.  False, with e filled, ends the request. */
typedef bool http_take(void *arg, struct span piece, struct err *e);

struct http_request {
	const char *method; /* "GET" "HEAD" "PUT" "POST" "DELETE" */
	const char *url;    /* whole and encoded: it is sent as it stands */
	const char *const *headers; /* whole lines, "name: value" */
	size_t n_headers;
	struct span body; /* PUT and POST; sent with its length */

	/*
	 * Where the body of a 2xx reply goes; http_status() and http_header()
	 * may be asked inside.  NULL, and all other replies: into a buffer of
	 * at most reply_max bytes (0: 1 MiB), what is more is an error.
	 */
	http_take *take;
	void *arg;
	size_t reply_max;

	int64_t deadline_ms;       /* for all of it; 0: none */
	bool trickle;              /* any byte within answer_ms is no stall, and
				      the first may take thrice that: a
				      store that sends blanks as it works */
	bool past_stop;            /* go on although we were asked to stop: for
				      cleaning up */
	int64_t grace_ms;          /* when asked to stop, wait so long for the
				      answer: it names what was begun */
	const atomic_bool *cancel; /* give up (HTTP_FAILED) when it becomes
				      true; may be NULL */
};

enum http_got {
	HTTP_REPLY, /* a whole reply, of any status */
	HTTP_LOST,  /* none, or a part of one: worth another try */
	HTTP_FAILED /* another try cannot help: bad certificate, asked to stop,
		       take() said so, no memory */
};

struct http_reply {
	int status;
	struct span body;      /* on loan until the next call */
	char address[64];      /* whom we spoke to: "10.0.0.7"; "" */
	bool sent, answered;   /* LOST: all of the request went out; a first
				     byte of the reply came in */
	int64_t clock_skew_ms; /* server's Date less our clock, if dated */
	bool dated;
	bool stale;     /* LOST: a connection kept from before broke unanswered:
		       it had died unseen, and nobody failed */
	bool unreached; /* LOST: there was no connection at all: no such name,
			   refused, no route, nobody answered */
};

/* Before any thread: libcurl wants it.  May be called again. */
MUST_USE bool http_begin(struct err *);

struct http *http_new(const struct http_options *, struct err *);
void http_free(struct http *);

/*
 * Do it.  Fills *reply in all three cases; e unless HTTP_REPLY.  Errors are
 * ERR_REMOTE and name the host, never the URL's query or a header.
 */
MUST_USE enum http_got http_do(struct http *, const struct http_request *,
    struct http_reply *reply, struct err *e);

/* Of the reply at hand: a header by name, any case, NULL: none.  The last of
 * several.  Good until the next call. */
const char *http_header(const struct http *, const char *name);
int http_status(const struct http *);

/* A date as HTTP writes it, milliseconds since 1970. */
MUST_USE bool http_date(const char *text, int64_t *ms);

/* Drop the connection, so that the next request begins on a fresh one. */
void http_drop(struct http *);

#endif
