/* test_proc_sandbox: each profile in a process of its own: what must go on working, and what must be refused. What the kernel (Landlock) or
 * the build (seccomp under a sanitizer) does not have is left out, and said.
 */
#include "proc_sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base_log.h"

static char folder[] = "/tmp/test_proc_sandbox_XXXXXX";
static char ledger[64], run_dir[64];

/* In a child, so that the sandbox ends with it: failing checks exit with their line. */
#define MUST(what)                                                                                              \
	do {                                                                                                    \
		if (!(what)) {                                                                                  \
			(void)fprintf(stderr, "line %d: %s: %s\n", __LINE__, #what, strerror(errno)); \
			_exit(1);                                                                               \
		}                                                                                               \
	} while (0)

static bool
has_landlock(void)
{
	return syscall(SYS_landlock_create_ruleset, NULL, 0, 1) >= 1;
}

static bool
has_filter(void)
{
	return prctl(PR_GET_SECCOMP, 0, 0, 0, 0) == 2;
}

static bool
can_create(const char *dir, const char *name)
{
	char path[100];
	int fd;

	(void)snprintf(path, sizeof(path), "%s/%s", dir, name); /* fits */
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (fd < 0)
		return false;
	(void)close(fd); /* nothing was written */
	return unlink(path) == 0;
}

static bool
can_read(const char *path)
{
	char byte;
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	bool ok = fd >= 0 && read(fd, &byte, 1) == 1;

	if (fd >= 0)
		(void)close(fd); /* read only */
	return ok;
}

static bool
can_socket(int family)
{
	int fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd >= 0)
		(void)close(fd); /* never used */
	return fd >= 0;
}

static void *
thread_checks(void *arg)
{
	(void)arg;
	MUST(!has_filter() || (execl("/bin/true", "true", NULL) == -1 && errno == EPERM)); /* threads started later are held too */
	return NULL;
}

static void
check_all_profiles(void)
{
	pthread_t t;

	MUST(prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1);
	MUST(pthread_create(&t, NULL, thread_checks, NULL) == 0);
	MUST(pthread_join(t, NULL) == 0);
	if (!has_filter())
		return;
	MUST(execl("/bin/true", "true", NULL) == -1 && errno == EPERM);
	MUST(syscall(SYS_ptrace, 0, 0, 0, 0) == -1 && errno == EPERM);
	MUST(syscall(SYS_io_uring_setup, 1, NULL) == -1 && errno == EPERM);
	MUST(syscall(SYS_unshare, 0) == -1 && errno == EPERM);
	MUST(syscall(SYS_bpf, 0, NULL, 0) == -1 && errno == EPERM);
}

static void
check_gate(void)
{
	check_all_profiles();
	MUST(can_create(folder, "x"));
	MUST(can_read("/etc/passwd"));
	MUST(access("/usr/share/zoneinfo", F_OK) != 0 || can_read("/usr/share/zoneinfo/Europe/Berlin")); /* a policy that is reloaded may name a zone */
	MUST(can_socket(AF_INET));
	MUST(can_socket(AF_UNIX));
}

static void
check_keeper(void)
{
	char from[100], to[100];

	check_all_profiles();
	MUST(can_create(ledger, "x"));
	MUST(can_create(run_dir, "x"));
	MUST(can_read("/etc/passwd"));
	MUST(can_socket(AF_UNIX));
	MUST(!has_filter() || !can_socket(AF_INET));
	MUST(!has_filter() || !can_socket(AF_INET6));
	MUST(!has_filter() || !can_socket(AF_NETLINK));
	(void)snprintf(from, sizeof(from), "%s/d", ledger);   /* fits */
	(void)snprintf(to, sizeof(to), "%s/d/e", ledger);     /* fits */
	MUST(mkdir(from, 0700) == 0 && mkdir(to, 0700) == 0); /* tiles are in folders that are made as the log grows */
	MUST(rmdir(to) == 0 && rmdir(from) == 0);
	MUST(!has_landlock() || !can_create(folder, "x"));
	MUST(!has_landlock() || !can_create("/tmp", "test_proc_sandbox_must_not_be"));
}

static void
check_metrics(void)
{
	check_all_profiles();
	MUST(!has_filter() || !can_socket(AF_INET));
	MUST(!has_filter() || !can_socket(AF_UNIX));
	MUST(!has_landlock() || !can_create(run_dir, "x"));
	MUST(!has_landlock() || !can_read("/etc/passwd"));
}

static void
in_child(enum proc_sandbox_profile profile, void (*check)(void))
{
	pid_t pid;
	int status;

	(void)fflush(NULL); /* or the child writes it again */
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		struct proc_conf conf = {.ledger = ledger, .run_dir = run_dir};
		struct base_fail fail = {0};

		if (proc_sandbox_enter(profile, &conf, &fail) < 0) {
			(void)fprintf(stderr, "%s\n", fail.text);
			_exit(2);
		}
		check();
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

static void
test_gate(void **state)
{
	(void)state;
	in_child(PROC_SANDBOX_GATE, check_gate);
}

static void
test_keeper(void **state)
{
	(void)state;
	in_child(PROC_SANDBOX_KEEPER, check_keeper);
}

static void
test_metrics(void **state)
{
	(void)state;
	in_child(PROC_SANDBOX_METRICS, check_metrics);
}

/* A folder that is not there is an error before anything is given up without it. */
static void
test_missing(void **state)
{
	struct proc_conf conf = {.ledger = run_dir, .run_dir = ledger};
	struct base_fail fail = {0};
	char none[] = "/nowhere/at/all";
	pid_t pid;
	int status;

	(void)state;
	if (!has_landlock())
		return;
	conf.ledger = none;
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0)
		_exit(proc_sandbox_enter(PROC_SANDBOX_KEEPER, &conf, &fail) == GH_E_MISSING &&
			    strcmp(fail.text, "sandbox: cannot open /nowhere/at/all: No such file or directory") == 0 ?
			0 :
			1);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

static int
set_up(void **state)
{
	(void)state;
	base_log_setup(false, BASE_LOG_WARN, "test");
	if (mkdtemp(folder) == NULL)
		return -1;
	(void)snprintf(ledger, sizeof(ledger), "%s/ledger", folder); /* fits */
	(void)snprintf(run_dir, sizeof(run_dir), "%s/run", folder); /* fits */
	return mkdir(ledger, 0700) != 0 || mkdir(run_dir, 0700) != 0 ? -1 : 0;
}

static int
tear_down(void **state)
{
	(void)state;
	return rmdir(ledger) != 0 || rmdir(run_dir) != 0 || rmdir(folder) != 0 ? -1 : 0;
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_gate),
		cmocka_unit_test(test_keeper),
		cmocka_unit_test(test_metrics),
		cmocka_unit_test(test_missing),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
