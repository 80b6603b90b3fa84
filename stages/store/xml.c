/* xml.c -- replies through expat; see xml.h. */
#include "stages/store/xml.h"

#include <stdio.h>
#include <string.h>

#include <expat.h>

#define PATH_CAP 256

struct reader {
	XML_Parser parser;
	xml_each *each;
	void *arg;
	struct err *e;
	bool failed; /* e is filled */
	unsigned depth;
	size_t ends[XML_DEPTH + 1]; /* where each level's path ends */
	char path[PATH_CAP];
	struct text text;
};

/* Stop with our words. */
static void
refuse(struct reader *r, const char *why)
{
	if (!r->failed)
		err_set(r->e, ERR_REMOTE, "the reply %s", why);
	r->failed = true;
	XML_StopParser(r->parser, XML_FALSE);
}

static void
on_start(void *arg, const char *name, const char **attributes)
{
	struct reader *r = arg;
	const char *colon = strrchr(name, ':');
	size_t at = r->ends[r->depth], len;

	(void)attributes;
	if (r->failed)
		return;
	if (colon != NULL)
		name = colon + 1;
	len = strlen(name);
	if (r->depth == XML_DEPTH || at + len + 2 > PATH_CAP) {
		refuse(r, "nests too deep");
		return;
	}
	if (at > 0)
		r->path[at++] = '/';
	memcpy(r->path + at, name, len + 1);
	r->ends[++r->depth] = at + len;
	text_clear(&r->text);
}

static void
on_text(void *arg, const char *p, int n)
{
	struct reader *r = arg;

	if (r->failed)
		return;
	if (r->text.len + (size_t)n > XML_TEXT_MAX) {
		refuse(r, "has an endless text");
		return;
	}
	text_put_bytes(&r->text, p, (size_t)n);
}

static void
on_end(void *arg, const char *name)
{
	struct reader *r = arg;
	const char *value;

	(void)name;
	if (r->failed)
		return;
	if ((value = text_get(&r->text)) == NULL) {
		r->failed = !text_ok(&r->text, r->e);
		XML_StopParser(r->parser, XML_FALSE);
		return;
	}
	if (r->each != NULL && !r->each(r->arg, r->path, value, r->e)) {
		r->failed = true;
		XML_StopParser(r->parser, XML_FALSE);
		return;
	}
	r->path[r->ends[--r->depth]] = '\0';
	text_clear(&r->text);
}

static void
on_doctype(void *arg, const char *name, const char *system_id,
    const char *public_id, int internal)
{
	(void)name;
	(void)system_id;
	(void)public_id;
	(void)internal;
	refuse(arg, "declares a document type");
}

bool
xml_read(struct span document, xml_each *each, void *arg, struct err *e)
{
	struct reader r = { .each = each, .arg = arg, .e = e };
	enum XML_Error why;

	while (document.len > 0 && strchr(" \t\r\n", *document.ptr) != NULL &&
	    *document.ptr != '\0')
		span_take(&document, 1);
	if (document.len == 0)
		return err_set(e, ERR_REMOTE, "the reply is empty");
	if (document.len > INT32_MAX ||
	    (r.parser = XML_ParserCreate(NULL)) == NULL)
		return err_set(e, ERR_SYSTEM, "out of memory for a reply");
	XML_SetUserData(r.parser, &r);
	XML_SetElementHandler(r.parser, on_start, on_end);
	XML_SetCharacterDataHandler(r.parser, on_text);
	XML_SetStartDoctypeDeclHandler(r.parser, on_doctype);
	if (XML_Parse(r.parser, (const char *)document.ptr, (int)document.len,
		XML_TRUE) != XML_STATUS_OK &&
	    !r.failed) {
		why = XML_GetErrorCode(r.parser);
		err_set(e, ERR_REMOTE, "the reply is no XML: %s in line %lu",
		    XML_ErrorString(why),
		    (unsigned long)XML_GetCurrentLineNumber(r.parser));
		r.failed = true;
	}
	XML_ParserFree(r.parser);
	text_release(&r.text);
	return !r.failed;
}

void
xml_put(struct text *to, const char *s)
{
	for (; *s != '\0'; s++) {
		switch (*s) {
		case '&':
			text_put(to, "&amp;");
			break;
		case '<':
			text_put(to, "&lt;");
			break;
		case '>':
			text_put(to, "&gt;");
			break;
		case '"':
			text_put(to, "&quot;");
			break;
		default:
			text_put_bytes(to, s, 1);
		}
	}
}
