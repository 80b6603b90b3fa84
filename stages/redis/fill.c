/* fill.c -- see fill.h. */
#include "stages/redis/fill_parts.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "stages/kit/clock.h"
#include "stages/kit/facts.h"
#include "stages/kit/stage.h"

#define HOLD_FIRST (64 * 1024)
#define TWINS      (16 << 20) /* bytes to notice names that clash */
#define UNFIT_SAID 20         /* keys that do not fit are named, so many */

/* --- bytes kept --- */

static bool
hold(struct fill *f, const uint8_t *p, size_t n, struct err *e)
{
	size_t cap = f->hold_cap == 0 ? HOLD_FIRST : f->hold_cap;
	uint8_t *more;

	while (cap - f->held < n)
		cap *= 2;
	if (cap > f->hold_cap) {
		if ((more = realloc(f->hold, cap)) == NULL)
			return err_sys(e, "no memory for a value");
		f->hold = more;
		f->hold_cap = cap;
	}
	if (n > 0)
		memcpy(f->hold + f->held, p, n);
	f->held += n;
	return true;
}

/* --- commands --- */

static bool
said_put(void *arg, struct span s, struct err *e)
{
	struct fill *f = arg;

	if (f->gathering)
		return hold(f, s.ptr, s.len, e);
	return f->o.plan || lane_put(f->lane, s, e);
}

/* A library of functions goes to every node. */
static bool
put_function(struct fill *f, struct err *e)
{
	static const char replace[] =
	    "*4\r\n$8\r\nFUNCTION\r\n$4\r\nLOAD\r\n$7\r\nREPLACE\r\n";
	static const char add[] = "*3\r\n$8\r\nFUNCTION\r\n$4\r\nLOAD\r\n";
	struct lane_unit unit = { .tag = FILL_FUNCTION };
	struct span s = { f->hold, f->held };
	struct span head = { (const uint8_t *)add, sizeof add - 1 };

	if (f->o.conflict != FILL_SKIP || s.len < sizeof replace ||
	    memcmp(s.ptr, replace, sizeof replace - 1) != 0)
		head.len = 0;
	else
		span_take(&s, sizeof replace - 1);
	for (unsigned i = 0; i < f->n_nodes; i++) {
		struct lane *l = &f->lanes.v[i * f->per_node];

		if (!lane_begin(l, &unit, e) || !lane_put(l, head, e) ||
		    !lane_put(l, s, e))
			return false;
		lane_command(l);
		if (!lane_end(l, e))
			return false;
	}
	return true;
}

static bool
said_end(void *arg, struct err *e)
{
	struct fill *f = arg;

	if (f->o.plan) {
		f->functions += f->gathering;
		return true;
	}
	if (!f->gathering) {
		lane_command(f->lane);
		return true;
	}
	return put_function(f, e);
}

static bool
function(struct fill *f, const struct rdb_run *run, struct err *e)
{
	bool ok;

	if (run->first)
		f->held = 0;
	f->gathering = true;
	ok = commands_function(f->commands, run, f->whole.walk.valkey, e);
	f->gathering = false;
	return ok;
}

/* --- the target --- */

static bool
begin(struct fill *f, struct err *e)
{
	const struct commands_target *t;
	struct commands_out out = { said_put, said_end, fill_larger, f };

	if (!fill_survey(f, e))
		return false;
	t = &f->survey.commands;
	f->sets = !f->o.commands;
	f->pxat = t->valkey || t->version >= COMMANDS_VERSION(6, 2, 0);
	f->absttl = t->valkey || t->version >= COMMANDS_VERSION(5, 0, 0);
	if (f->o.hold > t->max_bulk / 2)
		f->o.hold = t->max_bulk / 2;
	f->commands = commands_new(t, &out, e);
	if (f->commands == NULL || !fill_prepare(f, e))
		return false;
	f->begun = true;
	if (f->o.plan)
		return true;
	if (!fill_connect(f, e))
		return false;
	stage_say("restoring into %s (%s %s) via %s, %zu connections%s%s",
	    f->server.url.name, f->survey.engine, f->survey.version,
	    f->o.commands ? "commands" : "restore", f->lanes.n,
	    f->o.why[0] != '\0' ? ": " : "", f->o.why);
	return true;
}

