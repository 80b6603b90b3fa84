/*
 * checkup_server.c -- a look at a server, see checkup.h.
 *
 * HELLO is permitted to every user, so version and role are known even to one
 * that has but the three rules of a capture; what INFO and TIME say more is
 * told where they are permitted.
 */
#include "pipeline/checkup.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pipeline/endpoint.h"
#include "rdb/engine.h"
#include "stages/kit/clock.h"
#include "stages/kit/stop.h"
#include "stages/redis/scan.h"
#include "stages/redis/sync.h"
#include "stages/redis/topology.h"

#define SKEW_WARN 2000 /* ms; what two machines with NTP stay far below */
#define KEY       "rdbpipe:check" /* of no key; to be asked about */

/* One server while it is looked at. */
struct look {
	struct findings *f;
	struct server *server;
	struct server_info info; /* without text: not permitted */
	bool valkey;
	unsigned major, minor; /* both 0: not known */
	char version[32], role[16];
	bool primary; /* is wanted */
	bool cluster; /* it is a node of one */
};

/* --- who is it? --- */

static void
version_take(struct look *l, const char *engine, const char *version)
{
	l->valkey = strcmp(engine, "valkey") == 0;
	snprintf(l->version, sizeof l->version, "%s", version);
	if (sscanf(version, "%u.%u", &l->major, &l->minor) != 2)
		l->major = l->minor = 0;
}

/* From Redis 6 on; before, an error, which is none here. */
static bool
hello_ask(struct look *l, struct err *e)
{
	char engine[16] = "redis", version[32] = "";
	struct reply reply;

	if (!resp_call(l->server->resp, &reply, WORDS("HELLO", "2"), e))
		return false;
	for (size_t i = 0; reply.kind == REPLY_ARRAY && i + 1 < reply.len;
	     i += 2) {
		const char *name = resp_item(&reply, i).text;
		struct reply value = resp_item(&reply, i + 1);

		if (value.kind != REPLY_TEXT)
			continue;
		if (strcmp(name, "server") == 0)
			snprintf(engine, sizeof engine, "%s", value.text);
		if (strcmp(name, "version") == 0)
			snprintf(version, sizeof version, "%s", value.text);
		if (strcmp(name, "role") == 0)
			snprintf(l->role, sizeof l->role, "%s", value.text);
	}
	version_take(l, engine, version);
	return true;
}

static bool
who_ask(struct look *l, struct err *e)
{
	char version[32];
	const char *engine;

	if (!hello_ask(l, e) || !server_info_try(l->server, &l->info, e))
		return false;
	if (l->info.text == NULL)
		return true;
	engine = server_info_engine(&l->info, version, sizeof version);
	version_take(l, engine, version);
	server_info_get(&l->info, "role", l->role, sizeof l->role);
	return true;
}

/* The newest release of this line that is known. */
static const struct rdb_engine *
newest_of(bool valkey)
{
	const struct rdb_engine *newest = NULL;

	for (unsigned i = 0; rdb_engine_names[i] != NULL; i++)
		if (rdb_engine_at(i)->valkey == valkey)
			newest = rdb_engine_at(i);
	return newest;
}

static void
version_judge(const struct look *l)
{
	const char *engine = l->valkey ? "valkey" : "redis";
	const struct rdb_engine *newest = newest_of(l->valkey), *is;

	if (l->major == 0 && l->minor == 0) {
		finding_warn(l->f, "version", "ACL: +info",
		    "the server does not tell its version");
		return;
	}
	is = rdb_engine_of(l->valkey, l->major, l->minor);
	if (is == NULL)
		finding_bad(l->f, "version", ERR_REMOTE,
		    "a server of 2.8 or later",
		    "%s %s is older than what rdbpipe knows", engine,
		    l->version);
	else if (l->major > newest->major ||
	    (l->major == newest->major && l->minor > newest->minor))
		finding_warn(l->f, "version",
		    "look for a newer rdbpipe; `rdbpipe verify latest` tells "
		    "whether its backups can be read",
		    "%s %s is newer than %s, the newest that rdbpipe knows",
		    engine, l->version, newest->name);
	else
		finding_ok(l->f, "version", "%s %s writes RDB %u, or less",
		    engine, l->version, is->version);
}

