/*
 * rdb-convert.c -- an RDB that another engine or version loads.
 *
 * The output has the magic and version that the engine writes itself
 * (rdb/engine.h).  Values it loads go on byte for byte, others are rewritten
 * (rdb/recast.h), and what cannot be said to it is refused, or dropped and told.
 * So without --lossy the logical digest of the output is that of the input.
 *
 * Not data, and so dropped without a word where the engine does not know them:
 * hints of size, slot info, idle times and frequencies, auxiliary fields.  With
 * --lossy the position in a replication goes, too (stages/keys/position.h).
 *
 * Memory: a key, a slice of input, some 120 KiB to rewrite, and what rdb/recast.h
 * says is gathered.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "rdb/recast.h"
#include "stages/keys/edit.h"
#include "stages/keys/losses.h"
#include "stages/keys/position.h"
#include "stages/kit/facts.h"
#include "stages/kit/stage.h"

#define MODULES 16 /* kinds of modules that are named; more are counted */

enum {                 /* opcodes, see rdb/shape.c */
	OP_META = 243, /* of Redis; of Valkey: */
	OP_IMPORT = 243,
	OP_FUNCTION_RC = 246,
	OP_IDLE = 248,
	OP_RESIZE = 251
};

static const struct rdb_engine *engine;
static const char *to, *list_path;
static bool lossy;

static const struct opt opts[] = {
	{ OPT_TEXT, 0, "to", &to, "ENGINE",
	    "who shall load it: see the list below", 0, 0, NULL, NULL },
	{ OPT_FLAG, 0, "lossy", &lossy, NULL,
	    "drop what cannot be said to it, and tell", 0, 0, NULL, NULL },
	{ OPT_TEXT, 0, "lossy-list", &list_path, "FILE",
	    "list all that was dropped in FILE", 0, 0, NULL, NULL },
	OPT_TABLE_END,
};

struct convert {
	struct edit edit;
	struct rdb_recast recast;
	struct losses losses;
	struct position position;
	uint64_t lost[RDB_LOSSES];        /* of the key at hand */
	uint64_t rewritten, by_type[256]; /* by what they were */
	bool keep;                        /* the item at hand */
	bool headed; /* what is before the value was written */
	bool module; /* the value at hand is a module's, */
	bool known;  /* and its module is known, or */
	bool gone;   /* not to be had */
	uint8_t id[16];
	size_t id_len; /* its first bytes, until then */
	struct module {
		uint64_t id, keys, others; /* others: data of no key */
	} modules[MODULES];
	size_t n_modules;
};

/* --- modules that the engine needs --- */

/* Where to count what is of a module; NULL: it is part of the engine, or one of
 * too many. */
static struct module *
module_of(struct convert *c, uint64_t id)
{
	size_t i = 0;

	if (rdb_engine_has(engine, id))
		return NULL;
	while (i < c->n_modules && c->modules[i].id != id)
		i++;
	if (i == MODULES)
		return NULL;
	if (i == c->n_modules)
		c->modules[c->n_modules++].id = id;
	return &c->modules[i];
}

/* Data of no key: its module's ID stands behind the opcode, as it does in front
 * of a value. */
static void
module_aux(struct convert *c, const struct rdb_run *run)
{
	struct rdb_value *v = &c->recast.value;
	struct module *module;
	struct rdb_piece p;
	size_t at = 0;

	if (run->first) {
		rdb_value_begin(v, 7, c->edit.rdb.walk.valkey);
		c->known = false;
		at = 1;
	}
	for (; !c->known && at < run->len; at++) {
		rdb_value_feed(v, run->ptr + at, 1, run->at + at);
		c->known = rdb_value_next(v, &p) == RDB_RUN;
		if (c->known && (module = module_of(c, p.num)) != NULL)
			module->others++;
	}
}

/* A server that lacks the module would end when it loads this. */
static void
modules_warn(const struct convert *c)
{
	char name[RDB_MODULE_NAME];

	for (size_t i = 0; i < c->n_modules; i++) {
		const struct module *m = &c->modules[i];

		rdb_module_name(m->id, name);
		if (m->keys > 0)
			stage_warn("%" PRIu64 " keys of module type %s: %s "
				   "needs the module to load them",
			    m->keys, name, engine->name);
		if (m->others > 0)
			stage_warn("data of module type %s outside of keys: %s "
				   "needs the module to load it",
			    name, engine->name);
	}
}

