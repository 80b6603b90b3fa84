/*
 * pass.c -- pass over whole records, for those who only count them.
 *
 * Nothing here judges: what is not whole and good is left for the walk
 * (walk.c), which then finds the same fault at the same place.
 */
#include "rdb/shape.h"
#include "rdb/steps.h"
#include "rdb/walk.h"

/* What may stand in front of a record's type. */
enum { OP_IDLE = 248, OP_FREQ = 249, OP_EXPIRE_MS = 252, OP_EXPIRE = 253 };

/* Behind the opcodes that belong to the next key; NULL: cut or not for us. */
static inline const uint8_t *
prefix_quick(const uint8_t *p, const uint8_t *end, bool *expires)
{
	uint64_t num;

	while (p != NULL && p < end && *p >= OP_IDLE) {
		switch (*p) {
		case OP_EXPIRE_MS:
			*expires = true;
			p = atom_raw_quick(p + 1, end, 8);
			break;
		case OP_EXPIRE:
			*expires = true;
			p = atom_raw_quick(p + 1, end, 4);
			break;
		case OP_FREQ:
			p = atom_raw_quick(p + 1, end, 1);
			break;
		case OP_IDLE:
			p = atom_number_quick(p + 1, end, &num);
			break;
		default:
			return NULL;
		}
	}
	return p < end ? p : NULL;
}

void
rdb_walk_pass(struct rdb_walk *w, struct rdb_tally *t)
{
	const uint8_t *from = w->in.ptr, *end = w->in.end, *p, *q;
	const struct shape_row *row;

	if (w->state != WALK_BETWEEN || w->prefixed)
		return;
	for (p = from; p < end; p = q) {
		bool expires = false;
		unsigned type;

		if ((q = prefix_quick(p, end, &expires)) == NULL)
			break;
		row = &w->rows[type = *q];
		if (row->label != RDB_VALUE || row->shape == NULL ||
		    (q = atom_string_quick(q + 1, end)) == NULL)
			break;
		q = type == 0 ? atom_string_quick(q, end) :
				steps_over(row->shape, q, end);
		if (q == NULL)
			break;
		t->keys++;
		t->expires += expires;
		t->by_type[type]++;
	}
	w->at += (uint64_t)(p - from);
	w->in.ptr = p;
}
