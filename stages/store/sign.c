/* sign.c -- what both dialects of sign.h share: the wire's spelling. */
#include "stages/store/sign.h"

/* RFC 3986's unreserved.  Not isalnum: locales have ideas of their own. */
static bool
is_plain(unsigned char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	    (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.' ||
	    c == '~';
}

void
sign_encode(struct text *to, const char *s, bool keep_slash)
{
	static const char digit[] = "0123456789ABCDEF";

	for (; *s != '\0'; s++) {
		unsigned char c = (unsigned char)*s;
		char hex[3] = { '%', digit[c >> 4], digit[c & 15] };

		if (is_plain(c) || (keep_slash && c == '/'))
			text_put_bytes(to, s, 1);
		else
			text_put_bytes(to, hex, sizeof hex);
	}
}

bool
sign_target(const struct sign_request *r, struct text *to, struct err *e)
{
	size_t i;

	sign_encode(to, r->path, true);
	for (i = 0; i < r->n_params; i++) {
		text_put(to, i == 0 ? "?" : "&");
		sign_encode(to, r->params[i].name, false);
		if (r->params[i].value == NULL)
			continue;
		text_put(to, "=");
		sign_encode(to, r->params[i].value, false);
	}
	return text_ok(to, e);
}

void
sign_release(struct sign_added *a)
{
	text_release(&a->text);
	*a = (struct sign_added){ 0 };
}
