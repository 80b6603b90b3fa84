/*
 * fill_route.c -- lanes and nodes, see fill_parts.h.
 *
 * A node is a place among the target's masters: when another server takes the
 * place over, its lanes go there with all that was not safe yet.
 */
#include "stages/redis/fill_parts.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "stages/kit/clock.h"
#include "stages/kit/stage.h"
#include "stages/redis/wait.h"

#define CONNECTIONS 4 /* to a server; of a cluster, half to each master */
#define LANES_MAX   64
#define BUFFERS     (16 << 20) /* of all lanes */
#define BUFFER_MAX  (1 << 20)
#define BUFFER_MIN  (64 << 10)
#define BATCH_ROOM  (18 * 1024) /* see fill_key.c */
#define PAUSE_MS    200

static const struct lane_ops lane_ops = { fill_answered, fill_lost };

/* --- who is there --- */

static bool
same_place(const struct server *a, const struct server *b)
{
	return a->url.port == b->url.port && a->url.host != NULL &&
	    b->url.host != NULL && strcmp(a->url.host, b->url.host) == 0;
}

static uint64_t
replicas_of(const struct topology *t, unsigned master)
{
	uint64_t n = 0;

	for (unsigned i = t->masters; i < t->len; i++)
		n += t->nodes[i].master == master;
	return n;
}

static bool
nodes_new(struct fill *f, unsigned n, struct err *e)
{
	f->nodes = calloc(n, sizeof *f->nodes);
	f->n_nodes = n;
	return f->nodes != NULL || err_sys(e, "no memory for the target");
}

/* One node for each master of the map. */
static bool
nodes_of_cluster(struct fill *f, struct err *e)
{
	if (!topology_load(&f->topology, &f->server, e) ||
	    !nodes_new(f, f->topology.masters, e))
		return false;
	for (unsigned i = 0; i < f->n_nodes; i++)
		if (!topology_server(
			&f->topology, i, &f->server, &f->nodes[i].server, e))
			return false;
	for (unsigned slot = RDB_SLOTS; slot-- > 0;) {
		f->owner[slot] = (uint16_t)topology_node_of(&f->topology, slot);
		f->nodes[f->owner[slot]].slot = slot;
	}
	return true;
}

/* What a node is and holds; all together count as one target. */
static bool
survey_node(struct fill *f, unsigned i, struct err *e)
{
	struct fill_node *n = &f->nodes[i];
	struct survey v;

	if (!survey_take(&v, &n->server, e)) {
		survey_release(&v);
		return false;
	}
	server_info_get(&v.info, "run_id", n->run_id, sizeof n->run_id);
	n->before = v.keys;
	n->evicted = server_info_count(&v.info, "evicted_keys");
	if (i == 0) {
		f->survey = v;
		return true;
	}
	f->survey.keys += v.keys;
	f->survey.libraries += v.libraries;
	if (v.commands.version < f->survey.commands.version) {
		f->survey.commands = v.commands;
		f->survey.loads = v.loads;
	}
	survey_release(&v);
	return true;
}

bool
fill_survey(struct fill *f, struct err *e)
{
	if (f->server.url.cluster) {
		if (!nodes_of_cluster(f, e))
			return false;
	} else {
		if (!nodes_new(f, 1, e))
			return false;
		f->nodes[0].server = f->server;
		f->server.conn = NULL;
		f->server.resp = NULL;
	}
	for (unsigned i = 0; i < f->n_nodes; i++)
		if (!survey_node(f, i, e))
			return false;
	if (f->survey.cluster && !f->server.url.cluster)
		return err_set(e, ERR_REMOTE,
		    "%s: runs in cluster mode: name it as redis+cluster://%s, "
		    "so that keys find their way",
		    f->server.url.name, f->server.url.name);
	return true;
}

/* --- lanes --- */

static bool
batches_new(struct fill *f, struct err *e)
{
	f->batches = calloc(f->lanes.n, sizeof *f->batches);
	if (f->batches == NULL)
		return err_sys(e, "no memory for commands");
	if (f->server.url.cluster)
		return true;
	for (size_t i = 0; i < f->lanes.n; i++)
		if ((f->batches[i].buf = malloc(BATCH_ROOM)) == NULL)
			return err_sys(e, "no memory for commands");
	return true;
}

