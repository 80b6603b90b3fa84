/* entries.c -- see entries.h. */
#include <string.h>

#include "rdb/entries.h"

/* Which element comes next. */
enum state {
	LIVE,
	DEAD,
	MASTER_FIELDS,
	MASTER_FIELD,
	MASTER_END,
	FLAGS,
	MS,
	SEQ,
	FIELDS,
	FIELD,
	VALUE,
	STEPS
};

enum flag { DELETED = 1, SAME_FIELDS = 2 };

static bool
bad(struct rdb_entries *e, const char *what)
{
	e->what = what;
	return false;
}

void
entries_begin(struct rdb_entries *e)
{
	e->what = NULL;
	e->any = e->any_live = e->replay = false;
	e->first_live = (struct rdb_id){ UINT64_MAX, UINT64_MAX };
}

void
entries_node(struct rdb_entries *e, struct rdb_id id)
{
	e->node = id;
	e->state = LIVE;
	e->len = 0;
	e->lost = false;
}

/* Keep (part of) a name of the master entry. */
static void
name_keep(struct rdb_entries *e, const struct blob_run *run, const uint8_t *ptr,
    size_t len)
{
	uint32_t size = 0;

	if (run->first) {
		e->name_at = e->len;
		e->len += sizeof size;
	}
	if (e->lost || e->len + len > sizeof e->names) {
		e->lost = true;
		return;
	}
	if (len > 0)
		memcpy(e->names + e->len, ptr, len);
	e->len += len;
	if (run->last) {
		size = (uint32_t)(e->len - e->name_at - sizeof size);
		memcpy(e->names + e->name_at, &size, sizeof size);
	}
}

/* The text of a run: as it is, or the decimal of a number. */
static struct rdb_piece
text_of(struct rdb_entries *e, enum rdb_what what, const struct blob_run *run)
{
	struct rdb_piece p = { .what = what,
		.first = run->first,
		.last = run->last,
		.ptr = run->ptr,
		.len = run->len,
		.size = run->size };

	if (run->is_num) {
		p.ptr = e->digits;
		p.size = p.len = decimal_put(run->num, e->digits);
	}
	return p;
}

/* The entry's ID and number of fields are known. */
static bool
entry_piece(struct rdb_entries *e, struct rdb_piece *p, bool *given)
{
	e->state = e->left == 0 ? STEPS : e->same ? VALUE : FIELD;
	e->at = 0;
	e->replay = e->same && e->left > 0 && !e->gone;
	if (e->replay && e->lost)
		return bad(e,
		    "stream entry refers to field names that are "
		    "too long to be kept");
	*given = !e->gone;
	*p = (struct rdb_piece){ .what = RDB_ENTRY,
		.first = true,
		.last = true,
		.done = e->left == 0,
		.id = e->now,
		.num = e->left };
	return true;
}

/* The ID is complete: it must be above the one before. */
static bool
id_check(struct rdb_entries *e)
{
	if (e->any &&
	    (e->now.ms < e->before.ms ||
		(e->now.ms == e->before.ms && e->now.seq <= e->before.seq)))
		return bad(e, "stream entries whose IDs do not ascend");
	e->any = true;
	e->before = e->now;
	if (!e->gone && !e->any_live) {
		e->any_live = true;
		e->first_live = e->now;
	}
	return true;
}

/* What may come in front of the fields. */
static bool
flags(struct rdb_entries *e, int64_t num)
{
	if ((num & ~(int64_t)(DELETED | SAME_FIELDS)) != 0)
		return bad(e, "unknown flags of a stream entry");
	e->gone = num & DELETED;
	e->same = num & SAME_FIELDS;
	if (e->gone)
		e->dead--;
	else
		e->live--;
	if (e->dead < 0 || e->live < 0)
		return bad(e, "stream node and its declared counts disagree");
	e->state = MS;
	return true;
}

