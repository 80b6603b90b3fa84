/*
 * memory.h -- a source and a sink in memory, for tests of filters.
 *
 * The source lends chunks of a chosen size, each in a block of its own that
 * is freed at the next call, so that ASan sees who keeps a loan too long.
 */
#ifndef HARNESS_MEMORY_H
#define HARNESS_MEMORY_H

#include "stages/kit/filter.h"
#include "stages/kit/port.h"

struct memory_source {
	struct source base;
	struct span all; /* what is still to come */
	size_t chunk;    /* bytes lent at a time */
	uint8_t *lent;
};

struct memory_sink {
	struct sink base;
	uint8_t *got; /* free() it */
	size_t len, cap;
	bool committed;
};

void memory_source_init(
    struct memory_source *, const void *p, size_t len, size_t chunk);
void memory_source_release(struct memory_source *);
void memory_sink_init(struct memory_sink *);
void memory_sink_release(struct memory_sink *);

/*
 * Pump p through one filter, in chunks of chunk bytes, with room for room
 * bytes behind a filter that turns.  What comes out is added to *out.
 */
bool memory_pump(struct filter *, const void *p, size_t len, size_t chunk,
    size_t room, struct memory_sink *out, struct err *);

#endif
