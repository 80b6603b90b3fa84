/* complaint.c -- error replies in words; see complaint.h. */
#include "stages/store/complaint.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "stages/store/http.h"
#include "stages/store/xml.h"

/* What an operator is to make of a code. */
static const struct words {
	const char *code, *words;
} words[] = {
	{ "SignatureDoesNotMatch", "the secret key is wrong" },
	{ "InvalidAccessKeyId", "the key id is not known" },
	{ "AccessDenied", "no permission" },
	{ "AccessForbidden", "no permission" },
	{ "NoSuchBucket", "the bucket does not exist" },
	{ "NoSuchKey", "no such object" },
	{ "NoSuchUpload", "the upload is gone" },
	{ "ExpiredToken", "the token has expired, and there is no newer one" },
	{ "InvalidToken", "the token is wrong" },
	{ "InvalidSecurityToken", "the token is wrong" },
	{ "PathStyleDomainForbidden",
	    "the store wants the bucket in the host's name "
	    "(addressing=vhost)" },
	{ "BucketAccelerateNotEnabled",
	    "global acceleration is not enabled for this bucket" },
	{ "AuthorizationHeaderMalformed", "the region is wrong" },
	{ "PermanentRedirect", "the bucket is somewhere else" },
	{ "TemporaryRedirect", "the bucket is somewhere else for now" },
	{ "FileAlreadyExists", "the object exists already" },
	{ "PreconditionFailed", "the object is not as it must be for this" },
	{ "ObjectLocked", "the object is locked" },
	{ "InvalidObjectState",
	    "the object is archived and must be restored first" },
	{ "EntityTooLarge", "too large for the store" },
	{ "EntityTooSmall", "a part is smaller than the store takes" },
	{ "PaymentRequired", "the account is in arrears" },
	{ "UnavailableForLegalReasons", "the account is blocked" },
	{ "DomainAuditFailed", "the account is blocked" },
	{ "NotImplemented", "the store cannot do this" },
	{ "BadDigest", "the bytes were damaged on the way" },
	{ "XAmzContentSHA256Mismatch", "the bytes were damaged on the way" },
	{ "SlowDown", "the store asks for less" },
	{ "ServiceUnavailable", "the store is overloaded" },
	{ "InternalError", "the store failed" },
};

/* The same for replies without a code, as those of HEAD. */
static const struct status_words {
	int status;
	const char *words;
} status_words[] = {
	{ 301, "the bucket is somewhere else" },
	{ 307, "the bucket is somewhere else for now" },
	{ 400, "the store does not understand the request" },
	{ 401, "no permission" },
	{ 403, "no permission, or the secret key is wrong" },
	{ 404, "no such object, or no such bucket" },
	{ 409, "something else is being done to the object" },
	{ 412, "the object is not as it must be for this" },
	{ 416, "the object has no such bytes" },
	{ 429, "the store asks for less" },
	{ 500, "the store failed" },
	{ 501, "the store cannot do this" },
	{ 503, "the store is overloaded" },
};

static void
keep(char *to, size_t cap, const char *value)
{
	err_quote(to, cap, value, strlen(value));
}

static bool
on_leaf(void *arg, const char *path, const char *value, struct err *e)
{
	struct complaint *c = arg;
	const struct {
		const char *path;
		char *to;
		size_t cap;
	} fields[] = {
		{ "Error/Code", c->code, sizeof c->code },
		{ "Error/Message", c->message, sizeof c->message },
		{ "Error/RequestId", c->request_id, sizeof c->request_id },
		{ "Error/Region", c->region, sizeof c->region },
		{ "Error/Endpoint", c->endpoint, sizeof c->endpoint },
	};

	(void)e;
	for (size_t i = 0; i < COUNT_OF(fields); i++)
		if (strcmp(path, fields[i].path) == 0)
			keep(fields[i].to, fields[i].cap, value);
	return true;
}

void
complaint_read(struct complaint *c, const struct dialect *d,
    const struct http *h, int status, struct span body)
{
	const char *id = http_header(h, d->request_id), *value;
	struct err ignored;
	bool blank = true;

	memset(c, 0, sizeof *c);
	c->status = status;
	for (size_t i = 0; blank && i < body.len; i++)
		blank = strchr(" \t\r\n", body.ptr[i]) != NULL;
	/* What is no XML has no code, and that says enough. */
	if (!blank && !xml_read(body, on_leaf, c, &ignored))
		memset(c->code, 0, sizeof c->code);
	if (id != NULL)
		keep(c->request_id, sizeof c->request_id, id);
	if ((value = http_header(h, "x-amz-bucket-region")) != NULL)
		keep(c->region, sizeof c->region, value);
	if (c->endpoint[0] == '\0' &&
	    (value = http_header(h, "location")) != NULL)
		err_quote(c->endpoint, sizeof c->endpoint, value,
		    strcspn(value, "?"));
	/* Only COS promises the header; elsewhere a page of HTML gives a
	 * middlebox away. */
	c->from_store =
	    id != NULL || (!d->always_signs && (blank || c->code[0] != '\0'));
}

static const char *
words_of(const struct complaint *c)
{
	for (size_t i = 0; i < COUNT_OF(words); i++)
		if (strcmp(words[i].code, c->code) == 0)
			return words[i].words;
	for (size_t i = 0; i < COUNT_OF(status_words); i++)
		if (status_words[i].status == c->status && c->code[0] == '\0')
			return status_words[i].words;
	return "the store refused";
}

bool
complaint_say(const struct complaint *c, int64_t skew_ms, struct err *e)
{
	char clock[80], status[40], where[160], message[200], id[128];
	const char *why = words_of(c);

	snprintf(status, sizeof status, "status %d", c->status);
	if (!c->from_store)
		return err_set(e, ERR_REMOTE,
		    "the answer is not of the store, but of something on the "
		    "way to it (%s)",
		    status);
	if (strcmp(c->code, "RequestTimeTooSkewed") == 0 ||
	    (strcmp(c->code, "AccessDenied") == 0 &&
		strstr(c->message, "expired") != NULL)) {
		snprintf(clock, sizeof clock, "the clock is off by %lld s",
		    llabs((long long)skew_ms) / 1000);
		if (llabs((long long)skew_ms) < 1000)
			snprintf(clock, sizeof clock,
			    "the store says that the clock is wrong");
		why = clock;
	}
	where[0] = message[0] = id[0] = '\0';
	if (c->endpoint[0] != '\0' && c->status / 100 == 3)
		snprintf(where, sizeof where, ", at %s", c->endpoint);
	if (c->message[0] != '\0')
		snprintf(message, sizeof message, ": \"%s\"", c->message);
	if (c->request_id[0] != '\0')
		snprintf(id, sizeof id, ", request %s", c->request_id);
	return err_set(e, ERR_REMOTE, "%s%s (%s%s%s)", why, where,
	    c->code[0] != '\0' ? c->code : status, message, id);
}
