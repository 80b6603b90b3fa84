/*
 * t_engine.c -- which server loads what.
 *
 * Goal of this test: names and versions find their row; files, types and opcodes
 * are told apart by version and dialect as the servers' sources have it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "rdb/engine.h"

static const struct rdb_engine *
find(const char *name)
{
	const struct rdb_engine *e = rdb_engine_find(name);

	assert_non_null(e);
	return e;
}

static void
test_names(void **unused)
{
	unsigned n = 0;

	(void)unused;
	for (; rdb_engine_names[n] != NULL; n++) {
		assert_string_equal(
		    rdb_engine_at(n)->name, rdb_engine_names[n]);
		assert_ptr_equal(find(rdb_engine_names[n]), rdb_engine_at(n));
	}
	assert_null(rdb_engine_at(n));
	assert_null(rdb_engine_find("redis-9"));
	assert_null(rdb_engine_find("redis"));
	assert_null(rdb_engine_find(""));
	assert_int_equal(find("redis-8")->minor, 0);
	assert_int_equal(find("redis-8")->version, 12);
	assert_int_equal(find("valkey-8")->version, 11);
	assert_true(rdb_engine_dialect(find("valkey-9")));
	assert_false(rdb_engine_dialect(find("valkey-8.1")));
	assert_false(rdb_engine_dialect(find("redis-8.8")));
}

static void
test_by_version(void **unused)
{
	static const struct {
		bool valkey;
		unsigned major, minor;
		const char *name;
	} rows[] = {
		{ false, 2, 6, NULL },
		{ false, 2, 8, "redis-2.8" },
		{ false, 6, 0, "redis-6.0" },
		{ false, 6, 2, "redis-6.2" },
		{ false, 7, 1, "redis-7.0" },
		{ false, 7, 4, "redis-7.4" },
		{ false, 8, 1, "redis-8.0" },
		{ false, 8, 7, "redis-8.6" },
		{ false, 8, 10, "redis-8.8" },
		{ false, 10, 0, "redis-8.8" },
		{ true, 7, 1, NULL },
		{ true, 8, 1, "valkey-8.1" },
		{ true, 8, 9, "valkey-8.1" },
		{ true, 9, 0, "valkey-9.0" },
		{ true, 9, 5, "valkey-9.1" },
	};

	(void)unused;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		const struct rdb_engine *e =
		    rdb_engine_of(rows[i].valkey, rows[i].major, rows[i].minor);

		if (rows[i].name == NULL)
			assert_null(e);
		else
			assert_string_equal(e->name, rows[i].name);
	}
}

static void
test_files(void **unused)
{
	static const struct {
		const char *name;
		int version;
		bool valkey, strict, relaxed;
	} rows[] = {
		{ "redis-6.0", 1, false, true, true },
		{ "redis-6.0", 9, false, true, true },
		{ "redis-6.0", 10, false, false, false },
		{ "redis-6.0", 0, false, false, false },
		{ "redis-8.0", 12, false, true, true },
		{ "redis-8.0", 80, true, false, false },
		{ "redis-8.0", 80, false, false, false },
		{ "redis-8.8", 14, false, true, true },
		{ "valkey-8.0", 11, false, true, true },
		{ "valkey-8.0", 12, false, false, false },
		{ "valkey-8.1", 12, false, false, true },
		{ "valkey-8.1", 80, true, false, true },
		{ "valkey-9", 11, false, true, true },
		{ "valkey-9", 12, false, false, true },
		{ "valkey-9", 14, false, false, true },
		{ "valkey-9", 80, true, true, true },
		{ "valkey-9", 80, false, false, false },
		{ "valkey-9", 11, true, false, false },
		{ "valkey-9", 81, true, false, true },
	};

	(void)unused;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		const struct rdb_engine *e = find(rows[i].name);

		if (rdb_engine_reads(e, rows[i].version, rows[i].valkey,
			false) != rows[i].strict ||
		    rdb_engine_reads(e, rows[i].version, rows[i].valkey,
			true) != rows[i].relaxed)
			fail_msg("%s and version %d", e->name, rows[i].version);
	}
}

/* Types by number that an engine loads of a dialect, as a set of bits. */
static uint64_t
types(const char *name, bool valkey)
{
	uint64_t set = 0;

	for (unsigned i = 0; i < 64; i++)
		if (rdb_engine_loads(find(name), i, valkey))
			set |= UINT64_C(1) << i;
	return set;
}

/* All up to n but those that never were. */
static uint64_t
up_to(unsigned n)
{
	return ((UINT64_C(2) << n) - 1) & ~(UINT64_C(1) << 6 | 1 << 8);
}

