/*
 * scan.h -- the data of a server that does not let itself be replicated.
 *
 * Reads key by key, with SCAN and DUMP, and writes an RDB of it that a server
 * of that kind loads as its own.  It is no point in time: what changes
 * meanwhile is there as it was before or as it was after.  What SCAN promises
 * holds: a key that is there from start to end is in it; and each key once, for
 * a server that loads one twice ends.  A key's value, expiry and idle time do
 * belong together: they are asked for in one transaction.
 *
 *	scan_begin	looks at the server, or at every master of a cluster,
 *			for what the RDB's header must say
 *	scan_next	lends the RDB, chunk by chunk, then an empty one
 *	scan_release
 *
 * Checked: the version and the CRC64 of every DUMP, that its bytes are one
 * whole value, and the whole RDB as it comes out.  The last bytes are lent only
 * when every key of every database has been read, and a cluster is still
 * what it was.  A server that goes away leaves an RDB without an end.
 *
 * Memory: the connection's buffer, as much again, the keys of one reply to SCAN
 * (SCAN_REPLY bytes of them at most), the functions, and what --memory allows
 * for the keys that were seen (seen.h).  Values pass.  The server holds the
 * replies on the way to us: SCAN_WINDOW at most, and one at a time where values
 * are large.
 *
 * Formats: DUMP in src/cluster.c, createDumpPayload: the value as in an RDB, in
 * front of it the type, behind it 2 bytes of RDB version and the CRC64.
 */
#ifndef REDIS_SCAN_H
#define REDIS_SCAN_H

#include "rdb/rdb.h"
#include "rdb/write.h"
#include "stages/redis/seen.h"
#include "stages/redis/topology.h"

#define SCAN_COUNT  500          /* keys asked for at a time */
#define SCAN_MEMORY (256u << 20) /* bytes, for the keys that were seen */
#define SCAN_REPLY  (256u << 20) /* bytes of one SCAN or FUNCTION DUMP */

#define SCAN_WINDOW 128 /* values on their way at most */

/* ACL rules a scan needs.  Servers before 7.0 know no +pexpiretime and no
 * +function|dump, and need none. */
#define SCAN_RULES                                                     \
	"~* +ping +info +select +scan +multi +exec +time +pttl +dump " \
	"+pexpiretime +function|dump"

struct scan_options {
	bool idle;      /* idle times, or frequencies, too */
	int64_t count;  /* of SCAN */
	int64_t rate;   /* bytes a second; 0: as fast as it goes */
	int64_t memory; /* for the keys that were seen */
};

enum scan_functions {
	SCAN_FUNCTIONS_NONE,  /* a server before 7.0 */
	SCAN_FUNCTIONS_SAVED, /* even if there are none */
	SCAN_FUNCTIONS_DENIED /* kept from us: left out */
};

/* Where we are; private to scan*.c. */
struct scan_place {
	unsigned node;
	bool open;               /* the node is connected */
	bool any, over;          /* a database was chosen; it is read */
	uint64_t db;             /* the one */
	struct server_info info; /* without text: we may not ask */
	const char *info_at;     /* how far its databases have been taken */
	char cursor[24];
	char mark[24];     /* a cursor of this database that was before; */
	uint64_t replies;  /* replies to SCAN in it */
	struct reply keys; /* of the last SCAN; lent by resp */
	size_t at;         /* of these: asked for, or known before */
};

struct scan {
	/* To be read when it has ended. */
	uint64_t keys, vanished, duplicates, databases;
	int64_t started, finished;     /* ms since 1970 */
	enum scan_functions functions; /* from scan_begin on */
	struct server_info info; /* of the server, or of the first master */
	unsigned masters;        /* of a cluster; else 0 */
	int version;             /* of the RDB */
	bool valkey;             /* its dialect */

	/* Private to scan*.c. */
	struct scan_options how;
	struct server *given; /* as it was given */
	struct server node;   /* of a cluster */
	struct server *from;  /* one of these, connected */
	struct topology map;
	struct scan_place place;
	struct seen *seen;
	bool exact_times; /* PEXPIRETIME is known */
	bool frequencies; /* OBJECT FREQ, not IDLETIME */
	size_t count;     /* of the next SCAN */

	/* Keys on their way, of the last SCAN. */
	uint8_t *sent;
	size_t sent_len, sent_cap;
	size_t asked[SCAN_WINDOW]; /* their places in the reply */
	size_t asked_n, asked_at;
	uint64_t size; /* of values lately: decides how many at once */

	/* The value being read. */
	bool in_value;
	uint64_t left; /* bytes of it before its version and CRC */
	uint64_t crc;

	struct rdb_write out;
	bool any_db;
	uint64_t out_db;
	struct rdb_walk walk; /* of all that is put out */
	bool item_open;       /* its last item is cut */
	uint64_t values;      /* whole ones since a key's head */
	uint64_t others;      /* whole items that are no values, */
	uint64_t libraries;   /* of them functions */
	uint64_t others_before;
	bool ending; /* all was put out: now its end may come */
	bool ended;
	size_t lent;
	int64_t pace_from; /* --rate: since when, and bytes since */
	uint64_t paced;
};

/*
 * server: connected, or of a cluster and not connected; borrowed until
 * scan_release.  On failure scan_release is still due.
 */
MUST_USE bool scan_begin(
    struct scan *, struct server *, const struct scan_options *, struct err *);
MUST_USE bool scan_next(struct scan *, struct span *chunk, struct err *);
void scan_release(struct scan *);

#endif
