/*
 * verb.h -- what rdbpipe can be told to do.
 *
 * A verb is one constant struct in a file named after it; main.c holds the
 * list, parses the options and prints --help from the same tables.
 */
#ifndef PIPELINE_VERB_H
#define PIPELINE_VERB_H

#include "stages/kit/opt.h"

#define VERB_TABLES 4

struct verb {
	const char *name, *brief;
	const char *operands;                  /* as in --help; NULL: none */
	int operands_min, operands_max;        /* max -1: any number */
	const struct opt *tables[VERB_TABLES]; /* up to the first NULL */
	const char *const *notes; /* lines for --help; may be NULL */
	bool (*run)(const struct operands *, struct err *);
};

extern const struct verb verb_backup, verb_list, verb_show, verb_verify,
    verb_clone, verb_url, verb_hold, verb_release, verb_delete, verb_prune,
    verb_config, verb_plan, verb_auto, verb_check;

#endif
