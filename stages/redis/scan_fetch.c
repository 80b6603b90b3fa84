/*
 * scan_fetch.c -- the values of keys: transactions with DUMP.
 *
 * The replies are read by hand, since a value may be larger than memory: the
 * lines in front of it, then its bytes as they come.
 */
#include "stages/redis/scan_parts.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "rdb/crc64.h"
#include "stages/redis/line.h"

#define LINE_LEN 1024
#define TIME_MAX ((int64_t)1 << 40) /* seconds since 1970 */
#define WINDOW_BYTES \
	(1u << 20)            /* of values on their way, if they are like
				   those before */
#define SENT_BYTES (1u << 16) /* of commands sent at once */

/* --- what we say --- */

static bool
room(struct scan *s, size_t n, struct err *e)
{
	size_t cap = s->sent_cap > 0 ? s->sent_cap : 4096;
	uint8_t *more;

	while (cap - s->sent_len < n)
		cap *= 2;
	if (cap == s->sent_cap)
		return true;
	more = realloc(s->sent, cap);
	if (more == NULL)
		return err_sys(e, "no memory for commands");
	s->sent = more;
	s->sent_cap = cap;
	return true;
}

static bool
put_word(struct scan *s, const void *word, size_t n, struct err *e)
{
	if (!room(s, n + 32, e))
		return false;
	s->sent_len +=
	    (size_t)sprintf((char *)s->sent + s->sent_len, "$%zu\r\n", n);
	memcpy(s->sent + s->sent_len, word, n);
	memcpy(s->sent + s->sent_len + n, "\r\n", 2);
	s->sent_len += n + 2;
	return true;
}

/* A command of one or two words, and the key, if there is one. */
static bool
put_command(struct scan *s, const char *one, const char *two,
    const struct reply *key, struct err *e)
{
	if (!room(s, 32, e))
		return false;
	s->sent_len += (size_t)sprintf((char *)s->sent + s->sent_len, "*%d\r\n",
	    1 + (two != NULL) + (key != NULL));
	return put_word(s, one, strlen(one), e) &&
	    (two == NULL || put_word(s, two, strlen(two), e)) &&
	    (key == NULL || put_word(s, key->text, key->len, e));
}

/* The order of the answers is that of scan_value(). */
static bool
put_key(struct scan *s, const struct reply *key, struct err *e)
{
	return put_command(s, "MULTI", NULL, NULL, e) &&
	    (s->exact_times || put_command(s, "TIME", NULL, NULL, e)) &&
	    put_command(
		s, s->exact_times ? "PEXPIRETIME" : "PTTL", NULL, key, e) &&
	    (!s->how.idle ||
		put_command(s, "OBJECT", s->frequencies ? "FREQ" : "IDLETIME",
		    key, e)) &&
	    put_command(s, "DUMP", NULL, key, e) &&
	    put_command(s, "EXEC", NULL, NULL, e);
}

static bool
send_all(struct scan *s, struct err *e)
{
	struct span all = { s->sent, s->sent_len };

	s->sent_len = 0;
	return conn_write(s->from->conn, all, e);
}

bool
scan_ask(struct scan *s, struct err *e)
{
	struct scan_place *p = &s->place;
	uint64_t limit = WINDOW_BYTES / (s->size + 1);
	bool before;

	s->asked_n = s->asked_at = 0;
	limit = limit < 1 ? 1 : limit > SCAN_WINDOW ? SCAN_WINDOW : limit;
	for (; p->at < p->keys.len && s->asked_n < limit &&
	     s->sent_len < SENT_BYTES;
	     p->at++) {
		struct reply key = resp_item(&p->keys, p->at);

		if (key.kind != REPLY_TEXT)
			return err_set(e, ERR_REMOTE,
			    "%s: SCAN gives a key that is none",
			    s->from->url.name);
		if (!seen_add(s->seen, p->db, key.text, key.len, &before, e))
			return false;
		if (before) {
			s->duplicates++;
			continue;
		}
		if (!put_key(s, &key, e))
			return false;
		s->asked[s->asked_n++] = p->at;
	}
	return s->asked_n == 0 || send_all(s, e);
}

