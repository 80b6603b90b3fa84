/* losses.c -- see losses.h. */
#include "stages/keys/losses.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "stages/kit/stage.h"

#define KEY_SHOWN 160 /* characters of a key on standard error */

bool
losses_open(struct losses *l, const char *path, struct err *e)
{
	memset(l, 0, sizeof *l);
	l->path = path;
	if (path != NULL && (l->list = fopen(path, "we")) == NULL)
		return err_sys(e, "cannot open %s", path);
	return true;
}

void
losses_release(struct losses *l)
{
	if (l->list != NULL)
		fclose(l->list);
	l->list = NULL;
}

/* " field-ttls 3 keys 1" */
static void
kinds_print(const uint64_t lost[RDB_LOSSES], char *text, size_t cap)
{
	size_t n = 0;

	text[0] = '\0';
	for (int i = 0; i < RDB_LOSSES && n < cap; i++)
		if (lost[i] > 0)
			n += (size_t)snprintf(text + n, cap - n, " %s %" PRIu64,
			    rdb_loss_name((enum rdb_loss)i), lost[i]);
}

/* A key in full; text has room for four characters a byte. */
static void
key_list(FILE *to, const struct rdb_object *o, const char *kinds)
{
	char part[4 * 64 + 16];

	fprintf(to, "db %" PRIu64 " key \"", o->db);
	for (size_t at = 0; at < o->key.len; at += 64) {
		size_t n = o->key.len - at < 64 ? o->key.len - at : 64;

		fputs(err_quote(part, sizeof part, o->key.ptr + at, n), to);
	}
	fprintf(to, "\"%s\n", kinds);
}

static void
key_say(const struct rdb_object *o, const char *kinds)
{
	char key[KEY_SHOWN];

	stage_say("dropped: db %" PRIu64 " key \"%s\"%s", o->db,
	    err_quote(key, sizeof key, o->key.ptr, o->key.len), kinds);
}

void
losses_key(struct losses *l, const struct rdb_object *o,
    const uint64_t lost[RDB_LOSSES])
{
	char kinds[400];
	bool any = false;

	for (int i = 0; i < RDB_LOSSES; i++) {
		l->of[i] += lost[i];
		any |= lost[i] > 0;
	}
	if (!any)
		return;
	kinds_print(lost, kinds, sizeof kinds);
	if (l->list != NULL)
		key_list(l->list, o, kinds);
	else if (l->keys < LOSSES_SHOWN)
		key_say(o, kinds);
	else if (l->keys == LOSSES_SHOWN)
		stage_say("dropped: more keys follow; --lossy-list lists all");
	l->keys++;
}

void
losses_other(struct losses *l, enum rdb_loss loss)
{
	l->of[loss]++;
	if (l->list != NULL)
		fprintf(l->list, "%s 1\n", rdb_loss_name(loss));
}

bool
losses_end(struct losses *l, struct err *e)
{
	FILE *list = l->list;
	char kinds[400];

	kinds_print(l->of, kinds, sizeof kinds);
	if (kinds[0] != '\0')
		stage_warn(
		    "dropped in all, from %" PRIu64 " keys:%s", l->keys, kinds);
	l->list = NULL;
	if (list != NULL && (ferror(list) | (fclose(list) != 0)))
		return err_sys(e, "cannot write %s", l->path);
	return true;
}
