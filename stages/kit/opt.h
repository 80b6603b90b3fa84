/*
 * opt.h -- command lines, declared once.
 *
 * One table per program parses its arguments, prints its --help and feeds
 * its manual page, so the three cannot disagree.  Long names are never
 * abbreviated ("--level 3" or "--level=3"); an option given twice is an
 * error, unless it is a list; "--" ends the options and "-" is an operand.  Options and operands
 * may be mixed.
 */
#ifndef KIT_OPT_H
#define KIT_OPT_H

#include <stdint.h>
#include <stdio.h>

#include "stages/kit/err.h"

enum opt_type {
	OPT_END,
	OPT_FLAG,   /* bool *: present or not */
	OPT_TEXT,   /* const char **: borrowed from argv */
	OPT_INT,    /* int64_t *: min to max */
	OPT_SIZE,   /* int64_t *: bytes; K, M, G, T are powers of 1024 */
	OPT_TIME,   /* int64_t *: milliseconds; "500ms", "30s", "5m",
			   "6h", "1d"; a bare number is seconds */
	OPT_CHOICE, /* int *: place in the NULL-ended choices */
	OPT_LIST    /* struct opt_list *: may be given many times */
};

#define OPT_LIST_MAX 256

/* Every value of an option, in order; borrowed from argv. */
struct opt_list {
	const char *v[OPT_LIST_MAX];
	int n;
};

struct opt {
	enum opt_type type;
	char letter; /* 0: long name only */
	const char *name;
	void *to;               /* holds the default beforehand */
	const char *arg, *help; /* "LEVEL", "how hard to try" */
	int64_t min, max;       /* both 0: any that is not negative */
	const char *const *choices;
	const char *bare; /* value when given without one; then
					   a value needs the "=" form */
};

#define OPT_TABLE_END           \
	{                       \
		.type = OPT_END \
	}

/* The operands of a command line: what is left when options are taken. */
struct operands {
	char **v; /* borrowed from argv */
	int n;
};

/*
 * Parse argv[1..] by the tables, a NULL-ended list of them.  argv is
 * reordered: *rest says where the operands are.
 */
MUST_USE bool opt_parse(const struct opt *const *tables, int argc, char **argv,
    struct operands *rest, struct err *);

/* Print one line per option, aligned, for --help. */
void opt_help(const struct opt *const *tables, FILE *to);

/* Parse one size or time as OPT_SIZE and OPT_TIME do. */
MUST_USE bool opt_size(const char *text, int64_t *bytes);
MUST_USE bool opt_time(const char *text, int64_t *ms);

#endif
