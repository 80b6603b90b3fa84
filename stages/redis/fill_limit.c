/*
 * fill_limit.c -- values above what the target takes; see fill_parts.h.
 *
 * A server refuses words longer than its proto-max-bulk-len, and strings that
 * would grow above it (checkStringLength in src/t_string.c).  Where CONFIG SET
 * is permitted the setting is raised when such a value comes, and put back at
 * the end.  Not before Redis 7.0: older ones know no more than 512 MB, or apply
 * the limit also to what they read from their own append-only file
 * (mustObeyClient, 7.0, exempts that), so that the value would be lost there.
 */
#include "stages/redis/fill_parts.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "stages/kit/stage.h"

#define SETTING "proto-max-bulk-len"

static bool
set(struct server *s, const char *value, struct err *e)
{
	struct reply reply;

	return server_call(
	    s, &reply, WORDS("CONFIG", "SET", SETTING, value), e);
}

/* What it is, and then what it shall be.  Over the connection for questions,
 * anew: that may have been silent for hours. */
static bool
raise_limit(struct fill_node *n, uint64_t size, struct err *e)
{
	char now[sizeof n->limit_before], want[24];

	if (!server_connect(&n->server, e) ||
	    !server_config(&n->server, SETTING, now, sizeof now, e))
		return false;
	if (now[0] == '\0')
		return err_set(e, ERR_REMOTE, "it does not tell");
	n->limit = strtoull(now, NULL, 10);
	if (n->limit >= size)
		return true;
	snprintf(want, sizeof want, "%" PRIu64, size);
	if (!set(&n->server, want, e))
		return false;
	n->limit = size;
	if (n->limit_before[0] == '\0')
		memcpy(n->limit_before, now, sizeof now);
	stage_say("%s: " SETTING " is raised from %s to %s for the time",
	    n->server.url.name, now, want);
	return true;
}

const char *
fill_larger(void *arg, uint64_t size)
{
	struct fill *f = arg;
	const struct survey *v = &f->survey;
	struct fill_node *n;
	struct err e = { 0 };

	if (!v->commands.valkey &&
	    v->commands.version < COMMANDS_VERSION(7, 0, 0))
		err_set(&e, ERR_REMOTE, "it is before 7.0");
	else if (*v->no_config_set != '\0')
		err_set(&e, ERR_REMOTE, "%s", v->no_config_set);
	else if (f->o.plan) {
		f->largest = size > f->largest ? size : f->largest;
		return NULL;
	} else {
		n = &f->nodes[f->lane->number / f->per_node];
		if (size <= n->limit || raise_limit(n, size, &e))
			return NULL;
	}
	snprintf(f->limit_why, sizeof f->limit_why,
	    "its %" PRIu64 " bytes are more than the target's " SETTING
	    ", %" PRIu64 ", which we cannot raise: %.180s",
	    size, v->commands.max_bulk, e.text);
	return f->limit_why;
}

bool
fill_limits_back(struct fill *f, struct err *e)
{
	bool ok = true;

	for (unsigned i = 0; i < f->n_nodes; i++) {
		struct fill_node *n = &f->nodes[i];

		if (n->limit_before[0] == '\0')
			continue;
		if (!server_connect(&n->server, e) ||
		    !set(&n->server, n->limit_before, e))
			ok = err_in(e,
			    "%s: " SETTING " was %s and could not be put back",
			    n->server.url.name, n->limit_before);
		n->limit_before[0] = '\0';
		n->limit = 0;
	}
	return ok;
}

void
fill_limit_left(struct fill_node *n)
{
	if (n->limit_before[0] != '\0')
		stage_warn("%s: is no master any more, and keeps " SETTING
			   " %" PRIu64 "; it was %s",
		    n->server.url.name, n->limit, n->limit_before);
	n->limit_before[0] = '\0';
	n->limit = 0;
}
