/*
 * fill_recast.c -- hashes whose fields have times; see fill_parts.h.
 *
 * --ttl moves those times, and a target from before Redis 7.4 or Valkey 9.0
 * cannot have any.  Types that can hold times need not hold one: Redis 8.0 keeps a
 * hash in its type when the last time is gone.  So for such a target the
 * value becomes a plain one, and the first time in it is what cannot be had.
 */
#include "stages/redis/fill_parts.h"

#include <stdlib.h>

#include "rdb/kind.h"

#define PLAIN 4 /* type of a hash without times */

/* The time of a field, for the recaster. */
static uint64_t
field_time(const void *arg, uint64_t ms)
{
	return choice_field_time(arg, ms);
}

static bool
recast_new(struct fill *f, struct err *e)
{
	if (f->recast != NULL)
		return true;
	if ((f->recast = malloc(sizeof *f->recast)) == NULL)
		return err_sys(e, "no memory for the restore");
	rdb_recast_init(f->recast, NULL, false);
	f->recast->time = field_time;
	f->recast->time_arg = f->o.choice;
	return true;
}

/* Only without times could the target have it. */
static bool
must_be_plain(const struct fill *f)
{
	const char *cannot;

	if (f->o.native)
		return false;
	fill_way(f, &cannot);
	return cannot != NULL;
}

bool
fill_recast(struct fill *f, struct err *e)
{
	unsigned type = f->object.type, to;
	bool valkey = f->whole.walk.valkey;

	if (!rdb_kind_field_ttl(type))
		return true;
	f->doubtful = must_be_plain(f);
	if (!f->doubtful && !choice_moves_fields(f->o.choice, type))
		return true;
	if (!recast_new(f, e))
		return false;
	to = f->doubtful || f->o.choice->ttl == CHOICE_TTL_DROP ?
	    PLAIN :
	    RDB_RECAST_TTL(valkey);
	/* Of one that was refused something may be left. */
	rdb_write_taken(&f->recast_out, f->recast_out.len);
	rdb_recast_begin_as(f->recast, type, valkey, to, &f->recast_out);
	f->object.type = to;
	f->recasting = true;
	f->recast_begun = false;
	return true;
}

const char *
fill_recast_failed(const struct fill *f)
{
	if (f->doubtful && f->recast->refused == RDB_LOSS_FIELD_TTL)
		return "the target has no expiry of a hash's fields";
	return f->recast->refusal != NULL ? f->recast->refusal : "no memory";
}
