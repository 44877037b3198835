/* Tests of gate_strict*: the queue of what is owed, against a server and a client that both do as they like. promise_1: no row without its receipt;
 * promise_2: what is not understood ends the session or refuses the statement; no protected value arrives as it is.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "test_gate_strict_stage.h"

/* ---- with a server that does as PostgreSQL does ---- */

static void
client_sends(struct stage *g, struct role *r, struct scene *c, size_t i, enum pieces how)
{
	uint32_t seed = 1;

	assert_true(scene_send(g, c, i, how, &seed));
	role_settle(g, r);
}

static void
all_ways(struct scene *c)
{
	scene_init(c);
	client_says(c);
	query(c, shop_tree[T_PHONE].sql);
	query(c, shop_tree[T_KEYLESS].sql);
	query(c, shop_tree[T_SORTED].sql);
	parse(c, "s", shop_tree[T_LOOK].sql);
	bind_portal(c, "p", "s", "1", 0);
	target(c, 'D', 'P', "p");
	execute(c, "p", 0);
	parse(c, "s", shop_tree[T_PHONE].sql); /* 42P05 */
	execute(c, "p", 0);
	sync_up(c);
	query(c, "COPY (SELECT id, email FROM customers) TO STDOUT");
	query(c, "SHOW timezone");
	query(c, "BEGIN");
	query(c, shop_tree[T_WRITE].sql);
	query(c, "LOCK TABLE customers");
	query(c, shop_tree[T_OTHER].sql);
	query(c, "SELECT 1; SELECT 2");
	simple(c, 'X');
}

static void
test_promise_2_masked_in_pieces_of_any_size(void **state)
{
	static const enum pieces ways[] = {WHOLE, BYTES, RANDOM};
	struct base_buf first = {0};
	struct stage g;
	struct scene c;
	char kinds[200];
	(void)state;
	strict_stage_open(&g, "");
	all_ways(&c);
	base_buf_init(&first, 1u << 20);
	for (size_t i = 0; i < BASE_COUNT(ways); i++) {
		struct role r;
		stage_log_in(&g);
		g.at_once = true;
		role_init(&r);
		client_sends(&g, &r, &c, 0, ways[i]);
		assert_false(client_has(&g, SECRET));
		assert_true(client_has(&g, "*******5678") && client_has(&g, "1\t***\n"));
		if (i == 0) {
			client_kinds(&g, kinds, sizeof(kinds));
			assert_string_equal(kinds, "TDDDCZ" "TDDDCZ" "EZ" "12TDDDCEZ" "HdddcCZ" "TDDDCZ" "CZ" "CZ" "EZ" "EZ" "EZ");
			base_buf_put(&first, base_buf_span(&g.to_client));
		}
		assert_true(base_span_eq(base_buf_span(&first), base_buf_span(&g.to_client)));
		stage_log_out(&g);
		role_done(&r);
	}
	base_buf_done(&first);
	scene_done(&c);
	strict_stage_close(&g);
}

static void
test_promise_1_rows_wait_for_their_receipt(void **state)
{
	struct stage g;
	struct scene c;
	struct role r;
	char kinds[100];
	(void)state;
	strict_stage_open(&g, "");
	stage_log_in(&g);
	role_init(&r);
	scene_init(&c);
	client_says(&c);
	query(&c, shop_tree[T_OTHER].sql);
	query(&c, shop_tree[T_KEYLESS].sql);
	query(&c, shop_tree[T_OTHER].sql);
	client_sends(&g, &r, &c, 0, WHOLE);
	client_kinds(&g, kinds, sizeof(kinds));
	assert_string_equal(kinds, "TDDDCZ");
	assert_int_equal(g.nentries, 1);
	const struct event_entry *e = event_decoded_entry(g.entry[0]);
	assert_int_equal(e->rows, 3);
	assert_int_equal(e->subjects, EVENT_SUBJECTS_KNOWN);
	assert_true(e->masked.count == 1 && base_span_is(e->masked.item[0], "public.customers.phone last 4"));
	stage_receipts(&g, 0);
	role_settle(&g, &r);
	client_kinds(&g, kinds, sizeof(kinds));
	assert_string_equal(kinds, "TDDDCZTDDDCZTDDDCZ");
	assert_false(client_has(&g, SECRET));
	/* A keeper that says no: nothing of the answer, and the session ends. */
	base_buf_clear(&g.to_client);
	client_sends(&g, &r, &c, 0, WHOLE);
	stage_keeper_fails(&g, PROC_MSG_DISK_FULL, "no room");
	role_settle(&g, &r);
	assert_null(g.session);
	client_kinds(&g, kinds, sizeof(kinds));
	assert_string_equal(kinds, "TDDDCZTE");
	assert_true(client_has(&g, "53100"));
	stage_log_out(&g);
	role_done(&r);
	scene_done(&c);
	strict_stage_close(&g);
}

