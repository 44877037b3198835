/* Tests of base_num: strictness, ranges, units; each input also truncated at every length in memory of exactly that length. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>

#include "base_num.h"

static const uint64_t kept = UINT64_C(0x5eed5eed5eed5eed);

static void
test_u64(void **state)
{
	static const struct {
		const char *text;
		uint64_t min, max;
		int rc;
		uint64_t value;
	} t[] = {
		{"0", 0, 10, 0, 0},
		{"007", 0, 10, 0, 7},
		{"10", 0, 10, 0, 10},
		{"11", 0, 10, GH_E_LIMIT, 0},
		{"4", 5, 10, GH_E_LIMIT, 0},
		{"18446744073709551615", 0, UINT64_MAX, 0, UINT64_MAX},
		{"18446744073709551616", 0, UINT64_MAX, GH_E_LIMIT, 0},
		{"99999999999999999999999999", 0, UINT64_MAX, GH_E_LIMIT, 0},
		{"99999999999999999999999999x", 0, UINT64_MAX, GH_E_PARSE, 0},
		{"", 0, 10, GH_E_PARSE, 0},
		{"-1", 0, 10, GH_E_PARSE, 0},
		{"+1", 0, 10, GH_E_PARSE, 0},
		{" 1", 0, 10, GH_E_PARSE, 0},
		{"1 ", 0, 10, GH_E_PARSE, 0},
		{"0x1", 0, 10, GH_E_PARSE, 0},
		{"1.0", 0, 10, GH_E_PARSE, 0},
	};

	(void)state;
	for (size_t i = 0; i < BASE_COUNT(t); i++) {
		uint64_t v = kept;

		assert_int_equal(base_num_u64(base_span_str(t[i].text), t[i].min, t[i].max, &v), t[i].rc);
		assert_true(v == (t[i].rc == 0 ? t[i].value : kept));
	}
	{
		uint64_t v = kept;

		assert_int_equal(base_num_u64(base_span("1\0", 2), 0, 10, &v), GH_E_PARSE); /* a NUL is not an end */
		assert_int_equal(base_num_u64(base_span(NULL, 0), 0, 10, &v), GH_E_PARSE);
		assert_true(v == kept);
	}
}

static void
test_i64(void **state)
{
	static const struct {
		const char *text;
		int64_t min, max;
		int rc;
		int64_t value;
	} t[] = {
		{"-5", -5, 5, 0, -5},
		{"-6", -5, 5, GH_E_LIMIT, 0},
		{"6", -5, 5, GH_E_LIMIT, 0},
		{"-0", -5, 5, 0, 0},
		{"9223372036854775807", INT64_MIN, INT64_MAX, 0, INT64_MAX},
		{"9223372036854775808", INT64_MIN, INT64_MAX, GH_E_LIMIT, 0},
		{"-9223372036854775808", INT64_MIN, INT64_MAX, 0, INT64_MIN},
		{"-9223372036854775809", INT64_MIN, INT64_MAX, GH_E_LIMIT, 0},
		{"-", -5, 5, GH_E_PARSE, 0},
		{"--1", -5, 5, GH_E_PARSE, 0},
		{"+1", -5, 5, GH_E_PARSE, 0},
		{"", -5, 5, GH_E_PARSE, 0},
		{"1-", -5, 5, GH_E_PARSE, 0},
	};

	(void)state;
	for (size_t i = 0; i < BASE_COUNT(t); i++) {
		int64_t v = 77;

		assert_int_equal(base_num_i64(base_span_str(t[i].text), t[i].min, t[i].max, &v), t[i].rc);
		assert_true(v == (t[i].rc == 0 ? t[i].value : 77));
	}
}

struct unit_case {
	const char *text;
	uint64_t max;
	int rc;
	uint64_t value;
};

