/*
 * steps.c -- run a shape over bytes.
 *
 * Two loops.  quick() does the steps that lie in the chunk as a whole and
 * are good, nearly all of them; it has no state but its place.  steps_one() does
 * one step patiently: it is for the last bytes of a chunk, the first bytes of
 * the next, and for everything that is wrong, so that a fault is the same
 * however the stream was cut.
 */
#include "rdb/steps.h"

/* Module data that lies in the chunk as a whole, end tag included. */
static const uint8_t *
parts_quick(const uint8_t *p, const uint8_t *end)
{
	uint64_t num;

	while ((p = atom_number_quick(p, end, &num)) != NULL) {
		switch (num) {
		case ATOM_PART_END:
			return p;
		case ATOM_PART_SINT:
		case ATOM_PART_UINT:
			p = atom_number_quick(p, end, &num);
			break;
		case ATOM_PART_FLOAT:
			p = atom_raw_quick(p, end, 4);
			break;
		case ATOM_PART_DOUBLE:
			p = atom_raw_quick(p, end, 8);
			break;
		case ATOM_PART_STRING:
			p = atom_string_quick(p, end);
			break;
		default:
			return NULL;
		}
		if (p == NULL)
			break;
	}
	return NULL;
}

/* A step that takes bytes and changes nothing else. */
static inline const uint8_t *
plain_quick(unsigned step, const uint8_t *p, const uint8_t *end)
{
	uint64_t num;

	switch (step) {
	case LEN:
		return atom_number_quick(p, end, &num);
	case DOUBLE:
	case INT64:
	case TIME:
		return atom_raw_quick(p, end, 8);
	case ID:
		return atom_raw_quick(p, end, SHAPE_ID);
	case NODE_ID:
		/* Every writer stores it plain. */
		return p < end && *p == SHAPE_ID ?
		    atom_raw_quick(p, end, 1 + SHAPE_ID) :
		    NULL;
	case STR: /* picked: by itself, quick() sees to it */
		return atom_string_quick(p, end);
	case TEXT:
		return atom_text_quick(p, end);
	case PARTS:
		return parts_quick(p, end);
	default:
		return NULL;
	}
}

/* As many whole steps as the chunk has. */
static void
quick(struct rdb_place *at, struct rdb_chunk *c)
{
	const uint8_t *p = c->ptr, *q;
	uint64_t n;

	for (;; p = q) {
		switch (*at->step) {
		case AGAIN:
			shape_again(at);
			q = p;
			continue;
		case STR: /* by far the most frequent: kept in line */
			q = atom_string_quick(p, c->end);
			if (q != NULL) {
				at->step++;
				continue;
			}
			break;
		case MILLIS:
			if ((q = atom_raw_quick(p, c->end, 8)) != NULL) {
				at->num = atom_little(p, 8);
				at->step++;
				continue;
			}
			break;
		case MANY:
			q = atom_number_quick(p, c->end, &n);
			if (q != NULL && n <= INT64_MAX) {
				shape_enter(at, n);
				continue;
			}
			break;
		case PICK:
			q = atom_number_quick(p, c->end, &n);
			if (q != NULL && n < at->step[1] &&
			    (q = plain_quick(at->step[2 + n], q, c->end)) !=
				NULL) {
				shape_next(at);
				continue;
			}
			break;
		default:
			q = plain_quick(*at->step, p, c->end);
			if (q != NULL) {
				at->step++;
				continue;
			}
		}
		c->ptr = p;
		return;
	}
}

const uint8_t *
steps_over(const uint8_t *shape, const uint8_t *p, const uint8_t *end)
{
	struct rdb_chunk c = { p, end };
	struct rdb_place at;

	shape_start(&at, shape);
	quick(&at, &c);
	return *at.step == END ? c.ptr : NULL;
}

static enum atom
wrong(struct rdb_atom *a, const char *what)
{
	a->what = what;
	return ATOM_WRONG;
}

/* A loop's count, at MANY or UPTO. */
static enum atom
enter(struct rdb_place *at, struct rdb_atom *a, struct rdb_chunk *c)
{
	enum atom got = atom_number(a, c);

	if (got != ATOM_DONE)
		return got;
	if (*at->step == UPTO && a->num > at->step[1])
		return wrong(a,
		    at->step[1] == 1 ? "flag that is neither 0 nor 1" :
				       "more metadata classes than can be");
	if (a->num > INT64_MAX)
		return wrong(a, "more elements than can be");
	shape_enter(at, a->num);
	return ATOM_DONE;
}

