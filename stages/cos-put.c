/*
 * cos-put.c -- standard input into an object of a store.
 *
 * The object appears when the input has proven itself whole and is safe with
 * the store; before that, and after any failure, there is none.
 *
 * Memory: one chunk for a directory; for cos:// and s3:// see multipart.h.
 */
#include "stages/kit/stage.h"
#include "stages/store/multipart.h"
#include "stages/store/net.h"
#include "stages/store/store.h"

enum { LOCK_COMPLIANCE, LOCK_GOVERNANCE };

static const char *const encryptions[] = { "none", "store", "kms", NULL };
static const char *const lock_modes[] = { "compliance", "governance", NULL };

static bool exclusive, equal_parts;
static int64_t expect, part_size, max_parts, memory;
static int encrypt = CLOUD_SSE_NONE, lock_mode = LOCK_COMPLIANCE;
static const char *storage_class, *kms_key, *kms_context, *tags, *lock_until;

/* clang-format off */
static const struct opt opts[] = {
	{ OPT_FLAG, 0, "exclusive", &exclusive, NULL,
	    "fail if the object exists already", 0, 0, NULL, NULL },
	{ OPT_SIZE, 0, "expect", &expect, "SIZE",
	    "about this much will come: see to it that it fits", 0, 0, NULL,
	    NULL },
	{ OPT_SIZE, 0, "part-size", &part_size, "SIZE",
	    "of the first part, 1M to 5G (default 16M)", 1 << 20,
	    (int64_t)5 << 30, NULL, NULL },
	{ OPT_INT, 0, "max-parts", &max_parts, "N",
	    "parts the store takes (default 10000)", 1, 10000, NULL, NULL },
	{ OPT_FLAG, 0, "equal-parts", &equal_parts, NULL,
	    "parts do not grow; some stores want that", 0, 0, NULL, NULL },
	{ OPT_SIZE, 0, "memory", &memory, "SIZE",
	    "for parts, at least two (default 1G)", 1 << 20,
	    (int64_t)1 << 40, NULL, NULL },
	{ OPT_TEXT, 0, "storage-class", &storage_class, "CLASS",
	    "such as STANDARD_IA or ARCHIVE", 0, 0, NULL, NULL },
	{ OPT_CHOICE, 0, "encrypt", &encrypt, "BY",
	    "none, store (its own key), or kms", 0, 0, encryptions, NULL },
	{ OPT_TEXT, 0, "kms-key", &kms_key, "ID",
	    "the key for --encrypt kms", 0, 0, NULL, NULL },
	{ OPT_TEXT, 0, "kms-context", &kms_context, "TEXT",
	    "its context, JSON in base64", 0, 0, NULL, NULL },
	{ OPT_TEXT, 0, "tags", &tags, "TAGS",
	    "NAME=VALUE&NAME=VALUE, percent-encoded", 0, 0, NULL, NULL },
	{ OPT_TEXT, 0, "lock-until", &lock_until, "TIME",
	    "nobody may remove it before, as 2026-12-31T00:00:00.000Z", 0, 0,
	    NULL, NULL },
	{ OPT_CHOICE, 0, "lock-mode", &lock_mode, "MODE",
	    "compliance (default), or governance (S3)", 0, 0, lock_modes,
	    NULL },
	OPT_TABLE_END,
};
/* clang-format on */

/* What a directory would silently not do. */
static const char *
remote_only(void)
{
	const struct {
		const char *name;
		bool given;
	} all[] = {
		{ "--storage-class", storage_class != NULL },
		{ "--encrypt", encrypt != CLOUD_SSE_NONE },
		{ "--customer-key", store_net.customer_key != NULL },
		{ "--tags", tags != NULL },
		{ "--lock-until", lock_until != NULL },
		{ "--traffic-limit", store_net.traffic_limit != 0 },
	};

	for (size_t i = 0; i < COUNT_OF(all); i++)
		if (all[i].given)
			return all[i].name;
	return NULL;
}

static void
warn(const char *text)
{
	stage_warn("%s", text);
}

static bool
put_check(const struct operands *args, struct err *e)
{
	const char *option = remote_only();

	store_net.warn = warn;
	if (expect > 0)
		stage_expect = (uint64_t)expect;
	if (encrypt != CLOUD_SSE_KMS && (kms_key != NULL || kms_context))
		return err_set(e, ERR_USAGE,
		    "--kms-key and --kms-context want --encrypt kms");
	if (encrypt != CLOUD_SSE_NONE && store_net_customer_key() != NULL)
		return err_set(e, ERR_USAGE,
		    "--encrypt and --customer-key (or RDBPIPE_STORE_KEY) "
		    "exclude each other");
	if (option != NULL && !store_is_remote(args->v[0]))
		return err_set(e, ERR_USAGE,
		    "%s: %s is for cos:// and s3:// only", args->v[0], option);
	return true;
}

static struct sink *
put_open(const struct operands *args, struct err *e)
{
	static struct store *store; /* lives as long as the sink, to the end */
	static struct multipart_how parts; /* and so does this */
	const struct store_put how = { exclusive, (uint64_t)expect, &parts };
	const char *key;

	parts.object = (struct cloud_how){
		.storage_class = storage_class,
		.sse = (enum cloud_sse)encrypt,
		.kms_key = kms_key,
		.kms_context = kms_context,
		.tags = tags,
		.lock_until = lock_until,
	};
	if (lock_until != NULL)
		parts.object.lock_mode =
		    lock_mode == LOCK_COMPLIANCE ? "COMPLIANCE" : "GOVERNANCE";
	parts.schedule = (struct schedule_want){
		.part = (uint64_t)part_size,
		.parts = (unsigned)max_parts,
		.equal = equal_parts,
	};
	parts.memory = (uint64_t)memory;
	return store_open_object(&store, &key, args->v[0], e) ?
	    store_put(store, key, &how, e) :
	    NULL;
}

static const char *const notes[] = {
	"URL: cos://BUCKET-APPID/KEY?region=REGION, "
	"s3://BUCKET/KEY?region=REGION",
	"(or endpoint=URL), file:///path/name, or a path.  Directories that "
	"are",
	"missing are made (mode 0700, the object's is 0600).  An object of "
	"that",
	"name is replaced in one step, unless --exclusive.",
	"",
	"The input must prove itself whole: RDB and zstd can.  For anything",
	"else, also for nothing at all, somebody must say --trust-eof.",
	NULL,
};

const struct stage stage = {
	.name = "cos-put",
	.brief = "put standard input into a store",
	.operands = "URL",
	.operands_min = 1,
	.operands_max = 1,
	.notes = notes,
	.opts = opts,
	.more = { store_data_opts, store_key_opts, store_net_opts },
	.proof = true,
	.check = put_check,
	.sink = put_open,
};
