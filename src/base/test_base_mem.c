/* Tests of base_mem: overflow, zeroing, and the arena's budget, alignment and separation of objects. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>

#include "base_mem.h"

static void
test_plain(void **state)
{
	void *volatile p; /* volatile: the compiler must not know what an impossible size gives */
	uint8_t *q;
	char *s;

	(void)state;
	p = base_mem_try(SIZE_MAX / 2, 3);
	assert_null(p);
	p = base_mem_grow(NULL, SIZE_MAX / 2, 3);
	assert_null(p);
	p = base_mem_try(0, 8);
	assert_non_null(p);
	free(p);
	q = base_mem_new(10, 10);
	for (size_t i = 0; i < 100; i++)
		assert_int_equal(q[i], 0);
	q[99] = 7;
	q = base_mem_grow(q, 200, 1);
	assert_non_null(q);
	assert_int_equal(q[99], 7);
	free(q);
	s = base_mem_str(base_span("ab\0c", 4));
	assert_memory_equal(s, "ab\0c", 5);
	free(s);
	s = base_mem_str(base_span(NULL, 0));
	assert_string_equal(s, "");
	free(s);
}

static void
test_arena(void **state)
{
	enum { COUNT = 500 };
	struct {
		uint8_t *p;
		size_t n;
	} got[COUNT];
	struct base_arena *a = base_arena_new(COUNT * 3000);
	unsigned seed = 3;

	(void)state;
	for (size_t i = 0; i < COUNT; i++) {
		size_t n = (size_t)rand_r(&seed) % (i % 10 == 0 ? 9000 : 200);

		got[i].p = base_arena_get(a, n);
		got[i].n = n;
		assert_non_null(got[i].p);
		assert_int_equal((uintptr_t)got[i].p % 16, 0);
		for (size_t k = 0; k < n; k++)
			assert_int_equal(got[i].p[k], 0);
		if (n > 0)
			memset(got[i].p, (int)(i % 251), n);
	}
	for (size_t i = 0; i < COUNT; i++)
		for (size_t k = 0; k < got[i].n; k++)
			assert_int_equal(got[i].p[k], i % 251); /* nobody overlaps */
	base_arena_free(&a);
	assert_null(a);
	base_arena_free(&a);
}

static void
test_budget(void **state)
{
	struct base_arena *a = base_arena_new(64);
	char *s;

	(void)state;
	assert_null(base_arena_get(a, SIZE_MAX));
	assert_null(base_arena_get(a, 65));
	assert_non_null(base_arena_get(a, 17)); /* 32 */
	s = base_arena_str(a, base_span_str("fifteen bytes.."));
	assert_string_equal(s, "fifteen bytes..");
	assert_null(base_arena_str(a, base_span_str("sixteen bytes...")));
	s = base_arena_str(a, base_span(NULL, 0));
	assert_string_equal(s, "");
	assert_null(base_arena_get(a, 1));
	assert_null(base_arena_get(a, 0));
	base_arena_free(&a);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_plain),
		cmocka_unit_test(test_arena),
		cmocka_unit_test(test_budget),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
