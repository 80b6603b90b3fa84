/*
 * t_object.c -- one key at a time, with all that stands before its value.
 *
 * Goal of this test: what is known of each key is what the stream says, and
 * nothing of the key before, in whatever chunks the stream comes; a key that
 * cannot be decoded, or is too large, is a fault with its place.
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

#include "rdb/object.h"
#include "rdb/walk.h"
#include "tests/harness/streams.h"

/* What is known of a key, as a line behind text. */
static void
tell(const struct rdb_object *o, char *text, size_t cap)
{
	size_t n = strlen(text);

	n += (size_t)snprintf(text + n, cap - n, "%" PRIu64 " %u %.*s", o->db,
	    o->type, (int)o->key.len, (const char *)o->key.ptr);
	if (o->expires)
		n += (size_t)snprintf(
		    text + n, cap - n, " at %" PRId64, o->expire);
	if (o->has_idle)
		n += (size_t)snprintf(
		    text + n, cap - n, " idle %" PRIu64, o->idle);
	if (o->has_freq)
		n += (size_t)snprintf(text + n, cap - n, " freq %u", o->freq);
	if (o->meta.len > 0)
		n += (size_t)snprintf(text + n, cap - n, " meta %zu of %02x",
		    o->meta.len, o->meta.ptr[0]);
	snprintf(text + n, cap - n, "\n");
}

/* All keys of a stream that comes in chunks. */
static void
keys(const struct stream *s, size_t chunk, char *text, size_t cap)
{
	uint64_t value = 0, last = 0;
	struct rdb_object o;
	struct rdb_walk w;
	struct rdb_run run;
	bool bad = false;

	text[0] = '\0';
	rdb_walk_init(&w);
	rdb_object_init(&o);
	for (size_t at = 0; at < s->len && !bad; at += chunk) {
		size_t n = s->len - at < chunk ? s->len - at : chunk;

		rdb_walk_feed(&w, s->ptr + at, n);
		while (!bad && rdb_walk_next(&w, &run) == RDB_RUN)
			switch (rdb_object_feed(&o, &run)) {
			case RDB_OBJECT_KEY:
				tell(&o, text, cap);
				/* As programs do: it is theirs. */
				o.db = 99;
				break;
			case RDB_OBJECT_VALUE:
				value += run.len;
				last += run.last;
				break;
			case RDB_OBJECT_BAD:
				snprintf(text + strlen(text),
				    cap - strlen(text),
				    "bad at %" PRIu64 ": %s\n", o.fault.at,
				    o.fault.what);
				bad = true;
				break;
			default:
				break;
			}
	}
	snprintf(text + strlen(text), cap - strlen(text),
	    "%" PRIu64 " values of %" PRIu64 "\n", last, value);
	rdb_object_release(&o);
}

/* The same in chunks of every size. */
static void
says(struct stream *s, const char *want)
{
	char got[1000];

	stream_end(s);
	for (size_t chunk = 1; chunk <= s->len; chunk++) {
		keys(s, chunk, got, sizeof got);
		assert_string_equal(got, want);
	}
	stream_release(s);
}

static void
string_key(struct stream *s, const char *key)
{
	stream_byte(s, 0);
	stream_str(s, key);
	stream_str(s, "value");
}

static void
what_stands_before(void **state)
{
	struct stream s;

	(void)state;
	stream_init(&s);
	stream_begin(&s, false, 13);
	string_key(&s, "default");
	stream_byte(&s, 254);
	stream_len(&s, 3);
	stream_byte(&s, 252);
	stream_little(&s, 4102444800000, 8);
	stream_byte(&s, 248);
	stream_len(&s, 70000);
	stream_bytes(&s, "\xf3\x01\x01\x02\x03\x04\x02\x05\0", 9);
	string_key(&s, "all");
	string_key(&s, "none"); /* of what "all" had */
	stream_byte(&s, 249);
	stream_byte(&s, 255);
	string_key(&s, "often");
	stream_byte(&s, 253);
	stream_little(&s, (uint32_t)-2, 4);
	string_key(&s, "seconds");
	stream_byte(&s, 252);
	stream_little(&s, UINT64_MAX, 8);
	string_key(&s, "minus one");
	says(&s,
	    "0 0 default\n3 0 all at 4102444800000 idle 70000 meta 9 of f3\n"
	    "3 0 none\n3 0 often freq 255\n3 0 seconds at -2000\n"
	    "3 0 minus one\n6 values of 36\n");
}

/* Loaders take opcodes between an expiry and its key. */
static void
what_stands_between(void **state)
{
	struct stream s;

	(void)state;
	stream_init(&s);
	stream_begin(&s, false, 10);
	stream_byte(&s, 252);
	stream_little(&s, 5, 8);
	stream_byte(&s, 254);
	stream_len(&s, 7);
	stream_byte(&s, 250);
	stream_str(&s, "aux");
	stream_str(&s, "field");
	string_key(&s, "k");
	string_key(&s, "l");
	says(&s, "7 0 k at 5\n7 0 l\n2 values of 12\n");
}

static void
keys_are_decoded(void **state)
{
	struct stream s;

	(void)state;
	stream_init(&s);
	stream_begin(&s, false, 10);
	stream_byte(&s, 0);
	stream_int(&s, -70000, 4);
	stream_str(&s, "value");
	stream_byte(&s, 0);
	stream_lzf(&s, "\0a\x60\0", 4, 6); /* "a", and five times again */
	stream_str(&s, "value");
	string_key(&s, "");
	says(&s, "0 0 -70000\n0 0 aaaaaa\n0 0 \n3 values of 18\n");
	stream_init(&s);
	stream_begin(&s, false, 10);
	stream_byte(&s, 0);
	stream_lzf(&s, "\x60\0", 2, 5); /* again, but what? */
	stream_str(&s, "value");
	says(&s,
	    "bad at 10: LZF data refers to before its beginning\n"
	    "0 values of 0\n");
}

/* Fed as runs: a walk of as many bytes would say no more. */
static void
keys_have_a_limit(void **state)
{
	const size_t piece = 64u << 20;
	uint8_t *zeros = calloc(1, piece);
	struct rdb_object o;
	struct rdb_run run = { .label = RDB_META,
		.ptr = zeros,
		.len = piece,
		.at = 1000,
		.first = true };

	(void)state;
	assert_non_null(zeros);
	rdb_object_init(&o);
	for (size_t n = 0; n < RDB_OBJECT_MAX; n += piece)
		assert_int_equal(rdb_object_feed(&o, &run), RDB_OBJECT_HEAD);
	run.len = 1;
	assert_int_equal(rdb_object_feed(&o, &run), RDB_OBJECT_BAD);
	assert_string_equal(
	    o.fault.what, "a key, or its metadata, above 512 MiB");
	assert_int_equal(o.fault.at, 1000);
	rdb_object_release(&o);
	free(zeros);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_stands_before),
		cmocka_unit_test(what_stands_between),
		cmocka_unit_test(keys_are_decoded),
		cmocka_unit_test(keys_have_a_limit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
