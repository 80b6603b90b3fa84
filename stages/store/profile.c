/*
 * profile.c -- see profile.h
 *
 * One reader for all these files: "[section]", "name = value", "#" and ";"
 * before comments, and, as AWS has it, indented lines below a name without
 * value, whose names are then "that.this".
 */
#include "stages/store/profile.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "stages/kit/span.h"

#define FILE_MAX (1024 * 1024)

struct place {
	const char *env;    /* says where it is, may be NULL */
	const char *path;   /* else here, "~" is HOME */
	const char *prefix; /* of sections other than "default", or NULL */
	const char *fixed;  /* the section, whatever the profile; or NULL */
	const char *id, *id_too, *secret, *token;
};

static const struct place cos_places[] = {
	{ "TENCENTCLOUD_CREDENTIALS_FILE", "~/.tencentcloud/credentials", NULL,
	    NULL, "secret_id", NULL, "secret_key", "token" },
	{ NULL, "/etc/tencentcloud/credentials", NULL, NULL, "secret_id", NULL,
	    "secret_key", "token" },
	{ NULL, "~/.cos.conf", NULL, "common", "secret_id", "access_id",
	    "secret_key", "token" },
};

static const struct place s3_places[] = {
	{ "AWS_SHARED_CREDENTIALS_FILE", "~/.aws/credentials", NULL, NULL,
	    "aws_access_key_id", NULL, "aws_secret_access_key",
	    "aws_session_token" },
	{ "AWS_CONFIG_FILE", "~/.aws/config", "profile ", NULL,
	    "aws_access_key_id", NULL, "aws_secret_access_key",
	    "aws_session_token" },
};

static const char *
setting(const char *name)
{
	const char *v = name != NULL ? getenv(name) : NULL;

	return v != NULL && *v != '\0' ? v : NULL;
}

/* Where the file is; empty when that depends on a HOME that is not set. */
static void
put_path(const struct place *p, struct text *to)
{
	const char *home = setting("HOME");

	if (setting(p->env) != NULL)
		text_put(to, setting(p->env));
	else if (*p->path != '~')
		text_put(to, p->path);
	else if (home != NULL)
		text_putf(to, "%s%s", home, p->path + 1);
}

/* Not stdio: its buffer would keep what it read. */
static bool
read_all(int fd, const char *path, struct text *to, struct err *e)
{
	char part[4096];
	ssize_t n;

	do {
		n = read(fd, part, sizeof part);
		if (n > 0)
			text_put_bytes(to, part, (size_t)n);
	} while ((n > 0 && to->len <= FILE_MAX) || (n < 0 && errno == EINTR));
	explicit_bzero(part, sizeof part);
	if (n < 0)
		return err_sys(e, "cannot read %s", path);
	if (to->len > FILE_MAX)
		return err_set(
		    e, ERR_USAGE, "%s is too large for settings", path);
	return text_ok(to, e);
}

/* *there false, and no error, when there is no such file. */
static bool
read_file(const char *path, struct text *to, bool *there, struct err *e)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	bool ok;

	*there = fd >= 0;
	if (fd < 0 && (errno == ENOENT || errno == ENOTDIR))
		return true;
	if (fd < 0) {
		err_sys(e, "cannot open %s", path);
		e->kind = ERR_USAGE;
		return false;
	}
	ok = read_all(fd, path, to, e);
	close(fd);
	return ok;
}

static struct span
trimmed(struct span s)
{
	while (s.len > 0 && memchr(" \t\r", *s.ptr, 3) != NULL)
		span_take(&s, 1);
	while (s.len > 0 && memchr(" \t\r", s.ptr[s.len - 1], 3) != NULL)
		s.len--;
	return s;
}

static bool
is(struct span s, const char *text)
{
	return s.len == strlen(text) && memcmp(s.ptr, text, s.len) == 0;
}

