/*
 * retry.c -- what outcomes mean, as a table; see retry.h.
 *
 * Sources: the error codes of COS (cloud.tencent.com/document/product/436/
 * 7730) and of S3, and what their official clients try again.
 */
#include "stages/store/retry.h"

#include <errno.h>
#include <string.h>
#include <time.h>

#include "stages/kit/clock.h"
#include "stages/kit/stop.h"
#include "stages/store/http.h"

#define SKEW_MS 30000 /* less is no reason to doubt a clock */
#define FEW     3
#define REPAIRS 2

/* Codes that mean more, or less, than their status. */
static const struct meaning {
	const char *code;
	enum retry_what what;
} meanings[] = {
	{ "SlowDown", RETRY_SLOW }, { "ServiceUnavailable", RETRY_SLOW },
	{ "KmsFreqControl", RETRY_SLOW }, { "TooManyRequests", RETRY_SLOW },
	{ "Throttling", RETRY_SLOW }, { "ThrottlingException", RETRY_SLOW },
	{ "RequestLimitExceeded", RETRY_SLOW },
	{ "RequestTimeout", RETRY_LATER },
	{ "UserNetworkTooSlow", RETRY_LATER },
	{ "IncompleteBody", RETRY_LATER }, { "InternalError", RETRY_LATER },
	{ "BadDigest", RETRY_FEW }, { "XAmzContentSHA256Mismatch", RETRY_FEW },
	{ "RequestTimeTooSkewed", RETRY_CLOCK },
	{ "ExpiredToken", RETRY_TOKEN },
	{ "TokenRefreshRequired", RETRY_TOKEN },
	{ "UploadConflict", RETRY_CONFLICT },
	{ "OperationAborted", RETRY_CONFLICT },
	{ "ConditionalRequestConflict", RETRY_CONFLICT },
	{ "FileAlreadyExists", RETRY_NEVER }, { "PathConflict", RETRY_NEVER },
	{ "ObjectLocked", RETRY_NEVER },
	{ "AuthorizationHeaderMalformed", RETRY_REGION },
	{ "PermanentRedirect", RETRY_REGION },
	{ "NotImplemented", RETRY_NEVER }, /* 501 is no passing fault */
};

enum retry_what
retry_meaning(const struct retry_outcome *o)
{
	bool skewed =
	    o->dated && (o->skew_ms >= SKEW_MS || o->skew_ms <= -SKEW_MS);

	if (o->status == 0 || !o->from_store)
		return RETRY_LATER;
	for (size_t i = 0; i < COUNT_OF(meanings); i++)
		if (strcmp(meanings[i].code, o->code) == 0)
			return meanings[i].what;
	/* Without a body, as of HEAD, the date is all that tells. */
	if (o->status == 403 && skewed &&
	    (o->code[0] == '\0' || strstr(o->message, "expired") != NULL))
		return RETRY_CLOCK;
	if (o->status == 503 || o->status == 429)
		return RETRY_SLOW;
	if (o->status == 501 || o->status == 505)
		return RETRY_NEVER;
	if (o->status >= 500 || o->status == 408)
		return RETRY_LATER;
	if (o->status == 409)
		return RETRY_CONFLICT;
	if (o->status == 301 || o->status == 307)
		return RETRY_REGION;
	/* A 200 with an error inside is a store that broke off. */
	return o->status / 100 == 2 && o->code[0] == '\0' ? RETRY_LATER :
							    RETRY_NEVER;
}

void
retry_begin(
    struct retry *r, unsigned tries, int64_t deadline_ms, int64_t backoff_ms)
{
	struct timespec t;
	uint64_t random = r->random;

	clock_gettime(CLOCK_MONOTONIC, &t);
	memset(r, 0, sizeof *r);
	r->tries_max = tries > 0 ? tries : RETRY_TRIES;
	r->deadline_ms = deadline_ms > 0 ? deadline_ms : RETRY_DEADLINE_MS;
	r->backoff_ms = backoff_ms > 0 ? backoff_ms : RETRY_BACKOFF_MS;
	r->began_ms = clock_steady();
	r->random = (random ^ (uint64_t)t.tv_nsec ^ (uint64_t)(uintptr_t)r) | 1;
}

void
retry_progress(struct retry *r)
{
	r->tries = 0;
	r->few = 0;
	r->fresh = 0;
	r->doublings = 0;
	r->began_ms = clock_steady();
}

int64_t
retry_left_ms(const struct retry *r)
{
	int64_t left = r->began_ms + r->deadline_ms - clock_steady();

	return left > 1 ? left : 1;
}

static int64_t
least(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

/* A number from 0 to limit: xorshift64*, good enough for jitter. */
static int64_t
draw(struct retry *r, int64_t limit)
{
	r->random ^= r->random >> 12;
	r->random ^= r->random << 25;
	r->random ^= r->random >> 27;
	return (int64_t)(((r->random * UINT64_C(2685821657736338717)) >> 33) %
	    (uint64_t)(limit + 1));
}

bool
retry_again(
    struct retry *r, enum retry_what what, int64_t asked_ms, int64_t *wait_ms)
{
	int64_t limit;

	*wait_ms = 0;
	switch (what) {
	case RETRY_NEVER:
		return false;
	case RETRY_CLOCK:
		return r->clock++ < REPAIRS;
	case RETRY_TOKEN:
		return r->token++ < REPAIRS;
	case RETRY_REGION:
		return r->region++ < REPAIRS;
	case RETRY_FEW:
		if (++r->few >= FEW)
			return false;
		break;
	default:
		break;
	}
	if (r->tries >= r->tries_max)
		return false;
	limit = RETRY_WAIT_MAX_MS;
	if (r->doublings < 20 && r->backoff_ms << r->doublings < limit)
		limit = r->backoff_ms << r->doublings;
	r->doublings++;
	*wait_ms = draw(r, limit) +
	    least(asked_ms, least(RETRY_ASKED_MS, retry_left_ms(r) / 2));
	if (what == RETRY_NOWHERE && r->tries > 1 &&
	    clock_steady() + *wait_ms - r->nowhere_ms > RETRY_NOWHERE_MS)
		return false;
	return *wait_ms < retry_left_ms(r);
}

int64_t
retry_asked(const char *value, int64_t skew_ms)
{
	int64_t seconds = 0, when;

	if (value == NULL || *value == '\0')
		return 0;
	if (value[strspn(value, "0123456789")] != '\0') {
		if (!http_date(value, &when))
			return 0;
		when -= skew_ms + (int64_t)time(NULL) * 1000;
		return when > 0 ? when : 0;
	}
	for (; *value != '\0' && seconds <= RETRY_ASKED_MS; value++)
		seconds = seconds * 10 + (*value - '0');
	return seconds * 1000;
}

bool
retry_pause(
    int64_t ms, bool past_stop, const atomic_bool *cancel, struct err *e)
{
	const struct timespec turn = { 0, 50 * 1000000 };
	int64_t until = clock_steady() + ms, left;

	for (;;) {
		if (!past_stop && !stop_check(e))
			return false;
		if (cancel != NULL && atomic_load(cancel))
			return err_set(e, ERR_REMOTE, "called off");
		if ((left = until - clock_steady()) <= 0)
			return true;
		if (left >= 50)
			nanosleep(&turn, NULL);
		else
			nanosleep(
			    &(struct timespec){ 0, left * 1000000 }, NULL);
	}
}
