/* memory.c -- see memory.h. */
#include "tests/harness/memory.h"

#include <stdlib.h>
#include <string.h>

#include "stages/kit/pump.h"

static bool
source_lend(struct source *s, struct span *chunk, struct err *e)
{
	struct memory_source *m = (struct memory_source *)s;
	size_t n = m->all.len < m->chunk ? m->all.len : m->chunk;
	struct span head = span_take(&m->all, n);

	(void)e;
	free(m->lent);
	m->lent = malloc(n > 0 ? n : 1);
	if (n > 0)
		memcpy(m->lent, head.ptr, n);
	*chunk = (struct span){ m->lent, n };
	return true;
}

static bool
sink_take(struct sink *s, struct span c, struct err *e)
{
	struct memory_sink *m = (struct memory_sink *)s;

	(void)e;
	if (m->len + c.len > m->cap) {
		m->cap = (m->len + c.len) * 2;
		m->got = realloc(m->got, m->cap);
	}
	memcpy(m->got + m->len, c.ptr, c.len);
	m->len += c.len;
	return true;
}

static bool
sink_done(struct sink *s, struct err *e)
{
	(void)e;
	return ((struct memory_sink *)s)->committed = true;
}

static const struct source_ops source_ops = { .next = source_lend };
static const struct sink_ops sink_ops = { .put = sink_take,
	.commit = sink_done };

void
memory_source_init(
    struct memory_source *m, const void *p, size_t len, size_t chunk)
{
	*m = (struct memory_source){ { &source_ops }, { p, len }, chunk, NULL };
}

void
memory_source_release(struct memory_source *m)
{
	free(m->lent);
}

void
memory_sink_init(struct memory_sink *m)
{
	*m = (struct memory_sink){ .base = { &sink_ops } };
}

void
memory_sink_release(struct memory_sink *m)
{
	free(m->got);
}

bool
memory_pump(struct filter *f, const void *p, size_t len, size_t chunk,
    size_t room, struct memory_sink *out, struct err *e)
{
	struct memory_source from;
	uint8_t *mem = malloc(room);
	struct room between = { mem, 0, f->ops->turn != NULL ? room : 0 };
	struct pump pump = { .from = &from.base,
		.via = &f,
		.n = 1,
		.to = &out->base,
		.between = &between };
	bool ok;

	memory_source_init(&from, p, len, chunk);
	ok = pump_run(&pump, e);
	memory_source_release(&from);
	free(mem);
	return ok;
}
