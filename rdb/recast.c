/* recast.c -- see recast.h. */
#include "rdb/recast.h"

#include <string.h>

#include "rdb/kind.h"
#include "rdb/recasts.h"

#define VALKEY_TTL 22 /* hash-2: times of fields since Valkey 9 */
#define REDIS_TTL  24 /* hash-metadata: since Redis 7.4 */

static const struct {
	const char *name, *words;
} losses[RDB_LOSSES] = {
	[RDB_LOSS_KEY] = { "keys", "keys of such a type" },
	[RDB_LOSS_FIELD_TTL] = { "field-ttls", "times of fields" },
	[RDB_LOSS_RELEASED] = { "released-entries",
	    "pending entries of no consumer" },
	[RDB_LOSS_DELETED_ID] = { "deleted-ids",
	    "the largest deleted ID of a stream" },
	[RDB_LOSS_ADDED] = { "entries-added",
	    "the count of entries ever added to a stream" },
	[RDB_LOSS_READ] = { "entries-read",
	    "the count of entries a group has read" },
	[RDB_LOSS_IDMP] = { "idempotence-settings",
	    "settings of idempotent production" },
	[RDB_LOSS_IDMP_ID] = { "idempotence-ids", "IDs of producers" },
	[RDB_LOSS_IDMP_COUNT] = { "idempotence-counters",
	    "counters of idempotent production" },
	[RDB_LOSS_META] = { "key-metadata", "metadata of keys" },
	[RDB_LOSS_FUNCTION] = { "functions", "functions" },
	[RDB_LOSS_MODULE_AUX] = { "module-aux",
	    "data of modules outside of keys" },
	[RDB_LOSS_IMPORT] = { "slot-imports", "slots being imported" },
};

const char *
rdb_loss_name(enum rdb_loss loss)
{
	return losses[loss].name;
}

const char *
rdb_loss_words(enum rdb_loss loss)
{
	return losses[loss].words;
}

/* --- which becomes which --- */

/* The first of these that the engine loads; 0 ends them. */
static unsigned
first_of(const struct rdb_engine *e, const uint8_t *types)
{
	for (; *types != 0; types++)
		if (rdb_engine_loads(e, *types, e->valkey))
			return *types;
	return RDB_RECAST_NEVER;
}

unsigned
rdb_recast_type(const struct rdb_engine *e, unsigned type, bool valkey)
{
	static const uint8_t forms[RDB_KINDS][6] = {
		[RDB_KIND_LIST] = { 14, 1 },
		[RDB_KIND_SET] = { 2 },
		[RDB_KIND_ZSET] = { 5, 3 },
		[RDB_KIND_HASH] = { 4 },
		[RDB_KIND_STREAM] = { 27, 26, 21, 19, 15 },
	};
	static const uint8_t redis_ttl[] = { REDIS_TTL, 4, 0 };
	static const uint8_t valkey_ttl[] = { VALKEY_TTL, 4, 0 };

	if (rdb_engine_loads(e, type, valkey))
		return type;
	if (rdb_kind_field_ttl(type))
		return first_of(e, e->valkey ? valkey_ttl : redis_ttl);
	return first_of(e, forms[rdb_kind_of(type)]);
}

/* --- for the files of the recaster --- */

bool
recast_lose(struct rdb_recast *r, enum rdb_loss loss)
{
	if (!r->lossy)
		r->refused = loss;
	else
		r->lost[loss]++;
	return r->lossy;
}

bool
recast_refuse(struct rdb_recast *r, const char *words)
{
	r->refusal = words;
	return false;
}

bool
recast_held(struct rdb_recast *r, const struct rdb_write *w)
{
	if (w->len > RDB_RECAST_GATHER)
		return recast_refuse(
		    r, "more than 64 MiB would have to be held to rewrite it");
	return !w->failed;
}

void
recast_text(struct rdb_write *w, const struct rdb_piece *p)
{
	if (p->first)
		rdb_write_string_head(w, p->size);
	rdb_write_bytes(w, p->ptr, p->len);
}

/* --- one value --- */

void
rdb_recast_init(
    struct rdb_recast *r, const struct rdb_engine *engine, bool lossy)
{
	memset(r, 0, offsetof(struct rdb_recast, value));
	r->engine = engine;
	r->lossy = lossy;
	r->refused = RDB_LOSSES;
	rdb_write_init(&r->held);
	rdb_write_init(&r->field);
	rdb_write_init(&r->stream.ids);
	zipped_init(&r->zip);
	rdb_value_init(&r->value);
}

void
rdb_recast_release(struct rdb_recast *r)
{
	rdb_write_release(&r->held);
	rdb_write_release(&r->field);
	rdb_write_release(&r->stream.ids);
	zipped_release(&r->zip);
}

void
rdb_recast_begin(
    struct rdb_recast *r, unsigned type, bool valkey, struct rdb_write *out)
{
	rdb_recast_begin_as(
	    r, type, valkey, rdb_recast_type(r->engine, type, valkey), out);
}

void
rdb_recast_begin_as(struct rdb_recast *r, unsigned type, bool valkey,
    unsigned to, struct rdb_write *out)
{
	r->from = type;
	r->from_valkey = valkey;
	r->to = to;
	r->out = out;
	r->headed = r->gathered = r->alone = false;
	r->count = r->nodes = 0;
	rdb_write_taken(&r->held, r->held.len);
	rdb_write_taken(&r->field, r->field.len);
	memset(r->lost, 0, sizeof r->lost);
	rdb_value_begin(&r->value, type, valkey);
	if (r->to >= 15 && r->to != VALKEY_TTL && r->to != REDIS_TTL)
		recast_stream_begin(r);
	else if (r->to == 14)
		recast_list_begin(r);
	else
		recast_plain_begin(r);
}

bool
rdb_recast_feed(struct rdb_recast *r, const struct rdb_run *run)
{
	struct rdb_piece p;
	enum rdb_got got;

	rdb_value_feed(&r->value, run->ptr, run->len, run->at);
	while ((got = rdb_value_next(&r->value, &p)) == RDB_RUN)
		if (!r->piece(r, &p))
			return false;
	if (got == RDB_BAD || (got == RDB_MORE && run->last)) {
		r->fault = got == RDB_BAD ?
		    r->value.fault :
		    (struct rdb_fault){ .at = run->at,
			    .what = "value ends early" };
		return false;
	}
	if (r->stream.row != NULL && !recast_stream_copy(r, run))
		return false;
	return (got != RDB_END || r->end(r)) && !r->out->failed;
}
