/* test_cli_replay: budgets over entries in their order: windows, holders, clear and unexplained ones, look-ups, rows that name two persons, step-up, and the sums. */
#include "cli_replay.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#include "base_buf.h"

#define HOUR 3600000000ull
#define T0 1800000000000000ull
#define S(text) {(const uint8_t *)(text), sizeof(text) - 1}

static struct policy_subject subjects[] = {{.name = S("customer")}, {.name = S("contact")}};
static const struct policy_file file = {.file = S("p.gate"), .subjects = subjects, .nsubjects = 2};

static struct policy_scope_budget
budget(uint64_t n, uint64_t window_us, enum policy_holder holder, enum policy_adjective adjective, unsigned line)
{
	return (struct policy_scope_budget){.count = {.n = n, .window_us = window_us, .adjective = adjective}, .holder = holder, .rule = {"p.gate", line}};
}

struct world {
	struct cli_replay_count *count;
	struct cli_replay_tally tally;
	struct policy_scope scope;
	struct cli_replay_shows shows[4];
};

static void
begin(struct world *w, const struct policy_scope_budget *budgets, size_t n)
{
	memset(w, 0, sizeof(*w));
	w->count = cli_replay_count_new(1 << 22);
	cli_replay_tally_init(&w->tally);
	w->scope.treat = POLICY_ENFORCE;
	w->scope.budgets = budgets;
	w->scope.nbudgets = n;
	for (size_t i = 0; i < BASE_COUNT(w->shows); i++)
		w->shows[i] = (struct cli_replay_shows){true, true};
}

static void
end(struct world *w)
{
	cli_replay_count_free(&w->count);
	cli_replay_tally_done(&w->tally);
}

/* One look-up of a person: marks of its rows, and a letter for each (or none). */
static struct cli_replay_look
look(struct world *w, const char *actor, uint64_t at_us, const uint64_t *marks, size_t n, const char *classes, const char *kind)
{
	static uint64_t seq;
	uint8_t bytes[512];
	struct event_entry e = {.kind = EVENT_READ, .time_us = at_us, .seq = ++seq, .part = 1, .last = true, .rows = n, .epoch = 2026};
	struct cli_replay_look l = {.seq = e.seq};
	struct base_fail fail = {0};
	struct base_buf b;

	base_buf_init(&b, sizeof(bytes));
	for (size_t i = 0; i < n; i++)
		base_buf_u64(&b, marks[i]);
	memcpy(bytes, base_buf_span(&b).p, base_buf_len(&b));
	e.marks = base_span(bytes, base_buf_len(&b));
	base_buf_done(&b);
	e.actor = base_span_str(actor);
	e.employer = base_span_str("Acme");
	e.session = base_span_str("0123456789abcdef");
	e.classes = base_span_str(classes);
	e.kinds.count = 1;
	e.kinds.item[0] = base_span_str(kind);
	struct cli_replay_actor *a = cli_replay_actor(&w->tally, &e);
	a->looks++;
	if (cli_replay_charge(w->count, &w->scope, &file, &e, w->shows, at_us, &l, &w->tally, a, &fail) < 0)
		fail_msg("%s", fail.text);
	return l;
}

static struct cli_replay_actor *
who(struct world *w, const char *actor)
{
	struct event_entry e = {.kind = EVENT_READ};

	e.actor = base_span_str(actor);
	return cli_replay_actor(&w->tally, &e);
}

static void
test_window(void **state)
{
	const struct policy_scope_budget b[] = {budget(3, HOUR, POLICY_HOLDER_ACTOR, POLICY_ADJECTIVE_NONE, 7)};
	struct world w;

	(void)state;
	begin(&w, b, 1);
	for (uint64_t i = 0; i < 3; i++)
		assert_false(look(&w, "bo", T0 + i, (uint64_t[]){i + 1}, 1, "n", "customer.key").cut);
	assert_true(look(&w, "bo", T0 + 10, (uint64_t[]){4}, 1, "n", "customer.key").cut);
	assert_false(look(&w, "bo", T0 + 11, (uint64_t[]){2}, 1, "n", "customer.key").cut);  /* seen again: free */
	assert_false(look(&w, "bo", T0 + 12, (uint64_t[]){9}, 1, "n", "contact.key").cut);   /* another kind of person */
	assert_false(look(&w, "anna", T0 + 13, (uint64_t[]){9}, 1, "n", "customer.key").cut); /* another actor */
	assert_false(look(&w, "bo", T0 + HOUR + 5, (uint64_t[]){4}, 1, "n", "customer.key").cut); /* the first has left the window */
	assert_int_equal(who(&w, "bo")->did[CLI_REPLAY_CUT], 1);
	assert_int_equal(who(&w, "bo")->persons, 5);
	assert_int_equal(who(&w, "bo")->fewer, 0); /* 4 was seen later after all */
	assert_int_equal(who(&w, "bo")->first_us, T0 + 10);
	assert_int_equal(who(&w, "bo")->ncauses, 1);
	assert_string_equal(who(&w, "bo")->cause[0].words, "budget of 3 customers per hour for each actor");
	assert_string_equal(who(&w, "bo")->cause[0].rule, "p.gate:7");
	end(&w);
}

