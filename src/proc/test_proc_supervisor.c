/* test_proc_supervisor: fake roles that tell what happens to them over a pipe: order of start and stop, restarts, signals, exit
 * status, sockets that survive a role, a second supervisor, a supervisor that is killed, the metrics page.
 */
#include "proc_supervisor.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base_log.h"
#include "base_num.h"
#include "proc_listen.h"
#include "proc_metrics.h"
#include "proc_supervisor_int.h"

#define WAIT_MS 20000

static char folder[] = "/tmp/test_proc_supervisor_XXXXXX";
static int events[2]; /* pipe: the roles write lines, the test reads them */
static uint16_t tcp_port, metrics_port;
static _Atomic int *shared_tries; /* over all processes */

/* ---- fake roles */

static void
tell(const char *what, const char *role)
{
	char line[100];
	int n = snprintf(line, sizeof(line), "%s %s %d\n", role, what, (int)getpid());

	if (write(events[1], line, (size_t)n) != n)
		_exit(9);
}

static void
say_ready(const struct proc_context *ctx)
{
	if (write(ctx->ready, "1", 1) != 1 && errno != EPIPE) /* EPIPE: the supervisor was killed, SIGTERM is on its way */
		_exit(9);
	(void)close(ctx->ready); /* said */
}

static int
serve(const char *role)
{
	struct pollfd p = {.fd = proc_signal_fd, .events = POLLIN};

	while (!proc_stop_wanted) {
		uint64_t n;

		(void)poll(&p, 1, -1); /* EINTR: the flags tell */
		if (read(proc_signal_fd, &n, sizeof(n)) < 0)
			continue;
		if (proc_reload_wanted) {
			proc_reload_wanted = 0;
			tell("reload", role);
		}
	}
	tell("stop", role);
	return 0;
}

static int
keeper_role(const struct proc_context *ctx)
{
	tell("start", "keeper");
	if (ctx->naddresses != 0 || ctx->local != -1 || ctx->metrics != -1)
		tell("sees-network", "keeper");
	usleep(30000); /* so that a gate started too early would speak first */
	tell("ready", "keeper");
	say_ready(ctx);
	return serve("keeper");
}

static int
gate_role(const struct proc_context *ctx)
{
	tell(ctx->naddresses == 1 && ctx->local >= 0 && ctx->metrics == -1 && ctx->workers == 2 ? "start" : "bad-context", "gate");
	proc_count_add(ctx->counts, 0, PROC_COUNT_sessions, 5);
	say_ready(ctx);
	return serve("gate");
}

static int
hopeless_role(const struct proc_context *ctx)
{
	(void)ctx;
	tell("start", "gate");
	return 2;
}

static int
third_time_role(const struct proc_context *ctx)
{
	int n = atomic_fetch_add(shared_tries, 1);

	tell("start", "gate");
	if (n < 3)
		return 1;
	say_ready(ctx);
	tell("ready", "gate");
	if (n == 3)
		return 2; /* after it was ready once, 2 is a failure like others */
	return serve("gate");
}

static int
mute_role(const struct proc_context *ctx)
{
	tell("start", "gate");
	if (atomic_fetch_add(shared_tries, 1) > 0)
		say_ready(ctx);
	return serve("gate");
}

static int __attribute__((noreturn))
stubborn_role(const struct proc_context *ctx)
{
	say_ready(ctx);
	tell("start", "gate");
	for (;;)
		(void)pause(); /* deaf */
}

static int
metrics_role(const struct proc_context *ctx)
{
	tell("start", "metrics");
	return proc_metrics_run(ctx);
}

static const struct proc_role usual[] = {{"keeper", keeper_role, true}, {"off", hopeless_role, false}, {"gate", gate_role, true}};

/* ---- the test's side */

