/* Tests of mask_value. Binary vectors are the output of PostgreSQL 15's send functions, their expected text is trim_scale(v)::text for
 * numeric and v::text otherwise. Every binary value is also cut at every length and lengthened by a byte: never accepted, but for types
 * whose binary form is their text.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>

#include "base_text.h"
#include "mask_value.h"

enum { NAME = 19, INT8 = 20, INT2 = 21, INT4 = 23, TEXT = 25, OID = 26, BPCHAR = 1042, VARCHAR = 1043, NUMERIC = 1700, UUID = 2950, DATE = 1082 };

static const struct { uint32_t type; const char *hex, *text; } binaries[] = {
	{INT2, "0000", "0"}, {INT2, "0001", "1"}, {INT2, "ffff", "-1"}, {INT2, "7fff", "32767"}, {INT2, "8000", "-32768"},
	{INT4, "00000000", "0"}, {INT4, "ffffffff", "-1"}, {INT4, "7fffffff", "2147483647"}, {INT4, "80000000", "-2147483648"},
	{INT8, "000000000000002a", "42"}, {INT8, "ffffffffffffffff", "-1"}, {INT8, "7fffffffffffffff", "9223372036854775807"},
	{INT8, "8000000000000000", "-9223372036854775808"},
	{OID, "00000000", "0"}, {OID, "00004000", "16384"}, {OID, "ffffffff", "4294967295"},
	{UUID, "a0eebc999c0b4ef8bb6d6bb9bd380a11", "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"},
	{NUMERIC, "0000000000000000", "0"},
	{NUMERIC, "0000000000000002", "0"},
	{NUMERIC, "00010000000000000005", "5"},
	{NUMERIC, "00010000000000020005", "5"},
	{NUMERIC, "00010000400000020005", "-5"},
	{NUMERIC, "000500040000000004d2162e23340d801ed2", "12345678901234567890"},
	{NUMERIC, "0001ffff000000040001", "0.0001"},
	{NUMERIC, "0001fffe0000000804d2", "0.00001234"},
	{NUMERIC, "0001ffff4000000103e8", "-0.1"},
	{NUMERIC, "00010001000000000001", "10000"},
	{NUMERIC, "00010002000000000001", "100000000"},
	{NUMERIC, "0003000100000004000100000001", "10000.0001"},
	{NUMERIC, "00010005000000000001", "100000000000000000000"},
	{NUMERIC, "0001fffb000000140001", "0.00000000000000000001"},
	{NUMERIC, "0006000200000009000109291a852694153803e8", "123456789.987654321"},
	{NUMERIC, "0002000100000000270f270f", "99999999"},
	{NUMERIC, "0002000000000004270f270f", "9999.9999"},
	{NUMERIC, "0002000000000002000103e8", "1.1"},
	{NUMERIC, "000700030000000d0001000000000000000000000001", "1000000000000.000000000001"},
	{NUMERIC, "00000000c0000000", "NaN"},
	{NUMERIC, "00000000d0000020", "Infinity"},
	{NUMERIC, "00000000f0000020", "-Infinity"},
	{NUMERIC, "00010000000000000064", "100"},
	{NUMERIC, "0001fff84000001e02bc", "-0.000000000000000000000000000007"},
	/* what no server sends: digits behind the display scale are cut, zeros in front are dropped, there is no "-0" */
	{NUMERIC, "0002000000000000000503e8", "5"},
	{NUMERIC, "000200010000000000000005", "5"},
	{NUMERIC, "00010000400000000000", "0"},
	{NUMERIC, "0001fffe0000000004d2", "0"},
};

static int
decode(uint32_t type, int format, const void *raw, size_t n, struct base_span *out_r)
{
	static uint8_t dst[MASK_VALUE_MAX];
	size_t got = 0;
	int err = mask_value_text(type, format, base_span(raw, n), dst, &got);
	*out_r = base_span(dst, got);
	return err;
}

