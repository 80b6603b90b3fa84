/*
 * stage.h -- what makes a program a stage.
 *
 * Every program is one file in stages/, named as the program, that defines
 * `stage` and no main.  The main in stage.c reads options, opens what the
 * stage provides, fills the gaps with standard input and output, runs the
 * pump, prints facts and at most one error line, and exits with the error's
 * kind.  So all programs behave alike with signals, --help, progress and exit
 * codes, because there is one copy of that behaviour.
 *
 * In calling order: options are parsed into the stage's variables; check();
 * then exactly one of
 *
 *	source()	bytes from somewhere, to standard output
 *	filter()	standard input to standard output; or, when report is
 *			set and files are named, each file into report()
 *	sink()		standard input to somewhere
 *	act()		no stream: whatever it does; its lines go to stdout
 *
 * What all understand: --help, --version, -q/--quiet, --progress[=json],
 * --facts-fd N.  Sinks: --go-fd N, see stage_go().  Proof (below): --trust-eof.
 */
#ifndef KIT_STAGE_H
#define KIT_STAGE_H

#include "stages/kit/filter.h"
#include "stages/kit/opt.h"
#include "stages/kit/port.h"

#define STAGE_CHUNK (256 * 1024) /* bytes moved at a time */

#define STAGE_MORE 3

struct stage {
	const char *name;               /* "rdb-compress" */
	const char *brief;              /* "compress standard input" */
	const char *operands;           /* "URL", "[FILE...]"; NULL: none */
	int operands_min, operands_max; /* max -1: any number */
	const char *const *notes;       /* lines for the end of --help; NULL-
					   ended; may be NULL */
	const struct opt *opts;
	const struct opt *more[STAGE_MORE]; /* tables shared with others */

	/*
	 * The input must prove itself whole (whole.h) before the output is
	 * finished or the sink committed.  For filters that check their own
	 * input, false.
	 */
	bool proof;

	bool starts; /* a source that calls stage_go() before it begins, and
			so has --go-fd as sinks do */

	bool text; /* what it makes is text, fit for a terminal; there it is
			   all that is shown: no progress unless asked for */

	/* Look over the options as a whole.  Optional. */
	bool (*check)(const struct operands *, struct err *);

	/* Exactly one is set. */
	struct source *(*source)(const struct operands *, struct err *);
	struct filter *(*filter)(const struct operands *, struct err *);
	struct sink *(*sink)(const struct operands *, struct err *);
	bool (*act)(const struct operands *, struct facts *, struct err *);

	/*
	 * A filter that also takes FILE operands: print one line about this
	 * file on standard output.  e is NULL when it is good; what is wrong
	 * goes to standard error by itself.  The filter is NULL when the file
	 * could not be opened.  The exit status is that of the worst file:
	 * system before data.
	 */
	void (*report)(
	    const struct filter *, const char *file, const struct err *e);

	/*
	 * A filter whose product is not the stream but what it learnt: the
	 * stream is not passed on; report() is called for "-".  NULL: never.
	 */
	bool (*terminal)(void);
};

extern const struct stage stage;

/* Set by -q: warnings are kept back, errors are not. */
extern bool stage_quiet;

/* --facts-fd was given: what was learnt need not be printed as well. */
extern bool stage_told;

/* Bytes to come in all, when somebody knows: from the file's size, the
 * source, or the stage's own option (set from check()).  SIZE_UNKNOWN. */
extern uint64_t stage_expect;

/* "name: warning: ..." on standard error, one line, unless quiet. */
void stage_warn(const char *fmt, ...) PRINTF_LIKE(1);
/* "name: ..." on standard error, one line, unless quiet. */
void stage_say(const char *fmt, ...) PRINTF_LIKE(1);

/*
 * The driver's go-ahead.  main calls it before a sink's commit(); a sink for
 * which finishing its output already is a commitment (rdb-restore: the last
 * byte) calls it itself, earlier; the second call is free.  Without --go-fd:
 * true.  With it: waits for the word "go"; when the descriptor closes without
 * it, an ERR_DATA that says the chain was called off.
 */
MUST_USE bool stage_go(struct err *);

/* Tell a fact now, not at the end: for a driver that waits for it. */
MUST_USE bool stage_fact(const char *name, const char *value, struct err *);

#endif
