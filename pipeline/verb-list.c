/*
 * verb-list.c -- `rdbpipe list`: what the store holds, as a table for people
 * or as JSON for programs (described in docs/manifest.md), ours or that of a
 * managed service (tencentdb.h).
 */
#include "pipeline/verb.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pipeline/catalogue.h"
#include "pipeline/figure.h"
#include "pipeline/moment.h"
#include "pipeline/place.h"
#include "pipeline/say.h"
#include "pipeline/table.h"
#include "pipeline/tencentdb.h"
#include "stages/kit/clock.h"

enum { FORMAT_TEXT, FORMAT_JSON, FORMAT_TENCENTDB };
enum { ROW_COMPLETE, ROW_SUSPECT, ROW_BROKEN, ROW_UNFINISHED, ROW_FAILED };

static const char *const formats[] = { "text", "json", "tencentdb", NULL };
static const char *const states[] = { "complete", "suspect", "broken",
	"unfinished", "failed", NULL };
static int format, type = -1, state = -1;
static bool all;
static const char *since_text, *until_text;

/* clang-format off */
static const struct opt opts[] = {
	{ OPT_CHOICE, 0, "format", &format, "FORMAT",
	    "text (default), json, or tencentdb: as that service answers",
	    0, 0, formats, NULL },
	{ OPT_FLAG, 'a', "all", &all, NULL,
	    "also unfinished attempts, which have no manifest", 0, 0, NULL,
	    NULL },
	{ OPT_CHOICE, 0, "type", &type, "TYPE",
	    "only auto, or only manual", 0, 0, manifest_types, NULL },
	{ OPT_CHOICE, 0, "state", &state, "STATE",
	    "only complete, suspect, broken, unfinished or failed", 0, 0, states,
	    NULL },
	{ OPT_TEXT, 0, "since", &since_text, "TIME",
	    "only what was started then (UTC) or later", 0, 0, NULL, NULL },
	{ OPT_TEXT, 0, "until", &until_text, "TIME",
	    "only what was started before", 0, 0, NULL, NULL },
	OPT_TABLE_END,
};
/* clang-format on */

/* One line of the list.  What only a good one has is zero in the others. */
struct row {
	char *id, *instance, *type, *remark, *reason, *verified;
	int state;
	int64_t started, finished, expires;
	uint64_t raw, stored, keys, shards;
	bool hold;
};

struct list {
	uint64_t format;
	struct json_list rows;
	uint64_t unfinished, broken;
	int64_t since, until;
	struct tencentdb theirs;
};

/* clang-format off */
#define AT(m) .at = offsetof(struct row, m)

static const struct json_field row_fields[] = {
	{ FIELD_TEXT, "id", AT(id) },
	{ FIELD_TEXT, "instance", AT(instance) },
	{ FIELD_CHOICE, "state", AT(state), .words = states },
	{ FIELD_TEXT, "reason", AT(reason), .null = true },
	{ FIELD_TEXT, "type", AT(type) },
	{ FIELD_TEXT, "remark", AT(remark), .null = true },
	{ FIELD_TIME, "started", AT(started), .null = true },
	{ FIELD_TIME, "finished", AT(finished), .null = true },
	{ FIELD_TIME, "expires", AT(expires), .null = true },
	{ FIELD_FLAG, "hold", AT(hold) },
	{ FIELD_TEXT, "verified", AT(verified), .null = true },
	{ FIELD_COUNT, "shards", AT(shards) },
	{ FIELD_COUNT, "keys", AT(keys) },
	{ FIELD_COUNT, "raw-bytes", AT(raw) },
	{ FIELD_COUNT, "stored-bytes", AT(stored) },
	FIELD_END
};

static const struct json_field list_fields[] = {
	{ FIELD_COUNT, "format", .at = offsetof(struct list, format) },
	{ FIELD_LIST, "backups", .at = offsetof(struct list, rows),
	    .of = row_fields, .size = sizeof(struct row) },
	{ FIELD_COUNT, "broken", .at = offsetof(struct list, broken) },
	{ FIELD_COUNT, "unfinished", .at = offsetof(struct list, unfinished) },
	FIELD_END
};
/* clang-format on */