/* --- keys --- */

/* "database 0, key "a" (list-quicklist-2)" */
static void
name_key(const struct fill *f, char *buf, size_t cap)
{
	const char *type = rdb_type_name(f->object.type, f->whole.walk.valkey);
	char quoted[160];

	err_quote(quoted, sizeof quoted, f->object.key.ptr, f->object.key.len);
	snprintf(buf, cap, "database %" PRIu64 ", key \"%s\" (%s)",
	    f->object.db, quoted, type != NULL ? type : "unknown type");
}

/* It cannot be done: an error, or a line of the plan. */
static bool
unfit(struct fill *f, enum err_kind kind, const char *why, struct err *e)
{
	char key[256];

	name_key(f, key, sizeof key);
	if (!f->o.plan)
		return err_set(
		    e, kind, "%s: %s: %s", f->server.url.name, key, why);
	if (f->unfit++ < UNFIT_SAID)
		printf("does not fit: %s: %s\n", key, why);
	f->value = FILL_LEFT;
	return true;
}

/* Has the target the key's database?  Else why says what to do. */
static bool
check_db(const struct fill *f, char *why, size_t cap)
{
	uint64_t db = f->object.db;

	if (f->server.url.cluster) {
		if (db == 0)
			return true;
		snprintf(why, cap,
		    "a cluster has database 0 only: --map-db %" PRIu64
		    "=0, or --db 0",
		    db);
		return false;
	}
	if (f->survey.databases == 0 || db < f->survey.databases)
		return true;
	snprintf(why, cap, "the target has %" PRIu64 " databases",
	    f->survey.databases);
	return false;
}

/* The key goes by commands from here on; held bytes first. */
static bool
say_key(struct fill *f, struct err *e)
{
	struct rdb_object *o = &f->object;
	struct lane_unit unit = {
		.tag = FILL_BY_COMMANDS, .keys = 1, .db = o->db
	};

	f->value = FILL_SAID;
	f->planned[FILL_BY_COMMANDS]++;
	if (!f->o.plan) {
		if (f->o.conflict == FILL_SKIP) {
			if (!fill_ask_exists(f, e))
				return false;
			if (f->exists) {
				f->skipped++;
				f->value = FILL_LEFT;
				return true;
			}
		}
		if ((lane_is_much(f->lane, f->held) &&
			!lane_settle(f->lane, e)) ||
		    !lane_begin(f->lane, &unit, e) ||
		    /* SET is for any key, others are not. */
		    (o->type != 0 && !commands_delete(f->commands, o, e)))
			return false;
	}
	return commands_begin(f->commands, o, f->whole.walk.valkey, e);
}

/* Commands refuse the key: what the plan wants to know. */
static bool
say_failed(struct fill *f, struct err *e)
{
	struct err why = *e;

	if (!f->o.plan || !commands_unsaid(f->commands))
		return false;
	f->planned[FILL_BY_COMMANDS]--;
	return unfit(f, ERR_REMOTE, why.text, e);
}

static bool
say_run(struct fill *f, const struct rdb_run *run, struct err *e)
{
	f->planned_bytes[FILL_BY_COMMANDS] += run->len;
	if (!commands_feed(f->commands, run, e))
		return say_failed(f, e);
	if (!run->last || f->o.plan)
		return true;
	if (!lane_end(f->lane, e))
		return false;
	/* Nothing of it could be sent again: no more on top of it. */
	return lane_passing(f->lane) == NULL || lane_settle(f->lane, e);
}

