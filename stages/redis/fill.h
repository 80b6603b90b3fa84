/*
 * fill.h -- an RDB stream into running servers, key by key.
 *
 * A sink for a server, or a cluster, that cannot or shall not load the stream
 * itself (native.h).  Each key goes by the cheapest way that is exact and that
 * the target knows:
 *
 *	restore		its bytes as they are, as RESTORE takes them
 *	set		a plain string by SET, many by one MSET
 *	commands	decoded (commands.h): types the target cannot load,
 *			values larger than hold, a target without RESTORE
 *
 * Commands are on the way by the thousand, on several connections (lane.h).
 * What happens to keys that exist is decided before the first key.  This is
 * not atomic: a stream that turns out to be bad, or a target that fails
 * half-way, leaves the keys before that; a second run with FILL_SKIP adds the
 * others.  A key whose commands were cut is removed again, or named.
 *
 * It prints what it does and warns, as the program it is a part of.
 *
 * Memory: hold, some 1.5 MiB a connection, a key, and what commands.h says.
 */
#ifndef REDIS_FILL_H
#define REDIS_FILL_H

#include "stages/keys/choice.h"
#include "stages/kit/port.h"
#include "stages/redis/survey.h"

enum fill_conflict { FILL_FAIL, FILL_SKIP, FILL_REPLACE };

#define FILL_HOLD (8 << 20)

struct fill_options {
	bool commands; /* no RESTORE */
	bool plan;     /* touch nothing, tell what would be done */
	bool native;   /* ... by native.h */
	bool flush;    /* remove what the target holds first */
	enum fill_conflict conflict;
	unsigned connections;        /* 0: 4; of a cluster 1 a master */
	uint64_t hold;               /* largest value by RESTORE */
	const struct choice *choice; /* borrowed */
	char why[SURVEY_WHY];        /* this way was chosen */
};

/* server: initialised, connected or not; it is the sink's from now on, even on
 * failure, which gives NULL.  options are copied. */
struct sink *fill_new(
    struct server *server, const struct fill_options *options, struct err *);

#endif
