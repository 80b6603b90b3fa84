/*
 * t_commands.c -- keys as the commands that make them.
 *
 * Goal of this test: the exact bytes, for every type, for targets that know
 * more and less; the same whatever way the value was cut; what cannot be said
 * is refused by key, between commands; what is larger than a piece passes by.
 *
 * With an argument (redis-7.0.15, valkey-9.0.0) it is no test but a filter: an
 * RDB as standard input, its commands as standard output, for test_commands.py.
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

#include "stages/redis/commands.h"
#include "tests/harness/streams.h"

/* --- a stream as commands --- */

struct said {
	char *ptr; /* grows */
	size_t len, cap;
	uint64_t commands;
	size_t ended; /* bytes at the last end() */
	FILE *to;     /* or here */
};

static bool
said_put(void *arg, struct span s, struct err *e)
{
	struct said *said = arg;

	(void)e;
	if (said->to != NULL)
		return fwrite(s.ptr, 1, s.len, said->to) == s.len;
	if (said->cap - said->len < s.len + 1) {
		said->cap = 2 * (said->cap + s.len + 1);
		said->ptr = realloc(said->ptr, said->cap);
		if (said->ptr == NULL)
			abort();
	}
	memcpy(said->ptr + said->len, s.ptr, s.len);
	said->len += s.len;
	said->ptr[said->len] = '\0';
	return true;
}

static bool
said_end(void *arg, struct err *e)
{
	struct said *said = arg;

	(void)e;
	said->commands++;
	said->ended = said->len;
	return true;
}

/* What the target takes by being asked: less than this. */
static uint64_t larger_below;

static const char *
said_larger(void *arg, uint64_t size)
{
	(void)arg;
	return size < larger_below ? NULL : "it does not take so much";
}

struct speaker {
	struct commands *commands;
	struct commands_out out;
	struct rdb_walk walk;
	struct rdb_object object;
	uint64_t db;
	bool select; /* say SELECT, too */
	enum rdb_got got;
	struct err e;
};

static bool
speak_select(struct speaker *s)
{
	char text[80], db[24];
	int n;

	if (!s->select || s->object.db == s->db)
		return true;
	s->db = s->object.db;
	snprintf(db, sizeof db, "%" PRIu64, s->db);
	n = snprintf(text, sizeof text, "*2\r\n$6\r\nSELECT\r\n$%zu\r\n%s\r\n",
	    strlen(db), db);
	return s->out.put(s->out.arg,
		   (struct span){ (uint8_t *)text, (size_t)n }, &s->e) &&
	    s->out.end(s->out.arg, &s->e);
}

static bool
speak_run(struct speaker *s, const struct rdb_run *run)
{
	if (run->label == RDB_FUNCTION)
		return commands_function(
		    s->commands, run, s->walk.valkey, &s->e);
	switch (rdb_object_feed(&s->object, run)) {
	case RDB_OBJECT_KEY:
		return speak_select(s) &&
		    commands_begin(
			s->commands, &s->object, s->walk.valkey, &s->e);
	case RDB_OBJECT_VALUE:
		return commands_feed(s->commands, run, &s->e);
	default:
		return true;
	}
}

static void
speaker_init(
    struct speaker *s, const struct commands_target *target, struct said *said)
{
	memset(s, 0, sizeof *s);
	s->out = (struct commands_out){ said_put, said_end,
		larger_below > 0 ? said_larger : NULL, said };
	rdb_walk_init(&s->walk);
	rdb_object_init(&s->object);
	s->commands = commands_new(target, &s->out, &s->e);
	if (s->commands == NULL)
		abort();
}

static void
speaker_release(struct speaker *s)
{
	commands_free(s->commands);
	rdb_object_release(&s->object);
}

static bool
speak(struct speaker *s, const void *p, size_t len)
{
	struct rdb_run run;

	rdb_walk_feed(&s->walk, p, len);
	while ((s->got = rdb_walk_next(&s->walk, &run)) == RDB_RUN)
		if (!speak_run(s, &run))
			return false;
	return true;
}

/* --- as a filter --- */

static struct commands_target
target_of(const char *name)
{
	unsigned v[3] = { 0 };
	const char *dash = strchr(name, '-');

	if (dash == NULL ||
	    sscanf(dash + 1, "%u.%u.%u", &v[0], &v[1], &v[2]) < 2)
		abort();
	return (struct commands_target){ .valkey = *name == 'v',
		.version = COMMANDS_VERSION(v[0], v[1], v[2]) };
}

/* Each chunk is of that many bytes. */
static int
filter(const char *target_name, size_t chunk)
{
	struct commands_target target = target_of(target_name);
	struct said said = { .to = stdout };
	struct speaker s;
	static char buf[1 << 18];
	bool ok = true;
	size_t n;

	speaker_init(&s, &target, &said);
	s.select = true;
	while (ok && (n = fread(buf, 1, chunk, stdin)) > 0)
		ok = speak(&s, buf, n);
	if (ok && s.got != RDB_END)
		ok = err_set(&s.e, ERR_DATA, "not a whole dump");
	if (!ok)
		fprintf(stderr, "%s\n", s.e.text);
	fprintf(stderr, "%" PRIu64 " commands\n", said.commands);
	speaker_release(&s);
	return !ok || fflush(stdout) != 0;
}

/* --- commands in words --- */

/* Append text to a string that grows. */
static void
words_add(struct said *to, const char *p, size_t n)
{
	struct err e;

	assert_true(said_put(to, (struct span){ (const uint8_t *)p, n }, &e));
}

/* The number of a line such as "$12\r\n"; p moves behind it. */
static size_t
line_number(const char **p, char sign)
{
	char *end;
	size_t n;

	assert_int_equal(**p, sign);
	n = strtoul(*p + 1, &end, 10);
	assert_memory_equal(end, "\r\n", 2);
	*p = end + 2;
	return n;
}

