/*
 * cos-url.c -- addresses to download objects at, without credentials.
 *
 * Signed here, without a request: whether the object is there shows when
 * somebody reads it.  Whoever has such an address can read the object until it
 * expires.
 */
#include <stdio.h>
#include <stdlib.h>

#include "stages/kit/stage.h"
#include "stages/store/store.h"

static bool internal, curl;
static int64_t expires = (int64_t)6 * 60 * 60 * 1000;

static const struct opt opts[] = {
	{ OPT_TIME, 0, "expires", &expires, "TIME",
	    "how long it is good (default 6h)", 1000,
	    (int64_t)365 * 24 * 60 * 60 * 1000, NULL, NULL },
	{ OPT_FLAG, 0, "private", &internal, NULL,
	    "the name that is only found inside the region", 0, 0, NULL, NULL },
	{ OPT_FLAG, 0, "curl", &curl, NULL, "print a command line for curl", 0,
	    0, NULL, NULL },
	OPT_TABLE_END,
};

/* In quotes for sh; an address has none itself, for it is encoded. */
static void
address_print(const char *address, const char *key)
{
	if (!curl) {
		printf("%s\n", address);
		return;
	}
	printf("curl --fail --output '");
	for (; *key != '\0'; key++)
		if (*key == '\'')
			printf("'\\''");
		else
			putchar(*key);
	printf("' '%s'\n", address);
}

static bool
object_sign(const char *url, struct err *e)
{
	struct store_address how = { expires / 1000, internal, "" };
	struct store *store;
	const char *key;
	char *address;

	if (!store_open_object(&store, &key, url, e))
		return false;
	address = store_address(store, key, &how, e);
	if (address != NULL)
		address_print(address, key);
	if (address != NULL && internal)
		stage_say(
		    "%s: this address is found in %s only", url, how.region);
	store_close(store);
	free(address);
	return address != NULL;
}

static bool
sign_all(const struct operands *args, struct facts *facts, struct err *e)
{
	(void)facts;
	for (int i = 0; i < args->n; i++)
		if (!object_sign(args->v[i], e))
			return false;
	return !ferror(stdout) || err_sys(e, "cannot write standard output");
}

static const char *const notes[] = {
	"URL: cos://BUCKET-APPID/KEY?region=REGION, "
	"s3://BUCKET/KEY?region=REGION",
	"(or endpoint=URL).",
	"",
	"Whoever has the address can read the object until it expires.  Made "
	"with",
	"a temporary key, it expires with that key.  Nothing is asked of the",
	"store, so the object need not be there.",
	NULL,
};

const struct stage stage = {
	.name = "cos-url",
	.brief = "print addresses to download objects at",
	.operands = "URL...",
	.operands_min = 1,
	.operands_max = -1,
	.notes = notes,
	.opts = opts,
	.act = sign_all,
};
