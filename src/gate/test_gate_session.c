/* Tests of how a session ends, and of what it never does: messages out of turn, a keeper that fails or goes, peers that go, a client that
 * does not read, buffers at their ceilings. In every one of them no byte that is held may leave.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "test_gate_scenes.h"

#define SECRET "13800138000"

static bool
holds(const struct base_buf *b, const char *word)
{
	struct base_span s = base_buf_span(b);
	return memmem(s.p, s.n, word, strlen(word)) != NULL;
}

static void
say(struct stage *g, bool server, void (*make)(struct scene *c, const void *ctx), const void *ctx)
{
	struct scene c;
	uint32_t seed = 0;

	scene_init(&c);
	scene_step(&c, server);
	make(&c, ctx);
	(void)scene_send(g, &c, 0, WHOLE, &seed);
	scene_done(&c);
}

static void send_query(struct scene *c, const void *sql) { query(c, sql); }

static void
send_extended(struct scene *c, const void *sql)
{
	parse(c, "", sql);
	bind_portal(c, "", "", NULL, 0);
	target(c, 'D', 'P', "");
	execute(c, "", 0);
	sync_up(c);
}

static void
send_row(struct scene *c, const void *ctx)
{
	(void)ctx;
	describe_id_phone(c);
	row2(c, "17", SECRET);
}

static void
send_rest(struct scene *c, const void *ctx)
{
	(void)ctx;
	row2(c, "18", SECRET);
	done(c, "SELECT 2");
	ready(c, 'I');
}

static void
send_answer(struct scene *c, const void *ctx)
{
	send_row(c, ctx);
	done(c, "SELECT 1");
	ready(c, 'I');
}

struct raw { char type; const char *bytes; size_t n; };

static void
send_raw(struct scene *c, const void *ctx)
{
	const struct raw *r = ctx;

	base_buf_u8(&c->step[0].bytes, (uint8_t)r->type); /* not by wire_write, which makes legal messages only */
	base_buf_u32(&c->step[0].bytes, (uint32_t)r->n + 4);
	base_buf_put(&c->step[0].bytes, base_span(r->bytes, r->n));
}

#define RAW(type, bytes) {type, bytes, sizeof(bytes) - 1}
static const struct raw raws[] = {
	RAW('1', ""), RAW('2', ""), RAW('3', ""), RAW('n', ""), RAW('t', "\0\0"), RAW('T', "\0\0"), RAW('C', "SELECT 1\0"), RAW('I', ""),
	RAW('s', ""), RAW('Z', "I"), RAW('D', "\0\0"), RAW('G', "\0\0\0"), RAW('H', "\0\0\0"), RAW('W', "\0\0\0"), RAW('d', "x\n"), RAW('c', ""),
	RAW('V', "\0\0\0\0"), RAW('R', "\0\0\0\0"), RAW('K', "\0\0\0\1\0\0\0\1"), RAW('v', "\0\0\0\0\0\0\0\0"), RAW('?', "????"), RAW('Q', "\0"),
};

static void
expect_broken(struct stage *g, const char *when, char type)
{
	if (g->session && g->session->state < GATE_DRAIN)
		fail_msg("%s: '%c' was taken", when, type);
	if (!holds(&g->to_client, "08P01"))
		fail_msg("%s: '%c': the client was told nothing", when, type);
	if (holds(&g->to_client, SECRET))
		fail_msg("%s: '%c': a held row left", when, type);
}

/* Without requests, after a simple query, after an extended one, and behind held rows: what answers nothing ends the session. */
static void
test_promise_5_messages_out_of_turn_end_the_session(void **state)
{
	static const struct { const char *name, *query, *extended, *legal; bool row; } turns[] = {
		{"idle", NULL, NULL, "", false},
		{"a query", "SELECT id, phone FROM customers", NULL, "TCIsGHZ", false},
		{"an extended query", NULL, "SELECT id, phone FROM customers", "1", false},
		{"held rows", "SELECT id, phone FROM customers", NULL, "CIsD", true},
	};
	struct stage g;
	(void)state;
	stage_open(&g, "");
	for (size_t t = 0; t < BASE_COUNT(turns); t++) {
		for (size_t i = 0; i < BASE_COUNT(raws); i++) {
			if (strchr(turns[t].legal, raws[i].type))
				continue;
			stage_log_in(&g);
			if (turns[t].query)
				say(&g, false, send_query, turns[t].query);
			if (turns[t].extended)
				say(&g, false, send_extended, turns[t].extended);
			if (turns[t].row)
				say(&g, true, send_row, NULL);
			assert_non_null(g.session);
			say(&g, true, send_raw, &raws[i]);
			expect_broken(&g, turns[t].name, raws[i].type);
			g.at_once = true;
			stage_settle(&g); /* nor afterwards, when the receipt comes */
			assert_false(holds(&g.to_client, SECRET));
			g.at_once = false;
			stage_log_out(&g);
		}
	}
	stage_close(&g);
}

