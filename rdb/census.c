/* census.c -- see census.h. */
#include "rdb/census.h"

#include <stdlib.h>
#include <string.h>

void
rdb_census_init(struct rdb_census *c)
{
	memset(c, 0, sizeof *c);
}

void
rdb_census_release(struct rdb_census *c)
{
	free(c->dbs);
	rdb_census_init(c);
}

/* Make db the one that keys are counted for. */
static bool
db_select(struct rdb_census *c, uint64_t db)
{
	struct rdb_census_db *more;
	size_t cap;

	for (size_t i = 0; i < c->n_dbs; i++)
		if (c->dbs[i].db == db) {
			c->now = &c->dbs[i];
			return true;
		}
	c->now = NULL;
	if (c->n_dbs == RDB_CENSUS_DBS) {
		c->dbs_left_out = true;
		return true;
	}
	if (c->n_dbs == c->cap) {
		cap = c->cap == 0 ? 16 : c->cap * 2;
		if ((more = realloc(c->dbs, cap * sizeof *more)) == NULL)
			return false;
		c->dbs = more;
		c->cap = cap;
	}
	c->now = &c->dbs[c->n_dbs++];
	*c->now = (struct rdb_census_db){ .db = db };
	return true;
}

/* A value is complete: the key before it counts. */
static void
key_count(struct rdb_census *c)
{
	c->keys++;
	c->expires += c->expire;
	c->by_type[c->type & 0xff]++;
	if (c->now != NULL) {
		c->now->keys++;
		c->now->expires += c->expire;
	}
	c->expire = false;
}

/* Records in front of any SELECTDB belong to database 0. */
static bool
db_default(struct rdb_census *c)
{
	return c->now != NULL || c->dbs_left_out || db_select(c, 0);
}

bool
rdb_census_add(struct rdb_census *c, struct rdb_tally *t)
{
	if (t->keys == 0)
		return true;
	if (!db_default(c))
		return false;
	c->keys += t->keys;
	c->expires += t->expires;
	for (unsigned i = 0; i < 256; i++)
		c->by_type[i] += t->by_type[i];
	if (c->now != NULL) {
		c->now->keys += t->keys;
		c->now->expires += t->expires;
	}
	memset(t, 0, sizeof *t);
	return true;
}

bool
rdb_census_feed(struct rdb_census *c, const struct rdb_run *run)
{
	if (!run->last)
		return true;
	switch (run->label) {
	case RDB_SELECT:
		return db_select(c, run->num);
	case RDB_FUNCTION:
		c->functions++;
		return true;
	case RDB_EXPIRE:
		c->expire = true;
		return true;
	case RDB_TYPE:
		c->type = run->num;
		return db_default(c);
	case RDB_VALUE:
		key_count(c);
		return true;
	default:
		return true;
	}
}
