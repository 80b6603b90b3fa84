/*
 * setting.h -- what can be configured: one table.
 *
 * It drives the reading of files, environment and command line (config.h),
 * `rdbpipe config show`, and is compared with docs/rdbpipe.conf.5.
 */
#ifndef PIPELINE_SETTING_H
#define PIPELINE_SETTING_H

#include "stages/kit/err.h"

enum setting_of { OF_STORE, OF_INSTANCE, OF_PLAN, OF_END };

/* "store", "instance", "plan". */
extern const char *const setting_sections[];

enum setting_kind {
	SET_TEXT,   /* one line, printable */
	SET_FILE,   /* a path from the root */
	SET_SERVER, /* a URL of a server; a password in it is never shown */
	SET_PLACE,  /* a URL of a store, or a path from the root */
	SET_STORE,  /* the name of a [store] */
	SET_NAMES,  /* names of [instance]s, or patterns of them */
	SET_FLAG,   /* yes, no */
	SET_CHOICE, /* one of .words */
	SET_LEVEL,  /* 1 to 19 */
	SET_TIME,   /* more than 0, as opt_time() */
	SET_DAYS,   /* see window.h */
	SET_WINDOW,
	SET_ZONE,   /* see zone.h */
	SET_PERIOD, /* see retention.h */
	SET_COUNT,
	SET_KEYS, /* more than 0 */
	SET_SHARE /* "50%", see guard.h */
};

struct setting {
	enum setting_of of;
	enum setting_kind kind;
	const char *name, *arg; /* "window", "HH:MM-HH:MM" */
	const char *fallback;   /* NULL: none */
	bool needed;            /* a section without it is refused */
	const char *help;
	const char *const *words;
};

#define SETTING_MAX 24 /* in one section */

/* All of them, by section; the last has no name. */
extern const struct setting settings[];

/* NULL when there is none.  The list, for messages: "url, user, ...". */
const struct setting *setting_find(enum setting_of, const char *name);
const char *setting_list(enum setting_of, char *buf, size_t room);

/* Is this text a value of it?  ERR_USAGE, without the setting's name. */
MUST_USE bool setting_check(
    const struct setting *, const char *text, struct err *);

#endif
