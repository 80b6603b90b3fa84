/* numbers.c -- see numbers.h. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "rdb/numbers.h"

/* The TTL of a field, to be handed out behind its value. */
static enum step_got
ttl_keep(struct rdb_value *v, uint64_t ttl)
{
	if (ttl > NUMBERS_TTL_MAX)
		return value_bad(v, "TTL of a field is out of range");
	v->ttl = ttl;
	v->ttl_kept = true;
	return STEP_ON;
}

static int
id_cmp(struct rdb_id a, struct rdb_id b)
{
	if (a.ms != b.ms)
		return a.ms < b.ms ? -1 : 1;
	return a.seq == b.seq ? 0 : a.seq < b.seq ? -1 : 1;
}

/* 7.0: streamEstimateDistanceFromFirstEverEntry in src/t_stream.c, where nothing
 * was ever deleted. */
uint64_t
numbers_entries_read(struct rdb_id id, struct rdb_id first,
    struct rdb_id last_id, uint64_t length)
{
	int to_first = id_cmp(id, first), to_last = id_cmp(id, last_id);

	if (length == 0)
		return 0;
	if (to_last == 0)
		return length;
	if (to_last > 0 || to_first > 0)
		return UINT64_MAX;
	return to_first == 0 ? 1 : 0;
}

/* The last ID of a stream of type 15, and what that does not say. */
static void
stream_old(struct rdb_value *v)
{
	pieces_id(v, RDB_STREAM_LAST, v->last, 0);
	pieces_id(v, RDB_STREAM_FIRST, v->entries.first_live, 0);
	pieces_id(v, RDB_STREAM_DELETED, (struct rdb_id){ 0, 0 }, 0);
	pieces_num(v, RDB_STREAM_ADDED, v->length, 0);
}

/* TTLs: where they begin, and one of a field. */
static enum step_got
ttl(struct rdb_value *v, unsigned deed, uint64_t num)
{
	switch (deed) {
	case DEED_TTL_BASE:
		v->base = num;
		return num <= NUMBERS_TTL_MAX ?
		    STEP_ON :
		    value_bad(v, "smallest TTL of a hash is out of range");
	case DEED_TTL_ABOVE:
		if (num == 0 || num > NUMBERS_TTL_MAX)
			return ttl_keep(v, num);
		return ttl_keep(v, v->base + num - 1);
	case DEED_TTL_FIRST:
		return ttl_keep(v, num);
	default: /* DEED_TTL_VALKEY */
		if (num != UINT64_MAX && num > INT64_MAX)
			return value_bad(v, "TTL of a field is out of range");
		pieces_num(v, RDB_FIELD_TTL, num == UINT64_MAX ? 0 : num, 0);
		return STEP_ON;
	}
}

/* The second half of an ID, or a number that belongs to one. */
static void
of_id(struct rdb_value *v, unsigned deed, uint64_t num)
{
	struct rdb_id id = { v->ms, num };

	switch (deed) {
	case DEED_LAST_OLD:
		v->last = id;
		stream_old(v);
		break;
	case DEED_GROUP_OLD:
		pieces_id(v, RDB_GROUP_STATE, id,
		    numbers_entries_read(
			id, v->entries.first_live, v->last, v->length));
		break;
	case DEED_GROUP_ID:
		v->id = id;
		break;
	case RDB_GROUP_STATE:
		pieces_id(v, deed, v->id, num);
		break;
	case RDB_PENDING:
		pieces_id(v, deed, v->id, v->base);
		v->queue[v->q_len - 1].more = num;
		break;
	default:
		pieces_id(v, deed, id, 0);
	}
}

enum step_got
numbers_take(struct rdb_value *v, unsigned deed, uint64_t num)
{
	switch (deed) {
	case DEED_TTL_BASE:
	case DEED_TTL_ABOVE:
	case DEED_TTL_FIRST:
	case DEED_TTL_VALKEY:
		return ttl(v, deed, num);
	case DEED_CONTAINER:
		if (num != 1 && num != 2)
			return value_bad(v, "unknown container of a list node");
		v->base = num;
		break;
	case DEED_MS:
		v->ms = num;
		break;
	case DEED_FIRST_OF:
		v->base = num;
		break;
	case DEED_LAST_OLD:
	case DEED_GROUP_OLD:
	case DEED_GROUP_ID:
	case RDB_GROUP_STATE:
	case RDB_STREAM_LAST:
	case RDB_STREAM_FIRST:
	case RDB_STREAM_DELETED:
	case RDB_IID_ENTRY:
	case RDB_PENDING:
		of_id(v, deed, num);
		break;
	case DEED_SEEN_OLD:
		pieces_num(v, RDB_CONSUMER_STATE, num, num);
		break;
	case RDB_CONSUMER_STATE:
	case RDB_IDMP:
	case RDB_IDMP_COUNTS:
		pieces_num(v, deed, v->base, num);
		break;
	case DEED_INTEGER:
		pieces_decimal(v, RDB_ARRAY_TEXT, (int64_t)num);
		break;
	default:
		if (deed == RDB_STREAM_LENGTH)
			v->length = num;
		pieces_num(v, deed, num, 0);
	}
	return STEP_ON;
}

enum step_got
numbers_score(struct rdb_value *v, unsigned deed, double d)
{
	if (deed == RDB_SCORE && isnan(d))
		return value_bad(v, "score is not a number");
	pieces_score(v, deed, d);
	return STEP_ON;
}

enum step_got
numbers_score_text(struct rdb_value *v, unsigned deed)
{
	char *text = (char *)v->scratch, *end;
	double d;

	text[v->have] = '\0';
	if (v->have == 0 || strchr("+-.0123456789in", *text) == NULL ||
	    memchr(text, 'x', v->have) != NULL)
		return value_bad(v, "score is not a number");
	d = strtod(text, &end);
	if (end != text + v->have)
		return value_bad(v, "score is not a number");
	v->have = 0;
	return numbers_score(v, deed, d);
}

bool
numbers_gather(struct rdb_value *v, const uint8_t *p, size_t n)
{
	if (n >= sizeof v->scratch - v->have)
		return false;
	if (n > 0)
		memcpy(v->scratch + v->have, p, n);
	v->have += (unsigned)n;
	return true;
}
