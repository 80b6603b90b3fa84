/* place.c -- see place.h. */
#include "pipeline/place.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "pipeline/config.h"
#include "pipeline/ident.h"
#include "stages/store/net.h"

static const char *store_url, *instance_name;

/* clang-format off */
const struct opt place_store_opts[] = {
	{ OPT_TEXT, 0, "store", &store_url, "STORE",
	    "where backups are: a folder or a URL (default: RDBPIPE_STORE)",
	    0, 0, NULL, NULL },
	{ OPT_TEXT, 0, "customer-key", &store_net.customer_key, "FILE",
	    "a key of your own encrypts what is in the store (SSE-C)",
	    0, 0, NULL, NULL },
	OPT_TABLE_END,
};

const struct opt place_instance_opts[] = {
	{ OPT_TEXT, 0, "instance", &instance_name, "NAME",
	    "the instance the backup is of", 0, 0, NULL, NULL },
	OPT_TABLE_END,
};
/* clang-format on */

/* Never believe that something is encrypted which is not. */
static bool
url_open(struct store **s, const char *url, struct err *e)
{
	if (store_net.customer_key != NULL && !store_is_remote(url))
		return err_set(e, ERR_USAGE,
		    "--customer-key is for cos:// and s3:// only");
	return store_open(s, url, e);
}

/* A variable of the environment as we found it: it counts again for a store
 * that does not say otherwise, when stores are opened one after the other. */
static struct variable {
	bool known;
	char *value; /* owned; NULL: was not set */
} variables[3];

static bool
variable_set(
    struct variable *v, const char *name, const char *value, struct err *e)
{
	const char *now = getenv(name);

	if (!v->known && now != NULL && (v->value = strdup(now)) == NULL)
		return err_sys(e, "cannot set %s", name);
	v->known = true;
	if (value == NULL)
		value = v->value;
	if (value == NULL)
		unsetenv(name);
	else if (setenv(name, value, 1) == -1)
		return err_sys(e, "cannot set %s", name);
	return true;
}

/* Open a [store]; what is set there stands for the environment's. */
static bool
section_open(
    struct store **s, const struct config_section *section, struct err *e)
{
	static const struct {
		const char *key, *variable;
	} set[] = {
		{ "credentials-file", "TENCENTCLOUD_CREDENTIALS_FILE" },
		{ "credentials-file", "AWS_SHARED_CREDENTIALS_FILE" },
		{ "ca", "RDBPIPE_STORE_CA" },
	};

	/* So the programs we start find them too. */
	for (size_t i = 0; i < COUNT_OF(set); i++) {
		const char *value = config_text(section, set[i].key);

		if (!variable_set(&variables[i], set[i].variable, value, e))
			return false;
	}
	return url_open(s, config_text(section, "url"), e);
}

/* The section a name, the instance, or the lack of others points at; NULL
 * when none does. */
static const struct config_section *
section_pick(const struct config *c, const char *name)
{
	const struct config_section *instance = instance_name == NULL ?
	    NULL :
	    config_find(c, OF_INSTANCE, instance_name);
	const struct config_section *only = NULL;
	size_t n = 0;

	if (name != NULL)
		return config_find(c, OF_STORE, name);
	if (instance != NULL && config_text(instance, "store") != NULL)
		return config_find(c, OF_STORE, config_text(instance, "store"));
	for (size_t i = 0; i < c->sections.n; i++)
		if (config_section(c, i)->of == OF_STORE) {
			only = config_section(c, i);
			n++;
		}
	return n == 1 ? only : NULL;
}

static bool
default_open(struct store **s, struct err *e)
{
	const char *home = getenv("HOME");
	char *at_home = NULL;
	bool ok;

	if (geteuid() == 0)
		return url_open(s, "/var/lib/rdbpipe", e);
	if (home == NULL || *home != '/')
		return err_set(e, ERR_USAGE,
		    "no store: neither --store nor RDBPIPE_STORE nor HOME");
	if (asprintf(&at_home, "%s/.local/share/rdbpipe", home) == -1)
		return err_sys(e, "cannot open the store");
	ok = url_open(s, at_home, e);
	free(at_home);
	return ok;
}

bool
place_open(struct store **s, struct err *e)
{
	const struct config_section *section;
	const struct config *c;
	const char *url = store_url;

	if (url != NULL && *url == '\0')
		return err_set(e, ERR_USAGE, "--store wants a store");
	if (url == NULL)
		url = getenv("RDBPIPE_STORE");
	if (url != NULL && *url == '\0')
		url = NULL;
	if (url != NULL && strchr(url, '/') != NULL)
		return url_open(s, url, e);
	if (!config_shared(&c, e))
		return false;
	if ((section = section_pick(c, url)) != NULL)
		return section_open(s, section, e);
	return url != NULL ? url_open(s, url, e) : default_open(s, e);
}

bool
place_open_of(struct store **s, const char *instance, struct err *e)
{
	const char *was = instance_name;
	bool ok;

	instance_name = instance;
	ok = place_open(s, e);
	instance_name = was;
	return ok;
}

void
place_assume(const char *instance)
{
	if (instance_name == NULL)
		instance_name = instance;
}

bool
place_instance(const char **instance, struct err *e)
{
	char shown[IDENT_MAX + 40];

	*instance = instance_name;
	return instance_name == NULL || ident_instance_ok(instance_name) ||
	    err_set(e, ERR_USAGE,
		"--instance \"%s\": a name is letters, digits, '.', '_' and "
		"'-', at most %d, the first a letter or digit",
		err_quote(
		    shown, sizeof shown, instance_name, strlen(instance_name)),
		IDENT_MAX);
}

static bool
text_put(struct store *s, const char *key, const char *text, bool exclusive,
    struct err *e)
{
	const struct store_put how = { .exclusive = exclusive,
		.expect = strlen(text) };
	struct span all = { (const uint8_t *)text, strlen(text) };
	struct sink *to = store_put(s, key, &how, e);
	bool ok = to != NULL && sink_put(to, all, e) && sink_commit(to, e);

	sink_free(to);
	return ok;
}

bool
place_write(struct store *s, const char *key, const char *text, struct err *e)
{
	return text_put(s, key, text, true, e);
}

bool
place_replace(struct store *s, const char *key, const char *text, struct err *e)
{
	return text_put(s, key, text, false, e);
}
