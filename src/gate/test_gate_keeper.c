/* Tests of gate_keeper against a keeper of our own on a Unix socket: receipts in order, failures, words that make no sense, loss and
 * return of the channel, full and drained. Every owner hears of its entry exactly once.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base_buf.h"
#include "base_log.h"
#include "base_time.h"
#include "gate_keeper.h"
#include "gate_limit.h"
#include "proc_msg.h"

struct owner { int receipts, failures, code; char text[64]; };

struct scene {
	char dir[32], path[64];
	int listener, fd;
	struct base_loop *loop;
	struct proc_count *counts;
	struct gate_keeper *k;
	struct base_buf in;
	int drained, notices;
	size_t noticed; /* bytes of the last notice */
	uint8_t first, last;
};

static void
on_receipt(void *owner)
{
	((struct owner *)owner)->receipts++;
}

static void
on_failure(void *owner, int code, const char *text)
{
	struct owner *o = owner;
	o->failures++;
	o->code = code;
	(void)snprintf(o->text, sizeof(o->text), "%s", text);
}

static void
on_drained(void *ctx)
{
	((struct scene *)ctx)->drained++;
}

static void
on_notice(void *ctx, struct base_span entry)
{
	struct scene *c = ctx;

	c->notices++;
	c->noticed = entry.n;
	c->first = entry.p[0];
	c->last = entry.p[entry.n - 1];
}

static void
stop(void *loop)
{
	base_loop_stop(loop);
}

static void
turn(struct scene *c)
{
	base_loop_post(c->loop, stop, c->loop);
	base_loop_run(c->loop);
}

static void
serve(struct scene *c)
{
	struct sockaddr_un a = {.sun_family = AF_UNIX};

	(void)unlink(c->path); /* may not be there */
	(void)snprintf(a.sun_path, sizeof(a.sun_path), "%s", c->path);
	c->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	assert_int_equal(bind(c->listener, (struct sockaddr *)&a, sizeof(a)), 0);
	assert_int_equal(listen(c->listener, 4), 0);
}

/* Waits for the gate to connect (it tries every 100 ms). */
static void
take(struct scene *c)
{
	uint64_t end = base_time_mono_us() + 10000000;

	while ((c->fd = accept4(c->listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK)) < 0) {
		assert_true(base_time_mono_us() < end);
		turn(c);
	}
}

static void
send_bytes(struct scene *c, struct base_span s)
{
	assert_int_equal(send(c->fd, s.p, s.n, MSG_NOSIGNAL), s.n);
	turn(c);
}

static void
hello(struct scene *c)
{
	struct base_buf b;
	base_buf_init(&b, 100);
	proc_msg_hello(&b, 0);
	send_bytes(c, base_buf_span(&b));
	base_buf_done(&b);
}

static void
receipt(struct scene *c, uint64_t upto)
{
	struct base_buf b;
	base_buf_init(&b, 100);
	proc_msg_receipt(&b, upto);
	send_bytes(c, base_buf_span(&b));
	base_buf_done(&b);
}

static void
begin(struct scene *c)
{
	*c = (struct scene){.dir = "/tmp/test-keeper-XXXXXX", .fd = -1};
	assert_non_null(mkdtemp(c->dir));
	(void)snprintf(c->path, sizeof(c->path), "%s/keeper.sock", c->dir);
	c->loop = base_loop_new();
	c->counts = proc_count_new(1);
	base_buf_init(&c->in, 1u << 26);
	serve(c);
	c->k = gate_keeper_new(c->loop, c->path, c->counts, 0, on_receipt, on_failure, on_drained, on_notice, c);
	assert_false(gate_keeper_up(c->k));
	take(c);
	assert_false(gate_keeper_up(c->k)); /* not before it has said hello */
	hello(c);
	assert_true(gate_keeper_up(c->k));
}

static void
finish(struct scene *c)
{
	gate_keeper_free(&c->k);
	base_loop_free(&c->loop);
	base_buf_done(&c->in);
	if (c->fd >= 0)
		(void)close(c->fd); /* a socket: nothing to lose */
	(void)close(c->listener); /* the same */
	(void)unlink(c->path); /* may not be there */
	assert_int_equal(rmdir(c->dir), 0);
}

