/*
 * tencentdb.h -- the list and addresses as TencentDB for Redis gives them, for
 * scripts that read its DescribeInstanceBackups and DescribeBackupUrl (API
 * 2018-04-12).
 *
 *	BackupId, InstanceId, InstanceName	ours
 *	StartTime, EndTime, ExpireTime		"2026-11-22 02:03:11", UTC; or ""
 *	BackupType	"1" automatic, "0" manual: as that action has it, others
 *			of that service have it the other way round
 *	Status		2 normal, 1 not finished (being made, or given up),
 *			-1 expired, -2 not to be used: broken or suspect, for
 *			which the service has no number
 *	Locked		1: held
 *	BackupSize	bytes in the store
 *	FileType	"RDB-Redis 7.0"
 *	Region		of the store, where it has one
 *	FullBackup, InstanceType	0: the service's own, of no meaning here
 */
#ifndef PIPELINE_TENCENTDB_H
#define PIPELINE_TENCENTDB_H

#include "pipeline/catalogue.h"

struct tencentdb {
	char *region; /* borrowed */
	int64_t now;  /* what expired before is expired */
	uint64_t total;
	char *request; /* owned */
	struct json_list set;
};

/* Add one; no manifest: what is known is little. */
MUST_USE bool tencentdb_add(
    struct tencentdb *, const struct catalogue_entry *, struct err *);

MUST_USE bool tencentdb_print(struct tencentdb *, struct err *);
void tencentdb_release(struct tencentdb *);

/*
 * Addresses: BackupInfos [{FileName, FileSize, DownloadUrl, InnerDownloadUrl}]
 * and the lists DownloadUrl, InnerDownloadUrl and Filenames, which say the
 * same once more.
 */
struct tencentdb_urls {
	struct json_list infos;
	struct json_list urls, inner, names; /* of char * */
	char *request;                       /* owned */
};

/* inner: only found inside the store's region; "" where there is none. */
MUST_USE bool tencentdb_url_add(struct tencentdb_urls *, const char *name,
    uint64_t size, const char *url, const char *inner, struct err *);
MUST_USE bool tencentdb_urls_print(struct tencentdb_urls *, struct err *);
void tencentdb_urls_release(struct tencentdb_urls *);

#endif