/* What was said, as lines of words; those above 60 bytes as "[size]". */
static void
words_of(const struct said *said, struct said *words)
{
	const char *p = said->ptr, *end = said->ptr + said->ended;
	char text[24];
	uint64_t commands = 0;

	for (; said->ended > 0 && p < end; commands++) {
		for (size_t n = line_number(&p, '*'); n > 0; n--) {
			size_t len = line_number(&p, '$');

			snprintf(text, sizeof text, "[%zu]", len);
			if (len > 60)
				words_add(words, text, strlen(text));
			else
				words_add(words, p, len);
			words_add(words, n == 1 ? "\n" : " ", 1);
			assert_memory_equal(p + len, "\r\n", 2);
			p += len + 2;
		}
	}
	assert_ptr_equal(p, end);
	assert_int_equal(commands, said->commands);
}

/* The words for a whole stream, fed in chunks of a size; if it was refused,
 * the last line is "! " or, where a command is cut, "!! ", and why. */
static char *
spoken(
    const struct stream *s, const struct commands_target *target, size_t chunk)
{
	struct said said = { 0 }, words = { 0 };
	struct speaker speaker;
	bool ok = true;

	speaker_init(&speaker, target, &said);
	for (size_t at = 0; ok && at < s->len; at += chunk) {
		size_t n = s->len - at < chunk ? s->len - at : chunk;
		void *lent = malloc(n);

		assert_non_null(lent);
		memcpy(lent, s->ptr + at, n);
		ok = speak(&speaker, lent, n);
		free(lent);
	}
	words_add(&words, "", 0);
	words_of(&said, &words);
	if (!ok) {
		words_add(
		    &words, "!! ", commands_unsaid(speaker.commands) ? 1 : 2);
		words_add(&words, " ", 1);
		words_add(&words, speaker.e.text, strlen(speaker.e.text));
		words_add(&words, "\n", 1);
	}
	if (commands_unsaid(speaker.commands))
		assert_int_equal(said.ended, said.len);
	speaker_release(&speaker);
	free(said.ptr);
	return words.ptr;
}

/* A stream under way, to which a test adds keys. */
static struct stream stream;
static uint64_t max_bulk;

static struct stream *
begin(bool valkey)
{
	stream_init(&stream);
	stream_begin(&stream, valkey, valkey ? 80 : 14);
	max_bulk = larger_below = 0;
	return &stream;
}

static struct stream *
key(unsigned type, const char *name)
{
	stream_byte(&stream, type);
	stream_str(&stream, name);
	return &stream;
}

/* What the stream, which goes on, is for a target: in every cut. */
static void
says(const char *target_name, const char *want)
{
	struct commands_target target = target_of(target_name);
	struct stream whole = { 0 };
	const size_t chunks[] = { 1, 2, 7, 4096, SIZE_MAX };

	target.max_bulk = max_bulk;
	stream_bytes(&whole, stream.ptr, stream.len);
	whole.version = stream.version;
	stream_end(&whole);
	for (size_t i = 0; i < COUNT_OF(chunks); i++) {
		size_t chunk = chunks[i] < whole.len ? chunks[i] : whole.len;
		char *got = spoken(&whole, &target, chunk);

		assert_string_equal(got, want);
		free(got);
	}
	stream_release(&whole);
}

static void
end(void)
{
	stream_release(&stream);
}

static void
expires(int64_t ms)
{
	stream_byte(&stream, 252);
	stream_little(&stream, (uint64_t)ms, 8);
}

/* n bytes as a string. */
static void
filler(size_t n)
{
	char *p = malloc(n + 1);

	assert_non_null(p);
	memset(p, 'x', n);
	p[n] = '\0';
	stream_blob(&stream, p, n);
	free(p);
}

#define LISTPACK(...) \
	stream_listpack(&stream, (const char *const[]){ __VA_ARGS__, NULL })

/* --- strings and framing --- */

/* Whatever is said, its bytes are these; one put() for a small command. */
static void
test_exact_bytes(void **unused)
{
	static const char want[] =
	    "*3\r\n$3\r\nSET\r\n$3\r\na\0b\r\n$4\r\n\r\n\xff\n\r\n"
	    "*3\r\n$5\r\nRPUSH\r\n$0\r\n\r\n$0\r\n\r\n";
	struct commands_target target = target_of("redis-7.0.15");
	struct said said = { 0 };
	struct speaker s;

	(void)unused;
	begin(false);
	stream_byte(&stream, 0);
	stream_blob(&stream, "a\0b", 3);
	stream_blob(&stream, "\r\n\xff\n", 4);
	key(1, "");
	stream_len(&stream, 1);
	stream_str(&stream, "");
	stream_end(&stream);
	speaker_init(&s, &target, &said);
	assert_true(speak(&s, stream.ptr, stream.len));
	assert_int_equal(said.len, sizeof want - 1);
	assert_memory_equal(said.ptr, want, sizeof want - 1);
	assert_int_equal(said.commands, 2);
	speaker_release(&s);
	free(said.ptr);
	end();
}

static void
test_strings(void **unused)
{
	(void)unused;
	begin(false);
	stream_str(key(0, "k"), "v");
	stream_str(key(0, "empty"), "");
	stream_int(key(0, "int"), -12, 1);
	stream_lzf(key(0, "lzf"), "\x00\x61\xe0\x0a\x00", 5, 20);
	key(0, "large");
	filler(200000);
	says("redis-2.8.0",
	    "SET k v\nSET empty \nSET int -12\n"
	    "SET lzf aaaaaaaaaaaaaaaaaaaa\nSET large [200000]\n");
	end();
}

