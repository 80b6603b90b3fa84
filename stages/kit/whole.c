/* whole.c -- see whole.h. */
#include "stages/kit/whole.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static const uint8_t rdb_redis[4] = { 'R', 'E', 'D', 'I' };
static const uint8_t rdb_valkey[4] = { 'V', 'A', 'L', 'K' };

/* States of the zstd walk: what the bytes being gathered are. */
enum {
	ZSTD_MAGIC,
	ZSTD_DESCRIPTOR, /* of a frame; says how long the rest of it is */
	ZSTD_BLOCK,      /* a block's header */
	ZSTD_CHECKSUM,
	ZSTD_SKIP_SIZE, /* of a skippable frame */
};

void
whole_init(struct whole *w)
{
	memset(w, 0, sizeof *w);
}

static bool
is_zstd(uint32_t magic)
{
	return magic == 0xfd2fb528u;
}

static bool
is_zstd_skippable(uint32_t magic)
{
	return (magic & 0xfffffff0u) == 0x184d2a50u;
}

static uint32_t
little_endian(const uint8_t *p, unsigned n)
{
	uint32_t v = 0;

	while (n-- > 0)
		v = v << 8 | p[n];
	return v;
}

/* --- zstd: RFC 8878, section 3.1 --- */

/* The next thing to gather is need bytes long. */
static void
zstd_want(struct whole *w, unsigned state, unsigned need)
{
	w->zstd.state = state;
	w->zstd.need = need;
	w->zstd.have = 0;
	w->zstd.num = 0;
}

/* Bytes of a frame's header behind its descriptor. */
static unsigned
zstd_header_len(uint8_t descriptor)
{
	static const uint8_t size[] = { 0, 2, 4, 8 },
			     dictionary[] = { 0, 1, 2, 4 };
	bool single = descriptor & 0x20;
	unsigned n = size[descriptor >> 6] + dictionary[descriptor & 3];

	if (single && descriptor >> 6 == 0)
		n++; /* content size in one byte, and no window byte */
	return n + !single;
}

static bool
zstd_block(struct whole *w, uint32_t header, struct err *e)
{
	unsigned type = header >> 1 & 3;
	bool last = header & 1;

	if (type == 3)
		return err_set(e, ERR_DATA,
		    "offset %" PRIu64 ": reserved block type in a zstd frame",
		    w->at);
	w->zstd.content |= header >> 3 > 0;
	w->zstd.skip = type == 1 ? 1 : header >> 3; /* 1: one byte, repeated */
	if (!last)
		zstd_want(w, ZSTD_BLOCK, 3);
	else if (w->zstd.checksum)
		zstd_want(w, ZSTD_CHECKSUM, 4);
	else
		zstd_want(w, ZSTD_MAGIC, 4);
	return true;
}

/* All bytes of what the state is about are here, in zstd.num. */
static bool
zstd_gathered(struct whole *w, struct err *e)
{
	uint32_t num = w->zstd.num;

	switch (w->zstd.state) {
	case ZSTD_MAGIC:
		if (is_zstd(num))
			zstd_want(w, ZSTD_DESCRIPTOR, 1);
		else if (is_zstd_skippable(num))
			zstd_want(w, ZSTD_SKIP_SIZE, 4);
		else
			return err_set(e, ERR_DATA,
			    "offset %" PRIu64
			    ": bytes behind the end of a zstd frame",
			    w->at - 4);
		return true;
	case ZSTD_DESCRIPTOR:
		w->zstd.checksum = num & 4;
		zstd_want(w, ZSTD_BLOCK, 3);
		w->zstd.skip = zstd_header_len((uint8_t)num);
		return true;
	case ZSTD_SKIP_SIZE:
		zstd_want(w, ZSTD_MAGIC, 4);
		w->zstd.skip = num;
		return true;
	case ZSTD_CHECKSUM:
		zstd_want(w, ZSTD_MAGIC, 4);
		return true;
	default:
		return zstd_block(w, num, e);
	}
}

static bool
zstd_feed(struct whole *w, struct span in, struct err *e)
{
	while (in.len > 0) {
		if (w->zstd.skip > 0) {
			size_t n =
			    w->zstd.skip < in.len ? w->zstd.skip : in.len;

			span_take(&in, n);
			w->zstd.skip -= n;
			w->at += n;
			continue;
		}
		w->zstd.num |= (uint32_t)in.ptr[0] << 8 * w->zstd.have++;
		span_take(&in, 1);
		w->at++;
		if (w->zstd.have == w->zstd.need && !zstd_gathered(w, e))
			return false;
	}
	return true;
}

