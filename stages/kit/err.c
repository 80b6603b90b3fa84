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

/* Where the password of the next URL begins, and its length: 0 without one. */
static const char *
password_find(const char *text, size_t *len)
{
	*len = 0;
	while ((text = strstr(text, "://")) != NULL) {
		const char *end, *from;

		text += 3;
		end = text + strcspn(text, "/ ");
		while (end > text && *end != '@')
			end--;
		from = memchr(text, ':', (size_t)(end - text));
		if (from != NULL && ++from < end) {
			*len = (size_t)(end - from);
			return from;
		}
	}
	return NULL;
}

bool
err_is_control(const char *text)
{
	const unsigned char *p = (const unsigned char *)text;

	return *p < 0x20 || *p == 0x7f ||
	    (*p == 0xc2 && p[1] >= 0x80 && p[1] < 0xa0);
}

const char *
err_clean(char *buf, size_t cap, const char *text)
{
	size_t n = 0, len;
	const char *password = password_find(text, &len);

	while (*text != '\0' && n + sizeof "\\xHH\\xHH" <= cap) {
		if (text == password) {
			n += (size_t)snprintf(buf + n, cap - n, "***");
			text += len;
			password = password_find(text, &len);
			continue;
		}
		if (!err_is_control(text)) {
			buf[n++] = *text++;
			continue;
		}
		for (int i = (unsigned char)*text == 0xc2 ? 2 : 1; i > 0; i--)
			n += (size_t)snprintf(buf + n, cap - n, "\\x%02x",
			    (unsigned char)*text++);
	}
	buf[n] = '\0';
	return buf;
}