static void
test_binary(void **state)
{
	(void)state;
	for (size_t i = 0; i < BASE_COUNT(binaries); i++) {
		size_t n = strlen(binaries[i].hex) / 2;
		struct base_span out;
		for (size_t len = 0; len <= n + 1; len++) { /* len == n is the whole value */
			uint8_t *exact = calloc(1, len == 0 ? 1 : len);
			assert_non_null(exact);
			size_t have = len < n ? len : n;
			assert_int_equal(base_text_unhex(base_span(binaries[i].hex, 2 * have), exact, have), 0);
			int err = decode(binaries[i].type, 1, exact, len, &out);
			assert_int_equal(err, len == n ? 0 : GH_E_PARSE);
			if (len == n && !base_span_is(out, binaries[i].text))
				fail_msg("%s: %.*s", binaries[i].hex, (int)out.n, (const char *)out.p);
			free(exact);
		}
		assert_int_equal(decode(binaries[i].type, 0, binaries[i].text, strlen(binaries[i].text), &out), 0);
		assert_true(base_span_is(out, binaries[i].text)); /* the canonical text stays as it is */
	}
}

static void
test_hostile_numeric(void **state)
{
	static const struct { const char *hex; int err; } t[] = {
		{"00010000000000002710", GH_E_PARSE}, /* a digit of 10000 */
		{"0000000012340000", GH_E_PARSE},     /* an unknown sign */
		{"0000000000004000", GH_E_PARSE},     /* display scale above its 14 bits */
		{"ffff000000000000", GH_E_PARSE},     /* 65535 digits announced */
		{"00017fff000000000001", GH_E_LIMIT}, /* 131,069 digits before the point */
		{"0001800000003fff0001", 0},          /* weight -32768: all of it lies behind the display scale */
		{"0001f001000000003fff", GH_E_PARSE},
		{"0001f00100003fff0001", GH_E_LIMIT}, /* 16,380 zeros behind the point */
	};
	(void)state;
	for (size_t i = 0; i < BASE_COUNT(t); i++) {
		uint8_t raw[64];
		struct base_span out;
		size_t n = strlen(t[i].hex) / 2;
		assert_int_equal(base_text_unhex(base_span_str(t[i].hex), raw, n), 0);
		assert_int_equal(decode(NUMERIC, 1, raw, n, &out), t[i].err);
	}
}

static const struct { uint32_t type; const char *raw; int err; const char *text; } texts[] = {
	{INT4, "42", 0, "42"}, {INT4, "-7", 0, "-7"}, {INT4, "0", 0, "0"}, {INT8, "042", 0, "42"}, {INT8, "+5", 0, "5"}, {INT4, " 5\n", 0, "5"},
	{INT4, "5.0", 0, "5"}, {INT4, "-0", 0, "0"}, {INT4, "1e3", 0, "1000"}, {INT4, "5.5", GH_E_PARSE, NULL}, {INT4, "", GH_E_PARSE, NULL},
	{INT4, "x", GH_E_PARSE, NULL}, {INT4, "5x", GH_E_PARSE, NULL}, {INT4, "0x10", GH_E_PARSE, NULL}, {INT4, "NaN", GH_E_PARSE, NULL},
	{INT4, "-", GH_E_PARSE, NULL}, {INT4, "1 2", GH_E_PARSE, NULL}, {OID, "4294967295", 0, "4294967295"},
	{NUMERIC, "5.00", 0, "5"}, {NUMERIC, "5.10", 0, "5.1"}, {NUMERIC, ".5", 0, "0.5"}, {NUMERIC, "5.", 0, "5"}, {NUMERIC, "-0.00", 0, "0"},
	{NUMERIC, "1.5e3", 0, "1500"}, {NUMERIC, "1.5E-3", 0, "0.0015"}, {NUMERIC, "15e+1", 0, "150"}, {NUMERIC, "00012.3400", 0, "12.34"},
	{NUMERIC, "100", 0, "100"}, {NUMERIC, "nan", 0, "NaN"}, {NUMERIC, "inf", 0, "Infinity"}, {NUMERIC, "-INFINITY", 0, "-Infinity"},
	{NUMERIC, "+inf", 0, "Infinity"}, {NUMERIC, "-nan", GH_E_PARSE, NULL}, {NUMERIC, ".", GH_E_PARSE, NULL}, {NUMERIC, "1.2.3", GH_E_PARSE, NULL},
	{NUMERIC, "1e", GH_E_PARSE, NULL}, {NUMERIC, "1e5x", GH_E_PARSE, NULL}, {NUMERIC, "1e2000", GH_E_LIMIT, NULL},
	{NUMERIC, "1e-2000", GH_E_LIMIT, NULL}, {NUMERIC, "0e2000", 0, "0"}, {NUMERIC, "1e999999999999", GH_E_PARSE, NULL},
	{NUMERIC, "1e1021", 0, NULL}, {NUMERIC, "-1e1021", 0, NULL}, {NUMERIC, "1e1022", GH_E_LIMIT, NULL},
	{NUMERIC, "-1e-1021", 0, NULL}, {NUMERIC, "1e-1022", GH_E_LIMIT, NULL},
	{UUID, "A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11", 0, "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"},
	{UUID, "{a0eebc999c0b4ef8bb6d6bb9bd380a11}", 0, "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"},
	{UUID, "a0ee-bc99-9c0b-4ef8-bb6d-6bb9-bd38-0a11", 0, "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"},
	{UUID, "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a1", GH_E_PARSE, NULL}, {UUID, "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a111", GH_E_PARSE, NULL},
	{UUID, "a0eebc99--9c0b4ef8bb6d6bb9bd380a11", GH_E_PARSE, NULL}, {UUID, "-a0eebc999c0b4ef8bb6d6bb9bd380a11", GH_E_PARSE, NULL},
	{UUID, "a0eebc999c0b4ef8bb6d6bb9bd380a11-", GH_E_PARSE, NULL}, {UUID, "g0eebc999c0b4ef8bb6d6bb9bd380a11", GH_E_PARSE, NULL},
	{UUID, "", GH_E_PARSE, NULL}, {UUID, "{}", GH_E_PARSE, NULL},
	{TEXT, " Ab ", 0, " Ab "}, {VARCHAR, "", 0, ""}, {NAME, "x", 0, "x"}, {BPCHAR, "ab   ", 0, "ab"}, {BPCHAR, "   ", 0, ""},
	{DATE, "2026-01-01", 0, "2026-01-01"}, {70001, "Any", 0, "Any"},
};

