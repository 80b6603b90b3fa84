/*
 * native.c -- see native.h.
 *
 * The input is walked before it is sent, and its last bytes are held back
 * until it is proven whole and the go-ahead has come, so a target never takes
 * a part for the whole.
 */
#include "stages/redis/native.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "rdb/census.h"
#include "stages/kit/clock.h"
#include "stages/kit/facts.h"
#include "stages/kit/stage.h"
#include "stages/kit/whole_rdb.h"
#include "stages/redis/expiring.h"
#include "stages/redis/master.h"

#define TRAILER  9  /* end mark and CRC */
#define HEAD_MAX 16 /* bytes; magic and version have 9, so do the last */
#define TICK_MS  1000

struct native {
	struct sink base;
	struct native_options o;
	struct target target;
	struct master master;
	struct whole_rdb whole;
	struct rdb_census census;
	struct expiring expiring;
	uint64_t length;        /* announced to the target, or SIZE_UNKNOWN */
	uint8_t held[HEAD_MAX]; /* first bytes, then last bytes */
	size_t held_len;
	bool headed; /* magic and version have come, whole */
	bool begun;
	bool modules;        /* there was module data that belongs to no key */
	uint64_t db_max;     /* highest database there was */
	uint64_t keys, gone; /* what the target has, what expired */
};

/* --- what comes in --- */

/* Count what passes; arg: the native. */
static bool
count(void *arg, const struct rdb_run *run, struct err *e)
{
	struct native *r = arg;

	r->headed |= run->label == RDB_HEADER && run->last;
	if (run->label == RDB_EXPIRE && run->last)
		expiring_add(&r->expiring, (int64_t)run->num);
	if (run->label == RDB_SELECT && run->last && run->num > r->db_max)
		r->db_max = run->num;
	r->modules |= run->label == RDB_MODULE_AUX;
	return rdb_census_feed(&r->census, run) ||
	    err_sys(e, "no memory to count keys");
}

/* The length that was announced must be kept. */
static bool
check_length(const struct native *r, struct err *e)
{
	if (r->length == SIZE_UNKNOWN || r->whole.walk.at == r->length ||
	    (!r->whole.ended && r->whole.walk.at < r->length))
		return true;
	return err_set(e, ERR_DATA,
	    "offset %" PRIu64 ": the input was to be %" PRIu64 " bytes, but %s",
	    r->whole.walk.at, r->length,
	    r->whole.ended ? "its RDB ends here" : "it is longer");
}

/* A server exits when it is sent a database that it does not have. */
static bool
check_databases(const struct native *r, struct err *e)
{
	const struct target *t = &r->target;

	return t->databases == 0 || r->db_max < t->databases ||
	    err_set(e, ERR_REMOTE,
		"%s: has %" PRIu64 " databases (its setting \"databases\"), "
		"the input has database %" PRIu64,
		t->server.url.name, t->databases, r->db_max);
}

/* So it does when it is sent data of a module that it does not have (rdb.c,
 * rdbLoadRioWithLoadingCtx).  Which of its modules it belongs to nobody tells;
 * but whether it has any. */
static bool
check_modules(const struct native *r, struct err *e)
{
	const struct target *t = &r->target;

	return !r->modules || t->info.text == NULL ||
	    strstr(t->info.text, "\nmodule:name=") != NULL ||
	    err_set(e, ERR_REMOTE,
		"%s: has no modules, the input has data that a module keeps "
		"outside of keys (rdb-filter --not-type module leaves it out)",
		t->server.url.name);
}

/* --- how it is to be sent --- */

/*
 * A file may end with the mark of a replication, which counts for its size
 * but is not sent: forty hex digits at its end make the size a guess.
 */
static bool
ends_with_mark(void)
{
	struct stat st;
	char end[MASTER_MARK];

	if (fstat(STDIN_FILENO, &st) != 0 || !S_ISREG(st.st_mode) ||
	    st.st_size < (off_t)sizeof end ||
	    pread(STDIN_FILENO, end, sizeof end,
		st.st_size - (off_t)sizeof end) != (ssize_t)sizeof end)
		return false;
	for (size_t i = 0; i < sizeof end; i++)
		if (strchr("0123456789abcdef", end[i]) == NULL || end[i] == 0)
			return false;
	return true;
}

static uint64_t
length_to_announce(const struct native *r)
{
	if (r->o.framing == NATIVE_MARK || ends_with_mark())
		return SIZE_UNKNOWN;
	return stage_expect;
}

/* Where we listen, and where the target shall look for us. */
static bool
find_addresses(
    struct native *r, char *host, size_t cap, unsigned *port, struct err *e)
{
	char at[256], seen[64];
	unsigned listen_port = 0;

