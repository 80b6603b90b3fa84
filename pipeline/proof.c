/* proof.c -- see proof.h. */
#include "pipeline/proof.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* --- do neighbours agree? --- */

/* Which facts of a program count the bytes that came in and went out. */
static const struct flow {
	const char *program, *in, *out;
} flows[] = {
	{ "rdb-capture", NULL, "bytes" },
	{ "rdb-verify", "bytes", "bytes" },
	{ "rdb-checksum", "bytes", "bytes" },
	{ "rdb-compress", "bytes-in", "bytes-out" },
	{ "rdb-decompress", "bytes-in", "bytes-out" },
	{ "cos-put", "bytes", NULL },
	{ "cos-get", NULL, "bytes" },
	{ "rdb-restore", "bytes", NULL },
};

static const struct flow *
flow_of(const char *program)
{
	for (size_t i = 0; i < COUNT_OF(flows); i++)
		if (strcmp(flows[i].program, program) == 0)
			return &flows[i];
	return NULL;
}

static bool
count_get(
    const struct chain_link *l, const char *fact, uint64_t *to, struct err *e)
{
	return fact_list_count(&l->facts, fact, to) ||
	    err_set(e, ERR_BUG, "%s did not say its %s", l->command.name, fact);
}

/* The last program of a gated chain says nothing before the go-ahead. */
static bool
silent(const struct chain *c, size_t i)
{
	return i + 1 == c->n && c->gate && c->link[i].facts.len == 0;
}

static bool
bytes_agree(const struct chain *c, struct err *e)
{
	const struct chain_link *from = NULL;
	uint64_t given = 0, taken;

	for (size_t i = 0; i < c->n; i++) {
		const struct chain_link *l = &c->link[i];
		const struct flow *f = flow_of(l->command.name);

		if (f == NULL || silent(c, i))
			continue;
		if (f->in != NULL && from != NULL) {
			if (!count_get(l, f->in, &taken, e))
				return false;
			if (taken != given)
				return err_set(e, ERR_DATA,
				    "%s gave %" PRIu64
				    " bytes, %s took %" PRIu64,
				    from->command.name, given, l->command.name,
				    taken);
		}
		if (f->out == NULL)
			continue;
		if (!count_get(l, f->out, &given, e))
			return false;
		from = l;
	}
	return true;
}

static bool
counts_agree(const struct chain *c, const char *fact, struct err *e)
{
	static const char *const counters[] = { "rdb-verify", "rdb-digest",
		"rdb-restore" };
	const struct chain_link *first = NULL;
	uint64_t want = 0, n;

	for (size_t i = 0; i < COUNT_OF(counters); i++) {
		const struct chain_link *l = chain_find(c, counters[i]);

		if (l == NULL || silent(c, (size_t)(l - c->link)))
			continue;
		if (!count_get(l, fact, &n, e))
			return false;
		if (first == NULL) {
			first = l;
			want = n;
		} else if (n != want)
			return err_set(e, ERR_DATA,
			    "%s counted %" PRIu64 " %s, %s %" PRIu64,
			    first->command.name, want, fact, l->command.name,
			    n);
	}
	return true;
}

bool
proof_flow(const struct chain *c, struct err *e)
{
	return bytes_agree(c, e) && counts_agree(c, "keys", e) &&
	    counts_agree(c, "expires", e);
}

/* --- what is known of a shard --- */

enum row_kind { ROW_TEXT, ROW_COUNT, ROW_CRC, ROW_VIA, ROW_POINT };

/* Must it be said? */
enum row_need { ALWAYS, MAYBE, REPLICATED };

/* Of the kinds that are words. */
static const char *const *const row_words[] = { [ROW_CRC] = manifest_crcs,
	[ROW_VIA] = manifest_vias,
	[ROW_POINT] = manifest_points };

/* clang-format off */
#define SHARD(m) offsetof(struct manifest_shard, m)

/* One row per thing known: who says it, where it goes, what it is called
 * when it differs (NULL: not compared). */
