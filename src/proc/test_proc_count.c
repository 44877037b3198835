/* test_proc_count: rows add up across processes and threads; gauges are cleared, counters are not; the page is well formed. */
#include "proc_count.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

static struct proc_count *shared;

static void *
add_many(void *row)
{
	for (int i = 0; i < 100000; i++)
		proc_count_add(shared, *(unsigned *)row, PROC_COUNT_rows_total, 1);
	return NULL;
}

static void
test_threads_and_processes(void **state)
{
	static unsigned rows[] = {0, 1, 1}; /* two threads share a row: slower, still exact */
	pthread_t t[3];
	pid_t pid;
	int status;

	(void)state;
	shared = proc_count_new(3);
	for (size_t i = 0; i < 3; i++)
		assert_int_equal(pthread_create(&t[i], NULL, add_many, &rows[i]), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		proc_count_add(shared, 2, PROC_COUNT_rows_total, 5);
		proc_count_add(shared, 2, PROC_COUNT_sessions, -7);
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	for (size_t i = 0; i < 3; i++)
		assert_int_equal(pthread_join(t[i], NULL), 0);
	assert_int_equal(proc_count_sum(shared, PROC_COUNT_rows_total), 300005);
	assert_int_equal(proc_count_sum(shared, PROC_COUNT_sessions), -7);
}

static void
test_clear(void **state)
{
	struct proc_count *c = proc_count_new(4);

	(void)state;
	for (unsigned r = 0; r < 4; r++) {
		proc_count_add(c, r, PROC_COUNT_sessions, 10);
		proc_count_add(c, r, PROC_COUNT_rows_total, 10);
	}
	proc_count_set(c, 3, PROC_COUNT_sessions, 1);
	proc_count_clear_gauges(c, 1, 2);
	assert_int_equal(proc_count_sum(c, PROC_COUNT_sessions), 11);
	assert_int_equal(proc_count_sum(c, PROC_COUNT_rows_total), 40);
	proc_count_clear_gauges(c, 4, 0);
	proc_count_clear_gauges(c, 0, 4);
	assert_int_equal(proc_count_sum(c, PROC_COUNT_sessions), 0);
}

static void
test_prometheus(void **state)
{
	struct proc_count *c = proc_count_new(2);
	struct base_buf out;
	const char *text;

	(void)state;
	proc_count_add(c, 0, PROC_COUNT_logins_total, 3);
	proc_count_add(c, 1, PROC_COUNT_logins_total, 4);
	proc_count_set(c, 1, PROC_COUNT_keeper_up, 1);
	base_buf_init(&out, 1u << 20);
	proc_count_prometheus(c, &out);
	base_buf_u8(&out, 0);
	assert_false(out.bad);
	text = (const char *)base_buf_span(&out).p;
	assert_non_null(strstr(text, "gatehouse_build_info{version=\"" GH_VERSION "\"} 1\n"));
	assert_non_null(strstr(text, "# HELP gatehouse_logins_total log-ins\n# TYPE gatehouse_logins_total counter\n"
				     "gatehouse_logins_total{result=\"ok\"} 7\n"));
	assert_non_null(strstr(text, "# TYPE gatehouse_keeper_up gauge\ngatehouse_keeper_up 1\n"));
	base_buf_done(&out);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_threads_and_processes),
		cmocka_unit_test(test_clear),
		cmocka_unit_test(test_prometheus),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
