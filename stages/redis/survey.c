/* survey.c -- see survey.h. */
#include "stages/redis/survey.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PROBE "rdb-restore:probe"

/* Engine, version, and what follows from them. */
static void
identify(struct survey *v)
{
	unsigned major = 255, minor = 0, patch = 0;

	v->engine = server_info_engine(&v->info, v->version, sizeof v->version);
	sscanf(v->version, "%u.%u.%u", &major, &minor, &patch);
	v->commands.valkey = strcmp(v->engine, "valkey") == 0;
	v->commands.version = COMMANDS_VERSION(major, minor, patch);
	v->loads = rdb_engine_of(v->commands.valkey, major, minor);
	if (v->loads == NULL) /* older than all: as the oldest of Redis */
		v->loads = rdb_engine_at(0);
}

/* Send it; what is wrong with it, but for what must be, goes to why. */
static bool
probe(struct server *s, const char *command, const char *const *words,
    char *why, struct err *e)
{
	struct reply reply;
	struct err no;

	*why = '\0';
	if (!resp_call(s->resp, &reply, words, e))
		return false;
	/* A user of some keys only may well restore those. */
	if (reply.kind != REPLY_ERROR ||
	    (server_said(reply.text, "NOPERM") &&
		strstr(reply.text, "key") != NULL &&
		strstr(reply.text, "command") == NULL))
		return true;
	if (server_said(reply.text, "NOPERM") ||
	    server_said(reply.text, "ERR unknown command")) {
		server_refused(s, command, reply.text, &no);
		snprintf(why, SURVEY_WHY, "%.299s", no.text);
	}
	return true;
}

static bool
ask_permissions(struct survey *v, struct server *s, struct err *e)
{
	if (!probe(s, "restore", WORDS("RESTORE", PROBE, "0", ""),
		v->no_restore, e) ||
	    !probe(s, "config|set",
		WORDS("CONFIG", "SET", "proto-max-bulk-len", "no-length"),
		v->no_config_set, e) ||
	    !probe(s, "replicaof", WORDS("REPLICAOF", "nobody", "no-port"),
		v->no_replicaof, e))
		return false;
	/* Before Redis 5. */
	return strstr(v->no_replicaof, "does not know") == NULL ||
	    probe(s, "slaveof", WORDS("SLAVEOF", "nobody", "no-port"),
		v->no_replicaof, e);
}

static bool
ask_settings(struct survey *v, struct server *s, struct err *e)
{
	char bulk[24], rule[16];

	if (!server_databases(s, &v->databases, e) ||
	    !server_config(s, "proto-max-bulk-len", bulk, sizeof bulk, e) ||
	    !server_config(s, "rdb-version-check", rule, sizeof rule, e))
		return false;
	v->commands.max_bulk = strtoull(bulk, NULL, 10);
	if (v->commands.max_bulk == 0)
		v->commands.max_bulk = COMMANDS_BULK_MAX;
	v->relaxed = strcmp(rule, "relaxed") == 0;
	return true;
}

bool
survey_take(struct survey *v, struct server *s, struct err *e)
{
	memset(v, 0, sizeof *v);
	if ((s->conn == NULL && !server_connect(s, e)) ||
	    !server_info_loaded(s, &v->info, e) ||
	    !server_info_primary(s, &v->info, e))
		return false;
	identify(v);
	v->cluster = server_info_count(&v->info, "cluster_enabled") == 1;
	v->keys = server_info_keys(&v->info);
	v->libraries = server_info_count(&v->info, "number_of_libraries");
	v->maxmemory = server_info_count(&v->info, "maxmemory");
	v->used = server_info_count(&v->info, "used_memory");
	return ask_settings(v, s, e) && ask_permissions(v, s, e);
}

void
survey_release(struct survey *v)
{
	server_info_release(&v->info);
}

bool
survey_native(const struct survey *v, int version, bool valkey, char *why)
{
	if (v->cluster)
		snprintf(why, SURVEY_WHY, "it runs in cluster mode");
	else if (*v->no_replicaof != '\0')
		snprintf(why, SURVEY_WHY, "%s", v->no_replicaof);
	else if (!rdb_engine_reads(v->loads, version, valkey, v->relaxed))
		snprintf(why, SURVEY_WHY, "%s %s does not load a file of %s %d",
		    v->engine, v->version, valkey ? "VALKEY" : "RDB", version);
	else {
		snprintf(why, SURVEY_WHY, "a primary that loads %s %d itself",
		    valkey ? "VALKEY" : "RDB", version);
		return true;
	}
	return false;
}

bool
survey_empty(const struct survey *v, const struct server *s, struct err *e)
{
	if (v->keys > 0)
		return err_set(e, ERR_REMOTE,
		    "%s: holds %" PRIu64 " keys: nothing was touched (--flush "
		    "removes them first)",
		    s->url.name, v->keys);
	if (v->libraries > 0)
		return err_set(e, ERR_REMOTE,
		    "%s: holds %" PRIu64 " function libraries: nothing was "
		    "touched (--flush removes them first)",
		    s->url.name, v->libraries);
	return true;
}
