/*
 * native.h -- an RDB stream into a server, by its own loader.
 *
 * A sink that plays the primary (master.h) of the server to be filled: the
 * server loads the stream itself, all types and modules included, or is left
 * empty.  Nothing is touched before the input's header has been read.  It
 * prints what it does and warns, as the program it is a part of.
 *
 * Memory: a row per database, and what TLS needs.
 */
#ifndef REDIS_NATIVE_H
#define REDIS_NATIVE_H

#include "stages/kit/port.h"
#include "stages/redis/server.h"
#include "stages/redis/target.h"

/* Does the target hear the length, or a mark at the end?  AUTO: the length
 * when it is known. */
enum native_framing { NATIVE_AUTO, NATIVE_LENGTH, NATIVE_MARK };

/* Texts are borrowed; NULL: not given. */
struct native_options {
	bool flush; /* what the target holds may be removed */
	enum native_framing framing;
	enum target_load load;
	const char *listen, *announce; /* HOST[:PORT] */
	const char *replid;            /* 40 hex digits */
	uint64_t offset;
	char why[300]; /* this way was chosen; "": it was asked for */
};

/* server: initialised with TARGET_RULES, connected or not; it is the sink's
 * from now on.  options are copied.  NULL on failure. */
struct sink *native_new(
    struct server *server, const struct native_options *options, struct err *);

#endif
