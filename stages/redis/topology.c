/* topology.c -- see topology.h. */
#include "stages/redis/topology.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NOBODY   UINT16_MAX /* serves the slot */
#define HOST_MAX 256

void
topology_release(struct topology *t)
{
	for (unsigned i = 0; i < t->len; i++)
		free(t->nodes[i].host);
	free(t->nodes);
	memset(t, 0, sizeof *t);
}

unsigned
topology_node_of(const struct topology *t, unsigned slot)
{
	assert(slot < RDB_SLOTS && t->masters > 0);
	return t->owner[slot];
}

bool
topology_server(const struct topology *t, unsigned node, const struct server *s,
    struct server *to, struct err *e)
{
	assert(node < t->len);
	return server_init_node(
	    to, s, t->nodes[node].host, t->nodes[node].port, e);
}

/* --- the answer to CLUSTER SLOTS --- */

/* A map in the making, and who told it. */
struct reading {
	struct topology made;
	const struct server *from;
	unsigned cap; /* of made.nodes */
};

static bool
senseless(const struct reading *r, const char *what, struct err *e)
{
	return err_set(e, ERR_REMOTE,
	    "%s: the map of the cluster makes no sense: %s", r->from->url.name,
	    what);
}

/* The address by number that Redis 7 adds where it announces no host by
 * name: the pair "ip", address.  False: none. */
static bool
find_ip(const struct reply *node, struct reply *ip)
{
	struct reply more;

	if (node->len < 4)
		return false;
	more = resp_item(node, 3);
	if (more.kind != REPLY_ARRAY)
		return false;
	for (size_t i = 0; i + 1 < more.len; i += 2) {
		*ip = resp_item(&more, i);
		if (ip->kind == REPLY_TEXT && strcmp(ip->text, "ip") == 0) {
			*ip = resp_item(&more, i + 1);
			return ip->kind == REPLY_TEXT;
		}
	}
	return false;
}

/* [host, port, id, ...] */
static bool
read_node(const struct reading *r, const struct reply *reply,
    struct topology_node *node, char *host, struct err *e)
{
	struct reply name, port, id;

	if (reply->kind != REPLY_ARRAY || reply->len < 2)
		return senseless(r, "a node is not host and port", e);
	name = resp_item(reply, 0);
	port = resp_item(reply, 1);
	/* "?": a name is wanted, but the node has none. */
	if (name.kind == REPLY_TEXT && strcmp(name.text, "?") == 0 &&
	    !find_ip(reply, &name))
		return senseless(r, "a node has neither name nor address", e);
	if (name.kind == REPLY_NIL ||
	    (name.kind == REPLY_TEXT && name.len == 0))
		snprintf(host, HOST_MAX, "%s", r->from->url.host);
	else if (name.kind != REPLY_TEXT || name.len >= HOST_MAX ||
	    strlen(name.text) != name.len || !url_is_host(name.text))
		return senseless(r, "a node's host is none", e);
	else
		memcpy(host, name.text, name.len + 1);
	if (port.kind != REPLY_NUMBER || port.num < 1 || port.num > 65535)
		return senseless(r, "a node's port is none", e);
	node->port = (unsigned)port.num;
	node->id[0] = '\0';
	if (reply->len < 3)
		return true;
	id = resp_item(reply, 2);
	if (id.kind != REPLY_TEXT || id.len != 40 || strlen(id.text) != 40)
		return senseless(r, "a node's id is none", e);
	memcpy(node->id, id.text, 41);
	return true;
}

/* The number of a node, new or seen before. */
static bool
add_node(struct reading *r, const struct topology_node *like, const char *host,
    unsigned *number, struct err *e)
{
	struct topology *t = &r->made;
	struct topology_node *n;

	for (*number = 0; *number < t->len; ++*number) {
		n = &t->nodes[*number];
		if (n->port == like->port && strcmp(n->host, host) == 0)
			return strcmp(n->id, like->id) == 0 ||
			    senseless(r, "two nodes have one address", e);
	}
	if (t->len == TOPOLOGY_NODES_MAX)
		return senseless(r, "it has more than 4096 nodes", e);
	if (t->len == r->cap) {
		unsigned cap = r->cap > 0 ? r->cap * 2 : 16;

		n = realloc(t->nodes, cap * sizeof *n);
		if (n == NULL)
			return err_sys(e, "no memory for the map");
		t->nodes = n;
		r->cap = cap;
	}
	n = &t->nodes[t->len];
	*n = *like;
	n->master = t->len;
	n->slots = 0;
	n->host = strdup(host);
	if (n->host == NULL)
		return err_sys(e, "no memory for the map");
	t->len++;
	return true;
}

