/* text.c -- see text.h */
#include "stages/store/text.h"

#include <errno.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Room for n bytes more and the NUL.  realloc would leave a copy behind. */
static bool
grow(struct text *t, size_t n)
{
	size_t cap = t->cap > 0 ? t->cap : 64;
	char *p;

	if (t->bad)
		return false;
	if (t->ptr != NULL && n < t->cap - t->len)
		return true;
	while (cap - t->len <= n) {
		if (cap > SIZE_MAX / 2)
			return !(t->bad = true);
		cap *= 2;
	}
	p = malloc(cap);
	if (p == NULL)
		return !(t->bad = true);
	if (t->len > 0)
		memcpy(p, t->ptr, t->len);
	p[t->len] = '\0';
	if (t->ptr != NULL)
		explicit_bzero(t->ptr, t->cap);
	free(t->ptr);
	t->ptr = p;
	t->cap = cap;
	return true;
}

void
text_put_bytes(struct text *t, const void *p, size_t n)
{
	if (!grow(t, n))
		return;
	if (n > 0)
		memcpy(t->ptr + t->len, p, n);
	t->len += n;
	t->ptr[t->len] = '\0';
}

void
text_put(struct text *t, const char *s)
{
	text_put_bytes(t, s, strlen(s));
}

void
text_putf(struct text *t, const char *fmt, ...)
{
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(NULL, 0, fmt, ap);
	va_end(ap);
	if (n < 0) {
		t->bad = true;
		return;
	}
	if (!grow(t, (size_t)n))
		return;
	va_start(ap, fmt);
	vsnprintf(t->ptr + t->len, (size_t)n + 1, fmt, ap);
	va_end(ap);
	t->len += (size_t)n;
}

const char *
text_get(const struct text *t)
{
	if (t->bad)
		return NULL;
	return t->ptr != NULL ? t->ptr : "";
}

bool
text_ok(const struct text *t, struct err *e)
{
	if (!t->bad)
		return true;
	errno = ENOMEM;
	return err_sys(e, "no memory for a request");
}

void
text_clear(struct text *t)
{
	if (t->ptr != NULL)
		explicit_bzero(t->ptr, t->cap);
	t->len = 0;
	t->bad = false;
}

void
text_release(struct text *t)
{
	text_clear(t);
	free(t->ptr);
	*t = (struct text){ 0 };
}
