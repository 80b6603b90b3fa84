/* history.c -- see history.h. */
#include "pipeline/history.h"

#include <stdio.h>
#include <string.h>

const char *const history_states[] = { "complete", "suspect", "broken",
	"unfinished", "failed", NULL };

static enum history_state
state_of(const struct catalogue_entry *entry)
{
	if (entry->kind == BACKUP_UNFINISHED)
		return HISTORY_UNFINISHED;
	if (entry->kind == BACKUP_FAILED)
		return HISTORY_FAILED;
	if (entry->kind == BACKUP_BROKEN)
		return HISTORY_BROKEN;
	return entry->manifest->state == STATE_COMPLETE ? HISTORY_COMPLETE :
							  HISTORY_SUSPECT;
}

static void
good_note(struct history *h, const struct manifest *m)
{
	struct manifest_total t = manifest_total(m);
	const char *level = manifest_verified(m);

	snprintf(h->id, sizeof h->id, "%s", m->id);
	h->started = m->started;
	h->finished = m->finished;
	h->raw = t.raw;
	h->stored = t.stored;
	h->keys = t.keys;
	snprintf(
	    h->verified, sizeof h->verified, "%s", level != NULL ? level : "");
}

/* They come by time: the last one is the newest. */
static bool
entry_note(void *arg, const struct catalogue_entry *entry, struct err *e)
{
	struct history *h = arg;
	enum history_state is = state_of(entry);

	(void)e;
	h->count[is]++;
	snprintf(h->newest[is], sizeof h->newest[is], "%s", entry->id);
	if (is == HISTORY_COMPLETE)
		good_note(h, entry->manifest);
	else if (is == HISTORY_BROKEN)
		h->fault = *entry->fault;
	else if (is == HISTORY_FAILED)
		h->failure = *entry->fault;
	else if (is == HISTORY_UNFINISHED && entry->changed < h->litter_before)
		h->litter++;
	return true;
}

bool
history_take(struct history *h, struct store *store, const char *instance,
    int64_t litter_before, struct err *e)
{
	memset(h, 0, sizeof *h);
	h->litter_before = litter_before;
	snprintf(h->instance, sizeof h->instance, "%s", instance);
	return catalogue_each(store, instance, entry_note, h, e);
}
