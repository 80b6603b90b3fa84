/*
 * entries.h -- the entries of a stream node, from the elements of its
 * listpack; private to value.c.
 *
 *	entries_begin(&e)			per stream
 *	entries_node(&e, id)			per node
 *	for each run of the listpack
 *		entries_take(&e, &run, &piece, &given)
 *		entries_replay(&e, &piece)	true: one more piece
 *	entries_end(&e)				at the listpack's end
 *
 * False: the node is bad, see e.what.
 *
 * The listpack of a node:
 *
 *	live  deleted  fields  field ...  0		the master entry
 *	flags  ms  seq  [fields field value ...]	an entry, or, with
 *	flags  ms  seq  [value ...]			the master's fields
 *	steps						ends each entry
 *
 * ms and seq are relative to the node's ID; steps is how many elements the
 * entry has before it.  Source: src/t_stream.c of Redis 5.0 and later,
 * streamAppendItem.
 */
#ifndef RDB_ENTRIES_H
#define RDB_ENTRIES_H

#include "rdb/value.h"

void entries_begin(struct rdb_entries *);
void entries_node(struct rdb_entries *, struct rdb_id);

/* *given: there is a piece for the consumer. */
bool entries_take(struct rdb_entries *, const struct blob_run *,
    struct rdb_piece *, bool *given);

/* The next piece that needs no input: a field's name that was stored once. */
bool entries_replay(struct rdb_entries *, struct rdb_piece *);

bool entries_end(struct rdb_entries *);

#endif
