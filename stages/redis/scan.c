/* scan.c -- the RDB: its head, its end, and the order of what goes between.
 * See scan.h. */
#include "stages/redis/scan.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "rdb/engine.h"
#include "stages/kit/clock.h"
#include "stages/redis/scan_parts.h"
#include "stages/redis/wait.h"

#define CHUNK       (128u * 1024)
#define CHUNK_MIN   4096u
#define VERSION_ANY 9 /* what servers since 5.0 load: for no data */

/* --- what is put out --- */

bool
scan_walk(struct scan *s, struct err *e)
{
	size_t n = (size_t)(s->out.at - s->walk.at);
	struct rdb_run run;
	enum rdb_got got;
	char text[300];

	if (s->out.failed)
		return err_sys(e, "no memory for the RDB");
	rdb_walk_feed(&s->walk, s->out.ptr + s->out.len - n, n);
	while ((got = rdb_walk_next(&s->walk, &run)) == RDB_RUN) {
		s->item_open = !run.last;
		s->values += run.last && run.label == RDB_VALUE;
		s->libraries += run.last && run.label == RDB_FUNCTION;
		s->others += run.last && run.label != RDB_VALUE;
	}
	/* A server may send an end mark where a value should be. */
	if (got == RDB_END && !s->ending)
		return err_set(e, ERR_DATA, "an end mark in its midst");
	s->ended = got == RDB_END;
	if (got != RDB_BAD)
		return true;
	rdb_walk_explain(&s->walk, false, text, sizeof text);
	return err_set(e, ERR_DATA, "%s", text);
}

static void
put_aux(struct scan *s)
{
	char text[64];
	const char *engine = server_info_engine(&s->info, text, sizeof text);
	bool valkey = strcmp(engine, "valkey") == 0;

	if (*text != '\0')
		rdb_write_aux(
		    &s->out, valkey ? "valkey-ver" : "redis-ver", text);
	snprintf(text, sizeof text, "%" PRId64, s->started / 1000);
	rdb_write_aux(&s->out, "ctime", text);
	rdb_write_aux(&s->out, "rdbpipe-via", "scan");
}

/* Put out what FUNCTION DUMP gave, from behind its footer. */
static bool
put_functions(struct scan *s, struct span all, struct err *e)
{
	uint64_t others = s->others - s->libraries;

	rdb_write_bytes(&s->out, all.ptr, all.len - SCAN_FOOTER);
	if (!scan_walk(s, e))
		return err_in(e, "%s: FUNCTION DUMP", s->from->url.name);
	return (s->others - s->libraries == others && s->values == 0 &&
		   !s->item_open) ||
	    err_set(e, ERR_DATA, "%s: FUNCTION DUMP gives no functions",
		s->from->url.name);
}

/* Header, auxiliary fields, and the functions of the node at hand. */
static bool
put_begin(struct scan *s, struct err *e)
{
	struct reply reply;
	struct span all;
	unsigned version;

	rdb_write_magic(&s->out, s->version, s->valkey);
	put_aux(s);
	if (!scan_walk(s, e))
		return err_in(e, "%s", s->from->url.name);
	if (s->functions != SCAN_FUNCTIONS_SAVED)
		return true;
	if (!server_call(s->from, &reply, WORDS("FUNCTION", "DUMP"), e))
		return false;
	all = (struct span){ (const uint8_t *)reply.text, reply.len };
	if (reply.kind != REPLY_TEXT || reply.len < SCAN_FOOTER)
		return err_set(e, ERR_REMOTE,
		    "%s: the answer to FUNCTION DUMP makes no sense",
		    s->from->url.name);
	return scan_payload(s, all, &version, e) && put_functions(s, all, e);
}

/* --- what the header must say --- */

/* What an error of FUNCTION DUMP means.  Only servers before 7.0 have none; of
 * others, or of who knows which, somebody keeps theirs from us. */
static bool
functions_refused(
    struct scan *s, const char *text, enum scan_functions *got, struct err *e)
{
	bool unknown = strstr(text, "unknown command") != NULL;
	unsigned major;
	char version[40];

	server_info_engine(&s->place.info, version, sizeof version);
	if (unknown && sscanf(version, "%u", &major) == 1 && major < 7)
		*got = SCAN_FUNCTIONS_NONE;
	else if (unknown || server_said(text, "NOPERM"))
		*got = SCAN_FUNCTIONS_DENIED;
	else
		return server_refused(s->from, "function|dump", text, e);
	return true;
}

/* The version at the end of FUNCTION DUMP, where there is one. */
static bool
version_of_functions(struct scan *s, unsigned *version, struct err *e)
{
	enum scan_functions got = SCAN_FUNCTIONS_SAVED;
	struct reply reply;
	struct span all;

	if (!resp_call(s->from->resp, &reply, WORDS("FUNCTION", "DUMP"), e))
		return false;
	all = (struct span){ (const uint8_t *)reply.text, reply.len };
	if (reply.kind == REPLY_ERROR) {
		if (!functions_refused(s, reply.text, &got, e))
			return false;
	} else if (reply.kind != REPLY_TEXT || reply.len < SCAN_FOOTER) {
		return err_set(e, ERR_REMOTE,
		    "%s: the answer to FUNCTION DUMP makes no sense",
		    s->from->url.name);
	} else if (!scan_payload(s, all, version, e)) {
		return false;
	}
	if (s->place.node == 0)
		s->functions = got;
	return true;
}

