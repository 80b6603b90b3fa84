/* escape.c -- see escape.h. */
#include "stages/print/escape.h"

#include <stdio.h>
#include <string.h>

#define SLICE (OUTPUT_ROOM / 8) /* bytes of input for one room */
#define HELD  (-1)              /* a sequence goes on behind what is there */

/* --- the table --- */

static void
entry_set(struct escape *e, unsigned byte, const char *text)
{
	e->of[byte].len = (uint8_t)strlen(text);
	memcpy(e->of[byte].text, text, e->of[byte].len);
}

/* Every byte that has no shorter name. */
static void
entry_numbered(struct escape *e, unsigned byte)
{
	static const char *const forms[] = {
		[ESCAPE_JSON_BYTES] = "\\u00%02x",
		[ESCAPE_JSON_UTF8] = "\\u00%02x",
		[ESCAPE_LINE] = "\\x%02x",
		[ESCAPE_CSV] = "\\x%02x",
	};
	char text[16];

	if (e->style == ESCAPE_JSON_UTF8 && byte >= 0x80)
		snprintf(text, sizeof text, "\\udc%02x", byte);
	else
		snprintf(text, sizeof text, forms[e->style], byte);
	entry_set(e, byte, text);
}

void
escape_init(struct escape *e, enum escape_style style)
{
	bool json = style == ESCAPE_JSON_BYTES || style == ESCAPE_JSON_UTF8;

	memset(e, 0, sizeof *e);
	e->style = style;
	for (unsigned b = 0; b < 256; b++)
		if (b >= ' ' && b <= '~')
			entry_set(e, b, (const char[]){ (char)b, '\0' });
		else
			entry_numbered(e, b);
	entry_set(e, '\\', "\\\\");
	entry_set(e, '\n', "\\n");
	entry_set(e, '\r', "\\r");
	entry_set(e, '\t', "\\t");
	if (json) {
		entry_set(e, '"', "\\\"");
		entry_set(e, '\b', "\\b");
		entry_set(e, '\f', "\\f");
	} else if (style == ESCAPE_CSV) {
		entry_set(e, '"', "\"\"");
	}
}

/* --- UTF-8 --- */

/* What the second byte behind this first one may be; false: no first byte. */
static bool
second_of(uint8_t first, unsigned *len, uint8_t *low, uint8_t *high)
{
	*low = 0x80;
	*high = 0xbf;
	if (first < 0xc2 || first > 0xf4)
		return false;
	*len = first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
	if (first == 0xe0)
		*low = 0xa0;
	else if (first == 0xed)
		*high = 0x9f;
	else if (first == 0xf0)
		*low = 0x90;
	else if (first == 0xf4)
		*high = 0x8f;
	return true;
}

/* How long the sequence at p is, n bytes being there; 0: it is none. */
static int
sequence_at(const uint8_t *p, size_t n)
{
	unsigned len;
	uint8_t low, high;

	if (p[0] < 0x80)
		return 1;
	if (!second_of(p[0], &len, &low, &high))
		return 0;
	for (unsigned i = 1; i < len; i++) {
		if (i == n)
			return HELD;
		if (p[i] < low || p[i] > high)
			return 0;
		low = 0x80;
		high = 0xbf;
	}
	return (int)len;
}

/* --- escaping --- */

/* Eight bytes of printable ASCII without quotation mark and backslash. */
static bool
is_plain(const uint8_t *p)
{
	const uint64_t ones = 0x0101010101010101, tops = ones << 7;
	uint64_t w, quote, slash, del;

	memcpy(&w, p, 8);
	quote = w ^ ones * '"';
	slash = w ^ ones * '\\';
	del = w ^ ones * 0x7f;
	return ((w | (w - ones * ' ') | (quote - ones) | (slash - ones) |
		    (del - ones)) &
		   tops) == 0;
}

/* The byte as the table has it.  Copies more than it needs: there is room. */
static uint8_t *
put_entry(const struct escape *e, uint8_t *to, uint8_t byte)
{
	memcpy(to, e->of[byte].text, sizeof e->of[byte].text);
	return to + e->of[byte].len;
}

/* A valid sequence, in which control characters are to be seen. */
static uint8_t *
put_sequence(const struct escape *e, uint8_t *to, const uint8_t *p, int len)
{
	if (len == 1)
		return put_entry(e, to, p[0]);
	if (len == 2 && p[0] == 0xc2 && p[1] < 0xa0) {
		if (e->style == ESCAPE_JSON_UTF8)
			return to + sprintf((char *)to, "\\u00%02x", p[1]);
		return put_entry(e, put_entry(e, to, p[0]), p[1]);
	}
	memcpy(to, p, (size_t)len);
	return to + len;
}

/* What is held can be judged: put it, as far as that goes. */
static uint8_t *
held_put(struct escape *e, uint8_t *to, bool over)
{
	while (e->n_held > 0) {
		int len = sequence_at(e->held, e->n_held);
		unsigned gone = len > 0 ? (unsigned)len : 1;

		if (len == HELD && !over)
			break;
		if (len > 0) {
			to = put_sequence(e, to, e->held, len);
		} else {
			to = put_entry(e, to, e->held[0]);
			e->strange++;
		}
		e->n_held -= gone;
		memmove(e->held, e->held + gone, e->n_held);
	}
	return to;
}

/* A byte above ASCII where UTF-8 matters: how many bytes it took. */
static size_t
put_high(struct escape *e, uint8_t **to, const uint8_t *p, size_t n)
{
	int len = sequence_at(p, n);

	if (len == HELD) {
		memcpy(e->held, p, n);
		e->n_held = (unsigned)n;
		return n;
	}
	if (len > 0) {
		*to = put_sequence(e, *to, p, len);
		return (size_t)len;
	}
	*to = put_entry(e, *to, *p);
	e->strange++;
	return 1;
}

/* Some of the text, all of which is there from p to end, into room enough. */
static uint8_t *
put_slice(struct escape *e, uint8_t *to, const uint8_t *p, const uint8_t *end)
{
	bool utf8 = e->style != ESCAPE_JSON_BYTES;

	while (p < end && e->n_held > 0) {
		e->held[e->n_held++] = *p++;
		to = held_put(e, to, false);
	}
	while (p < end) {
		const uint8_t *stop = end - p < 8 ? end : p + 8;

		if (end - p >= 8 && is_plain(p)) {
			memcpy(to, p, 8);
			to += 8;
			p += 8;
			continue;
		}
		while (p < stop)
			if (utf8 && *p >= 0x80)
				p += put_high(e, &to, p, (size_t)(end - p));
			else
				to = put_entry(e, to, *p++);
	}
	return to;
}

void
escape_add(struct escape *e, struct output *out, const void *text, size_t n)
{
	const uint8_t *p = text;

	while (n > 0) {
		size_t some = n < SLICE ? n : SLICE;
		uint8_t *to = output_room(out, some * ESCAPE_LONGEST + 32);

		output_taken(out, put_slice(e, to, p, p + some));
		p += some;
		n -= some;
	}
}

void
escape_end(struct escape *e, struct output *out)
{
	if (e->n_held > 0)
		output_taken(out, held_put(e, output_room(out, 32), true));
}
