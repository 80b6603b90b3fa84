/*
 * choice.h -- which keys are meant, and as what.
 *
 * The filters and mappings of rdb-filter, rdb-restore and rdb-print, declared
 * once.  Filters of one kind are alternatives, those of different kinds all
 * have to hold: --type hash --type list --db 0 means hashes and lists in
 * database 0; --prefix user: --key '*:name' what both describe.  Each --not-...
 * leaves out what it describes.  Mappings come after, on what is left.
 *
 *	static struct choice choice = CHOICE_DEFAULT;
 *	CHOICE_OPTIONS(choice) in the table of options
 *	choice_check(&choice, e)	after the options were parsed
 *	choice_take(&choice, &object, valkey, e) for each key (rdb/object.h)
 *
 * --expired and --ttl look at one moment for a whole run: now, or --now.
 *
 * What mappings do: --map-db and --rename-prefix apply once to a key, never to
 * their own result; the database's own row wins over *, and the longest prefix
 * over shorter ones.  Two keys may end up under one name: twins.h notices.
 * --ttl changes the expiry of keys that have one, saturating, never below 1 ms
 * after 1970.  Fields of hashes have times of their own, inside the value, and
 * the same becomes of those: but the value has to be rewritten for that, or its
 * elements told with other times, by who reads values: choice_moves_fields().
 */
#ifndef KEYS_CHOICE_H
#define KEYS_CHOICE_H

#include "rdb/object.h"
#include "rdb/slot.h"
#include "stages/kit/opt.h"

enum choice_ttl {
	CHOICE_TTL_KEEP,
	CHOICE_TTL_DROP,
	CHOICE_TTL_SHIFT,
	CHOICE_TTL_FLOOR
};

/* A row of --map-db, and of --rename-prefix. */
struct choice_map {
	bool any; /* from every database without a row of its own */
	uint64_t from, to;
};
struct choice_rename {
	const char *from;
	size_t from_len; /* as written: "\=" and "\\" are one byte each */
	const char *to;
	size_t to_len;
};

struct choice {
	/* As it was asked for. */
	struct opt_list keys, not_keys, prefixes, not_prefixes;
	struct opt_list types, not_types, db_words, slot_words;
	struct opt_list map_words, rename_words;
	const char *ttl_word;
	int expired; /* 0: keep, 1: drop */
	int64_t now; /* ms since 1970; -1: choice_check() looks */

	/* Private to choice.c, from choice_check() on. */
	unsigned type_set, not_type_set; /* bits by kind */
	uint64_t db_set[OPT_LIST_MAX][2];
	int n_dbs;
	uint8_t slot_set[RDB_SLOTS / 8];
	struct choice_map maps[OPT_LIST_MAX];
	struct choice_rename renames[OPT_LIST_MAX];
	enum choice_ttl ttl;
	int64_t ttl_ms;
};

#define CHOICE_DEFAULT    \
	{                 \
		.now = -1 \
	}

extern const char *const choice_expired_words[];

/* clang-format off */
#define CHOICE_OPTIONS(c) \
	{ OPT_LIST, 0, "key", &(c).keys, "PATTERN", \
	    "only keys like this, as KEYS has it", \
	    0, 0, NULL, NULL }, \
	{ OPT_LIST, 0, "not-key", &(c).not_keys, "PATTERN", \
	    "but no keys like this", 0, 0, NULL, NULL }, \
	{ OPT_LIST, 0, "prefix", &(c).prefixes, "TEXT", \
	    "only keys that begin so", 0, 0, NULL, NULL }, \
	{ OPT_LIST, 0, "not-prefix", &(c).not_prefixes, "TEXT", \
	    "but none that begin so", 0, 0, NULL, NULL }, \
	{ OPT_LIST, 0, "type", &(c).types, "TYPES", \
	    "only these: string,hash (and list, set, ...)", \
	    0, 0, NULL, NULL }, \
	{ OPT_LIST, 0, "not-type", &(c).not_types, "TYPES", \
	    "but none of these types", 0, 0, NULL, NULL }, \
	{ OPT_LIST, 0, "db", &(c).db_words, "LIST", \
	    "only these databases: 0,2-3", 0, 0, NULL, NULL }, \
	{ OPT_LIST, 0, "slots", &(c).slot_words, "LIST", \
	    "only keys of these slots: 0-5460,6000", 0, 0, NULL, NULL }, \
	{ OPT_CHOICE, 0, "expired", &(c).expired, "WHAT", \
	    "keep or drop keys whose time is over (keep)", 0, 0, \
	    choice_expired_words, NULL }, \
	{ OPT_LIST, 0, "map-db", &(c).map_words, "A=B", \
	    "database A becomes B; *=B: all others", 0, 0, NULL, NULL }, \
	{ OPT_LIST, 0, "rename-prefix", &(c).rename_words, "A=B", \
	    "keys that begin with A begin with B instead", 0, 0, NULL, NULL }, \
	{ OPT_TEXT, 0, "ttl", &(c).ttl_word, "HOW", \
	    "keep, drop, shift=+2h, shift=-30m, floor=1h", 0, 0, \
	    NULL, NULL }, \
	{ OPT_INT, 0, "now", &(c).now, "MS", \
	    "the moment of --expired and floor (ms since 1970)", 0, 0, \
	    NULL, NULL }
/* clang-format on */

/* ERR_USAGE names the option and what is wrong with it. */
MUST_USE bool choice_check(struct choice *, struct err *);

/* Nothing was asked for: every key as it is. */
bool choice_all(const struct choice *);

/* Types of modules are not left out.  Data that modules keep outside of keys
 * wants the module as much as its keys do. */
bool choice_modules(const struct choice *);

/* Mappings were asked for that may give two keys one name. */
bool choice_may_clash(const struct choice *);

enum choice_got { CHOICE_TAKEN, CHOICE_LEFT, CHOICE_FAILED };

/*
 * Is this key meant?  When it is, its database, key and expiry become what was
 * asked for.  CHOICE_FAILED: memory ran out, or, an ERR_DATA, a mapping makes
 * a key too long.
 */
enum choice_got choice_take(
    const struct choice *, struct rdb_object *, bool valkey, struct err *);

/* The two halves of choice_take, for who wants to know why, or whether
 * something changed: the first filter that does not hold ... */
enum choice_why {
	CHOICE_MEANT,
	CHOICE_BY_DB,
	CHOICE_BY_TYPE,
	CHOICE_BY_EXPIRY,
	CHOICE_BY_NAME,
	CHOICE_BY_SLOT,
	CHOICE_WHYS
};

enum choice_why choice_judge(const struct choice *, const struct rdb_object *);

/* ... and the mappings.  *changed: more than the database did. */
MUST_USE bool choice_map(
    const struct choice *, struct rdb_object *, bool *changed, struct err *);

/* --ttl asks for other times, and fields of values of this type may have some. */
bool choice_moves_fields(const struct choice *, unsigned type);

/* What becomes of the time of a field, ms since 1970; 0: it has none any more. */
uint64_t choice_field_time(const struct choice *, uint64_t ms);

#endif
