/* packed.c -- see packed.h. */
#include "rdb/entries.h"
#include "rdb/numbers.h"
#include "rdb/packed.h"

void
packed_open(struct rdb_value *v, unsigned deed, const struct rdb_text_run *run)
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

/* All bytes of the blob are taken: was the last group complete? */
static enum step_got
blob_close(struct rdb_value *v, unsigned deed)
{
	if (deed == DEED_ENTRIES && !entries_end(&v->entries))
		return value_bad(v, v->entries.what);
	if (v->turn != 0)
		return value_bad(v,
		    v->row->n_turns == 2 ?
			"odd number of elements in a packed collection" :
			"number of elements that cannot be divided by three");
	v->in_blob = false;
	return STEP_END;
}

static enum step_got
packed_score(struct rdb_value *v, const struct blob_run *run)
{
	if (run->is_num)
		return numbers_score(v, RDB_SCORE, (double)run->num);
	if (!numbers_gather(v, run->ptr, run->len))
		return value_bad(v, "score is not a number");
	return run->last ? numbers_score_text(v, RDB_SCORE) : STEP_ON;
}

static enum step_got
packed_ttl(struct rdb_value *v, const struct blob_run *run)
{
	if (!run->is_num || run->num < 0 ||
	    (uint64_t)run->num > NUMBERS_TTL_MAX)
		return value_bad(v, "TTL of a field is out of range");
	pieces_num(v, RDB_FIELD_TTL, (uint64_t)run->num, 0);
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
		pieces_decimal(v, what, run->num);
		return STEP_ON;
	}
	pieces_text(v, p, what,
	    &(struct rdb_text_run){
		run->ptr, run->len, run->size, run->first, run->last });
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
		return value_bad(v, v->entries.what);
	if (entries_replay(&v->entries, &name))
		v->queue[v->q_len++] = name;
	return given ? STEP_RUN : STEP_ON;
}

enum step_got
packed_step(struct rdb_value *v, unsigned deed, struct rdb_piece *p)
{
	struct blob_run run;

	switch (blob_next(&v->blob, &v->lent, &run)) {
	case RDB_RUN:
		return deed == DEED_ENTRIES ? entry_element(v, &run, p) :
					      packed_element(v, &run, p);
	case RDB_MORE:
		if (!v->text_last)
			return STEP_MORE;
		return value_bad(v, "packed collection ends early");
	case RDB_END:
		return blob_close(v, deed);
	default:
		return value_bad(v, v->blob.what);
	}
}
