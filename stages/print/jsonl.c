/* jsonl.c -- see jsonl.h. */
#include "stages/print/jsonl.h"

#include <stdlib.h>

#include "stages/print/value.h"

struct jsonl {
	struct format base;
	struct writer w;
	struct value value;
};

static void
line_begin(struct jsonl *j)
{
	writer_open(&j->w, '{');
}

static void
line_end(struct jsonl *j)
{
	writer_close(&j->w);
	writer_line(&j->w);
}

static bool
jsonl_aux(
    struct format *f, const struct rdb_text_run *run, bool name, struct err *e)
{
	struct jsonl *j = (struct jsonl *)f;

	(void)e;
	if (run->first && name)
		line_begin(j);
	if (run->first)
		writer_name(&j->w, name ? "aux" : "value");
	writer_text(&j->w, run->ptr, run->len, run->first, run->last);
	if (run->last && !name)
		line_end(j);
	return true;
}

/* Before 7.0 was final a library had its name, engine and description apart. */
static bool
jsonl_library(struct format *f, const struct rdb_piece *p, struct err *e)
{
	struct jsonl *j = (struct jsonl *)f;

	(void)e;
	if (p->first) {
		if (j->w.depth == 0)
			line_begin(j);
		writer_name(&j->w,
		    p->what == RDB_LIBRARY_NAME       ? "name" :
			p->what == RDB_LIBRARY_ENGINE ? "engine" :
			p->what == RDB_LIBRARY_ABOUT  ? "about" :
							"function");
	}
	writer_text(&j->w, p->ptr, p->len, p->first, p->last);
	if (p->done)
		line_end(j);
	return true;
}

/* What is known besides, where it is. */
static void
extras_put(struct writer *w, const struct rdb_object *o)
{
	if (o->has_idle) {
		writer_name(w, "idle");
		writer_num(w, o->idle);
	}
	if (o->has_freq) {
		writer_name(w, "freq");
		writer_num(w, o->freq);
	}
	if (o->meta.len > 0) {
		writer_name(w, "metadata");
		writer_num(w, o->meta.len);
	}
}

static bool
jsonl_object(
    struct format *f, const struct rdb_object *o, bool valkey, struct err *e)
{
	struct jsonl *j = (struct jsonl *)f;
	struct writer *w = &j->w;

	(void)e;
	line_begin(j);
	writer_name(w, "db");
	writer_num(w, o->db);
	writer_name(w, "key");
	writer_text(w, o->key.ptr, o->key.len, true, true);
	writer_name(w, "type");
	writer_word(w, rdb_kind_name(rdb_kind_of(o->type)));
	writer_name(w, "encoding");
	writer_word(w, rdb_type_name(o->type, valkey));
	writer_name(w, "expire");
	if (o->expires)
		writer_int(w, o->expire);
	else
		writer_null(w);
	extras_put(w, o);
	writer_name(w, "value");
	value_begin(&j->value, w, o, true);
	return true;
}

static bool
jsonl_piece(struct format *f, const struct rdb_piece *p, struct err *e)
{
	(void)e;
	value_piece(&((struct jsonl *)f)->value, p);
	return true;
}

static bool
jsonl_object_end(
    struct format *f, const struct format_size *size, struct err *e)
{
	struct jsonl *j = (struct jsonl *)f;

	(void)e;
	value_end(&j->value, size->value);
	line_end(j);
	f->strange = writer_strange(&j->w);
	return true;
}

static void
jsonl_free(struct format *f)
{
	free(f);
}

static const struct format_ops ops = {
	.name = "jsonl",
	.aux = jsonl_aux,
	.library = jsonl_library,
	.object = jsonl_object,
	.piece = jsonl_piece,
	.object_end = jsonl_object_end,
	.free = jsonl_free,
};

struct format *
jsonl_new(struct output *out, enum writer_encoding encoding, struct err *e)
{
	struct jsonl *j = calloc(1, sizeof *j);

	if (j == NULL) {
		err_sys(e, "cannot set up the lines");
		return NULL;
	}
	j->base = (struct format){ .ops = &ops, .out = out };
	writer_init(&j->w, out, encoding);
	return &j->base;
}
