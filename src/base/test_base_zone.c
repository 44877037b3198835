/* Tests of base_zone: known local times, every change of the clocks from 1970 to 2037 minute by minute against the C library, names that are none. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "base_time.h"
#include "base_zone.h"

#define SECOND UINT64_C(1000000)
#define FROM INT64_C(0)
#define TO INT64_C(2145916800) /* 2038-01-01 */

static const char *const zones[] = {"Europe/Berlin", "America/New_York", "Asia/Kolkata", "Australia/Lord_Howe", "Africa/Casablanca", "UTC", "Etc/GMT+12",
	"Pacific/Kiritimati", "Asia/Shanghai", "EST5EDT", "America/Argentina/Buenos_Aires", "Europe/Dublin", "Asia/Kathmandu"};

static struct base_zone *
zone(const char *name)
{
	struct base_zone *z = NULL;
	struct base_fail fail = {0};

	if (base_zone_open(base_span_str(name), &z, &fail) < 0)
		fail_msg("%s: %s", name, fail.text);
	assert_true(base_span_is(base_zone_name(z), name));
	return z;
}

/* Golden values: known values. */
static void
test_known(void **state)
{
	static const struct {
		const char *zone, *utc, *local; /* local: as written below */
	} t[] = {
		{"UTC", "2026-11-22T23:59:59Z", "2026-11-22 23:59:59 6 +0 winter"},
		{"UTC", "1970-01-01", "1970-01-01 00:00:00 3 +0 winter"},
		{"Europe/Berlin", "2026-03-29T00:59:59Z", "2026-03-29 01:59:59 6 +3600 winter"},
		{"Europe/Berlin", "2026-03-29T01:00:00Z", "2026-03-29 03:00:00 6 +7200 summer"},
		{"Europe/Berlin", "2026-10-25T00:59:59Z", "2026-10-25 02:59:59 6 +7200 summer"},
		{"Europe/Berlin", "2026-10-25T01:00:00Z", "2026-10-25 02:00:00 6 +3600 winter"},
		{"Europe/Berlin", "2024-02-28T23:00:00Z", "2024-02-29 00:00:00 3 +3600 winter"},
		{"America/New_York", "2026-03-08T06:59:59Z", "2026-03-08 01:59:59 6 -18000 winter"},
		{"America/New_York", "2026-03-08T07:00:00Z", "2026-03-08 03:00:00 6 -14400 summer"},
		{"America/New_York", "2026-11-01T05:59:59Z", "2026-11-01 01:59:59 6 -14400 summer"},
		{"America/New_York", "2026-11-01T06:00:00Z", "2026-11-01 01:00:00 6 -18000 winter"},
		{"America/New_York", "1970-01-01T00:00:01Z", "1969-12-31 19:00:01 2 -18000 winter"},
		{"Asia/Kolkata", "2026-11-22T18:29:59Z", "2026-11-22 23:59:59 6 +19800 winter"},
		{"Asia/Kolkata", "2026-11-22T18:30:00Z", "2026-11-23 00:00:00 0 +19800 winter"},
		{"Australia/Lord_Howe", "2026-04-04T14:59:59Z", "2026-04-05 01:59:59 6 +39600 summer"},
		{"Australia/Lord_Howe", "2026-04-04T15:00:00Z", "2026-04-05 01:30:00 6 +37800 winter"},
		{"Australia/Lord_Howe", "2026-10-03T15:30:00Z", "2026-10-04 02:30:00 6 +39600 summer"},
		{"Africa/Casablanca", "2026-02-15T01:59:59Z", "2026-02-15 02:59:59 6 +3600 *"},
		{"Africa/Casablanca", "2026-02-15T02:00:00Z", "2026-02-15 02:00:00 6 +0 *"},
		{"Pacific/Kiritimati", "2026-12-31T10:00:00Z", "2027-01-01 00:00:00 4 +50400 winter"},
		{"Etc/GMT+12", "2027-01-01T11:59:59Z", "2026-12-31 23:59:59 3 -43200 winter"},
		{"UTC", "9999-12-31T23:59:59Z", "9999-12-31 23:59:59 4 +0 winter"},
		{"Pacific/Kiritimati", "9999-12-31T23:59:59Z", "10000-01-01 13:59:59 5 +50400 winter"},
	};

	(void)state;
	for (size_t i = 0; i < BASE_COUNT(t); i++) {
		struct base_zone *z = zone(t[i].zone);
		struct base_zone_time l;
		uint64_t us;
		char text[80];

		assert_int_equal(base_time_parse(base_span_str(t[i].utc), &us), 0);
		base_zone_local(z, us + 999999, &l); /* parts of a second are not rounded */
		/* whether Casablanca's ordinary time is its summer time, and Ramadan its winter, is a matter of how the database was compiled */
		(void)snprintf(text, sizeof(text), "%04d-%02u-%02u %02u:%02u:%02u %u %+d %s", l.year, l.month, l.day, l.hour, l.minute, l.second, l.weekday, l.offset_s,
		    strchr(t[i].local, '*') ? "*" : l.summer ? "summer" : "winter");
		assert_string_equal(text, t[i].local);
		base_zone_close(&z);
		assert_null(z);
	}
}

