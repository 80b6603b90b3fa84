/*
 * walk.c -- the walker: which item comes next, and how its bytes are handed
 * out.
 *
 *	walk.c		items: labels, order, the CRC, the key in question
 *	magic.c		the first item
 *	steps.c		what an item looks like inside, after the table
 *	atom.c		numbers and strings
 *	explain.c	words
 *
 * Order is not judged.  Writers have one, loaders take any, and so do we; an
 * expiry is for the next key, wherever that is.  Nor is the header's version
 * compared with a type's: no loader does, and a backup that a server would
 * load must not be refused.
 */
#include <string.h>

#include "rdb/crc64.h"
#include "rdb/steps.h"
#include "rdb/walk.h"

void
rdb_walk_init(struct rdb_walk *w)
{
	memset(w, 0, sizeof *w);
	w->state = WALK_HEADER;
	w->label = RDB_HEADER;
}

void
rdb_walk_feed(struct rdb_walk *w, const void *chunk, size_t len)
{
	const uint8_t *p = chunk;

	w->in.ptr = p;
	w->in.end = len > 0 ? p + len : p;
	/* The trailer's own bytes do not count. */
	w->crc_from = w->label == RDB_TRAILER ? NULL : p;
	w->key_from = NULL;
	if (w->state == WALK_ITEM && w->label == RDB_KEY)
		w->key_from = p, w->key_to = NULL;
}

size_t
rdb_walk_rest(const struct rdb_walk *w)
{
	return (size_t)(w->in.end - w->in.ptr);
}

/* The CRC of what has been walked of this chunk. */
static void
crc_catch_up(struct rdb_walk *w)
{
	if (w->crc_from == NULL)
		return;
	w->crc =
	    crc64_rdb(w->crc, w->crc_from, (size_t)(w->in.ptr - w->crc_from));
	w->crc_from = w->in.ptr;
}

/* Keep the beginning of the key: the chunk is about to go. */
static void
key_save(struct rdb_walk *w)
{
	const uint8_t *to = w->key_to != NULL ? w->key_to : w->in.ptr;
	size_t room = RDB_KEY_SHOWN - w->key_len, n;

	if (!w->key_known || w->key_from == NULL)
		return;
	n = (size_t)(to - w->key_from);
	if (n > room)
		n = room;
	if (n > 0)
		memcpy(w->key + w->key_len, w->key_from, n);
	w->key_len += (unsigned)n;
	w->key_from = NULL;
}

static enum rdb_got
more(struct rdb_walk *w)
{
	crc_catch_up(w);
	key_save(w);
	return RDB_MORE;
}

static void
item_set(struct rdb_walk *w, enum rdb_label label, const uint8_t *shape)
{
	w->label = label;
	w->state = WALK_ITEM;
	shape_start(&w->place, shape);
}

/* The stream makes no sense from here.  magic.c has said why; an atom has
 * left word with us. */
static void
item_break(struct rdb_walk *w)
{
	const struct rdb_atom *a = &w->atom;

	key_save(w);
	w->state = WALK_BROKEN;
	if (w->fault.what != NULL)
		return;
	w->fault = (struct rdb_fault){ .at = w->at - a->size, .what = a->what };
	if (a->size == 0) {
		w->fault.byte = *w->in.ptr;
		w->fault.has_byte = true;
	}
}

/* A byte that is neither type nor opcode; it is not taken. */
static enum atom
unknown(struct rdb_walk *w, const char *what)
{
	w->label = RDB_TYPE;
	w->atom.what = what;
	w->atom.size = 0;
	return ATOM_WRONG;
}

