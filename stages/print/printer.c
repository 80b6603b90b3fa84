/* printer.c -- see printer.h. */
#include "stages/print/printer.h"

#include <inttypes.h>
#include <string.h>

void
printer_init(
    struct printer *p, struct format *format, const struct choice *choice)
{
	memset(p, 0, offsetof(struct printer, value));
	p->format = format;
	p->choice = choice;
	p->libraries = format->ops->libraries;
	whole_rdb_init(&p->rdb);
	rdb_object_init(&p->object);
	rdb_text_begin(&p->text);
	rdb_value_init(&p->value);
	twins_init(&p->twins, TWINS_BYTES);
}

void
printer_release(struct printer *p)
{
	rdb_object_release(&p->object);
	twins_release(&p->twins);
}

/* The reader of this run found what cannot be. */
static bool
bad(struct printer *p, uint64_t at, const char *what, struct err *e)
{
	struct rdb_fault fault = { .at = at, .what = what };

	return whole_rdb_blame(&p->rdb, &fault, e);
}

/* --- what belongs to no key --- */

static bool
aux_run(struct printer *p, const struct rdb_run *run, struct err *e)
{
	const struct format_ops *ops = p->format->ops;
	bool name = run->label == RDB_AUX_NAME;
	struct rdb_chunk in = { run->ptr, run->ptr + run->len };
	struct rdb_text_run text;
	enum rdb_got got;

	if (!p->aux || ops->aux == NULL)
		return true;
	if (name && run->first)
		in.ptr++; /* the opcode */
	while ((got = rdb_text_next(&p->text, &in, &text)) == RDB_RUN) {
		if (!ops->aux(p->format, &text, name, e))
			return false;
		if (text.last)
			return true;
	}
	return (got == RDB_MORE && !run->last) ||
	    bad(p, run->at, got == RDB_BAD ? p->text.what : "text ends early",
		e);
}

typedef bool each_piece(
    struct format *, const struct rdb_piece *, struct err *);

/* Decode a run, which begins skip bytes into it. */
static bool
decode(struct printer *p, const struct rdb_run *run, size_t skip,
    each_piece *each, struct err *e)
{
	struct rdb_piece piece;
	enum rdb_got got;

	rdb_value_feed(
	    &p->value, run->ptr + skip, run->len - skip, run->at + skip);
	while ((got = rdb_value_next(&p->value, &piece)) == RDB_RUN) {
		if (piece.what == RDB_FIELD_TTL && piece.num != 0)
			piece.num = choice_field_time(p->choice, piece.num);
		if (!each(p->format, &piece, e))
			return false;
	}
	if (got == RDB_BAD)
		return whole_rdb_blame(&p->rdb, &p->value.fault, e);
	return got == RDB_END || !run->last ||
	    bad(p, run->at + run->len, "value ends early", e);
}

static bool
library_run(struct printer *p, const struct rdb_run *run, struct err *e)
{
	const struct format_ops *ops = p->format->ops;
	bool valkey = p->rdb.walk.valkey;

	if (!p->libraries)
		return true;
	p->n_libraries += run->last;
	if (ops->library_run != NULL)
		return ops->library_run(p->format, run, valkey, e);
	if (ops->library == NULL)
		return true;
	if (run->first &&
	    !rdb_value_begin_opcode(&p->value, run->ptr[0], valkey))
		return bad(p, run->at, "opcode that cannot be decoded", e);
	return decode(p, run, run->first, ops->library, e);
}

/* --- keys --- */

static bool
object_bad(struct printer *p, struct err *e)
{
	if (p->object.fault.what == NULL)
		return err_sys(e, "cannot hold a key");
	return whole_rdb_blame(&p->rdb, &p->object.fault, e);
}

/* The stream is good, but this key cannot be printed as asked for. */
static bool
refuse(const struct printer *p, const char *why, struct err *e)
{
	const struct rdb_object *o = &p->object;
	char key[200];

	return err_set(e, ERR_REMOTE, "db %" PRIu64 ", key \"%s\": %s", o->db,
	    err_quote(key, sizeof key, o->key.ptr, o->key.len), why);
}