/* --- its role --- */

static void
link_judge(const struct look *l)
{
	char text[128];

	if (l->info.text == NULL) {
		finding_ok(l->f, "role", "a replica");
		return;
	}
	if (strcmp(server_info_get(
		       &l->info, "master_link_status", text, sizeof text),
		"up") != 0) {
		finding_bad(l->f, "role", ERR_REMOTE,
		    "mend its replication, or back up another server",
		    "a replica without a link to its primary: its data is "
		    "old, and it lets nobody replicate from it");
		return;
	}
	finding_ok(l->f, "role", "a replica, linked to its primary, %s s ago",
	    server_info_get(
		&l->info, "master_last_io_seconds_ago", text, sizeof text));
}

static void
role_judge(const struct look *l)
{
	bool replica =
	    strcmp(l->role, "slave") == 0 || strcmp(l->role, "replica") == 0;

	if (*l->role == '\0')
		return;
	if (replica)
		link_judge(l);
	else
		finding_ok(l->f, "role", "a primary");
	if (replica && l->primary)
		finding_warn(l->f, "role",
		    "name the primary, or set source = replica",
		    "the plan wants a primary, but this is a replica");
	if (server_info_count(&l->info, "loading") != 0)
		finding_warn(l->f, "loading", "wait",
		    "the server is still loading its data");
}

/* --- what may we? --- */

enum trial {
	TRIAL_YES,
	TRIAL_NO,      /* no permission */
	TRIAL_KEYS,    /* to the command, but not to the key */
	TRIAL_UNKNOWN, /* no such command */
	TRIAL_OTHER    /* refused for another reason; see .said */
};

struct tried {
	enum trial is;
	char said[120];
};

static void
trial_judge(struct tried *t, const struct reply *reply)
{
	t->is = TRIAL_YES;
	t->said[0] = '\0';
	if (reply->kind != REPLY_ERROR)
		return;
	err_quote(t->said, sizeof t->said, reply->text, reply->len);
	/* EXEC wraps it: "EXECABORT Transaction discarded because of: NOPERM". */
	if (strstr(reply->text, "NOPERM") != NULL)
		t->is =
		    strstr(reply->text, " key") != NULL ? TRIAL_KEYS : TRIAL_NO;
	else if (server_said(reply->text, "ERR unknown"))
		t->is = TRIAL_UNKNOWN;
	else if (server_said(reply->text, "NOMASTERLINK") ||
	    server_said(reply->text, "LOADING") ||
	    server_said(reply->text, "MASTERDOWN") ||
	    server_said(reply->text, "NOAUTH"))
		t->is = TRIAL_OTHER;
}

static bool
try(const struct look *l, struct tried *t, const char *const *words,
    struct err *e)
{
	struct reply reply;

	if (!resp_call(l->server->resp, &reply, words, e))
		return false;
	trial_judge(t, &reply);
	return true;
}

/*
 * PSYNC, without its doing anything.  From 7.0 on an offset that is no number
 * is refused, after the permission was judged and the link looked at
 * (syncCommand in src/replication.c).  Before, that began a synchronisation;
 * there it is queued in a transaction, which is thrown away.
 */
static bool
psync_try(const struct look *l, struct tried *t, struct err *e)
{
	struct tried multi, discard;

	if (l->major >= 7)
		return try(l, t, WORDS("PSYNC", "?", "none"), e);
	if (!try(l, &multi, WORDS("MULTI"), e))
		return false;
	if (multi.is != TRIAL_YES) {
		t->is = TRIAL_OTHER;
		snprintf(t->said, sizeof t->said,
		    "not tried, +multi is needed for that");
		return true;
	}
	return try(l, t, WORDS("PSYNC", "?", "-1"), e) &&
	    try(l, &discard, WORDS("DISCARD"), e);
}

/* "+psync" and the others that are missing, gathered. */
struct missing {
	char rules[160]; /* " +psync +replconf" */
	bool hidden;     /* the server does not know one */
	struct tried other;
};

