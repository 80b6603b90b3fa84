/*
 * metrics.h -- the state of backups for Prometheus: a file for the textfile
 * collector of node_exporter.
 *
 *	struct metrics m = { 0 };
 *
 *	metrics_add(&m, store, "cache", &e)	for each instance
 *	metrics_write(&m, path, now, &e)	then once
 *	metrics_release(&m)
 *
 * All that is in it is told by the store alone, so it does not matter who
 * writes it, or when, or whether it was written before.  For the same reason
 * failures are a gauge, not a counter: prune removes what failed.
 *
 * Of an instance without a good backup there are only the counts: an age of
 * zero would look like a good one.  So alert on rdbpipe_backups{state=
 * "complete"} == 0 and on age; the time of the file itself shows whether
 * anybody still writes it.
 *
 * Format: Prometheus text exposition format 0.0.4,
 * https://prometheus.io/docs/instrumenting/exposition_formats/; the file and
 * its replacement in one step as https://github.com/prometheus/node_exporter
 * (textfile collector) wants it: its name ends in ".prom", that of the
 * temporary does not.
 */
#ifndef PIPELINE_METRICS_H
#define PIPELINE_METRICS_H

#include "pipeline/finding.h"
#include "pipeline/history.h"

/* All zero: nothing yet. */
struct metrics {
	struct json_list rows;           /* of struct history */
	const struct findings *findings; /* of a check; NULL: there was none */
};

/* Look at an instance. */
MUST_USE bool metrics_add(
    struct metrics *, struct store *, const char *instance, struct err *);

/* The same, when that look was taken already. */
MUST_USE bool metrics_add_history(
    struct metrics *, const struct history *, struct err *);

/* Replace the file in one step, or leave it as it is.  now: a moment. */
MUST_USE bool metrics_write(
    const struct metrics *, const char *path, int64_t now, struct err *);

void metrics_release(struct metrics *);

#endif
