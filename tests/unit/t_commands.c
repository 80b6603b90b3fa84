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

struct speaker {
	struct commands *commands;
	struct commands_out out;
	struct rdb_walk walk;
	struct rdb_object object;
	uint64_t db;
	bool select; /* say SELECT, too */
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
speaker_init(struct speaker *s, const struct commands_target *target,
    struct said *said)
{
	memset(s, 0, sizeof *s);
	s->out = (struct commands_out){ said_put, said_end, said };
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
	while (rdb_walk_next(&s->walk, &run) == RDB_RUN)
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
	if (!ok)
		fprintf(stderr, "%s\n", s.e.text);
	fprintf(stderr, "%" PRIu64 " commands\n", said.commands);
	speaker_release(&s);
	return !ok || fflush(stdout) != 0;
}

int
main(int argc, char **argv)
{
	if (argc > 1)
		return filter(argv[1],
		    argc > 2 ? (size_t)atol(argv[2]) : (size_t)1 << 18);
	return 0;
}
