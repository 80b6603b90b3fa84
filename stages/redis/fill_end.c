/* fill_end.c -- the beginning and the end, see fill_parts.h. */
#include "stages/redis/fill_parts.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "stages/kit/clock.h"
#include "stages/kit/stage.h"
#include "stages/redis/wait.h"

#define STOP_MS 5000 /* for what was sent to be answered */

/* --- before the first key --- */

/* The advice fits what was asked for. */
static bool
check_empty(const struct fill *f, struct err *e)
{
	if (survey_empty(&f->survey, &f->server, e))
		return true;
	snprintf(e->text + strlen(e->text), sizeof e->text - strlen(e->text),
	    "%s",
	    "; --on-conflict skip or replace keeps what the input does not "
	    "have");
	return false;
}

static bool
flush_node(struct fill *f, struct fill_node *n, struct err *e)
{
	struct reply reply;

	n->before = 0;
	return server_call(&n->server, &reply, WORDS("FLUSHALL"), e) &&
	    (f->survey.libraries == 0 ||
		server_call(&n->server, &reply, WORDS("FUNCTION", "FLUSH"), e));
}

bool
fill_prepare(struct fill *f, struct err *e)
{
	if (f->o.flush) {
		for (unsigned i = 0; !f->o.plan && i < f->n_nodes; i++)
			if (!flush_node(f, &f->nodes[i], e))
				return false;
		f->survey.keys = f->survey.libraries = 0;
		return true;
	}
	return f->o.conflict != FILL_FAIL || check_empty(f, e);
}

/* --- when all is answered --- */

/* What the nodes hold now, and what they evicted meanwhile. */
static bool
count_target(struct fill *f, uint64_t *evicted, struct err *e)
{
	struct server_info info = { NULL };

	f->target_keys = *evicted = 0;
	for (unsigned i = 0; i < f->n_nodes; i++) {
		struct fill_node *n = &f->nodes[i];
		uint64_t gone;

		/* Anew: it may have been silent for hours. */
		if (!server_connect(&n->server, e) ||
		    !server_info(&n->server, &info, e)) {
			server_info_release(&info);
			return false;
		}
		f->target_keys += server_info_keys(&info);
		gone = server_info_count(&info, "evicted_keys");
		*evicted += gone > n->evicted ? gone - n->evicted : 0;
		server_info_release(&info);
	}
	return true;
}

static bool
unsure(const struct fill *f)
{
	for (size_t i = 0; i < f->lanes.n; i++)
		if (f->lanes.v[i].unsure)
			return true;
	return false;
}

bool
fill_compare(struct fill *f, struct err *e)
{
	uint64_t may = expiring_until(&f->expiring, clock_wall());
	uint64_t made = fill_done(f), least, evicted;
	struct err why;

	if (!count_target(f, &evicted, e))
		return false;
	/* What was replaced was there before. */
	least = f->o.conflict == FILL_REPLACE ? made : f->survey.keys + made;
	if (f->o.conflict == FILL_REPLACE &&
	    f->survey.keys + made > f->target_keys)
		f->replaced = f->survey.keys + made - f->target_keys;
	if (f->replaced > f->survey.keys)
		f->replaced = f->survey.keys;
	if (f->target_keys + may >= least && evicted > 0)
		return err_set(e, ERR_DATA,
		    "%s: has evicted %" PRIu64 " keys meanwhile (maxmemory), "
		    "which may be of these",
		    f->server.url.name, evicted);
	if (f->target_keys + may >= least)
		return true;
	err_set(&why, ERR_DATA,
	    "%s: holds %" PRIu64 " keys, but at least %" PRIu64
	    " should be there, of which at most %" PRIu64 " can have expired%s",
	    f->server.url.name, f->target_keys, least, may,
	    evicted > 0   ? ": it has evicted keys (maxmemory)" :
		unsure(f) ? ": it took over from a server whose last keys "
			    "it may not have" :
			    "");
	/* In a target that others use, they may have removed some; but not
	 * when there are fewer than were made. */
	if (f->o.conflict == FILL_FAIL || evicted > 0 || f->reconnects > 0 ||
	    f->target_keys + may < made) {
		*e = why;
		return false;
	}
	stage_warn("%s", why.text);
	return true;
}

/* --- a failure --- */

bool
fill_torn_add(struct fill *f, unsigned node, uint64_t db, struct span key)
{
	struct fill_torn *t = malloc(sizeof *t + key.len);

	if (t == NULL)
		return false;
	t->next = f->torn;
	t->node = node;
	t->db = db;
	t->len = key.len;
	if (key.len > 0)
		memcpy(t->key, key.ptr, key.len);
	f->torn = t;
	return true;
}

/* What waits in a lane that is cut is in doubt. */
static uint64_t
doubts_of(struct fill *f, const struct lane *l)
{
	struct span own = { f->object.key.ptr, f->object.key.len };
	uint64_t n = 0;

	for (uint64_t i = 0; i < lane_waiting(l); i++) {
		const struct lane_unit *u = lane_unit(l, i);

		if (u->ours || u->known)
			continue;
		if (!u->open)
			n += u->keys;
		if (u->tag != FILL_BY_COMMANDS)
			continue;
		if (!fill_torn_add(f, l->number / f->per_node, u->db,
			u->passing ? own : fill_key_of(lane_bytes(l, i))))
			return n;
	}
	return n;
}

