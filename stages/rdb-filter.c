/*
 * rdb-filter.c -- an RDB with only some of the keys, or with others' names.
 *
 * Keys that are not meant (stages/keys/choice.h) are left out, the others go on
 * byte for byte but for what a mapping changes; the output is an RDB of the same
 * version with a CRC of its own, ended only when the input has proven itself
 * whole (stages/keys/edit.h).  Hashes whose fields have times are rewritten when
 * --ttl is for those, too (rdb/recast.h).  Unless nothing at all was asked for,
 * the position in a replication goes (stages/keys/position.h).
 *
 * Memory: a key, a slice of input; with mappings of names up to 96 MiB to notice
 * two keys that would get the same (stages/keys/twins.h); with --ttl a field.
 */
#include <inttypes.h>
#include <stdlib.h>

#include "rdb/recast.h"
#include "stages/keys/choice.h"
#include "stages/keys/edit.h"
#include "stages/keys/position.h"
#include "stages/keys/twins.h"
#include "stages/kit/facts.h"
#include "stages/kit/stage.h"

static struct choice choice = CHOICE_DEFAULT;
static bool no_functions;

static const struct opt opts[] = {
	CHOICE_OPTIONS(choice),
	{ OPT_FLAG, 0, "no-functions", &no_functions, NULL,
	    "leave out libraries of functions", 0, 0, NULL, NULL },
	OPT_TABLE_END,
};

struct sieve {
	struct edit edit;
	struct twins twins;
	uint64_t left[CHOICE_WHYS];
	uint64_t functions_in, functions_out;
	uint64_t rewritten; /* hashes whose fields' times were changed */
	struct rdb_recast recast;
	struct position position;
};

/* All that comes goes on as it is. */
static bool
passes_all(void)
{
	return choice_all(&choice) && !no_functions;
}

static bool
sieve_other(
    struct edit *d, const struct rdb_run *run, bool *keep, struct err *e)
{
	struct sieve *s = (struct sieve *)d;

	(void)e;
	if (run->label == RDB_FUNCTION) {
		*keep = !no_functions;
		s->functions_in += run->first;
		s->functions_out += run->first && *keep;
	}
	if (run->label == RDB_MODULE_AUX)
		*keep = choice_modules(&choice);
	if ((run->label == RDB_AUX_NAME || run->label == RDB_AUX_VALUE) &&
	    !passes_all())
		*keep = position_keep(&s->position, run, &d->out);
	return true;
}

/* The key has a name of its own in the output. */
static bool
name_check(struct sieve *s, struct err *e)
{
	const struct rdb_object *o = &s->edit.object;
	bool twin = false;

	if (!choice_may_clash(&choice))
		return true;
	if (!twins_add(&s->twins, o->db, o->key.ptr, o->key.len, &twin, e))
		return false;
	return !twin ||
	    edit_refuse(&s->edit, e,
		"two keys would get this name, and no server loads that");
}

/* The time of a field, for the recaster. */
static uint64_t
field_time(const void *arg, uint64_t ms)
{
	return choice_field_time(arg, ms);
}

/* The value that comes is a hash whose fields get other times, or none. */
static void
fields_begin(struct sieve *s)
{
	struct rdb_object *o = &s->edit.object;
	bool valkey = s->edit.rdb.walk.valkey;
	unsigned to =
	    choice.ttl == CHOICE_TTL_DROP ? 4 : RDB_RECAST_TTL(valkey);

	rdb_recast_begin_as(&s->recast, o->type, valkey, to, &s->edit.out);
	o->type = to;
	s->rewritten++;
}

static bool
sieve_key(struct edit *d, enum edit_verdict *verdict, struct err *e)
{
	struct sieve *s = (struct sieve *)d;
	struct rdb_object *o = &d->object;
	bool changed;
	enum choice_why why = choice_judge(&choice, o);

	*verdict = EDIT_LEAVE;
	s->left[why]++;
	if (why != CHOICE_MEANT)
		return true;
	if (!choice_map(&choice, o, &changed, e) || !name_check(s, e))
		return false;
	*verdict = changed ? EDIT_CHANGE : EDIT_KEEP;
	if (choice_moves_fields(&choice, o->type)) {
		*verdict = EDIT_RECAST;
		fields_begin(s);
	}
	return true;
}

