/*
 * json.h -- records as JSON, by table.
 *
 * One table per struct says which member is which field; printing, strict
 * reading and releasing all follow the same table, so what is printed can be
 * read and nothing is forgotten.  Reading refuses unknown fields, missing
 * fields, fields given twice, wrong types and values that printing would not
 * have made; the message names the field ("shards[0].rdb.bytes is missing").
 *
 *	struct point { char *name; uint64_t x; };
 *	static const struct json_field point[] = {
 *		{ FIELD_TEXT, "name", offsetof(struct point, name) },
 *		{ FIELD_COUNT, "x", offsetof(struct point, x) },
 *		FIELD_END
 *	};
 *
 * A table may hold every kind below.  Where .null is set the JSON may be
 * null, which is NULL for texts and 0 for times.  A field with .optional is
 * left out where it is NULL, 0, or the first of its words: what was printed
 * before the field was thought of can still be read.
 */
#ifndef PIPELINE_JSON_H
#define PIPELINE_JSON_H

#include <stdint.h>

#include "stages/kit/err.h"

enum json_kind {
	FIELD_LAST,
	FIELD_TEXT,   /* char *: owned */
	FIELD_HEX,    /* char *: owned, .digits lower case hex digits */
	FIELD_COUNT,  /* uint64_t: 0 to 2^63-1, always exact */
	FIELD_NUMBER, /* int64_t: may be negative */
	FIELD_TIME,   /* int64_t: a moment, see moment.h */
	FIELD_FLAG,   /* bool */
	FIELD_CHOICE, /* int: place in .words */
	FIELD_RECORD, /* a struct in place, by table .of */
	FIELD_LIST    /* struct json_list of structs by table .of, each of
			   .size bytes; without .of: of char * */
};

struct json_field {
	enum json_kind kind;
	const char *name;
	size_t at;     /* offsetof */
	bool null;     /* may be null */
	bool optional; /* left out when it says nothing; no list, no record */
	unsigned digits;
	const char *const *words; /* NULL-ended */
	const struct json_field *of;
	size_t size;
};

#define FIELD_END                  \
	{                          \
		.kind = FIELD_LAST \
	}

struct json_list {
	void *item; /* owned */
	size_t n;
};

/*
 * Print the record as an object, indented by two or on one line, to *text:
 * owned by the caller, NUL-terminated, without a newline at the end.
 */
MUST_USE bool json_print(const struct json_field *, const void *record,
    bool indented, char **text, struct err *);

/*
 * Read one object into the record of size bytes, which is zeroed first.  On
 * failure (ERR_DATA) it is all zero again.
 */
MUST_USE bool json_read(const struct json_field *, void *record, size_t size,
    const char *text, size_t len, struct err *);

/* Free what the record owns and zero it; size is the record's own. */
void json_release(const struct json_field *, void *record, size_t size);

/* Add a zeroed element of size bytes; NULL when there is no memory. */
void *json_list_add(struct json_list *, size_t size, struct err *);

/* May this text be in JSON?  It must be UTF-8. */
bool json_text_ok(const char *text);

#endif
