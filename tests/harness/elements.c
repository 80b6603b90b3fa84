/* elements.c -- see elements.h. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "rdb/value.h"
#include "tests/harness/elements.h"

struct printer {
	FILE *to;
	struct rdb_value value;
	struct rdb_text key;
	uint64_t db;
	int64_t expire;
	bool valkey, broken, line;
	unsigned type;
};

static const char *const names[RDB_WHATS] = {
	[RDB_STRING] = "string",
	[RDB_ITEM] = "item",
	[RDB_MEMBER] = "member",
	[RDB_SCORE] = "score",
	[RDB_FIELD] = "field",
	[RDB_FIELD_VALUE] = "value",
	[RDB_FIELD_TTL] = "ttl",
	[RDB_ENTRY] = "entry",
	[RDB_STREAM_LENGTH] = "length",
	[RDB_STREAM_LAST] = "last",
	[RDB_STREAM_FIRST] = "first",
	[RDB_STREAM_DELETED] = "deleted",
	[RDB_STREAM_ADDED] = "added",
	[RDB_GROUP] = "group",
	[RDB_GROUP_STATE] = "at",
	[RDB_PENDING] = "pending",
	[RDB_CONSUMER] = "consumer",
	[RDB_CONSUMER_STATE] = "seen",
	[RDB_OWNED] = "owned",
	[RDB_NACKED] = "nacked",
	[RDB_IDMP] = "idmp",
	[RDB_PRODUCER] = "producer",
	[RDB_IID] = "iid",
	[RDB_IID_ENTRY] = "made",
	[RDB_IDMP_COUNTS] = "idmp-counts",
	[RDB_MODULE] = "module",
	[RDB_META_CLASS] = "class",
	[RDB_PART_SINT] = "sint",
	[RDB_PART_UINT] = "uint",
	[RDB_PART_FLOAT] = "float",
	[RDB_PART_DOUBLE] = "double",
	[RDB_PART_STRING] = "string",
	[RDB_PART_END] = "end",
	[RDB_ARRAY_INSERT] = "insert",
	[RDB_ARRAY_INDEX] = "index",
	[RDB_ARRAY_TEXT] = "text",
	[RDB_ARRAY_DOUBLE] = "double",
	[RDB_LIBRARY] = "library",
	[RDB_LIBRARY_NAME] = "name",
	[RDB_LIBRARY_ENGINE] = "engine",
	[RDB_LIBRARY_ABOUT] = "about",
};

static void
print_bytes(FILE *to, const uint8_t *p, size_t n)
{
	for (; n > 0; n--, p++)
		if (*p < ' ' || *p > '~' || *p == '"' || *p == '\\')
			fprintf(to, "\\x%02x", *p);
		else
			fputc(*p, to);
}

/* What a piece has besides text, by what it is. */
static void
print_numbers(FILE *to, const struct rdb_piece *p)
{
	switch (p->what) {
	case RDB_SCORE:
	case RDB_ARRAY_DOUBLE:
		fprintf(to, " %.17g", p->score);
		break;
	case RDB_STREAM_LAST:
	case RDB_STREAM_FIRST:
	case RDB_STREAM_DELETED:
	case RDB_OWNED:
	case RDB_NACKED:
	case RDB_IID_ENTRY:
		fprintf(to, " %" PRIu64 "-%" PRIu64, p->id.ms, p->id.seq);
		break;
	case RDB_ENTRY:
	case RDB_GROUP_STATE:
	case RDB_PENDING:
		fprintf(to, " %" PRIu64 "-%" PRIu64 " %" PRId64, p->id.ms,
		    p->id.seq, (int64_t)p->num);
		if (p->what == RDB_PENDING)
			fprintf(to, " %" PRIu64, p->more);
		break;
	case RDB_CONSUMER_STATE:
	case RDB_IDMP:
	case RDB_IDMP_COUNTS:
		fprintf(to, " %" PRId64 " %" PRId64, (int64_t)p->num,
		    (int64_t)p->more);
		break;
	case RDB_PART_END:
		break;
	default:
		fprintf(to, " %" PRId64, (int64_t)p->num);
	}
}

static bool
is_text(enum rdb_what what)
{
	switch (what) {
	case RDB_STRING:
	case RDB_ITEM:
	case RDB_MEMBER:
	case RDB_FIELD:
	case RDB_FIELD_VALUE:
	case RDB_GROUP:
	case RDB_CONSUMER:
	case RDB_PRODUCER:
	case RDB_IID:
	case RDB_PART_STRING:
	case RDB_ARRAY_TEXT:
	case RDB_LIBRARY:
	case RDB_LIBRARY_NAME:
	case RDB_LIBRARY_ENGINE:
	case RDB_LIBRARY_ABOUT:
		return true;
	default:
		return false;
	}
}

