/* test_gate_recall: a keeper played by a child process: what it sends whole, in pieces, cut at every length, and with every word that has no place. */
#include "gate_recall.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base_log.h"
#include "proc_msg.h"

#define SINCE UINT64_C(1795363674123456)

static char dir[32], path[64];
static int listener;

/* What each() was given. */
static char seen[4096];

static void
each(void *ctx, const struct event_entry *e)
{
	size_t n = strlen(seen);

	assert_ptr_equal(ctx, seen);
	(void)snprintf(seen + n, sizeof(seen) - n, "%s %.*s;", event_kind_name(e->kind), (int)e->target.n, (const char *)e->target.p);
}

/* Plays a keeper that takes one recall and sends `bytes`, `piece` at a time. */
static pid_t
play(struct base_span bytes, size_t piece)
{
	pid_t pid = fork();
	struct base_buf ask;
	uint8_t got[64];
	size_t n = 0;

	assert_true(pid >= 0);
	if (pid > 0)
		return pid;
	base_buf_init(&ask, 64);
	proc_msg_recall(&ask, SINCE);
	int fd = accept(listener, NULL, NULL);
	while (n < base_buf_len(&ask)) {
		ssize_t r = recv(fd, got + n, sizeof(got) - n, 0);
		if (r <= 0)
			_exit(2);
		n += (size_t)r;
	}
	if (!base_span_eq(base_span(got, n), base_buf_span(&ask)))
		_exit(3);
	for (size_t at = 0; at < bytes.n; at += piece)
		(void)send(fd, bytes.p + at, bytes.n - at < piece ? bytes.n - at : piece, MSG_NOSIGNAL); /* the other side may have had enough */
	(void)close(fd); /* a socket: nothing to lose */
	_exit(0);
}

static int
ask(struct base_span bytes, size_t piece, uint64_t *count, struct base_fail *fail)
{
	pid_t pid = play(bytes, piece);
	int status, rc;

	*seen = '\0';
	rc = gate_recall(path, SINCE, each, seen, count, fail);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	return rc;
}

static void
put_entry(struct base_buf *b, enum event_kind kind, const char *target, bool notice)
{
	struct event_entry e = {.kind = kind, .time_us = SINCE, .target = base_span_str(target), .node = base_span_str("g")};
	struct base_fail fail;
	struct base_buf line;

	base_buf_init(&line, EVENT_ENTRY_MAX);
	assert_int_equal(event_entry_encode(&e, &line, &fail), 0);
	if (notice)
		proc_msg_notice(b, base_buf_span(&line));
	else
		proc_msg_recalled(b, base_buf_span(&line));
	base_buf_done(&line);
}

static void
good(struct base_buf *b)
{
	base_buf_init(b, 1u << 24);
	proc_msg_hello(b, 17);
	put_entry(b, EVENT_SUSPEND, "actor wang", true);
	put_entry(b, EVENT_SUSPEND, "actor wang", false);
	put_entry(b, EVENT_RESUME, "employer North Star", false);
	put_entry(b, EVENT_STOP, "", false);
	proc_msg_recall_end(b, 3);
}

static void
test_whole_in_pieces_and_cut(void **state)
{
	static const char want[] = "suspend actor wang;resume employer North Star;stop ;";
	struct base_fail fail = {.text = ""};
	struct base_buf b;
	uint64_t count;

	(void)state;
	good(&b);
	for (size_t piece = 1; piece < base_buf_len(&b) + 50; piece = piece * 3 + 1) {
		count = 0;
		if (ask(base_buf_span(&b), piece, &count, &fail) != 0)
			fail_msg("%s", fail.text);
		assert_int_equal(count, 3);
		assert_string_equal(seen, want);
	}
	for (size_t n = 0; n < base_buf_len(&b); n++) { /* not the last byte: whatever came, it is not all */
		count = 77;
		assert_int_equal(ask(base_span(base_buf_span(&b).p, n), 100000, &count, &fail), GH_E_CLOSED);
		assert_int_equal(count, 77);
		assert_memory_equal(seen, want, strlen(seen));
	}
	base_buf_done(&b);
}

