/* scan_list.c -- where the keys are: nodes, databases, SCAN. */
#include "stages/redis/scan_parts.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define REPLY_KEYS  (1u << 20) /* of one SCAN: COUNT is only a hint */
#define REPLY_BYTES (1u << 20) /* of keys: more is not wanted */

void
scan_close(struct scan *s)
{
	server_info_release(&s->place.info);
	if (s->map.masters > 0)
		server_release(&s->node);
	memset(&s->place, 0, sizeof s->place);
	s->from = NULL;
}

/* Which commands there are for a key's expiry. */
static bool
choose_times(struct scan *s, struct err *e)
{
	struct reply reply;

	/* Any answer about the key, even that it lives elsewhere or is not for
	 * us, tells that the command is known and allowed. */
	if (!resp_call(s->from->resp, &reply, WORDS("PEXPIRETIME", "k"), e))
		return false;
	s->exact_times = reply.kind != REPLY_ERROR ||
	    (strstr(reply.text, "unknown command") == NULL &&
		strstr(reply.text, "to run the") == NULL);
	return true;
}

/* Where the server tells of its databases, if it does: who stands in between
 * may leave that out, and that it tells of none means that all are empty. */
static const char *
databases_told(const struct server_info *info)
{
	if (info->text == NULL || server_info_keys(info) > 0)
		return info->text;
	return strstr(info->text, "# Keyspace");
}

bool
scan_open(struct scan *s, unsigned node, struct err *e)
{
	struct scan_place *p = &s->place;
	struct reply reply;
	char policy[40];
	bool elsewhere = s->map.masters == 0 && p->db != 0;

	scan_close(s);
	s->from = s->given;
	if (elsewhere && !server_call(s->from, &reply, WORDS("SELECT", "0"), e))
		return false;
	if (s->map.masters > 0) {
		if (!topology_server(&s->map, node, s->given, &s->node, e))
			return false;
		s->from = &s->node;
		if (!server_connect(s->from, e))
			return false;
	}
	p->node = node;
	p->open = true;
	resp_allow(s->from->resp, SCAN_REPLY, REPLY_KEYS);
	/* Looking must not make old keys look young (since 7.2), nor send us
	 * away from a replica in a cluster.  Who cannot, does not. */
	if (!resp_call(
		s->from->resp, &reply, WORDS("CLIENT", "NO-TOUCH", "ON"), e) ||
	    !resp_call(s->from->resp, &reply, WORDS("READONLY"), e) ||
	    !server_info_try(s->from, &p->info, e) ||
	    (server_info_count(&p->info, "loading") != 0 &&
		!server_info_loaded(s->from, &p->info, e)) ||
	    !choose_times(s, e))
		return false;
	p->info_at = databases_told(&p->info);
	server_info_get(&p->info, "maxmemory_policy", policy, sizeof policy);
	s->frequencies = strstr(policy, "lfu") != NULL;
	return true;
}

/* Try a database whose number nobody has told us. */
static bool
try_db(struct scan *s, bool *end, struct err *e)
{
	struct scan_place *p = &s->place;
	struct reply reply;
	char number[24];

	if (!p->any)
		return true; /* we are in 0 */
	snprintf(number, sizeof number, "%" PRIu64, ++p->db);
	if (!resp_call(s->from->resp, &reply, WORDS("SELECT", number), e))
		return false;
	*end = reply.kind == REPLY_ERROR;
	if (*end && strstr(reply.text, "out of range") == NULL &&
	    strstr(reply.text, "cluster mode") == NULL)
		return server_refused(s->from, "select", reply.text, e);
	return true;
}

/* Choose the next database. */
static bool
next_db(struct scan *s, bool *end, struct err *e)
{
	struct scan_place *p = &s->place;
	struct reply reply;
	char number[24];
	uint64_t keys, before = p->db;

	if (p->info_at == NULL) {
		if (!try_db(s, end, e))
			return false;
	} else if (!server_info_db(&p->info_at, &p->db, &keys)) {
		*end = true;
	} else if (p->db != before) { /* we began in 0 */
		snprintf(number, sizeof number, "%" PRIu64, p->db);
		if (!server_call(s->from, &reply, WORDS("SELECT", number), e))
			return false;
	}
	p->any = true;
	p->over = false;
	strcpy(p->cursor, "0");
	p->mark[0] = '\0';
	p->replies = 0;
	return true;
}

/* No cursor comes twice in one scan, so one that does would never end: where
 * there is a circle, a mark that is set ever less often is met again (Brent). */
static bool
gets_on(struct scan *s, struct err *e)
{
	struct scan_place *p = &s->place;

	if (strcmp(p->cursor, p->mark) == 0)
		return err_set(e, ERR_REMOTE,
		    "%s: SCAN goes in a circle: cursor %s came before",
		    s->from->url.name, p->cursor);
	p->replies++;
	if ((p->replies & (p->replies - 1)) == 0)
		strcpy(p->mark, p->cursor);
	return true;
}

/* So many keys that their names are no burden. */
static void
adapt(struct scan *s)
{
	const struct reply *keys = &s->place.keys;
	uint64_t bytes = 0;

	for (size_t i = 0; i < keys->len; i++)
		bytes += resp_item(keys, i).len;
	s->count = (size_t)s->how.count;
	if (bytes > 0 && REPLY_BYTES / bytes * keys->len < s->count)
		s->count = (size_t)(REPLY_BYTES * keys->len / bytes);
	if (s->count == 0)
		s->count = 1;
}

static bool
take_reply(struct scan *s, const struct reply *reply, struct err *e)
{
	struct scan_place *p = &s->place;
	struct reply cursor;

	if (reply->kind == REPLY_ARRAY && reply->len == 2) {
		cursor = resp_item(reply, 0);
		p->keys = resp_item(reply, 1);
		if (cursor.kind == REPLY_TEXT && p->keys.kind == REPLY_ARRAY &&
		    cursor.len > 0 && cursor.len < sizeof p->cursor &&
		    strspn(cursor.text, "0123456789") == cursor.len) {
			strcpy(p->cursor, cursor.text);
			p->over = strcmp(p->cursor, "0") == 0;
			adapt(s);
			return gets_on(s, e);
		}
	}
	memset(&p->keys, 0, sizeof p->keys);
	return err_set(e, ERR_REMOTE, "%s: the answer to SCAN makes no sense",
	    s->from->url.name);
}

bool
scan_more(struct scan *s, bool *end, struct err *e)
{
	struct scan_place *p = &s->place;
	struct reply reply;
	char count[24];

	*end = false;
	p->at = 0;
	memset(&p->keys, 0, sizeof p->keys);
	if ((!p->any || p->over) && (!next_db(s, end, e) || *end))
		return *end;
	snprintf(count, sizeof count, "%zu", s->count);
	return server_call(s->from, &reply,
		   WORDS("SCAN", p->cursor, "COUNT", count), e) &&
	    take_reply(s, &reply, e);
}
