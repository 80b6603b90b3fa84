/* position.c -- see position.h. */
#include "stages/keys/position.h"

#include <string.h>

/* The name is known: one of those, or it goes on. */
static void
decide(struct position *p, struct rdb_write *out)
{
	/* Opcode, length, name: no server stores them otherwise. */
	static const char *const names[] = { "\xfa\x07repl-id",
		"\xfa\x0brepl-offset", "\xfa\x0erepl-stream-db" };

	p->known = true;
	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		p->drop |= p->len == strlen(names[i]) &&
		    memcmp(p->held, names[i], p->len) == 0;
	if (!p->drop)
		rdb_write_bytes(out, p->held, p->len);
}

bool
position_keep(
    struct position *p, const struct rdb_run *run, struct rdb_write *out)
{
	if (run->label == RDB_AUX_VALUE)
		return !p->drop;
	if (run->first)
		*p = (struct position){ 0 };
	if (!p->known && run->len > sizeof p->held - p->len)
		decide(p, out);
	if (p->known)
		return true;
	if (run->len > 0)
		memcpy(p->held + p->len, run->ptr, run->len);
	p->len += run->len;
	if (run->last)
		decide(p, out);
	return false;
}
