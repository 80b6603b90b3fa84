/*
 * verb-plan.c -- `rdbpipe plan show`: plans and their next starts; `rdbpipe
 * plan simulate`: every start in a time, and why it is then.
 */
#include "pipeline/verb.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pipeline/moment.h"
#include "pipeline/plan.h"
#include "pipeline/table.h"
#include "stages/kit/clock.h"

#define NEXT_STARTS 10
#define YEARS_MAX   INT64_C(20) * 366 * 86400 * 1000

enum { FORMAT_TEXT, FORMAT_JSON };

static const char *const formats[] = { "text", "json", NULL };
static int format;
static const char *from_text, *to_text, *now_text;

/* clang-format off */
static const struct opt opts[] = {
	{ OPT_TEXT, 0, "from", &from_text, "TIME",
	    "simulate: starts from then on (default: now)", 0, 0, NULL, NULL },
	{ OPT_TEXT, 0, "to", &to_text, "TIME",
	    "simulate: and before then (default: 30 days later)", 0, 0, NULL,
	    NULL },
	{ OPT_TEXT, 0, "now", &now_text, "TIME",
	    "simulate: as if nothing had run before; show: as if it were then",
	    0, 0, NULL, NULL },
	{ OPT_CHOICE, 0, "format", &format, "FORMAT",
	    "text (default) or json", 0, 0, formats, NULL },
	OPT_TABLE_END,
};
/* clang-format on */

static const char *const kinds[] = { "start", "late", "missed", NULL };
enum { KIND_START, KIND_LATE, KIND_MISSED };

struct start {
	char *plan, *instance, *local, *window, *why;
	int kind;
	int64_t at, opens, closes;
};

struct sheet {
	uint64_t format;
	int64_t from, to;
	struct json_list starts;
};

/* clang-format off */
#define AT(m) .at = offsetof(struct start, m)

static const struct json_field start_fields[] = {
	{ FIELD_TIME, "start", AT(at) },
	{ FIELD_TEXT, "local", AT(local) },
	{ FIELD_TEXT, "plan", AT(plan) },
	{ FIELD_TEXT, "instance", AT(instance) },
	{ FIELD_TEXT, "window", AT(window) },
	{ FIELD_CHOICE, "kind", AT(kind), .words = kinds },
	{ FIELD_TIME, "opens", AT(opens) },
	{ FIELD_TIME, "closes", AT(closes) },
	{ FIELD_TEXT, "why", AT(why) },
	FIELD_END
};

static const struct json_field sheet_fields[] = {
	{ FIELD_COUNT, "format", .at = offsetof(struct sheet, format) },
	{ FIELD_TIME, "from", .at = offsetof(struct sheet, from) },
	{ FIELD_TIME, "to", .at = offsetof(struct sheet, to), .null = true },
	{ FIELD_LIST, "starts", .at = offsetof(struct sheet, starts),
	    .of = start_fields, .size = sizeof(struct start) },
	FIELD_END
};
/* clang-format on */

/* --- starts --- */

/* One start is told: words, and how far into the window it is. */
static bool
why_make(struct start *s, const struct plan *p, const struct window_day *d,
    struct err *e)
{
	char note[PLAN_NOTE_LEN];
	int64_t minutes = (s->at - d->opens) / 60000;
	int n;

	plan_note(p, d, note);
	if (s->kind == KIND_START)
		n = asprintf(&s->why, "%dh%02dm into the window%s%s",
		    (int)(minutes / 60), (int)(minutes % 60),
		    *note != '\0' ? "; " : "", note);
	else
		n = asprintf(&s->why, "%s%s%s",
		    s->kind == KIND_LATE ?
			"the window has closed without, on-missed = run" :
			"nothing was running",
		    *note != '\0' ? "; " : "", note);
	return n != -1 || err_sys(e, "cannot plan");
}

/* "Mon 22:30-04:00"; NULL when there is no memory. */
static char *
window_text(const struct plan *p, const struct window_day *d)
{
	char days[WINDOW_TEXT_LEN], hours[WINDOW_TEXT_LEN], *text;

	window_days_print(1u << zone_date(d->day).weekday, days);
	window_hours_print(&p->window, hours);
	return asprintf(&text, "%s %s", days, hours) == -1 ? NULL : text;
}

