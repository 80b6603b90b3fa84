/*
 * scan_parts.h -- what the files of scan share; private to scan*.c.
 *
 *	scan.c		the RDB: its head, its end, and what goes between
 *	scan_list.c	where keys are: nodes, databases, SCAN
 *	scan_fetch.c	keys' values: transactions with DUMP
 */
#ifndef REDIS_SCAN_PARTS_H
#define REDIS_SCAN_PARTS_H

#include "stages/redis/scan.h"

#define SCAN_FOOTER 10 /* bytes behind a value: version, CRC */

/* Feed the walk what was put out since; ERR_DATA when it is no RDB. */
MUST_USE bool scan_walk(struct scan *, struct err *);

/* --- scan_list.c --- */

/* Begin with a node, or with the one server there is. */
MUST_USE bool scan_open(struct scan *, unsigned node, struct err *);
void scan_close(struct scan *);

/* The next reply to SCAN, of this node: place.keys.  *end: there are no more
 * keys in it. */
MUST_USE bool scan_more(struct scan *, bool *end, struct err *);

/* --- scan_fetch.c --- */

/* An error reply.  Always false. */
bool scan_refused(
    const struct scan *, const char *command, const char *text, struct err *);

/* Ask for the next keys of the reply that were not seen before. */
MUST_USE bool scan_ask(struct scan *, struct err *);

/* Read the next of those that were asked for, up to where its value begins. */
MUST_USE bool scan_value(struct scan *, struct err *);
/* Put out what has come of a value. */
MUST_USE bool scan_value_more(struct scan *, struct err *);

/* DUMP this key, drop the value, and tell its version; 0: there is no such
 * key any more. */
MUST_USE bool scan_probe(
    struct scan *, const struct reply *key, unsigned *version, struct err *);

/* Version and CRC of a whole payload, of FUNCTION DUMP; at least
 * SCAN_FOOTER bytes.  ERR_DATA when the CRC is wrong. */
MUST_USE bool scan_payload(
    const struct scan *, struct span, unsigned *version, struct err *);

#endif
