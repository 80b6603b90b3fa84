/* multipart.c -- see multipart.h. */
#include "stages/store/multipart.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

#include "rdb/crc64.h"
#include "stages/kit/clock.h"
#include "stages/kit/facts.h"
#include "stages/store/crew.h"
#include "stages/store/sweep.h"
#include "stages/store/tally.h"

#define ID_BYTES  16
#define LOOK_MS   30000 /* for a look at the object, all tries */
#define LOOKS     5     /* while nobody knows who won */
#define LOOK_WAIT 100   /* ms before the second, doubling */

struct multipart {
	struct sink base;
	struct cloud *cloud; /* lent */
	struct multipart_how how;
	char *key, *url;
	char id[2 * ID_BYTES + 1];
	struct schedule schedule;
	struct tally tally;
	struct cloud_line *line; /* for all but parts */
	struct crew *crew;
	struct piece *filling; /* the part at hand, or NULL */
	char *upload_id;       /* NULL: a plain PUT so far */
	bool open;             /* the upload is not over */
	bool twice;            /* and another may have been begun, */
	struct sweep lost;     /* at this time */
	bool warned;           /* about memory */
	unsigned parts;        /* handed over */
	struct cloud_part
	    *part;     /* of all there can be; a worker fills its own */
	uint64_t *crc; /* of each, ours */
	struct cloud_number nvme; /* joined; known where it was sent */
	struct cloud_number store_crc, store_nvme;
};

static void warn(const struct multipart *, const char *fmt, ...) PRINTF_LIKE(2);

static void
warn(const struct multipart *m, const char *fmt, ...)
{
	char text[700];
	va_list ap;

	if (m->how.warn == NULL)
		return;
	va_start(ap, fmt);
	vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	m->how.warn(text);
}

static struct cloud_upload
upload_of(const struct multipart *m)
{
	return (struct cloud_upload){ m->key, m->upload_id };
}

/* --- parts --- */

/* In any thread. */
static bool
part_work(void *arg, struct cloud_line *line, struct piece *p, struct err *e)
{
	struct multipart *m = arg;
	struct cloud_part *part = &m->part[p->number - 1];
	struct cloud_upload upload = upload_of(m);
	struct span body = { p->mem, p->len };

	part->number = p->number;
	if (!cloud_put_part(line, &upload, body, part, e))
		return false;
	part->size = p->len;
	m->crc[p->number - 1] = crc64_xz(0, p->mem, p->len);
	return true;
}

/* Say once that parts have outgrown the memory for all threads. */
static void
memory_look(struct multipart *m, uint64_t size)
{
	uint64_t pieces = m->how.memory / size;

	if (m->warned || pieces >= m->how.threads + 2)
		return;
	m->warned = true;
	warn(m,
	    "parts of %" PRIu64 " MiB: %" PRIu64
	    " at a time from here on, so as not to need more than %" PRIu64
	    " MiB",
	    size >> 20, pieces > 2 ? pieces - 1 : 1, m->how.memory >> 20);
}

static bool
part_begin(struct multipart *m, struct err *e)
{
	uint64_t size = schedule_size(&m->schedule, m->parts + 1);

	if (size == 0)
		return err_set(e, ERR_USAGE,
		    "%s: %u parts are full, %" PRIu64
		    " bytes, and there is more: begin with larger ones",
		    m->url, m->parts, m->tally.bytes);
	memory_look(m, size);
	return (m->filling = crew_piece(m->crew, size, e)) != NULL;
}

static bool
upload_begin(struct multipart *m, struct err *e)
{
	int64_t began = clock_steady();

	m->lost.key = m->key;
	m->lost.asked_ms = clock_wall();
	m->open =
	    cloud_initiate(m->line, m->key, &m->how.object, &m->upload_id, e);
	m->lost.took_ms = clock_steady() - began;
	m->lost.upload_id = m->upload_id;
	m->twice = cloud_line_maybe(m->line);
	return m->open;
}

/* Hand over the part at hand.  The first one begins the upload. */
static bool
part_send(struct multipart *m, struct err *e)
{
	struct piece *p = m->filling;

	if (m->upload_id == NULL && !upload_begin(m, e))
		return false;
	p->number = ++m->parts;
	m->filling = NULL;
	return crew_give(m->crew, p, e);
}

static bool
multipart_put(struct sink *s, struct span chunk, struct err *e)
{
	struct multipart *m = (struct multipart *)s;

	while (chunk.len > 0) {
		struct room room;
		struct span took = chunk;

		if (m->filling != NULL &&
		    m->filling->len ==
			schedule_size(&m->schedule, m->parts + 1) &&
		    !part_send(m, e))
			return false;
		if (m->filling == NULL && !part_begin(m, e))
			return false;
		room = (struct room){ m->filling->mem, m->filling->len,
			schedule_size(&m->schedule, m->parts + 1) };
		took.len = room_put(&room, &chunk);
		m->filling->len = room.len;
		tally_add(&m->tally, took);
	}
	return true;
}

