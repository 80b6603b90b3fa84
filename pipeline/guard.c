/* guard.c -- see guard.h. */
#include "pipeline/guard.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Is now less than what is left of was when so much has gone?  By division
 * first, as products may not fit. */
static bool
has_shrunk(uint64_t now, uint64_t was, unsigned per_cent)
{
	uint64_t left = 100 - per_cent;
	uint64_t least = was / 100 * left + was % 100 * left / 100;

	return now < least || (now == least && was % 100 * left % 100 > 0);
}

static bool
shrink_ok(const struct guard *g, const char *what, uint64_t now, uint64_t was,
    char why[GUARD_TEXT_LEN])
{
	if (!has_shrunk(now, was, g->max_shrink))
		return true;
	snprintf(why, GUARD_TEXT_LEN,
	    "%" PRIu64 " %s are more than %u%% less than the %" PRIu64
	    " of the last good backup",
	    now, what, g->max_shrink, was);
	return false;
}

bool
guard_judge(const struct guard *g, const struct guard_size *now,
    const struct guard_size *last, char why[GUARD_TEXT_LEN])
{
	if (now->keys < g->min_keys) {
		snprintf(why, GUARD_TEXT_LEN,
		    "%" PRIu64 " keys are fewer than the %" PRIu64
		    " there must be",
		    now->keys, g->min_keys);
		return false;
	}
	return g->max_shrink == 0 || last == NULL ||
	    (shrink_ok(g, "keys", now->keys, last->keys, why) &&
		shrink_ok(g, "bytes of RDB", now->raw, last->raw, why));
}

bool
guard_share(const char *text, unsigned *per_cent, struct err *e)
{
	size_t n = strspn(text, "0123456789");
	char shown[60];

	*per_cent = n > 0 && n < 3 && *text != '0' ? (unsigned)atoi(text) : 0;
	return (*per_cent > 0 && strcmp(text + n, "%") == 0) ||
	    err_set(e, ERR_USAGE, "wants a share such as 50%%, not \"%s\"",
		err_quote(shown, sizeof shown, text, strlen(text)));
}
