/*
 * keeping.h -- which rules of retention are for which instance: those of all
 * plans for it.
 *
 *	struct keeping k = { .config = c };
 *
 *	stock_decide(&stock, keeping_rules, &k, ...)
 *	keeping_close(&k)
 */
#ifndef PIPELINE_KEEPING_H
#define PIPELINE_KEEPING_H

#include "pipeline/plan.h"
#include "pipeline/stock.h"

#define KEEPING_MAX 16 /* plans for one instance */

struct keeping {
	const struct config *config;
	const struct retention *given; /* not NULL: these and no others */

	/* Private. */
	struct plan plan[KEEPING_MAX];
	struct retention rules[KEEPING_MAX];
	size_t n;
};

/* A stock_rules_fn; arg is a struct keeping. */
bool keeping_rules(void *arg, const char *instance,
    const struct retention **rules, size_t *n, struct err *);

void keeping_close(struct keeping *);

/* Remove what the rules do not keep, oldest first; a stop is heard between two
 * of them.  *removed: how many went. */
MUST_USE bool keeping_apply(
    const struct stock *, struct store *, size_t *removed, struct err *);

#endif
