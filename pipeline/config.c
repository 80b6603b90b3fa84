/* config.c -- see config.h: four places, and what must fit together. */
#include "pipeline/config.h"

#include <assert.h>
#include <ctype.h>
#include <errno.h>
#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "pipeline/ident.h"
#include "pipeline/inifile.h"
#include "stages/redis/url.h"

#define SHOWN_LEN 80

static const char *config_path;
static struct opt_list sets;

/* clang-format off */
const struct opt config_opts[] = {
	{ OPT_TEXT, 0, "config", &config_path, "FILE",
	    "read settings from FILE", 0, 0, NULL, NULL },
	{ OPT_LIST, 0, "set", &sets, "SETTING",
	    "such as plan.nightly.window=01:00-03:00; see rdbpipe.conf(5)",
	    0, 0, NULL, NULL },
	OPT_TABLE_END,
};
/* clang-format on */

const char *const config_origins[] = { "default", "file", "environment",
	"command line", NULL };

/* --- looking --- */

const struct config_section *
config_section(const struct config *c, size_t i)
{
	assert(i < c->sections.n);
	return (const struct config_section *)c->sections.item + i;
}

static struct config_section *
section_find(const struct config *c, int of, const char *name)
{
	for (size_t i = 0; i < c->sections.n; i++) {
		struct config_section *s =
		    (struct config_section *)c->sections.item + i;

		if (s->of == of && strcmp(s->name, name) == 0)
			return s;
	}
	return NULL;
}

const struct config_section *
config_find(const struct config *c, enum setting_of of, const char *name)
{
	return section_find(c, of, name);
}

const struct config_section *
config_want(
    const struct config *c, enum setting_of of, const char *name, struct err *e)
{
	const struct config_section *s = config_find(c, of, name);
	char list[200] = "", shown[SHOWN_LEN];
	size_t n = 0;

	if (s != NULL)
		return s;
	for (size_t i = 0; i < c->sections.n && n < sizeof list; i++)
		if (config_section(c, i)->of == (int)of)
			n += (size_t)snprintf(list + n, sizeof list - n, "%s%s",
			    n > 0 ? ", " : "", config_section(c, i)->name);
	err_set(e, ERR_USAGE, "there is no [%s %s]%s%s", setting_sections[of],
	    err_quote(shown, sizeof shown, name, strlen(name)),
	    n > 0 ? "; there are " : " configured", list);
	return NULL;
}

/* The place of a setting in its section's values. */
static size_t
place_of(const struct setting *s)
{
	size_t i = 0;

	for (const struct setting *p = s; p > settings && p[-1].of == s->of;
	     p--)
		i++;
	assert(i < SETTING_MAX);
	return i;
}

static const struct config_value *
value_of(const struct config_section *s, const char *key)
{
	const struct setting *set = setting_find((enum setting_of)s->of, key);

	assert(set != NULL);
	return &s->value[place_of(set)];
}

const char *
config_text(const struct config_section *s, const char *key)
{
	return value_of(s, key)->text;
}

bool
config_flag(const struct config_section *s, const char *key)
{
	const char *text = config_text(s, key);

	return text != NULL && strcmp(text, "yes") == 0;
}

char *
config_shown(const struct config_section *s, const struct setting *set)
{
	const char *text = s->value[place_of(set)].text;
	size_t room = text != NULL ? 4 * strlen(text) + 16 : 0;
	char *shown = NULL;

	if (text == NULL || set->kind != SET_SERVER)
		return text != NULL ? strdup(text) : NULL;
	if ((shown = malloc(room)) != NULL)
		err_clean(shown, room, text);
	return shown;
}

/* --- sections and values, from wherever --- */

static bool
section_add(struct config *c, int of, const char *name, const char *where,
    struct config_section **to, struct err *e)
{
	char shown[SHOWN_LEN];

