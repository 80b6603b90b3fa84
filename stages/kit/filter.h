/*
 * filter.h -- what happens to bytes between a source and a sink.
 *
 * A filter either watches bytes or turns them into others; it has .watch or
 * .turn, never both.  Watched bytes go on untouched and uncopied.
 */
#ifndef KIT_FILTER_H
#define KIT_FILTER_H

#include "stages/kit/err.h"
#include "stages/kit/span.h"

struct facts;
struct filter;

struct filter_ops {
	const char *name;

	/*
	 * Look at all of in.  The chunk goes on only when this returns true,
	 * so a watcher that fails cuts the stream before the fault.
	 */
	bool (*watch)(struct filter *, struct span in, struct err *);

	/*
	 * Take bytes off the front of *in, put bytes into *out.  Every call
	 * takes at least one byte, or puts at least one, or finds out full.
	 * Returning with bytes left in *in means: empty out, call again.
	 */
	bool (*turn)(
	    struct filter *, struct span *in, struct room *out, struct err *);

	/*
	 * There is no more input.  Put what is left into *out and set *done
	 * when nothing is; until then the caller empties out and calls
	 * again.  This is where a filter says that its input ended too
	 * early.  A watcher gets out == NULL.  Optional.
	 */
	bool (*finish)(
	    struct filter *, struct room *out, bool *done, struct err *);

	/* Say what was learnt, for the manifest.  Optional. */
	void (*tell)(const struct filter *, struct facts *);

	void (*free)(struct filter *);
};

/* First member of every concrete filter. */
struct filter {
	const struct filter_ops *ops;
};

static inline void
filter_tell(const struct filter *f, struct facts *facts)
{
	if (f->ops->tell != NULL)
		f->ops->tell(f, facts);
}

static inline void
filter_free(struct filter *f)
{
	if (f != NULL)
		f->ops->free(f);
}

#endif