/* --- what is there? --- */

enum standing {
	STANDING_UNKNOWN, /* nobody would say */
	STANDING_ABSENT,
	STANDING_OTHER, /* somebody else's */
	STANDING_WRONG, /* ours, but not what was sent */
	STANDING_OURS
};

static bool
sums_differ(const struct multipart *m, const struct cloud_head *h)
{
	return (h->crc64.known && h->crc64.value != m->tally.crc64) ||
	    (h->nvme.known && m->nvme.known && h->nvme.value != m->nvme.value);
}

static bool
is_what_came(const struct multipart *m, const struct cloud_head *h)
{
	return h->size == m->tally.bytes && !sums_differ(m, h);
}

/* A store that keeps no metadata is believed by the checksum alone. */
static enum standing
standing_of(const struct multipart *m, const struct cloud_head *h)
{
	if (strcmp(h->id, m->id) == 0)
		return is_what_came(m, h) ? STANDING_OURS : STANDING_WRONG;
	return h->id[0] == '\0' && h->crc64.known && is_what_came(m, h) ?
	    STANDING_OURS :
	    STANDING_OTHER;
}

/* Look at the object, although we may have been asked to stop. */
static enum standing
object_look(struct multipart *m, struct cloud_head *h, struct err *e)
{
	enum standing standing = STANDING_ABSENT;
	bool found = false;

	memset(h, 0, sizeof *h);
	cloud_line_set(m->line, NULL, true, LOOK_MS);
	if (!cloud_head(m->line, m->key, &found, h, e))
		standing = STANDING_UNKNOWN;
	else if (found)
		standing = standing_of(m, h);
	cloud_line_set(m->line, NULL, false, 0);
	if (standing == STANDING_OURS) {
		m->store_crc = h->crc64;
		m->store_nvme = h->nvme;
	}
	return standing;
}

/* Before look i, but not before the first. */
static void
look_wait(int i)
{
	int ms = i > 0 ? LOOK_WAIT << (i - 1) : 0;
	struct timespec rest = { ms / 1000, ms % 1000 * 1000000L };

	/* Once asked to stop, ten signals a second come. */
	while (nanosleep(&rest, &rest) == -1)
		;
}

/* Take back an object that is ours and wrong.  Always false. */
static bool
object_take_back(struct multipart *m, const struct cloud_head *h, struct err *e)
{
	bool nvme = !h->crc64.known && h->nvme.known && m->nvme.known;
	const struct cloud_number *sum = nvme ? &h->nvme : &h->crc64;
	char told[32] = "none";
	struct err why;

	if (sum->known)
		snprintf(told, sizeof told, "%016" PRIx64, sum->value);
	err_set(e, ERR_DATA,
	    "%s: the store holds %" PRIu64
	    " bytes with %s %s, sent were %" PRIu64 " with %016" PRIx64,
	    m->url, h->size, nvme ? "CRC64NVME" : "CRC-64", told,
	    m->tally.bytes, nvme ? m->nvme.value : m->tally.crc64);
	cloud_line_set(m->line, NULL, true, LOOK_MS);
	if (!cloud_delete(m->line, m->key, &why))
		warn(
		    m, "left behind: %s, which is wrong: %s", m->url, why.text);
	cloud_line_set(m->line, NULL, false, 0);
	return false;
}

/*
 * The store said yes; head is what it said with it.  Without a checksum in it,
 * or with another than ours, which may be a damaged reply, the object itself
 * decides.
 */
static bool
object_confirm(
    struct multipart *m, const struct cloud_head *told, struct err *e)
{
	enum standing standing = STANDING_UNKNOWN;
	bool differs = sums_differ(m, told);
	struct cloud_head h = { 0 };
	struct err why;

	m->store_crc = told->crc64;
	m->store_nvme = told->nvme;
	if ((told->crc64.known || told->nvme.known) && !differs)
		return true;
	for (int i = 0; i < LOOKS && standing != STANDING_OURS; i++) {
		look_wait(i);
		standing = object_look(m, &h, &why);
		if (standing == STANDING_OTHER ||
		    (standing == STANDING_UNKNOWN && !differs))
			break;
	}
	if (standing == STANDING_OURS)
		return true;
	if (standing == STANDING_WRONG)
		return object_take_back(m, &h, e);
	if (standing == STANDING_OTHER)
		return err_set(e, ERR_REMOTE,
		    "%s: was put, and is another object by now", m->url);
	if (standing == STANDING_ABSENT)
		return err_set(
		    e, ERR_REMOTE, "%s: was put, and is not there", m->url);
	if (differs)
		return err_set(e, ERR_DATA,
		    "%s: the store said CRC-64 %016" PRIx64
		    ", sent was %016" PRIx64 "; it is there: %s",
		    m->url, told->crc64.value, m->tally.crc64, why.text);
	warn(m, "%s is put, but cannot be looked at: %s", m->url, why.text);
	return true;
}

