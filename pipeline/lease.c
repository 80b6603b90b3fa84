/* lease.c -- see lease.h. */
#include "pipeline/lease.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

#include "pipeline/json.h"
#include "pipeline/moment.h"
#include "pipeline/place.h"
#include "pipeline/say.h"
#include "stages/kit/clock.h"
#include "stages/kit/stop.h"

#define FORMAT     1
#define PREFIX     "lock-"
#define DIGITS     8
#define NUMBER_MAX 99999999
#define TEXT_MAX   65536
#define TRIES      3
#define SLACK_MS   2000 /* stores tell times in whole seconds */
#define GONE       "it has gone"
#define KEY_LEN    (IDENT_MAX + 60)

/* What the object says. */
struct note {
	uint64_t format, pid, lasts_ms, renewals;
	char *holder, *host;
	int64_t taken, renewed, until; /* moments of the holder's clock */
};

/* clang-format off */
#define AT(m) .at = offsetof(struct note, m)

static const struct json_field fields[] = {
	{ FIELD_COUNT, "format", AT(format) },
	{ FIELD_HEX, "holder", AT(holder), .digits = 32 },
	{ FIELD_TEXT, "host", AT(host) },
	{ FIELD_COUNT, "pid", AT(pid) },
	{ FIELD_TIME, "taken", AT(taken) },
	{ FIELD_TIME, "renewed", AT(renewed) },
	{ FIELD_TIME, "until", AT(until) },
	{ FIELD_COUNT, "lasts-ms", AT(lasts_ms) },
	{ FIELD_COUNT, "renewals", AT(renewals) },
	FIELD_END
};
/* clang-format on */

/* --- names --- */

static const char *
lock_key(char key[KEY_LEN], const char *instance, uint64_t number)
{
	snprintf(key, KEY_LEN, "%s/" PREFIX "%08" PRIu64, instance, number);
	return key;
}

/* A lease as a listing shows it. */
struct seen {
	uint64_t number; /* 0: none */
	int64_t modified;
};

/* All there are: the two with the highest numbers are of interest. */
struct look {
	size_t skip; /* bytes of "instance/lock-" */
	size_t n;
	struct seen top, below;
};

static bool
lock_note(void *arg, const struct store_object *o, struct err *e)
{
	struct look *l = arg;
	const char *digits = o->key + l->skip;

	(void)e;
	if (strlen(digits) != DIGITS ||
	    strspn(digits, "0123456789") != DIGITS || atol(digits) == 0)
		return true;
	l->n++;
	l->below = l->top; /* they come in order */
	l->top = (struct seen){ strtoul(digits, NULL, 10), o->modified_ms };
	return true;
}

static bool
look(struct store *s, const char *instance, struct look *l, struct err *e)
{
	char prefix[KEY_LEN];

	*l = (struct look){ 0 };
	l->skip =
	    (size_t)snprintf(prefix, sizeof prefix, "%s/" PREFIX, instance);
	return store_list(s, prefix, lock_note, l, e);
}

/* --- reading and writing --- */

/* *found false: it has gone. */
static bool
note_read(struct store *s, const char *instance, uint64_t number, bool *found,
    struct note *n, struct err *e)
{
	char key[KEY_LEN], *text = NULL;
	struct store_object about;
	size_t len;
	bool ok;

	lock_key(key, instance, number);
	if (!store_stat(s, key, found, &about, e))
		return false;
	if (!*found)
		return true;
	if (!store_read(s, key, TEXT_MAX, &text, &len, e)) {
		struct err again;

		/* Was it removed between the two? */
		return store_stat(s, key, found, &about, &again) && !*found;
	}
	ok = json_read(fields, n, sizeof *n, text, len, e);
	free(text);
	return ok || err_in(e, "%s", store_url_of(s, key));
}

static bool
note_write(
    const struct lease *l, struct store *s, bool exclusive, struct err *e)
{
	char key[KEY_LEN], host[256] = "", *text;
	int64_t now = clock_wall();
	struct note n = { .format = FORMAT,
		.pid = (uint64_t)getpid(),
		.lasts_ms = (uint64_t)l->lasts_ms,
		.renewals = l->renewals,
		.holder = (char *)l->holder,
		.host = host,
		.taken = l->taken,
		.renewed = now,
		.until = now + l->lasts_ms };
	bool ok;

	if (gethostname(host, sizeof host - 1) == -1 || !json_text_ok(host))
		strcpy(host, "unknown");
	if (!json_print(fields, &n, true, &text, e))
		return false;
	lock_key(key, l->instance, l->number);
	ok = exclusive ? place_write(s, key, text, e) :
			 place_replace(s, key, text, e);
	free(text);
	return ok;
}