/* One command where the target can; no SET takes a time before 1970. */
static void
test_expiry(void **unused)
{
	(void)unused;
	begin(false);
	expires(1700000000123);
	stream_str(key(0, "k"), "v");
	expires(-5);
	stream_str(key(0, "old"), "v");
	expires(7);
	stream_len(key(1, "l"), 1);
	stream_str(&stream, "a");
	stream_str(key(0, "stays"), "v");
	says("redis-6.2.0",
	    "SET k v PXAT 1700000000123\nSET old v\nPEXPIREAT old -5\n"
	    "RPUSH l a\nPEXPIREAT l 7\nSET stays v\n");
	says("redis-6.0.20",
	    "SET k v\nPEXPIREAT k 1700000000123\nSET old v\n"
	    "PEXPIREAT old -5\nRPUSH l a\nPEXPIREAT l 7\nSET stays v\n");
	says("valkey-7.2.0",
	    "SET k v PXAT 1700000000123\nSET old v\nPEXPIREAT old -5\n"
	    "RPUSH l a\nPEXPIREAT l 7\nSET stays v\n");
	end();
}

/* A value longer than a word may be. */
static void
test_append(void **unused)
{
	(void)unused;
	begin(false);
	max_bulk = 4;
	expires(9);
	stream_str(key(0, "k"), "abcdefghij");
	expires(9);
	stream_str(key(0, "just"), "abcd");
	says("redis-7.0.0",
	    "SET k abcd\nAPPEND k efgh\nAPPEND k ij\nPEXPIREAT k 9\n"
	    "SET just abcd PXAT 9\n");
	stream_str(key(0, "key is longer"), "v");
	says("redis-7.0.0",
	    "SET k abcd\nAPPEND k efgh\nAPPEND k ij\nPEXPIREAT k 9\n"
	    "SET just abcd PXAT 9\n"
	    "! db 0, key \"key is longer\": cannot be said in commands: an "
	    "element is larger than the target's proto-max-bulk-len\n");
	end();
}

/* Whoever sends it may make the target take more: in words as long as before
 * where the value can be cut. */
static void
test_larger_when_asked(void **unused)
{
	(void)unused;
	begin(false);
	max_bulk = 4;
	larger_below = 8;
	stream_str(key(0, "k"), "abcdefg");
	stream_len(key(1, "l"), 3);
	stream_str(&stream, "a");
	stream_str(&stream, "bcdefgh");
	stream_str(&stream, "i");
	says("redis-7.0.0", "SET k abcd\nAPPEND k efg\nRPUSH l a bcdefgh i\n");
	stream_str(key(0, "k2"), "abcdefgh");
	says("redis-7.0.0",
	    "SET k abcd\nAPPEND k efg\nRPUSH l a bcdefgh i\n"
	    "! db 0, key \"k2\": cannot be said in commands: it does not take "
	    "so much\n");
	end();
}

/* --- collections --- */

static void
test_collections(void **unused)
{
	(void)unused;
	begin(false);
	key(18, "l");
	stream_len(&stream, 2);
	stream_len(&stream, 2);
	LISTPACK("a", "#2");
	stream_len(&stream, 1);
	stream_str(&stream, "plain");
	key(20, "s");
	LISTPACK("a", "a", "#3");
	key(16, "h");
	LISTPACK("f", "v", "g", "#7");
	key(9, "zipmap");
	stream_blob(&stream, "\1\1f\1\0v\xff", 7);
	says("redis-4.0.0",
	    "RPUSH l a 2 plain\nSADD s a a 3\nHSET h f v g 7\n"
	    "HSET zipmap f v\n");
	says("redis-3.2.12",
	    "RPUSH l a 2 plain\nSADD s a a 3\nHMSET h f v g 7\n"
	    "HMSET zipmap f v\n");
	end();
}

static void
test_scores(void **unused)
{
	static const double scores[] = { 1, 0.1, -0.0, 0, 1.0 / 3, 1e300,
		123456789012345, 9007199254740992.0, 5e-324, -2.5 };
	uint64_t bits;

	(void)unused;
	begin(false);
	key(5, "z");
	stream_len(&stream, COUNT_OF(scores));
	for (size_t i = 0; i < COUNT_OF(scores); i++) {
		stream_byte(&stream, 1);
		stream_byte(&stream, 'a' + (unsigned)i);
		memcpy(&bits, &scores[i], sizeof bits);
		stream_little(&stream, bits, 8);
	}
	key(3, "old");
	stream_len(&stream, 3);
	stream_bytes(&stream, "\1p\xfe\1m\xff\1q\0031.5", 12);
	says("redis-7.0.0",
	    "ZADD z 1 a 0.10000000000000001 b -0 c 0 d "
	    "0.33333333333333331 e 1.0000000000000001e+300 f "
	    "123456789012345 g 9007199254740992 h "
	    "4.9406564584124654e-324 i -2.5 j\n"
	    "ZADD old inf p -inf m 1.5 q\n");
	end();
}

/* What is not a number is data gone wrong. */
static void
test_nan(void **unused)
{
	(void)unused;
	begin(false);
	key(3, "z");
	stream_len(&stream, 1);
	stream_bytes(&stream, "\1p\xfd", 3);
	says("redis-7.0.0", "!! offset 16, key \"z\": score is not a number\n");
	end();
}

/* Servers skip collections of nothing, so they are no commands. */
static void
test_empty(void **unused)
{
	(void)unused;
	begin(false);
	for (unsigned type = 1; type <= 4; type++) {
		expires(5);
		stream_len(key(type, "k"), 0);
	}
	expires(5);
	stream_little(key(24, "h"), 0, 8);
	stream_len(&stream, 0);
	says("redis-8.0.0", "");
	end();
}

