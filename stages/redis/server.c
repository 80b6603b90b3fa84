/* server.c -- see server.h. */
#include "stages/redis/server.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "stages/kit/clock.h"
#include "stages/redis/wait.h"

#define PASSWORD_MAX    65536
#define DATABASES_TRIED (1 << 20)

/* --- who we are --- */

/* Copy s, or fail. */
static bool
keep(char **to, const char *s, struct err *e)
{
	*to = strdup(s);
	return *to != NULL || err_sys(e, "no memory for the login");
}

/* The first line of the file, without its end. */
static bool
read_password(char **to, const char *path, struct err *e)
{
	char *line = NULL;
	size_t cap = 0;
	ssize_t n;
	FILE *f = fopen(path, "re");
	bool ok = false;

	if (f == NULL)
		return err_sys(e, "cannot open %s", path);
	n = getline(&line, &cap, f);
	while (n > 0 && (line[n - 1] == '\n' || line[n - 1] == '\r'))
		line[--n] = '\0';
	if (n < 0 && ferror(f))
		err_sys(e, "cannot read %s", path);
	else if (n <= 0)
		err_set(e, ERR_USAGE, "%s: the first line is empty", path);
	else if (n > PASSWORD_MAX || strlen(line) != (size_t)n)
		err_set(
		    e, ERR_USAGE, "%s: the first line is no password", path);
	else
		ok = keep(to, line, e);
	if (line != NULL)
		explicit_bzero(line, cap);
	free(line);
	fclose(f);
	return ok;
}

static bool
find_login(struct server *s, const struct server_options *o, struct err *e)
{
	const char *env = getenv("REDISCLI_AUTH");
	const char *user = s->url.user != NULL ? s->url.user : o->user;

	if (s->url.user != NULL && o->user != NULL)
		return err_set(e, ERR_USAGE,
		    "a user in the URL and --user: give one of them");
	if (s->url.password != NULL && o->password_file != NULL)
		return err_set(e, ERR_USAGE,
		    "a password in the URL and --password-file: give one of "
		    "them");
	if (user != NULL && !keep(&s->user, user, e))
		return false;
	if (o->password != NULL)
		return keep(&s->password, o->password, e);
	if (s->url.password != NULL)
		return keep(&s->password, s->url.password, e);
	if (o->password_file != NULL)
		return read_password(&s->password, o->password_file, e);
	if (env != NULL && *env != '\0')
		return keep(&s->password, env, e);
	if (user != NULL)
		return err_set(e, ERR_USAGE,
		    "a user without a password: give --password-file or "
		    "REDISCLI_AUTH (a password alone is written "
		    "redis://:PASSWORD@host)");
	return true;
}

static bool
check_tls(const struct server *s, const struct tls_options *t, struct err *e)
{
	if (t->key != NULL && t->cert == NULL)
		return err_set(e, ERR_USAGE, "--tls-key needs --tls-cert");
	if (s->url.kind == URL_TLS)
		return true;
	if (t->ca != NULL || t->server_name != NULL || t->insecure)
		return err_set(e, ERR_USAGE,
		    "--tls options need a URL of TLS: rediss:// or "
		    "rediss+cluster://");
	return true;
}

bool
server_init(struct server *s, char *url_text, const struct server_options *o,
    const char *rules, struct err *e)
{
	memset(s, 0, sizeof *s);
	if (!url_parse(&s->url, url_text, e))
		return false;
	url_hide(url_text);
	s->tls = o->tls;
	s->timeout_ms = o->timeout_ms;
	s->rules = rules;
	if (s->url.cluster && !o->clusters)
		err_set(e, ERR_USAGE,
		    "the URL names a whole cluster, but one server is wanted: "
		    "name one node with redis:// or rediss://");
	else if (s->url.db > 0)
		err_set(e, ERR_USAGE,
		    "the URL names database %d, but replication moves all of "
		    "them: leave it out",
		    s->url.db);
	else if (check_tls(s, &o->tls, e) && find_login(s, o, e))
		return true;
	server_release(s);
	return false;
}

