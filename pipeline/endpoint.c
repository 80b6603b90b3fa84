/* endpoint.c -- see endpoint.h. */
#include "pipeline/endpoint.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pipeline/config.h"
#include "pipeline/say.h"
#include "stages/redis/server.h"
#include "stages/redis/url.h"

static const char *user, *password_file, *timeout;
static const char *tls_ca, *tls_cert, *tls_key, *tls_server_name;
static bool tls_insecure;

/* They go through as they are, so they are those of SERVER_OPTIONS, all texts
 * and flags. */
/* clang-format off */
const struct opt endpoint_opts[] = {
	{ OPT_TEXT, 0, "user", &user, "NAME",
	    "ACL user, when the URL names none", 0, 0, NULL, NULL },
	{ OPT_TEXT, 0, "password-file", &password_file, "FILE",
	    "read the password from the first line of FILE", 0, 0, NULL, NULL },
	{ OPT_TEXT, 0, "timeout", &timeout, "TIME",
	    "longest wait for a sign of life, and for a server that is busy", 0, 0, NULL, NULL },
	{ OPT_TEXT, 0, "tls-ca", &tls_ca, "FILE",
	    "trust the authorities in FILE, not the system's", 0, 0, NULL, NULL },
	{ OPT_TEXT, 0, "tls-cert", &tls_cert, "FILE",
	    "show this certificate (chain, PEM)", 0, 0, NULL, NULL },
	{ OPT_TEXT, 0, "tls-key", &tls_key, "FILE",
	    "its private key; default: in the file of --tls-cert", 0, 0, NULL, NULL },
	{ OPT_TEXT, 0, "tls-server-name", &tls_server_name, "NAME",
	    "the name in the server's certificate, if not the host", 0, 0, NULL, NULL },
	{ OPT_FLAG, 0, "tls-insecure", &tls_insecure, NULL,
	    "believe any certificate; anybody can then listen", 0, 0, NULL, NULL },
	OPT_TABLE_END,
};
/* clang-format on */

/* The URL without its password; it was parsed before. */
static char *
without_password(const char *text)
{
	const char *s = strstr(text, "://") + 3, *at = NULL, *colon;
	size_t n = strcspn(s, "/");
	char *url;

	for (size_t i = 0; i < n; i++)
		if (s[i] == '@')
			at = s + i;
	if (at == NULL || (colon = memchr(s, ':', (size_t)(at - s))) == NULL)
		return strdup(text);
	/* ":secret@" goes altogether, "user:secret@" leaves "user@". */
	if (asprintf(&url, "%.*s%s", (int)(colon - text), text,
		colon == s ? at + 1 : at) == -1)
		return NULL;
	return url;
}

/* What an option is for this server: the command line's, else that of its
 * section; NULL: nothing.  A flag that is set is "yes". */
static const char *
option_of(const struct endpoint *s, const struct opt *o)
{
	const char *text;

	if (o->type == OPT_FLAG)
		text = *(const bool *)o->to ? "yes" : NULL;
	else
		text = *(const char *const *)o->to;
	if (text == NULL && s->instance != NULL)
		text = config_text(s->instance, o->name);
	return text;
}

/* Is there a file with the password? */
static bool
has_password_file(const struct endpoint *s)
{
	return password_file != NULL ||
	    (s->instance != NULL &&
		config_text(s->instance, "password-file") != NULL);
}

/* Take the URL apart; text is left as it is. */
static bool
url_take(struct endpoint *s, const char *text, struct err *e)
{
	struct url parsed;
	bool ok;

	if (!url_parse(&parsed, text, e))
		return false;
	if (parsed.password != NULL && has_password_file(s)) {
		url_release(&parsed);
		return err_set(e, ERR_USAGE,
		    "a password in the URL and --password-file: give one of "
		    "them");
	}
	if (parsed.password != NULL)
		s->password = strdup(parsed.password);
	s->url = without_password(text);
	ok = s->url != NULL && (parsed.password == NULL || s->password != NULL);
	if (!ok) {
		err_sys(e, "cannot keep the server's address");
		endpoint_release(s);
	}
	url_release(&parsed);
	return ok;
}

static bool
instance_take(struct endpoint *s, const char *name, struct err *e)
{
	const struct config *c;

	if (!config_shared(&c, e))
		return false;
	s->instance = config_want(c, OF_INSTANCE, name, e);
	if (s->instance == NULL)
		return err_in(e, "'%s' is no URL of a server, and", name);
	return url_take(s, config_text(s->instance, "url"), e);
}

static bool
timeout_check(struct err *e)
{
	int64_t ms;

	return timeout == NULL || (opt_time(timeout, &ms) && ms > 0) ||
	    err_set(e, ERR_USAGE,
		"--timeout wants a time such as 500ms, 30s or 5m, not '%s'",
		timeout);
}

