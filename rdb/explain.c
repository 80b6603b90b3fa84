/*
 * explain.c -- a fault in words: where, which key, in what, and what.
 *
 * Keys come from the stream and may hold anything, terminal escapes included;
 * what is printed is printable.  All of this runs once, when all is lost
 * anyhow, and must work with whatever part of the key was saved.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "rdb/shape.h"
#include "rdb/walk.h"

#define SHOWN 128 /* characters of a key at most, before quoting */

/* Room for text; what does not fit is dropped. */
struct text {
	char *ptr, *end; /* end: where the NUL can still go */
};

static void
text_add(struct text *t, const char *s)
{
	for (; *s != '\0' && t->ptr < t->end; s++)
		*t->ptr++ = *s;
	*t->ptr = '\0';
}

/* One byte of a key, quoted as redis-cli does. */
static void
text_byte(struct text *t, unsigned b)
{
	char buf[8];

	if (b == '"' || b == '\\')
		snprintf(buf, sizeof buf, "\\%c", (int)b);
	else if (b == '\n')
		snprintf(buf, sizeof buf, "\\n");
	else if (b == '\r')
		snprintf(buf, sizeof buf, "\\r");
	else if (b == '\t')
		snprintf(buf, sizeof buf, "\\t");
	else if (b < 0x20 || b > 0x7e)
		snprintf(buf, sizeof buf, "\\x%02x", b);
	else
		snprintf(buf, sizeof buf, "%c", (int)b);
	text_add(t, buf);
}

/* As much of an LZF string as is there and fits; how many bytes that is. */
static size_t
unpack(const uint8_t *in, const uint8_t *end, uint8_t *out, size_t cap)
{
	size_t n = 0;

	while (in < end && n < cap) {
		size_t run = *in >> 5, back;

		if (run == 0) {
			for (run = 1u + *in++; run > 0 && n < cap; run--) {
				if (in == end)
					return n;
				out[n++] = *in++;
			}
			continue;
		}
		back = (size_t)(*in++ & 31) << 8;
		if (run == 7 && in < end)
			run += *in++;
		if (in == end || (back += *in++) >= n)
			return n;
		for (run += 2; run > 0 && n < cap; run--, n++)
			out[n] = out[n - back - 1];
	}
	return n;
}

/* An integer key as its text; how long that is, 0: not all there. */
static size_t
integer(const uint8_t *p, const uint8_t *end, unsigned width, uint8_t *out,
    size_t cap)
{
	int64_t v;

	if ((size_t)(end - p) < width)
		return 0;
	v = (int64_t)(atom_little(p, width) << (64 - 8 * width)) >>
	    (64 - 8 * width);
	return (size_t)snprintf((char *)out, cap, "%" PRId64, v);
}

/* Decode what was saved of the key.  *whole: that is all of it. */
static size_t
key_decode(const struct rdb_walk *w, uint8_t *out, size_t cap, bool *whole)
{
	const uint8_t *p = w->key, *end = p + w->key_len;
	uint64_t stored, full;
	size_t n;

	*whole = false;
	if (p == end)
		return 0;
	if (*p >= 0xc0 && *p < 0xc3) {
		n = integer(p + 1, end, 1u << (*p & 3), out, cap);
		*whole = n > 0;
		return n;
	}
	if (*p == 0xc3) {
		if ((p = atom_number_quick(p + 1, end, &stored)) == NULL ||
		    (p = atom_number_quick(p, end, &full)) == NULL)
			return 0;
		n = unpack(p, end, out, cap);
	} else {
		if ((p = atom_number_quick(p, end, &full)) == NULL)
			return 0;
		n = (size_t)(end - p) < cap ? (size_t)(end - p) : cap;
		memcpy(out, p, n);
	}
	*whole = n == full;
	return n;
}

static void
explain_key(const struct rdb_walk *w, struct text *t)
{
	uint8_t key[SHOWN];
	bool whole;
	size_t n = key_decode(w, key, sizeof key, &whole);

	if (n == 0 && !whole)
		return;
	text_add(t, ", key \"");
	for (size_t i = 0; i < n; i++)
		text_byte(t, key[i]);
	text_add(t, whole ? "\"" : "\"...");
}

/* What was being read. */
static const char *
reading(const struct rdb_walk *w)
{
	static const char *const names[] = {
		[RDB_HEADER] = "in the header",
		[RDB_AUX_NAME] = "in the name of an aux field",
		[RDB_AUX_VALUE] = "in the value of an aux field",
		[RDB_FUNCTION] = "in a function library",
		[RDB_MODULE_AUX] = "in module aux data",
		[RDB_SELECT] = "in a database number",
		[RDB_RESIZE] = "in the number of keys to come",
		[RDB_SLOT] = "in cluster slots",
		[RDB_EXPIRE] = "in an expiry",
		[RDB_IDLE] = "in an idle time",
		[RDB_FREQ] = "in an access frequency",
		[RDB_META] = "in key metadata",
		[RDB_OTHER] = "in a number of Redis Enterprise",
		[RDB_KEY] = "in the key",
		[RDB_TRAILER] = "in the checksum",
	};

	return w->label == RDB_VALUE ? NULL : names[w->label];
}

static void
explain_place(const struct rdb_walk *w, struct text *t)
{
	if (w->label == RDB_VALUE) {
		text_add(t, ", in ");
		text_add(t, w->row->name);
	} else if (reading(w) != NULL) {
		text_add(t, ", ");
		text_add(t, reading(w));
	}
}

static void
explain_fault(const struct rdb_walk *w, struct text *t)
{
	const struct rdb_fault *f = &w->fault;
	char buf[96];

	if (f->what == walk_too_new) {
		snprintf(buf, sizeof buf,
		    "RDB version %d is newer than %d, "
		    "the last %sthis program knows",
		    w->version,
		    w->valkey ? RDB_VERSION_VALKEY_MAX : RDB_VERSION_MAX,
		    w->valkey ? "of Valkey " : "");
		text_add(t, buf);
	} else if (f->what == walk_not_valkey) {
		snprintf(buf, sizeof buf,
		    "RDB version %d under the magic "
		    "VALKEY, whose first is %d",
		    w->version, RDB_VERSION_VALKEY_MAX);
		text_add(t, buf);
	} else {
		text_add(t, f->what);
	}
	if (f->has_byte) {
		snprintf(buf, sizeof buf, " (0x%02x)", f->byte);
		text_add(t, buf);
	}
}

/* Where the stream ended too early. */
static void
explain_cut(const struct rdb_walk *w, struct text *t)
{
	if (w->at == 0)
		text_add(t, ": nothing there, not even a header");
	else if (w->state == WALK_BETWEEN)
		text_add(t, ": cut short before the end mark");
	else
		text_add(t, ": cut short");
}

void
rdb_walk_explain(
    const struct rdb_walk *w, bool cut_short, char *buf, size_t cap)
{
	struct text t = { buf, buf + cap - 1 };
	char at[40];

	if (cap == 0)
		return;
	snprintf(
	    at, sizeof at, "offset %" PRIu64, cut_short ? w->at : w->fault.at);
	text_add(&t, at);
	if (w->key_known)
		explain_key(w, &t);
	if (cut_short ? w->at > 0 && w->state != WALK_BETWEEN :
			w->label != RDB_HEADER)
		explain_place(w, &t);
	if (cut_short) {
		explain_cut(w, &t);
		return;
	}
	text_add(&t, ": ");
	explain_fault(w, &t);
}
