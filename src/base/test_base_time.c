/* Tests of base_time: calendar against the C library, strict parsing (every truncation), round trips. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <time.h>

#include "base_time.h"

#define SECOND UINT64_C(1000000)

static const uint64_t kept = 4711;

static int
parse(const char *text, size_t n, uint64_t *v_r)
{
	uint8_t *copy = malloc(n == 0 ? 1 : n);
	int rc;

	assert_non_null(copy);
	memcpy(copy, text, n);
	rc = base_time_parse(base_span(copy, n), v_r);
	free(copy);
	return rc;
}

static void
test_parse(void **state)
{
	static const struct {
		const char *text;
		int rc;
		uint64_t us;
	} t[] = {
		{"1970-01-01T00:00:00.000000Z", 0, 0},
		{"1970-01-01", 0, 0},
		{"2026-11-22T16:07:54.123456Z", 0, UINT64_C(1795363674123456)},
		{"2026-11-22T16:07:54Z", 0, UINT64_C(1795363674000000)},
		{"2026-11-22T16:07:54.5Z", 0, UINT64_C(1795363674500000)},
		{"2026-11-22T16:07:54.05Z", 0, UINT64_C(1795363674050000)},
		{"2026-11-22T16:07Z", 0, UINT64_C(1795363620000000)},
		{"2026-11-22", 0, UINT64_C(1795305600000000)},
		{"2026-11-23T00:07:54+08:00", 0, UINT64_C(1795363674000000)},
		{"2026-11-22T10:37-05:30", 0, UINT64_C(1795363620000000)},
		{"2026-11-22T16:07-00:00", 0, UINT64_C(1795363620000000)},
		{"2024-02-29", 0, UINT64_C(1709164800) * SECOND},
		{"2000-02-29", 0, UINT64_C(951782400) * SECOND},
		{"9999-12-31T23:59:59.999999Z", 0, UINT64_C(253402300799999999)},
		{"1969-12-31T23:00-01:00", 0, 0},
		{"1970-01-01T00:00+00:01", GH_E_LIMIT, 0},
		{"1969-12-31", GH_E_LIMIT, 0},
		{"0000-01-01", GH_E_LIMIT, 0},
		{"9999-12-31T23:59:59-00:01", GH_E_LIMIT, 0},
		{"2023-02-29", GH_E_PARSE, 0},
		{"2100-02-29", GH_E_PARSE, 0},
		{"2026-00-10", GH_E_PARSE, 0},
		{"2026-13-10", GH_E_PARSE, 0},
		{"2026-04-31", GH_E_PARSE, 0},
		{"2026-04-00", GH_E_PARSE, 0},
		{"2026-11-22T24:00Z", GH_E_PARSE, 0},
		{"2026-11-22T16:60Z", GH_E_PARSE, 0},
		{"2026-11-22T16:07:60Z", GH_E_PARSE, 0}, /* no leap seconds */
		{"2026-11-22T16:07", GH_E_PARSE, 0},     /* a time needs a zone */
		{"2026-11-22T16Z", GH_E_PARSE, 0},
		{"2026-11-22Z", GH_E_PARSE, 0},
		{"2026-11-22T16:07:54.Z", GH_E_PARSE, 0},
		{"2026-11-22T16:07:54.1234567Z", GH_E_PARSE, 0},
		{"2026-11-22T16:07.5Z", GH_E_PARSE, 0},
		{"2026-11-22T16:07:54z", GH_E_PARSE, 0},
		{"2026-11-22t16:07:54Z", GH_E_PARSE, 0},
		{"2026-11-22 16:07:54Z", GH_E_PARSE, 0},
		{"2026-11-22T16:07:54ZZ", GH_E_PARSE, 0},
		{"2026-11-22T16:07:54+24:00", GH_E_PARSE, 0},
		{"2026-11-22T16:07:54+08:60", GH_E_PARSE, 0},
		{"2026-11-22T16:07:54+0800", GH_E_PARSE, 0},
		{"2026-11-22T16:07:54+08", GH_E_PARSE, 0},
		{"2026-1-22", GH_E_PARSE, 0},
		{"+026-11-22", GH_E_PARSE, 0},
		{"2026/11/22", GH_E_PARSE, 0},
		{" 2026-11-22", GH_E_PARSE, 0},
		{"2026-11-22 ", GH_E_PARSE, 0},
		{"", GH_E_PARSE, 0},
	};

	(void)state;
	for (size_t i = 0; i < BASE_COUNT(t); i++) {
		uint64_t v = kept;

		assert_int_equal(parse(t[i].text, strlen(t[i].text), &v), t[i].rc);
		assert_true(v == (t[i].rc == 0 ? t[i].us : kept));
	}
}