static bool
start_add(struct sheet *sheet, const struct plan *p, const char *instance,
    const struct window_day *d, int kind, int64_t at, struct err *e)
{
	struct start *s = json_list_add(&sheet->starts, sizeof *s, e);
	char local[ZONE_TEXT_LEN];

	if (s == NULL)
		return false;
	s->kind = kind;
	s->at = at;
	s->opens = d->opens;
	s->closes = d->closes;
	zone_print(p->zone, at / 1000, local);
	s->plan = strdup(p->name);
	s->instance = strdup(instance);
	s->local = strdup(local);
	s->window = window_text(p, d);
	if (s->plan == NULL || s->instance == NULL || s->local == NULL ||
	    s->window == NULL)
		return err_sys(e, "cannot plan");
	return why_make(s, p, d, e);
}

/* Windows that opened before anything ran, and are over. */
static bool
missed_add(struct sheet *sheet, const struct plan *p, const char *instance,
    int64_t now, struct err *e)
{
	struct window_day d;
	bool ok = true, more = window_before(&p->window, sheet->from, &d);

	while (ok && more && d.opens < now) {
		int64_t at = window_start(&d, p->name, instance);

		if (at >= sheet->from && at < sheet->to && d.closes <= now)
			ok = start_add(
			    sheet, p, instance, &d, KIND_MISSED, at, e);
		more = window_after(&p->window, d.opens, &d);
	}
	return ok;
}

/* What a machine would do that is on from now, and knows of one backup. */
static bool
starts_add(struct sheet *sheet, const struct plan *p, const char *instance,
    int64_t last, int64_t now, size_t most, struct err *e)
{
	struct plan_due due;

	while (most > 0 && now < sheet->to &&
	    plan_due(p, instance, last, now, &due)) {
		if (due.verdict == PLAN_WAIT) {
			now = due.start;
			continue;
		}
		if (!start_add(sheet, p, instance, &due.day,
			due.verdict == PLAN_LATE ? KIND_LATE : KIND_START, now,
			e))
			return false;
		last = now;
		most--;
	}
	return true;
}

/* The window that is open at a moment counts as done when its place in it is
 * over: so only what is to come is listed. */
static int64_t
last_before(const struct plan *p, const char *instance, int64_t ms)
{
	struct window_day d;

	if (!window_before(&p->window, ms, &d))
		return 0;
	return window_start(&d, p->name, instance) < ms ? d.opens : 0;
}

static bool
instance_add(struct sheet *sheet, const struct plan *p, const char *instance,
    bool asleep, int64_t now, size_t most, struct err *e)
{
	if (!asleep)
		return starts_add(sheet, p, instance,
		    last_before(p, instance, sheet->from), sheet->from, most,
		    e);
	return missed_add(sheet, p, instance, now, e) &&
	    starts_add(sheet, p, instance, 0, now, most, e);
}

static int
start_order(const void *a, const void *b)
{
	const struct start *x = a, *y = b;
	int by = (x->at > y->at) - (x->at < y->at);

	if (by == 0)
		by = strcmp(x->plan, y->plan);
	return by != 0 ? by : strcmp(x->instance, y->instance);
}

static void
sheet_sort(struct sheet *sheet)
{
	if (sheet->starts.n > 0)
		qsort(sheet->starts.item, sheet->starts.n, sizeof(struct start),
		    start_order);
}

/* All instances of a plan. */
static bool
plan_add(struct sheet *sheet, const struct plan *p, const struct config *c,
    int64_t now, size_t most, struct err *e)
{
	bool ok = true;

	for (size_t i = 0; ok && i < c->sections.n; i++) {
		const struct config_section *s = config_section(c, i);

		if (s->of == OF_INSTANCE && config_is_for(p->section, s->name))
			ok = instance_add(
			    sheet, p, s->name, now != 0, now, most, e);
	}
	return ok;
}

