/*
 * spawn.h -- start one program with exactly the descriptors it should have.
 *
 * The child gets standard input and output, our standard error, and up to two
 * more, always as the same numbers; everything else is closed, so that no
 * pipe stays open because a stranger holds its end.  It starts with default
 * signals and dies with us: the kernel sends it SIGTERM when we end.
 *
 * Every descriptor handed in is close-on-exec and numbered from SPAWN_FD_MIN
 * on; spawn_pipe makes such ones.
 */
#ifndef PIPELINE_SPAWN_H
#define PIPELINE_SPAWN_H

#include <sys/types.h>

#include "pipeline/command.h"

#define SPAWN_FACTS_FD 3
#define SPAWN_GO_FD    4
#define SPAWN_FD_MIN   10

/* A pipe whose both ends are as described above. */
MUST_USE bool spawn_pipe(int end[2], struct err *);

/* Open a file the same way. */
MUST_USE bool spawn_open(int *fd, const char *path, int flags, struct err *);

struct spawn {
	const struct command *command;
	int in, out; /* become 0 and 1 */
	int facts;   /* becomes SPAWN_FACTS_FD, told by --facts-fd */
	int go;      /* -1, or becomes SPAWN_GO_FD, told by --go-fd */
	bool quiet;  /* give it --quiet */
};

/*
 * Start it.  Descriptors stay the caller's.  On return the program has been
 * executed; one that cannot be is an error, nothing is left of it, and *pid
 * is 0.
 */
MUST_USE bool spawn_start(
    const struct spawn *, pid_t *pid, int *pid_fd, struct err *);

#endif
