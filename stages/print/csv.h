/*
 * csv.h -- a row per key, for spreadsheets (RFC 4180, but lines end in LF).
 *
 *	database,type,key,size_in_bytes,encoding,num_elements,
 *	len_largest_element,expiry
 *
 * The columns are those of `rdb --command memory` of redis-rdb-tools, so what
 * reads its files reads these; but size_in_bytes is what the key takes in the
 * stream (not an estimate of memory), and encoding the name of the type there.
 * As there, the number of elements of a string is its length.  Members count
 * once, and so do a hash's fields with their values and a stream's entries;
 * the largest element is the longest single text.  expiry is RFC 3339, UTC,
 * or empty.  The key is always in quotes, escaped as ESCAPE_CSV.
 */
#ifndef PRINT_CSV_H
#define PRINT_CSV_H

#include "stages/print/format.h"

struct format *csv_new(struct output *, struct err *);

#endif
