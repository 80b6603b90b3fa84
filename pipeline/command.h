/*
 * command.h -- one program of a chain: where it is and what it is told.
 *
 * Programs are looked for in the folder named by RDBPIPE_PROGRAMS (for
 * tests), then beside the running rdbpipe, then on PATH.  Words are argv,
 * byte for byte; no shell sees them.  Words never hold secrets: what must not
 * be seen in a list of processes goes into the one variable of env.
 */
#ifndef PIPELINE_COMMAND_H
#define PIPELINE_COMMAND_H

#include "stages/kit/err.h"

#define COMMAND_WORDS 40

/* A variable of ours that only programs whose env sets it get to see. */
#define COMMAND_SECRET "REDISCLI_AUTH"

struct command {
	const char *name;               /* borrowed: "rdb-verify" */
	char *path;                     /* what is executed */
	char *words[COMMAND_WORDS + 1]; /* owned, NULL-ended, without argv[0] */
	size_t n;
	char *env; /* NULL, or "NAME=value" */
};

/* Find the program.  ERR_SYSTEM when it is nowhere. */
MUST_USE bool command_init(struct command *, const char *name, struct err *);

MUST_USE bool command_word(struct command *, const char *word, struct err *);

/* Set its one variable; a second call replaces the first. */
MUST_USE bool command_env(
    struct command *, const char *name, const char *value, struct err *);

/*
 * As POSIX shell, owned by the caller: words quoted where they need it, the
 * program by name, or, when exact, by a path if the name alone would not find
 * it.  Never shows env.
 */
MUST_USE bool command_text(
    const struct command *, bool exact, char **text, struct err *);

void command_release(struct command *);

#endif
