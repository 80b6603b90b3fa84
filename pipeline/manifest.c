/* manifest.c -- see manifest.h: the tables, the seal, what must agree. */
#include "pipeline/manifest.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pipeline/ident.h"
#include "rdb/hash128.h"

const char *const manifest_types[] = { "auto", "manual", NULL };
const char *const manifest_states[] = { "complete", "suspect", NULL };
const char *const manifest_topologies[] = { "standalone", "cluster", NULL };
const char *const manifest_vias[] = { "psync", "scan", NULL };
const char *const manifest_points[] = { "yes", "no", NULL };
static const char *const consistents[] = { "no", "yes", NULL };
const char *const manifest_crcs[] = { "good", "unverified", NULL };

/* clang-format off */
#define AT(s, m) .at = offsetof(struct s, m)

static const struct json_field object_fields[] = {
	{ FIELD_TEXT, "name", AT(manifest_object, name) },
	{ FIELD_COUNT, "bytes", AT(manifest_object, bytes) },
	{ FIELD_HEX, "crc64-xz", AT(manifest_object, crc64_xz), .digits = 16 },
	{ FIELD_HEX, "xxh3-128", AT(manifest_object, xxh3_128), .digits = 32 },
	FIELD_END
};

static const struct json_field rdb_fields[] = {
	{ FIELD_COUNT, "version", AT(manifest_rdb, version) },
	{ FIELD_TEXT, "dialect", AT(manifest_rdb, dialect) },
	{ FIELD_COUNT, "bytes", AT(manifest_rdb, bytes) },
	{ FIELD_CHOICE, "crc", AT(manifest_rdb, crc), .words = manifest_crcs },
	{ FIELD_HEX, "crc64", AT(manifest_rdb, crc64), .digits = 16 },
	{ FIELD_HEX, "xxh3-128", AT(manifest_rdb, xxh3_128), .digits = 32 },
	FIELD_END
};

static const struct json_field source_fields[] = {
	{ FIELD_TEXT, "url", AT(manifest_source, url) },
	{ FIELD_TEXT, "run-id", AT(manifest_source, run_id), .null = true },
	{ FIELD_TEXT, "role", AT(manifest_source, role), .null = true },
	{ FIELD_CHOICE, "via", AT(manifest_source, via),
	    .words = manifest_vias, .optional = true },
	{ FIELD_CHOICE, "point-in-time", AT(manifest_source, point),
	    .words = manifest_points, .optional = true },
	{ FIELD_TEXT, "replid", AT(manifest_source, replid), .null = true },
	{ FIELD_COUNT, "offset", AT(manifest_source, offset) },
	{ FIELD_TIME, "begun", AT(manifest_source, begun), .optional = true },
	FIELD_END
};

static const struct json_field db_fields[] = {
	{ FIELD_COUNT, "db", AT(manifest_db, db) },
	{ FIELD_COUNT, "keys", AT(manifest_db, keys) },
	{ FIELD_COUNT, "expires", AT(manifest_db, expires) },
	FIELD_END
};

static const struct json_field slots_fields[] = {
	{ FIELD_COUNT, "first", AT(manifest_slots, first) },
	{ FIELD_COUNT, "last", AT(manifest_slots, last) },
	FIELD_END
};

static const struct json_field shard_fields[] = {
	{ FIELD_LIST, "slots", AT(manifest_shard, slots),
	    .of = slots_fields, .size = sizeof(struct manifest_slots) },
	{ FIELD_RECORD, "source", AT(manifest_shard, source),
	    .of = source_fields },
	{ FIELD_RECORD, "object", AT(manifest_shard, object),
	    .of = object_fields },
	{ FIELD_RECORD, "rdb", AT(manifest_shard, rdb), .of = rdb_fields },
	{ FIELD_COUNT, "keys", AT(manifest_shard, keys) },
	{ FIELD_COUNT, "expires", AT(manifest_shard, expires) },
	{ FIELD_COUNT, "functions", AT(manifest_shard, functions) },
	{ FIELD_LIST, "databases", AT(manifest_shard, databases),
	    .of = db_fields, .size = sizeof(struct manifest_db) },
	{ FIELD_HEX, "digest", AT(manifest_shard, digest), .digits = 32 },
	{ FIELD_HEX, "digest-functions", AT(manifest_shard, digest_functions),
	    .digits = 32 },
	{ FIELD_TEXT, "verified", AT(manifest_shard, verified) },
	FIELD_END
};