/* "a.b" against parent a and name b; "b" without a parent. */
static bool
is_name(const char *wanted, struct span parent, struct span name)
{
	if (parent.len > 0) {
		if (strncmp(wanted, (const char *)parent.ptr, parent.len) !=
			0 ||
		    wanted[parent.len] != '.')
			return false;
		wanted += parent.len + 1;
	}
	return is(name, wanted);
}

/* One line; in_section is about the lines before it. */
struct reader {
	const char *section;
	bool in_section, seen;
	struct span parent; /* a name without value, for indented lines */
};

static bool
line_matches(
    struct reader *r, struct span line, const char *name, struct span *value)
{
	bool indented = line.len > 0 && memchr(" \t", *line.ptr, 2) != NULL;
	struct span left, right;
	const uint8_t *eq;

	line = trimmed(line);
	if (line.len == 0 || *line.ptr == '#' || *line.ptr == ';')
		return false;
	if (*line.ptr == '[') {
		span_take(&line, 1);
		if (line.len > 0 && line.ptr[line.len - 1] == ']')
			line.len--;
		r->in_section = is(trimmed(line), r->section);
		r->seen |= r->in_section;
		r->parent.len = 0;
		return false;
	}
	eq = memchr(line.ptr, '=', line.len);
	if (!r->in_section || eq == NULL)
		return false;
	left = trimmed(span_take(&line, (size_t)(eq - line.ptr)));
	span_take(&line, 1);
	right = trimmed(line);
	if (!indented)
		r->parent.len = 0;
	if (is_name(name, r->parent, left) && right.len > 0) {
		*value = right;
		return true;
	}
	if (!indented && right.len == 0)
		r->parent = left;
	return false;
}

/* Put the last value of a name in a section; *seen: there is the section. */
static void
find(const struct text *file, const char *section, const char *name,
    struct text *value, bool *seen)
{
	struct span all = { (const uint8_t *)file->ptr, file->len }, v;
	struct reader r = { .section = section };

	while (all.len > 0) {
		const uint8_t *nl = memchr(all.ptr, '\n', all.len);
		size_t n = nl != NULL ? (size_t)(nl - all.ptr) : all.len;
		struct span line = span_take(&all, n);

		if (nl != NULL)
			span_take(&all, 1);
		if (!line_matches(&r, line, name, &v))
			continue;
		text_clear(value);
		text_put_bytes(value, v.ptr, v.len);
	}
	*seen |= r.seen;
}

static void
put_section(const struct place *p, const char *profile, struct text *to)
{
	if (p->fixed != NULL)
		text_put(to, p->fixed);
	else if (p->prefix != NULL && strcmp(profile, "default") != 0)
		text_putf(to, "%s%s", p->prefix, profile);
	else
		text_put(to, profile);
}

/* Look for a key in one file. */
static bool
look(const struct place *p, const char *profile, struct profile_key *k,
    bool *seen, struct err *e)
{
	struct text path = { 0 }, file = { 0 }, section = { 0 };
	bool ok = false, there = false;

	put_path(p, &path);
	put_section(p, profile, &section);
	if (!text_ok(&path, e) || !text_ok(&section, e))
		goto out;
	ok = path.len == 0 || read_file(path.ptr, &file, &there, e);
	if (!ok || !there)
		goto out;
	find(&file, section.ptr, p->id, &k->id, seen);
	if (k->id.len == 0 && p->id_too != NULL)
		find(&file, section.ptr, p->id_too, &k->id, seen);
	find(&file, section.ptr, p->secret, &k->secret, seen);
	find(&file, section.ptr, p->token, &k->token, seen);
	ok = text_ok(&k->id, e) && text_ok(&k->secret, e) &&
	    text_ok(&k->token, e);
	if (ok && (k->id.len > 0 || k->secret.len > 0))
		text_put(&k->file, path.ptr);
	ok = ok && text_ok(&k->file, e);
out:
	text_release(&path);
	text_release(&file);
	text_release(&section);
	return ok;
}

