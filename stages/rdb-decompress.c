/*
 * rdb-decompress.c -- zstd frames from standard input, decompressed.
 *
 * The last byte is let go only when the frame's checksum agreed, so what
 * comes out of a damaged or cut frame is cut short itself.
 *
 * Memory: see codec/zstd.h.
 */
#include "stages/codec/zstd.h"
#include "stages/kit/stage.h"

static struct filter *
decompress_new(const struct operands *args, struct err *e)
{
	(void)args;
	return zstd_unpack_new(e);
}

const struct stage stage = {
	.name = "rdb-decompress",
	.brief = "decompress zstd from standard input",
	.filter = decompress_new,
};
