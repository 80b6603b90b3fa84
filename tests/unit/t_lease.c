/*
 * Goal: of many who want a lease one gets it; one that is alive is not taken,
 * one that is dead is, by one; and whoever lost his is told so before he
 * publishes.  Over a directory, whose clock is that of its files: time passes
 * by setting their times back.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "pipeline/lease.h"
#include "pipeline/say.h"

#define LASTS 60000

static char folder[] = "lease-XXXXXX";
static struct store *store;

static int
begin(void **state)
{
	struct err e;

	(void)state;
	say_quiet = true;
	strcpy(folder, "lease-XXXXXX");
	if (mkdtemp(folder) == NULL)
		return -1;
	return store_open(&store, folder, &e) ? 0 : -1;
}

static int
end(void **state)
{
	char command[100];

	(void)state;
	store_close(store);
	snprintf(command, sizeof command, "rm -rf '%s'", folder);
	return system(command) == 0 ? 0 : -1;
}

/* --- looking at the files --- */

static char *
path_of(unsigned number)
{
	static char path[100];

	snprintf(path, sizeof path, "%s/i/lock-%08u", folder, number);
	return path;
}

static bool
exists(unsigned number)
{
	return access(path_of(number), F_OK) == 0;
}

/* As if it had last been written so long ago. */
static void
age(unsigned number, int seconds)
{
	struct timespec times[2];

	clock_gettime(CLOCK_REALTIME, &times[0]);
	times[0].tv_sec -= seconds;
	times[1] = times[0];
	assert_int_equal(utimensat(AT_FDCWD, path_of(number), times, 0), 0);
}

static bool
take(struct lease *l)
{
	struct err e;
	bool taken;

	if (!lease_take(l, store, "i", LASTS, &taken, &e))
		fail_msg("%s", e.text);
	return taken;
}

static void
wants_lost(struct lease *l, const char *words)
{
	struct err e = { 0 };

	assert_false(lease_check(l, store, &e));
	assert_int_equal(e.kind, ERR_REMOTE);
	if (strstr(e.text, words) == NULL)
		fail_msg("\"%s\" is not in \"%s\"", words, e.text);
}

/* --- cases --- */

static void
one_at_a_time(void **state)
{
	struct lease a, b;
	struct err e;
	char who[LEASE_WHO_LEN];
	bool busy;

	(void)state;
	assert_true(take(&a));
	assert_true(exists(1));
	assert_false(take(&b));
	assert_non_null(strstr(b.who, ", process "));
	assert_true(lease_look(store, "i", &busy, who, &e));
	assert_true(busy);
	assert_true(lease_check(&a, store, &e));
	lease_release(&b); /* was never held */
	assert_true(exists(1));
	lease_release(&a);
	assert_false(exists(1));
	assert_true(lease_look(store, "i", &busy, who, &e));
	assert_false(busy);
	wants_lost(&a, "given back");
	assert_true(take(&b));
	lease_release(&b);
}

static void
dead_ones_are_taken(void **state)
{
	struct lease a, b, c;
	struct err e;

	(void)state;
	assert_true(take(&a));
	age(1, LASTS / 1000 - 1);
	assert_false(take(&b));
	age(1, LASTS / 1000 + 5);
	wants_lost(&a, "not renewed in time");
	assert_true(take(&b));
	assert_true(exists(2));
	assert_false(exists(1));
	a.held = true;
	wants_lost(&a, "lost");
	assert_true(lease_check(&b, store, &e));
	a.held = true;
	lease_release(&a); /* not his any more: nothing is removed */
	assert_true(exists(2));
	assert_false(take(&c));
	lease_release(&b);
}

/* One that was paused comes back after another has been and gone. */
static void
late_ones_do_not_count(void **state)
{
	struct lease a, b;
	struct err e;

	(void)state;
	assert_true(take(&a));
	age(1, 1000);
	assert_true(take(&b));
	lease_release(&b);
	wants_lost(&a, "lost");
	a.held = true;
	a.confirmed -= LASTS;
	assert_false(lease_renew(&a, &e));
	assert_non_null(strstr(e.text, "in time"));
	assert_false(exists(1));
	assert_false(lease_renew(&a, &e));
}

static void
renewed(void **state)
{
	struct lease a, b;
	struct err e;

	(void)state;
	assert_true(take(&a));
	age(1, 1000);
	assert_true(lease_renew(&a, &e)); /* not yet */
	assert_int_equal(a.renewals, 0);
	a.confirmed -= LASTS / 2;
	a.tried -= LASTS / 2;
	assert_true(lease_renew(&a, &e));
	assert_int_equal(a.renewals, 1);
	assert_false(take(&b));
	/* A check renews what has little time left. */
	age(1, LASTS / 1000 * 3 / 4);
	assert_true(lease_check(&a, store, &e));
	assert_int_equal(a.renewals, 2);
	lease_release(&a);
}

/* One that says nonsense lasts, too, and is not for ever. */
static void
nonsense(void **state)
{
	struct lease a, b;
	FILE *f;

	(void)state;
	assert_true(take(&a));
	f = fopen(path_of(1), "w");
	assert_non_null(f);
	fputs("{}", f);
	fclose(f);
	assert_false(take(&b));
	assert_string_equal(b.who, "somebody");
	age(1, LEASE_MS / 1000 + 5);
	assert_true(take(&b));
	lease_release(&b);
}

/* Many at once want a dead one: one gets it, and nobody else has it after. */
static void
many(void **state)
{
	(void)state;
	for (int round = 0; round < 20; round++) {
		struct lease dead;
		int won = 0, status;
		struct err e;

		assert_true(take(&dead));
		age((unsigned)dead.number, 1000);
		for (int i = 0; i < 8; i++)
			if (fork() == 0) {
				struct lease l;
				struct store *own;
				bool taken = false;

				if (!store_open(&own, folder, &e) ||
				    !lease_take(
					&l, own, "i", LASTS, &taken, &e))
					_exit(2);
				/* Others are still at it. */
				usleep(20000);
				_exit(taken && lease_check(&l, own, &e));
			}
		while (wait(&status) > 0) {
			assert_true(WIFEXITED(status));
			assert_int_not_equal(WEXITSTATUS(status), 2);
			won += WEXITSTATUS(status);
		}
		if (won > 1)
			fail_msg("round %d: %d have it", round, won);
		for (unsigned n = 1; n < 30; n++)
			if (exists(n))
				unlink(path_of(n));
	}
}

/* A store that cannot be written is an error, not somebody else. */
static void
refused(void **state)
{
	struct lease l;
	struct err e;
	bool taken;
	char path[100];
	FILE *f;

	(void)state;
	snprintf(path, sizeof path, "%s/i", folder);
	f = fopen(path, "w"); /* where a folder should be */
	assert_non_null(f);
	fclose(f);
	assert_false(lease_take(&l, store, "i", LASTS, &taken, &e));
	assert_false(taken);
	assert_non_null(strstr(e.text, "lease of i: "));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(one_at_a_time, begin, end),
		cmocka_unit_test_setup_teardown(
		    dead_ones_are_taken, begin, end),
		cmocka_unit_test_setup_teardown(
		    late_ones_do_not_count, begin, end),
		cmocka_unit_test_setup_teardown(renewed, begin, end),
		cmocka_unit_test_setup_teardown(nonsense, begin, end),
		cmocka_unit_test_setup_teardown(many, begin, end),
		cmocka_unit_test_setup_teardown(refused, begin, end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
