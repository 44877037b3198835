/* Tests of gate_answer, gate_record and gate_session with every scene of test_gate_scenes.h: what leaves and when, and what the entries
 * say of it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "test_gate_scenes.h"

/* At the end of step i the peer has exactly what the script says. */
static void
expect_bytes(struct stage *g, const struct scene *c, size_t i, const char *name)
{
	struct base_buf *got = c->step[i].server ? &g->to_client : &g->to_server;
	struct base_span want = base_buf_span(&c->step[i].want), have = base_buf_span(got);

	if (!base_span_eq(have, want)) {
		size_t at = 0;
		while (at < have.n && at < want.n && have.p[at] == want.p[at])
			at++;
		fail_msg("%s, step %d: %d bytes instead of %d, the first other one at %d", name, (int)i, (int)have.n, (int)want.n, (int)at);
	}
	base_buf_clear(got);
}

static bool
names(const struct event_entry *e, size_t tuple, const struct stage *g, const char *key)
{
	uint64_t want = shop_mark(g->world->map, g->world->marker[0], "customer.key", key);
	struct base_cursor c = base_cursor(base_span(e->marks.p + tuple * e->kinds.count * 8, e->kinds.count * 8));

	for (size_t i = 0; i < e->kinds.count; i++)
		if (base_cursor_u64(&c) == want && base_span_is(e->kinds.item[i], "customer.key"))
			return true;
	return false;
}

/* The entries count the rows, name whom they must and nobody else, and say when they do not know. */
static void
expect_entries(const struct stage *g, const struct scene *c, const char *scene)
{
	uint64_t rows = 0;
	size_t next = 0, entries = 0;
	bool unknown = false;

	for (size_t i = 0; i < g->nentries; i++) {
		const struct event_entry *e = event_decoded_entry(g->entry[i]);
		if (e->kind != EVENT_READ && e->kind != EVENT_WRITE)
			continue;
		entries++;
		rows += e->rows;
		unknown |= e->subjects == EVENT_SUBJECTS_UNKNOWN;
		assert_true(e->subjects != EVENT_SUBJECTS_UNKNOWN || e->why.n > 0);
		size_t tuples = e->kinds.count ? e->marks.n / 8 / e->kinds.count : 0;
		for (size_t k = 0; k < tuples; k++) {
			bool known = false;
			for (size_t j = 0; j < next && !known; j++)
				known = names(e, k, g, c->whose[j]);
			if (!known && c->whose[next] && names(e, k, g, c->whose[next]))
				next++;
			else if (!known)
				fail_msg("%s: entry %d names somebody else", scene, (int)i);
		}
	}
	if (entries < c->entries || (c->entries == 0 && entries > 0))
		fail_msg("%s: %d entries", scene, (int)entries);
	if (rows != c->rows)
		fail_msg("%s: the entries count %d rows, not %d", scene, (int)rows, (int)c->rows);
	if (c->whose[next])
		fail_msg("%s: nobody names %s", scene, c->whose[next]);
	if (unknown != c->unknown)
		fail_msg("%s: subjects are %s", scene, unknown ? "unknown" : "said to be known");
}

static void
play(struct stage *g, size_t k, enum pieces how, uint32_t seed)
{
	struct scene c;

	scene_init(&c);
	scenes[k].make(&c);
	if (c.big && how == BYTES)
		goto out;
	g->at_once = true;
	stage_log_in(g);
	for (size_t i = 0; i < c.n; i++) {
		if (!scene_send(g, &c, i, how, &seed) || !g->session)
			fail_msg("%s: the session ended in step %d", scenes[k].name, (int)i);
		expect_bytes(g, &c, i, scenes[k].name);
		assert_true(base_buf_len(&g->to_client) == 0 && base_buf_len(&g->to_server) == 0);
	}
	expect_entries(g, &c, scenes[k].name);
	assert_true(g->most_held <= g->world->conf->hold_size);
	assert_int_equal(g->session->nholds, 0);
	stage_log_out(g);
out:
	scene_done(&c);
}

static void
test_bytes_are_passed_on_unchanged(void **state)
{
	struct stage g;
	(void)state;
	stage_open(&g, "");
	for (size_t k = 0; k < BASE_COUNT(scenes); k++) {
		play(&g, k, WHOLE, 0);
		play(&g, k, BYTES, 0);
		for (uint32_t seed = 1; seed <= 5; seed++)
			play(&g, k, RANDOM, seed * 7919 + (uint32_t)k);
	}
	stage_close(&g);
}

/* No byte that must be held is with the client before the entry about it has its receipt; with it, all are. */
static void
test_promise_1_no_row_leaves_before_its_receipt(void **state)
{
	struct stage g;
	(void)state;
	stage_open(&g, "");
	for (size_t k = 0; k < BASE_COUNT(scenes) * 2; k++) {
		const char *name = scenes[k / 2].name;
		struct scene c;
		uint32_t seed = (uint32_t)k + 1;
		scene_init(&c);
		scenes[k / 2].make(&c);
		stage_log_in(&g);
		for (size_t i = 0; i < c.n; i++) {
			bool held = c.step[i].server && c.step[i].held != SIZE_MAX;
			struct base_span s = base_buf_span(&c.step[i].bytes);
			size_t n = 0;
			if (held) { /* as far as the gate reads: then the server waits, too */
				n = k % 2 ? stage_send(&g, g.server, s.p, s.n) : 0;
				for (size_t at = 0; k % 2 == 0 && at == n && n < s.n; at += 30)
					n += stage_send(&g, g.server, s.p + n, s.n - n < 30 ? s.n - n : 30);
				stage_settle(&g);
				if (base_buf_len(&g.to_client) > c.step[i].held)
					fail_msg("%s: %d bytes left without a receipt in step %d", name, (int)(base_buf_len(&g.to_client) - c.step[i].held), (int)i);
				assert_true(g.received > g.receipts);
				assert_true(g.most_held <= g.world->conf->hold_size);
				g.at_once = true;
				stage_settle(&g);
				if (n < s.n)
					(void)stage_send(&g, g.server, s.p + n, s.n - n);
				stage_settle(&g);
				g.at_once = false;
			} else {
				assert_true(scene_send(&g, &c, i, WHOLE, &seed));
			}
			expect_bytes(&g, &c, i, name);
		}
		stage_log_out(&g);
		scene_done(&c);
	}
	stage_close(&g);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_bytes_are_passed_on_unchanged),
		cmocka_unit_test(test_promise_1_no_row_leaves_before_its_receipt),
	};

	base_crypt_init();
	base_log_setup(false, BASE_LOG_ERROR, "test");
	return cmocka_run_group_tests(tests, NULL, NULL);
}