bool
endpoint_init(struct endpoint *s, char *text, struct err *e)
{
	bool ok;

	memset(s, 0, sizeof *s);
	if (!timeout_check(e))
		return false;
	if (strstr(text, "://") == NULL)
		return instance_take(s, text, e);
	ok = url_take(s, text, e);
	url_hide(text);
	return ok;
}

void
endpoint_words(const struct endpoint *s, struct chain *c)
{
	const char *password =
	    s->password != NULL ? s->password : getenv(COMMAND_SECRET);
	char name[32];

	for (const struct opt *o = endpoint_opts; o->type != OPT_END; o++) {
		const char *text = option_of(s, o);

		snprintf(name, sizeof name, "--%s", o->name);
		if (o->type == OPT_TEXT)
			chain_option(c, name, text);
		else if (text != NULL && strcmp(text, "yes") == 0)
			chain_word(c, name);
	}
	chain_word(c, s->url);
	if (password != NULL)
		chain_env(c, COMMAND_SECRET, password);
}

/* The options as server.h takes them: borrowed from the command line or the
 * configuration, which stay. */
static void
options_fill(const struct endpoint *s, struct server_options *o)
{
	const struct {
		const char *name, **to;
	} texts[] = {
		{ "user", &o->user },
		{ "password-file", &o->password_file },
		{ "tls-ca", &o->tls.ca },
		{ "tls-cert", &o->tls.cert },
		{ "tls-key", &o->tls.key },
		{ "tls-server-name", &o->tls.server_name },
	};
	const char *insecure = NULL, *patience = NULL;

	for (const struct opt *opt = endpoint_opts; opt->type != OPT_END;
	     opt++) {
		const char *text = option_of(s, opt);

		for (size_t i = 0; i < COUNT_OF(texts); i++)
			if (strcmp(opt->name, texts[i].name) == 0)
				*texts[i].to = text;
		if (strcmp(opt->name, "tls-insecure") == 0)
			insecure = text;
		if (strcmp(opt->name, "timeout") == 0)
			patience = text;
	}
	o->tls.insecure = insecure != NULL && strcmp(insecure, "yes") == 0;
	if (patience == NULL || !opt_time(patience, &o->timeout_ms))
		o->timeout_ms = SERVER_TIMEOUT;
	o->clusters = true;
}

bool
endpoint_server(
    struct server *server, char *text, const char *rules, struct err *e)
{
	struct server_options options = { 0 };
	struct endpoint s = { 0 };
	const struct config *c;
	char *url;
	bool ok;

	if (!timeout_check(e))
		return false;
	if (strstr(text, "://") == NULL) {
		if (!config_shared(&c, e) ||
		    (s.instance = config_want(c, OF_INSTANCE, text, e)) == NULL)
			return false;
		text = NULL;
	}
	options_fill(&s, &options);
	if (text != NULL)
		return server_init(server, text, &options, rules, e);
	if ((url = strdup(config_text(s.instance, "url"))) == NULL)
		return err_sys(e, "cannot keep the server's address");
	ok = server_init(server, url, &options, rules, e);
	free(url);
	return ok;
}

bool
endpoint_is_cluster(const struct endpoint *s)
{
	const char *plus = strstr(s->url, "+cluster://");

	return plus != NULL && plus < strstr(s->url, "://");
}

/* "rediss+cluster://user@a,b" becomes "rediss://user@host:port". */
bool
endpoint_node(const struct endpoint *s, const char *host, unsigned port,
    struct endpoint *to, struct err *e)
{
	int scheme = (int)strcspn(s->url, "+");
	const char *rest = strstr(s->url, "://") + 3;
	const char *at = strrchr(rest, '@');
	bool v6 = strchr(host, ':') != NULL;

	memset(to, 0, sizeof *to);
	to->instance = s->instance;
	if (asprintf(&to->url, "%.*s://%.*s%s%s%s:%u", scheme, s->url,
		at != NULL ? (int)(at + 1 - rest) : 0, rest, v6 ? "[" : "",
		host, v6 ? "]" : "", port) == -1)
		to->url = NULL;
	if (s->password != NULL)
		to->password = strdup(s->password);
	if (to->url != NULL && (s->password == NULL || to->password != NULL))
		return true;
	err_sys(e, "cannot keep the server's address");
	endpoint_release(to);
	return false;
}

bool
endpoint_dial(const struct endpoint *s, struct server *to, const char *rules,
    struct err *e)
{
	struct server_options o = { .password = s->password };
	char *url = strdup(s->url);
	bool ok;

	if (url == NULL)
		return err_sys(e, "cannot keep the server's address");
	options_fill(s, &o);
	ok = server_init(to, url, &o, rules, e);
	free(url);
	return ok;
}

void
endpoint_hint(const struct endpoint *s)
{
	if (s->password != NULL)
		say("the line needs the password of %s in the environment, "
		    "as " COMMAND_SECRET,
		    s->url);
}

void
endpoint_release(struct endpoint *s)
{
	if (s->password != NULL)
		explicit_bzero(s->password, strlen(s->password));
	free(s->password);
	free(s->url);
	memset(s, 0, sizeof *s);
}
