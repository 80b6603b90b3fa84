/*
 * base64.h -- bytes as base64 (RFC 4648, section 4: with padding, one line).
 *
 * Text may come in pieces.  base64_end() writes the rest and the padding, and
 * makes the struct ready for the next; zeros are a ready struct.
 */
#ifndef PRINT_BASE64_H
#define PRINT_BASE64_H

#include "stages/print/output.h"

struct base64 {
	uint8_t held[3];
	unsigned n_held;
};

void base64_add(struct base64 *, struct output *, const void *p, size_t n);
void base64_end(struct base64 *, struct output *);

#endif
