/*
 * complaint.h -- what a store says when it says no, in words for a person.
 *
 * Reads <Error><Code/><Message/><RequestId/>...</Error>, or what headers and
 * status tell when there is no body.  Texts of the store are quoted and
 * bounded; none of the fields that repeat what was signed is looked at.
 */
#ifndef STORE_COMPLAINT_H
#define STORE_COMPLAINT_H

#include <stdint.h>

#include "stages/kit/err.h"
#include "stages/kit/span.h"
#include "stages/store/dialect.h"

struct http;

struct complaint {
	int status;
	bool from_store; /* false: somebody between us and the store */
	char code[64];   /* as the store says it; "" */
	char message[160];
	char request_id[96];
	char region[64];    /* the one to sign for, if told */
	char endpoint[128]; /* where to go instead, if told */
};

/* Read the reply at hand.  A 2xx reply may hold an <Error> as well. */
void complaint_read(struct complaint *, const struct dialect *,
    const struct http *, int status, struct span body);

/*
 * "the secret is wrong (SignatureDoesNotMatch: "...", request N)": always
 * false, ERR_REMOTE.  skew_ms: the server's clock less the one we signed by.
 */
bool complaint_say(const struct complaint *, int64_t skew_ms, struct err *);

#endif
