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
compare_at(const char *object_url, const struct endpoint *to, int64_t at_ms,
    bool *late, struct err *e)
{
	struct print clone = { 0 }, backup = { 0 };
	char at[24];
	bool ok;

	snprintf(at, sizeof at, "%" PRId64, at_ms);
	ok = server_print(to, at, &clone, e);
	*late = clock_wall() > at_ms;
	ok = ok && object_print(object_url, at, &backup, e);
	if (ok && strcmp(clone.digest, backup.digest) != 0)
		ok = differ("digest", clone.digest, backup.digest, e);
	else if (ok)
		printf("digest %s equal, %" PRIu64 " keys and %" PRIu64
		       " fields left out, their time being over\n",
		    clone.digest, backup.left_out, backup.fields_left_out);
	print_release(&clone);
	print_release(&backup);
	return ok;
}

static bool
compare_expiring(const char *object_url, const struct endpoint *to,
    int64_t took_ms, struct err *e)
{
	int64_t reach = 2 * took_ms + AT_MARGIN_MS;
	bool late = true, ok = false;

	say("digests differ, things may have expired: comparing what does not "
	    "expire soon");
	for (int i = 0; i < AT_TRIES && late; i++, reach *= 2) {
		ok = compare_at(object_url, to, clock_wall() + reach, &late, e);
		if (ok || e->kind != ERR_DATA)
			return ok;
	}
	return ok;
}

bool
equal_prove(const struct manifest_shard *s, const char *object_url,
    const struct endpoint *to, struct err *e)
{
	struct print clone;
	bool ok = server_print(to, NULL, &clone, e);

	if (ok && strcmp(clone.functions, s->digest_functions) != 0)
		ok = differ("digest of functions", clone.functions,
		    s->digest_functions, e);
	else if (ok && strcmp(clone.digest, s->digest) == 0)
		printf("digest %s equal\n", clone.digest);
	else if (ok)
		ok = compare_expiring(object_url, to, clone.took_ms, e);
	print_release(&clone);
	return ok;
}
