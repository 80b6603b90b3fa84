/* place.c -- see place.h. */
#include "pipeline/place.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

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

bool
place_open(struct store **s, struct err *e)
{
	const char *url = store_url, *home = getenv("HOME");
	char *at_home = NULL;
	bool ok;

	if (url == NULL)
		url = getenv("RDBPIPE_STORE");
	/* Never believe that something is encrypted which is not. */
	if (store_net.customer_key != NULL &&
	    (url == NULL || !store_is_remote(url)))
		return err_set(e, ERR_USAGE,
		    "--customer-key is for cos:// and s3:// only");
	if (url != NULL && *url != '\0')
		return store_open(s, url, e);
	if (store_url != NULL)
		return err_set(e, ERR_USAGE, "--store wants a store");
	if (geteuid() == 0)
		return store_open(s, "/var/lib/rdbpipe", e);
	if (home == NULL || *home != '/')
		return err_set(e, ERR_USAGE,
		    "no store: neither --store nor RDBPIPE_STORE nor HOME");
	if (asprintf(&at_home, "%s/.local/share/rdbpipe", home) == -1)
		return err_sys(e, "cannot open the store");
	ok = store_open(s, at_home, e);
	free(at_home);
	return ok;
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

bool
place_write(struct store *s, const char *key, const char *text, struct err *e)
{
	const struct store_put how = { .exclusive = true,
		.expect = strlen(text) };
	struct span all = { (const uint8_t *)text, strlen(text) };
	struct sink *to = store_put(s, key, &how, e);
	bool ok = to != NULL && sink_put(to, all, e) && sink_commit(to, e);

	sink_free(to);
	return ok;
}
