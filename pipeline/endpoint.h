/*
 * endpoint.h -- the server a chain talks to, kept apart from its password.
 *
 * The URL may hold a password.  It is taken out at once: overwritten in our
 * own argument list, never put into a child's words, the manifest or a
 * message.  The one child that needs it finds it in REDISCLI_AUTH.
 *
 * Where a URL is expected the name of an [instance] will do (config.h); then
 * its settings stand for the options that were not given.
 */
#ifndef PIPELINE_ENDPOINT_H
#define PIPELINE_ENDPOINT_H

#include "pipeline/chain.h"
#include "stages/kit/opt.h"

struct config_section;
struct server;

struct endpoint {
	char *url;      /* owned; without password */
	char *password; /* owned; NULL: none in the URL */
	const struct config_section *instance; /* borrowed; NULL: a URL */
};

/* The options that go through to rdb-capture and rdb-restore. */
extern const struct opt endpoint_opts[];

/* Take the URL, or that of the instance, apart and overwrite the password in
 * text. */
MUST_USE bool endpoint_init(struct endpoint *, char *text, struct err *);

/* Add URL, options and environment to the program begun last. */
void endpoint_words(const struct endpoint *, struct chain *);

/*
 * For whoever talks to the server itself, not by a program: the same URL or
 * name, options and settings.  rules as server_init() (stages/redis/server.h)
 * has them; text is overwritten.  Not connected; server_release is the
 * caller's.
 */
MUST_USE bool endpoint_server(
    struct server *, char *text, const char *rules, struct err *);

/* Does it name a whole cluster? */
bool endpoint_is_cluster(const struct endpoint *);

/* One node of the cluster that s names, with its login and options. */
MUST_USE bool endpoint_node(const struct endpoint *s, const char *host,
    unsigned port, struct endpoint *to, struct err *);

/* As endpoint_server, of an endpoint that was taken apart before. */
MUST_USE bool endpoint_dial(
    const struct endpoint *, struct server *, const char *rules, struct err *);

/* Say, for a dry run, what the printed line leaves out. */
void endpoint_hint(const struct endpoint *);

void endpoint_release(struct endpoint *);

#endif