/* Every element once and in order, in commands of bounded size. */
static void
test_pieces(void **unused)
{
	struct commands_target target = target_of("redis-7.0.0");
	struct said said = { 0 };
	struct speaker s;
	const char *p;
	char text[16];
	size_t next = 0;

	(void)unused;
	begin(false);
	stream_len(key(1, "l"), 50000);
	for (unsigned i = 0; i < 50000; i++) {
		snprintf(text, sizeof text, "%u", i);
		stream_str(&stream, text);
	}
	stream_end(&stream);
	speaker_init(&s, &target, &said);
	assert_true(speak(&s, stream.ptr, stream.len));
	for (p = said.ptr; p < said.ptr + said.ended;) {
		const char *from = p;
		size_t n = line_number(&p, '*');

		assert_memory_equal(p, "$5\r\nRPUSH\r\n$1\r\nl\r\n", 18);
		p += 18;
		for (; n > 2; n--) {
			size_t len = line_number(&p, '$');

			assert_int_equal(strtoul(p, NULL, 10), next++);
			p += len + 2;
		}
		assert_true(p - from < COMMANDS_PIECE + 40);
	}
	assert_int_equal(next, 50000);
	assert_true(said.commands > 5 && said.commands < 12);
	speaker_release(&s);
	free(said.ptr);
	end();
}

/* What is larger than a piece goes alone; order is kept. */
static void
test_large_elements(void **unused)
{
	(void)unused;
	begin(false);
	stream_len(key(1, "l"), 5);
	stream_str(&stream, "a");
	filler(COMMANDS_PIECE);
	stream_str(&stream, "b");
	filler(COMMANDS_PIECE - 30);
	stream_str(&stream, "c");
	stream_len(key(4, "h"), 4);
	stream_str(&stream, "a");
	stream_str(&stream, "b");
	stream_str(&stream, "c");
	filler(300000);
	filler(300000);
	stream_str(&stream, "d");
	stream_str(&stream, "e");
	stream_str(&stream, "f");
	stream_len(key(3, "z"), 3);
	stream_str(&stream, "a");
	stream_str(&stream, "1");
	filler(100000);
	stream_str(&stream, "2");
	stream_str(&stream, "b");
	stream_str(&stream, "3");
	says("redis-7.0.0",
	    "RPUSH l a\nRPUSH l [65536]\nRPUSH l b\nRPUSH l [65506]\n"
	    "RPUSH l c\nHSET h a b\nHSET h c [300000]\nHSET h [300000] d\n"
	    "HSET h e f\nZADD z 1 a\nZADD z 2 [100000]\nZADD z 3 b\n");
	end();
}

/* Refused before anything of its command is out, if that is known. */
static void
test_too_large_elements(void **unused)
{
	(void)unused;
	begin(false);
	max_bulk = 70000;
	stream_len(key(1, "l"), 2);
	stream_str(&stream, "a");
	filler(70001);
	says("redis-7.0.0",
	    "! db 0, key \"l\": cannot be said in commands: an element is "
	    "larger than the target's proto-max-bulk-len\n");
	end();
	begin(false);
	max_bulk = 70000;
	stream_len(key(4, "h"), 1);
	filler(70000);
	filler(70001);
	says("redis-7.0.0",
	    "!! db 0, key \"h\": cannot be said in commands: an element is "
	    "larger than the target's proto-max-bulk-len\n");
	end();
}

static void
test_too_large_to_hold(void **unused)
{
	struct commands_target target = target_of("redis-7.0.0");
	char *got;

	(void)unused;
	begin(false);
	stream_len(key(3, "z"), 1);
	filler(COMMANDS_HELD_MAX + 1);
	stream_str(&stream, "1");
	stream_end(&stream);
	got = spoken(&stream, &target, 100000);
	assert_string_equal(got,
	    "! db 0, key \"z\": cannot be said in commands: a member, a field "
	    "with an expiry, or a name is larger than can be held (RESTORE "
	    "can)\n");
	free(got);
	end();
}

/* --- TTLs of fields --- */

static void
test_field_ttls(void **unused)
{
	(void)unused;
	begin(false);
	expires(99);
	key(25, "h");
	stream_little(&stream, 100, 8);
	LISTPACK("a", "1", "#100", "b", "2", "#100", "c", "3", "#0", "d", "4",
	    "#100", "e", "5", "#101");
	says("redis-7.4.0",
	    "HSET h a 1 b 2 c 3 d 4 e 5\n"
	    "HPEXPIREAT h 100 FIELDS 3 a b d\nHPEXPIREAT h 101 FIELDS 1 e\n"
	    "PEXPIREAT h 99\n");
	says("redis-7.2.4",
	    "! db 0, key \"h\": cannot be said in commands: the target has no "
	    "expiry of a hash's fields\n");
	says("valkey-8.1.0",
	    "! db 0, key \"h\": cannot be said in commands: the target has no "
	    "expiry of a hash's fields\n");
	end();
}

/* Fields too large for a piece, and for the row of those that wait. */
static void
test_large_field_ttls(void **unused)
{
	(void)unused;
	begin(true);
	stream_len(key(22, "h"), 4);
	for (unsigned i = 0; i < 4; i++) {
		filler(i % 2 == 0 ? 10 : 70000 + i);
		stream_str(&stream, "v");
		stream_little(&stream, i == 3 ? UINT64_MAX : 1000 + i, 8);
	}
	says("valkey-9.0.0",
	    "HSET h xxxxxxxxxx v\nHPEXPIREAT h 1000 FIELDS 1 xxxxxxxxxx\n"
	    "HSET h [70001] v\nHPEXPIREAT h 1001 FIELDS 1 [70001]\n"
	    "HSET h xxxxxxxxxx v\nHPEXPIREAT h 1002 FIELDS 1 xxxxxxxxxx\n"
	    "HSET h [70003] v\n");
	end();
}

static void
test_field_ttl_too_late(void **unused)
{
	(void)unused;
	begin(true);
	for (uint64_t i = 0; i < 2; i++) {
		stream_len(key(22, i == 0 ? "last" : "h"), 1);
		stream_str(&stream, "f");
		stream_str(&stream, "v");
		stream_little(&stream, (UINT64_C(1) << 46) - 1 + i, 8);
	}
	says("valkey-9.0.0",
	    "HSET last f v\nHPEXPIREAT last 70368744177663 FIELDS 1 f\n"
	    "HSET h f v\nHPEXPIREAT h 70368744177664 FIELDS 1 f\n");
	says("redis-8.0.0",
	    "HSET last f v\nHPEXPIREAT last 70368744177663 FIELDS 1 f\n"
	    "! db 0, key \"h\": cannot be said in commands: a field's expiry "
	    "is later than Redis lets it be set\n");
	end();
}

