/*
 * cos-ls.c -- list the objects of a store.
 *
 * One line per object, by byte order of keys: time (UTC, RFC 3339), size in
 * bytes, key; or one JSON object per line.  With --uploads, of unfinished
 * uploads: when they were begun, their id, their key.
 */
#include <inttypes.h>
#include <stdio.h>
#include <time.h>

#include "stages/kit/clock.h"
#include "stages/kit/stage.h"
#include "stages/store/net.h"
#include "stages/store/store.h"

enum format { FORMAT_TEXT, FORMAT_JSON };

static const char *const formats[] = { "text", "json", NULL };
static int format = FORMAT_TEXT;
static const char *prefix = "";
static bool uploads;
static int64_t older_than;

static const struct opt opts[] = {
	{ OPT_CHOICE, 0, "format", &format, "FORMAT",
	    "text, or json: one object a line", 0, 0, formats, NULL },
	{ OPT_TEXT, 0, "prefix", &prefix, "TEXT",
	    "only keys that begin with TEXT", 0, 0, NULL, NULL },
	{ OPT_FLAG, 0, "uploads", &uploads, NULL,
	    "uploads that were begun and not finished", 0, 0, NULL, NULL },
	{ OPT_TIME, 0, "older-than", &older_than, "TIME",
	    "only what is older than TIME, such as 1d", 0, 0, NULL, NULL },
	OPT_TABLE_END,
};

/* --- one line --- */

static const char *
time_text(char buf[32], int64_t ms)
{
	int64_t rest = ((ms % 1000) + 1000) % 1000;
	time_t seconds = (time_t)((ms - rest) / 1000);
	struct tm tm;
	char day[24];

	if (ms == 0 || gmtime_r(&seconds, &tm) == NULL ||
	    strftime(day, sizeof day, "%Y-%m-%dT%H:%M:%S", &tm) == 0)
		return "-";
	snprintf(buf, 32, "%s.%03dZ", day, (int)rest);
	return buf;
}

/* Bytes of the UTF-8 character at p, or 0 when it is none (RFC 3629) or one
 * that would steer a terminal. */
static size_t
char_len(const uint8_t *p)
{
	static const struct {
		uint8_t first, last, low, high, more;
	} forms[] = {
		{ 0x20, 0x7e, 0, 0, 0 },
		{ 0xc2, 0xc2, 0xa0, 0xbf, 1 },
		{ 0xc3, 0xdf, 0x80, 0xbf, 1 },
		{ 0xe0, 0xe0, 0xa0, 0xbf, 2 },
		{ 0xe1, 0xec, 0x80, 0xbf, 2 },
		{ 0xed, 0xed, 0x80, 0x9f, 2 },
		{ 0xee, 0xef, 0x80, 0xbf, 2 },
		{ 0xf0, 0xf0, 0x90, 0xbf, 3 },
		{ 0xf1, 0xf3, 0x80, 0xbf, 3 },
		{ 0xf4, 0xf4, 0x80, 0x8f, 3 },
	};

	for (size_t i = 0; i < COUNT_OF(forms); i++) {
		if (*p < forms[i].first || *p > forms[i].last)
			continue;
		for (unsigned n = 1; n <= forms[i].more; n++)
			if (p[n] < (n == 1 ? forms[i].low : 0x80) ||
			    p[n] > (n == 1 ? forms[i].high : 0xbf))
				return 0;
		return (size_t)forms[i].more + 1;
	}
	return 0;
}

/* Text: \xHH for bytes that are no printable characters.  JSON: as JSON
 * wants it; a byte that is no UTF-8 is \udcHH, a lone surrogate, which is
 * how Python's surrogateescape carries it. */
