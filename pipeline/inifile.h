/*
 * inifile.h -- the lines of a configuration file.
 *
 *	[plan nightly]
 *	# a line of its own
 *	window = 22:30-04:00
 *
 * The library that splits the lines drops what it has no room for: long
 * lines, long names, what stands behind ']' or " ;".  All of that is refused
 * here before it is dropped, so what is not refused was read as it stands.
 * Lines are at most 197 bytes with the library as Debian 12 has it; blanks
 * around names and values do not count, nothing is quoted, there are no
 * continuation lines.
 */
#ifndef PIPELINE_INIFILE_H
#define PIPELINE_INIFILE_H

#include <stdio.h>

#include "stages/kit/err.h"

/* What is called, in the order of the file; false stops.  Texts are borrowed
 * until it returns. */
struct inifile_calls {
	bool (*section)(
	    void *arg, const char *name, unsigned line, struct err *);
	bool (*pair)(void *arg, const char *key, const char *value,
	    unsigned line, struct err *);
	void *arg;
};

/* Read it all.  ERR_USAGE beginning with "PATH:LINE: " when something in it is
 * wrong, ours or the callers'. */
MUST_USE bool inifile_read(
    FILE *, const char *path, const struct inifile_calls *, struct err *);

#endif
