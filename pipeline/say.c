/* say.c -- see say.h. */
#include "pipeline/say.h"

#include <stdarg.h>
#include <stdio.h>

bool say_quiet;

void
say(const char *fmt, ...)
{
	va_list ap;

	if (say_quiet)
		return;
	va_start(ap, fmt);
	fputs("rdbpipe: ", stderr);
	vfprintf(stderr, fmt, ap);
	putc('\n', stderr);
	va_end(ap);
}
