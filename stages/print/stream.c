/*
 * stream.c -- see stream.h.
 *
 * How deep the writer is tells what is open: at base + 1 the stream, + 2 a row
 * of entries or groups, or the settings, + 3 a group or the row of producers,
 * + 4 its rows or a producer, + 5 a consumer or a producer's row, + 6 what the
 * consumer owns.
 */
#include "stages/print/stream.h"

#define TYPE_IDEMPOTENT 26 /* the first that can have producers */

/* The row that is open in a group. */
enum part { PART_NONE, PART_PENDING, PART_CONSUMERS, PART_NACKED };

void
stream_json_begin(
    struct stream_json *s, struct writer *w, unsigned type, bool rich)
{
	*s = (struct stream_json){ .w = w,
		.rich = rich,
		.idempotent = type >= TYPE_IDEMPOTENT,
		.base = w->depth };
	writer_open(w, '{');
	writer_name(w, "entries");
	writer_open(w, '[');
}

static void
text(struct stream_json *s, const struct rdb_piece *p)
{
	writer_text(s->w, p->ptr, p->len, p->first, p->last);
}

static void
id_member(struct stream_json *s, const char *name, struct rdb_id id)
{
	writer_name(s->w, name);
	writer_id(s->w, id);
}

static void
num_member(struct stream_json *s, const char *name, uint64_t n)
{
	writer_name(s->w, name);
	writer_num(s->w, n);
}

/* A number that may be unknown. */
static void
maybe_member(struct stream_json *s, const char *name, uint64_t n)
{
	writer_name(s->w, name);
	if (n == UINT64_MAX)
		writer_null(s->w);
	else
		writer_num(s->w, n);
}

static void
row_open(struct stream_json *s, const char *name)
{
	writer_name(s->w, name);
	writer_open(s->w, '[');
}

/* --- entries --- */

static void
entry_piece(struct stream_json *s, const struct rdb_piece *p)
{
	if (p->what == RDB_ENTRY) {
		writer_open(s->w, '{');
		id_member(s, "id", p->id);
		writer_name(s->w, "items");
		writer_open(s->w, '{');
	} else {
		text(s, p);
		if (p->what == RDB_FIELD && p->last)
			writer_colon(s->w);
	}
	if (p->done)
		writer_close_to(s->w, s->base + 2);
}

/* --- groups --- */

/* The next row of the group; a group has its consumers, be it none. */
static void
part_open(struct stream_json *s, enum part part)
{
	if (s->part >= part)
		return;
	writer_close_to(s->w, s->base + 3);
	if (part == PART_NACKED)
		part_open(s, PART_CONSUMERS);
	writer_close_to(s->w, s->base + 3);
	s->part = part;
	row_open(s,
	    part == PART_PENDING       ? "pending" :
		part == PART_CONSUMERS ? "consumers" :
					 "nacked");
}

static void
group_close(struct stream_json *s)
{
	if (s->part != PART_NONE)
		part_open(s, PART_CONSUMERS);
	s->part = PART_NONE;
	if (s->w->depth > s->base + 2)
		writer_close_to(s->w, s->base + 2);
}

static void
group_name(struct stream_json *s, const struct rdb_piece *p)
{
	if (p->first) {
		group_close(s);
		writer_open(s->w, '{');
		writer_name(s->w, "name");
	}
	text(s, p);
}

static void
pending_put(struct stream_json *s, const struct rdb_piece *p)
{
	writer_open(s->w, '{');
	num_member(s, "sent", p->num);
	id_member(s, "id", p->id);
	num_member(s, "count", p->more);
	writer_close(s->w);
}

static void
consumer_name(struct stream_json *s, const struct rdb_piece *p)
{
	if (p->first) {
		part_open(s, PART_CONSUMERS);
		writer_close_to(s->w, s->base + 4);
		writer_open(s->w, '{');
		writer_name(s->w, "name");
	}
	text(s, p);
}

static void
owned_put(struct stream_json *s, const struct rdb_piece *p)
{
	if (s->w->depth == s->base + 5)
		row_open(s, "pending");
	writer_open(s->w, '{');
	id_member(s, "id", p->id);
	writer_close(s->w);
}

