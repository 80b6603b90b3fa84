/* sidecar.c -- see sidecar.h. */
#include "pipeline/sidecar.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "rdb/hash128.h"

/* clang-format off */
#define AT(m) .at = offsetof(struct sidecar_node, m)

static const struct json_field node_fields[] = {
	{ FIELD_TEXT, "server", AT(server) },
	{ FIELD_LIST, "users", AT(users) },
	{ FIELD_LIST, "functions", AT(functions) },
	{ FIELD_LIST, "configuration", AT(configuration) },
	{ FIELD_LIST, "modules", AT(modules) },
	{ FIELD_LIST, "cluster-nodes", AT(nodes) },
	{ FIELD_LIST, "missing", AT(missing) },
	FIELD_END
};

static const struct json_field fields[] = {
	{ FIELD_COUNT, "format", .at = offsetof(struct sidecar, format) },
	{ FIELD_LIST, "servers", .at = offsetof(struct sidecar, servers),
	    .of = node_fields, .size = sizeof(struct sidecar_node) },
	FIELD_END
};
/* clang-format on */

/* What decides how data behave; none is a secret. */
static const char *const settings[] = { "maxmemory", "maxmemory-policy",
	"databases", "appendonly", "save", "notify-keyspace-events",
	"hash-max-listpack-entries", "hash-max-listpack-value",
	"set-max-intset-entries", "zset-max-listpack-entries",
	"list-max-listpack-size", "cluster-enabled",
	"cluster-require-full-coverage", NULL };

/* Add a text, made printable where it is not UTF-8. */
static bool
add(struct json_list *l, const char *text, size_t len, struct err *e)
{
	char **to = json_list_add(l, sizeof *to, e);
	size_t cap = 4 * len + 16;

	if (to == NULL || (*to = malloc(cap)) == NULL)
		return to != NULL && err_sys(e, "cannot keep a sidecar");
	err_quote(*to, cap, text, len);
	return true;
}

/* Each element of an array; of "library" or "name" pairs their value. */
static bool
add_names(struct json_list *l, const struct reply *all, const char *field,
    struct err *e)
{
	for (size_t i = 0; i < all->len; i++) {
		struct reply row = resp_item(all, i);

		if (field == NULL && row.kind == REPLY_TEXT &&
		    !add(l, row.text, row.len, e))
			return false;
		for (size_t k = 0; field != NULL && row.kind == REPLY_ARRAY &&
		     k + 1 < row.len;
		     k += 2) {
			struct reply name = resp_item(&row, k);
			struct reply value = resp_item(&row, k + 1);

			if (name.kind == REPLY_TEXT &&
			    value.kind == REPLY_TEXT &&
			    strcmp(name.text, field) == 0 &&
			    !add(l, value.text, value.len, e))
				return false;
		}
	}
	return true;
}

/* Each line of a text. */
static bool
add_lines(struct json_list *l, const char *text, struct err *e)
{
	while (*text != '\0') {
		size_t n = strcspn(text, "\r\n");

		if (n > 0 && !add(l, text, n, e))
			return false;
		text += n;
		text += strspn(text, "\r\n");
	}
	return true;
}

/* A question; *got false, and noted, when it was not answered. */
static bool
ask(struct sidecar_node *n, struct server *s, const char *const *words,
    const char *what, struct reply *reply, bool *got, struct err *e)
{
	struct err why;
	char note[sizeof why.text + 80];

	*got = server_call(s, reply, words, &why);
	if (*got)
		return true;
	if (why.kind == ERR_SIGNAL) {
		*e = why;
		return false;
	}
	snprintf(note, sizeof note, "%s: %s", what, why.text);
	return add(&n->missing, note, strlen(note), e);
}