static void
run_units(const struct unit_case *t, size_t count, int (*parse)(struct base_span, uint64_t, uint64_t *))
{
	for (size_t i = 0; i < count; i++) {
		size_t len = strlen(t[i].text);
		uint64_t v = kept;

		assert_int_equal(parse(base_span_str(t[i].text), t[i].max, &v), t[i].rc);
		assert_true(v == (t[i].rc == 0 ? t[i].value : kept));
		for (size_t n = 0; n < len; n++) {
			uint8_t *copy = malloc(n == 0 ? 1 : n);
			int rc;

			assert_non_null(copy);
			memcpy(copy, t[i].text, n);
			v = kept;
			rc = parse(base_span(copy, n), t[i].max, &v);
			assert_true(rc == 0 || v == kept);
			free(copy);
		}
	}
}

static void
test_size(void **state)
{
	static const struct unit_case t[] = {
		{"0", UINT64_MAX, 0, 0},
		{"4096", UINT64_MAX, 0, 4096},
		{"64KiB", UINT64_MAX, 0, 65536},
		{"1MiB", UINT64_MAX, 0, 1048576},
		{"2GiB", UINT64_MAX, 0, UINT64_C(2147483648)},
		{"0GiB", UINT64_MAX, 0, 0},
		{"1KiB", 1023, GH_E_LIMIT, 0},
		{"1KiB", 1024, 0, 1024},
		{"17179869184GiB", UINT64_MAX, GH_E_LIMIT, 0}, /* 2^64 */
		{"17179869183GiB", UINT64_MAX, 0, UINT64_C(17179869183) << 30},
		{"1kib", UINT64_MAX, GH_E_PARSE, 0},
		{"1KB", UINT64_MAX, GH_E_PARSE, 0},
		{"1 KiB", UINT64_MAX, GH_E_PARSE, 0},
		{"KiB", UINT64_MAX, GH_E_PARSE, 0},
		{"1KiBx", UINT64_MAX, GH_E_PARSE, 0},
		{"1.5KiB", UINT64_MAX, GH_E_PARSE, 0},
		{"-1KiB", UINT64_MAX, GH_E_PARSE, 0},
		{"", UINT64_MAX, GH_E_PARSE, 0},
	};

	(void)state;
	run_units(t, BASE_COUNT(t), base_num_size);
}

static void
test_duration(void **state)
{
	static const struct unit_case t[] = {
		{"0", UINT64_MAX, 0, 0},
		{"500ms", UINT64_MAX, 0, 500000},
		{"5s", UINT64_MAX, 0, 5000000},
		{"10min", UINT64_MAX, 0, 600000000},
		{"2h", UINT64_MAX, 0, UINT64_C(7200000000)},
		{"1d", UINT64_MAX, 0, UINT64_C(86400000000)},
		{"1d", UINT64_C(86399999999), GH_E_LIMIT, 0},
		{"999999999999999d", UINT64_MAX, GH_E_LIMIT, 0},
		{"5", UINT64_MAX, GH_E_PARSE, 0}, /* a number without a unit is a mistake */
		{"00", UINT64_MAX, GH_E_PARSE, 0},
		{"5m", UINT64_MAX, GH_E_PARSE, 0}, /* minutes or milliseconds? */
		{"5sec", UINT64_MAX, GH_E_PARSE, 0},
		{"5 s", UINT64_MAX, GH_E_PARSE, 0},
		{"1h30min", UINT64_MAX, GH_E_PARSE, 0},
		{"s", UINT64_MAX, GH_E_PARSE, 0},
		{"", UINT64_MAX, GH_E_PARSE, 0},
	};

	(void)state;
	run_units(t, BASE_COUNT(t), base_num_duration);
}

static void
test_checked(void **state)
{
	size_t v = 5;

	(void)state;
	assert_true(base_num_add(SIZE_MAX - 1, 1, &v));
	assert_true(v == SIZE_MAX);
	assert_false(base_num_add(SIZE_MAX, 1, &v));
	assert_true(base_num_mul(SIZE_MAX, 1, &v));
	assert_false(base_num_mul(SIZE_MAX, 2, &v));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_u64),
		cmocka_unit_test(test_i64),
		cmocka_unit_test(test_size),
		cmocka_unit_test(test_duration),
		cmocka_unit_test(test_checked),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
