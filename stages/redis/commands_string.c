/* commands_string.c -- SET and APPEND. */
#include "stages/redis/commands_parts.h"

/* As much as goes by one command.  A server that takes longer words still
 * closes a connection above its client-query-buffer-limit. */
static uint64_t
longest(const struct commands *c)
{
	return c->target.max_bulk < COMMANDS_BULK_MAX ? c->target.max_bulk :
							COMMANDS_BULK_MAX;
}

/* The next command: the value, or as much of it as one word can have. */
static void
open_command(struct commands *c, const char *name, bool with_expiry)
{
	c->bulk_left = c->left < longest(c) ? c->left : longest(c);
	commands_key(c, with_expiry ? 5 : 3, name);
	wire_open(&c->wire, c->bulk_left);
}

/* SET ... PXAT came with 6.2, and takes no time before 1970. */
static bool
folds_expiry(const struct commands *c)
{
	return c->expires && c->object->expire > 0 && c->left <= longest(c) &&
	    commands_since(&c->target, COMMANDS_VERSION(6, 2, 0), 0);
}

static void
string_bytes(struct commands *c, struct span s)
{
	struct span part;

	while (s.len > 0) {
		if (c->bulk_left == 0) {
			wire_close(&c->wire);
			wire_end(&c->wire);
			open_command(c, "APPEND", false);
		}
		part = span_take(
		    &s, s.len < c->bulk_left ? s.len : (size_t)c->bulk_left);
		wire_bytes(&c->wire, part.ptr, part.len);
		c->bulk_left -= part.len;
		c->left -= part.len;
	}
}

void
string_piece(struct commands *c, const struct rdb_piece *p)
{
	if (p->first) {
		if (!commands_fits_string(c, p->size))
			return;
		c->left = p->size;
		c->folded = folds_expiry(c);
		open_command(c, "SET", c->folded);
	}
	string_bytes(c, (struct span){ p->ptr, p->len });
	if (!p->last)
		return;
	wire_close(&c->wire);
	if (c->folded) {
		wire_text(&c->wire, "PXAT");
		wire_number(&c->wire, c->object->expire);
		c->expires = false;
	}
	wire_end(&c->wire);
}
