/* writer.c -- see writer.h. */
#include "stages/print/writer.h"

const char *const writer_encodings[] = { "bytes", "utf8", "base64", NULL };

void
writer_init(struct writer *w, struct output *out, enum writer_encoding encoding)
{
	*w = (struct writer){ .out = out, .encoding = encoding };
	escape_init(&w->escape,
	    encoding == WRITER_UTF8 ? ESCAPE_JSON_UTF8 : ESCAPE_JSON_BYTES);
}

/* Something begins. */
static void
next(struct writer *w)
{
	if (w->comma)
		output_byte(w->out, ',');
	w->comma = true;
}

void
writer_open(struct writer *w, char bracket)
{
	assert(w->depth < WRITER_DEPTH);
	next(w);
	output_byte(w->out, bracket);
	w->closers[w->depth++] = bracket == '{' ? '}' : ']';
	w->comma = false;
}

void
writer_close(struct writer *w)
{
	assert(w->depth > 0);
	output_byte(w->out, w->closers[--w->depth]);
	w->comma = true;
}

void
writer_close_to(struct writer *w, unsigned depth)
{
	while (w->depth > depth)
		writer_close(w);
}

void
writer_line(struct writer *w)
{
	if (w->comma && w->depth > 0)
		output_byte(w->out, ',');
	output_byte(w->out, '\n');
	w->comma = false;
}

void
writer_name(struct writer *w, const char *name)
{
	writer_word(w, name);
	writer_colon(w);
}

void
writer_num(struct writer *w, uint64_t n)
{
	next(w);
	output_num(w->out, n);
}

void
writer_int(struct writer *w, int64_t n)
{
	next(w);
	output_int(w->out, n);
}

void
writer_null(struct writer *w)
{
	next(w);
	output_text(w->out, "null");
}

void
writer_word(struct writer *w, const char *word)
{
	next(w);
	output_byte(w->out, '"');
	output_text(w->out, word);
	output_byte(w->out, '"');
}

void
writer_double(struct writer *w, double d)
{
	next(w);
	output_byte(w->out, '"');
	output_double(w->out, d);
	output_byte(w->out, '"');
}

void
writer_id(struct writer *w, struct rdb_id id)
{
	next(w);
	output_byte(w->out, '"');
	output_num(w->out, id.ms);
	output_byte(w->out, '-');
	output_num(w->out, id.seq);
	output_byte(w->out, '"');
}

void
writer_text(struct writer *w, const void *p, size_t n, bool first, bool last)
{
	if (first) {
		next(w);
		output_byte(w->out, '"');
	}
	if (w->encoding == WRITER_BASE64)
		base64_add(&w->base64, w->out, p, n);
	else
		escape_add(&w->escape, w->out, p, n);
	if (!last)
		return;
	if (w->encoding == WRITER_BASE64)
		base64_end(&w->base64, w->out);
	else
		escape_end(&w->escape, w->out);
	output_byte(w->out, '"');
}

void
writer_colon(struct writer *w)
{
	output_byte(w->out, ':');
	w->comma = false;
}
