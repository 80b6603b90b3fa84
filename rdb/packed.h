/*
 * packed.h -- elements of packed collections; private to the value reader.
 *
 * packed_open when the text of a step begins that is a packed collection;
 * packed_step until it says STEP_END: then the step is done.  STEP_MORE: it
 * needs the next run of the text in v->lent.
 */
#ifndef RDB_PACKED_H
#define RDB_PACKED_H

#include "rdb/pieces.h"

void packed_open(
    struct rdb_value *, unsigned deed, const struct rdb_text_run *);
enum step_got packed_step(
    struct rdb_value *, unsigned deed, struct rdb_piece *);

#endif
