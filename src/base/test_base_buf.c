/* Tests of base_buf: ceiling, latching, compaction before growth, numbers, formats, and a random walk against a model. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>

#include "base_buf.h"

static char big[3000]; /* 2999 y */

static void
test_numbers(void **state)
{
	static const uint8_t want[] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 'a', 'b', 0};
	struct base_buf b;

	(void)state;
	base_buf_init(&b, 100);
	base_buf_u8(&b, 0x01);
	base_buf_u16(&b, 0x0203);
	base_buf_u32(&b, 0);
	base_buf_u64(&b, UINT64_C(0x08090a0b0c0d0e0f));
	base_buf_cstr(&b, "ab");
	base_buf_set_u32(&b, 3, 0x04050607);
	assert_true(base_span_eq(base_buf_span(&b), base_span(want, sizeof(want))));
	base_buf_consume(&b, 1);
	base_buf_set_u32(&b, 0, 0x21222324); /* counted from the unread data */
	assert_int_equal(base_buf_span(&b).p[0], 0x21);
	assert_int_equal(base_buf_span(&b).p[4], 0x06);
	base_buf_set_u32(&b, base_buf_len(&b) - 4, 0);
	base_buf_done(&b);
}

static void
test_max(void **state)
{
	struct base_buf b;

	(void)state;
	base_buf_init(&b, 4);
	assert_true(base_span_is(base_buf_span(&b), ""));
	base_buf_str(&b, "abcd");
	assert_false(b.bad);
	base_buf_consume(&b, 1);
	base_buf_str(&b, "e"); /* the ceiling is on unread bytes */
	assert_true(base_span_is(base_buf_span(&b), "bcde"));
	assert_int_equal(b.cap, 4);
	base_buf_u8(&b, 'f');
	assert_true(b.bad);
	base_buf_consume(&b, 4);
	base_buf_u8(&b, 'g'); /* latched, although it would fit now */
	assert_null(base_buf_reserve(&b, 1));
	assert_int_equal(base_buf_len(&b), 0);
	base_buf_set_u32(&b, 0, 1); /* no effect on a bad buffer */
	base_buf_clear(&b);
	assert_non_null(base_buf_reserve(&b, 4));
	assert_null(base_buf_reserve(&b, SIZE_MAX));
	assert_true(b.bad);
	base_buf_done(&b);
	base_buf_init(&b, 0);
	assert_non_null(base_buf_reserve(&b, 0));
	base_buf_put(&b, base_span(NULL, 0));
	assert_false(b.bad);
	base_buf_u8(&b, 1);
	assert_true(b.bad);
	base_buf_done(&b);
}

/* Consumed space is used before memory grows, and data moves only when it must. */
static void
test_compact(void **state)
{
	struct base_buf b;
	const uint8_t *mem;

	(void)state;
	base_buf_init(&b, 1000);
	assert_non_null(base_buf_reserve(&b, 256));
	assert_int_equal(b.cap, 256);
	base_buf_commit(&b, 256);
	mem = b.mem;
	base_buf_consume(&b, 200);
	base_buf_put(&b, base_span(big, 200)); /* 56 + 200 fit */
	assert_int_equal(b.cap, 256);
	assert_ptr_equal(b.mem, mem);
	assert_int_equal(b.start, 0);
	base_buf_consume(&b, 100);
	assert_int_equal(b.start, 100);
	base_buf_consume(&b, 156);
	assert_int_equal(b.start, 0); /* empty: reset without a move */
	assert_int_equal(b.end, 0);
	base_buf_put(&b, base_span(big, 100));
	base_buf_consume(&b, 50);
	base_buf_put(&b, base_span(big, 100)); /* room behind: no move */
	assert_int_equal(b.start, 50);
	base_buf_put(&b, base_span(big, 200)); /* 150 + 200 do not fit in 256 */
	assert_int_equal(b.cap, 512);
	assert_int_equal(b.start, 0);
	assert_int_equal(base_buf_len(&b), 350);
	base_buf_put(&b, base_span(big, 650));
	assert_int_equal(b.cap, 1000); /* never past max */
	assert_false(b.bad);
	base_buf_trim(&b);
	assert_non_null(b.mem); /* not empty */
	base_buf_consume(&b, 1000);
	base_buf_trim(&b);
	assert_null(b.mem);
	base_buf_str(&b, "x");
	assert_true(base_span_is(base_buf_span(&b), "x"));
	base_buf_done(&b);
}

static void
test_format(void **state)
{
	struct base_buf b;

	(void)state;
	memset(big, 'y', sizeof(big) - 1);
	base_buf_init(&b, 3000);
	base_buf_fmt(&b, "%d-%s", 5, "z");
	assert_true(base_span_is(base_buf_span(&b), "5-z"));
	base_buf_clear(&b);
	for (size_t n = 505; n < 520; n++) { /* around the length of the stack's line */
		base_buf_fmt(&b, "%.*s", (int)n, big);
		assert_int_equal(base_buf_len(&b), n);
		assert_true(base_span_eq(base_buf_span(&b), base_span(big, n)));
		base_buf_clear(&b);
	}
	base_buf_fmt(&b, "%s!", big);
	assert_int_equal(base_buf_len(&b), 3000); /* to the last byte: the NUL needs none */
	base_buf_clear(&b);
	base_buf_fmt(&b, "%s!!", big);
	assert_true(b.bad);
	assert_int_equal(base_buf_len(&b), 0);
	base_buf_done(&b);
}

/* Random appends and consumes; the buffer must always equal a plain array. */
static void
test_model(void **state)
{
	uint8_t model[600];
	size_t n = 0;
	unsigned seed = 1;
	uint8_t next = 0;
	struct base_buf b;

	(void)state;
	base_buf_init(&b, sizeof(model));
	for (int step = 0; step < 20000; step++) {
		size_t k = (size_t)rand_r(&seed) % 200;

		if (rand_r(&seed) % 2 == 0 && k <= sizeof(model) - n) {
			uint8_t *p = base_buf_reserve(&b, k);

			assert_non_null(p);
			for (size_t i = 0; i < k; i++)
				model[n++] = p[i] = next++;
			base_buf_commit(&b, k);
		} else if (k <= n) {
			base_buf_consume(&b, k);
			n -= k;
			memmove(model, model + k, n);
		}
		assert_true(base_span_eq(base_buf_span(&b), base_span(model, n)));
		assert_true(b.cap <= b.max);
	}
	base_buf_done(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_numbers),
		cmocka_unit_test(test_max),
		cmocka_unit_test(test_compact),
		cmocka_unit_test(test_format),
		cmocka_unit_test(test_model),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
