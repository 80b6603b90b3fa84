/* setting.c -- see setting.h: the table, and what each kind looks like. */
#include "pipeline/setting.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pipeline/guard.h"
#include "pipeline/ident.h"
#include "pipeline/retention.h"
#include "pipeline/window.h"
#include "stages/kit/opt.h"
#include "stages/redis/url.h"

const char *const setting_sections[] = { "store", "instance", "plan", NULL };

static const char *const encryptions[] = { "no", NULL };
static const char *const levels[] = { "frame", "deep", NULL };
static const char *const sources[] = { "replica", "primary", NULL };
static const char *const overruns[] = { "finish", "abort", NULL };
static const char *const missed[] = { "run", "skip", NULL };

/* clang-format off */
const struct setting settings[] = {
	{ OF_STORE, SET_PLACE, "url", "STORE", NULL, true,
	    "where it is, as --store has it", NULL },
	{ OF_STORE, SET_FILE, "credentials-file", "FILE", NULL, false,
	    "read the credentials from this file of the cloud's own format", NULL },
	{ OF_STORE, SET_FILE, "ca", "FILE", NULL, false,
	    "trust the authorities in this file, not the system's", NULL },

	{ OF_INSTANCE, SET_SERVER, "url", "URL", NULL, true,
	    "the server", NULL },
	{ OF_INSTANCE, SET_STORE, "store", "NAME", NULL, false,
	    "the [store] its backups are in", NULL },
	{ OF_INSTANCE, SET_TEXT, "user", "NAME", NULL, false,
	    "ACL user, when the URL names none", NULL },
	{ OF_INSTANCE, SET_FILE, "password-file", "FILE", NULL, false,
	    "the password is the first line of this file", NULL },
	{ OF_INSTANCE, SET_TIME, "timeout", "TIME", NULL, false,
	    "how long the server may be silent", NULL },
	{ OF_INSTANCE, SET_FILE, "tls-ca", "FILE", NULL, false,
	    "trust the authorities in this file, not the system's", NULL },
	{ OF_INSTANCE, SET_FILE, "tls-cert", "FILE", NULL, false,
	    "show this certificate", NULL },
	{ OF_INSTANCE, SET_FILE, "tls-key", "FILE", NULL, false,
	    "its private key", NULL },
	{ OF_INSTANCE, SET_TEXT, "tls-server-name", "NAME", NULL, false,
	    "the name in the server's certificate", NULL },
	{ OF_INSTANCE, SET_FLAG, "tls-insecure", "yes|no", "no", false,
	    "believe any certificate", NULL },

	{ OF_PLAN, SET_NAMES, "instance", "NAME[,NAME...]", NULL, true,
	    "the instances it is for; * and ? stand for any text and letter", NULL },
	{ OF_PLAN, SET_DAYS, "weekdays", "DAY[,DAY...]", "daily", false,
	    "the days its window opens on", NULL },
	{ OF_PLAN, SET_WINDOW, "window", "HH:MM-HH:MM", "02:00-08:00", false,
	    "when a backup may start, and is to be done", NULL },
	{ OF_PLAN, SET_ZONE, "timezone", "ZONE", "UTC", false,
	    "whose clock days and hours are of", NULL },
	{ OF_PLAN, SET_PERIOD, "keep", "PERIOD", "7d", false,
	    "keep all backups of so long", NULL },
	{ OF_PLAN, SET_COUNT, "keep-last", "N", NULL, false,
	    "keep the last N", NULL },
	{ OF_PLAN, SET_COUNT, "keep-hourly", "N", NULL, false,
	    "keep the newest of each of N hours", NULL },
	{ OF_PLAN, SET_COUNT, "keep-daily", "N", NULL, false,
	    "keep the newest of each of N days", NULL },
	{ OF_PLAN, SET_COUNT, "keep-weekly", "N", NULL, false,
	    "keep the newest of each of N weeks", NULL },
	{ OF_PLAN, SET_COUNT, "keep-monthly", "N", NULL, false,
	    "keep the newest of each of N months", NULL },
	{ OF_PLAN, SET_COUNT, "keep-yearly", "N", NULL, false,
	    "keep the newest of each of N years", NULL },
	{ OF_PLAN, SET_LEVEL, "compress", "N", "3", false,
	    "how hard rdb-compress tries, 1 to 19", NULL },
	{ OF_PLAN, SET_CHOICE, "encrypt", "no", "no", false,
	    "encryption is not built in yet", encryptions },
	{ OF_PLAN, SET_CHOICE, "verify", "frame|deep", "frame", false,
	    "how deep a backup is checked while it is made", levels },
	{ OF_PLAN, SET_KEYS, "min-keys", "N", NULL, false,
	    "a backup of fewer keys is suspect", NULL },
	{ OF_PLAN, SET_SHARE, "max-shrink", "N%", NULL, false,
	    "so is one that is so much smaller than the last good one", NULL },
	{ OF_PLAN, SET_CHOICE, "source", "replica|primary", "replica", false,
	    "whom to take it from, where there are both", sources },
	{ OF_PLAN, SET_CHOICE, "on-overrun", "finish|abort", "finish", false,
	    "what becomes of a backup that still runs when its window closes", overruns },
	{ OF_PLAN, SET_CHOICE, "on-missed", "run|skip", "run", false,
	    "what to do about a window in which no backup was made", missed },
	{ OF_PLAN, SET_TEXT, "before", "COMMAND", NULL, false,
	    "run this first; no backup when it fails", NULL },
	{ OF_PLAN, SET_TIME, "before-timeout", "TIME", "5m", false,
	    "how long it may take", NULL },
	{ OF_PLAN, SET_TEXT, "after", "COMMAND", NULL, false,
	    "run this afterwards, also when there is no backup", NULL },
	{ OF_PLAN, SET_TIME, "after-timeout", "TIME", "5m", false,
	    "how long it may take", NULL },
	{ .of = OF_END },
};
/* clang-format on */

