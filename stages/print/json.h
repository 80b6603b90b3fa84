/*
 * json.h -- all of a stream as one JSON document, as librdb writes it.
 *
 * A list with an object for each database that has keys, in their order; its
 * members are keys and their values.  Before the first key, where asked for,
 * "__aux__" (auxiliary fields) and "__func__" (libraries of functions).  No
 * expiry times and no types: jsonl.h has them.
 */
#ifndef PRINT_JSON_H
#define PRINT_JSON_H

#include "stages/print/format.h"
#include "stages/print/writer.h"

struct format *json_new(struct output *, enum writer_encoding, struct err *);

#endif
