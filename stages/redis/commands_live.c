/*
 * commands_live.c -- which IDs a stream has.
 *
 * XCLAIM makes no pending entry for an entry that is not there (7.0:
 * xclaimCommand in src/t_stream.c, as ever since 5.0), and its reply comes too
 * late, so the IDs are kept: each as its difference from the one before, two
 * numbers of seven bits a byte, the last byte's high bit clear.  Pending entries
 * come in ascending order, as IDs do, so one walk serves a group.
 */
#include "stages/redis/commands_parts.h"

#define NUMBER_MAX 10 /* bytes of 64 bits in sevens */

int
live_compare(struct rdb_id a, struct rdb_id b)
{
	if (a.ms != b.ms)
		return a.ms < b.ms ? -1 : 1;
	return a.seq == b.seq ? 0 : a.seq < b.seq ? -1 : 1;
}

void
live_start(struct commands_live *l)
{
	l->ids.len = 0;
	l->lost = false;
	l->count = 0;
	l->last = (struct rdb_id){ 0, 0 };
}

static size_t
number_put(uint8_t *to, uint64_t n)
{
	size_t len = 0;

	for (; n > 0x7f; n >>= 7)
		to[len++] = (uint8_t)(n | 0x80);
	to[len++] = (uint8_t)n;
	return len;
}

static uint64_t
number_get(struct commands_live *l)
{
	unsigned shift = 0;
	uint64_t n = 0, byte;

	do {
		byte = l->ids.ptr[l->at++];
		n |= (byte & 0x7f) << shift;
		shift += 7;
	} while (byte & 0x80);
	return n;
}

void
live_add(struct commands *c, struct rdb_id id)
{
	struct commands_live *l = &c->live;
	uint64_t ms = id.ms - l->last.ms;
	uint8_t text[2 * NUMBER_MAX];
	size_t n = number_put(text, ms);

	n += number_put(text + n, ms == 0 ? id.seq - l->last.seq : id.seq);
	if (l->ids.len > COMMANDS_LIVE_MAX - n)
		l->lost = true;
	if (!l->lost)
		commands_keep(c, &l->ids, text, n);
	l->count++;
	l->last = id;
}

void
live_rewind(struct commands_live *l)
{
	l->at = 0;
	l->now = (struct rdb_id){ 0, 0 };
}

bool
live_has(struct commands_live *l, struct rdb_id id)
{
	uint64_t ms, seq;

	if (l->lost)
		return live_compare(id, l->last) <= 0;
	while (live_compare(l->now, id) < 0 && l->at < l->ids.len) {
		ms = number_get(l);
		seq = number_get(l);
		l->now.ms += ms;
		l->now.seq = ms == 0 ? l->now.seq + seq : seq;
	}
	return l->ids.len > 0 && live_compare(l->now, id) == 0;
}
