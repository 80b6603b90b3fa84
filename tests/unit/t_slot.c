/*
 * t_slot.c -- the slots of keys.
 *
 * Goal of this test: CRC16 is the one of clusters, and hash tags mean what the
 * specification says, byte for byte.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "rdb/slot.h"
#include "stages/kit/cc.h"

/* What CLUSTER KEYSLOT of Redis 7.0 says. */
static void
as_servers_have_them(void **state)
{
	static const struct {
		const char *key;
		unsigned slot;
	} rows[] = {
		{ "", 0 },
		{ "123456789", 0x31c3 },
		{ "foo", 12182 },
		{ "bar", 5061 },
		{ "\xff\x80\n", 13745 },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++)
		assert_int_equal(
		    rdb_slot(rows[i].key, strlen(rows[i].key)), rows[i].slot);
	assert_int_equal(rdb_slot(NULL, 0), 0);
}

static void
hash_tags(void **state)
{
	static const struct {
		const char *key, *tag;
	} rows[] = {
		{ "{user1000}.following", "user1000" },
		{ "foo{bar}{zap}", "bar" },
		{ "foo{{bar}}zap", "{bar" },
		{ "a}b{c}", "c" },
		/* The whole key: */
		{ "foo{}{bar}", NULL },
		{ "{}", NULL },
		{ "foo{bar", NULL },
		{ "{", NULL },
		{ "foo}bar{", NULL },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		const char *key = rows[i].key, *tag = rows[i].tag;
		unsigned slot = rdb_slot(key, strlen(key));

		if (tag != NULL)
			assert_int_equal(slot, rdb_slot(tag, strlen(tag)));
		else
			assert_int_not_equal(slot, rdb_slot("bar", 3));
	}
	/* A tag that is empty is none, and then there is no other one. */
	assert_int_equal(rdb_slot("foo{}{bar}", 10), 8363);
	assert_int_equal(rdb_slot("{user1000}.following", 20), 3443);
	/* What is behind the end of the key does not count. */
	assert_int_equal(rdb_slot("foo{bar}", 3), 12182);
	assert_int_equal(rdb_slot("{foo}", 4), 13308);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(as_servers_have_them),
		cmocka_unit_test(hash_tags),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
