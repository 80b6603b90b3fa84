/*
 * role.h -- the key that a cloud gives to the machine we run on.
 *
 *	COS	http://metadata.tencentyun.com/latest/meta-data/cam/
 *		security-credentials/; RDBPIPE_CVM_METADATA has another address
 *	S3	AWS_CONTAINER_CREDENTIALS_FULL_URI or _RELATIVE_URI, with
 *		AWS_CONTAINER_AUTHORIZATION_TOKEN or _TOKEN_FILE
 *		IMDSv2 at http://169.254.169.254, or
 *		AWS_EC2_METADATA_SERVICE_ENDPOINT; not when
 *		AWS_EC2_METADATA_DISABLED is true
 *
 * The one request at a time is made by a function of the caller's, so that
 * this file knows of no HTTP and a test needs no server.
 */
#ifndef STORE_ROLE_H
#define STORE_ROLE_H

#include <stdint.h>

#include "stages/kit/err.h"
#include "stages/store/text.h"

struct role_request {
	const char *method; /* "GET" or "PUT"; a PUT has no body: send
			       content-length: 0 */
	const char *url;
	const char *const *headers; /* whole lines, "name: value" */
	size_t n_headers;
	int timeout_ms; /* for connecting and for all of it; no retries, no
			   proxy, no redirects: these addresses are local */
};

/* The largest body worth reading. */
#define ROLE_REPLY_MAX (64 * 1024)

/*
 * Make the request and put the reply's status and body (cut at
 * ROLE_REPLY_MAX).  False only when there was no reply at all.
 */
typedef bool role_fetch(void *arg, const struct role_request *, int *status,
    struct text *body, struct err *);

/* All zero is empty; release wipes. */
struct role_key {
	struct text id, secret, token;
	int64_t until;    /* Unix seconds */
	struct text role; /* its name, "" for a container */
};

/* ERR_REMOTE: no such machine, no role, or an answer that is none. */
MUST_USE bool role_cos(
    role_fetch *, void *arg, struct role_key *, struct err *);
MUST_USE bool role_s3(role_fetch *, void *arg, struct role_key *, struct err *);
void role_key_release(struct role_key *);

#endif
