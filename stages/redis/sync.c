/* sync.c -- see sync.h. */
#include "stages/redis/sync.h"

#include <inttypes.h>
#include <string.h>

#include "stages/kit/clock.h"
#include "stages/kit/port.h"
#include "stages/redis/line.h"
#include "stages/redis/wait.h"

#define LINE_LEN   1024 /* real ones: 128; errors are longer */
#define LENGTH_MIN 10   /* magic, version, end mark */
#define LENGTH_MAX (UINT64_C(1) << 50)
#define TRAILER    9 /* end mark and CRC */

static bool
strange(
    const struct sync *s, const char *where, const char *line, struct err *e)
{
	char quoted[200];

	err_quote(quoted, sizeof quoted, line, strlen(line));
	return err_set(e, ERR_REMOTE, "%s: unexpected %s: \"%s\"",
	    s->server->url.name, where, quoted);
}

/* Decimal digits and nothing else. */
static bool
parse_count(const char *s, uint64_t max, uint64_t *value)
{
	*value = 0;
	if (*s == '\0' || strlen(s) > 19)
		return false;
	for (; *s != '\0'; s++) {
		if (*s < '0' || *s > '9')
			return false;
		*value = *value * 10 + (uint64_t)(*s - '0');
	}
	return *value <= max;
}

/* --- the handshake --- */

/*
 * Is this how a server says that it does not let us replicate at all: an ACL,
 * a command renamed, or a service that hides it?  In all other cases asking
 * for the data in another way would only hide what is wrong.
 */
static bool
is_denial(const char *text)
{
	return server_said(text, "NOPERM") ||
	    (server_said(text, "ERR") &&
		(strstr(text, "unknown command") != NULL ||
		    strstr(text, "not support") != NULL ||
		    strstr(text, "not allowed") != NULL ||
		    strstr(text, "disabled") != NULL));
}

/* The server refuses to be replicated. */
static bool
refuse(struct sync *s, const char *command, const char *text, struct err *e)
{
	s->denied = is_denial(text);
	return server_refused(s->server, command, text, e);
}

/* One REPLCONF.  *known tells whether the server took it. */
static bool
replconf(struct sync *s, const char *name, const char *value, bool *known,
    struct err *e)
{
	struct reply reply;

	if (!resp_call(
		s->server->resp, &reply, WORDS("REPLCONF", name, value), e))
		return false;
	*known = reply.kind != REPLY_ERROR;
	/* Unknown options, and a server that is loading, may say no. */
	if (!*known &&
	    (server_said(reply.text, "NO") ||
		server_said(reply.text, "ERR unknown command")))
		return refuse(s, "replconf", reply.text, e);
	return true;
}

static bool
introduce(struct sync *s, const struct sync_options *o, struct err *e)
{
	bool known;

	return replconf(s, "version", o->version, &known, e) &&
	    (o->disk || replconf(s, "capa", "eof", &known, e)) &&
	    replconf(s, "capa", "psync2", &known, e) &&
	    replconf(s, "rdb-only", "1", &s->rdb_only, e);
}

/* Refusals that pass by themselves. */
static bool
is_busy(const char *text)
{
	return server_said(text, "LOADING") || server_said(text, "BUSY") ||
	    server_said(text, "NOMASTERLINK") ||
	    server_said(text, "MASTERDOWN") ||
	    strstr(text, "not connected with my master") != NULL;
}

static bool
wait_more(struct sync *s, const char *text, int64_t end, int *times,
    const struct sync_options *o, struct err *e)
{
	char quoted[200];

	err_quote(quoted, sizeof quoted, text, strlen(text));
	if (clock_steady() >= end)
		return err_set(e, ERR_REMOTE,
		    "%s: not ready within %.0f s (--timeout): %s",
		    s->server->url.name, (double)s->server->timeout_ms / 1000,
		    quoted);
	if ((*times)++ == 0 && o->patience != NULL)
		o->patience(quoted);
	return wait_pause(*times < 10 ? 100 : 1000, e);
}

/* +FULLRESYNC <replid> <offset> */
static bool
parse_fullresync(struct sync *s, const char *line, struct err *e)
{
	const char *replid = line + strlen("+FULLRESYNC ");

	if (strncmp(line, "+FULLRESYNC ", strlen("+FULLRESYNC ")) != 0 ||
	    strspn(replid, "0123456789abcdefABCDEF") != SYNC_REPLID ||
	    replid[SYNC_REPLID] != ' ' ||
	    !parse_count(replid + SYNC_REPLID + 1, INT64_MAX, &s->offset))
		return strange(s, "answer to PSYNC", line, e);
	memcpy(s->replid, replid, SYNC_REPLID);
	s->replid[SYNC_REPLID] = '\0';
	return true;
}

static bool
psync(struct sync *s, const struct sync_options *o, struct err *e)
{
	int64_t end = clock_steady() + s->server->timeout_ms;
	char line[LINE_LEN];
	int times = 0;

	for (;;) {
		if (!resp_send(s->server->resp, WORDS("PSYNC", "?", "-1"), e) ||
		    !line_read(s->server->conn, line, sizeof line, e))
			return false;
		if (line[0] != '-')
			break;
		if (!is_busy(line + 1))
			return refuse(s, "psync", line + 1, e);
		if (!wait_more(s, line + 1, end, &times, o, e))
			return false;
	}
	return parse_fullresync(s, line, e) &&
	    (o->begun == NULL || o->begun(s, e));
}

