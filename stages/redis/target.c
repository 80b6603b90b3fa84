/* target.c -- see target.h. */
#include "stages/redis/target.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "stages/kit/clock.h"
#include "stages/redis/wait.h"

#define LAST_WORDS_MS 10000 /* for connecting once more to tidy up */

static const char *
name_of(const struct target *t)
{
	return t->server.url.name;
}

/* --- settings --- */

/* Put repl-diskless-load back. */
static bool
settings_back(struct target *t, struct err *e)
{
	struct reply reply;

	if (t->load_before[0] == '\0')
		return true;
	if (!server_call(&t->server, &reply,
		WORDS("CONFIG", "SET", "repl-diskless-load", t->load_before),
		e))
		return err_in(e,
		    "repl-diskless-load was \"%s\" and could not "
		    "be put back",
		    t->load_before);
	t->load_before[0] = '\0';
	return true;
}

/* Make it load as the bytes come, or not, if it lets us. */
static bool
settings_make(struct target *t, enum target_load load, struct err *e)
{
	const char *want =
	    load == TARGET_LOAD_DISK ? "disabled" : "on-empty-db";
	char now[sizeof t->load_before];
	struct reply reply;

	if (!server_config(
		&t->server, "repl-diskless-load", now, sizeof now, e))
		return false;
	t->diskless = now[0] != '\0' && strcmp(now, "disabled") != 0;
	if (now[0] != '\0' && t->diskless != (load != TARGET_LOAD_DISK)) {
		if (!resp_call(t->server.resp, &reply,
			WORDS("CONFIG", "SET", "repl-diskless-load", want), e))
			return false;
		if (reply.kind != REPLY_ERROR) {
			memcpy(t->load_before, now, sizeof now);
			t->diskless = load != TARGET_LOAD_DISK;
		}
	}
	if (load == TARGET_LOAD_DISKLESS && !t->diskless)
		return err_set(e, ERR_REMOTE,
		    "%s: repl-diskless-load cannot be set: it is before Redis "
		    "6, or user lacks +config|get +config|set",
		    name_of(t));
	return true;
}

/* --- is it fit? --- */

/* The newest RDB each server reads, newest first. */
static const struct {
	const char *engine;
	unsigned major, minor;
	int rdb;
} readers[] = {
	{ "redis", 8, 8, 14 },
	{ "redis", 8, 6, 13 },
	{ "redis", 7, 4, 12 },
	{ "redis", 7, 2, 11 },
	{ "redis", 7, 0, 10 },
	{ "redis", 5, 0, 9 },
	{ "redis", 4, 0, 8 },
	{ "redis", 3, 2, 7 },
	{ "redis", 0, 0, 6 },
	{ "valkey", 9, 0, 80 },
	{ "valkey", 0, 0, 11 },
};

static int
newest_rdb(const struct target *t)
{
	unsigned major = 0, minor = 0;

	if (sscanf(t->version, "%u.%u", &major, &minor) < 1)
		return RDB_VERSION_VALKEY_MAX;
	for (size_t i = 0; i < COUNT_OF(readers); i++)
		if (strcmp(readers[i].engine, t->engine) == 0 &&
		    (major > readers[i].major ||
			(major == readers[i].major &&
			    minor >= readers[i].minor)))
			return readers[i].rdb;
	return RDB_VERSION_VALKEY_MAX;
}

/* Would its loader take a file of this version and dialect? */
static bool
check_dialect(struct target *t, int version, bool valkey, struct err *e)
{
	bool theirs = strcmp(t->engine, "valkey") == 0;
	char rule[16];

	if (valkey && !theirs)
		return err_set(e, ERR_REMOTE,
		    "%s: Redis %s cannot load RDB %d of Valkey", name_of(t),
		    t->version, version);
	/* Valkey keeps 12 to 79 for others and refuses them, unless told to
	 * try (8.1: rdb-version-check). */
	if (theirs && !valkey && version > 11) {
		if (!server_config(
			&t->server, "rdb-version-check", rule, sizeof rule, e))
			return false;
		if (strcmp(rule, "relaxed") == 0)
			return true;
		return err_set(e, ERR_REMOTE,
		    "%s: Valkey %s refuses RDB %d of Redis (from 8.1 on, "
		    "rdb-version-check relaxed makes it try)",
		    name_of(t), t->version, version);
	}
	if (version > newest_rdb(t))
		return err_set(e, ERR_REMOTE,
		    "%s: %s %s loads RDB up to version %d, this is %d",
		    name_of(t), theirs ? "Valkey" : "Redis", t->version,
		    newest_rdb(t), version);
	return true;
}

