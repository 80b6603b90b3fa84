/*
 * steps.h -- pass over what a shape describes; private to rdb/.
 *
 *	shape_start(&place, row->shape);
 *	steps_run(&place, &atom, &chunk)	ATOM_DRY: again, next chunk
 *
 * Takes the bytes off the front of the chunk.  ATOM_DONE comes with the last
 * byte of the shape, never later; place.num is then the shape's number (its
 * NUM, BYTE, SECONDS in milliseconds, MILLIS, SLOT, or STORED_CRC), else 0.
 * ATOM_WRONG: atom.what and atom.size say what and where, as in atom.h.
 */
#ifndef RDB_STEPS_H
#define RDB_STEPS_H

#include "rdb/atom.h"
#include "rdb/shape.h"

enum atom steps_run(struct rdb_place *, struct rdb_atom *, struct rdb_chunk *);

/* The same for one step, or as much of it as the chunk has.  ATOM_DONE: the
 * place is at the next one; never at END, which is none. */
enum atom steps_one(struct rdb_place *, struct rdb_atom *, struct rdb_chunk *);

/* The end of what the shape describes, if it lies before end as a whole and
 * is good; else NULL. */
const uint8_t *steps_over(
    const uint8_t *shape, const uint8_t *p, const uint8_t *end);

#endif