static void
test_text(void **state)
{
	struct base_span out;
	(void)state;
	for (size_t i = 0; i < BASE_COUNT(texts); i++) {
		size_t n = strlen(texts[i].raw);
		for (size_t len = 0; len <= n; len++) {
			uint8_t *exact = malloc(len == 0 ? 1 : len);
			assert_non_null(exact);
			memcpy(exact, texts[i].raw, len);
			int err = decode(texts[i].type, 0, exact, len, &out);
			if (len == n && err != texts[i].err)
				fail_msg("%s: %d", texts[i].raw, err);
			if (len == n && texts[i].text && !base_span_is(out, texts[i].text))
				fail_msg("%s: %.*s", texts[i].raw, (int)out.n, (const char *)out.p);
			free(exact);
		}
	}
	assert_int_equal(decode(BPCHAR, 1, "ab   ", 5, &out), 0);
	assert_true(base_span_is(out, "ab"));
	assert_int_equal(decode(VARCHAR, 1, "ab ", 3, &out), 0);
	assert_true(base_span_is(out, "ab "));
	assert_int_equal(decode(DATE, 1, "\0\0\0\0", 4, &out), GH_E_UNSUPPORTED);
	assert_int_equal(decode(TEXT, 2, "x", 1, &out), GH_E_UNSUPPORTED);
	assert_true(mask_value_supported(UUID) && mask_value_supported(BPCHAR) && !mask_value_supported(DATE) && !mask_value_supported(0));

	uint8_t big[MASK_VALUE_MAX + 1];
	memset(big, '1', sizeof(big));
	static const uint32_t types[] = {TEXT, NUMERIC, INT8, BPCHAR, 70001};
	for (size_t i = 0; i < BASE_COUNT(types); i++)
		assert_int_equal(decode(types[i], 0, big, sizeof(big), &out), GH_E_LIMIT);
	assert_int_equal(decode(TEXT, 0, big, sizeof(big) - 1, &out), 0);
	assert_int_equal(out.n, MASK_VALUE_MAX);
}

