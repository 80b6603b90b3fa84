/*
 * verb-show.c -- `rdbpipe show ID`: everything a manifest says.
 */
#include "pipeline/verb.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "pipeline/catalogue.h"
#include "pipeline/figure.h"
#include "pipeline/moment.h"
#include "pipeline/place.h"
#include "pipeline/sidecar.h"
#include "pipeline/table.h"

enum { FORMAT_TEXT, FORMAT_JSON };

static const char *const formats[] = { "text", "json", NULL };
static int format;

/* clang-format off */
static const struct opt opts[] = {
	{ OPT_CHOICE, 0, "format", &format, "FORMAT",
	    "text (default), or json: the manifest itself", 0, 0, formats,
	    NULL },
	OPT_TABLE_END,
};
/* clang-format on */

/* One line, "name  value", in a table of two columns. */
static bool line(struct table *, struct err *, const char *name,
    const char *fmt, ...) PRINTF_LIKE(4);

static bool
line(struct table *t, struct err *e, const char *name, const char *fmt, ...)
{
	char *value;
	va_list ap;
	bool ok;

	va_start(ap, fmt);
	ok = vasprintf(&value, fmt, ap) != -1;
	va_end(ap);
	if (!ok)
		return err_sys(e, "cannot show");
	ok = table_cell(t, name, e) && table_cell(t, value, e);
	free(value);
	return ok;
}

static bool
bytes_line(struct table *t, struct err *e, const char *name, uint64_t bytes)
{
	char figure[FIGURE_LEN];

	if (bytes < 1024)
		return line(t, e, name, "%" PRIu64 " bytes", bytes);
	return line(t, e, name, "%" PRIu64 " bytes (%s)", bytes,
	    figure_bytes(figure, bytes));
}

/* Held: since when, by whom, and why; or by the manifest alone. */
static bool
hold_line(struct table *t, const struct manifest *m, const struct hold *h,
    struct err *e)
{
	char when[MOMENT_LEN + 1];

	if (h == NULL)
		return line(t, e, "hold", "%s", m->hold ? "yes" : "no");
	moment_print(h->when, when);
	return line(t, e, "hold", "%s, since %s, by %s%s%s",
	    h->hold ? "yes" : "no", when, h->who, h->why != NULL ? ": " : "",
	    h->why != NULL ? h->why : "");
}

static bool
head_lines(struct table *t, const struct manifest *m, const struct hold *h,
    struct err *e)
{
	char began[MOMENT_LEN + 1], ended[MOMENT_LEN + 1],
	    until[MOMENT_LEN + 1] = "never", took[FIGURE_LEN];
	struct manifest_total total = manifest_total(m);

	moment_print(m->started, began);
	moment_print(m->finished, ended);
	if (m->expires != 0)
		moment_print(m->expires, until);
	figure_time(took, m->finished - m->started);
	return line(t, e, "backup", "%s", m->id) &&
	    line(t, e, "instance", "%s", m->instance) &&
	    line(t, e, "type", "%s", manifest_types[m->type]) &&
	    line(t, e, "state", "%s", manifest_states[m->state]) &&
	    line(t, e, "remark", "%s", m->remark != NULL ? m->remark : "-") &&
	    line(t, e, "started", "%s", began) &&
	    line(t, e, "finished", "%s (%s)", ended, took) &&
	    line(t, e, "expires", "%s", until) && hold_line(t, m, h, e) &&
	    line(t, e, "server", "%s %s, %s", m->engine, m->version,
		manifest_topologies[m->topology]) &&
	    bytes_line(t, e, "raw", total.raw) &&
	    bytes_line(t, e, "stored", total.stored) &&
	    line(t, e, "keys",
		"%" PRIu64 ", of which %" PRIu64 " have an expiry", total.keys,
		total.expires) &&
	    line(t, e, "functions", "%" PRIu64, total.functions) &&
	    line(t, e, "made by", "%s", m->tool);
}

/* What concerns all shards of a set together. */
static bool
set_lines(struct table *t, const struct manifest *m, struct err *e)
{
	char digest[MANIFEST_DIGEST_LEN];

	if (m->shards.n < 2)
		return true;
	manifest_digest(m, digest);
	return line(t, e, "shards",
		   "%zu, %" PRIu64 " ms from the first snapshot to the last",
		   m->shards.n, m->skew_ms) &&
	    (m->consistent == CONSISTENT_NO ?
		    line(t, e, "consistent", "each shard for itself") :
		    line(t, e, "consistent",
			"all shards, by a write pause of %" PRIu64 " ms",
			m->pause_ms)) &&
	    line(t, e, "digest", "%s", digest);
}

static bool
chain_lines(struct table *t, const struct manifest *m, struct err *e)
{
	char *const *command = m->chain.item;
	bool ok = true;

	for (size_t i = 0; ok && i < m->chain.n; i++)
		ok = line(t, e, i == 0 ? "chain" : "", "%s%s",
		    i == 0 ? "" : "| ", command[i]);
	return ok;
}

static bool
shard_lines(
    struct table *t, const struct manifest_shard *s, size_t i, struct err *e)
{
	const struct manifest_db *db = s->databases.item;
	const struct manifest_slots *range = s->slots.item;
	char begun[MOMENT_LEN + 1];
	bool ok = line(t, e, "", "%s", "") && line(t, e, "shard", "%zu", i) &&
	    line(t, e, "source", "%s", s->source.url) &&
	    line(t, e, "run id", "%s",
		s->source.run_id != NULL ? s->source.run_id : "-") &&
	    line(t, e, "role", "%s",
		s->source.role != NULL ? s->source.role : "-") &&
	    line(t, e, "via", "%s, %s", manifest_vias[s->source.via],
		s->source.point == POINT_YES ? "one point in time" :
					       "no point in time");