static bool
sieve_value(struct edit *d, const struct rdb_run *run, struct err *e)
{
	struct rdb_recast *r = &((struct sieve *)d)->recast;

	if (run->first)
		edit_head(d);
	if (rdb_recast_feed(r, run))
		return true;
	if (r->fault.what == NULL && r->refusal != NULL)
		return edit_refuse(d, e,
		    "the times of its fields cannot be "
		    "changed: %s",
		    r->refusal);
	return edit_blame(d, &r->fault, e);
}

static bool
sieve_end(struct edit *d, struct err *e)
{
	struct sieve *s = (struct sieve *)d;

	(void)e;
	if (d->keys_in > 0 && d->keys_out == 0)
		stage_warn("no key is left of %" PRIu64, d->keys_in);
	if (s->twins.level > 0)
		stage_warn("many keys: only one in %" PRIu64
			   " names was looked at for being given twice",
		    UINT64_C(1) << 2 * s->twins.level);
	if (d->rdb.crc == 0)
		stage_warn("the input has no checksum: the output's says "
			   "nothing about what was before");
	return true;
}

static const struct edit_ops sieve_edits = {
	.other = sieve_other,
	.key = sieve_key,
	.value = sieve_value,
	.end = sieve_end,
};

/* --- the filter --- */

static void
sieve_tell(const struct filter *f, struct facts *facts)
{
	const struct sieve *s = (const struct sieve *)f;

	facts_count(facts, "keys-in", s->edit.keys_in);
	facts_count(facts, "keys-out", s->edit.keys_out);
	facts_count(facts, "left-by-db", s->left[CHOICE_BY_DB]);
	facts_count(facts, "left-by-type", s->left[CHOICE_BY_TYPE]);
	facts_count(facts, "left-by-expiry", s->left[CHOICE_BY_EXPIRY]);
	facts_count(facts, "left-by-name", s->left[CHOICE_BY_NAME]);
	facts_count(facts, "left-by-slot", s->left[CHOICE_BY_SLOT]);
	facts_count(facts, "hashes-rewritten", s->rewritten);
	facts_count(facts, "functions-in", s->functions_in);
	facts_count(facts, "functions-out", s->functions_out);
	facts_count(facts, "bytes-in", s->edit.rdb.walk.at);
	facts_count(facts, "bytes-out", s->edit.out.at);
}

static void
sieve_free(struct filter *f)
{
	struct sieve *s = (struct sieve *)f;

	edit_release(&s->edit);
	twins_release(&s->twins);
	rdb_recast_release(&s->recast);
	free(s);
}

static const struct filter_ops sieve_ops = {
	.name = "filter",
	.turn = edit_turn,
	.finish = edit_finish,
	.tell = sieve_tell,
	.free = sieve_free,
};

static struct filter *
sieve_new(const struct operands *args, struct err *e)
{
	struct sieve *s = calloc(1, sizeof *s);

	(void)args;
	if (s == NULL) {
		err_sys(e, "cannot set up the filter");
		return NULL;
	}
	edit_init(&s->edit, &sieve_edits);
	s->edit.base.ops = &sieve_ops;
	s->edit.keep_hints = choice_all(&choice);
	twins_init(&s->twins, TWINS_BYTES);
	rdb_recast_init(&s->recast, NULL, false);
	s->recast.time = field_time;
	s->recast.time_arg = &choice;
	return &s->edit.base;
}

static bool
sieve_check(const struct operands *args, struct err *e)
{
	(void)args;
	return choice_check(&choice, e);
}

static const char *const notes[] = {
	"The same option again gives an alternative; different options all "
	"have",
	"to hold.  Lists have commas.  Mappings (--map-db, --rename-prefix,",
	"--ttl) change what is left.",
	NULL,
};

const struct stage stage = {
	.name = "rdb-filter",
	.brief = "pass on some of the keys of an RDB stream, as an RDB",
	.notes = notes,
	.opts = opts,
	.check = sieve_check,
	.filter = sieve_new,
};
