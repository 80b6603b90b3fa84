/*
 * t_recast.c -- a value as another server stores it.
 *
 * Goal of this test: what of each kind becomes of what, element by element, at the
 * edges of every encoding; what is lost is counted by kind, and only that is
 * gone; what an older form takes for granted is no loss; what would have to be
 * held beyond the bound is refused.
 */
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/harness/elements.h"
#include "tests/harness/recasts.h"

#define FAR UINT64_C(4102444800000)

/* A stream of one key is begun, in the dialect and version; its value follows. */
static void
begin(struct stream *s, bool valkey, int version, unsigned type)
{
	stream_init(s);
	stream_begin(s, valkey, version);
	stream_byte(s, type);
	stream_str(s, "key");
}

static void
make(struct recast_result *r, struct stream *s, const char *to, bool lossy)
{
	stream_end(s);
	recasts_make(
	    r, s->ptr, s->len, s->len, s->len, rdb_engine_find(to), lossy);
}

/* The type byte behind the header. */
static unsigned
type_of(const struct recast_result *r)
{
	return r->out.ptr[9];
}

/* Nothing is lost, the type is that, and the elements are the same. */
static void
same(struct stream *s, const char *to, unsigned type)
{
	struct recast_result r;
	char *want, *got;

	make(&r, s, to, false);
	assert_string_equal(r.words, "");
	assert_int_equal(type_of(&r), type);
	want = elements_of_value(s->ptr, s->len);
	got = elements_of_value(r.out.ptr, r.out.len);
	assert_string_equal(got, want);
	free(want);
	free(got);
	recasts_release(&r);
	stream_release(s);
}

/* It is refused, with these words. */
static void
refused(struct stream *s, const char *to, bool lossy, const char *words)
{
	struct recast_result r;

	make(&r, s, to, lossy);
	assert_string_equal(r.words, words);
	recasts_release(&r);
	stream_release(s);
}

/* Lossy: these are its lines, and so many of that were lost, nothing else. */
static void
lossy(struct stream *s, const char *to, enum rdb_loss loss, uint64_t n,
    const char *lines)
{
	struct recast_result r;
	char *got;

	make(&r, s, to, true);
	assert_string_equal(r.words, "");
	for (int i = 0; i < RDB_LOSSES; i++)
		assert_int_equal(r.lost[i], i == (int)loss ? n : 0);
	got = elements_of_value(r.out.ptr, r.out.len);
	assert_string_equal(got, lines);
	free(got);
	recasts_release(&r);
	stream_release(s);
}

/* --- lists --- */

/* A listpack entry of text, with the length behind it. */
static void
entry(struct stream *lp, const uint8_t *text, size_t n)
{
	size_t at = lp->len, len;

	if (n < 64) {
		stream_byte(lp, 0x80 | (unsigned)n);
	} else if (n < 4096) {
		stream_big(lp, 0xe000 | n, 2);
	} else {
		stream_byte(lp, 0xf0);
		stream_little(lp, n, 4);
	}
	stream_bytes(lp, text, n);
	len = lp->len - at;
	for (int i = len < 128 ? 0 :
		 len < 16384   ? 1 :
				 2,
		 mark = 0;
	     i >= 0; i--, mark = 0x80)
		stream_byte(lp, (len >> 7 * i & 0x7f) | (unsigned)mark);
}

/* The listpack made of these entries, as a string. */
static void
pack(struct stream *s, struct stream *lp, unsigned count)
{
	stream_len(s, lp->len + 7);
	stream_little(s, lp->len + 7, 4);
	stream_little(s, count, 2);
	stream_bytes(s, lp->ptr, lp->len);
	stream_byte(s, 0xff);
	stream_release(lp);
}