static void
expect(const char *role, const char *what, pid_t *pid_r)
{
	char line[100], *pid;
	size_t n = 0;
	uint64_t number;

	for (;;) {
		struct pollfd p = {.fd = events[0], .events = POLLIN};

		if (poll(&p, 1, WAIT_MS) != 1)
			fail_msg("waited for \"%s %s\" in vain", role, what);
		assert_int_equal(read(events[0], line + n, 1), 1);
		if (line[n] == '\n')
			break;
		n++;
		assert_true(n < sizeof(line));
	}
	line[n] = '\0';
	pid = strrchr(line, ' ');
	assert_non_null(pid);
	*pid++ = '\0';
	if (strncmp(line, role, strlen(role)) != 0 || strcmp(line + strlen(role) + 1, what) != 0)
		fail_msg("wanted \"%s %s\", got \"%s\"", role, what, line);
	assert_int_equal(base_num_u64(base_span_str(pid), 1, INT32_MAX, &number), GH_OK);
	if (pid_r != NULL)
		*pid_r = (pid_t)number;
}

static void
expect_nothing(void)
{
	struct pollfd p = {.fd = events[0], .events = POLLIN};

	assert_int_equal(poll(&p, 1, 0), 0);
}

static uint16_t
free_port(void)
{
	struct sockaddr_in in = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof(in);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&in, sizeof(in)), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&in, &len), 0);
	assert_int_equal(close(fd), 0);
	return ntohs(in.sin_port);
}

static struct proc_conf *
make_conf(void)
{
	struct proc_conf *conf = NULL;
	struct base_fail fail = {0};
	struct base_buf b;
	char path[100];

	base_buf_init(&b, 1u << 16);
	base_buf_fmt(&b, "database = d\ncontrol = c\npolicy = p\nledger_origin = o\nworkers = 2\nlisten = 127.0.0.1:%u\nlisten_socket = s\n"
			 "metrics = 127.0.0.1:%u\nshutdown_timeout = 100s\nlog_level = error\nmax_sessions = 10\nmax_unauthenticated = 10\n",
	    tcp_port, metrics_port);
	(void)snprintf(path, sizeof(path), "%s/c", folder); /* fits */
	if (proc_conf_parse(base_buf_span(&b), path, &conf, &fail) < 0)
		fail_msg("%s", fail.text);
	base_buf_done(&b);
	return conf;
}

static pid_t
start_supervisor(const struct proc_role *roles, size_t nroles, uint64_t ready_limit_us)
{
	pid_t pid;

	(void)fflush(NULL); /* or the child writes it again */
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		struct proc_conf *conf = make_conf();
		int status, null = open("/dev/null", O_WRONLY | O_CLOEXEC);

		(void)prctl(PR_SET_PDEATHSIG, SIGKILL); /* a failed test leaves nothing behind */
		if (getenv("TEST_LOG") == NULL)
			(void)dup2(null, STDERR_FILENO); /* what is logged here is not what is tested */
		proc_supervisor_ready_limit_us = ready_limit_us;
		status = proc_supervise(conf, roles, nroles);
		proc_conf_free(&conf);
		_exit(status);
	}
	return pid;
}

static int
wait_status(pid_t pid)
{
	int status;

	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static int
connect_tcp(uint16_t port)
{
	struct sockaddr_in in = {.sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	if (connect(fd, (struct sockaddr *)&in, sizeof(in)) != 0) {
		assert_int_equal(close(fd), 0);
		return -1;
	}
	return fd;
}

static int
connect_unix(void)
{
	struct sockaddr_un un = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	(void)snprintf(un.sun_path, sizeof(un.sun_path), "%s/s", folder); /* fits */
	if (connect(fd, (struct sockaddr *)&un, sizeof(un)) != 0) {
		assert_int_equal(close(fd), 0);
		return -1;
	}
	return fd;
}

static void
test_order(void **state)
{
	char path[100];
	struct stat st;
	pid_t pid, keeper, gate;
	int fd;

	(void)state;
	pid = start_supervisor(usual, BASE_COUNT(usual), 60000000);
	expect("keeper", "start", &keeper);
	expect("keeper", "ready", NULL);
	expect("gate", "start", &gate);
	assert_int_equal(getpgid(gate), gate);
	(void)snprintf(path, sizeof(path), "%s/run", folder); /* fits */
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0700);
	(void)snprintf(path, sizeof(path), "%s/s", folder); /* fits */
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0777);
	/* one after the other: a second request would be the hurry of test_hurry */
	assert_int_equal(kill(pid, SIGHUP), 0);
	for (int i = 0; i < 2; i++) {
		char line[100];
		struct pollfd p = {.fd = events[0], .events = POLLIN};

		assert_int_equal(poll(&p, 1, WAIT_MS), 1);
		assert_true(read(events[0], line, 1) == 1);
		expect(line[0] == 'k' ? "eeper" : "ate", "reload", NULL);
	}
	fd = connect_unix();
	assert_true(fd >= 0);
	assert_int_equal(close(fd), 0);
	assert_int_equal(kill(pid, SIGTERM), 0);
	expect("gate", "stop", NULL);
	expect("keeper", "stop", NULL);
	assert_int_equal(wait_status(pid), 0);
	assert_int_equal(connect_tcp(tcp_port), -1);
	assert_int_equal(stat(path, &st), -1);
	expect_nothing();
}

