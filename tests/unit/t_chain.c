/*
 * Goal: a chain blames whom chain.h says, opens the gate exactly when it may,
 * leaves no descriptor and no child behind, and prints words a shell reads
 * back as they were.  Programs are scripts of sh in a folder of our own.
 */
#include <dirent.h>
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "pipeline/chain.h"
#include "stages/kit/stop.h"

#define GOOD_END "echo exit 0 >&3"

static char folder[] = "/tmp/rdbpipe-t-chain-XXXXXX";

/* Make folder/name a script. */
static void
script(const char *name, const char *text)
{
	char path[200];
	FILE *f;

	snprintf(path, sizeof path, "%s/%s", folder, name);
	f = fopen(path, "we");
	assert_non_null(f);
	fprintf(f, "#!/bin/sh\n%s\n", text);
	fclose(f);
	assert_int_equal(chmod(path, 0755), 0);
}

static bool
exists(const char *name)
{
	char path[200];

	snprintf(path, sizeof path, "%s/%s", folder, name);
	return access(path, F_OK) == 0;
}

static int
descriptors(void)
{
	DIR *d = opendir("/proc/self/fd");
	int n = 0;

	while (readdir(d) != NULL)
		n++;
	closedir(d);
	return n;
}

/* Run "first | second | third", with third behind the gate. */
static bool
run_three(struct chain *c, struct err *e)
{
	int before = descriptors();
	bool ok;

	chain_add(c, "first");
	chain_add(c, "second");
	chain_add(c, "third");
	c->gate = true;
	ok = chain_run(c, e);
	assert_int_equal(descriptors(), before);
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
	assert_int_equal(errno, ECHILD);
	return ok;
}

static void
scripts_good(void)
{
	script("first", "echo some bytes; " GOOD_END);
	script("second", "cat; " GOOD_END);
	script("third",
	    "cat > /dev/null; read word <&4; test \"$word\" = go || exit 1\n"
	    "touch \"${0%/*}/published\"; echo bytes 11 >&3; " GOOD_END);
}

static void
test_good(void **unused)
{
	struct chain c = { 0 };
	struct err e = { 0 };

	(void)unused;
	scripts_good();
	if (!run_three(&c, &e))
		fail_msg("%s", e.text);
	assert_true(c.went);
	assert_true(exists("published"));
	assert_string_equal(chain_fact(&c, "third", "bytes"), "11");
	assert_null(chain_fact(&c, "third", "keys"));
	assert_null(chain_fact(&c, "fourth", "bytes"));
	chain_release(&c);
}

static bool
agree_no(const struct chain *c, void *arg, struct err *e)
{
	assert_string_equal(chain_fact(c, "first", "exit"), "0");
	assert_string_equal(chain_fact(c, "second", "exit"), "0");
	++*(int *)arg;
	return err_set(e, ERR_DATA, "not what it should be");
}

/* Whoever disagrees is quoted, not the sink that was called off. */
static void
test_disagree(void **unused)
{
	int asked = 0;
	struct chain c = { .agree = agree_no, .arg = &asked };
	struct err e = { 0 };

	(void)unused;
	scripts_good();
	assert_false(run_three(&c, &e));
	assert_string_equal(e.text, "not what it should be");
	assert_int_equal(e.kind, ERR_DATA);
	assert_int_equal(asked, 1);
	assert_false(c.went);
	assert_false(exists("published"));
	chain_release(&c);
}

/* Who fails first is blamed, not who fails because of it, on either side. */
static const struct {
	const char *first, *second, *third, *say;
	int kind;
} blames[] = {
	{ "exit 4", NULL, NULL, "first failed first, with exit status 4", 4 },
	{ "yes", "exit 2", NULL, "second failed first, with exit status 2", 2 },
	{ "yes", "cat", "exit 3", "third failed first, with exit status 3", 3 },
	{ "yes", "cat", "kill -9 $$", "third was killed by signal 9 (Killed)",
	    ERR_SYSTEM },
	{ "yes", "kill -BUS $$", NULL,
	    "second was killed by signal 7 (Bus error)", ERR_BUG },
	{ "sleep 0.5; exit 1", "exec >&-; sleep 0.1; exit 2", NULL,
	    "second failed first, with exit status 2", 2 },
	{ "sleep 0.1; exit 1", "exec >&-; sleep 0.5; exit 2", NULL,
	    "first failed first, with exit status 1", 1 },
	{ "exit 130", NULL, NULL, "first was stopped by signal 2 (Interrupt)",
	    ERR_SIGNAL },
	{ "exit 99", NULL, NULL, "first failed first, with exit status 99",
	    ERR_BUG },
	{ "yes", "exec <&-; sleep 0.3; " GOOD_END,
	    "cat >/dev/null; sleep 2; " GOOD_END,
	    "first lost its reader, though none failed", ERR_BUG },
	{ "exit 0", NULL, NULL, "first ended well, but its facts do not",
	    ERR_BUG },
	{ "echo exit 1 >&3", NULL, NULL,
	    "first ended well, but its facts do not", ERR_BUG },
};

