/*
 * value.c -- see value.h.
 *
 * One machine for all types.  The shape (shape.h) says what follows, the
 * atoms (atom.h) read it, the meaning (meaning.h) says what to do with it.
 * A string goes through text.c, and if it is a packed collection, what comes
 * out goes on through blob.c, for streams also through entries.c.  Each of
 * them keeps its place, so that input may end anywhere.
 *
 *	text_step	a string is open: lend it, or
 *	packed_step	take it apart
 *	shape_step	no string is open: the next step of the shape
 */
#include <math.h>
#include <string.h>

#include "rdb/atom.h"
#include "rdb/entries.h"
#include "rdb/numbers.h"
#include "rdb/packed.h"
#include "rdb/shape.h"

/* What idempotent production is set to unless configured (redis.conf). */
#define IDMP_SECONDS 100
#define IDMP_IDS     100

void
rdb_value_init(struct rdb_value *v)
{
	memset(v, 0, offsetof(struct rdb_value, queue));
	v->state = VALUE_BROKEN;
	v->fault.what = "no value was begun";
}

static bool
begin(struct rdb_value *v, const struct value_row *row, const uint8_t *shape)
{
	if (row == NULL || shape == NULL)
		return false;
	v->row = row;
	v->shape = shape;
	shape_start(&v->place, shape);
	atom_init(&v->atom);
	rdb_text_begin(&v->text);
	v->state = VALUE_RUNNING;
	v->in_text = v->in_blob = v->part_open = v->ttl_kept = false;
	v->turn = v->have = 0;
	v->q_at = v->q_len = 0;
	v->from = v->in.ptr = v->in.end = NULL;
	v->at = 0;
	if (row->stream > 0)
		entries_begin(&v->entries);
	return true;
}

bool
rdb_value_begin(struct rdb_value *v, unsigned type, bool valkey)
{
	const struct shape_row *row = shape_of(type, valkey);

	return begin(
	    v, meaning_of(type, valkey), row == NULL ? NULL : row->shape);
}

bool
rdb_value_begin_opcode(struct rdb_value *v, unsigned opcode, bool valkey)
{
	if (opcode > 255)
		return false;
	return begin(v, meaning_of_opcode(opcode, valkey),
	    shape_rows(valkey)[opcode].shape);
}

void
rdb_value_feed(struct rdb_value *v, const void *ptr, size_t len, uint64_t at)
{
	v->from = ptr;
	v->at = at;
	v->in.ptr = ptr;
	v->in.end = (const uint8_t *)ptr + len;
}

/* A score of type 3: length and digits. */
static enum step_got
old_score(struct rdb_value *v, unsigned deed)
{
	static const double special[] = { NAN, INFINITY, -INFINITY };
	const uint8_t *p;
	size_t n;

	if (!v->part_open) {
		if (atom_text_head(&v->atom, &v->in) != ATOM_DONE)
			return STEP_MORE;
		if (v->atom.num >= 253)
			return numbers_score(
			    v, deed, special[v->atom.num - 253]);
		v->part_open = true;
	}
	n = atom_body(&v->atom, &v->in, &p);
	numbers_gather(v, p, n); /* at most 252 */
	if (v->atom.left > 0)
		return STEP_MORE;
	v->part_open = false;
	return numbers_score_text(v, deed);
}

/* --- strings --- */

/* The deed of the step we are at. */
static unsigned
deed_of(const struct rdb_value *v)
{
	const uint8_t *step =
	    v->place.picked != NULL ? v->place.picked : v->place.step;

	return v->row->deeds[step - v->shape];
}

/* A step of the shape is done. */
static void
step_done(struct rdb_value *v)
{
	v->place.picked = NULL;
	shape_next(&v->place);
}

static bool
is_packed(const struct rdb_value *v, unsigned deed)
{
	return deed == DEED_PACKED || deed == DEED_ENTRIES ||
	    (deed == DEED_QUICK && v->base == 2);
}

/* The ID of a stream node, big endian, perhaps in pieces. */
static enum step_got
node_id(struct rdb_value *v, const struct rdb_text_run *run)
{
	if (run->size != SHAPE_ID)
		return value_bad(v, "stream node without an ID of 16 bytes");
	numbers_gather(v, run->ptr, run->len);
	if (!run->last)
		return STEP_ON;
	v->have = 0;
	v->id.ms = atom_big(v->scratch, 8);
	v->id.seq = atom_big(v->scratch + 8, 8);
	return STEP_ON;
}