static void
compare(const struct base_zone *z, time_t at)
{
	struct base_zone_time l;
	struct tm tm;

	base_zone_local(z, (uint64_t)at * SECOND, &l);
	assert_non_null(localtime_r(&at, &tm));
	if (l.year != tm.tm_year + 1900 || l.month != (unsigned)tm.tm_mon + 1 || l.day != (unsigned)tm.tm_mday || l.hour != (unsigned)tm.tm_hour ||
	    l.minute != (unsigned)tm.tm_min || l.second != (unsigned)tm.tm_sec || (l.weekday + 1) % 7 != (unsigned)tm.tm_wday || l.offset_s != tm.tm_gmtoff ||
	    l.summer != (tm.tm_isdst > 0))
		fail_msg("%.*s at %lld: %d-%u-%u %u:%u:%u %+d %d", (int)base_zone_name(z).n, base_zone_name(z).p, (long long)at, l.year, l.month, l.day, l.hour,
		    l.minute, l.second, l.offset_s, l.summer);
}

static long
offset_at(time_t at)
{
	struct tm tm;

	assert_non_null(localtime_r(&at, &tm));
	return tm.tm_gmtoff * 2 + (tm.tm_isdst > 0);
}

/* glibc reads the same files by code that has nothing in common with GLib's. */
static void
test_changes(void **state)
{
	char *tz = getenv("TZ");
	char *before = tz ? strdup(tz) : NULL;
	unsigned changes = 0;

	(void)state;
	for (size_t i = 0; i < BASE_COUNT(zones); i++) {
		struct base_zone *z = zone(zones[i]);
		char name[80];

		(void)snprintf(name, sizeof(name), ":%s", zones[i]);
		assert_int_equal(setenv("TZ", name, 1), 0);
		tzset();
		for (time_t at = FROM; at < TO; at += 3600 * 6) {
			compare(z, at);
			if (offset_at(at) == offset_at(at + 3600 * 6))
				continue;
			changes++;
			for (time_t near = at; near <= at + 3600 * 6; near += 60) {
				compare(z, near);
				if (near > 0)
					compare(z, near - 1);
			}
		}
		base_zone_close(&z);
	}
	assert_true(changes > 600);
	if (before)
		assert_int_equal(setenv("TZ", before, 1), 0);
	else
		assert_int_equal(unsetenv("TZ"), 0);
	tzset();
	free(before);
}

