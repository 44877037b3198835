/* test_keeper_recall: a keeper in a process of its own, asked what the ledger says: everything since a time once and in order, whatever is published and whatever is only
 * in the journal; what stands; notices; askers that do not read; and the file of standing entries missing, damaged, too old, too new. */
#include "keeper_run.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base_file.h"
#include "base_log.h"
#include "base_time.h"
#include "event_entry.h"
#include "keeper_standing.h"
#include "ledger_journal.h"
#include "ledger_key.h"
#include "proc_msg.h"

#define ORIGIN "gatehouse.example/ledger/recall"
#define MINUTE UINT64_C(60000000)
#define BEGIN UINT64_C(1795363674000000)

static char root[64], ledger[96], key[96], run_dir[96], standing[160];
static struct proc_count *counts;
static pid_t keeper;
static uint64_t checkpoint_us = 50000;

static void
on_term(int sig)
{
	uint64_t one = 1;

	(void)sig;
	proc_stop_wanted = 1;
	(void)!write(proc_signal_fd, &one, sizeof one);
}

static int
keeper_main(int ready)
{
	struct proc_conf conf = {.node = "test", .ledger = ledger, .ledger_key = key, .ledger_origin = ORIGIN, .run_dir = run_dir,
		.ledger_durability = PROC_DURABILITY_WRITE, .ledger_checkpoint = checkpoint_us};
	struct proc_context ctx = {.conf = &conf, .counts = counts, .workers = 2, .ready = ready, .local = -1, .metrics = -1};

	base_log_setup(false, getenv("KEEPER_LOG") != NULL ? BASE_LOG_DEBUG : BASE_LOG_ERROR, "keeper");
	proc_signal_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	(void)signal(SIGTERM, on_term);
	(void)signal(SIGPIPE, SIG_IGN);
	return keeper_run(&ctx);
}

static void
start_keeper(void)
{
	int p[2];
	char byte;

	assert_int_equal(pipe(p), 0);
	keeper = fork();
	assert_true(keeper >= 0);
	if (keeper == 0) {
		(void)close(p[0]);
		exit(keeper_main(p[1]));
	}
	(void)close(p[1]);
	assert_int_equal(read(p[0], &byte, 1), 1);
	(void)close(p[0]);
}

static void
stop_keeper(int sig)
{
	int status;

	assert_int_equal(kill(keeper, sig), 0);
	assert_int_equal(waitpid(keeper, &status, 0), keeper);
}

/* ---- a connection ---- */

struct gate {
	int fd;
	uint64_t id, receipt;
	unsigned notices;
	char noticed[4096]; /* kind and target of each notice */
	struct base_buf in, out;
};

static void
gate_connect(struct gate *g)
{
	struct sockaddr_un a = {.sun_family = AF_UNIX};
	struct timeval limit = {30, 0};

	memset(g, 0, sizeof *g);
	base_buf_init(&g->in, 1 << 20);
	base_buf_init(&g->out, 64u << 20);
	g->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	(void)snprintf(a.sun_path, sizeof a.sun_path, "%s/keeper.sock", run_dir);
	assert_int_equal(connect(g->fd, (struct sockaddr *)&a, sizeof a), 0);
	assert_int_equal(setsockopt(g->fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit), 0);
}

static void
gate_close(struct gate *g)
{
	(void)close(g->fd); /* a socket: nothing to lose */
	base_buf_done(&g->in);
	base_buf_done(&g->out);
}

static void
note_entry(char *dst, size_t size, struct base_span line)
{
	struct event_decoded *d = NULL;
	size_t n = strlen(dst);

	assert_int_equal(event_decode(line, &d, NULL), 0);
	const struct event_entry *e = event_decoded_entry(d);
	(void)snprintf(dst + n, size - n, "%s %.*s%.*s;", event_kind_name(e->kind), (int)e->target.n, (const char *)e->target.p, (int)e->actor.n, (const char *)e->actor.p);
	event_decoded_free(&d);
}