/* A text to hand out; a TTL that stood in front of it goes behind. */
static void
piece_of(struct rdb_value *v, struct rdb_piece *p, unsigned what,
    const struct rdb_text_run *run)
{
	pieces_text(v, p, what, run);
	if (v->ttl_kept && what == RDB_FIELD_VALUE && run->last) {
		v->ttl_kept = false;
		pieces_num(v, RDB_FIELD_TTL, v->ttl, 0);
	}
}

/* The next bytes of a string. */
static enum step_got
text_step(struct rdb_value *v, struct rdb_piece *p)
{
	unsigned deed = v->part_open ? RDB_PART_STRING : deed_of(v);
	struct rdb_text_run run;
	enum rdb_got got = rdb_text_next(&v->text, &v->in, &run);

	if (got != RDB_RUN)
		return got == RDB_MORE ? STEP_MORE : value_bad(v, v->text.what);
	v->in_text = !run.last;
	if (is_packed(v, deed)) {
		if (run.first)
			packed_open(v, deed, &run);
		v->lent.ptr = run.ptr;
		v->lent.end = run.ptr + run.len;
		v->text_last = run.last;
		return STEP_ON;
	}
	if (run.last && v->part_open)
		v->part_open = false;
	else if (run.last)
		step_done(v);
	if (deed == DEED_NODE)
		return node_id(v, &run);
	piece_of(v, p, deed == DEED_QUICK ? RDB_ITEM : deed, &run);
	return STEP_RUN;
}

/* The next element of a packed collection. */
static enum step_got
blob_step(struct rdb_value *v, struct rdb_piece *p)
{
	enum step_got got = packed_step(v, deed_of(v), p);

	if (got == STEP_MORE)
		return text_step(v, p);
	if (got != STEP_END)
		return got;
	step_done(v);
	return STEP_ON;
}

/* --- module data --- */

/* The next part's tag. */
static enum atom
part_begin(struct rdb_value *v)
{
	enum atom a = atom_part_tag(&v->atom, &v->in);

	if (a != ATOM_DONE)
		return a;
	v->turn = (unsigned)v->atom.num;
	v->part_open = v->turn != ATOM_PART_END;
	v->in_text = v->turn == ATOM_PART_STRING;
	if (!v->part_open) {
		pieces_push(v, RDB_PART_END);
		step_done(v);
	}
	return a;
}

/* The number of a part whose tag was read. */
static enum atom
part_number(struct rdb_value *v)
{
	enum atom a;

	if (v->turn == ATOM_PART_FLOAT || v->turn == ATOM_PART_DOUBLE)
		a = atom_fixed(
		    &v->atom, &v->in, v->turn == ATOM_PART_FLOAT ? 4 : 8);
	else
		a = atom_number(&v->atom, &v->in);
	if (a == ATOM_DONE) {
		v->part_open = false;
		pieces_num(v, RDB_PART_SINT + v->turn - ATOM_PART_SINT,
		    v->atom.num, 0);
	}
	return a;
}

static enum step_got
parts_step(struct rdb_value *v)
{
	enum atom a = v->part_open ? part_number(v) : part_begin(v);

	return a == ATOM_DONE ? STEP_ON :
	    a == ATOM_DRY     ? STEP_MORE :
				value_bad(v, v->atom.what);
}

/* --- the shape --- */

/* A loop's count. */
static enum step_got
loop_step(struct rdb_value *v)
{
	unsigned step = *v->place.step;
	enum atom a;

	if (step == TIMES) {
		shape_enter(&v->place, v->place.count);
		return STEP_ON;
	}
	a = atom_number(&v->atom, &v->in);
	if (a != ATOM_DONE)
		return a == ATOM_DRY ? STEP_MORE : value_bad(v, v->atom.what);
	if (step == COUNT) {
		v->place.count = v->atom.num;
		step_done(v);
		return STEP_ON;
	}
	if (step == UPTO && v->atom.num > v->place.step[1])
		return value_bad(v, "more of something than can be");
	if (v->atom.num > INT64_MAX)
		return value_bad(v, "more elements than can be");
	shape_enter(&v->place, v->atom.num);
	return STEP_ON;
}

/* 16 raw bytes. */
static enum step_got
id_step(struct rdb_value *v)
{
	unsigned deed = deed_of(v);
	size_t n = SHAPE_ID - v->have;

	if ((size_t)(v->in.end - v->in.ptr) < n)
		n = (size_t)(v->in.end - v->in.ptr);
	numbers_gather(v, v->in.ptr, n);
	if (n > 0)
		v->in.ptr += n;
	if (v->have < SHAPE_ID)
		return STEP_MORE;
	v->have = 0;
	v->id.ms = atom_big(v->scratch, 8);
	v->id.seq = atom_big(v->scratch + 8, 8);
	if (deed != RDB_PENDING)
		pieces_id(v, deed, v->id, 0);
	step_done(v);
	return STEP_ON;
}

