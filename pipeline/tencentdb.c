/* tencentdb.c -- see tencentdb.h. */
#include "pipeline/tencentdb.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "pipeline/moment.h"

enum {
	STATUS_BUSY = 1,
	STATUS_NORMAL = 2,
	STATUS_EXPIRED = -1,
	STATUS_UNUSABLE = -2
};

struct row {
	char *start, *end, *id, *type, *remark, *instance, *name, *region,
	    *file_type, *expires;
	int64_t status;
	uint64_t locked, size, full, kind;
	bool encrypted;
};

/* clang-format off */
#define AT(m) .at = offsetof(struct row, m)

static const struct json_field row_fields[] = {
	{ FIELD_TEXT, "StartTime", AT(start) },
	{ FIELD_TEXT, "EndTime", AT(end) },
	{ FIELD_TEXT, "BackupId", AT(id) },
	{ FIELD_TEXT, "BackupType", AT(type) },
	{ FIELD_NUMBER, "Status", AT(status) },
	{ FIELD_TEXT, "Remark", AT(remark) },
	{ FIELD_COUNT, "Locked", AT(locked) },
	{ FIELD_COUNT, "BackupSize", AT(size) },
	{ FIELD_COUNT, "FullBackup", AT(full) },
	{ FIELD_COUNT, "InstanceType", AT(kind) },
	{ FIELD_TEXT, "InstanceId", AT(instance) },
	{ FIELD_TEXT, "InstanceName", AT(name) },
	{ FIELD_TEXT, "Region", AT(region) },
	{ FIELD_TEXT, "FileType", AT(file_type) },
	{ FIELD_TEXT, "ExpireTime", AT(expires) },
	{ FIELD_FLAG, "Encrypted", AT(encrypted) },
	FIELD_END
};

static const struct json_field fields[] = {
	{ FIELD_COUNT, "TotalCount", .at = offsetof(struct tencentdb, total) },
	{ FIELD_LIST, "BackupSet", .at = offsetof(struct tencentdb, set),
	    .of = row_fields, .size = sizeof(struct row) },
	{ FIELD_TEXT, "RequestId", .at = offsetof(struct tencentdb, request) },
	FIELD_END
};
/* clang-format on */

struct info {
	char *name, *url, *inner;
	uint64_t size;
};

/* clang-format off */
#define OF(m) .at = offsetof(struct info, m)
#define IN(m) .at = offsetof(struct tencentdb_urls, m)

static const struct json_field info_fields[] = {
	{ FIELD_TEXT, "FileName", OF(name) },
	{ FIELD_COUNT, "FileSize", OF(size) },
	{ FIELD_TEXT, "DownloadUrl", OF(url) },
	{ FIELD_TEXT, "InnerDownloadUrl", OF(inner) },
	FIELD_END
};

static const struct json_field urls_fields[] = {
	{ FIELD_LIST, "DownloadUrl", IN(urls) },
	{ FIELD_LIST, "InnerDownloadUrl", IN(inner) },
	{ FIELD_LIST, "Filenames", IN(names) },
	{ FIELD_LIST, "BackupInfos", IN(infos), .of = info_fields,
	    .size = sizeof(struct info) },
	{ FIELD_TEXT, "RequestId", IN(request) },
	FIELD_END
};
/* clang-format on */

/* "2026-11-22 02:03:11"; "" for 0. */
static char *
time_text(int64_t ms)
{
	char text[MOMENT_LEN + 1];

	if (ms == 0)
		return strdup("");
	moment_print(ms, text);
	text[10] = ' ';
	text[19] = '\0';
	return strdup(text);
}

/* "RDB-Redis 7.0" of "redis", "7.0.15". */
static char *
file_type(const struct manifest *m)
{
	int major = 0, minor = 0;
	char *text;

	if (sscanf(m->version, "%d.%d", &major, &minor) == 2 ?
		asprintf(&text, "RDB-%c%s %d.%d",
		    toupper((unsigned char)*m->engine), m->engine + 1, major,
		    minor) == -1 :
		asprintf(&text, "RDB-%c%s", toupper((unsigned char)*m->engine),
		    m->engine + 1) == -1)
		return NULL;
	return text;
}

static bool
is_encrypted(const struct manifest *m)
{
	const char *name = manifest_shard(m, 0)->object.name;
	size_t n = strlen(name);

	return n > 4 && strcmp(name + n - 4, ".age") == 0;
}

