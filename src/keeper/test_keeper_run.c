/* test_keeper_run: a keeper in a process of its own, and gates played by the test: receipts, refusals, broken protocol, several
 * connections, a writer that does not read, failing writes and recovery, SIGTERM, SIGKILL. */
#include "keeper_run.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base_log.h"
#include "ledger_key.h"
#include "ledger_read.h"
#include "ledger_verify.h"
#include "proc_msg.h"

#define ORIGIN "gatehouse.example/ledger/keeper"

static char root[64], ledger[96], key[96], run_dir[96];
static struct ledger_vkey vkey;
static struct proc_count *counts;
static pid_t keeper;

/* ---- the keeper ---- */

static void
on_term(int sig)
{
	uint64_t one = 1;

	(void)sig;
	proc_stop_wanted = 1;
	(void)!write(proc_signal_fd, &one, sizeof one);
}

static int
keeper_main(int ready, enum proc_durability durability)
{
	struct proc_conf conf = {.node = "test", .ledger = ledger, .ledger_key = key, .ledger_origin = ORIGIN, .run_dir = run_dir,
		.ledger_durability = durability, .ledger_checkpoint = 50000};
	struct proc_context ctx = {.conf = &conf, .counts = counts, .workers = 2, .ready = ready, .local = -1, .metrics = -1};

	base_log_setup(false, getenv("KEEPER_LOG") != NULL ? BASE_LOG_DEBUG : BASE_LOG_ERROR, "keeper");
	proc_signal_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	(void)signal(SIGTERM, on_term);
	(void)signal(SIGXFSZ, SIG_IGN);
	(void)signal(SIGPIPE, SIG_IGN);
	return keeper_run(&ctx);
}

static void
start_keeper(enum proc_durability durability)
{
	int p[2];
	char byte;

	assert_int_equal(pipe(p), 0);
	keeper = fork();
	assert_true(keeper >= 0);
	if (keeper == 0) {
		(void)close(p[0]);
		exit(keeper_main(p[1], durability));
	}
	(void)close(p[1]);
	assert_int_equal(read(p[0], &byte, 1), 1);
	(void)close(p[0]);
}

static int
stop_keeper(int sig)
{
	int status;

	assert_int_equal(kill(keeper, sig), 0);
	assert_int_equal(waitpid(keeper, &status, 0), keeper);
	return status;
}

/* ---- a gate ---- */

struct gate {
	int fd;
	uint64_t id;       /* last sent */
	uint64_t receipt;  /* last RECEIPT */
	uint64_t failed;   /* last FAILED */
	enum proc_msg_failure code;
	uint64_t hello;
	struct base_buf in, out;
};

static void
gate_connect(struct gate *g)
{
	struct sockaddr_un a = {.sun_family = AF_UNIX};

	memset(g, 0, sizeof *g);
	base_buf_init(&g->in, 1 << 20);
	base_buf_init(&g->out, 64u << 20);
	g->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	(void)snprintf(a.sun_path, sizeof a.sun_path, "%s/keeper.sock", run_dir);
	if (connect(g->fd, (struct sockaddr *)&a, sizeof a) != 0)
		fail_msg("%s: %d", a.sun_path, errno);
}

static void
gate_close(struct gate *g)
{
	(void)close(g->fd);
	base_buf_done(&g->in);
	base_buf_done(&g->out);
}

static void
gate_queue(struct gate *g, const char *name)
{
	char text[400];
	int n = snprintf(text, sizeof text, "{\"gate\":\"%s\",\"id\":%llu,\"pad\":\"%.*s\"}", name, (unsigned long long)(g->id + 1),
		(int)(g->id % 200),
		"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
		"yyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyy");

	proc_msg_entry(&g->out, ++g->id, base_span(text, (size_t)n));
}

static void
gate_queue_raw(struct gate *g, const char *entry)
{
	proc_msg_entry(&g->out, ++g->id, base_span_str(entry));
}

/* Takes the messages that have arrived. */
static void
gate_take(struct gate *g)
{
	struct base_fail fail;
	struct proc_msg m;
	size_t used;
	int r;

	while ((r = proc_msg_next(base_buf_span(&g->in), false, &m, &used, &fail)) == 1) {
		if (m.type == PROC_MSG_HELLO)
			g->hello = m.id;
		if (m.type == PROC_MSG_RECEIPT) {
			assert_true(m.id > g->receipt && m.id > g->failed);
			g->receipt = m.id;
		}
		if (m.type == PROC_MSG_FAILED) {
			assert_true(m.id > g->receipt && m.id > g->failed);
			g->failed = m.id;
			g->code = m.failure;
		}
		base_buf_consume(&g->in, used);
	}
	assert_int_equal(r, 0);
}

