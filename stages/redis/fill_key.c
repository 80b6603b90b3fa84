/*
 * fill_key.c -- a key as RESTORE, SET or MSET; see fill_parts.h.
 *
 * The payload of RESTORE is the type, the value's bytes as they are in the
 * stream, a version, and a CRC64 of all that (src/cluster.c, createDumpPayload
 * and verifyDumpPayload).  A server refuses a version above its own, so the
 * lowest is said that has the type.
 */
#include "stages/redis/fill_parts.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "rdb/crc64.h"
#include "rdb/text.h"
#include "stages/kit/clock.h"

#define FOOTER     10          /* version and CRC */
#define BATCH_SIZE (16 * 1024) /* bytes worth an MSET */
#define BATCH_KEYS 16   /* Valkey 9 fetches so many ahead, others do not mind */
#define BATCH_MAX  1024 /* a longer string goes by itself */

/* A command being written into a small buffer, in front of the bytes that
 * follow it. */
struct words {
	char text[256];
	size_t len;
};

static void
say(struct words *w, const char *text)
{
	size_t n = strlen(text);

	memcpy(w->text + w->len, text, n);
	w->len += n;
}

static void
say_number(struct words *w, uint64_t n)
{
	char digits[20];
	size_t at = sizeof digits;

	do
		digits[--at] = (char)('0' + n % 10);
	while ((n /= 10) > 0);
	memcpy(w->text + w->len, digits + at, sizeof digits - at);
	w->len += sizeof digits - at;
}

/* "$12\r\n" or "*12\r\n" */
static void
say_count(struct words *w, const char *kind, uint64_t n)
{
	say(w, kind);
	say_number(w, n);
	say(w, "\r\n");
}

/* A number as an argument. */
static void
say_argument(struct words *w, uint64_t n)
{
	unsigned digits = 1;

	for (uint64_t rest = n; rest > 9; rest /= 10)
		digits++;
	say_count(w, "$", digits);
	say_number(w, n);
	say(w, "\r\n");
}

static bool
put_words(struct lane *l, const struct words *w, struct err *e)
{
	return lane_put(
	    l, (struct span){ (const uint8_t *)w->text, w->len }, e);
}

static struct span
key_of(const struct fill *f)
{
	return (struct span){ f->object.key.ptr, f->object.key.len };
}

static bool
begin(struct fill *f, enum fill_tag tag, uint32_t keys, uint64_t db,
    struct err *e)
{
	struct lane_unit unit = {
		.tag = tag, .keys = keys, .db = db, .resent = f->again
	};

	return lane_begin(f->lane, &unit, e);
}

static bool
end(struct fill *f, struct err *e)
{
	lane_command(f->lane);
	return lane_end(f->lane, e);
}

/* --- which way --- */

/* Does RESTORE know it? */
static bool
can_restore(const struct fill *f)
{
	bool valkey = f->whole.walk.valkey;

	return !f->o.commands && f->survey.no_restore[0] == '\0' &&
	    rdb_type_since(f->object.type, valkey) > 0 &&
	    rdb_engine_loads(f->survey.loads, f->object.type, valkey) &&
	    f->object.meta.len == 0;
}

enum fill_tag
fill_way(const struct fill *f, const char **cannot)
{
	*cannot = NULL;
	if (can_restore(f))
		return FILL_BY_RESTORE;
	*cannot = f->object.meta.len > 0 ?
	    "it has metadata of modules, which no command sets" :
	    commands_cannot(
		&f->survey.commands, f->object.type, f->whole.walk.valkey);
	return FILL_BY_COMMANDS;
}

/* Is it a string that SET makes exactly as RESTORE would? */
static bool
can_set(const struct fill *f)
{
	const struct rdb_object *o = &f->object;

	return o->type == 0 && f->sets && !o->has_idle && !o->has_freq &&
	    (!o->expires || f->pxat);
}

/* --- RESTORE --- */

/* The time to live: absolute, or, before 5.0, from now on. */
static uint64_t
time_to_live(const struct fill *f)
{
	int64_t left;

	if (!f->object.expires)
		return 0;
	if (f->absttl)
		return (uint64_t)f->object.expire;
	/* 0 would be for ever. */
	left = f->object.expire - clock_wall();
	return left > 0 ? (uint64_t)left : 1;
}

