/*
 * rdb-verify.c -- pass an RDB stream on untouched, and fail if it is not one.
 *
 * A stream is good when every record has the structure of its type, the end
 * mark is there and the CRC agrees.  A chunk goes on only after it has been
 * walked, so a fault or a wrong CRC cuts the stream before its end, and
 * nobody downstream can take the rest for a whole one.
 *
 * Memory: two chunks and a row per database (rdb/census.h).
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "rdb/census.h"
#include "stages/kit/facts.h"
#include "stages/kit/stage.h"
#include "stages/kit/whole_rdb.h"

#define AUX_MAX 32 /* header words kept */

enum level { LEVEL_FRAME, LEVEL_DEEP };

static const char *const levels[] = { "frame", "deep", NULL };
static int level = LEVEL_FRAME;
static bool files; /* FILE operands: check them, pass nothing on */

static const struct opt opts[] = {
	{ OPT_CHOICE, 0, "level", &level, "LEVEL",
	    "frame: every record's structure and the CRC", 0, 0, levels, NULL },
	OPT_TABLE_END,
};

/* One word of the header, such as redis-ver, as it stands in the stream. */
struct aux {
	uint8_t name[32], value[64];
	size_t name_len, value_len;
	bool cut; /* longer than what was kept */
};

struct verify {
	struct filter base;
	struct whole_rdb rdb;
	struct rdb_tally tally; /* counted, but not yet in the census */
	struct rdb_census census;
	struct aux aux[AUX_MAX];
	unsigned n_aux;
	uint64_t aof; /* bytes of an AOF behind the end */
};

/* --- the header's words --- */

static void
aux_keep(
    uint8_t *to, size_t cap, size_t *len, bool *cut, const struct rdb_run *run)
{
	struct room room = { to, *len, cap };
	struct span bytes = { run->ptr, run->len };

	room_put(&room, &bytes);
	*len = room.len;
	*cut |= bytes.len > 0;
}

static void
aux_watch(struct verify *v, const struct rdb_run *run)
{
	struct aux *a;

	if (run->label == RDB_AUX_NAME && run->first)
		v->n_aux++;
	if (v->n_aux == 0 || v->n_aux > AUX_MAX)
		return;
	a = &v->aux[v->n_aux - 1];
	if (run->label == RDB_AUX_NAME)
		aux_keep(a->name, sizeof a->name, &a->name_len, &a->cut, run);
	else
		aux_keep(
		    a->value, sizeof a->value, &a->value_len, &a->cut, run);
}

/*
 * A short encoded string as text: plain below 64 bytes, or an integer.
 * Others (long, compressed) are no words of a header worth a fact.
 */
static bool
word_decode(const uint8_t *p, size_t len, char *to, size_t cap)
{
	int64_t n;

	if (len == 0)
		return false;
	if (p[0] < 64 && len == 1u + p[0] && p[0] < cap) {
		memcpy(to, p + 1, p[0]);
		to[p[0]] = '\0';
		for (char *c = to; *c != '\0'; c++)
			if (*c < 0x20 || *c > 0x7e)
				*c = '?';
		return strlen(to) == p[0];
	}
	if (p[0] == 0xc0 && len == 2)
		n = (int8_t)p[1];
	else if (p[0] == 0xc1 && len == 3)
		n = (int16_t)(p[1] | p[2] << 8);
	else if (p[0] == 0xc2 && len == 5)
		n = (int32_t)(p[1] | p[2] << 8 | p[3] << 16 |
		    (uint32_t)p[4] << 24);
	else
		return false;
	snprintf(to, cap, "%" PRId64, n);
	return true;
}

/* False for words that are not short and plain. */
static bool
aux_decode(const struct aux *a, char *name, size_t name_cap, char *value,
    size_t value_cap)
{
	/* The name's item begins with its opcode. */
	return !a->cut && a->name_len >= 2 &&
	    word_decode(a->name + 1, a->name_len - 1, name, name_cap) &&
	    word_decode(a->value, a->value_len, value, value_cap);
}