/* [first, last, master, replica...]: take its master. */
static bool
read_range(struct reading *r, const struct reply *range, struct err *e)
{
	struct topology *t = &r->made;
	struct topology_node node;
	struct reply first, last, master;
	char host[HOST_MAX];
	unsigned number;

	if (range->kind != REPLY_ARRAY || range->len < 3)
		return senseless(r, "a range is not two slots and a node", e);
	first = resp_item(range, 0);
	last = resp_item(range, 1);
	master = resp_item(range, 2);
	if (first.kind != REPLY_NUMBER || last.kind != REPLY_NUMBER ||
	    first.num < 0 || first.num > last.num || last.num >= RDB_SLOTS)
		return senseless(r, "a range of slots is none", e);
	if (!read_node(r, &master, &node, host, e) ||
	    !add_node(r, &node, host, &number, e))
		return false;
	for (long long slot = first.num; slot <= last.num; slot++) {
		if (t->owner[slot] != NOBODY)
			return senseless(r, "a slot has two masters", e);
		t->owner[slot] = (uint16_t)number;
		t->nodes[number].slots++;
	}
	return true;
}

/* The same range, when all masters are known: take its replicas. */
static bool
read_replicas(struct reading *r, const struct reply *range, struct err *e)
{
	struct topology *t = &r->made;
	struct reply first = resp_item(range, 0), reply;
	struct topology_node node;
	char host[HOST_MAX];
	unsigned number, master = t->owner[first.num];

	for (size_t i = 3; i < range->len; i++) {
		reply = resp_item(range, i);
		if (!read_node(r, &reply, &node, host, e) ||
		    !add_node(r, &node, host, &number, e))
			return false;
		if (number < t->masters ||
		    (t->nodes[number].master != number &&
			t->nodes[number].master != master))
			return senseless(r, "a node has two parts in it", e);
		t->nodes[number].master = master;
	}
	return true;
}

static bool
covered(const struct reading *r, struct err *e)
{
	unsigned missing = 0, first = 0;

	for (unsigned slot = RDB_SLOTS; slot-- > 0;)
		if (r->made.owner[slot] == NOBODY) {
			missing++;
			first = slot;
		}
	return missing == 0 ||
	    err_set(e, ERR_REMOTE,
		"%s: nobody in the cluster serves %u of its %d slots, the "
		"first of them %u",
		r->from->url.name, missing, RDB_SLOTS, first);
}

static bool
read_map(struct reading *r, const struct reply *map, struct err *e)
{
	struct reply range;

	if (map->kind != REPLY_ARRAY)
		return senseless(r, "it is no list", e);
	for (size_t i = 0; i < map->len; i++) {
		range = resp_item(map, i);
		if (!read_range(r, &range, e))
			return false;
	}
	r->made.masters = r->made.len;
	for (size_t i = 0; i < map->len; i++) {
		range = resp_item(map, i);
		if (!read_replicas(r, &range, e))
			return false;
	}
	return covered(r, e);
}

/* --- whom to ask --- */

/* Ask a connected server. */
static bool
ask(struct topology *t, struct server *s, struct err *e)
{
	struct reading r = { .from = s };
	struct reply reply;
	bool ok;

	for (unsigned slot = 0; slot < RDB_SLOTS; slot++)
		r.made.owner[slot] = NOBODY;
	resp_allow(s->resp, TOPOLOGY_REPLY, RDB_SLOTS);
	if (!resp_call(s->resp, &reply, WORDS("CLUSTER", "SLOTS"), e))
		return false;
	if (reply.kind == REPLY_ERROR &&
	    strstr(reply.text, "cluster support disabled") != NULL)
		return err_set(e, ERR_REMOTE,
		    "%s: is no node of a cluster: name it with redis:// or "
		    "rediss://",
		    s->url.name);
	if (reply.kind == REPLY_ERROR)
		return server_refused(s, "cluster|slots", reply.text, e);
	ok = read_map(&r, &reply, e);
	if (ok) {
		topology_release(t);
		*t = r.made;
	} else {
		topology_release(&r.made);
	}
	return ok;
}

static bool
ask_at(struct topology *t, const struct server *of, const char *host,
    unsigned port, struct err *e)
{
	struct server s;
	bool ok;

	if (!server_init_node(&s, of, host, port, e))
		return false;
	ok = server_connect(&s, e) && ask(t, &s, e);
	server_release(&s);
	return ok;
}

bool
topology_load(struct topology *t, const struct server *s, struct err *e)
{
	const struct url *u = &s->url;
	size_t asked = 0;

	assert(u->cluster);
	for (size_t i = 0; i < u->nodes_len; i++, asked++)
		if (ask_at(t, s, u->nodes[i].host, u->nodes[i].port, e))
			return true;
		else if (e->kind != ERR_REMOTE)
			return false;
	for (unsigned i = 0; i < t->masters; i++, asked++)
		if (ask_at(t, s, t->nodes[i].host, t->nodes[i].port, e))
			return true;
		else if (e->kind != ERR_REMOTE)
			return false;
	if (asked > 1)
		err_in(e,
		    "none of %zu nodes has a map of the cluster; the last",
		    asked);
	return false;
}

