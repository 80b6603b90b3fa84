/*
 * config.h -- what was configured, and where each value came from.
 *
 * Values come from four places, of which the later win:
 *
 *	the default		setting.h
 *	a file			[plan nightly]  window = 01:00-03:00
 *	the environment		RDBPIPE_PLAN__NIGHTLY__WINDOW=01:00-03:00
 *	the command line	--set plan.nightly.window=01:00-03:00
 *
 * The file is that of --config, else of RDBPIPE_CONFIG (empty: none), else
 * $XDG_CONFIG_HOME/rdbpipe.conf or ~/.config/rdbpipe.conf where the user is
 * not root and it exists, else /etc/rdbpipe.conf where it exists.  Everything
 * works without one: environment and command line may name sections that no
 * file has.
 *
 * In a variable, letters are large, and all but letters and digits is '_'.  So
 * it may be for any section whose name looks like that; a section that is in
 * no file has the name in small letters.
 *
 * All of it is checked before anything is used: what is unknown, given twice,
 * no value of its kind, refers to nothing, or is missing is an ERR_USAGE that
 * begins with the file and line, the variable, or the option.
 */
#ifndef PIPELINE_CONFIG_H
#define PIPELINE_CONFIG_H

#include "pipeline/json.h"
#include "pipeline/setting.h"
#include "stages/kit/opt.h"

extern const struct opt config_opts[]; /* --config, --set; of every verb */

enum config_origin { FROM_DEFAULT, FROM_FILE, FROM_ENVIRONMENT, FROM_COMMAND };
extern const char *const config_origins[];

struct config_value {
	char *text;  /* owned; NULL: none */
	char *where; /* owned; "/etc/rdbpipe.conf:12"; NULL: the default */
	int origin;
};

struct config_section {
	int of; /* enum setting_of */
	char *name;
	char *where;
	struct config_value value[SETTING_MAX]; /* as in settings[] */
};

struct config {
	char *path;                /* NULL: no file */
	struct json_list sections; /* of struct config_section */
};

/* Read all of it. */
MUST_USE bool config_load(struct config *, struct err *);
void config_release(struct config *);

/* The same, once for the whole program: borrowed. */
MUST_USE bool config_shared(const struct config **, struct err *);

/* Section i of sections.n; the one of a name, or NULL. */
const struct config_section *config_section(const struct config *, size_t i);
const struct config_section *config_find(
    const struct config *, enum setting_of, const char *name);

/* The same; ERR_USAGE that names those there are. */
const struct config_section *config_want(
    const struct config *, enum setting_of, const char *name, struct err *);

/* A value as text, NULL when there is none; the key must exist. */
const char *config_text(const struct config_section *, const char *key);
bool config_flag(const struct config_section *, const char *key);

/* As config_text, for people: without a password. Owned by the caller. */
char *config_shown(const struct config_section *, const struct setting *);

/* Is a plan for an instance? */
bool config_is_for(const struct config_section *plan, const char *instance);

#endif
