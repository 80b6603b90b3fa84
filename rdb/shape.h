/*
 * shape.h -- the RDB format, as a table; private to rdb/.
 *
 * A shape is a little program in bytes.  It says what follows, not how to
 * read it:
 *
 *	a hash		MANY, STR, STR, AGAIN, END
 *	a sorted set	MANY, STR, DOUBLE, AGAIN, END
 *
 * There is one row per type and per opcode, with its dialect (the same
 * number means different things under the magics REDIS and VALKEY) and the
 * RDB version that introduced it.  A new type is a new row.
 *
 * Two readers run these programs.  steps.c passes over the bytes (that is
 * the walker); value.c turns them into elements.  Both hold a struct
 * rdb_place (where in the shape) and a struct rdb_atom (where in one number
 * or string; see atom.h), and both look like this:
 *
 *	shape_start(&place, shape_of(type, valkey)->shape);
 *	for (;;)
 *		switch (*place.step) {
 *		case END:
 *			return done;
 *		case AGAIN:
 *			shape_again(&place);
 *			continue;
 *		case MANY:
 *			read a number n with atom_number();
 *			shape_enter(&place, n);
 *			continue;
 *		case STR:
 *			read a string; shape_next(&place); continue;
 *		...
 *		}
 *
 * place.step may be compared with offsets into the shape to know which of
 * several LENs one stands at: place.step - row->shape.
 */
#ifndef RDB_SHAPE_H
#define RDB_SHAPE_H

#include <assert.h>

#include "rdb/rdb.h"

enum shape_step {
	END,

	/* One thing each. */
	LEN,     /* a number in length encoding */
	STR,     /* a string: plain, integer or LZF */
	TEXT,    /* a score of old: a length byte, digits */
	DOUBLE,  /* 8 bytes, IEEE 754, little endian */
	INT64,   /* 8 bytes, little endian, signed */
	TIME,    /* the same: milliseconds since 1970 */
	ID,      /* 16 bytes: ms and seq, big endian */
	NODE_ID, /* a STR that is one ID */
	PARTS,   /* module data: tagged parts and an end tag */

	/* Loops end with AGAIN.  They differ in where the count is from. */
	MANY,  /* a LEN in front */
	UPTO,  /* same, but at most as the next byte says */
	COUNT, /* a LEN, kept ... */
	TIMES, /* ... for the loop that begins here */
	AGAIN,

	/* A LEN, the tag; then the one step it picks.  Behind this byte: how
	 * many steps there are to pick from, and those. */
	PICK,

	/* Only in opcodes.  All but the last three are run.num. */
	NUM,        /* a LEN */
	BYTE,       /* 1 byte */
	SECONDS,    /* 4 bytes, little endian, signed */
	MILLIS,     /* 8 bytes, little endian, signed */
	STORED_CRC, /* 8 bytes, little endian */
	SLOT,       /* a LEN below 16384 */
	SLOT_TO,    /* same, and not below the SLOT before it */
	JOB_NAME,   /* a STR of 40 bytes */
	UINT_TAG,   /* a LEN that must be 2: "unsigned follows" */
	CLASS       /* 4 bytes: class of a key's metadata */
};

#define SHAPE_SLOTS    16384
#define SHAPE_JOB_NAME 40
#define SHAPE_ID       16

struct shape_row {
	const uint8_t *shape; /* NULL: cannot be walked, refusal says why */
	const char *name;     /* NULL: no such row */
	const char *refusal;
	uint8_t label; /* enum rdb_label; RDB_VALUE for types */
	uint8_t since; /* RDB version; 0: only in forks.  Loaders do
				   not compare it with the header, nor do we */
};

/* The rows of a dialect, by type or opcode: 256 of them. */
const struct shape_row *shape_rows(bool valkey);

/* The row of a type (0 to 255) that can be walked, or NULL. */
const struct shape_row *shape_of(unsigned type, bool valkey);

/* A string, and nothing: the shapes of keys and of a trailer without CRC. */
extern const uint8_t shape_string[], shape_nothing[];

/* How many bytes the step at s takes in its shape. */
static inline unsigned
shape_size(const uint8_t *s)
{
	return *s == PICK ? 2u + s[1] : *s == UPTO ? 2u : 1u;
}

static inline void
shape_start(struct rdb_place *p, const uint8_t *shape)
{
	p->step = shape;
	p->picked = NULL;
	p->depth = 0;
	p->num = 0;
}

static inline void
shape_next(struct rdb_place *p)
{
	p->step += shape_size(p->step);
}

/* At MANY, UPTO or TIMES: begin n rounds, or pass by the loop if n is 0. */
static inline void
shape_enter(struct rdb_place *p, uint64_t n)
{
	unsigned open = 1;

	shape_next(p);
	if (n > 0) {
		assert(p->depth < RDB_NEST);
		p->body[p->depth] = p->step;
		p->left[p->depth++] = n;
		return;
	}
	for (; open > 0; shape_next(p))
		if (*p->step == MANY || *p->step == UPTO || *p->step == TIMES)
			open++;
		else if (*p->step == AGAIN)
			open--;
}

/* At AGAIN: the next round, or on behind the loop after the last one. */
static inline void
shape_again(struct rdb_place *p)
{
	if (--p->left[p->depth - 1] > 0) {
		p->step = p->body[p->depth - 1];
	} else {
		p->depth--;
		p->step++;
	}
}

#endif
