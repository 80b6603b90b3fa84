/*
 * recast_plain.c -- a list, set, sorted set or hash as its elements, one by one,
 * behind their count.
 *
 * Plain collections (types 1 to 5) and those with times of fields (22 of Valkey, 24
 * of Redis).  Most values declare their count; for the others the elements are held
 * until there is one.
 */
#include <stdio.h>
#include <string.h>

#include "rdb/numbers.h"
#include "rdb/recasts.h"

#define VALKEY_TTL 22
#define REDIS_TTL  24

/* In type 24, times are told from a smallest one, plus one.  Servers put the
 * smallest of the hash there, which we cannot know before all of it has come;
 * from 1 on they are what they are. */
#define TTL_BASE 1

/* What stands in front of the elements. */
static void
head(struct rdb_recast *r, uint64_t n)
{
	if (r->to == REDIS_TTL)
		rdb_write_little(r->out, TTL_BASE, 8);
	rdb_write_length(r->out, n);
	r->headed = true;
}

/* Where elements go. */
static struct rdb_write *
to(struct rdb_recast *r)
{
	return r->gathered ? &r->held : r->out;
}

/* Where text goes: in type 24 a field's time is in front of it, so the field has
 * to wait. */
static struct rdb_write *
text_to(struct rdb_recast *r)
{
	return r->to == REDIS_TTL ? &r->field : to(r);
}

static void
score(struct rdb_recast *r, double d)
{
	char text[32];
	uint64_t bits;
	int n;

	if (r->to == 5) {
		memcpy(&bits, &d, sizeof bits);
		rdb_write_little(to(r), bits, 8);
		return;
	}
	/* Type 3: digits, or a byte that says infinite; never NaN. */
	if (d - d != 0) {
		rdb_write_byte(to(r), d > 0 ? 254 : 255);
		return;
	}
	n = snprintf(text, sizeof text, "%.17g", d);
	rdb_write_byte(to(r), (unsigned)n);
	rdb_write_bytes(to(r), text, (size_t)n);
}

/* A field and its value were put; now its time is known, 0: none. */
static bool
ttl(struct rdb_recast *r, uint64_t ms)
{
	if (ms != 0 && r->time != NULL)
		ms = r->time(r->time_arg, ms);
	if (r->to == VALKEY_TTL) {
		rdb_write_little(to(r), ms == 0 ? UINT64_MAX : ms, 8);
		return true;
	}
	if (ms != 0 && (r->to != REDIS_TTL || ms > NUMBERS_TTL_MAX)) {
		if (!recast_lose(r, RDB_LOSS_FIELD_TTL))
			return false;
		ms = 0;
	}
	if (r->to == REDIS_TTL) {
		rdb_write_length(to(r), ms);
		rdb_write_bytes(to(r), r->field.ptr, r->field.len);
		rdb_write_taken(&r->field, r->field.len);
	}
	return true;
}

static bool
plain_piece(struct rdb_recast *r, const struct rdb_piece *p)
{
	uint64_t n;
	bool good = true;

	if (!r->headed && !r->gathered) {
		if (rdb_value_count(&r->value, &n))
			head(r, n);
		else
			r->gathered = true;
	}
	if (p->what == RDB_SCORE)
		score(r, p->score);
	else if (p->what == RDB_FIELD_TTL)
		good = ttl(r, p->num);
	else
		recast_text(text_to(r), p);
	r->count += p->done;
	return good && recast_held(r, &r->held) && recast_held(r, &r->field);
}

static bool
plain_end(struct rdb_recast *r)
{
	if (!r->headed)
		head(r, r->count);
	rdb_write_bytes(r->out, r->held.ptr, r->held.len);
	rdb_write_taken(&r->held, r->held.len);
	return true;
}

void
recast_plain_begin(struct rdb_recast *r)
{
	r->stream.row = NULL;
	r->piece = plain_piece;
	r->end = plain_end;
}
