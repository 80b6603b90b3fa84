/* keys.c -- see keys.h. */
#include "stages/print/keys.h"

#include <stdlib.h>

#include "stages/print/escape.h"

struct keys {
	struct format base;
	bool nul;
	struct escape escape;
};

static bool
keys_object(
    struct format *f, const struct rdb_object *o, bool valkey, struct err *e)
{
	struct keys *k = (struct keys *)f;

	(void)valkey, (void)e;
	if (k->nul) {
		output_bytes(f->out, o->key.ptr, o->key.len);
	} else {
		escape_add(&k->escape, f->out, o->key.ptr, o->key.len);
		escape_end(&k->escape, f->out);
	}
	output_byte(f->out, k->nul ? '\0' : '\n');
	return true;
}

static void
keys_free(struct format *f)
{
	free(f);
}

static const struct format_ops ops = {
	.name = "keys",
	.object = keys_object,
	.free = keys_free,
};

struct format *
keys_new(struct output *out, bool nul, struct err *e)
{
	struct keys *k = calloc(1, sizeof *k);

	if (k == NULL) {
		err_sys(e, "cannot set up the list of keys");
		return NULL;
	}
	k->base = (struct format){ .ops = &ops, .out = out };
	k->nul = nul;
	escape_init(&k->escape, ESCAPE_LINE);
	return &k->base;
}
