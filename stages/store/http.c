/*
 * http.c -- one request through libcurl's easy interface; see http.h.
 *
 * libcurl is told as little as possible: it keeps the connection, frames
 * requests and replies, and speaks TLS.  How long to wait is decided here, in
 * one function that libcurl calls at every turn and once a second.
 */
#include "stages/store/http.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include <curl/curl.h>

#include "stages/kit/clock.h"
#include "stages/kit/stop.h"

#define REPLY_MAX   (1024 * 1024)
#define HEADERS_MAX (64 * 1024)
#define STALL_RATE  1024 /* bytes a second */

/* Why we ended a request ourselves. */
enum ended {
	ENDED_NOT,
	ENDED_STOP,     /* a signal, or cancel */
	ENDED_TAKE,     /* take() said so */
	ENDED_DEADLINE, /* all the time there was is over */
	ENDED_STALL,    /* too little moved */
	ENDED_SILENCE,  /* no answer */
	ENDED_LONG,     /* more reply than we keep */
	ENDED_MEMORY
};

struct http {
	CURL *curl;
	const char *ca; /* borrowed, see http_options */
	int64_t connect_ms, stall_ms, answer_ms;
	bool fresh; /* the next request wants a new connection */

	/* The request under way. */
	const struct http_request *request;
	struct err *e;
	enum ended ended;
	size_t body_at; /* of the body, handed to libcurl */
	int64_t began_ms, window_ms;
	int64_t stop_ms; /* when we were asked to stop; 0: not yet */
	uint64_t moved, window_moved; /* bytes, both ways */

	/* The reply at hand. */
	int status;
	char *headers; /* lines, each ended by NUL */
	size_t headers_len;
	uint8_t *reply;
	size_t reply_len, reply_cap;
	char why[CURL_ERROR_SIZE];
};

/* --- what libcurl calls --- */

static size_t
on_send(char *to, size_t size, size_t n, void *arg)
{
	struct http *h = arg;
	size_t left = h->request->body.len - h->body_at;

	if (left < (n *= size))
		n = left;
	if (n > 0)
		memcpy(to, h->request->body.ptr + h->body_at, n);
	h->body_at += n;
	return n;
}

/* A kept connection turned out dead: libcurl sends all again. */
static int
on_rewind(void *arg, curl_off_t at, int origin)
{
	struct http *h = arg;

	if (origin != SEEK_SET || at < 0 || (uint64_t)at > h->request->body.len)
		return CURL_SEEKFUNC_FAIL;
	h->body_at = (size_t)at;
	return CURL_SEEKFUNC_OK;
}

/* Every header line; one that begins with "HTTP/" begins a reply anew, for
 * there may be a "100 Continue" before the one that counts. */
static size_t
on_header(char *line, size_t size, size_t n, void *arg)
{
	struct http *h = arg;
	size_t len = n *= size;

	h->moved += n;
	while (len > 0 && strchr("\r\n \t", line[len - 1]) != NULL)
		len--;
	if (n >= 5 && memcmp(line, "HTTP/", 5) == 0) {
		const char *status = memchr(line, ' ', len);

		if (h->status == 0) /* the wait for it was no stall */
			h->window_ms = clock_steady();
		h->headers_len = 0;
		h->status = status == NULL ? 0 : atoi(status);
		return n;
	}
	if (len == 0)
		return n;
	if (h->headers_len + len + 1 > HEADERS_MAX) {
		h->ended = ENDED_LONG;
		return 0;
	}
	memcpy(h->headers + h->headers_len, line, len);
	h->headers_len += len;
	h->headers[h->headers_len++] = '\0';
	return n;
}

/* Keep a piece of the reply, up to what the request allows. */
static bool
reply_keep(struct http *h, const void *p, size_t n)
{
	size_t max = h->request->reply_max;
	uint8_t *grown;
	size_t cap;

	if (max == 0)
		max = REPLY_MAX;
	if (n > max - h->reply_len) {
		h->ended = ENDED_LONG;
		return false;
	}
	if (h->reply_len + n > h->reply_cap) {
		cap = 2 * (h->reply_len + n);
		if ((grown = realloc(h->reply, cap)) == NULL) {
			h->ended = ENDED_MEMORY;
			return false;
		}
		h->reply = grown;
		h->reply_cap = cap;
	}
	memcpy(h->reply + h->reply_len, p, n);
	h->reply_len += n;
	return true;
}

