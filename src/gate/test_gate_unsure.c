/* Tests of gate_unsure: what was taken for entries that the keeper left open counts until the ledger was asked; then what is on record counts on, the rest does not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>

#include "base_mem.h"
#include "base_time.h"
#include "gate_unsure.h"

#define HOUR UINT64_C(3600000000)

struct ground { struct gate_budget *b; struct gate_account *a; struct gate_unsure *u; };

static void
setup(struct ground *g)
{
	const struct gate_account_name name = {POLICY_HOLDER_ACTOR, base_span_str("ann"), base_span_str("customer"), POLICY_ADJECTIVE_NONE};

	g->b = gate_budget_new(1u << 20);
	g->a = gate_budget_account(g->b, &name, HOUR);
	g->u = gate_unsure_new(g->b);
}

static void
teardown(struct ground *g)
{
	assert_true(gate_budget_sane(g->b));
	gate_unsure_free(&g->u);
	if (g->a)
		gate_budget_drop(g->b, &g->a);
	gate_budget_free(&g->b);
}

/* Takes marks from..from + n - 1 for one entry of the session, and has them left open. */
static void
left_open(struct ground *g, const char *session, uint64_t seq, uint64_t part, uint64_t made_us, uint64_t from, size_t n)
{
	const struct gate_budget_limit limit = {100, HOUR, NULL};
	const struct gate_charge charge = {g->a, &limit, 1};
	struct gate_budget_refusal r;
	struct gate_unsure_taken *item = base_mem_new(n, sizeof(*item));

	for (size_t i = 0; i < n; i++) {
		assert_int_equal(gate_budget_take(g->b, &charge, 1, from + i, base_time_mono_us(), &r), GATE_BUDGET_TAKEN);
		item[i] = (struct gate_unsure_taken){g->a, from + i};
	}
	gate_unsure_add(g->u, base_span_str(session), seq, part, made_us, item, n);
}

static uint64_t
counted(struct ground *g)
{
	return gate_budget_count(g->b, g->a, HOUR, base_time_mono_us());
}

static void
on_record(struct gate_unsure_search *q, enum event_kind kind, const char *session, uint64_t seq, uint32_t part)
{
	struct event_entry e = {.kind = kind, .session = base_span_str(session), .seq = seq, .part = part};

	gate_unsure_entry(q, &e);
}

static void
test_recorded_counts_the_rest_comes_back(void **state)
{
	static const struct { enum event_kind kind; const char *session; uint64_t seq; uint32_t part; uint64_t counts; } cases[] = {
		{EVENT_READ, "s1", 7, 1, 3},  {EVENT_WRITE, "s1", 7, 1, 3}, {EVENT_READ, "s1", 7, 2, 4},   {EVENT_READ, "s2", 7, 1, 5},
		{EVENT_READ, "s1", 7, 3, 0},  {EVENT_READ, "s1", 8, 1, 0},  {EVENT_REFUSE, "s1", 7, 1, 0}, {EVENT_CLOSE, "s1", 7, 1, 0},
		{EVENT_READ, "s", 7, 1, 0},   {EVENT_READ, "", 7, 1, 0},    {EVENT_READ, "s1s1", 7, 1, 0},
	};
	(void)state;
	for (size_t i = 0; i < BASE_COUNT(cases); i++) {
		struct ground g;
		setup(&g);
		left_open(&g, "s1", 7, 1, 1000, 10, 3);
		left_open(&g, "s1", 7, 2, 1001, 20, 4);
		left_open(&g, "s2", 7, 1, 1002, 30, 5);
		assert_int_equal(counted(&g), 12);
		struct gate_unsure_search *q = gate_unsure_begin(g.u);
		assert_non_null(q);
		assert_null(gate_unsure_begin(g.u)); /* all of it is being looked for */
		on_record(q, cases[i].kind, cases[i].session, cases[i].seq, cases[i].part);
		on_record(q, cases[i].kind, cases[i].session, cases[i].seq, cases[i].part); /* once more changes nothing */
		assert_int_equal(counted(&g), 12); /* nothing is given back before the end */
		gate_unsure_end(&q, true);
		assert_null(q);
		assert_int_equal(counted(&g), cases[i].counts);
		assert_null(gate_unsure_begin(g.u));
		teardown(&g);
	}
}

