/*
 * verb-prune.c -- `rdbpipe prune`: what rules do not keep is removed, and
 * what attempts left behind.
 */
#include "pipeline/verb.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pipeline/figure.h"
#include "pipeline/keeping.h"
#include "pipeline/lease.h"
#include "pipeline/moment.h"
#include "pipeline/place.h"
#include "pipeline/say.h"
#include "pipeline/table.h"
#include "stages/kit/clock.h"
#include "stages/kit/stop.h"

enum { FORMAT_TEXT, FORMAT_JSON };

static const char *const formats[] = { "text", "json", NULL };
static int format;
static bool dry_run;
static const char *keep, *keep_within, *timezone_name, *now_text;
static const char *counts[KEEP_BY];
static int64_t litter_ms = RETENTION_LITTER;

/* clang-format off */
static const struct opt opts[] = {
	{ OPT_TEXT, 0, "keep", &keep, "PERIOD",
	    "keep all of so long before the last good one, such as 7d",
	    0, 0, NULL, NULL },
	{ OPT_TEXT, 0, "keep-within", &keep_within, "PERIOD",
	    "the same, such as 2y5m7d3h", 0, 0, NULL, NULL },
	{ OPT_TEXT, 0, "keep-last", &counts[KEEP_LAST], "N",
	    "keep the last N", 0, 0, NULL, NULL },
	{ OPT_TEXT, 0, "keep-hourly", &counts[KEEP_HOURLY], "N",
	    "keep the newest of each of N hours", 0, 0, NULL, NULL },
	{ OPT_TEXT, 0, "keep-daily", &counts[KEEP_DAILY], "N",
	    "... of N days", 0, 0, NULL, NULL },
	{ OPT_TEXT, 0, "keep-weekly", &counts[KEEP_WEEKLY], "N",
	    "... of N weeks", 0, 0, NULL, NULL },
	{ OPT_TEXT, 0, "keep-monthly", &counts[KEEP_MONTHLY], "N",
	    "... of N months", 0, 0, NULL, NULL },
	{ OPT_TEXT, 0, "keep-yearly", &counts[KEEP_YEARLY], "N",
	    "... of N years", 0, 0, NULL, NULL },
	{ OPT_TEXT, 0, "timezone", &timezone_name, "ZONE",
	    "whose days and hours (default: UTC)", 0, 0, NULL, NULL },
	{ OPT_TIME, 0, "litter", &litter_ms, "TIME",
	    "remove unfinished attempts after so long (default 2d)",
	    1, INT64_MAX, NULL, NULL },
	{ OPT_FLAG, 'n', "dry-run", &dry_run, NULL,
	    "only print what would be done, and why", 0, 0, NULL, NULL },
	{ OPT_TEXT, 0, "now", &now_text, "TIME",
	    "with --dry-run: as if it were that time", 0, 0, NULL, NULL },
	{ OPT_CHOICE, 0, "format", &format, "FORMAT",
	    "text (default) or json", 0, 0, formats, NULL },
	OPT_TABLE_END,
};
/* clang-format on */

/* --- rules --- */

struct ruling {
	struct retention given; /* on the command line */
	struct zone *zone;
	struct keeping keeping;
};

static bool
given_read(struct ruling *r, struct err *e)
{
	static const char *const names[] = { "last", "hourly", "daily",
		"weekly", "monthly", "yearly" };
	const char *period = keep != NULL ? keep : keep_within;

	if (keep != NULL && keep_within != NULL)
		return err_set(e, ERR_USAGE,
		    "--keep and --keep-within are the same; give one");
	if (period != NULL && !retention_period(period, &r->given.within, e))
		return err_in(e, keep != NULL ? "--keep" : "--keep-within");
	for (int by = 0; by < KEEP_BY; by++)
		if (counts[by] != NULL &&
		    !retention_count(counts[by], &r->given.count[by], e))
			return err_in(e, "--keep-%s", names[by]);
	if (timezone_name != NULL && !retention_is_set(&r->given))
		return err_set(e, ERR_USAGE,
		    "--timezone is for the rules given with it; plans have "
		    "their own");
	if (timezone_name != NULL && !zone_open(&r->zone, timezone_name, e))
		return err_in(e, "--timezone");
	r->given.zone = r->zone;
	return true;
}

/* --- uploads that nobody will finish --- */

struct upload {
	char *key, *id;
};

struct uploads {
	struct json_list list; /* of struct upload */
	int64_t age_ms;        /* of those that go: this and more */
	const char *instance;
};

/* Ours is "instance/id/object"; of one instance, if one was named. */
static bool
is_ours(const struct uploads *u, const char *key)
{
	const char *id = strchr(key, '/'), *object;
	char text[IDENT_MAX + 2];

	if (id == NULL || (object = strchr(++id, '/')) == NULL ||
	    (size_t)(object - id) > IDENT_MAX)
		return false;
	snprintf(text, sizeof text, "%.*s", (int)(object - id), id);
	return ident_id_ok(text) &&
	    (u->instance == NULL ||
		(strncmp(key, u->instance, strlen(u->instance)) == 0 &&
		    key[strlen(u->instance)] == '/'));
}

