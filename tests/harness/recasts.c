/* recasts.c -- see recasts.h. */
#include "tests/harness/recasts.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "rdb/object.h"

struct machine {
	struct recast_result *result;
	const struct rdb_engine *engine;
	struct rdb_recast *recast;
	struct rdb_walk walk;
	struct rdb_object object;
	struct rdb_write out;
	uint64_t db;
	bool lossy, passes, skips;
};

static bool
stop(struct machine *m, const char *words)
{
	snprintf(m->result->words, sizeof m->result->words, "%s", words);
	return false;
}

static bool
key_begin(struct machine *m)
{
	struct rdb_object *o = &m->object;
	bool valkey = m->walk.valkey;
	unsigned from = o->type, to = rdb_recast_type(m->engine, from, valkey);

	m->passes = rdb_engine_loads(m->engine, from, valkey);
	m->skips = to == RDB_RECAST_NEVER;
	if (m->skips) {
		m->result->lost[RDB_LOSS_KEY]++;
		return m->lossy || stop(m, "never");
	}
	if (!m->passes) {
		rdb_recast_begin(m->recast, from, valkey, &m->out);
		o->type = to;
		m->result->rewritten++;
	}
	o->meta.len = 0;
	if (o->db != m->db)
		rdb_write_select(&m->out, m->db = o->db);
	rdb_write_object(&m->out, o);
	return true;
}

static bool
value_part(struct machine *m, const struct rdb_run *run)
{
	const struct rdb_recast *r = m->recast;

	if (m->skips)
		return true;
	if (m->passes) {
		rdb_write_bytes(&m->out, run->ptr, run->len);
		return true;
	}
	if (!rdb_recast_feed(m->recast, run))
		return stop(m,
		    r->fault.what != NULL       ? r->fault.what :
			r->refusal != NULL      ? r->refusal :
			r->refused < RDB_LOSSES ? rdb_loss_name(r->refused) :
						  "no memory");
	for (int i = 0; run->last && i < RDB_LOSSES; i++)
		m->result->lost[i] += r->lost[i];
	return true;
}

static bool
run_take(struct machine *m, const struct rdb_run *run)
{
	switch (rdb_object_feed(&m->object, run)) {
	case RDB_OBJECT_KEY:
		return key_begin(m);
	case RDB_OBJECT_VALUE:
		return value_part(m, run);
	default:
		return true;
	}
}

static void
walk_all(
    struct machine *m, const uint8_t *p, size_t len, size_t first, size_t size)
{
	enum rdb_got got = RDB_MORE;
	struct rdb_run run;
	bool on = true;
	uint8_t *chunk;

	for (size_t n = first; len > 0 && on && got == RDB_MORE;
	     p += n, len -= n, n = size) {
		n = n < len ? n : len;
		chunk = malloc(n);
		memcpy(chunk, p, n);
		rdb_walk_feed(&m->walk, chunk, n);
		while (on && (got = rdb_walk_next(&m->walk, &run)) == RDB_RUN)
			on = run_take(m, &run);
		free(chunk);
	}
	if (on && got != RDB_END)
		stop(m, "the walk did not end");
}

void
recasts_make(struct recast_result *r, const uint8_t *p, size_t len,
    size_t first, size_t size, const struct rdb_engine *engine, bool lossy)
{
	struct machine m = { .result = r, .engine = engine, .lossy = lossy };

	memset(r, 0, sizeof *r);
	m.recast = malloc(sizeof *m.recast);
	rdb_recast_init(m.recast, engine, lossy);
	rdb_walk_init(&m.walk);
	rdb_object_init(&m.object);
	rdb_write_init(&m.out);
	rdb_write_magic(&m.out, engine->version, rdb_engine_dialect(engine));
	walk_all(&m, p, len, first, size);
	if (r->words[0] == '\0')
		rdb_write_trailer(&m.out, engine->version);
	stream_init(&r->out);
	stream_bytes(&r->out, m.out.ptr, m.out.len);
	rdb_write_release(&m.out);
	rdb_object_release(&m.object);
	rdb_recast_release(m.recast);
	free(m.recast);
}

void
recasts_release(struct recast_result *r)
{
	stream_release(&r->out);
}
