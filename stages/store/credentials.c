/*
 * credentials.c -- see credentials.h
 *
 * One thread at a time looks; the lock is not held meanwhile, so that others
 * go on with the key at hand, if there is a good one, or wait for the outcome.
 */
#include "stages/store/credentials.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "stages/store/profile.h"

#define EARLY 600 /* seconds before its end that a key is fetched again */
#define PAUSE 30  /* seconds between two looks */

/* A key, and where it was found. */
struct found {
	struct text id, secret, token, origin;
	int64_t until;
};

struct credentials {
	enum credentials_dialect dialect;
	struct credentials_means means;

	pthread_mutex_t lock; /* guards all below */
	pthread_cond_t looked;
	bool looking;
	unsigned looks;    /* how often was looked */
	int64_t next_look; /* not before, as long as there is a good key */
	int64_t fresh;     /* a key that came ended counts as good so long */
	bool failed;       /* did the last look? */
	struct err why;
	bool have;
	struct found now;
	char origin[256]; /* of the first key */
};

/* One set of names for a key in the environment. */
struct names {
	const char *id, *secret, *token, *token_too;
};

static const struct names cos_names[] = {
	{ "TENCENTCLOUD_SECRET_ID", "TENCENTCLOUD_SECRET_KEY",
	    "TENCENTCLOUD_TOKEN", "TENCENTCLOUD_SESSION_TOKEN" },
	{ "COS_SECRET_ID", "COS_SECRET_KEY", "COS_TOKEN", NULL },
	{ "SECRETID", "SECRETKEY", NULL, NULL },
};

static const struct names s3_names[] = {
	{ "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN",
	    NULL },
};

static void
found_release(struct found *f)
{
	text_release(&f->id);
	text_release(&f->secret);
	text_release(&f->token);
	text_release(&f->origin);
	*f = (struct found){ 0 };
}

static bool
found_ok(const struct found *f, struct err *e)
{
	return text_ok(&f->id, e) && text_ok(&f->secret, e) &&
	    text_ok(&f->token, e) && text_ok(&f->origin, e);
}

static const char *
setting(const char *name)
{
	const char *v = name != NULL ? getenv(name) : NULL;

	return v != NULL && *v != '\0' ? v : NULL;
}

/* Frequent accidents of copying; the value itself is never shown. */
static bool
check_value(const struct text *v, const char *what, struct err *e)
{
	size_t i;

	if (v->len == 0)
		return true;
	if (memchr(" \t\r\n", v->ptr[0], 4) != NULL ||
	    memchr(" \t\r\n", v->ptr[v->len - 1], 4) != NULL)
		return err_set(e, ERR_USAGE,
		    "%s begins or ends with a blank or a line end", what);
	if (strchr("\"'", v->ptr[0]) != NULL)
		return err_set(
		    e, ERR_USAGE, "%s begins with a quotation mark", what);
	for (i = 0; i < v->len; i++)
		if ((unsigned char)v->ptr[i] < ' ' || v->ptr[i] == 0x7f)
			return err_set(
			    e, ERR_USAGE, "%s holds a control character", what);
	return true;
}

static bool
check_found(const struct found *f, const char *id, const char *secret,
    const char *token, struct err *e)
{
	if (f->id.len == 0 || f->secret.len == 0)
		return err_set(e, ERR_USAGE, "%s is there but %s is not",
		    f->id.len > 0 ? id : secret, f->id.len > 0 ? secret : id);
	return check_value(&f->id, id, e) &&
	    check_value(&f->secret, secret, e) &&
	    check_value(&f->token, token, e);
}

/* False without an error (e->kind ERR_NONE): nothing there. */
static bool
look_in_environment(
    const struct names *names, size_t n, struct found *f, struct err *e)
{
	const struct names *at;
	const char *token;

	for (at = names; at < names + n; at++) {
		if (setting(at->id) == NULL && setting(at->secret) == NULL)
			continue;
		token = setting(at->token) != NULL ? at->token : at->token_too;
		if (setting(at->id) != NULL)
			text_put(&f->id, setting(at->id));
		if (setting(at->secret) != NULL)
			text_put(&f->secret, setting(at->secret));
		if (setting(token) != NULL)
			text_put(&f->token, setting(token));
		text_put(&f->origin, "environment");
		f->until = INT64_MAX;
		return found_ok(f, e) &&
		    check_found(f, at->id, at->secret,
			token != NULL ? token : "token", e);
	}
	return false;
}

