/* hold.c -- see hold.h. */
#include "pipeline/hold.h"

#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "stages/kit/clock.h"

/* clang-format off */
#define AT(m) .at = offsetof(struct hold, m)

static const struct json_field fields[] = {
	{ FIELD_COUNT, "format", AT(format) },
	{ FIELD_FLAG, "hold", AT(hold) },
	{ FIELD_TEXT, "who", AT(who) },
	{ FIELD_TIME, "when", AT(when) },
	{ FIELD_TEXT, "why", AT(why), .null = true },
	FIELD_END
};
/* clang-format on */

/* "root@db1", as far as it can be found out. */
static char *
who_are_we(void)
{
	const struct passwd *user = getpwuid(geteuid());
	char host[256] = "", *who;

	if (gethostname(host, sizeof host - 1) == -1)
		*host = '\0';
	if (user != NULL && json_text_ok(user->pw_name) && json_text_ok(host))
		return asprintf(&who, "%s@%s", user->pw_name, host) == -1 ?
		    NULL :
		    who;
	return asprintf(&who, "uid %ld", (long)geteuid()) == -1 ? NULL : who;
}

bool
hold_init(struct hold *h, bool hold, const char *why, struct err *e)
{
	*h = (struct hold){ .format = HOLD_FORMAT,
		.hold = hold,
		.when = clock_wall(),
		.who = who_are_we() };
	if (why != NULL)
		h->why = strdup(why);
	if (h->who != NULL && (why == NULL || h->why != NULL))
		return true;
	hold_release(h);
	return err_sys(e, "cannot make a hold");
}

bool
hold_print(const struct hold *h, char **text, struct err *e)
{
	char *line;

	*text = NULL;
	if (!json_print(fields, h, true, &line, e))
		return false;
	if (asprintf(text, "%s\n", line) == -1) {
		*text = NULL;
		err_sys(e, "cannot make a hold");
	}
	free(line);
	return *text != NULL;
}

bool
hold_read(struct hold *h, const char *text, size_t len, struct err *e)
{
	if (!json_read(fields, h, sizeof *h, text, len, e))
		return false;
	if (h->format == HOLD_FORMAT)
		return true;
	err_set(e, ERR_DATA, "format is %llu, this program reads %d",
	    (unsigned long long)h->format, HOLD_FORMAT);
	hold_release(h);
	return false;
}

void
hold_release(struct hold *h)
{
	json_release(fields, h, sizeof *h);
}
