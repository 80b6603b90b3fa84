/*
 * server.h -- the server a URL names: who we are there, and what it says.
 *
 * Options, login, INFO, and above all refusals: whatever a server answers
 * with an error becomes words that tell an operator what to change, such as
 * the ACL rule that is missing.
 *
 *	server_init	looks over URL and options; no network
 *	server_connect	connects and logs in
 *	server_call	a command whose refusal is an error
 *	server_release	closes and wipes the password
 */
#ifndef REDIS_SERVER_H
#define REDIS_SERVER_H

#include <stdbool.h>
#include <stdint.h>

#include "stages/kit/err.h"
#include "stages/kit/opt.h"
#include "stages/redis/conn.h"
#include "stages/redis/resp.h"
#include "stages/redis/tls.h"
#include "stages/redis/url.h"

#define SERVER_TIMEOUT     60000 /* ms; what servers use for replication */
#define SERVER_TIMEOUT_MAX (INT64_MAX / 2) /* ms; may be added to any clock */

struct server_options {
	const char *user, *password_file; /* borrowed; NULL: not given */
	const char *password;             /* borrowed; NULL: look for one */
	struct tls_options tls;
	int64_t timeout_ms;
	bool clusters; /* the program takes the URL of a cluster, too */
};

/* The rows of a program's option table that fill a struct server_options. */
#define SERVER_OPTIONS(o)                                                     \
	{ OPT_TEXT, 0, "user", &(o).user, "NAME",                             \
		"ACL user, when the URL names none", 0, 0, NULL, NULL },      \
	    { OPT_TEXT, 0, "password-file", &(o).password_file, "FILE",       \
		    "read the password from the first line of FILE", 0, 0,    \
		    NULL, NULL },                                             \
	    { OPT_TEXT, 0, "tls-ca", &(o).tls.ca, "FILE",                     \
		    "trust the authorities in FILE, not the system's", 0, 0,  \
		    NULL, NULL },                                             \
	    { OPT_TEXT, 0, "tls-cert", &(o).tls.cert, "FILE",                 \
		    "show this certificate (chain, PEM)", 0, 0, NULL, NULL }, \
	    { OPT_TEXT, 0, "tls-key", &(o).tls.key, "FILE",                   \
		    "its private key; default: in the file of --tls-cert", 0, \
		    0, NULL, NULL },                                          \
	    { OPT_TEXT, 0, "tls-server-name", &(o).tls.server_name, "NAME",   \
		    "the name in the server's certificate, if not the host",  \
		    0, 0, NULL, NULL },                                       \
	    { OPT_FLAG, 0, "tls-insecure", &(o).tls.insecure, NULL,           \
		    "believe any certificate; anybody can then listen", 0, 0, \
		    NULL, NULL },                                             \
	{                                                                     \
		OPT_TIME, 0, "timeout", &(o).timeout_ms, "TIME",              \
		    "longest wait for a sign of life, and for a server that " \
		    "is "                                                     \
		    "busy (default 60s)",                                     \
		    1, SERVER_TIMEOUT_MAX, NULL, NULL                         \
	}

struct server {
	struct url url;
	struct tls_options tls;
	int64_t timeout_ms;
	const char *rules;     /* ACL rules our work needs, for messages */
	char *user, *password; /* owned; NULL: none */
	struct conn *conn;     /* NULL: not connected */
	struct resp *resp;
};

/*
 * Take a URL and the options.  Overwrites the password in url_text, which
 * comes from the argument list.  A password is looked for in the URL, in
 * --password-file, in REDISCLI_AUTH.  rules is borrowed.  On failure there
 * is nothing to release.
 */
MUST_USE bool server_init(struct server *, char *url_text,
    const struct server_options *, const char *rules, struct err *);
void server_release(struct server *);

/* Another server of the same kind, login, options and rules: a node of the
 * cluster that of names.  On failure there is nothing to release. */
MUST_USE bool server_init_node(struct server *, const struct server *of,
    const char *host, unsigned port, struct err *);

/* Connect and log in.  Connected already: anew. */
MUST_USE bool server_connect(struct server *, struct err *);

/* Use a connected socket instead: the descriptor is the server's now. */
MUST_USE bool server_adopt(struct server *, int fd, struct err *);
void server_disconnect(struct server *);

/* Send NULL-ended words, read the reply; an error reply is an error. */
MUST_USE bool server_call(
    struct server *, struct reply *, const char *const *words, struct err *);

/*
 * Make the error for a refusal, given as the text of the error reply (without
 * '-').  command is what was refused, as an ACL names it: "config|set".
 * Always false.
 */
bool server_refused(
    const struct server *, const char *command, const char *text, struct err *);

/* Whether the text of an error reply begins with this word. */
bool server_said(const char *text, const char *word);

/* A setting's value; "" when it is unknown, or not for us to see. */
MUST_USE bool server_config(
    struct server *, const char *name, char *value, size_t cap, struct err *);

/* How many databases there are: by its setting or, where that is not for us to
 * see, by trying, which leaves database 0 selected; 0: not to be told. */
MUST_USE bool server_databases(struct server *, uint64_t *, struct err *);

/* --- INFO --- */

/* The text of INFO, owned; all zero is none. */
struct server_info {
	char *text;
};

MUST_USE bool server_info(struct server *, struct server_info *, struct err *);
/* The same, but a refusal only leaves info without text. */
MUST_USE bool server_info_try(
    struct server *, struct server_info *, struct err *);
/* INFO, once the server has loaded what it had; waits for that. */
MUST_USE bool server_info_loaded(
    struct server *, struct server_info *, struct err *);
void server_info_release(struct server_info *);

/* The value of a field, cut to cap; "" when there is none. */
const char *server_info_get(
    const struct server_info *, const char *field, char *value, size_t cap);
uint64_t server_info_count(const struct server_info *, const char *field);

/* A replica is refused: what is to be written to must be none. */
MUST_USE bool server_info_primary(
    const struct server *, const struct server_info *, struct err *);

/* The next database that holds keys.  *at starts as the text. */
bool server_info_db(const char **at, uint64_t *db, uint64_t *keys);
/* Keys in all databases. */
uint64_t server_info_keys(const struct server_info *);

/* "valkey" or "redis", and its version. */
const char *server_info_engine(
    const struct server_info *, char *version, size_t cap);

#endif