/* --- what belongs to no key --- */

/* An item the engine does not take: nothing lost, or this. */
static bool
item_lost(struct convert *c, const struct rdb_run *run, enum rdb_loss loss,
    struct err *e)
{
	if (!lossy)
		return err_set(e, ERR_DATA,
		    "offset %" PRIu64 ": %s does not load %s%s; --lossy "
		    "would drop this",
		    run->at, engine->name, rdb_loss_words(loss),
		    run->ptr[0] == OP_FUNCTION_RC ?
			" of a release candidate of Redis 7.0" :
			"");
	losses_other(&c->losses, loss);
	return true;
}

static bool
item_drop(struct convert *c, const struct rdb_run *run, struct err *e)
{
	switch (run->label) {
	case RDB_FUNCTION:
		return item_lost(c, run, RDB_LOSS_FUNCTION, e);
	case RDB_MODULE_AUX:
		return item_lost(c, run, RDB_LOSS_MODULE_AUX, e);
	case RDB_SLOT:
		return run->ptr[0] != OP_IMPORT ||
		    item_lost(c, run, RDB_LOSS_IMPORT, e);
	default:
		return true;
	}
}

static bool
convert_other(
    struct edit *d, const struct rdb_run *run, bool *keep, struct err *e)
{
	struct convert *c = (struct convert *)d;

	/* A value follows its name. */
	if (run->first && run->label != RDB_AUX_VALUE) {
		c->keep =
		    rdb_engine_takes(engine, run->ptr[0], d->rdb.walk.valkey);
		if (!c->keep && !item_drop(c, run, e))
			return false;
	}
	*keep = c->keep;
	if (c->keep && run->label == RDB_MODULE_AUX)
		module_aux(c, run);
	if (lossy && c->keep &&
	    (run->label == RDB_AUX_NAME || run->label == RDB_AUX_VALUE))
		*keep = position_keep(&c->position, run, &d->out);
	return true;
}

/* --- keys --- */

/* A loss of the key at hand: counted, or an error. */
static bool
key_lost(
    struct convert *c, enum rdb_loss loss, const char *words, struct err *e)
{
	if (!lossy)
		return edit_refuse(&c->edit, e,
		    "%s cannot hold %s; --lossy would drop this", engine->name,
		    words);
	c->lost[loss]++;
	return true;
}

static void
key_end(struct convert *c)
{
	losses_key(&c->losses, &c->edit.object, c->lost);
	memset(c->lost, 0, sizeof c->lost);
}

/* What stands before the value, as the engine can have it. */
static bool
key_head(struct convert *c, bool *changed, struct err *e)
{
	struct rdb_object *o = &c->edit.object;

	if (o->meta.len > 0 &&
	    !rdb_engine_takes(engine, OP_META, c->edit.rdb.walk.valkey)) {
		o->meta.len = 0;
		*changed = true;
		if (!key_lost(
			c, RDB_LOSS_META, rdb_loss_words(RDB_LOSS_META), e))
			return false;
	}
	if ((o->has_idle || o->has_freq) &&
	    !rdb_engine_takes(engine, OP_IDLE, c->edit.rdb.walk.valkey)) {
		o->has_idle = o->has_freq = false;
		*changed = true;
	}
	return true;
}

/* No type of the engine's can hold it. */
static bool
key_never(struct convert *c, struct err *e)
{
	const struct rdb_object *o = &c->edit.object;
	char words[80];

	snprintf(words, sizeof words, "values of type %s",
	    rdb_type_name(o->type, c->edit.rdb.walk.valkey));
	if (!key_lost(c, RDB_LOSS_KEY, words, e))
		return false;
	key_end(c);
	return true;
}