static void
group_piece(struct stream_json *s, const struct rdb_piece *p)
{
	switch (p->what) {
	case RDB_GROUP:
		group_name(s, p);
		break;
	case RDB_GROUP_STATE:
		id_member(s, "lastid", p->id);
		maybe_member(s, "entriesRead", p->num);
		part_open(s, PART_PENDING);
		break;
	case RDB_PENDING:
		pending_put(s, p);
		break;
	case RDB_CONSUMER:
		consumer_name(s, p);
		break;
	case RDB_CONSUMER_STATE:
		maybe_member(s, "activeTime", p->more);
		num_member(s, "seenTime", p->num);
		break;
	case RDB_OWNED:
		owned_put(s, p);
		break;
	default: /* RDB_NACKED */
		part_open(s, PART_NACKED);
		writer_id(s->w, p->id);
	}
}

/* --- idempotent production --- */

static void
producer_close(struct stream_json *s)
{
	if (s->w->depth <= s->base + 3)
		return;
	writer_close_to(s->w, s->base + 4);
	num_member(s, "numEntries", s->iids);
	writer_close(s->w);
}

static void
producer_name(struct stream_json *s, const struct rdb_piece *p)
{
	if (p->first) {
		producer_close(s);
		s->iids = 0;
		s->producers++;
		writer_open(s->w, '{');
		writer_name(s->w, "pid");
	}
	text(s, p);
	if (p->last)
		row_open(s, "entries");
}

static void
iid_piece(struct stream_json *s, const struct rdb_piece *p)
{
	if (p->what == RDB_IID) {
		if (p->first) {
			writer_open(s->w, '{');
			writer_name(s->w, "iid");
			s->iids++;
		}
		text(s, p);
		return;
	}
	id_member(s, "streamId", p->id);
	writer_close(s->w);
}

static void
settings_piece(struct stream_json *s, const struct rdb_piece *p)
{
	if (p->what == RDB_IDMP) {
		group_close(s);
		writer_close_to(s->w, s->base + 1);
		writer_name(s->w, "idmp");
		writer_open(s->w, '{');
		num_member(s, "duration", p->num);
		num_member(s, "maxEntries", p->more);
		row_open(s, "producers");
		return;
	}
	producer_close(s);
	writer_close_to(s->w, s->base + 2);
	num_member(s, "numProducers", s->producers);
	num_member(s, "added", p->num);
	num_member(s, "duplicates", p->more);
}

static void
idempotent_piece(struct stream_json *s, const struct rdb_piece *p)
{
	if (!s->idempotent)
		return; /* defaults of servers, which this one did not store */
	switch (p->what) {
	case RDB_PRODUCER:
		producer_name(s, p);
		break;
	case RDB_IID:
	case RDB_IID_ENTRY:
		iid_piece(s, p);
		break;
	default:
		settings_piece(s, p);
	}
}

/* --- all --- */

static void
rich_piece(struct stream_json *s, const struct rdb_piece *p)
{
	switch (p->what) {
	case RDB_STREAM_LENGTH:
		num_member(s, "length", p->num);
		break;
	case RDB_STREAM_LAST:
		id_member(s, "lastID", p->id);
		break;
	case RDB_STREAM_FIRST:
		id_member(s, "firstID", p->id);
		break;
	case RDB_STREAM_DELETED:
		id_member(s, "maxDelEntryID", p->id);
		break;
	case RDB_STREAM_ADDED:
		num_member(s, "entriesAdded", p->num);
		row_open(s, "groups");
		break;
	case RDB_IDMP:
	case RDB_PRODUCER:
	case RDB_IID:
	case RDB_IID_ENTRY:
	case RDB_IDMP_COUNTS:
		idempotent_piece(s, p);
		break;
	default:
		group_piece(s, p);
	}
}

void
stream_json_piece(struct stream_json *s, const struct rdb_piece *p)
{
	switch (p->what) {
	case RDB_ENTRY:
	case RDB_FIELD:
	case RDB_FIELD_VALUE:
		entry_piece(s, p);
		return;
	case RDB_STREAM_LENGTH:
		writer_close_to(s->w, s->base + 1);
		break;
	default:
		break;
	}
	if (s->rich)
		rich_piece(s, p);
}

void
stream_json_end(struct stream_json *s)
{
	group_close(s);
	writer_close_to(s->w, s->base);
}
