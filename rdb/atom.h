/*
 * atom.h -- numbers and strings, read from chunks cut anywhere; private to
 * rdb/.
 *
 * Each atom comes in two forms.
 *
 * The patient form keeps its state in a struct rdb_atom and may be called
 * again with the next chunk when it returned ATOM_DRY:
 *
 *	ATOM_DONE	read; results in the struct; it is idle again
 *	ATOM_DRY	the chunk is used up; feed another, call again
 *	ATOM_WRONG	these bytes cannot be; a->what says why
 *
 * It takes what it reads off the front of the chunk, except a byte that is
 * wrong by itself.  After ATOM_WRONG, a->size tells where: 0, the next byte
 * of the chunk; n, a number of n bytes that ends right before it.
 *
 * The quick form (atom_*_quick) reads an atom that lies in the chunk as a
 * whole and is good, and returns what is behind it; NULL for all else, with
 * nothing consumed: then the patient form finds out.  So there is one place
 * that judges, and the hot path has no state.
 *
 * Formats: rdbLoadLenByRef, rdbGenericLoadStringObject, rdbLoadDoubleValue
 * in src/rdb.c of Redis 8.8 and Valkey 9.1.
 */
#ifndef RDB_ATOM_H
#define RDB_ATOM_H

#include "rdb/rdb.h"

enum atom { ATOM_DONE, ATOM_DRY, ATOM_WRONG };

/* How a string is stored: a->kind. */
enum atom_kind {
	ATOM_INT8,  /* 1, 2, 4 bytes, little endian, signed: */
	ATOM_INT16, /* they stand for the decimal text */
	ATOM_INT32,
	ATOM_LZF, /* LZF data of a->left bytes */
	ATOM_PLAIN
};

/* Tags of module data (RDB_MODULE_OPCODE_*): a->tag. */
enum atom_tag {
	ATOM_PART_END,
	ATOM_PART_SINT, /* a number, to be read as signed */
	ATOM_PART_UINT,
	ATOM_PART_FLOAT,  /* 4 bytes, IEEE 754, little endian */
	ATOM_PART_DOUBLE, /* 8 bytes */
	ATOM_PART_STRING
};

#define ATOM_LZF_RATIO 88 /* three bytes of LZF give 264 at most */

/* All zero is idle; call this between items if one was left half read. */
void atom_init(struct rdb_atom *);

static inline bool
atom_idle(const struct rdb_atom *a)
{
	return a->part == 0 && a->sub == 0 && a->tag == 0;
}

/* A number in length encoding, 1 to 9 bytes: a->num.  UINT64_MAX is one. */
enum atom atom_number(struct rdb_atom *, struct rdb_chunk *);

/* width (1 to 8) bytes, little endian: a->num. */
enum atom atom_fixed(struct rdb_atom *, struct rdb_chunk *, unsigned width);

/* Pass over n bytes. */
enum atom atom_raw(struct rdb_atom *, struct rdb_chunk *, uint64_t n);

/*
 * What stands in front of a string's bytes.  Sets a->kind; a->left, how many
 * bytes are stored (never above INT64_MAX); a->full, how many the string has
 * once decoded (0 for integers: they must be read to know).  Sizes that LZF
 * cannot produce are wrong.  Then take the bytes with atom_body, or pass
 * over them with atom_pass.  The atom is idle in between.
 */
enum atom atom_head(struct rdb_atom *, struct rdb_chunk *);

/* Same for a score of type 3: a->left digits follow; or none, and a->num is
 * 253 NaN, 254 +inf, 255 -inf. */
enum atom atom_text_head(struct rdb_atom *, struct rdb_chunk *);

/* Take what the chunk has of the a->left bytes to come: *ptr and the count.
 * 0 when none are left to come or the chunk is used up. */
size_t atom_body(struct rdb_atom *, struct rdb_chunk *, const uint8_t **ptr);

/* Pass over the a->left bytes to come. */
enum atom atom_pass(struct rdb_atom *, struct rdb_chunk *);

/* Head and body in one: pass over a string, over a score of type 3.  With
 * want > 0, a string that does not have so many bytes decoded is wrong, with
 * a->what the address of atom_wrong_length. */
extern const char atom_wrong_length[];
enum atom atom_string(struct rdb_atom *, struct rdb_chunk *, uint64_t want);
enum atom atom_text(struct rdb_atom *, struct rdb_chunk *);

/*
 * Module data.  atom_part_tag reads a tag into a->num, 0 to 5, for readers
 * that look at parts; atom_parts passes over all of it, end tag included.
 */
enum atom atom_part_tag(struct rdb_atom *, struct rdb_chunk *);
enum atom atom_parts(struct rdb_atom *, struct rdb_chunk *);

/* Can LZF turn stored bytes into full? */
static inline bool
atom_lzf_can(uint64_t stored, uint64_t full)
{
	return full > 0 && full / ATOM_LZF_RATIO <= stored &&
	    stored / 2 <= full &&
	    !(full / ATOM_LZF_RATIO == stored && full % ATOM_LZF_RATIO > 0);
}

/* Big and little endian numbers in memory. */
static inline uint64_t
atom_big(const uint8_t *p, unsigned n)
{
	uint64_t v = 0;

	while (n-- > 0)
		v = v << 8 | *p++;
	return v;
}

static inline uint64_t
atom_little(const uint8_t *p, unsigned n)
{
	uint64_t v = 0;

	while (n-- > 0)
		v = v << 8 | p[n];
	return v;
}

static inline const uint8_t *
atom_number_quick(const uint8_t *p, const uint8_t *end, uint64_t *num)
{
	if (end - p >= 2 && *p < 0x80) {
		bool two = *p >= 0x40;

		*num = two ? (*p & 0x3fu) << 8 | p[1] : *p;
		return p + 1 + two;
	}
	if (end - p == 1 && *p < 0x40) {
		*num = *p;
		return p + 1;
	}
	if (end - p >= 5 && *p == 0x80) {
		*num = atom_big(p + 1, 4);
		return p + 5;
	}
	if (end - p >= 9 && *p == 0x81) {
		*num = atom_big(p + 1, 8);
		return p + 9;
	}
	return NULL;
}

static inline const uint8_t *
atom_raw_quick(const uint8_t *p, const uint8_t *end, uint64_t n)
{
	return n <= (uint64_t)(end - p) ? p + n : NULL;
}

static inline const uint8_t *
atom_string_quick(const uint8_t *p, const uint8_t *end)
{
	uint64_t stored, full;

	if (p == end)
		return NULL;
	if (*p < 0xc0) {
		p = atom_number_quick(p, end, &stored);
		return p == NULL ? NULL : atom_raw_quick(p, end, stored);
	}
	if (*p < 0xc3)
		return atom_raw_quick(p, end, 1u + (1u << (*p & 3)));
	if (*p > 0xc3 || (p = atom_number_quick(p + 1, end, &stored)) == NULL ||
	    (p = atom_number_quick(p, end, &full)) == NULL ||
	    !atom_lzf_can(stored, full))
		return NULL;
	return atom_raw_quick(p, end, stored);
}

static inline const uint8_t *
atom_text_quick(const uint8_t *p, const uint8_t *end)
{
	if (p == end)
		return NULL;
	return atom_raw_quick(p, end, *p >= 253 ? 1u : 1u + *p);
}

#endif
