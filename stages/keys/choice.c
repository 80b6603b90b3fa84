/* choice.c -- see choice.h. */
#include "stages/keys/choice.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "rdb/kind.h"
#include "stages/keys/glob.h"
#include "stages/kit/clock.h"

const char *const choice_expired_words[] = { "keep", "drop", NULL };

/* --- lists of words --- */

typedef bool word_take(struct choice *, const char *word, size_t len);

/* Hand every word of "a,b,c", of every time the option was given, to take. */
static bool
words_take(struct choice *c, const struct opt_list *list, const char *option,
    const char *wants, word_take *take, struct err *e)
{
	char quoted[80];

	for (int i = 0; i < list->n; i++) {
		const char *at = list->v[i];

		for (;;) {
			size_t n = strcspn(at, ",");

			if (!take(c, at, n))
				return err_set(e, ERR_USAGE,
				    "--%s wants %s, not '%s'", option, wants,
				    err_quote(quoted, sizeof quoted, at, n));
			if (at[n] == '\0')
				break;
			at += n + 1;
		}
	}
	return true;
}

/* The bit of a type's name, or 0. */
static unsigned
kind_bit(const char *name, size_t len)
{
	for (unsigned i = 0; i < RDB_KINDS; i++) {
		const char *kind = rdb_kind_name(i);

		if (strlen(kind) == len && memcmp(kind, name, len) == 0)
			return 1u << i;
	}
	return 0;
}

static bool
type_take(struct choice *c, const char *word, size_t len)
{
	unsigned bit = kind_bit(word, len);

	c->type_set |= bit;
	return bit != 0;
}

static bool
not_type_take(struct choice *c, const char *word, size_t len)
{
	unsigned bit = kind_bit(word, len);

	c->not_type_set |= bit;
	return bit != 0;
}

/* Digits at the front of *text; they are taken off. */
static bool
number_take(const char **text, const char *end, uint64_t max, uint64_t *to)
{
	const char *from = *text;

	*to = 0;
	for (; *text < end && **text >= '0' && **text <= '9'; ++*text) {
		*to = *to * 10 + (uint64_t)(**text - '0');
		if (*to > max)
			return false;
	}
	return *text > from;
}

/* "7" or "2-5". */
static bool
range_take(const char *word, size_t len, uint64_t max, uint64_t range[2])
{
	const char *end = word + len;

	if (!number_take(&word, end, max, &range[0]))
		return false;
	range[1] = range[0];
	if (word < end && *word == '-') {
		word++;
		if (!number_take(&word, end, max, &range[1]))
			return false;
	}
	return word == end && range[0] <= range[1];
}

static bool
db_take(struct choice *c, const char *word, size_t len)
{
	return c->n_dbs < OPT_LIST_MAX &&
	    range_take(word, len, INT32_MAX, c->db_set[c->n_dbs++]);
}

static bool
slot_take(struct choice *c, const char *word, size_t len)
{
	uint64_t range[2];

	if (!range_take(word, len, RDB_SLOTS - 1, range))
		return false;
	for (uint64_t s = range[0]; s <= range[1]; s++)
		c->slot_set[s / 8] |= (uint8_t)(1u << s % 8);
	return true;
}

/* --- mappings --- */

/* "0=5", "*=5". */
static bool
map_parse(const char *word, struct choice_map *to)
{
	const char *end = word + strlen(word);

	*to = (struct choice_map){ .any = *word == '*' };
	if (to->any)
		word++;
	else if (!number_take(&word, end, INT32_MAX, &to->from))
		return false;
	if (*word++ != '=')
		return false;
	return number_take(&word, end, INT32_MAX, &to->to) && word == end;
}

static bool
maps_check(struct choice *c, struct err *e)
{
	for (int i = 0; i < c->map_words.n; i++) {
		const char *word = c->map_words.v[i];
		struct choice_map *m = &c->maps[i];

		if (!map_parse(word, m))
			return err_set(e, ERR_USAGE,
			    "--map-db wants A=B or *=B, databases by number, "
			    "not '%s'",
			    word);
		for (int k = 0; k < i; k++)
			if (c->maps[k].any == m->any &&
			    c->maps[k].from == m->from)
				return err_set(e, ERR_USAGE,
				    "--map-db says twice what becomes of the "
				    "same database: '%s' and '%s'",
				    c->map_words.v[k], word);
	}
	return true;
}

