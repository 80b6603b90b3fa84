/* lane.c -- see lane.h.  What is put in and sent; lane_reply.c reads. */
#include "stages/redis/lane_reply.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "stages/kit/clock.h"
#include "stages/redis/wait.h"

#define SEND_AT     (64 * 1024) /* bytes worth a system call */
#define TURN_MS     1000
#define PAUSE_MS    100
#define WAIT_MS     "1000" /* for a replica to catch up, each time */
#define OURS_MAX    64     /* bytes of SELECT or WAIT */
#define SPARE_UNITS 4      /* for those */

static struct lane_unit *
unit_at(struct lane *l, uint64_t i)
{
	return &l->units[i % LANE_UNITS];
}

/* --- life --- */

bool
lanes_init(struct lanes *set, size_t n, size_t capacity,
    const struct lane_ops *ops, void *arg, struct err *e)
{
	memset(set, 0, sizeof *set);
	set->ops = ops;
	set->arg = arg;
	set->v = calloc(n, sizeof *set->v);
	set->polls = calloc(n, sizeof *set->polls);
	if (set->v == NULL || set->polls == NULL)
		goto fail;
	for (; set->n < n; set->n++) {
		struct lane *l = &set->v[set->n];

		l->set = set;
		l->number = (unsigned)set->n;
		l->cap = capacity;
		l->buf = malloc(capacity + OURS_MAX);
		l->units = malloc(LANE_UNITS * sizeof *l->units);
		if (l->buf == NULL || l->units == NULL) {
			set->n++; /* to be released */
			goto fail;
		}
	}
	return true;
fail:
	err_sys(e, "no memory for connections");
	lanes_release(set);
	return false;
}

void
lanes_release(struct lanes *set)
{
	for (size_t i = 0; i < set->n; i++) {
		server_disconnect(&set->v[i].server);
		free(set->v[i].buf);
		free(set->v[i].units);
	}
	free(set->v);
	free(set->polls);
	memset(set, 0, sizeof *set);
}

/* The strings stay the other's. */
static void
adopt(struct lane *l, const struct server *server)
{
	server_disconnect(&l->server);
	l->server = *server;
	l->server.conn = NULL;
	l->server.resp = NULL;
}

bool
lane_open(struct lane *l, const struct server *server, struct err *e)
{
	adopt(l, server);
	l->alive = clock_steady();
	l->db = 0;
	return server_connect(&l->server, e);
}

const struct lane_unit *
lane_passing(const struct lane *l)
{
	/* There is room for nothing in front of it. */
	const struct lane_unit *u = &l->units[l->first % LANE_UNITS];

	return l->first != l->end && u->passing ? u : NULL;
}

/* One attempt.  *later: it may become possible by and by. */
static bool
connect_again(struct lane *l, bool *later, struct err *e)
{
	struct reply reply;
	char db[24];
	uint64_t was = l->first != l->end ? unit_at(l, l->first)->db : l->db;

	*later = true;
	if (!server_connect(&l->server, e))
		return false;
	snprintf(db, sizeof db, "%llu", (unsigned long long)was);
	if (!resp_call(l->server.resp, &reply,
		WORDS("SELECT", l->server.url.cluster ? "0" : db), e))
		return false;
	if (reply.kind != REPLY_ERROR)
		return true;
	*later = server_said(reply.text, "LOADING") ||
	    server_said(reply.text, "BUSY") ||
	    server_said(reply.text, "MASTERDOWN");
	return server_refused(&l->server, "select", reply.text, e);
}

/* All that is kept is to be sent, and answered, again. */
static void
rewind_units(struct lane *l)
{
	size_t at = l->head;

	for (uint64_t i = l->first; i != l->end; i++) {
		struct lane_unit *u = unit_at(l, i);

		u->resent |= at < l->sent;
		u->known |= i < l->next;
		u->left = u->commands;
		at += u->len;
	}
	l->next = l->first;
	l->next_at = l->sent = l->head;
	l->items = l->skip = 0;
	l->failed = l->nil = l->empty = false;
	l->broken = false;
	l->alive = clock_steady();
}

bool
lane_reopen(
    struct lane *l, const struct server *server, bool *later, struct err *e)
{
	assert(lane_passing(l) == NULL);
	adopt(l, server);
	if (!connect_again(l, later, e)) {
		server_disconnect(&l->server);
		return false;
	}
	rewind_units(l);
	return true;
}

void
lane_forget(struct lane *l)
{
	l->first = l->next = l->end;
	l->head = l->next_at = l->sent = l->tail;
	l->db = 0;
}

/* --- sending --- */

/* What was sent of a unit too large for the buffer is forgotten. */
static void
forget_passing(struct lane *l)
{
	struct lane_unit *u = unit_at(l, l->first);

	if (l->first == l->end || !u->passing)
		return;
	u->len -= l->sent - l->head;
	l->head = l->next_at = l->sent;
}

