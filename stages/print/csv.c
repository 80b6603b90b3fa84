/* csv.c -- see csv.h. */
#include "stages/print/csv.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "stages/print/escape.h"

struct csv {
	struct format base;
	struct escape escape;

	/* Of the key at hand. */
	const char *encoding;
	enum rdb_kind kind;
	bool expires;
	int64_t expire;
	uint64_t elements, largest;
};

static bool
csv_begin(struct format *f, int version, bool valkey, struct err *e)
{
	(void)version, (void)valkey, (void)e;
	output_text(f->out,
	    "database,type,key,size_in_bytes,encoding,num_elements,"
	    "len_largest_element,expiry\n");
	return true;
}

static bool
csv_object(
    struct format *f, const struct rdb_object *o, bool valkey, struct err *e)
{
	struct csv *c = (struct csv *)f;

	(void)e;
	c->kind = rdb_kind_of(o->type);
	c->encoding = rdb_type_name(o->type, valkey);
	c->expires = o->expires;
	c->expire = o->expire;
	c->elements = c->largest = 0;
	output_num(f->out, o->db);
	output_byte(f->out, ',');
	output_text(f->out, rdb_kind_name(c->kind));
	output_text(f->out, ",\"");
	escape_add(&c->escape, f->out, o->key.ptr, o->key.len);
	escape_end(&c->escape, f->out);
	output_text(f->out, "\",");
	return true;
}

/* Does an element begin with this? */
static bool
is_element(enum rdb_kind kind, const struct rdb_piece *p)
{
	if (!p->first)
		return false;
	switch (p->what) {
	case RDB_ITEM:
	case RDB_MEMBER:
	case RDB_ENTRY:
	case RDB_ARRAY_INDEX:
		return true;
	case RDB_FIELD:
		return kind == RDB_KIND_HASH;
	default:
		return p->what >= RDB_PART_SINT && p->what <= RDB_PART_STRING;
	}
}

static bool
csv_piece(struct format *f, const struct rdb_piece *p, struct err *e)
{
	struct csv *c = (struct csv *)f;

	(void)e;
	c->elements += is_element(c->kind, p);
	if (p->size > c->largest)
		c->largest = p->size;
	return true;
}

/* Milliseconds since 1970; what no calendar has stays a number. */
static void
expiry_put(struct output *out, int64_t ms)
{
	time_t seconds = (time_t)(ms / 1000 - (ms % 1000 < 0));
	char text[64];
	struct tm tm;

	if (gmtime_r(&seconds, &tm) == NULL || tm.tm_year > 9999 - 1900 ||
	    tm.tm_year < 1 - 1900) {
		output_int(out, ms);
		return;
	}
	strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &tm);
	output_text(out, text);
	snprintf(text, sizeof text, ".%03dZ", (int)(ms - seconds * 1000));
	output_text(out, text);
}

static bool
csv_object_end(struct format *f, const struct format_size *size, struct err *e)
{
	struct csv *c = (struct csv *)f;

	(void)e;
	output_num(f->out, size->record);
	output_byte(f->out, ',');
	output_text(f->out, c->encoding);
	output_byte(f->out, ',');
	output_num(
	    f->out, c->kind == RDB_KIND_STRING ? c->largest : c->elements);
	output_byte(f->out, ',');
	output_num(f->out, c->largest);
	output_byte(f->out, ',');
	if (c->expires)
		expiry_put(f->out, c->expire);
	output_byte(f->out, '\n');
	return true;
}

static void
csv_free(struct format *f)
{
	free(f);
}

static const struct format_ops ops = {
	.name = "csv",
	.begin = csv_begin,
	.object = csv_object,
	.piece = csv_piece,
	.object_end = csv_object_end,
	.free = csv_free,
};

struct format *
csv_new(struct output *out, struct err *e)
{
	struct csv *c = calloc(1, sizeof *c);

	if (c == NULL) {
		err_sys(e, "cannot set up the table");
		return NULL;
	}
	c->base = (struct format){ .ops = &ops, .out = out };
	escape_init(&c->escape, ESCAPE_CSV);
	return &c->base;
}