/* Every form of an entry in a ziplist, and of the length of the one before. */
static void
test_list_entries(void **unused)
{
	static const size_t sizes[] = { 0, 1, 20, 21, 63, 64, 250, 251, 252,
		253, 254, 255, 4095, 16383, 16384, 70000 };
	static const int64_t numbers[] = { 0, 12, 13, -1, 127, -128, 128, -129,
		32767, -32768, 32768, -32769, 8388607, -8388608, 8388608,
		-8388609, INT32_MAX, INT32_MIN, (int64_t)INT32_MAX + 1,
		(int64_t)INT32_MIN - 1, INT64_MAX, INT64_MIN };
	static const char *const almost[] = { "-0", "00", "+1", "1 ", "-",
		"9223372036854775808", "-9223372036854775809", "1.0", "0x1" };
	struct stream s, lp = { 0 };
	unsigned n = 0;
	uint8_t big[70000];
	char text[32];

	(void)unused;
	memset(big, 'b', sizeof big);
	for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++, n++)
		entry(&lp, big, sizes[i]);
	for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++, n++)
		entry(&lp, (const uint8_t *)text,
		    (size_t)sprintf(text, "%" PRId64, numbers[i]));
	for (size_t i = 0; i < sizeof almost / sizeof *almost; i++, n++)
		entry(&lp, (const uint8_t *)almost[i], strlen(almost[i]));
	begin(&s, false, 10, 18);
	stream_len(&s, 1);
	stream_len(&s, 2);
	pack(&s, &lp, n);
	same(&s, "redis-6.2", 14);
}

/* Nodes of one element, plain and packed, short and long, between others. */
static void
list_nodes(struct stream *s, int version)
{
	struct stream lp = { 0 };
	uint8_t big[9000];

	memset(big, 'n', sizeof big);
	begin(s, false, version, 18);
	stream_len(s, 5);
	stream_len(s, 1);
	stream_str(s, "12345");
	stream_len(s, 2);
	entry(&lp, big, sizeof big);
	pack(s, &lp, 1);
	stream_len(s, 2);
	entry(&lp, big, 10);
	entry(&lp, big, 30);
	pack(s, &lp, 2);
	stream_len(s, 1);
	stream_blob(s, big, sizeof big);
	stream_len(s, 2);
	entry(&lp, big, 3);
	pack(s, &lp, 65535); /* it does not say how many */
}

static void
test_list_nodes(void **unused)
{
	struct stream s;

	(void)unused;
	list_nodes(&s, 10);
	same(&s, "redis-3.2", 14);
	list_nodes(&s, 14);
	same(&s, "redis-6.0", 14);
	list_nodes(&s, 10);
	same(&s, "redis-3.0", 1);
	list_nodes(&s, 10);
	same(&s, "redis-7.0", 18);
}

/* Two nodes of one element, and one of nothing in that place. */
static void
list_with_nothing(struct stream *s, unsigned place)
{
	struct stream lp = { 0 };

	begin(s, false, 10, 18);
	stream_len(s, 3);
	for (unsigned i = 0; i < 3; i++) {
		stream_len(s, i == place ? 2 : 1);
		if (i == place)
			pack(s, &lp, 0);
		else
			stream_str(s, "x");
	}
}

static void
test_list_of_nothing(void **unused)
{
	static const char words[] = "it is a list with a node of nothing in it";
	struct stream s;

	(void)unused;
	begin(&s, false, 10, 18);
	stream_len(&s, 0);
	same(&s, "redis-6.2", 14);
	list_with_nothing(&s, 0);
	same(&s, "redis-6.2", 14);
	list_with_nothing(&s, 1);
	refused(&s, "redis-6.2", true, words);
	list_with_nothing(&s, 2);
	refused(&s, "redis-6.2", true, words);
	list_with_nothing(&s, 1);
	same(&s, "redis-3.0", 1);
}

/* More than is ever held: an element of a node of two, 65 MiB; alone in its
 * node it passes. */
static void
test_list_bound(void **unused)
{
	static const char words[] =
	    "more than 64 MiB would have to be held to rewrite it";
	const size_t size = RDB_RECAST_GATHER + (1 << 20);
	uint8_t *big = calloc(1, size);
	struct stream s, lp = { 0 };
	struct recast_result r;

	(void)unused;
	for (unsigned n = 1; n <= 2; n++) {
		begin(&s, false, 10, 18);
		stream_len(&s, 1);
		stream_len(&s, 2);
		stream_byte(&lp, 0xf0);
		stream_little(&lp, size, 4);
		stream_bytes(&lp, big, size);
		for (int i = 3, mark = 0; i >= 0; i--, mark = 0x80)
			stream_byte(
			    &lp, ((size + 5) >> 7 * i & 0x7f) | (unsigned)mark);
		if (n == 2)
			entry(&lp, big, 1);
		pack(&s, &lp, n);
		make(&r, &s, "redis-6.2", true);
		assert_string_equal(r.words, n == 1 ? "" : words);
		recasts_release(&r);
		stream_release(&s);
	}
	free(big);
}

