/* decimal.h -- an integer as the text it stands for; private to rdb/. */
#ifndef RDB_DECIMAL_H
#define RDB_DECIMAL_H

#include <stddef.h>
#include <stdint.h>

#define DECIMAL_MAX 20 /* "-9223372036854775808" */

/* Write v into text, without NUL; returns the length. */
size_t decimal_put(int64_t v, uint8_t text[DECIMAL_MAX]);

#endif
