/*
 * resp.h -- commands that make the keys again, for `redis-cli --pipe`.
 *
 * What stages/redis/commands.h makes of each key, with SELECT where the database
 * changes, and libraries of functions.  What cannot be said in commands of the
 * target is an error that names the key.
 */
#ifndef PRINT_RESP_H
#define PRINT_RESP_H

#include "rdb/engine.h"
#include "stages/print/format.h"

/*
 * For such a server; NULL: for the oldest that reads a stream like the one that
 * comes.  replace: a DEL before each key.
 */
struct format *resp_format_new(struct output *, const struct rdb_engine *target,
    bool replace, struct err *);

#endif