	conn_local_host(r->target.server.conn, seen, sizeof seen);
	if (seen[0] == '\0')
		strcpy(seen, "127.0.0.1");
	strcpy(at, seen);
	if (r->o.listen != NULL &&
	    !url_split_host(r->o.listen, at, sizeof at, &listen_port))
		return err_set(e, ERR_USAGE, "--listen wants ADDR[:PORT]");
	if (!master_listen(&r->master, at, listen_port, e))
		return false;
	*port = r->master.port;
	snprintf(host, cap, "%s",
	    strcmp(r->master.host, "0.0.0.0") == 0 ||
		    strcmp(r->master.host, "::") == 0 ?
		seen :
		r->master.host);
	if (r->o.announce != NULL &&
	    !url_split_host(r->o.announce, host, cap, port))
		return err_set(e, ERR_USAGE, "--announce wants HOST[:PORT]");
	return true;
}

/* Wait until the target has come to us. */
static bool
await_target(struct native *r, const char *host, unsigned port, struct err *e)
{
	struct target *t = &r->target;
	int64_t end = clock_steady() + r->target.server.timeout_ms;
	char from[64], words[100];
	bool got = false, loading;

	conn_peer_host(t->server.conn, from, sizeof from);
	/* Behind a Unix socket it is on this machine and so comes from the
	 * address that it goes to; from 127.0.0.1 to all of 127.0.0.0/8. */
	if (from[0] == '\0')
		snprintf(from, sizeof from, "%.63s",
		    strncmp(host, "127.", 4) == 0 ? "127.0.0.1" : host);
	while (!got && clock_steady() < end)
		if (!master_accept(&r->master,
			r->o.announce != NULL ? NULL : from,
			r->target.server.timeout_ms, TICK_MS, &got, e))
			return false;
	if (got)
		return true;
	if (r->master.stranger[0] != '\0')
		return err_set(e, ERR_REMOTE,
		    "%s: did not come to us from %s, but %s did and was turned "
		    "away: if that is the target, give --announce",
		    t->server.url.name, from, r->master.stranger);
	return target_watch(t, &loading, words, sizeof words, e) &&
	    err_set(e, ERR_REMOTE,
		"%s: did not come to us at %s, port %u, within %.0f s (%s): "
		"see --listen and --announce",
		t->server.url.name, host, port,
		(double)r->target.server.timeout_ms / 1000, words);
}

/* From the first look at the target to the first byte of the payload. */
static bool
begin(struct native *r, struct err *e)
{
	struct target *t = &r->target;
	char host[256], random[MASTER_MARK];
	uint64_t replicas;
	unsigned port;

	if (!target_open(t, r->whole.walk.version, r->whole.walk.valkey,
		r->o.flush, e) ||
	    !check_databases(r, e) || !check_modules(r, e) ||
	    !find_addresses(r, host, sizeof host, &port, e))
		return false;
	replicas = server_info_count(&t->info, "connected_slaves");
	if (replicas > 0)
		stage_warn("%s has %" PRIu64 " replicas, which will hold the "
			   "same data",
		    t->server.url.name, replicas);
	if (!master_random(random, sizeof random, e) ||
	    !target_prepare(t, r->o.flush, r->o.load, e) ||
	    !target_follow(t, host, port, e) ||
	    !await_target(r, host, port, e) ||
	    !master_greet(&r->master, t->tls ? &t->server.tls : NULL, e))
		return false;
	r->length = length_to_announce(r);
	if (!master_begin(&r->master,
		r->o.replid != NULL ? r->o.replid : random, r->o.offset,
		r->length, e))
		return false;
	stage_say("restoring into %s (%s %s) via native, framing %s, %s%s%s",
	    t->server.url.name, t->engine, t->version,
	    r->master.marked ? "eof" : "length",
	    t->diskless ? "diskless" : "through its disk",
	    r->o.why[0] != '\0' ? ": " : "", r->o.why);
	r->begun = true;
	return true;
}

/* --- the sink --- */

/* What the target's side of a failure on the link looks like. */
static bool
blame(const struct native *r, struct err *e)
{
	if (e->kind == ERR_REMOTE)
		err_in(e, "%s took %" PRIu64 " bytes (its log may say why)",
		    r->target.server.url.name, r->whole.walk.at);
	return false;
}

static bool
send(struct native *r, struct span s, struct err *e)
{
	return s.len == 0 || master_put(&r->master, s, e) || blame(r, e);
}

static void
hold(struct native *r, struct span s)
{
	memcpy(r->held + r->held_len, s.ptr, s.len);
	r->held_len += s.len;
}

/* Send what was held of the header, once there is a target to send it to. */
static bool
begin_and_catch_up(struct native *r, struct err *e)
{
	struct span head = { r->held, r->held_len };

	if (!begin(r, e))
		return false;
	r->held_len = 0;
	return check_length(r, e) && send(r, head, e);
}

