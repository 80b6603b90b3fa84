/*
 * jsonfield.h -- one field of a small JSON answer.
 *
 * A metadata service answers with one flat object; this reads a member of it
 * without a tree.  RFC 8259; depth is not recursion, so input cannot exhaust
 * the stack.  Manifests are read by pipeline/json.h, which is strict.
 */
#ifndef STORE_JSONFIELD_H
#define STORE_JSONFIELD_H

#include "stages/kit/span.h"
#include "stages/store/text.h"

/*
 * Put the value of a member of the outermost object: a string decoded to
 * UTF-8, a number or a word (true, false) as it is written.  False when there
 * is no such member, when it is null, an object or a list, when a string
 * holds a NUL, or when what comes before it is not JSON.
 */
MUST_USE bool jsonfield_get(
    struct span json, const char *name, struct text *value);

#endif
