/* net.c -- see net.h. */
#include "stages/store/net.h"

#include <stdlib.h>

#include "stages/store/crew.h"

struct store_net store_net;

const struct opt store_net_opts[] = {
	{ OPT_TEXT, 0, "ca", &store_net.ca, "FILE",
	    "trust the certificates in FILE", 0, 0, NULL, NULL },
	OPT_TABLE_END,
};

const struct opt store_data_opts[] = {
	{ OPT_INT, 0, "parallel", &store_net.parallel, "N",
	    "connections at a time, 1 to 32 (default 4)", 1, CREW_THREADS_MAX,
	    NULL, NULL },
	{ OPT_INT, 0, "traffic-limit", &store_net.traffic_limit, "BITS",
	    "COS: bits a second for each connection", 819200, 838860800, NULL,
	    NULL },
	OPT_TABLE_END,
};

const struct opt store_key_opts[] = {
	{ OPT_TEXT, 0, "customer-key", &store_net.customer_key, "FILE",
	    "a key of your own encrypts the object (SSE-C)", 0, 0, NULL, NULL },
	OPT_TABLE_END,
};

const char *
store_net_customer_key(void)
{
	const char *file = store_net.customer_key;

	if (file == NULL)
		file = getenv("RDBPIPE_STORE_KEY");
	return file != NULL && *file != '\0' ? file : NULL;
}
