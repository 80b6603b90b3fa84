/* text.c -- see text.h. */
#include "rdb/atom.h"
#include "rdb/text.h"

enum state { HEAD, PLAIN, INTEGER, PACKED, BROKEN };

void
rdb_text_begin(struct rdb_text *t)
{
	t->what = NULL;
	t->state = HEAD;
	atom_init(&t->atom);
}

static enum rdb_got
bad(struct rdb_text *t, const char *what)
{
	t->what = what;
	t->state = BROKEN;
	return RDB_BAD;
}

/* Lend n bytes at p and note that they are gone. */
static enum rdb_got
lend(struct rdb_text *t, struct rdb_text_run *run, const uint8_t *p, size_t n)
{
	run->ptr = p;
	run->len = n;
	run->size = t->size;
	run->first = t->left == t->size;
	t->left -= n;
	run->last = t->left == 0;
	if (run->last)
		t->state = HEAD;
	return RDB_RUN;
}

/* A short plain string that lies in the chunk as a whole. */
static bool
quick(struct rdb_chunk *in, struct rdb_text_run *run)
{
	const uint8_t *p;
	uint64_t n;

	if (in->ptr == in->end || *in->ptr >= 0xc0)
		return false;
	p = atom_number_quick(in->ptr, in->end, &n);
	if (p == NULL || n > (uint64_t)(in->end - p))
		return false;
	*run = (struct rdb_text_run){ p, (size_t)n, n, true, true };
	in->ptr = p + n;
	return true;
}

/* The bytes in front of the string are read: what is it made of? */
static void
begin(struct rdb_text *t)
{
	if (t->atom.kind == ATOM_PLAIN) {
		t->state = PLAIN;
		t->size = t->left = t->atom.left;
	} else if (t->atom.kind == ATOM_LZF) {
		t->state = PACKED;
		t->size = t->left = t->atom.full;
		lzf_init(&t->lzf, t->atom.left, t->atom.full);
	} else {
		t->state = INTEGER;
	}
}

static enum rdb_got
plain(struct rdb_text *t, struct rdb_chunk *in, struct rdb_text_run *run)
{
	const uint8_t *p = in->ptr;
	size_t n = (size_t)(in->end - p);

	if (n > t->left)
		n = (size_t)t->left;
	if (n == 0 && t->left > 0)
		return RDB_MORE;
	in->ptr += n;
	return lend(t, run, p, n);
}

static enum rdb_got
integer(struct rdb_text *t, struct rdb_chunk *in, struct rdb_text_run *run)
{
	unsigned width = 1u << t->atom.kind;
	uint64_t sign = UINT64_C(1) << (8 * width - 1);

	if (atom_fixed(&t->atom, in, width) != ATOM_DONE)
		return RDB_MORE;
	t->size = t->left =
	    decimal_put((int64_t)((t->atom.num ^ sign) - sign), t->digits);
	return lend(t, run, t->digits, (size_t)t->size);
}

static enum rdb_got
packed(struct rdb_text *t, struct rdb_chunk *in, struct rdb_text_run *run)
{
	const uint8_t *p;
	size_t n;
	enum rdb_got got = lzf_next(&t->lzf, in, &p, &n);

	if (got == RDB_BAD)
		return bad(t, t->lzf.what);
	if (got != RDB_RUN)
		return RDB_MORE;
	lend(t, run, p, n);
	if (t->lzf.what != NULL) { /* all is there, and more: next time */
		run->last = false;
		t->state = PACKED;
	}
	return RDB_RUN;
}

enum rdb_got
rdb_text_next(
    struct rdb_text *t, struct rdb_chunk *in, struct rdb_text_run *run)
{
	enum atom a;

	if (t->state == HEAD) {
		if (atom_idle(&t->atom) && quick(in, run))
			return RDB_RUN;
		a = atom_head(&t->atom, in);
		if (a == ATOM_DRY)
			return RDB_MORE;
		if (a == ATOM_WRONG)
			return bad(t, t->atom.what);
		begin(t);
	}
	switch (t->state) {
	case PLAIN:
		return plain(t, in, run);
	case INTEGER:
		return integer(t, in, run);
	case PACKED:
		return packed(t, in, run);
	default:
		return RDB_BAD;
	}
}
