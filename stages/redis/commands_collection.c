/* commands_collection.c -- lists, sets, sorted sets and hashes. */
#include <math.h>
#include <stdio.h>

#include "stages/redis/commands_parts.h"

#define SCORE_MAX 32 /* "-1.7976931348623157e+308" */

void
list_piece(struct commands *c, const struct rdb_piece *p)
{
	gather_text(c, p);
}

/* A text that is at hand as a whole. */
static void
whole_text(struct commands *c, const void *ptr, size_t len)
{
	const struct rdb_piece p = {
		.first = true, .last = true, .ptr = ptr, .len = len, .size = len
	};

	gather_text(c, &p);
}

/* What servers read back as exactly this number; no more than it needs if it
 * is whole, as most are. */
static size_t
score_text(char text[SCORE_MAX], double d)
{
	if (isinf(d))
		return (size_t)snprintf(
		    text, SCORE_MAX, "%s", d < 0 ? "-inf" : "inf");
	if (fabs(d) < 1e15 && d == (double)(int64_t)d &&
	    !(d == 0 && signbit(d)))
		return decimal_put((int64_t)d, (uint8_t *)text);
	return (size_t)snprintf(text, SCORE_MAX, "%.17g", d);
}

/* The score comes first in a command and last in a value. */
void
zset_piece(struct commands *c, const struct rdb_piece *p)
{
	char score[SCORE_MAX];

	if (p->what == RDB_MEMBER) {
		commands_hold(c, &c->held, p);
		return;
	}
	whole_text(c, score, score_text(score, p->score));
	if (c->wire.ok)
		whole_text(c, c->held.ptr, c->held.len);
}

/* Fields that may have a TTL are held until it is known. */
void
hash_piece(struct commands *c, const struct rdb_piece *p)
{
	if (p->what == RDB_FIELD_TTL) {
		if (p->num > 0)
			times_add(c, p->num);
		return;
	}
	if (p->what == RDB_FIELD && c->times.on)
		commands_hold(c, &c->held, p);
	if (c->wire.ok)
		gather_text(c, p);
}
