/*
 * corpus.h -- real dumps, where there are some beside the project.
 *
 * Looked for in $RDBPIPE_CORPUS (tests/run sets it), else in ../shared/corpus.
 *
 *	corpus_open(&c)		skips the test when there is none
 *	corpus_read(&c, i, &len)	for i below c.n; c.path[i] is its name
 *	corpus_close(&c)
 */
#ifndef HARNESS_CORPUS_H
#define HARNESS_CORPUS_H

#include <glob.h>
#include <stddef.h>
#include <stdint.h>

#define CORPUS_MAX (1u << 20) /* bytes of a dump */

struct corpus {
	char **path;
	size_t n;
	glob_t found; /* private */
};

void corpus_open(struct corpus *);
void corpus_close(struct corpus *);

/* All of a dump, malloc'd. */
uint8_t *corpus_read(const struct corpus *, size_t i, size_t *len);

#endif