static void
missing_add(struct missing *m, const char *rule, const struct tried *t)
{
	size_t n = strlen(m->rules);

	if (t->is == TRIAL_OTHER)
		m->other = *t;
	else if (t->is == TRIAL_UNKNOWN)
		m->hidden = true;
	if (t->is == TRIAL_NO || t->is == TRIAL_UNKNOWN)
		snprintf(m->rules + n, sizeof m->rules - n, " +%s", rule);
	else if (t->is == TRIAL_KEYS && strstr(m->rules, "~*") == NULL)
		snprintf(m->rules + n, sizeof m->rules - n, " ~*");
}

/* +ping is asked for in case a server insists; a capture does without. */
static bool
replication_try(const struct look *l, struct missing *m, struct err *e)
{
	struct tried t;

	if (!try(l, &t, WORDS("REPLCONF", "capa", "eof"), e))
		return false;
	missing_add(m, "replconf", &t);
	if (!psync_try(l, &t, e))
		return false;
	missing_add(m, "psync", &t);
	return true;
}

/* Those of SCAN_RULES that no capture key by key does without. */
static bool
scan_try(const struct look *l, struct missing *m, struct err *e)
{
	static const struct {
		const char *rule, *words[5];
		unsigned since; /* major version; before, it is not needed */
	} trials[] = {
		{ "info", { "INFO", "server" }, 0 },
		{ "select", { "SELECT", "0" }, 0 },
		{ "scan", { "SCAN", "0", "COUNT", "1" }, 0 },
		{ "time", { "TIME" }, 0 },
		{ "pttl", { "PTTL", KEY }, 0 },
		{ "dump", { "DUMP", KEY }, 0 },
		{ "pexpiretime", { "PEXPIRETIME", KEY }, 7 },
		{ "multi", { "MULTI" }, 0 },
		{ "exec", { "EXEC" }, 0 },
	};

	for (size_t i = 0; i < COUNT_OF(trials); i++) {
		struct tried t;

		if (l->major < trials[i].since)
			continue;
		if (!try(l, &t, trials[i].words, e))
			return false;
		missing_add(m, trials[i].rule, &t);
	}
	return true;
}

static void
advice_make(char *to, size_t cap, const struct look *l, const struct missing *m)
{
	char user[64] = "default";

	if (l->server->user != NULL)
		err_quote(user, sizeof user, l->server->user,
		    strlen(l->server->user));
	if (m->hidden)
		snprintf(to, cap,
		    "the server does not know one of them; managed services "
		    "hide it: ask the provider");
	else
		snprintf(to, cap, "ACL SETUSER %s%s", user, m->rules);
}

/* Which node of a shard is the one to ask is seen in INFO, so a cluster is not
 * backed up without. */
static void
info_judge(const struct look *l)
{
	const struct missing m = { .rules = " +info" };
	char advice[300];

	if (!l->cluster || l->info.text != NULL)
		return;
	advice_make(advice, sizeof advice, l, &m);
	finding_bad(l->f, "permission", ERR_REMOTE, advice,
	    "no backup of a cluster without +info");
}

/* Replication is not for us: is the other way? */
static bool
scan_judge(
    const struct look *l, const struct missing *replication, struct err *e)
{
	struct missing m = { .rules = "" };
	char advice[300];

	if (!scan_try(l, &m, e))
		return false;
	advice_make(advice, sizeof advice, l, replication);
	if (*m.rules == '\0') {
		finding_warn(l->f, "permission", advice,
		    "no replication without%s: backups are taken key by key, "
		    "which gives no point in time",
		    replication->rules);
		return true;
	}
	finding_bad(l->f, "permission", ERR_REMOTE, advice,
	    "no replication without%s", replication->rules);
	advice_make(advice, sizeof advice, l, &m);
	finding_bad(l->f, "permission", ERR_REMOTE, advice,
	    "nor key by key without%s", m.rules);
	return true;
}

static bool
permission_judge(const struct look *l, struct err *e)
{
	struct missing m = { .rules = "" };

	if (!replication_try(l, &m, e))
		return false;
	if (*m.rules != '\0')
		return scan_judge(l, &m, e);
	if (*m.other.said != '\0')
		finding_warn(l->f, "permission", NULL, "could not be tried: %s",
		    m.other.said);
	else
		finding_ok(l->f, "permission", "may replicate");
	return true;
}

