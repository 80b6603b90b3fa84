/*
 * stock.h -- the backups of a store as retention.h wants to see them.
 *
 *	struct stock s = { 0 };
 *
 *	stock_take(&s, store, instance, &e)	instance NULL: of all
 *	stock_decide(&s, rules_for, arg, ...)	each instance by its rules
 *	... s.n, stock_item(&s, i), stock_backup(&s, i) ...
 *	stock_release(&s)
 *
 * A backup was started when its id says, also one whose manifest cannot be
 * read.  Memory: some 300 bytes a backup.
 */
#ifndef PIPELINE_STOCK_H
#define PIPELINE_STOCK_H

#include "pipeline/catalogue.h"
#include "pipeline/retention.h"

struct stock_item {
	struct catalogue_name name;
	uint64_t stored; /* bytes; 0: not known */
};

struct stock {
	size_t n;
	struct json_list items;   /* of struct stock_item */
	struct json_list backups; /* of struct retention_backup */
};

MUST_USE bool stock_take(
    struct stock *, struct store *, const char *instance, struct err *);
void stock_release(struct stock *);

struct stock_item *stock_item(const struct stock *, size_t i);
struct retention_backup *stock_backup(const struct stock *, size_t i);

/* The rules of an instance: *rules and *n, borrowed until the next call. */
typedef bool stock_rules_fn(void *arg, const char *instance,
    const struct retention **rules, size_t *n, struct err *);

/* Decide about all; rules_for NULL: no rules. */
MUST_USE bool stock_decide(struct stock *, stock_rules_fn *rules_for, void *arg,
    int64_t now, int64_t litter_ms, struct err *);

/* "complete", "suspect", "broken", "unfinished", "failed". */
const char *stock_state(const struct retention_backup *);

#endif
