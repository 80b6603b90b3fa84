/*
 * seen.h -- which keys have been written already.
 *
 * SCAN may return a key twice, when the server's table grows or shrinks
 * meanwhile, and a server that loads an RDB with the same key twice ends: so
 * every key must be remembered, exactly, and in memory that does not grow with
 * their number.
 *
 * A key is remembered as 16 bytes: SHA-256, cut to 128 bits, with its database.
 * Two keys that differ are taken for one with a probability of n^2 / 2^129 (for
 * 10^10 keys 10^-19), and nobody can make such two.  The table, with open
 * addressing and at least a quarter free, is in memory as long as it and the
 * one half as large that it grows from are within the bound: 256 MiB do for 6
 * million keys.  From then on it is in a temporary file without a name, in
 * $TMPDIR or /var/tmp: 21 to 64 bytes a key on disk, half as much again while
 * it grows, reserved beforehand, and two small reads or writes a key.
 */
#ifndef REDIS_SEEN_H
#define REDIS_SEEN_H

#include <stdint.h>

#include "stages/kit/err.h"

#define SEEN_MEMORY_MIN 65536

struct seen;

/* memory: bytes the table may have, SEEN_MEMORY_MIN at least.  NULL on
 * failure. */
struct seen *seen_new(size_t memory, struct err *);
void seen_free(struct seen *);

/*
 * Remember a key.  *before: it was remembered already.  ERR_SYSTEM when there
 * is no memory, or no room in the temporary file.
 */
MUST_USE bool seen_add(struct seen *, uint64_t db, const void *key, size_t len,
    bool *before, struct err *);

/* Is it in a file? */
bool seen_on_disk(const struct seen *);

#endif
