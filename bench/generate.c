/*
 * generate.c -- RDB files to measure with, the same on every run.
 *
 *	generate SET SIZE >file
 *
 * SET is A (small strings, 30 % of them expiring), B (every type, small and
 * large) or C (values of 10 KB to 1 MB, half text, half incompressible); SIZE
 * is about how many bytes to make (1500, 100M, 1G).  The file is of version 10
 * with a right CRC, as Redis 7.0 writes and reads it, but for LZF: strings
 * stay as they are (rdbcompression no).
 *
 * The format: rdb.c, listpack.c, t_stream.c of Redis 7.0.
 */
#include <inttypes.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "rdb/crc64.h"
#include "stages/kit/opt.h"

enum {
	STRING = 0,
	SET = 2,
	HASH = 4,
	ZSET_2 = 5,
	INTSET = 11,
	HASH_LISTPACK = 16,
	ZSET_LISTPACK = 17,
	QUICKLIST_2 = 18,
	STREAM_2 = 19
};

#define FAR     4102444800000 /* 2100-01-01, in ms */
#define LP_ROOM 16384         /* larger than any listpack made here */

/* --- chance, reproducible (splitmix64) --- */

static uint64_t seed = 1;

static uint64_t
chance(void)
{
	uint64_t z = seed += 0x9e3779b97f4a7c15;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
	z = (z ^ z >> 27) * 0x94d049bb133111eb;
	return z ^ z >> 31;
}

/* A number from low to high, both included. */
static uint64_t
between(uint64_t low, uint64_t high)
{
	return low + chance() % (high - low + 1);
}

/* --- the file --- */

static uint8_t out[1 << 20];
static size_t out_len;
static uint64_t out_crc;

static void
out_flush(void)
{
	out_crc = crc64_rdb(out_crc, out, out_len);
	if (fwrite(out, 1, out_len, stdout) != out_len) {
		perror("generate: cannot write");
		exit(3);
	}
	out_len = 0;
}

static void
put(const void *p, size_t len)
{
	const uint8_t *from = p;

	while (len > 0) {
		size_t n = sizeof out - out_len;

		n = len < n ? len : n;
		memcpy(out + out_len, from, n);
		out_len += n;
		from += n;
		len -= n;
		if (out_len == sizeof out)
			out_flush();
	}
}

static void
put_byte(unsigned byte)
{
	uint8_t b = (uint8_t)byte;

	put(&b, 1);
}

/* n in so many bytes, most significant first. */
static void
put_big(uint64_t n, unsigned bytes)
{
	while (bytes-- > 0)
		put_byte((unsigned)(n >> 8 * bytes) & 0xff);
}

static void
put_little(uint64_t n, unsigned bytes)
{
	for (; bytes > 0; bytes--, n >>= 8)
		put_byte((unsigned)n & 0xff);
}

static void
put_len(uint64_t n)
{
	if (n < 1 << 6) {
		put_byte((unsigned)n);
	} else if (n < 1 << 14) {
		put_big(0x4000 | n, 2);
	} else if (n <= UINT32_MAX) {
		put_byte(0x80);
		put_big(n, 4);
	} else {
		put_byte(0x81);
		put_big(n, 8);
	}
}

static void
put_string(const void *p, size_t len)
{
	put_len(len);
	put(p, len);
}

/* A string that is a number, in the fewest bits. */
static void
put_number(int64_t n)
{
	unsigned code = n == (int8_t)n ? 0 : n == (int16_t)n ? 1 : 2;
	char text[24];

	if (n == (int32_t)n) {
		put_byte(0xc0 | code);
		put_little((uint64_t)n, 1U << code);
	} else {
		put_string(text, (size_t)sprintf(text, "%" PRId64, n));
	}
}

static void
put_words(const char *s)
{
	put_string(s, strlen(s));
}

static void
put_aux(const char *name, const char *value)
{
	put_byte(250);
	put_words(name);
	put_words(value);
}

/* --- text --- */

static const char *const words[] = { "the", "of", "and", "to", "in", "is",
	"for", "order", "status", "price", "customer", "delivered", "pending",
	"street", "number", "city", "payment", "invoice", "returned",
	"{\"id\":", "\"name\":", "\"updated_at\":", "true", "false", "null",
	"warehouse", "quantity", "discount", "currency", "EUR", "CNY",
	"2026-11-22" };

static uint8_t text[1 << 20];