static void
test_restart(void **state)
{
	pid_t pid, keeper, gate, again;
	int fd;

	(void)state;
	pid = start_supervisor(usual, BASE_COUNT(usual), 60000000);
	expect("keeper", "start", &keeper);
	expect("keeper", "ready", NULL);
	expect("gate", "start", &gate);
	for (int i = 0; i < 3; i++) { /* at once, then after 100 and 200 ms; connections wait in the supervisor's sockets */
		assert_int_equal(kill(gate, SIGKILL), 0);
		fd = connect_tcp(tcp_port);
		assert_true(fd >= 0);
		assert_int_equal(close(fd), 0);
		expect("gate", "start", &again);
		assert_int_not_equal(again, gate);
		gate = again;
	}
	assert_int_equal(kill(keeper, SIGKILL), 0);
	expect("keeper", "start", &again);
	assert_int_not_equal(again, keeper);
	expect("keeper", "ready", NULL);
	assert_int_equal(kill(pid, SIGINT), 0);
	expect("gate", "stop", NULL);
	expect("keeper", "stop", NULL);
	assert_int_equal(wait_status(pid), 0);
	expect_nothing();
}

static void
test_never_works(void **state)
{
	static const struct proc_role roles[] = {{"keeper", keeper_role, true}, {"gate", hopeless_role, true}, {"last", gate_role, true}};
	pid_t pid = start_supervisor(roles, BASE_COUNT(roles), 60000000);

	(void)state;
	expect("keeper", "start", NULL);
	expect("keeper", "ready", NULL);
	expect("gate", "start", NULL);
	expect("keeper", "stop", NULL);
	assert_int_equal(wait_status(pid), 1);
	expect_nothing();
}

static void
test_fails_then_works(void **state)
{
	static const struct proc_role roles[] = {{"gate", third_time_role, true}};
	pid_t pid;

	(void)state;
	atomic_store(shared_tries, 0);
	pid = start_supervisor(roles, BASE_COUNT(roles), 60000000);
	for (int i = 0; i < 4; i++)
		expect("gate", "start", NULL);
	expect("gate", "ready", NULL);
	expect("gate", "start", NULL);
	expect("gate", "ready", NULL);
	assert_int_equal(kill(pid, SIGTERM), 0);
	expect("gate", "stop", NULL);
	assert_int_equal(wait_status(pid), 0);
}

static void
test_ready_limit(void **state)
{
	static const struct proc_role roles[] = {{"gate", mute_role, true}};
	pid_t pid, first, second;

	(void)state;
	atomic_store(shared_tries, 0);
	pid = start_supervisor(roles, BASE_COUNT(roles), 300000);
	expect("gate", "start", &first);
	expect("gate", "start", &second); /* the first was killed for being mute */
	assert_int_not_equal(first, second);
	assert_int_equal(kill(pid, SIGTERM), 0);
	expect("gate", "stop", NULL);
	assert_int_equal(wait_status(pid), 0);
}

