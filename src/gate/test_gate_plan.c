/* Tests of gate_plan: RowDescription payloads, whole and cut at every length; subject columns of tables, linked tables and views; the
 * 0/1/n rule of result formats; COPY column lists and generated columns.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base_buf.h"
#include "test_gate_shop.h"
#include "gate_plan.h"

static struct policy_map *map;

static int
set_up(void **state)
{
	(void)state;
	map = shop_map(SHOP_POLICY);
	return 0;
}

static int
tear_down(void **state)
{
	(void)state;
	policy_map_unref(&map);
	return 0;
}

struct col { uint32_t oid; int16_t attnum; uint32_t type; int16_t format; };

static void
payload(struct base_buf *b, const struct col *c, size_t n)
{
	base_buf_init(b, 1u << 20);
	base_buf_u16(b, (uint16_t)n);
	for (size_t i = 0; i < n; i++) {
		base_buf_cstr(b, "name");
		base_buf_u32(b, c[i].oid);
		base_buf_u16(b, (uint16_t)c[i].attnum);
		base_buf_u32(b, c[i].type);
		base_buf_u16(b, 8);
		base_buf_u32(b, UINT32_MAX);
		base_buf_u16(b, (uint16_t)c[i].format);
	}
}

static struct gate_describe *
describe(const struct col *c, size_t n)
{
	struct gate_describe *d = NULL;
	struct base_fail fail;
	struct base_buf b;

	payload(&b, c, n);
	assert_int_equal(gate_describe_read(base_buf_span(&b), &d, &fail), 0);
	base_buf_done(&b);
	return d;
}

static const struct col all[] = {
	{SHOP_OTHER, 1, SHOP_INT8, 0},     {SHOP_CUSTOMERS, 2, SHOP_VARCHAR, 0}, {0, 0, SHOP_TEXT, 0},         {SHOP_ORDERS, 2, SHOP_INT8, 1},
	{SHOP_ORDERS, 3, SHOP_TEXT, 0},    {SHOP_CARD, 1, SHOP_INT8, 0},         {SHOP_CARD, 3, SHOP_TEXT, 0}, {SHOP_CUSTOMERS, 99, SHOP_TEXT, 0},
	{SHOP_CUSTOMERS, -1, 27, 0},       {4711, 1, SHOP_INT8, 0},
};

static void
test_describe_read(void **state)
{
	struct gate_describe *d = describe(all, BASE_COUNT(all));
	struct base_fail fail;
	struct base_buf b;
	(void)state;
	assert_int_equal(d->count, BASE_COUNT(all));
	assert_true(d->column[3].oid == SHOP_ORDERS && d->column[3].attnum == 2 && d->column[3].type == SHOP_INT8 && d->column[3].format == 1);
	gate_describe_ref(d);
	struct gate_describe *second = d;
	gate_describe_unref(&d);
	assert_null(d);
	assert_int_equal(second->count, BASE_COUNT(all));
	gate_describe_unref(&second);
	gate_describe_unref(&second); /* NULL is fine */

	payload(&b, all, BASE_COUNT(all));
	for (size_t n = 0; n < base_buf_len(&b); n++) {
		uint8_t *cut = malloc(n + 1); /* memory of that length only */
		assert_non_null(cut);
		memcpy(cut, base_buf_span(&b).p, n);
		assert_true(gate_describe_read(base_span(cut, n), &d, &fail) < 0);
		free(cut);
	}
	base_buf_u8(&b, 0);
	assert_true(gate_describe_read(base_buf_span(&b), &d, &fail) < 0);
	base_buf_done(&b);

	struct col *many = base_mem_new(GATE_COLUMNS_MAX + 1, sizeof(*many));
	d = describe(many, GATE_COLUMNS_MAX);
	assert_int_equal(d->count, GATE_COLUMNS_MAX);
	gate_describe_unref(&d);
	payload(&b, many, GATE_COLUMNS_MAX + 1);
	assert_int_equal(gate_describe_read(base_buf_span(&b), &d, &fail), GH_E_LIMIT);
	base_buf_done(&b);
	free(many);
}

static void
test_subject_columns_of_tables_and_views(void **state)
{
	static const struct { uint16_t index; const char *kind; int16_t format; } want[] = {
		{1, "customer.phone", 0}, {3, "customer.key", 1}, {5, "customer.key", 0},
	};
	struct gate_describe *d = describe(all, BASE_COUNT(all));
	struct gate_plan p;
	(void)state;
	gate_plan_make(map, d, base_span(NULL, 0), -1, &p);
	assert_true(p.touched && !p.more);
	assert_int_equal(p.nsubjects, BASE_COUNT(want));
	for (size_t i = 0; i < BASE_COUNT(want); i++) {
		assert_int_equal(p.subject[i].index, want[i].index);
		assert_int_equal(p.subject[i].format, want[i].format);
		assert_true(base_span_is(policy_map_kind(map, p.subject[i].column->kind), want[i].kind));
	}
	gate_describe_unref(&d);
	d = describe(all, 1);
	gate_plan_make(map, d, base_span(NULL, 0), -1, &p);
	assert_true(!p.touched && p.nsubjects == 0 && p.nprotected == 0);
	gate_describe_unref(&d);
	d = describe(all + 6, 1); /* a computed column of a view: protected, though nobody's */
	gate_plan_make(map, d, base_span(NULL, 0), -1, &p);
	assert_true(p.touched && p.nsubjects == 0 && p.nprotected == 1);
	gate_describe_unref(&d);
}