/* --- giving up --- */

/* While ours is still open, do away with what a lost answer left. */
static void
upload_sweep(struct multipart *m)
{
	struct err e;

	if (!m->twice)
		return;
	m->twice = false;
	cloud_line_set(m->line, NULL, true, LOOK_MS);
	if (!sweep_uploads(m->line, &m->lost, &e))
		warn(m,
		    "an upload of %s may be left behind, see cos-rm "
		    "--uploads: %s",
		    m->url, e.text);
	cloud_line_set(m->line, NULL, false, 0);
}

/* Do away with the upload, although we may have been asked to stop. */
static void
upload_abort(struct multipart *m)
{
	struct cloud_upload upload = upload_of(m);
	struct err e;

	cloud_line_set(m->line, NULL, true, MULTIPART_ABORT_MS);
	if (!cloud_abort(m->line, &upload, &e))
		warn(m,
		    "left behind: upload %s of %s, see cos-rm --uploads: %s",
		    m->upload_id, m->url, e.text);
	cloud_line_set(m->line, NULL, false, 0);
	m->open = false;
}

/* Whether the upload is gone, so that a lost request may have won. */
static bool
upload_is_gone(struct multipart *m)
{
	struct cloud_upload upload = upload_of(m);
	bool found = true;
	struct err e;

	cloud_line_set(m->line, NULL, true, LOOK_MS);
	if (!cloud_list_parts(m->line, &upload, &found, NULL, NULL, &e))
		found = true;
	cloud_line_set(m->line, NULL, false, 0);
	return !found;
}

/*
 * The request that publishes failed, for the reason in e.  End the upload, so
 * that nothing can be published any more; then see whether it has been.
 */
static bool
object_settle(struct multipart *m, struct err *e)
{
	int looks = upload_is_gone(m) ? LOOKS : 1;
	enum standing standing = STANDING_UNKNOWN;
	struct cloud_head h;
	struct err why;

	upload_abort(m);
	for (int i = 0; i < looks; i++) {
		look_wait(i);
		standing = object_look(m, &h, &why);
		if (standing >= STANDING_OTHER)
			break;
	}
	if (standing == STANDING_WRONG)
		return object_take_back(m, &h, e);
	if (standing == STANDING_UNKNOWN)
		warn(m, "%s may have been put: %s", m->url, why.text);
	return standing == STANDING_OURS;
}

/* --- publishing --- */

/* Is what was sent what came in? */
static bool
sums_agree(struct multipart *m, struct err *e)
{
	uint64_t crc = 0, bytes = 0;

	for (unsigned i = 0; i < m->parts; i++) {
		crc = crc64_xz_join(crc, m->crc[i], m->part[i].size);
		bytes += m->part[i].size;
		m->nvme.known = m->part[i].nvme.known;
		m->nvme.value = crc64_nvme_join(
		    m->nvme.value, m->part[i].nvme.value, m->part[i].size);
	}
	if (crc == m->tally.crc64 && bytes == m->tally.bytes)
		return true;
	return err_set(e, ERR_BUG,
	    "%s: the parts sent, %" PRIu64 " bytes with CRC-64 %016" PRIx64
	    ", are not the %" PRIu64 " with %016" PRIx64
	    " that came in: damaged in memory",
	    m->url, bytes, crc, m->tally.bytes, m->tally.crc64);
}

/* A failure that leaves no doubt: nothing was published. */
static bool
is_certain(const struct err *e)
{
	return e->kind == ERR_USAGE || e->kind == ERR_BUG;
}

/* A store that said yes and holds nothing of ours may have the upload still:
 * whoever frees us ends it then. */
static bool
parts_confirm(struct multipart *m, const struct cloud_head *told, struct err *e)
{
	m->open = !object_confirm(m, told, e);
	return !m->open;
}

static bool
parts_publish(struct multipart *m, struct err *e)
{
	struct cloud_upload upload;
	struct cloud_head head = { 0 };

	if (!part_send(m, e) || !crew_finish(m->crew, e) || !sums_agree(m, e))
		return false;
	upload = upload_of(m); /* the last part may have begun it */
	upload_sweep(m);
	if (cloud_complete(
		m->line, &upload, m->part, m->parts, &m->how.object, &head, e))
		return parts_confirm(m, &head, e);
	if (e->kind == ERR_DATA) { /* it is there, with another checksum */
		head.crc64 = (struct cloud_number){ true, ~m->tally.crc64 };
		return parts_confirm(m, &head, e);
	}
	return !is_certain(e) && object_settle(m, e);
}

