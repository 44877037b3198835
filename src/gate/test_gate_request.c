/* Tests of gate_request: when the gate puts in a Describe of its own, what it keeps of requests and how much, long requests, and the times
 * after which a session that waits is ended.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base_text.h"
#include "test_gate_scenes.h"

/* What the client sends as step 0; the server gets step 0's `want`. Then the session is open still. */
static void
client_sends(struct stage *g, struct scene *c)
{
	uint32_t seed = 0;

	assert_true(scene_send(g, c, 0, WHOLE, &seed));
	assert_non_null(g->session);
	assert_true(base_span_eq(base_buf_span(&g->to_server), base_buf_span(&c->step[0].want)));
	scene_done(c);
}

/* Texts whose rows need a description, because they could be somebody's; and those that do not. */
static void
test_a_describe_is_put_in_where_it_matters(void **state)
{
	static const struct { const char *sql; bool wanted; } cases[] = {
		{"SELECT id, phone FROM customers", true}, {"SELECT 1", false}, {"SELECT * FROM other", false}, {"SET work_mem = '1MB'", false},
		{"BEGIN", false}, {"EXECUTE s", true}, {"FETCH c", true}, {"SELECT find_customer(1)", true}, {"SELECT (((", true},
		{"UPDATE customers SET note = 'x' RETURNING id", true}, {"INSERT INTO other VALUES (1)", false}, {"", true},
	};
	struct stage g;
	(void)state;
	stage_open(&g, "");
	for (size_t i = 0; i < BASE_COUNT(cases); i++) {
		struct scene c;
		stage_log_in(&g);
		scene_init(&c);
		client_says(&c);
		parse(&c, "", cases[i].sql);
		bind_portal(&c, "p", "", NULL, 0);
		if (cases[i].wanted) {
			gate_adds(&c);
			target(&c, 'D', 'P', "p");
			as_it_is(&c);
		}
		execute(&c, "p", 0);
		sync_up(&c);
		client_sends(&g, &c);
		stage_log_out(&g);
	}
	stage_close(&g);
}

static void
test_a_describe_of_the_clients_own_is_enough(void **state)
{
	struct stage g;
	struct scene c;
	(void)state;
	stage_open(&g, "");
	stage_log_in(&g);
	scene_init(&c);
	client_says(&c);
	parse(&c, "s", "SELECT id, phone FROM customers");
	target(&c, 'D', 'S', "s");
	for (int i = 0; i < 3; i++) { /* any number of portals */
		bind_portal(&c, "", "s", NULL, 0);
		execute(&c, "", 0);
	}
	parse(&c, "t", "SELECT id FROM customers"); /* this one was not described */
	bind_portal(&c, "", "t", NULL, 0);
	gate_adds(&c);
	target(&c, 'D', 'P', "");
	as_it_is(&c);
	execute(&c, "", 0);
	execute(&c, "", 0); /* the same portal again: the description is on its way */
	sync_up(&c);
	client_sends(&g, &c);
	stage_close(&g);
}

/* A long name goes to the server whole, in the gate's Describe too. */
static void
test_names_are_passed_whole_and_kept_short(void **state)
{
	static char name[9001];
	struct stage g;
	struct scene c;
	(void)state;
	memset(name, 'n', sizeof(name) - 1);
	stage_open(&g, "");
	stage_log_in(&g);
	scene_init(&c);
	client_says(&c);
	parse(&c, name, "SELECT id, phone FROM customers");
	bind_portal(&c, name, name, NULL, 0);
	gate_adds(&c);
	target(&c, 'D', 'P', name);
	as_it_is(&c);
	execute(&c, name, 0);
	target(&c, 'C', 'P', name);
	sync_up(&c);
	client_sends(&g, &c);
	for (size_t i = 0; i < g.session->track.pends.count; i++) {
		const struct gate_pend *p = gate_track_at(&g.session->track, i);
		assert_true(!p->name || strlen(p->name) == GATE_NAME_MAX + 1);
	}
	stage_close(&g);
}

