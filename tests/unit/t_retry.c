/*
 * t_retry.c -- which outcomes are worth another try, and when.
 *
 * Goal of this test: every row of the table of outcomes; waits that grow,
 * differ and stay below their limits; ends by number, kind and deadline.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "stages/kit/clock.h"
#include "stages/store/retry.h"

static void
knows_outcomes(void **state)
{
	static const struct {
		int status;
		const char *code, *message;
		int64_t skew_ms;
		enum retry_what want;
	} rows[] = {
		{ 0, "", "", 0, RETRY_LATER },
		{ 500, "", "", 0, RETRY_LATER },
		{ 500, "InternalError", "", 0, RETRY_LATER },
		{ 200, "InternalError", "", 0, RETRY_LATER },
		{ 200, "SlowDown", "", 0, RETRY_SLOW },
		{ 200, "", "", 0, RETRY_LATER },
		{ 200, "InvalidPart", "", 0, RETRY_NEVER },
		{ 503, "SlowDown", "", 0, RETRY_SLOW },
		{ 503, "", "", 0, RETRY_SLOW },
		{ 429, "", "", 0, RETRY_SLOW },
		{ 502, "", "", 0, RETRY_LATER },
		{ 501, "NotImplemented", "", 0, RETRY_NEVER },
		{ 501, "", "", 0, RETRY_NEVER },
		{ 400, "RequestTimeout", "", 0, RETRY_LATER },
		{ 400, "UserNetworkTooSlow", "", 0, RETRY_LATER },
		{ 400, "IncompleteBody", "", 0, RETRY_LATER },
		{ 400, "BadDigest", "", 0, RETRY_FEW },
		{ 403, "RequestTimeTooSkewed", "", 0, RETRY_CLOCK },
		{ 403, "AccessDenied", "Request has expired", 99000,
		    RETRY_CLOCK },
		{ 403, "AccessDenied", "Request has expired", 0, RETRY_NEVER },
		{ 403, "AccessDenied", "Access Denied.", 99000, RETRY_NEVER },
		{ 403, "", "", -99000, RETRY_CLOCK },
		{ 403, "", "", 0, RETRY_NEVER },
		{ 403, "ExpiredToken", "", 0, RETRY_TOKEN },
		{ 400, "ExpiredToken", "", 0, RETRY_TOKEN },
		{ 409, "UploadConflict", "", 0, RETRY_CONFLICT },
		{ 409, "", "", 0, RETRY_CONFLICT },
		{ 409, "FileAlreadyExists", "", 0, RETRY_NEVER },
		{ 409, "ObjectLocked", "", 0, RETRY_NEVER },
		{ 412, "PreconditionFailed", "", 0, RETRY_NEVER },
		{ 301, "PermanentRedirect", "", 0, RETRY_REGION },
		{ 400, "AuthorizationHeaderMalformed", "", 0, RETRY_REGION },
		{ 404, "NoSuchUpload", "", 0, RETRY_NEVER },
		{ 404, "NoSuchBucket", "", 0, RETRY_NEVER },
		{ 403, "SignatureDoesNotMatch", "", 0, RETRY_NEVER },
		{ 400, "BadRquest", "", 0, RETRY_NEVER },
		{ 416, "InvalidRange", "", 0, RETRY_NEVER },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct retry_outcome o = { rows[i].status, rows[i].code,
			rows[i].message, true, true, rows[i].skew_ms };

		if (retry_meaning(&o) != rows[i].want)
			fail_msg("%d %s", rows[i].status, rows[i].code);
		o.from_store = false;
		assert_int_equal(retry_meaning(&o), RETRY_LATER);
	}
}

static void
waits_longer(void **state)
{
	struct retry r = { 0 };
	int64_t wait, limit = 200, sum = 0;
	unsigned tries = 0;

	(void)state;
	retry_begin(&r, 0, 0, 0);
	for (;;) {
		r.tries++;
		tries++;
		if (!retry_again(&r, RETRY_LATER, 0, &wait))
			break;
		assert_true(wait >= 0 && wait <= limit);
		sum += wait;
		limit = limit * 2 < 20000 ? limit * 2 : 20000;
	}
	assert_int_equal(tries, RETRY_TRIES);
	assert_true(sum > 0);
	retry_progress(&r);
	r.tries++;
	assert_true(retry_again(&r, RETRY_SLOW, 0, &wait));
	assert_true(wait <= 200);
}

static void
gives_up(void **state)
{
	struct retry r = { 0 };
	int64_t wait;

	(void)state;
	retry_begin(&r, 0, 0, 1);
	assert_false(retry_again(&r, RETRY_NEVER, 0, &wait));
	assert_true(retry_again(&r, RETRY_FEW, 0, &wait));
	assert_true(retry_again(&r, RETRY_FEW, 0, &wait));
	assert_false(retry_again(&r, RETRY_FEW, 0, &wait));
	assert_true(retry_again(&r, RETRY_CLOCK, 0, &wait));
	assert_int_equal(wait, 0);
	assert_true(retry_again(&r, RETRY_CLOCK, 0, &wait));
	assert_false(retry_again(&r, RETRY_CLOCK, 0, &wait));
	assert_true(retry_again(&r, RETRY_TOKEN, 0, &wait));
	assert_true(retry_again(&r, RETRY_REGION, 0, &wait));
	r.began_ms -= r.deadline_ms + 1;
	assert_int_equal(retry_left_ms(&r), 1);
	r.backoff_ms = 1000;
	for (int i = 0; i < 20; i++) {
		r.tries = 1;
		if (retry_again(&r, RETRY_LATER, 0, &wait))
			assert_int_equal(wait, 0);
	}
}

/* A store that names its time is left alone for so long, but not for ever. */
static void
waits_as_asked(void **state)
{
	struct retry r = { 0 };
	int64_t wait;

	(void)state;
	retry_begin(&r, 0, 0, 1);
	r.tries = 1;
	assert_true(retry_again(&r, RETRY_SLOW, 7000, &wait));
	assert_true(wait >= 7000 && wait <= 7010);
	assert_true(retry_again(&r, RETRY_SLOW, INT64_MAX, &wait));
	assert_true(wait >= RETRY_ASKED_MS && wait <= RETRY_ASKED_MS + 10);
	retry_begin(&r, 0, 60000, 1); /* and there is to be another try */
	r.tries = 1;
	assert_true(retry_again(&r, RETRY_SLOW, INT64_MAX, &wait));
	assert_true(wait >= 29000 && wait <= 30010);
	r.tries = RETRY_TRIES;
	assert_false(retry_again(&r, RETRY_SLOW, 1, &wait));
}