static void
add(struct scene *c, struct owner *o, const char *entry)
{
	assert_int_equal(gate_keeper_add(c->k, base_span_str(entry), o), 0);
}

/* Entries that have come, from first on; each must be `text`. */
static uint64_t
read_entries(struct scene *c, uint64_t first, const char *text)
{
	struct proc_msg m;
	struct base_fail fail;
	size_t used;

	for (;;) {
		uint8_t *room = base_buf_reserve(&c->in, 65536);
		ssize_t n = recv(c->fd, room, 65536, 0);
		if (n <= 0)
			break;
		base_buf_commit(&c->in, (size_t)n);
	}
	while (proc_msg_next(base_buf_span(&c->in), true, &m, &used, &fail) == 1) {
		assert_int_equal(m.type, PROC_MSG_ENTRY);
		assert_int_equal(m.id, first);
		first++;
		if (text)
			assert_true(base_span_is(m.body, text));
		base_buf_consume(&c->in, used);
	}
	return first;
}

static void
test_receipts_reach_their_owners_in_order(void **state)
{
	struct owner o[3000] = {0};
	struct scene c;
	(void)state;
	begin(&c);
	for (size_t i = 0; i < BASE_COUNT(o); i++) { /* more than the ring holds at first */
		add(&c, i % 10 == 9 ? NULL : &o[i], "{}");
		assert_int_equal(o[i].receipts, 0); /* never from inside */
	}
	gate_keeper_flush(c.k);
	turn(&c);
	assert_int_equal(read_entries(&c, 1, "{}"), BASE_COUNT(o) + 1);
	receipt(&c, 1);
	assert_true(o[0].receipts == 1 && o[1].receipts == 0);
	receipt(&c, 1); /* again: says nothing new */
	receipt(&c, 0);
	assert_int_equal(o[1].receipts, 0);
	receipt(&c, 1500);
	receipt(&c, UINT64_MAX); /* more than there is */
	for (size_t i = 0; i < BASE_COUNT(o); i++)
		assert_int_equal(o[i].receipts, i % 10 != 9);
	add(&c, &o[9], "next");
	gate_keeper_flush(c.k);
	assert_int_equal(read_entries(&c, BASE_COUNT(o) + 1, "next"), BASE_COUNT(o) + 2);
	receipt(&c, BASE_COUNT(o) + 1);
	assert_int_equal(o[9].receipts, 1);
	finish(&c);
}

static void
test_failures_say_why(void **state)
{
	static const struct { enum proc_msg_failure code; int want; } codes[] = {
		{PROC_MSG_DISK_FULL, GH_E_FULL}, {PROC_MSG_WRITE_ERROR, GH_E_IO}, {PROC_MSG_MALFORMED, GH_E_PARSE},
	};
	struct scene c;
	struct base_buf b;
	(void)state;
	begin(&c);
	base_buf_init(&b, 1000);
	uint64_t id = 0;
	for (size_t i = 0; i < BASE_COUNT(codes); i++) {
		struct owner o[3] = {0};
		for (size_t k = 0; k < 3; k++)
			add(&c, &o[k], "{}");
		id += 3;
		gate_keeper_flush(c.k);
		receipt(&c, id - 2);
		base_buf_clear(&b);
		proc_msg_failed(&b, id - 1, codes[i].code, "no space left");
		send_bytes(&c, base_buf_span(&b));
		assert_true(o[0].receipts == 1 && o[0].failures == 0);
		assert_true(o[1].receipts == 0 && o[1].failures == 1 && o[1].code == codes[i].want);
		assert_string_equal(o[1].text, "no space left");
		assert_true(o[2].receipts == 0 && o[2].failures == 0);
		receipt(&c, id);
		assert_int_equal(o[2].receipts, 1);
	}
	assert_int_equal(proc_count_sum(c.counts, PROC_COUNT_entries_failed_total), 3);
	base_buf_done(&b);
	finish(&c);
}

