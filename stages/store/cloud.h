/*
 * cloud.h -- the operations of an object store, COS and S3 alike.
 *
 * Between the wire (http.h) and those who have a stream to put or to get
 * (multipart.h, ranges.h).  Every operation here is done for good or has
 * failed for good: it is signed anew for every try, tried again when that can
 * help, with full jitter (0.2 s doubling to 20 s), ten times at most and not
 * beyond a deadline; a wrong clock is set by the server's, a token that
 * expired is fetched anew, a region that was wrong is learnt.
 *
 *	cloud_open	once: a place, credentials, options; shared by threads
 *	cloud_line_new	per thread: a connection; all operations take one
 *	...
 *	cloud_line_free, cloud_close
 *
 * Errors are ERR_REMOTE and say what was done to which key, the store's own
 * code, message and request id, and how often it was tried:
 *
 *	put part 3 of cos://b-1/k: SlowDown: "..." (request NjQ..., 10 tries)
 *
 * or ERR_SIGNAL, when asked to stop.  Secrets are in no text.
 */
#ifndef STORE_CLOUD_H
#define STORE_CLOUD_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "stages/kit/err.h"
#include "stages/kit/span.h"
#include "stages/store/http.h"
#include "stages/store/place.h"

struct cloud;
struct cloud_line;
struct credentials;

#define CLOUD_ETAG_MAX 128
#define CLOUD_ID_META  "rdbpipe-id" /* x-cos-meta-..., x-amz-meta-... */
#define CLOUD_KEY_LEN  32           /* bytes of a customer's key */

/* All zero is the plain way.  Strings are borrowed as long as the cloud is
 * open. */
struct cloud_options {
	struct http_options http;
	unsigned tries;      /* of one operation; 0: 10 */
	int64_t deadline_ms; /* of one operation, all tries; 0: 15 min; and a
				second more for every 256 kB to send */
	int64_t backoff_ms;  /* the first wait is at most this; 0: 200 */

	/* Told of every SlowDown or like, from any thread, before the wait.
	 * May be NULL. */
	void (*slow)(void *arg);
	void *slow_arg;

	const uint8_t *customer_key; /* SSE-C: CLOUD_KEY_LEN bytes; over TLS
					only; NULL: none */
	int64_t traffic_limit; /* bit/s for each connection (COS); 0: none */
	bool md5;              /* send Content-MD5 with parts and puts */
};

enum cloud_sse { CLOUD_SSE_NONE, CLOUD_SSE_STORE, CLOUD_SSE_KMS };

/* What a new object is to be like; all zero is plain.  Borrowed. */
struct cloud_how {
	const char *id;            /* ours, into the metadata: it settles
				      whether a lost answer was a success */
	const char *storage_class; /* "STANDARD_IA" */
	enum cloud_sse sse;        /* the store's key, or KMS */
	const char *kms_key, *kms_context;
	const char *tags;         /* "k1=v1&k2=v2", encoded */
	const char *lock_mode;    /* "COMPLIANCE", with */
	const char *lock_until;   /* "2026-12-31T00:00:00.000Z" */
	const char *content_type; /* NULL: application/octet-stream */
	bool exclusive;           /* fail if the key exists */
};

struct cloud_number {
	bool known;
	uint64_t value;
};

/* An object as the store describes it. */
struct cloud_head {
	uint64_t size;
	int64_t modified_ms;       /* since 1970, UTC; 0: not told */
	struct cloud_number crc64; /* CRC-64/XZ of the whole */
	struct cloud_number nvme;  /* CRC-64/NVME, where the place wants it */
	char etag[CLOUD_ETAG_MAX]; /* with its quotes, as If-Match wants it */
	char id[128];              /* CLOUD_ID_META; "" */
	char storage_class[32];    /* "": standard */
	char archived[32];         /* "": can be read at once */
};

struct cloud_part {
	unsigned number; /* 1 to 10000 */
	uint64_t size;
	struct cloud_number crc64;
	struct cloud_number nvme; /* where the place wants it */
	char etag[CLOUD_ETAG_MAX];
};

/* A multipart upload that was begun.  Strings are borrowed. */
struct cloud_upload {
	const char *key, *upload_id;
};

/* One line of a listing; borrowed. */
struct cloud_entry {
	const char *key; /* or the common prefix, with its delimiter */
	bool is_prefix;
	const char *upload_id; /* of uploads, else NULL */
	uint64_t size;         /* of objects */
	int64_t modified_ms;   /* uploads: begun; 0: not told */
	const char *storage_class;
};

/* http_begin() is called here.  *cloud borrows place and credentials. */
MUST_USE bool cloud_open(struct cloud **, const struct place *,
    struct credentials *, const struct cloud_options *, struct err *);
void cloud_close(struct cloud *);
const struct place *cloud_place(const struct cloud *);

struct cloud_line *cloud_line_new(struct cloud *, struct err *);
void cloud_line_free(struct cloud_line *);