	if (ok && s->source.replid != NULL)
		ok = line(t, e, "replid", "%s", s->source.replid) &&
		    line(t, e, "offset", "%" PRIu64, s->source.offset);

	for (size_t k = 0; ok && k < s->slots.n; k++)
		ok = line(t, e, k == 0 ? "slots" : "",
		    "%" PRIu64 " to %" PRIu64, range[k].first, range[k].last);
	if (ok && s->source.begun != 0) {
		moment_print(s->source.begun, begun);
		ok = line(t, e, "snapshot", "%s", begun);
	}
	ok = ok && line(t, e, "object", "%s", s->object.name) &&
	    bytes_line(t, e, "  bytes", s->object.bytes) &&
	    line(t, e, "  crc64-xz", "%s", s->object.crc64_xz) &&
	    line(t, e, "  xxh3-128", "%s", s->object.xxh3_128) &&
	    line(t, e, "rdb", "version %" PRIu64 ", dialect %s", s->rdb.version,
		s->rdb.dialect) &&
	    bytes_line(t, e, "  bytes", s->rdb.bytes) &&
	    line(t, e, "  crc64", "%s, %s", s->rdb.crc64,
		manifest_crcs[s->rdb.crc]) &&
	    line(t, e, "  xxh3-128", "%s", s->rdb.xxh3_128) &&
	    line(t, e, "verified", "%s", s->verified);
	for (size_t k = 0; ok && k < s->databases.n; k++)
		ok = line(t, e, k == 0 ? "databases" : "",
		    "%" PRIu64 ": %" PRIu64 " keys, %" PRIu64 " with an expiry",
		    db[k].db, db[k].keys, db[k].expires);
	return ok && line(t, e, "digest", "%s", s->digest) &&
	    line(t, e, "  functions", "%s", s->digest_functions);
}

/* A list of texts, one a line. */
static bool
list_lines(
    struct table *t, const struct json_list *l, const char *name, struct err *e)
{
	bool ok = true;

	for (size_t i = 0; ok && i < l->n; i++)
		ok =
		    line(t, e, i == 0 ? name : "", "%s", ((char **)l->item)[i]);
	return ok;
}

static bool
beside_lines(struct table *t, const struct sidecar *c, struct err *e)
{
	const struct sidecar_node *n = c->servers.item;
	bool ok = true;

	for (size_t i = 0; ok && i < c->servers.n; i++, n++)
		ok = line(t, e, "", "%s", "") &&
		    line(t, e, "beside", "%s", n->server) &&
		    list_lines(t, &n->users, "  users", e) &&
		    list_lines(t, &n->functions, "  functions", e) &&
		    list_lines(t, &n->configuration, "  settings", e) &&
		    list_lines(t, &n->modules, "  modules", e) &&
		    list_lines(t, &n->nodes, "  nodes", e) &&
		    list_lines(t, &n->missing, "  not read", e);
	return ok;
}

static bool
text_print(const struct manifest *m, const struct hold *h,
    const struct sidecar *beside, struct err *e)
{
	struct table t = { .columns = 2 };
	bool ok = head_lines(&t, m, h, e) && set_lines(&t, m, e) &&
	    chain_lines(&t, m, e);

	for (size_t i = 0; ok && i < m->shards.n; i++)
		ok = shard_lines(&t, manifest_shard(m, i), i, e);
	ok = ok && beside_lines(&t, beside, e);
	if (ok)
		table_print(&t, stdout);
	table_release(&t);
	return ok;
}

/* The file as it is, once it is known to be good. */
static bool
json_copy(struct store *store, const struct catalogue_name *name, struct err *e)
{
	char *text;
	size_t len;

	if (!catalogue_text(store, name, &text, &len, e))
		return false;
	fwrite(text, 1, len, stdout);
	free(text);
	return true;
}

static bool
show_run(const struct operands *args, struct err *e)
{
	struct store *store = NULL;
	struct catalogue_name name;
	struct manifest m = { 0 };
	struct sidecar beside = { 0 };
	struct hold h = { 0 };
	const char *instance;
	bool found = false;
	bool ok = place_instance(&instance, e) && place_open(&store, e) &&
	    catalogue_find(store, instance, args->v[0], &name, e) &&
	    catalogue_read(store, &name, &m, e);

	if (ok && format == FORMAT_JSON)
		ok = json_copy(store, &name, e);
	else if (ok)
		ok = catalogue_hold(store, &name, &found, &h, e) &&
		    sidecar_fetch(store, &name, &m, &beside, e) &&
		    text_print(&m, found ? &h : NULL, &beside, e);
	sidecar_release(&beside);
	hold_release(&h);

	manifest_release(&m);
	if (store != NULL)
		store_close(store);
	return ok;
}

static const char *const notes[] = {
	"ID is an id, the beginning of one, INSTANCE/ID, or \"latest\".",
	NULL,
};

const struct verb verb_show = {
	.name = "show",
	.brief = "show all that is known of a backup",
	.operands = "ID",
	.operands_min = 1,
	.operands_max = 1,
	.tables = { opts, place_instance_opts, place_store_opts },
	.notes = notes,
	.run = show_run,
};
