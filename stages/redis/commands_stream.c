/* commands_stream.c -- XADD, XSETID, XGROUP. */
#include "stages/redis/commands_parts.h"

/* What idempotent production is set to unless told (redis.conf of 8.6). */
#define IDMP_SECONDS 100
#define IDMP_IDS     100

void
stream_start(struct commands *c)
{
	live_start(&c->live);
	pending_start(c);
}

static void
entry(struct commands *c, const struct rdb_piece *p)
{
	if (p->num == 0) {
		commands_refuse(c, "a stream's entry has no fields");
		return;
	}
	live_add(c, p->id);
	commands_key(c, 3 + 2 * p->num, "XADD");
	wire_id(&c->wire, p->id);
}

/* An entry that trims itself away leaves a stream of none: how servers rewrite
 * one for their AOF. */
static void
nothing(struct commands *c)
{
	commands_key(c, 7, "XADD");
	wire_text(&c->wire, "MAXLEN");
	wire_number(&c->wire, 0);
	wire_id(&c->wire, (struct rdb_id){ 0, 1 });
	wire_text(&c->wire, "x");
	wire_text(&c->wire, "y");
	wire_end(&c->wire);
}

/* The entries are there, and now what the stream knows about itself. */
static void
settle(struct commands *c, uint64_t added)
{
	bool counts = commands_since(&c->target, COMMANDS_VERSION(7, 0, 0), 0);
	struct commands_live *l = &c->live;
	bool same = l->count > 0 && live_compare(c->last, l->last) == 0;

	if (l->count == 0)
		nothing(c);
	if (same &&
	    (!counts ||
		(added == l->count && c->deleted.ms == 0 &&
		    c->deleted.seq == 0)))
		return;
	commands_key(c, counts ? 7 : 3, "XSETID");
	wire_id(&c->wire, c->last);
	if (counts) {
		wire_text(&c->wire, "ENTRIESADDED");
		wire_number(&c->wire, (int64_t)added);
		wire_text(&c->wire, "MAXDELETEDID");
		wire_id(&c->wire, c->deleted);
	}
	wire_end(&c->wire);
}

static void
group(struct commands *c, const struct rdb_piece *p)
{
	bool counts = commands_since(&c->target, COMMANDS_VERSION(7, 0, 0), 0);

	counts = counts && p->num != UINT64_MAX;
	pending_start(c);
	wire_begin(&c->wire, counts ? 7 : 5, "XGROUP");
	wire_text(&c->wire, "CREATE");
	wire_bulk(&c->wire, c->object->key.ptr, c->object->key.len);
	wire_bulk(&c->wire, c->held.ptr, c->held.len);
	wire_id(&c->wire, p->id);
	if (counts) {
		wire_text(&c->wire, "ENTRIESREAD");
		wire_number(&c->wire, (int64_t)p->num);
	}
	wire_end(&c->wire);
}

/*
 * Before 6.2 a consumer is made by reading as one; its own entries, of which it
 * has none yet.
 */
static void
consumer_by_reading(struct commands *c)
{
	struct commands_wire *w = &c->wire;

	wire_begin(w, 9, "XREADGROUP");
	wire_text(w, "GROUP");
	wire_bulk(w, c->held.ptr, c->held.len);
	wire_bulk(w, c->held_consumer.ptr, c->held_consumer.len);
	wire_text(w, "COUNT");
	wire_number(w, 1);
	wire_text(w, "STREAMS");
	wire_bulk(w, c->object->key.ptr, c->object->key.len);
	wire_number(w, 0);
	wire_end(w);
}

static void
consumer(struct commands *c)
{
	if (!commands_since(&c->target, COMMANDS_VERSION(6, 2, 0), 0)) {
		consumer_by_reading(c);
		return;
	}
	wire_begin(&c->wire, 5, "XGROUP");
	wire_text(&c->wire, "CREATECONSUMER");
	wire_bulk(&c->wire, c->object->key.ptr, c->object->key.len);
	wire_bulk(&c->wire, c->held.ptr, c->held.len);
	wire_bulk(&c->wire, c->held_consumer.ptr, c->held_consumer.len);
	wire_end(&c->wire);
}

/* Settings of idempotent production: XCFGSET came with Redis 8.6. */
static void
production(struct commands *c, const struct rdb_piece *p)
{
	if (p->num == IDMP_SECONDS && p->more == IDMP_IDS)
		return;
	if (c->target.valkey ||
	    !commands_since(&c->target, COMMANDS_VERSION(8, 6, 0), 0)) {
		commands_refuse(
		    c, "the target does not know idempotent production");
		return;
	}
	commands_key(c, 6, "XCFGSET");
	wire_text(&c->wire, "IDMP-DURATION");
	wire_number(&c->wire, (int64_t)p->num);
	wire_text(&c->wire, "IDMP-MAXSIZE");
	wire_number(&c->wire, (int64_t)p->more);
	wire_end(&c->wire);
}

static void
entry_text(struct commands *c, const struct rdb_piece *p)
{
	commands_text(c, p);
	if (p->done)
		wire_end(&c->wire);
}

/* Pieces of a group, and of what comes behind all groups. */
static void
group_piece(struct commands *c, const struct rdb_piece *p)
{
	switch (p->what) {
	case RDB_GROUP:
		if (p->first)
			pending_end(c);
		if (c->wire.ok)
			commands_hold(c, &c->held, p);
		break;
	case RDB_GROUP_STATE:
		group(c, p);
		break;
	case RDB_PENDING:
		pending_add(c, p);
		break;
	case RDB_CONSUMER:
		if (p->first)
			pending_flush(c);
		if (c->wire.ok)
			commands_hold(c, &c->held_consumer, p);
		break;
	case RDB_CONSUMER_STATE:
		consumer(c);
		break;
	case RDB_OWNED:
		pending_own(c, p->id);
		break;
	default: /* RDB_NACKED */
		commands_refuse(
		    c, "an entry is pending for nobody (RESTORE can)");
	}
}

static void
idempotent_piece(struct commands *c, const struct rdb_piece *p)
{
	if (p->what == RDB_IDMP)
		production(c, p);
	else if (p->what == RDB_IID ||
	    (p->what == RDB_IDMP_COUNTS && (p->num > 0 || p->more > 0)))
		commands_refuse(c,
		    "what idempotent production has seen has no commands "
		    "(RESTORE can)");
}

void
stream_piece(struct commands *c, const struct rdb_piece *p)
{
	switch (p->what) {
	case RDB_ENTRY:
		entry(c, p);
		break;
	case RDB_FIELD:
	case RDB_FIELD_VALUE:
		entry_text(c, p);
		break;
	case RDB_STREAM_LENGTH:
	case RDB_STREAM_FIRST:
		break; /* follow from the entries */
	case RDB_STREAM_LAST:
		c->last = p->id;
		break;
	case RDB_STREAM_DELETED:
		c->deleted = p->id;
		break;
	case RDB_STREAM_ADDED:
		settle(c, p->num);
		break;
	case RDB_IDMP:
	case RDB_PRODUCER:
	case RDB_IID:
	case RDB_IID_ENTRY:
	case RDB_IDMP_COUNTS:
		idempotent_piece(c, p);
		break;
	default:
		group_piece(c, p);
	}
}

void
stream_end(struct commands *c)
{
	pending_end(c);
}