static void
test_blame(void **unused)
{
	(void)unused;
	for (size_t i = 0; i < sizeof blames / sizeof *blames; i++) {
		struct chain c = { .follow_ms = 300, .grace_ms = 300 };
		struct err e = { 0 };

		scripts_good();
		script("first", blames[i].first);
		if (blames[i].second != NULL)
			script("second", blames[i].second);
		if (blames[i].third != NULL)
			script("third", blames[i].third);
		assert_false(run_three(&c, &e));
		assert_string_equal(e.text, blames[i].say);
		assert_int_equal(e.kind, blames[i].kind);
		assert_false(c.went);
		assert_false(exists("published"));
		chain_release(&c);
	}
}

/* More facts than a pipe holds: they are read while the program runs. */
static void
test_many_facts(void **unused)
{
	struct chain c = { 0 };
	struct err e = { 0 };

	(void)unused;
	scripts_good();
	script("second",
	    "cat; i=0; while [ $i -lt 20000 ]; do echo fact.$i $i; "
	    "i=$((i+1)); done >&3; " GOOD_END);
	if (!run_three(&c, &e))
		fail_msg("%s", e.text);
	assert_string_equal(chain_fact(&c, "second", "fact.19999"), "19999");
	chain_release(&c);
}

/* More than we are willing to keep. */
static void
test_too_many_facts(void **unused)
{
	struct chain c = { .follow_ms = 300 };
	struct err e = { 0 };

	(void)unused;
	scripts_good();
	script("second", "yes fact value >&3");
	assert_false(run_three(&c, &e));
	assert_string_equal(e.text, "second: more than 4194304 bytes of facts");
	assert_false(exists("published"));
	chain_release(&c);
}

static void
test_start_fails(void **unused)
{
	struct chain c = { .grace_ms = 500 };
	struct err e = { 0 };
	char want[200];

	(void)unused;
	scripts_good();
	script("first", "exec sleep 60");
	script("third", "");
	snprintf(want, sizeof want, "printf '#!/no/such/thing\\n' > %s/third",
	    folder);
	assert_int_equal(system(want), 0);
	assert_false(run_three(&c, &e));
	snprintf(want, sizeof want,
	    "cannot start %s/third: no such file or directory", folder);
	assert_string_equal(e.text, want);
	assert_int_equal(e.kind, ERR_SYSTEM);
	assert_true(c.took_ms < 10000);
	/* A number that was reaped may be somebody else's by now. */
	for (size_t i = 0; i < CHAIN_MAX; i++)
		assert_int_equal(c.link[i].pid, 0);
	chain_release(&c);
}

/* A sink that fails after the go-ahead: went says that nobody knows. */
static void
test_late_failure(void **unused)
{
	struct chain c = { 0 };
	struct err e = { 0 };

	(void)unused;
	scripts_good();
	script("third", "cat > /dev/null; read word <&4; exit 3");
	assert_false(run_three(&c, &e));
	assert_true(c.went);
	assert_string_equal(e.text, "third failed first, with exit status 3");
	chain_release(&c);
}

static void
test_not_found(void **unused)
{
	struct chain c = { 0 };
	struct err e = { 0 };
	char *text;

	(void)unused;
	chain_add(&c, "no-such-program-here");
	chain_word(&c, "a word");
	chain_env(&c, "A", "b");
	assert_false(chain_text(&c, true, &text, &e));
	assert_null(text);
	assert_false(chain_run(&c, &e));
	assert_string_equal(e.text,
	    "cannot find no-such-program-here: neither beside rdbpipe nor on "
	    "PATH");
	chain_release(&c);
}

