/*
 * profile.h -- settings in the files that the clouds' own tools keep.
 *
 *	COS	TENCENTCLOUD_CREDENTIALS_FILE, ~/.tencentcloud/credentials,
 *		/etc/tencentcloud/credentials (Tencent Cloud's SDKs), [profile]
 *		or [default]: secret_id, secret_key
 *		~/.cos.conf (COSCMD), [common]: secret_id (or access_id),
 *		secret_key, token
 *	S3	AWS_SHARED_CREDENTIALS_FILE or ~/.aws/credentials, [profile]:
 *		aws_access_key_id, aws_secret_access_key, aws_session_token
 *		AWS_CONFIG_FILE or ~/.aws/config, [profile NAME] or [default]:
 *		the same, region, endpoint_url, services and [services NAME]
 */
#ifndef STORE_PROFILE_H
#define STORE_PROFILE_H

#include "stages/kit/err.h"
#include "stages/store/text.h"

/* A key found in a file; all zero is none.  release wipes. */
struct profile_key {
	struct text id, secret, token;
	struct text file; /* where, "" when there was none */
};

/* profile NULL: AWS_PROFILE, else "default".  A profile that was asked for by
 * name and is nowhere is an ERR_USAGE; so is a file that cannot be read. */
MUST_USE bool profile_key_cos(
    const char *profile, struct profile_key *, struct err *);
MUST_USE bool profile_key_s3(
    const char *profile, struct profile_key *, struct err *);
void profile_key_release(struct profile_key *);

/*
 * A setting of S3's config file, for place.c: "region" (environment first:
 * AWS_REGION, AWS_DEFAULT_REGION), "endpoint_url" (AWS_ENDPOINT_URL_S3,
 * AWS_ENDPOINT_URL, then [services]; none at all when
 * AWS_IGNORE_CONFIGURED_ENDPOINT_URLS is true).  value is empty when there is
 * none.
 */
MUST_USE bool profile_setting_s3(
    const char *profile, const char *name, struct text *value, struct err *);

#endif