/* Fill p with words, the first ones more often, and some numbers. */
static void
write_text(uint8_t *p, size_t len)
{
	char number[24];

	while (len > 0) {
		uint64_t a = between(0, 31), b = between(0, 31);
		const char *w = words[a < b ? a : b];
		size_t n;

		if (a == b) {
			sprintf(number, "%" PRIu64, chance() >> 40);
			w = number;
		}
		n = strlen(w);
		n = n < len ? n : len;
		memcpy(p, w, n);
		p += n;
		len -= n;
		if (len > 0) {
			*p++ = ' ';
			len--;
		}
	}
}

/* A loan of len bytes of text, len up to 64 KiB. */
static const uint8_t *
some_text(size_t len)
{
	return text + between(0, sizeof text - len);
}

/* --- listpacks --- */

struct pack {
	uint8_t bytes[LP_ROOM];
	size_t len;
	unsigned count;
};

static void
pack_begin(struct pack *lp)
{
	lp->len = 6;
	lp->count = 0;
}

/* The entry of len bytes has been written: its length backwards. */
static void
pack_back(struct pack *lp, size_t len)
{
	if (len < 128) {
		lp->bytes[lp->len++] = (uint8_t)len;
	} else {
		lp->bytes[lp->len++] = (uint8_t)(len >> 7);
		lp->bytes[lp->len++] = (uint8_t)((len & 127) | 128);
	}
	lp->count++;
}

/* Text of fewer than 4096 bytes that is no number. */
static void
pack_text(struct pack *lp, const void *p, size_t len)
{
	size_t head = len < 64 ? 1 : 2;

	if (head == 1) {
		lp->bytes[lp->len++] = (uint8_t)(0x80 | len);
	} else {
		lp->bytes[lp->len++] = (uint8_t)(0xe0 | len >> 8);
		lp->bytes[lp->len++] = (uint8_t)len;
	}
	memcpy(lp->bytes + lp->len, p, len);
	lp->len += len;
	pack_back(lp, head + len);
}

static void
pack_words(struct pack *lp, const char *s)
{
	pack_text(lp, s, strlen(s));
}

static void
pack_number(struct pack *lp, int64_t n)
{
	static const struct {
		uint8_t code, bytes;
	} forms[] = { { 0xf1, 2 }, { 0xf2, 3 }, { 0xf3, 4 }, { 0xf4, 8 } };
	size_t begin = lp->len;
	unsigned form = 0;

	if (n >= 0 && n < 128) {
		lp->bytes[lp->len++] = (uint8_t)n;
	} else if (n >= -4096 && n < 4096) {
		lp->bytes[lp->len++] = (uint8_t)(0xc0 | ((n >> 8) & 0x1f));
		lp->bytes[lp->len++] = (uint8_t)n;
	} else {
		while (form < 3 &&
		    (n < -(1LL << (8 * forms[form].bytes - 1)) ||
			n >= 1LL << (8 * forms[form].bytes - 1)))
			form++;
		lp->bytes[lp->len++] = forms[form].code;
		for (unsigned i = 0; i < forms[form].bytes; i++)
			lp->bytes[lp->len++] = (uint8_t)(n >> 8 * i);
	}
	pack_back(lp, lp->len - begin);
}

/* Finish it and write it as a string. */
static void
put_pack(struct pack *lp)
{
	lp->bytes[lp->len++] = 0xff;
	for (unsigned i = 0; i < 4; i++)
		lp->bytes[i] = (uint8_t)(lp->len >> 8 * i);
	lp->bytes[4] = (uint8_t)lp->count;
	lp->bytes[5] = (uint8_t)(lp->count >> 8);
	put_string(lp->bytes, lp->len);
}

/* --- values, as they stand behind their key --- */

static struct pack pack;

static void
put_some_text(size_t low, size_t high)
{
	size_t len = between(low, high);

	put_string(some_text(len), len);
}

static void
string_value(void)
{
	if (between(0, 4) == 0)
		put_number((int64_t)(chance() >> between(24, 62)));
	else
		put_some_text(16, 400);
}

static void
small_hash(void)
{
	pack_begin(&pack);
	pack_words(&pack, "name");
	pack_text(&pack, some_text(18), 18);
	pack_words(&pack, "created");
	pack_number(&pack, 1700000000 + (int64_t)between(0, 90000000));
	pack_words(&pack, "visits");
	pack_number(&pack, (int64_t)between(0, 3000));
	for (uint64_t i = 0, n = between(0, 8); i < n; i++) {
		char field[24];

		pack_text(
		    &pack, field, (size_t)sprintf(field, "attr:%" PRIu64, i));
		pack_text(&pack, some_text(60), between(4, 60));
	}
	put_pack(&pack);
}