static int64_t
status_of(const struct catalogue_entry *entry, int64_t now)
{
	const struct manifest *m = entry->manifest;

	if (entry->kind == BACKUP_UNFINISHED || entry->kind == BACKUP_FAILED)
		return STATUS_BUSY;
	if (m == NULL || m->state != STATE_COMPLETE)
		return STATUS_UNUSABLE;
	return m->expires != 0 && m->expires <= now ? STATUS_EXPIRED :
						      STATUS_NORMAL;
}

static void
row_fill(struct row *r, const struct catalogue_entry *entry)
{
	const struct manifest *m = entry->manifest;
	int64_t started = 0;

	if (m == NULL && !moment_of_stamp(entry->id, &started))
		started = 0;
	r->start = time_text(m != NULL ? m->started : started);
	r->end = time_text(m != NULL ? m->finished : 0);
	r->expires = time_text(m != NULL ? m->expires : 0);
	r->remark = strdup(m != NULL && m->remark != NULL ? m->remark : "");
	r->file_type = m != NULL ? file_type(m) : strdup("");
	r->size = m != NULL ? manifest_total(m).stored : 0;
	r->encrypted = m != NULL && is_encrypted(m);
}

bool
tencentdb_add(
    struct tencentdb *t, const struct catalogue_entry *entry, struct err *e)
{
	struct row *r = json_list_add(&t->set, sizeof *r, e);

	if (r == NULL)
		return false;
	row_fill(r, entry);
	r->id = strdup(entry->id);
	r->type =
	    strdup(strcmp(strrchr(entry->id, '-'), "-auto") == 0 ? "1" : "0");
	r->instance = strdup(entry->instance);
	r->name = strdup(entry->instance);
	r->region = strdup(t->region != NULL ? t->region : "");
	r->status = status_of(entry, t->now);
	r->locked = entry->held;
	t->total = t->set.n;
	return (r->start != NULL && r->end != NULL && r->expires != NULL &&
		   r->remark != NULL && r->file_type != NULL && r->id != NULL &&
		   r->type != NULL && r->instance != NULL && r->name != NULL &&
		   r->region != NULL) ||
	    err_sys(e, "cannot list");
}

/* Every answer has an id of its own, a UUID. */
static bool
request_make(char **to, struct err *e)
{
	uint8_t b[16];

	if (getrandom(b, sizeof b, 0) != (ssize_t)sizeof b)
		return err_sys(e, "cannot make a request id");
	b[6] = (b[6] & 0x0f) | 0x40;
	b[8] = (b[8] & 0x3f) | 0x80;
	if (asprintf(to,
		"%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-"
		"%02x%02x%02x%02x%02x%02x",
		b[0], b[1], b[2], b[3], b[4], b[5], b[6], b[7], b[8], b[9],
		b[10], b[11], b[12], b[13], b[14], b[15]) == -1) {
		*to = NULL;
		return err_sys(e, "cannot list");
	}
	return true;
}

static bool
record_print(const struct json_field *f, const void *record, struct err *e)
{
	char *text;

	if (!json_print(f, record, true, &text, e))
		return false;
	printf("%s\n", text);
	free(text);
	return true;
}

bool
tencentdb_print(struct tencentdb *t, struct err *e)
{
	return request_make(&t->request, e) && record_print(fields, t, e);
}

void
tencentdb_release(struct tencentdb *t)
{
	json_release(fields, t, sizeof *t);
}

/* --- addresses --- */

static bool
text_add(struct json_list *l, const char *text, struct err *e)
{
	char **to = json_list_add(l, sizeof *to, e);

	if (to == NULL)
		return false;
	*to = strdup(text);
	return *to != NULL || err_sys(e, "cannot list");
}

bool
tencentdb_url_add(struct tencentdb_urls *t, const char *name, uint64_t size,
    const char *url, const char *inner, struct err *e)
{
	struct info *i = json_list_add(&t->infos, sizeof *i, e);

	if (i == NULL)
		return false;
	i->name = strdup(name);
	i->url = strdup(url);
	i->inner = strdup(inner);
	i->size = size;
	if (i->name == NULL || i->url == NULL || i->inner == NULL)
		return err_sys(e, "cannot list");
	return text_add(&t->urls, url, e) && text_add(&t->inner, inner, e) &&
	    text_add(&t->names, name, e);
}

bool
tencentdb_urls_print(struct tencentdb_urls *t, struct err *e)
{
	return request_make(&t->request, e) && record_print(urls_fields, t, e);
}

void
tencentdb_urls_release(struct tencentdb_urls *t)
{
	json_release(urls_fields, t, sizeof *t);
}