const struct setting *
setting_find(enum setting_of of, const char *name)
{
	for (const struct setting *s = settings; s->name != NULL; s++)
		if (s->of == of && strcmp(s->name, name) == 0)
			return s;
	return NULL;
}

const char *
setting_list(enum setting_of of, char *buf, size_t room)
{
	size_t n = 0;

	*buf = '\0';
	for (const struct setting *s = settings; s->name != NULL; s++)
		if (s->of == of && n < room)
			n += (size_t)snprintf(buf + n, room - n, "%s%s",
			    n > 0 ? ", " : "", s->name);
	return buf;
}

/* --- kinds --- */

static bool
text_ok(const char *text, struct err *e)
{
	for (const char *p = text; *p != '\0'; p++)
		if (err_is_control(p))
			return err_set(
			    e, ERR_USAGE, "there is a control character in it");
	return true;
}

static bool
wants(const char *what, const char *text, struct err *e)
{
	char shown[80];

	return err_set(e, ERR_USAGE, "wants %s, not \"%s\"", what,
	    err_quote(shown, sizeof shown, text, strlen(text)));
}

static bool
choice_ok(const char *const *words, const char *text, struct err *e)
{
	char list[100] = "one of ";
	size_t n = strlen(list);

	for (size_t i = 0; words[i] != NULL; i++) {
		if (strcmp(words[i], text) == 0)
			return true;
		n += (size_t)snprintf(list + n, sizeof list - n, "%s%s",
		    i > 0 ? ", " : "", words[i]);
	}
	return wants(words[1] == NULL ? words[0] : list, text, e);
}

/* Never shows the text: a password may be in it. */
static bool
server_ok(const char *text, struct err *e)
{
	struct url u;

	if (!url_parse(&u, text, e))
		return false;
	url_release(&u);
	return true;
}

static bool
zone_ok(const char *text, struct err *e)
{
	struct zone *z;

	if (!zone_open(&z, text, e))
		return false;
	zone_close(z);
	return true;
}

static bool
time_ok(const char *text, struct err *e)
{
	int64_t ms;

	return (opt_time(text, &ms) && ms > 0) ||
	    wants("a time such as 30s, 5m or 6h", text, e);
}

static bool
level_ok(const char *text, struct err *e)
{
	int64_t n;

	return (strlen(text) < 3 && opt_size(text, &n) && n >= 1 && n <= 19) ||
	    wants("a whole number, 1 to 19", text, e);
}

static bool
place_ok(const char *text, struct err *e)
{
	return *text == '/' || strstr(text, "://") != NULL ||
	    wants("a URL or a path that begins with /", text, e);
}

bool
setting_check(const struct setting *s, const char *text, struct err *e)
{
	static const char *const flags[] = { "yes", "no", NULL };
	struct retention_period period;
	struct window window;
	unsigned days, share;
	int64_t n;

	if (*text == '\0')
		return err_set(e, ERR_USAGE, "has no value");
	switch (s->kind) {
	case SET_FILE:
		return *text == '/' ?
		    text_ok(text, e) :
		    wants("a path that begins with /", text, e);
	case SET_SERVER:
		return server_ok(text, e);
	case SET_PLACE:
		return text_ok(text, e) && place_ok(text, e);
	case SET_STORE:
		return ident_instance_ok(text) ||
		    wants("the name of a [store]", text, e);
	case SET_FLAG:
		return choice_ok(flags, text, e);
	case SET_CHOICE:
		return choice_ok(s->words, text, e);
	case SET_LEVEL:
		return level_ok(text, e);
	case SET_TIME:
		return time_ok(text, e);
	case SET_DAYS:
		return window_days(text, &days, e);
	case SET_WINDOW:
		return window_hours(text, &window, e);
	case SET_ZONE:
		return zone_ok(text, e);
	case SET_PERIOD:
		return retention_period(text, &period, e);
	case SET_COUNT:
		return retention_count(text, &n, e);
	case SET_KEYS:
		return (opt_size(text, &n) && n > 0) ||
		    wants("a number of keys, from 1", text, e);
	case SET_SHARE:
		return guard_share(text, &share, e);
	case SET_TEXT:
	case SET_NAMES:
		break;
	}
	return text_ok(text, e);
}
