/*
 * Goal: what a manifest says comes back as it was, whatever the values; a
 * manifest with any byte changed, cut or added is refused; and every wrong
 * field is refused with words that name it, even under a right seal.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "pipeline/ident.h"
#include "pipeline/manifest.h"
#include "pipeline/moment.h"
#include "stages/kit/clock.h"
#include "rdb/hash128.h"

#define HEX16 "0123456789abcdef"
#define HEX32 HEX16 HEX16

/* A manifest in which everything that may be set is set. */
static const char body[] =
    "{\n"
    "  \"format\": 1,\n"
    "  \"id\": \"20261122T020311Z-manual\",\n"
    "  \"instance\": \"cache-1\",\n"
    "  \"type\": \"manual\",\n"
    "  \"remark\": \"before the move, \\\"quoted\\\" \u00e4\\n\",\n"
    "  \"state\": \"complete\",\n"
    "  \"started\": \"2026-11-22T02:03:11.123Z\",\n"
    "  \"finished\": \"2026-11-22T02:04:00.000Z\",\n"
    "  \"engine\": \"redis\",\n"
    "  \"version\": \"7.0.15\",\n"
    "  \"topology\": \"standalone\",\n"
    "  \"shards\": [\n"
    "    {\n"
    "      \"slots\": [\n"
    "        {\n"
    "          \"first\": 0,\n"
    "          \"last\": 16383\n"
    "        }\n"
    "      ],\n"
    "      \"source\": {\n"
    "        \"url\": \"redis://127.0.0.1:6379\",\n"
    "        \"run-id\": null,\n"
    "        \"role\": \"master\",\n"
    "        \"replid\": \"" HEX32 "00000000\",\n"
    "        \"offset\": 9223372036854775807\n"
    "      },\n"
    "      \"object\": {\n"
    "        \"name\": \"shard-0000.rdb.zst\",\n"
    "        \"bytes\": 9007199254740993,\n"
    "        \"crc64-xz\": \"" HEX16 "\",\n"
    "        \"xxh3-128\": \"" HEX32 "\"\n"
    "      },\n"
    "      \"rdb\": {\n"
    "        \"version\": 10,\n"
    "        \"dialect\": \"redis\",\n"
    "        \"bytes\": 123456,\n"
    "        \"crc\": \"unverified\",\n"
    "        \"crc64\": \"" HEX16 "\",\n"
    "        \"xxh3-128\": \"" HEX32 "\"\n"
    "      },\n"
    "      \"keys\": 7,\n"
    "      \"expires\": 2,\n"
    "      \"functions\": 1,\n"
    "      \"databases\": [\n"
    "        {\n"
    "          \"db\": 0,\n"
    "          \"keys\": 4,\n"
    "          \"expires\": 2\n"
    "        },\n"
    "        {\n"
    "          \"db\": 15,\n"
    "          \"keys\": 3,\n"
    "          \"expires\": 0\n"
    "        }\n"
    "      ],\n"
    "      \"digest\": \"" HEX32 "\",\n"
    "      \"digest-functions\": \"" HEX32 "\",\n"
    "      \"verified\": \"frame\"\n"
    "    }\n"
    "  ],\n"
    "  \"chain\": [\n"
    "    \"rdb-capture redis://127.0.0.1:6379\",\n"
    "    \"cos-put 'it''s here'\"\n"
    "  ],\n"
    "  \"tool\": \"rdbpipe 0.1.0\",\n"
    "  \"expires\": \"2026-12-22T00:00:00.000Z\",\n"
    "  \"hold\": true,\n";

/* The seal as anybody can make it, from the description in manifest.h. */
static char *
sealed(const char *text)
{
	uint8_t sum[HASH128_LEN];
	char hex[2 * HASH128_LEN + 1], *all;

	hash128_put(hash128_of(text, strlen(text)), sum);
	for (size_t i = 0; i < sizeof sum; i++)
		snprintf(hex + 2 * i, 3, "%02x", sum[i]);
	assert_true(asprintf(&all, "%s  \"checksum\": \"xxh3-128:%s\"\n}\n",
			text, hex) > 0);
	return all;
}

