/*
 * xml.h -- the replies of object stores, leaf by leaf.
 *
 * The only user of expat.  Replies are small trees of plain elements: no
 * attributes that matter, no mixed content.  Every element is told when it
 * ends, with its path from the root and its own text, so children come before
 * their parent: seeing "ListBucketResult/Contents" means that this entry is
 * complete.  Name spaces are passed over ("s3:Key" is "Key").
 *
 * Blanks before the first '<' are allowed: a store sends them to keep the
 * connection alive while it works.  A document type is refused, and so is
 * what nests deeper than XML_DEPTH or holds a text longer than XML_TEXT_MAX.
 */
#ifndef STORE_XML_H
#define STORE_XML_H

#include "stages/kit/err.h"
#include "stages/kit/span.h"
#include "stages/store/text.h"

#define XML_DEPTH    12
#define XML_TEXT_MAX (16 * 1024)

/* path and value are borrowed.  False, with e filled, ends the reading. */
typedef bool xml_each(
    void *arg, const char *path, const char *value, struct err *e);

/* Read a whole document.  ERR_REMOTE when it is no XML; each may be NULL. */
MUST_USE bool xml_read(
    struct span document, xml_each *each, void *arg, struct err *e);

/* Put s with what XML wants escaped. */
void xml_put(struct text *, const char *s);

#endif