static void
test_types(void **unused)
{
	const uint64_t of_40 = UINT64_C(1) << 5 | 1 << 7;

	(void)unused;
	assert_int_equal(types("redis-2.8", false), up_to(13) & ~of_40);
	assert_int_equal(types("redis-3.2", false), up_to(14) & ~of_40);
	assert_int_equal(types("redis-4.0", false), up_to(14));
	assert_int_equal(types("redis-5.0", false), up_to(15));
	assert_int_equal(types("redis-6.2", false), up_to(15));
	assert_int_equal(types("redis-7.0", false), up_to(19));
	assert_int_equal(types("redis-7.2", false), up_to(21));
	assert_int_equal(types("redis-7.4", false), up_to(25));
	assert_int_equal(types("redis-8.4", false), up_to(25));
	assert_int_equal(types("redis-8.6", false), up_to(26));
	assert_int_equal(types("redis-8.8", false), up_to(28));
	assert_int_equal(types("redis-8.8", true), up_to(21));
	assert_int_equal(types("valkey-7.2", false), up_to(21));
	assert_int_equal(types("valkey-8.1", true), up_to(21));
	assert_int_equal(types("valkey-9", false), up_to(21));
	assert_int_equal(types("valkey-9", true), up_to(22));
	assert_false(rdb_engine_loads(find("redis-8.8"), 1000, false));
}

static void
test_opcodes(void **unused)
{
	static const struct {
		const char *name;
		unsigned opcode;
		bool valkey, takes;
	} rows[] = {
		{ "redis-2.8", 250, false, false },
		{ "redis-2.8", 251, false, false },
		{ "redis-2.8", 252, false, true },
		{ "redis-2.8", 253, false, true },
		{ "redis-3.2", 250, false, true },
		{ "redis-4.0", 248, false, false },
		{ "redis-4.0", 247, false, false },
		{ "redis-5.0", 249, false, true },
		{ "redis-6.2", 245, false, false },
		{ "redis-7.0", 245, false, true },
		{ "redis-7.0", 246, false, false },
		{ "redis-7.2", 244, false, false },
		{ "redis-7.4", 244, false, true },
		{ "valkey-9", 244, false, false },
		{ "redis-8.4", 243, false, false },
		{ "redis-8.6", 243, false, true },
		{ "redis-8.6", 243, true, false },
		{ "valkey-9", 243, true, true },
		{ "valkey-9", 243, false, false },
		{ "valkey-8.1", 243, true, false },
		{ "valkey-9", 245, false, true },
		{ "redis-8.8", 107, false, false },
		{ "redis-8.8", 121, false, false },
		{ "redis-8.8", 242, false, false },
		{ "redis-8.8", 28, false, false }, /* a type */
		{ "redis-8.8", 256, false, false },
	};

	(void)unused;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		if (rdb_engine_takes(find(rows[i].name), rows[i].opcode,
			rows[i].valkey) != rows[i].takes)
			fail_msg(
			    "%s and opcode %u", rows[i].name, rows[i].opcode);
}

static void
test_modules(void **unused)
{
	/* RedisJSON, encoding version 3; vector sets, 1. */
	const uint64_t json = UINT64_C(0x45e25238df912c03);
	uint64_t vectors = 0;
	char name[RDB_MODULE_NAME];

	(void)unused;
	assert_string_equal(rdb_module_name(json, name), "ReJSON-RL");
	for (const char *c = "vectorset"; *c != '\0'; c++)
		vectors = vectors << 6 | (unsigned)(*c - 'a' + 26);
	vectors = vectors << 10 | 1;
	assert_string_equal(rdb_module_name(vectors, name), "vectorset");
	assert_true(rdb_engine_lacks(find("redis-7.4"), vectors));
	assert_true(rdb_engine_lacks(find("valkey-9"), vectors));
	assert_false(rdb_engine_lacks(find("redis-8.0"), vectors));
	assert_false(rdb_engine_lacks(find("valkey-9"), json));
	assert_true(rdb_engine_has(find("redis-8.0"), vectors));
	assert_false(rdb_engine_has(find("redis-7.4"), vectors));
	assert_false(rdb_engine_has(find("valkey-9"), vectors));
	assert_false(rdb_engine_has(find("redis-8.0"), json));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_by_version),
		cmocka_unit_test(test_files),
		cmocka_unit_test(test_types),
		cmocka_unit_test(test_opcodes),
		cmocka_unit_test(test_modules),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