/* Sends what is queued and receives until every id up to `upto` is answered. False: the keeper closed the connection. */
static bool
gate_run(struct gate *g, uint64_t upto)
{
	while (base_buf_len(&g->out) > 0 || g->receipt < upto) {
		struct base_span s = base_buf_span(&g->out);
		uint8_t *p = base_buf_reserve(&g->in, 65536);
		ssize_t n;

		if (g->failed >= upto && base_buf_len(&g->out) == 0)
			break;
		n = s.n > 0 ? send(g->fd, s.p, s.n, MSG_NOSIGNAL | MSG_DONTWAIT) : 0;
		if (n > 0)
			base_buf_consume(&g->out, (size_t)n);
		if (n < 0 && errno != EAGAIN)
			return false;
		n = recv(g->fd, p, 65536, base_buf_len(&g->out) > 0 ? MSG_DONTWAIT : 0);
		if (n == 0 || (n < 0 && errno != EAGAIN))
			return false;
		if (n > 0)
			base_buf_commit(&g->in, (size_t)n);
		gate_take(g);
	}
	return true;
}

/* ---- what the ledger says ---- */

static void
verify(void)
{
	struct ledger_verify_report rep;
	struct base_fail fail = {.text = ""};

	if (ledger_verify(ledger, &vkey, NULL, NULL, &rep, &fail) != 0)
		fail_msg("%s", fail.text);
}

/* How many entries there are whose text contains `what`; with the journal's tail. */
static uint64_t
count_entries(const char *what)
{
	struct base_fail fail = {.text = ""};
	struct ledger_read *r;
	struct base_span e;
	uint64_t index, n = 0;
	int rc;

	assert_int_equal(ledger_read_open(ledger, true, &r, &fail), 0);
	while ((rc = ledger_read_next(r, &index, &e, &fail)) == 1)
		n += memmem(e.p, e.n, what, strlen(what)) != NULL;
	if (rc < 0)
		fail_msg("%s", fail.text);
	ledger_read_free(&r);
	return n;
}

/* Every id of this gate up to `upto` exactly once and in order. */
static void
expect_ids(const char *name, uint64_t upto)
{
	struct base_fail fail = {.text = ""};
	struct ledger_read *r;
	struct base_span e;
	uint64_t index, want = 1;
	char text[64];

	assert_int_equal(ledger_read_open(ledger, true, &r, &fail), 0);
	while (ledger_read_next(r, &index, &e, &fail) == 1) {
		int n = snprintf(text, sizeof text, "{\"gate\":\"%s\",\"id\":%llu,", name, (unsigned long long)want);

		if (e.n > (size_t)n && memcmp(e.p, text, (size_t)n) == 0)
			want++;
	}
	ledger_read_free(&r);
	if (want <= upto)
		fail_msg("gate %s: entry %llu is not in the ledger", name, (unsigned long long)want);
}

/* ---- tests ---- */

static int
remove_one(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
	(void)st, (void)flag, (void)ftw;
	return remove(path);
}

