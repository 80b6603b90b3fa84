/*
 * explain.c -- a fault in words: where, which key, in what, and what.
 *
 * Keys come from the stream and may hold anything, terminal escapes included;
 * what is printed is printable.  All of this runs once, when all is lost
 * anyhow, and must work with whatever part of the key was saved.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "rdb/shape.h"
#include "rdb/text.h"
#include "rdb/walk.h"

#define SHOWN 128 /* characters of a key at most, before quoting */

/* Room for text; what does not fit is dropped. */
struct text {
	char *ptr, *end; /* end: where the NUL can still go */
};

static void
text_add(struct text *t, const char *s)
{
	for (; *s != '\0' && t->ptr < t->end; s++)
		*t->ptr++ = *s;
	*t->ptr = '\0';
}

/* One byte of a key, quoted as redis-cli does. */
static void
text_byte(struct text *t, unsigned b)
{
	char buf[8];

	if (b == '"' || b == '\\')
		snprintf(buf, sizeof buf, "\\%c", (int)b);
	else if (b == '\n')
		snprintf(buf, sizeof buf, "\\n");
	else if (b == '\r')
		snprintf(buf, sizeof buf, "\\r");
	else if (b == '\t')
		snprintf(buf, sizeof buf, "\\t");
	else if (b < 0x20 || b > 0x7e)
		snprintf(buf, sizeof buf, "\\x%02x", b);
	else
		snprintf(buf, sizeof buf, "%c", (int)b);
	text_add(t, buf);
}

/* The key, as much as was saved of it and fits. */
static void
explain_key(const struct rdb_walk *w, struct text *t)
{
	struct rdb_chunk in = { w->key, w->key + w->key_len };
	struct rdb_text_run run = { .last = false };
	struct rdb_text key;
	size_t shown = 0;

	rdb_text_begin(&key);
	while (!run.last && shown < SHOWN &&
	    rdb_text_next(&key, &in, &run) == RDB_RUN) {
		if (run.first)
			text_add(t, ", key \"");
		for (size_t i = 0; i < run.len && shown < SHOWN; i++, shown++)
			text_byte(t, run.ptr[i]);
		run.last = run.last && shown == run.size;
	}
	if (shown > 0 || run.last)
		text_add(t, run.last ? "\"" : "\"...");
}

/* What was being read. */
static const char *
reading(const struct rdb_walk *w)
{
	static const char *const names[] = {
		[RDB_HEADER] = "in the header",
		[RDB_AUX_NAME] = "in the name of an aux field",
		[RDB_AUX_VALUE] = "in the value of an aux field",
		[RDB_FUNCTION] = "in a function library",
		[RDB_MODULE_AUX] = "in module aux data",
		[RDB_SELECT] = "in a database number",
		[RDB_RESIZE] = "in the number of keys to come",
		[RDB_SLOT] = "in cluster slots",
		[RDB_EXPIRE] = "in an expiry",
		[RDB_IDLE] = "in an idle time",
		[RDB_FREQ] = "in an access frequency",
		[RDB_META] = "in key metadata",
		[RDB_OTHER] = "in a number of Redis Enterprise",
		[RDB_KEY] = "in the key",
		[RDB_TRAILER] = "in the checksum",
	};

	return w->label == RDB_VALUE ? NULL : names[w->label];
}

static void
explain_place(const struct rdb_walk *w, struct text *t)
{
	if (w->label == RDB_VALUE) {
		text_add(t, ", in ");
		text_add(t, w->row->name);
	} else if (reading(w) != NULL) {
		text_add(t, ", ");
		text_add(t, reading(w));
	}
}

static void
explain_fault(const struct rdb_walk *w, struct text *t)
{
	const struct rdb_fault *f = &w->fault;
	char buf[96];

	if (f->what == walk_too_new) {
		snprintf(buf, sizeof buf,
		    "RDB version %d is newer than %d, "
		    "the last %sthis program knows",
		    w->version,
		    w->valkey ? RDB_VERSION_VALKEY_MAX : RDB_VERSION_MAX,
		    w->valkey ? "of Valkey " : "");
		text_add(t, buf);
	} else if (f->what == walk_not_valkey) {
		snprintf(buf, sizeof buf,
		    "RDB version %d under the magic "
		    "VALKEY, whose first is %d",
		    w->version, RDB_VERSION_VALKEY_MAX);
		text_add(t, buf);
	} else {
		text_add(t, f->what);
	}
	if (f->has_byte) {
		snprintf(buf, sizeof buf, " (0x%02x)", f->byte);
		text_add(t, buf);
	}
}

/* Where the stream ended too early. */
static void
explain_cut(const struct rdb_walk *w, struct text *t)
{
	if (w->at == 0)
		text_add(t, ": nothing there, not even a header");
	else if (w->state == WALK_BETWEEN)
		text_add(t, ": cut short before the end mark");
	else
		text_add(t, ": cut short");
}

void
rdb_walk_explain(
    const struct rdb_walk *w, bool cut_short, char *buf, size_t cap)
{
	struct text t = { buf, buf + cap - 1 };
	char at[40];

	if (cap == 0)
		return;
	snprintf(
	    at, sizeof at, "offset %" PRIu64, cut_short ? w->at : w->fault.at);
	text_add(&t, at);
	if (w->key_known)
		explain_key(w, &t);
	if (cut_short ? w->at > 0 && w->state != WALK_BETWEEN :
			w->label != RDB_HEADER)
		explain_place(w, &t);
	if (cut_short) {
		explain_cut(w, &t);
		return;
	}
	text_add(&t, ": ");
	explain_fault(w, &t);
}