/* What a server gets must be what it would get from rdb-filter. */
static bool
exact_check(struct printer *p, struct err *e)
{
	const struct rdb_object *o = &p->object;
	bool twin = false;

	if (choice_moves_fields(p->choice, o->type))
		return refuse(p,
		    "its fields have times, which --ttl asks to change: "
		    "rdb-filter does",
		    e);
	if (!choice_may_clash(p->choice))
		return true;
	if (!twins_add(&p->twins, o->db, o->key.ptr, o->key.len, &twin, e))
		return false;
	return !twin || bad(p, o->key_at, "two keys would get this name", e);
}

/* All but the value is known: is it meant? */
static bool
key_begin(struct printer *p, struct err *e)
{
	const struct format_ops *ops = p->format->ops;
	struct rdb_object *o = &p->object;
	bool valkey = p->rdb.walk.valkey;
	enum choice_got got = CHOICE_TAKEN;

	if (!choice_all(p->choice))
		got = choice_take(p->choice, o, valkey, e);
	p->taken = got == CHOICE_TAKEN;
	p->left_out += got == CHOICE_LEFT;
	if (!p->taken)
		return got == CHOICE_LEFT;
	if (ops->exact && !exact_check(p, e))
		return false;
	if (ops->piece != NULL && !rdb_value_begin(&p->value, o->type, valkey))
		return bad(p, o->key_at, "type that cannot be decoded", e);
	return ops->object(p->format, o, valkey, e);
}

static bool
key_end(struct printer *p, const struct rdb_run *run, struct err *e)
{
	const struct format_ops *ops = p->format->ops;
	uint64_t end = run->at + run->len;
	struct format_size size = { end - p->record_at, end - p->value_at };

	p->keys++;
	return ops->object_end == NULL || ops->object_end(p->format, &size, e);
}

static bool
value_run(struct printer *p, const struct rdb_run *run, struct err *e)
{
	const struct format_ops *ops = p->format->ops;

	if (run->first)
		p->value_at = run->at;
	if (run->last)
		p->open = false;
	if (!p->taken)
		return true;
	if (ops->run != NULL && !ops->run(p->format, run, e))
		return false;
	if (ops->piece != NULL && !decode(p, run, 0, ops->piece, e))
		return false;
	if (!run->last)
		return true;
	if (!key_end(p, run, e))
		return false;
	output_whole(p->format->out);
	return true;
}

static bool
object_run(struct printer *p, const struct rdb_run *run, struct err *e)
{
	switch (rdb_object_feed(&p->object, run)) {
	case RDB_OBJECT_HEAD:
		if (!p->open)
			p->record_at = run->at;
		p->open = true;
		return true;
	case RDB_OBJECT_KEY:
		return key_begin(p, e);
	case RDB_OBJECT_VALUE:
		return value_run(p, run, e);
	case RDB_OBJECT_BAD:
		return object_bad(p, e);
	default:
		return true;
	}
}

/* --- all --- */

static bool
each_run(void *arg, const struct rdb_run *run, struct err *e)
{
	struct printer *p = arg;
	const struct format_ops *ops = p->format->ops;

	switch (run->label) {
	case RDB_HEADER:
		return !run->last || ops->begin == NULL ||
		    ops->begin(
			p->format, p->rdb.walk.version, p->rdb.walk.valkey, e);
	case RDB_AUX_NAME:
	case RDB_AUX_VALUE:
		return aux_run(p, run, e);
	case RDB_FUNCTION:
		return library_run(p, run, e);
	default:
		return object_run(p, run, e);
	}
}

bool
printer_feed(struct printer *p, struct span in, struct err *e)
{
	return whole_rdb_feed(&p->rdb, in, each_run, p, NULL, e) &&
	    output_good(p->format->out, e);
}

bool
printer_end(struct printer *p, struct err *e)
{
	const struct format_ops *ops = p->format->ops;

	return whole_rdb_end(&p->rdb, e) &&
	    (ops->end == NULL || ops->end(p->format, e)) &&
	    output_flush(p->format->out, e);
}

void
printer_salvage(struct printer *p)
{
	output_salvage(p->format->out);
}

uint64_t
printer_share(const struct printer *p)
{
	return UINT64_C(1) << 2 * p->twins.level;
}
