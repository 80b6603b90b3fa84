/*
 * cos-url.c -- addresses to download objects at, without credentials.
 *
 * Signed here, without a request: whether the object is there shows when
 * somebody reads it.  Whoever has such an address can read the object until it
 * expires.
 */
#include <stdio.h>
#include <stdlib.h>

#include "stages/kit/clock.h"
#include "stages/kit/facts.h"
#include "stages/kit/stage.h"
#include "stages/store/net.h"
#include "stages/store/store.h"

static bool internal, curl;
static int64_t expires = (int64_t)6 * 60 * 60 * 1000;
static bool key_ends; /* with a temporary key */
static int64_t first_end = INT64_MAX, first_key_end = INT64_MAX; /* s */

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

/* What somebody who passes the address on should know. */
static void
address_notes(const char *url, const struct store_address *how)
{
	char note[STORE_ADDRESS_NOTE];

	if (how->internal)
		stage_say(
		    "%s: this address is found in %s only", url, how->region);
	if (store_address_note(how, note))
		stage_warn("%s: %s", url, note);
}

/* Remember the first end of all addresses, and of the keys they end with. */
static void
address_note_end(const struct store_address *how)
{
	int64_t end = clock_wall() / 1000 + how->seconds;

	if (end < first_end)
		first_end = end;
	key_ends = key_ends || how->key_ends;
	if (how->key_ends && how->key_end < first_key_end)
		first_key_end = how->key_end;
}

static void
ends_tell(struct facts *facts)
{
	if (first_key_end < first_end)
		first_end = first_key_end;
	facts_count(facts, "expires", (uint64_t)first_end);
	if (key_ends && first_key_end != INT64_MAX)
		facts_count(facts, "key-expires", (uint64_t)first_key_end);
	else if (key_ends)
		facts_text(facts, "key-expires", "unknown");
}

static bool
object_sign(const char *url, struct err *e)
{
	struct store_address how = { .seconds = expires / 1000,
		.internal = internal };
	struct store *store;
	const char *key;
	char *address;

	if (!store_open_object(&store, &key, url, e))
		return false;
	address = store_address(store, key, &how, e);
	if (address != NULL) {
		address_print(address, key);
		address_notes(url, &how);
		address_note_end(&how);
	}
	store_close(store);
	free(address);
	return address != NULL;
}

static bool
url_check(const struct operands *args, struct err *e)
{
	(void)args;
	return !curl || store_net_customer_key() == NULL ||
	    err_set(e, ERR_USAGE,
		"--curl: with a customer's key its line would hold that key");
}

static bool
sign_all(const struct operands *args, struct facts *facts, struct err *e)
{
	for (int i = 0; i < args->n; i++)
		if (!object_sign(args->v[i], e))
			return false;
	ends_tell(facts);
	return !ferror(stdout) || err_sys(e, "cannot write standard output");
}

static const char *const notes[] = {
	"URL: cos://BUCKET-APPID/KEY?region=REGION, "
	"s3://BUCKET/KEY?region=REGION",
	"(or endpoint=URL).",
	"",
	"Whoever has the address can read the object until it expires.  Made "
	"with",
	"a temporary key, it expires with that key at the latest, of which you",
	"are warned.  With --customer-key the reader must send that key's "
	"three",
	"headers.  Nothing is asked of the store, so the object need not be "
	"there.",
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
	.more = { store_key_opts },
	.check = url_check,
	.act = sign_all,
};
