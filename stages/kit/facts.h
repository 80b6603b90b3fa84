/*
 * facts.h -- what a program learnt, one line each: "bytes-out 1048576".
 *
 * Programs print facts to the descriptor named by --facts-fd; the driver
 * gathers them into a manifest.  Names are lower case with dashes, and dots
 * where they nest ("db.0.keys").  A value is everything behind the first
 * space; newline and backslash in it are written \n and \\.  The last line is
 * always "exit N", so a reader knows that it has them all.
 *
 * stages/README.md lists who says what.
 */
#ifndef KIT_FACTS_H
#define KIT_FACTS_H

#include <stdint.h>

#include "stages/kit/err.h"

struct facts;

/* fd is ours to write, not to close.  NULL on failure.  All the functions
 * below take NULL for "nobody wants to know". */
struct facts *facts_new(int fd, struct err *);

void facts_text(struct facts *, const char *name, const char *value);
void facts_count(struct facts *, const char *name, uint64_t value);
/* n bytes as 2n lower case digits, first byte first. */
void facts_hex(struct facts *, const char *name, const void *p, size_t n);
/* A 64-bit number as 16 lower case digits, most significant first. */
void facts_hex64(struct facts *, const char *name, uint64_t value);

/* Write out what was said; false when the descriptor failed, or we were asked
 * to stop while nobody read. */
bool facts_flush(struct facts *, struct err *);
void facts_free(struct facts *);

/* --- the reading side, for the driver --- */

/* A program's facts, kept as its lines; all zero is an empty one. */
struct fact_list {
	char *text; /* owned; lines, each ended by NUL */
	size_t len, cap;
};

/* Add bytes as they arrived, cut anywhere. */
MUST_USE bool fact_list_add(
    struct fact_list *, const void *p, size_t len, struct err *);

/* The value of a fact, still escaped, or NULL; good until the list changes. */
const char *fact_list_get(const struct fact_list *, const char *name);

/* As a number; false when absent or not a decimal number. */
bool fact_list_count(
    const struct fact_list *, const char *name, uint64_t *value);

/* Walk all: *at starts at 0.  False at the end. */
bool fact_list_next(const struct fact_list *, size_t *at, const char **name,
    size_t *name_len, const char **value);

void fact_list_release(struct fact_list *);

#endif
