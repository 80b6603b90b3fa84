/* t_metrics.c -- the file for Prometheus: labels are escaped, numbers exact,
 * and a file that cannot be replaced stays as it is. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka wants the four above */
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "pipeline/metrics.h"

#define NOW INT64_C(1700000100500)

static const struct history one = {
	.instance = "a\"b\\c\nd",
	.id = "20231114T221320Z-auto",
	.started = INT64_C(1700000000000),
	.finished = INT64_C(1700000000250),
	.raw = UINT64_C(9007199254740992), /* 2^53 */
	.stored = 12,
	.verified = "frame",
	.count = { 3, 0, 1, 0, 2 },
};

static const struct history none = { .instance = "none" };

/* What is in a file, NUL-terminated. */
static char *
file_text(const char *path)
{
	static char text[16384];
	FILE *f = fopen(path, "r");
	size_t n;

	assert_non_null(f);
	n = fread(text, 1, sizeof text - 1, f);
	text[n] = '\0';
	fclose(f);
	return text;
}

static void
test_text(void **state)
{
	static const char *const lines[] = {
		"rdbpipe_last_success_timestamp_seconds{instance="
		"\"a\\\"b\\\\c\\nd\"} 1700000000.250\n",
		"rdbpipe_backup_age_seconds{instance=\"a\\\"b\\\\c\\nd\"} "
		"100.500\n",
		"rdbpipe_backup_raw_bytes{instance=\"a\\\"b\\\\c\\nd\"} "
		"9007199254740992\n",
		"rdbpipe_backup_verified{instance=\"a\\\"b\\\\c\\nd\"} 1\n",
		",state=\"broken\"} 1\n",
		",state=\"failed\"} 2\n",
		"rdbpipe_backups{instance=\"none\",state=\"complete\"} 0\n",
		"\nrdbpipe_written_timestamp_seconds 1700000100.500\n",
	};
	struct metrics m = { 0 };
	struct err e;
	char *text;

	(void)state;
	assert_true(metrics_add_history(&m, &one, &e));
	assert_true(metrics_add_history(&m, &none, &e));
	assert_true(metrics_write(&m, "m.prom", NOW, &e));
	text = file_text("m.prom");
	for (size_t i = 0; i < COUNT_OF(lines); i++)
		if (strstr(text, lines[i]) == NULL)
			fail_msg("no %s in %s", lines[i], text);
	assert_null(strstr(text, "age_seconds{instance=\"none\"}"));
	metrics_release(&m);
	unlink("m.prom");
}

static void
test_not_replaced(void **state)
{
	struct metrics m = { 0 };
	struct err e = { 0 };

	(void)state;
	/* The name of a directory: the rename fails, nothing stays. */
	assert_int_equal(system("mkdir d"), 0);
	assert_false(metrics_write(&m, "d", NOW, &e));
	assert_int_equal(e.kind, ERR_SYSTEM);
	assert_non_null(strstr(e.text, "cannot write d"));
	assert_int_equal(system("rmdir d && test -z \"$(ls d.* 2>&1 | "
				"grep -v cannot)\""),
	    0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_text),
		cmocka_unit_test(test_not_replaced),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
