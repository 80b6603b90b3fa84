/* pump.c -- see pump.h. */
#include "stages/kit/pump.h"

#include "stages/kit/progress.h"

static bool push(struct pump *, size_t, struct span, struct err *);

/* Hand what via[i] has turned out to whoever is next. */
static bool
drain(struct pump *p, size_t i, struct err *e)
{
	struct room *out = &p->between[i];
	struct span full = { out->ptr, out->len };

	out->len = 0;
	return full.len == 0 || push(p, i + 1, full, e);
}

static bool
turn(struct pump *p, size_t i, struct span in, struct err *e)
{
	struct filter *f = p->via[i];
	struct room *out = &p->between[i];

	while (in.len > 0) {
		size_t had = in.len, held = out->len;

		if (!f->ops->turn(f, &in, out, e))
			return false;
		if (in.len == had && out->len == held && held < out->cap)
			return err_set(e, ERR_BUG, "%s is stuck", f->ops->name);
		if ((in.len > 0 || out->len == out->cap) && !drain(p, i, e))
			return false;
	}
	return true;
}

/* Send in through via[i] and all that follow. */
static bool
push(struct pump *p, size_t i, struct span in, struct err *e)
{
	if (i == p->n)
		return sink_put(p->to, in, e);
	if (p->via[i]->ops->turn != NULL)
		return turn(p, i, in, e);
	return p->via[i]->ops->watch(p->via[i], in, e) && push(p, i + 1, in, e);
}

/* Tell via[i] that its input is over, then the ones behind it. */
static bool
finish(struct pump *p, size_t i, struct err *e)
{
	const struct filter_ops *ops;
	bool done = false;

	if (i == p->n)
		return true;
	ops = p->via[i]->ops;
	while (ops->finish != NULL && !done) {
		if (!ops->finish(
			p->via[i], ops->turn ? &p->between[i] : NULL, &done, e))
			return false;
		if (!done && !drain(p, i, e))
			return false;
	}
	return drain(p, i, e) && finish(p, i + 1, e);
}

bool
pump_run(struct pump *p, struct err *e)
{
	struct span chunk;

	for (;;) {
		if (!source_next(p->from, &chunk, e))
			return false;
		if (chunk.len == 0)
			break;
		if (!push(p, 0, chunk, e))
			return false;
		if (p->progress != NULL)
			progress_add(p->progress, chunk.len);
	}
	return finish(p, 0, e) && sink_commit(p->to, e);
}