/* A long answer is cut at the first person for whom there is no room; what follows does not go out, seen before or not. */
static void
test_cut(void **state)
{
	const struct policy_scope_budget b[] = {budget(4, HOUR, POLICY_HOLDER_EMPLOYER, POLICY_ADJECTIVE_NONE, 7)};
	struct world w;

	(void)state;
	begin(&w, b, 1);
	assert_false(look(&w, "bo", T0, (uint64_t[]){1, 2}, 2, "nn", "customer.key").cut);
	assert_true(look(&w, "anna", T0 + 1, (uint64_t[]){1, 3, 4, 5, 6, 2}, 6, "nnnnnn", "customer.key").cut);
	assert_int_equal(who(&w, "anna")->persons, 6);
	assert_int_equal(who(&w, "anna")->fewer, 3); /* 5, 6, and 2, which bo has seen but anna has not */
	end(&w);
}

static void
test_adjectives(void **state)
{
	const struct policy_scope_budget b[] = {budget(1, HOUR, POLICY_HOLDER_ACTOR, POLICY_ADJECTIVE_CLEAR, 1), budget(2, HOUR, POLICY_HOLDER_ACTOR, POLICY_ADJECTIVE_UNEXPLAINED, 2)};
	struct world w;

	(void)state;
	begin(&w, b, 2);
	w.shows[0].clear = false;
	assert_false(look(&w, "bo", T0, (uint64_t[]){1, 2, 3, 4}, 4, "eeee", "customer.key").cut);
	assert_true(look(&w, "bo", T0 + 1, (uint64_t[]){5, 6, 7}, 3, "uuu", "customer.key").cut);
	assert_int_equal(who(&w, "bo")->fewer, 1);
	w.shows[0].clear = true;
	assert_true(look(&w, "anna", T0 + 2, (uint64_t[]){1, 2}, 2, "EE", "customer.key").cut);
	assert_int_equal(who(&w, "anna")->fewer, 1);
	w.shows[0].shows = false; /* only harmless columns */
	assert_false(look(&w, "zhao", T0 + 3, (uint64_t[]){1, 2, 3}, 3, "NNN", "customer.key").cut);
	end(&w);
}

static void
test_rules(void **state)
{
	struct world w;

	(void)state;
	begin(&w, NULL, 0);
	w.scope.unexplained = POLICY_UNEXPLAINED_REFUSE;
	w.scope.explains = true;
	assert_false(look(&w, "bo", T0, (uint64_t[]){1, 2}, 2, "ew", "customer.key").cut);
	assert_true(look(&w, "bo", T0, (uint64_t[]){3, 4}, 2, "eu", "customer.key").cut);
	assert_false(look(&w, "bo", T0, (uint64_t[]){5}, 1, "n", "customer.key").cut);
	assert_int_equal(w.tally.unasked, 1);
	w.scope.limit_rows = 2;
	assert_true(look(&w, "anna", T0, (uint64_t[]){1, 2, 3}, 3, "eee", "customer.key").cut);
	assert_int_equal(who(&w, "anna")->fewer, 1);
	w.scope.treat = POLICY_OBSERVE;
	assert_false(look(&w, "zhao", T0, (uint64_t[]){1, 2, 3}, 3, "uuu", "customer.key").cut);
	end(&w);
}

static void
test_steps(void **state)
{
	const struct policy_scope_step s[] = {{.after = {.n = 2, .window_us = HOUR}, .lasting_us = HOUR / 2, .rule = {"p.gate", 3}}};
	const struct policy_scope_ask q[] = {{.group = S("lead"), .after = {.n = 3, .window_us = HOUR}, .lasting_us = HOUR, .rule = {"p.gate", 4}}};
	struct world w;

	(void)state;
	begin(&w, NULL, 0);
	w.scope.steps = s;
	w.scope.nsteps = 1;
	w.scope.asks = q;
	w.scope.nasks = 1;
	for (uint64_t i = 0; i < 6; i++)
		assert_false(look(&w, "bo", T0 + i, (uint64_t[]){i + 1}, 1, "n", "customer.key").cut);
	assert_int_equal(who(&w, "bo")->did[CLI_REPLAY_STEP], 1); /* passed, and it lasts */
	assert_int_equal(who(&w, "bo")->did[CLI_REPLAY_ASK], 1);
	(void)look(&w, "bo", T0 + HOUR / 2 + 10, (uint64_t[]){7}, 1, "n", "customer.key");
	assert_int_equal(who(&w, "bo")->did[CLI_REPLAY_STEP], 2);
	(void)look(&w, "bo", T0 + 3 * HOUR, (uint64_t[]){8}, 1, "n", "customer.key"); /* an empty window */
	assert_int_equal(who(&w, "bo")->did[CLI_REPLAY_STEP], 2);
	assert_int_equal(who(&w, "bo")->fewer, 0);
	end(&w);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_window), cmocka_unit_test(test_cut), cmocka_unit_test(test_adjectives), cmocka_unit_test(test_rules), cmocka_unit_test(test_steps)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
