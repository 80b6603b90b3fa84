/* canon.c -- see canon.h */
#include "stages/store/canon.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* What a proxy may add or change is not here: date, connection, user-agent,
 * expect, transfer-encoding, accept, te, via. */
static const char *const signed_headers[] = { "cache-control",
	"content-disposition", "content-encoding", "content-length",
	"content-md5", "content-type", "expires", "host", "if-match",
	"if-modified-since", "if-none-match", "if-unmodified-since", "origin",
	"range", "pic-operations" };

static void
lower(char *s)
{
	for (; *s != '\0'; s++)
		if (*s >= 'A' && *s <= 'Z')
			*s = (char)(*s + ('a' - 'A'));
}

/* Runs of blanks become one (SigV4's Trimall; the ends have been checked). */
static void
put_single_blanks(struct text *to, const char *s)
{
	for (; *s != '\0'; s++)
		if (*s != ' ' || s[1] != ' ')
			text_put_bytes(to, s, 1);
}

static bool
make_room(struct canon *c, struct err *e)
{
	size_t cap = c->cap > 0 ? 2 * c->cap : 8;
	struct canon_pair *p;

	if (c->n < c->cap)
		return true;
	p = reallocarray(c->pair, cap, sizeof *p);
	if (p == NULL)
		return err_sys(e, "no memory for a request");
	c->pair = p;
	c->cap = cap;
	return true;
}

bool
canon_add(struct canon *c, enum canon_spelling as, const char *name,
    const char *value, struct err *e)
{
	struct text n = { 0 }, v = { 0 };

	if (as == CANON_S3_HEADER) {
		text_put(&n, name);
		put_single_blanks(&v, value);
	} else {
		sign_encode(&n, name, false);
		sign_encode(&v, value != NULL ? value : "", false);
	}
	/* Empty strings too must be memory of ours. */
	text_put(&n, "");
	text_put(&v, "");
	if (!text_ok(&n, e) || !text_ok(&v, e) || !make_room(c, e)) {
		text_release(&n);
		text_release(&v);
		return false;
	}
	if (as != CANON_S3_PARAM)
		lower(n.ptr);
	c->pair[c->n++] = (struct canon_pair){ n.ptr, v.ptr };
	return true;
}

bool
canon_params(struct canon *c, enum canon_spelling as,
    const struct sign_request *r, struct err *e)
{
	size_t i;

	for (i = 0; i < r->n_params; i++)
		if (!canon_add(c, as, r->params[i].name, r->params[i].value, e))
			return false;
	return true;
}

static bool
is_signed(const char *name, const char *const prefix[2])
{
	size_t i;

	for (i = 0; i < 2; i++)
		if (strncasecmp(name, prefix[i], strlen(prefix[i])) == 0)
			return true;
	for (i = 0; i < COUNT_OF(signed_headers); i++)
		if (strcasecmp(name, signed_headers[i]) == 0)
			return true;
	return false;
}

/* RFC 9110's token. */
static bool
is_name(const char *s)
{
	if (*s == '\0')
		return false;
	for (; *s != '\0'; s++)
		if (!isalnum((unsigned char)*s) &&
		    strchr("!#$%&'*+-.^_`|~", *s) == NULL)
			return false;
	return true;
}

/* Values are not shown: they may be customer keys or tokens. */
static bool
check(const struct sign_pair *h, struct err *e)
{
	const char *v = h->value != NULL ? h->value : "";
	size_t n = strlen(v), i;
	char q[80];

	if (!is_name(h->name))
		return err_set(e, ERR_USAGE, "\"%s\" is no name for a header",
		    err_quote(q, sizeof q, h->name, strlen(h->name)));
	for (i = 0; i < n; i++)
		if ((unsigned char)v[i] < 0x20 || v[i] == 0x7f)
			return err_set(e, ERR_USAGE,
			    "header %s: control character in its value",
			    err_quote(q, sizeof q, h->name, strlen(h->name)));
	if (n > 0 && (v[0] == ' ' || v[n - 1] == ' '))
		return err_set(e, ERR_USAGE,
		    "header %s: blank before or behind its value",
		    err_quote(q, sizeof q, h->name, strlen(h->name)));
	return true;
}

bool
canon_headers(struct canon *c, enum canon_spelling as,
    const struct sign_request *r, const char *const prefix[2], struct err *e)
{
	const struct sign_pair *h = r->headers;
	size_t i, k;
	char q[80];

	for (i = 0; i < r->n_headers; i++) {
		if (!check(&h[i], e))
			return false;
		for (k = 0; k < i; k++)
			if (strcasecmp(h[k].name, h[i].name) == 0)
				return err_set(e, ERR_USAGE,
				    "header %s given twice",
				    err_quote(q, sizeof q, h[i].name,
					strlen(h[i].name)));
		if (h[i].value == NULL || *h[i].value == '\0' ||
		    !is_signed(h[i].name, prefix))
			continue;
		if (!canon_add(c, as, h[i].name, h[i].value, e))
			return false;
	}
	return true;
}

static int
compare(const void *a, const void *b)
{
	const struct canon_pair *x = a, *y = b;
	int d = strcmp(x->name, y->name);

	return d != 0 ? d : strcmp(x->value, y->value);
}

void
canon_sort(struct canon *c)
{
	if (c->n > 1)
		qsort(c->pair, c->n, sizeof *c->pair, compare);
}

void
canon_put(
    const struct canon *c, const char *is, const char *and, struct text *to)
{
	size_t i;

	for (i = 0; i < c->n; i++) {
		text_put(to, i > 0 ? and : "");
		text_put(to, c->pair[i].name);
		text_put(to, is);
		text_put(to, c->pair[i].value);
	}
}

void
canon_put_names(const struct canon *c, const char *and, struct text *to)
{
	size_t i;

	for (i = 0; i < c->n; i++) {
		text_put(to, i > 0 ? and : "");
		text_put(to, c->pair[i].name);
	}
}

/* A value may be a token or a customer's key. */
void
canon_release(struct canon *c)
{
	size_t i;

	for (i = 0; i < c->n; i++) {
		explicit_bzero(c->pair[i].value, strlen(c->pair[i].value));
		free(c->pair[i].name);
		free(c->pair[i].value);
	}
	free(c->pair);
	*c = (struct canon){ 0 };
}

bool
canon_added(struct sign_added *a, struct text *lines, size_t n, struct err *e)
{
	const char *at;
	size_t i;

	sign_release(a);
	if (!text_ok(lines, e))
		return false;
	a->text = *lines;
	*lines = (struct text){ 0 };
	at = a->text.ptr;
	for (i = 0; i < n; i++) {
		a->line[i] = at;
		at += strlen(at) + 1;
	}
	a->n = n;
	return true;
}