static void
say_options(const struct fill *f, struct words *w)
{
	const struct rdb_object *o = &f->object;

	if (f->o.conflict == FILL_REPLACE)
		say(w, "$7\r\nREPLACE\r\n");
	if (!f->absttl)
		return;
	if (o->expires)
		say(w, "$6\r\nABSTTL\r\n");
	if (o->has_idle) {
		say(w, "$8\r\nIDLETIME\r\n");
		say_argument(w, o->idle);
	} else if (o->has_freq) {
		say(w, "$4\r\nFREQ\r\n");
		say_argument(w, o->freq);
	}
}

static unsigned
count_options(const struct fill *f)
{
	const struct rdb_object *o = &f->object;
	unsigned n = f->o.conflict == FILL_REPLACE ? 1 : 0;

	if (f->absttl)
		n +=
		    (o->expires ? 1 : 0) + (o->has_idle || o->has_freq ? 2 : 0);
	return n;
}

/* Version and CRC behind the value, and the end of the command. */
static void
say_footer(const struct fill *f, struct span value, struct words *w)
{
	unsigned version = rdb_type_since(f->object.type, f->whole.walk.valkey);
	uint8_t type = (uint8_t)f->object.type, foot[FOOTER];
	uint64_t crc;

	foot[0] = (uint8_t)version;
	foot[1] = (uint8_t)(version >> 8);
	crc = crc64_rdb(crc64_rdb(0, &type, 1), value.ptr, value.len);
	crc = crc64_rdb(crc, foot, 2);
	for (unsigned i = 0; i < 8; i++)
		foot[2 + i] = (uint8_t)(crc >> 8 * i);
	memcpy(w->text + w->len, foot, sizeof foot);
	w->len += sizeof foot;
	say(w, "\r\n");
}

static bool
put_restore(struct fill *f, struct span value, struct err *e)
{
	struct words head, middle, foot;
	uint8_t type = (uint8_t)f->object.type;

	head.len = middle.len = foot.len = 0;
	say_count(&head, "*", 4 + count_options(f));
	say(&head, "$7\r\nRESTORE\r\n");
	say_count(&head, "$", f->object.key.len);
	say(&middle, "\r\n");
	say_argument(&middle, time_to_live(f));
	say_count(&middle, "$", 1 + value.len + FOOTER);
	middle.text[middle.len++] = (char)type;
	say_footer(f, value, &foot);
	say_options(f, &foot);
	return begin(f, FILL_BY_RESTORE, 1, f->object.db, e) &&
	    put_words(f->lane, &head, e) && lane_put(f->lane, key_of(f), e) &&
	    put_words(f->lane, &middle, e) && lane_put(f->lane, value, e) &&
	    put_words(f->lane, &foot, e) && end(f, e);
}

/* --- SET and MSET --- */

/* The length of a string that is stored as these bytes. */
static size_t
text_size(struct span value)
{
	struct rdb_chunk in = { value.ptr, value.ptr + value.len };
	struct rdb_text_run run = { 0 };
	struct rdb_text text;

	rdb_text_begin(&text);
	if (rdb_text_next(&text, &in, &run) != RDB_RUN)
		return SIZE_MAX;
	return run.size;
}

static bool
put_text(struct lane *l, struct span value, struct err *e)
{
	struct rdb_chunk in = { value.ptr, value.ptr + value.len };
	struct rdb_text_run run;
	struct rdb_text text;

	rdb_text_begin(&text);
	do {
		if (rdb_text_next(&text, &in, &run) != RDB_RUN)
			return err_set(e, ERR_DATA, "a string cannot be read");
		if (!lane_put(l, (struct span){ run.ptr, run.len }, e))
			return false;
	} while (!run.last);
	return true;
}

static bool
put_set(struct fill *f, struct span value, size_t size, struct err *e)
{
	bool nx = f->o.conflict == FILL_SKIP, px = f->object.expires;
	struct words head, middle, foot;

	head.len = middle.len = foot.len = 0;
	say_count(&head, "*", 3u + (nx ? 1 : 0) + (px ? 2 : 0));
	say(&head, "$3\r\nSET\r\n");
	say_count(&head, "$", f->object.key.len);
	say(&middle, "\r\n");
	say_count(&middle, "$", size);
	say(&foot, "\r\n");
	if (nx)
		say(&foot, "$2\r\nNX\r\n");
	if (px) {
		say(&foot, "$4\r\nPXAT\r\n");
		say_argument(&foot, (uint64_t)f->object.expire);
	}
	return begin(f, FILL_BY_SET, 1, f->object.db, e) &&
	    put_words(f->lane, &head, e) && lane_put(f->lane, key_of(f), e) &&
	    put_words(f->lane, &middle, e) && put_text(f->lane, value, e) &&
	    put_words(f->lane, &foot, e) && end(f, e);
}

