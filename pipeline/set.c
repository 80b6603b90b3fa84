/* set.c -- see set.h. */
#include "pipeline/set.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "pipeline/manifest.h"
#include "pipeline/say.h"

#define SET_RULES TOPOLOGY_RULES " +info"

/* --- slots --- */

/* The ranges of a master, in order. */
static bool
slots_fill(const struct topology *t, struct set_member *m, struct err *e)
{
	struct manifest_slots *range = NULL;

	for (unsigned slot = 0; slot < RDB_SLOTS; slot++) {
		if (topology_node_of(t, slot) != m->master) {
			range = NULL;
			continue;
		}
		if (range == NULL) {
			range = json_list_add(&m->slots, sizeof *range, e);
			if (range == NULL)
				return false;
			range->first = slot;
		}
		range->last = slot;
	}
	return true;
}

static uint64_t
first_slot(const struct set_member *m)
{
	return ((const struct manifest_slots *)m->slots.item)->first;
}

static int
by_slot(const void *a, const void *b)
{
	uint64_t x = first_slot(a), y = first_slot(b);

	return x < y ? -1 : x > y;
}

/* --- whom to take it from --- */

/* What a node says of its place in the replication. */
struct standing {
	bool replica, fit;
	uint64_t offset;
	char why[80]; /* it is not fit */
};

static void
standing_read(const struct server_info *info, struct standing *s)
{
	char role[16], link[16];
	uint64_t silent = server_info_count(info, "master_last_io_seconds_ago");

	memset(s, 0, sizeof *s);
	server_info_get(info, "role", role, sizeof role);
	server_info_get(info, "master_link_status", link, sizeof link);
	s->replica = strcmp(role, "slave") == 0;
	s->offset = server_info_count(
	    info, s->replica ? "slave_repl_offset" : "master_repl_offset");
	if (s->replica && strcmp(link, "up") != 0)
		snprintf(s->why, sizeof s->why, "its link is %s", link);
	else if (server_info_count(info, "master_sync_in_progress") != 0)
		snprintf(s->why, sizeof s->why, "it is synchronising");
	else if (s->replica && silent > SET_SILENCE)
		snprintf(s->why, sizeof s->why,
		    "its master has been silent for %" PRIu64 " s", silent);
	s->fit = *s->why == '\0';
}

/* Ask a node.  Not being let in is an answer, too: it is not fit. */
static bool
standing_ask(
    const struct set *set, unsigned node, struct standing *s, struct err *e)
{
	struct server_info info = { 0 };
	struct server server;
	bool ok;

	if (!topology_server(&set->map, node, &set->any, &server, e))
		return false;
	ok = server_connect(&server, e) && server_info(&server, &info, e);
	if (ok)
		standing_read(&info, s);
	server_info_release(&info);
	server_release(&server);
	return ok;
}

/* May this replica stand for its master? */
static bool
replica_fit(const struct set *set, unsigned node, const struct standing *master,
    uint64_t *lag)
{
	const struct topology_node *n = &set->map.nodes[node];
	struct standing s = { 0 };
	struct err e;

	*lag = 0;
	if (!standing_ask(set, node, &s, &e))
		snprintf(s.why, sizeof s.why, "%.70s", e.text);
	else if (!s.replica)
		snprintf(s.why, sizeof s.why, "it is no replica");
	else if (s.fit && s.offset < master->offset) {
		*lag = master->offset - s.offset;
		s.fit = *lag <= SET_LAG;
		snprintf(s.why, sizeof s.why, "it is %" PRIu64 " bytes behind",
		    *lag);
	}
	if (!s.fit)
		say("replica %s:%u is left out: %s", n->host, n->port, s.why);
	return s.fit;
}

/* The node to take a master's data from. */
static bool
node_pick(const struct set *set, unsigned master, bool primaries,
    unsigned *node, struct err *e)
{
	const struct topology *t = &set->map;
	struct standing s;
	uint64_t lag, least = UINT64_MAX;
	bool has = false;

	*node = master;
	if (primaries)
		return true;
	if (!standing_ask(set, master, &s, e))
		return false;
	for (unsigned i = t->masters; i < t->len; i++) {
		if (t->nodes[i].master != master)
			continue;
		has = true;
		if (replica_fit(set, i, &s, &lag) && lag < least) {
			*node = i;
			least = lag;
		}
	}
	if (has && *node == master)
		say("no replica of %s:%u is fit: taking it from the primary",
		    t->nodes[master].host, t->nodes[master].port);
	return true;
}

static bool
member_fill(struct set *set, const struct endpoint *from, unsigned master,
    bool primaries, struct err *e)
{
	struct set_member *m = &set->member[master];
	unsigned node;

	m->master = master;
	if (!slots_fill(&set->map, m, e) ||
	    !node_pick(set, master, primaries, &node, e))
		return false;
	m->replica = node != master;
	return endpoint_node(from, set->map.nodes[node].host,
	    set->map.nodes[node].port, &m->from, e);
}

/* --- the set --- */

bool
set_open(
    struct set *set, const struct endpoint *from, bool primaries, struct err *e)
{
	bool ok;

	memset(set, 0, sizeof *set);
	if (!endpoint_dial(from, &set->any, SET_RULES, e))
		return false;
	ok = topology_load(&set->map, &set->any, e) &&
	    topology_settled(&set->map, &set->any, e);
	if (ok) {
		set->member = calloc(set->map.masters, sizeof *set->member);
		ok = set->member != NULL || err_sys(e, "no memory for a set");
	}
	for (unsigned i = 0; ok && i < set->map.masters; i++, set->n++)
		ok = member_fill(set, from, i, primaries, e);
	if (ok)
		qsort(set->member, set->n, sizeof *set->member, by_slot);
	else
		set_close(set);
	return ok;
}

bool
set_check(const struct set *set, struct err *e)
{
	struct topology now = { 0 };
	unsigned slot = 0;
	bool ok = topology_load(&now, &set->any, e) &&
	    topology_settled(&now, &set->any, e);

	if (ok && (slot = topology_moved(&set->map, &now)) < RDB_SLOTS)
		ok = err_set(e, ERR_REMOTE,
		    "slot %u is served by %s:%u now, or was meanwhile", slot,
		    now.nodes[topology_node_of(&now, slot)].host,
		    now.nodes[topology_node_of(&now, slot)].port);
	topology_release(&now);
	return ok ||
	    err_in(e, "the cluster changed while it was being backed up");
}

void
set_close(struct set *set)
{
	for (size_t i = 0; i < set->map.masters && set->member != NULL; i++) {
		endpoint_release(&set->member[i].from);
		free(set->member[i].slots.item);
	}
	free(set->member);
	topology_release(&set->map);
	server_release(&set->any);
	memset(set, 0, sizeof *set);
}