/* The byte at *at of a prefix as it is written; *at goes behind it. */
static char
prefix_byte(const char *text, size_t *at)
{
	if (text[*at] == '\\' &&
	    (text[*at + 1] == '=' || text[*at + 1] == '\\'))
		++*at;
	return text[(*at)++];
}

/* "a:=b:": at the first "=" that has no backslash in front. */
static bool
rename_parse(const char *word, struct choice_rename *to)
{
	size_t at = 0;

	while (word[at] != '\0' && word[at] != '=')
		prefix_byte(word, &at);
	if (word[at] == '\0')
		return false;
	*to = (struct choice_rename){ word, at, word + at + 1,
		strlen(word + at + 1) };
	return true;
}

/* The same bytes, however they are written? */
static bool
same_prefix(const struct choice_rename *a, const struct choice_rename *b)
{
	size_t i = 0, k = 0;

	while (i < a->from_len && k < b->from_len)
		if (prefix_byte(a->from, &i) != prefix_byte(b->from, &k))
			return false;
	return i == a->from_len && k == b->from_len;
}

static bool
renames_check(struct choice *c, struct err *e)
{
	for (int i = 0; i < c->rename_words.n; i++) {
		const char *word = c->rename_words.v[i];
		struct choice_rename *r = &c->renames[i];

		if (!rename_parse(word, r))
			return err_set(e, ERR_USAGE,
			    "--rename-prefix wants OLD=NEW, not '%s'", word);
		for (int k = 0; k < i; k++)
			if (same_prefix(&c->renames[k], r))
				return err_set(e, ERR_USAGE,
				    "--rename-prefix says twice what becomes "
				    "of the same prefix: '%s' and '%s'",
				    c->rename_words.v[k], word);
	}
	return true;
}

/* What stands behind name, or NULL. */
static const char *
behind(const char *word, const char *name)
{
	size_t n = strlen(name);

	return strncmp(word, name, n) == 0 ? word + n : NULL;
}

static bool
ttl_parse(struct choice *c, const char *word)
{
	const char *time;

	if (strcmp(word, "keep") == 0)
		return true;
	if (strcmp(word, "drop") == 0) {
		c->ttl = CHOICE_TTL_DROP;
		return true;
	}
	if ((time = behind(word, "floor=")) != NULL) {
		c->ttl = CHOICE_TTL_FLOOR;
		return opt_time(time, &c->ttl_ms);
	}
	if ((time = behind(word, "shift=")) == NULL)
		return false;
	c->ttl = CHOICE_TTL_SHIFT;
	if (!opt_time(time + (*time == '+' || *time == '-'), &c->ttl_ms))
		return false;
	if (*time == '-')
		c->ttl_ms = -c->ttl_ms;
	return true;
}

static bool
times_check(struct choice *c, struct err *e)
{
	if (c->ttl_word != NULL && !ttl_parse(c, c->ttl_word))
		return err_set(e, ERR_USAGE,
		    "--ttl wants keep, drop, shift=+2h, shift=-30m or "
		    "floor=1h, not '%s'",
		    c->ttl_word);
	if (c->now == -1)
		c->now = clock_wall();
	else if (c->expired == 0 && c->ttl != CHOICE_TTL_FLOOR)
		return err_set(e, ERR_USAGE,
		    "--now is the moment of --expired drop and --ttl floor; "
		    "neither is given");
	return true;
}

bool
choice_check(struct choice *c, struct err *e)
{
	static const char types[] =
	    "string, list, set, zset, hash, stream, module or array";

	return words_take(c, &c->types, "type", types, type_take, e) &&
	    words_take(c, &c->not_types, "not-type", types, not_type_take, e) &&
	    words_take(c, &c->db_words, "db",
		"databases such as 0,2-3, at most 256 of them", db_take, e) &&
	    words_take(c, &c->slot_words, "slots",
		"slots up to 16383, such as 0-5460,6000", slot_take, e) &&
	    maps_check(c, e) && renames_check(c, e) && times_check(c, e);
}

