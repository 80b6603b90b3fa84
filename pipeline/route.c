/* route.c -- see route.h. */
#include "pipeline/route.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "pipeline/say.h"
#include "stages/store/multipart.h"
#include "stages/store/net.h"
#include "stages/store/store.h"

/* Those who look at an RDB while it passes. */
static void
watchers(struct chain *c)
{
	chain_add(c, "rdb-verify");
	chain_add(c, "rdb-digest");
	chain_word(c, "--watch");
	chain_add(c, "rdb-checksum");
	chain_option(c, "--algorithm", "xxh3-128");
}

void
route_backup(struct chain *c, const struct endpoint *from,
    const char *object_url, const char *via, const char *level, bool disk)
{
	c->quiet = say_quiet;
	c->gate = true;
	/* Told to end, cos-put does away with its upload first. */
	if (store_is_remote(object_url))
		c->grace_ms = MULTIPART_ABORT_MS + CHAIN_GRACE_MS;
	chain_add(c, "rdb-capture");
	chain_option(c, "--via", via);
	if (disk)
		chain_word(c, "--disk");
	endpoint_words(from, c);
	watchers(c);
	chain_add(c, "rdb-compress");
	chain_option(c, "--level", level);
	chain_add(c, "cos-put");
	/* Should two backups take the same id, one of them must fail. */
	chain_word(c, "--exclusive");
	chain_option(c, "--customer-key", store_net.customer_key);
	chain_word(c, object_url);
}

static void
fetch(struct chain *c, const char *object_url)
{
	c->quiet = say_quiet;
	chain_add(c, "cos-get");
	chain_option(c, "--customer-key", store_net.customer_key);
	chain_word(c, object_url);
	chain_add(c, "rdb-decompress");
}

void
route_fetch(struct chain *c, const char *object_url)
{
	fetch(c, object_url);
	watchers(c);
}

void
route_clone(struct chain *c, const char *object_url,
    const struct manifest_shard *shard, const struct endpoint *to,
    const struct route_target *how)
{
	char bytes[24];

	route_fetch(c, object_url);
	c->gate = true;
	snprintf(bytes, sizeof bytes, "%" PRIu64, shard->rdb.bytes);
	chain_add(c, "rdb-restore");
	chain_option(c, "--expect", bytes);
	/* With a mark the target leaves out its own, slow CRC; ours has been
	 * compared by then. */
	chain_option(c, "--framing", "eof");
	if (how->add)
		chain_option(c, "--on-conflict", "replace");
	else if (how->flush)
		chain_word(c, "--flush");
	chain_option(c, "--listen", how->listen);
	chain_option(c, "--announce", how->announce);
	endpoint_words(to, c);
}

static void
digest(struct chain *c, const char *at)
{
	chain_add(c, "rdb-verify");
	chain_add(c, "rdb-digest");
	chain_option(c, "--at", at);
}

void
route_digest_server(
    struct chain *c, const struct endpoint *from, const char *at)
{
	c->quiet = say_quiet;
	chain_add(c, "rdb-capture");
	/* A whole cluster in one stream. */
	chain_option(c, "--via", endpoint_is_cluster(from) ? "scan" : NULL);
	endpoint_words(from, c);
	digest(c, at);
}

void
route_digest_object(struct chain *c, const char *object_url, const char *at)
{
	fetch(c, object_url);
	digest(c, at);
}

bool
route_print(struct chain *c, struct err *e)
{
	char *text;

	if (!chain_text(c, true, &text, e))
		return false;
	printf("%s%s\n", text,
	    c->gate || chain_find(c, "rdb-checksum") == NULL ? "" :
							       " > /dev/null");
	free(text);
	return true;
}

bool
route_say(struct chain *c, struct err *e)
{
	char *text;

	if (!chain_text(c, false, &text, e))
		return false;
	say("%s", text);
	free(text);
	return true;
}
