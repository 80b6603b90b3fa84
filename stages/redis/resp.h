/*
 * resp.h -- commands and replies over a connection.
 *
 * A thin layer over hiredis: its formatter and its reader, over our own
 * transport.  Bytes are fed to the reader a line at a time, and every RESP
 * item ends with a line, so after a reply the connection holds exactly what
 * came behind it: a snapshot may follow at once.
 *
 * Bounds: a reply of RESP_MAX bytes, RESP_ITEMS elements an array, unless
 * resp_allow() says otherwise.  More is refused, whatever a server declares.  Newlines between items, which
 * replication peers send as signs of life, are skipped.
 */
#ifndef REDIS_RESP_H
#define REDIS_RESP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "stages/kit/err.h"
#include "stages/redis/conn.h"

#define RESP_MAX   (4u << 20)
#define RESP_ITEMS 1024

enum reply_kind {
	REPLY_TEXT, /* a status or a bulk string */
	REPLY_ERROR,
	REPLY_NUMBER,
	REPLY_NIL,
	REPLY_ARRAY
};

/* Lent until the next call on the same resp. */
struct reply {
	enum reply_kind kind;
	const char *text; /* NUL-terminated; may hold others; never NULL */
	size_t len;       /* of text; of an array: its elements */
	long long num;
	const void *raw; /* private to resp.c */
};

struct resp;

/* conn is borrowed.  NULL on failure. */
struct resp *resp_new(struct conn *, struct err *);
void resp_free(struct resp *);

/* From now on take replies of so many bytes, with so many elements in an array.
 * An element costs some 100 bytes of memory. */
void resp_allow(struct resp *, size_t bytes, size_t items);

/* Send a command: NULL-ended words. */
MUST_USE bool resp_send(struct resp *, const char *const *words, struct err *);

/* Wait for the next item, a reply or, as a server, a command. */
MUST_USE bool resp_read(struct resp *, struct reply *, struct err *);

/*
 * The same, waiting ms at most for bytes; *got tells whether an item is
 * complete, *alive whether anything came at all.
 */
MUST_USE bool resp_try(struct resp *, int64_t ms, struct reply *, bool *got,
    bool *alive, struct err *);

/* Element i of an array reply. */
struct reply resp_item(const struct reply *, size_t i);

/* Send and read.  An error reply is a reply. */
MUST_USE bool resp_call(
    struct resp *, struct reply *, const char *const *words, struct err *);

#define WORDS(...) ((const char *const[]){ __VA_ARGS__, NULL })

#endif
