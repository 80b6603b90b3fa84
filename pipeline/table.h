/*
 * table.h -- rows for people: columns as wide as their widest cell.
 *
 * Cells are copied; one that holds anything but printable text is quoted, so
 * that a remark cannot move the cursor.
 */
#ifndef PIPELINE_TABLE_H
#define PIPELINE_TABLE_H

#include <stdio.h>

#include "pipeline/json.h"

#define TABLE_COLUMNS 12

struct table {
	size_t columns;         /* to be set first, at most TABLE_COLUMNS */
	unsigned right;         /* bit i: column i is aligned right */
	struct json_list cells; /* of char *, row by row */
};

MUST_USE bool table_cell(struct table *, const char *text, struct err *);
void table_print(const struct table *, FILE *to);
void table_release(struct table *);

#endif
