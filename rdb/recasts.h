/*
 * recasts.h -- what the files of the recaster share; private to rdb/.
 *
 *	recast.c	which type becomes which, and the feeding
 *	recast_plain.c	elements one by one, behind their count
 *	recast_list.c	lists of nodes
 *	recast_stream.c	streams
 */
#ifndef RDB_RECASTS_H
#define RDB_RECASTS_H

#include "rdb/recast.h"

/* Something would be lost: counted, or the value refused.  What to return. */
bool recast_lose(struct rdb_recast *, enum rdb_loss);

/* It cannot be had.  Always false. */
bool recast_refuse(struct rdb_recast *, const char *words);

/* Is what was gathered still within bounds, and memory?  If not, refused. */
bool recast_held(struct rdb_recast *, const struct rdb_write *);

/* A text, as a plain string. */
void recast_text(struct rdb_write *, const struct rdb_piece *);

/* Begin a value of one of these kinds: set r->piece and r->end. */
void recast_plain_begin(struct rdb_recast *);
void recast_list_begin(struct rdb_recast *);
void recast_stream_begin(struct rdb_recast *);

/* Streams are judged by their pieces, but copied by their bytes. */
bool recast_stream_copy(struct rdb_recast *, const struct rdb_run *);

#endif
