/*
 * numbers.h -- what the numbers and scores of a value mean; private to the
 * value reader.
 */
#ifndef RDB_NUMBERS_H
#define RDB_NUMBERS_H

#include "rdb/pieces.h"

/* The largest TTL of a field: EB_EXPIRE_TIME_MAX in src/ebuckets.h. */
#define NUMBERS_TTL_MAX ((UINT64_C(1) << 48) - 1)

/* The number of a step was read: hand it out, or keep it for the next. */
enum step_got numbers_take(struct rdb_value *, unsigned deed, uint64_t num);

/* How many entries a group of a stream of type 15 has read, that was last given
 * id: what a server assumes which knows the first live ID, the last one, and how
 * many entries there are. */
uint64_t numbers_entries_read(struct rdb_id id, struct rdb_id first,
    struct rdb_id last_id, uint64_t length);

/* A score was read. */
enum step_got numbers_score(struct rdb_value *, unsigned deed, double);

/* The text of a score is gathered in scratch (false: too much for one), then
 * read: all of it must be a number. */
bool numbers_gather(struct rdb_value *, const uint8_t *p, size_t n);
enum step_got numbers_score_text(struct rdb_value *, unsigned deed);

#endif