static void
test_promise_5_malformed_answers_end_the_session(void **state)
{
	static const struct raw malformed[] = {
		RAW('T', "\0\1"), RAW('T', "\0\1a\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0x"), RAW('T', "\xff\xff"), RAW('C', "SELECT 1"), RAW('E', "SERROR"),
		RAW('Z', ""), RAW('Z', "II"), RAW('D', "\0"), RAW('S', "xx"), RAW('1', "x"), RAW('E', ""),
	};
	struct stage g;
	(void)state;
	stage_open(&g, "");
	for (size_t i = 0; i < BASE_COUNT(malformed); i++) {
		stage_log_in(&g);
		say(&g, false, send_query, "SELECT id, phone FROM customers; SELECT id, phone FROM customers");
		say(&g, true, send_row, NULL);
		say(&g, true, send_raw, &malformed[i]);
		expect_broken(&g, "malformed", malformed[i].type);
		stage_log_out(&g);
	}
	stage_close(&g);
}

static void
test_messages_of_the_client_out_of_place(void **state)
{
	static const struct raw wrong[] = {
		RAW('p', "password\0"), RAW('Q', "SELECT 1"), RAW('P', "\0"), RAW('B', "\0\0\0\0\0\1"), RAW('D', "X\0"), RAW('E', "\0"), RAW('S', "x"),
		RAW('?', ""), RAW('T', "\0\0"),
	};
	struct stage g;
	(void)state;
	stage_open(&g, "");
	for (size_t i = 0; i < BASE_COUNT(wrong); i++) {
		stage_log_in(&g);
		say(&g, false, send_raw, &wrong[i]);
		expect_broken(&g, "client", wrong[i].type);
		assert_int_equal(base_buf_len(&g.to_server), 0); /* the server never sees it */
		stage_log_out(&g);
	}
	stage_close(&g);
}

/* ---- the keeper ---- */

static void
test_promise_1_what_is_not_recorded_is_not_given_out(void **state)
{
	static const struct { enum proc_msg_failure code; const char *sqlstate; } failures[] = {
		{PROC_MSG_DISK_FULL, "53100"}, {PROC_MSG_WRITE_ERROR, "58030"}, {PROC_MSG_MALFORMED, "58030"},
	};
	struct stage g;
	(void)state;
	stage_open(&g, "");
	for (size_t i = 0; i < BASE_COUNT(failures); i++) {
		stage_log_in(&g);
		say(&g, false, send_query, "SELECT id, phone FROM customers");
		say(&g, true, send_row, NULL);
		assert_int_equal(g.nentries, 1);
		stage_keeper_fails(&g, failures[i].code, "disk is full");
		stage_settle(&g);
		assert_true(holds(&g.to_client, failures[i].sqlstate));
		assert_false(holds(&g.to_client, SECRET));
		stage_log_out(&g);
	}
	stage_close(&g);
}

static void
test_promise_1_a_keeper_that_goes_takes_held_rows_with_it(void **state)
{
	struct stage g;
	(void)state;
	stage_open(&g, "");
	stage_log_in(&g);
	say(&g, false, send_query, "SELECT id, phone FROM customers");
	say(&g, true, send_row, NULL);
	stage_keeper_goes(&g);
	stage_settle(&g);
	assert_true(holds(&g.to_client, "58030"));
	assert_false(holds(&g.to_client, SECRET));
	assert_null(g.session);
	stage_close(&g);

	/* without a keeper nobody's rows still come through; a customer's do not */
	stage_open(&g, "");
	stage_log_in(&g);
	stage_keeper_goes(&g);
	stage_settle(&g);
	say(&g, false, send_query, "SELECT id, 'x' FROM other");
	struct scene c;
	scene_init(&c);
	query_of_nobodys_rows(&c);
	uint32_t seed = 0;
	assert_true(scene_send(&g, &c, 1, WHOLE, &seed));
	assert_true(base_span_eq(base_buf_span(&g.to_client), base_buf_span(&c.step[1].want)));
	scene_done(&c);
	say(&g, false, send_query, "SELECT id, phone FROM customers");
	say(&g, true, send_row, NULL);
	assert_true(holds(&g.to_client, "58030"));
	assert_false(holds(&g.to_client, SECRET));
	stage_close(&g);
}

