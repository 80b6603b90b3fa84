/* inifile.c -- see inifile.h.  The only file that knows the library. */
#include "pipeline/inifile.h"

#include <ini.h>
#include <string.h>

#define SECTION_MAX 49 /* bytes: MAX_SECTION of ini.c, less the zero */

struct reading {
	FILE *file;
	const struct inifile_calls *calls;
	unsigned line;
	bool in_section, failed;
	struct err *e;
};

/* An error at the current line; its place is added at the end. */
static bool
refuse(struct reading *r, const char *what)
{
	r->failed = true;
	return err_set(r->e, ERR_USAGE, "%s", what);
}

static char *
strip(char *s)
{
	size_t n;

	s += strspn(s, " \t\r\n\v\f");
	n = strlen(s);
	while (n > 0 && strchr(" \t\r\n\v\f", s[n - 1]) != NULL)
		s[--n] = '\0';
	return s;
}

/* "[name]" and nothing else. */
static bool
section_take(struct reading *r, const char *s)
{
	const char *end = strchr(s, ']');
	char name[SECTION_MAX + 1];

	if (end == NULL || end[1] != '\0')
		return refuse(r,
		    end == NULL ? "']' is missing" :
				  "there is something behind the ']'");
	if ((size_t)(end - s - 1) > SECTION_MAX)
		return refuse(r, "the name of a section is at most 49 bytes");
	snprintf(name, sizeof name, "%.*s", (int)(end - s - 1), s + 1);
	r->in_section = true;
	r->failed = !r->calls->section(r->calls->arg, name, r->line, r->e);
	return !r->failed;
}

/* What the library would cut off or take for something else. */
static bool
pair_check(struct reading *r, const char *s)
{
	for (const char *p = s; *p != '\0'; p++)
		if (*p == ';' && p > s && strchr(" \t", p[-1]) != NULL)
			return refuse(r,
			    "a ';' behind a blank: comments have lines of "
			    "their own");
	return r->in_section ||
	    refuse(r, "there is no [section] in front of it");
}

/* As fgets, for the library: the next line, when there is nothing wrong. */
static char *
line_give(char *to, int room, void *arg)
{
	struct reading *r = arg;
	char *s;
	size_t n;

	if (r->failed || fgets(to, room, r->file) == NULL)
		return NULL;
	r->line++;
	n = strlen(to);
	if ((n == 0 || to[n - 1] != '\n') && !feof(r->file)) {
		err_set(r->e, ERR_USAGE,
		    "longer than %d bytes, or with a zero byte", room - 3);
		r->failed = true;
		return NULL;
	}
	if (r->line == 1 && strncmp(to, "\xef\xbb\xbf", 3) == 0)
		memmove(to, to + 3, strlen(to + 3) + 1);
	s = strip(to);
	/* Without blanks in front, which would make it a continuation. */
	memmove(to, s, strlen(s) + 1);
	if (*to == '[' ?
		!section_take(r, to) :
		*to != '\0' && strchr("#;", *to) == NULL && !pair_check(r, to))
		return NULL;
	return to;
}

static int
pair_take(void *arg, const char *section, const char *key, const char *value)
{
	struct reading *r = arg;

	(void)section;
	if (r->failed)
		return 0;
	r->failed = !r->calls->pair(r->calls->arg, key, value, r->line, r->e);
	return !r->failed;
}

bool
inifile_read(
    FILE *f, const char *path, const struct inifile_calls *calls, struct err *e)
{
	struct reading r = { .file = f, .calls = calls, .e = e };
	int wrong = ini_parse_stream(line_give, &r, pair_take, &r);

	if (ferror(f))
		return err_sys(e, "cannot read %s", path);
	/* It goes on after a line it cannot split; the first one counts. */
	if (wrong > 0 && (!r.failed || (unsigned)wrong < r.line)) {
		r.line = (unsigned)wrong;
		refuse(&r, "neither [section] nor key = value nor comment");
	}
	if (wrong < 0)
		return err_set(e, ERR_SYSTEM, "cannot read %s", path);
	if (!r.failed)
		return true;
	return err_in(e, "%s:%u", path, r.line);
}
