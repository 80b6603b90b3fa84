/*
 * commands_times.c -- HPEXPIREAT: the TTLs of a hash's fields.
 *
 * They are said after the HSET that makes their fields.  Neighbours with the
 * same time share a command.  HPEXPIREAT is in Redis 7.4 and Valkey 9.0 alike;
 * HSETEX, which is one command for both, would need the time before the value,
 * and values are not held.
 */
#include "stages/redis/commands_parts.h"

/* The largest time Redis takes for a field in a command, a quarter of what it
 * loads: HFE_MAX_ABS_TIME_MSEC in src/server.h (tried: 8.0). */
#define REDIS_TIME_MAX ((UINT64_C(1) << 46) - 1)

/* One field, as it is kept in front of its bytes. */
struct mark {
	uint64_t ms;
	size_t len;
};

static void
begin(struct commands *c, uint64_t ms, uint64_t fields)
{
	commands_key(c, 5 + fields, "HPEXPIREAT");
	wire_number(&c->wire, (int64_t)ms);
	wire_text(&c->wire, "FIELDS");
	wire_number(&c->wire, (int64_t)fields);
}

static struct mark
mark_at(const struct commands_times *t, size_t at)
{
	struct mark m;

	memcpy(&m, t->buf + at, sizeof m);
	return m;
}

/* How many fields from at on have the time of the first. */
static uint64_t
same_time(const struct commands_times *t, size_t at)
{
	struct mark first = mark_at(t, at), m = first;
	uint64_t n = 0;

	while (m.ms == first.ms) {
		n++;
		at += sizeof m + m.len;
		if (at == t->len)
			break;
		m = mark_at(t, at);
	}
	return n;
}

void
times_flush(struct commands *c)
{
	struct commands_times *t = &c->times;
	struct mark m;
	uint64_t n;
	size_t at = 0;

	while (at < t->len) {
		n = same_time(t, at);
		begin(c, mark_at(t, at).ms, n);
		for (; n > 0; n--) {
			m = mark_at(t, at);
			wire_bulk(&c->wire, t->buf + at + sizeof m, m.len);
			at += sizeof m + m.len;
		}
		wire_end(&c->wire);
	}
	t->len = 0;
}

void
times_add(struct commands *c, uint64_t ms)
{
	struct commands_times *t = &c->times;
	const struct mark m = { ms, c->held.len };

	if (!c->target.valkey && ms > REDIS_TIME_MAX) {
		commands_refuse(
		    c, "a field's expiry is later than Redis lets it be set");
		return;
	}
	if (sizeof m + m.len > sizeof t->buf - t->len)
		gather_flush(c);
	if (sizeof m + m.len > sizeof t->buf) {
		begin(c, ms, 1);
		wire_bulk(&c->wire, c->held.ptr, m.len);
		wire_end(&c->wire);
		return;
	}
	memcpy(t->buf + t->len, &m, sizeof m);
	if (m.len > 0)
		memcpy(t->buf + t->len + sizeof m, c->held.ptr, m.len);
	t->len += sizeof m + m.len;
}
