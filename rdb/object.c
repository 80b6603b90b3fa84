/* object.c -- see object.h. */
#include "rdb/object.h"

#include <stdlib.h>
#include <string.h>

void
rdb_object_init(struct rdb_object *o)
{
	memset(o, 0, sizeof *o);
}

void
rdb_object_release(struct rdb_object *o)
{
	free(o->key.ptr);
	free(o->meta.ptr);
	rdb_object_init(o);
}

static enum rdb_object_got
bad(struct rdb_object *o, uint64_t at, const char *what)
{
	o->fault = (struct rdb_fault){ .at = at, .what = what };
	return RDB_OBJECT_BAD;
}

/* Room for n more bytes.  It doubles, so it never follows a declared size. */
static bool
reserve(struct rdb_object_bytes *b, size_t n)
{
	size_t cap = b->cap == 0 ? 256 : b->cap;
	uint8_t *more;

	if (n <= b->cap - b->len)
		return true;
	while (cap - b->len < n)
		cap *= 2;
	if ((more = realloc(b->ptr, cap)) == NULL)
		return false;
	b->ptr = more;
	b->cap = cap;
	return true;
}

static enum rdb_object_got
keep(struct rdb_object *o, struct rdb_object_bytes *b, const uint8_t *p,
    size_t n, uint64_t at)
{
	if (n > RDB_OBJECT_MAX - b->len)
		return bad(o, at, "a key, or its metadata, above 512 MiB");
	if (!reserve(b, n))
		return bad(o, at, NULL);
	if (n > 0)
		memcpy(b->ptr + b->len, p, n);
	b->len += n;
	return RDB_OBJECT_HEAD;
}

/* The first item of the next key: what was of the last one is over. */
static void
open_next(struct rdb_object *o)
{
	if (o->open)
		return;
	o->open = true;
	o->db = o->selected;
	o->expires = o->has_idle = o->has_freq = false;
	o->key.len = o->meta.len = 0;
}

static enum rdb_object_got
key_feed(struct rdb_object *o, const struct rdb_run *run)
{
	struct rdb_chunk in = { run->ptr, run->ptr + run->len };
	struct rdb_text_run text;
	enum rdb_got got;

	if (run->first) {
		rdb_text_begin(&o->text);
		o->key_at = run->at;
	}
	while ((got = rdb_text_next(&o->text, &in, &text)) == RDB_RUN) {
		if (keep(o, &o->key, text.ptr, text.len, o->key_at) ==
		    RDB_OBJECT_BAD)
			return RDB_OBJECT_BAD;
		if (text.last)
			break;
	}
	if (got == RDB_BAD)
		return bad(o, o->key_at, o->text.what);
	return run->last ? RDB_OBJECT_KEY : RDB_OBJECT_HEAD;
}

/* Items of one number: they count when they are complete. */
static void
number_feed(struct rdb_object *o, const struct rdb_run *run)
{
	if (!run->last)
		return;
	switch (run->label) {
	case RDB_EXPIRE:
		/* Servers take a stored -1 for none. */
		o->expires = (int64_t)run->num != -1;
		o->expire = (int64_t)run->num;
		break;
	case RDB_IDLE:
		o->has_idle = true;
		o->idle = run->num;
		break;
	case RDB_FREQ:
		o->has_freq = true;
		o->freq = (unsigned)run->num;
		break;
	default:
		o->type = (unsigned)run->num;
	}
}

enum rdb_object_got
rdb_object_feed(struct rdb_object *o, const struct rdb_run *run)
{
	switch (run->label) {
	case RDB_EXPIRE:
	case RDB_IDLE:
	case RDB_FREQ:
	case RDB_TYPE:
		open_next(o);
		number_feed(o, run);
		return RDB_OBJECT_HEAD;
	case RDB_META:
		open_next(o);
		return keep(o, &o->meta, run->ptr, run->len, run->at);
	case RDB_KEY:
		return key_feed(o, run);
	case RDB_VALUE:
		o->open = false;
		return RDB_OBJECT_VALUE;
	case RDB_SELECT:
		if (run->last)
			o->db = o->selected = run->num;
		return RDB_OBJECT_OTHER;
	default:
		return RDB_OBJECT_OTHER;
	}
}
