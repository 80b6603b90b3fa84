/*
 * items.h -- the items of a stream, gathered from the walker's runs however
 * the stream was cut; and a check of the promise that nothing is lost.
 *
 * Each chunk is fed from a block of its own, of exactly its size, freed before
 * the next: so the sanitizers see who looks too far or too late.
 */
#ifndef HARNESS_ITEMS_H
#define HARNESS_ITEMS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "rdb/rdb.h"

struct item {
	enum rdb_label label;
	uint64_t at, len, num;
	bool whole; /* its last run was seen */
};

struct items {
	struct item *v;
	size_t n, cap;
	enum rdb_got got;
	struct rdb_walk walk;
	char words[600];    /* rdb_walk_explain, unless RDB_END */
	const char *broken; /* a promise the walker broke, or NULL */
};

/* Walk len bytes at p: a chunk of first bytes, then chunks of size bytes. */
void items_walk(
    struct items *, const uint8_t *p, size_t len, size_t first, size_t size);
void items_release(struct items *);

/* No seams: the same items, the same end, the same words.  NULL, or what
 * differs. */
const char *items_differ(const struct items *, const struct items *);

#endif
