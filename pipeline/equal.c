/* equal.c -- see equal.h. */
#include "pipeline/equal.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pipeline/proof.h"
#include "pipeline/route.h"
#include "pipeline/say.h"
#include "stages/kit/clock.h"

#define AT_MARGIN_MS 5000
#define AT_TRIES     3

/* One side's fingerprint. */
struct print {
	char *digest, *functions;
	uint64_t left_out, fields_left_out;
	int64_t took_ms;
};

static void
print_release(struct print *p)
{
	free(p->digest);
	free(p->functions);
	memset(p, 0, sizeof *p);
}

/* Run a chain that ends in rdb-digest and keep what it says. */
static bool
print_take(struct chain *c, struct print *p, struct err *e)
{
	const struct chain_link *l;

	if (!route_say(c, e) || !chain_run(c, e))
		return false;
	p->took_ms = c->took_ms;
	l = chain_find(c, "rdb-digest");
	if (!fact_list_count(&l->facts, "left-out", &p->left_out) ||
	    !fact_list_count(&l->facts, "fields-left-out", &p->fields_left_out))
		return err_set(
		    e, ERR_BUG, "rdb-digest did not say its left-out");
	p->digest = proof_text(c, "rdb-digest", "digest", e);
	if (p->digest != NULL)
		p->functions =
		    proof_text(c, "rdb-digest", "digest-functions", e);
	return p->functions != NULL;
}

static bool
server_print(
    const struct endpoint *from, const char *at, struct print *p, struct err *e)
{
	struct chain c = { 0 };
	bool ok;

	memset(p, 0, sizeof *p);
	route_digest_server(&c, from, at);
	ok = print_take(&c, p, e);
	chain_release(&c);
	return ok;
}

static bool
object_print(
    const char *object_url, const char *at, struct print *p, struct err *e)
{
	struct chain c = { 0 };
	bool ok;

	memset(p, 0, sizeof *p);
	route_digest_object(&c, object_url, at);
	ok = print_take(&c, p, e);
	chain_release(&c);
	return ok;
}

/* What is compared: the shards of a backup with a server. */
struct sides {
	const struct manifest *m;
	char *const *object_url;
	const struct endpoint *to;
};

/* All shards of the backup. */
static bool
backup_print(const struct sides *s, const char *at, struct print *sum,
    char digest[MANIFEST_DIGEST_LEN], struct err *e)
{
	memset(sum, 0, sizeof *sum);
	snprintf(digest, MANIFEST_DIGEST_LEN, "%032d", 0);
	for (size_t i = 0; i < s->m->shards.n; i++) {
		struct print one = { 0 };
		bool ok = object_print(s->object_url[i], at, &one, e);

		if (ok) {
			manifest_digest_add(digest, one.digest);
			sum->left_out += one.left_out;
			sum->fields_left_out += one.fields_left_out;
		}
		print_release(&one);
		if (!ok)
			return false;
	}
	return true;
}

static bool
differ(const char *what, const char *clone, const char *backup, struct err *e)
{
	return err_set(e, ERR_DATA, "the clone differs: %s %s, not %s", what,
	    clone, backup);
}

/*
 * Both sides as of T.  *late: the server was read only after T, so the two
 * may have been measured by different clocks' worth of expiry.
 */
static bool
compare_at(const struct sides *s, int64_t at_ms, bool *late, struct err *e)
{
	struct print clone = { 0 }, backup = { 0 };
	char at[24], digest[MANIFEST_DIGEST_LEN];
	bool ok;

	snprintf(at, sizeof at, "%" PRId64, at_ms);
	ok = server_print(s->to, at, &clone, e);
	*late = clock_wall() > at_ms;
	ok = ok && backup_print(s, at, &backup, digest, e);
	if (ok && strcmp(clone.digest, digest) != 0)
		ok = differ("digest", clone.digest, digest, e);
	else if (ok)
		printf("digest %s equal, %" PRIu64 " keys and %" PRIu64
		       " fields left out, their time being over\n",
		    clone.digest, backup.left_out, backup.fields_left_out);
	print_release(&clone);
	return ok;
}

static bool
compare_expiring(const struct sides *s, int64_t took_ms, struct err *e)
{
	int64_t reach = 2 * took_ms + AT_MARGIN_MS;
	bool late = true, ok = false;

	say("digests differ, things may have expired: comparing what does not "
	    "expire soon");
	for (int i = 0; i < AT_TRIES && late; i++, reach *= 2) {
		ok = compare_at(s, clock_wall() + reach, &late, e);
		if (ok || e->kind != ERR_DATA)
			return ok;
	}
	return ok;
}

bool
equal_prove(const struct manifest *m, char *const *object_url,
    const struct endpoint *to, struct err *e)
{
	/* Every shard carries all functions. */
	const char *functions = manifest_shard(m, 0)->digest_functions;
	const struct sides s = { m, object_url, to };
	char digest[MANIFEST_DIGEST_LEN];
	struct print clone;
	bool ok = server_print(to, NULL, &clone, e);

	manifest_digest(m, digest);
	if (ok && strcmp(clone.functions, functions) != 0)
		ok = differ(
		    "digest of functions", clone.functions, functions, e);
	else if (ok && strcmp(clone.digest, digest) == 0)
		printf("digest %s equal\n", clone.digest);
	else if (ok)
		ok = compare_expiring(&s, clone.took_ms, e);
	print_release(&clone);
	return ok;
}