static void
understands_what_is_asked(void **state)
{
	static const struct {
		const char *value;
		int64_t want;
	} rows[] = { { NULL, 0 }, { "", 0 }, { "0", 0 }, { "5", 5000 },
		{ "-5", 0 }, { "5s", 0 }, { "soon", 0 },
		{ "Thu, 01 Jan 1970 00:00:00 GMT", 0 } };
	char date[64];
	time_t then = time(NULL) + 100;
	struct tm tm;
	int64_t ms;

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		assert_int_equal(retry_asked(rows[i].value, 0), rows[i].want);
	assert_true(retry_asked("99999999999999999999999", 0) > RETRY_ASKED_MS);
	strftime(date, sizeof date, "%a, %d %b %Y %H:%M:%S GMT",
	    gmtime_r(&then, &tm));
	ms = retry_asked(date, 0);
	assert_true(ms > 90000 && ms <= 100000);
	ms = retry_asked(date, 40000); /* its clock is 40 s ahead */
	assert_true(ms > 50000 && ms <= 60000);
}

/* A host that never answered: some 10 s, and twice at least. */
static void
gives_up_on_nobody(void **state)
{
	struct retry r = { 0 };
	int64_t wait;

	(void)state;
	retry_begin(&r, 0, 0, 1);
	r.nowhere_ms = clock_steady();
	r.tries = 2;
	assert_true(retry_again(&r, RETRY_NOWHERE, 0, &wait));
	r.nowhere_ms -= RETRY_NOWHERE_MS + 1;
	assert_false(retry_again(&r, RETRY_NOWHERE, 0, &wait));
	assert_true(retry_again(&r, RETRY_LATER, 0, &wait));
	r.tries = 1;
	assert_true(retry_again(&r, RETRY_NOWHERE, 0, &wait));
}

static void
pauses(void **state)
{
	atomic_bool cancel = false;
	struct err e;

	(void)state;
	assert_true(retry_pause(60, false, &cancel, &e));
	atomic_store(&cancel, true);
	assert_false(retry_pause(60000, true, &cancel, &e));
	assert_string_equal(e.text, "called off");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(knows_outcomes),
		cmocka_unit_test(waits_longer),
		cmocka_unit_test(gives_up),
		cmocka_unit_test(waits_as_asked),
		cmocka_unit_test(understands_what_is_asked),
		cmocka_unit_test(gives_up_on_nobody),
		cmocka_unit_test(pauses),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