static void
test_round_trip(void **unused)
{
	struct manifest m;
	struct err e = { 0 };
	char *text = sealed(body), *back;

	(void)unused;
	if (!manifest_read(&m, text, strlen(text), &e))
		fail_msg("%s", e.text);
	assert_true(manifest_shard(&m, 0)->source.offset == INT64_MAX);
	assert_true(manifest_shard(&m, 0)->object.bytes == 9007199254740993ULL);
	assert_int_equal(m.finished - m.started, 48877);
	assert_true(m.hold);
	assert_null(manifest_shard(&m, 0)->source.run_id);
	assert_true(manifest_print(&m, &back, &e));
	assert_string_equal(back, text);
	free(back);
	free(text);
	manifest_release(&m);
}

/* Every byte, changed by every bit and to some others: never accepted. */
static void
test_every_byte(void **unused)
{
	char *text = sealed(body);
	size_t len = strlen(text);
	struct manifest m;
	struct err e;

	(void)unused;
	for (size_t i = 0; i < len; i++) {
		const char was = text[i];
		const char to[] = { '\t', ' ', '\n', '0', '}', '\0', 'a', 'A' };

		for (size_t k = 0; k < 8 + sizeof to; k++) {
			text[i] = (char)(k < 8 ? was ^ 1 << k : to[k - 8]);
			if (text[i] != was && manifest_read(&m, text, len, &e))
				fail_msg("byte %zu: %02x taken for %02x", i,
				    text[i] & 0xff, was & 0xff);
		}
		text[i] = was;
	}
	free(text);
}

static void
test_every_cut(void **unused)
{
	char *text = sealed(body), *longer;
	size_t len = strlen(text);
	struct manifest m;
	struct err e;

	(void)unused;
	for (size_t i = 0; i < len; i++) {
		char *cut = malloc(i + 1); /* so that ASan sees its end */

		memcpy(cut, text, i);
		assert_false(manifest_read(&m, cut, i, &e));
		assert_int_equal(e.kind, ERR_DATA);
		free(cut);
	}
	assert_true(asprintf(&longer, "%s\n", text) > 0);
	assert_false(manifest_read(&m, longer, len + 1, &e));
	assert_string_equal(
	    e.text, "checksum is missing from the end of the file");
	free(longer);
	free(text);
}

