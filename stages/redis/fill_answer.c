/* fill_answer.c -- what the target answers, see fill_parts.h. */
#include "stages/redis/fill_parts.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define QUOTED 160 /* of a key, in a message */

struct span
fill_key_of(struct span command)
{
	const uint8_t *p = command.ptr, *end = p + command.len;
	unsigned long n = 0;

	/* "*3 $3 SET $5 key:1": the key is behind the fourth line. */
	for (int line = 0; line < 4; line++) {
		if (p >= end)
			return (struct span){ NULL, 0 };
		if (line == 1 || line == 3)
			n = strtoul((const char *)p + 1, NULL, 10);
		if (line == 2)
			p += n;
		if ((p = memchr(p, '\n', (size_t)(end - p))) == NULL)
			return (struct span){ NULL, 0 };
		p++;
	}
	if (n > (size_t)(end - p))
		n = (size_t)(end - p);
	return (struct span){ p, n };
}

void
fill_where(const struct fill *f, const struct lane *l, uint64_t db,
    struct span key, char *buf, size_t cap)
{
	char quoted[QUOTED];

	(void)f;
	err_quote(quoted, sizeof quoted, key.ptr, key.len);
	snprintf(buf, cap, "%.200s: database %" PRIu64 ", key \"%s\"",
	    l->server.url.name, db, quoted);
}

/* The key of a unit; one that is passing is the key at hand. */
static struct span
key_of(const struct fill *f, const struct lane_answer *a)
{
	if (a->bytes.ptr != NULL)
		return fill_key_of(a->bytes);
	return (struct span){ f->object.key.ptr, f->object.key.len };
}

/* Refusals that an operator can do something about. */
static const struct {
	const char *begins, *advice;
	enum err_kind kind;
} refusals[] = {
	{ "OOM", "maxmemory is reached: raise it, or restore less",
	    ERR_REMOTE },
	{ "READONLY", "it is a replica, or has become one", ERR_REMOTE },
	{ "NOPERM", "the user may not write this", ERR_REMOTE },
	{ "MISCONF", "it takes no writes because it cannot save", ERR_REMOTE },
	{ "NOREPLICAS", "too few of its replicas are there", ERR_REMOTE },
	{ "LOADING", "it is loading its data again", ERR_REMOTE },
	{ "BUSYKEY", "somebody else has made it meanwhile", ERR_REMOTE },
	{ "ERR Bad data format",
	    "it cannot load this value: corrupt, or of a module that it "
	    "lacks",
	    ERR_DATA },
	{ "ERR DUMP payload", "it cannot load this value: too new for it",
	    ERR_DATA },
	{ "ERR Protocol error",
	    "larger than its proto-max-bulk-len: raise it there", ERR_REMOTE },
	{ "ERR string exceeds",
	    "larger than its proto-max-bulk-len: raise it there", ERR_REMOTE },
};

static bool
refused(const struct fill *f, const struct lane *l, const struct lane_answer *a,
    struct err *e)
{
	enum err_kind kind = ERR_REMOTE;
	const char *advice = "the target refuses it";
	char where[480], said[120], others[40] = "";

	for (size_t i = 0; i < COUNT_OF(refusals); i++)
		if (server_said(a->error, refusals[i].begins)) {
			advice = refusals[i].advice;
			kind = refusals[i].kind;
			break;
		}
	fill_where(f, l, a->unit->db, key_of(f, a), where, sizeof where);
	err_quote(said, sizeof said, a->error, strlen(a->error));
	if (a->unit->keys > 1)
		snprintf(others, sizeof others, " or one of %u behind it",
		    (unsigned)a->unit->keys - 1);
	if (a->unit->tag == FILL_FUNCTION)
		return err_set(e, kind, "%s: a library of functions: %s (%s)",
		    l->server.url.name, advice, said);
	return err_set(e, kind, "%s%s: %s (%s)", where, others, advice, said);
}

/* Answers of a cluster that say: elsewhere, or later. */
static bool
is_redirect(const char *error)
{
	return server_said(error, "MOVED ") || server_said(error, "ASK ") ||
	    server_said(error, "TRYAGAIN") ||
	    server_said(error, "CLUSTERDOWN") ||
	    server_said(error, "MASTERDOWN") || server_said(error, "LOADING");
}

/* Errors that are what was to be expected. */
static bool
is_expected(struct fill *f, const struct lane_answer *a)
{
	const struct lane_unit *u = a->unit;

	if (u->tag == FILL_BY_RESTORE && server_said(a->error, "BUSYKEY")) {
		/* Sent before, it may be our own. */
		if (u->known)
			return true;
		if (u->resent)
			f->done[FILL_BY_RESTORE] += u->keys;
		else if (f->o.conflict == FILL_SKIP)
			f->skipped += u->keys;
		return u->resent || f->o.conflict == FILL_SKIP;
	}
	if (u->tag == FILL_FUNCTION && strstr(a->error, "already exists")) {
		f->functions_skipped++;
		return u->resent || f->o.conflict == FILL_SKIP;
	}
	return false;
}

static void
count(struct fill *f, const struct lane_answer *a)
{
	const struct lane_unit *u = a->unit;

	switch (u->tag) {
	case FILL_BY_SET:
		if (a->nil && !u->resent)
			f->skipped += u->keys;
		else
			f->done[FILL_BY_SET] += u->keys;
		break;
	case FILL_EXISTS:
		f->exists = a->num > 0;
		f->asked = false;
		break;
	case FILL_FUNCTION:
		f->functions++;
		break;
	case FILL_BY_RESTORE:
	case FILL_BY_COMMANDS:
		f->done[u->tag] += u->keys;
		break;
	default:
		break;
	}
}

bool
fill_answered(
    void *arg, struct lane *l, const struct lane_answer *a, struct err *e)
{
	struct fill *f = arg;
	char where[480];
	bool commands = a->unit->tag == FILL_BY_COMMANDS;

	if (a->error == NULL && !(commands && a->empty)) {
		if (!a->unit->known)
			count(f, a);
		return true;
	}
	if (a->error != NULL && is_expected(f, a))
		return true;
	if (a->error != NULL && f->server.url.cluster &&
	    is_redirect(a->error) && a->bytes.ptr != NULL && !f->stopping)
		return fill_stray_add(f, l, a, e);
	if (commands &&
	    !fill_torn_add(
		f, l->number / f->per_node, a->unit->db, key_of(f, a)))
		return err_sys(e, "no memory for a key's name");
	if (f->stopping)
		return true;
	if (a->error != NULL)
		return refused(f, l, a, e);
	fill_where(f, l, a->unit->db, key_of(f, a), where, sizeof where);
	return err_set(e, ERR_REMOTE,
	    "%s: a pending entry of a stream was deleted, which no command "
	    "can make",
	    where);
}
