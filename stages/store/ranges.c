/* ranges.c -- see ranges.h. */
#include "stages/store/ranges.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "stages/kit/facts.h"
#include "stages/store/cloud.h"
#include "stages/store/crew.h"
#include "stages/store/tally.h"

struct ranges {
	struct source base;
	struct cloud *cloud; /* lent */
	char *key, *url;
	uint64_t size; /* of a range */
	struct cloud_head head;
	struct crew *crew;
	struct tally tally;
	uint64_t asked; /* the object up to here has been asked for */
	struct piece *lent;
	/* Given to the crew and not yet lent, oldest first. */
	struct piece *under_way[CREW_THREADS_MAX + 2];
	unsigned first, n;
};

/* --- one range; in any thread --- */

static bool
range_take(void *arg, struct span bytes, struct err *e)
{
	struct piece *p = arg;

	if (bytes.len > p->cap - p->len)
		return err_set(e, ERR_REMOTE, "more than was asked for");
	memcpy(p->mem + p->len, bytes.ptr, bytes.len);
	p->len += bytes.len;
	return true;
}

static bool
range_work(void *arg, struct cloud_line *line, struct piece *p, struct err *e)
{
	const struct ranges *r = arg;
	struct cloud_head head = { 0 };
	uint64_t left = r->head.size - p->at;
	size_t want = left < r->size ? (size_t)left : (size_t)r->size;

	if (!cloud_get(line, r->key, p->at, want, r->head.etag, &head,
		range_take, p, e))
		return false;
	if (head.size != r->head.size)
		return err_set(e, ERR_REMOTE,
		    "%s: the object has changed while it was read", r->url);
	if (p->len != want)
		return err_set(e, ERR_REMOTE,
		    "%s: %zu bytes at %" PRIu64 ", asked for were %zu", r->url,
		    p->len, p->at, want);
	return true;
}

/* --- the source --- */

/* Ask for as many ranges as there is memory for. */
static bool
ranges_ask(struct ranges *r, struct err *e)
{
	struct piece *p;

	while (r->asked < r->head.size && r->n < COUNT_OF(r->under_way)) {
		if (!crew_piece_now(r->crew, (size_t)r->size, &p, e))
			return false;
		if (p == NULL)
			break;
		p->at = r->asked;
		r->asked += r->size;
		r->under_way[(r->first + r->n++) % COUNT_OF(r->under_way)] = p;
		if (!crew_give(r->crew, p, e))
			return false;
	}
	return true;
}

/* All bytes have been seen: are they what the store has? */
static bool
ranges_agree(const struct ranges *r, struct err *e)
{
	if (!r->head.crc64.known || r->head.crc64.value == r->tally.crc64)
		return true;
	return err_set(e, ERR_DATA,
	    "%s: the bytes that came have CRC-64 %016" PRIx64
	    ", the store says %016" PRIx64,
	    r->url, r->tally.crc64, r->head.crc64.value);
}

static bool
ranges_next(struct source *s, struct span *chunk, struct err *e)
{
	struct ranges *r = (struct ranges *)s;
	struct piece *p;

	if (r->lent != NULL)
		crew_spare(r->crew, r->lent);
	r->lent = NULL;
	*chunk = (struct span){ NULL, 0 };
	if (!ranges_ask(r, e))
		return false;
	if (r->n == 0)
		return ranges_agree(r, e);
	p = r->under_way[r->first];
	if (!crew_wait(r->crew, p, e))
		return false;
	r->first = (r->first + 1) % COUNT_OF(r->under_way);
	r->n--;
	r->lent = p;
	tally_add(&r->tally, (struct span){ p->mem, p->len });
	if (r->tally.bytes == r->head.size && !ranges_agree(r, e))
		return false;
	*chunk = (struct span){ p->mem, p->len };
	return true;
}

static uint64_t
ranges_size(const struct source *s)
{
	return ((const struct ranges *)s)->head.size;
}

static void
ranges_tell(const struct source *s, struct facts *facts)
{
	const struct ranges *r = (const struct ranges *)s;

	tally_tell(&r->tally, r->url, facts);
	if (r->head.crc64.known)
		facts_hex64(facts, "store-crc64-xz", r->head.crc64.value);
}

static void
ranges_free(struct source *s)
{
	struct ranges *r = (struct ranges *)s;

	crew_free(r->crew);
	free(r->key);
	free(r->url);
	free(r);
}

static const struct source_ops ranges_ops = {
	.next = ranges_next,
	.size = ranges_size,
	.tell = ranges_tell,
	.free = ranges_free,
};

static bool
byte_drop(void *arg, struct span bytes, struct err *e)
{
	(void)arg, (void)bytes, (void)e;
	return true;
}

/*
 * Look at the object.  A refused HEAD has no words in it, and one may be
 * allowed to read what one may not look at; so then a byte is asked for.
 */
static bool
object_ask(struct ranges *r, bool *found, struct err *e)
{
	struct cloud_line *line = cloud_line_new(r->cloud, e);
	struct cloud_head head;
	bool ok;

	if (line == NULL)
		return false;
	ok = cloud_head(line, r->key, found, &r->head, e);
	if (ok ? !*found : e->kind == ERR_REMOTE) {
		ok = cloud_get(
		    line, r->key, 0, 1, "", &head, byte_drop, NULL, e);
		r->head = head;
		*found = ok;
	}
	cloud_line_free(line);
	return ok;
}

static bool
object_look(struct ranges *r, struct err *e)
{
	bool found = false;

	if (!object_ask(r, &found, e))
		return false;
	if (r->head.etag[0] == '\0' && !r->head.crc64.known)
		return err_set(e, ERR_REMOTE,
		    "%s: the store tells neither an ETag nor a CRC-64: nothing "
		    "would show if the object were replaced while it is read",
		    r->url);
	return r->head.archived[0] == '\0' ||
	    err_set(e, ERR_REMOTE,
		"%s is archived (%s): it must be restored before it can be "
		"read",
		r->url, r->head.archived);
}

static bool
ranges_begin(struct ranges *r, const struct ranges_from *from, struct err *e)
{
	struct crew_want want = { from->threads, UINT64_MAX, true, from->slow };

	if (r->key == NULL || r->url == NULL)
		return err_sys(e, "cannot get %s", from->url);
	if (want.threads == 0)
		want.threads = RANGES_THREADS;
	return (r->crew = crew_new(r->cloud, &want, range_work, r, e)) !=
	    NULL &&
	    object_look(r, e);
}

struct source *
ranges_new(const struct ranges_from *from, struct err *e)
{
	struct ranges *r = calloc(1, sizeof *r);

	if (r == NULL) {
		err_sys(e, "cannot get %s", from->url);
		return NULL;
	}
	r->base.ops = &ranges_ops;
	r->cloud = from->cloud;
	r->size = from->size != 0 ? from->size : RANGES_SIZE;
	r->key = strdup(from->key);
	r->url = strdup(from->url);
	tally_init(&r->tally);
	if (ranges_begin(r, from, e))
		return &r->base;
	ranges_free(&r->base);
	return NULL;
}