static void
test_many(void **state)
{
	struct base_fail fail = {.text = ""};
	struct base_buf b;
	uint64_t count = 0;

	(void)state;
	base_buf_init(&b, 1u << 24);
	proc_msg_hello(&b, 17);
	for (unsigned i = 0; i < 50000; i++)
		put_entry(&b, EVENT_STOP, "", false);
	proc_msg_recall_end(&b, 50000);
	if (ask(base_buf_span(&b), 1u << 20, &count, &fail) != 0)
		fail_msg("%s", fail.text);
	assert_int_equal(count, 50000);
	base_buf_done(&b);
}

static void
put_bad(struct base_buf *b, unsigned which)
{
	switch (which) {
	case 0: proc_msg_recalled(b, base_span_str("{}")); break;
	case 1: proc_msg_recalled(b, base_span_str("{\"v\":1,\"kind\":\"stop\", \"time\":\"2026-11-22T16:07:54.123456Z\"}")); break;
	case 2: proc_msg_receipt(b, 1); break;
	case 3: proc_msg_failed(b, 1, PROC_MSG_DISK_FULL, "full"); break;
	case 4: proc_msg_recall_end(b, 4); break; /* one was lost */
	case 5: proc_msg_recall_end(b, 2); break;
	case 6: proc_msg_recall(b, 1); break; /* not its word */
	case 7: base_buf_put(b, base_span("\0\0\0\0", 4)); break;
	default: base_buf_put(b, base_span("\377\377\377\377", 4)); break;
	}
}

static void
test_hostile(void **state)
{
	(void)state;
	for (unsigned which = 0; which < 9; which++) {
		struct base_fail fail = {.text = ""};
		struct base_buf b;
		uint64_t count = 77;

		good(&b);
		b.end -= 13; /* the end */
		put_bad(&b, which);
		if (ask(base_buf_span(&b), 100000, &count, &fail) != GH_E_PARSE || fail.text[0] == '\0')
			fail_msg("%u: %s", which, fail.text);
		assert_int_equal(count, 77);
		base_buf_done(&b);
	}
}

static void
test_nobody(void **state)
{
	struct base_fail fail = {.text = ""};
	char none[64];
	uint64_t count = 77;

	(void)state;
	(void)snprintf(none, sizeof(none), "%s/none.sock", dir);
	assert_int_equal(gate_recall(none, 0, each, seen, &count, &fail), GH_E_CLOSED);
	assert_int_equal(fail.code, GH_E_CLOSED);
	assert_int_equal(gate_recall("/a-path-that-is-much-longer-than-the-name-of-a-socket-may-be-so-that-it-must-be-refused-before-it-is-copied-anywhere", 0, each, seen,
	    &count, &fail), GH_E_LIMIT);
	assert_int_equal(count, 77);
}

static int
setup(void **state)
{
	struct sockaddr_un a = {.sun_family = AF_UNIX};

	(void)state;
	(void)snprintf(dir, sizeof(dir), "/tmp/test-recall-XXXXXX");
	assert_non_null(mkdtemp(dir));
	(void)snprintf(path, sizeof(path), "%s/keeper.sock", dir);
	(void)snprintf(a.sun_path, sizeof(a.sun_path), "%s", path);
	listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(listener, (struct sockaddr *)&a, sizeof(a)), 0);
	return listen(listener, 16);
}

static int
teardown(void **state)
{
	(void)state;
	(void)close(listener); /* only listened */
	(void)unlink(path); /* ours */
	return rmdir(dir);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_whole_in_pieces_and_cut),
		cmocka_unit_test(test_many),
		cmocka_unit_test(test_hostile),
		cmocka_unit_test(test_nobody),
	};

	base_log_setup(false, BASE_LOG_ERROR, "test");
	return cmocka_run_group_tests(tests, setup, teardown);
}
