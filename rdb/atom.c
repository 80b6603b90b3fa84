/* atom.c -- the patient forms: a byte at a time, state in numbers. */
#include <string.h>

#include "rdb/atom.h"

const char atom_wrong_length[] = "string of a wrong length";

/* Places inside a string. */
enum sub { IDLE, STORED, FULL, BODY };

void
atom_init(struct rdb_atom *a)
{
	memset(a, 0, sizeof *a);
}

static enum atom
wrong(struct rdb_atom *a, unsigned size, const char *what)
{
	a->size = (uint8_t)size;
	a->what = what;
	return ATOM_WRONG;
}

/* The first byte of a length: part 1 number, 2 string encoding. */
static enum atom
first_byte(struct rdb_atom *a, struct rdb_chunk *c)
{
	static const uint8_t more[4] = { 0, 1, 0, 0 };
	unsigned b;

	if (c->ptr == c->end)
		return ATOM_DRY;
	b = *c->ptr;
	a->width = more[b >> 6];
	a->num = b & 0x3f;
	if (b >> 6 == 2) {
		if (b > 0x81)
			return wrong(a, 0, "unknown length encoding");
		a->width = b == 0x80 ? 4 : 8;
		a->num = 0;
	}
	c->ptr++;
	a->size = 1;
	a->part = b >= 0xc0 ? 2 : 1;
	return ATOM_DONE;
}

/* A length; a->part stays set, for the caller to see which kind it is. */
static enum atom
length(struct rdb_atom *a, struct rdb_chunk *c)
{
	enum atom got;

	if (a->part == 0 && (got = first_byte(a, c)) != ATOM_DONE)
		return got;
	for (; a->width > 0; a->width--) {
		if (c->ptr == c->end)
			return ATOM_DRY;
		a->num = a->num << 8 | *c->ptr++;
		a->size++;
	}
	return ATOM_DONE;
}

enum atom
atom_number(struct rdb_atom *a, struct rdb_chunk *c)
{
	enum atom got;

	/* Judged before it is taken, so that the fault is at this byte. */
	if (a->part == 0 && c->ptr < c->end && *c->ptr >= 0xc0)
		return wrong(a, 0, "string encoding where a number belongs");
	if ((got = length(a, c)) == ATOM_DONE)
		a->part = 0;
	return got;
}

enum atom
atom_fixed(struct rdb_atom *a, struct rdb_chunk *c, unsigned width)
{
	if (a->part == 0)
		a->num = 0;
	for (; a->part < width; a->part++) {
		if (c->ptr == c->end)
			return ATOM_DRY;
		a->num |= (uint64_t)*c->ptr++ << 8 * a->part;
	}
	a->part = 0;
	a->size = (uint8_t)width;
	return ATOM_DONE;
}

size_t
atom_body(struct rdb_atom *a, struct rdb_chunk *c, const uint8_t **ptr)
{
	size_t n = (size_t)(c->end - c->ptr);

	if (n > a->left)
		n = (size_t)a->left;
	*ptr = c->ptr;
	if (n > 0)
		c->ptr += n;
	a->left -= n;
	return n;
}

enum atom
atom_pass(struct rdb_atom *a, struct rdb_chunk *c)
{
	const uint8_t *ptr;

	atom_body(a, c, &ptr);
	return a->left == 0 ? ATOM_DONE : ATOM_DRY;
}

enum atom
atom_raw(struct rdb_atom *a, struct rdb_chunk *c, uint64_t n)
{
	enum atom got;

	if (a->sub == IDLE)
		a->left = n, a->sub = BODY;
	if ((got = atom_pass(a, c)) == ATOM_DONE)
		a->sub = IDLE;
	return got;
}

