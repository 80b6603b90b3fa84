/* resp.c -- see resp.h. */
#include "stages/print/resp.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "stages/redis/commands.h"

struct resp {
	struct format base;
	const struct rdb_engine *target;
	bool replace, selected;
	uint64_t db;
	struct commands *commands;
};

static bool
commands_put(void *arg, struct span bytes, struct err *e)
{
	struct resp *r = arg;

	(void)e;
	output_bytes(r->base.out, bytes.ptr, bytes.len);
	return true;
}

/* Up to here a server has whole commands. */
static bool
commands_end(void *arg, struct err *e)
{
	struct resp *r = arg;

	(void)e;
	output_whole(r->base.out);
	return true;
}

/* The oldest server that reads such a stream. */
static const struct rdb_engine *
oldest(int version, bool valkey)
{
	for (unsigned i = 0; rdb_engine_names[i] != NULL; i++)
		if (rdb_engine_reads(rdb_engine_at(i), version, valkey, false))
			return rdb_engine_at(i);
	return NULL;
}

static bool
resp_begin(struct format *f, int version, bool valkey, struct err *e)
{
	struct resp *r = (struct resp *)f;
	struct commands_out out = {
		.put = commands_put, .end = commands_end, .arg = r
	};
	struct commands_target target = { 0 };

	if (r->target == NULL)
		r->target = oldest(version, valkey);
	if (r->target == NULL)
		return err_set(e, ERR_USAGE,
		    "no server is known that reads this version; --target "
		    "says for which to print");
	target.valkey = r->target->valkey;
	target.version =
	    COMMANDS_VERSION(r->target->major, r->target->minor, 0);
	r->commands = commands_new(&target, &out, e);
	return r->commands != NULL;
}

static bool
resp_library(
    struct format *f, const struct rdb_run *run, bool valkey, struct err *e)
{
	return commands_function(((struct resp *)f)->commands, run, valkey, e);
}

static void
select_put(struct resp *r, uint64_t db)
{
	char digits[24], command[80];
	int n, len;

	if (r->selected && r->db == db)
		return;
	r->selected = true;
	r->db = db;
	n = snprintf(digits, sizeof digits, "%" PRIu64, db);
	len = snprintf(command, sizeof command,
	    "*2\r\n$6\r\nSELECT\r\n$%d\r\n%s\r\n", n, digits);
	output_bytes(r->base.out, command, (size_t)len);
}

static bool
resp_object(
    struct format *f, const struct rdb_object *o, bool valkey, struct err *e)
{
	struct resp *r = (struct resp *)f;

	select_put(r, o->db);
	if (r->replace && !commands_delete(r->commands, o, e))
		return false;
	return commands_begin(r->commands, o, valkey, e);
}

static bool
resp_run(struct format *f, const struct rdb_run *run, struct err *e)
{
	return commands_feed(((struct resp *)f)->commands, run, e);
}

static void
resp_free(struct format *f)
{
	commands_free(((struct resp *)f)->commands);
	free(f);
}

static const struct format_ops ops = {
	.name = "resp",
	.libraries = true,
	.exact = true,
	.begin = resp_begin,
	.library_run = resp_library,
	.object = resp_object,
	.run = resp_run,
	.free = resp_free,
};

struct format *
resp_format_new(struct output *out, const struct rdb_engine *target,
    bool replace, struct err *e)
{
	struct resp *r = calloc(1, sizeof *r);

	if (r == NULL) {
		err_sys(e, "cannot set up the commands");
		return NULL;
	}
	r->base = (struct format){ .ops = &ops, .out = out };
	r->target = target;
	r->replace = replace;
	return &r->base;
}
