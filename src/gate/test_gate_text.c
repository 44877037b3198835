/* Tests of gate_text: what a text touches, whom it asks for, caching by text and by normal form, reload with another policy. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base_text.h"
#include "gate_limit.h"
#include "test_gate_shop.h"
#include "gate_text.h"

static struct gate_world *world;
static struct gate_texts *texts;

static int
set_up(void **state)
{
	(void)state;
	world = shop_world(SHOP_POLICY, "/tmp", "");
	texts = gate_texts_new();
	return 0;
}

static int
tear_down(void **state)
{
	(void)state;
	gate_texts_free(&texts);
	gate_world_unref(&world);
	return 0;
}

static struct gate_text *
get(const char *sql)
{
	return gate_text_get(texts, world, base_span_str(sql));
}

/* "customers orders" in order of naming; "!": written; "?": unsure. own: how many bear a subject's key. */
static const struct { const char *sql, *touch; unsigned own; } touches[] = {
	{"SELECT 1", "", 0},
	{"SELECT * FROM customers", "public.customers", 1},
	{"select * from CUSTOMERS c, public.orders o, other", "public.customers public.orders", 1},
	{"SELECT * FROM customers a JOIN customers b ON a.id = b.id", "public.customers", 2},
	{"SELECT * FROM \"Customers\"", "", 0},
	{"SELECT * FROM hr.customers", "", 0},
	{"SELECT * FROM card", "public.card", 1},
	{"SELECT (SELECT max(phone) FROM customers)", "public.customers", 1},
	{"WITH x AS (SELECT * FROM customers) SELECT count(*) FROM x", "public.customers", 1},
	{"UPDATE customers SET note = 'x'", "public.customers!", 1},
	{"INSERT INTO other SELECT id FROM customers", "public.customers", 1},
	{"DELETE FROM orders", "public.orders!", 0},
	{"TRUNCATE customers", "public.customers!", 1},
	{"PREPARE p AS DELETE FROM customers", "public.customers", 1},
	{"DECLARE c CURSOR FOR SELECT * FROM customers", "public.customers", 1},
	{"EXPLAIN SELECT * FROM customers", "public.customers", 1},
	{"COPY customers TO STDOUT", "public.customers", 1},
	{"COPY customers FROM STDIN", "public.customers!", 1},
	{"SELECT find_customer(1)", "?", 0},
	{"SELECT Find_Customer(1)", "?", 0},
	{"SELECT lower('x')", "", 0},
	{"DO $$ BEGIN END $$", "?", 0},
	{"CALL whatever()", "?", 0},
};

static void
test_what_a_text_touches(void **state)
{
	(void)state;
	for (size_t i = 0; i < BASE_COUNT(touches); i++) {
		struct gate_text *t = get(touches[i].sql);
		const struct gate_touch *touch = gate_text_touch(t, 0);
		struct base_buf b;
		base_buf_init(&b, 1000);
		assert_non_null(touch);
		for (size_t k = 0; k < touch->nrelations; k++) {
			base_buf_str(&b, k ? " " : "");
			base_buf_put(&b, touch->relations[k]->full_name);
		}
		base_buf_str(&b, touch->written ? "!" : "");
		base_buf_str(&b, touch->unsure ? "?" : "");
		if (!base_span_is(base_buf_span(&b), touches[i].touch) || touch->own != touches[i].own)
			fail_msg("%s: %.*s, own %u", touches[i].sql, (int)base_buf_len(&b), (const char *)base_buf_span(&b).p, touch->own);
		base_buf_done(&b);
		gate_text_unref(&t);
	}
}