static const struct row {
	const char *what, *program, *fact;
	enum row_kind kind;
	size_t at;
	enum row_need need;
} rows[] = {
	{ NULL, "rdb-capture", "via", ROW_VIA, SHARD(source.via), ALWAYS },
	{ NULL, "rdb-capture", "point-in-time", ROW_POINT, SHARD(source.point), MAYBE },
	{ NULL, "rdb-capture", "replid", ROW_TEXT, SHARD(source.replid), REPLICATED },
	{ NULL, "rdb-capture", "offset", ROW_COUNT, SHARD(source.offset), REPLICATED },
	{ NULL, "rdb-capture", "begun", ROW_COUNT, SHARD(source.begun), MAYBE },
	{ NULL, "rdb-capture", "run-id", ROW_TEXT, SHARD(source.run_id), MAYBE },
	{ NULL, "rdb-capture", "role", ROW_TEXT, SHARD(source.role), MAYBE },
	{ "stored bytes", "cos-get", "bytes", ROW_COUNT, SHARD(object.bytes), ALWAYS },
	{ "stored crc64-xz", "cos-get", "crc64-xz", ROW_TEXT, SHARD(object.crc64_xz), ALWAYS },
	{ "stored xxh3-128", "cos-get", "xxh3-128", ROW_TEXT, SHARD(object.xxh3_128), ALWAYS },
	{ NULL, "cos-put", "bytes", ROW_COUNT, SHARD(object.bytes), ALWAYS },
	{ NULL, "cos-put", "crc64-xz", ROW_TEXT, SHARD(object.crc64_xz), ALWAYS },
	{ NULL, "cos-put", "xxh3-128", ROW_TEXT, SHARD(object.xxh3_128), ALWAYS },
	{ "raw bytes", "rdb-verify", "bytes", ROW_COUNT, SHARD(rdb.bytes), ALWAYS },
	{ "rdb version", "rdb-verify", "rdb-version", ROW_COUNT, SHARD(rdb.version), ALWAYS },
	{ "rdb dialect", "rdb-verify", "dialect", ROW_TEXT, SHARD(rdb.dialect), ALWAYS },
	{ "rdb crc", "rdb-verify", "crc", ROW_CRC, SHARD(rdb.crc), ALWAYS },
	{ "rdb crc64", "rdb-verify", "crc64", ROW_TEXT, SHARD(rdb.crc64), ALWAYS },
	{ "raw xxh3-128", "rdb-checksum", "xxh3-128", ROW_TEXT, SHARD(rdb.xxh3_128), ALWAYS },
	{ "keys", "rdb-verify", "keys", ROW_COUNT, SHARD(keys), ALWAYS },
	{ "expires", "rdb-verify", "expires", ROW_COUNT, SHARD(expires), ALWAYS },
	{ "functions", "rdb-verify", "functions", ROW_COUNT, SHARD(functions), ALWAYS },
	{ "digest", "rdb-digest", "digest", ROW_TEXT, SHARD(digest), ALWAYS },
	{ "digest of functions", "rdb-digest", "digest-functions", ROW_TEXT, SHARD(digest_functions), ALWAYS },
	{ NULL, "rdb-verify", "level", ROW_TEXT, SHARD(verified), ALWAYS },
};
/* clang-format on */

static const void *
row_member(const struct row *r, const struct manifest_shard *s)
{
	return (const char *)s + r->at;
}

/* Undo \n and \\; bytes that a terminal would obey are written as \xHH. */
static char *
fact_text(const char *value, struct err *e)
{
	size_t len = strlen(value), n = 0, cap = 4 * len + 16;
	char *plain = malloc(len + 1), *text = malloc(cap);

	if (plain == NULL || text == NULL) {
		err_sys(e, "cannot keep a fact");
		free(plain);
		free(text);
		return NULL;
	}
	for (; *value != '\0'; value++)
		if (*value == '\\' && value[1] != '\0')
			plain[n++] = *++value == 'n' ? '\n' : *value;
		else
			plain[n++] = *value;
	err_quote(text, cap, plain, n);
	free(plain);
	return text;
}

char *
proof_text(
    const struct chain *c, const char *program, const char *fact, struct err *e)
{
	const char *value = chain_fact(c, program, fact);

	if (value != NULL)
		return fact_text(value, e);
	err_set(e, ERR_BUG, "%s did not say its %s", program, fact);
	return NULL;
}

static bool
row_fill(const struct row *r, const struct chain_link *l,
    struct manifest_shard *s, struct err *e)
{
	const char *value = fact_list_get(&l->facts, r->fact);
	void *to = (char *)s + r->at;

