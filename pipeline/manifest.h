/*
 * manifest.h -- what makes stored objects a backup.
 *
 * A manifest is written last, so a backup exists when its manifest exists.
 * It is one JSON object, described field by field in docs/manifest.md, whose
 * last line but one is a seal over every byte in front of that line:
 *
 *	head -n -2 manifest.json | xxhsum -H128
 *
 * Reading is strict (json.h) and checks the seal and that the parts agree
 * with each other: a manifest that was cut, edited or decayed is refused.
 * The seal is against accidents; it is no signature.
 *
 * A set of shards is the general case; a standalone instance is a set of one
 * that claims no slots.
 */
#ifndef PIPELINE_MANIFEST_H
#define PIPELINE_MANIFEST_H

#include "pipeline/json.h"

/* Of a backup that is a point in time; of one that is not; and of one that is
 * of several points in time, or has more than its shards.  Readers that know
 * less refuse it. */
#define MANIFEST_FORMAT      1
#define MANIFEST_FORMAT_SCAN 2
#define MANIFEST_FORMAT_SET  3
#define MANIFEST_DIGEST_LEN  33 /* of a digest as text, with its end */
#define MANIFEST_NAME        "manifest.json"
#define MANIFEST_MAX         (16 * 1024 * 1024) /* bytes we are willing to read */

enum manifest_type { TYPE_AUTO, TYPE_MANUAL };
enum manifest_state { STATE_COMPLETE, STATE_SUSPECT };
enum manifest_topology { TOPOLOGY_STANDALONE, TOPOLOGY_CLUSTER };
enum manifest_via { VIA_PSYNC, VIA_SCAN };
enum manifest_point { POINT_YES, POINT_NO };
/* Are all shards of one point in time, as a write pause makes them? */
enum manifest_consistent { CONSISTENT_NO, CONSISTENT_YES };
enum manifest_crc { CRC_GOOD, CRC_UNVERIFIED };

/* The bytes in the store. */
struct manifest_object {
	char *name; /* below the backup's folder */
	uint64_t bytes;
	char *crc64_xz, *xxh3_128;
};

/* The RDB inside. */
struct manifest_rdb {
	uint64_t version;
	char *dialect; /* "redis", "valkey" */
	uint64_t bytes;
	int crc; /* enum manifest_crc */
	char *crc64, *xxh3_128;
};

/* Where it came from. */
struct manifest_source {
	char *url;           /* without password */
	char *run_id, *role; /* NULL: not told */
	int via;             /* enum manifest_via */
	int point;           /* enum manifest_point: one point in time? */
	char *replid;        /* NULL: not replicated */
	uint64_t offset;     /* replication offset of the snapshot, or 0 */
	int64_t begun;       /* when the snapshot was made; 0: not told */
};

struct manifest_db {
	uint64_t db, keys, expires;
};

struct manifest_slots {
	uint64_t first, last; /* both included */
};

struct manifest_shard {
	struct json_list slots; /* of struct manifest_slots */
	struct manifest_source source;
	struct manifest_object object;
	struct manifest_rdb rdb;
	uint64_t keys, expires, functions;
	struct json_list databases; /* of struct manifest_db */
	char *digest;               /* logical, see rdb-digest */
	char *digest_functions;
	char *verified; /* level: "frame" */
};

struct manifest {
	uint64_t format; /* MANIFEST_FORMAT, ... */
	char *id, *instance;
	int type, state, topology; /* the enums above */
	char *remark;              /* NULL: none */
	int64_t started, finished; /* moments */
	char *engine, *version;    /* "redis", "7.0.15" */
	uint64_t skew_ms;          /* from the first to the last snapshot */
	int consistent;            /* enum manifest_consistent */
	uint64_t pause_ms;         /* for how long writes were paused */
	char *sidecar, *sidecar_xxh3_128; /* an object; NULL: none */
	struct json_list shards; /* of struct manifest_shard, at least one */
	struct json_list chain;  /* of char *: the commands, without secrets */
	char *tool;              /* "rdbpipe 0.1.0" */
	int64_t expires;         /* moment; 0: never */
	bool hold;               /* held from the start; see hold.h */
};

/* Words for the enums above, as in the file. */
extern const char *const manifest_types[],
    *const manifest_states[], *const manifest_topologies[],
				  *const manifest_crcs[],
				      *const manifest_vias[],
					  *const manifest_points[];

/* The whole file, sealed, ending in a newline: owned by the caller. */
MUST_USE bool manifest_print(
    const struct manifest *, char **text, struct err *);

/* Read a whole file.  On failure (ERR_DATA) the manifest is all zero. */
MUST_USE bool manifest_read(
    struct manifest *, const char *text, size_t len, struct err *);

/* The same of one shard of a set, see worker.h: its slots need not be all. */
MUST_USE bool manifest_read_part(
    struct manifest *, const char *text, size_t len, struct err *);

void manifest_release(struct manifest *);

/* The format that says what m says. */
uint64_t manifest_format(const struct manifest *m);

/* From the first to the last snapshot, as the shards say, in ms. */
uint64_t manifest_skew(const struct manifest *);

/* Add the digest of more data, as 32 hex digits, to that in sum. */
void manifest_digest_add(char sum[MANIFEST_DIGEST_LEN], const char *more);

/* How deep all of it was verified when it was made; NULL: some was not. */
const char *manifest_verified(const struct manifest *);

/* Sums over the shards. */
struct manifest_total {
	uint64_t raw, stored, keys, expires, functions;
};
struct manifest_total manifest_total(const struct manifest *);

/* The logical digests of all shards, added: that of the whole data set. */
void manifest_digest(const struct manifest *, char text[MANIFEST_DIGEST_LEN]);

/* Shard number i.  i is less than m->shards.n. */
struct manifest_shard *manifest_shard(const struct manifest *, size_t i);

/* Free what one shard owns and zero it. */
void manifest_shard_release(struct manifest_shard *);

#endif