/* Two keys of one name are one key less. */
static bool
check_twin(struct fill *f, struct err *e)
{
	const struct rdb_object *o = &f->object;
	char key[256];
	bool twin;

	if (!choice_may_clash(f->o.choice))
		return true;
	if (!twins_add(&f->twins, o->db, o->key.ptr, o->key.len, &twin, e))
		return false;
	name_key(f, key, sizeof key);
	return !twin ||
	    err_set(e, ERR_DATA, "%s: two keys would get this name", key);
}

/* All but the value is known. */
static bool
take_key(struct fill *f, struct err *e)
{
	struct rdb_object *o = &f->object;
	const char *cannot;
	enum fill_tag way;
	char why[100];

	/* Here no unit is open. */
	if (f->strays != NULL && !fill_strays(f, e))
		return false;
	f->value = FILL_LEFT;
	f->recasting = f->doubtful = false;
	f->held = 0;
	switch (choice_take(f->o.choice, o, f->whole.walk.valkey, e)) {
	case CHOICE_FAILED:
		return false;
	case CHOICE_LEFT:
		f->left++;
		return true;
	case CHOICE_TAKEN:
		break;
	}
	f->keys++;
	if (o->expires) {
		f->expires++;
		expiring_add(&f->expiring, o->expire);
	}
	if (!check_db(f, why, sizeof why))
		return unfit(f, ERR_REMOTE, why, e);
	if (!check_twin(f, e) || !fill_recast(f, e))
		return false;
	if (f->o.native) {
		f->planned[FILL_BY_RESTORE]++;
		return true;
	}
	way = fill_way(f, &cannot);
	if (cannot != NULL)
		return unfit(f, ERR_REMOTE, cannot, e);
	if (!f->o.plan)
		f->lane = fill_lane(f, (struct span){ o->key.ptr, o->key.len });
	f->value = FILL_HELD;
	/* What may yet be refused is not begun before. */
	f->said_late = way == FILL_BY_COMMANDS && f->doubtful;
	return way != FILL_BY_COMMANDS || f->said_late || say_key(f, e) ||
	    say_failed(f, e);
}

/* One that is over already, which servers refuse to be told. */
static bool
is_over(const struct fill *f)
{
	const struct rdb_object *o = &f->object;

	return o->expires &&
	    (o->expire <= 0 || (!f->absttl && o->expire <= clock_wall()));
}

/* Its value is whole, and not too large. */
static bool
put_key(struct fill *f, struct span value, struct err *e)
{
	f->planned[FILL_BY_RESTORE]++;
	f->planned_bytes[FILL_BY_RESTORE] += value.len;
	if (f->o.plan)
		return true;
	if (is_over(f)) {
		f->over++;
		return f->o.conflict != FILL_REPLACE || fill_put_delete(f, e);
	}
	f->again = false;
	if (lane_is_much(f->lane, value.len) && !lane_settle(f->lane, e))
		return false;
	while (!fill_put_key(f, value, e) ||
	    (lane_passing(f->lane) != NULL && !lane_settle(f->lane, e))) {
		/* All of it is here, so it can begin anew. */
		if (!f->cut || lane_passing(f->lane) == NULL ||
		    !fill_regain(f, f->lane, e))
			return false;
		f->again = true;
	}
	return true;
}

/* It is larger than what is held, or all of it is here: go on by commands. */
static bool
overflow(struct fill *f, const struct rdb_run *run, struct err *e)
{
	struct rdb_run so_far = { .label = RDB_VALUE,
		.ptr = f->hold,
		.len = f->held,
		.at = run->at - f->held,
		.first = true };
	const char *cannot = commands_cannot(
	    &f->survey.commands, f->object.type, f->whole.walk.valkey);

	if (cannot != NULL) {
		char why[256];

		snprintf(why, sizeof why,
		    "larger than --hold (%" PRIu64 " bytes), and %s", f->o.hold,
		    cannot);
		return unfit(f, ERR_REMOTE, why, e);
	}
	if (!say_key(f, e))
		return say_failed(f, e);
	if (f->value != FILL_SAID || f->held == 0)
		return true;
	return say_run(f, &so_far, e);
}