static bool
look_all(const struct place *p, size_t n, const char *profile, bool by_name,
    struct profile_key *k, struct err *e)
{
	bool seen = false;
	char q[80];
	size_t i;

	for (i = 0; i < n && k->file.len == 0; i++)
		if (!look(&p[i], profile, k, &seen, e))
			return false;
	if (by_name && !seen)
		return err_set(e, ERR_USAGE, "no profile \"%s\" in %s",
		    err_quote(q, sizeof q, profile, strlen(profile)),
		    setting(p->env) != NULL ? setting(p->env) : p->path);
	return true;
}

bool
profile_key_cos(const char *profile, struct profile_key *k, struct err *e)
{
	bool by_name = profile != NULL;

	return look_all(cos_places,
	    by_name ? COUNT_OF(cos_places) - 1 : COUNT_OF(cos_places),
	    by_name ? profile : "default", by_name, k, e);
}

static const char *
s3_profile(const char *profile, bool *by_name)
{
	if (profile == NULL)
		profile = setting("AWS_PROFILE");
	*by_name = profile != NULL;
	return profile != NULL ? profile : "default";
}

bool
profile_key_s3(const char *profile, struct profile_key *k, struct err *e)
{
	bool by_name;

	profile = s3_profile(profile, &by_name);
	return look_all(s3_places, COUNT_OF(s3_places), profile, by_name, k, e);
}

void
profile_key_release(struct profile_key *k)
{
	text_release(&k->id);
	text_release(&k->secret);
	text_release(&k->token);
	text_release(&k->file);
}

/* The environment's word for a setting, or NULL. */
static const char *
s3_environment(const char *name)
{
	static const struct {
		const char *name, *env;
	} t[] = { { "region", "AWS_REGION" },
		{ "region", "AWS_DEFAULT_REGION" },
		{ "endpoint_url", "AWS_ENDPOINT_URL_S3" },
		{ "endpoint_url", "AWS_ENDPOINT_URL" } };
	size_t i;

	for (i = 0; i < COUNT_OF(t); i++)
		if (strcmp(name, t[i].name) == 0 && setting(t[i].env) != NULL)
			return setting(t[i].env);
	return NULL;
}

/* Only a URL itself may name an endpoint. */
static bool
s3_ignores(const char *name)
{
	const char *all = setting("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS");

	return strcmp(name, "endpoint_url") == 0 && all != NULL &&
	    strcasecmp(all, "true") == 0;
}

/* A service's own endpoint comes before the profile's. */
static void
find_service(const struct text *file, const char *section, const char *name,
    struct text *value)
{
	struct text services = { 0 }, where = { 0 }, inner = { 0 };
	bool seen = false;

	find(file, section, "services", &services, &seen);
	if (services.len > 0) {
		text_putf(&where, "services %s", services.ptr);
		text_putf(&inner, "s3.%s", name);
		if (!where.bad && !inner.bad)
			find(file, where.ptr, inner.ptr, value, &seen);
	}
	text_release(&services);
	text_release(&where);
	text_release(&inner);
}

bool
profile_setting_s3(
    const char *profile, const char *name, struct text *value, struct err *e)
{
	const struct place *config = &s3_places[1];
	struct text path = { 0 }, file = { 0 }, section = { 0 };
	bool ok, there = false, unused = false;

	text_clear(value);
	if (s3_ignores(name))
		return true;
	if (s3_environment(name) != NULL) {
		text_put(value, s3_environment(name));
		return text_ok(value, e);
	}
	put_path(config, &path);
	put_section(config, s3_profile(profile, &unused), &section);
	ok = text_ok(&path, e) && text_ok(&section, e) &&
	    (path.len == 0 || read_file(path.ptr, &file, &there, e));
	if (ok && there) {
		find_service(&file, section.ptr, name, value);
		if (value->len == 0)
			find(&file, section.ptr, name, value, &unused);
		ok = text_ok(value, e);
	}
	text_release(&path);
	text_release(&file);
	text_release(&section);
	return ok;
}
