/* test_cli_refill: normal forms and what is asked again; what sql_scan makes of that is the same normal form. */
#include "cli_refill.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "sql_scan.h"

static const struct { const char *text, *parameter, *number, *string; } tries[] = {
	{"", "", "", ""},
	{"select 1", "select 1", "select 1", "select 1"},
	{"select * from t where id = ?", "select * from t where id = $1", "select * from t where id = 0", "select * from t where id = '0'"},
	{"select $2 , ? , $1 , ?", "select $2 , $3 , $1 , $4", "select $2 , 0 , $1 , 0", "select $2 , '0' , $1 , '0'"},
	{"select \"a ? b\" , ?", "select \"a ? b\" , $1", "select \"a ? b\" , 0", "select \"a ? b\" , '0'"},
	{"select \"a \"\" ? \" , ?", "select \"a \"\" ? \" , $1", "select \"a \"\" ? \" , 0", "select \"a \"\" ? \" , '0'"},
	{"select j OPERATOR(?) ?", "select j ? $1", "select j ? 0", "select j ? '0'"},
	{"select DATE ? , interval ? , x", "select DATE '2000-01-01' , interval '0:00' , x", "select DATE '2000-01-01' , interval '0:00' , x", "select DATE '2000-01-01' , interval '0:00' , x"},
	{"?", "$1", "0", "'0'"},
	{"? ?", "$1 $2", "0 0", "'0' '0'"},
	{"\"open ?", "\"open ?", "\"open ?", "\"open ?"},
};

static void
test_tries(void **state)
{
	(void)state;
	for (size_t i = 0; i < BASE_COUNT(tries); i++) {
		const char *want[] = {tries[i].parameter, tries[i].number, tries[i].string};
		for (unsigned how = 0; how < CLI_REFILLS; how++) {
			struct base_buf b;
			base_buf_init(&b, 4096);
			cli_refill_text(base_span_str(tries[i].text), (enum cli_refill)how, &b);
			base_buf_u8(&b, 0);
			assert_string_equal((const char *)base_buf_span(&b).p, want[how]);
			base_buf_done(&b);
		}
	}
}

/* Texts of clients: normal form, filled with strings, normal form again: the same. */
static void
test_round(void **state)
{
	static const char *const texts[] = {"select*from t where id=42 and n like 'a%'", "select U&\"c d\" from \"a ? b\" where j ? 'k'", "select $1, 'a''b', $$x$$ /* c */ from t limit 5",
	    "insert into t values (1, E'\\n'), (2, 'x') -- end"};

	(void)state;
	for (size_t i = 0; i < BASE_COUNT(texts); i++) {
		struct sql_scan a, b;
		struct base_buf filled;
		struct base_fail fail = {0};
		sql_scan_init(&a);
		sql_scan_init(&b);
		base_buf_init(&filled, 65536);
		assert_int_equal(sql_scan_text(&a, base_span_str(texts[i]), &fail), 0);
		cli_refill_text(base_buf_span(&a.norm), CLI_REFILL_STRING, &filled);
		assert_int_equal(sql_scan_text(&b, base_buf_span(&filled), &fail), 0);
		assert_true(base_span_eq(base_buf_span(&a.norm), base_buf_span(&b.norm)));
		sql_scan_done(&a);
		sql_scan_done(&b);
		base_buf_done(&filled);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_tries), cmocka_unit_test(test_round)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
