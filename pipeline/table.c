/* table.c -- see table.h. */
#include "pipeline/table.h"

#include <stdlib.h>
#include <string.h>

/* Cells with control characters or broken UTF-8 are shown quoted. */
static char *
cell_text(const char *text)
{
	size_t n = strlen(text);
	char *quoted;

	for (const char *p = text; *p != '\0'; p++)
		if (err_is_control(p))
			n = SIZE_MAX;
	if (n != SIZE_MAX && json_text_ok(text))
		return strdup(text);
	n = strlen(text) * 4 + 16;
	if ((quoted = malloc(n)) != NULL)
		err_quote(quoted, n, text, strlen(text));
	return quoted;
}

bool
table_cell(struct table *t, const char *text, struct err *e)
{
	char **cell = json_list_add(&t->cells, sizeof *cell, e);

	if (cell == NULL)
		return false;
	if ((*cell = cell_text(text)) == NULL)
		return err_sys(e, "cannot set up a table");
	return true;
}

/* Columns on a screen, nearly: characters of UTF-8. */
static int
width(const char *text)
{
	int n = 0;

	for (; *text != '\0'; text++)
		n += (*text & 0xc0) != 0x80;
	return n;
}

/* One row; what would only be blanks at its end is not printed. */
static void
row_print(char *const *cell, const int *wide, const struct table *t, FILE *to)
{
	size_t n = t->columns;

	while (n > 0 && *cell[n - 1] == '\0')
		n--;
	for (size_t i = 0; i < n; i++) {
		int pad = wide[i] - width(cell[i]);

		if (t->right >> i & 1)
			fprintf(to, "%*s%s", pad, "", cell[i]);
		else
			fprintf(to, "%s%*s", cell[i], i + 1 < n ? pad : 0, "");
		fputs(i + 1 < n ? "  " : "", to);
	}
	putc('\n', to);
}

void
table_print(const struct table *t, FILE *to)
{
	char *const *cell = t->cells.item;
	int wide[TABLE_COLUMNS] = { 0 };

	for (size_t i = 0; i < t->cells.n; i++)
		if (width(cell[i]) > wide[i % t->columns])
			wide[i % t->columns] = width(cell[i]);
	for (size_t i = 0; i + t->columns <= t->cells.n; i += t->columns)
		row_print(cell + i, wide, t, to);
}

void
table_release(struct table *t)
{
	for (size_t i = 0; i < t->cells.n; i++)
		free(((char **)t->cells.item)[i]);
	free(t->cells.item);
	t->cells = (struct json_list){ 0 };
}
