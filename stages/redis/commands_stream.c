/*
 * commands_stream.c -- XADD, XSETID, XGROUP.
 *
 * A stream of up to COMMANDS_HELD_MAX bytes, as stored, is held and looked
 * through before anything is said of it: see commands_ghost.c.
 */
#include "stages/redis/commands_parts.h"

/* What idempotent production is set to unless told (redis.conf of 8.6). */
#define IDMP_SECONDS 100
#define IDMP_IDS     100

/* From the beginning of the value. */
static void
start_reading(struct commands *c)
{
	live_start(&c->live);
	pending_start(c);
	if (!rdb_value_begin(&c->value, c->object->type, c->from_valkey))
		commands_bad(c, "type that cannot be decoded");
}

void
stream_start(struct commands *c)
{
	c->raw.len = 0;
	c->spilt = false;
	ghosts_start(&c->ghosts);
	start_reading(c);
}

static void
entry(struct commands *c, const struct rdb_piece *p)
{
	if (p->num == 0) {
		commands_refuse(c, "a stream's entry has no fields");
		return;
	}
	ghosts_before(c, p->id);
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

static bool
has_counts(const struct commands *c)
{
	return commands_since(&c->target, COMMANDS_VERSION(7, 0, 0), 0);
}

static void
set_id(struct commands *c, uint64_t added)
{
	bool counts = has_counts(c);

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

/* Is what the stream knows about itself what adding its entries made it? */
static bool
is_settled(const struct commands *c)
{
	const struct commands_live *l = &c->live;

	return l->count > 0 && live_compare(c->last, l->last) == 0 &&
	    (!has_counts(c) ||
		(c->added == l->count && c->deleted.ms == 0 &&
		    c->deleted.seq == 0));
}

/*
 * The entries are there, and now what the stream knows about itself.  With
 * ghosts in it this is said again in the end; meanwhile it must have as many
 * entries added as there are, and as the groups read: 8.0 cuts what they say.
 */
static void
settle(struct commands *c)
{
	uint64_t there = c->live.count + c->ghosts.len;
	bool none = c->deleted.ms == 0 && c->deleted.seq == 0;

	ghosts_rest(c);
	if (has_counts(c) && none && c->ghosts.front < c->ghosts.len) {
		commands_refuse(c,
		    "an entry is pending that was deleted, and the stream does "
		    "not know of it (RESTORE can)");
		return;
	}
	if (there == 0)
		nothing(c);
	if (c->ghosts.len > 0 || !is_settled(c))
		set_id(c, c->added > there ? c->added : there);
}

static void
group(struct commands *c, const struct rdb_piece *p)
{
	bool counts = has_counts(c) && p->num != UINT64_MAX;

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

/*
 * Settings of idempotent production, which came with Redis 8.6.  Said when the
 * stream has its own (types 26 and 27), for the target may be set otherwise.
 */
static void
production(struct commands *c, const struct rdb_piece *p)
{
	bool usual = p->num == IDMP_SECONDS && p->more == IDMP_IDS;
	bool knows = !c->target.valkey &&
	    commands_since(&c->target, COMMANDS_VERSION(8, 6, 0), 0);

	if (!knows && !usual)
		commands_refuse(
		    c, "the target does not know idempotent production");
	if (!knows || (usual && c->object->type < 26))
		return;
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

static void
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
		c->added = p->num;
		settle(c);
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

/* What was held is said; the rest of it, if any, is said as it comes. */
static void
say_held(struct commands *c, bool last)
{
	const struct span all = { c->raw.ptr, c->raw.len };

	start_reading(c);
	if (c->wire.ok)
		commands_read(c, all, c->raw_at, last, stream_piece);
	c->raw.len = 0;
}

/* Look through it before. */
static void
look_and_say(struct commands *c)
{
	const struct span all = { c->raw.ptr, c->raw.len };

	if (!commands_read(c, all, c->raw_at, true, ghosts_look))
		return;
	ghosts_looked(c);
	say_held(c, true);
}

void
stream_feed(struct commands *c, const struct rdb_run *run)
{
	const struct span s = { run->ptr, run->len };

	if (run->first)
		c->raw_at = run->at;
	if (!c->spilt && s.len > COMMANDS_HELD_MAX - c->raw.len) {
		c->spilt = true;
		say_held(c, false);
	}
	if (!c->wire.ok)
		return;
	if (c->spilt)
		commands_read(c, s, run->at, run->last, stream_piece);
	else if (commands_keep(c, &c->raw, s.ptr, s.len) && run->last)
		look_and_say(c);
}

void
stream_done(struct commands *c)
{
	pending_end(c);
	if (c->ghosts.len == 0)
		return;
	ghosts_delete(c);
	set_id(c, c->added);
}