/* {what to break, with what, what must be said}; the seal is made right. */
static const struct {
	const char *from, *to, *say;
} mutations[] = {
	{ "\"format\": 1", "\"format\": 4",
	    "format is 4, this program reads 1 to 3" },
	{ "\"shards\": [", "\"skew-ms\": 0, \"shards\": [",
	    "skew-ms says what goes without saying" },
	{ "\"shards\": [", "\"skew-ms\": 5, \"shards\": [",
	    "there is what format 1 does not know" },
	{ "\"shards\": [", "\"sidecar\": \"sidecar.json\", \"shards\": [",
	    "there is what format 1 does not know" },
	{ "\"replid\"", "\"via\": \"scan\", \"replid\"",
	    "shards[0].source is of a way that format 1 does not know" },
	{ "\"replid\"", "\"point-in-time\": \"no\", \"replid\"",
	    "shards[0].source is of a way that format 1 does not know" },
	{ "\"replid\"", "\"via\": \"psync\", \"replid\"",
	    "shards[0].source.via says what goes without saying" },
	{ "\"replid\"", "\"via\": \"copy\", \"replid\"",
	    "shards[0].source.via is \"copy\", a word we do not know" },
	{ "\"replid\": \"" HEX32 "00000000\"", "\"replid\": null",
	    "shards[0].source.replid does not go with via psync" },
	{ "\"format\": 1", "\"format\": 1.0",
	    "format is not a whole number from 0" },
	{ "\"format\": 1", "\"format\": -1",
	    "format is not a whole number from 0" },
	{ "\"format\": 1", "\"format\": \"1\"",
	    "format is not a whole number from 0" },
	{ "\"format\": 1", "\"format\": 99999999999999999999",
	    "not JSON: line 2, " },
	{ "  \"format\": 1,\n", "", "format is missing" },
	{ "\"format\": 1,", "\"format\": 1, \"format\": 1,",
	    "not JSON: line 2, " },
	{ "\"hold\": true", "\"hold\": true, \"hidden\": 1",
	    "unknown field \"hidden\"" },
	{ "\"hold\": true", "\"hold\": 1", "hold is not true or false" },
	{ "\"hold\": true", "\"hold\": null", "hold is not true or false" },
	{ "20261122T020311Z-manual", "20261122T020311Z-maybe",
	    "id is no backup id" },
	{ "20261122T020311Z-manual", "20261131T020311Z-manual",
	    "id is no backup id" },
	{ "\"cache-1\"", "\"../cache\"", "instance is no instance name" },
	{ "\"cache-1\"", "17", "instance is not a text" },
	{ "\"type\": \"manual\"", "\"type\": \"man\\u001bual\"",
	    "type is \"man\\x1bual\", a word we do not know" },
	{ "\"type\": \"manual\"", "\"type\": []", "type is not a text" },
	{ "\"state\": \"complete\"", "\"state\": \"\"",
	    "state is \"\", a word we do not know" },
	{ "02:03:11.123Z", "02:03:61.123Z", "started is not a UTC time" },
	{ "02:03:11.123Z", "02:03:11Z", "started is not a UTC time" },
	{ "02:03:11.123Z", "02:03:11.123+", "started is not a UTC time" },
	{ "\"2026-11-22T02:03:11.123Z\"", "1", "started is not a UTC time" },
	{ "\"2026-11-22T02:03:11.123Z\"", "null", "started is not a UTC time" },
	{ "\"2026-11-22T02:04:00.000Z\"", "\"2026-11-22T02:00:00.000Z\"",
	    "finished is before started" },
	{ "\"topology\": \"standalone\"", "\"topology\": \"ring\"",
	    "topology is \"ring\", a word we do not know" },
	{ "\"last\": 16383", "\"last\": 16384",
	    "shards[0].slots[0] is no range of slots" },
	{ "\"last\": 16383", "\"last\": true",
	    "shards[0].slots[0].last is not a whole number from 0" },
	{ "\"first\": 0,", "", "shards[0].slots[0].first is missing" },
	{ "\"databases\": [", "\"databases\": 1, \"more\": [",
	    "shards[0].databases is not a list" },
	{ "\"url\": \"redis://127.0.0.1:6379\",", "",
	    "shards[0].source.url is missing" },
	{ "\"url\": \"redis://127.0.0.1:6379\"", "\"url\": null",
	    "shards[0].source.url is not a text" },
	{ "\"offset\": 9223372036854775807",
	    "\"offset\": 1, \"password\": \"x\"",
	    "shards[0].source: unknown field \"password\"" },
	{ "\"name\": \"shard-0000.rdb.zst\"", "\"name\": \"../../etc\"",
	    "shards[0].object.name is no object name" },
	{ "\"crc64-xz\": \"0", "\"crc64-xz\": \"",
	    "shards[0].object.crc64-xz is not 16 lower case hex digits" },
	{ "\"crc64-xz\": \"0123456789a", "\"crc64-xz\": \"0123456789A",
	    "shards[0].object.crc64-xz is not 16 lower case hex digits" },
	{ "\"crc\": \"unverified\"", "\"crc\": \"bad\"",
	    "shards[0].rdb.crc is \"bad\", a word we do not know" },
	{ "\"keys\": 7", "\"keys\": 8",
	    "shards[0].databases do not add up to its keys" },
	{ "\"digest\": \"0", "\"digest\": \"g",
	    "shards[0].digest is not 32 lower case hex digits" },
	{ "\"cos-put 'it''s here'\"", "{}", "chain[1] is not a text" },
	{ "\"chain\": [", "\"chain\": [[],", "chain[0] is not a text" },
	{ "\"shards\": [", "\"shards\": [1,", "shards[0] is not an object" },
	{ "\"tool\": \"rdbpipe 0.1.0\"", "\"tool\": \"a\\u0000b\"",
	    "not JSON: line 66, " },
	{ "\"expires\": \"2026-12-22T00:00:00.000Z\"", "\"expires\": \"soon\"",
	    "expires is not a UTC time" },
};

