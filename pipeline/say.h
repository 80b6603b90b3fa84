/* say.h -- what the driver tells people, on standard error. */
#ifndef PIPELINE_SAY_H
#define PIPELINE_SAY_H

#include <stdbool.h>

#include "stages/kit/cc.h"

/* Set by -q: say() is silent, so are the programs' warnings. */
extern bool say_quiet;

/* "rdbpipe: ..." and a newline. */
void say(const char *fmt, ...) PRINTF_LIKE(1);

#endif