/* --- its clock --- */

/* Its time, in ms; false: not told. */
static bool
time_ask(const struct look *l, int64_t *ms, bool *told, struct err *e)
{
	struct reply reply;

	*told = false;
	if (!resp_call(l->server->resp, &reply, WORDS("TIME"), e))
		return false;
	if (reply.kind != REPLY_ARRAY || reply.len != 2)
		return true;
	*ms = strtoll(resp_item(&reply, 0).text, NULL, 10) * 1000 +
	    strtoll(resp_item(&reply, 1).text, NULL, 10) / 1000;
	*told = true;
	return true;
}

static bool
clock_judge(const struct look *l, struct err *e)
{
	int64_t before = clock_wall(), theirs, after, skew;
	bool told;

	if (!time_ask(l, &theirs, &told, e))
		return false;
	after = clock_wall();
	if (!told)
		return true;
	/* It was read at some moment between the two. */
	skew = theirs < before ? theirs - before :
	    theirs > after     ? theirs - after :
				 0;
	if (skew > SKEW_WARN || skew < -SKEW_WARN)
		finding_warn(l->f, "clock", "set both clocks by NTP",
		    "the server's clock is %.1f s %s ours",
		    (double)(skew < 0 ? -skew : skew) / 1000,
		    skew < 0 ? "behind" : "before");
	else
		finding_ok(l->f, "clock", "the server's is ours");
	return true;
}

/* --- the story --- */

/* The server is connected.  PSYNC comes last: the server may close then. */
static bool
server_look(struct look *l, struct err *e)
{
	if (!who_ask(l, e))
		return false;
	finding_ok(l->f, "reach", "%s answers", l->server->url.name);
	version_judge(l);
	role_judge(l);
	info_judge(l);
	return clock_judge(l, e) && permission_judge(l, e);
}

static void
one_look(struct findings *f, struct server *server, bool primary, bool cluster)
{
	struct look l = {
		.f = f, .server = server, .primary = primary, .cluster = cluster
	};
	struct err e;

	if (!server_connect(server, &e))
		finding_bad(f, "reach", e.kind,
		    "is it up, are address and credentials right?", "%s",
		    e.text);
	else if (!server_look(&l, &e))
		finding_bad(f, "reach", e.kind, NULL, "%s", e.text);
	server_info_release(&l.info);
	server_disconnect(server);
}

/* Each master, and whether slots are on the move. */
static void
masters_look(
    struct findings *f, struct topology *t, const struct server *cluster)
{
	const char *about = f->about;
	char name[400];
	struct server node;
	struct err e;

	for (unsigned i = 0; i < t->masters && stop_check(&e); i++) {
		if (!topology_server(t, i, cluster, &node, &e)) {
			finding_bad(f, "reach", e.kind, NULL, "%s", e.text);
			continue;
		}
		snprintf(name, sizeof name, "%s%s%s",
		    about != NULL ? about : "", about != NULL ? " " : "",
		    node.url.name);
		finding_about(f, name);
		one_look(f, &node, false, true);
		finding_about(f, about);
		server_release(&node);
	}
	if (!topology_settled(t, cluster, &e))
		finding_warn(f, "slots", "wait until it is done", "%s", e.text);
}

static void
cluster_look(struct findings *f, struct server *cluster)
{
	struct topology t = { 0 };
	struct err e;

	cluster->rules = TOPOLOGY_RULES;
	if (topology_load(&t, cluster, &e)) {
		finding_ok(f, "cluster", "%u masters, %u replicas", t.masters,
		    t.len - t.masters);
		masters_look(f, &t, cluster);
	} else
		finding_bad(f, "reach", e.kind, NULL, "%s", e.text);
	topology_release(&t);
}

void
checkup_server(struct findings *f, char *url, bool primary)
{
	struct server server;
	struct err e;

	if (!endpoint_server(&server, url, SYNC_RULES, &e)) {
		finding_bad(f, "reach", e.kind, NULL, "%s", e.text);
		return;
	}
	if (server.url.cluster)
		cluster_look(f, &server);
	else
		one_look(f, &server, primary, false);
	server_release(&server);
}
