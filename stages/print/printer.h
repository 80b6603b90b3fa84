/*
 * printer.h -- an RDB stream, told to a format.
 *
 * Walks the stream, decides with the choice (stages/keys/choice.h) which keys
 * are meant, decodes what the format wants decoded, and calls its functions.
 *
 *	printer_init(p, format, choice)
 *	each chunk	printer_feed(p, in, e)
 *	the end		printer_end(p, e)	whole? then the format's end,
 *						and all is with the sink
 *	or, it was bad	printer_salvage(p)	what is whole of the output
 *	printer_release(p)
 *
 * Memory: some 130 KiB and one key (rdb/object.h); for exact formats, when
 * mappings may give two keys one name, up to 96 MiB more (stages/keys/twins.h).
 * Take it from malloc.
 */
#ifndef PRINT_PRINTER_H
#define PRINT_PRINTER_H

#include "stages/keys/choice.h"
#include "stages/keys/twins.h"
#include "stages/kit/whole_rdb.h"
#include "stages/print/format.h"

struct printer {
	/* May be set after init: tell these too. */
	bool aux, libraries;

	/* To be read. */
	uint64_t keys, left_out, n_libraries;

	/* Private to printer.c. */
	struct format *format;       /* borrowed, with its output */
	const struct choice *choice; /* borrowed */
	struct whole_rdb rdb;
	struct rdb_object object;
	bool open;  /* something of the next key was seen */
	bool taken; /* the key is meant */
	uint64_t record_at, value_at;
	struct twins twins;   /* names so far, where they must differ */
	struct rdb_text text; /* of an auxiliary field */
	struct rdb_value value;
};

void printer_init(struct printer *, struct format *, const struct choice *);
void printer_release(struct printer *);

MUST_USE bool printer_feed(struct printer *, struct span, struct err *);
MUST_USE bool printer_end(struct printer *, struct err *);
void printer_salvage(struct printer *);

/* Only one in so many names was looked at for being given twice. */
uint64_t printer_share(const struct printer *);

#endif
