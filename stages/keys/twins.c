/* twins.c -- see twins.h. */
#include "stages/keys/twins.h"

#include <stdlib.h>
#include <string.h>

#include "rdb/hash128.h"

enum { LEVEL_BITS = 2, LEVEL_MAX = 31, CAP_FIRST = 8 };

void
twins_init(struct twins *t, size_t bytes)
{
	memset(t, 0, sizeof *t);
	t->cap_max = bytes / sizeof *t->slots;
}

void
twins_release(struct twins *t)
{
	free(t->slots);
	t->slots = NULL;
}

/* The upper bits say whether a name is looked at, the lower ones where. */
static bool
is_watched(uint64_t hash, unsigned level)
{
	return level == 0 || hash >> (64 - LEVEL_BITS * level) == 0;
}

/* Where the hash is, or the free slot where it would be. */
static uint64_t *
slot_of(uint64_t *slots, size_t cap, uint64_t hash)
{
	size_t i = hash & (cap - 1);

	while (slots[i] != 0 && slots[i] != hash)
		i = (i + 1) & (cap - 1);
	return &slots[i];
}

/* A table of another size, of the names that are still looked at. */
static bool
rebuild(struct twins *t, size_t cap, unsigned level)
{
	uint64_t *slots = calloc(cap, sizeof *slots);
	size_t n = 0;

	if (slots == NULL)
		return false;
	for (size_t i = 0; i < t->cap; i++)
		if (t->slots[i] != 0 && is_watched(t->slots[i], level)) {
			*slot_of(slots, cap, t->slots[i]) = t->slots[i];
			n++;
		}
	free(t->slots);
	t->slots = slots;
	t->cap = cap;
	t->n = n;
	t->level = level;
	return true;
}

/* At least a quarter of the slots is free. */
static bool
make_room(struct twins *t)
{
	if (t->n < t->cap / 4 * 3)
		return true;
	if (t->cap < t->cap_max)
		return rebuild(
		    t, t->cap == 0 ? CAP_FIRST : t->cap * 2, t->level);
	return t->level == LEVEL_MAX || rebuild(t, t->cap / 2, t->level + 1);
}

static uint64_t
hash_of(uint64_t db, const void *key, size_t len)
{
	struct hash128 h;
	uint64_t hash;

	hash128_init(&h);
	hash128_update(&h, &db, sizeof db);
	hash128_update(&h, key, len);
	hash = hash128_final(&h).lo;
	return hash == 0 ? 1 : hash;
}

bool
twins_add(struct twins *t, uint64_t db, const void *key, size_t len, bool *twin,
    struct err *e)
{
	uint64_t hash = hash_of(db, key, len), *slot;

	*twin = false;
	if (!make_room(t))
		return err_sys(e, "cannot remember the names of keys");
	if (!is_watched(hash, t->level))
		return true;
	slot = slot_of(t->slots, t->cap, hash);
	*twin = *slot == hash;
	t->n += !*twin;
	*slot = hash;
	return true;
}
