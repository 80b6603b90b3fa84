/*
 * recast_stream.c -- a stream as an older server stores it.
 *
 * Each form of a stream is the one before with something put in, so the older
 * one is made by leaving steps of the shape out: the others are copied, byte
 * for byte.  Beside that the value reader decodes the same bytes, to judge what
 * is lost with the steps.
 *
 * Pending entries of no consumer (type 27) are told behind the group's other ones
 * but stand among them, too, and servers before would find them corrupt.  Where
 * they may be lost, a group is held from its pending entries on, and written
 * without them once they are known.
 */
#include <stdlib.h>
#include <string.h>

#include "rdb/numbers.h"
#include "rdb/recasts.h"
#include "rdb/steps.h"

/* As rdb/value.c has it: what a stream before type 26 is taken to have. */
#define IDMP_SECONDS 100
#define IDMP_IDS     100

/* What a step is: in the lower bits the level of streams it came with, 1 to 5 for
 * types 15, 19, 21, 26, 27. */
enum mark {
	LEVEL = 7,
	HOLD = 8,      /* how many pending entries: hold them */
	HELD = 16,     /* the first step behind them */
	RELEASED = 32, /* an ID of one that nobody owns */
	WRITE = 64     /* a group has ended */
};

/* clang-format off */

/* Compare shape.c, line by line. */
#define NODES		1, 1, 1, 1
#define HEAD		1, 1, 1, 2, 2, 2, 2, 2
#define GROUP		1, 1, 1, 2
#define PENDING		1 | HOLD, 1, 1, 1, 1
#define CONSUMER	1, 1
#define OWNED		1, 1, 1
#define NACKED		5, 5 | RELEASED, 5
#define IDEMPOTENT	4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4

static const uint8_t
	marks_2[] = { NODES, HEAD, 1, GROUP, PENDING,
		      1 | HELD, CONSUMER, OWNED, 1,
		      1 | WRITE, 1 },
	marks_3[] = { NODES, HEAD, 1, GROUP, PENDING,
		      1 | HELD, CONSUMER, 3, OWNED, 1,
		      1 | WRITE, 1 },
	marks_4[] = { NODES, HEAD, 1, GROUP, PENDING,
		      1 | HELD, CONSUMER, 3, OWNED, 1,
		      1 | WRITE, IDEMPOTENT, 1 },
	marks_5[] = { NODES, HEAD, 1, GROUP, PENDING,
		      1 | HELD, CONSUMER, 3, OWNED, 1, NACKED,
		      1 | WRITE, IDEMPOTENT, 1 };

/* clang-format on */

static unsigned
level_of(unsigned type)
{
	return type == 15 ? 1 :
	    type == 19    ? 2 :
	    type == 21    ? 3 :
	    type == 26    ? 4 :
			    5;
}

/* --- the judge --- */

static bool
is_lost(
    const struct rdb_recast *r, const struct rdb_piece *p, enum rdb_loss *loss)
{
	const struct rdb_value *v = &r->value;
	unsigned level = r->stream.level;

	switch (p->what) {
	case RDB_STREAM_DELETED:
		*loss = RDB_LOSS_DELETED_ID;
		return level < 2 && (p->id.ms | p->id.seq) != 0;
	case RDB_STREAM_ADDED:
		*loss = RDB_LOSS_ADDED;
		return level < 2 && p->num != v->length;
	case RDB_GROUP_STATE:
		*loss = RDB_LOSS_READ;
		return level < 2 &&
		    p->num !=
		    numbers_entries_read(p->id, v->entries.first_live,
			r->stream.last, v->length);
	case RDB_NACKED:
		*loss = RDB_LOSS_RELEASED;
		return level < 5;
	case RDB_IDMP:
		*loss = RDB_LOSS_IDMP;
		return level < 4 &&
		    (p->num != IDMP_SECONDS || p->more != IDMP_IDS);
	case RDB_IID_ENTRY:
		*loss = RDB_LOSS_IDMP_ID;
		return level < 4;
	case RDB_IDMP_COUNTS:
		*loss = RDB_LOSS_IDMP_COUNT;
		return level < 4 && (p->num | p->more) != 0;
	default:
		return false;
	}
}

static bool
stream_piece(struct rdb_recast *r, const struct rdb_piece *p)
{
	enum rdb_loss loss;

	if (p->what == RDB_STREAM_LAST)
		r->stream.last = p->id;
	return !is_lost(r, p, &loss) || recast_lose(r, loss);
}