static bool
check_role(const struct target *t, struct err *e)
{
	if (server_info_count(&t->info, "cluster_enabled") == 1)
		return err_set(e, ERR_REMOTE,
		    "%s: runs in cluster mode, where no server takes "
		    "REPLICAOF: restore into one that does not",
		    name_of(t));
	return server_info_primary(&t->server, &t->info, e);
}

/* --- what it holds --- */

static uint64_t
count_libraries(const struct server_info *info)
{
	return server_info_count(info, "number_of_libraries");
}

static bool
check_empty(const struct target *t, struct err *e)
{
	uint64_t keys = server_info_keys(&t->info);
	uint64_t libraries = count_libraries(&t->info);

	if (keys > 0)
		return err_set(e, ERR_REMOTE,
		    "%s: holds %" PRIu64 " keys: nothing was touched (--flush "
		    "removes them first)",
		    name_of(t), keys);
	if (libraries > 0)
		return err_set(e, ERR_REMOTE,
		    "%s: holds %" PRIu64 " function libraries: nothing was "
		    "touched (--flush removes them first)",
		    name_of(t), libraries);
	return true;
}

bool
target_open(
    struct target *t, int rdb_version, bool valkey, bool flush, struct err *e)
{
	char tls[8];

	if ((t->server.conn == NULL && !server_connect(&t->server, e)) ||
	    !server_info_loaded(&t->server, &t->info, e))
		return false;
	t->engine = server_info_engine(&t->info, t->version, sizeof t->version);
	if (!check_role(t, e) || !check_dialect(t, rdb_version, valkey, e) ||
	    (!flush && !check_empty(t, e)) ||
	    !server_databases(&t->server, &t->databases, e) ||
	    !server_config(&t->server, "tls-replication", tls, sizeof tls, e))
		return false;
	t->tls = strcmp(tls, "yes") == 0;
	if (t->tls && t->server.tls.cert == NULL)
		return err_set(e, ERR_REMOTE,
		    "%s: replicates over TLS (tls-replication yes), so we need "
		    "a certificate to show: --tls-cert and --tls-key",
		    name_of(t));
	return true;
}

void
target_close(struct target *t)
{
	server_info_release(&t->info);
	server_release(&t->server);
}

/* Remove all keys and functions there are. */
static bool
empty(struct target *t, struct err *e)
{
	struct reply reply;

	if (!server_info(&t->server, &t->info, e))
		return false;
	if (server_info_keys(&t->info) > 0 &&
	    !server_call(&t->server, &reply, WORDS("FLUSHALL"), e))
		return false;
	return count_libraries(&t->info) == 0 ||
	    server_call(&t->server, &reply, WORDS("FUNCTION", "FLUSH"), e);
}

bool
target_prepare(
    struct target *t, bool flush, enum target_load load, struct err *e)
{
	t->touched = true;
	return (!flush || empty(t, e)) && settings_make(t, load, e);
}

/* --- following --- */

enum order { ORDER_TAKEN, ORDER_NOT_NOW, ORDER_REFUSED, ORDER_LOST };

/* REPLICAOF, or SLAVEOF before Redis 5. */
static enum order
replicaof(struct target *t, const char *host, const char *port, struct err *e)
{
	struct reply reply;

	if (!resp_call(
		t->server.resp, &reply, WORDS("REPLICAOF", host, port), e))
		return ORDER_LOST;
	if (reply.kind == REPLY_ERROR &&
	    server_said(reply.text, "ERR unknown command") &&
	    !resp_call(t->server.resp, &reply, WORDS("SLAVEOF", host, port), e))
		return ORDER_LOST;
	if (reply.kind != REPLY_ERROR)
		return ORDER_TAKEN;
	server_refused(&t->server, "replicaof", reply.text, e);
	return server_said(reply.text, "LOADING") ||
		server_said(reply.text, "BUSY") ?
	    ORDER_NOT_NOW :
	    ORDER_REFUSED;
}

bool
target_follow(struct target *t, const char *host, unsigned port, struct err *e)
{
	char number[8];
	enum order order;

	snprintf(t->host, sizeof t->host, "%s", host);
	t->port = port;
	snprintf(number, sizeof number, "%u", port);
	order = replicaof(t, host, number, e);
	/* Without an answer, it may have heard us. */
	t->following = order == ORDER_TAKEN || order == ORDER_LOST;
	return order == ORDER_TAKEN;
}