/* Sends all, and receives until `receipt` and `notices` have come. */
static void
gate_run(struct gate *g, uint64_t receipt, unsigned notices)
{
	while (base_buf_len(&g->out) > 0 || g->receipt < receipt || g->notices < notices) {
		struct base_span s = base_buf_span(&g->out);
		ssize_t n = s.n > 0 ? send(g->fd, s.p, s.n, MSG_NOSIGNAL | MSG_DONTWAIT) : 0;
		struct base_fail fail;
		struct proc_msg m;
		size_t used;
		uint8_t *p = base_buf_reserve(&g->in, 65536);

		if (n > 0)
			base_buf_consume(&g->out, (size_t)n);
		n = recv(g->fd, p, 65536, base_buf_len(&g->out) > 0 ? MSG_DONTWAIT : 0);
		assert_true(n > 0 || (n < 0 && errno == EAGAIN && base_buf_len(&g->out) > 0));
		if (n > 0)
			base_buf_commit(&g->in, (size_t)n);
		while (proc_msg_next(base_buf_span(&g->in), false, &m, &used, &fail) == 1) {
			assert_int_not_equal(m.type, PROC_MSG_FAILED);
			if (m.type == PROC_MSG_RECEIPT)
				g->receipt = m.id;
			if (m.type == PROC_MSG_NOTICE) {
				g->notices++;
				note_entry(g->noticed, sizeof g->noticed, m.body);
			}
			base_buf_consume(&g->in, used);
		}
	}
}

static void
add(struct gate *g, const struct event_entry *e)
{
	struct base_buf line;

	base_buf_init(&line, EVENT_ENTRY_MAX);
	assert_int_equal(event_entry_encode(e, &line, NULL), 0);
	proc_msg_entry(&g->out, ++g->id, base_buf_span(&line));
	base_buf_done(&line);
}

/* A read at this time; seq tells it apart. */
static void
add_read(struct gate *g, uint64_t time_us, uint64_t seq)
{
	static char text[3000];
	struct event_entry e = {.kind = EVENT_READ, .time_us = time_us, .seq = seq, .actor = base_span_str("anna")};

	memset(text, 'x', sizeof text);
	e.text = base_span(text, seq % sizeof text);
	add(g, &e);
}

static void
add_admin(struct gate *g, enum event_kind kind, const char *target, uint64_t time_us)
{
	struct event_entry e = {.kind = kind, .time_us = time_us, .target = base_span_str(target), .why = base_span_str("why"), .operator = base_span_str("o")};

	add(g, &e);
}

static void
add_code(struct gate *g, const char *actor, uint64_t code, const char *why)
{
	struct event_entry e = {.kind = EVENT_STEP, .time_us = BEGIN, .actor = base_span_str(actor), .why = base_span_str(why), .counter = code};

	add(g, &e);
}

/* ---- a recall ---- */

struct answer {
	char admin[4096];      /* kind and name of those that are no read, start or stop */
	uint64_t count, reads, first, last; /* seq of the reads; they must rise by one */
	bool ended;
};

static void
take_recalled(struct answer *a, struct base_span line)
{
	struct event_decoded *d = NULL;

	a->count++;
	assert_int_equal(event_decode(line, &d, NULL), 0);
	const struct event_entry *e = event_decoded_entry(d);
	if (e->kind == EVENT_READ) {
		if (a->reads++ == 0)
			a->first = e->seq;
		else
			assert_int_equal(e->seq, a->last + 1);
		a->last = e->seq;
	} else if (e->kind != EVENT_START && e->kind != EVENT_STOP) {
		note_entry(a->admin, sizeof a->admin, line);
	}
	event_decoded_free(&d);
}

/* Reads the answer to its end, `slow`: in small pieces with pauses. */
static void
read_answer(struct gate *g, struct answer *a, bool slow)
{
	struct base_fail fail;
	struct proc_msg m;
	size_t used;

	*a = (struct answer){.ended = false};
	for (;;) {
		uint8_t *p = base_buf_reserve(&g->in, 65536);
		ssize_t n = recv(g->fd, p, slow ? 5000 : 65536, 0);

		if (n <= 0) {
			assert_int_equal(n, 0);
			return;
		}
		assert_false(a->ended); /* nothing behind the end */
		base_buf_commit(&g->in, (size_t)n);
		while (proc_msg_next(base_buf_span(&g->in), false, &m, &used, &fail) == 1) {
			if (m.type == PROC_MSG_RECALLED)
				take_recalled(a, m.body);
			if (m.type == PROC_MSG_RECALL_END) {
				assert_int_equal(m.id, a->count);
				a->ended = true;
			}
			base_buf_consume(&g->in, used);
		}
	}
}

