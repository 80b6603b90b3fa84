/*
 * write.h -- an RDB stream, written.
 *
 * Bytes are put behind each other in memory that grows, and taken off its
 * front by whoever passes them on; meanwhile the CRC64 of all that was put is
 * kept.  The caller takes often enough to bound the memory.
 *
 *	rdb_write_init(&w)
 *	rdb_write_magic, _aux, _select, _object, _value ..., _trailer
 *	now and then	if (w.failed) no memory
 *			use w.ptr, w.len; rdb_write_taken(&w, n)
 *	rdb_write_release(&w)
 *
 * Everything is written the way servers write it: shortest lengths, strings
 * plain.  Formats: src/rdb.c, rdbSaveLen, rdbSaveRawString.
 */
#ifndef RDB_WRITE_H
#define RDB_WRITE_H

#include "rdb/object.h"

struct rdb_write {
	/* To be read. */
	const uint8_t *ptr; /* what waits to be taken */
	size_t len;
	bool failed;  /* memory ran out: nothing more was put */
	uint64_t at;  /* bytes put so far, taken or not */
	uint64_t crc; /* of the stream: after rdb_write_trailer, until more is
			 taken */

	/* Private to write.c. */
	uint8_t *buf;
	size_t head, tail, cap;
	size_t summed; /* of buf, where the CRC has not been yet */
};

void rdb_write_init(struct rdb_write *);
void rdb_write_release(struct rdb_write *);

/* The first n bytes are no longer needed. */
void rdb_write_taken(struct rdb_write *, size_t n);

/* Bytes as they are; one byte; n bytes of a number, little endian. */
void rdb_write_bytes(struct rdb_write *, const void *, size_t n);
void rdb_write_byte(struct rdb_write *, unsigned byte);
void rdb_write_little(struct rdb_write *, uint64_t num, unsigned n);

/* A number in length encoding; a string of n bytes; only what stands in front
 * of a string's bytes, which follow by rdb_write_bytes. */
void rdb_write_length(struct rdb_write *, uint64_t num);
void rdb_write_string(struct rdb_write *, const void *, size_t n);
void rdb_write_string_head(struct rdb_write *, uint64_t n);

/* REDIS0011, or with valkey VALKEY080. */
void rdb_write_magic(struct rdb_write *, int version, bool valkey);

/* An auxiliary field; texts end with NUL. */
void rdb_write_aux(struct rdb_write *, const char *name, const char *value);

void rdb_write_select(struct rdb_write *, uint64_t db);

/*
 * All that stands before a value: expiry, idle time, frequency, metadata, type,
 * key.  o.db is not written.  The value's bytes follow.
 */
void rdb_write_object(struct rdb_write *, const struct rdb_object *);

/* The end mark, and from version 5 on the CRC. */
void rdb_write_trailer(struct rdb_write *, int version);

#endif
