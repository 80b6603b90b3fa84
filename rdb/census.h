/*
 * census.h -- count what a stream holds, by database and by type.
 *
 * Give it every run of a walk (rdb.h); read the numbers at any time.  A key
 * counts once its value is complete.  Memory: a row per database, at most
 * RDB_CENSUS_DBS of them; what lies beyond is counted in the totals only, and
 * dbs_left_out says so.
 */
#ifndef RDB_CENSUS_H
#define RDB_CENSUS_H

#include "rdb/rdb.h"

#define RDB_CENSUS_DBS 16384

struct rdb_census_db {
	uint64_t db, keys, expires;
};

struct rdb_census {
	uint64_t keys, expires, functions;
	uint64_t by_type[256];     /* keys per type byte */
	struct rdb_census_db *dbs; /* in order of first appearance */
	size_t n_dbs;
	bool dbs_left_out;

	/* Private to census.c. */
	size_t cap;
	struct rdb_census_db *now; /* the selected one, or NULL */
	uint64_t type;
	bool expire;
};

/* All zero is an empty census. */
void rdb_census_init(struct rdb_census *);

/* Count records that were passed over (rdb_walk_pass) in the selected database,
 * and empty the tally.  False only when memory ran out. */
bool rdb_census_add(struct rdb_census *, struct rdb_tally *);

/* Count one run.  False only when memory ran out. */
bool rdb_census_feed(struct rdb_census *, const struct rdb_run *);

void rdb_census_release(struct rdb_census *);

#endif