static const struct json_field manifest_fields[] = {
	{ FIELD_COUNT, "format", AT(manifest, format) },
	{ FIELD_TEXT, "id", AT(manifest, id) },
	{ FIELD_TEXT, "instance", AT(manifest, instance) },
	{ FIELD_CHOICE, "type", AT(manifest, type), .words = manifest_types },
	{ FIELD_TEXT, "remark", AT(manifest, remark), .null = true },
	{ FIELD_CHOICE, "state", AT(manifest, state),
	    .words = manifest_states },
	{ FIELD_TIME, "started", AT(manifest, started) },
	{ FIELD_TIME, "finished", AT(manifest, finished) },
	{ FIELD_TEXT, "engine", AT(manifest, engine) },
	{ FIELD_TEXT, "version", AT(manifest, version) },
	{ FIELD_CHOICE, "topology", AT(manifest, topology),
	    .words = manifest_topologies },
	{ FIELD_COUNT, "skew-ms", AT(manifest, skew_ms), .optional = true },
	{ FIELD_CHOICE, "consistent", AT(manifest, consistent),
	    .words = consistents, .optional = true },
	{ FIELD_COUNT, "pause-ms", AT(manifest, pause_ms), .optional = true },
	{ FIELD_TEXT, "sidecar", AT(manifest, sidecar), .optional = true },
	{ FIELD_HEX, "sidecar-xxh3-128", AT(manifest, sidecar_xxh3_128),
	    .digits = 32, .optional = true },
	{ FIELD_LIST, "shards", AT(manifest, shards),
	    .of = shard_fields, .size = sizeof(struct manifest_shard) },
	{ FIELD_LIST, "chain", AT(manifest, chain) },
	{ FIELD_TEXT, "tool", AT(manifest, tool) },
	{ FIELD_TIME, "expires", AT(manifest, expires), .null = true },
	{ FIELD_FLAG, "hold", AT(manifest, hold) },
	FIELD_END
};
/* clang-format on */

/* The end of the file: the seal's line, then the brace. */
#define SEAL_LEAD "  \"checksum\": \"xxh3-128:"
#define SEAL_TAIL "\"\n}\n"
#define SEAL_LEN  (sizeof SEAL_LEAD - 1 + 2 * HASH128_LEN + sizeof SEAL_TAIL - 1)

static void
seal_print(char to[SEAL_LEN + 1], const char *text, size_t len)
{
	uint8_t sum[HASH128_LEN];
	size_t n = sizeof SEAL_LEAD - 1;

	hash128_put(hash128_of(text, len), sum);
	memcpy(to, SEAL_LEAD, n);
	for (size_t i = 0; i < sizeof sum; i++)
		n += (size_t)snprintf(to + n, 3, "%02x", sum[i]);
	memcpy(to + n, SEAL_TAIL, sizeof SEAL_TAIL);
}

bool
manifest_print(const struct manifest *m, char **text, struct err *e)
{
	char *open, *sealed;
	size_t n;

	*text = NULL;
	if (!json_print(manifest_fields, m, true, &open, e))
		return err_in(e, "manifest of %s", m->id);
	n = strlen(open);
	assert(n > 2 && strcmp(open + n - 2, "\n}") == 0);
	if ((sealed = malloc(n + SEAL_LEN + 1)) != NULL) {
		memcpy(sealed, open, n - 2);
		memcpy(sealed + n - 2, ",\n", 2);
		seal_print(sealed + n, sealed, n);
		*text = sealed;
	} else
		err_sys(e, "manifest of %s", m->id);
	free(open);
	return *text != NULL;
}

/* Does the file end in the seal of what is in front of it? */
static bool
seal_check(const char *text, size_t len, struct err *e)
{
	char want[SEAL_LEN + 1];
	const char *end;

	if (len < SEAL_LEN + 2)
		return err_set(e, ERR_DATA, "too short, %zu bytes", len);
	end = text + len - SEAL_LEN;
	if (memcmp(end, SEAL_LEAD, sizeof SEAL_LEAD - 1) != 0 ||
	    memcmp(text + len - (sizeof SEAL_TAIL - 1), SEAL_TAIL,
		sizeof SEAL_TAIL - 1) != 0 ||
	    memcmp(end - 2, ",\n", 2) != 0)
		return err_set(e, ERR_DATA,
		    "checksum is missing from the end of the file");
	seal_print(want, text, len - SEAL_LEN);
	if (memcmp(want, end, SEAL_LEN) != 0)
		return err_set(e, ERR_DATA,
		    "checksum is wrong: the file was changed or damaged");
	return true;
}

