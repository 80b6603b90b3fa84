/*
 * jsonl.h -- a JSON object a line, with all that is known of a key:
 *
 *	{"db":0,"key":"k","type":"hash","encoding":"hash-listpack",
 *	"expire":null,"value":{"f":"v"}}
 *
 * "idle" (seconds), "freq" and "metadata" (bytes of it) stand before "value"
 * where the stream has them.  What has no key has a line without "key":
 * {"aux":"redis-ver","value":"7.0.15"} and {"function":"#!lua ..."}.
 */
#ifndef PRINT_JSONL_H
#define PRINT_JSONL_H

#include "stages/print/format.h"
#include "stages/print/writer.h"

struct format *jsonl_new(struct output *, enum writer_encoding, struct err *);

#endif
