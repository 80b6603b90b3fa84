/* glob.c -- see glob.h. */
#include "stages/keys/glob.h"

#include <stdint.h>

/* What is left of a pattern. */
struct rest {
	const uint8_t *ptr, *end;
};

static size_t
left(const struct rest *p)
{
	return (size_t)(p->end - p->ptr);
}

/* One member of a set at the front of p: is c in it?  Taken off p. */
static bool
member_take(struct rest *p, uint8_t c)
{
	uint8_t low, high;

	if (left(p) >= 2 && p->ptr[0] == '\\') {
		p->ptr += 2;
		return p->ptr[-1] == c;
	}
	if (left(p) < 3 || p->ptr[1] != '-')
		return *p->ptr++ == c;
	low = p->ptr[0] < p->ptr[2] ? p->ptr[0] : p->ptr[2];
	high = p->ptr[0] < p->ptr[2] ? p->ptr[2] : p->ptr[0];
	p->ptr += 3;
	return low <= c && c <= high;
}

/* The set behind "[": is c in it?  Taken off p with its "]". */
static bool
set_take(struct rest *p, uint8_t c)
{
	bool inverted = left(p) > 0 && p->ptr[0] == '^', in = false;

	p->ptr += inverted;
	while (left(p) > 0 && p->ptr[0] != ']')
		in |= member_take(p, c);
	if (left(p) > 0)
		p->ptr++;
	return in != inverted;
}

/* Does what stands at the front of p, which is no star, match c?  When it
 * does, it is taken off. */
static bool
one_take(struct rest *p, uint8_t c)
{
	struct rest next = { p->ptr + 1, p->end };
	bool is;

	switch (p->ptr[0]) {
	case '?':
		is = true;
		break;
	case '[':
		is = set_take(&next, c);
		break;
	case '\\':
		if (left(&next) > 0) {
			is = *next.ptr++ == c;
			break;
		}
		/* fall through */
	default:
		is = p->ptr[0] == c;
	}
	if (is)
		*p = next;
	return is;
}

/*
 * All but a star takes exactly one byte, so when something behind a star does
 * not match, only that last star has to take one byte more: those before it
 * can stay as short as they are.
 */
bool
glob_match(
    const void *pattern, size_t pattern_len, const void *text, size_t len)
{
	struct rest p = { pattern, (const uint8_t *)pattern + pattern_len };
	struct rest behind_star = { NULL, NULL };
	const uint8_t *at = text, *end = at + len, *from = NULL;

	while (at < end) {
		if (left(&p) > 0 && p.ptr[0] == '*') {
			p.ptr++;
			behind_star = p;
			from = at;
		} else if (left(&p) > 0 && one_take(&p, *at)) {
			at++;
		} else if (behind_star.ptr != NULL) {
			p = behind_star;
			at = ++from;
		} else {
			return false;
		}
	}
	while (left(&p) > 0 && p.ptr[0] == '*')
		p.ptr++;
	return left(&p) == 0;
}