bool
fill_connect(struct fill *f, struct err *e)
{
	unsigned n = f->o.connections;
	size_t room;

	if (n == 0)
		n = f->server.url.cluster ? CONNECTIONS / 2 : CONNECTIONS;
	while (n > 1 && n * f->n_nodes > LANES_MAX)
		n--;
	f->per_node = n;
	room = BUFFERS / (n * f->n_nodes);
	room = room > BUFFER_MAX ? BUFFER_MAX :
	    room < BUFFER_MIN    ? BUFFER_MIN :
				   room;
	if (!lanes_init(
		&f->lanes, (size_t)n * f->n_nodes, room, &lane_ops, f, e) ||
	    !batches_new(f, e))
		return false;
	for (size_t i = 0; i < f->lanes.n; i++) {
		struct lane *l = &f->lanes.v[i];

		if (!lane_open(l, &f->nodes[i / n].server, e))
			return false;
		if (f->server.url.cluster)
			l->replicas = (unsigned)replicas_of(
			    &f->topology, (unsigned)i / n);
	}
	return true;
}

void
fill_disconnect(struct fill *f)
{
	size_t n = f->lanes.n;

	lanes_release(&f->lanes);
	for (size_t i = 0; f->batches != NULL && i < n; i++)
		free(f->batches[i].buf);
	free(f->batches);
	/* A node that is not of a cluster has the strings of f->server. */
	for (unsigned i = 0; f->nodes != NULL && i < f->n_nodes; i++)
		if (f->server.url.cluster)
			server_release(&f->nodes[i].server);
		else
			server_disconnect(&f->nodes[i].server);
	free(f->nodes);
	for (struct fill_stray *s = f->strays, *next; s != NULL; s = next) {
		next = s->next;
		free(s);
	}
	topology_release(&f->topology);
}

struct lane *
fill_lane(struct fill *f, struct span key)
{
	unsigned slot = rdb_slot(key.ptr, key.len);
	unsigned node = f->server.url.cluster ? f->owner[slot] : 0;

	return &f->lanes.v[node * f->per_node + slot % f->per_node];
}

/* --- connections that broke --- */

/* A server that was started again may have lost what it acknowledged. */
static bool
check_restart(struct fill *f, struct lane *l, struct err *e)
{
	struct fill_node *n = &f->nodes[l->number / f->per_node];
	struct server_info info = { NULL };
	uint64_t keys, made = fill_done(f);
	uint64_t may = expiring_until(&f->expiring, clock_wall());
	char id[sizeof n->run_id];
	bool ok = true;

	if (n->run_id[0] == '\0')
		return true; /* a replica that took over */
	if (!server_info_try(&l->server, &info, e))
		return false;
	server_info_get(&info, "run_id", id, sizeof id);
	keys = server_info_keys(&info);
	if (id[0] != '\0' && strcmp(id, n->run_id) != 0) {
		if (f->o.conflict == FILL_REPLACE && n->before > 0)
			ok = err_set(e, ERR_REMOTE,
			    "%s: was started again half-way, and what it still "
			    "has of the keys that it acknowledged cannot be "
			    "told: restore anew",
			    l->server.url.name);
		/* Of a cluster they are compared at the end. */
		else if (!f->server.url.cluster &&
		    keys + may < n->before + made)
			ok = err_set(e, ERR_REMOTE,
			    "%s: was started again half-way and has forgotten "
			    "%" PRIu64 " of the keys that it acknowledged",
			    l->server.url.name, n->before + made - keys);
		else if (f->done[FILL_BY_COMMANDS] > 0)
			ok = err_set(e, ERR_REMOTE,
			    "%s: was started again half-way, and whether it "
			    "has all commands that it acknowledged cannot be "
			    "told: restore anew",
			    l->server.url.name);
		memcpy(n->run_id, id, sizeof id);
	}
	server_info_release(&info);
	return ok;
}

/* The node that has this place, by the new map; false: nobody of ours. */
static bool
node_by_place(const struct fill *f, const struct server *s, unsigned *node)
{
	for (unsigned i = 0; i < f->n_nodes; i++)
		if (same_place(&f->nodes[i].server, s)) {
			*node = i;
			return true;
		}
	return false;
}

/* Does the map still have the node's server as a master? */
static bool
still_master(const struct fill *f, const struct fill_node *n)
{
	for (unsigned i = 0; i < f->topology.masters; i++)
		if (f->topology.nodes[i].port == n->server.url.port &&
		    strcmp(f->topology.nodes[i].host, n->server.url.host) == 0)
			return true;
	return false;
}

/* Master number m of the new map: which node is it?  One that it takes the
 * place of gets its address. */