/* Value of what is asked for, or "$n", by column. */
static const struct { const char *sql, *column, *value; } requests[] = {
	{"SELECT * FROM customers WHERE id = 17", "id", "17"},
	{"SELECT * FROM customers WHERE 17 = id", "id", "17"},
	{"SELECT * FROM customers WHERE phone = '138 ''x'", "phone", "138 'x"},
	{"SELECT * FROM customers WHERE id = $2 AND note = $1", "id", "$2"},
	{"SELECT * FROM orders WHERE customer_id = '17'", "customer_id", "17"},
	{"SELECT * FROM orders o JOIN customers c ON c.id = o.customer_id WHERE c.email = 'a@b'", "email", "a@b"},
	{"SELECT * FROM other, customers WHERE phone = '1'", "phone", "1"},
	{"SELECT tel FROM card WHERE cid = 17", "cid", "17"},
	{"UPDATE customers SET note = 'x' WHERE id = 17", "id", "17"},
	{"SELECT * FROM customers WHERE id = 17 OR true", NULL, NULL},
	{"SELECT * FROM customers WHERE note = '17'", NULL, NULL},
	{"SELECT * FROM customers WHERE id > 17", NULL, NULL},
	{"SELECT * FROM customers WHERE id <> 17", NULL, NULL},
	{"SELECT * FROM other WHERE id = 17", NULL, NULL},
	{"SELECT * FROM customers WHERE phone = E'1\\x37'", "phone", ""}, /* asked for, but not told */
};

static void
test_whom_a_text_asks_for(void **state)
{
	(void)state;
	for (size_t i = 0; i < BASE_COUNT(requests); i++) {
		struct gate_text *t = get(requests[i].sql);
		const struct gate_touch *touch = gate_text_touch(t, 0);
		if (!requests[i].column) {
			if (touch->nrequests)
				fail_msg("%s: asks for somebody", requests[i].sql);
			gate_text_unref(&t);
			continue;
		}
		if (touch->nrequests != 1)
			fail_msg("%s: %d requests", requests[i].sql, (int)touch->nrequests);
		const struct gate_request *r = &touch->requests[0];
		assert_true(base_span_is(r->column->name, requests[i].column));
		if (requests[i].value[0] == '$') {
			assert_true(r->is_param && r->number == (uint32_t)(requests[i].value[1] - '0'));
		} else {
			assert_true(!r->is_param && r->number < t->nvalues);
			if (!base_span_is(t->values[r->number].text, requests[i].value))
				fail_msg("%s: another value", requests[i].sql);
		}
		gate_text_unref(&t);
	}
}

static void
test_a_text_is_looked_at_once(void **state)
{
	(void)state;
	struct gate_text *a = get("SELECT * FROM customers"), *b = get("SELECT * FROM customers");
	assert_ptr_equal(a, b);
	gate_text_unref(&a);
	gate_text_unref(&b);
	a = get("SELECT * FROM customers WHERE id = 17");
	b = get("SELECT * FROM customers WHERE id = 17");
	assert_ptr_equal(a->shape, b->shape); /* the text itself need not be kept */
	struct gate_text *c = get("SELECT *  FROM customers WHERE id=18 -- or so");
	assert_ptr_not_equal(a, c);
	assert_ptr_equal(a->shape, c->shape); /* one normal form */
	assert_true(base_span_eq(a->norm, c->norm) && base_span_is(a->norm, "SELECT * FROM customers WHERE id = \?"));
	/* but each has its own values and its own hash */
	uint32_t n = gate_text_touch(a, 0)->requests[0].number;
	assert_true(base_span_is(a->values[n].text, "17") && base_span_is(c->values[n].text, "18"));
	assert_string_not_equal(gate_text_hash(a), gate_text_hash(c));
	assert_string_equal(gate_text_hash(a), gate_text_hash(b));
	assert_int_equal(strlen(gate_text_hash(a)), 64);
	gate_text_unref(&a);
	gate_text_unref(&b);
	gate_text_unref(&c);
	/* facts that depend on the literals are nobody else's */
	a = get("COPY customers TO STDOUT (DELIMITER ',')");
	b = get("COPY customers TO STDOUT (DELIMITER ';')");
	assert_ptr_not_equal(a->shape, b->shape);
	assert_true(gate_text_statement(a, 0)->delimiter == ',' && gate_text_statement(b, 0)->delimiter == ';');
	gate_text_unref(&a);
	gate_text_unref(&b);
}

