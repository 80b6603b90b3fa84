/*
 * zipped.c -- see zipped.h.
 *
 *	total (4, little endian)  offset of the last entry (4)  count (2)
 *	entries: length of the one before, encoding, data
 *	0xff
 */
#include "rdb/zipped.h"

#include <string.h>

#define HEADER_LEN    10
#define COUNT_UNKNOWN 65535
#define SHORT_BEFORE  254 /* lengths below take one byte */

void
zipped_init(struct zipped *z)
{
	memset(z, 0, sizeof *z);
	rdb_write_init(&z->body);
}

void
zipped_release(struct zipped *z)
{
	rdb_write_release(&z->body);
}

/* --- one entry --- */

static void
entry_begin(struct zipped *z)
{
	size_t before = z->last_len;

	z->last_at = z->body.len;
	z->count++;
	if (before < SHORT_BEFORE) {
		rdb_write_byte(&z->body, (unsigned)before);
		return;
	}
	rdb_write_byte(&z->body, SHORT_BEFORE);
	rdb_write_little(&z->body, before, 4);
}

static void
entry_end(struct zipped *z)
{
	z->last_len = z->body.len - z->last_at;
}

/* The encoding of a text of size bytes. */
static void
text_head(struct rdb_write *w, uint64_t size)
{
	if (size < 1u << 6) {
		rdb_write_byte(w, (unsigned)size);
	} else if (size < 1u << 14) {
		rdb_write_byte(w, 0x40 | (unsigned)(size >> 8));
		rdb_write_byte(w, size & 0xff);
	} else {
		rdb_write_byte(w, 0x80);
		for (unsigned shift = 32; shift > 0; shift -= 8)
			rdb_write_byte(w, size >> (shift - 8) & 0xff);
	}
}

static unsigned
head_len(uint64_t size)
{
	return size < 1u << 6 ? 1 : size < 1u << 14 ? 2 : 5;
}

static void
number(struct rdb_write *w, int64_t n)
{
	static const struct {
		uint8_t code, bytes;
	} wide[] = { { 0xfe, 1 }, { 0xc0, 2 }, { 0xf0, 3 }, { 0xd0, 4 },
		{ 0xe0, 8 } };
	unsigned i = 0;

	if (n >= 0 && n <= 12) {
		rdb_write_byte(w, 0xf1u + (unsigned)n);
		return;
	}
	while (wide[i].bytes < 8 &&
	    (n < -(INT64_C(1) << (8 * wide[i].bytes - 1)) ||
		n >= INT64_C(1) << (8 * wide[i].bytes - 1)))
		i++;
	rdb_write_byte(w, wide[i].code);
	rdb_write_little(w, (uint64_t)n, wide[i].bytes);
}

/* Is this the one way to write an integer in decimal? */
static bool
is_number(const uint8_t *text, size_t len, int64_t *n)
{
	bool minus = len > 0 && text[0] == '-';
	uint64_t v = 0, most = (uint64_t)INT64_MAX + minus;
	uint8_t again[DECIMAL_MAX];

	for (size_t i = minus; i < len; i++) {
		unsigned d = (unsigned)text[i] - '0';

		if (d > 9 || v > (most - d) / 10)
			return false;
		v = v * 10 + d;
	}
	*n = minus ? (int64_t)(0 - v) : (int64_t)v;
	return decimal_put(*n, again) == len && memcmp(again, text, len) == 0;
}

/* A text of DECIMAL_MAX bytes at most has come as a whole. */
static void
short_entry(struct zipped *z)
{
	int64_t n;

	entry_begin(z);
	if (is_number(z->digits, z->have, &n)) {
		number(&z->body, n);
	} else {
		text_head(&z->body, z->have);
		rdb_write_bytes(&z->body, z->digits, z->have);
	}
	entry_end(z);
	z->have = 0;
}

void
zipped_add(struct zipped *z, const struct rdb_piece *p)
{
	if (p->size <= DECIMAL_MAX) {
		if (p->len > 0)
			memcpy(z->digits + z->have, p->ptr, p->len);
		z->have += (unsigned)p->len;
		if (p->last)
			short_entry(z);
		return;
	}
	if (p->first) {
		entry_begin(z);
		text_head(&z->body, p->size);
	}
	rdb_write_bytes(&z->body, p->ptr, p->len);
	if (p->last)
		entry_end(z);
}

/* --- the whole --- */

/* The string's head and the ziplist's, for entries of len bytes. */
static void
header(struct rdb_write *out, uint64_t len, uint64_t last_at, uint64_t count)
{
	uint64_t total = HEADER_LEN + len + 1;

	rdb_write_string_head(out, total);
	rdb_write_little(out, total, 4);
	rdb_write_little(out, HEADER_LEN + last_at, 4);
	rdb_write_little(out, count < COUNT_UNKNOWN ? count : COUNT_UNKNOWN, 2);
}

void
zipped_put(struct zipped *z, struct rdb_write *out)
{
	header(out, z->body.len, z->last_at, z->count);
	rdb_write_bytes(out, z->body.ptr, z->body.len);
	rdb_write_byte(out, 0xff);
	rdb_write_taken(&z->body, z->body.len);
	z->count = z->last_at = z->last_len = 0;
	if (z->body.failed)
		out->failed = true;
}

void
zipped_alone(struct rdb_write *out, uint64_t size)
{
	header(out, 1 + head_len(size) + size, 0, 1);
	rdb_write_byte(out, 0);
	text_head(out, size);
}

void
zipped_alone_end(struct rdb_write *out)
{
	rdb_write_byte(out, 0xff);
}
