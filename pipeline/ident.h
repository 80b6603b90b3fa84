/*
 * ident.h -- the names that make up a store: <instance>/<id>/<object>.
 *
 * All three become folders or keys, so they are checked when they come in,
 * from a person or from a manifest.
 */
#ifndef PIPELINE_IDENT_H
#define PIPELINE_IDENT_H

#include <stdbool.h>
#include <stddef.h>

#define IDENT_MAX 100 /* bytes of an instance name, of an object name */

/* "20261122T020311Z-manual": stamp (moment.h), then auto or manual. */
bool ident_id_ok(const char *);

/* Letters, digits, '.', '_', '-'; neither dot nor dash in front. */
bool ident_instance_ok(const char *);

/* The same alphabet; one level, so nothing leads out of the folder. */
bool ident_object_ok(const char *);

#endif