/* --- sets, sorted sets, hashes --- */

/* So many entries "1000000" and up, of a type that is one listpack. */
static void
packed(struct stream *s, unsigned type, unsigned n)
{
	struct stream lp = { 0 };
	char text[16];

	for (unsigned i = 0; i < n; i++)
		entry(&lp, (const uint8_t *)text,
		    (size_t)sprintf(text, "%u", 1000000 + i));
	begin(s, false, 11, type);
	pack(s, &lp, n < 65535 ? n : 65535);
}

static void
test_packed(void **unused)
{
	static const struct {
		unsigned from;
		const char *to;
		unsigned type;
	} rows[] = {
		{ 16, "redis-6.2", 4 },
		{ 16, "redis-2.8", 4 },
		{ 17, "redis-6.2", 5 },
		{ 17, "redis-4.0", 5 },
		{ 17, "redis-3.2", 3 },
		{ 20, "redis-7.0", 2 },
		{ 20, "redis-2.8", 2 },
		{ 20, "valkey-9", 20 },
	};
	static const unsigned counts[] = { 0, 2, 126, 128, 65534, 65536 };
	struct stream s;

	(void)unused;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		for (size_t n = 0; n < sizeof counts / sizeof *counts; n++) {
			packed(&s, rows[i].from, counts[n]);
			same(&s, rows[i].to, rows[i].type);
		}
}

/* Scores as digits say the same, to the last bit. */
static void
test_scores(void **unused)
{
	static const uint64_t scores[] = { 0, 0x8000000000000000, 1,
		0x3fb999999999999a, 0x7fefffffffffffff, 0x7ff0000000000000,
		0xfff0000000000000, 0x000fffffffffffff, 0x433fffffffffffff,
		0xbff3c0ca428c59fb };
	const unsigned n = sizeof scores / sizeof *scores;
	struct stream s;
	char text[8];

	(void)unused;
	begin(&s, false, 8, 5);
	stream_len(&s, n);
	for (unsigned i = 0; i < n; i++) {
		sprintf(text, "m%u", i);
		stream_str(&s, text);
		stream_little(&s, scores[i], 8);
	}
	same(&s, "redis-3.2", 3);
}

/* --- times of fields --- */

static void
fields_of_valkey(struct stream *s, uint64_t ttl)
{
	begin(s, true, 80, 22);
	stream_len(s, 3);
	stream_str(s, "a");
	stream_str(s, "1");
	stream_little(s, ttl, 8);
	stream_str(s, "b");
	stream_int(s, 22, 1);
	stream_little(s, UINT64_MAX, 8);
	stream_str(s, "c");
	stream_str(s, "3");
	stream_little(s, 1, 8);
}

/* Types 22 to 25 of Redis, with the same data. */
static void
fields_of_redis(struct stream *s, unsigned type, uint64_t ttl)
{
	struct stream lp = { 0 };

	begin(s, false, 12, type);
	if (type >= 24)
		stream_little(s, ttl == 0 ? 0 : 5, 8);
	if (type == 23 || type == 25) {
		entry(&lp, (const uint8_t *)"a", 1);
		entry(&lp, (const uint8_t *)"1", 1);
		stream_byte(&lp, 0xf4);
		stream_little(&lp, ttl, 8);
		stream_byte(&lp, 9);
		entry(&lp, (const uint8_t *)"b", 1);
		entry(&lp, (const uint8_t *)"2", 1);
		stream_bytes(&lp, "\0\1", 2);
		pack(s, &lp, 6);
		return;
	}
	stream_len(s, 2);
	stream_len(s, type == 22 || ttl == 0 ? ttl : ttl - 5 + 1);
	stream_str(s, "a");
	stream_str(s, "1");
	stream_len(s, 0);
	stream_str(s, "b");
	stream_str(s, "2");
}