	if (!ident_instance_ok(name))
		return err_set(e, ERR_USAGE,
		    "[%s %s]: a name is letters, digits, '.', '_' and '-', the "
		    "first a letter or digit",
		    setting_sections[of],
		    err_quote(shown, sizeof shown, name, strlen(name)));
	if ((*to = json_list_add(&c->sections, sizeof **to, e)) == NULL)
		return false;
	(*to)->of = of;
	(*to)->name = strdup(name);
	(*to)->where = strdup(where);
	return ((*to)->name != NULL && (*to)->where != NULL) ||
	    err_sys(e, "cannot keep the configuration");
}

static bool
value_set(struct config_section *s, const char *key, const char *text,
    enum config_origin origin, const char *where, struct err *e)
{
	const struct setting *set = setting_find((enum setting_of)s->of, key);
	struct config_value *v;
	char list[300], shown[SHOWN_LEN];

	if (set == NULL)
		return err_set(e, ERR_USAGE,
		    "[%s %s] has no \"%s\"; there are %s",
		    setting_sections[s->of], s->name,
		    err_quote(shown, sizeof shown, key, strlen(key)),
		    setting_list((enum setting_of)s->of, list, sizeof list));
	v = &s->value[place_of(set)];
	if (v->text != NULL && v->origin == (int)origin)
		return err_set(e, ERR_USAGE, "%s is given twice, first at %s",
		    key, v->where);
	if (!setting_check(set, text, e))
		return err_in(e, "%s", key);
	free(v->text);
	free(v->where);
	v->text = strdup(text);
	v->where = strdup(where);
	v->origin = (int)origin;
	return (v->text != NULL && v->where != NULL) ||
	    err_sys(e, "cannot keep the configuration");
}

/* --- the file --- */

struct filling {
	struct config *config;
	struct config_section *now;
};

static char *
where_of(const struct config *c, unsigned line)
{
	char *text;

	return asprintf(&text, "%s:%u", c->path, line) == -1 ? NULL : text;
}

static int
section_kind(const char *word, size_t n)
{
	for (int of = 0; of < OF_END; of++)
		if (strlen(setting_sections[of]) == n &&
		    strncmp(setting_sections[of], word, n) == 0)
			return of;
	return OF_END;
}

static bool
file_section(void *arg, const char *text, unsigned line, struct err *e)
{
	struct filling *f = arg;
	size_t n = strcspn(text, " \t");
	const char *name = text + n + strspn(text + n, " \t");
	int of = section_kind(text, n);
	char shown[SHOWN_LEN], *where;
	bool ok;

	if (of == OF_END || *name == '\0')
		return err_set(e, ERR_USAGE,
		    "unknown section [%s]; there are [store NAME], [instance "
		    "NAME] and [plan NAME]",
		    err_quote(shown, sizeof shown, text, strlen(text)));
	if ((f->now = section_find(f->config, of, name)) != NULL)
		return err_set(e, ERR_USAGE, "[%s %s] is there already, at %s",
		    setting_sections[of], name, f->now->where);
	if ((where = where_of(f->config, line)) == NULL)
		return err_sys(e, "cannot keep the configuration");
	ok = section_add(f->config, of, name, where, &f->now, e);
	free(where);
	return ok;
}

static bool
file_pair(
    void *arg, const char *key, const char *value, unsigned line, struct err *e)
{
	struct filling *f = arg;
	char *where = where_of(f->config, line);
	bool ok = where != NULL ?
	    value_set(f->now, key, value, FROM_FILE, where, e) :
	    err_sys(e, "cannot keep the configuration");

	free(where);
	return ok;
}

/* Its commands are run by us: whoever may write it may be us. */
static bool
file_trust(FILE *f, const char *path, struct err *e)
{
	struct stat st;

	if (fstat(fileno(f), &st) == -1)
		return err_sys(e, "cannot look at %s", path);
	if (S_ISDIR(st.st_mode))
		return err_set(e, ERR_USAGE, "%s is a directory", path);
	return (st.st_mode & S_IWOTH) == 0 || !S_ISREG(st.st_mode) ||
	    err_set(e, ERR_USAGE,
		"%s: anybody can write to it, and the commands in it are run",
		path);
}

