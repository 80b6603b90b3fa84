/*
 * schedule.h -- how large the parts of an upload are.
 *
 * A store takes so many parts and no more (10,000 nearly everywhere), and
 * nobody knows how long a pipe is.  So parts grow: by half after every tenth
 * of them.  From 16 MiB, 10,000 parts reach 1.73 TiB, of which the last is
 * 616 MiB; whoever never gets there never pays for it with memory.
 *
 *	part	   size	  reached by then
 *	1,000	 16 MiB	   15.6 GiB
 *	3,489	 54 MiB	    100 GiB
 *	6,990	182 MiB	    500 GiB
 *	8,638	411 MiB	      1 TiB
 *
 * What is expected sets the first size so that growth begins only when it was
 * wrong.  Stores that want parts of one size (Cloudflare's R2) get them, and
 * then the end is where the arithmetic says.
 *
 * Pure: no memory, no I/O.
 */
#ifndef STORE_SCHEDULE_H
#define STORE_SCHEDULE_H

#include <stdint.h>

#include "stages/kit/err.h"

#define SCHEDULE_MIB      ((uint64_t)1 << 20)
#define SCHEDULE_PART_MIN SCHEDULE_MIB        /* COS; S3: 5 MiB */
#define SCHEDULE_PART_MAX ((uint64_t)5 << 30) /* COS and S3 */
#define SCHEDULE_PART     (16 * SCHEDULE_MIB) /* when nobody says */
#define SCHEDULE_PARTS    10000               /* when nobody says */

/* What was asked for; 0 is the default of each. */
struct schedule_want {
	uint64_t part;   /* bytes of the first part */
	uint64_t expect; /* bytes of the whole */
	unsigned parts;  /* how many there may be */
	bool equal;      /* all of one size, but the last */
};

struct schedule {
	uint64_t first;
	unsigned parts;
	bool equal;
};

/* ERR_USAGE when what is asked for cannot be: a size no store takes, or an
 * expected size that the parts cannot reach. */
MUST_USE bool schedule_init(
    struct schedule *, const struct schedule_want *, struct err *);

/* Bytes of a part; number counts from 1.  0: there is no such part. */
uint64_t schedule_size(const struct schedule *, unsigned number);

/* Bytes of all parts up to and with this one. */
uint64_t schedule_reach(const struct schedule *, unsigned number);

#endif