/* A step that is one number. */
static enum step_got
number_step(struct rdb_value *v, unsigned step)
{
	unsigned deed = deed_of(v);
	enum atom a;
	double d;

	if (step == LEN)
		a = atom_number(&v->atom, &v->in);
	else
		a = atom_fixed(&v->atom, &v->in, step == CLASS ? 4 : 8);
	if (a != ATOM_DONE)
		return a == ATOM_DRY ? STEP_MORE : value_bad(v, v->atom.what);
	step_done(v);
	if (step != DOUBLE)
		return numbers_take(v, deed, v->atom.num);
	memcpy(&d, &v->atom.num, sizeof d);
	return numbers_score(v, deed, d);
}

/* The tag in front of one of several steps. */
static enum step_got
pick_step(struct rdb_value *v)
{
	enum atom a = atom_number(&v->atom, &v->in);

	if (a != ATOM_DONE)
		return a == ATOM_DRY ? STEP_MORE : value_bad(v, v->atom.what);
	if (v->atom.num >= v->place.step[1])
		return value_bad(v, "unknown tag of an array's element");
	v->place.picked = v->place.step + 2 + v->atom.num;
	return STEP_ON;
}

/* The shape is at its end; old streams get what they do not say. */
static enum step_got
end_step(struct rdb_value *v)
{
	bool old = v->row->stream > 0 && v->row->stream < 4;

	if (old && v->state == VALUE_RUNNING) {
		v->state = VALUE_DEFAULTED;
		pieces_num(v, RDB_IDMP, IDMP_SECONDS, IDMP_IDS);
		pieces_num(v, RDB_IDMP_COUNTS, 0, 0);
		return STEP_ON;
	}
	v->state = VALUE_ENDED;
	return STEP_END;
}

static enum step_got
shape_step(struct rdb_value *v)
{
	unsigned step =
	    v->place.picked != NULL ? *v->place.picked : *v->place.step;
	unsigned deed;
	enum step_got got;

	switch (step) {
	case END:
		return end_step(v);
	case AGAIN:
		shape_again(&v->place);
		return STEP_ON;
	case MANY:
	case UPTO:
	case COUNT:
	case TIMES:
		return loop_step(v);
	case PICK:
		return pick_step(v);
	case STR:
	case NODE_ID:
		v->text_at = value_place(v);
		v->in_text = true;
		return STEP_ON;
	case ID:
		return id_step(v);
	case PARTS:
		return parts_step(v);
	case TEXT:
		deed = deed_of(v);
		got = old_score(v, deed);
		if (got == STEP_ON && !v->part_open)
			step_done(v);
		return got;
	default:
		return number_step(v, step);
	}
}

enum rdb_got
rdb_value_next(struct rdb_value *v, struct rdb_piece *p)
{
	enum step_got got = STEP_ON;

	while (got == STEP_ON) {
		if (v->q_at < v->q_len) {
			*p = v->queue[v->q_at++];
			return RDB_RUN;
		}
		v->q_at = v->q_len = 0;
		if (v->state == VALUE_BROKEN)
			return RDB_BAD;
		if (v->state == VALUE_ENDED)
			return RDB_END;
		if (v->in_blob)
			got = blob_step(v, p);
		else if (v->in_text)
			got = text_step(v, p);
		else
			got = shape_step(v);
	}
	return (enum rdb_got)got;
}

/* Elements of the packed collection at hand, if it says; else 0. */
static uint64_t
packed_count(const struct rdb_value *v)
{
	return v->blob.count < 65535 || v->row->kind == BLOB_INTSET ?
	    v->blob.count :
	    0;
}

bool
rdb_value_count(const struct rdb_value *v, uint64_t *n)
{
	if (v->in_blob && v->place.depth == 0) {
		*n = packed_count(v) / v->row->n_turns;
		return *n > 0;
	}
	*n = v->place.left[0];
	return v->place.depth == 1 && v->row->n_turns == 0 &&
	    v->row->stream == 0;
}

uint64_t
rdb_value_nodes(const struct rdb_value *v, uint64_t *elements)
{
	*elements = v->in_blob ? packed_count(v) : 1;
	return v->place.left[0];
}