static void
test_promise_7_what_is_owed_is_bounded(void **state)
{
	enum { MANY = 9000 };
	struct stage g;
	struct scene c;
	struct role r;
	(void)state;
	strict_stage_open(&g, "");
	stage_log_in(&g);
	g.at_once = true;
	role_init(&r);
	scene_init(&c);
	client_says(&c);
	parse(&c, "s", shop_tree[T_OTHER].sql);
	for (int i = 0; i < MANY; i++)
		target(&c, 'D', 'S', "s");
	parse(&c, "t", "SELECT 1; SELECT 2");
	for (int i = 0; i < MANY; i++)
		execute(&c, "nothing", 0);
	sync_up(&c);
	struct base_span s = base_buf_span(&c.step[0].bytes);
	for (size_t at = 0; at < s.n;) {
		size_t n = stage_send(&g, g.client, s.p + at, s.n - at);
		assert_true(g.session && g.session->strict->owed_count <= GATE_OWED_MAX + 8);
		role_settle(&g, &r);
		at += n;
	}
	role_settle(&g, &r);
	assert_true(client_has(&g, "several statements"));
	assert_true(base_buf_span(&g.to_client).p[base_buf_len(&g.to_client) - 1] == 'I');
	stage_log_out(&g);
	role_done(&r);
	scene_done(&c);
	strict_stage_close(&g);
}

/* ---- with a server that does as it likes ---- */

/* What a good server says, message by message, to the simple query of T_PHONE; each goes as a step. */
static void
good_answer(struct scene *c)
{
	scene_init(c);
	server_says(c);
	tree_notice(c, shop_tree[T_PHONE].tree);
	server_says(c);
	simple(c, '1');
	server_says(c);
	params_of(c, T_PHONE);
	server_says(c);
	describe_tree(c, T_PHONE);
	server_says(c);
	simple(c, '2');
	server_says(c);
	row2(c, "1", SECRET);
	server_says(c);
	row2(c, "2", SECRET);
	server_says(c);
	done(c, "SELECT 2");
	server_says(c);
	ready(c, 'I');
}

enum { ODD_ROW, ODD_SHORT_ROW, ODD_LONG_ROW, ODD_CUT_ROW, ODD_NEGATIVE, ODD_DESCRIBED, ODD_DESCRIBED_ONE, ODD_TREE_EMAIL, ODD_TREE_SORTED, ODD_TREE_BROKEN, ODD_PARAMS, ODD_SAYS, ODD_TAG, ODD_READY, ODD_READY_LONG, ODD_SIMPLE, ODD_COUNT = ODD_SIMPLE + 20 };

/* Any message that a server may think of. */
static void
odd_message(struct scene *c, unsigned which)
{
	static const char alone[] = "123nsIcWGHVAKRSdvtTD"; /* with no payload, most of them illegal */

	switch (which) {
	case ODD_ROW: row2(c, "9", SECRET); break;
	case ODD_SHORT_ROW: data_row(c, (const char *const[]){SECRET}, 1); break;
	case ODD_LONG_ROW: data_row(c, (const char *const[]){"1", "x", SECRET}, 3); break;
	case ODD_CUT_ROW:
	case ODD_NEGATIVE:
		msg(c, 'D');
		base_buf_u16(&c->m, 2);
		base_buf_u32(&c->m, which == ODD_CUT_ROW ? 11 : UINT32_MAX - 3);
		base_buf_str(&c->m, SECRET);
		base_buf_u32(&c->m, which == ODD_CUT_ROW ? 400 : 11);
		base_buf_str(&c->m, SECRET);
		end(c);
		break;
	case ODD_DESCRIBED: describe_tree(c, T_EMAIL); break;
	case ODD_DESCRIBED_ONE: describe_tree(c, T_OTHER); break;
	case ODD_TREE_EMAIL: tree_notice(c, shop_tree[T_EMAIL].tree); break;
	case ODD_TREE_SORTED: tree_notice(c, shop_tree[T_SORTED].tree); break;
	case ODD_TREE_BROKEN: tree_notice(c, base_span(shop_tree[T_PHONE].tree.p, shop_tree[T_PHONE].tree.n - 40)); break;
	case ODD_PARAMS: params_of(c, T_LOOK); break;
	case ODD_SAYS: /* a notice and a notification with data, and a setting: none of it is for the client */
		msg(c, 'N');
		base_buf_cstr(&c->m, "SLOG");
		base_buf_cstr(&c->m, "VLOG");
		base_buf_cstr(&c->m, "C00000");
		base_buf_cstr(&c->m, "M" SECRET);
		base_buf_u8(&c->m, 0);
		end(c);
		msg(c, 'A');
		base_buf_u32(&c->m, 1);
		base_buf_cstr(&c->m, "channel");
		base_buf_cstr(&c->m, SECRET);
		end(c);
		msg(c, 'S');
		base_buf_cstr(&c->m, "search_path");
		base_buf_cstr(&c->m, SECRET);
		end(c);
		break;
	case ODD_TAG: done(c, "SELECT " SECRET); break;
	case ODD_READY: ready(c, 'T'); break;
	case ODD_READY_LONG:
		msg(c, 'Z');
		base_buf_str(&c->m, "II");
		end(c);
		break;
	default:
		c->sent = false;
		simple(c, alone[which - ODD_SIMPLE]);
		c->sent = true;
		wire_write_message(&c->step[c->n - 1].bytes, (uint8_t)alone[which - ODD_SIMPLE], base_span("", 0));
		break;
	}
}

