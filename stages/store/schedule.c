/* schedule.c -- see schedule.h. */
#include "stages/store/schedule.h"

#include <inttypes.h>

#define STEPS 10 /* sizes an upload goes through */

/* Whole MiB, upwards. */
static uint64_t
mib_round(uint64_t bytes)
{
	return (bytes + SCHEDULE_MIB - 1) / SCHEDULE_MIB * SCHEDULE_MIB;
}

/* The size at a step: half as much again each time. */
static uint64_t
step_size(const struct schedule *s, unsigned step)
{
	uint64_t size = s->first;

	if (s->equal || step == 0)
		return size;
	/* Multiplied first: 2^33 times 3^9 is far from the end of 64 bits. */
	for (unsigned i = 0; i < step; i++)
		size *= 3;
	size = mib_round(size >> step);
	return size < SCHEDULE_PART_MAX ? size : SCHEDULE_PART_MAX;
}

/* Parts in every step but the last, which has the rest. */
static unsigned
step_parts(const struct schedule *s)
{
	return s->parts < STEPS ? s->parts : s->parts / STEPS;
}

static unsigned
step_of(const struct schedule *s, unsigned number)
{
	unsigned step = (number - 1) / step_parts(s);

	return step < STEPS ? step : STEPS - 1;
}

uint64_t
schedule_size(const struct schedule *s, unsigned number)
{
	if (number == 0 || number > s->parts)
		return 0;
	return step_size(s, step_of(s, number));
}

uint64_t
schedule_reach(const struct schedule *s, unsigned number)
{
	uint64_t sum = 0;

	if (number > s->parts)
		number = s->parts;
	for (unsigned i = 1; i <= number; i++)
		sum += schedule_size(s, i);
	return sum;
}

/* The size that holds what is expected and a tenth more in nine tenths of
 * the parts; estimates are estimates. */
static uint64_t
first_size(const struct schedule_want *w, unsigned parts)
{
	uint64_t size;

	if (w->part != 0)
		return w->part;
	size = mib_round(w->expect / parts / 9 * 11);
	if (size < SCHEDULE_PART)
		size = SCHEDULE_PART;
	return size < SCHEDULE_PART_MAX ? size : SCHEDULE_PART_MAX;
}

bool
schedule_init(struct schedule *s, const struct schedule_want *w, struct err *e)
{
	uint64_t reach;

	if (w->part != 0 &&
	    (w->part < SCHEDULE_PART_MIN || w->part > SCHEDULE_PART_MAX))
		return err_set(e, ERR_USAGE,
		    "a part has 1 MiB to 5 GiB, not %" PRIu64 " bytes",
		    w->part);
	s->parts = w->parts != 0 ? w->parts : SCHEDULE_PARTS;
	s->equal = w->equal;
	s->first = first_size(w, s->parts);
	reach = schedule_reach(s, s->parts);
	if (w->expect > reach)
		return err_set(e, ERR_USAGE,
		    "%u parts from %" PRIu64 " bytes reach %" PRIu64
		    " bytes, not the %" PRIu64 " that are expected",
		    s->parts, s->first, reach, w->expect);
	return true;
}