/* Of the prefixes of a full time only the bare date is a time, and of a full time with a zone the same. */
static void
test_truncated(void **state)
{
	static const char *const t[] = {"2026-11-22T16:07:54.123456Z", "2026-11-22T16:07:54.123456+08:00"};

	(void)state;
	for (size_t i = 0; i < BASE_COUNT(t); i++)
		for (size_t n = 0; n < strlen(t[i]); n++) {
			uint64_t v = kept;

			assert_int_equal(parse(t[i], n, &v), n == 10 ? GH_OK : GH_E_PARSE);
			assert_true(n == 10 || v == kept);
		}
}

/* Every day of 1970..9999 at a varying time of day, against gmtime_r. */
static void
test_calendar(void **state)
{
	(void)state;
	for (uint64_t day = 0; day < 2932897; day++) {
		uint64_t s = day * 86400 + day * 7919 % 86400, us = s * SECOND + day % SECOND, back = 0;
		char got[BASE_TIME_UTC_SIZE];
		time_t t = (time_t)s;
		struct tm tm;

		assert_non_null(gmtime_r(&t, &tm));
		base_time_utc(us, got);
		if (tm.tm_year + 1900 != (got[0] - '0') * 1000 + (got[1] - '0') * 100 + (got[2] - '0') * 10 + got[3] - '0' ||
		    tm.tm_mon + 1 != (got[5] - '0') * 10 + got[6] - '0' || tm.tm_mday != (got[8] - '0') * 10 + got[9] - '0' ||
		    tm.tm_hour != (got[11] - '0') * 10 + got[12] - '0' || tm.tm_min != (got[14] - '0') * 10 + got[15] - '0' ||
		    tm.tm_sec != (got[17] - '0') * 10 + got[18] - '0' || base_time_year_utc(us) != (unsigned)tm.tm_year + 1900)
			fail_msg("day %ju is %s", (uintmax_t)day, got);
		if (base_time_parse(base_span_str(got), &back) != GH_OK || back != us)
			fail_msg("%s does not come back", got);
	}
}

static void
test_ends(void **state)
{
	char got[BASE_TIME_UTC_SIZE], local[BASE_TIME_LOCAL_SIZE];

	(void)state;
	assert_string_equal(base_time_utc(0, got), "1970-01-01T00:00:00.000000Z");
	assert_string_equal(base_time_utc(UINT64_MAX, got), "9999-12-31T23:59:59.999999Z");
	assert_int_equal(base_time_year_utc(UINT64_MAX), 9999);
	assert_int_equal(setenv("TZ", "UTC0", 1), 0);
	tzset();
	assert_string_equal(base_time_local(UINT64_C(1795363674123456), local), "2026-11-22 16:07:54 +0000");
	assert_int_equal(setenv("TZ", "XXX-05:30", 1), 0);
	tzset();
	assert_string_equal(base_time_local(UINT64_C(1795363674123456), local), "2026-11-22 21:37:54 +0530");
	assert_string_equal(base_time_local(UINT64_MAX, local), "10000-01-01 05:29:59 +0530");
	assert_true(base_time_wall_us() > UINT64_C(1700000000) * SECOND);
	{
		uint64_t a = base_time_mono_us(), b = base_time_mono_us();

		assert_true(a <= b);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_parse),
		cmocka_unit_test(test_truncated),
		cmocka_unit_test(test_calendar),
		cmocka_unit_test(test_ends),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
