/* json.c -- see json.h. */
#include "stages/print/json.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "stages/print/value.h"

/* In the list there is an object per database, in that of the first one may be
 * two of ours: this deep is the writer in each. */
enum depth { DEPTH_LIST = 1, DEPTH_DATABASE, DEPTH_OURS };

/* What is open of it. */
enum ours { OURS_NONE, OURS_AUX, OURS_LIBRARIES };

struct json {
	struct format base;
	struct writer w;
	struct value value;
	bool keys; /* there was one: db is its database */
	uint64_t db, libraries;
	enum ours ours;
};

static bool
json_begin(struct format *f, int version, bool valkey, struct err *e)
{
	(void)version, (void)valkey, (void)e;
	writer_open(&((struct json *)f)->w, '[');
	return true;
}

static void
database_open(struct json *j)
{
	if (j->w.depth == DEPTH_LIST)
		writer_open(&j->w, '{');
}

static void
database_close(struct json *j)
{
	if (j->w.depth == DEPTH_LIST)
		return;
	output_byte(j->base.out, '\n');
	writer_close_to(&j->w, DEPTH_LIST);
}

/* The object for what is ours is open behind this. */
static void
ours_open(struct json *j, enum ours ours, const char *name)
{
	if (j->ours == ours)
		return;
	writer_close_to(&j->w, DEPTH_DATABASE);
	database_open(j);
	writer_line(&j->w);
	writer_name(&j->w, name);
	writer_open(&j->w, '{');
	j->ours = ours;
}

static bool
json_aux(
    struct format *f, const struct rdb_text_run *run, bool name, struct err *e)
{
	struct json *j = (struct json *)f;

	(void)e;
	if (name && run->first)
		ours_open(j, OURS_AUX, "__aux__");
	writer_text(&j->w, run->ptr, run->len, run->first, run->last);
	if (name && run->last)
		writer_colon(&j->w);
	return true;
}

/* Libraries are numbered: their names are inside their sources. */
static bool
json_library(struct format *f, const struct rdb_piece *p, struct err *e)
{
	struct json *j = (struct json *)f;
	char name[40];

	(void)e;
	if (p->what != RDB_LIBRARY)
		return true;
	if (p->first) {
		ours_open(j, OURS_LIBRARIES, "__func__");
		snprintf(
		    name, sizeof name, "__Function_%" PRIu64, ++j->libraries);
		writer_name(&j->w, name);
	}
	writer_text(&j->w, p->ptr, p->len, p->first, p->last);
	return true;
}

static bool
json_object(
    struct format *f, const struct rdb_object *o, bool valkey, struct err *e)
{
	struct json *j = (struct json *)f;

	(void)valkey, (void)e;
	if (j->keys && o->db != j->db)
		database_close(j);
	if (j->ours != OURS_NONE)
		writer_close_to(&j->w, DEPTH_DATABASE);
	j->ours = OURS_NONE;
	j->keys = true;
	j->db = o->db;
	database_open(j);
	writer_line(&j->w);
	writer_text(&j->w, o->key.ptr, o->key.len, true, true);
	writer_colon(&j->w);
	value_begin(&j->value, &j->w, o, false);
	return true;
}

static bool
json_piece(struct format *f, const struct rdb_piece *p, struct err *e)
{
	(void)e;
	value_piece(&((struct json *)f)->value, p);
	return true;
}

static bool
json_object_end(struct format *f, const struct format_size *size, struct err *e)
{
	struct json *j = (struct json *)f;

	(void)e;
	value_end(&j->value, size->value);
	f->strange = writer_strange(&j->w);
	return true;
}

static bool
json_end(struct format *f, struct err *e)
{
	struct json *j = (struct json *)f;

	(void)e;
	database_close(j);
	writer_close(&j->w);
	output_byte(f->out, '\n');
	return true;
}

static void
json_free(struct format *f)
{
	free(f);
}

static const struct format_ops ops = {
	.name = "json",
	.begin = json_begin,
	.aux = json_aux,
	.library = json_library,
	.object = json_object,
	.piece = json_piece,
	.object_end = json_object_end,
	.end = json_end,
	.free = json_free,
};

struct format *
json_new(struct output *out, enum writer_encoding encoding, struct err *e)
{
	struct json *j = calloc(1, sizeof *j);

	if (j == NULL) {
		err_sys(e, "cannot set up the document");
		return NULL;
	}
	j->base = (struct format){ .ops = &ops, .out = out };
	writer_init(&j->w, out, encoding);
	return &j->base;
}