static void
test_promise_7_requests_on_the_way_are_bounded(void **state)
{
	enum { MANY = GATE_PENDING_MAX + 70000 };
	struct stage g;
	struct base_buf b;
	(void)state;
	stage_open(&g, "");
	stage_log_in(&g);
	base_buf_init(&b, 1u << 26);
	for (int i = 0; i < MANY; i++)
		wire_write_message(&b, 'S', base_span(NULL, 0));
	size_t sent = stage_send(&g, g.client, base_buf_span(&b).p, base_buf_len(&b));
	stage_settle(&g);
	assert_int_equal(g.session->track.pends.count, GATE_PENDING_MAX);
	assert_true(sent < base_buf_len(&b) && base_buf_len(&g.session->up) <= GATE_UP_MAX);
	/* as the server answers, the rest goes on its way */
	struct base_buf z;
	base_buf_init(&z, 1u << 26);
	for (int i = 0; i < MANY; i++)
		wire_write_ready(&z, 'I');
	for (size_t at = 0, n; at < base_buf_len(&z); at += n) {
		n = base_buf_len(&z) - at < 6000 ? base_buf_len(&z) - at : 6000;
		assert_int_equal(stage_send(&g, g.server, base_buf_span(&z).p + at, n), n);
		sent += stage_send(&g, g.client, base_buf_span(&b).p + sent, base_buf_len(&b) - sent);
		stage_settle(&g);
		assert_true(g.session->track.pends.count <= GATE_PENDING_MAX);
	}
	assert_int_equal(sent, base_buf_len(&b));
	assert_int_equal(base_buf_len(&g.to_server), base_buf_len(&b));
	assert_int_equal(base_buf_len(&g.to_client), base_buf_len(&z));
	base_buf_done(&b);
	base_buf_done(&z);
	stage_close(&g);
}

/* Removes the Flush messages of a client's stream; how many there were. */
static size_t
take_out_flushes(struct base_buf *stream)
{
	struct base_buf rest;
	struct wire_header h;
	size_t found = 0;

	base_buf_init(&rest, 1u << 30);
	while (base_buf_len(stream) > 0) {
		struct base_span s = base_buf_span(stream);
		assert_int_equal(wire_frame_header(WIRE_F, s, &h, NULL), 1);
		if (h.type == WIRE_F_FLUSH)
			found++;
		else
			base_buf_put(&rest, base_span(s.p, WIRE_HEADER + h.len));
		base_buf_consume(stream, WIRE_HEADER + h.len);
	}
	base_buf_done(stream);
	*stream = rest;
	return found;
}

static void
test_promise_7_bytes_kept_of_requests_are_bounded(void **state)
{
	enum { TEXT = 100000, MANY = 500 };
	char *text = base_mem_new(1, TEXT + 1);
	struct stage g;
	struct scene c;
	(void)state;
	memset(text, ' ', TEXT);
	memcpy(text, "SELECT", 6);
	stage_open(&g, "");
	stage_log_in(&g);
	scene_init(&c);
	client_says(&c);
	for (int i = 0; i < MANY; i++) {
		(void)snprintf(text + 7, 10, "%d", i);
		text[strlen(text)] = ' ';
		parse(&c, "", text);
	}
	struct base_span s = base_buf_span(&c.step[0].bytes);
	size_t sent = stage_send(&g, g.client, s.p, s.n);
	stage_settle(&g);
	assert_true(sent < s.n && g.session->track.pends.count < MANY);
	assert_true(g.session->track.pends.weight < GATE_PENDING_BYTES + 2 * TEXT);
	server_says(&c);
	for (int i = 0; i < MANY; i++)
		simple(&c, '1');
	struct base_span answers = base_buf_span(&c.step[1].bytes);
	for (size_t at = 0; at < answers.n; at += 100) {
		(void)stage_send(&g, g.server, answers.p + at, 100);
		sent += stage_send(&g, g.client, s.p + sent, s.n - sent);
	}
	stage_settle(&g);
	assert_int_equal(sent, s.n);
	assert_true(g.session->track.pends.count == 0 && g.session->track.pends.weight == 0);
	assert_true(base_span_eq(base_buf_span(&g.to_client), answers));
	/* When it takes no more the gate asks for the answers that the server may keep until a Sync: else both would wait for ever. */
	size_t flushes = take_out_flushes(&g.to_server);
	assert_true(flushes > 0 && flushes <= MANY);
	assert_true(base_span_eq(base_buf_span(&g.to_server), s));
	scene_done(&c);
	stage_close(&g);
	free(text);
}

