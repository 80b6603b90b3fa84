/* command.c -- see command.h. */
#include "pipeline/command.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static bool
executable(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && S_ISREG(st.st_mode) &&
	    access(path, X_OK) == 0;
}

/* dir/name, if that can be executed; else NULL. */
static char *
look_in(const char *dir, size_t dir_len, const char *name)
{
	char path[PATH_MAX];
	int n;

	/* An empty place on PATH means the working directory. */
	n = snprintf(path, sizeof path, "%.*s/%s",
	    dir_len > 0 ? (int)dir_len : 1, dir_len > 0 ? dir : ".", name);
	if (n < 0 || (size_t)n >= sizeof path || !executable(path))
		return NULL;
	return strdup(path);
}

static char *
look_on_path(const char *name)
{
	const char *at = getenv("PATH");
	char *found = NULL;

	while (at != NULL && found == NULL) {
		size_t n = strcspn(at, ":");

		found = look_in(at, n, name);
		at = at[n] == ':' ? at + n + 1 : NULL;
	}
	return found;
}

static char *
look_beside(const char *name)
{
	char self[PATH_MAX];
	ssize_t n = readlink("/proc/self/exe", self, sizeof self - 1);

	if (n <= 0)
		return NULL;
	self[n] = '\0';
	return look_in(self, (size_t)(strrchr(self, '/') - self), name);
}

bool
command_init(struct command *c, const char *name, struct err *e)
{
	const char *first = getenv("RDBPIPE_PROGRAMS");

	memset(c, 0, sizeof *c);
	c->name = name;
	if (first != NULL && *first != '\0')
		c->path = look_in(first, strlen(first), name);
	if (c->path == NULL)
		c->path = look_beside(name);
	if (c->path == NULL)
		c->path = look_on_path(name);
	return c->path != NULL ||
	    err_set(e, ERR_SYSTEM,
		"cannot find %s: neither beside rdbpipe nor on PATH", name);
}

bool
command_word(struct command *c, const char *word, struct err *e)
{
	if (c->n == COMMAND_WORDS)
		return err_set(e, ERR_BUG, "more than %d words for %s",
		    COMMAND_WORDS, c->name);
	if ((c->words[c->n] = strdup(word)) == NULL)
		return err_sys(e, "cannot set up %s", c->name);
	c->n++;
	return true;
}

bool
command_env(
    struct command *c, const char *name, const char *value, struct err *e)
{
	free(c->env);
	if (asprintf(&c->env, "%s=%s", name, value) == -1) {
		c->env = NULL;
		return err_sys(e, "cannot set up %s", c->name);
	}
	return true;
}

/* Would a shell take this word as it is? */
static bool
plain(const char *word)
{
	static const char safe[] = "abcdefghijklmnopqrstuvwxyz"
				   "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				   "0123456789_-+=:,./@%";

	return *word != '\0' && word[strspn(word, safe)] == '\0';
}

static void
word_print(const char *word, FILE *to)
{
	if (plain(word)) {
		fputs(word, to);
		return;
	}
	putc('\'', to);
	for (; *word != '\0'; word++)
		if (*word == '\'')
			fputs("'\\''", to);
		else
			putc(*word, to);
	putc('\'', to);
}

/* The name alone, when PATH leads it to the same file. */
static const char *
exact_name(const struct command *c)
{
	char *found = look_on_path(c->name);
	struct stat a, b;
	bool same = found != NULL && stat(found, &a) == 0 &&
	    stat(c->path, &b) == 0 && a.st_ino == b.st_ino &&
	    a.st_dev == b.st_dev;

	free(found);
	return same ? c->name : c->path;
}

bool
command_text(const struct command *c, bool exact, char **text, struct err *e)
{
	size_t len;
	FILE *to = open_memstream(text, &len);

	if (to == NULL)
		return err_sys(e, "cannot print %s", c->name);
	word_print(exact ? exact_name(c) : c->name, to);
	for (size_t i = 0; i < c->n; i++) {
		putc(' ', to);
		word_print(c->words[i], to);
	}
	if (fclose(to) != 0) {
		free(*text);
		*text = NULL;
		return err_sys(e, "cannot print %s", c->name);
	}
	return true;
}

void
command_release(struct command *c)
{
	for (size_t i = 0; i < c->n; i++)
		free(c->words[i]);
	free(c->path);
	free(c->env);
	memset(c, 0, sizeof *c);
}
