/*
 * commands.c -- see commands.h; what the parts do says commands_parts.h.
 */
#include <inttypes.h>
#include <stdlib.h>

#include "stages/redis/commands_parts.h"

#define QUOTED_MAX 300 /* of a key, in a message */

/* How values of a type are said. */
struct commands_row {
	void (*piece)(struct commands *, const struct rdb_piece *);
	const char *name; /* of a command that takes many elements */
	uint8_t per_group;
	bool times; /* fields have TTLs */
};

static const struct commands_row strings = { string_piece, NULL, 0, false },
				 lists = { list_piece, "RPUSH", 1, false },
				 sets = { list_piece, "SADD", 1, false },
				 zsets = { zset_piece, "ZADD", 2, false },
				 hashes = { hash_piece, "HSET", 2, false },
				 timed = { hash_piece, "HSET", 2, true },
				 streams = { NULL, NULL, 0, false };

/* The row of a type in a dialect, or NULL: no commands. */
static const struct commands_row *
row_of(unsigned type, bool valkey)
{
	static const struct commands_row *const rows[] = {
		[0] = &strings,
		[1] = &lists,
		[2] = &sets,
		[3] = &zsets,
		[4] = &hashes,
		[5] = &zsets,
		[9] = &hashes,
		[10] = &lists,
		[11] = &sets,
		[12] = &zsets,
		[13] = &hashes,
		[14] = &lists,
		[15] = &streams,
		[16] = &hashes,
		[17] = &zsets,
		[18] = &lists,
		[19] = &streams,
		[20] = &sets,
		[21] = &streams,
		[22] = &timed,
		[23] = &timed,
		[24] = &timed,
		[25] = &timed,
		[26] = &streams,
		[27] = &streams,
	};

	if (type >= COUNT_OF(rows) || (valkey && type > 22))
		return NULL;
	return rows[type];
}

/* --- for the parts --- */

bool
commands_since(const struct commands_target *t, unsigned redis, unsigned valkey)
{
	return t->version >= (t->valkey ? valkey : redis);
}

void
commands_key(struct commands *c, uint64_t words, const char *name)
{
	wire_begin(&c->wire, words, name);
	wire_bulk(&c->wire, c->object->key.ptr, c->object->key.len);
	c->said = true;
}

static const char *
quoted_key(const struct commands *c, char buf[QUOTED_MAX])
{
	return err_quote(
	    buf, QUOTED_MAX, c->object->key.ptr, c->object->key.len);
}

void
commands_refuse(struct commands *c, const char *why)
{
	char key[QUOTED_MAX];

	if (!c->wire.ok)
		return;
	c->wire.ok = false;
	c->unsaid = !c->wire.half;
	err_set(c->wire.e, ERR_REMOTE,
	    "db %" PRIu64 ", key \"%s\": cannot be said in commands: %s",
	    c->object->db, quoted_key(c, key), why);
}

static void
bad_at(struct commands *c, uint64_t at, const char *what)
{
	char key[QUOTED_MAX];

	if (!c->wire.ok)
		return;
	c->wire.ok = false;
	err_set(c->wire.e, ERR_DATA, "offset %" PRIu64 ", key \"%s\": %s", at,
	    quoted_key(c, key), what);
}

void
commands_bad(struct commands *c, const char *what)
{
	bad_at(c, c->object->key_at, what);
}

void
commands_no_memory(struct commands *c)
{
	char key[QUOTED_MAX];

	c->wire.ok = false;
	err_set(c->wire.e, ERR_SYSTEM, "no memory for key \"%s\"",
	    quoted_key(c, key));
}

/* Whoever sends it knows whether the target can be made to take so much. */
static bool
ask_larger(struct commands *c, uint64_t size)
{
	const char *why = c->wire.out.larger(c->wire.out.arg, size);

	if (why != NULL)
		commands_refuse(c, why);
	return c->wire.ok;
}

bool
commands_fits(struct commands *c, uint64_t size)
{
	if (size <= c->target.max_bulk)
		return c->wire.ok;
	if (c->wire.out.larger != NULL)
		return ask_larger(c, size);
	commands_refuse(
	    c, "an element is larger than the target's proto-max-bulk-len");
	return false;
}

bool
commands_fits_string(struct commands *c, uint64_t size)
{
	return size <= c->target.max_bulk || c->wire.out.larger == NULL ||
	    ask_larger(c, size);
}

void
commands_text(struct commands *c, const struct rdb_piece *p)
{
	if (p->first) {
		if (!commands_fits(c, p->size))
			return;
		wire_open(&c->wire, p->size);
	}
	wire_bytes(&c->wire, p->ptr, p->len);
	if (p->last)
		wire_close(&c->wire);
}

static bool
reserve(struct commands_held *h, size_t n)
{
	size_t cap = h->cap == 0 ? 256 : h->cap;
	uint8_t *more;

	if (n <= h->cap - h->len)
		return true;
	while (cap - h->len < n)
		cap *= 2;
	if ((more = realloc(h->ptr, cap)) == NULL)
		return false;
	h->ptr = more;
	h->cap = cap;
	return true;
}

bool
commands_keep(
    struct commands *c, struct commands_held *h, const void *p, size_t n)
{
	if (!reserve(h, n)) {
		commands_no_memory(c);
		return false;
	}
	if (n > 0)
		memcpy(h->ptr + h->len, p, n);
	h->len += n;
	return true;
}