static bool
send_some(struct lane *l, struct err *e)
{
	struct span s = { l->buf + l->sent, l->tail - l->sent };
	size_t before = s.len;

	if (before == 0)
		return true;
	if (!conn_write_some(l->server.conn, &s, e))
		return false;
	if (s.len < before) {
		l->alive = clock_steady();
		l->set->moved = true;
	}
	l->sent += before - s.len;
	forget_passing(l);
	return true;
}

/* Send and receive what goes at once; a broken connection is dealt with. */
static bool
work(struct lane *l, struct err *e)
{
	bool got = true;

	if (l->server.conn == NULL)
		return true;
	if (!send_some(l, e))
		l->broken = true;
	/* What it said before it went matters more. */
	while (got) {
		struct err late;

		if (!conn_read_some(
			l->server.conn, &got, l->broken ? &late : e)) {
			l->broken = true;
			got = false;
		}
		if (!lane_replies(l, e))
			return false;
	}
	if (!l->broken)
		return true;
	server_disconnect(&l->server);
	return l->set->stopping || l->set->ops->lost(l->set->arg, l, e);
}

/* It is the server's turn; not so when a unit is half put in, and all that
 * there is of it has been answered. */
static bool
is_busy(const struct lane *l)
{
	const struct lane_unit *u = &l->units[l->next % LANE_UNITS];

	return l->server.conn != NULL && l->next != l->end &&
	    (l->sent < l->tail || !u->open || u->left > 0);
}

/* Nothing has moved for too long. */
static bool
check_silence(const struct lane *l, struct err *e)
{
	if (!is_busy(l) || clock_steady() - l->alive <= l->server.timeout_ms)
		return true;
	return err_set(e, ERR_REMOTE,
	    "%s: neither takes commands nor answers them for %.0f s",
	    l->server.url.name, (double)l->server.timeout_ms / 1000);
}

static bool
work_all(struct lanes *set, struct err *e)
{
	set->moved = false;
	for (size_t i = 0; i < set->n; i++)
		if (!work(&set->v[i], e))
			return false;
	return wait_check(e);
}

bool
lanes_turn(struct lanes *set, int64_t ms, struct err *e)
{
	size_t n = 0;

	if (!work_all(set, e))
		return false;
	for (size_t i = 0; i < set->n; i++)
		if (is_busy(&set->v[i]))
			set->polls[n++] = conn_waits(set->v[i].server.conn,
			    set->v[i].sent < set->v[i].tail);
	/* What has moved may be what is waited for. */
	if (n == 0 || ms == 0 || set->moved)
		return true;
	if (poll(set->polls, n, (int)ms) < 0 && errno != EINTR)
		return err_sys(e, "cannot wait for connections");
	if (!work_all(set, e))
		return false;
	for (size_t i = 0; i < set->n; i++)
		if (!check_silence(&set->v[i], e))
			return false;
	return true;
}

/* --- putting in --- */

/* Make n bytes free behind the tail, up to cap, by moving what is kept. */
static bool
shift(struct lane *l, size_t n, size_t cap)
{
	if (l->tail + n <= cap)
		return true;
	if (l->head == 0 || l->tail - l->head + n > cap)
		return false;
	memmove(l->buf, l->buf + l->head, l->tail - l->head);
	l->next_at -= l->head;
	l->sent -= l->head;
	l->tail -= l->head;
	l->head = 0;
	return true;
}

/* A command of our own, as a unit; there is always room for one. */
static void
say(struct lane *l, uint64_t db, const char *text)
{
	size_t n = strlen(text);
	bool fits = shift(l, n, l->cap + OURS_MAX);

	assert(fits);
	(void)fits;
	*unit_at(l, l->end++) = (struct lane_unit){
		.ours = true, .db = db, .commands = 1, .left = 1, .len = n
	};
	memcpy(l->buf + l->tail, text, n);
	l->tail += n;
}

/* Have a replica say that it has what was sent so far. */
static void
ask_replicas(struct lane *l)
{
	l->waited = 0;
	say(l, l->db, "*3\r\n$4\r\nWAIT\r\n$1\r\n1\r\n$4\r\n" WAIT_MS "\r\n");
}

/*
 * The buffer is full of what was answered and waits for replicas, or of one
 * unit that is too large for it.
 */
static void
press(struct lane *l)
{
	struct lane_unit *u = unit_at(l, l->end - 1);

	if (l->next == l->end && l->first != l->end)
		ask_replicas(l);
	if (l->next + 1 != l->end || !u->open)
		return;
	/* In the middle of a unit there is no place for a WAIT. */
	l->unsure |= l->first != l->next;
	l->first = l->next;
	l->head = l->next_at;
	if (shift(l, l->cap / 4, l->cap))
		return;
	u->passing = true;
	forget_passing(l);
}

/* Wait until n bytes fit. */
static bool
make_room(struct lane *l, size_t n, struct err *e)
{
	while (!shift(l, n, l->cap)) {
		press(l);
		if (!shift(l, n, l->cap) && !lanes_turn(l->set, TURN_MS, e))
			return false;
	}
	return true;
}

uint8_t *
lane_room(struct lane *l, size_t n, struct err *e)
{
	assert(n <= l->cap / 4);
	return make_room(l, n, e) ? l->buf + l->tail : NULL;
}

