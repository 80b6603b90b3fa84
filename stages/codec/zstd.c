/* zstd.c -- see zstd.h. */
#include "stages/codec/zstd.h"

#include <inttypes.h>
#include <stdlib.h>
#include <zstd.h>
#include <zstd_errors.h>

#include "stages/kit/facts.h"
#include "stages/kit/port.h"

/* Whose fault is it?  Not the data's when the library has no memory. */
static enum err_kind
kind_of(size_t got)
{
	return ZSTD_getErrorCode(got) == ZSTD_error_memory_allocation ?
	    ERR_SYSTEM :
	    ERR_DATA;
}

/* --- pack --- */

struct pack {
	struct filter base;
	ZSTD_CCtx *ctx;
	int level;
	uint64_t size; /* to come, or SIZE_UNKNOWN */
	uint64_t in, out;
};

/* One call of the library.  *rest is 0 once it holds nothing back. */
static bool
pack_step(struct pack *p, struct span *in, struct room *out,
    ZSTD_EndDirective how, size_t *rest, struct err *e)
{
	ZSTD_inBuffer from = { in->ptr, in->len, 0 };
	ZSTD_outBuffer to = { out->ptr, out->cap, out->len };

	*rest = ZSTD_compressStream2(p->ctx, &to, &from, how);
	if (ZSTD_isError(*rest))
		return err_set(e, kind_of(*rest),
		    "zstd: %s after %" PRIu64 " bytes",
		    ZSTD_getErrorName(*rest), p->in);
	p->in += from.pos;
	p->out += to.pos - out->len;
	out->len = to.pos;
	span_take(in, from.pos);
	return true;
}

static bool
pack_turn(struct filter *f, struct span *in, struct room *out, struct err *e)
{
	struct pack *p = (struct pack *)f;
	size_t rest;

	if (in->len > p->size - p->in)
		return err_set(e, ERR_DATA,
		    "the input was to be %" PRIu64 " bytes, but it is longer",
		    p->size);
	return pack_step(p, in, out, ZSTD_e_continue, &rest, e);
}

static bool
pack_finish(struct filter *f, struct room *out, bool *done, struct err *e)
{
	struct pack *p = (struct pack *)f;
	struct span none = { NULL, 0 };
	size_t rest;

	if (p->size != SIZE_UNKNOWN && p->in != p->size)
		return err_set(e, ERR_DATA,
		    "the input was to be %" PRIu64
		    " bytes, but it has %" PRIu64,
		    p->size, p->in);
	if (!pack_step(p, &none, out, ZSTD_e_end, &rest, e))
		return false;
	*done = rest == 0;
	return true;
}

static void
pack_tell(const struct filter *f, struct facts *facts)
{
	const struct pack *p = (const struct pack *)f;

	facts_count(facts, "level", (uint64_t)p->level);
	facts_count(facts, "bytes-in", p->in);
	facts_count(facts, "bytes-out", p->out);
}

static void
pack_free(struct filter *f)
{
	ZSTD_freeCCtx(((struct pack *)f)->ctx);
	free(f);
}

static const struct filter_ops pack_ops = {
	.name = "zstd",
	.turn = pack_turn,
	.finish = pack_finish,
	.tell = pack_tell,
	.free = pack_free,
};

/* Set one parameter; the library says no to what it was not built with. */
static bool
pack_set(struct pack *p, ZSTD_cParameter which, int value, const char *name,
    struct err *e)
{
	size_t got = ZSTD_CCtx_setParameter(p->ctx, which, value);

	if (ZSTD_isError(got))
		return err_set(e, ERR_USAGE, "zstd: %s %d: %s", name, value,
		    ZSTD_getErrorName(got));
	return true;
}

struct filter *
zstd_pack_new(const struct zstd_pack_how *how, struct err *e)
{
	struct pack *p = calloc(1, sizeof *p);

	if (p == NULL || (p->ctx = ZSTD_createCCtx()) == NULL) {
		free(p);
		err_sys(e, "cannot set up zstd");
		return NULL;
	}
	p->base.ops = &pack_ops;
	p->level = how->level;
	if (!pack_set(p, ZSTD_c_compressionLevel, how->level, "level", e) ||
	    !pack_set(p, ZSTD_c_checksumFlag, 1, "checksum", e) ||
	    !pack_set(p, ZSTD_c_nbWorkers, how->threads, "threads", e)) {
		pack_free(&p->base);
		return NULL;
	}
	p->size = how->size;
	if (how->size != SIZE_UNKNOWN)
		ZSTD_CCtx_setPledgedSrcSize(p->ctx, how->size);
	return &p->base;
}