static bool
lists_ask(struct sidecar_node *n, struct server *s, struct err *e)
{
	struct reply r;
	bool got;

	return ask(n, s, WORDS("ACL", "LIST"), "users", &r, &got, e) &&
	    (!got || add_names(&n->users, &r, NULL, e)) &&
	    ask(n, s, WORDS("FUNCTION", "LIST"), "functions", &r, &got, e) &&
	    (!got || add_names(&n->functions, &r, "library_name", e)) &&
	    ask(n, s, WORDS("MODULE", "LIST"), "modules", &r, &got, e) &&
	    (!got || add_names(&n->modules, &r, "name", e)) &&
	    ask(n, s, WORDS("CLUSTER", "NODES"), "cluster-nodes", &r, &got,
		e) &&
	    (!got || add_lines(&n->nodes, r.text, e));
}

static bool
configuration_ask(struct sidecar_node *n, struct server *s, struct err *e)
{
	char line[600];
	struct reply r;
	bool got = true;

	for (size_t i = 0; got && settings[i] != NULL; i++) {
		if (!ask(n, s, WORDS("CONFIG", "GET", settings[i]),
			"configuration", &r, &got, e))
			return false;
		if (!got || r.kind != REPLY_ARRAY || r.len != 2)
			continue;
		snprintf(line, sizeof line, "%s %s", settings[i],
		    resp_item(&r, 1).text);
		if (!add(&n->configuration, line, strlen(line), e))
			return false;
	}
	return true;
}

bool
sidecar_ask(struct sidecar *c, struct server *s, struct err *e)
{
	struct sidecar_node *n = json_list_add(&c->servers, sizeof *n, e);
	struct err why;

	if (n == NULL)
		return false;
	c->format = SIDECAR_FORMAT;
	if ((n->server = strdup(s->url.name)) == NULL)
		return err_sys(e, "cannot keep a sidecar");
	s->rules = SIDECAR_RULES;
	if (s->conn == NULL && !server_connect(s, &why)) {
		if (why.kind != ERR_SIGNAL)
			return add(&n->missing, why.text, strlen(why.text), e);
		*e = why;
		return false;
	}
	return lists_ask(n, s, e) && configuration_ask(n, s, e);
}

bool
sidecar_print(const struct sidecar *c, char **text, struct err *e)
{
	char *open;

	*text = NULL;
	if (!json_print(fields, c, true, &open, e))
		return false;
	if (asprintf(text, "%s\n", open) == -1) {
		*text = NULL;
		err_sys(e, "cannot make a sidecar");
	}
	free(open);
	return *text != NULL;
}

bool
sidecar_read(struct sidecar *c, const char *text, size_t len, struct err *e)
{
	if (!json_read(fields, c, sizeof *c, text, len, e))
		return false;
	if (c->format == SIDECAR_FORMAT)
		return true;
	err_set(e, ERR_DATA, "format is %llu, this program reads %d",
	    (unsigned long long)c->format, SIDECAR_FORMAT);
	sidecar_release(c);
	return false;
}

void
sidecar_release(struct sidecar *c)
{
	json_release(fields, c, sizeof *c);
}

void
sidecar_sum(const char *text, size_t len, char hex[33])
{
	uint8_t sum[HASH128_LEN];

	hash128_put(hash128_of(text, len), sum);
	for (size_t i = 0; i < sizeof sum; i++)
		snprintf(hex + 2 * i, 3, "%02x", sum[i]);
}

bool
sidecar_fetch(struct store *store, const struct catalogue_name *name,
    const struct manifest *m, struct sidecar *c, struct err *e)
{
	char *key, *text = NULL, sum[33];
	size_t len;
	bool ok;

	memset(c, 0, sizeof *c);
	if (m->sidecar == NULL)
		return true;
	key = catalogue_key(name, m->sidecar, e);
	ok = key != NULL && store_read(store, key, SIDECAR_MAX, &text, &len, e);
	if (ok) {
		sidecar_sum(text, len, sum);
		ok = strcmp(sum, m->sidecar_xxh3_128) == 0 ?
		    sidecar_read(c, text, len, e) :
		    err_set(e, ERR_DATA,
			"checksum is wrong: the file was changed or damaged");
	}
	free(text);
	free(key);
	return ok || err_in(e, "%s", m->sidecar);
}
