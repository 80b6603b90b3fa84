/*
 * crew.h -- threads that move pieces of one object, and the memory for them.
 *
 * One thread, the owner, gives pieces; each worker has a connection of its own
 * and does one piece at a time with it.  For an upload the owner fills pieces
 * and workers send them; for a download workers fill them and the owner lends
 * them on, in the order they were given.
 *
 *	crew_new
 *	p = crew_piece(c, size, e)	memory for a piece
 *	crew_give(c, p, e)		have it done
 *	crew_wait(c, p, e)		.keep: until it has been
 *	crew_spare(c, p)		.keep: give the memory back
 *	crew_finish(c, e)		until all has been done
 *	crew_free
 *
 * Threads are started as pieces are given, so little work takes few.
 *
 * Memory: at most threads + 2 pieces, and no more than .memory bytes unless
 * two pieces are more than that.  Pages that are not written to cost nothing.
 *
 * The first worker that fails calls the others off; every later call of the
 * owner returns that error.  Waiting ends within a tenth of a second after we
 * were asked to stop (stop.h); workers take no signals.
 */
#ifndef STORE_CREW_H
#define STORE_CREW_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#include "stages/kit/err.h"

struct cloud;
struct cloud_line;
struct crew;

#define CREW_THREADS_MAX 32

struct piece {
	uint8_t *mem;
	size_t cap, len;
	unsigned number; /* these two are the owner's to use */
	uint64_t at;

	/* Private to crew.c. */
	struct piece *next;
	bool done;
};

/* Do one piece; called in any thread.  False calls all off. */
typedef bool crew_work(
    void *arg, struct cloud_line *, struct piece *, struct err *);

struct crew_want {
	unsigned threads;        /* 1 to CREW_THREADS_MAX */
	uint64_t memory;         /* bytes for all pieces */
	bool keep;               /* done pieces are the owner's again */
	const atomic_uint *slow; /* SlowDowns heard: see pace.h; may be NULL */
};

/* NULL on failure.  cloud and arg are borrowed. */
struct crew *crew_new(struct cloud *, const struct crew_want *, crew_work *,
    void *arg, struct err *);

/* Memory for size bytes, waiting for it; NULL on failure. */
struct piece *crew_piece(struct crew *, size_t size, struct err *);

/* The same without waiting; *piece NULL: there is none now. */
MUST_USE bool crew_piece_now(
    struct crew *, size_t size, struct piece **piece, struct err *);

MUST_USE bool crew_give(struct crew *, struct piece *, struct err *);
MUST_USE bool crew_wait(struct crew *, struct piece *, struct err *);
void crew_spare(struct crew *, struct piece *);
MUST_USE bool crew_finish(struct crew *, struct err *);

/* Calls off what is under way, waits for the threads, frees all pieces. */
void crew_free(struct crew *);

#endif
