/*
 * commands_pending.c -- XCLAIM: what is pending, for whom, since when.
 *
 * A value says of a group first what is pending, with times and counts, and
 * then for each consumer which of it is its own: the two are joined here.
 * Neighbours that were delivered together share an XCLAIM.
 */
#include <stdlib.h>

#include "stages/kit/clock.h"
#include "stages/redis/commands_parts.h"

void
pending_start(struct commands *c)
{
	c->pending.list.len = 0;
	c->pending.owned = 0;
	c->pending.n_ids = 0;
	live_rewind(&c->live);
}

/* What is pending in the group, in order; n of it. */
static const struct commands_pend *
list_of(const struct commands_pending *p, size_t *n)
{
	const void *list = p->list.ptr;

	*n = p->list.len / sizeof(struct commands_pend);
	return list;
}

/* XCLAIM makes "now" of a time that has not come (xclaimCommand in
 * src/t_stream.c, 5.0 to 9.1), and answers as always. */
static bool
is_to_come(uint64_t ms)
{
	return ms > (uint64_t)clock_wall();
}

void
pending_add(struct commands *c, const struct rdb_piece *p)
{
	const struct commands_pend pend = { p->id, p->num, p->more };
	size_t n;
	const struct commands_pend *list = list_of(&c->pending, &n);

	if (n > 0 && live_compare(list[n - 1].id, p->id) >= 0)
		commands_bad(c, "pending entries out of order");
	else if (n == COMMANDS_PENDING_MAX)
		commands_refuse(c,
		    "a group has more pending entries than can be held "
		    "(RESTORE can)");
	else if (!c->ghosts.known && !live_has(&c->live, p->id))
		commands_refuse(c,
		    "an entry is pending that was deleted, in a large stream "
		    "(RESTORE can)");
	else if (is_to_come(p->num))
		commands_refuse(c,
		    "an entry was delivered at a time that is yet to come "
		    "(RESTORE can)");
	else
		commands_keep(c, &c->pending.list, &pend, sizeof pend);
}

static int
by_id(const void *id, const void *pend)
{
	return live_compare(*(const struct rdb_id *)id,
	    ((const struct commands_pend *)pend)->id);
}

void
pending_flush(struct commands *c)
{
	struct commands_pending *p = &c->pending;

	if (p->n_ids == 0)
		return;
	commands_key(c, 11 + (uint64_t)p->n_ids, "XCLAIM");
	wire_bulk(&c->wire, c->held.ptr, c->held.len);
	wire_bulk(&c->wire, c->held_consumer.ptr, c->held_consumer.len);
	wire_number(&c->wire, 0);
	for (unsigned i = 0; i < p->n_ids; i++)
		wire_id(&c->wire, p->ids[i]);
	wire_text(&c->wire, "TIME");
	wire_number(&c->wire, (int64_t)p->claim.time);
	wire_text(&c->wire, "RETRYCOUNT");
	wire_number(&c->wire, (int64_t)p->claim.count);
	wire_text(&c->wire, "FORCE");
	wire_text(&c->wire, "JUSTID");
	wire_end(&c->wire);
	p->n_ids = 0;
}

/* Where it is not known whether all of them are there, each goes alone, so that
 * the reply tells. */
static bool
joins(const struct commands *c, const struct commands_pend *with)
{
	const struct commands_pending *p = &c->pending;

	return p->n_ids < CLAIM_MAX && !c->live.lost &&
	    p->claim.time == with->time && p->claim.count == with->count;
}

void
pending_own(struct commands *c, struct rdb_id id)
{
	struct commands_pending *p = &c->pending;
	const struct commands_pend *list, *found = NULL;
	size_t n;

	list = list_of(p, &n);
	if (n > 0)
		found = bsearch(&id, list, n, sizeof *list, by_id);
	if (found == NULL) {
		commands_bad(c, "a consumer's entry that is not pending");
		return;
	}
	if (p->n_ids > 0 && !joins(c, found))
		pending_flush(c);
	p->claim = *found;
	p->ids[p->n_ids++] = id;
	p->owned++;
}

void
pending_end(struct commands *c)
{
	size_t n;

	pending_flush(c);
	list_of(&c->pending, &n);
	if (c->wire.ok && c->pending.owned != n)
		commands_refuse(
		    c, "an entry is pending for nobody (RESTORE can)");
	c->pending.list.len = c->pending.owned = 0;
}