/* --- whether slots are on the move --- */

static bool
unsettled(const struct server *s, const char *why, struct err *e)
{
	return err_set(e, ERR_REMOTE,
	    "%s: %s: try again when the cluster has settled", s->url.name, why);
}

/* "5", "5-7": count slots that the map gives to this node, too. */
static bool
check_slots(const struct topology *t, unsigned node, const char *word,
    unsigned *count, struct err *e, const struct server *s)
{
	unsigned long first, last;
	char *end;

	first = last = strtoul(word, &end, 10);
	if (*end == '-')
		last = strtoul(end + 1, &end, 10);
	if ((*end != ' ' && *end != '\n' && *end != '\r' && *end != '\0') ||
	    first > last || last >= RDB_SLOTS)
		return err_set(e, ERR_REMOTE,
		    "%s: CLUSTER NODES makes no sense", s->url.name);
	for (; first <= last; first++, ++*count)
		if (t->owner[first] != node)
			return unsettled(
			    s, "serves other slots than the map says", e);
	return true;
}

/* A node's line about itself, from its flags on: "myself,master - 0 0 1
 * connected 0-5460 [5461->-id]", of which 1 is its epoch. */
static bool
check_self(struct topology *t, unsigned node, const char *flags,
    const struct server *s, struct err *e)
{
	const char *end = flags + strcspn(flags, "\r\n"), *word = flags;
	unsigned count = 0;

	if (strncmp(flags, "myself,master", strlen("myself,master")) != 0)
		return unsettled(s, "is no master any more", e);
	for (int i = 0; i < 6 && word < end; i++) {
		if (i == 4)
			t->nodes[node].epoch = strtoull(word, NULL, 10);
		word += strcspn(word, " \r\n") + 1;
	}
	for (; word < end; word += strcspn(word, " \r\n") + 1) {
		if (*word == '[')
			return unsettled(s, "has slots on the move", e);
		if (!check_slots(t, node, word, &count, e, s))
			return false;
	}
	return count == t->nodes[node].slots ||
	    unsettled(s, "serves other slots than the map says", e);
}

static bool
settled_at(struct topology *t, unsigned node, struct server *s, struct err *e)
{
	struct reply reply;
	const char *self;

	if (!server_connect(s, e) ||
	    !server_call(s, &reply, WORDS("CLUSTER", "NODES"), e))
		return false;
	self = reply.kind == REPLY_TEXT ? strstr(reply.text, " myself,") : NULL;
	if (self == NULL)
		return err_set(e, ERR_REMOTE,
		    "%s: CLUSTER NODES makes no sense", s->url.name);
	return check_self(t, node, self + 1, s, e);
}

bool
topology_settled(struct topology *t, const struct server *of, struct err *e)
{
	struct server s;
	bool ok = true;

	for (unsigned i = 0; ok && i < t->masters; i++) {
		if (!topology_server(t, i, of, &s, e))
			return false;
		ok = settled_at(t, i, &s, e);
		server_release(&s);
	}
	return ok;
}

/* --- redirections --- */

unsigned
topology_moved(const struct topology *a, const struct topology *b)
{
	for (unsigned slot = 0; slot < RDB_SLOTS; slot++) {
		const struct topology_node *m =
		    &a->nodes[topology_node_of(a, slot)];
		const struct topology_node *n =
		    &b->nodes[topology_node_of(b, slot)];

		if (m->port != n->port || strcmp(m->host, n->host) != 0 ||
		    m->epoch != n->epoch)
			return slot;
	}
	return RDB_SLOTS;
}

bool
topology_redirect(
    const char *text, char *host, size_t cap, unsigned *port, unsigned *slot)
{
	const char *s, *colon;
	unsigned long number;
	char *end;

	if (!server_said(text, "MOVED ") && !server_said(text, "ASK "))
		return false;
	s = strchr(text, ' ') + 1;
	number = strtoul(s, &end, 10);
	if (end == s || *end != ' ' || number >= RDB_SLOTS)
		return false;
	*slot = (unsigned)number;
	s = end + 1;
	colon = strrchr(s, ':'); /* an IPv6 address has more */
	if (colon == NULL || (size_t)(colon - s) >= cap)
		return false;
	number = strtoul(colon + 1, &end, 10);
	if (end == colon + 1 || *end != '\0' || number < 1 || number > 65535)
		return false;
	*port = (unsigned)number;
	snprintf(host, cap, "%.*s", (int)(colon - s), s);
	if (strcmp(host, "?") == 0) /* a name is wanted, but there is none */
		host[0] = '\0';
	return host[0] == '\0' || url_is_host(host);
}
