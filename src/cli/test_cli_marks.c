/* test_cli_marks: the set against a plain list, growth, flags, and its end. */
#include "cli_marks.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static void
test_set(void **state)
{
	struct cli_marks *m = cli_marks_new(100000);
	unsigned before;

	(void)state;
	assert_int_equal(cli_marks_set(m, 1, 0, 1, &before), 0);
	assert_int_equal(cli_marks_count(m), 0);
	for (unsigned round = 0; round < 3; round++)
		for (uint32_t owner = 0; owner < 3; owner++)
			for (uint64_t mark = 1; mark <= 5000; mark++) {
				assert_int_equal(cli_marks_set(m, owner, mark * 0x10000, 1u << round, &before), 0);
				assert_int_equal(before, (1u << round) - 1);
			}
	assert_int_equal(cli_marks_count(m), 15000);
	cli_marks_free(&m);
	cli_marks_free(&m);
}

static void
test_limit(void **state)
{
	struct cli_marks *m = cli_marks_new(2000);
	unsigned before;

	(void)state;
	for (uint64_t mark = 1; mark <= 2000; mark++)
		assert_int_equal(cli_marks_set(m, 7, mark, 1, &before), 0);
	assert_int_equal(cli_marks_set(m, 7, 2001, 1, &before), GH_E_LIMIT);
	assert_int_equal(cli_marks_set(m, 8, 1, 1, &before), GH_E_LIMIT);
	assert_int_equal(cli_marks_set(m, 7, 2000, 2, &before), 0); /* what is there can go on */
	assert_int_equal(before, 1);
	assert_int_equal(cli_marks_count(m), 2000);
	cli_marks_free(&m);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_set), cmocka_unit_test(test_limit)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