/*
 * Give up at once (ERR_REMOTE "called off") when *cancel becomes true, NULL:
 * never.  past_stop: go on although a signal asked us to stop: for abort.
 * deadline_ms: other than that of the options, 0: that one.
 */
void cloud_line_set(struct cloud_line *, const atomic_bool *cancel,
    bool past_stop, int64_t deadline_ms);

/* Whom the last request spoke to: "10.0.0.7". */
const char *cloud_line_address(const struct cloud_line *);

/* What time it is, milliseconds since 1970, by the clock of the store whose
 * answer is at hand; by ours, when it told none. */
int64_t cloud_line_clock(const struct cloud_line *);

/* Whether a try of the last operation failed, or had no answer, that may have
 * been carried out all the same. */
bool cloud_line_maybe(const struct cloud_line *);

/* --- whole objects --- */

/*
 * crc64: what the body's is, known or not; it is compared with the store's.
 * *head: crc64 when the store told, etag, size.
 */
MUST_USE bool cloud_put(struct cloud_line *, const char *key, struct span body,
    const struct cloud_how *, struct cloud_head *head, struct err *);

/* *found false, and no error, when there is none. */
MUST_USE bool cloud_head(struct cloud_line *, const char *key, bool *found,
    struct cloud_head *, struct err *);

/*
 * Bytes [from, from + len) of an object, in order, each handed over exactly
 * once, however often the line broke: it goes on at the byte reached.
 * etag "" is for the first request; with it, an object that is another by now
 * is an error.  *head describes the whole object; it is filled before the
 * first take.  len UINT64_MAX: to the end; a range behind the end is cut.
 * A missing object is an ERR_REMOTE that says so.
 */
MUST_USE bool cloud_get(struct cloud_line *, const char *key, uint64_t from,
    uint64_t len, const char *etag, struct cloud_head *head, http_take *take,
    void *arg, struct err *);

/* One that is not there is deleted already. */
MUST_USE bool cloud_delete(struct cloud_line *, const char *key, struct err *);

/* --- multipart --- */

/* *upload_id is malloc'd, yours. */
MUST_USE bool cloud_initiate(struct cloud_line *, const char *key,
    const struct cloud_how *, char **upload_id, struct err *);

/*
 * part->number says which; all else is filled.  A reply whose CRC-64 is not
 * that of the body counts as a failed try.  Where the place wants CRC64NVME,
 * so does a reply with another; one without it is a failure for good: that
 * store checks nothing.  Several threads, one line each, may do this for one
 * upload.
 */
MUST_USE bool cloud_put_part(struct cloud_line *, const struct cloud_upload *,
    struct span body, struct cloud_part *part, struct err *);

/*
 * Make parts 1..n the object.  how is that of cloud_initiate (exclusive and
 * id are looked at here).  When the answer was lost and the upload is gone,
 * a look at the object and its id decides.  The object's CRC-64 is compared
 * with that of the parts, if all are known; a difference is an ERR_DATA, and
 * the object is there: remove it.  *head: crc64, etag; size and id as sent.
 */
MUST_USE bool cloud_complete(struct cloud_line *, const struct cloud_upload *,
    const struct cloud_part *parts, size_t n, const struct cloud_how *,
    struct cloud_head *head, struct err *);

/*
 * Do away with an upload, again and again until the store says it is gone.
 * One that is not there is gone.
 */
MUST_USE bool cloud_abort(
    struct cloud_line *, const struct cloud_upload *, struct err *);

/* *found false: there is no such upload.  each may be NULL. */
typedef bool cloud_each_part(
    void *arg, const struct cloud_part *, struct err *);
MUST_USE bool cloud_list_parts(struct cloud_line *, const struct cloud_upload *,
    bool *found, cloud_each_part *each, void *arg, struct err *);

/* --- listings, in byte order of keys, all pages --- */

typedef bool cloud_each(void *arg, const struct cloud_entry *, struct err *);

/* folders: only the common prefixes up to the next '/', as is_prefix entries,
 * and no objects: a page has both, each in order, but not merged. */
MUST_USE bool cloud_list(struct cloud_line *, const char *prefix, bool folders,
    cloud_each *each, void *arg, struct err *);
MUST_USE bool cloud_list_uploads(struct cloud_line *, const char *prefix,
    cloud_each *each, void *arg, struct err *);

/* --- download addresses --- */

/*
 * A signed GET, good for so many seconds.  malloc'd, or NULL.  It holds no
 * secret but is one: whoever has it can read the object.  *end says until
 * when the key that signed it is good, after which the address is not.
 * With a customer's key the reader must send that key's three headers too.
 */
struct cloud_key_end {
	bool temporary; /* the key is one that ends */
	int64_t at;     /* Unix seconds; INT64_MAX: nobody told us */
};
char *cloud_presign(struct cloud *, const char *key, int64_t seconds,
    struct cloud_key_end *end, struct err *);

#endif