static bool
look_in_files(const struct credentials *c, struct found *f, struct err *e)
{
	struct profile_key k = { 0 };
	bool ok, cos = c->dialect == CREDENTIALS_COS;

	ok = cos ? profile_key_cos(c->means.profile, &k, e) :
		   profile_key_s3(c->means.profile, &k, e);
	if (ok && k.file.len > 0) {
		*f = (struct found){ k.id, k.secret, k.token, k.file,
			INT64_MAX };
		k = (struct profile_key){ 0 };
		ok = check_found(f, cos ? "secret_id" : "aws_access_key_id",
		    cos ? "secret_key" : "aws_secret_access_key",
		    cos ? "token" : "aws_session_token", e);
		if (!ok)
			err_in(e, "%s", f->origin.ptr);
	} else {
		ok = false;
	}
	profile_key_release(&k);
	return ok;
}

static bool
look_for_role(const struct credentials *c, struct found *f, struct err *e)
{
	struct role_key k = { 0 };
	char q[80];
	bool ok, cos = c->dialect == CREDENTIALS_COS;

	ok = cos ? role_cos(c->means.fetch, c->means.arg, &k, e) :
		   role_s3(c->means.fetch, c->means.arg, &k, e);
	if (ok) {
		*f = (struct found){ .id = k.id,
			.secret = k.secret,
			.token = k.token,
			.until = k.until };
		k.id = k.secret = k.token = (struct text){ 0 };
		if (k.role.len > 0)
			text_putf(&f->origin, "role %s of this instance",
			    err_quote(q, sizeof q, k.role.ptr, k.role.len));
		else
			text_put(&f->origin, "role of this container");
		ok = found_ok(f, e) &&
		    check_found(f, "the role's id", "the role's secret",
			"the role's token", e);
	}
	role_key_release(&k);
	return ok;
}

static bool
is_none(const struct err *e)
{
	return e->kind == ERR_NONE;
}

/* Nothing anywhere; why holds what the role's service said, if asked. */
static bool
none(const struct credentials *c, const struct err *why, struct err *e)
{
	const char *words = c->dialect == CREDENTIALS_COS ?
	    "no credentials for COS: set TENCENTCLOUD_SECRET_ID and "
	    "TENCENTCLOUD_SECRET_KEY, or write ~/.tencentcloud/credentials or "
	    "~/.cos.conf" :
	    "no credentials for S3: set AWS_ACCESS_KEY_ID and "
	    "AWS_SECRET_ACCESS_KEY, or write ~/.aws/credentials";

	if (is_none(why))
		return err_set(e, ERR_USAGE, "%s", words);
	return err_set(
	    e, ERR_USAGE, "%s (nor a role: %.160s)", words, why->text);
}

/* Through all places.  What is malformed ends the search. */
static bool
look(const struct credentials *c, struct found *f, struct err *e)
{
	bool cos = c->dialect == CREDENTIALS_COS;
	struct err why = { 0 };

	*e = (struct err){ 0 };
	/* A profile that was asked for wins over the environment's key, but
	 * that wins over AWS_PROFILE, as it does for AWS's own tools. */
	if (c->means.profile == NULL &&
	    look_in_environment(cos ? cos_names : s3_names,
		cos ? COUNT_OF(cos_names) : COUNT_OF(s3_names), f, e))
		return true;
	if (!is_none(e))
		return false;
	if (look_in_files(c, f, e))
		return true;
	if (!is_none(e))
		return false;
	if (c->means.fetch != NULL) {
		if (look_for_role(c, f, &why))
			return true;
		if (why.kind == ERR_SIGNAL || why.kind == ERR_USAGE) {
			*e = why;
			return false;
		}
	}
	return none(c, &why, e);
}

struct credentials *
credentials_new(enum credentials_dialect dialect,
    const struct credentials_means *means, struct err *e)
{
	struct credentials *c = calloc(1, sizeof *c);

	if (c == NULL) {
		err_sys(e, "no memory for credentials");
		return NULL;
	}
	c->dialect = dialect;
	c->means = *means;
	pthread_mutex_init(&c->lock, NULL);
	pthread_cond_init(&c->looked, NULL);
	return c;
}

static int64_t
now_of(const struct credentials *c)
{
	return c->means.clock != NULL ? c->means.clock() : (int64_t)time(NULL);
}

/* Is the key at hand worth using?  One that had ended when it came is, for a
 * while: nobody hands out such keys, so it is our clock that is wrong. */
static bool
is_good(const struct credentials *c, int64_t now)
{
	return c->have && (now < c->now.until || now < c->fresh);
}