/* Receipts come one by one; each lets go exactly what it covers. */
static void
test_promise_1_each_receipt_lets_go_its_own(void **state)
{
	struct stage g;
	(void)state;
	stage_open(&g, "");
	stage_log_in(&g);
	say(&g, false, send_query, "SELECT id, phone FROM customers");
	struct scene c;
	scene_init(&c);
	size_t ends[5], want = 0;
	for (int i = 0; i < 5; i++) {
		uint32_t seed = 0;
		char key[8];
		(void)snprintf(key, sizeof(key), "%d", 100 + i);
		server_says(&c);
		if (i == 0)
			describe_id_phone(&c);
		row2(&c, key, SECRET);
		assert_true(scene_send(&g, &c, (size_t)i, WHOLE, &seed));
		ends[i] = base_buf_len(&c.step[i].bytes);
	}
	scene_done(&c);
	assert_int_equal(g.nentries, 5);
	assert_false(holds(&g.to_client, SECRET));
	for (int i = 0; i < 5; i++) {
		want += ends[i];
		stage_receipts(&g, 1);
		stage_settle(&g);
		assert_int_equal(base_buf_len(&g.to_client), want);
	}
	stage_close(&g);
}

/* ---- peers that go ---- */

static void
test_the_server_goes_with_rows_held(void **state)
{
	struct stage g;
	(void)state;
	stage_open(&g, "");
	stage_log_in(&g);
	say(&g, false, send_query, "SELECT id, phone FROM customers");
	say(&g, true, send_row, NULL);
	(void)close(g.server); /* a socket: nothing to lose */
	g.server = -1;
	stage_settle(&g);
	assert_false(holds(&g.to_client, SECRET));
	assert_non_null(g.session); /* the receipt is awaited: what was sent is given out, then the reason */
	stage_receipts(&g, 0);
	stage_settle(&g);
	assert_true(holds(&g.to_client, SECRET) && holds(&g.to_client, "08006"));
	stage_close(&g);
}

static void
test_the_client_goes_with_rows_held(void **state)
{
	struct stage g;
	(void)state;
	stage_open(&g, "");
	stage_log_in(&g);
	say(&g, false, send_query, "SELECT id, phone FROM customers");
	say(&g, true, send_row, NULL);
	(void)close(g.client); /* a socket: nothing to lose */
	g.client = -1;
	stage_settle(&g);
	assert_non_null(g.session); /* dead, but the keeper owes it an answer */
	assert_int_equal(g.session->state, GATE_DEAD);
	stage_receipts(&g, 0);
	stage_settle(&g);
	assert_null(g.session);
	stage_close(&g);
}

static void
test_the_client_ends_the_session(void **state)
{
	static const struct raw x = RAW('X', "");
	struct stage g;
	(void)state;
	stage_open(&g, "");
	stage_log_in(&g);
	say(&g, false, send_raw, &x);
	assert_true(base_buf_len(&g.to_server) == 5 && g.session);
	(void)close(g.server); /* as a server does on Terminate */
	g.server = -1;
	stage_settle(&g);
	assert_int_equal(base_buf_len(&g.to_client), 0);
	bool closed = false;
	for (size_t i = 0; i < g.nentries; i++)
		closed |= event_decoded_entry(g.entry[i])->kind == EVENT_CLOSE;
	assert_true(closed);
	stage_close(&g);
}

/* ---- ceilings ---- */

/* A client that does not read stops the server: nothing is collected beyond hold_size. */
static void
test_promise_7_a_client_that_sleeps_stops_the_server(void **state)
{
	struct stage g;
	struct base_buf b;
	char *note = base_mem_new(1, 2000);
	(void)state;
	memset(note, 'n', 1999);
	stage_open(&g, "");
	stage_log_in(&g);
	g.at_once = true;
	g.client_asleep = true;
	say(&g, false, send_query, "SELECT id, note FROM customers");
	struct scene c;
	scene_init(&c);
	server_says(&c);
	described(&c, (const struct origin[]){id_phone[0], {SHOP_CUSTOMERS, 5, SHOP_TEXT, 0}}, 2);
	for (int i = 0; i < 4000; i++)
		row2(&c, "17", note);
	b = c.step[0].bytes;
	size_t sent = stage_send(&g, g.server, base_buf_span(&b).p, base_buf_len(&b));
	assert_true(sent < base_buf_len(&b));
	stage_settle(&g);
	assert_true(g.most_held <= g.world->conf->hold_size && g.most_held > g.world->conf->hold_size / 2);
	assert_true(g.session->down.cap <= g.world->conf->hold_size);
	g.client_asleep = false;
	while (sent < base_buf_len(&b))
		sent += stage_send(&g, g.server, base_buf_span(&b).p + sent, base_buf_len(&b) - sent);
	stage_settle(&g);
	assert_true(base_span_eq(base_buf_span(&g.to_client), base_buf_span(&b)));
	assert_true(g.most_held <= g.world->conf->hold_size);
	scene_done(&c);
	stage_close(&g);
	free(note);
}