/* Texts that stream by: each entry bears the SHA-256 of its own text. */
static void
test_the_hash_of_a_text_that_streams_by(void **state)
{
	enum { TEXT = 300000 };
	char *text = base_mem_new(1, TEXT + 1);
	struct stage g;
	(void)state;
	memset(text, ' ', TEXT);
	stage_open(&g, "");
	stage_log_in(&g);
	g.at_once = true;
	for (int i = 0; i < 3; i++) {
		struct scene c;
		uint32_t seed = 1;
		uint8_t hash[BASE_SHA256_SIZE];
		struct base_buf hex;
		memcpy(text, i == 1 ? "SELECT 17" : "SELECT 18", 9);
		scene_init(&c);
		client_says(&c);
		if (i == 2) {
			parse(&c, "name", text);
			bind_portal(&c, "", "name", NULL, 0);
			target(&c, 'D', 'P', "");
			execute(&c, "", 0);
			sync_up(&c);
		} else {
			query(&c, text);
		}
		server_says(&c);
		if (i == 2) {
			simple(&c, '1');
			simple(&c, '2');
		}
		described(&c, plain + 1, 1);
		data_row(&c, (const char *const[]){"x"}, 1);
		done(&c, "SELECT 1");
		ready(&c, 'I');
		assert_true(scene_send(&g, &c, 0, WHOLE, &seed) && scene_send(&g, &c, 1, WHOLE, &seed));
		base_crypt_sha256(base_span_str(text), hash);
		base_buf_init(&hex, 64);
		base_text_hex(&hex, base_span(hash, sizeof(hash)));
		assert_true(g.nentries == 1 || g.nentries == 2);
		for (size_t k = 0; k < g.nentries; k++)
			assert_true(base_span_eq(event_decoded_entry(g.entry[k])->statement, base_buf_span(&hex)));
		base_buf_done(&hex);
		stage_forget_entries(&g);
		scene_done(&c);
	}
	stage_close(&g);
	free(text);
}

/* More result formats than an answer can have columns: the server refuses them; the gate does not keep them. */
static void
test_promise_7_formats_without_end(void **state)
{
	struct stage g;
	struct scene c;
	(void)state;
	stage_open(&g, "");
	stage_log_in(&g);
	scene_init(&c);
	client_says(&c);
	parse(&c, "", "SELECT id FROM other");
	msg(&c, 'B');
	base_buf_cstr(&c.m, "");
	base_buf_cstr(&c.m, "");
	base_buf_u16(&c.m, 0);
	base_buf_u16(&c.m, 0);
	base_buf_u16(&c.m, 60000);
	for (int i = 0; i < 60000; i++)
		base_buf_u16(&c.m, 1);
	end(&c);
	client_sends(&g, &c);
	const struct gate_pend *p = gate_track_at(&g.session->track, 1);
	assert_true(p->kind == GATE_PEND_BIND && p->bound->formats.n == 0 && !p->bound->formats_known);
	stage_close(&g);
}

