/* test_ledger_kill: a writer with both its threads, killed with SIGKILL at random moments, again and again: every acknowledged entry
 * is there afterwards, in its place, and the log verifies, also for a program that is not ours. */
#include "test_ledger_util.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <sys/wait.h>

#define KILLS 100u
#define SEGMENT 65536u

static _Atomic uint64_t *acknowledged; /* shared with the writer */

static void *
publish_for_ever(void *arg)
{
	struct ledger_log *log = arg;
	struct base_fail fail;

	for (;;) {
		if (ledger_log_checkpoint(log, &fail) != 0 || ledger_log_tidy(log, &fail) != 0)
			_exit(3);
	}
}

static void
writer(const struct place *p, unsigned round)
{
	struct base_fail fail;
	struct ledger_log *log;
	pthread_t t;
	unsigned seed = round;

	if (place_open(p, SEGMENT, round % 4 != 3, &log, &fail) != 0) {
		(void)fprintf(stderr, "round %u: %s\n", round, fail.text);
		_exit(2);
	}
	if (ledger_log_size(log) < atomic_load(acknowledged)) { /* asked in each round: the next batch would put the same texts in place */
		(void)fprintf(stderr, "round %u: acknowledged entries are gone\n", round);
		_exit(6);
	}
	if (pthread_create(&t, NULL, publish_for_ever, log) != 0)
		_exit(4);
	for (;;) {
		if (append(log, 1 + (uint64_t)rand_r(&seed) % 60, &fail) != 0)
			_exit(5);
		atomic_store(acknowledged, ledger_log_size(log));
	}
}

static void
test_kill(void **state)
{
	struct base_fail fail = {.text = ""};
	struct ledger_log *log;
	struct base_buf vkey;
	struct place p;
	char cmd[2048], tool[1024];
	unsigned seed = (unsigned)getpid();
	uint64_t size = 0;

	(void)state;
	place_init(&p);
	acknowledged = mmap(NULL, sizeof *acknowledged, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	assert_true(acknowledged != MAP_FAILED);
	for (unsigned round = 0; round < KILLS; round++) {
		pid_t pid = fork();
		int status;

		assert_true(pid >= 0);
		if (pid == 0)
			writer(&p, round);
		(void)usleep((useconds_t)(rand_r(&seed) % 60000));
		assert_int_equal(kill(pid, SIGKILL), 0);
		assert_int_equal(waitpid(pid, &status, 0), pid);
		if (!WIFSIGNALED(status))
			fail_msg("round %u: the writer ended by itself with status %d", round, WEXITSTATUS(status));
		if (round % 10 != 9)
			continue; /* the next writer replays */
		if (place_open(&p, SEGMENT, true, &log, &fail) != 0)
			fail_msg("round %u: %s", round, fail.text);
		size = ledger_log_size(log);
		ledger_log_close(&log);
		assert_true(size >= atomic_load(acknowledged));
		verify_ok(&p, size);
		assert_int_equal(read_all_entries(p.dir, true), size);
	}
	assert_true(size > 1000); /* the writers did get to work */
	base_buf_init(&vkey, 512);
	ledger_vkey_print(&p.signer.vkey, &vkey);
	(void)snprintf(cmd, sizeof cmd, "%s '%s' '%.*s' >/dev/null", tool_path("verify_ledger.py", tool), p.dir, (int)base_buf_len(&vkey),
		(const char *)base_buf_span(&vkey).p);
	assert_int_equal(system(cmd), 0);
	base_buf_done(&vkey);
	(void)munmap((void *)acknowledged, sizeof *acknowledged);
	place_done(&p);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_kill)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
