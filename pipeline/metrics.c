/* metrics.c -- see metrics.h. */
#include "pipeline/metrics.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* --- what there is --- */

static double
seconds(int64_t ms)
{
	return (double)ms / 1000;
}

static double
last_success(const struct history *h, int64_t now)
{
	(void)now;
	return seconds(h->finished);
}

/* The data is as old as the snapshot, which is when the backup began. */
static double
age(const struct history *h, int64_t now)
{
	return seconds(now - h->started);
}

static double
duration(const struct history *h, int64_t now)
{
	(void)now;
	return seconds(h->finished - h->started);
}

static double
raw(const struct history *h, int64_t now)
{
	(void)now;
	return (double)h->raw;
}

static double
stored(const struct history *h, int64_t now)
{
	(void)now;
	return (double)h->stored;
}

static double
keys(const struct history *h, int64_t now)
{
	(void)now;
	return (double)h->keys;
}

static double
verified(const struct history *h, int64_t now)
{
	(void)now;
	return *h->verified != '\0';
}

/* Of the newest good backup of each instance; by the names Prometheus
 * recommends: base units, no unit in what has none. */
static const struct gauge {
	const char *name, *help;
	double (*value)(const struct history *, int64_t now);
} gauges[] = {
	{ "rdbpipe_last_success_timestamp_seconds",
	    "When the newest good backup was finished.", last_success },
	{ "rdbpipe_backup_age_seconds",
	    "How old the data in the newest good backup is.", age },
	{ "rdbpipe_backup_duration_seconds",
	    "How long the newest good backup took.", duration },
	{ "rdbpipe_backup_raw_bytes", "Size of the newest good backup as RDB.",
	    raw },
	{ "rdbpipe_backup_stored_bytes",
	    "Size of the newest good backup in the store.", stored },
	{ "rdbpipe_backup_keys", "Keys in the newest good backup.", keys },
	{ "rdbpipe_backup_verified",
	    "Whether the newest good backup was verified (1) or not (0).",
	    verified },
};

/* --- the text --- */

/* A label's value: backslash, quote and newline are escaped. */
static void
label_print(FILE *to, const char *text)
{
	for (; *text != '\0'; text++)
		if (*text == '\n')
			fputs("\\n", to);
		else if (*text == '\\' || *text == '"')
			fprintf(to, "\\%c", *text);
		else
			putc(*text, to);
}

static void
head_print(FILE *to, const char *name, const char *help)
{
	fprintf(to, "# HELP %s %s\n# TYPE %s gauge\n", name, help, name);
}

/* Bytes and keys are exact up to 2^53, times to the millisecond. */
static void
value_print(FILE *to, double value)
{
	if (value == (double)(int64_t)value)
		fprintf(to, " %" PRId64 "\n", (int64_t)value);
	else
		fprintf(to, " %.3f\n", value);
}

static void
gauge_print(
    FILE *to, const struct metrics *m, const struct gauge *g, int64_t now)
{
	head_print(to, g->name, g->help);
	for (size_t i = 0; i < m->rows.n; i++) {
		const struct history *h = (struct history *)m->rows.item + i;

		if (*h->id == '\0')
			continue;
		fprintf(to, "%s{instance=\"", g->name);
		label_print(to, h->instance);
		fputs("\"}", to);
		value_print(to, g->value(h, now));
	}
}

static void
counts_print(FILE *to, const struct metrics *m)
{
	head_print(to, "rdbpipe_backups",
	    "Backups in the store by state: complete, or how they failed.");
	for (size_t i = 0; i < m->rows.n; i++) {
		const struct history *h = (struct history *)m->rows.item + i;

		for (size_t s = 0; s < HISTORY_STATES; s++) {
			fputs("rdbpipe_backups{instance=\"", to);
			label_print(to, h->instance);
			fprintf(to, "\",state=\"%s\"} %" PRIu64 "\n",
			    history_states[s], h->count[s]);
		}
	}
}

static void
findings_lines(FILE *to, const struct findings *f)
{
	static const char *const levels[] = { "ok", "warn", "bad" };

	head_print(to, "rdbpipe_check_findings",
	    "What the last rdbpipe check found, by level.");
	for (size_t i = 0; i < COUNT_OF(levels); i++)
		fprintf(to,
		    "rdbpipe_check_findings{level=\"%s\"} %" PRIu64 "\n",
		    levels[i], f->count[i]);
}

static void
text_print(FILE *to, const struct metrics *m, int64_t now)
{
	for (size_t i = 0; i < COUNT_OF(gauges); i++)
		gauge_print(to, m, &gauges[i], now);
	counts_print(to, m);
	if (m->findings != NULL)
		findings_lines(to, m->findings);
	head_print(
	    to, "rdbpipe_written_timestamp_seconds", "When this was written.");
	fputs("rdbpipe_written_timestamp_seconds", to);
	value_print(to, seconds(now));
}

/* --- the file --- */

/* Whoever collects it is another user, so all may read it, if the umask lets
 * them: mkstemp's file is ours alone. */
static bool
mode_set(int fd, struct err *e)
{
	mode_t mask = umask(0);

	umask(mask);
	return fchmod(fd, 0644 & ~mask) == 0 ||
	    err_sys(e, "cannot set the mode of the metrics");
}

/* The descriptor is closed; on failure the file is the caller's to remove. */
static bool
file_fill(int fd, const struct metrics *m, int64_t now, const char *path,
    struct err *e)
{
	FILE *to = fdopen(fd, "w");
	bool ok;

	if (to == NULL) {
		close(fd);
		return err_sys(e, "cannot write %s", path);
	}
	text_print(to, m, now);
	ok = fflush(to) == 0 && !ferror(to) && fsync(fd) == 0;
	ok = ok || err_sys(e, "cannot write %s", path);
	ok = ok && mode_set(fd, e);
	if (fclose(to) != 0 && ok)
		ok = err_sys(e, "cannot write %s", path);
	return ok;
}

bool
metrics_write(
    const struct metrics *m, const char *path, int64_t now, struct err *e)
{
	char *temporary;
	bool ok;
	int fd;

	if (asprintf(&temporary, "%s.XXXXXX", path) == -1)
		return err_sys(e, "cannot write %s", path);
	if ((fd = mkostemp(temporary, O_CLOEXEC)) == -1) {
		err_sys(e, "cannot write %s", path);
		free(temporary);
		return false;
	}
	ok = file_fill(fd, m, now, path, e);
	if (ok && rename(temporary, path) == -1)
		ok = err_sys(e, "cannot write %s", path);
	if (!ok)
		unlink(temporary);
	free(temporary);
	return ok;
}

/* --- rows --- */

bool
metrics_add_history(struct metrics *m, const struct history *h, struct err *e)
{
	struct history *new = json_list_add(&m->rows, sizeof *new, e);

	if (new == NULL)
		return false;
	*new = *h;
	return true;
}

bool
metrics_add(
    struct metrics *m, struct store *store, const char *instance, struct err *e)
{
	struct history h;

	return history_take(&h, store, instance, 0, e) &&
	    metrics_add_history(m, &h, e);
}

void
metrics_release(struct metrics *m)
{
	free(m->rows.item);
	memset(m, 0, sizeof *m);
}
