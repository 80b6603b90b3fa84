/*
 * elements.h -- the elements of a stream as text, for tests to compare.
 *
 * One line per key ("db 0 hash-listpack \"key\" expire 5") and one per group of
 * pieces behind it, indented ("  field \"a\" value \"1\"").  Bytes that are not
 * printable come as \xHH.  A fault ends the text: "bad at 12: words".  So two
 * ways of cutting a stream, or of storing data, can be compared as strings.
 *
 * Each chunk is fed from a block of its own, of exactly its size, freed before
 * the next: so the sanitizers see who looks too far or too late.
 */
#ifndef HARNESS_ELEMENTS_H
#define HARNESS_ELEMENTS_H

#include <stddef.h>
#include <stdint.h>

/* The text for len bytes at p, fed a chunk of first bytes, then chunks of
 * size bytes; free it. */
char *elements_of(const uint8_t *p, size_t len, size_t first, size_t size);

/* Only the lines behind the key's, of a stream that has one key. */
char *elements_of_value(const uint8_t *p, size_t len);

#endif