void
commands_hold(
    struct commands *c, struct commands_held *h, const struct rdb_piece *p)
{
	if (p->first)
		h->len = 0;
	if (p->size > COMMANDS_HELD_MAX)
		commands_refuse(c,
		    "a member, a field with an expiry, or a name is larger "
		    "than can be held (RESTORE can)");
	if (c->wire.ok)
		commands_keep(c, h, p->ptr, p->len);
}

/* --- keys --- */

struct commands *
commands_new(const struct commands_target *target,
    const struct commands_out *out, struct err *e)
{
	struct commands *c = malloc(sizeof *c);

	if (c == NULL) {
		err_sys(e, "cannot say commands");
		return NULL;
	}
	memset(c, 0, offsetof(struct commands, gather));
	c->target = *target;
	if (c->target.max_bulk == 0)
		c->target.max_bulk = COMMANDS_BULK_MAX;
	c->wire.out = *out;
	rdb_value_init(&c->value);
	return c;
}

void
commands_free(struct commands *c)
{
	if (c == NULL)
		return;
	free(c->held.ptr);
	free(c->held_consumer.ptr);
	free(c->raw.ptr);
	free(c->ghosts.list.ptr);
	free(c->live.ids.ptr);
	free(c->pending.list.ptr);
	free(c);
}

const char *
commands_cannot(
    const struct commands_target *target, unsigned type, bool valkey)
{
	const struct commands_row *row = row_of(type, valkey);

	if (type == 7)
		return "module data has no commands";
	if (type == 28 && !valkey)
		return "arrays have no commands known to make them again";
	if (row == NULL)
		return "values of an unknown type have no commands";
	if (row == &streams &&
	    !commands_since(target, COMMANDS_VERSION(5, 0, 0), 0))
		return "servers before 5.0 have no streams";
	if (row->times &&
	    !commands_since(
		target, COMMANDS_VERSION(7, 4, 0), COMMANDS_VERSION(9, 0, 0)))
		return "the target has no expiry of a hash's fields";
	return NULL;
}

/* Something about another key begins. */
static void
take(struct commands *c, const struct rdb_object *o, struct err *e)
{
	c->wire.e = e;
	c->wire.ok = true;
	c->wire.len = 0;
	c->wire.half = false;
	c->object = o;
	c->said = c->unsaid = false;
}

bool
commands_delete(struct commands *c, const struct rdb_object *o, struct err *e)
{
	take(c, o, e);
	commands_key(c, 2, "DEL");
	wire_end(&c->wire);
	return c->wire.ok;
}

/* The elements of a collection will be gathered. */
static void
gather_for(struct commands *c)
{
	const char *name = c->row->name;

	/* HSET takes many fields from 4.0 on; HMSET is as old as hashes. */
	if (c->row->piece == hash_piece &&
	    !commands_since(&c->target, COMMANDS_VERSION(4, 0, 0), 0))
		name = "HMSET";
	gather_start(c, name, c->row->per_group);
	c->times.on = c->row->times;
}

bool
commands_begin(
    struct commands *c, const struct rdb_object *o, bool valkey, struct err *e)
{
	const char *why = commands_cannot(&c->target, o->type, valkey);

	take(c, o, e);
	if (why == NULL && o->meta.len > 0)
		why = "metadata of modules has no commands";
	if (why != NULL)
		commands_refuse(c, why);
	else if (commands_fits(c, o->key.len) &&
	    !rdb_value_begin(&c->value, o->type, valkey))
		bad_at(c, o->key_at, "type that cannot be decoded");
	if (!c->wire.ok)
		return false;
	c->row = row_of(o->type, valkey);
	c->expires = o->expires;
	c->from_valkey = valkey;
	if (c->row->name != NULL)
		gather_for(c);
	else if (c->row == &streams)
		stream_start(c);
	return true;
}

/* All pieces are there. */
static void
key_end(struct commands *c)
{
	if (c->row->name != NULL)
		gather_flush(c);
	else if (c->row == &streams)
		stream_done(c);
	if (!c->said || !c->expires || !c->wire.ok)
		return;
	commands_key(c, 3, "PEXPIREAT");
	wire_number(&c->wire, c->object->expire);
	wire_end(&c->wire);
}

bool
commands_read(struct commands *c, struct span s, uint64_t at, bool last,
    void (*piece)(struct commands *, const struct rdb_piece *))
{
	struct rdb_piece p;
	enum rdb_got got;

	rdb_value_feed(&c->value, s.ptr, s.len, at);
	while ((got = rdb_value_next(&c->value, &p)) == RDB_RUN && c->wire.ok)
		piece(c, &p);
	if (got == RDB_BAD)
		bad_at(c, c->value.fault.at, c->value.fault.what);
	else if (got == RDB_MORE && last)
		bad_at(c, at + s.len, "value ends early");
	return c->wire.ok;
}

bool
commands_feed(struct commands *c, const struct rdb_run *run, struct err *e)
{
	const struct span s = { run->ptr, run->len };

	c->wire.e = e;
	if (c->row == &streams)
		stream_feed(c, run);
	else
		commands_read(c, s, run->at, run->last, c->row->piece);
	if (c->wire.ok && run->last)
		key_end(c);
	return c->wire.ok;
}

bool
commands_unsaid(const struct commands *c)
{
	return c->unsaid;
}