/* Nothing that is over may look like work: else the session would never be idle. */
static void
test_the_end_of_a_copy_that_is_over_leaves_the_session_idle(void **state)
{
	struct stage g;
	struct scene c;
	uint32_t seed = 0;
	(void)state;
	stage_open(&g, "");
	stage_log_in(&g);
	scene_init(&c);
	client_says(&c);
	query(&c, "COPY other FROM STDIN");
	simple(&c, 'c');
	server_says(&c);
	failed(&c, "42501");
	ready(&c, 'I');
	client_says(&c);
	simple(&c, 'c');
	for (size_t i = 0; i < c.n; i++)
		assert_true(scene_send(&g, &c, i, WHOLE, &seed));
	assert_false(gate_track_server_turn(&g.session->track));
	gate_session_shutdown(g.session, false);
	stage_settle(&g);
	assert_null(g.session);
	scene_done(&c);
	stage_close(&g);
}

/* ---- time ---- */

static bool
ends_within(struct stage *g, uint64_t us, const char *sqlstate)
{
	uint64_t until = base_time_mono_us() + us;

	while (g->session && base_time_mono_us() < until)
		(void)stage_turn(g);
	stage_settle(g);
	struct base_span s = base_buf_span(&g->to_client);
	return !g->session && memmem(s.p, s.n, sqlstate, 5) != NULL;
}

static void
test_times_of_a_session_that_waits(void **state)
{
	struct stage g;
	struct scene c;
	uint32_t seed = 0;
	(void)state;
	stage_open(&g, "idle_timeout = 30ms\nidle_in_transaction_timeout = 20ms\n");
	stage_log_in(&g);
	assert_true(ends_within(&g, 5000000, "57P05"));
	stage_log_out(&g);

	stage_log_in(&g);
	scene_init(&c);
	client_says(&c);
	query(&c, "BEGIN");
	server_says(&c);
	done(&c, "BEGIN");
	ready(&c, 'T');
	assert_true(scene_send(&g, &c, 0, WHOLE, &seed) && scene_send(&g, &c, 1, WHOLE, &seed));
	scene_done(&c);
	assert_true(ends_within(&g, 5000000, "25P03"));
	stage_log_out(&g);

	stage_log_in(&g); /* half a pipeline may hold locks: it counts as a transaction */
	scene_init(&c);
	client_says(&c);
	parse(&c, "", "SELECT 1");
	bind_portal(&c, "", "", NULL, 0);
	assert_true(scene_send(&g, &c, 0, WHOLE, &seed));
	scene_done(&c);
	assert_true(ends_within(&g, 5000000, "25P03"));
	stage_close(&g);

	stage_open(&g, "statement_timeout = 20ms\n");
	stage_log_in(&g);
	scene_init(&c);
	client_says(&c);
	query(&c, "SELECT pg_sleep(1000)");
	assert_true(scene_send(&g, &c, 0, WHOLE, &seed));
	scene_done(&c);
	for (uint64_t until = base_time_mono_us() + 5000000; !g.session->cancel_sent && base_time_mono_us() < until;)
		(void)stage_turn(&g);
	assert_true(g.session->cancel_sent);
	stage_close(&g);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_describe_is_put_in_where_it_matters),
		cmocka_unit_test(test_a_describe_of_the_clients_own_is_enough),
		cmocka_unit_test(test_names_are_passed_whole_and_kept_short),
		cmocka_unit_test(test_promise_7_requests_on_the_way_are_bounded),
		cmocka_unit_test(test_promise_7_bytes_kept_of_requests_are_bounded),
		cmocka_unit_test(test_the_hash_of_a_text_that_streams_by),
		cmocka_unit_test(test_promise_7_formats_without_end),
		cmocka_unit_test(test_the_end_of_a_copy_that_is_over_leaves_the_session_idle),
		cmocka_unit_test(test_times_of_a_session_that_waits),
	};

	base_crypt_init();
	base_log_setup(false, BASE_LOG_ERROR, "test");
	return cmocka_run_group_tests(tests, NULL, NULL);
}