/* Whatever comes in whatever state, nothing protected goes out, what goes out are messages, and the session ends or goes on to its end. */
static void
test_promise_2_each_server_message_in_each_state(void **state)
{
	struct scene good, ask;
	struct stage g;
	unsigned ended = 0, went_on = 0;
	(void)state;
	strict_stage_open(&g, "");
	good_answer(&good);
	scene_init(&ask);
	client_says(&ask);
	query(&ask, shop_tree[T_PHONE].sql);
	for (size_t at = 0; at <= good.n; at++)
		for (unsigned which = 0; which < ODD_COUNT; which++) {
			struct scene odd;
			uint32_t seed = 1;
			char kinds[200];
			scene_init(&odd);
			server_says(&odd);
			odd_message(&odd, which);
			stage_log_in(&g);
			g.at_once = true;
			assert_true(scene_send(&g, &ask, 0, WHOLE, &seed));
			for (size_t i = 0; i < at; i++)
				assert_true(scene_send(&g, &good, i, WHOLE, &seed));
			(void)scene_send(&g, &odd, 0, which % 2 ? BYTES : WHOLE, &seed);
			for (size_t i = at; i < good.n && g.session; i++)
				(void)scene_send(&g, &good, i, WHOLE, &seed);
			stage_settle(&g);
			client_kinds(&g, kinds, sizeof(kinds));
			if (client_has(&g, SECRET) && which != ODD_TAG)
				fail_msg("message %u behind step %zu: a protected value goes out (%s)", which, at, kinds);
			if (g.session)
				went_on++;
			else
				ended++;
			if (which == ODD_SAYS)
				assert_string_equal(kinds, "TDDCZ");
			stage_log_out(&g);
			scene_done(&odd);
		}
	assert_true(ended > 200 && went_on > 10);
	scene_done(&good);
	scene_done(&ask);
	strict_stage_close(&g);
}

struct tree_case { const char *name; int at_parse[3]; int at_bind; const char *code; bool rows; };

