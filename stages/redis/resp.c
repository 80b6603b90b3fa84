/* resp.c -- the only user of hiredis (0.14 and later); see resp.h. */
#include "stages/redis/resp.h"

#include <hiredis/hiredis.h>
#include <stdlib.h>
#include <string.h>

struct resp {
	struct conn *conn;
	redisReader *reader;
	redisReplyObjectFunctions fn; /* hiredis' own, but for arrays */
	redisReply *last;
	size_t fed; /* bytes of the item being read */
	size_t max_bytes, max_items;
};

#if HIREDIS_MAJOR >= 1
typedef size_t array_len;
#else
typedef int array_len;
#endif

/* hiredis' own maker of arrays, the same for every reader. */
static void *(*make_array)(const redisReadTask *, array_len);

/* An array must be able to arrive before memory is taken for it. */
static void *
bounded_array(const redisReadTask *task, array_len n)
{
	const struct resp *r = task->privdata;

	return (size_t)n > r->max_items ? NULL : make_array(task, n);
}

struct resp *
resp_new(struct conn *conn, struct err *e)
{
	struct resp *r = calloc(1, sizeof *r);

	if (r != NULL)
		r->reader = redisReaderCreate();
	if (r == NULL || r->reader == NULL) {
		err_sys(e, "no memory for replies");
		free(r);
		return NULL;
	}
	r->conn = conn;
	r->fn = *r->reader->fn;
	make_array = r->fn.createArray;
	r->fn.createArray = bounded_array;
	r->reader->fn = &r->fn;
	r->reader->privdata = r;
	resp_allow(r, RESP_MAX, RESP_ITEMS);
	return r;
}

void
resp_allow(struct resp *r, size_t bytes, size_t items)
{
	r->max_bytes = bytes;
	r->max_items = items;
}

void
resp_free(struct resp *r)
{
	if (r == NULL)
		return;
	if (r->last != NULL)
		freeReplyObject(r->last);
	redisReaderFree(r->reader);
	free(r);
}

bool
resp_send(struct resp *r, const char *const *words, struct err *e)
{
	char *text = NULL;
	int n = 0, len;
	bool ok;

	while (words[n] != NULL)
		n++;
	len = redisFormatCommandArgv(&text, n, (const char **)words, NULL);
	if (len < 0)
		return err_set(e, ERR_SYSTEM, "no memory for a command");
	ok = conn_write(
	    r->conn, (struct span){ (uint8_t *)text, (size_t)len }, e);
	explicit_bzero(text, (size_t)len); /* it may have been AUTH */
	free(text);
	return ok;
}

static struct reply
describe(const redisReply *from)
{
	struct reply r = { .text = "", .raw = from };

	switch (from->type) {
	case REDIS_REPLY_ERROR:
		r.kind = REPLY_ERROR;
		break;
	case REDIS_REPLY_INTEGER:
		r.kind = REPLY_NUMBER;
		r.num = from->integer;
		return r;
	case REDIS_REPLY_NIL:
		r.kind = REPLY_NIL;
		return r;
	case REDIS_REPLY_ARRAY:
		r.kind = REPLY_ARRAY;
		r.len = from->elements;
		return r;
	default:
		r.kind = REPLY_TEXT;
		break;
	}
	if (from->str != NULL) {
		r.text = from->str;
		r.len = from->len;
	}
	return r;
}

struct reply
resp_item(const struct reply *array, size_t i)
{
	const redisReply *raw = array->raw;

	assert(array->kind == REPLY_ARRAY && i < array->len);
	return describe(raw->element[i]);
}

/* Feed one line, or what there is of it.  *done: the item is complete. */
static bool
feed(struct resp *r, bool *done, struct err *e)
{
	struct span held = conn_held(r->conn);
	const uint8_t *end = memchr(held.ptr, '\n', held.len);
	size_t n = end != NULL ? (size_t)(end - held.ptr) + 1 : held.len;
	void *item = NULL;

	*done = false;
	if (r->fed == 0 && held.ptr[0] == '\n') {
		conn_take(r->conn, 1);
		return true;
	}
	r->fed += n;
	if (r->fed > r->max_bytes)
		return err_set(e, ERR_REMOTE,
		    "%s: a reply of more than %zu bytes", conn_name(r->conn),
		    r->max_bytes);
	if (redisReaderFeed(r->reader, (const char *)held.ptr, n) != REDIS_OK ||
	    redisReaderGetReply(r->reader, &item) != REDIS_OK) {
		char text[80];

		err_quote(text, sizeof text, held.ptr, n);
		return err_set(e, ERR_REMOTE,
		    "%s: does not speak the Redis protocol, or too much of "
		    "it: \"%s\"",
		    conn_name(r->conn), text);
	}
	conn_take(r->conn, n);
	if (item != NULL) {
		r->last = item;
		r->fed = 0;
		*done = true;
	}
	return true;
}

/* Forget the item lent last and look among the bytes held for the next. */
static bool
next_held(struct resp *r, struct reply *reply, bool *got, struct err *e)
{
	*got = false;
	if (r->last != NULL) {
		freeReplyObject(r->last);
		r->last = NULL;
	}
	while (!*got && conn_held(r->conn).len > 0)
		if (!feed(r, got, e))
			return false;
	if (*got)
		*reply = describe(r->last);
	return true;
}

bool
resp_read(struct resp *r, struct reply *reply, struct err *e)
{
	bool got;

	for (;;) {
		if (!next_held(r, reply, &got, e))
			return false;
		if (got)
			return true;
		if (!conn_more(r->conn, e))
			return false;
	}
}

bool
resp_try(struct resp *r, int64_t ms, struct reply *reply, bool *got,
    bool *alive, struct err *e)
{
	*alive = false;
	if (!next_held(r, reply, got, e))
		return false;
	if (*got) {
		*alive = true;
		return true;
	}
	if (!conn_try(r->conn, ms, alive, e))
		return false;
	return !*alive || next_held(r, reply, got, e);
}

bool
resp_call(struct resp *r, struct reply *reply, const char *const *words,
    struct err *e)
{
	return resp_send(r, words, e) && resp_read(r, reply, e);
}
