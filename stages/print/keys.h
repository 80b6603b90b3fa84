/*
 * keys.h -- the names of keys, one a line, or each with a NUL behind it.
 *
 * Lines are escaped as ESCAPE_LINE of escape.h has it, so a key is one line
 * whatever its bytes, and can be turned back; with nul they are raw.
 */
#ifndef PRINT_KEYS_H
#define PRINT_KEYS_H

#include "stages/print/format.h"

struct format *keys_new(struct output *, bool nul, struct err *);

#endif
