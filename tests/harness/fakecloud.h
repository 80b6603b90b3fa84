/*
 * fakecloud.h -- cloud.h without a network, for tests of those above it.
 *
 * One bucket of one object and one upload, in memory.  Linked in front of the
 * real thing, whose names it has.  Every operation counts, can be told to fail
 * at its how manieth call, and can fail after it was done, as when an answer
 * is lost.  Any number of threads.
 */
#ifndef HARNESS_FAKECLOUD_H
#define HARNESS_FAKECLOUD_H

#include "stages/store/cloud.h"

enum fake_op {
	FAKE_PUT,
	FAKE_HEAD,
	FAKE_GET,
	FAKE_DELETE,
	FAKE_INITIATE,
	FAKE_PART,
	FAKE_COMPLETE,
	FAKE_ABORT,
	FAKE_LIST_PARTS,
	FAKE_LIST_UPLOADS,
	FAKE_LINE,
	FAKE_OPS
};

struct fake {
	/* How it is to behave; all zero: well. */
	unsigned fail_at[FAKE_OPS]; /* this call fails; 0: none, UINT_MAX:
				       every one */
	bool done_anyway[FAKE_OPS]; /* but what it was to do was done */
	enum err_kind kind;         /* of failures; ERR_NONE: ERR_REMOTE */
	const char *text;           /* of failures; NULL: "it failed" */
	bool no_crc, no_id;         /* the store does not tell */
	bool wrong_crc;             /* told by put and complete */
	bool nvme;                  /* the place wants CRC64NVME, */
	bool wrong_nvme;            /* and complete tells another */
	bool damages;               /* what it stores */
	bool scribbles;             /* on the bytes it was lent */
	bool taken;                 /* the object is somebody else's by now */
	int delay_ms;               /* of parts and gets, the odd ones */
	const char *archived;
	bool maybe;          /* an answer was lost: another upload is there, */
	int64_t lost_ms;     /* begun so much before ours, */
	unsigned lost_parts; /* with so many parts */
	int64_t ahead_ms;    /* the store's clock, of ours */

	/* What happened. */
	unsigned calls[FAKE_OPS];
	unsigned busy, busy_most; /* parts or gets at a time */
	unsigned lines;           /* open now */
	bool exists, open, lost_open;
	uint8_t *object;
	size_t object_len;
	char id[64];
	uint64_t part_sizes[16]; /* of the first ones */
	bool past_stop;          /* of the last abort */
};

extern struct fake fake;

/* All well, nothing there. */
void fake_reset(void);
/* Have an object there. */
void fake_object(const void *p, size_t len);

#endif
