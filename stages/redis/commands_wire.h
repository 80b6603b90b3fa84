/*
 * commands_wire.h -- commands as bytes, into a struct commands_out; private to
 * commands.
 *
 *	wire_begin(w, 3, "SET")
 *	wire_bulk(w, key, n)
 *	wire_open(w, size), wire_bytes ..., wire_close(w)	a bulk in pieces
 *	wire_end(w)
 *
 * Small commands are gathered, so that each is one put().  A failure sticks:
 * .ok is false, what failed is in *.e, and nothing more is put.
 */
#ifndef REDIS_COMMANDS_WIRE_H
#define REDIS_COMMANDS_WIRE_H

#include "stages/redis/commands.h"

#define WIRE_ROOM   (16 * 1024)
#define WIRE_HEAD   24 /* longest "$123\r\n" */
#define WIRE_DIGITS 20

struct commands_wire {
	struct commands_out out;
	struct err *e; /* of the call under way */
	bool ok;
	bool half; /* a command has begun and not ended */
	size_t len;
	uint8_t buf[WIRE_ROOM];
};

/* A command of so many words, of which this is the first. */
void wire_begin(struct commands_wire *, uint64_t words, const char *name);
void wire_end(struct commands_wire *);

/* One word each. */
void wire_bulk(struct commands_wire *, const void *, size_t);
void wire_text(struct commands_wire *, const char *);
void wire_number(struct commands_wire *, int64_t);
void wire_id(struct commands_wire *, struct rdb_id);

/* One word of size bytes, which wire_bytes puts. */
void wire_open(struct commands_wire *, uint64_t size);
void wire_bytes(struct commands_wire *, const void *, size_t);
void wire_close(struct commands_wire *);

/* What stands in front of a word, written to `to`: its length. */
size_t wire_head(uint8_t to[WIRE_HEAD], uint64_t size);

#endif
