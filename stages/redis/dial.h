/*
 * dial.h -- from a URL to a connected socket.
 */
#ifndef REDIS_DIAL_H
#define REDIS_DIAL_H

#include <stdint.h>

#include "stages/kit/err.h"
#include "stages/redis/url.h"

/*
 * Connect, trying each address the host has, until end (clock_steady()) at the
 * latest; only the resolver takes the time it takes.  The descriptor is the
 * caller's, close-on-exec, and does not block.  -1 on failure.
 */
int dial_open(const struct url *, int64_t end, struct err *);

#endif