bool
choice_all(const struct choice *c)
{
	return c->keys.n + c->not_keys.n + c->prefixes.n + c->not_prefixes.n +
		c->types.n + c->not_types.n + c->db_words.n + c->slot_words.n +
		c->map_words.n + c->rename_words.n ==
	    0 &&
	    c->expired == 0 && c->ttl == CHOICE_TTL_KEEP;
}

/* Does --type and --not-type let this kind through? */
static bool
kind_meant(const struct choice *c, enum rdb_kind kind)
{
	unsigned bit = 1u << kind;

	return (c->types.n == 0 || (c->type_set & bit) != 0) &&
	    (c->not_type_set & bit) == 0;
}

bool
choice_modules(const struct choice *c)
{
	return kind_meant(c, RDB_KIND_MODULE);
}

bool
choice_may_clash(const struct choice *c)
{
	return c->map_words.n > 0 || c->rename_words.n > 0;
}

/* --- is it meant? --- */

static bool
db_meant(const struct choice *c, uint64_t db)
{
	for (int i = 0; i < c->n_dbs; i++)
		if (c->db_set[i][0] <= db && db <= c->db_set[i][1])
			return true;
	return c->n_dbs == 0;
}

static bool
any_prefix(const struct opt_list *list, const struct rdb_object_bytes *key)
{
	for (int i = 0; i < list->n; i++) {
		size_t n = strlen(list->v[i]);

		if (n <= key->len && memcmp(list->v[i], key->ptr, n) == 0)
			return true;
	}
	return false;
}

static bool
any_pattern(const struct opt_list *list, const struct rdb_object_bytes *key)
{
	for (int i = 0; i < list->n; i++)
		if (glob_match(
			list->v[i], strlen(list->v[i]), key->ptr, key->len))
			return true;
	return false;
}

static bool
name_meant(const struct choice *c, const struct rdb_object_bytes *key)
{
	return (c->prefixes.n == 0 || any_prefix(&c->prefixes, key)) &&
	    !any_prefix(&c->not_prefixes, key) &&
	    (c->keys.n == 0 || any_pattern(&c->keys, key)) &&
	    !any_pattern(&c->not_keys, key);
}

static bool
slot_meant(const struct choice *c, const struct rdb_object_bytes *key)
{
	unsigned slot;

	if (c->slot_words.n == 0)
		return true;
	slot = rdb_slot(key->ptr, key->len);
	return c->slot_set[slot / 8] >> slot % 8 & 1;
}

enum choice_why
choice_judge(const struct choice *c, const struct rdb_object *o)
{
	if (!db_meant(c, o->db))
		return CHOICE_BY_DB;
	if (c->types.n + c->not_types.n > 0 &&
	    !kind_meant(c, rdb_kind_of(o->type)))
		return CHOICE_BY_TYPE;
	if (c->expired == 1 && o->expires && o->expire <= c->now)
		return CHOICE_BY_EXPIRY;
	if (!name_meant(c, &o->key))
		return CHOICE_BY_NAME;
	return slot_meant(c, &o->key) ? CHOICE_MEANT : CHOICE_BY_SLOT;
}

/* --- as what? --- */

static uint64_t
db_map(const struct choice *c, uint64_t db)
{
	uint64_t to = db;

	for (int i = 0; i < c->map_words.n; i++) {
		if (c->maps[i].any)
			to = c->maps[i].to;
		else if (c->maps[i].from == db)
			return c->maps[i].to;
	}
	return to;
}

/* Does the key begin with the prefix of r?  *len: how many bytes that are. */
static bool
rename_fits(const struct choice_rename *r, const struct rdb_object_bytes *key,
    size_t *len)
{
	size_t at = 0;

	for (*len = 0; at < r->from_len; ++*len) {
		if (*len == key->len)
			return false;
		if (prefix_byte(r->from, &at) != (char)key->ptr[*len])
			return false;
	}
	return true;
}