/* A role that does not listen to SIGTERM: a second SIGTERM to the supervisor kills it without waiting for shutdown_timeout. */
static void
test_hurry(void **state)
{
	static const struct proc_role roles[] = {{"keeper", keeper_role, true}, {"gate", stubborn_role, true}};
	pid_t pid;
	int status;

	(void)state;
	pid = start_supervisor(roles, BASE_COUNT(roles), 60000000);
	expect("keeper", "start", NULL);
	expect("keeper", "ready", NULL);
	expect("gate", "start", NULL);
	for (int i = 0; i < 1000 && waitpid(pid, &status, WNOHANG) == 0; i++) {
		(void)kill(pid, SIGTERM); /* until it has seen two that the kernel did not merge */
		usleep(10000);
	}
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	/* the keeper was told to stop only after the gate was gone; whether it could still say so before it was hurried is open */
	while (poll(&(struct pollfd){.fd = events[0], .events = POLLIN}, 1, 0) == 1)
		expect("keeper", "stop", NULL);
}

static void
test_second_supervisor(void **state)
{
	pid_t pid, second;

	(void)state;
	pid = start_supervisor(usual, BASE_COUNT(usual), 60000000);
	expect("keeper", "start", NULL);
	expect("keeper", "ready", NULL);
	expect("gate", "start", NULL);
	second = start_supervisor(usual, BASE_COUNT(usual), 60000000);
	assert_int_equal(wait_status(second), 1);
	expect_nothing();
	assert_int_equal(kill(pid, SIGTERM), 0);
	expect("gate", "stop", NULL);
	expect("keeper", "stop", NULL);
	assert_int_equal(wait_status(pid), 0);
}