/* --- streams --- */

/* Nodes with entries 1-1 { f v } and 1-3 { g w, h x }, 1-2 deleted. */
static void
entries(void)
{
	stream_len(&stream, 1);
	stream_len(&stream, 16);
	stream_id(&stream, 1, 1);
	LISTPACK("#2", "#1", "#1", "f", "#0", "#2", "#0", "#0", "v", "#4", "#3",
	    "#0", "#1", "d", "#4", "#0", "#0", "#2", "#2", "g", "w", "h", "x",
	    "#8");
}

/* What a stream of type 19 or later knows about itself. */
static void
about(
    uint64_t length, struct rdb_id last, struct rdb_id deleted, uint64_t added)
{
	stream_len(&stream, length);
	stream_len(&stream, last.ms);
	stream_len(&stream, last.seq);
	stream_len(&stream, 0);
	stream_len(&stream, 0);
	stream_len(&stream, deleted.ms);
	stream_len(&stream, deleted.seq);
	stream_len(&stream, added);
}

static void
id_lens(uint64_t ms, uint64_t seq)
{
	stream_len(&stream, ms);
	stream_len(&stream, seq);
}

#define ID(ms, seq)         \
	(struct rdb_id)     \
	{                   \
		(ms), (seq) \
	}

/* A group with its pending entries, in one consumer after the other. */
static void
group(const char *name, uint64_t read, const uint64_t (*pending)[4], size_t n)
{
	stream_str(&stream, name);
	id_lens(1, 2);
	stream_len(&stream, read);
	stream_len(&stream, n);
	for (size_t i = 0; i < n; i++) {
		stream_id(&stream, pending[i][0], pending[i][1]);
		stream_little(&stream, pending[i][2], 8);
		stream_len(&stream, pending[i][3]);
	}
}

static void
consumer(const char *name, const uint64_t (*pending)[4], size_t n)
{
	stream_str(&stream, name);
	stream_little(&stream, 5, 8);
	stream_little(&stream, 6, 8);
	stream_len(&stream, n);
	for (size_t i = 0; i < n; i++)
		stream_id(&stream, pending[i][0], pending[i][1]);
}

static void
test_stream(void **unused)
{
	static const uint64_t p[][4] = { { 1, 1, 1000, 2 }, { 1, 3, 1000, 2 } };

	(void)unused;
	begin(false);
	expires(50);
	key(21, "s");
	entries();
	about(2, ID(2, 0), ID(1, 2), 3);
	stream_len(&stream, 2);
	group("g", 1, p, 2);
	stream_len(&stream, 2);
	consumer("ann", p, 2);
	consumer("bob", p, 0);
	group("none", UINT64_MAX, p, 0);
	stream_len(&stream, 0);
	says("redis-7.0.0",
	    "XADD s 1-1 f v\nXADD s 1-3 g w h x\n"
	    "XSETID s 2-0 ENTRIESADDED 3 MAXDELETEDID 1-2\n"
	    "XGROUP CREATE s g 1-2 ENTRIESREAD 1\n"
	    "XGROUP CREATECONSUMER s g ann\n"
	    "XCLAIM s g ann 0 1-1 1-3 TIME 1000 RETRYCOUNT 2 FORCE JUSTID\n"
	    "XGROUP CREATECONSUMER s g bob\n"
	    "XGROUP CREATE s none 1-2\nPEXPIREAT s 50\n");
	says("redis-6.2.0",
	    "XADD s 1-1 f v\nXADD s 1-3 g w h x\nXSETID s 2-0\n"
	    "XGROUP CREATE s g 1-2\nXGROUP CREATECONSUMER s g ann\n"
	    "XCLAIM s g ann 0 1-1 1-3 TIME 1000 RETRYCOUNT 2 FORCE JUSTID\n"
	    "XGROUP CREATECONSUMER s g bob\n"
	    "XGROUP CREATE s none 1-2\nPEXPIREAT s 50\n");
	says("redis-5.0.0",
	    "XADD s 1-1 f v\nXADD s 1-3 g w h x\nXSETID s 2-0\n"
	    "XGROUP CREATE s g 1-2\n"
	    "XREADGROUP GROUP g ann COUNT 1 STREAMS s 0\n"
	    "XCLAIM s g ann 0 1-1 1-3 TIME 1000 RETRYCOUNT 2 FORCE JUSTID\n"
	    "XREADGROUP GROUP g bob COUNT 1 STREAMS s 0\n"
	    "XGROUP CREATE s none 1-2\nPEXPIREAT s 50\n");
	says("redis-4.0.14",
	    "! db 0, key \"s\": cannot be said in commands: servers before "
	    "5.0 have no streams\n");
	end();
}

/* What adding its entries says anyway is not said again. */
static void
test_settled_stream(void **unused)
{
	(void)unused;
	begin(false);
	key(21, "s");
	entries();
	about(2, ID(1, 3), ID(0, 0), 2);
	stream_len(&stream, 0);
	key(21, "deleted");
	entries();
	about(2, ID(1, 3), ID(1, 2), 3);
	stream_len(&stream, 0);
	key(19, "none");
	stream_len(&stream, 0);
	about(0, ID(7, UINT64_MAX), ID(0, 0), 0);
	stream_len(&stream, 0);
	says("redis-7.0.0",
	    "XADD s 1-1 f v\nXADD s 1-3 g w h x\n"
	    "XADD deleted 1-1 f v\nXADD deleted 1-3 g w h x\n"
	    "XSETID deleted 1-3 ENTRIESADDED 3 MAXDELETEDID 1-2\n"
	    "XADD none MAXLEN 0 0-1 x y\n"
	    "XSETID none 7-18446744073709551615 ENTRIESADDED 0 "
	    "MAXDELETEDID 0-0\n");
	says("redis-6.0.0",
	    "XADD s 1-1 f v\nXADD s 1-3 g w h x\n"
	    "XADD deleted 1-1 f v\nXADD deleted 1-3 g w h x\n"
	    "XADD none MAXLEN 0 0-1 x y\n"
	    "XSETID none 7-18446744073709551615\n");
	end();
}