static bool
value_run(struct fill *f, const struct rdb_run *run, struct err *e)
{
	if (f->value == FILL_HELD && run->first && run->last &&
	    run->len <= f->o.hold && !f->said_late)
		return put_key(f, (struct span){ run->ptr, run->len }, e);
	if (f->value == FILL_HELD &&
	    (run->len > f->o.hold - f->held || (f->said_late && run->last))) {
		if (!overflow(f, run, e))
			return false;
	}
	if (f->value == FILL_SAID)
		return say_run(f, run, e);
	if (f->o.native)
		f->planned_bytes[FILL_BY_RESTORE] += run->len;
	if (f->value == FILL_LEFT)
		return true;
	if (!hold(f, run->ptr, run->len, e))
		return false;
	return !run->last || put_key(f, (struct span){ f->hold, f->held }, e);
}

/* What the bytes of a value become goes on in their place. */
static bool
recast_run(struct fill *f, const struct rdb_run *run, struct err *e)
{
	struct rdb_write *out = &f->recast_out;
	struct rdb_run made = *run;
	char why[200];
	bool ok;

	if (!rdb_recast_feed(f->recast, run)) {
		if (f->recast->fault.what != NULL)
			return whole_rdb_blame(&f->whole, &f->recast->fault, e);
		f->recasting = false;
		if (f->doubtful)
			return unfit(f, ERR_REMOTE, fill_recast_failed(f), e);
		snprintf(why, sizeof why,
		    "the times of its fields cannot be changed: %s",
		    fill_recast_failed(f));
		return unfit(f, ERR_DATA, why, e);
	}
	if (out->failed)
		return err_sys(e, "no memory for a value");
	if (out->len == 0 && !run->last)
		return true;
	made.ptr = out->ptr;
	made.len = out->len;
	made.first = !f->recast_begun;
	f->recast_begun = true;
	ok = value_run(f, &made, e);
	rdb_write_taken(out, made.len);
	return ok;
}

/* What modules keep beside the keys can only be loaded. */
static void
warn_of_modules(struct fill *f)
{
	if (!f->modules_said)
		stage_warn("the input has data of modules that belongs to no "
			   "key: only --via native restores it");
	f->modules_said = true;
}

static bool
other_run(struct fill *f, const struct rdb_run *run, struct err *e)
{
	if (run->label == RDB_MODULE_AUX)
		warn_of_modules(f);
	return run->label != RDB_FUNCTION || function(f, run, e);
}

static bool
fill_run(void *arg, const struct rdb_run *run, struct err *e)
{
	struct fill *f = arg;
	enum rdb_object_got got;

	if (!f->begun && run->label != RDB_HEADER && !begin(f, e))
		return false;
	got = rdb_object_feed(&f->object, run);
	switch (got) {
	case RDB_OBJECT_OTHER:
		return other_run(f, run, e);
	case RDB_OBJECT_HEAD:
		return true;
	case RDB_OBJECT_KEY:
		return take_key(f, e);
	case RDB_OBJECT_VALUE:
		return f->recasting ? recast_run(f, run, e) :
				      value_run(f, run, e);
	case RDB_OBJECT_BAD:
		break;
	}
	if (f->object.fault.what == NULL)
		return err_sys(e, "no memory for a key");
	return whole_rdb_blame(&f->whole, &f->object.fault, e);
}

/* --- the sink --- */

static bool
fill_put(struct sink *s, struct span in, struct err *e)
{
	struct fill *f = (struct fill *)s;

	if (whole_rdb_feed(&f->whole, in, fill_run, f, NULL, e) &&
	    lanes_turn(&f->lanes, 0, e))
		return true;
	fill_stop(f, e);
	return false;
}

