/*
 * recast_list.c -- a list of listpacks (type 18) as one of ziplists (14).
 *
 * Node by node, since their number is in front.  A node is held until it is
 * complete, for its size is in front of it; one of a single element says that
 * itself and passes.
 */
#include "rdb/recasts.h"

/* Nodes that have ended: all but left of them. */
static bool
nodes_end(struct rdb_recast *r, uint64_t left)
{
	for (; r->nodes > left; r->nodes--) {
		if (r->alone)
			zipped_alone_end(r->out);
		else if (r->zip.body.len > 0)
			zipped_put(&r->zip, r->out);
		else /* old servers would trip over it */
			return recast_refuse(
			    r, "it is a list with a node of nothing in it");
		r->alone = false;
	}
	return true;
}

static bool
list_piece(struct rdb_recast *r, const struct rdb_piece *p)
{
	uint64_t elements, left = rdb_value_nodes(&r->value, &elements);

	if (!r->headed) {
		r->headed = true;
		r->nodes = left;
		rdb_write_length(r->out, left);
	}
	if (!nodes_end(r, left))
		return false;
	if (p->size > ZIPPED_MAX)
		return recast_refuse(r, "an element is too large for it");
	if (p->first && elements == 1 && p->size > DECIMAL_MAX) {
		r->alone = true;
		zipped_alone(r->out, p->size);
	}
	if (r->alone)
		rdb_write_bytes(r->out, p->ptr, p->len);
	else
		zipped_add(&r->zip, p);
	return recast_held(r, &r->zip.body);
}

static bool
list_end(struct rdb_recast *r)
{
	if (!r->headed)
		rdb_write_length(r->out, 0);
	return nodes_end(r, 0);
}

void
recast_list_begin(struct rdb_recast *r)
{
	r->stream.row = NULL;
	r->piece = list_piece;
	r->end = list_end;
}