/* Pending entries that are gone are there while they are claimed. */
static void
test_ghosts(void **unused)
{
	static const uint64_t p[][4] = { { 0, 5, 10, 1 }, { 1, 1, 10, 1 },
		{ 1, 2, 10, 3 }, { 1, 4, 11, 1 } };

	(void)unused;
	begin(false);
	key(21, "s");
	entries();
	about(2, ID(2, 0), ID(1, 4), 9);
	stream_len(&stream, 2);
	group("g", 1, p, 4);
	stream_len(&stream, 1);
	consumer("ann", p, 4);
	group("h", 1, p + 2, 1);
	stream_len(&stream, 1);
	consumer("bob", p + 2, 1);
	says("redis-7.0.0",
	    "XADD s 0-5 x y\nXADD s 1-1 f v\nXADD s 1-2 x y\n"
	    "XADD s 1-3 g w h x\nXADD s 1-4 x y\n"
	    "XSETID s 2-0 ENTRIESADDED 9 MAXDELETEDID 1-4\n"
	    "XGROUP CREATE s g 1-2 ENTRIESREAD 1\n"
	    "XGROUP CREATECONSUMER s g ann\n"
	    "XCLAIM s g ann 0 0-5 1-1 TIME 10 RETRYCOUNT 1 FORCE JUSTID\n"
	    "XCLAIM s g ann 0 1-2 TIME 10 RETRYCOUNT 3 FORCE JUSTID\n"
	    "XCLAIM s g ann 0 1-4 TIME 11 RETRYCOUNT 1 FORCE JUSTID\n"
	    "XGROUP CREATE s h 1-2 ENTRIESREAD 1\n"
	    "XGROUP CREATECONSUMER s h bob\n"
	    "XCLAIM s h bob 0 1-2 TIME 10 RETRYCOUNT 3 FORCE JUSTID\n"
	    "XDEL s 1-2 1-4\nXTRIM s MAXLEN 2\n"
	    "XSETID s 2-0 ENTRIESADDED 9 MAXDELETEDID 1-4\n");
	end();
}

/* Where XDEL would leave a mark that XSETID cannot take back. */
static void
test_ghosts_unknown(void **unused)
{
	static const uint64_t p[][4] = { { 1, 2, 10, 3 } };

	(void)unused;
	begin(false);
	key(21, "s");
	entries();
	about(2, ID(1, 3), ID(0, 0), 2);
	stream_len(&stream, 1);
	group("g", 1, p, 1);
	stream_len(&stream, 1);
	consumer("ann", p, 1);
	says("redis-7.0.0",
	    "XADD s 1-1 f v\nXADD s 1-2 x y\nXADD s 1-3 g w h x\n"
	    "! db 0, key \"s\": cannot be said in commands: an entry is "
	    "pending that was deleted, and the stream does not know of it "
	    "(RESTORE can)\n");
	says("redis-6.2.0",
	    "XADD s 1-1 f v\nXADD s 1-2 x y\nXADD s 1-3 g w h x\n"
	    "XSETID s 1-3\nXGROUP CREATE s g 1-2\n"
	    "XGROUP CREATECONSUMER s g ann\n"
	    "XCLAIM s g ann 0 1-2 TIME 10 RETRYCOUNT 3 FORCE JUSTID\n"
	    "XDEL s 1-2\nXSETID s 1-3\n");
	end();
}

#define FAR_FUTURE 4102444800000 /* 2100-01-01 in ms */
#define TO_COME                                                        \
	"! db 0, key \"s\": cannot be said in commands: an entry was " \
	"delivered at a time that is yet to come (RESTORE can)\n"

static void
test_pending_wrong(void **unused)
{
	static const uint64_t p[][4] = { { 1, 1, 10, 3 }, { 1, 3, 10, 3 } };
	static const uint64_t late[][4] = { { 1, 1, FAR_FUTURE, 3 } };
	static const uint64_t never[][4] = { { 1, 1, UINT64_MAX, 3 } };
	static const uint64_t back[][4] = { { 1, 3, 10, 3 }, { 1, 1, 10, 3 } };
	static const struct {
		const uint64_t (*pending)[4];
		size_t n;
		const uint64_t (*owned)[4];
		size_t m;
		const char *what;
	} t[] = {
		{ p, 2, p, 1,
		    "XCLAIM s g ann 0 1-1 TIME 10 RETRYCOUNT 3 FORCE JUSTID\n"
		    "! db 0, key \"s\": cannot be said in commands: an entry "
		    "is pending for nobody (RESTORE can)\n" },
		{ p, 1, p, 2,
		    "!! offset 10, key \"s\": a consumer's entry that is not "
		    "pending\n" },
		{ back, 2, back, 2,
		    "!! offset 10, key \"s\": pending entries out of "
		    "order\n" },
		{ late, 1, late, 1, TO_COME },
		{ never, 1, never, 1, TO_COME },
	};

	(void)unused;
	for (size_t i = 0; i < COUNT_OF(t); i++) {
		struct commands_target target = target_of("redis-6.2.0");
		char *got;

		begin(false);
		key(21, "s");
		entries();
		about(2, ID(1, 3), ID(0, 0), 2);
		stream_len(&stream, 1);
		group("g", 1, t[i].pending, t[i].n);
		stream_len(&stream, 1);
		consumer("ann", t[i].owned, t[i].m);
		stream_end(&stream);
		got = spoken(&stream, &target, stream.len);
		assert_string_equal(strstr(got, t[i].what), t[i].what);
		free(got);
		end();
	}
}