static void
aux_tell(const struct verify *v, struct facts *facts)
{
	char name[80] = "aux.", value[80];

	for (unsigned i = 0; i < v->n_aux && i < AUX_MAX; i++)
		if (aux_decode(&v->aux[i], name + 4, sizeof name - 4, value,
			sizeof value) &&
		    strchr(name, ' ') == NULL)
			facts_text(facts, name, value);
}

/* Does the header say that an AOF follows? */
static bool
aof_announced(const struct verify *v)
{
	char name[40], value[40];

	for (unsigned i = 0; i < v->n_aux && i < AUX_MAX; i++) {
		if (!aux_decode(
			&v->aux[i], name, sizeof name, value, sizeof value))
			continue;
		if ((strcmp(name, "aof-base") == 0 || /* 7.0 and later */
			strcmp(name, "aof-preamble") == 0) &&
		    strcmp(value, "1") == 0)
			return true;
	}
	return false;
}

/* --- the stream --- */

static bool
run_count(void *arg, const struct rdb_run *run, struct err *e)
{
	struct verify *v = arg;

	if (run->label == RDB_AUX_NAME || run->label == RDB_AUX_VALUE)
		aux_watch(v, run);
	return (rdb_census_add(&v->census, &v->tally) &&
		   rdb_census_feed(&v->census, run)) ||
	    err_sys(e, "cannot count databases");
}

/*
 * What follows the end mark: nothing, the mark of a replication, or an AOF,
 * of which nothing can prove that it is complete.
 */
static bool
tail_watch(struct verify *v, struct span in, struct err *e)
{
	bool aof = v->aof > 0 ||
	    (in.len > 0 && v->rdb.tail == 0 &&
		(in.ptr[0] == '*' || in.ptr[0] == '#') && aof_announced(v));

	if (!aof)
		return whole_rdb_tail(&v->rdb, in, e);
	if (!files)
		return err_set(e, ERR_DATA,
		    "offset %" PRIu64
		    ": an AOF follows the RDB, and nothing can prove that it "
		    "is complete",
		    v->rdb.walk.at);
	v->aof += in.len;
	return true;
}

static bool
verify_watch(struct filter *f, struct span in, struct err *e)
{
	struct verify *v = (struct verify *)f;
	size_t used;

	if (!whole_rdb_feed(&v->rdb, in, run_count, v, &used, e))
		return false;
	if (!rdb_census_add(&v->census, &v->tally))
		return err_sys(e, "cannot count databases");
	span_take(&in, used);
	return tail_watch(v, in, e);
}

static bool
verify_finish(struct filter *f, struct room *out, bool *done, struct err *e)
{
	struct verify *v = (struct verify *)f;

	(void)out;
	*done = true;
	if (!whole_rdb_end(&v->rdb, e))
		return false;
	if (files)
		return true;
	if (v->rdb.crc == 0)
		stage_warn("unverified: the stream has no checksum (%s); its "
			   "structure is whole, its bytes are on trust",
		    v->rdb.walk.version < 5 ? "RDB before version 5" :
					      "rdbchecksum no");
	if (v->rdb.tail > 0)
		stage_warn("a replication mark of 40 bytes follows the RDB");
	return true;
}

static void
census_tell(const struct verify *v, struct facts *facts)
{
	const struct rdb_census *c = &v->census;
	char name[64];

	facts_count(facts, "keys", c->keys);
	facts_count(facts, "expires", c->expires);
	facts_count(facts, "functions", c->functions);
	for (size_t i = 0; i < c->n_dbs; i++) {
		snprintf(
		    name, sizeof name, "db.%" PRIu64 ".keys", c->dbs[i].db);
		facts_count(facts, name, c->dbs[i].keys);
		snprintf(
		    name, sizeof name, "db.%" PRIu64 ".expires", c->dbs[i].db);
		facts_count(facts, name, c->dbs[i].expires);
	}
	for (unsigned t = 0; t < COUNT_OF(c->by_type); t++) {
		if (c->by_type[t] == 0)
			continue;
		snprintf(name, sizeof name, "type.%s.keys",
		    rdb_type_name(t, v->rdb.walk.valkey));
		facts_count(facts, name, c->by_type[t]);
	}
}