static void
test_the_hash_is_of_the_exact_text(void **state)
{
	/* printf '%s' 'SELECT 1' | sha256sum */
	static const char want[] = "e004ebd5b5532a4b85984a62f8ad48a81aa3460c1ca07701f386135d72cdecf5";
	struct gate_text *t = get("SELECT 1");
	(void)state;
	assert_string_equal(gate_text_hash(t), want);
	assert_string_equal(gate_text_hash(t), want);
	gate_text_unref(&t);
}

static void
test_texts_that_cannot_be_analysed(void **state)
{
	static const char *const bad[] = {"SELECT FROM WHERE", "SELECT 'x", "\xff", "SELECT 1; SELECT ("};
	(void)state;
	for (size_t i = 0; i < BASE_COUNT(bad); i++) {
		struct gate_text *t = get(bad[i]);
		assert_true(gate_text_statement(t, 0) == NULL && gate_text_touch(t, 0) == NULL);
		assert_int_equal(strlen(gate_text_hash(t)), 64);
		gate_text_unref(&t);
	}
	struct gate_text *t = get("");
	assert_null(gate_text_statement(t, 0));
	gate_text_unref(&t);
	t = get("SELECT 1; SELECT 2");
	assert_true(gate_text_statement(t, 1) != NULL && gate_text_statement(t, 2) == NULL && gate_text_touch(t, SIZE_MAX) == NULL);
	gate_text_unref(&t);
	t = gate_text_big(world);
	assert_true(gate_text_statement(t, 0) == NULL && gate_text_hash(t)[0] == '\0' && t->text.n == 0);
	gate_text_unref(&t);
	gate_text_unref(&t);
	assert_null(gate_text_statement(NULL, 0));
}

/* A reload: the old text stays good for who holds it, the new one is of the new policy. */
static void
test_a_new_world(void **state)
{
	(void)state;
	struct gate_text *old = get("SELECT * FROM other WHERE id = 17");
	assert_int_equal(gate_text_touch(old, 0)->nrelations, 0);
	struct gate_world *before = world;
	gate_world_ref(before);
	gate_world_unref(&world);
	world = shop_world("policy \"other\" version 2 { subject thing { table public.other key id } }", "/tmp", "");
	gate_texts_clear(texts);
	struct gate_text *new = get("SELECT * FROM other WHERE id = 17");
	assert_ptr_not_equal(old, new);
	assert_true(gate_text_touch(new, 0)->nrelations == 1 && gate_text_touch(new, 0)->nrequests == 1);
	assert_int_equal(gate_text_touch(old, 0)->nrelations, 0);
	assert_true(old->world == before && new->world == world);
	gate_text_unref(&old);
	gate_text_unref(&new);
	struct gate_text *c = get("SELECT * FROM customers");
	assert_int_equal(gate_text_touch(c, 0)->nrelations, 0);
	gate_text_unref(&c);
	gate_world_unref(&before);
}

static void
test_promise_7_the_cache_is_bounded(void **state)
{
	char sql[64];
	struct gate_text *first = get("SELECT first");
	(void)state;
	for (unsigned i = 0; i < GATE_TEXTS + 10; i++) {
		(void)snprintf(sql, sizeof(sql), "SELECT c%u", i);
		struct gate_text *t = get(sql);
		gate_text_unref(&t);
	}
	struct gate_text *again = get("SELECT first");
	assert_ptr_not_equal(first, again); /* forgotten by the cache, not by us */
	assert_int_equal(first->refs, 1);
	gate_text_unref(&first);
	gate_text_unref(&again);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_what_a_text_touches, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_whom_a_text_asks_for, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_a_text_is_looked_at_once, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_the_hash_is_of_the_exact_text, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_texts_that_cannot_be_analysed, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_a_new_world, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_promise_7_the_cache_is_bounded, set_up, tear_down),
	};

	base_crypt_init();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