/* --- what it answers --- */

bool
scan_refused(
    const struct scan *s, const char *command, const char *text, struct err *e)
{
	const char *inner = strstr(text, "NOPERM");
	char quoted[120];

	/* EXEC itself is not allowed: "EXECABORT ... because of: NOPERM". */
	if (server_said(text, "EXECABORT") && inner != NULL)
		text = inner;
	if (!server_said(text, "MOVED") && !server_said(text, "ASK") &&
	    !server_said(text, "TRYAGAIN") && !server_said(text, "CLUSTERDOWN"))
		return server_refused(s->from, command, text, e);
	err_quote(quoted, sizeof quoted, text, strlen(text));
	return err_set(e, ERR_REMOTE,
	    "%s: slots are on the move (%s): try again when the cluster has "
	    "settled",
	    s->from->url.name, quoted);
}

/* The next line, which begins with kind: its rest.  command is what it
 * answers. */
static bool
answer(
    struct scan *s, char kind, const char *command, char *line, struct err *e)
{
	char quoted[80];

	if (!line_read(s->from->conn, line, LINE_LEN, e))
		return false;
	if (line[0] == '-')
		return scan_refused(s, command, line + 1, e);
	if (line[0] == kind) {
		memmove(line, line + 1, strlen(line));
		return true;
	}
	err_quote(quoted, sizeof quoted, line, strlen(line));
	return err_set(e, ERR_REMOTE, "%s: unexpected answer to %s: \"%s\"",
	    s->from->url.name, command, quoted);
}

static bool
answer_number(struct scan *s, char kind, const char *command, int64_t min,
    int64_t *number, struct err *e)
{
	char line[LINE_LEN], *end;

	if (!answer(s, kind, command, line, e))
		return false;
	*number = strtoll(line, &end, 10);
	return (end > line && *end == '\0' && *number >= min) ||
	    err_set(e, ERR_REMOTE, "%s: unexpected number for an answer to %s",
		s->from->url.name, command);
}

/* The server's clock, in ms: seconds and microseconds as texts. */
static bool
answer_time(struct scan *s, int64_t *ms, struct err *e)
{
	char seconds[LINE_LEN], micros[LINE_LEN];
	int64_t n;

	if (!answer_number(s, '*', "time", 2, &n, e) ||
	    !answer_number(s, '$', "time", 1, &n, e) ||
	    !line_read(s->from->conn, seconds, sizeof seconds, e) ||
	    !answer_number(s, '$', "time", 1, &n, e) ||
	    !line_read(s->from->conn, micros, sizeof micros, e))
		return false;
	n = strtoll(seconds, NULL, 10);
	if (n <= 0 || n >= TIME_MAX)
		return err_set(e, ERR_REMOTE, "%s: unexpected answer to time",
		    s->from->url.name);
	*ms = n * 1000 + (int64_t)(strtoul(micros, NULL, 10) / 1000);
	return true;
}

static bool
answer_expiry(struct scan *s, struct rdb_object *o, struct err *e)
{
	int64_t now = 0, n;

	if (!s->exact_times && !answer_time(s, &now, e))
		return false;
	if (!answer_number(
		s, ':', s->exact_times ? "pexpiretime" : "pttl", -2, &n, e))
		return false;
	o->expires = n >= 0;
	o->expire = n >= 0 ? (uint64_t)now + (uint64_t)n : 0;
	return true;
}

/* A number; nil when the key is gone. */
static bool
answer_idle(struct scan *s, struct rdb_object *o, struct err *e)
{
	const char *command =
	    s->frequencies ? "object|freq" : "object|idletime";
	struct conn *c = s->from->conn;
	int64_t n;

	while (conn_held(c).len == 0)
		if (!conn_more(c, e))
			return false;
	if (*conn_held(c).ptr == '$')
		return answer_number(s, '$', command, -1, &n, e);
	if (!answer_number(s, ':', command, 0, &n, e))
		return false;
	o->has_idle = !s->frequencies;
	o->has_freq = s->frequencies;
	o->idle = (uint64_t)n;
	o->freq = n > 255 ? 255 : (unsigned)n;
	return true;
}