static void
test_formats_none_one_or_each(void **state)
{
	static const uint8_t binary[] = {0, 1}, each[] = {0, 1, 0, 0, 0, 1}, wrong[] = {0, 9, 0, 9, 0, 9};
	static const struct col c[] = {{SHOP_CUSTOMERS, 1, SHOP_INT8, 0}, {SHOP_CUSTOMERS, 2, SHOP_VARCHAR, 0}, {SHOP_CUSTOMERS, 3, SHOP_TEXT, 0}};
	static const struct { const uint8_t *bytes; size_t n; int count; int16_t want[3]; } cases[] = {
		{NULL, 0, 0, {0, 0, 0}}, {binary, 2, 1, {1, 1, 1}}, {each, 6, 3, {1, 0, 1}}, {NULL, 0, -1, {0, 0, 0}}, {wrong, 6, 3, {0, 0, 0}},
		{each, 4, 2, {1, 0, 0}}, /* too few: the server refuses it */
	};
	struct gate_describe *d = describe(c, 3);
	struct gate_plan p;
	(void)state;
	for (size_t i = 0; i < BASE_COUNT(cases); i++) {
		gate_plan_make(map, d, base_span(cases[i].bytes, cases[i].n), cases[i].count, &p);
		assert_int_equal(p.nsubjects, 3);
		for (size_t k = 0; k < 3; k++)
			assert_int_equal(p.subject[k].format, cases[i].want[k]);
	}
	gate_describe_unref(&d);
}

static void
test_a_type_of_an_extension_is_read_as_bound(void **state)
{
	static const struct col c[] = {{SHOP_CUSTOMERS, 3, 70001, 0}, {SHOP_CUSTOMERS, 1, SHOP_INT4, 0}};
	struct gate_describe *d = describe(c, 2);
	struct gate_plan p;
	(void)state;
	gate_plan_make(map, d, base_span(NULL, 0), -1, &p);
	assert_int_equal(p.subject[0].type, SHOP_TEXT);
	assert_int_equal(p.subject[1].type, SHOP_INT4);
	gate_describe_unref(&d);
}

static void
test_more_subject_columns_than_are_marked(void **state)
{
	struct col c[GATE_SUBJECT_COLUMNS + 60];
	struct gate_plan p;
	(void)state;
	for (size_t i = 0; i < BASE_COUNT(c); i++)
		c[i] = (struct col){SHOP_CUSTOMERS, 1, SHOP_INT8, 0};
	struct gate_describe *d = describe(c, GATE_SUBJECT_COLUMNS);
	gate_plan_make(map, d, base_span(NULL, 0), -1, &p);
	assert_true(p.nsubjects == GATE_SUBJECT_COLUMNS && !p.more);
	gate_describe_unref(&d);
	d = describe(c, BASE_COUNT(c));
	gate_plan_make(map, d, base_span(NULL, 0), -1, &p);
	assert_true(p.nsubjects == GATE_SUBJECT_COLUMNS && p.more && p.nprotected == 64);
	gate_describe_unref(&d);
}

static void
test_columns_of_a_copy(void **state)
{
	static const struct base_span list[] = {SHOP_S("note"), SHOP_S("phone"), SHOP_S("id")}, unknown[] = {SHOP_S("id"), SHOP_S("nothing")};
	const struct policy_relation *r = policy_map_relation(map, SHOP_CUSTOMERS);
	struct gate_plan p;
	uint16_t n = 0;
	(void)state;
	assert_true(gate_plan_copy(r, NULL, 0, 1, &p, &n));
	assert_int_equal(n, 5); /* the generated one is left out by the server */
	assert_true(p.touched && p.nsubjects == 3 && p.subject[0].index == 0 && p.subject[2].index == 2 && p.subject[1].format == 1);
	assert_true(gate_plan_copy(r, list, 3, 0, &p, &n));
	assert_true(n == 3 && p.nsubjects == 2 && p.subject[0].index == 1 && p.subject[1].index == 2);
	assert_true(base_span_is(policy_map_kind(map, p.subject[1].column->kind), "customer.key"));
	assert_false(gate_plan_copy(r, unknown, 2, 0, &p, &n));
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_describe_read),
		cmocka_unit_test(test_subject_columns_of_tables_and_views),
		cmocka_unit_test(test_formats_none_one_or_each),
		cmocka_unit_test(test_a_type_of_an_extension_is_read_as_bound),
		cmocka_unit_test(test_more_subject_columns_than_are_marked),
		cmocka_unit_test(test_columns_of_a_copy),
	};

	base_crypt_init();
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
