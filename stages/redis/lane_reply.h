/*
 * lane_reply.h -- the replies of a lane; private to lane.c.
 *
 * Reads what has arrived, cut anywhere, and matches it to the units on the
 * way.
 */
#ifndef REDIS_LANE_REPLY_H
#define REDIS_LANE_REPLY_H

#include "stages/redis/lane.h"

/* Take all replies that have come.  False: ops->answered failed, or the
 * server says what is no reply. */
MUST_USE bool lane_replies(struct lane *, struct err *);

/* The last unit has ended: had it all its replies before?  As lane_replies. */
MUST_USE bool lane_ended(struct lane *, struct err *);

#endif