/* How many elements an entry has in front of that number. */
static bool
steps(struct rdb_entries *e, int64_t num)
{
	uint64_t want = e->same ? 3 + e->count : 4 + 2 * e->count;

	if (num < 0 || (uint64_t)num != want)
		return bad(e, "stream entry and its declared length disagree");
	e->state = FLAGS;
	return true;
}

static bool
count(struct rdb_entries *e, int64_t num, unsigned next, unsigned if_none)
{
	if (num < 0 || num > INT32_MAX)
		return bad(e,
		    "stream entry with an impossible number of "
		    "fields");
	e->count = e->left = (uint64_t)num;
	e->state = num == 0 ? if_none : next;
	return true;
}

static bool
number(struct rdb_entries *e, int64_t num, struct rdb_piece *p, bool *given)
{
	switch (e->state) {
	case LIVE:
		e->live = num;
		e->state = DEAD;
		return num >= 0 || bad(e, "stream node with a negative count");
	case DEAD:
		e->dead = num;
		e->state = MASTER_FIELDS;
		return num >= 0 || bad(e, "stream node with a negative count");
	case MASTER_FIELDS:
		e->in_master = num > 0 ? (uint64_t)num : 0;
		return count(e, num, MASTER_FIELD, MASTER_END);
	case MASTER_END:
		e->state = FLAGS;
		return num == 0 ||
		    bad(e, "stream node without the end of its master entry");
	case FLAGS:
		return flags(e, num);
	case MS:
		e->now.ms = e->node.ms + (uint64_t)num;
		e->state = SEQ;
		return true;
	case SEQ:
		e->now.seq = e->node.seq + (uint64_t)num;
		if (!id_check(e))
			return false;
		e->state = FIELDS;
		if (!e->same)
			return true;
		e->count = e->left = e->in_master;
		return entry_piece(e, p, given);
	case FIELDS:
		return count(e, num, FIELD, STEPS) && entry_piece(e, p, given);
	default:
		return steps(e, num);
	}
}

static void
master_field(struct rdb_entries *e, const struct blob_run *run)
{
	struct rdb_piece p = text_of(e, RDB_FIELD, run);

	name_keep(e, run, p.ptr, p.len);
	if (run->last && --e->left == 0)
		e->state = MASTER_END;
}

static void
field_or_value(struct rdb_entries *e, const struct blob_run *run,
    struct rdb_piece *p, bool *given)
{
	*given = !e->gone;
	*p = text_of(e, e->state == FIELD ? RDB_FIELD : RDB_FIELD_VALUE, run);
	if (!run->last)
		return;
	if (e->state == FIELD) {
		e->state = VALUE;
		return;
	}
	p->done = --e->left == 0;
	e->state = p->done ? STEPS : e->same ? VALUE : FIELD;
	e->replay = e->same && !e->gone && !p->done;
}

bool
entries_take(struct rdb_entries *e, const struct blob_run *run,
    struct rdb_piece *p, bool *given)
{
	*given = false;
	switch (e->state) {
	case MASTER_FIELD:
		master_field(e, run);
		return true;
	case FIELD:
	case VALUE:
		field_or_value(e, run, p, given);
		return true;
	default:
		if (!run->is_num)
			return bad(e, "text where a stream node has a number");
		return number(e, run->num, p, given);
	}
}

bool
entries_replay(struct rdb_entries *e, struct rdb_piece *p)
{
	uint32_t size;

	if (!e->replay)
		return false;
	memcpy(&size, e->names + e->at, sizeof size);
	e->at += sizeof size;
	*p = (struct rdb_piece){ .what = RDB_FIELD,
		.first = true,
		.last = true,
		.ptr = e->names + e->at,
		.len = size,
		.size = size };
	e->at += size;
	e->replay = false;
	return true;
}

bool
entries_end(struct rdb_entries *e)
{
	if (e->state != FLAGS)
		return bad(e, "stream node ends inside an entry");
	if (e->live != 0 || e->dead != 0)
		return bad(e, "stream node and its declared counts disagree");
	return true;
}