/* A recall that breaks off: what it told is told again by the next; what is left open meanwhile is looked for with it. */
static void
test_a_recall_that_breaks_off(void **state)
{
	struct ground g;
	(void)state;
	setup(&g);
	left_open(&g, "s1", 1, 1, 5 * HOUR, 10, 3);
	left_open(&g, "s2", 1, 1, 4 * HOUR, 20, 3);
	struct gate_unsure_search *q = gate_unsure_begin(g.u);
	assert_true(gate_unsure_since(q) < 4 * HOUR && gate_unsure_since(q) > 3 * HOUR);
	on_record(q, EVENT_READ, "s1", 1, 1);
	left_open(&g, "s3", 1, 1, 9 * HOUR, 30, 3);
	gate_unsure_end(&q, false);
	assert_int_equal(counted(&g), 9);
	q = gate_unsure_begin(g.u);
	on_record(q, EVENT_READ, "s1", 1, 1);
	on_record(q, EVENT_READ, "s3", 1, 1);
	gate_unsure_end(&q, true);
	assert_int_equal(counted(&g), 6);
	teardown(&g);
}

/* No keeper: nothing changes. Nothing to ask for: no keeper is needed. */
static void
test_without_a_keeper(void **state)
{
	struct ground g;
	struct base_fail fail;
	(void)state;
	setup(&g);
	assert_int_equal(gate_unsure_ask(g.u, "/nowhere/keeper.sock", &fail), GH_OK);
	left_open(&g, "s1", 1, 1, 10, 10, 3);
	assert_true(gate_unsure_ask(g.u, "/nowhere/keeper.sock", &fail) < 0);
	assert_int_equal(counted(&g), 3);
	teardown(&g);
}

/* Sessions have gone and dropped the account: what is pending keeps it there. */
static void
test_the_account_stays(void **state)
{
	const struct gate_account_name name = {POLICY_HOLDER_ACTOR, base_span_str("ann"), base_span_str("customer"), POLICY_ADJECTIVE_NONE};
	struct ground g;
	(void)state;
	for (int recorded = 0; recorded < 2; recorded++) {
		setup(&g);
		left_open(&g, "s1", 1, 1, 10, 10, 40);
		left_open(&g, "s1", 1, 2, 10, 45, 40); /* some of them twice */
		gate_budget_drop(g.b, &g.a);
		gate_budget_sweep(g.b, base_time_mono_us());
		struct gate_unsure_search *q = gate_unsure_begin(g.u);
		if (recorded)
			on_record(q, EVENT_READ, "s1", 1, 1);
		gate_unsure_end(&q, true);
		gate_budget_sweep(g.b, base_time_mono_us());
		assert_int_equal(gate_budget_accounts(g.b), recorded);
		g.a = gate_budget_account(g.b, &name, HOUR);
		assert_int_equal(counted(&g), recorded ? 40 : 0);
		teardown(&g);
	}
}

/* A gate that stops with something open. */
static void
test_freed_with_something_open(void **state)
{
	struct ground g;
	(void)state;
	setup(&g);
	left_open(&g, "s1", 1, 1, 10, 10, 3);
	left_open(&g, "s1", 1, 2, 10, 20, 3);
	teardown(&g);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_recorded_counts_the_rest_comes_back), cmocka_unit_test(test_a_recall_that_breaks_off), cmocka_unit_test(test_without_a_keeper),
		cmocka_unit_test(test_the_account_stays), cmocka_unit_test(test_freed_with_something_open),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