/* All bytes a word can have, through a real shell and back. */
static void
test_quoting(void **unused)
{
	struct chain c = { 0 };
	struct err e = { 0 };
	char word[256], got[600], command[1200], *text;
	FILE *sh;
	size_t n;

	(void)unused;
	for (int i = 1; i < 256; i++)
		word[i - 1] = (char)i;
	word[255] = '\0';
	script("first", "printf '<%s>' \"$@\"");
	chain_add(&c, "first");
	chain_word(&c, word);
	chain_word(&c, "");
	chain_word(&c, "it's $HOME `x` \\");
	chain_word(&c, "plain-word_1.2:3/4@5");
	chain_option(&c, "--no", NULL);
	assert_true(chain_text(&c, true, &text, &e));
	assert_non_null(strstr(text, " '' "));
	assert_non_null(strstr(text, " plain-word_1.2:3/4@5"));
	sh = popen(text, "re");
	n = fread(got, 1, sizeof got - 1, sh);
	got[n] = '\0';
	assert_int_equal(pclose(sh), 0);
	snprintf(command, sizeof command,
	    "<%s><><it's $HOME `x` \\><plain-word_1.2:3/4@5>", word);
	assert_string_equal(got, command);
	free(text);
	assert_true(chain_text(&c, false, &text, &e));
	assert_memory_equal(text, "first ", 6);
	free(text);
	chain_release(&c);
}

/* A variable is set for its program alone. */
static void
test_environment(void **unused)
{
	struct chain c = { 0 };
	struct err e = { 0 };

	(void)unused;
	script("first", "echo \"said $SECRET_WORD\" >&3; " GOOD_END);
	script("second", "cat; echo \"said $SECRET_WORD\" >&3; " GOOD_END);
	chain_add(&c, "first");
	chain_env(&c, "SECRET_WORD", "replaced");
	chain_env(&c, "SECRET_WORD", "value");
	chain_add(&c, "second");
	assert_true(chain_run(&c, &e));
	assert_string_equal(chain_fact(&c, "first", "said"), "value");
	assert_string_equal(chain_fact(&c, "second", "said"), "");
	assert_null(getenv("SECRET_WORD"));
	chain_release(&c);
}

/* Last, because the note of the signal stays: all end, at once. */
static void
test_stop(void **unused)
{
	struct chain c = { 0 };
	struct err e = { 0 };

	(void)unused;
	scripts_good();
	script("second",
	    "trap 'touch \"${0%/*}/stopped\"; exit 143' TERM\n"
	    "while :; do sleep 0.05; done");
	raise(SIGTERM);
	assert_false(run_three(&c, &e));
	assert_int_equal(err_exit_code(&e), 143);
	assert_string_equal(e.text, "stopped by signal 15 (Terminated)");
	assert_true(c.took_ms < CHAIN_FOLLOW_MS);
	assert_false(c.went);
	chain_release(&c);
}

static int
each_setup(void **unused)
{
	char command[100];

	(void)unused;
	snprintf(command, sizeof command, "rm -f %s/*", folder);
	return system(command);
}

static int
all_setup(void **unused)
{
	(void)unused;
	stop_init();
	return mkdtemp(folder) == NULL ||
	    setenv("RDBPIPE_PROGRAMS", folder, 1) != 0;
}

static int
all_teardown(void **unused)
{
	char command[100];

	(void)unused;
	snprintf(command, sizeof command, "rm -rf %s", folder);
	return system(command);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_good, each_setup),
		cmocka_unit_test_setup(test_disagree, each_setup),
		cmocka_unit_test_setup(test_blame, each_setup),
		cmocka_unit_test_setup(test_many_facts, each_setup),
		cmocka_unit_test_setup(test_too_many_facts, each_setup),
		cmocka_unit_test_setup(test_start_fails, each_setup),
		cmocka_unit_test_setup(test_late_failure, each_setup),
		cmocka_unit_test_setup(test_not_found, each_setup),
		cmocka_unit_test_setup(test_quoting, each_setup),
		cmocka_unit_test_setup(test_environment, each_setup),
		cmocka_unit_test_setup(test_stop, each_setup),
	};

	return cmocka_run_group_tests(tests, all_setup, all_teardown);
}