/* Format 1 knows but one way to read a server. */
static bool
source_agree(const struct manifest *m, size_t i, struct err *e)
{
	const struct manifest_source *s = &manifest_shard(m, i)->source;

	if (m->format == MANIFEST_FORMAT &&
	    (s->via != VIA_PSYNC || s->point != POINT_YES))
		return err_set(e, ERR_DATA,
		    "shards[%zu].source is of a way that format 1 does not "
		    "know",
		    i);
	if ((s->via == VIA_PSYNC) != (s->replid != NULL))
		return err_set(e, ERR_DATA,
		    "shards[%zu].source.replid does not go with via %s", i,
		    manifest_vias[s->via]);
	return true;
}

static bool
shard_agree(const struct manifest *m, size_t i, struct err *e)
{
	const struct manifest_shard *s = manifest_shard(m, i);
	uint64_t keys = 0, expires = 0;

	for (size_t k = 0; k < s->databases.n; k++) {
		const struct manifest_db *db = s->databases.item;

		keys += db[k].keys;
		expires += db[k].expires;
	}
	if (keys != s->keys || expires != s->expires)
		return err_set(e, ERR_DATA,
		    "shards[%zu].databases do not add up to its keys", i);
	for (size_t k = 0; k < s->slots.n; k++) {
		const struct manifest_slots *range = s->slots.item;

		if (range[k].first > range[k].last || range[k].last > 16383)
			return err_set(e, ERR_DATA,
			    "shards[%zu].slots[%zu] is no range of slots", i,
			    k);
	}
	if (!ident_object_ok(s->object.name))
		return err_set(e, ERR_DATA,
		    "shards[%zu].object.name is no object name", i);
	return source_agree(m, i, e);
}

/* --- sets --- */

uint64_t
manifest_skew(const struct manifest *m)
{
	int64_t first = 0, last = 0;

	for (size_t i = 0; i < m->shards.n; i++) {
		int64_t begun = manifest_shard(m, i)->source.begun;

		if (first == 0 || (begun != 0 && begun < first))
			first = begun;
		if (begun > last)
			last = begun;
	}
	return first == 0 ? 0 : (uint64_t)(last - first);
}

uint64_t
manifest_format(const struct manifest *m)
{
	uint64_t format = MANIFEST_FORMAT;

	if (m->skew_ms != 0 || m->consistent != CONSISTENT_NO ||
	    m->pause_ms != 0 || m->sidecar != NULL)
		return MANIFEST_FORMAT_SET;
	for (size_t i = 0; i < m->shards.n; i++) {
		const struct manifest_source *s = &manifest_shard(m, i)->source;

		if (s->begun != 0)
			return MANIFEST_FORMAT_SET;
		if (s->via != VIA_PSYNC || s->point != POINT_YES)
			format = MANIFEST_FORMAT_SCAN;
	}
	return format;
}

/* Every slot is in exactly one shard. */
static bool
slots_agree(const struct manifest *m, struct err *e)
{
	bool has[16384] = { false };
	size_t n = 0;

	for (size_t i = 0; i < m->shards.n; i++) {
		const struct json_list *l = &manifest_shard(m, i)->slots;
		const struct manifest_slots *range = l->item;

		for (size_t k = 0; k < l->n; k++)
			for (uint64_t slot = range[k].first;
			     slot <= range[k].last; slot++, n++) {
				if (has[slot])
					return err_set(e, ERR_DATA,
					    "shards[%zu].slots[%zu] has slot "
					    "%llu a second time",
					    i, k, (unsigned long long)slot);
				has[slot] = true;
			}
	}
	return n == COUNT_OF(has) ||
	    err_set(e, ERR_DATA, "shards have %zu slots, a cluster %zu", n,
		COUNT_OF(has));
}

static bool
set_agree(const struct manifest *m, struct err *e)
{
	if (m->skew_ms != manifest_skew(m))
		return err_set(
		    e, ERR_DATA, "skew-ms is not that of the shards");
	if (m->consistent == CONSISTENT_NO && m->pause_ms != 0)
		return err_set(
		    e, ERR_DATA, "pause-ms does not go with consistent no");
	if ((m->sidecar == NULL) != (m->sidecar_xxh3_128 == NULL))
		return err_set(
		    e, ERR_DATA, "sidecar does not go with its checksum");
	if (m->sidecar != NULL && !ident_object_ok(m->sidecar))
		return err_set(e, ERR_DATA, "sidecar is no object name");
	return true;
}

