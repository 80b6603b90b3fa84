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
#include <stdlib.h>
#include <string.h>

#include "rdb/atom.h"
#include "rdb/entries.h"
#include "rdb/meaning.h"
#include "rdb/shape.h"

#define TTL_MAX ((UINT64_C(1) << 48) - 1) /* EB_EXPIRE_TIME_MAX in ebuckets.h */

/* What idempotent production is set to unless configured (redis.conf). */
#define IDMP_SECONDS 100
#define IDMP_IDS     100

enum state { RUNNING, DEFAULTED, ENDED, BROKEN };

/* What a step comes to: an answer for the caller, or "go on". */
enum step_got {
	STEP_RUN = RDB_RUN,
	STEP_MORE = RDB_MORE,
	STEP_END = RDB_END,
	STEP_BAD = RDB_BAD,
	STEP_ON
};

void
rdb_value_init(struct rdb_value *v)
{
	memset(v, 0, offsetof(struct rdb_value, queue));
	v->state = BROKEN;
	v->fault.what = "no value was begun";
	rdb_text_begin(&v->text);
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
	v->state = RUNNING;
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

/* The place in the stream of the byte that comes next. */
static uint64_t
place(const struct rdb_value *v)
{
	return v->at + (uint64_t)((uintptr_t)v->in.ptr - (uintptr_t)v->from);
}

/* In a packed collection the fault is at the element at hand; in one that is
 * compressed, where it is stored: the rest is nowhere in the stream. */
static enum step_got
bad(struct rdb_value *v, const char *what)
{
	v->fault = (struct rdb_fault){ .what = what };
	if (!v->in_blob)
		v->fault.at = place(v);
	else if (v->plain)
		v->fault.at = v->text_at + v->blob.began;
	else
		v->fault.at = v->text_at;
	v->state = BROKEN;
	return STEP_BAD;
}

/* Pieces that end an element whatever the type. */
static bool
ends_always(unsigned what)
{
	switch (what) {
	case RDB_STREAM_LENGTH:
	case RDB_STREAM_LAST:
	case RDB_STREAM_FIRST:
	case RDB_STREAM_DELETED:
	case RDB_STREAM_ADDED:
	case RDB_GROUP_STATE:
	case RDB_PENDING:
	case RDB_CONSUMER_STATE:
	case RDB_OWNED:
	case RDB_NACKED:
	case RDB_IDMP:
	case RDB_PRODUCER:
	case RDB_IID_ENTRY:
	case RDB_IDMP_COUNTS:
	case RDB_ARRAY_INSERT:
	case RDB_ARRAY_TEXT:
	case RDB_ARRAY_DOUBLE:
	case RDB_LIBRARY:
		return true;
	default:
		return false;
	}
}

static bool
ends(const struct rdb_value *v, unsigned what)
{
	return what == v->row->ends || ends_always(what);
}

/* Put a piece that is no text behind those waiting to be handed out. */
static struct rdb_piece *
push(struct rdb_value *v, unsigned what)
{
	struct rdb_piece *p = &v->queue[v->q_len++];

	assert(v->q_len <= RDB_VALUE_QUEUE);
	*p = (struct rdb_piece){ .what = (enum rdb_what)what,
		.first = true,
		.last = true,
		.done = ends(v, what) };
	return p;
}

static void
push_num(struct rdb_value *v, unsigned what, uint64_t num, uint64_t more)
{
	struct rdb_piece *p = push(v, what);

	p->num = num;
	p->more = more;
}

static void
push_id(struct rdb_value *v, unsigned what, struct rdb_id id, uint64_t num)
{
	struct rdb_piece *p = push(v, what);

	p->id = id;
	p->num = num;
}

static void
push_score(struct rdb_value *v, unsigned what, double score)
{
	push(v, what)->score = score;
}

/* A number as the text it stands for. */
static void
push_decimal(struct rdb_value *v, unsigned what, int64_t num)
{
	struct rdb_piece *p = push(v, what);

	p->size = p->len = decimal_put(num, v->digits);
	p->ptr = v->digits;
}

/* --- numbers --- */

/* The TTL of a field, to be handed out behind its value. */
static enum step_got
ttl_keep(struct rdb_value *v, uint64_t ttl)
{
	if (ttl > TTL_MAX)
		return bad(v, "TTL of a field is out of range");
	v->ttl = ttl;
	v->ttl_kept = true;
	return STEP_ON;
}

static int
id_cmp(struct rdb_id a, struct rdb_id b)
{
	if (a.ms != b.ms)
		return a.ms < b.ms ? -1 : 1;
	return a.seq == b.seq ? 0 : a.seq < b.seq ? -1 : 1;
}

/*
 * How many entries a group of an old stream has read: what a server assumes
 * that knows no more than the first and last ID and the length, and takes it
 * that nothing was ever deleted (7.0: streamEstimateDistanceFromFirstEverEntry
 * in src/t_stream.c).
 */
static uint64_t
entries_read(const struct rdb_value *v, struct rdb_id id)
{
	int first = id_cmp(id, v->entries.first_live);

	if (v->length == 0)
		return 0;
	if (id_cmp(id, v->last) == 0)
		return v->length;
	if (id_cmp(id, v->last) > 0 || first > 0)
		return UINT64_MAX;
	return first == 0 ? 1 : 0;
}

/* What a stream of type 15 does not say. */
static void
push_stream_old(struct rdb_value *v)
{
	push_id(v, RDB_STREAM_FIRST, v->entries.first_live, 0);
	push_id(v, RDB_STREAM_DELETED, (struct rdb_id){ 0, 0 }, 0);
	push_num(v, RDB_STREAM_ADDED, v->length, 0);
}

/* The number of a step was read: hand it out, or keep it for the next. */
static enum step_got
number(struct rdb_value *v, unsigned deed, uint64_t num)
{
	struct rdb_id id = { v->ms, num };

	switch (deed) {
	case DEED_MS:
		v->ms = num;
		return STEP_ON;
	case DEED_FIRST_OF:
		v->base = num;
		return STEP_ON;
	case DEED_TTL_BASE:
		v->base = num;
		return num <= TTL_MAX ?
		    STEP_ON :
		    bad(v, "smallest TTL of a hash is out of range");
	case DEED_TTL_ABOVE:
		if (num > TTL_MAX)
			return ttl_keep(v, num);
		return ttl_keep(v, num == 0 ? 0 : v->base + num - 1);
	case DEED_TTL_FIRST:
		return ttl_keep(v, num);
	case DEED_TTL_VALKEY:
		if (num != UINT64_MAX && num > INT64_MAX)
			return bad(v, "TTL of a field is out of range");
		push_num(v, RDB_FIELD_TTL, num == UINT64_MAX ? 0 : num, 0);
		return STEP_ON;
	case DEED_CONTAINER:
		v->base = num;
		return num == 1 || num == 2 ?
		    STEP_ON :
		    bad(v, "unknown container of a list node");
	case DEED_LAST_OLD:
		v->last = id;
		push_id(v, RDB_STREAM_LAST, id, 0);
		push_stream_old(v);
		return STEP_ON;
	case DEED_GROUP_OLD:
		push_id(v, RDB_GROUP_STATE, id, entries_read(v, id));
		return STEP_ON;
	case DEED_GROUP_ID:
		v->id = id;
		return STEP_ON;
	case RDB_GROUP_STATE:
		push_id(v, deed, v->id, num);
		return STEP_ON;
	case RDB_STREAM_LAST:
	case RDB_STREAM_FIRST:
	case RDB_STREAM_DELETED:
	case RDB_IID_ENTRY:
		push_id(v, deed, id, 0);
		return STEP_ON;
	case RDB_PENDING:
		push_id(v, deed, v->id, v->base);
		v->queue[v->q_len - 1].more = num;
		return STEP_ON;
	case DEED_SEEN_OLD:
		push_num(v, RDB_CONSUMER_STATE, num, num);
		return STEP_ON;
	case RDB_CONSUMER_STATE:
	case RDB_IDMP:
	case RDB_IDMP_COUNTS:
		push_num(v, deed, v->base, num);
		return STEP_ON;
	case DEED_INTEGER:
		push_decimal(v, RDB_ARRAY_TEXT, (int64_t)num);
		return STEP_ON;
	case RDB_STREAM_LENGTH:
		v->length = num;
		push_num(v, deed, num, 0);
		return STEP_ON;
	default:
		push_num(v, deed, num, 0);
		return STEP_ON;
	}
}

/* --- scores --- */

static enum step_got
score(struct rdb_value *v, unsigned deed, double d)
{
	if (deed == RDB_SCORE && isnan(d))
		return bad(v, "score is not a number");
	push_score(v, deed, d);
	return STEP_ON;
}

/* The text of a score is in scratch: all of it must be a number. */
static enum step_got
score_text(struct rdb_value *v, unsigned deed)
{
	char *text = (char *)v->scratch, *end;
	double d;

	text[v->have] = '\0';
	if (v->have == 0 || strchr("+-.0123456789in", *text) == NULL ||
	    memchr(text, 'x', v->have) != NULL)
		return bad(v, "score is not a number");
	d = strtod(text, &end);
	if (end != text + v->have)
		return bad(v, "score is not a number");
	v->have = 0;
	return score(v, deed, d);
}

/* Add to scratch; false when there is too much for a score. */
static bool
scratch_add(struct rdb_value *v, const uint8_t *p, size_t n)
{
	if (n >= sizeof v->scratch - v->have)
		return false;
	if (n > 0)
		memcpy(v->scratch + v->have, p, n);
	v->have += (unsigned)n;
	return true;
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
			return score(v, deed, special[v->atom.num - 253]);
		v->part_open = true;
	}
	n = atom_body(&v->atom, &v->in, &p);
	scratch_add(v, p, n); /* at most 252 */
	if (v->atom.left > 0)
		return STEP_MORE;
	v->part_open = false;
	return score_text(v, deed);
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

/* The text that begins with this run is a packed collection. */
static void
blob_open(struct rdb_value *v, unsigned deed, const struct rdb_text_run *run)
{
	uintptr_t from = (uintptr_t)v->from, at = (uintptr_t)run->ptr;

	blob_begin(&v->blob, (enum blob_kind)v->row->kind, run->size);
	v->plain = at >= from && at <= (uintptr_t)v->in.ptr;
	if (v->plain)
		v->text_at = v->at + (at - from);
	v->in_blob = true;
	v->turn = v->have = 0;
	if (deed == DEED_ENTRIES)
		entries_node(&v->entries, v->id);
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
		return bad(v, "stream node without an ID of 16 bytes");
	scratch_add(v, run->ptr, run->len);
	if (!run->last)
		return STEP_ON;
	v->have = 0;
	v->id.ms = atom_big(v->scratch, 8);
	v->id.seq = atom_big(v->scratch + 8, 8);
	return STEP_ON;
}

static void
piece_of(struct rdb_value *v, struct rdb_piece *p, unsigned what,
    const struct rdb_text_run *run)
{
	*p = (struct rdb_piece){ .what = (enum rdb_what)what,
		.first = run->first,
		.last = run->last,
		.done = run->last && ends(v, what),
		.ptr = run->ptr,
		.len = run->len,
		.size = run->size };
	if (v->ttl_kept && what == RDB_FIELD_VALUE && run->last) {
		v->ttl_kept = false;
		push_num(v, RDB_FIELD_TTL, v->ttl, 0);
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
		return got == RDB_MORE ? STEP_MORE : bad(v, v->text.what);
	v->in_text = !run.last;
	if (is_packed(v, deed)) {
		if (run.first)
			blob_open(v, deed, &run);
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

/* --- packed collections --- */

/* All bytes of the blob are taken: was the last group complete? */
static enum step_got
blob_close(struct rdb_value *v, unsigned deed)
{
	if (deed == DEED_ENTRIES && !entries_end(&v->entries))
		return bad(v, v->entries.what);
	if (v->turn != 0)
		return bad(v,
		    v->row->n_turns == 2 ?
			"odd number of elements in a packed collection" :
			"number of elements that cannot be divided by three");
	v->in_blob = false;
	step_done(v);
	return STEP_ON;
}

static enum step_got
packed_score(struct rdb_value *v, const struct blob_run *run)
{
	if (run->is_num)
		return score(v, RDB_SCORE, (double)run->num);
	if (!scratch_add(v, run->ptr, run->len))
		return bad(v, "score is not a number");
	return run->last ? score_text(v, RDB_SCORE) : STEP_ON;
}

static enum step_got
packed_ttl(struct rdb_value *v, const struct blob_run *run)
{
	if (!run->is_num || run->num < 0 || (uint64_t)run->num > TTL_MAX)
		return bad(v, "TTL of a field is out of range");
	push_num(v, RDB_FIELD_TTL, (uint64_t)run->num, 0);
	return STEP_ON;
}

/* An element of a packed collection, by its turn. */
static enum step_got
packed_element(
    struct rdb_value *v, const struct blob_run *run, struct rdb_piece *p)
{
	unsigned what = v->row->turns[v->turn];

	if (run->last)
		v->turn = v->turn + 1 == v->row->n_turns ? 0 : v->turn + 1;
	if (what == RDB_SCORE)
		return packed_score(v, run);
	if (what == RDB_FIELD_TTL)
		return packed_ttl(v, run);
	if (run->is_num) {
		push_decimal(v, what, run->num);
		return STEP_ON;
	}
	*p = (struct rdb_piece){ .what = (enum rdb_what)what,
		.first = run->first,
		.last = run->last,
		.done = run->last && ends(v, what),
		.ptr = run->ptr,
		.len = run->len,
		.size = run->size };
	return STEP_RUN;
}

/* An element of a stream node. */
static enum step_got
entry_element(
    struct rdb_value *v, const struct blob_run *run, struct rdb_piece *p)
{
	struct rdb_piece name;
	bool given;

	if (!entries_take(&v->entries, run, p, &given))
		return bad(v, v->entries.what);
	if (entries_replay(&v->entries, &name))
		v->queue[v->q_len++] = name;
	return given ? STEP_RUN : STEP_ON;
}

static enum step_got
packed_step(struct rdb_value *v, struct rdb_piece *p)
{
	unsigned deed = deed_of(v);
	struct blob_run run;

	switch (blob_next(&v->blob, &v->lent, &run)) {
	case RDB_RUN:
		return deed == DEED_ENTRIES ? entry_element(v, &run, p) :
					      packed_element(v, &run, p);
	case RDB_MORE:
		if (!v->text_last)
			return text_step(v, p);
		return bad(v, "packed collection ends early");
	case RDB_END:
		return blob_close(v, deed);
	default:
		return bad(v, v->blob.what);
	}
}

/* --- module data --- */

/* The next part: its tag, or what belongs to it. */
static enum step_got
parts_step(struct rdb_value *v)
{
	static const uint8_t what[] = { RDB_PART_END, RDB_PART_SINT,
		RDB_PART_UINT, RDB_PART_FLOAT, RDB_PART_DOUBLE };
	unsigned tag = v->turn;
	enum atom a;

	if (!v->part_open) {
		a = atom_part_tag(&v->atom, &v->in);
		if (a == ATOM_DONE) {
			v->turn = (unsigned)v->atom.num;
			v->part_open = v->turn != ATOM_PART_END;
			v->in_text = v->turn == ATOM_PART_STRING;
			if (!v->part_open) {
				push(v, RDB_PART_END);
				step_done(v);
			}
		}
	} else if (tag == ATOM_PART_FLOAT || tag == ATOM_PART_DOUBLE) {
		a = atom_fixed(
		    &v->atom, &v->in, tag == ATOM_PART_FLOAT ? 4 : 8);
		if (a == ATOM_DONE)
			push_num(v, what[tag], v->atom.num, 0);
	} else {
		a = atom_number(&v->atom, &v->in);
		if (a == ATOM_DONE)
			push_num(v, what[tag], v->atom.num, 0);
	}
	if (v->q_len > 0)
		v->part_open = false;
	return a == ATOM_DONE ? STEP_ON :
	    a == ATOM_DRY     ? STEP_MORE :
				bad(v, v->atom.what);
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
		return a == ATOM_DRY ? STEP_MORE : bad(v, v->atom.what);
	if (step == COUNT) {
		v->place.count = v->atom.num;
		step_done(v);
		return STEP_ON;
	}
	if (step == UPTO && v->atom.num > v->place.step[1])
		return bad(v, "more of something than can be");
	if (v->atom.num > INT64_MAX)
		return bad(v, "more elements than can be");
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
	scratch_add(v, v->in.ptr, n);
	if (n > 0)
		v->in.ptr += n;
	if (v->have < SHAPE_ID)
		return STEP_MORE;
	v->have = 0;
	v->id.ms = atom_big(v->scratch, 8);
	v->id.seq = atom_big(v->scratch + 8, 8);
	if (deed != RDB_PENDING)
		push_id(v, deed, v->id, 0);
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
		return a == ATOM_DRY ? STEP_MORE : bad(v, v->atom.what);
	step_done(v);
	if (step != DOUBLE)
		return number(v, deed, v->atom.num);
	memcpy(&d, &v->atom.num, sizeof d);
	return score(v, deed, d);
}

/* The tag in front of one of several steps. */
static enum step_got
pick_step(struct rdb_value *v)
{
	enum atom a = atom_number(&v->atom, &v->in);

	if (a != ATOM_DONE)
		return a == ATOM_DRY ? STEP_MORE : bad(v, v->atom.what);
	if (v->atom.num >= v->place.step[1])
		return bad(v, "unknown tag of an array's element");
	v->place.picked = v->place.step + 2 + v->atom.num;
	return STEP_ON;
}

/* The shape is at its end; old streams get what they do not say. */
static enum step_got
end_step(struct rdb_value *v)
{
	bool old = v->row->stream > 0 && v->row->stream < 4;

	if (old && v->state == RUNNING) {
		v->state = DEFAULTED;
		push_num(v, RDB_IDMP, IDMP_SECONDS, IDMP_IDS);
		push_num(v, RDB_IDMP_COUNTS, 0, 0);
		return STEP_ON;
	}
	v->state = ENDED;
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
		v->text_at = place(v);
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
		if (v->state == BROKEN)
			return RDB_BAD;
		if (v->state == ENDED)
			return RDB_END;
		if (v->in_blob)
			got = packed_step(v, p);
		else if (v->in_text)
			got = text_step(v, p);
		else
			got = shape_step(v);
	}
	return (enum rdb_got)got;
}
