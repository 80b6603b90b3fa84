/* facts.c -- see facts.h. */
#include "stages/kit/facts.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "stages/kit/stop.h"

#define LIST_MAX (4 * 1024 * 1024) /* bytes of facts we take from a program */

struct facts {
	int fd;
	bool failed; /* out of memory while gathering */
	char *text;
	size_t len, cap;
};

struct facts *
facts_new(int fd, struct err *e)
{
	struct facts *f = calloc(1, sizeof *f);

	if (f == NULL)
		err_sys(e, "cannot set up facts");
	else
		f->fd = fd;
	return f;
}

void
facts_free(struct facts *f)
{
	if (f == NULL)
		return;
	free(f->text);
	free(f);
}

static bool
room_for(char **text, size_t *cap, size_t need)
{
	size_t want = *cap == 0 ? 1024 : *cap;
	char *more;

	if (need <= *cap)
		return true;
	while (want < need)
		want *= 2;
	if ((more = realloc(*text, want)) == NULL)
		return false;
	*text = more;
	*cap = want;
	return true;
}

void
facts_text(struct facts *f, const char *name, const char *value)
{
	/* Each byte of the value may need two. */
	size_t need = strlen(name) + 1 + 2 * strlen(value) + 1;

	if (f == NULL || f->failed)
		return;
	if (!room_for(&f->text, &f->cap, f->len + need + 1)) {
		f->failed = true;
		return;
	}
	f->len += (size_t)sprintf(f->text + f->len, "%s ", name);
	for (; *value != '\0'; value++) {
		if (*value == '\n' || *value == '\\')
			f->text[f->len++] = '\\';
		f->text[f->len++] = *value;
		if (*value == '\n')
			f->text[f->len - 1] = 'n';
	}
	f->text[f->len++] = '\n';
}

void
facts_count(struct facts *f, const char *name, uint64_t value)
{
	char digits[24];

	snprintf(digits, sizeof digits, "%" PRIu64, value);
	facts_text(f, name, digits);
}

void
facts_hex(struct facts *f, const char *name, const void *p, size_t n)
{
	const uint8_t *b = p;
	char digits[2 * 64 + 1] = "";

	for (size_t i = 0; i < n && i < 64; i++)
		sprintf(digits + 2 * i, "%02x", b[i]);
	facts_text(f, name, digits);
}

void
facts_hex64(struct facts *f, const char *name, uint64_t value)
{
	char digits[24];

	snprintf(digits, sizeof digits, "%016" PRIx64, value);
	facts_text(f, name, digits);
}

bool
facts_flush(struct facts *f, struct err *e)
{
	size_t at = 0;

	if (f == NULL)
		return true;
	if (f->failed) {
		errno = ENOMEM;
		return err_sys(e, "cannot gather facts");
	}
	while (at < f->len) {
		ssize_t n = write(f->fd, f->text + at, f->len - at);

		if (n == -1 && errno != EINTR)
			return err_sys(e, "cannot write facts");
		/* Only a wait is given up: most facts of those who are asked
		 * to stop still find room in the pipe. */
		if (n == -1 && !stop_check(e))
			return false;
		if (n > 0)
			at += (size_t)n;
	}
	f->len = 0;
	return true;
}

bool
fact_list_add(struct fact_list *l, const void *p, size_t len, struct err *e)
{
	if (l->len + len > LIST_MAX)
		return err_set(
		    e, ERR_BUG, "more than %d bytes of facts", LIST_MAX);
	if (!room_for(&l->text, &l->cap, l->len + len + 1))
		return err_sys(e, "cannot gather facts");
	memcpy(l->text + l->len, p, len);
	for (size_t i = l->len; i < l->len + len; i++)
		if (l->text[i] == '\n')
			l->text[i] = '\0';
	l->len += len;
	l->text[l->len] = '\0'; /* ends a line still on its way */
	return true;
}

bool
fact_list_next(const struct fact_list *l, size_t *at, const char **name,
    size_t *name_len, const char **value)
{
	const char *line, *space;

	for (; *at < l->len; *at += strlen(line) + 1) {
		line = l->text + *at;
		if ((space = strchr(line, ' ')) == NULL)
			continue;
		*name = line;
		*name_len = (size_t)(space - line);
		*value = space + 1;
		*at += strlen(line) + 1;
		return true;
	}
	return false;
}

const char *
fact_list_get(const struct fact_list *l, const char *name)
{
	const char *n, *value;
	size_t at = 0, len;

	while (fact_list_next(l, &at, &n, &len, &value))
		if (strlen(name) == len && memcmp(n, name, len) == 0)
			return value;
	return NULL;
}

bool
fact_list_count(const struct fact_list *l, const char *name, uint64_t *value)
{
	const char *text = fact_list_get(l, name);
	char *end;

	if (text == NULL || *text < '0' || *text > '9')
		return false;
	errno = 0;
	*value = strtoull(text, &end, 10);
	return *end == '\0' && errno == 0;
}

void
fact_list_release(struct fact_list *l)
{
	free(l->text);
	*l = (struct fact_list){ 0 };
}
