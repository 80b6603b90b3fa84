/*
 * net.h -- how this program reaches stores over a network.
 *
 * One per program, set by options before the first store_open; all zero is
 * the plain way.  Directories take no notice.
 */
#ifndef STORE_NET_H
#define STORE_NET_H

#include "stages/kit/opt.h"

struct store_net {
	const char *ca;           /* file of trusted authorities; else the
				     environment's RDBPIPE_STORE_CA */
	const char *customer_key; /* file with a key of our own (SSE-C): 32
				     bytes, or 64 hex digits; else the
				     environment's RDBPIPE_STORE_KEY */
	int64_t parallel;         /* connections; 0: 4 */
	int64_t traffic_limit;    /* bit/s for each connection (COS) */
	int64_t range;            /* bytes read at a time; 0: 8 MiB */
	void (*warn)(const char *text); /* may be NULL */
};

extern struct store_net store_net;

extern const struct opt store_net_opts[];  /* for every program: --ca */
extern const struct opt store_data_opts[]; /* for those that move objects */
extern const struct opt store_key_opts[];  /* --customer-key, for those and
					      who signs addresses */

/* The file of SSE-C's key, as said or from the environment; NULL: none. */
const char *store_net_customer_key(void);

#endif