static bool
place_master(struct fill *f, unsigned m, unsigned *node, struct err *e)
{
	struct server s;

	if (!topology_server(&f->topology, m, &f->server, &s, e))
		return false;
	if (node_by_place(f, &s, node)) {
		server_release(&s);
		return true;
	}
	for (unsigned i = 0; i < f->n_nodes; i++) {
		struct fill_node *n = &f->nodes[i];

		if (topology_node_of(&f->topology, n->slot) != m ||
		    still_master(f, n))
			continue;
		stage_say(
		    "%s took over from %s", s.url.name, n->server.url.name);
		/* The lanes borrow the old one's strings. */
		for (unsigned k = 0; k < f->per_node; k++)
			server_disconnect(
			    &f->lanes.v[i * f->per_node + k].server);
		fill_limit_left(n);
		server_release(&n->server);
		n->server = s;
		n->moved = true;
		n->run_id[0] = '\0';
		*node = i;
		return true;
	}
	f->hopeless = true;
	err_set(e, ERR_REMOTE,
	    "%s: has become a master of the cluster meanwhile: run again, with "
	    "--on-conflict skip",
	    s.url.name);
	server_release(&s);
	return false;
}

/* The map anew, and nodes' addresses with it. */
static bool
refresh(struct fill *f, struct err *e)
{
	unsigned of[TOPOLOGY_NODES_MAX];

	if (!topology_load(&f->topology, &f->server, e))
		return false;
	for (unsigned m = 0; m < f->topology.masters; m++)
		if (!place_master(f, m, &of[m], e))
			return false;
	for (unsigned slot = RDB_SLOTS; slot-- > 0;) {
		f->owner[slot] =
		    (uint16_t)of[topology_node_of(&f->topology, slot)];
		f->nodes[f->owner[slot]].slot = slot;
	}
	for (size_t i = 0; i < f->lanes.n; i++)
		f->lanes.v[i].replicas = 0;
	for (unsigned m = 0; m < f->topology.masters; m++)
		for (unsigned k = 0; k < f->per_node; k++)
			f->lanes.v[of[m] * f->per_node + k].replicas =
			    (unsigned)replicas_of(&f->topology, m);
	return true;
}

/* One attempt at the server that has the lane's place now. */
static bool
reopen(struct fill *f, struct lane *l, bool *later, struct err *e)
{
	struct fill_node *n = &f->nodes[l->number / f->per_node];

	*later = true;
	if (f->server.url.cluster && !refresh(f, e)) {
		*later = e->kind == ERR_REMOTE && !f->hopeless;
		return false;
	}
	return lane_reopen(l, &n->server, later, e) && check_restart(f, l, e);
}

static bool
reopen_in_time(struct fill *f, struct lane *l, struct err *e)
{
	int64_t end = clock_steady() + f->server.timeout_ms;
	struct err why = *e;
	bool later;

	while (!reopen(f, l, &later, &why)) {
		if (why.kind != ERR_REMOTE || !later ||
		    l->server.conn != NULL || clock_steady() >= end) {
			*e = why;
			return false;
		}
		if (!wait_pause(PAUSE_MS, e))
			return false;
	}
	return true;
}

/* Lanes of places that were taken over while nothing was on their way. */
static bool
follow_moves(struct fill *f, struct err *e)
{
	for (unsigned i = 0; i < f->n_nodes; i++) {
		if (!f->nodes[i].moved)
			continue;
		f->nodes[i].moved = false;
		for (unsigned k = 0; k < f->per_node; k++) {
			struct lane *l = &f->lanes.v[i * f->per_node + k];

			if (l->server.conn != NULL)
				continue;
			if (lane_passing(l) != NULL) {
				f->cut = true;
				return err_set(
				    e, ERR_REMOTE, "its master was replaced");
			}
			if (!reopen_in_time(f, l, e))
				return false;
		}
	}
	return true;
}

bool
fill_lost(void *arg, struct lane *l, struct err *e)
{
	struct fill *f = arg;

	if (e->kind != ERR_REMOTE)
		return false;
	if (lane_passing(l) != NULL) {
		f->cut = true;
		return false;
	}
	f->reconnects++;
	return reopen_in_time(f, l, e) && follow_moves(f, e);
}

bool
fill_regain(struct fill *f, struct lane *l, struct err *e)
{
	lane_forget(l);
	f->cut = false;
	return reopen_in_time(f, l, e) && follow_moves(f, e);
}

/* --- slots that moved --- */