static bool
zstd_end(const struct whole *w, struct err *e)
{
	if (w->zstd.state != ZSTD_MAGIC || w->zstd.have != 0 ||
	    w->zstd.skip != 0)
		return err_set(e, ERR_DATA,
		    "cut short at offset %" PRIu64 ", inside a zstd frame",
		    w->at);
	if (!w->zstd.content)
		return err_set(e, ERR_DATA, "the zstd frames hold nothing");
	return true;
}

/* --- which of them --- */

static enum whole_format
format_of(const uint8_t head[4])
{
	uint32_t magic = little_endian(head, 4);

	if (memcmp(head, rdb_redis, 4) == 0 || memcmp(head, rdb_valkey, 4) == 0)
		return WHOLE_RDB;
	if (is_zstd(magic) || is_zstd_skippable(magic))
		return WHOLE_ZSTD;
	return WHOLE_UNKNOWN;
}

static bool
format_feed(struct whole *w, struct span in, struct err *e)
{
	switch (w->format) {
	case WHOLE_RDB:
		return whole_rdb_feed(&w->rdb, in, NULL, NULL, NULL, e);
	case WHOLE_ZSTD:
		return zstd_feed(w, in, e);
	default:
		w->at += in.len;
		return true;
	}
}

bool
whole_feed(struct whole *w, struct span in, struct err *e)
{
	struct room head = { w->head, w->head_len, sizeof w->head };

	if (w->format != WHOLE_UNSEEN)
		return format_feed(w, in, e);
	room_put(&head, &in);
	w->head_len = (unsigned)head.len;
	if (head.len < head.cap)
		return true;
	w->format = format_of(w->head);
	if (w->format == WHOLE_RDB)
		whole_rdb_init(&w->rdb);
	else if (w->format == WHOLE_ZSTD)
		zstd_want(w, ZSTD_MAGIC, 4);
	return format_feed(w, (struct span){ w->head, sizeof w->head }, e) &&
	    format_feed(w, in, e);
}

bool
whole_end(const struct whole *w, struct err *e)
{
	switch (w->format) {
	case WHOLE_RDB:
		return whole_rdb_end(&w->rdb, e);
	case WHOLE_ZSTD:
		return zstd_end(w, e);
	case WHOLE_UNSEEN:
		if (w->head_len == 0)
			return err_set(e, ERR_DATA, "the input is empty");
		return err_set(e, ERR_DATA,
		    "the input has only %u byte%s, too few for any format",
		    w->head_len, w->head_len == 1 ? "" : "s");
	default:
		return err_set(e, ERR_DATA,
		    "the input is neither RDB nor zstd, so nothing proves that "
		    "it is complete; --trust-eof takes its end on trust");
	}
}

/* --- as a filter --- */

struct whole_filter {
	struct filter base;
	struct whole whole;
	bool trust_eof;
};

static bool
whole_watch(struct filter *f, struct span in, struct err *e)
{
	return whole_feed(&((struct whole_filter *)f)->whole, in, e);
}

static bool
whole_finish(struct filter *f, struct room *out, bool *done, struct err *e)
{
	struct whole_filter *w = (struct whole_filter *)f;
	bool known =
	    w->whole.format == WHOLE_RDB || w->whole.format == WHOLE_ZSTD;

	(void)out;
	*done = true;
	return (w->trust_eof && !known) || whole_end(&w->whole, e);
}

static void
whole_free(struct filter *f)
{
	free(f);
}

static const struct filter_ops whole_ops = {
	.name = "whole",
	.watch = whole_watch,
	.finish = whole_finish,
	.free = whole_free,
};

struct filter *
whole_filter_new(bool trust_eof, struct err *e)
{
	struct whole_filter *w = calloc(1, sizeof *w);

	if (w == NULL) {
		err_sys(e, "cannot set up the watch over the input");
		return NULL;
	}
	w->base.ops = &whole_ops;
	w->trust_eof = trust_eof;
	whole_init(&w->whole);
	return &w->base;
}