static void
test_times_across(void **unused)
{
	struct stream s;

	(void)unused;
	fields_of_valkey(&s, FAR);
	same(&s, "redis-7.4", 24);
	fields_of_valkey(&s, (UINT64_C(1) << 48) - 1);
	same(&s, "redis-8.8", 24);
	for (unsigned type = 22; type <= 25; type++) {
		fields_of_redis(&s, type, FAR);
		same(&s, "valkey-9", 22);
		fields_of_redis(&s, type, FAR);
		same(&s, "redis-8.0", type);
	}
}

static void
test_times_lost(void **unused)
{
	struct stream s;

	(void)unused;
	for (unsigned type = 22; type <= 25; type++) {
		fields_of_redis(&s, type, FAR);
		refused(&s, "redis-7.2", false, "field-ttls");
		fields_of_redis(&s, type, FAR);
		lossy(&s, "valkey-8", RDB_LOSS_FIELD_TTL, 1,
		    "  field 1 \"a\" value 1 \"1\"\n"
		    "  field 1 \"b\" value 1 \"2\"\n");
	}
	fields_of_valkey(&s, FAR);
	lossy(&s, "redis-6.0", RDB_LOSS_FIELD_TTL, 2,
	    "  field 1 \"a\" value 1 \"1\"\n"
	    "  field 1 \"b\" value 2 \"22\"\n"
	    "  field 1 \"c\" value 1 \"3\"\n");
	/* Redis has 48 bits for a time. */
	fields_of_valkey(&s, UINT64_C(1) << 48);
	refused(&s, "redis-8.0", false, "field-ttls");
	fields_of_valkey(&s, UINT64_C(1) << 48);
	lossy(&s, "redis-8.0", RDB_LOSS_FIELD_TTL, 1,
	    "  field 1 \"a\" value 1 \"1\" ttl 0\n"
	    "  field 1 \"b\" value 2 \"22\" ttl 0\n"
	    "  field 1 \"c\" value 1 \"3\" ttl 1\n");
}

/* A type that could hold times, without any: an older hash, nothing lost. */
static void
test_times_absent(void **unused)
{
	struct stream s;
	struct recast_result r;

	(void)unused;
	for (unsigned type = 22; type <= 25; type++) {
		fields_of_redis(&s, type, 0);
		make(&r, &s, "redis-6.0", false);
		assert_string_equal(r.words, "");
		assert_int_equal(type_of(&r), 4);
		recasts_release(&r);
		stream_release(&s);
	}
}

/* A hash with times stored again as such, for who changes them: listpacks of any
 * count.  (24 tells the time before the field, behind a count that is not known.) */
static void
test_times_again(void **unused)
{
	static const unsigned counts[] = { 0, 1, 21844, 22000 };
	struct rdb_recast *r = malloc(sizeof *r);
	struct stream s, lp = { 0 }, made;
	struct rdb_run run = {
		.label = RDB_VALUE, .first = true, .last = true
	};
	struct rdb_write out;
	char text[16], *want, *got;

	(void)unused;
	for (size_t i = 0; i < sizeof counts / sizeof *counts; i++) {
		for (unsigned n = 0; n < counts[i]; n++) {
			size_t len = (size_t)sprintf(text, "f%u", n);

			entry(&lp, (const uint8_t *)text, len);
			entry(&lp, (const uint8_t *)text, len - 1);
			stream_bytes(&lp, n % 3 == 0 ? "\7\1" : "\0\1", 2);
		}
		begin(&s, false, 12, 25);
		stream_little(&s, 7, 8);
		pack(&s, &lp, counts[i] * 3 < 65535 ? counts[i] * 3 : 65535);

		begin(&made, false, 12, 24);
		run.ptr = s.ptr + made.len;
		run.len = s.len - made.len;
		rdb_recast_init(r, NULL, false);
		rdb_write_init(&out);
		rdb_recast_begin_as(r, 25, false, RDB_RECAST_TTL(false), &out);
		assert_true(rdb_recast_feed(r, &run));
		stream_bytes(&made, out.ptr, out.len);
		rdb_write_release(&out);
		rdb_recast_release(r);

		stream_end(&s);
		stream_end(&made);
		want = elements_of_value(s.ptr, s.len);
		got = elements_of_value(made.ptr, made.len);
		assert_string_equal(got, want);
		free(want);
		free(got);
		stream_release(&s);
		stream_release(&made);
	}
	free(r);
}