static void
verify_tell(const struct filter *f, struct facts *facts)
{
	const struct verify *v = (const struct verify *)f;

	facts_text(facts, "level", levels[level]);
	facts_count(facts, "rdb-version", (uint64_t)v->rdb.walk.version);
	facts_text(facts, "dialect", v->rdb.walk.valkey ? "valkey" : "redis");
	facts_text(
	    facts, "crc", whole_rdb_checked(&v->rdb) ? "good" : "unverified");
	facts_hex64(facts, "crc64", v->rdb.crc);
	facts_count(facts, "bytes", v->rdb.walk.at);
	census_tell(v, facts);
	facts_text(facts, "trailing",
	    v->aof > 0          ? "aof" :
		v->rdb.tail > 0 ? "mark" :
				  "none");
	aux_tell(v, facts);
}

static void
verify_free(struct filter *f)
{
	rdb_census_release(&((struct verify *)f)->census);
	free(f);
}

static const struct filter_ops verify_ops = {
	.name = "verify",
	.watch = verify_watch,
	.finish = verify_finish,
	.tell = verify_tell,
	.free = verify_free,
};

static struct filter *
verify_new(const struct operands *args, struct err *e)
{
	struct verify *v = calloc(1, sizeof *v);

	(void)args;
	if (v == NULL) {
		err_sys(e, "cannot set up the walk");
		return NULL;
	}
	v->base.ops = &verify_ops;
	whole_rdb_init(&v->rdb);
	v->rdb.spare_tail = true;
	v->rdb.tally = &v->tally;
	rdb_census_init(&v->census);
	return &v->base;
}

/* --- one line per file --- */

static void
verify_report(const struct filter *f, const char *file, const struct err *e)
{
	const struct verify *v = (const struct verify *)f;

	if (e != NULL) {
		printf("%s: bad: %s\n", file, e->text);
		return;
	}
	printf("%s: %s: RDB %d%s, %" PRIu64 " key%s (%" PRIu64
	       " with expiry) in %zu database%s, %" PRIu64 " bytes",
	    file, v->rdb.crc != 0 ? "ok" : "unverified", v->rdb.walk.version,
	    v->rdb.walk.valkey ? " (Valkey)" : "", v->census.keys,
	    v->census.keys == 1 ? "" : "s", v->census.expires, v->census.n_dbs,
	    v->census.n_dbs == 1 ? "" : "s", v->rdb.walk.at);
	if (v->rdb.crc != 0)
		printf(", crc64 %016" PRIx64, v->rdb.crc);
	else
		printf(", no checksum: structure whole, bytes on trust");
	if (v->rdb.tail > 0)
		printf("; a replication mark of 40 bytes follows");
	if (v->aof > 0)
		printf("; an AOF of %" PRIu64 " bytes follows, not checked",
		    v->aof);
	putchar('\n');
}

static bool
verify_check(const struct operands *args, struct err *e)
{
	files = args->n > 0;
	if (level == LEVEL_DEEP)
		return err_set(
		    e, ERR_USAGE, "--level deep is not built in yet; frame is");
	return true;
}

static const char *const notes[] = {
	"Without FILE: standard input goes to standard output as far as it was",
	"found good.  With FILE: each is checked, one line each: ok, "
	"unverified",
	"(no checksum inside) or bad.",
	NULL,
};

const struct stage stage = {
	.name = "rdb-verify",
	.brief = "pass an RDB stream on, and fail if it is not a good one",
	.operands = "[FILE...]",
	.operands_max = -1,
	.notes = notes,
	.opts = opts,
	.check = verify_check,
	.filter = verify_new,
	.report = verify_report,
};
