/*
 * lane_reply.c -- see lane_reply.h.
 *
 * Nearly all replies are "+OK", so they are looked for first.  Of others only
 * the kind, an error's text and a number are wanted; bulk strings are passed
 * by, arrays are counted.
 */
#include "stages/redis/lane_reply.h"

#include <stdlib.h>
#include <string.h>

#include "stages/kit/clock.h"

#define LINE_MAX_LEN 65536 /* bytes of a reply's line */

static struct lane_unit *
front(struct lane *l)
{
	return &l->units[l->next % LANE_UNITS];
}

/* What was sent or kept up to the unit that comes next is not needed. */
static void
release(struct lane *l)
{
	l->head = l->next_at;
	l->first = l->next;
}

static bool
nonsense(const struct lane *l, const void *text, size_t len, struct err *e)
{
	char quoted[80];

	err_quote(quoted, sizeof quoted, text, len < 60 ? len : 60);
	return err_set(e, ERR_REMOTE,
	    "%s: answers what was not asked, or not in the Redis protocol: "
	    "\"%s\"",
	    l->server.url.name, quoted);
}

/* The last word of a command. */
static struct span
last_word(const uint8_t *command, size_t len)
{
	const uint8_t *end = command + len - 2, *p = end;

	while (p[-1] != '\n')
		p--;
	return (struct span){ p, (size_t)(end - p) };
}

/* The answer to a SELECT or WAIT of ours. */
static bool
ours(struct lane *l, const struct lane_unit *u, bool wait, struct err *e)
{
	struct span db = last_word(l->buf + l->next_at, u->len);
	char said[200];

	if (!wait && l->failed)
		return err_set(e, ERR_REMOTE, "%s: refuses SELECT %.*s: %s",
		    l->server.url.name, (int)db.len, (const char *)db.ptr,
		    err_quote(said, sizeof said, l->said, strlen(l->said)));
	if (wait && (l->failed || l->num < 1))
		l->unsure = true;
	return true;
}

static bool
hand_on(struct lane *l, const struct lane_unit *u, struct err *e)
{
	struct lane_answer a = { .unit = u,
		.error = l->failed ? l->said : NULL,
		.nil = l->nil,
		.empty = l->empty,
		.num = l->num };

	if (!u->passing)
		a.bytes = (struct span){ l->buf + l->next_at, u->len };
	return l->set->ops->answered(l->set->arg, l, &a, e);
}

/* A reply to what has been sent in part only, or not at all.  An error may be
 * about the beginning. */
static bool
early(struct lane *l, struct err *e)
{
	if (l->failed && !hand_on(l, front(l), e))
		return false;
	return nonsense(l, l->said, l->failed ? strlen(l->said) : 0, e);
}

/* The last reply of the unit in front has come. */
static bool
complete(struct lane *l, struct err *e)
{
	struct lane_unit *u = front(l);
	/* "*3" begins a WAIT, "*2" a SELECT. */
	bool wait = u->ours && l->buf[l->next_at + 1] == '3';
	bool ok;

	/* Of the rest nobody would know where it belongs. */
	if (l->sent - l->next_at < u->len)
		return early(l, e);
	ok = u->ours ? ours(l, u, wait, e) : hand_on(l, u, e);
	/* Also after a refusal: those behind it are answered, too. */
	l->failed = l->nil = l->empty = false;
	l->num = 0;
	l->next_at += u->len;
	l->next++;
	if (l->replicas == 0 || wait)
		release(l);
	return ok;
}

/* One reply, of any number of items, has come. */
static bool
replied(struct lane *l, struct err *e)
{
	struct lane_unit *u = front(l);

	if (u->left == 0)
		return early(l, e);
	if (--u->left == 0 && !u->open)
		return complete(l, e);
	return true;
}

static void
keep_error(struct lane *l, const uint8_t *text, size_t len)
{
	if (l->failed)
		return;
	l->failed = true;
	if (len >= sizeof l->said)
		len = sizeof l->said - 1;
	memcpy(l->said, text, len);
	l->said[len] = '\0';
}

/* One line, without its end.  False: no reply. */
static bool
line(struct lane *l, const uint8_t *p, size_t len)
{
	char number[24] = "";
	long long n;

	memcpy(number, p + 1, len < sizeof number ? len - 1 : 0);
	n = strtoll(number, NULL, 10);
	switch (*p) {
	case '+':
		return true;
	case '-':
		keep_error(l, p + 1, len - 1);
		return true;
	case ':':
		l->num = n;
		return true;
	case '$':
		l->nil |= n < 0;
		l->skip = n < 0 ? 0 : (uint64_t)n + 2;
		return true;
	case '*':
		l->nil |= n < 0;
		/* In another array it is no reply. */
		l->empty |= n == 0 && !l->nested;
		l->nested = true;
		l->items += n < 0 ? 0 : (uint64_t)n;
		return true;
	default:
		return false;
	}
}

/* What there is of a bulk string. */
static size_t
pass_bulk(struct lane *l, size_t len)
{
	size_t n = l->skip < len ? (size_t)l->skip : len;

	l->skip -= n;
	return n;
}

/* One item, or a part of it.  *used 0: its line has not come whole. */
static bool
item(struct lane *l, const uint8_t *p, size_t len, size_t *used, struct err *e)
{
	const uint8_t *end = memchr(p, '\n', len);

	*used = 0;
	if (end == NULL)
		return len < LINE_MAX_LEN || nonsense(l, p, len, e);
	*used = (size_t)(end - p) + 1;
	if (l->items == 0) {
		l->items = 1;
		l->nested = false;
	}
	if (end == p || end[-1] != '\r' || *used < 3 || !line(l, p, *used - 2))
		return nonsense(l, p, *used, e);
	l->items--;
	return l->items > 0 || l->skip > 0 || replied(l, e);
}

/* Runs of plain replies, as long as nothing else is awaited. */
static bool
plain(struct lane *l, const uint8_t **p, const uint8_t *end, struct err *e)
{
	while (l->items == 0 && l->skip == 0 && end - *p >= 5 &&
	    memcmp(*p, "+OK\r\n", 5) == 0 && l->next != l->end) {
		*p += 5;
		if (!replied(l, e))
			return false;
	}
	return true;
}

bool
lane_ended(struct lane *l, struct err *e)
{
	return l->next == l->end || front(l)->open || front(l)->left > 0 ||
	    complete(l, e);
}

bool
lane_replies(struct lane *l, struct err *e)
{
	struct span held = conn_held(l->server.conn);
	const uint8_t *p = held.ptr, *end = p + held.len;
	size_t used = 1;
	bool ok = true;

	if (held.len > 0) {
		l->alive = clock_steady();
		l->set->moved = true;
	}
	while (ok && p < end && used > 0) {
		if (l->skip > 0) {
			p += pass_bulk(l, (size_t)(end - p));
			ok = l->skip > 0 || l->items > 0 || replied(l, e);
			continue;
		}
		ok = plain(l, &p, end, e);
		if (!ok || p == end)
			break;
		if (l->next == l->end)
			ok = nonsense(l, p, (size_t)(end - p), e);
		else
			ok = item(l, p, (size_t)(end - p), &used, e);
		p += used;
	}
	conn_take(l->server.conn, held.len - (size_t)(end - p));
	return ok;
}
