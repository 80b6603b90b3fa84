/*
 * progress.h -- how far a program is, on standard error.
 *
 * One line a second that overwrites itself on a terminal, or one JSON object
 * a line: {"program":"rdb-verify","bytes":1048576,"total":null,
 * "seconds":1.0,"rate":1048576,"eta":null,"done":false}.  Text may change,
 * JSON stays.
 */
#ifndef KIT_PROGRESS_H
#define KIT_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>

enum progress_style { PROGRESS_OFF, PROGRESS_TEXT, PROGRESS_JSON };

struct progress {
	const char *program; /* borrowed */
	enum progress_style style;
	uint64_t bytes, total;     /* total: SIZE_UNKNOWN (port.h) */
	int64_t began_ms, told_ms; /* clock_steady() */
	bool shown;
};

void progress_begin(struct progress *, const char *program, enum progress_style,
    uint64_t total);
/* Cheap: looks at the clock, prints when a second has passed. */
void progress_add(struct progress *, uint64_t bytes);
/* Clear the line, or print the last one. */
void progress_end(struct progress *);

#endif
