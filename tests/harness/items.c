/* items.c -- see items.h. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/harness/items.h"

static void
item_add(struct items *l, const struct rdb_run *r)
{
	if (l->n == l->cap) {
		l->cap = l->cap * 2 + 64;
		if ((l->v = realloc(l->v, l->cap * sizeof *l->v)) == NULL)
			abort();
	}
	l->v[l->n++] = (struct item){ r->label, r->at, 0, 0, false };
}

/* One run: does it go on where the last one ended? */
static void
run_add(
    struct items *l, const struct rdb_run *r, const uint8_t *p, uint64_t *seen)
{
	bool open = l->n > 0 && !l->v[l->n - 1].whole;

	if (r->len == 0)
		l->broken = "an empty run";
	else if (r->at != *seen || memcmp(r->ptr, p + r->at, r->len) != 0)
		l->broken = "runs are not the stream";
	else if (r->first == open)
		l->broken = "first is wrong";
	if (!open)
		item_add(l, r);
	if (l->v[l->n - 1].label != r->label)
		l->broken = "an item changed its label";
	l->v[l->n - 1].len += r->len;
	l->v[l->n - 1].whole = r->last;
	if (r->last)
		l->v[l->n - 1].num = r->num;
	else if (r->num != 0)
		l->broken = "a number before its end";
	*seen += r->len;
}

/* Feed one chunk from a block of its own. */
static void
chunk_walk(
    struct items *l, const uint8_t *p, size_t at, size_t n, uint64_t *seen)
{
	uint8_t *copy = malloc(n > 0 ? n : 1);
	struct rdb_run run;

	if (copy == NULL)
		abort();
	memcpy(copy, p + at, n);
	rdb_walk_feed(&l->walk, copy, n);
	while ((l->got = rdb_walk_next(&l->walk, &run)) == RDB_RUN)
		run_add(l, &run, p, seen);
	if (l->walk.at != *seen ||
	    l->walk.at + rdb_walk_rest(&l->walk) != at + n)
		l->broken = "at or rest is wrong";
	if (l->got == RDB_MORE && rdb_walk_rest(&l->walk) != 0)
		l->broken = "asks for more with some left";
	if (rdb_walk_next(&l->walk, &run) != l->got)
		l->broken = "changed its mind when asked again";
	free(copy);
}

void
items_walk(
    struct items *l, const uint8_t *p, size_t len, size_t first, size_t size)
{
	uint64_t seen = 0;
	size_t n;

	memset(l, 0, sizeof *l);
	rdb_walk_init(&l->walk);
	l->got = RDB_MORE;
	for (size_t at = 0; at < len && l->got == RDB_MORE; at += n) {
		n = at == 0 ? first : size;
		if (n > len - at)
			n = len - at;
		chunk_walk(l, p, at, n, &seen);
	}
	if (l->got != RDB_END)
		rdb_walk_explain(
		    &l->walk, l->got == RDB_MORE, l->words, sizeof l->words);
	if (l->got == RDB_BAD && l->walk.fault.at >= len)
		l->broken = "a fault behind the end";
}

void
items_release(struct items *l)
{
	free(l->v);
	l->v = NULL;
}

const char *
items_differ(const struct items *a, const struct items *b)
{
	if (a->broken != NULL || b->broken != NULL)
		return a->broken != NULL ? a->broken : b->broken;
	if (a->got != b->got)
		return "the end";
	if (strcmp(a->words, b->words) != 0)
		return "the words";
	if (a->n != b->n)
		return "the number of items";
	for (size_t i = 0; i < a->n; i++) {
		const struct item *x = &a->v[i], *y = &b->v[i];

		if (x->label != y->label || x->at != y->at ||
		    x->len != y->len || x->num != y->num ||
		    x->whole != y->whole)
			return "an item";
	}
	if (a->got == RDB_END && a->walk.crc != b->walk.crc)
		return "the CRC";
	return NULL;
}