static bool
starts_cells(struct table *t, const struct start *s, struct err *e)
{
	char at[MOMENT_LEN + 1];

	moment_print(s->at, at);
	memcpy(at + MOMENT_LEN - sizeof ".123Z" + 1, "Z", 2);
	return table_cell(t, at, e) && table_cell(t, s->local, e) &&
	    table_cell(t, s->plan, e) && table_cell(t, s->instance, e) &&
	    table_cell(t, s->window, e) && table_cell(t, kinds[s->kind], e) &&
	    table_cell(t, s->why, e);
}

static bool
starts_print(const struct sheet *sheet, size_t most, struct err *e)
{
	static const char *const head[] = { "START", "LOCAL", "PLAN",
		"INSTANCE", "WINDOW", "KIND", "WHY" };
	struct table t = { .columns = COUNT_OF(head) };
	bool ok = true;

	for (size_t i = 0; ok && i < COUNT_OF(head); i++)
		ok = table_cell(&t, head[i], e);
	for (size_t i = 0; ok && i < sheet->starts.n && i < most; i++)
		ok = starts_cells(
		    &t, (const struct start *)sheet->starts.item + i, e);
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
		return starts_print(sheet, SIZE_MAX, e);
	if (!json_print(sheet_fields, sheet, true, &text, e))
		return false;
	printf("%s\n", text);
	free(text);
	return true;
}

/* --- simulate --- */

static bool
time_take(const char *name, const char *text, int64_t *to, struct err *e)
{
	char shown[60];

	return text == NULL || moment_take(text, to) ||
	    err_set(e, ERR_USAGE,
		"--%s wants a time (UTC) such as 2026-11-22 or "
		"2026-11-22T02:03Z, not \"%s\"",
		name, err_quote(shown, sizeof shown, text, strlen(text)));
}

/* Each of the plans that were named, or of all. */
typedef bool plan_fn(
    void *arg, const struct plan *, const struct config *, struct err *);

static bool
plan_give(const struct config *c, const struct config_section *s, plan_fn *each,
    void *arg, struct err *e)
{
	struct plan p;
	bool ok;

	if (!plan_open(&p, s, e))
		return false;
	ok = each(arg, &p, c, e);
	plan_close(&p);
	return ok;
}

static bool
plans_each(char *const *names, int n, plan_fn *each, void *arg, struct err *e)
{
	const struct config *c;
	bool ok = config_shared(&c, e);

	for (int i = 0; ok && i < n; i++) {
		const struct config_section *s =
		    config_want(c, OF_PLAN, names[i], e);

		ok = s != NULL && plan_give(c, s, each, arg, e);
	}
	for (size_t i = 0; ok && n == 0 && i < c->sections.n; i++)
		if (config_section(c, i)->of == OF_PLAN)
			ok = plan_give(c, config_section(c, i), each, arg, e);
	return ok;
}

struct simulation {
	struct sheet sheet;
	int64_t now; /* 0: was always on */
};

static bool
simulate_plan(
    void *arg, const struct plan *p, const struct config *c, struct err *e)
{
	struct simulation *s = arg;

	return plan_add(&s->sheet, p, c, s->now, SIZE_MAX, e);
}

static bool
simulation_times(struct simulation *s, struct err *e)
{
	s->sheet.format = 1;
	s->sheet.from = clock_wall() / 1000 * 1000;
	if (!time_take("from", from_text, &s->sheet.from, e) ||
	    !time_take("now", now_text, &s->now, e))
		return false;
	s->sheet.to = s->sheet.from + INT64_C(30) * 86400 * 1000;
	if (!time_take("to", to_text, &s->sheet.to, e))
		return false;
	if (s->sheet.to <= s->sheet.from)
		return err_set(e, ERR_USAGE, "--to is not after --from");
	return s->sheet.to - s->sheet.from <= YEARS_MAX ||
	    err_set(e, ERR_USAGE, "more than 20 years are too many");
}