bool
server_init_node(struct server *s, const struct server *of, const char *host,
    unsigned port, struct err *e)
{
	memset(s, 0, sizeof *s);
	if (!url_node_init(&s->url, &of->url, host, port, e))
		return false;
	s->tls = of->tls;
	s->timeout_ms = of->timeout_ms;
	s->rules = of->rules;
	if ((of->user == NULL || keep(&s->user, of->user, e)) &&
	    (of->password == NULL || keep(&s->password, of->password, e)))
		return true;
	server_release(s);
	return false;
}

static void
wipe(char **secret)
{
	if (*secret != NULL)
		explicit_bzero(*secret, strlen(*secret));
	free(*secret);
	*secret = NULL;
}

void
server_release(struct server *s)
{
	server_disconnect(s);
	wipe(&s->password);
	wipe(&s->user);
	url_release(&s->url);
}

/* --- refusals --- */

bool
server_said(const char *text, const char *word)
{
	return strncmp(text, word, strlen(word)) == 0;
}

/* A refused login: which of its ways is it?  False: none that we know. */
static bool
login_explain(const struct server *s, const char *text, struct err *e)
{
	char user[64] = "default";

	if (s->user != NULL)
		err_quote(user, sizeof user, s->user, strlen(s->user));
	if (server_said(text, "WRONGPASS") ||
	    server_said(text, "ERR invalid password"))
		return !err_set(e, ERR_REMOTE,
		    "%s: wrong password for user \"%s\", or no such user, or "
		    "it is off",
		    s->url.name, user);
	if (strstr(text, "without any password configured") != NULL ||
	    strstr(text, "no password is set") != NULL)
		return !err_set(e, ERR_REMOTE,
		    "%s: has no password set, but one was given: leave it out",
		    s->url.name);
	if (strstr(text, "wrong number of arguments") != NULL)
		return !err_set(e, ERR_REMOTE,
		    "%s: knows no users (before Redis 6): give a password "
		    "only",
		    s->url.name);
	return false;
}

/* Which rule is missing, and how to add all that are needed.  Of keys servers
 * say "access a key" (7.0) or "access one of the keys" (6). */
static bool
permission_refused(const struct server *s, const char *command,
    const char *text, struct err *e)
{
	char user[64] = "default";
	bool key = strstr(text, "access a key") != NULL ||
	    strstr(text, "access one of the keys") != NULL;

	if (s->user != NULL)
		err_quote(user, sizeof user, s->user, strlen(s->user));
	return err_set(e, ERR_REMOTE,
	    "%s: user \"%s\" lacks %s%s: ACL SETUSER %s %s", s->url.name, user,
	    key ? "some keys, for " : "+", command, user, s->rules);
}

bool
server_refused(const struct server *s, const char *command, const char *text,
    struct err *e)
{
	char quoted[300];

	if (strcmp(command, "auth") == 0 && login_explain(s, text, e))
		return false;
	if (server_said(text, "NOPERM"))
		return permission_refused(s, command, text, e);
	if (server_said(text, "NOAUTH") ||
	    server_said(text, "ERR operation not permitted"))
		return err_set(e, ERR_REMOTE,
		    "%s: wants a password: --password-file, REDISCLI_AUTH or "
		    "redis://user:password@host",
		    s->url.name);
	if (server_said(text, "DENIED"))
		return err_set(e, ERR_REMOTE,
		    "%s: runs in protected mode and serves only its own host: "
		    "set a password there, or protected-mode no",
		    s->url.name);
	if (server_said(text, "ERR unknown command"))
		return err_set(e, ERR_REMOTE,
		    "%s: does not know %s; managed services often hide it: ask "
		    "the provider, or use the dumps it offers",
		    s->url.name, command);
	err_quote(quoted, sizeof quoted, text, strlen(text));
	return err_set(
	    e, ERR_REMOTE, "%s: refuses %s: %s", s->url.name, command, quoted);
}

/* --- talking --- */