/* A piece of the body.  Time spent by the taker is no stall of the store. */
static size_t
on_body(char *p, size_t size, size_t n, void *arg)
{
	struct http *h = arg;
	int64_t before, spent;
	bool ok;

	n *= size;
	h->moved += n;
	if (h->request->take == NULL || h->status / 100 != 2)
		return reply_keep(h, p, n) ? n : 0;
	before = clock_steady();
	ok = h->request->take(
	    h->request->arg, (struct span){ (const uint8_t *)p, n }, h->e);
	spent = clock_steady() - before;
	h->window_ms += spent;
	h->began_ms += spent;
	if (!ok)
		h->ended = ENDED_TAKE;
	return ok ? n : 0;
}

/* Whether so little moved that waiting longer is no use. */
static enum ended
stalled(struct http *h, int64_t now, uint64_t sent)
{
	const struct http_request *r = h->request;
	uint64_t moved = h->moved + sent;
	bool sending = sent < r->body.len, any = r->trickle && !sending;
	int64_t quiet = now - h->window_ms;
	int64_t limit = h->stall_ms;

	if (!sending && h->status == 0) {
		if (moved != h->window_moved) { /* the last byte just went */
			h->window_moved = moved;
			h->window_ms = now;
		}
		limit = r->trickle ? 3 * h->answer_ms : h->answer_ms;
		return quiet < limit ? ENDED_NOT : ENDED_SILENCE;
	}
	if (any)
		limit = h->answer_ms;
	else if (moved == 0)
		limit += h->connect_ms;
	if (any && moved == h->window_moved)
		return quiet < limit ? ENDED_NOT : ENDED_STALL;
	if (!any && quiet < limit)
		return ENDED_NOT;
	if (!any &&
	    (moved - h->window_moved) * 1000 < STALL_RATE * (uint64_t)limit)
		return ENDED_STALL;
	h->window_ms = now;
	h->window_moved = moved;
	return ENDED_NOT;
}

/* We were asked to stop, and have waited as long as the request may. */
static bool
grace_over(struct http *h, int64_t now)
{
	struct err e;

	if (stop_check(&e))
		return false;
	if (h->stop_ms == 0)
		h->stop_ms = now;
	if (now - h->stop_ms < h->request->grace_ms)
		return false;
	*h->e = e;
	return true;
}

static int
on_turn(void *arg, curl_off_t down_all, curl_off_t down, curl_off_t up_all,
    curl_off_t up)
{
	struct http *h = arg;
	const struct http_request *r = h->request;
	int64_t now = clock_steady();

	(void)down_all;
	(void)down;
	(void)up_all;
	if (h->ended != ENDED_NOT)
		return 1; /* and the reason stays what it was */
	if (!r->past_stop && grace_over(h, now)) {
		h->ended = ENDED_STOP;
	} else if (r->cancel != NULL && atomic_load(r->cancel)) {
		err_set(h->e, ERR_REMOTE, "called off");
		h->ended = ENDED_STOP;
	} else if (r->deadline_ms > 0 && now - h->began_ms >= r->deadline_ms) {
		h->ended = ENDED_DEADLINE;
	} else {
		h->ended = stalled(h, now, (uint64_t)up);
	}
	return h->ended != ENDED_NOT;
}

/* --- handles --- */

static CURLcode global;

static void
global_init(void)
{
	global = curl_global_init(CURL_GLOBAL_DEFAULT);
}

bool
http_begin(struct err *e)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;

	pthread_once(&once, global_init);
	return global == CURLE_OK ||
	    err_set(e, ERR_SYSTEM, "cannot begin with libcurl: %s",
		curl_easy_strerror(global));
}