/* Trees that are missing, double, of something else, too late. -1: none. */
static void
test_promise_2_trees(void **state)
{
	static const struct tree_case cases[] = {
		{"none", {-1, -1, -1}, -1, "58000", false},          {"two", {T_PHONE, T_PHONE, -1}, -1, "58000", false},     {"another behind ParseComplete", {T_PHONE, -1, T_EMAIL}, -1, "58000", false},
		{"late", {-1, -1, T_PHONE}, -1, NULL, true},         {"fewer columns", {T_OTHER, -1, -1}, -1, "58000", false}, {"refused", {T_SORTED, -1, -1}, -1, "42501", false},
		{"a command", {T_BEGIN, -1, -1}, -1, "0A000", false}, {"the same at Bind", {T_PHONE, -1, -1}, T_PHONE, NULL, true}, {"another at Bind", {T_PHONE, -1, -1}, T_EMAIL, NULL, true},
		{"refused at Bind", {T_PHONE, -1, -1}, T_SORTED, "42501", false}, {"fewer columns at Bind", {T_PHONE, -1, -1}, T_OTHER, "0A000", false}, {"without key at Bind", {T_PHONE, -1, -1}, T_KEYLESS, "42501", false},
	};
	struct stage g;
	(void)state;
	strict_stage_open(&g, "");
	for (size_t i = 0; i < BASE_COUNT(cases); i++) {
		struct scene c;
		uint32_t seed = 1;
		char kinds[100];
		scene_init(&c);
		client_says(&c);
		query(&c, shop_tree[T_PHONE].sql);
		server_says(&c);
		for (int k = 0; k < 2; k++)
			if (cases[i].at_parse[k] >= 0)
				tree_notice(&c, shop_tree[cases[i].at_parse[k]].tree);
		simple(&c, '1');
		if (cases[i].at_parse[2] >= 0)
			tree_notice(&c, shop_tree[cases[i].at_parse[2]].tree);
		params_of(&c, T_PHONE);
		describe_tree(&c, T_PHONE);
		server_says(&c);
		if (cases[i].at_bind >= 0)
			tree_notice(&c, shop_tree[cases[i].at_bind].tree);
		if (cases[i].rows || cases[i].at_bind >= 0) {
			simple(&c, '2');
			row2(&c, "1", SECRET);
			done(&c, "SELECT 1");
		}
		ready(&c, 'I');
		stage_log_in(&g);
		g.at_once = true;
		for (size_t k = 0; k < c.n; k++)
			assert_true(scene_send(&g, &c, k, WHOLE, &seed));
		client_kinds(&g, kinds, sizeof(kinds));
		if (client_has(&g, SECRET) || !g.session || strcmp(kinds, cases[i].rows ? "TDCZ" : "EZ") != 0 || (cases[i].code && !client_has(&g, cases[i].code)))
			fail_msg("%s: %s%s", cases[i].name, kinds, g.session ? "" : ", ended");
		if (cases[i].at_bind == T_EMAIL)
			assert_true(client_has(&g, "***") && !client_has(&g, "5678"));
		stage_log_out(&g);
		scene_done(&c);
	}
	strict_stage_close(&g);
}

/* A tree cut at any length is refused, and the session goes on. */
static void
test_promise_2_trees_cut_short(void **state)
{
	struct stage g;
	struct base_span whole = shop_tree[T_PHONE].tree;
	(void)state;
	strict_stage_open(&g, "");
	stage_log_in(&g);
	g.at_once = true;
	for (size_t n = 9; n < whole.n; n += n < 200 ? 1 : 17) {
		struct scene c;
		uint32_t seed = 1;
		scene_init(&c);
		client_says(&c);
		query(&c, shop_tree[T_PHONE].sql);
		server_says(&c);
		tree_notice(&c, base_span(whole.p, n));
		simple(&c, '1');
		params_of(&c, T_PHONE);
		describe_tree(&c, T_PHONE);
		if (base_buf_len(&g.session->strict->closing) > 0) /* the statement of the time before */
			simple(&c, '3');
		server_says(&c);
		ready(&c, 'I');
		if (n > 9) { /* its Close goes in front of the next Parse */
			base_buf_clear(&c.step[1].bytes);
			simple(&c, '3');
			struct base_span close = base_buf_span(&c.step[2].bytes);
			base_buf_put(&c.step[1].bytes, base_span(close.p + close.n - 5, 5));
			c.step[2].bytes.end -= 5;
			c.n = 2;
			tree_notice(&c, base_span(whole.p, n));
			simple(&c, '1');
			params_of(&c, T_PHONE);
			describe_tree(&c, T_PHONE);
			c.n = 3;
		}
		base_buf_clear(&g.to_client);
		for (size_t k = 0; k < c.n; k++)
			assert_true(scene_send(&g, &c, k, WHOLE, &seed));
		assert_non_null(g.session);
		assert_true(client_has(&g, "0A000") || client_has(&g, "58000"));
		scene_done(&c);
	}
	strict_stage_close(&g);
}

/* ---- with a client that does as it likes ---- */

static const char client_types[] = "QPBDECSHXFdcfpZ"; /* all that there are, and one that is the server's */

