/*
 * magic.c -- the first nine bytes: "REDIS" and four digits, or "VALKEY" and
 * three (src/rdb.c: rdbSaveRio of both).
 *
 * People feed the wrong thing into a pipe, so some other beginnings are known
 * by name.  All beginnings are matched side by side, a byte at a time.
 */
#include "rdb/walk.h"

const char walk_too_new[] = "RDB version newer than this program knows";
const char walk_not_valkey[] = "RDB version that is not Valkey's";

#define NOT   "not an RDB stream: this is "
#define REPLY NOT "a server's reply"

static const struct magic {
	const char *bytes;
	unsigned len;
	const char *what; /* NULL: the two that are right, in front */
} magics[] = {
	{ "REDIS", 5, NULL },
	{ "VALKEY", 6, NULL },
	{ "\x28\xb5\x2f\xfd", 4, NOT "a zstd frame" },
	{ "\x50\x2a\x4d\x18", 4, NOT "a skippable zstd frame" },
	{ "\x04\x22\x4d\x18", 4, NOT "an lz4 frame" },
	{ "\x1f\x8b", 2, NOT "gzip data" },
	{ "\xfd\x37zXZ", 5, NOT "xz data" },
	{ "BZh", 3, NOT "bzip2 data" },
	{ "PK\x03\x04", 4, NOT "a zip archive" },
	{ "age-encryption.org/", 19, NOT "an age-encrypted file" },
	{ "VCS", 3, NOT "a stream Valkey has compressed as a whole (VCS)" },
	{ "VKCS", 4, NOT "a stream Valkey has compressed as a whole (VKCS)" },
	{ "*", 1, NOT "a stream of commands, such as an AOF" },
	{ "$", 1, NOT "replication traffic, with its framing" },
	{ "\n", 1, NOT "replication traffic, with its keep-alives" },
	{ "+", 1, REPLY },
	{ "-", 1, REPLY " (an error)" },
	{ "<", 1, NOT "XML or HTML" },
	{ "{", 1, NOT "JSON" },
};

enum { REDIS_BIT = 1, VALKEY_BIT = 2, MAGICS = sizeof magics / sizeof *magics };

static enum atom
wrong(struct rdb_walk *w, uint64_t at, const char *what)
{
	w->fault = (struct rdb_fault){ .at = at, .what = what };
	return ATOM_WRONG;
}

static enum atom
wrong_byte(struct rdb_walk *w, uint64_t at, unsigned byte, const char *what)
{
	w->fault = (struct rdb_fault){ at, what, byte, true };
	return ATOM_WRONG;
}

/* Byte number i is b.  Which beginnings are still possible? */
static enum atom
match(struct rdb_walk *w, unsigned i, uint8_t b)
{
	unsigned before = i == 0 ? ~0u : w->magics, still = 0;

	for (unsigned m = 0; m < MAGICS; m++) {
		const struct magic *g = &magics[m];

		if (!(before & 1u << m) || i >= g->len ||
		    (uint8_t)g->bytes[i] != b)
			continue;
		if (g->what != NULL && i + 1 == g->len)
			return wrong(w, 0, g->what);
		still |= 1u << m;
	}
	if (i == 0)
		w->atom.num = b;
	w->magics = still;
	if (still != 0)
		return ATOM_DONE;
	if (before & (REDIS_BIT | VALKEY_BIT))
		return wrong_byte(w, i, b, "not an RDB stream");
	return wrong_byte(w, 0, (unsigned)w->atom.num, "not an RDB stream");
}

static enum atom
version_check(struct rdb_walk *w)
{
	int max = w->valkey ? RDB_VERSION_VALKEY_MAX : RDB_VERSION_MAX;
	uint64_t at = w->valkey ? 6 : 5;

	if (w->version == 0)
		return wrong(w, at, "RDB version 0, which was never in use");
	if (w->version > max)
		return wrong(w, at, walk_too_new);
	if (w->valkey && w->version < RDB_VERSION_VALKEY_MAX)
		return wrong(w, at, walk_not_valkey);
	return ATOM_DONE;
}

/* How many letters the beginnings have that are still possible. */
static unsigned
letters(const struct rdb_walk *w)
{
	return w->magics == REDIS_BIT ? 5 : w->magics == VALKEY_BIT ? 6 : ~0u;
}

enum atom
magic_run(struct rdb_walk *w)
{
	for (;; w->atom.part++) {
		unsigned i = w->atom.part;
		bool letter = i == 0 || i < letters(w);
		enum atom got;

		if (!letter && i == 9)
			break;
		if (w->in.ptr == w->in.end)
			return ATOM_DRY;
		if (letter) {
			if ((got = match(w, i, *w->in.ptr)) != ATOM_DONE)
				return got;
		} else if (*w->in.ptr < '0' || *w->in.ptr > '9') {
			return wrong_byte(
			    w, i, *w->in.ptr, "version that is not a number");
		} else {
			w->version = w->version * 10 + (*w->in.ptr - '0');
		}
		w->in.ptr++;
	}
	w->atom.part = 0;
	w->valkey = w->magics == VALKEY_BIT;
	return version_check(w);
}