/* A stream above what is held passes by; then only what is there can be
 * claimed. */
static void
test_large_stream(void **unused)
{
	static const uint64_t p[][4] = { { 5, 1, 10, 3 } },
			      gone[][4] = { { 5, 2, 10, 3 } };
	struct commands_target target = target_of("redis-7.0.0");
	const unsigned n = 300000;
	char *got;

	(void)unused;
	for (unsigned i = 0; i < 2; i++) {
		begin(false);
		stream_len(key(21, "s"), n);
		for (unsigned k = 1; k <= n; k++) {
			stream_len(&stream, 16);
			stream_id(&stream, k, 1);
			LISTPACK("#1", "#0", "#1", "f", "#0", "#2", "#0", "#0",
			    "value, of some length", "#4");
		}
		about(n, ID(n, 1), ID(0, 0), n);
		stream_len(&stream, 1);
		group("g", 1, i == 0 ? p : gone, 1);
		stream_len(&stream, 1);
		consumer("ann", i == 0 ? p : gone, 1);
		stream_end(&stream);
		assert_true(stream.len > COMMANDS_HELD_MAX + 100);
		got = spoken(&stream, &target, 100000);
		assert_non_null(strstr(got,
		    i == 0 ? "XADD s 300000-1 f value, of some length\n"
			     "XGROUP CREATE s g 1-2 ENTRIESREAD 1\n"
			     "XGROUP CREATECONSUMER s g ann\n"
			     "XCLAIM s g ann 0 5-1 TIME 10 RETRYCOUNT 3 "
			     "FORCE JUSTID\n" :
			     "! db 0, key \"s\": cannot be said in commands: "
			     "an entry is pending that was deleted, in a "
			     "large stream (RESTORE can)\n"));
		free(got);
		end();
	}
}

/* Idempotent production, of 8.6: settings at most. */
static void
idempotent(uint64_t seconds, uint64_t ids, bool iid, uint64_t added)
{
	begin(false);
	key(26, "s");
	entries();
	about(2, ID(1, 3), ID(0, 0), 2);
	stream_len(&stream, 0);
	id_lens(seconds, ids);
	stream_len(&stream, iid);
	if (iid) {
		stream_str(&stream, "producer");
		stream_len(&stream, 1);
		stream_str(&stream, "iid");
		id_lens(1, 1);
	}
	id_lens(added, 0);
}

#define ADDED "XADD s 1-1 f v\nXADD s 1-3 g w h x\n"

static void
test_idempotent(void **unused)
{
	(void)unused;
	idempotent(100, 100, false, 0);
	says("redis-8.4.0", ADDED);
	says("valkey-9.0.0", ADDED);
	says("redis-8.6.0",
	    ADDED "XCFGSET s IDMP-DURATION 100 IDMP-MAXSIZE 100\n");
	end();
	idempotent(7, 100, false, 0);
	says("redis-8.6.0",
	    ADDED "XCFGSET s IDMP-DURATION 7 IDMP-MAXSIZE 100\n");
	says("valkey-9.0.0",
	    ADDED "! db 0, key \"s\": cannot be said in commands: the target "
		  "does not know idempotent production\n");
	end();
	idempotent(100, 100, true, 0);
	says("redis-8.4.0",
	    ADDED "! db 0, key \"s\": cannot be said in commands: what "
		  "idempotent production has seen has no commands (RESTORE "
		  "can)\n");
	end();
	idempotent(100, 100, false, 3);
	says("redis-8.4.0",
	    ADDED "! db 0, key \"s\": cannot be said in commands: what "
		  "idempotent production has seen has no commands (RESTORE "
		  "can)\n");
	end();
}

/* Released to nobody, by XNACK of 8.8. */
static void
test_nacked(void **unused)
{
	static const uint64_t p[][4] = { { 1, 1, 10, 3 } };

	(void)unused;
	begin(false);
	key(27, "s");
	entries();
	about(2, ID(1, 3), ID(0, 0), 2);
	stream_len(&stream, 1);
	group("g", 1, p, 1);
	stream_len(&stream, 0);
	stream_len(&stream, 1);
	stream_id(&stream, 1, 1);
	id_lens(100, 100);
	stream_len(&stream, 0);
	id_lens(0, 0);
	says("redis-7.0.0",
	    ADDED "XGROUP CREATE s g 1-2 ENTRIESREAD 1\n"
		  "! db 0, key \"s\": cannot be said in commands: an entry is "
		  "pending for nobody (RESTORE can)\n");
	end();
}

/* --- the rest --- */

static void
test_functions(void **unused)
{
	(void)unused;
	begin(false);
	stream_byte(&stream, 245);
	stream_str(&stream, "#!lua name=x\ncode");
	stream_byte(&stream, 245);
	filler(100000);
	says("redis-7.0.0",
	    "FUNCTION LOAD REPLACE #!lua name=x\ncode\n"
	    "FUNCTION LOAD REPLACE [100000]\n");
	says("redis-6.2.0",
	    "!! functions cannot be said to servers before 7.0\n");
	max_bulk = 99999;
	says("valkey-8.0.0",
	    "FUNCTION LOAD REPLACE #!lua name=x\ncode\n"
	    "!! a library of functions is larger than the target's "
	    "proto-max-bulk-len\n");
	end();
	begin(false);
	stream_byte(&stream, 246);
	stream_str(&stream, "name");
	stream_str(&stream, "LUA");
	stream_len(&stream, 0);
	stream_str(&stream, "return 1");
	says("redis-7.0.0",
	    "!! functions in the form they had before 7.0 was final cannot be "
	    "said in commands\n");
	end();
}