static bool
file_read(struct config *c, struct err *e)
{
	struct filling f = { .config = c };
	const struct inifile_calls calls = { file_section, file_pair, &f };
	FILE *from;
	bool ok;

	if (c->path == NULL)
		return true;
	if ((from = fopen(c->path, "re")) == NULL)
		return err_sys(e, "cannot open %s", c->path);
	ok = file_trust(from, c->path, e) &&
	    inifile_read(from, c->path, &calls, e);
	fclose(from);
	return ok;
}

/* Where there is a file that nobody named; NULL when there is none. */
static char *
path_find(void)
{
	const char *home = getenv("HOME"), *xdg = getenv("XDG_CONFIG_HOME");
	char *path = NULL;

	if (geteuid() == 0)
		home = xdg = NULL;
	if (xdg != NULL && *xdg == '/') {
		if (asprintf(&path, "%s/rdbpipe.conf", xdg) == -1)
			return NULL;
	} else if (home != NULL && *home == '/' &&
	    asprintf(&path, "%s/.config/rdbpipe.conf", home) == -1)
		return NULL;
	if (path != NULL && access(path, F_OK) == 0)
		return path;
	free(path);
	return access("/etc/rdbpipe.conf", F_OK) == 0 ?
	    strdup("/etc/rdbpipe.conf") :
	    NULL;
}

static bool
path_set(struct config *c, struct err *e)
{
	const char *named = config_path;

	if (named == NULL)
		named = getenv("RDBPIPE_CONFIG");
	c->path = named == NULL ? path_find() :
	    *named != '\0'      ? strdup(named) :
				  NULL;
	return named == NULL || *named == '\0' || c->path != NULL ||
	    err_sys(e, "cannot read %s", named);
}

/* --- the environment --- */

/* Does a section's name look like this part of a variable's? */
static bool
looks_like(const char *name, const char *part, size_t n)
{
	if (strlen(name) != n)
		return false;
	for (size_t i = 0; i < n; i++) {
		unsigned char c = (unsigned char)name[i];

		if ((isalnum(c) ? toupper(c) : '_') != part[i])
			return false;
	}
	return true;
}

/* The section a variable is for; made when there is none. */
static bool
variable_section(struct config *c, int of, const char *part, size_t n,
    const char *variable, struct config_section **to, struct err *e)
{
	char name[IDENT_MAX + 2];

	*to = NULL;
	for (size_t i = 0; i < c->sections.n; i++) {
		struct config_section *s =
		    (struct config_section *)c->sections.item + i;

		if (s->of != of || !looks_like(s->name, part, n))
			continue;
		if (*to != NULL)
			return err_set(e, ERR_USAGE,
			    "could be for [%s %s] or [%s %s]",
			    setting_sections[of], (*to)->name,
			    setting_sections[of], s->name);
		*to = s;
	}
	if (*to != NULL)
		return true;
	snprintf(name, sizeof name, "%.*s", (int)n, part);
	for (char *p = name; *p != '\0'; p++)
		*p = (char)tolower((unsigned char)*p);
	return section_add(c, of, name, variable, to, e);
}

/* "NIGHTLY__KEEP_DAILY": the key is behind the last "__". */
static bool
variable_take(struct config *c, int of, const char *variable, const char *rest,
    const char *value, struct err *e)
{
	const char *key = NULL;
	struct config_section *s;
	char name[100];
	size_t n = 0;

	for (const char *p = rest; (p = strstr(p, "__")) != NULL; p++)
		key = p;
	if (key == NULL || key == rest)
		return err_set(e, ERR_USAGE, "is not RDBPIPE_%s__NAME__KEY",
		    of == OF_STORE        ? "STORE" :
			of == OF_INSTANCE ? "INSTANCE" :
					    "PLAN");
	for (const char *p = key + 2; *p != '\0' && n + 1 < sizeof name; p++)
		name[n++] = *p == '_' ? '-' : (char)tolower((unsigned char)*p);
	name[n] = '\0';
	return variable_section(
		   c, of, rest, (size_t)(key - rest), variable, &s, e) &&
	    value_set(s, name, value, FROM_ENVIRONMENT, variable, e);
}