/* What time is it, by the store?  Ours is for the name only. */
static bool
store_clock(struct store *s, const char *instance, const char *mark,
    int64_t *now, struct err *e)
{
	char key[KEY_LEN];
	struct store_object about = { 0 };
	struct err left;
	bool found = false;

	snprintf(key, sizeof key, "%s/clock-%s", instance, mark);
	if (!place_replace(s, key, "what time is it?\n", e) ||
	    !store_stat(s, key, &found, &about, e))
		return false;
	*now = about.modified_ms;
	if (!store_remove(s, key, &left))
		say("left behind: %s: %s", store_url_of(s, key), left.text);
	return found ||
	    err_set(e, ERR_REMOTE, "%s has just gone", store_url_of(s, key));
}

/* --- whose is it --- */

static void
who_print(char who[LEASE_WHO_LEN], const struct note *n)
{
	char host[100], taken[MOMENT_LEN + 1];

	moment_print(n->taken, taken);
	snprintf(who, LEASE_WHO_LEN, "%s, process %" PRIu64 ", since %s",
	    err_quote(host, sizeof host, n->host, strlen(n->host)), n->pid,
	    taken);
}

/* Is the holder of what was seen at work, as far as time tells?  One that
 * cannot be read lasts as long as most do. */
static bool
is_alive(struct store *s, const char *instance, const struct seen *seen,
    const char *mark, bool *alive, char who[LEASE_WHO_LEN], struct err *e)
{
	struct note n = { 0 };
	struct err fault = { 0 };
	int64_t now, lasts = LEASE_MS;
	bool found = true;

	snprintf(who, LEASE_WHO_LEN, "somebody");
	if (!note_read(s, instance, seen->number, &found, &n, &fault) &&
	    fault.kind != ERR_DATA) {
		*e = fault;
		return false;
	}
	if (!found) { /* released just now: whoever comes next may have it */
		*alive = true;
		return true;
	}
	if (n.holder != NULL) {
		lasts = (int64_t)n.lasts_ms;
		who_print(who, &n);
	}
	json_release(fields, &n, sizeof n);
	if (!store_clock(s, instance, mark, &now, e))
		return false;
	*alive = now - seen->modified <= lasts + SLACK_MS;
	return true;
}

/* Does the object say that it is ours? */
static bool
is_ours(struct lease *l, struct store *s, bool *ours, struct err *e)
{
	struct note n = { 0 };
	bool found;

	if (!note_read(s, l->instance, l->number, &found, &n, e))
		return false;
	*ours = found && strcmp(n.holder, l->holder) == 0;
	if (found && !*ours)
		who_print(l->who, &n);
	else if (!found)
		*l->who = '\0';
	json_release(fields, &n, sizeof n);
	return true;
}

/* --- taking --- */

static bool
holder_pick(struct lease *l, struct err *e)
{
	uint8_t bits[16];

	if (getrandom(bits, sizeof bits, 0) != sizeof bits)
		return err_sys(e, "no random numbers");
	for (size_t i = 0; i < sizeof bits; i++)
		snprintf(l->holder + 2 * i, 3, "%02x", bits[i]);
	return true;
}

static bool
settle(const struct lease *l, struct err *e)
{
	const struct timespec nap = { 0, 100 * 1000 * 1000 };
	char key[KEY_LEN];

	if (!store_is_remote(
		store_url_of(l->store, lock_key(key, l->instance, l->number))))
		return true;
	for (int64_t ms = 0; ms < LEASE_SETTLE_MS; ms += 100) {
		nanosleep(&nap, NULL);
		if (!stop_check(e))
			return false;
	}
	return true;
}

static bool
lock_remove(struct lease *l, uint64_t number, struct err *e)
{
	char key[KEY_LEN];
	struct store_object about;
	bool found = false;

	lock_key(key, l->instance, number);
	return store_stat(l->store, key, &found, &about, e) &&
	    (!found || store_remove(l->store, key, e));
}

/* Is there, besides ours, nothing but what we found dead? */
static bool
is_alone(const struct look *now, const struct lease *l, const struct seen *dead)
{
	return now->top.number == l->number &&
	    (now->n == 1 ||
		(now->n == 2 && now->below.number == dead->number &&
		    now->below.modified == dead->modified));
}

/*
 * Write ours, with the number that is next, and see whether it counts.  The
 * write may have been ours although it failed, and may not although it did
 * not; so what counts is what can be read afterwards.
 */
static bool
claim(struct lease *l, const struct seen *dead, struct err *e)
{
	struct err refused = { 0 }, left;
	struct look now;
	bool ours = false;

	l->number = dead->number + 1;
	l->taken = clock_wall();
	l->tried = l->confirmed = clock_steady();
	l->held = true; /* it may be, from here on */
	if (!note_write(l, l->store, true, &refused) &&
	    refused.kind != ERR_REMOTE) {
		*e = refused;
		return false;
	}
	if ((refused.kind == ERR_NONE && !settle(l, e)) ||
	    !is_ours(l, l->store, &ours, e))
		return false;
	l->held = ours;
	if (!ours && *l->who == '\0' && refused.kind != ERR_NONE) {
		*e = refused; /* nobody else's either */
		return false;
	}
	if (!ours) {
		if (*l->who == '\0')
			snprintf(l->who, sizeof l->who, "somebody");
		return true;
	}
	if (!look(l->store, l->instance, &now, e))
		return false;
	if (is_alone(&now, l, dead))
		return dead->number == 0 || now.n == 1 ||
		    lock_remove(l, dead->number, e);
	snprintf(l->who, sizeof l->who, "somebody who came at the same time");
	l->held = false;
	if (!lock_remove(l, l->number, &left))
		say("left behind: a lease of %s: %s", l->instance, left.text);
	return true;
}

