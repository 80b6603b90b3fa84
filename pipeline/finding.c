/* finding.c -- see finding.h. */
#include "pipeline/finding.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pipeline/table.h"

static const char *const levels[] = { "ok", "warn", "bad", NULL };

/* clang-format off */
#define AT(m) .at = offsetof(struct finding, m)
#define IN(m) .at = offsetof(struct findings, m)

static const struct json_field finding_fields[] = {
	{ FIELD_CHOICE, "level", AT(level), .words = levels },
	{ FIELD_TEXT, "about", AT(about), .null = true },
	{ FIELD_TEXT, "check", AT(check) },
	{ FIELD_TEXT, "says", AT(says) },
	{ FIELD_TEXT, "advice", AT(advice), .null = true },
	FIELD_END
};

static const struct json_field findings_fields[] = {
	{ FIELD_COUNT, "format", IN(format) },
	{ FIELD_TIME, "now", IN(now) },
	{ FIELD_LIST, "findings", IN(list), .of = finding_fields,
	    .size = sizeof(struct finding) },
	{ FIELD_COUNT, "ok", IN(count[FINDING_OK]) },
	{ FIELD_COUNT, "warn", IN(count[FINDING_WARN]) },
	{ FIELD_COUNT, "bad", IN(count[FINDING_BAD]) },
	FIELD_END
};
/* clang-format on */

void
finding_about(struct findings *f, const char *about)
{
	f->about = about;
}

/* One line, whatever came from outside; NULL when there is no memory. */
static char *
line_make(const char *fmt, va_list args)
{
	char *text, clean[600];

	if (vasprintf(&text, fmt, args) == -1)
		return NULL;
	err_clean(clean, sizeof clean, text);
	free(text);
	return strdup(clean);
}

static void
add(struct findings *f, struct finding like, const char *check,
    const char *advice, const char *fmt, va_list args)
{
	struct err e;
	struct finding *new = json_list_add(&f->list, sizeof *new, &e);

	if (new == NULL) {
		f->lost = true;
		return;
	}
	f->count[like.level]++;
	*new = like;
	new->check = strdup(check);
	new->says = line_make(fmt, args);
	if (f->about != NULL)
		new->about = strdup(f->about);
	if (advice != NULL)
		new->advice = strdup(advice);
	if (new->check == NULL || new->says == NULL ||
	    (new->about == NULL && f->about != NULL) ||
	    (new->advice == NULL &&advice != NULL))
		f->lost = true;
}

void
finding_ok(struct findings *f, const char *check, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	add(f, (struct finding){ .level = FINDING_OK }, check, NULL, fmt, args);
	va_end(args);
}

void
finding_warn(struct findings *f, const char *check, const char *advice,
    const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	add(f, (struct finding){ .level = FINDING_WARN }, check, advice, fmt,
	    args);
	va_end(args);
}

void
finding_bad(struct findings *f, const char *check, enum err_kind kind,
    const char *advice, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	add(f, (struct finding){ .level = FINDING_BAD, .kind = kind }, check,
	    advice, fmt, args);
	va_end(args);
}

/* --- printing --- */

/* What is to be done stands behind what is: it is the longest. */
static bool
row_add(struct table *t, const struct finding *one, struct err *e)
{
	char *text;
	bool ok;

	if (asprintf(&text, "%s%s%s", one->says,
		one->advice != NULL ? " -> " : "",
		one->advice != NULL ? one->advice : "") == -1)
		return err_sys(e, "cannot print");
	ok = table_cell(t, levels[one->level], e) &&
	    table_cell(t, one->about != NULL ? one->about : "-", e) &&
	    table_cell(t, one->check, e) && table_cell(t, text, e);
	free(text);
	return ok;
}

static bool
text_print(const struct findings *f, struct err *e)
{
	struct table t = { .columns = 4 };
	bool ok = true;

	for (size_t i = 0; ok && i < f->list.n; i++)
		ok = row_add(&t, (struct finding *)f->list.item + i, e);
	if (ok)
		table_print(&t, stdout);
	table_release(&t);
	return ok;
}

static bool
kept(const struct findings *f, struct err *e)
{
	if (!f->lost)
		return true;
	return err_set(e, ERR_SYSTEM, "no memory for what was found");
}

bool
findings_print(const struct findings *f, bool json, struct err *e)
{
	char *text;

	if (!kept(f, e))
		return false;
	if (!json)
		return text_print(f, e);
	if (!json_print(findings_fields, f, true, &text, e))
		return false;
	printf("%s\n", text);
	free(text);
	return true;
}

bool
findings_verdict(const struct findings *f, struct err *e)
{
	enum err_kind kind = ERR_NONE;

	if (!kept(f, e))
		return false;
	for (size_t i = 0; i < f->list.n; i++) {
		const struct finding *one = (struct finding *)f->list.item + i;

		if (one->level == FINDING_BAD &&
		    (kind == ERR_NONE || one->kind == ERR_DATA))
			kind = one->kind;
	}
	return kind == ERR_NONE ||
	    err_set(e, kind, "%" PRIu64 " %s bad, %" PRIu64 " doubtful",
		f->count[FINDING_BAD],
		f->count[FINDING_BAD] == 1 ? "finding is" : "findings are",
		f->count[FINDING_WARN]);
}

void
findings_release(struct findings *f)
{
	json_release(findings_fields, f, sizeof *f);
}
