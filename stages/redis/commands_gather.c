/*
 * commands_gather.c -- elements gathered to pieces.
 *
 * A command says first how many words it has, so elements are kept, encoded,
 * until a piece is full.  A group (field and value) that is larger than a piece
 * is a command of its own, whose number of words is known; what is kept of it
 * goes out and the rest passes by.
 */
#include "stages/redis/commands_parts.h"

void
gather_start(struct commands *c, const char *name, unsigned per_group)
{
	struct commands_gather *g = &c->gather;

	g->name = name;
	g->per_group = per_group;
	g->texts = 0;
	g->by = false;
	g->words = 0;
	g->done = g->len = 0;
	c->times.on = false;
	c->times.len = 0;
}

void
gather_flush(struct commands *c)
{
	struct commands_gather *g = &c->gather;

	if (g->done > 0) {
		commands_key(c, 2 + g->words, g->name);
		wire_bytes(&c->wire, g->buf, g->done);
		wire_end(&c->wire);
		memmove(g->buf, g->buf + g->done, g->len - g->done);
		g->len -= g->done;
		g->done = 0;
		g->words = 0;
	}
	times_flush(c);
}

/* The group at hand passes by; what is kept of it leads. */
static void
pass_by(struct commands *c)
{
	struct commands_gather *g = &c->gather;

	g->by = true;
	commands_key(c, 2 + g->per_group, g->name);
	wire_bytes(&c->wire, g->buf, g->len);
	g->len = 0;
}

/* A text of this size begins. */
static void
text_begin(struct commands *c, uint64_t size)
{
	struct commands_gather *g = &c->gather;
	uint64_t need = size + WIRE_HEAD + 2;

	if (!g->by && need > sizeof g->buf - g->len) {
		gather_flush(c);
		if (need > sizeof g->buf - g->len)
			pass_by(c);
	}
	if (g->by)
		wire_open(&c->wire, size);
	else
		g->len += wire_head(g->buf + g->len, size);
}

static void
text_bytes(struct commands *c, const void *p, size_t n)
{
	struct commands_gather *g = &c->gather;

	if (g->by) {
		wire_bytes(&c->wire, p, n);
	} else if (n > 0) {
		memcpy(g->buf + g->len, p, n);
		g->len += n;
	}
}

static void
group_end(struct commands *c)
{
	struct commands_gather *g = &c->gather;

	g->texts = 0;
	if (g->by) {
		wire_end(&c->wire);
		g->by = false;
	} else {
		g->words += g->per_group;
		g->done = g->len;
	}
}

void
gather_text(struct commands *c, const struct rdb_piece *p)
{
	if (p->first) {
		if (!commands_fits(c, p->size))
			return;
		text_begin(c, p->size);
	}
	text_bytes(c, p->ptr, p->len);
	if (!p->last)
		return;
	text_bytes(c, "\r\n", 2);
	if (++c->gather.texts == c->gather.per_group)
		group_end(c);
}
