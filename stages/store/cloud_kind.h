/*
 * cloud_kind.h -- cos:// and s3:// as a kind of store.
 *
 * The glue between store.h and what speaks to a store: place.h says where,
 * credentials.h who we are, cloud.h does it, multipart.h and ranges.h carry
 * streams.  Opening makes no request; the first operation does.
 */
#ifndef STORE_CLOUD_KIND_H
#define STORE_CLOUD_KIND_H

#include "stages/store/kind.h"

extern const struct store_kind cloud_kind;

#endif