bool
target_watch(
    struct target *t, bool *loading, char *words, size_t cap, struct err *e)
{
	char role[16], link[16];

	if (!server_info(&t->server, &t->info, e))
		return false;
	*loading = server_info_count(&t->info, "loading") != 0 ||
	    server_info_count(&t->info, "async_loading") != 0;
	snprintf(words, cap, "role %s, link %s%s",
	    server_info_get(&t->info, "role", role, sizeof role),
	    server_info_get(&t->info, "master_link_status", link, sizeof link),
	    *loading ? ", loading" : "");
	return true;
}

/* --- the end --- */

static uint64_t
census_keys(const struct rdb_census *c, uint64_t db)
{
	uint64_t keys = 0;

	/* A stream may select a database twice. */
	for (size_t i = 0; i < c->n_dbs; i++)
		if (c->dbs[i].db == db)
			keys += c->dbs[i].keys;
	return keys;
}

bool
target_compare(struct target *t, const struct rdb_census *sent,
    const struct expiring *expiring, int64_t now_ms, uint64_t *keys,
    uint64_t *gone, struct err *e)
{
	const char *at;
	uint64_t db, n, may = expiring_until(expiring, now_ms);

	if (!server_info(&t->server, &t->info, e))
		return false;
	*keys = server_info_keys(&t->info);
	for (at = t->info.text; server_info_db(&at, &db, &n);)
		if (!sent->dbs_left_out && n > census_keys(sent, db))
			return err_set(e, ERR_DATA,
			    "%s: database %" PRIu64 " holds %" PRIu64
			    " keys, but %" PRIu64 " were sent",
			    name_of(t), db, n, census_keys(sent, db));
	if (*keys > sent->keys || sent->keys - *keys > may)
		return err_set(e, ERR_DATA,
		    "%s: holds %" PRIu64 " keys, but %" PRIu64
		    " were sent and at most %" PRIu64 " can have expired",
		    name_of(t), *keys, sent->keys, may);
	*gone = sent->keys - *keys;
	return true;
}

/* Is it still the replica we made it?  A person, Sentinel or another restore
 * may have given it other orders, and it other data since. */
static bool
check_ours(struct target *t, struct err *e)
{
	char role[16], host[sizeof t->host];

	if (!server_info(&t->server, &t->info, e))
		return false;
	return (strcmp(server_info_get(&t->info, "role", role, sizeof role),
		    "slave") == 0 &&
		   strcmp(server_info_get(
			      &t->info, "master_host", host, sizeof host),
		       t->host) == 0 &&
		   server_info_count(&t->info, "master_port") == t->port) ||
	    err_set(e, ERR_REMOTE,
		"%s: is not our replica any more, so it is left as it is",
		name_of(t));
}

/* REPLICAOF NO ONE, as soon as it listens. */
static bool
stand_alone(struct target *t, struct err *e)
{
	int64_t end = clock_steady() + t->server.timeout_ms;
	enum order order;

	while ((order = replicaof(t, "NO", "ONE", e)) != ORDER_TAKEN)
		if (order != ORDER_NOT_NOW || clock_steady() >= end ||
		    !wait_pause(100, e))
			return false;
	t->following = false;
	return true;
}

bool
target_promote(struct target *t, struct err *e)
{
	char role[16];

	if (!stand_alone(t, e) || !server_info(&t->server, &t->info, e))
		return false;
	if (strcmp(server_info_get(&t->info, "role", role, sizeof role),
		"master") != 0)
		return err_set(e, ERR_REMOTE,
		    "%s: is a replica again: somebody else (Sentinel?) gives "
		    "it orders",
		    name_of(t));
	if (!settings_back(t, e))
		return false;
	t->touched = false;
	return true;
}

bool
target_abandon(struct target *t, struct err *e)
{
	int64_t patience = t->server.timeout_ms;
	bool ok;

	if (!t->touched)
		return true;
	t->touched = false;
	/* Anew: the other connection may be in the middle of a reply. */
	wait_last_words();
	t->server.timeout_ms = LAST_WORDS_MS;
	if (!server_connect(&t->server, e))
		return err_in(e,
		    "could not be left as it was: it needs "
		    "REPLICAOF NO ONE, and FLUSHALL");
	t->server.timeout_ms = patience;
	if (t->following)
		ok = (check_ours(t, e) && stand_alone(t, e) && empty(t, e)) ||
		    err_in(e, "could not be left empty");
	else
		ok = true;
	return settings_back(t, ok ? e : &(struct err){ 0 }) && ok;
}
