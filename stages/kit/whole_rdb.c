/* whole_rdb.c -- see whole_rdb.h. */
#include "stages/kit/whole_rdb.h"

#include <inttypes.h>
#include <string.h>

void
whole_rdb_init(struct whole_rdb *w)
{
	memset(w, 0, sizeof *w);
	rdb_walk_init(&w->walk);
}

static bool
explain(const struct whole_rdb *w, bool cut_short, struct err *e)
{
	e->kind = ERR_DATA;
	e->sys = 0;
	rdb_walk_explain(&w->walk, cut_short, e->text, sizeof e->text);
	return false;
}

bool
whole_rdb_blame(
    struct whole_rdb *w, const struct rdb_fault *fault, struct err *e)
{
	rdb_walk_blame(&w->walk, fault);
	return explain(w, false, e);
}

bool
whole_rdb_tail(struct whole_rdb *w, struct span in, struct err *e)
{
	for (size_t i = 0; i < in.len; i++) {
		bool hex = (in.ptr[i] >= '0' && in.ptr[i] <= '9') ||
		    (in.ptr[i] >= 'a' && in.ptr[i] <= 'f');

		if (!hex || w->tail == WHOLE_RDB_MARK)
			return err_set(e, ERR_DATA,
			    "offset %" PRIu64
			    ": bytes behind the end of the RDB",
			    w->walk.at + w->tail);
		w->tail++;
	}
	return true;
}

static bool
crc_check(const struct whole_rdb *w, struct err *e)
{
	if (w->crc == 0 || w->crc == w->walk.crc)
		return true;
	return err_set(e, ERR_DATA,
	    "offset %" PRIu64 ": RDB checksum is %016" PRIx64
	    ", the data's is %016" PRIx64,
	    w->walk.at - 8, w->crc, w->walk.crc);
}

/* The next run, behind the records that are only counted. */
static enum rdb_got
next_run(struct whole_rdb *w, struct rdb_tally *tally, struct rdb_run *run)
{
	if (tally != NULL)
		rdb_walk_pass(&w->walk, tally);
	return rdb_walk_next(&w->walk, run);
}

bool
whole_rdb_feed(struct whole_rdb *w, struct span in, whole_rdb_each *each,
    void *arg, size_t *used, struct err *e)
{
	struct rdb_tally nobody, *tally = each == NULL ? &nobody : w->tally;
	struct rdb_run run;
	enum rdb_got got;
	size_t rest;

	if (used != NULL)
		*used = w->ended ? 0 : in.len;
	if (w->ended)
		return w->spare_tail || whole_rdb_tail(w, in, e);
	if (each == NULL)
		memset(&nobody, 0, sizeof nobody);
	rdb_walk_feed(&w->walk, in.ptr, in.len);
	while ((got = next_run(w, tally, &run)) == RDB_RUN) {
		if (run.label == RDB_TRAILER && run.last)
			w->crc = run.num;
		if (each != NULL && !each(arg, &run, e))
			return false;
	}
	if (got == RDB_BAD)
		return explain(w, false, e);
	if (got != RDB_END)
		return true;
	w->ended = true;
	rest = rdb_walk_rest(&w->walk);
	if (used != NULL)
		*used = in.len - rest;
	if (!crc_check(w, e))
		return false;
	return w->spare_tail ||
	    whole_rdb_tail(w, (struct span){ in.ptr + in.len - rest, rest }, e);
}

bool
whole_rdb_end(const struct whole_rdb *w, struct err *e)
{
	if (!w->ended)
		return explain(w, true, e);
	if (w->tail != 0 && w->tail != WHOLE_RDB_MARK)
		return err_set(e, ERR_DATA,
		    "offset %" PRIu64 ": %" PRIu64
		    " byte%s behind the end of the RDB",
		    w->walk.at, w->tail, w->tail == 1 ? "" : "s");
	return true;
}