static void
recall(uint64_t since, struct answer *a)
{
	struct gate g;

	gate_connect(&g);
	proc_msg_recall(&g.out, since);
	assert_int_equal(send(g.fd, base_buf_span(&g.out).p, base_buf_len(&g.out), MSG_NOSIGNAL), base_buf_len(&g.out));
	read_answer(&g, a, false);
	assert_true(a->ended);
	gate_close(&g);
}

/* ---- the folder ---- */

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
	struct ledger_vkey vkey;

	(void)state;
	base_crypt_init();
	(void)snprintf(root, sizeof root, "/tmp/test-recall-XXXXXX");
	assert_non_null(mkdtemp(root));
	(void)snprintf(ledger, sizeof ledger, "%s/ledger", root);
	(void)snprintf(key, sizeof key, "%s/ledger.key", root);
	(void)snprintf(run_dir, sizeof run_dir, "%s/run", root);
	assert_int_equal(mkdir(run_dir, 0700), 0);
	assert_int_equal(ledger_key_create(key, ORIGIN, &vkey, &fail), 0);
	(void)snprintf(standing, sizeof standing, "%s/ledger-%08x.standing", run_dir, (unsigned)vkey.id);
	counts = proc_count_new(5);
	checkpoint_us = 50000;
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	return nftw(root, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

/* ---- tests ---- */

/* A minute between two entries, times that go back a little here and there; asked for every beginning; published, then in the journal, then after a kill. */
static void
test_since(void **state)
{
	struct answer a;
	struct gate g;
	uint64_t n = 3000;

	(void)state;
	for (unsigned round = 0; round < 3; round++) {
		checkpoint_us = round == 1 ? 3600000000u : 50000; /* the second round: never published by itself */
		start_keeper();
		gate_connect(&g);
		for (uint64_t i = n * round + 1; i <= n * (round + 1); i++)
			add_read(&g, BEGIN + i * MINUTE - (i % 7) * 1000000, i);
		gate_run(&g, g.id, 0);
		for (uint64_t from = 0; from <= n * (round + 1) + 2; from += from < 3 || from > n * (round + 1) - 3 ? 1 : 397) {
			recall(from == 0 ? 0 : BEGIN + from * MINUTE - 30000000, &a);
			uint64_t want = from == 0 ? n * (round + 1) : from > n * (round + 1) ? 0 : n * (round + 1) - from + 1;
			assert_int_equal(a.reads, want);
			if (want > 0)
				assert_true(a.last == n * (round + 1) && a.first == (from == 0 ? 1 : from));
			assert_string_equal(a.admin, "");
		}
		gate_close(&g);
		stop_keeper(round == 2 ? SIGTERM : SIGKILL);
	}
}

/* While entries come in and tiles and journal segments change under it; and an asker that reads slowly holds nobody up. */
static void
test_under_load(void **state)
{
	struct gate g, slow;
	struct answer a;
	uint64_t seq = 0;

	(void)state;
	start_keeper();
	gate_connect(&g);
	while (seq < 20000)
		add_read(&g, BEGIN + seq, seq + 1), seq++;
	gate_run(&g, g.id, 0);
	gate_connect(&slow);
	proc_msg_recall(&slow.out, 1);
	assert_true(send(slow.fd, base_buf_span(&slow.out).p, base_buf_len(&slow.out), MSG_NOSIGNAL) > 0);
	for (unsigned round = 0; round < 10; round++) {
		uint64_t before = seq, began = base_time_mono_us();

		for (unsigned i = 0; i < 500; i++)
			add_read(&g, BEGIN + seq, seq + 1), seq++;
		gate_run(&g, g.id, 0); /* answered although the slow one has not read a byte */
		assert_true(base_time_mono_us() - began < 10000000);
		recall(round % 2 ? 1 : BEGIN + before, &a);
		assert_true(a.last == seq && a.first == (round % 2 ? 1 : before + 1));
	}
	read_answer(&slow, &a, true);
	assert_true(a.ended && a.first == 1 && a.last >= 20000 && a.reads == a.last);
	gate_close(&slow);
	/* one that goes away in the middle, and too many at once */
	struct gate many[6];
	unsigned closed = 0;
	for (unsigned i = 0; i < BASE_COUNT(many); i++) {
		gate_connect(&many[i]);
		proc_msg_recall(&many[i].out, 1);
		assert_true(send(many[i].fd, base_buf_span(&many[i].out).p, base_buf_len(&many[i].out), MSG_NOSIGNAL) > 0);
	}
	for (unsigned i = 0; i < BASE_COUNT(many); i++) {
		if (i < 2) {
			gate_close(&many[i]);
			continue;
		}
		read_answer(&many[i], &a, false);
		closed += !a.ended;
		gate_close(&many[i]);
	}
	assert_true(closed <= 2);
	add_read(&g, BEGIN + seq, seq + 1);
	gate_run(&g, g.id, 0);
	gate_close(&g);
	stop_keeper(SIGTERM);
}

static void
expect(const char *want, uint64_t since)
{
	struct answer a;

	recall(since, &a);
	assert_string_equal(a.admin, want);
}

#define LATER (BEGIN + 1000 * MINUTE)

static void
test_standing(void **state)
{
	struct gate g, other;

	(void)state;
	start_keeper();
	gate_connect(&g);
	gate_connect(&other);
	add_admin(&g, EVENT_SUSPEND, "actor wang", BEGIN);
	add_admin(&g, EVENT_SUSPEND, "employer North Star", BEGIN);
	add_admin(&g, EVENT_SUSPEND, "actor li", BEGIN);
	add_admin(&g, EVENT_RESUME, "actor li", BEGIN);
	add_code(&g, "anna", 3, "recovery code");
	add_code(&g, "anna", 59845455, "");
	add_code(&g, "bo", 1, "recovery code");
	add_admin(&g, EVENT_SUSPEND, "actor wang", BEGIN + 1);
	gate_run(&g, g.id, 5);
	gate_run(&other, 0, 5);
	assert_string_equal(other.noticed, "suspend actor wang;suspend employer North Star;suspend actor li;resume actor li;suspend actor wang;");
	assert_string_equal(g.noticed, other.noticed);
	for (unsigned round = 0; round < 3; round++) { /* the same from memory, from the file, and after a kill */
		expect("suspend employer North Star;resume actor li;step anna;step bo;suspend actor wang;", LATER);
		if (round == 2)
			break;
		gate_close(&g);
		gate_close(&other);
		stop_keeper(round == 0 ? SIGTERM : SIGKILL);
		start_keeper();
		gate_connect(&g);
		gate_connect(&other);
		gate_run(&other, 0, 3); /* told at once what stands */
		assert_string_equal(other.noticed, "suspend employer North Star;resume actor li;suspend actor wang;");
	}
	/* nothing twice: what is of the time asked for comes in its place */
	expect("suspend employer North Star;resume actor li;step anna;step bo;suspend actor wang;", BEGIN + 1);
	expect("suspend actor wang;suspend employer North Star;suspend actor li;resume actor li;step anna;step anna;step bo;suspend actor wang;", BEGIN);
	add_admin(&g, EVENT_RESUME, "employer North Star", BEGIN + 2);
	add_admin(&g, EVENT_ENROLL, "actor anna", BEGIN + 2);
	add_read(&g, LATER, 1);
	gate_run(&g, g.id, 0);
	expect("resume actor li;step bo;suspend actor wang;resume employer North Star;", LATER);
	/* about nobody: not recorded */
	proc_msg_entry(&g.out, ++g.id, base_span_str("{\"v\":1,\"kind\":\"suspend\",\"time\":\"2026-11-22T16:07:54.123456Z\"}"));
	assert_true(send(g.fd, base_buf_span(&g.out).p, base_buf_len(&g.out), MSG_NOSIGNAL) > 0);
	gate_close(&g);
	/* a recall after an entry ends the connection */
	gate_connect(&g);
	add_read(&g, LATER, 2);
	proc_msg_recall(&g.out, 0);
	assert_true(send(g.fd, base_buf_span(&g.out).p, base_buf_len(&g.out), MSG_NOSIGNAL) > 0);
	struct answer a;
	read_answer(&g, &a, false);
	assert_true(!a.ended && a.count == 0);
	gate_close(&g);
	gate_close(&other);
	stop_keeper(SIGTERM);
}

static void
put_file(struct base_span s)
{
	assert_int_equal(base_file_replace(AT_FDCWD, standing, 0600, s, NULL), 0);
}

static void
get_file(struct base_buf *b)
{
	base_buf_init(b, 1u << 20);
	assert_int_equal(base_file_read(AT_FDCWD, standing, b, NULL), 0);
}

/* Stops by SIGKILL, puts the file's bytes in place, starts, and looks what stands. */
static void
with_file(struct base_span file, const char *want)
{
	struct base_buf after;

	stop_keeper(SIGKILL);
	if (file.p != NULL)
		put_file(file);
	else
		assert_int_equal(unlink(standing), 0);
	start_keeper();
	expect(want, LATER);
	get_file(&after);
	assert_true(base_buf_len(&after) > 24); /* and it has been put right */
	base_buf_done(&after);
}

/* The file as a crash between an entry and the file leaves it, gone, cut at every length, with each byte wrong, of another ledger, ahead of this one. */
static void
test_file(void **state)
{
	struct base_buf old, good, bent;
	struct gate g;

	(void)state;
	start_keeper();
	gate_connect(&g);
	add_admin(&g, EVENT_SUSPEND, "actor li", BEGIN);
	add_admin(&g, EVENT_SUSPEND, "actor wang", BEGIN);
	gate_run(&g, g.id, 0);
	get_file(&old); /* there before the receipt */
	for (unsigned i = 0; i < 700; i++)
		add_read(&g, BEGIN + MINUTE, i + 1);
	add_admin(&g, EVENT_ENROLL, "actor li", BEGIN + MINUTE);
	gate_run(&g, g.id, 0);
	add_admin(&g, EVENT_RESUME, "actor li", BEGIN + MINUTE);
	add_admin(&g, EVENT_SUSPEND, "actor zhao", BEGIN + MINUTE);
	gate_run(&g, g.id, 0);
	get_file(&good);
	assert_true(base_buf_len(&good) > base_buf_len(&old));
	gate_close(&g);
	static const char with_resume[] = "suspend actor wang;resume actor li;suspend actor zhao;";
	with_file(base_buf_span(&old), with_resume); /* killed between the entry and the file */
	with_file(base_buf_span(&good), with_resume);
	with_file(base_span(NULL, 0), with_resume);
	for (size_t n = 0; n < base_buf_len(&good); n += n < 26 ? 5 : 61)
		with_file(base_span(base_buf_span(&good).p, n), with_resume);
	base_buf_init(&bent, 1u << 20);
	for (size_t i = 0; i < base_buf_len(&good); i += i < 26 ? 3 : 59) {
		base_buf_clear(&bent);
		base_buf_put(&bent, base_buf_span(&good));
		bent.mem[bent.start + i] ^= 0x20;
		with_file(base_buf_span(&bent), with_resume);
	}
	/* a whole file that speaks of more than there is */
	base_buf_clear(&bent);
	base_buf_str(&bent, "GHSTND01");
	base_buf_u64(&bent, 1000000);
	base_buf_u32(&bent, 0);
	base_buf_u32(&bent, ledger_journal_crc32c(base_buf_span(&bent)));
	with_file(base_buf_span(&bent), with_resume);
	stop_keeper(SIGTERM);
	base_buf_done(&bent);
	base_buf_done(&old);
	base_buf_done(&good);
}

/* More than can be kept: nothing is, and a recall gives the whole ledger. */
static void
test_limits(void **state)
{
	struct keeper_standing s = {.path = NULL};
	struct base_buf b;
	char target[64];

	(void)state;
	base_log_setup(false, BASE_LOG_ERROR, "keeper");
	base_buf_init(&b, 1u << 20);
	for (unsigned i = 0; i <= KEEPER_STANDING_MOST; i++) {
		int n = snprintf(target, sizeof target, "{\"v\":1,\"kind\":\"suspend\",\"target\":\"actor %u\"}", i);

		base_buf_clear(&b);
		base_buf_u16(&b, (uint16_t)n);
		base_buf_str(&b, target);
		assert_false(s.over);
		keeper_standing_take(&s, base_buf_span(&b));
		assert_int_equal(s.size, i + 1);
	}
	assert_true(s.over && s.count == 0 && s.bytes == 0);
	base_buf_done(&b);
	keeper_standing_done(&s);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_since, setup, teardown),
		cmocka_unit_test_setup_teardown(test_under_load, setup, teardown),
		cmocka_unit_test_setup_teardown(test_standing, setup, teardown),
		cmocka_unit_test_setup_teardown(test_file, setup, teardown),
		cmocka_unit_test(test_limits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
