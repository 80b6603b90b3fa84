/*
 * verb-url.c -- `rdbpipe url ID`: addresses to download a backup's objects at.
 *
 * Signed here, good for a while, for somebody without credentials.
 */
#include "pipeline/verb.h"

#include <stdio.h>
#include <stdlib.h>

#include "pipeline/catalogue.h"
#include "pipeline/place.h"
#include "pipeline/say.h"
#include "pipeline/tencentdb.h"
#include "stages/store/net.h"

static int64_t expires = (int64_t)6 * 60 * 60 * 1000;
static bool internal, curl;

enum { FORMAT_TEXT, FORMAT_TENCENTDB };

static const char *const formats[] = { "text", "tencentdb", NULL };
static int format;

/* clang-format off */
static const struct opt opts[] = {
	{ OPT_TIME, 0, "expires", &expires, "TIME",
	    "how long they are good (default 6h)", 1000,
	    (int64_t)365 * 24 * 60 * 60 * 1000, NULL, NULL },
	{ OPT_FLAG, 0, "private", &internal, NULL,
	    "the name that is only found inside the region", 0, 0, NULL, NULL },
	{ OPT_FLAG, 0, "curl", &curl, NULL,
	    "print command lines for curl", 0, 0, NULL, NULL },
	{ OPT_CHOICE, 0, "format", &format, "FORMAT",
	    "text (default), or tencentdb: as that service answers",
	    0, 0, formats, NULL },
	OPT_TABLE_END,
};
/* clang-format on */

/* Nothing has to be quoted: an address is encoded, and the names are checked
 * by whoever reads a manifest. */
static void
address_print(const struct catalogue_name *name,
    const struct manifest_shard *shard, const char *address)
{
	if (curl)
		printf("curl --fail --output '%s-%s-%s' '%s'\n", name->instance,
		    name->id, shard->object.name, address);
	else
		printf("%s\n", address);
}

static bool
shard_url(struct store *store, const struct catalogue_name *name,
    const struct manifest_shard *shard, struct store_address *how,
    struct err *e)
{
	char *key = catalogue_key(name, shard->object.name, e);
	char *address = key != NULL ? store_address(store, key, how, e) : NULL;
	char note[STORE_ADDRESS_NOTE];

	if (address != NULL)
		address_print(name, shard, address);
	if (address != NULL && store_address_note(how, note))
		say("%s: %s", shard->object.name, note);
	free(address);
	free(key);
	return address != NULL;
}

/* Both names of one object; a store that has no other gives "". */
static bool
shard_both(struct store *store, const struct catalogue_name *name,
    const struct manifest_shard *shard, struct tencentdb_urls *to,
    struct err *e)
{
	struct store_address open = { .seconds = expires / 1000 };
	struct store_address inside = { .seconds = expires / 1000,
		.internal = true };
	char *key = catalogue_key(name, shard->object.name, e), *inner = NULL;
	char *url = key != NULL ? store_address(store, key, &open, e) : NULL;
	struct err none;
	bool ok;

	if (url != NULL)
		inner = store_address(store, key, &inside, &none);
	ok = url != NULL &&
	    tencentdb_url_add(to, shard->object.name, shard->object.bytes, url,
		inner != NULL ? inner : "", e);
	free(inner);
	free(url);
	free(key);
	return ok;
}

static bool
both_print(struct store *store, const struct catalogue_name *name,
    const struct manifest *m, struct err *e)
{
	struct tencentdb_urls urls = { 0 };
	bool ok = true;

	for (size_t i = 0; ok && i < m->shards.n; i++)
		ok = shard_both(store, name, manifest_shard(m, i), &urls, e);
	ok = ok && tencentdb_urls_print(&urls, e);
	tencentdb_urls_release(&urls);
	return ok;
}

static bool
curl_check(struct err *e)
{
	return !curl || store_net_customer_key() == NULL ||
	    err_set(e, ERR_USAGE,
		"--curl: with a customer's key its lines would hold that key");
}

static bool
url_run(const struct operands *args, struct err *e)
{
	struct store_address how = { .seconds = expires / 1000,
		.internal = internal };
	struct store *store = NULL;
	struct catalogue_name name;
	struct manifest m = { 0 };
	const char *instance;
	bool ok = curl_check(e) && place_instance(&instance, e) &&
	    place_open(&store, e) &&
	    catalogue_find(store, instance, args->v[0], &name, e) &&
	    catalogue_read(store, &name, &m, e);

	if (ok && format == FORMAT_TENCENTDB)
		ok = (!internal && !curl) ? both_print(store, &name, &m, e) :
					    err_set(e, ERR_USAGE,
						"--format tencentdb has both "
						"names; neither --private nor "
						"--curl go with it");
	for (size_t i = 0; ok && format == FORMAT_TEXT && i < m.shards.n; i++)
		ok = shard_url(store, &name, manifest_shard(&m, i), &how, e);
	if (ok && internal)
		say("these addresses are found in %s only", how.region);
	manifest_release(&m);
	if (store != NULL)
		store_close(store);
	return ok;
}

static const char *const notes[] = {
	"ID is an id, the beginning of one, INSTANCE/ID, or \"latest\".",
	"One line per shard.  Whoever has an address can read the object until",
	"it expires; made with a temporary key, it expires with that key at",
	"the latest, of which you are warned.",
	NULL,
};

const struct verb verb_url = {
	.name = "url",
	.brief = "print addresses to download a backup at",
	.operands = "ID",
	.operands_min = 1,
	.operands_max = 1,
	.tables = { opts, place_instance_opts, place_store_opts },
	.notes = notes,
	.run = url_run,
};