/* $<length>, or $EOF:<mark> */
static bool
read_framing(struct sync *s, struct err *e)
{
	char line[LINE_LEN], quoted[300];

	if (!line_read(s->server->conn, line, sizeof line, e))
		return err_in(e, "while the snapshot was being prepared");
	if (line[0] == '-') {
		err_quote(quoted, sizeof quoted, line + 1, strlen(line + 1));
		return err_set(e, ERR_REMOTE,
		    "%s: could not make a snapshot: %s", s->server->url.name,
		    quoted);
	}
	if (strncmp(line, "$EOF:", 5) == 0 && strlen(line + 5) == SYNC_REPLID) {
		s->framing = SYNC_MARK;
		s->length = SIZE_UNKNOWN;
		memcpy(s->mark, line + 5, SYNC_REPLID);
		return true;
	}
	s->framing = SYNC_LENGTH;
	if (line[0] != '$' || !parse_count(line + 1, LENGTH_MAX, &s->length) ||
	    s->length < LENGTH_MIN)
		return strange(s, "start of the snapshot", line, e);
	return true;
}

bool
sync_begin(struct sync *s, struct server *server, const struct sync_options *o,
    struct err *e)
{
	memset(s, 0, sizeof *s);
	s->server = server;
	whole_rdb_init(&s->whole);
	s->whole.spare_tail = true;
	return introduce(s, o, e) && (o->ready == NULL || o->ready(e)) &&
	    psync(s, o, e) && read_framing(s, e);
}

/* --- the payload --- */

/* Bytes held that may belong to the RDB, waiting for at least one. */
static bool
payload(struct sync *s, struct span *in, struct err *e)
{
	struct conn *c = s->server->conn;

	if (conn_held(c).len == 0 && !conn_more(c, e))
		return err_in(e,
		    "the snapshot broke off after %" PRIu64 " bytes",
		    s->whole.walk.at);
	*in = conn_held(c);
	if (s->framing == SYNC_LENGTH && in->len > s->length - s->whole.walk.at)
		in->len = (size_t)(s->length - s->whole.walk.at);
	return true;
}

/* An announced length must be used up where the RDB ends, and only there. */
static bool
check_length(const struct sync *s, struct err *e)
{
	if (s->framing != SYNC_LENGTH ||
	    s->whole.ended == (s->whole.walk.at == s->length))
		return true;
	if (s->whole.ended)
		return err_set(e, ERR_DATA,
		    "offset %" PRIu64 ": the snapshot ends here, but %" PRIu64
		    " bytes were announced",
		    s->whole.walk.at, s->length);
	return err_set(e, ERR_DATA,
	    "the snapshot does not end with the %" PRIu64
	    " bytes that were announced",
	    s->length);
}

/* Behind the RDB there must be the mark, however it is cut. */
static bool
check_mark(struct sync *s, struct err *e)
{
	struct conn *c = s->server->conn;

	if (s->framing != SYNC_MARK)
		return true;
	while (conn_held(c).len < SYNC_REPLID)
		if (!conn_more(c, e))
			return err_in(e,
			    "the mark behind the snapshot's %" PRIu64
			    " bytes did not come",
			    s->whole.walk.at);
	if (memcmp(conn_held(c).ptr, s->mark, SYNC_REPLID) != 0)
		return err_set(e, ERR_DATA,
		    "offset %" PRIu64 ": the snapshot ends here, but its mark "
		    "does not follow",
		    s->whole.walk.at);
	/* What may still come is of no interest: 7.0 sends newlines here
	 * (redis#11261), servers before 6.2 their command stream. */
	return true;
}

/* Lend what can be lent of bytes that end the RDB, keep back the rest. */
static struct span
keep_tail(struct sync *s, struct span in)
{
	s->tail_len = in.len < TRAILER ? in.len : TRAILER;
	memcpy(s->tail, in.ptr + in.len - s->tail_len, s->tail_len);
	s->state = SYNC_PROOF;
	return (struct span){ in.ptr, in.len - s->tail_len };
}

static bool
next_body(struct sync *s, struct span *chunk, struct err *e)
{
	struct span in = { NULL, 0 };
	size_t used = 0;

	if (!payload(s, &in, e) ||
	    !whole_rdb_feed(&s->whole, in, NULL, NULL, &used, e) ||
	    !check_length(s, e))
		return false;
	s->lent = used;
	*chunk = (struct span){ in.ptr, used };
	if (s->whole.ended)
		*chunk = keep_tail(s, *chunk);
	return true;
}

bool
sync_next(struct sync *s, struct span *chunk, struct err *e)
{
	conn_take(s->server->conn, s->lent);
	s->lent = 0;
	if (s->state == SYNC_BODY) {
		if (!next_body(s, chunk, e))
			return false;
		if (chunk->len > 0)
			return true;
		conn_take(s->server->conn, s->lent);
		s->lent = 0;
	}
	if (s->state == SYNC_PROOF) {
		if (!check_mark(s, e))
			return false;
		s->state = SYNC_ENDED;
		*chunk = (struct span){ s->tail, s->tail_len };
		return true;
	}
	*chunk = (struct span){ NULL, 0 };
	return true;
}
