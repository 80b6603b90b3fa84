/*
 * format.h -- a way to write down what an RDB stream holds.
 *
 * A format is a table of functions that are told what is in a stream, in its
 * order, and write it to an output:
 *
 *	begin()		the header was read
 *	aux()		text of an auxiliary field: its name's runs, then its
 *			value's.  Only where asked for (--aux)
 *	library()	a piece of a library of functions (RDB_LIBRARY...), or
 *	library_run()	a run of it, as stored.  Only where asked for
 *	object()	a key: all but its value (rdb/object.h)
 *	piece()		a piece of its value (rdb/value.h), or
 *	run()		a run of its value, as stored
 *	object_end()	the value is complete
 *	end()		and so is the stream: it has proven itself
 *
 * What a format has no use for is NULL: without piece(), values are not even
 * decoded.  When the stream turns out bad, end() is never called: what is
 * written then must not look complete.  The printer (printer.h) drives it.
 *
 * Functions are true unless e is filled; that the output failed is noticed by
 * the printer.
 */
#ifndef PRINT_FORMAT_H
#define PRINT_FORMAT_H

#include "rdb/kind.h"
#include "rdb/object.h"
#include "rdb/value.h"
#include "stages/print/output.h"

struct format;

/* How many bytes of the stream a key took. */
struct format_size {
	uint64_t record; /* with all that stands before its value */
	uint64_t value;
};

struct format_ops {
	const char *name;
	bool libraries; /* told without being asked for */
	bool exact;     /* a server gets it: no two keys under one name, and
			   values as they are, or not at all */

	bool (*begin)(struct format *, int version, bool valkey, struct err *);
	bool (*aux)(struct format *, const struct rdb_text_run *, bool name,
	    struct err *);
	bool (*library)(
	    struct format *, const struct rdb_piece *, struct err *);
	bool (*library_run)(
	    struct format *, const struct rdb_run *, bool valkey, struct err *);
	bool (*object)(struct format *, const struct rdb_object *, bool valkey,
	    struct err *);
	bool (*piece)(struct format *, const struct rdb_piece *, struct err *);
	bool (*run)(struct format *, const struct rdb_run *, struct err *);
	bool (*object_end)(
	    struct format *, const struct format_size *, struct err *);
	bool (*end)(struct format *, struct err *);
	void (*free)(struct format *);
};

/* First member of every concrete format. */
struct format {
	const struct format_ops *ops;
	struct output *out; /* borrowed */
	uint64_t strange;   /* bytes so far that some readers will refuse */
};

static inline void
format_free(struct format *f)
{
	if (f != NULL)
		f->ops->free(f);
}

#endif
