/*
 * verb-clone.c -- `rdbpipe clone ID --to URL`: a backup into a server or a
 * cluster, and, with --prove, that captured again and compared.
 */
#include "pipeline/verb.h"

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "pipeline/catalogue.h"
#include "pipeline/endpoint.h"
#include "pipeline/equal.h"
#include "pipeline/figure.h"
#include "pipeline/place.h"
#include "pipeline/proof.h"
#include "pipeline/route.h"
#include "pipeline/say.h"

static const char *target;
static bool prove, dry_run;
static struct route_target how;

/* clang-format off */
static const struct opt opts[] = {
	{ OPT_TEXT, 0, "to", &target, "URL",
	    "the server that is to hold the data", 0, 0, NULL, NULL },
	{ OPT_FLAG, 0, "prove", &prove, NULL,
	    "capture it again and compare the logical digests", 0, 0, NULL,
	    NULL },
	{ OPT_FLAG, 0, "flush", &how.flush, NULL,
	    "what the server holds now may be lost", 0, 0, NULL, NULL },
	{ OPT_TEXT, 0, "listen", &how.listen, "ADDR[:PORT]",
	    "where we listen for the server, see rdb-restore", 0, 0, NULL,
	    NULL },
	{ OPT_TEXT, 0, "announce", &how.announce, "HOST[:PORT]",
	    "where the server finds us, if that is elsewhere", 0, 0, NULL,
	    NULL },
	{ OPT_FLAG, 'n', "dry-run", &dry_run, NULL,
	    "only print the chain, as a line of shell", 0, 0, NULL, NULL },
	OPT_TABLE_END,
};
/* clang-format on */

struct clone {
	struct endpoint to;
	struct store *store;
	struct catalogue_name name;
	struct manifest manifest;
	char **object_url; /* of each shard */
};

/* Before the last byte goes to the server: is this the backup, to the bit? */
static bool
agree(const struct chain *c, void *arg, struct err *e)
{
	struct manifest_shard found;
	bool ok;

	if (!proof_flow(c, e) || !proof_shard(c, &found, e))
		return false;
	ok = proof_same(arg, &found, e) ||
	    err_in(e, "not what the manifest says");
	manifest_shard_release(&found);
	return ok;
}

static bool
urls_fill(struct clone *c, struct err *e)
{
	size_t n = c->manifest.shards.n;

	if ((c->object_url = calloc(n, sizeof *c->object_url)) == NULL)
		return err_sys(e, "cannot name %zu objects", n);
	for (size_t i = 0; i < n; i++) {
		char *key = catalogue_key(
		    &c->name, manifest_shard(&c->manifest, i)->object.name, e);

		if (key == NULL)
			return false;
		c->object_url[i] = strdup(store_url_of(c->store, key));
		free(key);
		if (c->object_url[i] == NULL)
			return err_sys(e, "cannot name an object");
	}
	return true;
}

static bool
prepare(struct clone *c, char *word, struct err *e)
{
	const char *instance;
	char *url;

	if (target == NULL)
		return err_set(e, ERR_USAGE, "clone wants --to URL");
	/* The word is in our argument list, where a password is overwritten:
	 * opt.h borrows it from argv. */
	url = (char *)(uintptr_t)target;
	if (!endpoint_init(&c->to, url, e) || !place_instance(&instance, e) ||
	    !place_open(&c->store, e) ||
	    !catalogue_find(c->store, instance, word, &c->name, e) ||
	    !catalogue_read(c->store, &c->name, &c->manifest, e))
		return false;
	return urls_fill(c, e);
}

static void
tell(const struct clone *c, int64_t took_ms)
{
	struct manifest_total t = manifest_total(&c->manifest);
	char raw[FIGURE_LEN], took[FIGURE_LEN];

	printf("%s/%s is in %s: %" PRIu64 " keys, %s, %s\n", c->name.instance,
	    c->name.id, c->to.url, t.keys, figure_bytes(raw, t.raw),
	    figure_time(took, took_ms));
	fflush(stdout);
}

/* The chain that proves, for a dry run. */
static bool
dry_prove(const struct clone *c, struct err *e)
{
	struct chain again = { 0 };
	bool ok;

	route_digest_server(&again, &c->to, NULL);
	ok = route_print(&again, e);
	chain_release(&again);
	return ok;
}

/* rdb-restore leaves a target in order, unless it is not given the time. */
static void
warn_of_target(const struct chain *chain, const struct clone *c)
{
	const struct chain_link *l = chain_find(chain, "rdb-restore");

	if (l != NULL && WIFSIGNALED(l->status) &&
	    WTERMSIG(l->status) == SIGKILL)
		say("%s may still look for us, and hold a part: it may need "
		    "REPLICAOF NO ONE, and FLUSHALL",
		    c->to.url);
}

/* One shard; those after the first find what came before them. */
static bool
shard_clone(const struct clone *c, size_t i, int64_t *took_ms, struct err *e)
{
	struct manifest_shard *shard = manifest_shard(&c->manifest, i);
	struct route_target target_how = how;
	struct chain chain = { 0 };
	bool ok;

	target_how.add = i > 0;
	route_clone(&chain, c->object_url[i], shard, &c->to, &target_how);
	chain.agree = agree;
	chain.arg = shard;
	if (dry_run)
		ok = route_print(&chain, e);
	else {
		ok = route_say(&chain, e) && chain_run(&chain, e) &&
		    proof_flow(&chain, e);
		if (!ok)
			warn_of_target(&chain, c);
		if (!ok && i > 0)
			say("%s holds %zu of %zu shards: the next attempt "
			    "needs --flush",
			    c->to.url, i, c->manifest.shards.n);
	}
	*took_ms += chain.took_ms;
	chain_release(&chain);
	return ok;
}

static bool
work(struct clone *c, struct err *e)
{
	int64_t took_ms = 0;
	bool ok = true;

	if (dry_run)
		endpoint_hint(&c->to);
	for (size_t i = 0; ok && i < c->manifest.shards.n; i++)
		ok = shard_clone(c, i, &took_ms, e);
	if (ok && !dry_run)
		tell(c, took_ms);
	if (ok && prove)
		ok = dry_run ?
		    dry_prove(c, e) :
		    equal_prove(&c->manifest, c->object_url, &c->to, e);
	return ok;
}

static bool
clone_run(const struct operands *args, struct err *e)
{
	struct clone c = { 0 };
	bool ok = prepare(&c, args->v[0], e) && work(&c, e);

	for (size_t i = 0; c.object_url != NULL && i < c.manifest.shards.n; i++)
		free(c.object_url[i]);
	free(c.object_url);
	manifest_release(&c.manifest);
	if (c.store != NULL)
		store_close(c.store);
	endpoint_release(&c.to);
	return ok;
}

static const char *const notes[] = {
	"ID is an id, the beginning of one, INSTANCE/ID, or \"latest\".",
	"A server that holds data is refused without --flush.  The last byte",
	"is sent only after all that came before was found to be the backup.",
	"A set of several shards goes shard after shard, into a cluster of any",
	"shape or one server; when it fails in between, a part is there.",
	NULL,
};

const struct verb verb_clone = {
	.name = "clone",
	.brief = "put a backup into a server",
	.operands = "ID",
	.operands_min = 1,
	.operands_max = 1,
	.tables = { opts, place_instance_opts, place_store_opts,
	    endpoint_opts },
	.notes = notes,
	.run = clone_run,
};