/* What holds for every request of a handle. */
static bool
handle_set(struct http *h, const struct http_options *o)
{
	CURL *c = h->curl;
	bool ok = true;

#define SET(option, value) \
	ok = curl_easy_setopt(c, option, value) == CURLE_OK && ok
	SET(CURLOPT_ERRORBUFFER, h->why);
	SET(CURLOPT_NOSIGNAL, 1L);
	SET(CURLOPT_PROTOCOLS_STR, "http,https");
	SET(CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
	SET(CURLOPT_PATH_AS_IS, 1L);
	SET(CURLOPT_FOLLOWLOCATION, 0L);
	SET(CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L); /* no answer of the store */
	SET(CURLOPT_NETRC, (long)CURL_NETRC_IGNORED);
	SET(CURLOPT_USERAGENT, "rdbpipe/" RDBPIPE_VERSION);
	SET(CURLOPT_CONNECTTIMEOUT_MS, (long)h->connect_ms);
	SET(CURLOPT_TCP_KEEPALIVE, 1L);
	SET(CURLOPT_DNS_SHUFFLE_ADDRESSES, 1L);
	SET(CURLOPT_UPLOAD_BUFFERSIZE, 512 * 1024L);
	SET(CURLOPT_BUFFERSIZE, 256 * 1024L);
	SET(CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
	SET(CURLOPT_SSL_VERIFYPEER, 1L);
	SET(CURLOPT_SSL_VERIFYHOST, 2L);
	if (o->ca != NULL) {
		SET(CURLOPT_CAINFO, o->ca);
		SET(CURLOPT_CAPATH, NULL);
	}
	if (o->direct)
		SET(CURLOPT_NOPROXY, "*");
	SET(CURLOPT_READFUNCTION, on_send);
	SET(CURLOPT_READDATA, h);
	SET(CURLOPT_SEEKFUNCTION, on_rewind);
	SET(CURLOPT_SEEKDATA, h);
	SET(CURLOPT_HEADERFUNCTION, on_header);
	SET(CURLOPT_HEADERDATA, h);
	SET(CURLOPT_WRITEFUNCTION, on_body);
	SET(CURLOPT_WRITEDATA, h);
	SET(CURLOPT_NOPROGRESS, 0L);
	SET(CURLOPT_XFERINFOFUNCTION, on_turn);
	SET(CURLOPT_XFERINFODATA, h);
#undef SET
	return ok;
}

struct http *
http_new(const struct http_options *o, struct err *e)
{
	struct http *h = calloc(1, sizeof *h);

	if (h == NULL || (h->headers = malloc(HEADERS_MAX)) == NULL) {
		err_sys(e, "cannot make an HTTP client");
		http_free(h);
		return NULL;
	}
	h->ca = o->ca;
	h->connect_ms = o->connect_ms > 0 ? o->connect_ms : 10000;
	h->stall_ms = o->stall_ms > 0 ? o->stall_ms : 30000;
	h->answer_ms = o->answer_ms > 0 ? o->answer_ms : 120000;
	if ((h->curl = curl_easy_init()) == NULL || !handle_set(h, o)) {
		err_set(e, ERR_SYSTEM,
		    "cannot make an HTTP client: libcurl lacks something");
		http_free(h);
		return NULL;
	}
	return h;
}

void
http_free(struct http *h)
{
	if (h == NULL)
		return;
	if (h->curl != NULL)
		curl_easy_cleanup(h->curl);
	free(h->headers);
	free(h->reply);
	free(h);
}

void
http_drop(struct http *h)
{
	h->fresh = true;
}

/* --- a request --- */

static bool
list_add(struct curl_slist **list, const char *line)
{
	struct curl_slist *longer = curl_slist_append(*list, line);

	if (longer == NULL)
		return false;
	*list = longer;
	return true;
}

/* The request's header lines, and those that libcurl is to leave out.  For
 * libcurl "name:" means leave out, "name;" means empty. */
static bool
request_headers(const struct http_request *r, struct curl_slist **list)
{
	bool typed = false, ok = true;

	for (size_t i = 0; ok && i < r->n_headers; i++) {
		const char *line = r->headers[i];
		size_t n = strcspn(line, ":");
		char name[128];

		if (n == 12 && strncasecmp(line, "content-type", n) == 0)
			typed = true;
		if (strspn(line + n, ": ") < strlen(line + n)) {
			ok = list_add(list, line);
			continue;
		}
		snprintf(name, sizeof name, "%.*s;", (int)n, line);
		ok = list_add(list, name);
	}
	return ok && list_add(list, "Expect:") && list_add(list, "Accept:") &&
	    (typed || list_add(list, "Content-Type:"));
}

/* The method, and whether a body goes with it. */
static void
request_method(CURL *c, const struct http_request *r)
{
	curl_off_t len = (curl_off_t)r->body.len;

	curl_easy_setopt(c, CURLOPT_CUSTOMREQUEST, NULL);
	curl_easy_setopt(c, CURLOPT_NOBODY, 0L);
	curl_easy_setopt(c, CURLOPT_HTTPGET, 1L);
	if (strcmp(r->method, "HEAD") == 0) {
		curl_easy_setopt(c, CURLOPT_NOBODY, 1L);
	} else if (strcmp(r->method, "PUT") == 0) {
		curl_easy_setopt(c, CURLOPT_UPLOAD, 1L);
		curl_easy_setopt(c, CURLOPT_INFILESIZE_LARGE, len);
	} else if (strcmp(r->method, "POST") == 0) {
		curl_easy_setopt(c, CURLOPT_POST, 1L);
		curl_easy_setopt(c, CURLOPT_POSTFIELDS, NULL);
		curl_easy_setopt(c, CURLOPT_POSTFIELDSIZE_LARGE, len);
	} else if (strcmp(r->method, "GET") != 0) {
		curl_easy_setopt(c, CURLOPT_CUSTOMREQUEST, r->method);
	}
}

static void
request_begin(struct http *h, const struct http_request *r, struct err *e)
{
	h->request = r;
	h->e = e;
	h->ended = ENDED_NOT;
	h->body_at = 0;
	h->moved = h->window_moved = 0;
	h->began_ms = h->window_ms = clock_steady();
	h->stop_ms = 0;
	h->status = 0;
	h->headers_len = 0;
	h->reply_len = 0;
	h->why[0] = '\0';
	curl_easy_setopt(h->curl, CURLOPT_FRESH_CONNECT, h->fresh ? 1L : 0L);
	h->fresh = false;
}

/* Scheme and host of a URL: all of it that a message may show. */
static void
url_host(char *to, size_t cap, const char *url)
{
	const char *host = strstr(url, "://");

	host = host == NULL ? url : host + 3;
	err_quote(to, cap, host, strcspn(host, "/?"));
}

/* We ended it: say why. */
static enum http_got
blame_us(struct http *h, const char *host, struct err *e)
{
	switch (h->ended) {
	case ENDED_DEADLINE:
		err_set(e, ERR_REMOTE, "%s: not done in time", host);
		return HTTP_LOST;
	case ENDED_STALL:
		err_set(e, ERR_REMOTE, "%s: the connection stalled", host);
		return HTTP_LOST;
	case ENDED_SILENCE:
		err_set(e, ERR_REMOTE, "%s: no answer within %lld s", host,
		    (long long)((h->request->trickle ? 3 : 1) * h->answer_ms +
			999) /
			1000);
		return HTTP_LOST;
	case ENDED_LONG:
		err_set(e, ERR_REMOTE,
		    "%s: the reply is longer than any we expect", host);
		return HTTP_LOST;
	case ENDED_MEMORY:
		err_set(e, ERR_SYSTEM, "out of memory for a reply");
		return HTTP_FAILED;
	default: /* stop and take have filled it */
		return HTTP_FAILED;
	}
}

/* What libcurl says of failures that no further try can mend. */
static bool
is_hopeless(CURLcode code)
{
	switch (code) {
	case CURLE_PEER_FAILED_VERIFICATION:
	case CURLE_SSL_CERTPROBLEM:
	case CURLE_SSL_CIPHER:
	case CURLE_SSL_ISSUER_ERROR:
	case CURLE_URL_MALFORMAT:
	case CURLE_OUT_OF_MEMORY:
	case CURLE_FAILED_INIT:
	case CURLE_BAD_FUNCTION_ARGUMENT:
		return true;
	default:
		return false;
	}
}

/* Nobody was spoken to: not one byte of the request went out. */
static bool
is_nowhere(CURLcode code)
{
	/* The only limit of libcurl's own that we set is that to connect. */
	return code == CURLE_COULDNT_RESOLVE_HOST ||
	    code == CURLE_COULDNT_RESOLVE_PROXY ||
	    code == CURLE_COULDNT_CONNECT || code == CURLE_OPERATION_TIMEDOUT;
}

/* What a proxy said that would not let us through to the host; else 0. */
static long
proxy_refusal(struct http *h)
{
	long status = 0;

	curl_easy_getinfo(h->curl, CURLINFO_HTTP_CONNECTCODE, &status);
	return h->status == 0 && status / 100 != 2 ? status : 0;
}

/* Our words for what is met every day; NULL: libcurl's own. */
static const char *
words_of(CURLcode code, bool answered)
{
	switch (code) {
	case CURLE_COULDNT_RESOLVE_HOST:
		return "the name is not known";
	case CURLE_COULDNT_RESOLVE_PROXY:
		return "the proxy's name is not known";
	case CURLE_COULDNT_CONNECT:
		return "cannot connect";
	case CURLE_OPERATION_TIMEDOUT:
		return "cannot connect in time";
	case CURLE_GOT_NOTHING:
		return "closed the connection without an answer";
	case CURLE_SEND_ERROR:
	case CURLE_RECV_ERROR:
		return answered ? "the connection broke within the reply" :
				  "the connection broke";
	case CURLE_PARTIAL_FILE:
		return "the reply was cut short";
	case CURLE_OK: /* headers that end in no status of their own */
	case CURLE_UNSUPPORTED_PROTOCOL:
	case CURLE_WEIRD_SERVER_REPLY:
		return "the reply is no HTTP/1.1";
	default:
		return NULL;
	}
}

static enum http_got
blame(struct http *h, CURLcode code, struct err *e)
{
	char host[128], why[256];
	const char *words;

	url_host(host, sizeof host, h->request->url);
	if (h->ended != ENDED_NOT)
		return blame_us(h, host, e);
	if (code == CURLE_SSL_CACERT_BADFILE) {
		err_set(e, ERR_USAGE,
		    "%s: the file of trusted authorities cannot be read, or "
		    "holds no certificate",
		    h->ca != NULL ? h->ca : "the system's");
		return HTTP_FAILED;
	}
	if (proxy_refusal(h) != 0) {
		err_set(e, ERR_REMOTE,
		    "%s: the proxy does not let us through (status %ld)", host,
		    proxy_refusal(h));
		return HTTP_LOST;
	}
	words = h->why[0] != '\0' ? h->why : curl_easy_strerror(code);
	err_quote(why, sizeof why, words, strlen(words));
	if ((words = words_of(code, h->status != 0)) != NULL)
		err_set(e, ERR_REMOTE, "%s: %s", host, words);
	else if (code == CURLE_PEER_FAILED_VERIFICATION)
		err_set(e, ERR_REMOTE,
		    "%s: the certificate cannot be trusted: %s", host, why);
	else
		err_set(e, ERR_REMOTE, "%s: %s", host, why);
	return is_hopeless(code) ? HTTP_FAILED : HTTP_LOST;
}

static void
reply_fill(struct http *h, CURLcode code, bool lost, struct http_reply *reply)
{
	const char *date = http_header(h, "date");
	curl_off_t up = 0;
	char *address = NULL;
	long connects = 0, request = 0;
	int64_t ms;

	reply->status = h->status;
	reply->body = (struct span){ h->reply, h->reply_len };
	reply->answered = h->status != 0;
	curl_easy_getinfo(h->curl, CURLINFO_SIZE_UPLOAD_T, &up);
	curl_easy_getinfo(h->curl, CURLINFO_REQUEST_SIZE, &request);
	reply->sent = request > 0 && (uint64_t)up >= h->request->body.len;
	curl_easy_getinfo(h->curl, CURLINFO_PRIMARY_IP, &address);
	snprintf(reply->address, sizeof reply->address, "%s",
	    address == NULL ? "" : address);
	curl_easy_getinfo(h->curl, CURLINFO_NUM_CONNECTS, &connects);
	reply->stale = lost && h->ended == ENDED_NOT && h->status == 0 &&
	    connects == 0 && reply->address[0] != '\0';
	reply->unreached = lost && h->ended == ENDED_NOT &&
	    (is_nowhere(code) || proxy_refusal(h) != 0);
	if (date != NULL && http_date(date, &ms)) {
		reply->dated = true; /* whole seconds: half of one is lost */
		reply->clock_skew_ms = ms + 500 - clock_wall();
	}
}

enum http_got
http_do(struct http *h, const struct http_request *r, struct http_reply *reply,
    struct err *e)
{
	struct curl_slist *list = NULL;
	enum http_got got = HTTP_REPLY;
	CURLcode code = CURLE_OUT_OF_MEMORY;
	struct err ours;

	memset(reply, 0, sizeof *reply);
	memset(&ours, 0, sizeof ours);
	request_begin(h, r, &ours);
	request_method(h->curl, r);
	if (request_headers(r, &list) &&
	    curl_easy_setopt(h->curl, CURLOPT_URL, r->url) == CURLE_OK) {
		curl_easy_setopt(h->curl, CURLOPT_HTTPHEADER, list);
		code = curl_easy_perform(h->curl);
	}
	if (code != CURLE_OK || h->status == 0) {
		got = blame(h, code, &ours);
		*e = ours;
		h->fresh = true;
	}
	reply_fill(h, code, got == HTTP_LOST, reply);
	curl_easy_setopt(h->curl, CURLOPT_HTTPHEADER, NULL);
	curl_slist_free_all(list);
	h->request = NULL;
	return got;
}

/* --- the reply --- */

const char *
http_header(const struct http *h, const char *name)
{
	const char *found = NULL;
	size_t n = strlen(name);

	for (size_t at = 0; at < h->headers_len;
	     at += strlen(h->headers + at) + 1) {
		const char *line = h->headers + at;

		if (strncasecmp(line, name, n) == 0 && line[n] == ':')
			found = line + n + 1 + strspn(line + n + 1, " \t");
	}
	return found;
}

int
http_status(const struct http *h)
{
	return h->status;
}

bool
http_date(const char *text, int64_t *ms)
{
	time_t t = curl_getdate(text, NULL);

	if (t == -1)
		return false;
	*ms = (int64_t)t * 1000;
	return true;
}