static bool
stream_end(struct rdb_recast *r)
{
	(void)r;
	return true;
}

/* --- a group that is held --- */

static int
ids_order(const void *a, const void *b)
{
	return memcmp(a, b, SHAPE_ID);
}

static bool
is_released(const struct rdb_recast *r, const uint8_t *id)
{
	const struct rdb_write *ids = &r->stream.ids;

	return ids->len > 0 &&
	    bsearch(id, ids->ptr, ids->len / SHAPE_ID, SHAPE_ID, ids_order) !=
	    NULL;
}

/* A pending entry: ID, time, how often.  It was walked, so it is whole. */
static const uint8_t *
pending_end(const uint8_t *p, const uint8_t *end)
{
	uint64_t count;

	return atom_number_quick(p + SHAPE_ID + 8, end, &count);
}

/* All that was held, but the entries of nobody. */
static void
group_write(struct rdb_recast *r)
{
	struct rdb_write *ids = &r->stream.ids;
	const uint8_t *p = r->held.ptr, *end = p + r->held.len;
	const uint8_t *rest = p + r->stream.pending_len, *next;
	uint64_t left = 0;

	if (ids->len > 0)
		qsort(ids->buf + ids->head, ids->len / SHAPE_ID, SHAPE_ID,
		    ids_order);
	for (const uint8_t *at = p; at < rest; at = pending_end(at, end))
		left += !is_released(r, at);
	rdb_write_length(r->out, left);
	for (; p < rest; p = next) {
		next = pending_end(p, end);
		if (!is_released(r, p))
			rdb_write_bytes(r->out, p, (size_t)(next - p));
	}
	rdb_write_bytes(r->out, rest, (size_t)(end - rest));
	rdb_write_taken(&r->held, r->held.len);
	rdb_write_taken(ids, ids->len);
	r->stream.holding = false;
}

/* --- the copy --- */

/* What the step at hand calls for before its first byte. */
static void
step_begin(struct rdb_recast *r, unsigned mark)
{
	bool needed = r->lossy && r->from == 27;

	if ((mark & HOLD) && needed)
		r->stream.holding = true;
	if (mark & HELD)
		r->stream.pending_len = r->held.len;
	if ((mark & WRITE) && r->stream.holding)
		group_write(r);
}

/* Bytes of a step go where they belong, or nowhere. */
static void
step_bytes(struct rdb_recast *r, unsigned mark, const uint8_t *p, size_t n)
{
	if ((mark & RELEASED) && r->stream.holding)
		rdb_write_bytes(&r->stream.ids, p, n);
	if ((mark & LEVEL) > r->stream.level)
		return;
	/* The number of pending entries is written with those that stay. */
	if (!r->stream.holding)
		rdb_write_bytes(r->out, p, n);
	else if (!(mark & HOLD))
		rdb_write_bytes(&r->held, p, n);
}

bool
recast_stream_copy(struct rdb_recast *r, const struct rdb_run *run)
{
	struct rdb_chunk in = { run->ptr, run->ptr + run->len };
	struct rdb_place *place = &r->stream.place;
	enum atom got = ATOM_DONE;

	while (got == ATOM_DONE && *place->step != END) {
		unsigned mark =
		    r->stream.marks[place->step - r->stream.row->shape];
		const uint8_t *from = in.ptr;

		if (atom_idle(&r->stream.atom))
			step_begin(r, mark);
		got = steps_one(place, &r->stream.atom, &in);
		step_bytes(r, mark, from, (size_t)(in.ptr - from));
		if (!recast_held(r, &r->held) ||
		    !recast_held(r, &r->stream.ids))
			return false;
	}
	if (got == ATOM_WRONG)
		r->fault = (struct rdb_fault){ .at = run->at,
			.what = r->stream.atom.what };
	return got != ATOM_WRONG;
}

void
recast_stream_begin(struct rdb_recast *r)
{
	static const uint8_t *const marks[] = { marks_2, marks_3, marks_4,
		marks_5 };

	r->stream.row = shape_of(r->from, r->from_valkey);
	r->stream.marks = marks[level_of(r->from) - 2];
	r->stream.level = level_of(r->to);
	r->stream.holding = false;
	shape_start(&r->stream.place, r->stream.row->shape);
	atom_init(&r->stream.atom);
	r->piece = stream_piece;
	r->end = stream_end;
}
