/*
 * choice.h -- which keys are meant, and as what.
 *
 * The filters and mappings of rdb-filter, rdb-restore and rdb-print, declared
 * once.  Filters of one kind are alternatives, those of different kinds all
 * have to hold: --type hash --type list --db 0 means hashes and lists in
 * database 0.  Mappings come after, on what is left.
 *
 *	static struct choice choice;	CHOICE_OPTIONS(choice) in the table
 *	choice_check(&choice, e)	after the options were parsed
 *	choice_take(&choice, &object, valkey)	for each key (rdb/object.h)
 *
 * --expired and --ttl look at one moment for a whole run: now, or --now.
 */
#ifndef KEYS_CHOICE_H
#define KEYS_CHOICE_H

#include "rdb/object.h"
#include "stages/kit/opt.h"

/* (The one who builds this completes struct choice, CHOICE_OPTIONS.) */
struct choice;

/* ERR_USAGE names the option and what is wrong with it. */
MUST_USE bool choice_check(struct choice *, struct err *);

/* Nothing was asked for: every key as it is. */
bool choice_all(const struct choice *);

enum choice_got { CHOICE_TAKEN, CHOICE_LEFT, CHOICE_FAILED };

/*
 * Is this key meant?  When it is, its database, key and expiry become what was
 * asked for.  CHOICE_FAILED: memory ran out, or, an ERR_DATA, a mapping makes
 * a key too long.
 */
enum choice_got choice_take(
    const struct choice *, struct rdb_object *, bool valkey, struct err *);

#endif
