/* Tests of base_span: every getter on whole and truncated input, latching, delimiters. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>

#include "base_span.h"

static const uint8_t sample[] = {
	0x81,                                           /* u8 */
	0x82, 0x03,                                     /* u16 */
	0x84, 0x05, 0x06, 0x07,                         /* u32 */
	0x88, 0x09, 0x0a, 0x0b, 0x0c, 0x0d, 0x0e, 0x0f, /* u64 */
	0xff, 0xfe,                                     /* i16 */
	0xff, 0xff, 0xff, 0xfd,                         /* i32 */
	'a', 'b', 0,                                    /* cstr */
	'x', '=',                                       /* until */
	1, 2, 3,                                        /* take */
};

static void
test_truncated(void **state)
{
	(void)state;
	/* Each length lies in memory of exactly that length, so that the sanitizer sees a read past it. */
	for (size_t n = 0; n <= sizeof(sample); n++) {
		uint8_t *copy = malloc(n == 0 ? 1 : n);
		struct base_cursor c = base_cursor(base_span(copy, n));
		struct base_span s = {NULL, 0}, text;
		bool found;

		assert_non_null(copy);
		memcpy(copy, sample, n);
		assert_int_equal(base_cursor_u8(&c), n >= 1 ? 0x81 : 0);
		assert_int_equal(base_cursor_u16(&c), n >= 3 ? 0x8203 : 0);
		assert_int_equal(base_cursor_u32(&c), n >= 7 ? 0x84050607 : 0);
		assert_true(base_cursor_u64(&c) == (n >= 15 ? UINT64_C(0x88090a0b0c0d0e0f) : 0));
		assert_int_equal(base_cursor_i16(&c), n >= 17 ? -2 : 0);
		assert_int_equal(base_cursor_i32(&c), n >= 21 ? -3 : 0);
		text = base_cursor_cstr(&c);
		assert_true(base_span_is(text, n >= 24 ? "ab" : ""));
		assert_non_null(text.p);
		assert_int_equal(base_cursor_ok(&c), n >= 24);
		found = base_cursor_until(&c, '=', &s);
		assert_int_equal(found, n >= 26);
		if (found)
			assert_true(base_span_is(s, "x"));
		else if (base_cursor_ok(&c))
			assert_int_equal(c.left, n - 24); /* not found: unmoved */
		assert_int_equal(base_cursor_done(&c), n == 24 || n == 26);
		s = base_cursor_take(&c, 3);
		assert_int_equal(s.n, n >= 29 ? 3 : 0);
		assert_int_equal(base_cursor_done(&c), n == 29);
		free(copy);
	}
}

static void
test_latch(void **state)
{
	struct base_cursor c = base_cursor(base_span("abcdef", 6));
	struct base_span s = base_span_str("kept");

	(void)state;
	assert_int_equal(base_cursor_take(&c, SIZE_MAX).n, 0); /* no overflow in the check */
	assert_false(base_cursor_ok(&c));
	assert_int_equal(base_cursor_u8(&c), 0);
	assert_int_equal(base_cursor_take(&c, 0).n, 0);
	assert_false(base_cursor_until(&c, 'b', &s));
	assert_true(base_span_is(s, "kept"));
	assert_false(base_cursor_done(&c));
}

static void
test_empty(void **state)
{
	struct base_cursor c = base_cursor(base_span(NULL, 0));

	(void)state;
	assert_true(base_cursor_done(&c));
	assert_non_null(base_cursor_take(&c, 0).p);
	assert_true(base_cursor_done(&c));
	assert_int_equal(base_cursor_cstr(&c).n, 0);
	assert_false(base_cursor_ok(&c));
}

static void
test_compare(void **state)
{
	static const struct {
		const char *a, *b;
		int sign;
	} t[] = {
		{"", "", 0}, {"a", "", 1}, {"", "a", -1}, {"a", "a", 0}, {"a", "ab", -1}, {"ab", "a", 1}, {"b", "ab", 1},
		{"\x7f", "\x80", -1}, /* bytes are unsigned */
	};

	(void)state;
	for (size_t i = 0; i < BASE_COUNT(t); i++) {
		int c = base_span_cmp(base_span_str(t[i].a), base_span_str(t[i].b));

		assert_int_equal((c > 0) - (c < 0), t[i].sign);
		assert_int_equal(base_span_eq(base_span_str(t[i].a), base_span_str(t[i].b)), t[i].sign == 0);
	}
	assert_int_equal(base_span_cmp(base_span(NULL, 0), base_span(NULL, 0)), 0);
	assert_true(base_span_eq(base_span(NULL, 0), base_span("", 0)));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_truncated),
		cmocka_unit_test(test_latch),
		cmocka_unit_test(test_empty),
		cmocka_unit_test(test_compare),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
