/* commands_wire.c -- see commands_wire.h. */
#include "stages/redis/commands_wire.h"

/* Digits of u, without NUL: how many. */
static size_t
digits(uint8_t *to, uint64_t u)
{
	uint8_t text[WIRE_DIGITS];
	size_t at = sizeof text;

	do {
		text[--at] = (uint8_t)('0' + u % 10);
		u /= 10;
	} while (u > 0);
	memcpy(to, text + at, sizeof text - at);
	return sizeof text - at;
}

static size_t
head(uint8_t *to, char sign, uint64_t n)
{
	size_t len = 1;

	to[0] = (uint8_t)sign;
	if (n < 10)
		to[len++] = (uint8_t)('0' + n);
	else
		len += digits(to + 1, n);
	to[len++] = '\r';
	to[len++] = '\n';
	return len;
}

size_t
wire_head(uint8_t to[WIRE_HEAD], uint64_t size)
{
	return head(to, '$', size);
}

static void
put(struct commands_wire *w, const void *p, size_t n)
{
	if (w->ok && n > 0)
		w->ok = w->out.put(w->out.arg, (struct span){ p, n }, w->e);
}

static void
flush(struct commands_wire *w)
{
	put(w, w->buf, w->len);
	w->len = 0;
}

/* Room for a few bytes that are known to be few. */
static uint8_t *
room(struct commands_wire *w, size_t n)
{
	if (n > WIRE_ROOM - w->len)
		flush(w);
	return w->buf + w->len;
}

void
wire_bytes(struct commands_wire *w, const void *p, size_t n)
{
	if (n > WIRE_ROOM - w->len)
		flush(w);
	if (n > WIRE_ROOM) {
		put(w, p, n);
	} else if (n > 0) {
		memcpy(w->buf + w->len, p, n);
		w->len += n;
	}
}

void
wire_begin(struct commands_wire *w, uint64_t words, const char *name)
{
	w->half = true;
	w->len += head(room(w, WIRE_HEAD), '*', words);
	wire_text(w, name);
}

void
wire_end(struct commands_wire *w)
{
	flush(w);
	if (w->ok)
		w->ok = w->out.end(w->out.arg, w->e);
	if (w->ok)
		w->half = false;
}

void
wire_open(struct commands_wire *w, uint64_t size)
{
	w->len += head(room(w, WIRE_HEAD), '$', size);
}

void
wire_close(struct commands_wire *w)
{
	wire_bytes(w, "\r\n", 2);
}

void
wire_bulk(struct commands_wire *w, const void *p, size_t n)
{
	wire_open(w, n);
	wire_bytes(w, p, n);
	wire_close(w);
}

void
wire_text(struct commands_wire *w, const char *text)
{
	wire_bulk(w, text, strlen(text));
}

void
wire_number(struct commands_wire *w, int64_t v)
{
	uint8_t text[1 + WIRE_DIGITS];
	size_t n = 0;

	if (v < 0)
		text[n++] = '-';
	n += digits(text + n, v < 0 ? -(uint64_t)v : (uint64_t)v);
	wire_bulk(w, text, n);
}

void
wire_id(struct commands_wire *w, struct rdb_id id)
{
	uint8_t text[2 * WIRE_DIGITS + 1];
	size_t n = digits(text, id.ms);

	text[n++] = '-';
	n += digits(text + n, id.seq);
	wire_bulk(w, text, n);
}
