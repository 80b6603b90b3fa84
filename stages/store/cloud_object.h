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
 * the object under this key has our id, the size and, if known, the CRCs of
 * what was sent.  *head is only touched when it does.
 */
bool object_settle(struct cloud_line *, const char *key,
    const struct cloud_how *, const struct cloud_head *sent,
    struct cloud_head *head);

/* Wrong when both are known and differ. */
bool object_crc_differs(
    const struct cloud_number *, const struct cloud_number *);

/* A CRC64NVME as S3 writes it, base64 of eight bytes; and back: a value that
 * is none is not known. */
#define OBJECT_NVME_LEN 16
void object_nvme_put(uint64_t value, char base64[OBJECT_NVME_LEN]);
struct cloud_number object_nvme(const char *base64);

#endif
