/*
 * journal.h -- what happened, one JSON object a line on standard output, for
 * programs that collect logs.  Every line has the same fields, in the order
 * below and described in docs/manifest.md; what does not apply is null or 0.
 */
#ifndef PIPELINE_JOURNAL_H
#define PIPELINE_JOURNAL_H

#include <stdbool.h>
#include <stdint.h>

extern bool journal_on; /* else journal_write does nothing */

struct journal_line {
	const char *event; /* needed */
	const char *plan, *instance, *id, *state, *reason;
	int64_t next; /* a moment: when it is looked at again */
	uint64_t keys, raw, stored, took_ms, count, exit;
};

/* Texts are borrowed; what is no UTF-8 in reason is quoted. */
void journal_write(const struct journal_line *);

#endif