static bool
upload_keep(void *arg, const struct store_upload *o, struct err *e)
{
	struct uploads *u = arg;
	struct upload *new;

	/* By the store's clock: ours may be wrong, and what is of an unknown
	 * age may be somebody's at work. */
	if (o->age_ms < 0 || o->age_ms < u->age_ms || !is_ours(u, o->key))
		return true;
	if ((new = json_list_add(&u->list, sizeof *new, e)) == NULL)
		return false;
	new->key = strdup(o->key);
	new->id = strdup(o->id);
	return (new->key != NULL &&new->id != NULL) ||
	    err_sys(e, "cannot list uploads");
}

static void
uploads_release(struct uploads *u)
{
	for (size_t i = 0; i < u->list.n; i++) {
		struct upload *one = (struct upload *)u->list.item + i;

		free(one->key);
		free(one->id);
	}
	free(u->list.item);
}

/* --- printing --- */

struct row {
	char *instance, *id, *type, *reason;
	int state;
	int64_t started;
	uint64_t stored;
	bool keep;
};

struct sheet {
	uint64_t format;
	bool dry_run;
	struct json_list rows;
	uint64_t kept, removed, freed, uploads;
};

static const char *const states[] = { "complete", "suspect", "broken",
	"unfinished", "failed", NULL };

/* clang-format off */
#define AT(m) .at = offsetof(struct row, m)
#define IN(m) .at = offsetof(struct sheet, m)

static const struct json_field row_fields[] = {
	{ FIELD_TEXT, "id", AT(id) },
	{ FIELD_TEXT, "instance", AT(instance) },
	{ FIELD_TEXT, "type", AT(type) },
	{ FIELD_CHOICE, "state", AT(state), .words = states },
	{ FIELD_TIME, "started", AT(started) },
	{ FIELD_COUNT, "stored-bytes", AT(stored) },
	{ FIELD_FLAG, "keep", AT(keep) },
	{ FIELD_TEXT, "reason", AT(reason) },
	FIELD_END
};

static const struct json_field sheet_fields[] = {
	{ FIELD_COUNT, "format", IN(format) },
	{ FIELD_FLAG, "dry-run", IN(dry_run) },
	{ FIELD_LIST, "backups", IN(rows), .of = row_fields,
	    .size = sizeof(struct row) },
	{ FIELD_COUNT, "kept", IN(kept) },
	{ FIELD_COUNT, "removed", IN(removed) },
	{ FIELD_COUNT, "freed-bytes", IN(freed) },
	{ FIELD_COUNT, "uploads-removed", IN(uploads) },
	FIELD_END
};
/* clang-format on */

static bool
row_add(struct sheet *sheet, const struct stock_item *item,
    const struct retention_backup *b, struct err *e)
{
	struct row *r = json_list_add(&sheet->rows, sizeof *r, e);

	if (r == NULL)
		return false;
	r->id = strdup(item->name.id);
	r->instance = strdup(item->name.instance);
	r->type = strdup(strrchr(item->name.id, '-') + 1);
	r->reason = strdup(b->reason);
	r->state = (int)b->state + b->failed;
	r->started = b->started;
	r->stored = item->stored;
	r->keep = b->keep;
	sheet->kept += b->keep;
	sheet->removed += !b->keep;
	sheet->freed += b->keep ? 0 : item->stored;
	return (r->id != NULL && r->instance != NULL && r->type != NULL &&
		   r->reason != NULL) ||
	    err_sys(e, "cannot list");
}

static bool
row_cells(struct table *t, const struct row *r, struct err *e)
{
	char stored[FIGURE_LEN] = "-";

	if (r->stored > 0)
		figure_bytes(stored, r->stored);
	return table_cell(t, r->id, e) && table_cell(t, r->instance, e) &&
	    table_cell(t, states[r->state], e) && table_cell(t, stored, e) &&
	    table_cell(t, r->keep ? "keep" : "remove", e) &&
	    table_cell(t, r->reason, e);
}

static bool
text_print(const struct sheet *sheet, struct err *e)
{
	static const char *const head[] = { "ID", "INSTANCE", "STATE", "STORED",
		"ACTION", "REASON" };
	struct table t = { .columns = COUNT_OF(head), .right = 0x8 };
	bool ok = true;

	for (size_t i = 0; ok && i < COUNT_OF(head); i++)
		ok = table_cell(&t, head[i], e);
	for (size_t i = 0; ok && i < sheet->rows.n; i++)
		ok = row_cells(&t, (const struct row *)sheet->rows.item + i, e);
	if (ok)
		table_print(&t, stdout);
	table_release(&t);
	return ok;
}

static bool
sheet_print(const struct sheet *sheet, struct err *e)
{
	char *text;

	if (format == FORMAT_TEXT)
		return text_print(sheet, e);
	if (!json_print(sheet_fields, sheet, true, &text, e))
		return false;
	printf("%s\n", text);
	free(text);
	return true;
}

