/* err.c -- see err.h. */
#include "stages/kit/err.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

bool
err_set(struct err *e, enum err_kind kind, const char *fmt, ...)
{
	va_list ap;

	e->kind = kind;
	e->sys = 0;
	va_start(ap, fmt);
	vsnprintf(e->text, sizeof e->text, fmt, ap);
	va_end(ap);
	return false;
}

/* strerror's words, in our lower case; "I/O error" keeps its capitals. */
static void
words_add(char *text, size_t cap, int sys)
{
	size_t n = strlen(text);
	const char *words = strerror(sys);

	snprintf(text + n, cap - n, ": %s", words);
	if (n + 3 < cap && text[n + 2] >= 'A' && text[n + 2] <= 'Z' &&
	    text[n + 3] >= 'a')
		text[n + 2] = (char)(text[n + 2] - 'A' + 'a');
}

bool
err_sys(struct err *e, const char *fmt, ...)
{
	int sys = errno;
	va_list ap;

	e->kind = ERR_SYSTEM;
	e->sys = sys;
	va_start(ap, fmt);
	vsnprintf(e->text, sizeof e->text, fmt, ap);
	va_end(ap);
	words_add(e->text, sizeof e->text, sys);
	return false;
}

bool
err_signal(struct err *e, int signal)
{
	e->kind = ERR_SIGNAL;
	e->sys = signal;
	snprintf(e->text, sizeof e->text, "stopped by signal %d (%s)", signal,
	    strsignal(signal));
	return false;
}

bool
err_in(struct err *e, const char *fmt, ...)
{
	char was[sizeof e->text];
	size_t n;
	va_list ap;

	memcpy(was, e->text, sizeof was);
	va_start(ap, fmt);
	vsnprintf(e->text, sizeof e->text, fmt, ap);
	va_end(ap);
	n = strlen(e->text);
	snprintf(e->text + n, sizeof e->text - n, ": %s", was);
	return false;
}

int
err_exit_code(const struct err *e)
{
	return e->kind == ERR_SIGNAL ? 128 + e->sys : (int)e->kind;
}

const char *
err_quote(char *buf, size_t cap, const void *text, size_t len)
{
	const unsigned char *p = text;
	size_t n = 0, full = cap - sizeof "\\xHH..."; /* room left behind it */

	for (size_t i = 0; i < len; i++) {
		if (n > full) {
			n += (size_t)snprintf(buf + n, cap - n, "...");
			break;
		}
		if (p[i] == '"' || p[i] == '\\')
			n += (size_t)snprintf(buf + n, cap - n, "\\%c", p[i]);
		else if (p[i] >= 0x20 && p[i] < 0x7f)
			buf[n++] = (char)p[i];
		else
			n +=
			    (size_t)snprintf(buf + n, cap - n, "\\x%02x", p[i]);
	}
	buf[n] = '\0';
	return buf;
}