/* text with the first from replaced by to. */
static char *
changed(const char *text, const char *from, const char *to)
{
	const char *at = strstr(text, from);
	char *all;

	assert_non_null(at);
	assert_true(asprintf(&all, "%.*s%s%s", (int)(at - text), text, to,
			at + strlen(from)) > 0);
	return all;
}

static char *
mutated(const char *from, const char *to)
{
	return changed(body, from, to);
}

/* Format 2: a backup that was read key by key. */
static void
test_scanned(void **unused)
{
	char *two = mutated("\"format\": 1", "\"format\": 2");
	char *named = changed(two, "\"replid\": \"",
	    "\"via\": \"scan\",\n        \"point-in-time\": \"no\",\n"
	    "        \"replid\": \"");
	char *text = changed(named, "\"" HEX32 "00000000\"", "null");
	char *all = sealed(text), *back;
	struct manifest m;
	struct err e = { 0 };

	(void)unused;
	if (!manifest_read(&m, all, strlen(all), &e))
		fail_msg("%s", e.text);
	assert_int_equal(manifest_shard(&m, 0)->source.via, VIA_SCAN);
	assert_int_equal(manifest_shard(&m, 0)->source.point, POINT_NO);
	assert_null(manifest_shard(&m, 0)->source.replid);
	assert_true(manifest_print(&m, &back, &e));
	assert_string_equal(back, all);
	manifest_release(&m);
	free(back);
	free(all);
	all = sealed(named);
	assert_false(manifest_read(&m, all, strlen(all), &e));
	assert_string_equal(
	    e.text, "shards[0].source.replid does not go with via scan");
	free(all);
	free(text);
	free(named);
	free(two);
}

static void
test_mutations(void **unused)
{
	(void)unused;
	for (size_t i = 0; i < sizeof mutations / sizeof *mutations; i++) {
		char *text = mutated(mutations[i].from, mutations[i].to);
		char *all = sealed(text);
		struct manifest m;
		struct err e = { 0 };

		if (manifest_read(&m, all, strlen(all), &e))
			fail_msg("accepted: %s", mutations[i].say);
		assert_int_equal(e.kind, ERR_DATA);
		/* What the JSON library adds is its own. */
		if (strncmp(mutations[i].say, "not JSON", 8) == 0)
			e.text[strlen(mutations[i].say)] = '\0';
		assert_string_equal(e.text, mutations[i].say);
		assert_null(m.id);
		free(all);
		free(text);
	}
}

/* The shards of a set, and the rules about their number. */
static void
test_shards(void **unused)
{
	const char *shard = strstr(body, "    {\n      \"slots\"");
	const char *end = strstr(body, "  ],\n  \"chain\"");
	char *two, *none, *all;
	struct manifest m;
	struct err e = { 0 };

	(void)unused;
	assert_true(asprintf(&two, "%.*s,\n%s", (int)(end - body - 1), body,
			shard) > 0);
	all = sealed(two);
	assert_false(manifest_read(&m, all, strlen(all), &e));
	assert_string_equal(
	    e.text, "shards are 2, a standalone instance has 1");
	free(all);
	memcpy(strstr(two, "\"standalone\""), "\"cluster\"   ", 12);
	all = sealed(two);
	assert_true(manifest_read(&m, all, strlen(all), &e));
	assert_int_equal(m.shards.n, 2);
	assert_int_equal(manifest_total(&m).keys, 14);
	assert_int_equal(manifest_total(&m).raw, 2 * 123456);
	manifest_release(&m);
	free(all);
	assert_true(
	    asprintf(&none, "%.*s%s", (int)(shard - body), body, end) > 0);
	all = sealed(none);
	assert_false(manifest_read(&m, all, strlen(all), &e));
	assert_string_equal(e.text, "shards is empty");
	free(all);
	free(none);
	free(two);
}