/* Take the byte that says what comes next.  A type is an item by itself. */
static enum atom
item_begin(struct rdb_walk *w)
{
	const struct shape_row *row = &w->rows[*w->in.ptr];

	if (row->name == NULL)
		return unknown(w, "unknown type or opcode");
	if (row->shape == NULL)
		return unknown(w, row->refusal);
	w->row = row;
	w->in.ptr++;
	if (row->label == RDB_VALUE) {
		w->label = RDB_TYPE;
		w->place.num = w->in.ptr[-1];
		return ATOM_DONE;
	}
	item_set(w, row->label, row->shape);
	if (row->label == RDB_TRAILER) {
		crc_catch_up(w);
		w->crc_from = NULL;
		if (w->version < 5)
			w->place.step = shape_nothing;
	}
	return steps_run(&w->place, &w->atom, &w->in);
}

/* Does it belong to the next key? */
static bool
is_prefix(enum rdb_label label)
{
	return label == RDB_EXPIRE || label == RDB_IDLE || label == RDB_FREQ ||
	    label == RDB_META;
}

/* After an item: what is next, and do we know it without another byte? */
static void
item_end(struct rdb_walk *w)
{
	switch (w->label) {
	case RDB_HEADER:
		w->rows = shape_rows(w->valkey);
		w->state = WALK_BETWEEN;
		break;
	case RDB_AUX_NAME:
		item_set(w, RDB_AUX_VALUE, shape_string);
		break;
	case RDB_TYPE:
		item_set(w, RDB_KEY, shape_string);
		w->key_known = true;
		w->key_from = w->in.ptr;
		w->key_to = NULL;
		w->key_len = 0;
		break;
	case RDB_KEY:
		item_set(w, RDB_VALUE, w->row->shape);
		w->key_to = w->in.ptr;
		break;
	case RDB_TRAILER:
		w->state = WALK_STOPPED;
		break;
	default:
		w->prefixed = is_prefix(w->label) ||
		    (w->prefixed && w->label != RDB_VALUE);
		w->key_known = false;
		w->state = WALK_BETWEEN;
	}
}

/* An item that is one string and lies in the chunk as a whole, as most keys
 * and many values do. */
static bool
string_quick(struct rdb_walk *w)
{
	const uint8_t *p;

	if (w->begun || w->place.step[0] != STR || w->place.step[1] != END ||
	    (p = atom_string_quick(w->in.ptr, w->in.end)) == NULL)
		return false;
	w->in.ptr = p;
	w->place.step++;
	return true;
}

/* More of the item at hand, or the beginning of the next. */
static enum atom
item_run(struct rdb_walk *w)
{
	if (w->state == WALK_ITEM && string_quick(w))
		return ATOM_DONE;
	switch (w->state) {
	case WALK_BETWEEN:
		return item_begin(w);
	case WALK_HEADER:
		return magic_run(w);
	default:
		return steps_run(&w->place, &w->atom, &w->in);
	}
}

enum rdb_got
rdb_walk_next(struct rdb_walk *w, struct rdb_run *run)
{
	const uint8_t *from = w->in.ptr;
	enum atom got;

	if (w->state == WALK_BROKEN)
		return RDB_BAD;
	if (w->state == WALK_STOPPED)
		return RDB_END;
	if (from == w->in.end)
		return more(w);
	got = item_run(w);
	run->label = w->label;
	run->ptr = from;
	run->len = (size_t)(w->in.ptr - from);
	run->at = w->at;
	run->first = !w->begun;
	run->last = got == ATOM_DONE;
	run->num = run->last ? w->place.num : 0;
	w->at += run->len;
	w->begun = !run->last;
	if (run->last)
		item_end(w);
	else if (got == ATOM_WRONG)
		item_break(w);
	return run->len == 0 ? RDB_BAD : RDB_RUN;
}

void
rdb_walk_blame(struct rdb_walk *w, const struct rdb_fault *fault)
{
	/* A key or value that was handed out to its end is left behind. */
	if (w->label == RDB_VALUE && w->state == WALK_ITEM && !w->begun)
		w->label = RDB_KEY;
	w->key_known = w->label == RDB_KEY || w->label == RDB_VALUE;
	key_save(w);
	w->fault = *fault;
	w->state = WALK_BROKEN;
}