static void
large_hash(void)
{
	uint64_t n = between(129, 600);

	put_len(n);
	for (uint64_t i = 0; i < n; i++) {
		char field[24];

		put_string(
		    field, (size_t)sprintf(field, "field:%" PRIu64, i * 7));
		if (i % 3 == 0)
			put_number((int64_t)(chance() >> 40));
		else
			put_some_text(8, 90);
	}
}

/* Mostly one node, sometimes many of 8 KiB. */
static void
list_value(void)
{
	uint64_t nodes = between(0, 19) == 0 ? between(2, 6) : 1;

	put_len(nodes);
	for (uint64_t i = 0; i < nodes; i++) {
		size_t full = i + 1 < nodes ? 8000 : between(50, 1200);

		pack_begin(&pack);
		while (pack.len < full) {
			if (between(0, 3) == 0)
				pack_number(&pack,
				    (int64_t)(chance() >> between(20, 60)));
			else
				pack_text(
				    &pack, some_text(120), between(5, 120));
		}
		put_len(2);
		put_pack(&pack);
	}
}

static void
integer_set(void)
{
	uint32_t n = (uint32_t)between(4, 300),
		 at = (uint32_t)between(0, 99999);
	uint32_t ints[2 + 300] = { 4, n };

	for (uint32_t i = 0; i < n; i++)
		ints[2 + i] = at += (uint32_t)between(1, 5000);
	put_string(ints, (2 + n) * sizeof *ints); /* little endian here */
}

static void
text_set(void)
{
	uint64_t n = between(3, 60);

	put_len(n);
	for (uint64_t i = 0; i < n; i++) {
		char member[40];

		put_string(member,
		    (size_t)sprintf(
			member, "tag:%" PRIu64 ":%" PRIx64, i, chance() >> 32));
	}
}

static void
small_zset(void)
{
	uint64_t score = between(0, 100);

	pack_begin(&pack);
	for (uint64_t i = 0, n = between(2, 40); i < n; i++) {
		char member[40], fraction[40];

		pack_text(&pack, member,
		    (size_t)sprintf(member, "player:%" PRIu64, i * 31));
		score += between(1, 900);
		if (i % 4 == 3)
			pack_text(&pack, fraction,
			    (size_t)sprintf(fraction, "%" PRIu64 ".5", score));
		else
			pack_number(&pack, (int64_t)score);
	}
	put_pack(&pack);
}

static void
large_zset(void)
{
	uint64_t n = between(129, 700);
	double score = 1e9;

	put_len(n);
	for (uint64_t i = 0; i < n; i++) {
		char member[40];
		uint64_t bits;

		put_string(
		    member, (size_t)sprintf(member, "player:%" PRIu64, i * 31));
		score -= (double)between(1, 99999) / 64;
		memcpy(&bits, &score, sizeof bits);
		put_little(bits, 8);
	}
}

static void
put_id(uint64_t ms)
{
	put_big(ms, 8);
	put_big(0, 8);
}

/* A node of n entries with the same two fields, 10 ms apart from ms on. */
static void
stream_node(uint64_t ms, uint64_t n)
{
	put_len(16);
	put_id(ms);
	pack_begin(&pack);
	pack_number(&pack, (int64_t)n); /* entries, then those deleted */
	pack_number(&pack, 0);
	pack_number(&pack, 2);
	pack_words(&pack, "sensor");
	pack_words(&pack, "value");
	pack_number(&pack, 0);
	for (uint64_t i = 0; i < n; i++) {
		pack_number(&pack, 2); /* the same fields as the first */
		pack_number(&pack, (int64_t)(10 * i));
		pack_number(&pack, 0);
		pack_text(&pack, some_text(12), 12);
		pack_number(&pack, (int64_t)between(0, 100000));
		pack_number(&pack, 5); /* elements of this entry */
	}
	put_pack(&pack);
}