void
lane_filled(struct lane *l, size_t n)
{
	if (l->sent == l->tail)
		l->alive = clock_steady(); /* until now it was our turn */
	l->tail += n;
	unit_at(l, l->end - 1)->len += n;
}

bool
lane_put(struct lane *l, struct span s, struct err *e)
{
	while (s.len > 0) {
		size_t n = s.len < l->cap / 4 ? s.len : l->cap / 4;
		uint8_t *to = lane_room(l, n, e);

		if (to == NULL)
			return false;
		memcpy(to, s.ptr, n);
		lane_filled(l, n);
		span_take(&s, n);
	}
	return true;
}

static bool
select_db(struct lane *l, uint64_t db, struct err *e)
{
	char number[24], text[OURS_MAX];

	snprintf(number, sizeof number, "%llu", (unsigned long long)db);
	snprintf(text, sizeof text, "*2\r\n$6\r\nSELECT\r\n$%zu\r\n%s\r\n",
	    strlen(number), number);
	if (!make_room(l, strlen(text), e))
		return false;
	/* Where it is sent again, the one before it is selected. */
	say(l, l->db, text);
	l->db = db;
	/* What is sent behind one that is refused would go to another. */
	return lane_drain(l, e);
}

bool
lane_begin(struct lane *l, const struct lane_unit *u, struct err *e)
{
	while (l->end - l->first > LANE_UNITS - SPARE_UNITS)
		if (!lanes_turn(l->set, TURN_MS, e))
			return false;
	if (l->next == l->end)
		l->alive = clock_steady();
	if (l->replicas > 0 && l->waited > l->cap / 4)
		ask_replicas(l);
	if (u->db != l->db && !select_db(l, u->db, e))
		return false;
	*unit_at(l, l->end++) = (struct lane_unit){ .tag = u->tag,
		.keys = u->keys,
		.db = u->db,
		.resent = u->resent,
		.open = true };
	return true;
}

void
lane_command(struct lane *l)
{
	struct lane_unit *u = unit_at(l, l->end - 1);

	u->commands++;
	u->left++;
}

bool
lane_end(struct lane *l, struct err *e)
{
	struct lane_unit *u = unit_at(l, l->end - 1);

	u->open = false;
	/* Units count, too, so that their ring cannot fill without a WAIT. */
	l->waited += u->len + l->cap / LANE_UNITS + 1;
	if (!lane_ended(l, e))
		return false;
	return l->tail - l->sent < SEND_AT || work(l, e);
}

bool
lane_drain(struct lane *l, struct err *e)
{
	while (l->next != l->end)
		if (!lanes_turn(l->set, TURN_MS, e))
			return false;
	return true;
}

bool
lane_settle(struct lane *l, struct err *e)
{
	if (!lane_drain(l, e))
		return false;
	if (l->replicas == 0 || l->first == l->end)
		return true;
	ask_replicas(l);
	return lane_drain(l, e);
}

bool
lanes_settle(struct lanes *set, struct err *e)
{
	for (size_t i = 0; i < set->n; i++)
		if (!lane_settle(&set->v[i], e))
			return false;
	return true;
}

struct span
lane_bytes(const struct lane *l, uint64_t i)
{
	size_t at = l->next_at;

	for (uint64_t k = 0; k < i; k++)
		at += lane_unit(l, k)->len;
	return (struct span){ l->buf + at, lane_unit(l, i)->len };
}

/* --- stopping --- */

/* Take back what has not been sent, but for the rest of a whole unit. */
static void
take_back(struct lane *l)
{
	size_t at = l->next_at;
	uint64_t i;

	for (i = l->next;
	     i != l->end && (at < l->sent || unit_at(l, i)->passing); i++)
		at += unit_at(l, i)->len;
	l->end = i;
	l->tail = at;
	l->stop_at = i;
	/* What there is of a unit goes out: its whole commands are answered
	 * then, and nothing of it is done later than that. */
	if (i != l->next && unit_at(l, i - 1)->open)
		l->stop_at = i - 1;
}

static bool
has_stopped(const struct lane *l)
{
	return l->server.conn == NULL ||
	    (l->next == l->stop_at &&
		(l->stop_at == l->end ||
		    l->units[l->stop_at % LANE_UNITS].left == 0));
}

void
lanes_stop(struct lanes *set, int64_t ms)
{
	int64_t end = clock_steady() + ms;
	bool busy = true;
	struct err e;

	set->stopping = true;
	for (size_t i = 0; i < set->n; i++)
		take_back(&set->v[i]);
	while (busy && clock_steady() < end) {
		struct pollfd *p = set->polls;

		for (size_t i = 0; i < set->n; i++) {
			struct lane *l = &set->v[i];

			if (has_stopped(l))
				continue;
			if (!work(l, &e))
				server_disconnect(&l->server);
			else if (l->server.conn != NULL)
				*p++ = conn_waits(
				    l->server.conn, l->sent < l->tail);
		}
		busy = p > set->polls;
		if (busy)
			poll(set->polls, (nfds_t)(p - set->polls), PAUSE_MS);
	}
}
