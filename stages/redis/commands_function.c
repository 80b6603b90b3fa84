/* commands_function.c -- FUNCTION LOAD REPLACE. */
#include "stages/redis/commands_parts.h"

static bool
piece(struct commands *c, const struct rdb_piece *p, struct err *e)
{
	if (p->what != RDB_LIBRARY)
		return err_set(e, ERR_REMOTE,
		    "functions in the form they had before 7.0 was final "
		    "cannot be said in commands");
	if (p->first) {
		if (p->size > c->target.max_bulk)
			return err_set(e, ERR_REMOTE,
			    "a library of functions is larger than the "
			    "target's proto-max-bulk-len");
		wire_begin(&c->wire, 4, "FUNCTION");
		wire_text(&c->wire, "LOAD");
		wire_text(&c->wire, "REPLACE");
		wire_open(&c->wire, p->size);
	}
	wire_bytes(&c->wire, p->ptr, p->len);
	if (p->last) {
		wire_close(&c->wire);
		wire_end(&c->wire);
	}
	return c->wire.ok;
}

/* The opcode, which is the first byte. */
static bool
begin(struct commands *c, const struct rdb_run *run, bool valkey, struct err *e)
{
	if (!commands_since(&c->target, COMMANDS_VERSION(7, 0, 0), 0))
		return err_set(e, ERR_REMOTE,
		    "functions cannot be said to servers before 7.0");
	if (!rdb_value_begin_opcode(&c->value, run->ptr[0], valkey))
		return err_set(e, ERR_DATA,
		    "offset %llu: opcode that is no library of functions",
		    (unsigned long long)run->at);
	return true;
}

bool
commands_function(
    struct commands *c, const struct rdb_run *run, bool valkey, struct err *e)
{
	size_t skip = run->first ? 1 : 0;
	struct rdb_piece p;
	enum rdb_got got;

	c->wire.e = e;
	c->wire.ok = true;
	c->object = NULL;
	c->unsaid = false;
	if (run->first && !begin(c, run, valkey, e))
		return false;
	rdb_value_feed(
	    &c->value, run->ptr + skip, run->len - skip, run->at + skip);
	while ((got = rdb_value_next(&c->value, &p)) == RDB_RUN)
		if (!piece(c, &p, e))
			return false;
	if (got == RDB_BAD || (got == RDB_MORE && run->last))
		return err_set(e, ERR_DATA,
		    "offset %llu, in a library of functions: %s",
		    (unsigned long long)c->value.fault.at,
		    got == RDB_BAD ? c->value.fault.what : "ends early");
	return true;
}