static void
any_message(struct scene *c, unsigned which)
{
	char type = client_types[which % (sizeof(client_types) - 1)];
	struct base_buf *out = &c->step[c->n - 1].bytes;

	switch (which / (sizeof(client_types) - 1)) {
	case 0: /* as it should be */
		switch (type) {
		case 'Q': query(c, shop_tree[T_PHONE].sql); return;
		case 'P': parse(c, "s", shop_tree[T_PHONE].sql); return;
		case 'B': bind_portal(c, "p", "s", NULL, 0); return;
		case 'D': target(c, 'D', 'P', "p"); return;
		case 'E': execute(c, "p", 2); return;
		case 'C': target(c, 'C', 'S', "s"); return;
		case 'F':
			msg(c, 'F');
			base_buf_u32(&c->m, 1299);
			base_buf_u16(&c->m, 0);
			base_buf_u16(&c->m, 0);
			base_buf_u16(&c->m, 0);
			end(c);
			return;
		default: wire_write_message(out, (uint8_t)type, base_span("", 0)); return;
		}
	case 1: wire_write_message(out, (uint8_t)type, base_span("", 0)); return;
	case 2: wire_write_message(out, (uint8_t)type, base_span("x\0\xff\xff\xff\xff", 6)); return;
	default: wire_write_message(out, (uint8_t)type, base_span("SELECT phone\0 FROM customers\0\0\0\0\1", 34)); return;
	}
}
enum { CLIENT_MESSAGES = 4 * (sizeof(client_types) - 1) };

/* Where the client stands when the odd message comes. */
static void
any_state(struct scene *c, unsigned which)
{
	switch (which) {
	case 1: parse(c, "s", shop_tree[T_PHONE].sql); break;
	case 2:
		parse(c, "s", shop_tree[T_PHONE].sql);
		bind_portal(c, "p", "s", NULL, 1);
		break;
	case 3:
		parse(c, "s", shop_tree[T_PHONE].sql);
		bind_portal(c, "p", "s", NULL, 0);
		execute(c, "p", 1);
		break;
	case 4: query(c, "BEGIN"); break;
	case 5:
		query(c, "BEGIN");
		query(c, shop_tree[T_SORTED].sql);
		break;
	case 6: bind_portal(c, "p", "nothing", NULL, 0); break; /* skipping */
	default: break;
	}
}

static void
test_promise_2_each_client_message_in_each_state(void **state)
{
	struct stage g;
	(void)state;
	strict_stage_open(&g, "");
	for (unsigned at = 0; at < 7; at++)
		for (unsigned which = 0; which < CLIENT_MESSAGES; which++) {
			struct scene c;
			struct role r;
			char kinds[200];
			scene_init(&c);
			client_says(&c);
			any_state(&c, at);
			any_message(&c, which);
			sync_up(&c);
			query(&c, shop_tree[T_OTHER].sql);
			stage_log_in(&g);
			g.at_once = true;
			role_init(&r);
			(void)stage_send(&g, g.client, base_buf_span(&c.step[0].bytes).p, base_buf_len(&c.step[0].bytes));
			role_settle(&g, &r);
			client_kinds(&g, kinds, sizeof(kinds));
			if (client_has(&g, SECRET))
				fail_msg("message %u in state %u: a protected value goes out (%s)", which, at, kinds);
			if (g.session && (g.session->strict->owed_count > 0 || kinds[strlen(kinds) - 1] != 'Z'))
				fail_msg("message %u in state %u: the session hangs (%s)", which, at, kinds);
			stage_log_out(&g);
			role_done(&r);
			scene_done(&c);
		}
	strict_stage_close(&g);
}

/* A client that goes away in the middle of anything. */
static void
test_a_client_that_goes_at_any_byte(void **state)
{
	struct stage g;
	struct scene c;
	(void)state;
	strict_stage_open(&g, "");
	all_ways(&c);
	struct base_span s = base_buf_span(&c.step[0].bytes);
	for (size_t n = 0; n < s.n; n += 1 + n / 60) {
		struct role r;
		stage_log_in(&g);
		g.at_once = n % 2;
		role_init(&r);
		assert_int_equal(stage_send(&g, g.client, s.p, n), n);
		role_settle(&g, &r);
		assert_false(client_has(&g, SECRET));
		stage_log_out(&g);
		role_done(&r);
	}
	scene_done(&c);
	strict_stage_close(&g);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_promise_2_masked_in_pieces_of_any_size),
		cmocka_unit_test(test_promise_1_rows_wait_for_their_receipt),
		cmocka_unit_test(test_promise_7_what_is_owed_is_bounded),
		cmocka_unit_test(test_promise_2_each_server_message_in_each_state),
		cmocka_unit_test(test_promise_2_trees),
		cmocka_unit_test(test_promise_2_trees_cut_short),
		cmocka_unit_test(test_promise_2_each_client_message_in_each_state),
		cmocka_unit_test(test_a_client_that_goes_at_any_byte),
	};

	base_crypt_init();
	base_log_setup(false, BASE_LOG_ERROR + 1, "test");
	return cmocka_run_group_tests(tests, NULL, NULL);
}