/* Whatever breaks the channel, all that is open has failed, and the channel comes back with ids from 1. */
static void
test_promise_1_a_lost_channel_fails_all_that_is_open(void **state)
{
	static const struct { const char *bytes; size_t n; } ends[] = {
		{NULL, 0}, {"\0\0\0\0", 4}, {"\0\0\0\1\x63", 5}, {"\377\377\377\377", 4}, {"\0\0\0\2\3\0", 6}, {"\0\0\0\12\1\0\0\0\0\0\0\0\1x", 14}, {"HTTP/1.1 200 OK", 15},
	};
	(void)state;
	for (size_t i = 0; i < BASE_COUNT(ends); i++) {
		struct owner sent = {0}, unsent = {0}, after = {0}, later = {0};
		struct scene c;
		begin(&c);
		add(&c, &sent, "sent");
		gate_keeper_flush(c.k);
		add(&c, &unsent, "unsent");
		if (ends[i].bytes)
			send_bytes(&c, base_span(ends[i].bytes, ends[i].n));
		(void)close(c.fd); /* a socket: nothing to lose */
		turn(&c);
		turn(&c);
		assert_false(gate_keeper_up(c.k));
		assert_true(sent.failures == 1 && unsent.failures == 1 && sent.receipts + unsent.receipts == 0 && sent.code == GH_E_CLOSED);
		assert_int_equal(gate_keeper_add(c.k, base_span_str("{}"), &after), GH_E_CLOSED);
		assert_true(after.failures == 0); /* the return value said it */
		assert_int_equal(gate_keeper_add(c.k, base_span_str("close"), NULL), 0); /* nobody waits for it: kept */
		base_buf_clear(&c.in);
		take(&c);
		hello(&c);
		assert_true(gate_keeper_up(c.k));
		gate_keeper_flush(c.k);
		assert_int_equal(read_entries(&c, 1, "close"), 2);
		add(&c, &later, "{}");
		gate_keeper_flush(c.k);
		receipt(&c, 2);
		assert_true(later.receipts == 1 && unsent.receipts == 0);
		finish(&c);
	}
}

static void
test_messages_in_pieces(void **state)
{
	struct owner o[2] = {0};
	struct scene c;
	struct base_buf b;
	(void)state;
	begin(&c);
	add(&c, &o[0], "{}");
	add(&c, &o[1], "{}");
	gate_keeper_flush(c.k);
	base_buf_init(&b, 1000);
	proc_msg_receipt(&b, 1);
	proc_msg_failed(&b, 2, PROC_MSG_WRITE_ERROR, "x");
	for (size_t i = 0; i < base_buf_len(&b); i++)
		send_bytes(&c, base_span(base_buf_span(&b).p + i, 1));
	assert_true(o[0].receipts == 1 && o[1].failures == 1);
	base_buf_done(&b);
	finish(&c);
}

/* Notices come whole, in order with receipts, of any length, also in pieces; without a callback they are passed over (test_nobody_there's channel). */
static void
test_notices(void **state)
{
	static uint8_t big[65535];
	struct owner o[2] = {0};
	struct scene c;
	struct base_buf b;

	(void)state;
	memset(big, 'n', sizeof(big));
	big[0] = '{';
	big[sizeof(big) - 1] = '}';
	begin(&c);
	add(&c, &o[0], "{}");
	add(&c, &o[1], "{}");
	gate_keeper_flush(c.k);
	base_buf_init(&b, 1u << 20);
	proc_msg_receipt(&b, 1);
	proc_msg_notice(&b, base_span_str("<1>"));
	proc_msg_notice(&b, base_span_str("<2]"));
	proc_msg_receipt(&b, 2);
	send_bytes(&c, base_buf_span(&b));
	assert_true(o[0].receipts == 1 && o[1].receipts == 1 && c.notices == 2 && c.noticed == 3 && c.last == ']');
	base_buf_clear(&b);
	proc_msg_notice(&b, base_span(big, sizeof(big)));
	proc_msg_notice(&b, base_span_str("<3>"));
	for (size_t at = 0, n; at < base_buf_len(&b); at += n) {
		n = base_buf_len(&b) - at < 7001 ? base_buf_len(&b) - at : 7001;
		send_bytes(&c, base_span(base_buf_span(&b).p + at, n));
		assert_int_equal(c.notices, at + n < sizeof(big) + 5 ? 2 : at + n < base_buf_len(&b) ? 3 : 4);
		if (c.notices == 3)
			assert_true(c.noticed == sizeof(big) && c.first == '{' && c.last == '}');
	}
	assert_int_equal(c.notices, 4);
	/* messages of a recall on this channel change nothing */
	base_buf_clear(&b);
	proc_msg_recalled(&b, base_span_str("{}"));
	proc_msg_recall_end(&b, 7);
	send_bytes(&c, base_buf_span(&b));
	assert_true(gate_keeper_up(c.k) && c.notices == 4);
	base_buf_done(&b);
	finish(&c);
}

