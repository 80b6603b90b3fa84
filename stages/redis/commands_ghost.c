/*
 * commands_ghost.c -- entries that are pending and were deleted.
 *
 * No server lets XCLAIM make a pending entry of what is not there (xclaimCommand
 * in src/t_stream.c, 5.0 to 9.1).  So the entry is there meanwhile: it is added
 * in its place, claimed, and deleted again.  That must be known before the
 * entries behind it are added, and a value has it at its end; so the value is
 * read twice.
 *
 * XDEL raises the largest deleted ID, and XTRIM does not: what is in front of
 * the first entry is trimmed, as most of such entries were; the rest is deleted,
 * and then XSETID says which ID it was.  It takes none for 0-0, so a stream of
 * before 7.0, which never had one, must be refused to servers that have it.
 */
#include <stdlib.h>

#include "stages/redis/commands_parts.h"

#define DELETE_MAX 128 /* IDs in one XDEL */

void
ghosts_start(struct commands_ghosts *g)
{
	g->list.len = g->len = g->next = g->front = 0;
	g->known = false;
}

static struct rdb_id *
ids_of(struct commands_ghosts *g)
{
	void *ids = g->list.ptr;

	return ids;
}

void
ghosts_look(struct commands *c, const struct rdb_piece *p)
{
	if (p->what == RDB_ENTRY)
		live_add(c, p->id);
	else if (p->what == RDB_GROUP_STATE)
		live_rewind(&c->live);
	else if (p->what == RDB_PENDING && !live_has(&c->live, p->id))
		commands_keep(c, &c->ghosts.list, &p->id, sizeof p->id);
}

static int
by_id(const void *a, const void *b)
{
	return live_compare(
	    *(const struct rdb_id *)a, *(const struct rdb_id *)b);
}

/* Groups may share them. */
void
ghosts_looked(struct commands *c)
{
	struct commands_ghosts *g = &c->ghosts;
	struct rdb_id *ids = ids_of(g);
	size_t n = g->list.len / sizeof *ids;

	g->known = true;
	if (n > 0)
		qsort(ids, n, sizeof *ids, by_id);
	for (size_t i = 0; i < n; i++)
		if (g->len == 0 || by_id(&ids[i], &ids[g->len - 1]) != 0)
			ids[g->len++] = ids[i];
}

static void
add(struct commands *c, struct rdb_id id)
{
	commands_key(c, 5, "XADD");
	wire_id(&c->wire, id);
	wire_text(&c->wire, "x");
	wire_text(&c->wire, "y");
	wire_end(&c->wire);
}

void
ghosts_before(struct commands *c, struct rdb_id id)
{
	struct commands_ghosts *g = &c->ghosts;

	while (g->next < g->len && live_compare(ids_of(g)[g->next], id) < 0)
		add(c, ids_of(g)[g->next++]);
	if (c->live.count == 0)
		g->front = g->next;
}

void
ghosts_rest(struct commands *c)
{
	struct commands_ghosts *g = &c->ghosts;

	while (g->next < g->len)
		add(c, ids_of(g)[g->next++]);
	if (c->live.count == 0)
		g->front = g->next;
}

static void
delete_some(struct commands *c, size_t at, size_t n)
{
	commands_key(c, 2 + n, "XDEL");
	for (size_t i = 0; i < n; i++)
		wire_id(&c->wire, ids_of(&c->ghosts)[at + i]);
	wire_end(&c->wire);
}

void
ghosts_delete(struct commands *c)
{
	struct commands_ghosts *g = &c->ghosts;
	size_t n;

	for (size_t at = g->front; at < g->len; at += n) {
		n = g->len - at < DELETE_MAX ? g->len - at : DELETE_MAX;
		delete_some(c, at, n);
	}
	if (g->front == 0)
		return;
	commands_key(c, 4, "XTRIM");
	wire_text(&c->wire, "MAXLEN");
	wire_number(&c->wire, (int64_t)c->live.count);
	wire_end(&c->wire);
}