/* The first length of a string, which also says how it is stored. */
static enum atom
head_begin(struct rdb_atom *a, struct rdb_chunk *c)
{
	enum atom got;

	if (a->part == 0 && c->ptr != c->end && 0xc3 < *c->ptr)
		return wrong(a, 0, "unknown string encoding");
	if ((got = length(a, c)) != ATOM_DONE)
		return got;
	a->kind = a->part == 1 ? ATOM_PLAIN : (uint8_t)a->num;
	a->part = 0;
	if (a->kind == ATOM_PLAIN)
		a->left = a->full = a->num;
	else
		a->left = 1u << a->num, a->full = 0;
	return ATOM_DONE;
}

enum atom
atom_head(struct rdb_atom *a, struct rdb_chunk *c)
{
	enum atom got;

	if (a->sub == IDLE) {
		if ((got = head_begin(a, c)) != ATOM_DONE)
			return got;
		if (a->kind == ATOM_LZF)
			a->sub = STORED;
	}
	if (a->sub == STORED) {
		if ((got = atom_number(a, c)) != ATOM_DONE)
			return got;
		a->left = a->num;
		a->sub = FULL;
	}
	if (a->sub == FULL) {
		if ((got = atom_number(a, c)) != ATOM_DONE)
			return got;
		a->full = a->num;
		if (!atom_lzf_can(a->left, a->full))
			return wrong(a, a->size, "LZF sizes that cannot be");
	}
	a->sub = IDLE;
	if (a->left > INT64_MAX || a->full > INT64_MAX)
		return wrong(a, a->size, "string longer than can be");
	return ATOM_DONE;
}

enum atom
atom_text_head(struct rdb_atom *a, struct rdb_chunk *c)
{
	if (c->ptr == c->end)
		return ATOM_DRY;
	a->num = *c->ptr++;
	a->left = a->num >= 253 ? 0 : a->num;
	return ATOM_DONE;
}

enum atom
atom_string(struct rdb_atom *a, struct rdb_chunk *c, uint64_t want)
{
	enum atom got;

	if (a->sub != BODY) {
		if ((got = atom_head(a, c)) != ATOM_DONE)
			return got;
		if (want > 0 && a->full != want)
			return wrong(a, a->size, atom_wrong_length);
		a->sub = BODY;
	}
	if ((got = atom_pass(a, c)) == ATOM_DONE)
		a->sub = IDLE;
	return got;
}

enum atom
atom_text(struct rdb_atom *a, struct rdb_chunk *c)
{
	enum atom got;

	if (a->sub == IDLE) {
		if ((got = atom_text_head(a, c)) != ATOM_DONE)
			return got;
		a->sub = BODY;
	}
	if ((got = atom_pass(a, c)) == ATOM_DONE)
		a->sub = IDLE;
	return got;
}

enum atom
atom_part_tag(struct rdb_atom *a, struct rdb_chunk *c)
{
	enum atom got = atom_number(a, c);

	if (got == ATOM_DONE && a->num > ATOM_PART_STRING)
		return wrong(a, a->size, "unknown part of module data");
	return got;
}

/* The part whose tag has been read. */
static enum atom
part(struct rdb_atom *a, struct rdb_chunk *c)
{
	switch (a->tag) {
	case ATOM_PART_SINT:
	case ATOM_PART_UINT:
		return atom_number(a, c);
	case ATOM_PART_FLOAT:
		return atom_raw(a, c, 4);
	case ATOM_PART_DOUBLE:
		return atom_raw(a, c, 8);
	default:
		return atom_string(a, c, 0);
	}
}

enum atom
atom_parts(struct rdb_atom *a, struct rdb_chunk *c)
{
	enum atom got;

	for (;; a->tag = 0) {
		if (a->tag == 0) {
			if ((got = atom_part_tag(a, c)) != ATOM_DONE)
				return got;
			if (a->num == ATOM_PART_END)
				return ATOM_DONE;
			a->tag = (uint8_t)a->num;
		}
		if ((got = part(a, c)) != ATOM_DONE)
			return got;
	}
}