static const struct { enum policy_norm norm; const char *country, *raw; int err; const char *text; } norms[] = {
	{POLICY_NORM_KEY, "", "42", 0, "42"}, {POLICY_NORM_KEY, "", " Ab", 0, " Ab"}, {POLICY_NORM_KEY, "", "", GH_E_PARSE, NULL},
	{POLICY_NORM_TEXT, "", " \tLi.Na@Example.COM\r\n", 0, "li.na@example.com"},
	{POLICY_NORM_TEXT, "", "\xc3\x84\xe6\x9d\x8e", 0, "\xc3\x84\xe6\x9d\x8e"}, {POLICY_NORM_TEXT, "", "  ", GH_E_PARSE, NULL},
	{POLICY_NORM_PHONE, "86", "139 1234 5678", 0, "8613912345678"}, {POLICY_NORM_PHONE, "86", "+86 139-1234-5678", 0, "8613912345678"},
	{POLICY_NORM_PHONE, "86", "0086 (139) 12345678", 0, "8613912345678"}, {POLICY_NORM_PHONE, "86", "8613912345678", 0, "8613912345678"},
	{POLICY_NORM_PHONE, "86", "010-8888 9999", 0, "861088889999"}, {POLICY_NORM_PHONE, "86", "86123456", 0, "8686123456"},
	{POLICY_NORM_PHONE, "86", "+1 (650) 555-0100", 0, "16505550100"}, {POLICY_NORM_PHONE, "86", "(+44) 20 7946 0000", 0, "442079460000"},
	{POLICY_NORM_PHONE, "86", "\xef\xbc\x91\xef\xbc\x93\xef\xbc\x99 1234 5678", 0, "8613912345678"},
	{POLICY_NORM_PHONE, "86", "\xef\xbc\x8b\xef\xbc\x98\xef\xbc\x96 139 1234 5678", 0, "8613912345678"},
	{POLICY_NORM_PHONE, "86", "\xef\xbc\x8d" "139\xef\xbc", 0, "86139"},
	{POLICY_NORM_PHONE, "86", "139+12345678", 0, "8613912345678"}, /* a plus behind a digit is no country code */
	{POLICY_NORM_PHONE, "1", "650.555.0100", 0, "16505550100"}, {POLICY_NORM_PHONE, "49", "0171 2345678", 0, "491712345678"},
	{POLICY_NORM_PHONE, "39", "06 1234567", 0, "39061234567"}, {POLICY_NORM_PHONE, "44", "0", 0, "440"},
	{POLICY_NORM_PHONE, "44", "00", 0, "440"},
	{POLICY_NORM_PHONE, "", "0139 12", 0, "013912"}, {POLICY_NORM_PHONE, "", "+86139", 0, "86139"}, {POLICY_NORM_PHONE, "", "0086139", 0, "86139"},
	{POLICY_NORM_PHONE, "86", "none", GH_E_PARSE, NULL}, {POLICY_NORM_PHONE, "86", "", GH_E_PARSE, NULL}, {POLICY_NORM_PHONE, "86", "+", GH_E_PARSE, NULL},
};

static void
test_normalise(void **state)
{
	(void)state;
	for (size_t i = 0; i < BASE_COUNT(norms); i++) {
		size_t whole = strlen(norms[i].raw);
		for (size_t len = 0; len <= whole; len++) {
			uint8_t dst[MASK_VALUE_MAX];
			size_t n = len;
			memcpy(dst, norms[i].raw, len);
			int err = mask_value_normalise(norms[i].norm, base_span_str(norms[i].country), dst, &n);
			assert_true(len < whole || err == norms[i].err);
			if (len == whole && err == 0 && !base_span_is(base_span(dst, n), norms[i].text))
				fail_msg("%s: %.*s", norms[i].raw, (int)n, (const char *)dst);
			if (err == 0 && norms[i].country[0] != '\0') { /* what is normal stays normal when written with '+' */
				uint8_t again[MASK_VALUE_MAX];
				size_t m = n + 1;
				again[0] = '+';
				memcpy(again + 1, dst, n);
				assert_int_equal(mask_value_normalise(norms[i].norm, base_span_str(norms[i].country), again, &m), 0);
				assert_true(base_span_eq(base_span(dst, n), base_span(again, m)));
			}
		}
	}
	uint8_t big[MASK_VALUE_MAX];
	size_t n = sizeof(big);
	memset(big, '1', sizeof(big));
	assert_int_equal(mask_value_normalise(POLICY_NORM_PHONE, base_span_str("86"), big, &n), GH_E_LIMIT);
	n = sizeof(big) - 2;
	assert_int_equal(mask_value_normalise(POLICY_NORM_PHONE, base_span_str("86"), big, &n), 0);
	assert_int_equal(n, sizeof(big));
	n = MASK_VALUE_MAX + 1;
	assert_int_equal(mask_value_normalise(POLICY_NORM_KEY, base_span_str(""), big, &n), GH_E_LIMIT);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_binary),
		cmocka_unit_test(test_hostile_numeric),
		cmocka_unit_test(test_text),
		cmocka_unit_test(test_normalise),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
