/* pause.c -- see pause.h. */
#include "pipeline/pause.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "pipeline/say.h"
#include "stages/kit/clock.h"
#include "stages/kit/stop.h"

#define CATCH_UP_MS 2 /* between two looks at a replica */

/* --- getting ready --- */

/* Would a snapshot wait for other replicas first?  Where that cannot be
 * known, too, the server is to save to its disk: that begins at once. */
static bool
disk_decide(struct pause_at *at, struct server *source, struct err *e)
{
	char diskless[8], delay[16];

	if (!server_config(
		source, "repl-diskless-sync", diskless, sizeof diskless, e) ||
	    !server_config(
		source, "repl-diskless-sync-delay", delay, sizeof delay, e))
		return false;
	at->disk = !(strcmp(diskless, "no") == 0 ||
	    (strcmp(diskless, "yes") == 0 && strcmp(delay, "0") == 0));
	if (at->disk)
		say("%s saves to its disk first: its repl-diskless-sync-delay "
		    "is %s",
		    source->url.name, *delay != '\0' ? delay : "not known");
	return true;
}

static bool
at_open(struct pause_at *at, const struct set *set, size_t i, struct err *e)
{
	const struct set_member *m = &set->member[i];

	if (!topology_server(&set->map, m->master, &set->any, &at->primary, e))
		return false;
	at->primary.rules = PAUSE_RULES;
	if (!server_connect(&at->primary, e))
		return false;
	at->replica = m->replica;
	if (!m->replica)
		return disk_decide(at, &at->primary, e);
	return endpoint_dial(&m->from, &at->source, PAUSE_RULES, e) &&
	    server_connect(&at->source, e) && disk_decide(at, &at->source, e);
}

bool
pause_open(
    struct pause *p, const struct set *set, int64_t limit_ms, struct err *e)
{
	bool ok = true;

	memset(p, 0, sizeof *p);
	p->limit_ms = limit_ms;
	if ((p->at = calloc(set->n, sizeof *p->at)) == NULL)
		return err_sys(e, "no memory for a pause");
	for (; ok && p->n < set->n; p->n++)
		ok = at_open(&p->at[p->n], set, p->n, e);
	if (!ok)
		pause_end(p);
	return ok;
}

/* --- the pause --- */

int64_t
pause_left(const struct pause *p)
{
	return p->since_ms + p->limit_ms - clock_steady();
}

bool
pause_late(const struct pause *p, size_t i, struct err *e)
{
	const struct pause_at *at = &p->at[i];

	return err_set(e, ERR_REMOTE,
	    "%s: no snapshot begun within the pause of %" PRId64
	    " ms: make --pause-limit longer, or see whether it is saving "
	    "already",
	    at->replica ? at->source.url.name : at->primary.url.name,
	    p->limit_ms);
}

/* All are asked before the first has answered. */
static bool
all_paused(struct pause *p, struct err *e)
{
	char ms[24];

	snprintf(ms, sizeof ms, "%" PRId64, p->limit_ms);
	p->since_ms = clock_steady();
	for (size_t i = 0; i < p->n; i++) {
		p->at[i].paused = true; /* or may be, from now on */
		if (!resp_send(p->at[i].primary.resp,
			WORDS("CLIENT", "PAUSE", ms, "WRITE"), e))
			return false;
	}
	for (size_t i = 0; i < p->n; i++) {
		struct server *s = &p->at[i].primary;
		struct reply reply;

		if (!resp_read(s->resp, &reply, e))
			return false;
		if (reply.kind == REPLY_ERROR) {
			server_refused(s, "client|pause", reply.text, e);
			return err_in(e,
			    "a write pause needs Redis 6.2 or "
			    "Valkey");
		}
	}
	return true;
}

/* Where a server is in the replication. */
struct position {
	bool master, backlog;
	char replid[41];
	uint64_t offset;
};

static bool
position_ask(struct server *s, struct position *p, struct err *e)
{
	struct server_info info = { 0 };
	char role[16];

	if (!server_info(s, &info, e))
		return false;
	server_info_get(&info, "role", role, sizeof role);
	server_info_get(&info, "master_replid", p->replid, sizeof p->replid);
	p->master = strcmp(role, "master") == 0;
	p->backlog = server_info_count(&info, "repl_backlog_active") != 0;
	p->offset = server_info_count(
	    &info, p->master ? "master_repl_offset" : "slave_repl_offset");
	server_info_release(&info);
	return true;
}

/* Wait until the replica has all that its primary had when it was paused. */
static bool
caught_up(struct pause *p, size_t i, struct err *e)
{
	const struct timespec nap = { 0, CATCH_UP_MS * 1000 * 1000 };
	struct pause_at *at = &p->at[i];
	struct position now;

	for (;;) {
		if (!position_ask(&at->source, &now, e))
			return false;
		if (now.master || strcmp(now.replid, at->replid) != 0)
			return err_set(e, ERR_REMOTE,
			    "%s is no replica of %s any more",
			    at->source.url.name, at->primary.url.name);
		if (now.offset >= at->offset)
			return true;
		if (pause_left(p) <= 0)
			return err_set(e, ERR_REMOTE,
			    "%s is %" PRIu64 " bytes behind its primary when "
			    "the pause of %" PRId64 " ms is over: make "
			    "--pause-limit longer, or take --source primary",
			    at->source.url.name, at->offset - now.offset,
			    p->limit_ms);
		nanosleep(&nap, NULL);
		if (!stop_check(e))
			return false;
	}
}

bool
pause_begin(struct pause *p, struct err *e)
{
	struct position now;

	if (!all_paused(p, e))
		return false;
	for (size_t i = 0; i < p->n; i++) {
		struct pause_at *at = &p->at[i];

		if (!position_ask(&at->primary, &now, e))
			return false;
		at->alone = !now.backlog;
		at->offset = now.offset;
		memcpy(at->replid, now.replid, sizeof at->replid);
		if (!now.master)
			return err_set(e, ERR_REMOTE,
			    "%s is no primary any more", at->primary.url.name);
	}
	for (size_t i = 0; i < p->n; i++)
		if (p->at[i].replica && !caught_up(p, i, e))
			return false;
	return true;
}

/* Let one go on.  What goes wrong is only said: the pause ends by itself. */
static void
resume(struct pause *p, struct pause_at *at)
{
	struct reply reply;
	struct err e;

	if (!at->paused)
		return;
	if (!server_call(&at->primary, &reply, WORDS("CLIENT", "UNPAUSE"), &e))
		say("%s may be paused for %" PRId64 " ms more: %s",
		    at->primary.url.name, pause_left(p), e.text);
	at->paused = false;
	p->took_ms = clock_steady() - p->since_ms;
}

bool
pause_taken(struct pause *p, size_t i, const char *replid, uint64_t offset,
    struct err *e)
{
	struct pause_at *at = &p->at[i];

	if (pause_left(p) <= 0)
		return pause_late(p, i, e);
	if (!at->alone &&
	    (strcmp(replid, at->replid) != 0 || offset < at->offset))
		return err_set(e, ERR_REMOTE,
		    "%s: its snapshot is of a save that had begun before the "
		    "pause: try again when that is done",
		    at->replica ? at->source.url.name : at->primary.url.name);
	resume(p, at);
	return true;
}

void
pause_end(struct pause *p)
{
	for (size_t i = 0; i < p->n; i++)
		resume(p, &p->at[i]);
	for (size_t i = 0; i < p->n; i++) {
		server_release(&p->at[i].primary);
		server_release(&p->at[i].source);
	}
	free(p->at);
	p->at = NULL;
	p->n = 0;
}