static void
print_piece(struct printer *pr, const struct rdb_piece *p)
{
	if (p->first)
		fprintf(pr->to, "%s%s", pr->line ? " " : "  ", names[p->what]);
	pr->line = true;
	if (!is_text(p->what)) {
		print_numbers(pr->to, p);
	} else {
		if (p->first)
			fprintf(pr->to, " %" PRIu64 " \"", p->size);
		print_bytes(pr->to, p->ptr, p->len);
		if (p->last)
			fputc('"', pr->to);
	}
	if (p->done) {
		fputc('\n', pr->to);
		pr->line = false;
	}
}

static void
print_value(struct printer *pr, const struct rdb_run *run, size_t skip)
{
	struct rdb_piece p;
	enum rdb_got got;

	rdb_value_feed(
	    &pr->value, run->ptr + skip, run->len - skip, run->at + skip);
	while ((got = rdb_value_next(&pr->value, &p)) == RDB_RUN)
		print_piece(pr, &p);
	if (got == RDB_BAD)
		fprintf(pr->to, "\nbad at %" PRIu64 ": %s\n",
		    pr->value.fault.at, pr->value.fault.what);
	else if ((got == RDB_END) != run->last)
		fprintf(pr->to, "\nvalue and walk do not end together\n");
	pr->broken = got == RDB_BAD;
}

static void
print_key(struct printer *pr, const struct rdb_run *run)
{
	struct rdb_chunk in = { run->ptr, run->ptr + run->len };
	struct rdb_text_run text;
	enum rdb_got got;

	if (run->first)
		fprintf(pr->to, "db %" PRIu64 " %s \"", pr->db,
		    rdb_type_name(pr->type, pr->valkey));
	while ((got = rdb_text_next(&pr->key, &in, &text)) == RDB_RUN) {
		print_bytes(pr->to, text.ptr, text.len);
		if (text.last)
			break;
	}
	if (got == RDB_BAD) {
		fprintf(pr->to, "\nbad at key: %s\n", pr->key.what);
		pr->broken = true;
		return;
	}
	if (!run->last)
		return;
	fprintf(pr->to, "\"");
	if (pr->expire != INT64_MIN)
		fprintf(pr->to, " expire %" PRId64, pr->expire);
	fputc('\n', pr->to);
	pr->expire = INT64_MIN;
	rdb_value_begin(&pr->value, pr->type, pr->valkey);
}

static void
print_run(struct printer *pr, const struct rdb_run *run)
{
	switch (run->label) {
	case RDB_HEADER:
		if (run->first)
			pr->valkey = run->ptr[0] == 'V';
		break;
	case RDB_SELECT:
		pr->db = run->num;
		break;
	case RDB_EXPIRE:
		pr->expire = (int64_t)run->num;
		break;
	case RDB_TYPE:
		pr->type = (unsigned)run->num;
		break;
	case RDB_KEY:
		print_key(pr, run);
		break;
	case RDB_META:
	case RDB_FUNCTION:
		if (run->first)
			rdb_value_begin_opcode(
			    &pr->value, run->ptr[0], pr->valkey);
		print_value(pr, run, run->first);
		break;
	case RDB_VALUE:
		print_value(pr, run, 0);
		break;
	default:
		break;
	}
}

char *
elements_of(const uint8_t *p, size_t len, size_t first, size_t size)
{
	struct printer *pr = calloc(1, sizeof *pr);
	struct rdb_walk walk;
	struct rdb_run run;
	char *text = NULL, words[300];
	size_t text_len, n = first;
	enum rdb_got got = RDB_MORE;
	uint8_t *chunk;

	pr->to = open_memstream(&text, &text_len);
	pr->expire = INT64_MIN;
	rdb_walk_init(&walk);
	rdb_text_begin(&pr->key);
	rdb_value_init(&pr->value);
	for (; len > 0 && got == RDB_MORE && !pr->broken;
	     p += n, len -= n, n = size) {
		n = n < len ? n : len;
		chunk = malloc(n);
		memcpy(chunk, p, n);
		rdb_walk_feed(&walk, chunk, n);
		while (!pr->broken &&
		    (got = rdb_walk_next(&walk, &run)) == RDB_RUN)
			print_run(pr, &run);
		free(chunk);
	}
	if (got != RDB_END && !pr->broken) {
		rdb_walk_explain(&walk, got == RDB_MORE, words, sizeof words);
		fprintf(pr->to, "\n%s\n", words);
	}
	fclose(pr->to);
	free(pr);
	return text;
}

char *
elements_of_value(const uint8_t *p, size_t len)
{
	char *text = elements_of(p, len, len, len);
	char *lines = strchr(text, '\n');
	size_t n = lines == NULL ? 0 : strlen(lines + 1);

	if (n > 0)
		memmove(text, lines + 1, n);
	text[n] = '\0';
	return text;
}