static int
setup(void **state)
{
	struct base_fail fail = {.text = ""};

	(void)state;
	base_crypt_init();
	(void)snprintf(root, sizeof root, "/tmp/test-keeper-XXXXXX");
	assert_non_null(mkdtemp(root));
	(void)snprintf(ledger, sizeof ledger, "%s/ledger", root);
	(void)snprintf(key, sizeof key, "%s/ledger.key", root);
	(void)snprintf(run_dir, sizeof run_dir, "%s/run", root);
	assert_int_equal(mkdir(run_dir, 0700), 0);
	assert_int_equal(ledger_key_create(key, ORIGIN, &vkey, &fail), 0);
	counts = proc_count_new(5);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	return nftw(root, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

static void
test_receipts(void **state)
{
	struct gate a;
	struct stat st;
	char path[128];

	(void)state;
	start_keeper(PROC_DURABILITY_FLUSH);
	(void)snprintf(path, sizeof path, "%s/keeper.sock", run_dir);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	gate_connect(&a);
	gate_queue(&a, "a");
	assert_true(gate_run(&a, 1));
	assert_int_equal(a.hello, 1); /* the start entry */
	assert_int_equal(a.receipt, 1);
	for (unsigned i = 0; i < 5000; i++)
		gate_queue(&a, "a");
	assert_true(gate_run(&a, a.id));
	assert_int_equal(a.failed, 0);
	expect_ids("a", 5001);
	assert_int_equal(proc_count_sum(counts, PROC_COUNT_ledger_entries_total), 5002);
	for (unsigned tries = 0; proc_count_sum(counts, PROC_COUNT_ledger_tree_size) < 5002 && tries < 500; tries++)
		(void)usleep(10000); /* a checkpoint comes by itself */
	assert_int_equal(proc_count_sum(counts, PROC_COUNT_ledger_tree_size), 5002);
	verify();
	gate_close(&a);
	assert_int_equal(stop_keeper(SIGTERM), 0);
	assert_int_equal(count_entries("\"kind\":\"start\""), 1);
	assert_int_equal(count_entries("\"kind\":\"stop\""), 1);
	verify();
}

static void
test_several(void **state)
{
	static const char *const names[] = {"b0", "b1", "b2", "b3"};
	struct gate g[4];

	(void)state;
	start_keeper(PROC_DURABILITY_WRITE);
	for (unsigned i = 0; i < 4; i++)
		gate_connect(&g[i]);
	for (unsigned round = 0; round < 50; round++) {
		for (unsigned i = 0; i < 4; i++) {
			for (unsigned k = 0; k <= (round * 7 + i * 3) % 40; k++)
				gate_queue(&g[i], names[i]);
			(void)gate_run(&g[i], round % 3 == 0 ? g[i].id : 0);
		}
	}
	for (unsigned i = 0; i < 4; i++) {
		assert_true(gate_run(&g[i], g[i].id));
		assert_int_equal(g[i].failed, 0);
	}
	assert_int_equal(WTERMSIG(stop_keeper(SIGKILL)), SIGKILL);
	for (unsigned i = 0; i < 4; i++) {
		expect_ids(names[i], g[i].receipt);
		gate_close(&g[i]);
	}
	start_keeper(PROC_DURABILITY_FLUSH); /* replays */
	assert_int_equal(stop_keeper(SIGTERM), 0);
	for (unsigned i = 0; i < 4; i++)
		expect_ids(names[i], g[i].receipt);
	verify();
}

static void
test_refused(void **state)
{
	struct gate g;

	(void)state;
	start_keeper(PROC_DURABILITY_FLUSH);
	gate_connect(&g);
	gate_queue(&g, "c");
	gate_queue(&g, "c");
	gate_queue_raw(&g, "{\"control\":\"\n\"}");
	gate_queue(&g, "c4");
	gate_queue_raw(&g, "not an object");
	gate_queue_raw(&g, "[]");
	gate_queue(&g, "c7");
	assert_true(gate_run(&g, g.id)); /* gate_take checks that answers are in order */
	assert_int_equal(g.receipt, 7);
	assert_int_equal(g.failed, 6);
	assert_int_equal(g.code, PROC_MSG_MALFORMED);
	assert_int_equal(count_entries("not an object"), 0);
	assert_int_equal(count_entries("\"gate\":\"c"), 4);
	gate_close(&g);
	/* broken protocol: the connection ends, others go on */
	static const struct {
		const char *bytes;
		size_t n;
	} broken[] = {
		{"\0\0\0\0", 4},
		{"\xff\xff\xff\xff\1", 5},
		{"\0\0\0\13\2\0\0\0\0\0\0\0\1{}", 15},      /* a HELLO from a gate */
		{"\0\0\0\13\1\0\0\0\0\0\0\0\2{}", 15},      /* the second entry first */
		{"\0\0\0\13\1\0\0\0\0\0\0\0\0{}", 15},
	};

	for (size_t i = 0; i < BASE_COUNT(broken); i++) {
		gate_connect(&g);
		base_buf_put(&g.out, base_span(broken[i].bytes, broken[i].n));
		assert_false(gate_run(&g, 1));
		assert_int_equal(g.receipt, 0);
		gate_close(&g);
	}
	/* half a message, then gone */
	gate_connect(&g);
	gate_queue(&g, "d");
	g.out.end -= 3;
	(void)gate_run(&g, 0);
	gate_close(&g);
	gate_connect(&g);
	gate_queue(&g, "e");
	assert_true(gate_run(&g, 1));
	gate_close(&g);
	assert_int_equal(stop_keeper(SIGTERM), 0);
	assert_int_equal(count_entries("\"gate\":\"d\""), 0);
	assert_int_equal(count_entries("\"gate\":\"e\""), 1);
	verify();
}

/* 30 MB at once from two gates: more than a batch and all buffers hold. */
static void
test_flood(void **state)
{
	struct gate g[2];

	(void)state;
	start_keeper(PROC_DURABILITY_FLUSH);
	for (unsigned i = 0; i < 2; i++) {
		gate_connect(&g[i]);
		while (base_buf_len(&g[i].out) < 15u << 20)
			gate_queue(&g[i], i == 0 ? "f0" : "f1");
	}
	/* stopped in the middle of it: what is acknowledged is there */
	assert_true(gate_run(&g[0], 20000));
	assert_int_equal(stop_keeper(SIGTERM), 0);
	expect_ids("f0", g[0].receipt);
	start_keeper(PROC_DURABILITY_FLUSH);
	gate_close(&g[0]);
	gate_close(&g[1]);
	gate_connect(&g[0]);
	gate_connect(&g[1]);
	for (unsigned i = 0; i < 2; i++)
		while (base_buf_len(&g[i].out) < 15u << 20)
			gate_queue(&g[i], i == 0 ? "g0" : "g1");
	for (bool more = true; more;) { /* both at once */
		more = false;
		for (unsigned i = 0; i < 2; i++) {
			struct base_span s = base_buf_span(&g[i].out);
			uint8_t *p = base_buf_reserve(&g[i].in, 65536);
			ssize_t n = send(g[i].fd, s.p, s.n < 100000 ? s.n : 100000, MSG_DONTWAIT | MSG_NOSIGNAL);

			if (n > 0)
				base_buf_consume(&g[i].out, (size_t)n);
			n = recv(g[i].fd, p, 65536, MSG_DONTWAIT);
			assert_true(n != 0);
			if (n > 0)
				base_buf_commit(&g[i].in, (size_t)n);
			gate_take(&g[i]);
			more = more || g[i].receipt < g[i].id;
		}
	}
	expect_ids("g0", g[0].id);
	expect_ids("g1", g[1].id);
	gate_close(&g[0]);
	gate_close(&g[1]);
	assert_int_equal(stop_keeper(SIGTERM), 0);
	verify();
}

/* Writes that fail (a file size limit stands for the full disk), answered with FAILED; then they work again, without a restart. */
static void
test_failing(void **state)
{
	struct rlimit none, tight;
	struct gate g;
	uint64_t failed, good;

	(void)state;
	start_keeper(PROC_DURABILITY_FLUSH);
	gate_connect(&g);
	gate_queue(&g, "h");
	assert_true(gate_run(&g, 1));
	assert_int_equal(prlimit(keeper, RLIMIT_FSIZE, NULL, &none), 0);
	tight = none;
	tight.rlim_cur = 100;
	for (unsigned round = 0; round < 3; round++) {
		assert_int_equal(prlimit(keeper, RLIMIT_FSIZE, &tight, NULL), 0);
		good = g.receipt;
		for (unsigned i = 0; i < 20; i++)
			gate_queue(&g, "h-not-recorded");
		assert_true(gate_run(&g, g.id));
		assert_true(g.failed == g.id && g.receipt == good);
		assert_int_equal(g.code, PROC_MSG_WRITE_ERROR);
		failed = g.failed;
		assert_int_equal(prlimit(keeper, RLIMIT_FSIZE, &none, NULL), 0);
		for (unsigned i = 0; i < 20; i++)
			gate_queue(&g, "h-recorded");
		assert_true(gate_run(&g, g.id));
		assert_true(g.receipt == g.id && g.failed == failed);
	}
	gate_close(&g);
	assert_int_equal(stop_keeper(SIGTERM), 0);
	assert_int_equal(count_entries("h-recorded"), 60);
	assert_int_equal(count_entries("h-not-recorded"), 0);
	verify();
}

static void
test_cannot_start(void **state)
{
	struct proc_conf conf = {.node = "test", .ledger = ledger, .ledger_key = key, .ledger_origin = "other.example", .run_dir = run_dir};
	struct proc_context ctx = {.conf = &conf, .counts = counts, .workers = 2, .ready = -1};
	int status;
	pid_t pid;

	(void)state;
	base_log_setup(false, BASE_LOG_ERROR, "keeper");
	assert_int_equal(keeper_run(&ctx), 2); /* the key of another log: no restart would help */
	start_keeper(PROC_DURABILITY_FLUSH);
	conf.ledger_origin = ORIGIN;
	pid = fork();
	if (pid == 0)
		exit(keeper_run(&ctx));
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(WEXITSTATUS(status), 1); /* another keeper holds the lock: it may end */
	assert_int_equal(stop_keeper(SIGTERM), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_receipts),
		cmocka_unit_test(test_several),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_flood),
		cmocka_unit_test(test_failing),
		cmocka_unit_test(test_cannot_start),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