static bool
flush_batch(struct fill *f, struct lane *l, struct err *e)
{
	struct fill_batch *b = &f->batches[l->number];
	struct lane_unit unit = {
		.tag = FILL_BY_SET, .keys = b->keys, .db = b->db
	};
	struct words head = { .len = 0 };

	if (b->keys == 0)
		return true;
	say_count(&head, "*", 1 + 2 * b->keys);
	say(&head, "$4\r\nMSET\r\n");
	if (!lane_begin(l, &unit, e) || !put_words(l, &head, e) ||
	    !lane_put(l, (struct span){ b->buf, b->len }, e))
		return false;
	b->len = b->keys = 0;
	lane_command(l);
	return lane_end(l, e);
}

bool
fill_flush_batches(struct fill *f, struct err *e)
{
	for (size_t i = 0; i < f->lanes.n; i++)
		if (!flush_batch(f, &f->lanes.v[i], e))
			return false;
	return true;
}

static void
append(struct fill_batch *b, const void *p, size_t n)
{
	memcpy(b->buf + b->len, p, n);
	b->len += n;
}

/* Into the next MSET of its lane. */
static bool
put_batch(struct fill *f, struct span value, size_t size, struct err *e)
{
	struct fill_batch *b = &f->batches[f->lane->number];
	struct rdb_chunk in = { value.ptr, value.ptr + value.len };
	struct rdb_text_run run;
	struct rdb_text text;
	struct words w;

	if ((b->keys >= BATCH_KEYS || b->len >= BATCH_SIZE ||
		b->db != f->object.db) &&
	    !flush_batch(f, f->lane, e))
		return false;
	b->db = f->object.db;
	b->keys++;
	w.len = 0;
	say_count(&w, "$", f->object.key.len);
	append(b, w.text, w.len);
	append(b, f->object.key.ptr, f->object.key.len);
	w.len = 0;
	say(&w, "\r\n");
	say_count(&w, "$", size);
	append(b, w.text, w.len);
	rdb_text_begin(&text);
	do {
		if (rdb_text_next(&text, &in, &run) != RDB_RUN)
			return err_set(e, ERR_DATA, "a string cannot be read");
		append(b, run.ptr, run.len);
	} while (!run.last);
	append(b, "\r\n", 2);
	return true;
}

/* --- a key --- */

bool
fill_put_key(struct fill *f, struct span value, struct err *e)
{
	size_t size;

	if (!can_set(f))
		return put_restore(f, value, e);
	/* Compressed, it is less to send and to copy. */
	size = text_size(value);
	if (size == SIZE_MAX || size > 2 * value.len + BATCH_MAX)
		return put_restore(f, value, e);
	if (f->object.expires || f->o.conflict == FILL_SKIP ||
	    f->server.url.cluster || size + f->object.key.len > BATCH_MAX)
		return put_set(f, value, size, e);
	return put_batch(f, value, size, e);
}

/* A command of one word and the key. */
static bool
put_plain(struct fill *f, const char *start, enum fill_tag tag, struct err *e)
{
	struct words head = { .len = 0 };

	say(&head, start);
	say_count(&head, "$", f->object.key.len);
	return begin(f, tag, 0, f->object.db, e) &&
	    put_words(f->lane, &head, e) && lane_put(f->lane, key_of(f), e) &&
	    lane_put(f->lane, (struct span){ (const uint8_t *)"\r\n", 2 }, e) &&
	    end(f, e);
}

bool
fill_put_delete(struct fill *f, struct err *e)
{
	return put_plain(f, "*2\r\n$3\r\nDEL\r\n", FILL_DELETE, e);
}

bool
fill_ask_exists(struct fill *f, struct err *e)
{
	f->asked = true;
	if (!put_plain(f, "*2\r\n$6\r\nEXISTS\r\n", FILL_EXISTS, e) ||
	    !lane_drain(f->lane, e))
		return false;
	/* It may have to be asked elsewhere. */
	while (f->asked)
		if (!fill_settle(f, e))
			return false;
	f->lane = fill_lane(f, key_of(f));
	return true;
}