static void
say_end(const struct fill *f)
{
	stage_say("%s holds %" PRIu64 " keys; %" PRIu64 " restored: %" PRIu64
		  " by RESTORE, %" PRIu64 " by SET, %" PRIu64 " by commands",
	    f->server.url.name, f->target_keys, fill_done(f),
	    f->done[FILL_BY_RESTORE], f->done[FILL_BY_SET],
	    f->done[FILL_BY_COMMANDS]);
	if (f->skipped > 0)
		stage_say(
		    "%" PRIu64 " keys were there and were skipped", f->skipped);
	if (f->replaced > 0)
		stage_say("%" PRIu64 " keys were there and were replaced",
		    f->replaced);
	if (f->whole.crc == 0)
		stage_warn("the input has no checksum: its structure is whole, "
			   "its bytes are on trust");
}

static bool
fill_commit(struct sink *s, struct err *e)
{
	struct fill *f = (struct fill *)s;

	if (!whole_rdb_end(&f->whole, e)) {
		fill_stop(f, e);
		return false;
	}
	if (f->o.plan)
		return fill_plan(f, e);
	if (!fill_flush_batches(f, e) || !fill_settle(f, e)) {
		fill_stop(f, e);
		return false;
	}
	f->ended = true;
	if (!fill_limits_back(f, e) || !fill_compare(f, e))
		return false;
	say_end(f);
	return true;
}

static void
fill_tell(const struct sink *s, struct facts *facts)
{
	const struct fill *f = (const struct fill *)s;

	facts_text(facts, "via",
	    f->o.native       ? "native" :
		f->o.commands ? "commands" :
				"restore");
	facts_count(facts, "bytes", f->whole.walk.at);
	facts_count(facts, "keys", f->keys);
	facts_count(facts, "expires", f->expires);
	facts_count(facts, "left-out", f->left);
	if (!f->begun)
		return;
	if (f->o.plan) {
		facts_count(facts, "unfit", f->unfit);
		return;
	}
	facts_count(facts, "done", fill_done(f));
	facts_count(facts, "skipped", f->skipped);
	facts_count(facts, "replaced", f->replaced);
	facts_count(facts, "by-restore", f->done[FILL_BY_RESTORE]);
	facts_count(facts, "by-set", f->done[FILL_BY_SET]);
	facts_count(facts, "by-commands", f->done[FILL_BY_COMMANDS]);
	facts_count(facts, "functions", f->functions);
	facts_text(facts, "target-engine", f->survey.engine);
	facts_text(facts, "target-version", f->survey.version);
	if (f->ended)
		facts_count(facts, "target-keys", f->target_keys);
}

static void
fill_free(struct sink *s)
{
	struct fill *f = (struct fill *)s;
	struct err e = { .kind = ERR_SIGNAL };

	/* Whoever feeds us failed: tidy up, and say how far it came. */
	if (f->begun && !f->ended && !f->stopping && !f->o.plan) {
		fill_stop(f, &e);
		if (e.text[0] == ';')
			stage_warn("%s", e.text + 2);
	}
	fill_disconnect(f);
	for (struct fill_torn *t = f->torn, *next; t != NULL; t = next) {
		next = t->next;
		free(t);
	}
	commands_free(f->commands);
	if (f->recast != NULL)
		rdb_recast_release(f->recast);
	free(f->recast);
	rdb_write_release(&f->recast_out);
	twins_release(&f->twins);
	survey_release(&f->survey);
	rdb_object_release(&f->object);
	server_release(&f->server);
	free(f->hold);
	free(f);
}

static const struct sink_ops fill_ops = {
	.put = fill_put,
	.commit = fill_commit,
	.tell = fill_tell,
	.free = fill_free,
};

struct sink *
fill_new(
    struct server *server, const struct fill_options *options, struct err *e)
{
	struct fill *f = calloc(1, sizeof *f);

	if (f == NULL) {
		server_release(server);
		err_sys(e, "no memory for the restore");
		return NULL;
	}
	f->base.ops = &fill_ops;
	f->o = *options;
	f->server = *server;
	f->per_node = 1;
	whole_rdb_init(&f->whole);
	rdb_object_init(&f->object);
	rdb_write_init(&f->recast_out);
	twins_init(&f->twins, TWINS);
	expiring_init(&f->expiring, clock_wall());
	return &f->base;
}
