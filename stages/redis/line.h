/* line.h -- one line from a server: what stands in front of bytes that are too
 * many for resp.h to hold. */
#ifndef REDIS_LINE_H
#define REDIS_LINE_H

#include "stages/redis/conn.h"

/*
 * The next line that is not empty, without its end, NUL-terminated.  Empty ones
 * are signs of life of a server that prepares a snapshot.  ERR_REMOTE when a
 * line has no end within cap bytes.
 */
MUST_USE bool line_read(struct conn *, char *line, size_t cap, struct err *);

#endif
