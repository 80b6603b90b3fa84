/*
 * verb-verify.c -- `rdbpipe verify ID...`: read backups back, all the way
 * from the store to the logical digest, and compare with the manifest.
 */
#include "pipeline/verb.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "pipeline/catalogue.h"
#include "pipeline/place.h"
#include "pipeline/proof.h"
#include "pipeline/route.h"
#include "pipeline/sidecar.h"

static bool dry_run;

/* clang-format off */
static const struct opt opts[] = {
	{ OPT_FLAG, 'n', "dry-run", &dry_run, NULL,
	    "only print the chains, as lines of shell", 0, 0, NULL, NULL },
	OPT_TABLE_END,
};
/* clang-format on */

/* Is the object there at all?  A program would only say it its own way. */
static bool
object_exists(struct store *store, const char *key,
    const struct manifest_shard *s, struct err *e)
{
	struct store_object about;
	bool found;

	if (!store_stat(store, key, &found, &about, e))
		return false;
	if (!found)
		return err_set(
		    e, ERR_DATA, "object %s is missing", s->object.name);
	return about.size == s->object.bytes ||
	    err_set(e, ERR_DATA,
		"stored bytes: found %" PRIu64 ", not %" PRIu64, about.size,
		s->object.bytes);
}

static bool
chain_check(struct chain *c, const struct manifest_shard *want, struct err *e)
{
	struct manifest_shard found;
	bool ok;

	if (!route_say(c, e) || !chain_run(c, e) || !proof_flow(c, e) ||
	    !proof_shard(c, &found, e))
		return false;
	ok = proof_same(want, &found, e);
	manifest_shard_release(&found);
	return ok;
}

static bool
shard_verify(struct store *store, const struct catalogue_name *name,
    const struct manifest_shard *s, struct err *e)
{
	char *key = catalogue_key(name, s->object.name, e);
	struct chain c = { 0 };
	bool ok = key != NULL;

	if (ok) {
		route_fetch(&c, store_url_of(store, key));
		ok = dry_run ?
		    route_print(&c, e) :
		    object_exists(store, key, s, e) && chain_check(&c, s, e);
	}
	chain_release(&c);
	free(key);
	return ok;
}

static bool
sidecar_verify(struct store *store, const struct catalogue_name *name,
    const struct manifest *m, struct err *e)
{
	struct sidecar c;
	bool ok = sidecar_fetch(store, name, m, &c, e);

	sidecar_release(&c);
	return ok;
}

static bool
backup_verify(
    struct store *store, const struct catalogue_name *name, struct err *e)
{
	char digest[MANIFEST_DIGEST_LEN];
	struct manifest_total t;
	struct manifest m;
	bool ok = true;

	if (!catalogue_read(store, name, &m, e))
		return false;
	for (size_t i = 0; ok && i < m.shards.n; i++)
		ok = shard_verify(store, name, manifest_shard(&m, i), e) ||
		    (m.shards.n > 1 && err_in(e, "shard %zu", i));
	ok = ok && (dry_run || sidecar_verify(store, name, &m, e));
	t = manifest_total(&m);
	manifest_digest(&m, digest);
	if (ok && !dry_run)
		printf("%s/%s: good, %" PRIu64 " keys, digest %s\n",
		    name->instance, name->id, t.keys, digest);
	manifest_release(&m);
	return ok;
}

/* Every backup is looked at; what is worst decides the exit status. */
static bool
verify_all(struct store *store, const char *instance,
    const struct operands *args, struct err *e)
{
	struct err one, worst = { 0 };
	int bad = 0;

	for (int i = 0; i < args->n; i++) {
		struct catalogue_name name;

		if (!catalogue_find(store, instance, args->v[i], &name, e))
			return false;
		if (backup_verify(store, &name, &one))
			continue;
		if (one.kind == ERR_SIGNAL) {
			*e = one;
			return false;
		}
		/* Only what was read can be called bad. */
		printf("%s/%s: %s: %s\n", name.instance, name.id,
		    one.kind == ERR_DATA ? "BAD" : "not checked", one.text);
		fflush(stdout);
		if (bad++ == 0 || one.kind == ERR_DATA)
			worst = one;
	}
	if (bad == 0)
		return true;
	return err_set(e, worst.kind,
	    "%d of %d backups %s not known to be good", bad, args->n,
	    bad == 1 ? "is" : "are");
}

static bool
verify_run(const struct operands *args, struct err *e)
{
	struct store *store = NULL;
	const char *instance;
	bool ok = place_instance(&instance, e) && place_open(&store, e) &&
	    verify_all(store, instance, args, e);

	if (store != NULL)
		store_close(store);
	return ok;
}

static const char *const notes[] = {
	"ID is an id, the beginning of one, INSTANCE/ID, or \"latest\".",
	"Each object is read back and unpacked; its checksums, every record of",
	"the RDB, the counts and the logical digest must be the manifest's.",
	NULL,
};

const struct verb verb_verify = {
	.name = "verify",
	.brief = "read backups back and compare with their manifests",
	.operands = "ID...",
	.operands_min = 1,
	.operands_max = -1,
	.tables = { opts, place_instance_opts, place_store_opts },
	.notes = notes,
	.run = verify_run,
};
