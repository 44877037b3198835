/* test_cli_review: which rights entries use, whom they show, and what went out as it is. */
#include "cli_review.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "base_buf.h"

#define POLICY \
	"policy \"p\" version 1 { subject customer { table public.customers key id phone phone linked public.orders.customer_id }\n" \
	"group a { on table public.customers { allow read show id, phone } } group b { on table public.orders { allow read show id } } }"

static struct policy_file *
policy(void)
{
	struct policy_file *f = NULL;
	struct base_fail fail = {0};

	if (policy_file_parse(base_span_str(POLICY), "p.gate", &f, &fail) < 0)
		fail_msg("%s", fail.text);
	return f;
}

static void
list(struct event_list *l, const char *a, const char *b)
{
	if (a)
		l->item[l->count++] = base_span_str(a);
	if (b)
		l->item[l->count++] = base_span_str(b);
}

static void
test_used(void **state)
{
	struct policy_file *f = policy();
	struct cli_review r;
	struct event_entry e = {.kind = EVENT_READ, .part = 1, .rows = 2, .epoch = 2026};
	static const uint8_t marks[] = {0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 9, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 0};
	struct base_span a = base_span_str("a"), b = base_span_str("b");

	(void)state;
	cli_review_init(&r, f);
	e.actor = base_span_str("bo");
	e.probe = base_span_str("hit");
	list(&e.groups, "a", "stranger");
	list(&e.columns, "public.customers.phone", "public.customers.id");
	list(&e.masked, "public.customers.phone last 4", NULL);
	list(&e.kinds, "customer.key", "customer.phone");
	e.marks = base_span(marks, sizeof(marks));
	assert_int_equal(cli_review_add(&r, &e), 0);
	assert_int_equal(cli_review_add(&r, &e), 0);
	assert_int_equal(r.group[0].persons, 2);
	assert_int_equal(r.group[0].clear, 0); /* phone is masked; the key alone tells nothing */
	assert_int_equal(r.group[0].actors, 1);
	assert_int_equal(r.group[0].looks, 2);
	assert_int_equal(r.group[1].persons, 0);
	assert_true(cli_review_used(&r, a, CLI_USE_READ, "public.customers.phone"));
	assert_true(cli_review_used(&r, a, CLI_USE_LOOKUP, "public.customers.phone"));
	assert_false(cli_review_used(&r, b, CLI_USE_READ, "public.customers.phone"));
	assert_false(cli_review_used(&r, a, CLI_USE_READ, "public.customers.email"));
	e.classes = base_span_str("eE");
	assert_int_equal(cli_review_add(&r, &e), 0);
	assert_int_equal(r.group[0].clear, 1);
	e = (struct event_entry){.kind = EVENT_WRITE, .part = 1, .rows = 1};
	e.actor = base_span_str("anna");
	e.text = base_span_str("update orders set item = ? where id = ?");
	list(&e.groups, "b", NULL);
	list(&e.tables, "public.orders", NULL);
	assert_int_equal(cli_review_add(&r, &e), 0);
	assert_true(cli_review_used(&r, b, CLI_USE_UPDATE, "public.orders"));
	assert_false(cli_review_used(&r, b, CLI_USE_DELETE, "public.orders"));
	e.text = base_span_str("with x as ( select ? ) delete from orders");
	assert_int_equal(cli_review_add(&r, &e), 0);
	assert_true(cli_review_used(&r, b, CLI_USE_DELETE, "public.orders")); /* it may be */
	e.groups.item[0] = base_span_str("nobody");
	assert_int_equal(cli_review_add(&r, &e), 0);
	assert_int_equal(r.strange, 1);
	cli_review_done(&r);
	policy_file_free(&f);
}

static void
test_told(void **state)
{
	struct policy_file *f = policy();
	static const struct { const char *table; bool told; } tries[] = {{"customers", true}, {"orders", true}, {"products", false}, {"", false}};

	(void)state;
	for (size_t i = 0; i < BASE_COUNT(tries); i++)
		assert_int_equal(cli_review_told(f, base_span_str("public"), base_span_str(tries[i].table)), tries[i].told);
	assert_false(cli_review_told(f, base_span_str("app"), base_span_str("customers")));
	policy_file_free(&f);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_used), cmocka_unit_test(test_told)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
