/*
 * verb-config.c -- `rdbpipe config show`: every value, and where it came
 * from; `rdbpipe config keys`: what there is to set.
 */
#include "pipeline/verb.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pipeline/config.h"
#include "pipeline/table.h"

enum { FORMAT_TEXT, FORMAT_JSON };

static const char *const formats[] = { "text", "json", NULL };
static int format;
static bool origin;

/* clang-format off */
static const struct opt opts[] = {
	{ OPT_FLAG, 0, "origin", &origin, NULL,
	    "also print where each value came from", 0, 0, NULL, NULL },
	{ OPT_CHOICE, 0, "format", &format, "FORMAT",
	    "text (default), which can be used as a file, or json", 0, 0,
	    formats, NULL },
	OPT_TABLE_END,
};
/* clang-format on */

struct row {
	char *section, *name, *key, *value, *origin, *where;
};

struct sheet {
	uint64_t format;
	char *file;
	struct json_list rows;
};

/* clang-format off */
#define AT(m) .at = offsetof(struct row, m)

static const struct json_field row_fields[] = {
	{ FIELD_TEXT, "section", AT(section) },
	{ FIELD_TEXT, "name", AT(name) },
	{ FIELD_TEXT, "key", AT(key) },
	{ FIELD_TEXT, "value", AT(value), .null = true },
	{ FIELD_TEXT, "origin", AT(origin) },
	{ FIELD_TEXT, "where", AT(where), .null = true },
	FIELD_END
};

static const struct json_field sheet_fields[] = {
	{ FIELD_COUNT, "format", .at = offsetof(struct sheet, format) },
	{ FIELD_TEXT, "file", .at = offsetof(struct sheet, file),
	    .null = true },
	{ FIELD_LIST, "values", .at = offsetof(struct sheet, rows),
	    .of = row_fields, .size = sizeof(struct row) },
	FIELD_END
};
/* clang-format on */

/* --- gathering --- */

static bool
text_keep(char **to, const char *text, struct err *e)
{
	if (text == NULL)
		return true;
	*to = strdup(text);
	return *to != NULL || err_sys(e, "cannot show");
}

static bool
row_add(struct sheet *sheet, const struct config_section *s,
    const struct setting *set, const struct config_value *v, struct err *e)
{
	struct row *r = json_list_add(&sheet->rows, sizeof *r, e);

	if (r == NULL)
		return false;
	r->value = config_shown(s, set);
	if (v->text != NULL && r->value == NULL)
		return err_sys(e, "cannot show");
	return text_keep(&r->section, setting_sections[s->of], e) &&
	    text_keep(&r->name, s->name, e) &&
	    text_keep(&r->key, set->name, e) &&
	    text_keep(&r->origin, config_origins[v->origin], e) &&
	    text_keep(&r->where, v->where, e);
}

static bool
section_add(struct sheet *sheet, const struct config_section *s, struct err *e)
{
	size_t i = 0;

	for (const struct setting *set = settings; set->name != NULL; set++)
		if ((int)set->of == s->of &&
		    !row_add(sheet, s, set, &s->value[i++], e))
			return false;
	return true;
}

/* By kind, then in the order they were given. */
static bool
sheet_fill(struct sheet *sheet, const struct config *c, struct err *e)
{
	sheet->format = 1;
	if (!text_keep(&sheet->file, c->path, e))
		return false;
	for (int of = 0; of < OF_END; of++)
		for (size_t i = 0; i < c->sections.n; i++)
			if (config_section(c, i)->of == of &&
			    !section_add(sheet, config_section(c, i), e))
				return false;
	return true;
}

/* --- printing --- */

