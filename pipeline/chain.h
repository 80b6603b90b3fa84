/*
 * chain.h -- run programs joined by pipes, and know what became of them.
 *
 *	struct chain c = { 0 };
 *
 *	chain_add(&c, "rdb-capture");
 *	chain_word(&c, url);
 *	chain_add(&c, "cos-put");
 *	chain_word(&c, object);
 *	c.gate = true;
 *	c.agree = look_at_the_facts;
 *	ok = chain_run(&c, &e);
 *	... chain_fact(&c, "rdb-capture", "bytes") ...
 *	chain_release(&c);
 *
 * The first program reads /dev/null, the last one writes to /dev/null, all
 * share our standard error.  Each gets `--facts-fd 3` and is believed only if
 * its facts are complete: their last line is "exit 0".
 *
 * Commit.  With .gate the last program also gets `--go-fd 4`.  The word "go"
 * is sent after every other program has ended well and agree() has found
 * nothing wrong with their facts.  In all other cases, our own death
 * included, the descriptor closes without it.
 *
 * Blame.  When a program dies the others follow: those before it of SIGPIPE,
 * those behind it of a short stream.  To blame is the first in time that
 * ended neither well nor of SIGPIPE; among those that end within a fifth of a
 * second, the one nearest to the source.  Its exit status becomes the error's kind.
 *
 * Held.  With .held the first program gets `--go-fd 4` as well, and somebody
 * says when: chain_start, called by .look of a crew.
 *
 * Stop.  After a failure the others may end by themselves for .follow_ms,
 * then get SIGTERM, and .grace_ms later SIGKILL.  A signal noted by stop.h
 * sends the SIGTERM at once.  When we are killed, the kernel sends it
 * (PR_SET_PDEATHSIG).  chain_run never returns before all have been reaped.
 */
#ifndef PIPELINE_CHAIN_H
#define PIPELINE_CHAIN_H

#include <sys/types.h>

#include "pipeline/command.h"
#include "stages/kit/facts.h"

#define CHAIN_MAX       12 /* programs */
#define CHAIN_FOLLOW_MS 2000
#define CHAIN_GRACE_MS  10000

struct chain_link {
	struct command command;
	int status; /* as from waitpid, once run */
	struct fact_list facts;

	/* Private to chain.c. */
	pid_t pid;
	int pid_fd, facts_fd;
};

struct chain {
	struct chain_link link[CHAIN_MAX];
	size_t n;
	bool quiet; /* give each --quiet */
	bool gate;
	bool held; /* the first program waits for chain_start, too */
	/* May the last program commit?  Called once; may be NULL. */
	bool (*agree)(const struct chain *, void *arg, struct err *);
	void *arg;
	int64_t follow_ms, grace_ms; /* 0: the defaults above */

	bool went;       /* the go-ahead was given */
	int64_t took_ms; /* from the first start to the last end */

	/* Private to chain.c and run.c. */
	struct err trouble; /* first problem of the building calls */
	int start_fd;       /* of a held chain that runs */
};

/*
 * Building.  chain_add begins a program, the others add to the one begun
 * last.  What goes wrong here is kept and comes out of the next call that can
 * fail.
 */
void chain_add(struct chain *, const char *program);
void chain_word(struct chain *, const char *word);
/* Both words, if there is a value. */
void chain_option(struct chain *, const char *name, const char *value);
/* Set a variable for this program only. */
void chain_env(struct chain *, const char *name, const char *value);

/* The commands joined by " | "; see command_text.  Owned by the caller. */
MUST_USE bool chain_text(struct chain *, bool exact, char **text, struct err *);

/* Run it, once.  False: nothing was committed, or went is true and it is not
 * known. */
MUST_USE bool chain_run(struct chain *, struct err *);

/*
 * Run several, at most at_once at a time, in their order.  All or none: when
 * one fails, those that still run are told to end, the rest is not begun, and
 * the first failure is the error.  What had been committed by then stays: see
 * each chain's went.
 */
struct chain_crew {
	struct chain *chain; /* n of them */
	size_t n, at_once;   /* 0: all */

	/*
	 * Called after everything that happens, until it has returned false,
	 * with its err filled: then all is called off.  *wait_ms: call again
	 * after so long at the latest; comes as -1, no matter.  May be NULL.
	 */
	bool (*look)(void *arg, int64_t *wait_ms, struct err *);
	/* Called once when something has gone wrong, before all have ended;
	 * look is not called any more.  NULL where look is. */
	void (*off)(void *arg);
	void *arg;
};
MUST_USE bool chain_run_crew(const struct chain_crew *, struct err *);

/* Give the word to a held chain that runs. */
MUST_USE bool chain_start(struct chain *, struct err *);

/* The place of a program in the chain, by name; NULL when it is not in it. */
const struct chain_link *chain_find(const struct chain *, const char *program);

/* A fact of a program; NULL when there is none. */
const char *chain_fact(
    const struct chain *, const char *program, const char *fact);

void chain_release(struct chain *);

#endif