static bool
whole_publish(struct multipart *m, struct err *e)
{
	struct cloud_head head = { 0 };
	struct span body = { NULL, 0 };

	if (m->filling != NULL)
		body = (struct span){ m->filling->mem, m->filling->len };
	/* cloud_put has looked whether a lost answer was a yes. */
	return cloud_put(m->line, m->key, body, &m->how.object, &head, e) &&
	    object_confirm(m, &head, e);
}

static bool
multipart_commit(struct sink *s, struct err *e)
{
	struct multipart *m = (struct multipart *)s;

	/* Whether a store checks CRC64NVME shows in its answer to a part, when
	 * nothing is published yet; to a plain PUT it would be too late. */
	if (m->filling != NULL && cloud_place(m->cloud)->crc64nvme)
		return parts_publish(m, e);
	return m->upload_id != NULL ? parts_publish(m, e) : whole_publish(m, e);
}

/* --- the sink --- */

static void
multipart_tell(const struct sink *s, struct facts *facts)
{
	const struct multipart *m = (const struct multipart *)s;

	tally_tell(&m->tally, m->url, facts);
	if (m->store_crc.known)
		facts_hex64(facts, "store-crc64-xz", m->store_crc.value);
	if (m->store_nvme.known)
		facts_hex64(facts, "store-crc64-nvme", m->store_nvme.value);
	facts_count(facts, "parts", m->parts);
	if (m->upload_id != NULL)
		facts_text(facts, "upload-id", m->upload_id);
}

static void
multipart_free(struct sink *s)
{
	struct multipart *m = (struct multipart *)s;

	crew_free(m->crew);
	upload_sweep(m);
	if (m->open)
		upload_abort(m);
	cloud_line_free(m->line);
	free(m->upload_id);
	free(m->part);
	free(m->crc);
	free(m->key);
	free(m->url);
	free(m);
}

static const struct sink_ops multipart_ops = {
	.put = multipart_put,
	.commit = multipart_commit,
	.tell = multipart_tell,
	.free = multipart_free,
};

static bool
id_make(char *id, struct err *e)
{
	uint8_t random[ID_BYTES];

	if (getrandom(random, sizeof random, 0) != sizeof random)
		return err_sys(e, "cannot make an id");
	for (size_t i = 0; i < sizeof random; i++)
		snprintf(id + 2 * i, 3, "%02x", random[i]);
	return true;
}

static bool
memory_get(struct multipart *m, struct err *e)
{
	size_t parts = m->schedule.parts;

	m->part = calloc(parts, sizeof *m->part);
	m->crc = calloc(parts, sizeof *m->crc);
	return (m->part != NULL && m->crc != NULL && m->key != NULL &&
		   m->url != NULL) ||
	    err_sys(e, "cannot put an object");
}

/* What cannot end well should not begin. */
static bool
exclusive_check(struct multipart *m, struct err *e)
{
	struct cloud_head h;
	bool found = false;

	if (!m->how.object.exclusive)
		return true;
	if (!cloud_head(m->line, m->key, &found, &h, e))
		return false;
	return !found || err_set(e, ERR_REMOTE, "%s: exists already", m->url);
}

static bool
multipart_begin(
    struct multipart *m, const struct multipart_to *to, struct err *e)
{
	struct crew_want want = { m->how.threads, m->how.memory, false,
		to->slow };

	return schedule_init(&m->schedule, &m->how.schedule, e) &&
	    memory_get(m, e) && id_make(m->id, e) &&
	    (m->crew = crew_new(m->cloud, &want, part_work, m, e)) != NULL &&
	    (m->line = cloud_line_new(m->cloud, e)) != NULL &&
	    exclusive_check(m, e);
}

struct sink *
multipart_new(const struct multipart_to *to, const struct multipart_how *how,
    struct err *e)
{
	struct multipart *m = calloc(1, sizeof *m);

	if (m == NULL) {
		err_sys(e, "cannot put an object");
		return NULL;
	}
	m->base.ops = &multipart_ops;
	m->cloud = to->cloud;
	m->how = *how;
	m->how.object.id = m->id;
	if (m->how.threads == 0)
		m->how.threads = MULTIPART_THREADS;
	if (m->how.memory == 0)
		m->how.memory = MULTIPART_MEMORY;
	m->key = strdup(to->key);
	m->url = strdup(to->url);
	tally_init(&m->tally);
	if (multipart_begin(m, to, e))
		return &m->base;
	multipart_free(&m->base);
	return NULL;
}
