/* pieces.c -- see pieces.h. */
#include <assert.h>

#include "rdb/pieces.h"

uint64_t
value_place(const struct rdb_value *v)
{
	return v->at + (uint64_t)((uintptr_t)v->in.ptr - (uintptr_t)v->from);
}

/* In a packed collection the fault is at the element at hand; in one that is
 * compressed, where it is stored: the rest is nowhere in the stream. */
enum step_got
value_bad(struct rdb_value *v, const char *what)
{
	v->fault = (struct rdb_fault){ .what = what };
	if (!v->in_blob)
		v->fault.at = value_place(v);
	else if (v->plain)
		v->fault.at = v->text_at + v->blob.began;
	else
		v->fault.at = v->text_at;
	v->state = VALUE_BROKEN;
	return STEP_BAD;
}

struct rdb_piece *
pieces_push(struct rdb_value *v, unsigned what)
{
	struct rdb_piece *p = &v->queue[v->q_len++];

	assert(v->q_len <= RDB_VALUE_QUEUE);
	*p = (struct rdb_piece){ .what = (enum rdb_what)what,
		.first = true,
		.last = true,
		.done = meaning_ends(v->row, what) };
	return p;
}

void
pieces_num(struct rdb_value *v, unsigned what, uint64_t num, uint64_t more)
{
	struct rdb_piece *p = pieces_push(v, what);

	p->num = num;
	p->more = more;
}

void
pieces_id(struct rdb_value *v, unsigned what, struct rdb_id id, uint64_t num)
{
	struct rdb_piece *p = pieces_push(v, what);

	p->id = id;
	p->num = num;
}

void
pieces_score(struct rdb_value *v, unsigned what, double score)
{
	pieces_push(v, what)->score = score;
}

void
pieces_decimal(struct rdb_value *v, unsigned what, int64_t num)
{
	struct rdb_piece *p = pieces_push(v, what);

	p->size = p->len = decimal_put(num, v->digits);
	p->ptr = v->digits;
}

void
pieces_text(const struct rdb_value *v, struct rdb_piece *p, unsigned what,
    const struct rdb_text_run *run)
{
	*p = (struct rdb_piece){ .what = (enum rdb_what)what,
		.first = run->first,
		.last = run->last,
		.done = run->last && meaning_ends(v->row, what),
		.ptr = run->ptr,
		.len = run->len,
		.size = run->size };
}
