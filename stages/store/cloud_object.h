/*
 * cloud_object.h -- what the operations on objects and on uploads share.
 * Private to cloud*.c.
 */
#ifndef STORE_CLOUD_OBJECT_H
#define STORE_CLOUD_OBJECT_H

#include "stages/store/exchange.h"

/* The headers that say what a new object is to be like. */
void object_headers(
    struct exchange *, const struct cloud *, const struct cloud_how *);

/* Content-MD5 of the body; room for it in base64. */
MUST_USE bool object_md5(struct exchange *, char base64[32], struct err *);

/* The reply's headers as a description. */
void object_head(const struct cloud_line *, struct cloud_head *);

/* A decimal header or none. */
void object_number(
    const struct cloud_line *, const char *name, struct cloud_number *);

/* The ETag of the reply; false when there is none. */
bool object_etag(const struct cloud_line *, char to[CLOUD_ETAG_MAX]);

/*
 * After a failure that may have been none, a signal's included: look whether
 * the object under this key has our id, size and, if known, CRC.  *head is
 * only touched when it does.
 */
bool object_settle(struct cloud_line *, const char *key,
    const struct cloud_how *, uint64_t size, const struct cloud_number *crc64,
    struct cloud_head *head);

/* Wrong when both are known and differ. */
bool object_crc_differs(
    const struct cloud_number *, const struct cloud_number *);

#endif