/* --- the story --- */

struct pruning {
	struct store *store;
	const char *instance;
	struct stock stock;
	struct ruling ruling;
	struct uploads uploads;
	struct sheet sheet;
	int64_t now;
};

static bool
times_read(struct pruning *p, struct err *e)
{
	p->now = clock_wall();
	if (now_text == NULL)
		return true;
	if (!dry_run)
		return err_set(e, ERR_USAGE, "--now is for --dry-run only");
	return moment_take(now_text, &p->now) ||
	    err_set(e, ERR_USAGE,
		"--now wants a time (UTC) such as 2026-11-22, not '%s'",
		now_text);
}

/* An attempt whose instance is being backed up may be that backup, however
 * old it looks: it stays. */
static bool
leases_respect(struct pruning *p, struct err *e)
{
	const char *asked = "";
	char who[LEASE_WHO_LEN];
	bool busy = false;

	for (size_t i = 0; i < p->stock.n; i++) {
		struct retention_backup *b = stock_backup(&p->stock, i);
		const char *instance = stock_item(&p->stock, i)->name.instance;

		if (b->keep || b->state != RETAIN_UNFINISHED || b->failed)
			continue;
		if (strcmp(asked, instance) != 0 &&
		    !lease_look(p->store, instance, &busy, who, e))
			return false;
		asked = instance;
		if (busy) {
			b->keep = true;
			snprintf(b->reason, sizeof b->reason,
			    "unfinished, a backup is at work");
		}
	}
	return true;
}

static bool
prepare(struct pruning *p, struct err *e)
{
	if (!times_read(p, e) || !given_read(&p->ruling, e) ||
	    !place_instance(&p->instance, e))
		return false;
	if (retention_is_set(&p->ruling.given))
		p->ruling.keeping.given = &p->ruling.given;
	if ((p->ruling.keeping.given == NULL &&
		!config_shared(&p->ruling.keeping.config, e)) ||
	    !place_open(&p->store, e))
		return false;
	p->uploads.instance = p->instance;
	p->uploads.age_ms = litter_ms - (p->now - clock_wall());
	return stock_take(&p->stock, p->store, p->instance, e) &&
	    stock_decide(&p->stock, keeping_rules, &p->ruling.keeping, p->now,
		litter_ms, e) &&
	    leases_respect(p, e) &&
	    (!store_is_remote(store_url_of(p->store, "x")) ||
		store_list_uploads(p->store, "", upload_keep, &p->uploads, e));
}

static bool
sheet_fill(struct pruning *p, struct err *e)
{
	p->sheet.format = 1;
	p->sheet.dry_run = dry_run;
	p->sheet.uploads = p->uploads.list.n;
	for (size_t i = 0; i < p->stock.n; i++)
		if (!row_add(&p->sheet, stock_item(&p->stock, i),
			stock_backup(&p->stock, i), e))
			return false;
	return true;
}

/* Uploads last: until now somebody might have gone on with them. */
static bool
remove_all(struct pruning *p, struct err *e)
{
	const struct upload *up = p->uploads.list.item;
	size_t removed;

	if (!keeping_apply(&p->stock, p->store, &removed, e))
		return false;
	for (size_t i = 0; i < p->uploads.list.n; i++) {
		const struct store_upload one = { .key = up[i].key,
			.id = up[i].id };

		if (!stop_check(e) || !store_remove_upload(p->store, &one, e))
			return false;
	}
	return true;
}

static void
tell(const struct sheet *s)
{
	char freed[FIGURE_LEN];

	say("%" PRIu64 " kept, %" PRIu64 " %s, %s%s", s->kept, s->removed,
	    dry_run ? "would be removed" : "removed",
	    figure_bytes(freed, s->freed),
	    s->uploads > 0 ? "; also uploads that were never finished" : "");
}

static bool
prune_run(const struct operands *args, struct err *e)
{
	struct pruning p = { 0 };
	bool ok =
	    prepare(&p, e) && sheet_fill(&p, e) && sheet_print(&p.sheet, e);

	(void)args;
	fflush(stdout); /* the reasons are out before anything is done */
	if (ok && !dry_run)
		ok = remove_all(&p, e);
	if (ok)
		tell(&p.sheet);
	json_release(sheet_fields, &p.sheet, sizeof p.sheet);
	uploads_release(&p.uploads);
	keeping_close(&p.ruling.keeping);
	zone_close(p.ruling.zone);
	stock_release(&p.stock);
	if (p.store != NULL)
		store_close(p.store);
	return ok;
}

static const char *const notes[] = {
	"Without a rule, those of the plans for each instance are followed; "
	"where",
	"there is no plan, only what has expired and unfinished attempts go.  "
	"The",
	"last verified good backup stays, whatever the rules.",
	NULL,
};

const struct verb verb_prune = {
	.name = "prune",
	.brief = "remove backups that no rule keeps",
	.tables = { opts, place_instance_opts, place_store_opts },
	.notes = notes,
	.run = prune_run,
};
