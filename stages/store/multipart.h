/*
 * multipart.h -- a stream of unknown length into one object of a store.
 *
 * A sink over cloud.h.  Bytes gather in memory until a part is full and a byte
 * more has come; only then a request is opened, so a slow source never holds
 * one open, and every try of a part sends the same bytes.  Parts go out on
 * several connections (crew.h), their sizes grow (schedule.h).  A stream that
 * fits into the first part is one plain PUT, unless the place wants CRC64NVME.
 *
 * The object appears in commit and nowhere else: that is where the upload is
 * completed.  Before that the checksums of what was sent are joined and
 * compared with that of what came in; after it, what the store says it holds
 * (CRC-64/XZ, else the size) is compared with the same.  An object that
 * differs is removed again and is an ERR_DATA.
 *
 * When an answer is lost for good nobody knows who won.  Then the upload is
 * aborted and the object looked at: a random id in its metadata says whether
 * it is ours.  If it is, it was published after all.
 *
 * A sink that is freed without commit, and a commit that failed, have aborted
 * the upload, again and again until the store says it is gone, although we may
 * have been asked to stop, for MULTIPART_ABORT_MS at most; what is left behind
 * then is said to warn().  Nothing can be done about SIGKILL: `cos-rm
 * --uploads` is for that.
 *
 * Memory: threads + 2 parts; no more than .memory, unless two parts are more;
 * and some 15 MiB for the libraries and buffers of the default connections.
 */
#ifndef STORE_MULTIPART_H
#define STORE_MULTIPART_H

#include "stages/kit/port.h"
#include "stages/store/cloud.h"
#include "stages/store/schedule.h"

#define MULTIPART_THREADS  4
#define MULTIPART_MEMORY   ((uint64_t)1 << 30)
#define MULTIPART_ABORT_MS 60000

/* How; all zero is the plain way. */
struct multipart_how {
	struct cloud_how object; /* .id is ours to fill */
	struct schedule_want schedule;
	unsigned threads;               /* connections; 0: MULTIPART_THREADS */
	uint64_t memory;                /* for parts; 0: MULTIPART_MEMORY */
	void (*warn)(const char *text); /* may be NULL */
};

/* Where to; key and url are copied. */
struct multipart_to {
	struct cloud *cloud;
	const char *key, *url;
	const atomic_uint *slow; /* SlowDowns heard by the cloud, or NULL */
};

/*
 * NULL on failure; with .exclusive a key that exists is an ERR_REMOTE at
 * once.  Strings in how are borrowed as long as the sink lives.
 *
 * Facts: those of tally.h, store-crc64-xz (what the store says, when it
 * does), store-crc64-nvme (the same), parts (0: a plain PUT) and upload-id
 * (when there are parts).
 */
struct sink *multipart_new(
    const struct multipart_to *, const struct multipart_how *, struct err *);

#endif
