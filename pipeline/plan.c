/* plan.c -- see plan.h. */
#include "pipeline/plan.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* --- reading --- */

/* Values were checked when they came in: what fails here is memory or a zone
 * that has just gone. */
static bool
keep_read(struct plan *p, struct err *e)
{
	static const char *const keys[] = { "keep-last", "keep-hourly",
		"keep-daily", "keep-weekly", "keep-monthly", "keep-yearly" };
	const char *text = config_text(p->section, "keep");

	p->keep.zone = p->zone;
	for (size_t i = 0; i < COUNT_OF(keys); i++) {
		const char *count = config_text(p->section, keys[i]);

		if (count != NULL &&
		    !retention_count(count, &p->keep.count[i], e))
			return false;
	}
	return text == NULL || retention_period(text, &p->keep.within, e);
}

static bool
guard_read(struct plan *p, struct err *e)
{
	const char *keys = config_text(p->section, "min-keys");
	const char *share = config_text(p->section, "max-shrink");
	int64_t n = 0;

	if (keys != NULL && !opt_size(keys, &n))
		return err_set(
		    e, ERR_BUG, "[plan %s] was not checked", p->name);
	p->guard.min_keys = (uint64_t)n;
	return share == NULL || guard_share(share, &p->guard.max_shrink, e);
}

static bool
times_read(struct plan *p, struct err *e)
{
	return (opt_size(config_text(p->section, "compress"), &p->level) &&
		   opt_time(config_text(p->section, "before-timeout"),
		       &p->before_ms) &&
		   opt_time(config_text(p->section, "after-timeout"),
		       &p->after_ms)) ||
	    err_set(e, ERR_BUG, "[plan %s] was not checked", p->name);
}

static bool
is(const struct plan *p, const char *key, const char *word)
{
	return strcmp(config_text(p->section, key), word) == 0;
}

bool
plan_open(struct plan *p, const struct config_section *s, struct err *e)
{
	memset(p, 0, sizeof *p);
	p->section = s;
	p->name = s->name;
	p->verify = config_text(s, "verify");
	p->primary = is(p, "source", "primary");
	p->abort = is(p, "on-overrun", "abort");
	p->late = is(p, "on-missed", "run");
	p->before = config_text(s, "before");
	p->after = config_text(s, "after");
	if (zone_open(&p->zone, config_text(s, "timezone"), e) &&
	    window_hours(config_text(s, "window"), &p->window, e) &&
	    window_days(config_text(s, "weekdays"), &p->window.days, e) &&
	    keep_read(p, e) && guard_read(p, e) && times_read(p, e)) {
		p->window.zone = p->zone;
		return true;
	}
	plan_close(p);
	return false;
}

void
plan_close(struct plan *p)
{
	zone_close(p->zone);
	memset(p, 0, sizeof *p);
}

/* --- what is due --- */

static int64_t
start_of(const struct plan *p, const char *instance, const struct window_day *d)
{
	return window_start(d, p->name, instance);
}

bool
plan_due(const struct plan *p, const char *instance, int64_t last, int64_t now,
    struct plan_due *due)
{
	due->verdict = PLAN_WAIT;
	if (window_before(&p->window, now, &due->day) &&
	    last < due->day.opens) {
		due->start = start_of(p, instance, &due->day);
		if (now < due->start)
			return true;
		if (now < due->day.closes || p->late) {
			due->verdict =
			    now < due->day.closes ? PLAN_RUN : PLAN_LATE;
			return true;
		}
	}
	if (!window_after(&p->window, now, &due->day))
		return false;
	due->start = start_of(p, instance, &due->day);
	return true;
}

/* --- words --- */

static size_t
note_add(char *buf, size_t n, int minutes, const char *words)
{
	if (n >= PLAN_NOTE_LEN)
		return n;
	return n +
	    (size_t)snprintf(buf + n, PLAN_NOTE_LEN - n, "%s%02d:%02d %s",
		n > 0 ? ", " : "", minutes / 60, minutes % 60, words);
}

const char *
plan_note(
    const struct plan *p, const struct window_day *d, char buf[PLAN_NOTE_LEN])
{
	static const char *const words[] = { "", "is skipped",
		"comes twice, the first counts" };
	size_t n = 0;

	*buf = '\0';
	if (d->whole) {
		snprintf(buf, PLAN_NOTE_LEN,
		    "all of it is skipped, so it opens at the change");
		return buf;
	}
	if (d->opening != ZONE_ONCE)
		n = note_add(buf, n, p->window.from, words[d->opening]);
	if (d->closing != ZONE_ONCE)
		note_add(buf, n, p->window.to, words[d->closing]);
	return buf;
}
