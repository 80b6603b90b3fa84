/*
 * sidecar.h -- what belongs to a server and is not in its RDB: users, the
 * names of functions, some of the configuration, modules, the cluster's nodes.
 *
 * An object beside the shards, <instance>/<id>/sidecar.json, described in
 * docs/manifest.md; the manifest names it and holds its checksum.  ACL LIST
 * gives passwords as hashes only, and no setting that is a secret is asked
 * for.  What may not be read is noted in it, and is no failure.
 */
#ifndef PIPELINE_SIDECAR_H
#define PIPELINE_SIDECAR_H

#include "pipeline/catalogue.h"
#include "stages/redis/server.h"

#define SIDECAR_NAME   "sidecar.json"
#define SIDECAR_FORMAT 1
#define SIDECAR_MAX    (16 * 1024 * 1024) /* bytes we are willing to read */
#define SIDECAR_RULES \
	"+acl|list +function|list +config|get +module|list +cluster|nodes"

/* One server.  Lists are of char *. */
struct sidecar_node {
	char *server; /* host:port */
	struct json_list users, functions, configuration, modules, nodes;
	struct json_list missing; /* what could not be read, and why */
};

struct sidecar {
	uint64_t format;
	struct json_list servers; /* of struct sidecar_node */
};

/* Ask one server, connected or not, and add it.  ERR_SYSTEM only. */
MUST_USE bool sidecar_ask(struct sidecar *, struct server *, struct err *);

/* As text, ending in a newline: owned by the caller. */
MUST_USE bool sidecar_print(const struct sidecar *, char **text, struct err *);

/* On failure (ERR_DATA) it is all zero. */
MUST_USE bool sidecar_read(
    struct sidecar *, const char *text, size_t len, struct err *);

/* That of a backup, which must be what its manifest says; empty when it has
 * none.  ERR_DATA: it is not. */
MUST_USE bool sidecar_fetch(struct store *, const struct catalogue_name *,
    const struct manifest *, struct sidecar *, struct err *);

void sidecar_release(struct sidecar *);

/* The XXH3-128 of its text, in hex. */
void sidecar_sum(const char *text, size_t len, char hex[33]);

#endif
