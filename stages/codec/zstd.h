/*
 * zstd.h -- zstd as two filters (RFC 8878; the library is libzstd).
 *
 * pack makes one frame with a content checksum; it ends the frame only in
 * finish, so a run that fails leaves it open and no reader can take it for
 * a whole one.  unpack takes frames, one after the other, and lets go of the
 * last byte of each only when its checksum agreed: what it lets out looks cut
 * short unless its input was whole.
 *
 * Memory: pack, the library's (level 3: 4 MiB and about 10 MiB per thread;
 * level 19: 90 MiB); unpack, the frame's window, at most 128 MiB (long
 * windows beyond that are refused), 2 to 8 MiB for frames made here.
 */
#ifndef CODEC_ZSTD_H
#define CODEC_ZSTD_H

#include "stages/kit/filter.h"

#define ZSTD_PACK_LEVEL_MAX 19

struct zstd_pack_how {
	int level;     /* 1 to ZSTD_PACK_LEVEL_MAX */
	int threads;   /* worker threads; 0: none, in this one */
	uint64_t size; /* of the content; SIZE_UNKNOWN (port.h) */
};

/* Facts: bytes-in, bytes-out, level.  NULL on failure. */
struct filter *zstd_pack_new(const struct zstd_pack_how *, struct err *);

/* Facts: bytes-in, bytes-out.  NULL on failure. */
struct filter *zstd_unpack_new(struct err *);

#endif
