/* value.c -- see value.h. */
#include "stages/print/value.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "rdb/engine.h"

/* A text, or part of one, that is a value. */
static void
text(struct value *v, const struct rdb_piece *p)
{
	writer_text(v->w, p->ptr, p->len, p->first, p->last);
}

/* The same as a member's name. */
static void
name(struct value *v, const struct rdb_piece *p)
{
	text(v, p);
	if (p->last)
		writer_colon(v->w);
}

/* --- hashes --- */

static void
hash_piece(struct value *v, const struct rdb_piece *p)
{
	switch (p->what) {
	case RDB_FIELD:
		name(v, p);
		break;
	case RDB_FIELD_VALUE:
		if (p->first && v->field_ttl)
			writer_open(v->w, '[');
		text(v, p);
		break;
	default: /* RDB_FIELD_TTL */
		if (!v->field_ttl)
			break;
		if (p->num == 0)
			writer_null(v->w);
		else
			writer_num(v->w, p->num);
		writer_close(v->w);
	}
}

/* --- modules --- */

static void
part_double(struct value *v, const struct rdb_piece *p)
{
	uint32_t bits = (uint32_t)p->num;
	double d;
	float f;

	memcpy(&f, &bits, sizeof f);
	memcpy(&d, &p->num, sizeof d);
	writer_double(v->w, p->what == RDB_PART_FLOAT ? (double)f : d);
}

/* Each part is an object of one member, which says of what kind it is. */
static void
part_piece(struct value *v, const struct rdb_piece *p)
{
	static const char *const kinds[] = { "int", "uint", "float", "double",
		"string" };

	if (p->what == RDB_PART_END)
		return;
	if (p->first) {
		writer_open(v->w, '{');
		writer_name(v->w, kinds[p->what - RDB_PART_SINT]);
	}
	if (p->what == RDB_PART_STRING)
		text(v, p);
	else if (p->what == RDB_PART_SINT)
		writer_int(v->w, (int64_t)p->num);
	else if (p->what == RDB_PART_UINT)
		writer_num(v->w, p->num);
	else
		part_double(v, p);
	if (p->last)
		writer_close(v->w);
}

static void
module_piece(struct value *v, const struct rdb_piece *p)
{
	char words[RDB_MODULE_NAME];

	if (p->what == RDB_MODULE)
		v->module = p->num;
	if (!v->rich)
		return;
	if (p->what != RDB_MODULE) {
		part_piece(v, p);
		return;
	}
	writer_open(v->w, '{');
	writer_name(v->w, "module");
	writer_word(v->w, rdb_module_name(p->num, words));
	writer_name(v->w, "version");
	writer_num(v->w, p->num & 1023);
	writer_name(v->w, "parts");
	writer_open(v->w, '[');
}

/* librdb's words for it. */
static void
module_end(struct value *v, uint64_t bytes)
{
	char words[RDB_MODULE_NAME], all[120];

	if (v->rich)
		return;
	snprintf(all, sizeof all,
	    "<Content of Module '%s'. Occupies a serialized size of %" PRIu64
	    " bytes>",
	    rdb_module_name(v->module, words), bytes);
	writer_word(v->w, all);
}

/* --- arrays --- */

static void
array_begin(struct value *v)
{
	if (v->rich)
		writer_open(v->w, '{');
}

/* The elements begin, behind the insert index, if there was one. */
static void
array_items(struct value *v)
{
	if (v->w->depth > v->base + v->rich)
		return;
	if (v->rich)
		writer_name(v->w, "items");
	writer_open(v->w, '{');
}

static void
array_piece(struct value *v, const struct rdb_piece *p)
{
	char index[24];

	if (p->what == RDB_ARRAY_INSERT) {
		if (!v->rich)
			return;
		writer_name(v->w, "insert");
		writer_num(v->w, p->num);
		return;
	}
	array_items(v);
	if (p->what == RDB_ARRAY_INDEX) {
		snprintf(index, sizeof index, "%" PRIu64, p->num);
		writer_name(v->w, index);
	} else if (p->what == RDB_ARRAY_DOUBLE) {
		writer_double(v->w, p->score);
	} else {
		text(v, p);
	}
}

/* --- all --- */

void
value_begin(
    struct value *v, struct writer *w, const struct rdb_object *o, bool rich)
{
	v->w = w;
	v->rich = rich;
	v->kind = rdb_kind_of(o->type);
	v->field_ttl = rich && rdb_kind_field_ttl(o->type);
	v->base = w->depth;
	switch (v->kind) {
	case RDB_KIND_LIST:
	case RDB_KIND_SET:
		writer_open(w, '[');
		break;
	case RDB_KIND_ZSET:
	case RDB_KIND_HASH:
		writer_open(w, '{');
		break;
	case RDB_KIND_STREAM:
		stream_json_begin(&v->stream, w, o->type, rich);
		break;
	case RDB_KIND_ARRAY:
		array_begin(v);
		break;
	default:
		break;
	}
}

void
value_piece(struct value *v, const struct rdb_piece *p)
{
	switch (v->kind) {
	case RDB_KIND_HASH:
		hash_piece(v, p);
		break;
	case RDB_KIND_ZSET:
		if (p->what == RDB_SCORE)
			writer_double(v->w, p->score);
		else
			name(v, p);
		break;
	case RDB_KIND_STREAM:
		stream_json_piece(&v->stream, p);
		break;
	case RDB_KIND_MODULE:
		module_piece(v, p);
		break;
	case RDB_KIND_ARRAY:
		array_piece(v, p);
		break;
	default:
		text(v, p);
	}
}

void
value_end(struct value *v, uint64_t bytes)
{
	if (v->kind == RDB_KIND_MODULE)
		module_end(v, bytes);
	if (v->kind == RDB_KIND_STREAM)
		stream_json_end(&v->stream);
	if (v->kind == RDB_KIND_ARRAY)
		array_items(v);
	writer_close_to(v->w, v->base);
}
