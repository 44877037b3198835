/* Tests of base_log: both forms exactly, levels, hostile text, cutting, one write a line from several threads. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base_log.h"
#include "base_text.h"
#include "base_time.h"

static char output[1 << 20]; /* what was logged since capture_start */
static int pipe_fd[2], real_stderr;

static void
capture_start(void)
{
	assert_int_equal(pipe2(pipe_fd, O_CLOEXEC | O_NONBLOCK), 0);
	assert_true(fcntl(pipe_fd[1], F_SETPIPE_SZ, 1 << 20) >= 0);
	real_stderr = dup(STDERR_FILENO);
	assert_true(real_stderr >= 0);
	assert_true(dup2(pipe_fd[1], STDERR_FILENO) >= 0);
}

/* One read a line: a line that came in one write is read in one piece when nothing else is in the pipe. */
static size_t
capture_end(void)
{
	size_t n = 0;
	ssize_t got;

	assert_true(dup2(real_stderr, STDERR_FILENO) >= 0);
	while (n < sizeof(output) - 1 && (got = read(pipe_fd[0], output + n, sizeof(output) - 1 - n)) > 0)
		n += (size_t)got;
	output[n] = '\0';
	(void)close(pipe_fd[0]); /* only read */
	(void)close(pipe_fd[1]);
	(void)close(real_stderr);
	return n;
}

/* Checks the time at p and returns what comes behind it. */
static const char *
after_time(const char *p)
{
	uint64_t t = 0, now = base_time_wall_us();

	assert_int_equal(base_time_parse(base_span(p, 27), &t), GH_OK);
	assert_true(t <= now && now - t < UINT64_C(60000000));
	return p + 27;
}

static void
test_text(void **state)
{
	char want[200];

	(void)state;
	base_log_setup(false, BASE_LOG_INFO, "gate");
	capture_start();
	errno = 77;
	base_log_debug("not shown");
	base_log_info("session %d of \"%s\" ended", 5, "ann");
	assert_int_equal(errno, 77);
	capture_end();
	(void)snprintf(want, sizeof(want), " INFO gate[%ld]: session 5 of \"ann\" ended\n", (long)getpid());
	assert_string_equal(after_time(output), want);
}

static void
test_json(void **state)
{
	char want[300];
	const char *rest;

	(void)state;
	base_log_setup(true, BASE_LOG_DEBUG, "keeper");
	capture_start();
	base_log_debug("a \"quoted\" \\ path\nline\x01 \xc3\xa9 \xff");
	capture_end();
	assert_memory_equal(output, "{\"time\":\"", 9);
	rest = after_time(output + 9);
	(void)snprintf(want, sizeof(want),
	    "\",\"level\":\"debug\",\"role\":\"keeper\",\"pid\":%ld,\"message\":\"a \\\"quoted\\\" \\\\ path\\\\x0aline\\\\x01 \xc3\xa9 \\\\xff\"}\n",
	    (long)getpid());
	assert_string_equal(rest, want);
}

static void
test_levels(void **state)
{
	static const char *const names[] = {"DEBUG", "INFO", "WARN", "ERROR"};

	(void)state;
	for (enum base_log_level least = BASE_LOG_DEBUG; least <= BASE_LOG_ERROR; least++)
		for (enum base_log_level level = BASE_LOG_DEBUG; level <= BASE_LOG_ERROR; level++) {
			base_log_setup(false, least, "gate");
			capture_start();
			base_log(level, "x");
			if (capture_end() == 0)
				assert_true(level < least);
			else
				assert_memory_equal(output + 28, names[level], strlen(names[level]));
		}
}

/* Whatever the message holds, there is one line, it is valid UTF-8, and it fits in PIPE_BUF. */
static void
test_hostile(void **state)
{
	char message[6000];
	unsigned seed = 9;

	(void)state;
	for (int round = 0; round < 400; round++) {
		size_t n = (size_t)rand_r(&seed) % sizeof(message), len;

		for (size_t i = 0; i + 1 < n; i++)
			message[i] = (char)(round % 2 == 0 ? '"' : 1 + rand_r(&seed) % 255);
		message[n == 0 ? 0 : n - 1] = '\0';
		base_log_setup(round % 4 < 2, BASE_LOG_INFO, "gate");
		capture_start();
		base_log_error("%s", message);
		len = capture_end();
		assert_true(len > 30 && len <= 4096);
		assert_ptr_equal(strchr(output, '\n'), output + len - 1);
		assert_true(base_text_utf8(base_span(output, len)));
	}
	memset(message, 'm', sizeof(message) - 1);
	message[sizeof(message) - 1] = '\0';
	base_log_setup(false, BASE_LOG_INFO, "gate");
	capture_start();
	base_log_error("%s", message);
	assert_string_equal(output + capture_end() - 6, "mm...\n"); /* the cut shows */
}

static void *
log_thread(void *arg)
{
	for (int i = 0; i < 500; i++)
		base_log_info("%s", (const char *)arg);
	return NULL;
}

static void
test_threads(void **state)
{
	static const char *const texts[] = {"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"};
	pthread_t threads[BASE_COUNT(texts)];
	size_t lines = 0;

	(void)state;
	base_log_setup(false, BASE_LOG_INFO, "gate");
	capture_start();
	for (size_t i = 0; i < BASE_COUNT(texts); i++)
		assert_int_equal(pthread_create(&threads[i], NULL, log_thread, (void *)(uintptr_t)texts[i]), 0);
	for (size_t i = 0; i < BASE_COUNT(texts); i++)
		assert_int_equal(pthread_join(threads[i], NULL), 0);
	capture_end();
	for (char *p = output, *end; (end = strchr(p, '\n')) != NULL; p = end + 1, lines++) {
		const char *message;

		*end = '\0';
		after_time(p);
		message = strstr(p, ": ");
		assert_non_null(message);
		assert_string_equal(message + 2, texts[message[2] == 'b']);
	}
	assert_int_equal(lines, 1000);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_text),
		cmocka_unit_test(test_json),
		cmocka_unit_test(test_levels),
		cmocka_unit_test(test_hostile),
		cmocka_unit_test(test_threads),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