/* A keeper that does not read: entries wait, up to a mark at which the servers are not read any more. */
static void
test_promise_7_full_and_drained(void **state)
{
	static char entry[60001];
	struct scene c;
	struct owner o = {0};
	(void)state;
	memset(entry, 'e', sizeof(entry) - 1);
	begin(&c);
	size_t n = 0;
	while (!gate_keeper_full(c.k)) {
		add(&c, &o, entry);
		gate_keeper_flush(c.k);
		assert_true(++n < 1000);
	}
	assert_true(n * 60000 > GATE_KEEPER_OUT && c.drained == 0);
	/* sessions that had read already may still add, but not without end */
	size_t more = 0;
	while (gate_keeper_add(c.k, base_span_str(entry), NULL) == 0)
		assert_true(++more < 1000);
	assert_true(more * 60000 <= GATE_KEEPER_OUT);
	uint64_t next = 1;
	for (int i = 0; i < 2000 && gate_keeper_full(c.k); i++) {
		next = read_entries(&c, next, entry);
		turn(&c);
	}
	assert_true(!gate_keeper_full(c.k) && c.drained == 1);
	next = read_entries(&c, next, entry);
	assert_int_equal(next, n + more + 1);
	receipt(&c, next - 1);
	assert_int_equal(o.receipts, n);
	/* and a channel that breaks while it is full is drained, too */
	while (!gate_keeper_full(c.k)) {
		add(&c, &o, entry);
		gate_keeper_flush(c.k);
	}
	(void)close(c.fd); /* a socket: nothing to lose */
	c.fd = -1;
	for (int i = 0; i < 10; i++)
		turn(&c);
	assert_true(!gate_keeper_full(c.k) && c.drained == 2);
	finish(&c);
}

static void
test_nobody_there(void **state)
{
	struct scene c = {.dir = "/tmp/test-keeper-XXXXXX", .fd = -1};
	(void)state;
	assert_non_null(mkdtemp(c.dir));
	(void)snprintf(c.path, sizeof(c.path), "%s/keeper.sock", c.dir);
	c.loop = base_loop_new();
	c.counts = proc_count_new(1);
	base_buf_init(&c.in, 1u << 26);
	c.k = gate_keeper_new(c.loop, c.path, c.counts, 0, on_receipt, on_failure, on_drained, NULL, &c);
	for (int i = 0; i < 5; i++)
		turn(&c);
	assert_false(gate_keeper_up(c.k));
	gate_keeper_drain(c.k, 1000); /* nothing to wait for */
	serve(&c);
	take(&c);
	hello(&c);
	assert_true(gate_keeper_up(c.k));
	struct base_buf b;
	base_buf_init(&b, 100);
	proc_msg_notice(&b, base_span_str("{}")); /* nobody asked to hear */
	send_bytes(&c, base_buf_span(&b));
	base_buf_done(&b);
	assert_true(gate_keeper_up(c.k));
	struct owner o = {0};
	add(&c, &o, "{}");
	gate_keeper_drain(c.k, 50000); /* no receipt comes: not for ever */
	assert_int_equal(read_entries(&c, 1, "{}"), 2);
	finish(&c);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_receipts_reach_their_owners_in_order),
		cmocka_unit_test(test_failures_say_why),
		cmocka_unit_test(test_promise_1_a_lost_channel_fails_all_that_is_open),
		cmocka_unit_test(test_messages_in_pieces),
		cmocka_unit_test(test_notices),
		cmocka_unit_test(test_promise_7_full_and_drained),
		cmocka_unit_test(test_nobody_there),
	};

	base_log_setup(false, BASE_LOG_ERROR, "test");
	return cmocka_run_group_tests(tests, NULL, NULL);
}