static bool
remove_torn(struct server *s, const struct fill_torn *t, struct err *e)
{
	char db[24], head[48];
	struct reply reply;

	snprintf(db, sizeof db, "%" PRIu64, t->db);
	snprintf(head, sizeof head, "*2\r\n$3\r\nDEL\r\n$%zu\r\n", t->len);
	if (!server_call(s, &reply, WORDS("SELECT", db), e) ||
	    !conn_write(s->conn,
		(struct span){ (const uint8_t *)head, strlen(head) }, e) ||
	    !conn_write(s->conn, (struct span){ t->key, t->len }, e) ||
	    !conn_write(
		s->conn, (struct span){ (const uint8_t *)"\r\n", 2 }, e) ||
	    !resp_read(s->resp, &reply, e))
		return false;
	return reply.kind != REPLY_ERROR ||
	    server_refused(s, "del", reply.text, e);
}

/* Remove keys whose commands were cut.  *kept: one that could not be. */
static uint64_t
remove_all_torn(struct fill *f, const struct fill_torn **kept)
{
	uint64_t n = 0;
	struct err e;

	*kept = NULL;
	for (unsigned i = 0; i < f->n_nodes; i++) {
		struct server *s = &f->nodes[i].server;
		bool good = false;

		for (const struct fill_torn *t = f->torn; t != NULL;
		     t = t->next) {
			if (t->node != i)
				continue;
			if (!good && s->timeout_ms > STOP_MS)
				s->timeout_ms = STOP_MS;
			good = (good || server_connect(s, &e)) &&
			    remove_torn(s, t, &e);
			if (!good) {
				*kept = t;
				break;
			}
			n++;
		}
	}
	return n;
}

static void
add(struct err *e, const char *fmt, ...)
{
	size_t n = strlen(e->text);
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(e->text + n, sizeof e->text - n, fmt, ap);
	va_end(ap);
}

void
fill_stop(struct fill *f, struct err *e)
{
	const struct fill_torn *kept;
	uint64_t doubts = 0, removed;
	char quoted[100];
	struct err left;
	bool back;

	if (f->stopping || f->lanes.n == 0)
		return;
	f->stopping = true;
	if (e->kind == ERR_SIGNAL)
		wait_last_words();
	lanes_stop(&f->lanes, STOP_MS);
	for (size_t i = 0; i < f->lanes.n; i++)
		doubts += doubts_of(f, &f->lanes.v[i]);
	removed = remove_all_torn(f, &kept);
	back = fill_limits_back(f, &left);
	/* Room for this is more important than the end of long words. */
	if (strlen(e->text) > sizeof e->text - 180)
		strcpy(e->text + sizeof e->text - 183, "...");
	add(e, "; %" PRIu64 " keys were restored before", fill_done(f));
	if (f->skipped > 0)
		add(e, ", %" PRIu64 " skipped", f->skipped);
	if (doubts > 0)
		add(e, ", %" PRIu64 " more may be", doubts);
	if (removed > 0)
		add(e, ", %" PRIu64 " cut short removed", removed);
	if (kept != NULL)
		add(e, ", INCOMPLETE: database %" PRIu64 " \"%s\"", kept->db,
		    err_quote(quoted, sizeof quoted, kept->key, kept->len));
	if (!back)
		stage_warn("%s", left.text);
}

/* --- a plan --- */

static void
plan_way(const struct fill *f, const char *name, enum fill_tag way)
{
	if (f->planned[way] > 0)
		printf("%s: %" PRIu64 " keys, %" PRIu64 " bytes of values\n",
		    name, f->planned[way], f->planned_bytes[way]);
}

bool
fill_plan(const struct fill *f, struct err *e)
{
	const struct survey *v = &f->survey;
	uint64_t bytes = f->planned_bytes[FILL_BY_RESTORE] +
	    f->planned_bytes[FILL_BY_SET] + f->planned_bytes[FILL_BY_COMMANDS];

	printf("target: %s, %s %s", f->server.url.name, v->engine, v->version);
	if (f->server.url.cluster)
		printf(", %u masters", f->n_nodes);
	printf(", holds %" PRIu64 " keys\n", v->keys);
	plan_way(f,
	    f->o.native ? "native, by the target itself" :
			  "by RESTORE, or SET for plain strings",
	    FILL_BY_RESTORE);
	plan_way(f, "by commands", FILL_BY_COMMANDS);
	if (f->left > 0)
		printf("left out: %" PRIu64 " keys\n", f->left);
	if (f->functions > 0)
		printf("functions: %" PRIu64 " libraries\n", f->functions);
	if (f->largest > 0)
		printf("largest value: %" PRIu64 " bytes: proto-max-bulk-len, "
		       "%" PRIu64 ", would be raised for the time\n",
		    f->largest, v->commands.max_bulk);
	if (v->maxmemory > 0 && !f->server.url.cluster &&
	    v->used + bytes > v->maxmemory)
		return err_set(e, ERR_DATA,
		    "%s: uses %" PRIu64 " bytes of its maxmemory, %" PRIu64
		    ": another %" PRIu64 " at least do not fit",
		    f->server.url.name, v->used, v->maxmemory, bytes);
	return f->unfit == 0 ||
	    err_set(e, ERR_DATA, "%s: %" PRIu64 " keys cannot be restored",
		f->server.url.name, f->unfit);
}