/* The version at the end of the DUMP of any key. */
static bool
version_of_keys(struct scan *s, unsigned *version, struct err *e)
{
	struct scan_place *p = &s->place;
	bool end = false;

	while (*version == 0) {
		if (p->at == p->keys.len) {
			if (!scan_more(s, &end, e))
				return false;
			if (end)
				return true;
			continue;
		}
		struct reply key = resp_item(&p->keys, p->at++);

		if (key.kind != REPLY_TEXT)
			return err_set(e, ERR_REMOTE,
			    "%s: SCAN gives a key that is none",
			    s->from->url.name);
		if (!scan_probe(s, &key, version, e))
			return false;
	}
	return true;
}

/* What a server without keys and functions would write. */
static unsigned
version_of_server(const struct scan *s)
{
	const struct rdb_engine *engine;
	unsigned major = 0, minor = 0;
	char text[40];
	bool valkey =
	    strcmp(server_info_engine(&s->place.info, text, sizeof text),
		"valkey") == 0;

	if (sscanf(text, "%u.%u", &major, &minor) != 2)
		return VERSION_ANY;
	engine = rdb_engine_of(valkey, major, minor);
	return engine != NULL ? engine->version : VERSION_ANY;
}

/* The highest of all nodes decides. */
static bool
look_at_node(struct scan *s, struct err *e)
{
	unsigned version = 0;

	if (!version_of_functions(s, &version, e) ||
	    !version_of_keys(s, &version, e))
		return false;
	if (version == 0)
		version = version_of_server(s);
	if ((int)version > s->version)
		s->version = (int)version;
	s->valkey = s->version >= 80;
	if (s->place.node == 0) {
		s->info = s->place.info;
		s->place.info.text = NULL;
	}
	return true;
}

static bool
look(struct scan *s, struct err *e)
{
	if (s->given->url.cluster &&
	    (!topology_load(&s->map, s->given, e) ||
		!topology_settled(&s->map, s->given, e)))
		return false;
	s->masters = s->map.masters;
	for (unsigned i = 0; i < (s->masters > 0 ? s->masters : 1); i++)
		if (!scan_open(s, i, e) || !look_at_node(s, e))
			return false;
	return true;
}

bool
scan_begin(struct scan *s, struct server *server, const struct scan_options *o,
    struct err *e)
{
	memset(s, 0, sizeof *s);
	s->given = server;
	s->how = *o;
	s->count = (size_t)o->count;
	s->started = s->finished = clock_wall();
	s->pace_from = clock_steady();
	rdb_write_init(&s->out);
	rdb_walk_init(&s->walk);
	s->seen = seen_new((size_t)o->memory, e);
	return s->seen != NULL && look(s, e) && scan_open(s, 0, e) &&
	    put_begin(s, e);
}

void
scan_release(struct scan *s)
{
	scan_close(s);
	server_info_release(&s->info);
	topology_release(&s->map);
	rdb_write_release(&s->out);
	seen_free(s->seen);
	free(s->sent);
	memset(s, 0, sizeof *s);
}

/* --- from the first key to the end --- */

static bool
cluster_is_the_same(struct scan *s, struct err *e)
{
	struct topology now = { 0 };
	bool ok;

	if (!topology_load(&now, s->given, e))
		return false;
	ok = topology_settled(&now, s->given, e) &&
	    (topology_moved(&s->map, &now) == RDB_SLOTS ||
		err_set(e, ERR_REMOTE,
		    "%s: the cluster is another than at the start, or was "
		    "meanwhile: keys may be missing",
		    s->given->url.name));
	topology_release(&now);
	return ok;
}

/* All keys of a node have been read. */
static bool
next_node(struct scan *s, struct err *e)
{
	if (s->place.node + 1 < s->masters)
		return scan_open(s, s->place.node + 1, e);
	if (s->masters > 0 && !cluster_is_the_same(s, e))
		return false;
	s->finished = clock_wall();
	s->ending = true;
	rdb_write_trailer(&s->out, s->version);
	return scan_walk(s, e) &&
	    (s->ended ||
		err_set(e, ERR_BUG, "the RDB that was made has no end"));
}

static bool
step(struct scan *s, struct err *e)
{
	bool end;

	if (s->in_value)
		return scan_value_more(s, e);
	if (s->asked_at < s->asked_n)
		return scan_value(s, e);
	if (s->place.at < s->place.keys.len)
		return scan_ask(s, e);
	return scan_more(s, &end, e) && (!end || next_node(s, e));
}

/* Not faster than --rate. */
static bool
keep_pace(struct scan *s, struct err *e)
{
	double ahead;

	if (s->how.rate == 0)
		return true;
	ahead = (double)s->paced * 1000 / (double)s->how.rate -
	    (double)(clock_steady() - s->pace_from);
	return ahead < 1 || wait_pause((int64_t)ahead, e);
}

static size_t
chunk_of(const struct scan *s)
{
	int64_t n = s->how.rate / 8;

	if (n == 0 || n > CHUNK)
		return CHUNK;
	return n < CHUNK_MIN ? CHUNK_MIN : (size_t)n;
}

bool
scan_next(struct scan *s, struct span *chunk, struct err *e)
{
	size_t want = chunk_of(s);

	rdb_write_taken(&s->out, s->lent);
	s->lent = 0;
	if (!keep_pace(s, e))
		return false;
	while (!s->ended && s->out.len < want)
		if (!step(s, e))
			return false;
	*chunk = (struct span){ s->out.ptr, s->out.len };
	s->lent = s->out.len;
	s->paced += s->lent;
	return true;
}