/* What a table cannot say. */
static bool
parts_agree(const struct manifest *m, struct err *e)
{
	if (m->format < MANIFEST_FORMAT || m->format > MANIFEST_FORMAT_SET)
		return err_set(e, ERR_DATA,
		    "format is %llu, this program reads %d to %d",
		    (unsigned long long)m->format, MANIFEST_FORMAT,
		    MANIFEST_FORMAT_SET);
	if (!ident_id_ok(m->id))
		return err_set(e, ERR_DATA, "id is no backup id");
	if (!ident_instance_ok(m->instance))
		return err_set(e, ERR_DATA, "instance is no instance name");
	if (m->finished < m->started)
		return err_set(e, ERR_DATA, "finished is before started");
	if (m->shards.n == 0)
		return err_set(e, ERR_DATA, "shards is empty");
	if (m->topology == TOPOLOGY_STANDALONE && m->shards.n != 1)
		return err_set(e, ERR_DATA,
		    "shards are %zu, a standalone instance has 1", m->shards.n);
	for (size_t i = 0; i < m->shards.n; i++)
		if (!shard_agree(m, i, e))
			return false;
	if (m->format < MANIFEST_FORMAT_SET &&
	    manifest_format(m) == MANIFEST_FORMAT_SET)
		return err_set(e, ERR_DATA,
		    "there is what format %llu does not know",
		    (unsigned long long)m->format);
	return m->format < MANIFEST_FORMAT_SET || set_agree(m, e);
}

bool
manifest_read(struct manifest *m, const char *text, size_t len, struct err *e)
{
	if (!manifest_read_part(m, text, len, e))
		return false;
	if (m->format < MANIFEST_FORMAT_SET ||
	    m->topology != TOPOLOGY_CLUSTER || slots_agree(m, e))
		return true;
	manifest_release(m);
	return false;
}

bool
manifest_read_part(
    struct manifest *m, const char *text, size_t len, struct err *e)
{
	char *open;
	bool ok;

	memset(m, 0, sizeof *m);
	if (!seal_check(text, len, e))
		return false;
	/* Without the seal, so that the tables need not know of it. */
	len -= SEAL_LEN;
	if ((open = malloc(len)) == NULL)
		return err_sys(e, "cannot read a manifest");
	memcpy(open, text, len);
	memcpy(open + len - 2, "\n}", 2);
	ok = json_read(manifest_fields, m, sizeof *m, open, len, e);
	free(open);
	if (ok && !parts_agree(m, e)) {
		manifest_release(m);
		ok = false;
	}
	return ok;
}

void
manifest_release(struct manifest *m)
{
	json_release(manifest_fields, m, sizeof *m);
}

void
manifest_shard_release(struct manifest_shard *s)
{
	json_release(shard_fields, s, sizeof *s);
}

struct manifest_shard *
manifest_shard(const struct manifest *m, size_t i)
{
	assert(i < m->shards.n);
	return (struct manifest_shard *)m->shards.item + i;
}

const char *
manifest_verified(const struct manifest *m)
{
	/* From shallow to deep. */
	static const char *const levels[] = { "frame", "deep" };
	size_t least = COUNT_OF(levels) - 1;

	for (size_t i = 0; i < m->shards.n; i++) {
		size_t k = 0;

		while (k < COUNT_OF(levels) &&
		    strcmp(manifest_shard(m, i)->verified, levels[k]) != 0)
			k++;
		if (k == COUNT_OF(levels))
			return NULL;
		if (k < least)
			least = k;
	}
	return levels[least];
}

struct manifest_total
manifest_total(const struct manifest *m)
{
	struct manifest_total t = { 0 };

	for (size_t i = 0; i < m->shards.n; i++) {
		const struct manifest_shard *s = manifest_shard(m, i);

		t.raw += s->rdb.bytes;
		t.stored += s->object.bytes;
		t.keys += s->keys;
		t.expires += s->expires;
		t.functions += s->functions;
	}
	return t;
}

void
manifest_digest_add(char sum[MANIFEST_DIGEST_LEN], const char *more)
{
	struct hash128_sum a = { 0 }, b = { 0 };

	sscanf(sum, "%16" SCNx64 "%16" SCNx64, &a.hi, &a.lo);
	sscanf(more, "%16" SCNx64 "%16" SCNx64, &b.hi, &b.lo);
	hash128_add(&a, b);
	snprintf(
	    sum, MANIFEST_DIGEST_LEN, "%016" PRIx64 "%016" PRIx64, a.hi, a.lo);
}

void
manifest_digest(const struct manifest *m, char text[MANIFEST_DIGEST_LEN])
{
	snprintf(text, MANIFEST_DIGEST_LEN, "%032d", 0);
	for (size_t i = 0; i < m->shards.n; i++)
		manifest_digest_add(text, manifest_shard(m, i)->digest);
}