/* Once; somebody's writes and removals may still cross ours. */
static bool
try(struct lease *l, struct err *e)
{
	struct look at;
	bool alive = false;

	if (!look(l->store, l->instance, &at, e) ||
	    (at.n > 0 &&
		!is_alive(l->store, l->instance, &at.top, l->holder, &alive,
		    l->who, e)))
		return false;
	if (at.top.number >= NUMBER_MAX)
		return err_set(e, ERR_DATA, "there are no more numbers");
	return alive || claim(l, &at.top, e);
}

bool
lease_take(struct lease *l, struct store *s, const char *instance,
    int64_t lasts_ms, bool *taken, struct err *e)
{
	bool ok;

	memset(l, 0, sizeof *l);
	l->store = s;
	l->lasts_ms = lasts_ms;
	snprintf(l->instance, sizeof l->instance, "%s", instance);
	ok = holder_pick(l, e);
	for (int turn = 0; ok && turn < TRIES; turn++) {
		ok = try(l, e);
		if (ok || l->held || e->kind != ERR_REMOTE)
			break;
		ok = turn + 1 < TRIES;
	}
	if (!ok) {
		if (e->kind == ERR_SIGNAL) /* it is what we end with */
			stop_forget();
		lease_release(l);
	}
	*taken = ok && l->held;
	return ok || err_in(e, "lease of %s", instance);
}

/* --- keeping --- */

static bool
lost(struct lease *l, const char *to, struct err *e)
{
	l->held = false;
	return err_set(
	    e, ERR_REMOTE, "the lease of %s is lost: %s", l->instance, to);
}

/* Write it again; only what is still ours, or it would come back. */
static bool
rewrite(struct lease *l, struct store *s, bool *ours, struct err *e)
{
	if (!is_ours(l, s, ours, e))
		return false;
	if (!*ours)
		return true;
	l->renewals++;
	return note_write(l, s, false, e);
}

bool
lease_renew(struct lease *l, struct err *e)
{
	int64_t now = clock_steady();
	struct err why;
	bool ours = true;

	if (!l->held)
		return err_set(
		    e, ERR_REMOTE, "the lease of %s is lost", l->instance);
	if (now - l->confirmed >= l->lasts_ms)
		return lost(l, "the store could not be told in time", e);
	if (now - l->confirmed < l->lasts_ms / 4 ||
	    now - l->tried < l->lasts_ms / 16)
		return true;
	l->tried = now;
	if (rewrite(l, l->store, &ours, &why)) {
		l->confirmed = now;
		return ours || lost(l, *l->who != '\0' ? l->who : GONE, e);
	}
	if (why.kind != ERR_SIGNAL)
		say("the lease of %s is not renewed yet: %s", l->instance,
		    why.text);
	return true;
}

bool
lease_check(struct lease *l, struct store *s, struct err *e)
{
	struct look at;
	int64_t now;
	bool ours = true;

	if (!l->held)
		return lost(l, "it was given back", e);
	for (int turn = 0; turn < 2; turn++) {
		if (!store_clock(s, l->instance, l->holder, &now, e) ||
		    !look(s, l->instance, &at, e) || !is_ours(l, s, &ours, e))
			return err_in(e, "lease of %s", l->instance);
		if (!ours || at.top.number != l->number)
			return lost(l,
			    ours                ? "it was taken over" :
				*l->who != '\0' ? l->who :
						  GONE,
			    e);
		if (now - at.top.modified >= l->lasts_ms)
			return lost(l, "it was not renewed in time", e);
		if (now - at.top.modified <= l->lasts_ms / 2)
			return true;
		if (turn == 0 && !rewrite(l, s, &ours, e))
			return err_in(e, "lease of %s", l->instance);
	}
	return lost(l, "the store is too slow", e);
}

void
lease_release(struct lease *l)
{
	struct err e;
	bool ours = false;

	if (!l->held)
		return;
	l->held = false;
	if (!is_ours(l, l->store, &ours, &e) ||
	    (ours && !lock_remove(l, l->number, &e)))
		say("the lease of %s is not given back, so it lasts %lld s: %s",
		    l->instance, (long long)(l->lasts_ms / 1000), e.text);
}

bool
lease_look(struct store *s, const char *instance, bool *busy,
    char who[LEASE_WHO_LEN], struct err *e)
{
	struct lease mark = { 0 };
	struct look at;

	*busy = false;
	return look(s, instance, &at, e) &&
	    (at.n == 0 ||
		(holder_pick(&mark, e) &&
		    is_alive(s, instance, &at.top, mark.holder, busy, who, e)));
}