static bool
is_due(const struct credentials *c, int64_t now)
{
	return c->now.until != INT64_MAX && now >= c->now.until - EARLY &&
	    now >= c->next_look;
}

/* Look, and put what was found in place of the key at hand.  The lock is held
 * before and after, not within. */
static void
look_again(struct credentials *c)
{
	struct found f = { 0 };
	struct err e = { 0 };
	bool ok;

	c->looking = true;
	pthread_mutex_unlock(&c->lock);
	ok = look(c, &f, &e);
	pthread_mutex_lock(&c->lock);
	c->looking = false;
	c->looks++;
	c->failed = !ok;
	if (ok) {
		found_release(&c->now);
		c->now = f;
		c->have = true;
		c->fresh = f.until <= now_of(c) ? now_of(c) + PAUSE : 0;
		if (c->origin[0] == '\0')
			strncpy(c->origin, f.origin.ptr, sizeof c->origin - 1);
	} else {
		found_release(&f);
		c->why = e;
	}
	c->next_look = now_of(c) + PAUSE;
	pthread_cond_broadcast(&c->looked);
}

/* The last look's error, as those see it who had a key that ended. */
static bool
fail(const struct credentials *c, struct err *e)
{
	*e = c->why;
	if (!c->have || e->kind == ERR_SIGNAL)
		return false;
	e->kind = ERR_REMOTE;
	return err_in(e, "the key of the %s ended and there is no new one",
	    c->now.origin.ptr);
}

static bool
copy(const struct credentials *c, struct credential *out, struct err *e)
{
	const struct found *f = &c->now;
	char *p;

	out->room_len = f->id.len + f->secret.len + f->token.len + 3;
	p = out->room = malloc(out->room_len);
	if (p == NULL) {
		*out = (struct credential){ 0 };
		return err_sys(e, "no memory for credentials");
	}
	out->key.id = strcpy(p, f->id.ptr);
	p += f->id.len + 1;
	out->key.secret = strcpy(p, f->secret.ptr);
	p += f->secret.len + 1;
	out->key.token = strcpy(p, text_get(&f->token));
	out->until = f->until;
	return true;
}

/* Wait for whoever looks; false when that look failed and left no good key. */
static bool
wait_for_look(struct credentials *c)
{
	unsigned before = c->looks;

	while (c->looking && c->looks == before)
		pthread_cond_wait(&c->looked, &c->lock);
	return is_good(c, now_of(c)) || !c->failed;
}

/* The lock is held. */
static bool
make_good(struct credentials *c, struct err *e)
{
	int64_t now = now_of(c);

	while (!is_good(c, now) || (is_due(c, now) && !c->looking)) {
		if (c->looking) {
			if (!wait_for_look(c))
				return fail(c, e);
		} else {
			look_again(c);
			if (c->failed && !is_good(c, now_of(c)))
				return fail(c, e);
		}
		now = now_of(c);
	}
	return true;
}

bool
credentials_get(struct credentials *c, struct credential *out, struct err *e)
{
	bool ok;

	*out = (struct credential){ 0 };
	pthread_mutex_lock(&c->lock);
	ok = make_good(c, e) && copy(c, out, e);
	pthread_mutex_unlock(&c->lock);
	return ok;
}

static bool
is_current(const struct credentials *c, const struct credential *k)
{
	return c->have && strcmp(c->now.id.ptr, k->key.id) == 0 &&
	    strcmp(c->now.secret.ptr, k->key.secret) == 0 &&
	    strcmp(text_get(&c->now.token), k->key.token) == 0;
}

bool
credentials_renew(
    struct credentials *c, const struct credential *refused, struct err *e)
{
	bool ok = true;

	pthread_mutex_lock(&c->lock);
	if (is_current(c, refused)) {
		if (c->looking)
			ok = wait_for_look(c);
		else
			look_again(c);
		ok = ok && !c->failed;
		if (!ok)
			fail(c, e);
	}
	pthread_mutex_unlock(&c->lock);
	return ok;
}

const char *
credentials_origin(struct credentials *c)
{
	const char *origin;

	pthread_mutex_lock(&c->lock);
	origin = c->origin;
	pthread_mutex_unlock(&c->lock);
	return origin;
}

void
credential_release(struct credential *k)
{
	if (k->room != NULL)
		explicit_bzero(k->room, k->room_len);
	free(k->room);
	*k = (struct credential){ 0 };
}

void
credentials_free(struct credentials *c)
{
	if (c == NULL)
		return;
	found_release(&c->now);
	pthread_cond_destroy(&c->looked);
	pthread_mutex_destroy(&c->lock);
	free(c);
}
