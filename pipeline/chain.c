/* chain.c -- see chain.h: building a chain and reading its facts.  Running is
 * in run.c. */
#include "pipeline/chain.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The program begun last, or NULL when building has failed. */
static struct command *
current(struct chain *c)
{
	if (c->trouble.kind != ERR_NONE)
		return NULL;
	assert(c->n > 0);
	return &c->link[c->n - 1].command;
}

void
chain_add(struct chain *c, const char *program)
{
	assert(c->n < CHAIN_MAX);
	if (c->trouble.kind == ERR_NONE &&
	    command_init(&c->link[c->n].command, program, &c->trouble))
		c->n++;
}

void
chain_word(struct chain *c, const char *word)
{
	struct command *last = current(c);

	if (last != NULL && !command_word(last, word, &c->trouble))
		return;
}

void
chain_option(struct chain *c, const char *name, const char *value)
{
	if (value == NULL)
		return;
	chain_word(c, name);
	chain_word(c, value);
}

void
chain_env(struct chain *c, const char *name, const char *value)
{
	struct command *last = current(c);

	if (last != NULL && !command_env(last, name, value, &c->trouble))
		return;
}

bool
chain_text(struct chain *c, bool exact, char **text, struct err *e)
{
	FILE *to;
	size_t len;
	bool ok = true;

	*text = NULL;
	if (c->trouble.kind != ERR_NONE) {
		*e = c->trouble;
		return false;
	}
	if ((to = open_memstream(text, &len)) == NULL)
		return err_sys(e, "cannot print a chain");
	for (size_t i = 0; ok && i < c->n; i++) {
		char *one = NULL;

		ok = command_text(&c->link[i].command, exact, &one, e);
		if (ok)
			fprintf(to, "%s%s", i > 0 ? " | " : "", one);
		free(one);
	}
	if (fclose(to) != 0 && ok)
		ok = err_sys(e, "cannot print a chain");
	if (!ok) {
		free(*text);
		*text = NULL;
	}
	return ok;
}

const struct chain_link *
chain_find(const struct chain *c, const char *program)
{
	for (size_t i = 0; i < c->n; i++)
		if (strcmp(c->link[i].command.name, program) == 0)
			return &c->link[i];
	return NULL;
}

const char *
chain_fact(const struct chain *c, const char *program, const char *fact)
{
	const struct chain_link *l = chain_find(c, program);

	return l != NULL ? fact_list_get(&l->facts, fact) : NULL;
}

void
chain_release(struct chain *c)
{
	for (size_t i = 0; i < c->n; i++) {
		command_release(&c->link[i].command);
		fact_list_release(&c->link[i].facts);
	}
	memset(c, 0, sizeof *c);
}