static void
test_cannot_print(void **unused)
{
	struct manifest m = { 0 };
	struct err e = { 0 };
	char id[] = "20261122T020311Z-manual", *text;

	(void)unused;
	m.id = id; /* everything else is missing */
	assert_false(manifest_print(&m, &text, &e));
	assert_int_equal(e.kind, ERR_BUG);
	assert_string_equal(e.text,
	    "manifest of 20261122T020311Z-manual: a record cannot be written "
	    "as JSON");
	assert_null(text);
}

static void
test_moments(void **unused)
{
	static const char *const wrong[] = { "", "2026-02-29T00:00:00.000Z",
		"2026-01-01T24:00:00.000Z", "2026-01-01T00:00:60.000Z",
		"2026-01-01t00:00:00.000Z", "2026-01-01T00:00:00.000z",
		"+026-01-01T00:00:00.000Z", "2026-1-001T00:00:00.000Z",
		"1969-12-31T23:59:59.999Z", "2026-01-01T00:00:00.00Z",
		"2026-01-01T00:00:00.0000Z", " 026-01-01T00:00:00.000Z" };
	char text[MOMENT_LEN + 1], stamp[STAMP_LEN + 1];
	int64_t ms;

	(void)unused;
	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
		if (moment_read(wrong[i], &ms))
			fail_msg("accepted: %s", wrong[i]);
	assert_true(moment_read("2028-02-29T23:59:59.999Z", &ms));
	assert_true(ms == INT64_C(1835481599999));
	moment_print(ms, text);
	assert_string_equal(text, "2028-02-29T23:59:59.999Z");
	moment_stamp(ms, stamp);
	assert_string_equal(stamp, "20280229T235959Z");
	assert_true(moment_is_stamp(stamp));
	moment_print(INT64_C(253402300799999), text);
	assert_string_equal(text, "9999-12-31T23:59:59.999Z");
	moment_print(0, text);
	assert_true(moment_read(text, &ms) && ms == 0);
	assert_true(clock_wall() > INT64_C(1600000000000));
}

static void
test_names(void **unused)
{
	char longest[IDENT_MAX + 2];

	(void)unused;
	assert_true(ident_id_ok("20261122T020311Z-auto"));
	assert_true(ident_id_ok("20261122T020311Z-manual"));
	assert_false(ident_id_ok("20261122T020311Z"));
	assert_false(ident_id_ok("20261122T020311Z-manual2"));
	assert_false(ident_id_ok("20261122T020361Z-manual"));
	assert_false(ident_id_ok("20261122t020311Z-manual"));
	assert_false(ident_id_ok("lock"));
	assert_false(ident_id_ok(""));
	assert_true(ident_instance_ok("a"));
	assert_true(ident_instance_ok("Cache_1.prod-x"));
	assert_false(ident_instance_ok(""));
	assert_false(ident_instance_ok("."));
	assert_false(ident_instance_ok(".."));
	assert_false(ident_instance_ok("-x"));
	assert_false(ident_instance_ok("a/b"));
	assert_false(ident_instance_ok("a b"));
	assert_false(ident_instance_ok("\xc3\xa4"));
	memset(longest, 'x', sizeof longest);
	longest[IDENT_MAX + 1] = '\0';
	assert_false(ident_instance_ok(longest));
	longest[IDENT_MAX] = '\0';
	assert_true(ident_instance_ok(longest));
	assert_true(ident_object_ok("shard-0000.rdb.zst"));
	assert_false(ident_object_ok("a/../b"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_every_byte),
		cmocka_unit_test(test_every_cut),
		cmocka_unit_test(test_mutations),
		cmocka_unit_test(test_scanned),
		cmocka_unit_test(test_shards),
		cmocka_unit_test(test_cannot_print),
		cmocka_unit_test(test_moments),
		cmocka_unit_test(test_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