/* A row larger than the buffer is torn when the session ends in it: then nothing more is said, least of all in the middle of it. */
static void
test_nothing_is_said_inside_a_torn_row(void **state)
{
	struct stage g;
	struct scene c;
	char *note = base_mem_new(1, 200001);
	(void)state;
	memset(note, 'n', 200000);
	stage_open(&g, "");
	stage_log_in(&g);
	g.at_once = true;
	say(&g, false, send_query, "SELECT note, id FROM customers");
	scene_init(&c);
	server_says(&c);
	described(&c, (const struct origin[]){{SHOP_CUSTOMERS, 5, SHOP_TEXT, 0}, id_phone[0]}, 2);
	row2(&c, note, "17");
	(void)stage_send(&g, g.server, base_buf_span(&c.step[0].bytes).p, 150000);
	stage_settle(&g);
	size_t before = base_buf_len(&g.to_client);
	assert_true(before > 100000);
	(void)close(g.server); /* a socket: nothing to lose */
	g.server = -1;
	stage_settle(&g);
	assert_false(holds(&g.to_client, "08006"));
	assert_true(memcmp(base_buf_span(&g.to_client).p, base_buf_span(&c.step[0].bytes).p, base_buf_len(&g.to_client)) == 0);
	scene_done(&c);
	stage_close(&g);
	free(note);
}

static void
test_idle_sessions_end_at_once_when_the_gate_stops(void **state)
{
	struct stage g;
	(void)state;
	stage_open(&g, "");
	stage_log_in(&g);
	say(&g, false, send_query, "SELECT id, phone FROM customers");
	say(&g, true, send_row, NULL);
	gate_session_shutdown(g.session, false); /* busy: may finish */
	assert_int_equal(g.session->state, GATE_RELAY);
	g.worker->stopping = true;
	stage_log_out(&g);
	g.worker->stopping = false;
	stage_log_in(&g);
	gate_session_shutdown(g.session, false);
	stage_settle(&g);
	assert_true(holds(&g.to_client, "57P01"));
	stage_close(&g);
}

/* A reload in the middle of an answer: its rows are recorded under the policy that it began with; the next is under the new one. */
static void
test_promise_1_a_reload_in_the_middle_of_an_answer(void **state)
{
	static const char other[] = "policy \"other\" version 2 { subject thing { table public.other key id } }";
	struct stage g;
	(void)state;
	stage_open(&g, "");
	stage_log_in(&g);
	say(&g, false, send_query, "SELECT id, phone FROM customers");
	say(&g, true, send_row, NULL);
	gate_worker_adopt(g.worker, shop_world(other, g.dir, ""));
	stage_settle(&g);
	say(&g, true, send_rest, NULL);
	assert_false(holds(&g.to_client, SECRET));
	assert_int_equal(g.nentries, 2);
	for (size_t i = 0; i < 2; i++) {
		const struct event_entry *e = event_decoded_entry(g.entry[i]);
		assert_true(base_span_is(e->policy, policy_map_hash(g.world->map)) && e->rows == 1 && base_span_is(e->kinds.item[0], "customer.key"));
	}
	stage_receipts(&g, 0);
	stage_settle(&g);
	assert_true(holds(&g.to_client, SECRET));
	stage_forget_entries(&g);
	say(&g, false, send_query, "SELECT id, phone FROM customers");
	say(&g, true, send_answer, NULL); /* nobody's, now */
	assert_int_equal(g.nentries, 0);
	stage_close(&g);
}

static void
test_every_end_has_words(void **state)
{
	(void)state;
	for (unsigned e = GATE_END_NONE; e <= GATE_END_MEMORY; e++)
		assert_true(strlen(gate_end_words((enum gate_end)e)) > 3);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_promise_5_messages_out_of_turn_end_the_session),
		cmocka_unit_test(test_promise_5_malformed_answers_end_the_session),
		cmocka_unit_test(test_messages_of_the_client_out_of_place),
		cmocka_unit_test(test_promise_1_what_is_not_recorded_is_not_given_out),
		cmocka_unit_test(test_promise_1_a_keeper_that_goes_takes_held_rows_with_it),
		cmocka_unit_test(test_promise_1_each_receipt_lets_go_its_own),
		cmocka_unit_test(test_the_server_goes_with_rows_held),
		cmocka_unit_test(test_the_client_goes_with_rows_held),
		cmocka_unit_test(test_the_client_ends_the_session),
		cmocka_unit_test(test_promise_7_a_client_that_sleeps_stops_the_server),
		cmocka_unit_test(test_nothing_is_said_inside_a_torn_row),
		cmocka_unit_test(test_idle_sessions_end_at_once_when_the_gate_stops),
		cmocka_unit_test(test_promise_1_a_reload_in_the_middle_of_an_answer),
		cmocka_unit_test(test_every_end_has_words),
	};

	base_crypt_init();
	base_log_setup(false, BASE_LOG_ERROR, "test");
	return cmocka_run_group_tests(tests, NULL, NULL);
}
