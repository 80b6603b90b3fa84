/* t_process.c -- how programs end: nothing printed is lost in silence. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "stages/kit/process.h"

/* Fill a pipe whose writing end does not block.  Returns how much it took. */
static size_t
pipe_fill(int fd)
{
	static const char bytes[4096];
	size_t took = 0;
	ssize_t n;

	assert_int_equal(fcntl(fd, F_SETFL, O_NONBLOCK), 0);
	while ((n = write(fd, bytes, sizeof bytes)) > 0)
		took += (size_t)n;
	return took;
}

/*
 * In a child: print more than the buffer holds while the pipe is full, then,
 * when it is empty again, end.  The status says what became of it.
 */
static int
print_and_end(const int fd[2])
{
	struct err e = { 0 };
	char drop[4096];
	size_t took;

	dup2(fd[1], STDOUT_FILENO);
	took = pipe_fill(STDOUT_FILENO);
	for (int i = 0; i < 10000; i++)
		printf("line %d\n", i);
	while (took > 0)
		took -= (size_t)read(fd[0], drop, sizeof drop);
	if (process_close_stdout(true, &e))
		return 100;
	return strcmp(e.text, "standard output did not take all of it") == 0 ?
	    err_exit_code(&e) :
	    101;
}

static void
what_was_refused_is_not_forgotten(void **state)
{
	int fd[2], status;
	pid_t pid;

	(void)state;
	assert_int_equal(pipe(fd), 0);
	fflush(NULL);
	if ((pid = fork()) == 0)
		_exit(print_and_end(fd));
	assert_int_equal(waitpid(pid, &status, 0), pid);
	close(fd[0]);
	close(fd[1]);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), ERR_SYSTEM);
}

static void
a_closed_output_is_no_failure(void **state)
{
	int status;
	pid_t pid;

	(void)state;
	fflush(NULL);
	if ((pid = fork()) == 0) {
		struct err e;

		close(STDOUT_FILENO);
		_exit(process_close_stdout(true, &e) ? 0 : 1);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_was_refused_is_not_forgotten),
		cmocka_unit_test(a_closed_output_is_no_failure),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