/* MULTI, each command queued, EXEC: the list of what they gave begins. */
static bool
answer_begun(struct scan *s, struct err *e)
{
	const char *const names[] = { "time",
		s->exact_times ? "pexpiretime" : "pttl",
		s->frequencies ? "object|freq" : "object|idletime", "dump" };
	const bool asked[] = { !s->exact_times, true, s->how.idle, true };
	char line[LINE_LEN];
	int64_t n, want = 0;

	if (!answer(s, '+', "multi", line, e))
		return false;
	for (size_t i = 0; i < 4; i++) {
		want += asked[i];
		if (asked[i] && !answer(s, '+', names[i], line, e))
			return false;
	}
	if (!answer_number(s, '*', "exec", want, &n, e))
		return false;
	return n == want ||
	    err_set(e, ERR_REMOTE, "%s: unexpected answer to exec",
		s->from->url.name);
}

/* --- a value --- */

static struct reply
key_now(const struct scan *s)
{
	return resp_item(&s->place.keys, s->asked[s->asked_at]);
}

/* Put in front of an error whose key it is about. */
static bool
in_key(const struct scan *s, const struct reply *key, struct err *e)
{
	char quoted[120];

	err_quote(quoted, sizeof quoted, key->text, key->len);
	return err_in(e, "%s: database %" PRIu64 ", key \"%s\"",
	    s->from->url.name, s->place.db, quoted);
}

static bool
bad_value(const struct scan *s, struct err *e, const char *what)
{
	struct reply key = key_now(s);

	err_set(e, ERR_DATA, "%s", what);
	return in_key(s, &key, e);
}

/* Select the database in what is put out. */
static bool
put_db(struct scan *s, struct err *e)
{
	bool before;

	if (s->any_db && s->out_db == s->place.db)
		return true;
	s->any_db = true;
	s->out_db = s->place.db;
	rdb_write_select(&s->out, s->out_db);
	/* The nodes of a cluster share databases: no key has this number. */
	if (!seen_add(
		s->seen, s->out_db | (uint64_t)1 << 63, "", 0, &before, e))
		return false;
	s->databases += !before;
	return true;
}

/* What stands in front of the value: its own first byte is the type. */
static bool
put_head(struct scan *s, struct rdb_object *o, struct err *e)
{
	struct reply key = key_now(s);
	struct conn *c = s->from->conn;
	uint8_t type;

	while (conn_held(c).len == 0)
		if (!conn_more(c, e))
			return false;
	type = *conn_held(c).ptr;
	s->crc = crc64_rdb(0, &type, 1);
	conn_take(c, 1);
	if (rdb_type_name(type, s->valkey) == NULL)
		return bad_value(s, e, "a value of unknown type");
	o->type = type;
	o->key.ptr = (uint8_t *)(uintptr_t)key.text; /* only read */
	o->key.len = key.len;
	if (!put_db(s, e))
		return false;
	rdb_write_object(&s->out, o);
	s->values = 0;
	if (!scan_walk(s, e))
		return false;
	s->others_before = s->others;
	return true;
}

bool
scan_value(struct scan *s, struct err *e)
{
	struct rdb_object o = { 0 };
	int64_t n;

	if (!answer_begun(s, e) || !answer_expiry(s, &o, e) ||
	    (s->how.idle && !answer_idle(s, &o, e)) ||
	    !answer_number(s, '$', "dump", -1, &n, e))
		return false;
	if (n == -1) {
		s->vanished++;
		s->asked_at++;
		return true;
	}
	if (n < 1 + 1 + SCAN_FOOTER)
		return bad_value(s, e, "DUMP gives no value");
	s->left = (uint64_t)n - 1 - SCAN_FOOTER;
	/* The largest lately, forgotten by and by. */
	s->size -= s->size / 64;
	if (s->size < (uint64_t)n)
		s->size = (uint64_t)n;
	s->in_value = true;
	return put_head(s, &o, e);
}