/* A slot number, at SLOT or SLOT_TO. */
static enum atom
slot(struct rdb_place *at, struct rdb_atom *a, struct rdb_chunk *c)
{
	enum atom got = atom_number(a, c);

	if (got != ATOM_DONE)
		return got;
	if (a->num >= SHAPE_SLOTS)
		return wrong(a, "slot above 16383");
	if (*at->step == SLOT_TO && a->num < at->count)
		return wrong(a, "slot range that ends before it begins");
	if (*at->step == SLOT)
		at->count = at->num = a->num;
	return ATOM_DONE;
}

static enum atom
uint_tag(struct rdb_atom *a, struct rdb_chunk *c)
{
	enum atom got = atom_number(a, c);

	if (got == ATOM_DONE && a->num != ATOM_PART_UINT)
		return wrong(a, "module aux data that does not say when");
	return got;
}

/* A little-endian number of an opcode, kept as the item's number. */
static enum atom
fixed(struct rdb_place *at, struct rdb_atom *a, struct rdb_chunk *c)
{
	unsigned width = *at->step == BYTE ? 1 : *at->step == SECONDS ? 4 : 8;
	enum atom got = atom_fixed(a, c, width);

	if (got != ATOM_DONE)
		return got;
	at->num = a->num;
	if (*at->step == SECONDS)
		at->num = (uint64_t)((int64_t)(int32_t)(uint32_t)a->num * 1000);
	return ATOM_DONE;
}

/* A string that must have size bytes. */
static enum atom
sized(struct rdb_atom *a, struct rdb_chunk *c, unsigned size, const char *what)
{
	enum atom got = atom_string(a, c, size);

	if (got == ATOM_WRONG && a->what == atom_wrong_length)
		a->what = what;
	return got;
}

/* One patient step that neither loops nor picks. */
static enum atom
plain(struct rdb_place *at, unsigned step, struct rdb_atom *a,
    struct rdb_chunk *c)
{
	enum atom got;

	switch (step) {
	case STR:
		return atom_string(a, c, 0);
	case NODE_ID:
		return sized(a, c, SHAPE_ID, "stream node without an id");
	case JOB_NAME:
		return sized(a, c, SHAPE_JOB_NAME,
		    "slot import without a name of 40 bytes");
	case TEXT:
		return atom_text(a, c);
	case PARTS:
		return atom_parts(a, c);
	case CLASS:
		return atom_raw(a, c, 4);
	case DOUBLE:
	case INT64:
	case TIME:
		return atom_raw(a, c, 8);
	case ID:
		return atom_raw(a, c, SHAPE_ID);
	case UINT_TAG:
		return uint_tag(a, c);
	case SLOT:
	case SLOT_TO:
		return slot(at, a, c);
	case BYTE:
	case SECONDS:
	case MILLIS:
	case STORED_CRC:
		return fixed(at, a, c);
	}
	got = atom_number(a, c);
	if (got == ATOM_DONE && step == NUM)
		at->num = a->num;
	if (got == ATOM_DONE && step == COUNT)
		at->count = a->num;
	return got;
}

/* The tag, then the step it picks. */
static enum atom
pick(struct rdb_place *at, struct rdb_atom *a, struct rdb_chunk *c)
{
	enum atom got;

	if (at->picked == NULL) {
		if ((got = atom_number(a, c)) != ATOM_DONE)
			return got;
		if (a->num >= at->step[1])
			return wrong(a, "unknown tag of an array's element");
		at->picked = at->step + 2 + a->num;
	}
	if ((got = plain(at, *at->picked, a, c)) == ATOM_DONE)
		at->picked = NULL;
	return got;
}

enum atom
steps_one(struct rdb_place *at, struct rdb_atom *a, struct rdb_chunk *c)
{
	enum atom got;

	switch (*at->step) {
	case AGAIN:
		shape_again(at);
		return ATOM_DONE;
	case MANY:
	case UPTO:
		return enter(at, a, c);
	case TIMES:
		shape_enter(at, at->count);
		return ATOM_DONE;
	case PICK:
		got = pick(at, a, c);
		break;
	default:
		got = plain(at, *at->step, a, c);
	}
	if (got == ATOM_DONE)
		shape_next(at);
	return got;
}

enum atom
steps_run(struct rdb_place *at, struct rdb_atom *a, struct rdb_chunk *c)
{
	enum atom got;

	for (;;) {
		if (atom_idle(a) && at->picked == NULL)
			quick(at, c);
		if (*at->step == END)
			return ATOM_DONE;
		if ((got = steps_one(at, a, c)) != ATOM_DONE)
			return got;
	}
}