static bool
simulate(char *const *names, int n, struct err *e)
{
	struct simulation s = { 0 };
	bool ok = simulation_times(&s, e) &&
	    plans_each(names, n, simulate_plan, &s, e);

	if (ok) {
		sheet_sort(&s.sheet);
		ok = sheet_print(&s.sheet, e);
	}
	json_release(sheet_fields, &s.sheet, sizeof s.sheet);
	return ok;
}

/* --- show --- */

static bool
settings_print(const struct plan *p, struct err *e)
{
	struct table t = { .columns = 2 };
	bool ok = true;

	printf("plan %s\n", p->name);
	for (const struct setting *s = settings; ok && s->name != NULL; s++) {
		const char *value =
		    s->of == OF_PLAN ? config_text(p->section, s->name) : NULL;

		if (value != NULL)
			ok = table_cell(&t, s->name, e) &&
			    table_cell(&t, value, e);
	}
	if (ok)
		table_print(&t, stdout);
	table_release(&t);
	return ok;
}

struct showing {
	struct sheet all; /* for JSON */
	int64_t now;
	bool second;
};

/* The next ten of one plan. */
static bool
next_fill(struct sheet *sheet, const struct plan *p, const struct config *c,
    int64_t now, struct err *e)
{
	sheet->from = now;
	sheet->to = INT64_MAX;
	if (!plan_add(sheet, p, c, 0, NEXT_STARTS, e))
		return false;
	sheet_sort(sheet);
	return true;
}

/* The first ten go to another sheet. */
static bool
starts_move(struct sheet *to, struct sheet *from, struct err *e)
{
	struct start *s = from->starts.item;

	for (size_t i = 0; i < from->starts.n && i < NEXT_STARTS; i++) {
		struct start *new = json_list_add(&to->starts, sizeof *new, e);

		if (new == NULL)
			return false;
		*new = s[i];
		memset(&s[i], 0, sizeof s[i]);
	}
	return true;
}

static bool
show_plan(
    void *arg, const struct plan *p, const struct config *c, struct err *e)
{
	struct showing *s = arg;
	struct sheet sheet = { 0 };
	bool ok;

	if (s->second && format == FORMAT_TEXT)
		putchar('\n');
	s->second = true;
	ok = next_fill(&sheet, p, c, s->now, e);
	if (format == FORMAT_JSON)
		ok = ok && starts_move(&s->all, &sheet, e);
	else if (ok) {
		ok = settings_print(p, e);
		putchar('\n');
		ok = ok && starts_print(&sheet, NEXT_STARTS, e);
	}
	json_release(sheet_fields, &sheet, sizeof sheet);
	return ok;
}

static bool
show(char *const *names, int n, struct err *e)
{
	struct showing s = { .now = clock_wall() / 1000 * 1000 };
	bool ok;

	if (from_text != NULL || to_text != NULL)
		return err_set(
		    e, ERR_USAGE, "--from and --to are of plan simulate");
	ok = time_take("now", now_text, &s.now, e) &&
	    plans_each(names, n, show_plan, &s, e);
	if (ok && format == FORMAT_JSON) {
		s.all.format = 1;
		s.all.from = s.now;
		s.all.to = 0;
		ok = sheet_print(&s.all, e);
	}
	json_release(sheet_fields, &s.all, sizeof s.all);
	return ok;
}

static bool
plan_run(const struct operands *args, struct err *e)
{
	const char *what = args->v[0];

	if (strcmp(what, "show") == 0)
		return show(args->v + 1, args->n - 1, e);
	if (strcmp(what, "simulate") == 0)
		return simulate(args->v + 1, args->n - 1, e);
	return err_set(
	    e, ERR_USAGE, "plan wants show or simulate, not '%s'", what);
}

static const char *const notes[] = {
	"show prints plans and their next ten starts, simulate every start in "
	"a",
	"time and why it is then.  Without PLAN all are meant.  Plans are "
	"those",
	"of rdbpipe.conf(5).",
	NULL,
};

const struct verb verb_plan = {
	.name = "plan",
	.brief = "print plans, and when they start backups",
	.operands = "show|simulate [PLAN...]",
	.operands_min = 1,
	.operands_max = -1,
	.tables = { opts },
	.notes = notes,
	.run = plan_run,
};