static bool
convert_key(struct edit *d, enum edit_verdict *verdict, struct err *e)
{
	struct convert *c = (struct convert *)d;
	struct rdb_object *o = &d->object;
	bool valkey = d->rdb.walk.valkey, changed = false;
	unsigned type = rdb_recast_type(engine, o->type, valkey);

	if (!key_head(c, &changed, e))
		return false;
	c->module = o->type == 7;
	c->headed = c->known = c->gone = false;
	c->id_len = 0;
	*verdict = EDIT_LEAVE;
	if (type == RDB_RECAST_NEVER)
		return key_never(c, e);
	if (rdb_engine_loads(engine, o->type, valkey)) {
		*verdict = c->module ? EDIT_RECAST :
		    changed          ? EDIT_CHANGE :
				       EDIT_KEEP;
		if (!c->module)
			key_end(c);
		return true;
	}
	*verdict = EDIT_RECAST;
	c->rewritten++;
	c->by_type[o->type]++;
	rdb_recast_begin(&c->recast, o->type, valkey, &d->out);
	o->type = type;
	return true;
}

/* --- modules' values --- */

/* Whose data it is is known: the key is written, or left out. */
static bool
module_known(struct convert *c, uint64_t id, struct err *e)
{
	char name[RDB_MODULE_NAME], words[80];
	struct module *module;

	c->known = true;
	c->gone = rdb_engine_lacks(engine, id);
	if (!c->gone) {
		module = module_of(c, id);
		if (module != NULL)
			module->keys++;
		edit_head(&c->edit);
		rdb_write_bytes(&c->edit.out, c->id, c->id_len);
		return true;
	}
	snprintf(words, sizeof words, "values of module type %s",
	    rdb_module_name(id, name));
	return key_lost(c, RDB_LOSS_KEY, words, e);
}

/* The ID stands in front, in at most nine bytes, perhaps in pieces. */
static bool
module_value(struct convert *c, const struct rdb_run *run, struct err *e)
{
	struct rdb_value *v = &c->recast.value;
	struct rdb_piece p;
	size_t at = 0;

	if (run->first)
		rdb_value_begin(v, 7, c->edit.rdb.walk.valkey);
	for (; !c->known && at < run->len; at++) {
		c->id[c->id_len++] = run->ptr[at];
		rdb_value_feed(v, run->ptr + at, 1, run->at + at);
		if (rdb_value_next(v, &p) == RDB_RUN &&
		    !module_known(c, p.num, e))
			return false;
	}
	if (c->known && !c->gone)
		rdb_write_bytes(&c->edit.out, run->ptr + at, run->len - at);
	if (run->last)
		key_end(c);
	return true;
}

/* --- values --- */

static bool
recast_blame(struct convert *c, struct err *e)
{
	const struct rdb_recast *r = &c->recast;

	if (r->fault.what == NULL && r->refusal != NULL)
		return edit_refuse(&c->edit, e, "%s does not load %s, and %s",
		    engine->name,
		    rdb_type_name(r->from, c->edit.rdb.walk.valkey),
		    r->refusal);
	if (r->fault.what == NULL && r->refused != RDB_LOSSES)
		return key_lost(c, r->refused, rdb_loss_words(r->refused), e);
	return edit_blame(&c->edit, &r->fault, e);
}

static bool
convert_value(struct edit *d, const struct rdb_run *run, struct err *e)
{
	struct convert *c = (struct convert *)d;

	if (c->module)
		return module_value(c, run, e);
	if (run->first)
		edit_head(d);
	if (!rdb_recast_feed(&c->recast, run))
		return recast_blame(c, e);
	if (run->last) {
		for (int i = 0; i < RDB_LOSSES; i++)
			c->lost[i] += c->recast.lost[i];
		key_end(c);
	}
	return true;
}

/* --- the stream --- */

static bool
convert_begin(struct edit *d, struct err *e)
{
	(void)e;
	d->version = engine->version;
	d->valkey = rdb_engine_dialect(engine);
	return true;
}

static bool
convert_end(struct edit *d, struct err *e)
{
	struct convert *c = (struct convert *)d;

	modules_warn(c);
	if (d->rdb.crc == 0)
		stage_warn("the input has no checksum: the output's says "
			   "nothing about what was before");
	return losses_end(&c->losses, e);
}

static const struct edit_ops convert_edits = {
	.begin = convert_begin,
	.other = convert_other,
	.key = convert_key,
	.value = convert_value,
	.end = convert_end,
};

