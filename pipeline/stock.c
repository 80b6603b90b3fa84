/* stock.c -- see stock.h. */
#include "pipeline/stock.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "pipeline/moment.h"

struct stock_item *
stock_item(const struct stock *s, size_t i)
{
	assert(i < s->n);
	return (struct stock_item *)s->items.item + i;
}

struct retention_backup *
stock_backup(const struct stock *s, size_t i)
{
	assert(i < s->n);
	return (struct retention_backup *)s->backups.item + i;
}

const char *
stock_state(const struct retention_backup *b)
{
	static const char *const words[] = { "complete", "suspect", "broken",
		"unfinished" };

	return b->failed ? "failed" : words[b->state];
}

static void
backup_fill(struct retention_backup *b, const struct catalogue_entry *entry)
{
	const struct manifest *m = entry->manifest;

	b->held = entry->held;
	b->changed = entry->changed;
	/* The id was checked: it begins with a stamp. */
	if (!moment_of_stamp(entry->id, &b->started))
		b->started = 0;
	if (m == NULL) {
		b->state = entry->kind == BACKUP_BROKEN ? RETAIN_BROKEN :
							  RETAIN_UNFINISHED;
		b->failed = entry->kind == BACKUP_FAILED;
		return;
	}
	b->state = m->state == STATE_COMPLETE ? RETAIN_GOOD : RETAIN_SUSPECT;
	b->verified = manifest_verified(m) != NULL;
	b->expires = m->expires;
}

static bool
entry_add(void *arg, const struct catalogue_entry *entry, struct err *e)
{
	struct stock *s = arg;
	struct stock_item *item = json_list_add(&s->items, sizeof *item, e);
	struct retention_backup *b =
	    item != NULL ? json_list_add(&s->backups, sizeof *b, e) : NULL;

	if (b == NULL)
		return false;
	strcpy(item->name.instance, entry->instance);
	strcpy(item->name.id, entry->id);
	if (entry->manifest != NULL)
		item->stored = manifest_total(entry->manifest).stored;
	backup_fill(b, entry);
	s->n = s->backups.n;
	return true;
}

bool
stock_take(
    struct stock *s, struct store *store, const char *instance, struct err *e)
{
	return catalogue_each(store, instance, entry_add, s, e);
}

void
stock_release(struct stock *s)
{
	free(s->items.item);
	free(s->backups.item);
	memset(s, 0, sizeof *s);
}

bool
stock_decide(struct stock *s, stock_rules_fn *rules_for, void *arg, int64_t now,
    int64_t litter_ms, struct err *e)
{
	for (size_t i = 0, end; i < s->n; i = end) {
		const char *instance = stock_item(s, i)->name.instance;
		const struct retention *rules = NULL;
		size_t n = 0;

		for (end = i + 1; end < s->n &&
		     strcmp(stock_item(s, end)->name.instance, instance) == 0;)
			end++;
		if (rules_for != NULL &&
		    !rules_for(arg, instance, &rules, &n, e))
			return false;
		retention_decide(
		    rules, n, stock_backup(s, i), end - i, now, litter_ms);
	}
	return true;
}
