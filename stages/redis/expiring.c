/* expiring.c -- see expiring.h. */
#include "stages/redis/expiring.h"

#include <string.h>

void
expiring_init(struct expiring *x, int64_t now_ms)
{
	memset(x, 0, sizeof *x);
	x->from = now_ms;
}

/* The bin of a moment: 0, or one more than the place of the highest bit. */
static unsigned
bin_of(const struct expiring *x, int64_t at)
{
	uint64_t after;

	if (at <= x->from)
		return 0;
	after = (uint64_t)at - (uint64_t)x->from;
	return 64 - (unsigned)__builtin_clzll(after);
}

void
expiring_add(struct expiring *x, int64_t at_ms)
{
	x->bins[bin_of(x, at_ms)]++;
}

uint64_t
expiring_until(const struct expiring *x, int64_t now_ms)
{
	unsigned last = bin_of(x, now_ms);
	uint64_t n = 0;

	for (unsigned i = 0; i <= last; i++)
		n += x->bins[i];
	return n;
}