	if (value == NULL &&
	    (r->need == MAYBE ||
		(r->need == REPLICATED && s->source.via != VIA_PSYNC)))
		return true;
	if (r->kind == ROW_COUNT)
		return count_get(l, r->fact, to, e);
	if (value == NULL)
		return err_set(e, ERR_BUG, "%s did not say its %s",
		    l->command.name, r->fact);
	if (r->kind == ROW_TEXT)
		return (*(char **)to = fact_text(value, e)) != NULL;
	for (int i = 0; row_words[r->kind][i] != NULL; i++)
		if (strcmp(row_words[r->kind][i], value) == 0) {
			*(int *)to = i;
			return true;
		}
	return err_set(e, ERR_BUG, "%s says of its %s a word we do not know",
	    l->command.name, r->fact);
}

static struct manifest_db *
db_find(struct manifest_shard *s, uint64_t number, struct err *e)
{
	struct manifest_db *db = s->databases.item;

	for (size_t i = 0; i < s->databases.n; i++)
		if (db[i].db == number)
			return &db[i];
	if ((db = json_list_add(&s->databases, sizeof *db, e)) != NULL)
		db->db = number;
	return db;
}

/* db.N.keys and db.N.expires */
static bool
databases_fill(
    const struct chain_link *l, struct manifest_shard *s, struct err *e)
{
	const char *name, *value;
	size_t at = 0, len;

	while (fact_list_next(&l->facts, &at, &name, &len, &value)) {
		struct manifest_db *db;
		uint64_t number, count;
		char what[8];

		if (sscanf(name, "db.%" SCNu64 ".%7s %" SCNu64, &number, what,
			&count) != 3)
			continue;
		if ((db = db_find(s, number, e)) == NULL)
			return false;
		if (strcmp(what, "keys") == 0)
			db->keys = count;
		else if (strcmp(what, "expires") == 0)
			db->expires = count;
	}
	return true;
}

bool
proof_shard(const struct chain *c, struct manifest_shard *s, struct err *e)
{
	const struct chain_link *l;
	bool ok = true;

	memset(s, 0, sizeof *s);
	for (size_t i = 0; ok && i < COUNT_OF(rows); i++) {
		l = chain_find(c, rows[i].program);
		ok = l == NULL || row_fill(&rows[i], l, s, e);
	}
	l = chain_find(c, "rdb-verify");
	ok = ok && (l == NULL || databases_fill(l, s, e));
	if (!ok)
		manifest_shard_release(s);
	return ok;
}

/* --- is it what the manifest says? --- */

/* "digest: found X, not Y" */
static bool
row_same(const struct row *r, const struct manifest_shard *want,
    const struct manifest_shard *found, char *say, size_t cap)
{
	const void *w = row_member(r, want), *f = row_member(r, found);
	const char *wt, *ft;

	switch (r->kind) {
	case ROW_COUNT:
		if (*(const uint64_t *)w == *(const uint64_t *)f)
			return true;
		snprintf(say, cap, "%s: found %" PRIu64 ", not %" PRIu64,
		    r->what, *(const uint64_t *)f, *(const uint64_t *)w);
		return false;
	case ROW_CRC: /* the only words that are compared */
		wt = manifest_crcs[*(const int *)w];
		ft = manifest_crcs[*(const int *)f];
		break;
	default:
		wt = *(char *const *)w;
		ft = *(char *const *)f;
	}
	if (wt != NULL && ft != NULL && strcmp(wt, ft) == 0)
		return true;
	snprintf(say, cap, "%s: found %s, not %s", r->what,
	    ft != NULL ? ft : "none", wt != NULL ? wt : "none");
	return false;
}

static bool
databases_same(const struct manifest_shard *a, const struct manifest_shard *b)
{
	return a->databases.n == b->databases.n &&
	    (a->databases.n == 0 ||
		memcmp(a->databases.item, b->databases.item,
		    a->databases.n * sizeof(struct manifest_db)) == 0);
}

bool
proof_same(const struct manifest_shard *want,
    const struct manifest_shard *found, struct err *e)
{
	char all[sizeof e->text] = "", one[200];
	size_t n = 0;

	for (size_t i = 0; i < COUNT_OF(rows); i++)
		if (rows[i].what != NULL &&
		    !row_same(&rows[i], want, found, one, sizeof one) &&
		    n + strlen(one) + 2 < sizeof all)
			n += (size_t)snprintf(all + n, sizeof all - n, "%s%s",
			    n > 0 ? ", " : "", one);
	if (!databases_same(want, found) && n + 40 < sizeof all)
		n += (size_t)snprintf(all + n, sizeof all - n, "%s%s",
		    n > 0 ? ", " : "", "keys per database differ");
	return n == 0 || err_set(e, ERR_DATA, "%s", all);
}
