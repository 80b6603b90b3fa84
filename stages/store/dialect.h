/*
 * dialect.h -- where COS and S3 say the same thing in other words.
 *
 * One row each.  A name that is NULL does not exist in that dialect.  COS:
 * cloud.tencent.com/document/product/436/7749 and following; S3: the API
 * reference of Amazon S3.
 */
#ifndef STORE_DIALECT_H
#define STORE_DIALECT_H

#include "stages/store/place.h"
#include "stages/store/sign.h"

struct dialect {
	const char *scheme;
	const char *request_id; /* reply: who to ask about a failure */
	const char *meta_id;    /* our id in the metadata */
	const char *storage_class, *restore;
	const char *sse, *sse_kms; /* header, and its value for KMS */
	const char *kms_key, *kms_context;
	const char *customer_algorithm, *customer_key, *customer_md5;
	const char *tags;
	const char *lock_mode, *lock_until;
	const char *exclusive, *exclusive_value; /* do not replace */
	const char *crc64;                       /* reply: CRC-64/XZ, decimal */
	const char *nvme, *nvme_leaf;            /* CRC64NVME: header, and in
						    Complete's answer */
	const char *sum_algorithm, *sum_type, *sum_mode, *sum_size;
	const char *traffic; /* bit/s of a connection */
	const char *retried; /* on every try but the first, "true" */
	bool always_signs;   /* every reply of the store has request_id: one
				without is of somebody between us and it */
	bool list_v2;        /* ?list-type=2 and continuation-token */
	bool (*sign)(const struct sign_request *, const struct sign_terms *,
	    struct sign_added *, struct err *);
	bool (*sign_url)(const struct sign_request *, const struct sign_terms *,
	    struct text *target, struct err *);
};

const struct dialect *dialect_of(enum place_dialect);

#endif
