/*
 * escape.h -- bytes as text that can be turned back into the same bytes.
 *
 * What a style leaves as it is goes through at memory's speed; all else comes
 * out of a table with an entry for each byte.  Text may come in pieces cut
 * anywhere, also inside a UTF-8 sequence.
 *
 *	escape_init(e, style)
 *	escape_add(e, out, p, n)	any number of times
 *	escape_end(e, out)		the text is over; ready for the next
 *
 * Styles:
 *
 *	ESCAPE_JSON_BYTES	printable ASCII as it is, with \" \\ \b \f \n \r
 *				\t; every other byte as the code point of the
 *				same number: \u0000 to \u00ff.  Exact: each code
 *				point is a byte.  It is librdb's way
 *	ESCAPE_JSON_UTF8	valid UTF-8 as it is, control characters (U+0000
 *				to U+001F, U+007F to U+009F) as \uHHHH; a byte HH
 *				that is no UTF-8 as the lone surrogate \udcHH.
 *				Exact: UTF-8 has no surrogates (Python calls it
 *				surrogateescape, PEP 383)
 *	ESCAPE_LINE		valid UTF-8 as it is, but \\ for a backslash, \n \r
 *				\t, and \xHH for each byte of another control
 *				character and each byte that is no UTF-8
 *	ESCAPE_CSV		the same, and "" for a quotation mark
 *
 * Valid UTF-8 is table 3-7 of the Unicode standard: shortest forms, no
 * surrogates, nothing above U+10FFFF.
 */
#ifndef PRINT_ESCAPE_H
#define PRINT_ESCAPE_H

#include "stages/print/output.h"

enum escape_style {
	ESCAPE_JSON_BYTES,
	ESCAPE_JSON_UTF8,
	ESCAPE_LINE,
	ESCAPE_CSV
};

#define ESCAPE_LONGEST 6 /* bytes that stand for one */

struct escape {
	uint64_t
	    strange; /* bytes so far that were no UTF-8, where it matters */

	/* Private. */
	enum escape_style style;
	uint8_t held[4]; /* of a sequence that is not all there */
	unsigned n_held;
	struct {
		uint8_t text[7], len;
	} of[256];
};

void escape_init(struct escape *, enum escape_style);
void escape_add(struct escape *, struct output *, const void *p, size_t n);
void escape_end(struct escape *, struct output *);

#endif
