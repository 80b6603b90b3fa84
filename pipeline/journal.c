/* journal.c -- see journal.h. */
#include "pipeline/journal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pipeline/json.h"
#include "pipeline/say.h"
#include "stages/kit/clock.h"

bool journal_on;

struct line {
	int64_t time;
	struct journal_line said;
};

/* clang-format off */
#define AT(m) .at = offsetof(struct line, m)

static const struct json_field fields[] = {
	{ FIELD_TIME, "time", AT(time) },
	{ FIELD_TEXT, "event", AT(said.event) },
	{ FIELD_TEXT, "plan", AT(said.plan), .null = true },
	{ FIELD_TEXT, "instance", AT(said.instance), .null = true },
	{ FIELD_TEXT, "id", AT(said.id), .null = true },
	{ FIELD_TEXT, "state", AT(said.state), .null = true },
	{ FIELD_TEXT, "reason", AT(said.reason), .null = true },
	{ FIELD_TIME, "next", AT(said.next), .null = true },
	{ FIELD_COUNT, "keys", AT(said.keys) },
	{ FIELD_COUNT, "raw-bytes", AT(said.raw) },
	{ FIELD_COUNT, "stored-bytes", AT(said.stored) },
	{ FIELD_COUNT, "took-ms", AT(said.took_ms) },
	{ FIELD_COUNT, "count", AT(said.count) },
	{ FIELD_COUNT, "exit", AT(said.exit) },
	FIELD_END
};
/* clang-format on */

void
journal_write(const struct journal_line *said)
{
	struct line l = { clock_wall(), *said };
	char quoted[1000], *text;
	struct err e;

	if (!journal_on)
		return;
	if (l.said.reason != NULL && !json_text_ok(l.said.reason))
		l.said.reason = err_quote(quoted, sizeof quoted, l.said.reason,
		    strlen(l.said.reason));
	if (!json_print(fields, &l, false, &text, &e)) {
		say("no line for the log: %s", e.text);
		return;
	}
	printf("%s\n", text);
	fflush(stdout);
	free(text);
}