bool
fill_stray_add(struct fill *f, const struct lane *l,
    const struct lane_answer *a, struct err *e)
{
	struct fill_stray *s = malloc(sizeof *s + a->bytes.len);

	if (s == NULL)
		return err_sys(e, "no memory for a key that has moved");
	s->next = NULL;
	s->unit = *a->unit;
	/* Until WAIT has answered the lane sends it again, too. */
	s->unit.resent |= l->replicas > 0;
	if (a->unit->known)
		s->unit.keys = 0;
	snprintf(s->text, sizeof s->text, "%s", a->error);
	s->len = a->bytes.len;
	memcpy(s->bytes, a->bytes.ptr, s->len);
	*(f->strays == NULL ? &f->strays : f->strays_end) = s;
	f->strays_end = &s->next;
	return true;
}

/* The bytes of the first command. */
static size_t
command_size(struct span s)
{
	const uint8_t *p = s.ptr, *end = p + s.len;
	unsigned long words = strtoul((const char *)p + 1, NULL, 10);

	p = memchr(p, '\n', (size_t)(end - p));
	while (p != NULL && words-- > 0) {
		unsigned long n = strtoul((const char *)p + 2, NULL, 10);

		p = memchr(p + 1, '\n', (size_t)(end - p - 1));
		if (p != NULL)
			p = n + 2 <= (size_t)(end - p - 1) ? p + n + 2 : NULL;
	}
	return p != NULL ? (size_t)(p + 1 - s.ptr) : s.len;
}

/* Send it to a lane, each command behind an ASKING if so asked. */
static bool
resend(struct lane *l, const struct fill_stray *s, bool ask, struct err *e)
{
	static const char asking[] = "*1\r\n$6\r\nASKING\r\n";
	struct span rest = { s->bytes, s->len };

	if (!lane_begin(l, &s->unit, e))
		return false;
	while (rest.len > 0) {
		if (ask) {
			if (!lane_put(l,
				(struct span){ (const uint8_t *)asking,
				    sizeof asking - 1 },
				e))
				return false;
			lane_command(l);
		}
		if (!lane_put(l, span_take(&rest, command_size(rest)), e))
			return false;
		lane_command(l);
	}
	return lane_end(l, e);
}

/* Where "ASK slot host:port" points to, or NULL. */
static struct lane *
asked_lane(struct fill *f, const struct fill_stray *s)
{
	char host[256];
	unsigned port, slot;

	if (!server_said(s->text, "ASK ") ||
	    !topology_redirect(s->text, host, sizeof host, &port, &slot))
		return NULL;
	for (unsigned i = 0; i < f->n_nodes; i++)
		if (f->nodes[i].server.url.port == port &&
		    (host[0] == '\0' ||
			strcmp(f->nodes[i].server.url.host, host) == 0))
			return &f->lanes.v[i * f->per_node];
	return NULL;
}

/* Ask for the map again, unless a node said where to ask. */
static bool
prepare_strays(struct fill *f, struct err *e)
{
	if (server_said(f->strays->text, "ASK "))
		return true;
	if (!server_said(f->strays->text, "MOVED ") && !wait_pause(PAUSE_MS, e))
		return false;
	/* The node may not know yet what it tells. */
	if (refresh(f, e))
		return follow_moves(f, e);
	return e->kind == ERR_REMOTE && !f->hopeless && wait_pause(PAUSE_MS, e);
}

/* Send one on; its memory stays the caller's. */
static bool
send_on(struct fill *f, const struct fill_stray *s, struct err *e)
{
	struct span bytes = { s->bytes, s->len };
	struct lane *l = asked_lane(f, s);

	if (l != NULL)
		return resend(l, s, true, e);
	return resend(fill_lane(f, fill_key_of(bytes)), s, false, e);
}

bool
fill_strays(struct fill *f, struct err *e)
{
	struct fill_stray *s = f->strays, *next;
	bool ok;

	if (s == NULL)
		return true;
	ok = prepare_strays(f, e);
	/* Those that come meanwhile are for the next round. */
	f->strays = NULL;
	for (; s != NULL; s = next) {
		ok = ok && send_on(f, s, e);
		next = s->next;
		free(s);
	}
	return ok;
}

bool
fill_settle(struct fill *f, struct err *e)
{
	int64_t end = clock_steady() + f->server.timeout_ms;

	do {
		if (f->strays != NULL && clock_steady() > end)
			return err_set(e, ERR_REMOTE,
			    "%s: no node takes a key: %s", f->server.url.name,
			    f->strays->text);
		if (!fill_strays(f, e) || !lanes_settle(&f->lanes, e))
			return false;
	} while (f->strays != NULL);
	return true;
}