static void
convert_tell(const struct filter *f, struct facts *facts)
{
	const struct convert *c = (const struct convert *)f;
	char text[80];

	snprintf(text, sizeof text,
	    c->edit.rdb.walk.valkey ? "VALKEY%03d" : "REDIS%04d",
	    c->edit.rdb.walk.version);
	facts_text(facts, "from", text);
	facts_text(facts, "to", engine->name);
	facts_count(facts, "keys-in", c->edit.keys_in);
	facts_count(facts, "keys-out", c->edit.keys_out);
	facts_count(facts, "rewritten", c->rewritten);
	for (unsigned i = 0; i < 256; i++) {
		if (c->by_type[i] == 0)
			continue;
		snprintf(text, sizeof text, "rewritten.%s",
		    rdb_type_name(i, c->edit.rdb.walk.valkey));
		facts_count(facts, text, c->by_type[i]);
	}
	facts_count(facts, "keys-with-losses", c->losses.keys);
	for (int i = 0; i < RDB_LOSSES; i++) {
		if (c->losses.of[i] == 0)
			continue;
		snprintf(text, sizeof text, "dropped.%s",
		    rdb_loss_name((enum rdb_loss)i));
		facts_count(facts, text, c->losses.of[i]);
	}
	facts_count(facts, "bytes-in", c->edit.rdb.walk.at);
	facts_count(facts, "bytes-out", c->edit.out.at);
}

static void
convert_free(struct filter *f)
{
	struct convert *c = (struct convert *)f;

	edit_release(&c->edit);
	rdb_recast_release(&c->recast);
	losses_release(&c->losses);
	free(c);
}

static const struct filter_ops convert_ops = {
	.name = "convert",
	.turn = edit_turn,
	.finish = edit_finish,
	.tell = convert_tell,
	.free = convert_free,
};

static struct filter *
convert_new(const struct operands *args, struct err *e)
{
	struct convert *c = calloc(1, sizeof *c);

	(void)args;
	if (c == NULL) {
		err_sys(e, "cannot set up the conversion");
		return NULL;
	}
	edit_init(&c->edit, &convert_edits);
	c->edit.base.ops = &convert_ops;
	/* Where keys may be left out, the numbers of keys to come are wrong. */
	c->edit.keep_hints =
	    !lossy && rdb_engine_takes(engine, OP_RESIZE, false);
	rdb_recast_init(&c->recast, engine, lossy);
	if (!losses_open(&c->losses, list_path, e)) {
		convert_free(&c->edit.base);
		return NULL;
	}
	return &c->edit.base;
}

static bool
convert_check(const struct operands *args, struct err *e)
{
	char list[400] = "";
	size_t n = 0;

	(void)args;
	if (list_path != NULL && !lossy)
		return err_set(e, ERR_USAGE,
		    "--lossy-list is for --lossy: without it, "
		    "nothing is dropped");
	if (to != NULL && (engine = rdb_engine_find(to)) != NULL)
		return true;
	for (int i = 0; rdb_engine_names[i] != NULL && n < sizeof list; i++)
		n += (size_t)snprintf(list + n, sizeof list - n, "%s%s",
		    i > 0 ? " " : "", rdb_engine_names[i]);
	if (to == NULL)
		return err_set(
		    e, ERR_USAGE, "--to is missing: one of %s", list);
	return err_set(e, ERR_USAGE, "--to %s: not known; one of %s", to, list);
}

static const char *const notes[] = {
	"Engines: redis-2.8 redis-3.0 redis-3.2 redis-4.0 redis-5.0 redis-6.0",
	"redis-6.2 redis-7.0 redis-7.2 redis-7.4 redis-8.0 redis-8.2 redis-8.4",
	"redis-8.6 redis-8.8 valkey-7.2 valkey-8.0 valkey-8.1 valkey-9.0",
	"valkey-9.1; redis-7, valkey-8 and so on are the first of their line.",
	"What they cannot hold is an error that names the key, unless --lossy.",
	NULL,
};

const struct stage stage = {
	.name = "rdb-convert",
	.brief = "turn an RDB stream into one that another engine loads",
	.notes = notes,
	.opts = opts,
	.check = convert_check,
	.filter = convert_new,
};