/* As a file. */
static void
text_print(const struct sheet *sheet)
{
	const struct row *last = NULL;

	for (size_t i = 0; i < sheet->rows.n; i++) {
		const struct row *r = (const struct row *)sheet->rows.item + i;

		if (last == NULL || strcmp(r->name, last->name) != 0 ||
		    strcmp(r->section, last->section) != 0)
			printf("%s[%s %s]\n", last != NULL ? "\n" : "",
			    r->section, r->name);
		last = r;
		if (r->value != NULL)
			printf("%s = %s\n", r->key, r->value);
	}
}

static bool
table_fill(struct table *t, const struct sheet *sheet, struct err *e)
{
	static const char *const head[] = { "SETTING", "VALUE", "ORIGIN" };
	bool ok = true;

	for (size_t i = 0; ok && i < COUNT_OF(head); i++)
		ok = table_cell(t, head[i], e);
	for (size_t i = 0; ok && i < sheet->rows.n; i++) {
		const struct row *r = (const struct row *)sheet->rows.item + i;
		char *name;

		if (asprintf(&name, "%s.%s.%s", r->section, r->name, r->key) ==
		    -1)
			return err_sys(e, "cannot show");
		ok = table_cell(t, name, e) &&
		    table_cell(t, r->value != NULL ? r->value : "-", e) &&
		    table_cell(t, r->where != NULL ? r->where : r->origin, e);
		free(name);
	}
	return ok;
}

static bool
origin_print(const struct sheet *sheet, struct err *e)
{
	struct table t = { .columns = 3 };
	bool ok = table_fill(&t, sheet, e);

	if (ok)
		table_print(&t, stdout);
	table_release(&t);
	return ok;
}

static bool
sheet_print(const struct sheet *sheet, struct err *e)
{
	char *text;

	if (format == FORMAT_TEXT)
		return origin ? origin_print(sheet, e) :
				(text_print(sheet), true);
	if (!json_print(sheet_fields, sheet, true, &text, e))
		return false;
	printf("%s\n", text);
	free(text);
	return true;
}

/* --- what there is --- */

static bool
keys_fill(struct table *t, struct err *e)
{
	static const char *const head[] = { "SECTION", "KEY", "VALUE",
		"DEFAULT", "MEANING" };
	bool ok = true;

	for (size_t i = 0; ok && i < COUNT_OF(head); i++)
		ok = table_cell(t, head[i], e);
	for (const struct setting *s = settings; ok && s->name != NULL; s++)
		ok = table_cell(t, setting_sections[s->of], e) &&
		    table_cell(t, s->name, e) && table_cell(t, s->arg, e) &&
		    table_cell(t,
			s->needed               ? "needed" :
			    s->fallback != NULL ? s->fallback :
						  "-",
			e) &&
		    table_cell(t, s->help, e);
	return ok;
}

static bool
keys_print(struct err *e)
{
	struct table t = { .columns = 5 };
	bool ok = keys_fill(&t, e);

	if (ok)
		table_print(&t, stdout);
	table_release(&t);
	return ok;
}

static bool
config_run(const struct operands *args, struct err *e)
{
	const struct config *c;
	struct sheet sheet = { 0 };
	bool ok;

	if (strcmp(args->v[0], "keys") == 0)
		return keys_print(e);
	if (strcmp(args->v[0], "show") != 0)
		return err_set(e, ERR_USAGE,
		    "config wants show or keys, not '%s'", args->v[0]);
	ok = config_shared(&c, e) && sheet_fill(&sheet, c, e) &&
	    sheet_print(&sheet, e);
	json_release(sheet_fields, &sheet, sizeof sheet);
	return ok;
}

static const char *const notes[] = {
	"show prints what is set, keys what there is to set.  Settings come "
	"from",
	"a file, from the environment and from --set; see rdbpipe.conf(5).",
	"Passwords are not shown.",
	NULL,
};

const struct verb verb_config = {
	.name = "config",
	.brief = "print what is configured, and where",
	.operands = "show|keys",
	.operands_min = 1,
	.operands_max = 1,
	.tables = { opts },
	.notes = notes,
	.run = config_run,
};