/* The row with the longest prefix, or NULL. */
static const struct choice_rename *
rename_find(
    const struct choice *c, const struct rdb_object_bytes *key, size_t *len)
{
	const struct choice_rename *best = NULL;
	size_t n;

	*len = 0;
	for (int i = 0; i < c->rename_words.n; i++)
		if (rename_fits(&c->renames[i], key, &n) &&
		    (best == NULL || n > *len)) {
			best = &c->renames[i];
			*len = n;
		}
	return best;
}

/* The first len bytes of the key give way to those of r. */
static bool
rename_key(struct rdb_object_bytes *key, const struct choice_rename *r,
    size_t len, struct err *e)
{
	char quoted[80];
	size_t rest = key->len - len, need = rest + r->to_len;
	uint8_t *more;

	if (need > RDB_OBJECT_MAX)
		return err_set(e, ERR_DATA,
		    "key \"%s\" grows above 512 MiB when it is renamed",
		    err_quote(quoted, sizeof quoted, key->ptr, key->len));
	if (need > key->cap) {
		if ((more = realloc(key->ptr, need)) == NULL)
			return err_sys(e, "cannot rename a key");
		key->ptr = more;
		key->cap = need;
	}
	if (rest > 0)
		memmove(key->ptr + r->to_len, key->ptr + len, rest);
	if (r->to_len > 0)
		memcpy(key->ptr, r->to, r->to_len);
	key->len = need;
	return true;
}

/* A time that is moved stays a time: servers take a stored -1 for none. */
static int64_t
shifted(int64_t time, int64_t by)
{
	int64_t to;

	if (__builtin_add_overflow(time, by, &to))
		to = by > 0 ? INT64_MAX : 1;
	return to < 1 ? 1 : to;
}

/* What becomes of a time that is not dropped. */
static int64_t
time_map(const struct choice *c, int64_t time)
{
	int64_t floor;

	if (c->ttl == CHOICE_TTL_SHIFT)
		return shifted(time, c->ttl_ms);
	if (c->ttl != CHOICE_TTL_FLOOR)
		return time;
	floor = shifted(c->now, c->ttl_ms);
	return time < floor ? floor : time;
}

bool
choice_map(
    const struct choice *c, struct rdb_object *o, bool *changed, struct err *e)
{
	size_t len;
	const struct choice_rename *r = rename_find(c, &o->key, &len);

	*changed = r != NULL || (o->expires && c->ttl != CHOICE_TTL_KEEP);
	o->db = db_map(c, o->db);
	if (c->ttl == CHOICE_TTL_DROP)
		o->expires = false;
	if (o->expires)
		o->expire = time_map(c, o->expire);
	return r == NULL || rename_key(&o->key, r, len, e);
}

enum choice_got
choice_take(
    const struct choice *c, struct rdb_object *o, bool valkey, struct err *e)
{
	bool changed;

	(void)valkey; /* a type is of the same kind in both dialects so far */
	if (choice_judge(c, o) != CHOICE_MEANT)
		return CHOICE_LEFT;
	return choice_map(c, o, &changed, e) ? CHOICE_TAKEN : CHOICE_FAILED;
}

bool
choice_moves_fields(const struct choice *c, unsigned type)
{
	return c->ttl != CHOICE_TTL_KEEP && rdb_kind_field_ttl(type);
}

/* The latest that Redis takes from a command, HFE_MAX_ABS_TIME_MSEC in
 * src/server.h: what is moved stays sayable. */
uint64_t
choice_field_time(const struct choice *c, uint64_t ms)
{
	const int64_t max = (INT64_C(1) << 46) - 1;
	int64_t was = (int64_t)ms, to = time_map(c, was);

	if (c->ttl == CHOICE_TTL_DROP)
		return 0;
	if (to > max && to > was)
		to = was > max ? was : max;
	return (uint64_t)to;
}