/* The roles of a killed supervisor stop by themselves, and the next one waits for that. Its Unix socket is stale by then. */
static void
test_supervisor_killed(void **state)
{
	pid_t pid;
	int status;

	(void)state;
	pid = start_supervisor(usual, BASE_COUNT(usual), 60000000);
	expect("keeper", "start", NULL);
	expect("keeper", "ready", NULL);
	expect("gate", "start", NULL);
	assert_int_equal(kill(pid, SIGKILL), 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	pid = start_supervisor(usual, BASE_COUNT(usual), 60000000);
	for (int i = 0, stopped = 0; i < 2; i++) { /* in either order */
		char line[1];

		assert_int_equal(read(events[0], line, 1), 1);
		expect(line[0] == 'k' ? "eeper" : "ate", "stop", NULL);
		stopped++;
	}
	expect("keeper", "start", NULL);
	expect("keeper", "ready", NULL);
	expect("gate", "start", NULL);
	assert_int_equal(kill(pid, SIGTERM), 0);
	expect("gate", "stop", NULL);
	expect("keeper", "stop", NULL);
	assert_int_equal(wait_status(pid), 0);
}

static void
test_listen_conflicts(void **state)
{
	struct proc_conf *conf = make_conf();
	struct base_fail fail = {0};
	struct proc_listen a, b;
	char path[100], want[200];
	FILE *f;

	(void)state;
	assert_int_equal(proc_listen_open(conf, 2, true, &a, &fail), GH_OK);
	assert_int_equal(proc_listen_open(conf, 2, true, &b, &fail), GH_E_BUSY);
	(void)snprintf(want, sizeof(want), "cannot listen on 127.0.0.1:%u: somebody else does", tcp_port); /* fits */
	assert_string_equal(fail.text, want);
	free(conf->listen.item[0]);
	conf->listen.count = 0;
	assert_int_equal(proc_listen_open(conf, 2, true, &b, &fail), GH_E_BUSY);
	(void)snprintf(want, sizeof(want), "cannot listen on %s/s: somebody else does", folder); /* fits */
	assert_string_equal(fail.text, want);
	proc_listen_close(&a, false); /* the socket's name stays, as after a SIGKILL */
	assert_int_equal(proc_listen_open(conf, 2, true, &b, &fail), GH_OK);
	proc_listen_close(&b, true);
	(void)snprintf(path, sizeof(path), "%s/s", folder); /* fits */
	f = fopen(path, "we");
	assert_non_null(f);
	assert_int_equal(fclose(f), 0);
	assert_int_equal(proc_listen_open(conf, 2, true, &b, &fail), GH_E_EXISTS);
	assert_int_equal(unlink(path), 0);
	proc_conf_free(&conf);
}

/* Sends a request, reads to the end of the connection. */
static void
http(const char *request, char *answer, size_t size)
{
	int fd = connect_tcp(metrics_port);
	size_t n = 0;
	ssize_t got;

	assert_true(fd >= 0);
	assert_int_equal(write(fd, request, strlen(request)), strlen(request));
	while (n < size - 1 && (got = read(fd, answer + n, size - 1 - n)) > 0)
		n += (size_t)got;
	answer[n] = '\0';
	assert_int_equal(close(fd), 0);
}

static void
test_metrics(void **state)
{
	static const struct proc_role roles[] = {{"gate", gate_role, true}, {"metrics", metrics_role, true}};
	static char answer[65536];
	pid_t pid = start_supervisor(roles, BASE_COUNT(roles), 60000000), gate, metrics;

	(void)state;
	expect("gate", "start", &gate);
	expect("metrics", "start", &metrics);
	for (int round = 0; round < 2; round++) {
		http("GET /metrics HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", answer, sizeof(answer));
		assert_int_equal(strncmp(answer, "HTTP/1.1 200 OK\r\n", 17), 0);
		assert_non_null(strstr(answer, "\ngatehouse_sessions 5\n"));
		assert_non_null(strstr(answer, round == 0 ? "\ngatehouse_role_restarts_total 0\n" : "\ngatehouse_role_restarts_total 1\n"));
		if (round == 1)
			break;
		assert_int_equal(kill(gate, SIGKILL), 0); /* its gauge goes, the restart counts */
		expect("gate", "start", &gate);
		usleep(100000); /* the new gate counts its 5 sessions after it spoke */
	}
	assert_int_equal(kill(metrics, SIGTERM), 0); /* it ends cleanly, and the next one serves the same socket */
	expect("metrics", "start", NULL);
	http("GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", answer, sizeof(answer));
	assert_int_equal(strncmp(answer, "HTTP/1.1 404 Not Found\r\n", 24), 0);
	http("POST /metrics HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 1\r\n\r\nx", answer, sizeof(answer));
	assert_int_equal(strncmp(answer, "HTTP/1.1 405 Method Not Allowed\r\n", 33), 0);
	assert_int_equal(kill(pid, SIGTERM), 0);
	expect("gate", "stop", NULL);
	assert_int_equal(wait_status(pid), 0);
}

static int
set_up(void **state)
{
	(void)state;
	base_log_setup(false, BASE_LOG_ERROR, "test");
	if (mkdtemp(folder) == NULL || pipe2(events, O_CLOEXEC) != 0)
		return -1;
	tcp_port = free_port();
	do
		metrics_port = free_port();
	while (metrics_port == tcp_port);
	shared_tries = mmap(NULL, sizeof(*shared_tries), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	return shared_tries == MAP_FAILED ? -1 : 0;
}

static int
tear_down(void **state)
{
	char path[100];

	(void)state;
	(void)snprintf(path, sizeof(path), "%s/run/gatehouse.pid", folder); /* fits */
	(void)unlink(path);
	(void)snprintf(path, sizeof(path), "%s/run", folder); /* fits */
	(void)rmdir(path);
	return rmdir(folder);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_order),
		cmocka_unit_test(test_restart),
		cmocka_unit_test(test_never_works),
		cmocka_unit_test(test_fails_then_works),
		cmocka_unit_test(test_ready_limit),
		cmocka_unit_test(test_hurry),
		cmocka_unit_test(test_second_supervisor),
		cmocka_unit_test(test_supervisor_killed),
		cmocka_unit_test(test_listen_conflicts),
		cmocka_unit_test(test_metrics),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