void
server_disconnect(struct server *s)
{
	resp_free(s->resp);
	conn_close(s->conn);
	s->resp = NULL;
	s->conn = NULL;
}

static bool
login(struct server *s, struct err *e)
{
	struct reply reply;

	if (s->password != NULL) {
		bool named = s->user != NULL;

		if (!resp_call(s->resp, &reply,
			WORDS("AUTH", named ? s->user : s->password,
			    named ? s->password : NULL),
			e))
			return false;
		if (reply.kind == REPLY_ERROR)
			return server_refused(s, "auth", reply.text, e);
	}
	/* A user may lack +ping, and a server that loads does not answer it:
	 * what matters here is whether it wants to know who we are. */
	if (!resp_call(s->resp, &reply, WORDS("PING"), e))
		return false;
	if (reply.kind == REPLY_ERROR &&
	    (server_said(reply.text, "NOAUTH") ||
		server_said(reply.text, "ERR ") ||
		server_said(reply.text, "DENIED")))
		return server_refused(s, "ping", reply.text, e);
	return true;
}

bool
server_connect(struct server *s, struct err *e)
{
	server_disconnect(s);
	s->conn = conn_open(&s->url, &s->tls, s->timeout_ms, e);
	if (s->conn == NULL)
		return false;
	s->resp = resp_new(s->conn, e);
	return s->resp != NULL && login(s, e);
}

bool
server_adopt(struct server *s, int fd, struct err *e)
{
	server_disconnect(s);
	s->conn = conn_new(fd, s->url.name, s->timeout_ms, e);
	if (s->conn == NULL)
		return false;
	s->resp = resp_new(s->conn, e);
	return s->resp != NULL && login(s, e);
}

/* "config|get" of CONFIG GET ...: what an ACL rule would name. */
static void
command_name(char *to, size_t cap, const char *const *words)
{
	bool nested = strcmp(words[0], "CONFIG") == 0 ||
	    strcmp(words[0], "FUNCTION") == 0 ||
	    strcmp(words[0], "CLUSTER") == 0;

	snprintf(to, cap, "%s%s%s", words[0], nested ? "|" : "",
	    nested ? words[1] : "");
	for (char *c = to; *c != '\0'; c++)
		if (*c >= 'A' && *c <= 'Z')
			*c = (char)(*c - 'A' + 'a');
}

bool
server_call(struct server *s, struct reply *reply, const char *const *words,
    struct err *e)
{
	char name[40];

	if (!resp_call(s->resp, reply, words, e))
		return false;
	if (reply->kind != REPLY_ERROR)
		return true;
	command_name(name, sizeof name, words);
	return server_refused(s, name, reply->text, e);
}

bool
server_config(
    struct server *s, const char *name, char *value, size_t cap, struct err *e)
{
	struct reply reply;

	value[0] = '\0';
	if (!resp_call(s->resp, &reply, WORDS("CONFIG", "GET", name), e))
		return false;
	if (reply.kind == REPLY_ARRAY && reply.len == 2)
		snprintf(value, cap, "%s", resp_item(&reply, 1).text);
	return true;
}

/* Can it be selected?  *told false: that is not for us to know. */
static bool
try_database(
    struct server *s, uint64_t db, bool *has, bool *told, struct err *e)
{
	struct reply reply;
	char number[24];

	snprintf(number, sizeof number, "%llu", (unsigned long long)db);
	if (!resp_call(s->resp, &reply, WORDS("SELECT", number), e))
		return false;
	*has = reply.kind != REPLY_ERROR;
	*told = *has || strstr(reply.text, "DB index") != NULL;
	return true;
}