/* --- streams --- */

struct log {
	uint64_t deleted, added, read; /* what came with type 19 */
	unsigned released;             /* of the pending 1-1, 1-2 */
	uint64_t seconds, ids, iids, count;
};

/* What a reader of type 15 takes for granted; and of 21. */
static const struct log plain = { 0, 2, 1, 0, 100, 100, 0, 0 };

/* Entries 1-1 and 1-2, a group at 1-1 with a consumer. */
static void
log_of(struct stream *s, unsigned type, const struct log *l)
{
	begin(s, false, 14, type);
	stream_len(s, 1);
	stream_len(s, 16);
	stream_id(s, 1, 1);
	stream_listpack(s,
	    (const char *const[]){ "#2", "#0", "#1", "f", "#0", "#2", "#0",
		"#0", "v", "#4", "#2", "#0", "#1", "w", "#4", NULL });
	stream_len(s, 2); /* length */
	stream_len(s, 1);
	stream_len(s, 2); /* last */
	stream_len(s, 1);
	stream_len(s, 1); /* first */
	stream_len(s, 0);
	stream_len(s, l->deleted);
	stream_len(s, l->added);
	stream_len(s, 1); /* groups */
	stream_str(s, "g");
	stream_len(s, 1);
	stream_len(s, 1);
	stream_len(s, l->read);
	stream_len(s, 2); /* pending */
	for (unsigned seq = 1; seq <= 2; seq++) {
		stream_id(s, 1, seq);
		stream_little(s, 7, 8);
		stream_len(s, 70000 * seq);
	}
	stream_len(s, 1);
	stream_str(s, "c");
	stream_little(s, 8, 8);
	if (type >= 21)
		stream_little(s, 9, 8);
	stream_len(s, 2 - l->released);
	for (unsigned seq = 1; seq <= 2 - l->released; seq++)
		stream_id(s, 1, seq);
	if (type == 27) {
		stream_len(s, l->released);
		for (unsigned i = 0; i < l->released; i++)
			stream_id(s, 1, 2 - i);
	}
	if (type < 26)
		return;
	stream_len(s, l->seconds);
	stream_len(s, l->ids);
	stream_len(s, 2);
	stream_str(s, "idle producer");
	stream_len(s, 0);
	stream_str(s, "p");
	stream_len(s, l->iids);
	for (unsigned i = 0; i < l->iids; i++) {
		stream_str(s, "iid");
		stream_len(s, 1);
		stream_len(s, 1);
	}
	stream_len(s, l->count);
	stream_len(s, 0);
}

static const struct {
	const char *engine;
	unsigned type;
} stream_forms[] = { { "redis-6.2", 15 }, { "redis-7.0", 19 },
	{ "redis-7.2", 21 }, { "valkey-9", 21 }, { "redis-8.6", 26 },
	{ "redis-8.8", 27 } };

/* What is told elsewhere, or by default, is no loss. */
static void
test_stream_defaults(void **unused)
{
	static const unsigned types[] = { 19, 21, 26, 27 };
	struct recast_result r;
	struct stream s;

	(void)unused;
	for (size_t i = 0; i < sizeof types / sizeof *types; i++)
		for (size_t f = 0; f < 6; f++) {
			log_of(&s, types[i], &plain);
			make(&r, &s, stream_forms[f].engine, false);
			assert_string_equal(r.words, "");
			assert_int_equal(type_of(&r),
			    stream_forms[f].type < types[i] ?
				stream_forms[f].type :
				types[i]);
			recasts_release(&r);
			stream_release(&s);
		}
}

