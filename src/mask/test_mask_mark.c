/* Tests of mask_mark: key files, and marks against vectors computed by an independent program (HMAC-SHA-256 and SipHash-2-4 from their
 * papers). Key files are also cut at every length.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>

#include "mask_mark.h"

#define KEY_A "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"
#define KEY_B "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff"

static const char good[] = "# marks\n2027\t" KEY_B " # next\r\n\n  2026 " KEY_A "\n";

static void
test_keys(void **state)
{
	struct mask_keys *k = NULL;
	unsigned years[3] = {0, 0, 0};
	(void)state;
	assert_int_equal(mask_keys_parse(base_span(good, strlen(good)), "k", &k, NULL), 0);
	assert_true(mask_keys_has(k, 2026) && mask_keys_has(k, 2027) && !mask_keys_has(k, 2025));
	assert_int_equal(mask_keys_years(k, years, 3), 2);
	assert_true(years[0] == 2026 && years[1] == 2027 && years[2] == 0);
	years[1] = 0;
	assert_int_equal(mask_keys_years(k, years, 1), 2);
	assert_int_equal(years[1], 0);
	mask_keys_ref(k);
	struct mask_keys *second = k;
	mask_keys_unref(&second);
	assert_true(mask_keys_has(k, 2026));
	mask_keys_unref(&k);
	mask_keys_unref(&k);
}

static void
test_bad_keys(void **state)
{
	static const struct { const char *text; int err; const char *message; } t[] = {
		{"", 0, NULL},
		{"# all erased\n", 0, NULL},
		{"2026 " KEY_A, 0, NULL},
		{"2026\n", GH_E_PARSE, "k:1: expected a year and 64 hexadecimal digits"},
		{"\n2026 abc\n", GH_E_PARSE, "k:2: expected a year and 64 hexadecimal digits"},
		{"2026 " KEY_A "0\n", GH_E_PARSE, "k:1: expected a year and 64 hexadecimal digits"},
		{"2026 " KEY_A " x\n", GH_E_PARSE, "k:1: expected a year and 64 hexadecimal digits"},
		{"26 " KEY_A "\n", GH_E_PARSE, "k:1: expected a year and 64 hexadecimal digits"},
		{"10000 " KEY_A "\n", GH_E_PARSE, "k:1: expected a year and 64 hexadecimal digits"},
		{"2026 " KEY_A "\n2026 " KEY_B "\n", GH_E_EXISTS, "k:2: a second key for the same year"},
	};
	(void)state;
	for (size_t i = 0; i < BASE_COUNT(t); i++) {
		struct mask_keys *k = NULL;
		struct base_fail fail = {.code = 0};
		assert_int_equal(mask_keys_parse(base_span_str(t[i].text), "k", &k, &fail), t[i].err);
		if (t[i].message)
			assert_string_equal(fail.text, t[i].message);
		assert_true((k != NULL) == (t[i].err == 0));
		mask_keys_unref(&k);
	}
	for (size_t len = 0; len < strlen(good); len++) {
		struct mask_keys *k = NULL;
		char *exact = malloc(len == 0 ? 1 : len);
		assert_non_null(exact);
		memcpy(exact, good, len);
		int err = mask_keys_parse(base_span(exact, len), "k", &k, NULL);
		assert_true(err == 0 || err == GH_E_PARSE);
		mask_keys_unref(&k);
		free(exact);
	}
}

static void
test_line(void **state)
{
	struct base_buf b;
	struct mask_keys *k = NULL;
	(void)state;
	base_buf_init(&b, 4096);
	for (unsigned year = 2020; year < 2030; year++)
		mask_keys_line(year, &b);
	assert_int_equal(base_buf_len(&b), 10 * (5 + 64 + 1));
	assert_memory_not_equal(b.mem + 5, b.mem + 75, 64);
	assert_int_equal(mask_keys_parse(base_buf_span(&b), "k", &k, NULL), 0);
	assert_int_equal(mask_keys_years(k, NULL, 0), 10);
	mask_keys_unref(&k);

	base_buf_clear(&b);
	b.max = 1 << 20;
	for (unsigned year = 2000; year < 2257; year++)
		mask_keys_line(year, &b);
	assert_int_equal(mask_keys_parse(base_buf_span(&b), "k", &k, NULL), GH_E_LIMIT);
	base_buf_done(&b);
}

static void
test_marks(void **state)
{
	const struct base_span kinds[] = {base_span_str("customer.key"), base_span_str("customer.phone")};
	struct mask_keys *k = NULL;
	struct mask_marker *a = NULL, *b = NULL, *none = NULL;
	struct base_fail fail;
	(void)state;
	assert_int_equal(mask_keys_parse(base_span(good, strlen(good)), "k", &k, NULL), 0);
	assert_int_equal(mask_marker_new(k, 2025, kinds, 2, &none, &fail), GH_E_MISSING);
	assert_string_equal(fail.text, "there is no mark key for the year 2025");
	assert_string_equal(fail.hint, "gatehouse key add 2025");
	assert_null(none);
	assert_int_equal(mask_marker_new(k, 2026, kinds, 2, &a, &fail), 0);
	assert_int_equal(mask_marker_new(k, 2027, kinds, 2, &b, &fail), 0);
	assert_int_equal(mask_marker_new(k, 2027, NULL, 0, &none, &fail), 0);
	mask_keys_unref(&k); /* a marker needs the keys no longer */
	assert_int_equal(mask_marker_epoch(a), 2026);

	assert_true(mask_marker_mark(a, 0, base_span_str("42")) == UINT64_C(0x9c20c7bab7538861));
	assert_true(mask_marker_mark(a, 1, base_span_str("8613912345678")) == UINT64_C(0x1826379450862bd6));
	assert_true(mask_marker_mark(a, 0, base_span("", 0)) == UINT64_C(0xc61a56fc3452a81b));
	assert_true(mask_marker_mark(b, 0, base_span_str("42")) != mask_marker_mark(a, 0, base_span_str("42")));
	assert_true(mask_marker_mark(a, 1, base_span_str("42")) != mask_marker_mark(a, 0, base_span_str("42")));
	assert_true(mask_marker_mark(a, 2, base_span_str("42")) == 0);
	assert_true(mask_marker_mark(none, 0, base_span_str("42")) == 0);
	mask_marker_free(&a);
	mask_marker_free(&b);
	mask_marker_free(&none);
	mask_marker_free(&none);
}

static int
setup(void **state)
{
	(void)state;
	base_crypt_init();
	return 0;
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_keys),
		cmocka_unit_test(test_bad_keys),
		cmocka_unit_test(test_line),
		cmocka_unit_test(test_marks),
	};
	return cmocka_run_group_tests(tests, setup, NULL);
}
