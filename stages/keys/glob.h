/*
 * glob.h -- the patterns of KEYS and SCAN.
 *
 *	*	any bytes, or none
 *	?	any one byte
 *	[ab]	one of these; [a-c] a range, either way round; [^a] none of these
 *	\x	x itself, inside brackets too
 *
 * Bytes, not characters: nothing is special about NUL or UTF-8.  As in the
 * server (stringmatchlen in src/util.c), what is malformed has a meaning, too:
 * brackets that are not closed end with the pattern, a range may end at "]"
 * ("[a-]" is "a" to "]" and still open), "[]" is no byte, a last backslash is
 * one.  One difference: here "*" matches the empty key as well.
 *
 * Time: at most the product of both lengths, whatever the pattern.
 */
#ifndef KEYS_GLOB_H
#define KEYS_GLOB_H

#include <stdbool.h>
#include <stddef.h>

bool glob_match(
    const void *pattern, size_t pattern_len, const void *text, size_t len);

#endif