bool
server_databases(struct server *s, uint64_t *databases, struct err *e)
{
	uint64_t below = 1, above = 1; /* there are so many; not so many */
	bool has = true, told = true;
	char value[24];

	if (!server_config(s, "databases", value, sizeof value, e))
		return false;
	*databases = strtoull(value, NULL, 10);
	if (*databases > 0)
		return true;
	while (has && told && above <= DATABASES_TRIED) {
		below = above;
		above *= 2;
		if (!try_database(s, above - 1, &has, &told, e))
			return false;
	}
	while (told && !has && above - below > 1) {
		uint64_t middle = below + (above - below) / 2;
		bool there;

		if (!try_database(s, middle - 1, &there, &told, e))
			return false;
		*(there ? &below : &above) = middle;
	}
	if (told && !has)
		*databases = below;
	return try_database(s, 0, &has, &told, e);
}

/* --- INFO --- */

bool
server_info(struct server *s, struct server_info *info, struct err *e)
{
	struct reply reply;

	server_info_release(info);
	if (!server_call(s, &reply, WORDS("INFO"), e))
		return false;
	if (reply.kind != REPLY_TEXT)
		return err_set(
		    e, ERR_REMOTE, "%s: INFO is not a text", s->url.name);
	return keep(&info->text, reply.text, e);
}

bool
server_info_try(struct server *s, struct server_info *info, struct err *e)
{
	struct reply reply;

	server_info_release(info);
	if (!resp_call(s->resp, &reply, WORDS("INFO"), e))
		return false;
	return reply.kind != REPLY_TEXT || keep(&info->text, reply.text, e);
}

bool
server_info_loaded(struct server *s, struct server_info *info, struct err *e)
{
	int64_t end = clock_steady() + s->timeout_ms;

	for (;;) {
		if (!server_info(s, info, e))
			return false;
		if (server_info_count(info, "loading") == 0)
			return true;
		if (clock_steady() >= end)
			return err_set(e, ERR_REMOTE,
			    "%s: still loading its own data after %.0f s "
			    "(--timeout)",
			    s->url.name, (double)s->timeout_ms / 1000);
		if (!wait_pause(200, e))
			return false;
	}
}

void
server_info_release(struct server_info *info)
{
	free(info->text);
	info->text = NULL;
}

const char *
server_info_get(
    const struct server_info *info, const char *field, char *value, size_t cap)
{
	size_t n = strlen(field);
	const char *line = info->text;

	value[0] = '\0';
	while (line != NULL) {
		if (strncmp(line, field, n) == 0 && line[n] == ':') {
			line += n + 1;
			snprintf(value, cap, "%.*s", (int)strcspn(line, "\r\n"),
			    line);
			break;
		}
		line = strchr(line, '\n');
		if (line != NULL)
			line++;
	}
	return value;
}

uint64_t
server_info_count(const struct server_info *info, const char *field)
{
	char text[32];

	return strtoull(
	    server_info_get(info, field, text, sizeof text), NULL, 10);
}

bool
server_info_primary(
    const struct server *s, const struct server_info *info, struct err *e)
{
	char text[256], host[128];

	if (strcmp(server_info_get(info, "role", text, sizeof text), "slave") !=
	    0)
		return true;
	server_info_get(info, "master_host", host, sizeof host);
	err_quote(text, sizeof text, host, strlen(host));
	return err_set(e, ERR_REMOTE,
	    "%s: is a replica of %s: restore into its primary, or make it one "
	    "(REPLICAOF NO ONE)",
	    s->url.name, text);
}

bool
server_info_db(const char **at, uint64_t *db, uint64_t *keys)
{
	while (*at != NULL && **at != '\0') {
		const char *line = *at;
		const char *end = strchr(line, '\n');

		*at = end != NULL ? end + 1 : line + strlen(line);
		if (sscanf(line, "db%" SCNu64 ":keys=%" SCNu64, db, keys) == 2)
			return true;
	}
	return false;
}

uint64_t
server_info_keys(const struct server_info *info)
{
	const char *at = info->text;
	uint64_t db, keys, sum = 0;

	while (server_info_db(&at, &db, &keys))
		sum += keys;
	return sum;
}

const char *
server_info_engine(const struct server_info *info, char *version, size_t cap)
{
	if (*server_info_get(info, "valkey_version", version, cap) != '\0')
		return "valkey";
	server_info_get(info, "redis_version", version, cap);
	return "redis";
}