static void
test_no_commands(void **unused)
{
	const struct commands_target target = target_of("redis-8.8.0");

	(void)unused;
	assert_string_equal(
	    commands_cannot(&target, 7, false), "module data has no commands");
	assert_string_equal(commands_cannot(&target, 28, false),
	    "arrays have no commands known to make them again");
	assert_non_null(commands_cannot(&target, 6, false));
	assert_non_null(commands_cannot(&target, 24, true));
	assert_non_null(commands_cannot(&target, 1000, false));
	for (unsigned type = 0; type < 28; type++)
		if (type != 6 && type != 7 && type != 8)
			assert_null(commands_cannot(&target, type, false));
	begin(false);
	stream_byte(&stream, 254);
	stream_len(&stream, 3);
	stream_byte(&stream, 243);
	stream_len(&stream, 1);
	stream_little(&stream, 0x12345601, 4);
	stream_len(&stream, 0);
	stream_str(key(0, "a\"\n"), "v");
	says("redis-8.8.0",
	    "! db 3, key \"a\\\"\\x0a\": cannot be said in commands: metadata "
	    "of modules has no commands\n");
	end();
}

static bool
put_fails(void *arg, struct span s, struct err *e)
{
	(void)arg;
	(void)s;
	return err_set(e, ERR_REMOTE, "the target went away");
}

static bool
end_counts(void *arg, struct err *e)
{
	(void)e;
	++*(unsigned *)arg;
	return true;
}

/* Whatever cannot be put ends it, and is told as it was; DEL comes through. */
static void
test_put_fails(void **unused)
{
	struct commands_target target = target_of("redis-7.0.0");
	struct said said = { 0 };
	struct speaker s;
	unsigned ends = 0;
	struct err e;

	(void)unused;
	begin(false);
	stream_str(key(0, "k"), "v");
	stream_end(&stream);
	speaker_init(&s, &target, &said);
	assert_true(speak(&s, stream.ptr, stream.len));
	said.len = 0;
	assert_true(commands_delete(s.commands, &s.object, &e));
	assert_string_equal(said.ptr, "*2\r\n$3\r\nDEL\r\n$1\r\nk\r\n");
	speaker_release(&s);

	speaker_init(&s, &target, &said);
	commands_free(s.commands);
	s.commands = commands_new(&target,
	    &(struct commands_out){
		.put = put_fails, .end = end_counts, .arg = &ends },
	    &s.e);
	assert_non_null(s.commands);
	assert_false(speak(&s, stream.ptr, stream.len));
	assert_string_equal(s.e.text, "the target went away");
	assert_false(commands_unsaid(s.commands));
	assert_int_equal(ends, 0);
	speaker_release(&s);
	free(said.ptr);
	end();
}

/* Every good stream there is, in every cut, for targets old and new: the same
 * words, whole commands, or a refusal by key. */
static void
test_all_streams(void **unused)
{
	static const char *const targets[] = { "redis-2.8.0", "redis-5.0.0",
		"redis-7.0.0", "redis-8.8.0", "valkey-9.1.0" };
	struct stream s;

	(void)unused;
	for (size_t i = 0; i < streams_count(); i++) {
		streams_make(i, &s);
		for (size_t t = 0; t < COUNT_OF(targets); t++) {
			struct commands_target target = target_of(targets[t]);
			char *want = spoken(&s, &target, s.len);

			for (size_t chunk = 1; chunk < 20; chunk++) {
				char *got = spoken(&s, &target, chunk);

				assert_string_equal(got, want);
				free(got);
			}
			free(want);
		}
		stream_release(&s);
	}
}

/* Streams with a byte gone wrong: the same words, or the same complaint, in
 * every cut; the sanitizers watch. */
static void
test_mutations(void **unused)
{
	static const char *const targets[] = { "redis-5.0.0", "redis-8.8.0",
		"valkey-9.1.0" };
	uint32_t chance = 1;
	struct stream s;

	(void)unused;
	for (size_t i = 0; i < 30 * streams_count(); i++) {
		struct commands_target target =
		    target_of(targets[i % COUNT_OF(targets)]);
		char *whole, *bytes;

		streams_make(i % streams_count(), &s);
		chance = chance * 1664525 + 1013904223;
		s.ptr[9 + (chance >> 8) % (s.len - 9)] ^=
		    (uint8_t)(1 + (chance >> 24) % 255);
		whole = spoken(&s, &target, s.len);
		bytes = spoken(&s, &target, 1);
		assert_string_equal(bytes, whole);
		free(whole);
		free(bytes);
		stream_release(&s);
	}
}

int
main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_exact_bytes),
		cmocka_unit_test(test_strings),
		cmocka_unit_test(test_expiry),
		cmocka_unit_test(test_append),
		cmocka_unit_test(test_larger_when_asked),
		cmocka_unit_test(test_collections),
		cmocka_unit_test(test_scores),
		cmocka_unit_test(test_nan),
		cmocka_unit_test(test_empty),
		cmocka_unit_test(test_pieces),
		cmocka_unit_test(test_large_elements),
		cmocka_unit_test(test_too_large_elements),
		cmocka_unit_test(test_too_large_to_hold),
		cmocka_unit_test(test_field_ttls),
		cmocka_unit_test(test_large_field_ttls),
		cmocka_unit_test(test_field_ttl_too_late),
		cmocka_unit_test(test_stream),
		cmocka_unit_test(test_settled_stream),
		cmocka_unit_test(test_ghosts),
		cmocka_unit_test(test_ghosts_unknown),
		cmocka_unit_test(test_pending_wrong),
		cmocka_unit_test(test_large_stream),
		cmocka_unit_test(test_idempotent),
		cmocka_unit_test(test_nacked),
		cmocka_unit_test(test_functions),
		cmocka_unit_test(test_no_commands),
		cmocka_unit_test(test_put_fails),
		cmocka_unit_test(test_all_streams),
		cmocka_unit_test(test_mutations),
	};

	if (argc > 1)
		return filter(argv[1],
		    argc > 2 ? (size_t)atol(argv[2]) : (size_t)1 << 18);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
