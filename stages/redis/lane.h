/*
 * lane.h -- commands to a server, many on the way at a time.
 *
 * A lane is a connection on which commands are sent without waiting for their
 * replies; several make a set, and whoever waits waits for all of them.  A
 * server that is slow fills the lane's buffer, and putting more into it then
 * returns late: memory is bounded, and since replies are read while waiting,
 * neither side can block the other.
 *
 * The unit is what belongs together, the commands of one key.  Its bytes are
 * kept until all its replies have come, so that it can be sent again, here
 * after the connection was lost, or elsewhere.  A unit larger than the buffer
 * is passing: it is forgotten as it is sent, and cannot be sent again.
 *
 *	lanes_init(&set, n, capacity, &ops, arg, e)
 *	lane_open(&set.v[i], server, e)			for each
 *	for each key	lane_begin(lane, &unit, e)
 *			lane_put(lane, span, e) or lane_room, lane_filled
 *			lane_command(lane)	after each whole command
 *			lane_end(lane, e)
 *	now and then	lanes_turn(&set, 0, e)
 *	lanes_settle(&set, e)	until all is answered
 *	lanes_release(&set)
 *
 * ops->answered is called for every unit, in order, when its last reply has
 * come, and may not put anything into a lane.  ops->lost is called when a
 * connection broke; it makes the lane good with lane_reopen(), or fails.
 *
 * A server with replicas may forget what it acknowledged, when one of them
 * takes over.  With lane.replicas units are kept, beyond their reply, until
 * WAIT has said that a replica has them; reopened, all that is kept is sent
 * again.
 *
 * Replies: RESP2 of any shape, of which the first error and the last number
 * are handed on.  Errors are ERR_REMOTE and name the server.
 */
#ifndef REDIS_LANE_H
#define REDIS_LANE_H

#include <stdbool.h>
#include <stdint.h>

#include "stages/kit/err.h"
#include "stages/kit/span.h"
#include "stages/redis/server.h"

#define LANE_SAID 300 /* bytes of an error's text that are kept */

struct lane_unit {
	/* By whoever puts it in. */
	unsigned tag;  /* means nothing here */
	uint32_t keys; /* how many it makes */
	uint64_t db;   /* where; SELECT is sent when it changes */

	/* By lane.c. */
	bool open;    /* more of it is to come */
	bool passing; /* its first bytes are forgotten */
	bool resent;  /* sent before: what it asks for may have been done
			 already.  Also by whoever puts it in */
	bool known;   /* answered before; only sent again to be safe */
	bool ours;    /* SELECT or WAIT, not handed on */
	uint32_t commands, left; /* ended; of those, not answered */
	size_t len;              /* bytes in the buffer */
};

struct lane_answer {
	const struct lane_unit *unit;
	const char *error; /* text of the first error reply, or NULL */
	bool nil;          /* a reply was nil */
	bool empty;        /* a reply was an array of nothing, by itself */
	long long num;     /* the last number replied */
	struct span bytes; /* the unit as it was sent; none when passing */
};

struct lane;

struct lane_ops {
	bool (*answered)(
	    void *arg, struct lane *, const struct lane_answer *, struct err *);
	/* e holds how it broke. */
	bool (*lost)(void *arg, struct lane *, struct err *e);
};

/* The unit ring's size is a power of two. */
#define LANE_UNITS 4096

struct lane {
	/* To be read. */
	struct server server; /* strings borrowed; "" when never open */
	unsigned number;      /* place in the set */
	bool unsure;          /* WAIT could not be had */

	/* Set it between units: replicas to wait for. */
	unsigned replicas;

	/* Private to lane.c. */
	struct lanes *set;
	uint8_t *buf;
	size_t cap, head, next_at, sent, tail;
	struct lane_unit *units;   /* a ring */
	uint64_t first, next, end; /* kept, unanswered, behind the last */
	uint64_t stop_at;          /* the first unit that cannot be answered */
	uint64_t db;               /* selected at the end of buf */
	size_t waited;             /* bytes before the last WAIT */
	int64_t alive;             /* when it last moved */
	uint64_t items, skip;      /* of the reply being read */
	bool nested;               /* it is in an array */
	bool broken, failed, nil, empty; /* of the unit being answered */
	long long num;
	char said[LANE_SAID];
};

struct lanes {
	struct lane *v;
	size_t n;
	const struct lane_ops *ops;
	void *arg;
	struct pollfd *polls;
	bool stopping;
	bool moved; /* something was sent, or came, at the last look */
};

/* n lanes, each with room for capacity bytes (32 KiB at least). */
MUST_USE bool lanes_init(struct lanes *, size_t n, size_t capacity,
    const struct lane_ops *, void *arg, struct err *);
void lanes_release(struct lanes *);

/* Connect and log in.  server is borrowed until the lane is opened to another
 * or released. */
MUST_USE bool lane_open(struct lane *, const struct server *, struct err *);

/*
 * From ops->lost: one attempt to connect anew, to server; then all that is kept
 * is sent again.  *later: a further attempt may succeed.  No unit may be
 * passing.
 */
MUST_USE bool lane_reopen(
    struct lane *, const struct server *, bool *later, struct err *);

/* The unit whose bytes are gone, or NULL; and nothing kept, it neither. */
const struct lane_unit *lane_passing(const struct lane *);
void lane_forget(struct lane *);

/* A unit begins: its tag, keys and db count. */
MUST_USE bool lane_begin(struct lane *, const struct lane_unit *, struct err *);
MUST_USE bool lane_put(struct lane *, struct span, struct err *);

/*
 * Room for n bytes in one piece, n at most a quarter of the capacity; then
 * how many of them were filled.  NULL on failure.
 */
uint8_t *lane_room(struct lane *, size_t n, struct err *);
void lane_filled(struct lane *, size_t n);

void lane_command(struct lane *);
MUST_USE bool lane_end(struct lane *, struct err *);

/* Send and receive what goes and comes, waiting ms at most. */
MUST_USE bool lanes_turn(struct lanes *, int64_t ms, struct err *);

/* Until everything is sent and answered; settled: and safe with replicas. */
MUST_USE bool lane_drain(struct lane *, struct err *);
MUST_USE bool lane_settle(struct lane *, struct err *);
MUST_USE bool lanes_settle(struct lanes *, struct err *);

/*
 * After a failure: take back what has not been sent, and wait, ms at most, for
 * the answers to what has.  ops->lost is not called any more.  A lane that is
 * lane_idle() afterwards is good; what waits in others is in doubt.
 */
void lanes_stop(struct lanes *, int64_t ms);

/* Units that are not answered. */
static inline uint64_t
lane_waiting(const struct lane *l)
{
	return l->end - l->next;
}

/* So much at once should be safe by itself: settle before and after. */
static inline bool
lane_is_much(const struct lane *l, size_t n)
{
	return l->replicas > 0 && n > l->cap / 4;
}

/* The bytes of the i-th unit that is not answered. */
struct span lane_bytes(const struct lane *, uint64_t i);

/* Nothing is on its way, so the connection may be used for calls. */
static inline bool
lane_idle(const struct lane *l)
{
	return l->server.conn != NULL && l->next == l->end;
}

/* The i-th of them. */
static inline const struct lane_unit *
lane_unit(const struct lane *l, uint64_t i)
{
	return &l->units[(l->next + i) % LANE_UNITS];
}

#endif