/* Each thing by itself, for the youngest that does not have it. */
static void
test_stream_losses(void **unused)
{
	static const struct {
		const char *to;
		enum rdb_loss loss;
		struct log log;
		uint64_t n;
	} rows[] = {
		{ "redis-6.2", RDB_LOSS_DELETED_ID,
		    { 1, 2, 1, 0, 100, 100, 0, 0 }, 1 },
		{ "redis-6.2", RDB_LOSS_ADDED, { 0, 3, 1, 0, 100, 100, 0, 0 },
		    1 },
		{ "redis-6.2", RDB_LOSS_READ, { 0, 2, 2, 0, 100, 100, 0, 0 },
		    1 },
		{ "redis-6.2", RDB_LOSS_READ,
		    { 0, 2, UINT64_MAX, 0, 100, 100, 0, 0 }, 1 },
		{ "redis-8.4", RDB_LOSS_IDMP, { 0, 2, 1, 0, 101, 100, 0, 0 },
		    1 },
		{ "valkey-9", RDB_LOSS_IDMP, { 0, 2, 1, 0, 100, 99, 0, 0 }, 1 },
		{ "redis-7.0", RDB_LOSS_IDMP_ID, { 0, 2, 1, 0, 100, 100, 3, 0 },
		    3 },
		{ "redis-7.2", RDB_LOSS_IDMP_COUNT,
		    { 0, 2, 1, 0, 100, 100, 0, 5 }, 1 },
		{ "redis-8.6", RDB_LOSS_RELEASED,
		    { 0, 2, 1, 1, 100, 100, 0, 0 }, 1 },
		{ "redis-8.6", RDB_LOSS_RELEASED,
		    { 0, 2, 1, 2, 100, 100, 0, 0 }, 2 },
		{ "redis-6.0", RDB_LOSS_RELEASED,
		    { 0, 2, 1, 2, 100, 100, 0, 0 }, 2 },
	};

	(void)unused;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct recast_result r;
		struct stream s;

		log_of(&s, 27, &rows[i].log);
		refused(&s, rows[i].to, false, rdb_loss_name(rows[i].loss));
		log_of(&s, 27, &rows[i].log);
		make(&r, &s, rows[i].to, true);
		assert_string_equal(r.words, "");
		for (int k = 0; k < RDB_LOSSES; k++)
			assert_int_equal(
			    r.lost[k], k == (int)rows[i].loss ? rows[i].n : 0);
		recasts_release(&r);
		stream_release(&s);
	}
}

/* Released entries are gone from among the pending ones, and nothing else. */
static void
test_stream_released(void **unused)
{
	struct log l = plain;
	struct stream s;

	(void)unused;
	l.released = 1;
	log_of(&s, 27, &l);
	lossy(&s, "redis-8.4", RDB_LOSS_RELEASED, 1,
	    "  entry 1-1 1 field 1 \"f\" value 1 \"v\"\n"
	    "  entry 1-2 1 field 1 \"f\" value 1 \"w\"\n"
	    "  length 2\n  last 1-2\n  first 1-1\n  deleted 0-0\n  added 2\n"
	    "  group 1 \"g\" at 1-1 1\n"
	    "  pending 1-1 7 70000\n"
	    "  consumer 1 \"c\" seen 8 9\n  owned 1-1\n"
	    "  idmp 100 100\n  idmp-counts 0 0\n");
}

/* What holds none of it. */
static void
test_never(void **unused)
{
	static const struct {
		unsigned type;
		bool valkey;
		const char *to;
	} rows[] = { { 28, false, "redis-8.6" }, { 28, false, "valkey-9" },
		{ 15, false, "redis-4.0" }, { 27, false, "redis-3.2" },
		{ 7, false, "redis-3.2" } };

	(void)unused;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		assert_int_equal(rdb_recast_type(rdb_engine_find(rows[i].to),
				     rows[i].type, rows[i].valkey),
		    RDB_RECAST_NEVER);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_list_entries),
		cmocka_unit_test(test_list_nodes),
		cmocka_unit_test(test_list_of_nothing),
		cmocka_unit_test(test_list_bound),
		cmocka_unit_test(test_packed),
		cmocka_unit_test(test_scores),
		cmocka_unit_test(test_times_across),
		cmocka_unit_test(test_times_lost),
		cmocka_unit_test(test_times_absent),
		cmocka_unit_test(test_times_again),
		cmocka_unit_test(test_stream_defaults),
		cmocka_unit_test(test_stream_losses),
		cmocka_unit_test(test_stream_released),
		cmocka_unit_test(test_never),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
