/* edit.c -- see edit.h. */
#include "stages/keys/edit.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

enum { OP_SLOT_INFO = 244 }; /* see rdb/shape.c */

void
edit_init(struct edit *d, const struct edit_ops *ops)
{
	memset(d, 0, sizeof *d);
	d->ops = ops;
	whole_rdb_init(&d->rdb);
	rdb_object_init(&d->object);
	rdb_write_init(&d->out);
	rdb_write_init(&d->head);
}

void
edit_release(struct edit *d)
{
	rdb_object_release(&d->object);
	rdb_write_release(&d->out);
	rdb_write_release(&d->head);
}

/* --- errors --- */

static bool
no_memory(struct err *e)
{
	errno = ENOMEM;
	return err_sys(e, "cannot hold what is to be written");
}

bool
edit_blame(struct edit *d, const struct rdb_fault *fault, struct err *e)
{
	return fault->what == NULL ? no_memory(e) :
				     whole_rdb_blame(&d->rdb, fault, e);
}

bool
edit_refuse(const struct edit *d, struct err *e, const char *fmt, ...)
{
	char key[128];
	va_list ap;

	e->kind = ERR_DATA;
	e->sys = 0;
	va_start(ap, fmt);
	vsnprintf(e->text, sizeof e->text, fmt, ap);
	va_end(ap);
	return err_in(e, "key \"%s\" in database %" PRIu64,
	    err_quote(key, sizeof key, d->object.key.ptr, d->object.key.len),
	    d->object.db);
}

/* --- one run of the input --- */

static void
select_db(struct edit *d)
{
	if (d->selected && d->db == d->object.db)
		return;
	rdb_write_select(&d->out, d->object.db);
	d->selected = true;
	d->db = d->object.db;
}

void
edit_head(struct edit *d)
{
	select_db(d);
	rdb_write_object(&d->out, &d->object);
	d->keys_out++;
}

static bool
key_ask(struct edit *d, struct err *e)
{
	d->keys_in++;
	if (!d->ops->key(d, &d->verdict, e))
		return false;
	if (d->verdict == EDIT_CHANGE)
		edit_head(d);
	if (d->verdict == EDIT_KEEP) {
		select_db(d);
		rdb_write_bytes(&d->out, d->head.ptr, d->head.len);
		d->keys_out++;
	}
	rdb_write_taken(&d->head, d->head.len);
	return true;
}

static bool
value_pass(struct edit *d, const struct rdb_run *run, struct err *e)
{
	if (d->verdict == EDIT_RECAST)
		return d->ops->value(d, run, e);
	if (d->verdict != EDIT_LEAVE)
		rdb_write_bytes(&d->out, run->ptr, run->len);
	return true;
}

static bool
header_pass(struct edit *d, const struct rdb_run *run, struct err *e)
{
	if (!run->last)
		return true;
	d->version = d->rdb.walk.version;
	d->valkey = d->rdb.walk.valkey;
	if (d->ops->begin != NULL && !d->ops->begin(d, e))
		return false;
	rdb_write_magic(&d->out, d->version, d->valkey);
	return true;
}

/* Keys to come, counted: of a database or, in cluster mode, of a slot. */
static bool
is_hint(struct edit *d, const struct rdb_run *run)
{
	if (run->label == RDB_SLOT && run->first)
		d->slot_info = run->ptr[0] == OP_SLOT_INFO;
	return run->label == RDB_RESIZE ||
	    (run->label == RDB_SLOT && d->slot_info);
}

static bool
other_pass(struct edit *d, const struct rdb_run *run, struct err *e)
{
	bool keep = true;

	if (is_hint(d, run)) {
		if (!d->keep_hints)
			return true;
		select_db(d);
	}
	if (d->ops->other != NULL && !d->ops->other(d, run, &keep, e))
		return false;
	/* What stands before a key and only some forks know goes with it. */
	if (keep)
		rdb_write_bytes(run->label == RDB_OTHER ? &d->head : &d->out,
		    run->ptr, run->len);
	return true;
}

static bool
item_pass(struct edit *d, const struct rdb_run *run, struct err *e)
{
	switch (run->label) {
	case RDB_HEADER:
		return header_pass(d, run, e);
	case RDB_SELECT:
	case RDB_TRAILER:
		return true; /* written when needed, and at the end */
	default:
		return other_pass(d, run, e);
	}
}

static bool
run_edit(void *arg, const struct rdb_run *run, struct err *e)
{
	struct edit *d = arg;

	switch (rdb_object_feed(&d->object, run)) {
	case RDB_OBJECT_HEAD:
		rdb_write_bytes(&d->head, run->ptr, run->len);
		return true;
	case RDB_OBJECT_KEY:
		rdb_write_bytes(&d->head, run->ptr, run->len);
		return d->head.failed ? no_memory(e) : key_ask(d, e);
	case RDB_OBJECT_VALUE:
		return value_pass(d, run, e);
	case RDB_OBJECT_BAD:
		return edit_blame(d, &d->object.fault, e);
	default:
		return item_pass(d, run, e);
	}
}

/* --- the filter --- */

static void
drain(struct edit *d, struct room *out)
{
	struct span wait = { d->out.ptr, d->out.len };

	rdb_write_taken(&d->out, room_put(out, &wait));
}

bool
edit_turn(struct filter *f, struct span *in, struct room *out, struct err *e)
{
	struct edit *d = (struct edit *)f;

	drain(d, out);
	while (in->len > 0 && d->out.len == 0) {
		struct span slice =
		    span_take(in, in->len < EDIT_SLICE ? in->len : EDIT_SLICE);

		if (!whole_rdb_feed(&d->rdb, slice, run_edit, d, NULL, e))
			return false;
		if (d->out.failed)
			return no_memory(e);
		drain(d, out);
	}
	return true;
}

bool
edit_finish(struct filter *f, struct room *out, bool *done, struct err *e)
{
	struct edit *d = (struct edit *)f;

	if (!d->finished) {
		if (!whole_rdb_end(&d->rdb, e) ||
		    (d->ops->end != NULL && !d->ops->end(d, e)))
			return false;
		rdb_write_trailer(&d->out, d->version);
		d->finished = true;
	}
	if (d->out.failed)
		return no_memory(e);
	drain(d, out);
	*done = d->out.len == 0;
	return true;
}
