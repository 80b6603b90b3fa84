/*
 * slot.h -- the slot of a cluster that a key belongs to.
 *
 * CRC16 (XMODEM: polynomial 0x1021, begins as 0, not reflected; "123456789":
 * 0x31c3) of the key modulo 16384; of what stands between the first '{' and the
 * first '}' behind it, when that is not empty.  Source: the Redis Cluster
 * specification, "Hash tags"; src/cluster.h, keyHashSlot.
 */
#ifndef RDB_SLOT_H
#define RDB_SLOT_H

#include <stddef.h>

#define RDB_SLOTS 16384

unsigned rdb_slot(const void *key, size_t len);

#endif
