/*
 * process.h -- how every program of ours begins and ends.
 *
 * Both mains, that of the stages and that of the driver, go through here, so
 * signals, broken pipes, error lines and exit statuses are the same in all.
 */
#ifndef KIT_PROCESS_H
#define KIT_PROCESS_H

#include "stages/kit/err.h"

/* The end of every --help. */
extern const char process_exit_help[];

/* First of all: no standard descriptor is missing (a file of ours would get
 * its number; using one that was fails as before), and signals are noted
 * (stop.h). */
void process_begin(void);

/*
 * Close standard output, where late errors may turn up: write errors of a
 * network file system, for one.  ok false: there is an error already, in e.
 */
MUST_USE bool process_close_stdout(bool ok, struct err *e);

/*
 * Last of all: the line on standard error, if there is an error, and the exit
 * status.  When whoever read our output is gone there is nothing to say: the
 * program ends by SIGPIPE here, as filters do.
 */
int process_end(const char *name, bool ok, const struct err *e);

#endif