static bool
environment_read(struct config *c, struct err *e)
{
	static const char *const heads[] = { "RDBPIPE_STORE__",
		"RDBPIPE_INSTANCE__", "RDBPIPE_PLAN__" };

	for (char **p = environ; *p != NULL; p++)
		for (int of = 0; of < OF_END; of++) {
			size_t head = strlen(heads[of]), n = strcspn(*p, "=");
			char name[300];

			if (strncmp(*p, heads[of], head) != 0 ||
			    n >= sizeof name || (*p)[n] == '\0' ||
			    (*p)[n + 1] == '\0')
				continue;
			snprintf(name, sizeof name, "%.*s", (int)n, *p);
			if (!variable_take(
				c, of, name, name + head, *p + n + 1, e))
				return err_in(e, "%s", name);
		}
	return true;
}

/* --- the command line --- */

/* "plan.nightly.window=01:00-03:00"; the name may hold dots. */
static bool
set_take(struct config *c, const char *text, const char *word, struct err *e)
{
	const char *value = strchr(text, '='), *dot = strchr(text, '.'),
		   *last = NULL;
	char name[IDENT_MAX + 2], key[60];
	struct config_section *s;
	int of;

	for (const char *p = text; value != NULL && p < value; p++)
		if (*p == '.')
			last = p;
	of = dot != NULL ? section_kind(text, (size_t)(dot - text)) : OF_END;
	if (last == NULL || last == dot || of == OF_END)
		return err_set(e, ERR_USAGE,
		    "is not SECTION.NAME.KEY=VALUE, such as "
		    "plan.nightly.window=01:00-03:00");
	snprintf(name, sizeof name, "%.*s", (int)(last - dot - 1), dot + 1);
	snprintf(key, sizeof key, "%.*s", (int)(value - last - 1), last + 1);
	if ((s = section_find(c, of, name)) == NULL &&
	    !section_add(c, of, name, word, &s, e))
		return false;
	return value_set(s, key, value + 1, FROM_COMMAND, word, e);
}

static bool
command_read(struct config *c, struct err *e)
{
	for (int i = 0; i < sets.n; i++) {
		const char *value = strchr(sets.v[i], '=');
		char word[200];

		snprintf(word, sizeof word, "--set %.*s",
		    (int)strcspn(sets.v[i], "="), sets.v[i]);
		if (!set_take(c, sets.v[i], word, e))
			return err_in(e, "%s", word);
		/* It lies in our argument list, for all to see. */
		if (value != NULL && strstr(value, "://") != NULL)
			url_hide((char *)(uintptr_t)value + 1);
	}
	return true;
}

/* --- what must fit together --- */

static bool
at(struct err *e, const struct config_section *s, const char *where,
    const char *what)
{
	return err_set(e, ERR_USAGE, "%s: [%s %s] %s", where,
	    setting_sections[s->of], s->name, what);
}

static bool
defaults_set(struct config_section *s, struct err *e)
{
	bool kept = false;

	for (const struct setting *set = settings; set->name != NULL; set++) {
		struct config_value *v;

		if ((int)set->of != s->of)
			continue;
		v = &s->value[place_of(set)];
		kept = kept || (v->text != NULL && set->kind == SET_COUNT);
		if (v->text == NULL && set->fallback != NULL &&
		    (v->text = strdup(set->fallback)) == NULL)
			return err_sys(e, "cannot keep the configuration");
		if (v->text == NULL && set->needed) {
			char what[60];

			snprintf(what, sizeof what, "has no %s", set->name);
			return at(e, s, s->where, what);
		}
	}
	/* Whoever counts has said what to keep. */
	if (s->of == OF_PLAN && kept) {
		struct config_value *v =
		    &s->value[place_of(setting_find(OF_PLAN, "keep"))];

		if (v->origin == FROM_DEFAULT) {
			free(v->text);
			v->text = NULL;
		}
	}
	return true;
}

