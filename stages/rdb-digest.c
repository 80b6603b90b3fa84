/*
 * rdb-digest.c -- the logical fingerprint of an RDB stream (rdb/digest.h).
 *
 * The same data gives the same digest, however it is encoded, ordered, split
 * over shards, or by which version it was written.  Functions have a digest
 * of their own, because every shard carries all of them.
 *
 * Memory: some 200 KiB and a chunk, whatever the data.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "rdb/digest.h"
#include "stages/kit/facts.h"
#include "stages/kit/stage.h"
#include "stages/kit/whole_rdb.h"

static bool watch;
static int64_t at_ms = -1;

static const struct opt opts[] = {
	{ OPT_FLAG, 0, "watch", &watch, NULL,
	    "pass the stream on; the digest goes to standard error", 0, 0, NULL,
	    NULL },
	{ OPT_INT, 0, "at", &at_ms, "MS",
	    "leave out what has expired at this moment (ms since 1970)", 0, 0,
	    NULL, NULL },
	OPT_TABLE_END,
};

struct fingerprint {
	struct filter base;
	struct whole_rdb rdb;
	struct rdb_digest digest;
};

static bool
run_digest(void *arg, const struct rdb_run *run, struct err *e)
{
	struct fingerprint *f = arg;

	return rdb_digest_feed(&f->digest, run) ||
	    whole_rdb_blame(&f->rdb, &f->digest.fault, e);
}

static bool
digest_watch(struct filter *base, struct span in, struct err *e)
{
	struct fingerprint *f = (struct fingerprint *)base;

	return whole_rdb_feed(&f->rdb, in, run_digest, f, NULL, e);
}

static void
sum_text(const struct hash128_sum *sum, char text[2 * HASH128_LEN + 1])
{
	snprintf(text, 2 * HASH128_LEN + 1, "%016" PRIx64 "%016" PRIx64,
	    sum->hi, sum->lo);
}

/* "<digest>  functions <digest>  12 keys" */
static void
line_make(const struct rdb_digest *d, char *line, size_t cap)
{
	char keys[2 * HASH128_LEN + 1], functions[2 * HASH128_LEN + 1];

	sum_text(&d->keys_sum, keys);
	sum_text(&d->functions_sum, functions);
	snprintf(line, cap, "%s  functions %s  %" PRIu64 " key%s", keys,
	    d->functions > 0 ? functions : "none", d->keys,
	    d->keys == 1 ? "" : "s");
}

static bool
digest_finish(struct filter *base, struct room *out, bool *done, struct err *e)
{
	struct fingerprint *f = (struct fingerprint *)base;
	char line[200];

	(void)out;
	*done = true;
	if (!whole_rdb_end(&f->rdb, e))
		return false;
	if (watch && !stage_told) {
		line_make(&f->digest, line, sizeof line);
		stage_say("%s", line);
	}
	return true;
}

static void
digest_tell(const struct filter *base, struct facts *facts)
{
	const struct rdb_digest *d =
	    &((const struct fingerprint *)base)->digest;
	char text[2 * HASH128_LEN + 1];

	sum_text(&d->keys_sum, text);
	facts_text(facts, "digest", text);
	sum_text(&d->functions_sum, text);
	facts_text(facts, "digest-functions", text);
	facts_count(facts, "keys", d->keys);
	facts_count(facts, "expires", d->expires);
	facts_count(facts, "functions", d->functions);
	facts_count(facts, "left-out", d->left_out);
	facts_count(facts, "fields-left-out", d->fields_left_out);
	facts_count(facts, "empty", d->empty);
}

static void
digest_free(struct filter *f)
{
	free(f);
}

static const struct filter_ops digest_ops = {
	.name = "digest",
	.watch = digest_watch,
	.finish = digest_finish,
	.tell = digest_tell,
	.free = digest_free,
};

static struct filter *
digest_new(const struct operands *args, struct err *e)
{
	struct fingerprint *f = calloc(1, sizeof *f);

	(void)args;
	if (f == NULL) {
		err_sys(e, "cannot set up the digest");
		return NULL;
	}
	f->base.ops = &digest_ops;
	whole_rdb_init(&f->rdb);
	rdb_digest_init(&f->digest, at_ms == -1 ? RDB_DIGEST_ALL : at_ms);
	return &f->base;
}

static void
digest_report(const struct filter *base, const char *file, const struct err *e)
{
	const struct fingerprint *f = (const struct fingerprint *)base;
	char line[200];

	if (e != NULL)
		return;
	line_make(&f->digest, line, sizeof line);
	printf("%s  %s\n", line, file);
	if (f->digest.left_out + f->digest.fields_left_out > 0)
		stage_say("%s: %" PRIu64 " keys and %" PRIu64
			  " fields have expired and are left out",
		    file, f->digest.left_out, f->digest.fields_left_out);
}

static bool
digest_check(const struct operands *args, struct err *e)
{
	if (watch && args->n > 0)
		return err_set(e, ERR_USAGE,
		    "--watch is for standard input, not for files");
	return true;
}

/* Without --watch the stream ends here. */
static bool
digest_terminal(void)
{
	return !watch;
}

static const char *const notes[] = {
	"Files with the same digest hold the same data: keys, types, elements,",
	"expiry times.  A line has the digest of the data, that of the",
	"functions, the number of keys, and the name.",
	NULL,
};

const struct stage stage = {
	.name = "rdb-digest",
	.brief = "say the logical fingerprint of an RDB stream",
	.operands = "[FILE...]",
	.operands_max = -1,
	.notes = notes,
	.opts = opts,
	.check = digest_check,
	.filter = digest_new,
	.report = digest_report,
	.terminal = digest_terminal,
};
