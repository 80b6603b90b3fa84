/* failure.c -- see failure.h. */
#include "pipeline/failure.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* clang-format off */
#define AT(m) .at = offsetof(struct failure, m)

static const struct json_field fields[] = {
	{ FIELD_COUNT, "format", AT(format) },
	{ FIELD_TEXT, "plan", AT(plan) },
	{ FIELD_TIME, "started", AT(started) },
	{ FIELD_TIME, "ended", AT(ended) },
	{ FIELD_COUNT, "exit", AT(exit) },
	{ FIELD_TEXT, "reason", AT(reason) },
	FIELD_END
};
/* clang-format on */

bool
failure_print(const struct failure *f, char **text, struct err *e)
{
	char quoted[2 * sizeof e->text], *line;
	struct failure clean = *f;

	*text = NULL;
	if (!json_text_ok(f->reason))
		clean.reason = (char *)err_quote(
		    quoted, sizeof quoted, f->reason, strlen(f->reason));
	if (!json_print(fields, &clean, true, &line, e))
		return false;
	if (asprintf(text, "%s\n", line) == -1) {
		*text = NULL;
		err_sys(e, "cannot describe a failure");
	}
	free(line);
	return *text != NULL;
}

bool
failure_read(struct failure *f, const char *text, size_t len, struct err *e)
{
	if (!json_read(fields, f, sizeof *f, text, len, e))
		return false;
	if (f->format == FAILURE_FORMAT)
		return true;
	err_set(e, ERR_DATA, "format is %llu, this program reads %d",
	    (unsigned long long)f->format, FAILURE_FORMAT);
	failure_release(f);
	return false;
}

void
failure_release(struct failure *f)
{
	json_release(fields, f, sizeof *f);
}