static void
test_names(void **state)
{
	static const char *const none[] = {"", "Europe", "Europe/", "Europe/Berlni", "europe/berlin", "Europe//Berlin", "/Europe/Berlin",
		"/usr/share/zoneinfo/Europe/Berlin", "../zoneinfo/Europe/Berlin", "Europe/../Europe/Berlin", "Europe/..", "..", ".", "/", "./UTC", "UTC/", "+02:00",
		"-05", "Z", "ABC4", "CET-1CEST,M3.5.0,M10.5.0/3", "EST5EDT,M3.2.0,M11.1.0", ":UTC", "localtime", "posixrules", "posix/UTC", "right/Europe/Berlin",
		"leapseconds", "zone.tab", "tzdata.zi", "Europe/Berlin ", " UTC", "Europe/Berlin\n", "Nowhere",
		"Europe/Berlin/Europe/Berlin/Europe/Berlin/Europe/Berlin/Europe/Berlin"};
	struct base_fail fail = {0};
	struct base_zone *z = NULL;

	(void)state;
	for (size_t i = 0; i < BASE_COUNT(none); i++) {
		if (base_zone_open(base_span_str(none[i]), &z, &fail) != GH_E_MISSING)
			fail_msg("\"%s\" is a zone", none[i]);
		assert_null(z);
	}
	assert_int_equal(base_zone_open(base_span("UTC\0x", 5), &z, &fail), GH_E_MISSING);
	assert_string_equal(fail.text, "there is no time zone \"UTC\\x00x\"");
	/* truncated at every length: no prefix of this name is a zone */
	for (size_t n = 0; n < strlen("Europe/Berlin"); n++)
		assert_int_equal(base_zone_open(base_span("Europe/Berlin", n), &z, &fail), GH_E_MISSING);
	base_zone_close(&z);
}

/* A folder with what is not a zone, and one with leap seconds. UTC needs no file. */
static void
test_folder(void **state)
{
	static const struct {
		const char *name;
		uint8_t head[44];
		size_t n;
	} file[] = {
		{"Empty", {0}, 0},
		{"Text", "no zone, but text that is long enough for it", 44},
		{"Short", {'T', 'Z', 'i', 'f', '2'}, 43},
		{"Leap", {[0] = 'T', [1] = 'Z', [2] = 'i', [3] = 'f', [4] = '2', [31] = 27}, 44},
	};
	char folder[] = "/tmp/test_base_zone_XXXXXX", path[100];
	struct base_fail fail = {0};
	struct base_zone *z = NULL;

	(void)state;
	assert_non_null(mkdtemp(folder));
	assert_int_equal(setenv("TZDIR", folder, 1), 0);
	for (size_t i = 0; i < BASE_COUNT(file); i++) {
		FILE *f;

		(void)snprintf(path, sizeof(path), "%s/%s", folder, file[i].name);
		f = fopen(path, "w");
		assert_non_null(f);
		assert_int_equal(fwrite(file[i].head, 1, file[i].n, f), file[i].n);
		assert_int_equal(fclose(f), 0);
		assert_int_equal(base_zone_open(base_span_str(file[i].name), &z, &fail), GH_E_MISSING);
		assert_int_equal(unlink(path), 0);
	}
	assert_int_equal(base_zone_open(base_span_str("Asia/Tokyo"), &z, &fail), GH_E_MISSING);
	base_zone_close(&z);
	z = zone("UTC");
	base_zone_close(&z);
	assert_int_equal(rmdir(folder), 0);
	assert_int_equal(unsetenv("TZDIR"), 0);
}

static void *
many(void *arg)
{
	const struct base_zone *z = arg;
	uintptr_t wrong = 0;

	for (uint64_t s = 0; s < 20000; s++) {
		struct base_zone_time l;

		base_zone_local(z, (UINT64_C(1774746000) - 10000 + s) * SECOND, &l); /* around 2026-03-29 01:00 UTC */
		wrong += (l.offset_s != (s < 10000 ? 3600 : 7200));
	}
	return (void *)wrong;
}

static void
test_threads(void **state)
{
	struct base_zone *z = zone("Europe/Berlin");
	pthread_t t[4];
	void *wrong;

	(void)state;
	for (size_t i = 0; i < BASE_COUNT(t); i++)
		assert_int_equal(pthread_create(&t[i], NULL, many, z), 0);
	for (size_t i = 0; i < BASE_COUNT(t); i++) {
		assert_int_equal(pthread_join(t[i], &wrong), 0);
		assert_null(wrong);
	}
	base_zone_close(&z);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_known),
		cmocka_unit_test(test_changes),
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_folder),
		cmocka_unit_test(test_threads),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
