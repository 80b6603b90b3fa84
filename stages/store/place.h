/*
 * place.h -- where objects are: what a cos:// or s3:// URL means.
 *
 *	cos://BUCKET-APPID/KEY?region=ap-guangzhou
 *		&endpoint=URL	other scheme, host and port
 *		&internal=1	the name that is only found inside the region
 *		&accelerate=1	global acceleration
 *		&addressing=vhost|path|cname
 *	s3://BUCKET/KEY?endpoint=URL&region=REGION&addressing=...
 *		&checksum=crc64nvme	the store is to check what it is sent
 *
 * KEY is percent-encoded; it is a prefix of keys where a place is meant.  No
 * part of it is "." or "..", which servers on the way may take out of a path.
 * Query options that are not listed are refused by name.  What is not said:
 *
 *	region		cos://: none, and an error unless endpoint is given;
 *			COS_REGION is used. s3://: AWS_REGION,
 *			AWS_DEFAULT_REGION, the file of AWS's own tools
 *			(profile.h), us-east-1
 *	endpoint	s3://: AWS_ENDPOINT_URL_S3, AWS_ENDPOINT_URL, that
 *			file, unless AWS_IGNORE_CONFIGURED_ENDPOINT_URLS is
 *			true; then https://s3.REGION.amazonaws.com
 *	addressing	cos://: vhost on the service's own names, cname on all
 *			others (the host is the bucket; COS refuses path).
 *			s3://: vhost on the names of Amazon and of COS unless
 *			the bucket has dots, path on all others
 *
 * With vhost the host of an endpoint is that of the service, and the bucket
 * goes in front of it unless it is there already.
 * Names: https://cloud.tencent.com/document/product/436/6224 and 436/13312.
 */
#ifndef STORE_PLACE_H
#define STORE_PLACE_H

#include <stdbool.h>

#include "stages/kit/err.h"

enum place_dialect { PLACE_COS, PLACE_S3 };
enum place_addressing { PLACE_AUTO, PLACE_VHOST, PLACE_PATH, PLACE_CNAME };

#define PLACE_KEY_MAX 850 /* bytes of a key on COS; S3 takes 1024 */

/* All strings are owned. */
struct place {
	enum place_dialect dialect;
	enum place_addressing addressing; /* never PLACE_AUTO */
	bool tls;
	char *bucket; /* "backup-1250000000" */
	char *key;    /* decoded; "" */
	char *region; /* "" when an endpoint made it unnecessary */
	char *host;   /* for the Host header and the signature: with the bucket
			 when addressing says so, with :port unless it is the
			 scheme's own */
	char *base;   /* "/" or "/bucket/": what stands before the key in the
			 decoded path that is signed */
	char *query;  /* "?region=..." as it was written, or "" */
	bool internal, accelerate, own_endpoint; /* as written */
	bool crc64nvme; /* send it, and insist on the store's own */
};

/* Understand a URL.  ERR_USAGE says what is wrong; nothing to release then. */
MUST_USE bool place_parse(struct place *, const char *url, struct err *);
void place_release(struct place *);

/* True when a key is short enough, and well, for this dialect. */
MUST_USE bool place_check_key(
    const struct place *, const char *key, struct err *);

/* The cos:// or s3:// URL of a key, encoded, with the query as it was
 * written.  malloc'd; NULL when there is no memory.  There is no secret in
 * it. */
char *place_url(const struct place *, const char *key);

/* The decoded path that is signed: base and key.  malloc'd, or NULL. */
char *place_path(const struct place *, const char *key);

/* The host the bucket has in another region of the same service; "" when the
 * place names an endpoint of its own.  malloc'd, or NULL. */
char *place_host_in(const struct place *, const char *region);

/*
 * The same place by its internal (true) or public name: for cos-url
 * --private.  ERR_USAGE where there is only one, as with an own endpoint.
 * Release *to.
 */
MUST_USE bool place_move(
    struct place *to, const struct place *from, bool internal, struct err *);

#endif
