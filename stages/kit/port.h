/*
 * port.h -- where bytes come from and where they go.
 *
 * The two ends of every chain.  A source lends chunks, a sink is lent
 * them; nobody copies at a port.  Back pressure needs no code: a sink that
 * is slow returns late, so the source is asked late.
 */
#ifndef KIT_PORT_H
#define KIT_PORT_H

#include "stages/kit/err.h"
#include "stages/kit/span.h"

struct facts;
struct source;
struct sink;

#define SIZE_UNKNOWN UINT64_MAX

struct source_ops {
	/*
	 * Lend the next chunk; length 0 means the end.  A source that can
	 * tell a complete stream from a lost peer fails on the latter, and
	 * does not lend the last bytes before it knows.
	 */
	bool (*next)(struct source *, struct span *chunk, struct err *);

	/* Bytes this source will lend in all, or SIZE_UNKNOWN.  Optional. */
	uint64_t (*size)(const struct source *);

	/* Say what was learnt, for the manifest.  Optional. */
	void (*tell)(const struct source *, struct facts *);

	void (*free)(struct source *);
};

struct sink_ops {
	/* Take all of chunk, waiting as long as that needs. */
	bool (*put)(struct sink *, struct span chunk, struct err *);

	/*
	 * Everything has been put and proven whole: make it durable and
	 * visible, in that order.  Freeing a sink that was not committed
	 * leaves no trace.
	 */
	bool (*commit)(struct sink *, struct err *);

	/* Say what was learnt, for the manifest.  Optional. */
	void (*tell)(const struct sink *, struct facts *);

	void (*free)(struct sink *);
};

/* First member of every concrete source or sink. */
struct source {
	const struct source_ops *ops;
};
struct sink {
	const struct sink_ops *ops;
};

/*
 * Read from, or write to, a descriptor we do not own; name is for messages
 * ("standard input", a path) and borrowed.  A pipe looks the same when its
 * writer is done and when it died, so nothing may be published on the word
 * of a descriptor alone: whole.h watches.  NULL on failure.
 */
struct source *source_fd_new(
    int fd, const char *name, size_t chunk, struct err *);
struct sink *sink_fd_new(int fd, const char *name, struct err *);

/* Open a file to read; free closes it. */
struct source *source_file_new(const char *path, size_t chunk, struct err *);

/* Takes everything, keeps nothing. */
struct sink *sink_null_new(struct err *);

MUST_USE static inline bool
source_next(struct source *s, struct span *chunk, struct err *e)
{
	return s->ops->next(s, chunk, e);
}

static inline uint64_t
source_size(const struct source *s)
{
	return s->ops->size != NULL ? s->ops->size(s) : SIZE_UNKNOWN;
}

static inline void
source_tell(const struct source *s, struct facts *f)
{
	if (s->ops->tell != NULL)
		s->ops->tell(s, f);
}

static inline void
source_free(struct source *s)
{
	if (s != NULL)
		s->ops->free(s);
}

MUST_USE static inline bool
sink_put(struct sink *s, struct span chunk, struct err *e)
{
	return s->ops->put(s, chunk, e);
}

MUST_USE static inline bool
sink_commit(struct sink *s, struct err *e)
{
	return s->ops->commit(s, e);
}

static inline void
sink_tell(const struct sink *s, struct facts *f)
{
	if (s->ops->tell != NULL)
		s->ops->tell(s, f);
}

static inline void
sink_free(struct sink *s)
{
	if (s != NULL)
		s->ops->free(s);
}

#endif