static bool
native_put(struct sink *s, struct span in, struct err *e)
{
	struct native *r = (struct native *)s;
	size_t used = 0, back;
	bool behind = r->whole.ended;

	if (!whole_rdb_feed(&r->whole, in, count, r, &used, e))
		return false;
	if (behind)
		return true;
	if (!r->headed) {
		hold(r, in);
		return true;
	}
	if (r->begun ? !check_length(r, e) || !check_databases(r, e) ||
		    !check_modules(r, e) :
		       !begin_and_catch_up(r, e))
		return false;
	if (!r->whole.ended)
		return send(r, in, e);
	back = used < TRAILER ? used : TRAILER;
	r->held_len = 0;
	hold(r, (struct span){ in.ptr + used - back, back });
	return send(r, (struct span){ in.ptr, used - back }, e);
}

/* Wait for the target's word that it has loaded everything. */
static bool
await_load(struct native *r, struct err *e)
{
	struct target *t = &r->target;
	int64_t quiet = clock_steady();
	bool acked = false, alive, loading;
	char words[100];

	for (;;) {
		if (!master_await(&r->master, TICK_MS, &acked, &alive, e))
			return err_in(e,
			    "while the target was loading (its "
			    "log says why)");
		if (acked)
			return true;
		if (!alive &&
		    (!target_watch(t, &loading, words, sizeof words, e)))
			return false;
		if (alive || loading)
			quiet = clock_steady();
		if (clock_steady() - quiet > r->target.server.timeout_ms)
			return err_set(e, ERR_REMOTE,
			    "%s: neither loads nor acknowledges (%s)",
			    t->server.url.name, words);
	}
}

/* A replica keeps what it is sent; a server of its own may begin to evict. */
static void
warn_of_eviction(const struct target *t)
{
	uint64_t limit = server_info_count(&t->info, "maxmemory");
	uint64_t used = server_info_count(&t->info, "used_memory");
	char policy[64];

	if (limit == 0 || used <= limit)
		return;
	stage_warn("%s uses %" PRIu64 " bytes, its maxmemory is %" PRIu64
		   " (%s): it will evict keys, or refuse writes",
	    t->server.url.name, used, limit,
	    server_info_get(
		&t->info, "maxmemory_policy", policy, sizeof policy));
}

static bool
native_commit(struct sink *s, struct err *e)
{
	struct native *r = (struct native *)s;

	if (!whole_rdb_end(&r->whole, e) || !stage_go(e) ||
	    !send(r, (struct span){ r->held, r->held_len }, e) ||
	    (!master_finish(&r->master, e) && !blame(r, e)) ||
	    !await_load(r, e) ||
	    !target_compare(&r->target, &r->census, &r->expiring, clock_wall(),
		&r->keys, &r->gone, e))
		return false;
	warn_of_eviction(&r->target);
	if (!target_promote(&r->target, e))
		return false;
	if (r->whole.crc == 0)
		stage_warn("the input has no checksum: its structure is whole, "
			   "its bytes are on trust");
	stage_say(
	    "%s holds %" PRIu64 " keys", r->target.server.url.name, r->keys);
	warn_of_eviction(&r->target);
	if (r->gone > 0)
		stage_say("%" PRIu64 " keys expired meanwhile", r->gone);
	return true;
}

static void
native_tell(const struct sink *s, struct facts *facts)
{
	const struct native *r = (const struct native *)s;

	facts_text(facts, "via", "native");
	facts_count(facts, "bytes", r->whole.walk.at);
	facts_count(facts, "keys", r->census.keys);
	facts_count(facts, "expires", r->census.expires);
	if (!r->begun)
		return;
	facts_text(facts, "framing", r->master.marked ? "eof" : "length");
	facts_text(facts, "load", r->target.diskless ? "diskless" : "disk");
	facts_text(facts, "target-engine", r->target.engine);
	facts_text(facts, "target-version", r->target.version);
	facts_count(facts, "target-keys", r->keys);
}

static void
native_free(struct sink *s)
{
	struct native *r = (struct native *)s;
	struct err e = { 0 };

	master_close(&r->master);
	if (!target_abandon(&r->target, &e))
		stage_warn("%s", e.text);
	target_close(&r->target);
	rdb_census_release(&r->census);
	free(r);
}

static const struct sink_ops native_ops = {
	.put = native_put,
	.commit = native_commit,
	.tell = native_tell,
	.free = native_free,
};

struct sink *
native_new(
    struct server *server, const struct native_options *options, struct err *e)
{
	struct native *r = calloc(1, sizeof *r);

	if (r == NULL) {
		server_release(server);
		err_sys(e, "no memory for the restore");
		return NULL;
	}
	r->base.ops = &native_ops;
	r->o = *options;
	r->target.server = *server;
	r->length = SIZE_UNKNOWN;
	master_init(&r->master);
	whole_rdb_init(&r->whole);
	rdb_census_init(&r->census);
	expiring_init(&r->expiring, clock_wall());
	return &r->base;
}
