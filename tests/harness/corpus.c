/* corpus.c -- see corpus.h. */
#include "tests/harness/corpus.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

void
corpus_open(struct corpus *c)
{
	const char *folder = getenv("RDBPIPE_CORPUS");
	char pattern[4096];

	snprintf(pattern, sizeof pattern, "%s/*/*.rdb",
	    folder != NULL ? folder : "../shared/corpus");
	if (glob(pattern, 0, NULL, &c->found) != 0) {
		print_message("no %s\n", pattern);
		skip();
	}
	c->path = c->found.gl_pathv;
	c->n = c->found.gl_pathc;
}

void
corpus_close(struct corpus *c)
{
	globfree(&c->found);
}

uint8_t *
corpus_read(const struct corpus *c, size_t i, size_t *len)
{
	FILE *from = fopen(c->path[i], "rb");
	uint8_t *p = malloc(CORPUS_MAX);

	assert_non_null(from);
	assert_non_null(p);
	*len = fread(p, 1, CORPUS_MAX, from);
	assert_true(*len < CORPUS_MAX);
	fclose(from);
	/* No room behind it that a reader could stray into unseen. */
	p = realloc(p, *len > 0 ? *len : 1);
	assert_non_null(p);
	return p;
}