/* --- gathering --- */

static bool
text_keep(char **to, const char *text, struct err *e)
{
	if (text == NULL)
		return true;
	*to = strdup(text);
	return *to != NULL || err_sys(e, "cannot list");
}

static bool
row_good(struct row *r, const struct manifest *m, struct err *e)
{
	struct manifest_total t = manifest_total(m);

	r->started = m->started;
	r->finished = m->finished;
	r->expires = m->expires;
	r->shards = m->shards.n;
	r->raw = t.raw;
	r->stored = t.stored;
	r->keys = t.keys;
	return text_keep(&r->remark, m->remark, e) &&
	    text_keep(&r->verified, manifest_verified(m), e);
}

static int
state_of(const struct catalogue_entry *entry)
{
	if (entry->kind == BACKUP_UNFINISHED)
		return ROW_UNFINISHED;
	if (entry->kind == BACKUP_FAILED)
		return ROW_FAILED;
	if (entry->manifest == NULL)
		return ROW_BROKEN;
	return entry->manifest->state == STATE_COMPLETE ? ROW_COMPLETE :
							  ROW_SUSPECT;
}

/* Is it asked for?  By type and time, which an id tells. */
static bool
is_meant(const struct list *l, const struct catalogue_entry *entry)
{
	int64_t started;

	return (type == -1 ||
		   strcmp(strrchr(entry->id, '-') + 1, manifest_types[type]) ==
		       0) &&
	    moment_of_stamp(entry->id, &started) && started >= l->since &&
	    started < l->until;
}

static bool
row_add(
    struct list *l, const struct catalogue_entry *entry, int is, struct err *e)
{
	struct row *r = json_list_add(&l->rows, sizeof *r, e);

	if (r == NULL)
		return false;
	r->state = is;
	r->hold = entry->held;
	return text_keep(&r->id, entry->id, e) &&
	    text_keep(&r->instance, entry->instance, e) &&
	    text_keep(&r->type, strrchr(entry->id, '-') + 1, e) &&
	    (entry->manifest != NULL ?
		    row_good(r, entry->manifest, e) :
		    text_keep(&r->reason, entry->fault->text, e));
}

static bool
entry_take(void *arg, const struct catalogue_entry *entry, struct err *e)
{
	struct list *l = arg;
	int is = state_of(entry);

	if (!is_meant(l, entry))
		return true;
	l->unfinished += is == ROW_UNFINISHED;
	l->broken += is == ROW_BROKEN;
	if (state == -1 ? is == ROW_UNFINISHED && !all : is != state)
		return true;
	return format == FORMAT_TENCENTDB ?
	    tencentdb_add(&l->theirs, entry, e) :
	    row_add(l, entry, is, e);
}

/* --- printing --- */

/* Whole seconds are enough for people. */
static void
moment_people(int64_t ms, char to[MOMENT_LEN + 1])
{
	moment_print(ms, to);
	memcpy(to + MOMENT_LEN - sizeof ".123Z" + 1, "Z", 2);
}

static bool
row_cells(struct table *t, const struct row *r, struct err *e)
{
	char raw[FIGURE_LEN] = "-", stored[FIGURE_LEN] = "-",
	     took[FIGURE_LEN] = "-", keys[FIGURE_LEN] = "-",
	     started[MOMENT_LEN + 1] = "-", expires[MOMENT_LEN + 1] = "-";
	const char *remark = r->remark != NULL ? r->remark : "";

	if (r->shards > 0) {
		figure_bytes(raw, r->raw);
		figure_bytes(stored, r->stored);
		figure_time(took, r->finished - r->started);
		snprintf(keys, sizeof keys, "%" PRIu64, r->keys);
		moment_people(r->started, started);
	}
	if (r->expires != 0)
		moment_people(r->expires, expires);
	if (r->hold)
		snprintf(expires, sizeof expires, "held");
	return table_cell(t, r->id, e) && table_cell(t, r->instance, e) &&
	    table_cell(t, r->type, e) && table_cell(t, states[r->state], e) &&
	    table_cell(t, raw, e) && table_cell(t, stored, e) &&
	    table_cell(t, keys, e) && table_cell(t, started, e) &&
	    table_cell(t, took, e) && table_cell(t, expires, e) &&
	    table_cell(t, r->verified != NULL ? r->verified : "-", e) &&
	    table_cell(t, r->reason != NULL ? r->reason : remark, e);
}