/* The next of the names in a list; false: none is left. */
static bool
name_next(const char **list, char name[IDENT_MAX + 2])
{
	size_t n;

	*list += strspn(*list, ", \t");
	n = strcspn(*list, ", \t");
	snprintf(name, IDENT_MAX + 2, "%.*s", (int)n, *list);
	*list += n;
	return n > 0;
}

bool
config_is_for(const struct config_section *plan, const char *instance)
{
	const char *list = config_text(plan, "instance");
	char name[IDENT_MAX + 2];

	while (name_next(&list, name))
		if (fnmatch(name, instance, 0) == 0)
			return true;
	return false;
}

/* Every name of a plan's list is that of some instance. */
static bool
names_check(
    const struct config *c, const struct config_section *plan, struct err *e)
{
	const char *list = config_text(plan, "instance");
	const char *where = value_of(plan, "instance")->where;
	char name[IDENT_MAX + 2], shown[SHOWN_LEN], what[200];
	bool any = false;

	while (name_next(&list, name)) {
		bool found = false;

		any = true;
		for (size_t i = 0; i < c->sections.n; i++)
			found = found ||
			    (config_section(c, i)->of == OF_INSTANCE &&
				fnmatch(name, config_section(c, i)->name, 0) ==
				    0);
		if (found)
			continue;
		snprintf(what, sizeof what,
		    "instance: there is no [instance %s]",
		    err_quote(shown, sizeof shown, name, strlen(name)));
		return at(e, plan, where, what);
	}
	return any || at(e, plan, where, "instance: names none");
}

static bool
store_check(
    const struct config *c, const struct config_section *s, struct err *e)
{
	const struct config_value *v = value_of(s, "store");
	struct err why;

	return v->text == NULL ||
	    config_want(c, OF_STORE, v->text, &why) != NULL ||
	    at(e, s, v->where, why.text);
}

static bool
fit_together(struct config *c, struct err *e)
{
	for (size_t i = 0; i < c->sections.n; i++)
		if (!defaults_set(
			(struct config_section *)c->sections.item + i, e))
			return false;
	for (size_t i = 0; i < c->sections.n; i++) {
		const struct config_section *s = config_section(c, i);

		if ((s->of == OF_PLAN && !names_check(c, s, e)) ||
		    (s->of == OF_INSTANCE && !store_check(c, s, e)))
			return false;
	}
	return true;
}

bool
config_load(struct config *c, struct err *e)
{
	memset(c, 0, sizeof *c);
	if (path_set(c, e) && file_read(c, e) && environment_read(c, e) &&
	    command_read(c, e) && fit_together(c, e))
		return true;
	config_release(c);
	return false;
}

void
config_release(struct config *c)
{
	for (size_t i = 0; i < c->sections.n; i++) {
		struct config_section *s =
		    (struct config_section *)c->sections.item + i;

		for (size_t k = 0; k < SETTING_MAX; k++) {
			char *text = s->value[k].text;

			if (text != NULL) /* a password may be in it */
				explicit_bzero(text, strlen(text));
			free(text);
			free(s->value[k].where);
		}
		free(s->name);
		free(s->where);
	}
	free(c->sections.item);
	free(c->path);
	memset(c, 0, sizeof *c);
}

bool
config_shared(const struct config **to, struct err *e)
{
	static struct config one;
	static bool loaded;

	if (!loaded && !config_load(&one, e))
		return false;
	loaded = true;
	*to = &one;
	return true;
}
