/* test_tree_golden: the known trees are what a server printed, and no other tree is taken for one of them. */
#include "tree_golden.h"

#include "test_tree_util.h"

static void
test_known(void **state)
{
	size_t n;
	const struct tree_golden *g = tree_golden(15, &n);

	(void)state;
	assert_true(n > 10);
	for (size_t i = 0; i < n; i++) {
		struct base_buf b = golden_file(g[i].name);
		struct base_fail fail;

		if (tree_golden_check(&g[i], 15, base_buf_span(&b), &fail) < 0)
			fail_msg("%s", fail.text);
		for (size_t k = 0; k < n; k++)
			if (k != i) {
				assert_int_equal(tree_golden_check(&g[k], 15, base_buf_span(&b), &fail), GH_E_VERIFY);
				assert_non_null(strstr(fail.text, g[k].name));
			}
		base_buf_done(&b);
	}
}

static void
test_other(void **state)
{
	size_t n;
	const struct tree_golden *g = tree_golden(15, &n);
	struct base_buf b = golden_file(g[0].name);
	struct base_fail fail;
	uint8_t *p;

	(void)state;
	assert_null(tree_golden(16, &n));
	assert_int_equal(tree_golden_check(&g[0], 16, base_buf_span(&b), &fail), GH_E_UNSUPPORTED);
	assert_int_equal(tree_golden_check(&g[0], 15, base_span("x", 1), &fail), GH_E_VERIFY);
	assert_int_equal(fail.code, GH_E_VERIFY);
	assert_non_null(strstr(fail.text, g[0].name));
	assert_int_equal(tree_golden_check(&g[0], 15, base_span("x", 1), NULL), GH_E_VERIFY);
	base_buf_u8(&b, 0);
	p = (uint8_t *)strstr((char *)b.mem + b.start, ":funcid 871");
	assert_non_null(p);
	p[10] = '0'; /* lower for upper */
	assert_int_equal(tree_golden_check(&g[0], 15, base_span(base_buf_span(&b).p, base_buf_len(&b) - 1), &fail), GH_E_VERIFY);
	base_buf_done(&b);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_known),
		cmocka_unit_test(test_other),
	};

	base_crypt_init();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
