/* jsonfield.c -- see jsonfield.h */
#include "stages/store/jsonfield.h"

#include <string.h>

/* Take a byte if it is c. */
static bool
take(struct span *in, char c)
{
	if (in->len == 0 || *in->ptr != (uint8_t)c)
		return false;
	span_take(in, 1);
	return true;
}

static void
skip_blanks(struct span *in)
{
	while (in->len > 0 && memchr(" \t\r\n", *in->ptr, 4) != NULL)
		span_take(in, 1);
}

static bool
take_hex4(struct span *in, unsigned *v)
{
	size_t i;

	if (in->len < 4)
		return false;
	for (*v = 0, i = 0; i < 4; i++) {
		unsigned c = *span_take(in, 1).ptr, low = c | 32;

		if (c >= '0' && c <= '9')
			*v = *v * 16 + (c - '0');
		else if (low >= 'a' && low <= 'f')
			*v = *v * 16 + (low - 'a' + 10);
		else
			return false;
	}
	return true;
}

static void
put_utf8(struct text *to, unsigned c)
{
	uint8_t b[4];
	size_t n = 0;

	if (c < 0x80) {
		b[n++] = (uint8_t)c;
	} else if (c < 0x800) {
		b[n++] = (uint8_t)(0xc0 | c >> 6);
		b[n++] = (uint8_t)(0x80 | (c & 63));
	} else if (c < 0x10000) {
		b[n++] = (uint8_t)(0xe0 | c >> 12);
		b[n++] = (uint8_t)(0x80 | (c >> 6 & 63));
		b[n++] = (uint8_t)(0x80 | (c & 63));
	} else {
		b[n++] = (uint8_t)(0xf0 | c >> 18);
		b[n++] = (uint8_t)(0x80 | (c >> 12 & 63));
		b[n++] = (uint8_t)(0x80 | (c >> 6 & 63));
		b[n++] = (uint8_t)(0x80 | (c & 63));
	}
	text_put_bytes(to, b, n);
}

/* What follows a backslash and "u", surrogate pairs joined. */
static bool
take_escaped_code(struct span *in, struct text *to)
{
	unsigned c, low;

	if (!take_hex4(in, &c) || c == 0)
		return false;
	if (c >= 0xd800 && c < 0xdc00) {
		if (!take(in, '\\') || !take(in, 'u') || !take_hex4(in, &low) ||
		    low < 0xdc00 || low > 0xdfff)
			return false;
		c = 0x10000 + ((c - 0xd800) << 10) + (low - 0xdc00);
	} else if (c >= 0xdc00 && c <= 0xdfff) {
		return false;
	}
	put_utf8(to, c);
	return true;
}

static bool
take_escape(struct span *in, struct text *to)
{
	static const char from[] = "\"\\/bfnrt", as[] = "\"\\/\b\f\n\r\t";
	const char *at;
	char c;

	if (in->len == 0)
		return false;
	c = (char)*span_take(in, 1).ptr;
	if (c == 'u')
		return take_escaped_code(in, to);
	at = c != '\0' ? strchr(from, c) : NULL;
	if (at == NULL)
		return false;
	text_put_bytes(to, &as[at - from], 1);
	return true;
}

static bool
take_string(struct span *in, struct text *to)
{
	if (!take(in, '"'))
		return false;
	while (in->len > 0) {
		struct span c = span_take(in, 1);

		if (*c.ptr == '"')
			return true;
		if (*c.ptr < 0x20)
			return false;
		if (*c.ptr != '\\')
			text_put_bytes(to, c.ptr, 1);
		else if (!take_escape(in, to))
			return false;
	}
	return false;
}

/* An object or a list, its brackets counted but not matched in kind. */
static bool
skip_nested(struct span *in)
{
	struct text scrap = { 0 };
	size_t depth = 0;
	bool ok = true;

	do {
		if (in->len == 0) {
			ok = false;
		} else if (*in->ptr == '"') {
			text_clear(&scrap);
			ok = take_string(in, &scrap);
		} else {
			uint8_t c = *span_take(in, 1).ptr;

			depth += c == '{' || c == '[';
			depth -= c == '}' || c == ']';
		}
	} while (ok && depth > 0);
	text_release(&scrap);
	return ok;
}

/* A member's value; *plain says whether it is text one can ask for. */
static bool
take_value(struct span *in, struct text *to, bool *plain)
{
	size_t n = 0;

	*plain = true;
	if (in->len == 0)
		return false;
	if (*in->ptr == '"')
		return take_string(in, to);
	if (*in->ptr == '{' || *in->ptr == '[') {
		*plain = false;
		return skip_nested(in);
	}
	while (n < in->len && memchr(",} \t\r\n", in->ptr[n], 6) == NULL)
		n++;
	if (n == 0 || memchr(in->ptr, '\0', n) != NULL)
		return false;
	*plain = n != 4 || memcmp(in->ptr, "null", 4) != 0;
	text_put_bytes(to, in->ptr, n);
	span_take(in, n);
	return true;
}

/* The next member and what ends it: ',' or '}'. */
static bool
take_member(struct span *in, struct text *name, struct text *value, bool *plain)
{
	skip_blanks(in);
	if (!take_string(in, name))
		return false;
	skip_blanks(in);
	if (!take(in, ':'))
		return false;
	skip_blanks(in);
	if (!take_value(in, value, plain))
		return false;
	skip_blanks(in);
	return true;
}

bool
jsonfield_get(struct span json, const char *name, struct text *value)
{
	struct text member = { 0 }, scrap = { 0 };
	bool found = false, plain, more;

	skip_blanks(&json);
	more = take(&json, '{');
	while (more && take_member(&json, &member, &scrap, &plain)) {
		found = plain && member.len == strlen(name) &&
		    strcmp(text_get(&member), name) == 0 && !scrap.bad;
		if (found)
			break;
		more = take(&json, ',');
		text_clear(&member);
		text_clear(&scrap);
	}
	if (found)
		text_put_bytes(value, scrap.ptr, scrap.len);
	text_release(&member);
	text_release(&scrap);
	return found;
}
