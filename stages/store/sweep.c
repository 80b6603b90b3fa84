/* sweep.c -- see sweep.h. */
#include "stages/store/sweep.h"

#include <stdlib.h>
#include <string.h>

#include "stages/kit/clock.h"
#include "stages/store/cloud.h"

#define FOUND_MAX 64           /* uploads of one key worth looking at */
#define SECOND_MS 1000         /* what stores round times to */
#define CLOCK_MS  (300 * 1000) /* what clocks may be off */

struct found {
	const struct sweep *want;
	struct {
		char *id;
		int64_t began_ms;
	} v[FOUND_MAX];
	size_t n;
};

static bool
upload_note(void *arg, const struct cloud_entry *entry, struct err *e)
{
	struct found *f = arg;

	if (entry->upload_id == NULL || f->n == FOUND_MAX ||
	    strcmp(entry->key, f->want->key) != 0)
		return true;
	f->v[f->n].began_ms = entry->modified_ms;
	f->v[f->n].id = strdup(entry->upload_id);
	return f->v[f->n++].id != NULL || err_sys(e, "cannot list uploads");
}

static bool
part_note(void *arg, const struct cloud_part *part, struct err *e)
{
	(void)part, (void)e;
	*(bool *)arg = true;
	return true;
}

/* The times between which a lost one of ours was begun, on the store's clock,
 * which is ahead of ours: closely, if one of its times is known to be ours. */
static void
window(const struct found *f, int64_t ahead_ms, int64_t *from, int64_t *to)
{
	*from = f->want->asked_ms + ahead_ms - CLOCK_MS;
	*to = f->want->asked_ms + ahead_ms + f->want->took_ms + CLOCK_MS;
	for (size_t i = 0; i < f->n && f->want->upload_id != NULL; i++)
		if (strcmp(f->v[i].id, f->want->upload_id) == 0) {
			*from =
			    f->v[i].began_ms - f->want->took_ms - 2 * SECOND_MS;
			*to = f->v[i].began_ms + SECOND_MS;
		}
}

static bool
upload_end(struct cloud_line *line, const struct sweep *want, const char *id,
    struct err *e)
{
	struct cloud_upload upload = { want->key, id };
	bool found, parts = false;

	if (want->upload_id != NULL && strcmp(id, want->upload_id) == 0)
		return true;
	return cloud_list_parts(line, &upload, &found, part_note, &parts, e) &&
	    (!found || parts || cloud_abort(line, &upload, e));
}

bool
sweep_uploads(struct cloud_line *line, const struct sweep *want, struct err *e)
{
	struct found f = { .want = want };
	int64_t from, to;
	bool ok = cloud_list_uploads(line, want->key, upload_note, &f, e);

	window(&f, cloud_line_clock(line) - clock_wall(), &from, &to);
	for (size_t i = 0; i < f.n; i++) {
		if (ok && f.v[i].began_ms >= from && f.v[i].began_ms <= to)
			ok = upload_end(line, want, f.v[i].id, e);
		free(f.v[i].id);
	}
	return ok;
}