/* --- unpack --- */

/*
 * One byte is held back: the last one decoded, while its frame is open.  It
 * is free to go when the frame has ended well, or when one more has come.
 */
struct unpack {
	struct filter base;
	ZSTD_DCtx *ctx;
	uint64_t in, out;
	bool open; /* inside a frame */
	bool held;
	uint8_t last;
};

/* Decode into to, taking from *in. */
static bool
unpack_decode(
    struct unpack *u, struct span *in, ZSTD_outBuffer *to, struct err *e)
{
	ZSTD_inBuffer from = { in->ptr, in->len, 0 };
	size_t rest = ZSTD_decompressStream(u->ctx, to, &from);

	if (ZSTD_isError(rest))
		return err_set(e, kind_of(rest), "offset %" PRIu64 ": zstd: %s",
		    u->in + from.pos, ZSTD_getErrorName(rest));
	u->in += from.pos;
	span_take(in, from.pos);
	u->open = rest != 0;
	return true;
}

static void
unpack_let_go(struct unpack *u, struct room *out)
{
	out->ptr[out->len++] = u->last;
	u->out++;
	u->held = false;
}

/* One call of the decoder.  There is room for a byte at least. */
static bool
unpack_step(struct unpack *u, struct span *in, struct room *out, struct err *e)
{
	size_t room = out->cap - out->len;
	uint8_t one;
	ZSTD_outBuffer to = { &one, 1, 0 };

	if (u->held && !u->open) {
		unpack_let_go(u, out);
		return true;
	}
	if (u->held && room == 1) {
		/* The held byte needs the room: decode beside it. */
		if (!unpack_decode(u, in, &to, e))
			return false;
		if (to.pos == 0)
			return true;
		unpack_let_go(u, out);
		u->last = one;
		u->held = true;
		return true;
	}
	if (u->held)
		unpack_let_go(u, out);
	to = (ZSTD_outBuffer){ out->ptr, out->cap, out->len };
	if (!unpack_decode(u, in, &to, e))
		return false;
	u->out += to.pos - out->len;
	out->len = to.pos;
	if (u->open && out->len > 0) {
		u->last = out->ptr[--out->len];
		u->held = true;
		u->out--;
	}
	return true;
}

static bool
unpack_turn(struct filter *f, struct span *in, struct room *out, struct err *e)
{
	while (in->len > 0 && out->len < out->cap)
		if (!unpack_step((struct unpack *)f, in, out, e))
			return false;
	return true;
}

/* What the decoder still holds when its input is over. */
static bool
unpack_finish(struct filter *f, struct room *out, bool *done, struct err *e)
{
	struct unpack *u = (struct unpack *)f;
	struct span none = { NULL, 0 };
	uint64_t before;

	if (u->in == 0)
		return err_set(e, ERR_DATA, "the input is empty");
	while ((u->open || u->held) && out->len < out->cap) {
		before = u->out + u->held;
		if (!unpack_step(u, &none, out, e))
			return false;
		if (u->open && u->out + u->held == before)
			return err_set(e, ERR_DATA,
			    "cut short at offset %" PRIu64
			    ", inside a zstd frame",
			    u->in);
	}
	*done = !u->open && !u->held;
	return true;
}

static void
unpack_tell(const struct filter *f, struct facts *facts)
{
	const struct unpack *u = (const struct unpack *)f;

	facts_count(facts, "bytes-in", u->in);
	facts_count(facts, "bytes-out", u->out);
}

static void
unpack_free(struct filter *f)
{
	ZSTD_freeDCtx(((struct unpack *)f)->ctx);
	free(f);
}

static const struct filter_ops unpack_ops = {
	.name = "zstd",
	.turn = unpack_turn,
	.finish = unpack_finish,
	.tell = unpack_tell,
	.free = unpack_free,
};

struct filter *
zstd_unpack_new(struct err *e)
{
	struct unpack *u = calloc(1, sizeof *u);

	if (u == NULL || (u->ctx = ZSTD_createDCtx()) == NULL) {
		free(u);
		err_sys(e, "cannot set up zstd");
		return NULL;
	}
	u->base.ops = &unpack_ops;
	return &u->base;
}