static unsigned
version_of(const uint8_t *footer)
{
	return footer[0] | (unsigned)footer[1] << 8;
}

static bool
crc_agrees(uint64_t crc, const uint8_t *footer)
{
	uint64_t stored = 0;

	crc = crc64_rdb(crc, footer, 2);
	for (unsigned i = 0; i < 8; i++)
		stored |= (uint64_t)footer[2 + i] << 8 * i;
	return crc == stored;
}

/* May this version stand under our header? */
static bool
version_fits(const struct scan *s, unsigned version)
{
	if (s->valkey)
		return version <= 11 ||
		    (version >= 80 && version <= (unsigned)s->version);
	return version <= (unsigned)s->version;
}

/* Version, CRC, and the end of line behind them. */
static bool
end_value(struct scan *s, struct err *e)
{
	struct conn *c = s->from->conn;
	const uint8_t *footer;

	while (conn_held(c).len < SCAN_FOOTER + 2)
		if (!conn_more(c, e))
			return false;
	footer = conn_held(c).ptr;
	/* What was fed since the head was this value, and nothing else. */
	if (s->values != 1 || s->item_open || s->others != s->others_before)
		return bad_value(s, e, "its DUMP is not one whole value");
	if (!crc_agrees(s->crc, footer))
		return bad_value(s, e, "the CRC of its DUMP is wrong");
	if (!version_fits(s, version_of(footer)))
		return bad_value(
		    s, e, "its DUMP is of a later RDB version than others");
	if (memcmp(footer + SCAN_FOOTER, "\r\n", 2) != 0)
		return bad_value(s, e, "its DUMP does not end where it says");
	conn_take(c, SCAN_FOOTER + 2);
	s->in_value = false;
	s->asked_at++;
	s->keys++;
	return true;
}

bool
scan_value_more(struct scan *s, struct err *e)
{
	struct conn *c = s->from->conn;
	struct span held = conn_held(c);
	struct reply key;

	if (s->left == 0)
		return end_value(s, e);
	if (held.len == 0)
		return conn_more(c, e);
	if (held.len > s->left)
		held.len = (size_t)s->left;
	s->crc = crc64_rdb(s->crc, held.ptr, held.len);
	rdb_write_bytes(&s->out, held.ptr, held.len);
	conn_take(c, held.len);
	s->left -= held.len;
	if (scan_walk(s, e))
		return true;
	key = key_now(s);
	return in_key(s, &key, e);
}

/* --- the version of a server --- */

bool
scan_probe(
    struct scan *s, const struct reply *key, unsigned *version, struct err *e)
{
	struct conn *c = s->from->conn;
	uint64_t left;
	int64_t n;

	*version = 0;
	if (!put_command(s, "DUMP", NULL, key, e) || !send_all(s, e) ||
	    !answer_number(s, '$', "dump", -1, &n, e))
		return false;
	if (n == -1)
		return true;
	for (left = n < SCAN_FOOTER ? 0 : (uint64_t)n - SCAN_FOOTER;
	     left > 0;) {
		size_t held = conn_held(c).len;

		if (held == 0 && !conn_more(c, e))
			return false;
		held = held < left ? held : (size_t)left;
		conn_take(c, held);
		left -= held;
	}
	while (conn_held(c).len < SCAN_FOOTER + 2)
		if (!conn_more(c, e))
			return false;
	*version = version_of(conn_held(c).ptr);
	conn_take(c, SCAN_FOOTER + 2);
	return true;
}

bool
scan_payload(
    const struct scan *s, struct span all, unsigned *version, struct err *e)
{
	const uint8_t *footer = all.ptr + all.len - SCAN_FOOTER;

	*version = version_of(footer);
	return crc_agrees(
		   crc64_rdb(0, all.ptr, all.len - SCAN_FOOTER), footer) ||
	    err_set(e, ERR_DATA, "%s: the CRC of FUNCTION DUMP is wrong",
		s->from->url.name);
}