static void
key_print(const char *key, bool json)
{
	const uint8_t *p = (const uint8_t *)key;

	for (size_t n; *p != '\0'; p += n) {
		if ((n = char_len(p)) == 0) {
			n = 1;
			if (!json)
				printf("\\x%02x", *p);
			else
				printf(
				    *p < 0x80 ? "\\u00%02x" : "\\udc%02x", *p);
			continue;
		}
		if (*p == '\\' || (json && *p == '"'))
			putchar('\\');
		fwrite(p, 1, n, stdout);
	}
}

static bool
line_print(void *count, const struct store_object *o, struct err *e)
{
	char when[32];

	if (older_than != 0 && clock_wall() - o->modified_ms < older_than)
		return true;
	++*(uint64_t *)count;
	if (format == FORMAT_JSON) {
		printf("{\"key\":\"");
		key_print(o->key, true);
		printf("\",\"size\":%" PRIu64 ",\"modified\":\"%s\"}\n",
		    o->size, time_text(when, o->modified_ms));
	} else {
		printf("%s %14" PRIu64 "  ", time_text(when, o->modified_ms),
		    o->size);
		key_print(o->key, false);
		putchar('\n');
	}
	return !ferror(stdout) || err_sys(e, "cannot write standard output");
}

static bool
upload_print(void *count, const struct store_upload *u, struct err *e)
{
	char when[32];

	if (u->age_ms != -1 && u->age_ms < older_than)
		return true;
	++*(uint64_t *)count;
	if (format == FORMAT_JSON) {
		printf("{\"key\":\"");
		key_print(u->key, true);
		printf("\",\"upload-id\":\"");
		key_print(u->id, true);
		printf("\",\"began\":\"%s\"}\n", time_text(when, u->began_ms));
	} else {
		printf("%s  ", time_text(when, u->began_ms));
		key_print(u->id, false);
		printf("  ");
		key_print(u->key, false);
		putchar('\n');
	}
	return !ferror(stdout) || err_sys(e, "cannot write standard output");
}

/* --- what to list --- */

/* The URL may be an object's own. */
static bool
object_list(const char *url, uint64_t *count, struct err *e)
{
	struct store *store = NULL;
	struct store_object o;
	const char *key;
	bool found = false, ok = true;

	size_t end = store_is_remote(url) ? strcspn(url, "?") : strlen(url);

	if (url[end - 1] == '/' || *prefix != '\0')
		return true;
	ok = store_open_object(&store, &key, url, e) &&
	    store_stat(store, key, &found, &o, e) &&
	    (!found || line_print(count, &o, e));
	store_close(store);
	return ok;
}

static bool
list_all(const struct operands *args, struct facts *facts, struct err *e)
{
	struct store *store = NULL;
	uint64_t count = 0;
	bool ok;

	(void)facts;
	ok = store_open(&store, args->v[0], e);
	if (ok && uploads)
		ok = store_list_uploads(store, prefix, upload_print, &count, e);
	else if (ok)
		ok = store_list(store, prefix, line_print, &count, e) &&
		    (count > 0 || object_list(args->v[0], &count, e));
	store_close(store);
	if (ok && !uploads && older_than == 0 && count == 0)
		return err_set(e, ERR_REMOTE, "%s%s%s: nothing there",
		    args->v[0], *prefix != '\0' ? ", prefix " : "", prefix);
	return ok;
}

static const char *const notes[] = {
	"URL: cos://BUCKET-APPID/KEY?region=REGION, "
	"s3://BUCKET/KEY?region=REGION",
	"(or endpoint=URL), file:///path, or a path: a place, listed with all",
	"that is below it, or an object.  Keys are relative to it, in byte "
	"order.",
	"When nothing is there the exit status is 4, but not with --uploads or",
	"--older-than.",
	NULL,
};

const struct stage stage = {
	.name = "cos-ls",
	.brief = "list the objects of a store",
	.operands = "URL",
	.operands_min = 1,
	.operands_max = 1,
	.notes = notes,
	.opts = opts,
	.more = { store_net_opts },
	.act = list_all,
};
