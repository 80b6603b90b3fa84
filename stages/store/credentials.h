/*
 * credentials.h -- who we are to a store.
 *
 * Looks where the store's own tools look, in this order, and takes the first
 * that has anything:
 *
 *	COS	environment: TENCENTCLOUD_SECRET_ID, _SECRET_KEY and _TOKEN (or
 *		_SESSION_TOKEN); COS_SECRET_ID, COS_SECRET_KEY, COS_TOKEN;
 *		SECRETID, SECRETKEY
 *		files: see profile.h
 *		the role of the CVM we run on (role.h)
 *	S3	environment: AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY,
 *		AWS_SESSION_TOKEN
 *		files: see profile.h
 *		the role of the container or the instance we run on (role.h)
 *
 * With means->profile the environment is not looked at, and that profile must
 * be there.  AWS_PROFILE does not win over keys in the environment; AWS's own
 * tools do the same.
 *
 * Half a pair, a blank before or behind a value, a quotation mark around it or
 * a control character in it is an error at once (ERR_USAGE), not a reason to
 * look further.
 *
 * A role's key ends.  It is fetched again 600 s before that by whichever
 * thread asks first, while others go on with the old one; when fetching fails,
 * the old one is used as long as it is good.
 *
 * Any number of threads may share one of these.  Secrets are wiped when given
 * back, and are in no error text.
 */
#ifndef STORE_CREDENTIALS_H
#define STORE_CREDENTIALS_H

#include "stages/store/role.h"
#include "stages/store/sign.h"

struct credentials;

enum credentials_dialect { CREDENTIALS_COS, CREDENTIALS_S3 };

/* What the outside gives; all of it borrowed until credentials_free. */
struct credentials_means {
	role_fetch *fetch;      /* to ask for roles; NULL: do not */
	void *arg;              /* for fetch */
	const char *profile;    /* NULL: as the environment says */
	int64_t (*clock)(void); /* Unix seconds; NULL: time(2) */
};

/* A key of our own copy. */
struct credential {
	struct sign_key key; /* into room */
	int64_t until;       /* Unix seconds; INT64_MAX: it does not end */
	char *room;          /* owned */
	size_t room_len;
};

/* Does not look yet.  NULL on failure. */
struct credentials *credentials_new(
    enum credentials_dialect, const struct credentials_means *, struct err *);

/*
 * Copy the key of now to *out (which is overwritten; give it back with
 * credential_release).  The first call looks, and may fetch.  ERR_USAGE: there
 * is none, or it is malformed; the text says where was looked.  ERR_REMOTE:
 * a role's key ended and there is no new one.
 */
MUST_USE bool credentials_get(
    struct credentials *, struct credential *out, struct err *);

/*
 * The store said that this key ended (ExpiredToken, InvalidAccessKeyId of a
 * role): look again, unless somebody already did.  Then credentials_get.
 */
MUST_USE bool credentials_renew(
    struct credentials *, const struct credential *refused, struct err *);

/* Where the key came from, for messages ("environment", "/root/.cos.conf",
 * "role backup of this instance"); "" before the first get.  Owned by
 * the credentials, never changed once set. */
const char *credentials_origin(struct credentials *);

void credential_release(struct credential *);
void credentials_free(struct credentials *);

#endif