static bool
text_print(const struct list *l, struct err *e)
{
	static const char *const head[] = { "ID", "INSTANCE", "TYPE", "STATE",
		"RAW", "STORED", "KEYS", "STARTED", "TOOK", "EXPIRES",
		"VERIFIED", "REMARK" };
	struct table t = { .columns = COUNT_OF(head), .right = 0x170 };
	bool ok = true;

	for (size_t i = 0; ok && i < COUNT_OF(head); i++)
		ok = table_cell(&t, head[i], e);
	for (size_t i = 0; ok && i < l->rows.n; i++)
		ok = row_cells(&t, (struct row *)l->rows.item + i, e);
	if (ok)
		table_print(&t, stdout);
	table_release(&t);
	return ok;
}

static bool
list_print(struct list *l, struct err *e)
{
	char *text;

	if (format == FORMAT_TENCENTDB)
		return tencentdb_print(&l->theirs, e);
	if (format == FORMAT_TEXT)
		return text_print(l, e);
	if (!json_print(list_fields, l, true, &text, e))
		return false;
	printf("%s\n", text);
	free(text);
	return true;
}

static void
rest_say(const struct list *l)
{
	if (l->unfinished > 0 && !all && state == -1)
		say("%" PRIu64 " unfinished %s without a manifest, see --all",
		    l->unfinished, l->unfinished == 1 ? "attempt" : "attempts");
	if (l->broken > 0)
		say("%" PRIu64 " broken %s", l->broken,
		    l->broken == 1 ? "manifest" : "manifests");
}

static bool
time_take(const char *name, const char *text, int64_t *to, struct err *e)
{
	return text == NULL || moment_take(text, to) ||
	    err_set(e, ERR_USAGE,
		"--%s wants a time (UTC) such as 2026-11-22 or "
		"2026-11-22T02:03Z, not '%s'",
		name, text);
}

/* What is behind region= in the store's URL: owned by the caller; NULL: no
 * region. */
static char *
region_of(struct store *store)
{
	const char *s = strstr(store_url_of(store, "x"), "region=");

	return s != NULL ? strndup(s + strlen("region="),
			       strcspn(s + strlen("region="), "&")) :
			   NULL;
}

static bool
list_run(const struct operands *args, struct err *e)
{
	struct list l = { .format = 1, .until = INT64_MAX };
	struct store *store = NULL;
	const char *instance;
	char *region = NULL;
	bool ok = time_take("since", since_text, &l.since, e) &&
	    time_take("until", until_text, &l.until, e) &&
	    place_instance(&instance, e) && place_open(&store, e);

	(void)args;
	if (ok) {
		l.theirs.now = clock_wall();
		l.theirs.region = region = region_of(store);
		ok = catalogue_each(store, instance, entry_take, &l, e) &&
		    list_print(&l, e);
	}
	if (ok)
		rest_say(&l);
	if (store != NULL)
		store_close(store);
	tencentdb_release(&l.theirs);
	json_release(list_fields, &l, sizeof l);
	free(region);
	return ok;
}

static const char *const notes[] = {
	"The list is made from the store alone.  A backup whose manifest is",
	"refused is listed as broken, with the reason; it hides no other.",
	NULL,
};

const struct verb verb_list = {
	.name = "list",
	.brief = "list the backups in a store",
	.tables = { opts, place_instance_opts, place_store_opts },
	.notes = notes,
	.run = list_run,
};
