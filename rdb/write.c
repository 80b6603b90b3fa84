/* write.c -- see write.h. */
#include "rdb/write.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "rdb/crc64.h"

enum { /* opcodes, see shape.c */
	OP_FREQ = 249,
	OP_IDLE = 248,
	OP_AUX = 250,
	OP_EXPIRE_MS = 252,
	OP_SELECT = 254,
	OP_END = 255
};

void
rdb_write_init(struct rdb_write *w)
{
	memset(w, 0, sizeof *w);
}

void
rdb_write_release(struct rdb_write *w)
{
	free(w->buf);
	rdb_write_init(w);
}

/* The CRC catches up with what was put. */
static void
sum(struct rdb_write *w)
{
	w->crc = crc64_rdb(w->crc, w->buf + w->summed, w->tail - w->summed);
	w->summed = w->tail;
}

static void
show(struct rdb_write *w)
{
	w->ptr = w->buf + w->head;
	w->len = w->tail - w->head;
}

/* Room for n more bytes: first where bytes were taken, then in new memory. */
static bool
reserve(struct rdb_write *w, size_t n)
{
	size_t cap = w->cap == 0 ? 4096 : w->cap;
	uint8_t *more = NULL;

	if (n <= w->cap - w->tail)
		return !w->failed;
	sum(w);
	if (w->head > 0)
		memmove(w->buf, w->buf + w->head, w->tail - w->head);
	w->tail -= w->head;
	w->summed = w->tail;
	w->head = 0;
	while (cap - w->tail < n && cap <= SIZE_MAX / 2)
		cap *= 2;
	if (cap - w->tail < n || w->failed ||
	    (cap > w->cap && (more = realloc(w->buf, cap)) == NULL)) {
		w->failed = true;
		show(w);
		return false;
	}
	if (cap > w->cap) {
		w->buf = more;
		w->cap = cap;
	}
	return true;
}

void
rdb_write_taken(struct rdb_write *w, size_t n)
{
	sum(w);
	w->head += n;
	if (w->head == w->tail)
		w->head = w->tail = w->summed = 0;
	show(w);
}

void
rdb_write_bytes(struct rdb_write *w, const void *p, size_t n)
{
	if (n == 0 || !reserve(w, n))
		return;
	memcpy(w->buf + w->tail, p, n);
	w->tail += n;
	w->at += n;
	show(w);
}

void
rdb_write_byte(struct rdb_write *w, unsigned byte)
{
	uint8_t b = (uint8_t)byte;

	rdb_write_bytes(w, &b, 1);
}

void
rdb_write_little(struct rdb_write *w, uint64_t num, unsigned n)
{
	uint8_t b[8];

	for (unsigned i = 0; i < n; i++)
		b[i] = (uint8_t)(num >> 8 * i);
	rdb_write_bytes(w, b, n);
}

/* first, then n bytes of num, big endian. */
static void
write_big(struct rdb_write *w, unsigned first, uint64_t num, unsigned n)
{
	uint8_t b[9] = { (uint8_t)first };

	for (unsigned i = 0; i < n; i++)
		b[1 + i] = (uint8_t)(num >> 8 * (n - 1 - i));
	rdb_write_bytes(w, b, 1 + n);
}

void
rdb_write_length(struct rdb_write *w, uint64_t num)
{
	if (num < 1u << 6)
		rdb_write_byte(w, (unsigned)num);
	else if (num < 1u << 14)
		write_big(w, 0x40 | (unsigned)(num >> 8), num, 1);
	else if (num <= UINT32_MAX)
		write_big(w, 0x80, num, 4);
	else
		write_big(w, 0x81, num, 8);
}

void
rdb_write_string_head(struct rdb_write *w, uint64_t n)
{
	rdb_write_length(w, n);
}

void
rdb_write_string(struct rdb_write *w, const void *p, size_t n)
{
	rdb_write_string_head(w, n);
	rdb_write_bytes(w, p, n);
}

void
rdb_write_magic(struct rdb_write *w, int version, bool valkey)
{
	char text[32];

	snprintf(
	    text, sizeof text, valkey ? "VALKEY%03d" : "REDIS%04d", version);
	rdb_write_bytes(w, text, 9);
}

void
rdb_write_aux(struct rdb_write *w, const char *name, const char *value)
{
	rdb_write_byte(w, OP_AUX);
	rdb_write_string(w, name, strlen(name));
	rdb_write_string(w, value, strlen(value));
}

void
rdb_write_select(struct rdb_write *w, uint64_t db)
{
	rdb_write_byte(w, OP_SELECT);
	rdb_write_length(w, db);
}

void
rdb_write_object(struct rdb_write *w, const struct rdb_object *o)
{
	if (o->expires) {
		rdb_write_byte(w, OP_EXPIRE_MS);
		rdb_write_little(w, (uint64_t)o->expire, 8);
	}
	if (o->has_idle) {
		rdb_write_byte(w, OP_IDLE);
		rdb_write_length(w, o->idle);
	}
	if (o->has_freq) {
		rdb_write_byte(w, OP_FREQ);
		rdb_write_byte(w, o->freq);
	}
	rdb_write_bytes(w, o->meta.ptr, o->meta.len);
	rdb_write_byte(w, o->type);
	rdb_write_string(w, o->key.ptr, o->key.len);
}

void
rdb_write_trailer(struct rdb_write *w, int version)
{
	rdb_write_byte(w, OP_END);
	sum(w);
	if (version >= 5)
		rdb_write_little(w, w->crc, 8);
}