static void
stream_value(void)
{
	uint64_t nodes = between(1, 4), ms = 1700000000000 + (chance() >> 32);
	uint64_t pending = between(0, 20);

	put_len(nodes);
	for (uint64_t i = 0; i < nodes; i++)
		stream_node(ms + 1000 * i, 100);
	put_len(nodes * 100);
	put_len(ms + 1000 * nodes - 10); /* last id, first id, last deleted */
	put_len(0);
	put_len(ms);
	put_len(0);
	put_len(0);
	put_len(0);
	put_len(nodes * 100); /* ever added */
	put_len(1);
	put_words("workers");
	put_len(ms + 10 * pending);
	put_len(0);
	put_len(pending); /* read by the group */
	put_len(pending);
	for (uint64_t i = 0; i < pending; i++) {
		put_id(ms + 10 * i);
		put_little(1700000100000, 8);
		put_len(1);
	}
	put_len(1);
	put_words("worker-1");
	put_little(1700000100000, 8);
	put_len(pending);
	for (uint64_t i = 0; i < pending; i++)
		put_id(ms + 10 * i);
}

/* --- the sets --- */

static void
put_key(unsigned type, const char *kind, uint64_t n)
{
	char key[60];

	put_byte(type);
	put_string(key,
	    (size_t)sprintf(
		key, "%s:%" PRIu64, kind, n * 2654435761 % (1 << 30)));
}

static void
put_expiry(void)
{
	put_byte(252);
	put_little(FAR + (chance() >> 34), 8);
}

static void
small_string(uint64_t n)
{
	if (between(0, 9) < 3)
		put_expiry();
	put_key(STRING, "session:user", n);
	put_some_text(8, 76);
}

static void
any_type(uint64_t n)
{
	static const struct {
		unsigned below; /* of 100 keys */
		unsigned type;
		const char *kind;
		void (*value)(void);
	} rows[] = {
		{ 30, STRING, "cache", string_value },
		{ 58, HASH_LISTPACK, "user", small_hash },
		{ 59, HASH, "catalogue", large_hash },
		{ 72, QUICKLIST_2, "queue", list_value },
		{ 78, INTSET, "members", integer_set },
		{ 84, SET, "tags", text_set },
		{ 95, ZSET_LISTPACK, "board", small_zset },
		{ 96, ZSET_2, "ranking", large_zset },
		{ 100, STREAM_2, "events", stream_value },
	};
	uint64_t draw = between(0, 99);
	size_t i = 0;

	while (draw >= rows[i].below)
		i++;
	if (between(0, 4) == 0)
		put_expiry();
	put_key(rows[i].type, rows[i].kind, n);
	rows[i].value();
}

static void
large_value(uint64_t n)
{
	static uint8_t value[1 << 20];
	size_t len = between(0, 5) == 0 ? between(100000, 1000000) :
					  between(10000, 150000);

	if (n % 2 == 0) {
		write_text(value, len);
	} else {
		for (size_t i = 0; i + 8 <= sizeof value && i < len; i += 8) {
			uint64_t r = chance();

			memcpy(value + i, &r, 8);
		}
	}
	put_key(STRING, "object", n);
	put_string(value, len);
}

static const struct set {
	const char *name;
	void (*record)(uint64_t n);
	uint64_t mean;     /* bytes of a record */
	unsigned expiring; /* percent */
} sets[] = {
	{ "A", small_string, 70, 30 },
	{ "B", any_type, 1026, 20 },
	{ "C", large_value, 149000, 0 },
};

static void
generate(const struct set *set, uint64_t keys)
{
	put("REDIS0010", 9);
	put_aux("redis-ver", "7.0.15");
	put_aux("redis-bits", "64");
	put_byte(254);
	put_len(0);
	put_byte(251);
	put_len(keys);
	put_len(keys * set->expiring / 100); /* a hint to the loader */
	write_text(text, sizeof text);
	for (uint64_t n = 1; n <= keys; n++)
		set->record(n);
	put_byte(255);
	out_flush();
	put_little(out_crc, 8);
	out_flush();
}

int
main(int argc, char **argv)
{
	int64_t size;

	for (size_t i = 0; argc == 3 && i < COUNT_OF(sets); i++) {
		if (strcmp(argv[1], sets[i].name) != 0)
			continue;
		if (!opt_size(argv[2], &size) || size < 1)
			break;
		generate(&sets[i],
		    ((uint64_t)size + sets[i].mean - 1) / sets[i].mean);
		if (fflush(stdout) != 0) {
			perror("generate: cannot write");
			return 3;
		}
		return 0;
	}
	fputs("usage: generate A|B|C SIZE >file\n", stderr);
	return 2;
}
