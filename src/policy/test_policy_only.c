/* Tests of policy_only and policy_network: addresses, hours over midnight and over changes of the clock, dates, and which restriction says no first. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>

#include "policy_only.h"

#define S(text) {(const uint8_t *)(text), sizeof(text) - 1}

static const struct { const char *network; int err; } networks[] = {
	{"10.20.0.0/16", 0}, {"0.0.0.0/0", 0}, {"1.2.3.4/32", 0}, {"::/0", 0}, {"::1/128", 0}, {"2001:db8::/48", 0}, {"2001:db8:1:2:3:4:5:6/128", 0}, {"::ffff:10.0.0.0/104", 0},
	{"1:2:3:4:5:6:7::/112", 0}, {"::2:3:4:5:6:7:0/112", 0}, {"2001:DB8::/32", 0}, {"1::/16", 0}, {"1:2:3:4:5:6:1.2.0.0/112", 0},
	{"10.20.0.0/15", 0}, {"10.21.0.0/15", GH_E_LIMIT}, {"10.20.0.1/16", GH_E_LIMIT}, {"::1/127", GH_E_LIMIT}, {"1.2.3.4/0", GH_E_LIMIT},
	{"", GH_E_PARSE}, {"/", GH_E_PARSE}, {"/8", GH_E_PARSE}, {"10.0.0.0", GH_E_PARSE}, {"10.0.0.0/", GH_E_PARSE}, {"10.0.0.0/33", GH_E_PARSE}, {"10.0.0.0/08", GH_E_PARSE},
	{"10.0.0.0/8/8", GH_E_PARSE}, {"10.0.0/8", GH_E_PARSE}, {"10.0.0.0.0/8", GH_E_PARSE}, {"10.0.0./8", GH_E_PARSE}, {".10.0.0/8", GH_E_PARSE}, {"256.0.0.0/8", GH_E_PARSE},
	{"010.0.0.0/8", GH_E_PARSE}, {"0x10.0.0.0/8", GH_E_PARSE}, {"10.0.0.0/-1", GH_E_PARSE}, {" 10.0.0.0/8", GH_E_PARSE}, {"::/129", GH_E_PARSE}, {":/0", GH_E_PARSE},
	{":::/0", GH_E_PARSE}, {"1::2::3/128", GH_E_PARSE}, {"1:2:3:4:5:6:7/128", GH_E_PARSE}, {"1:2:3:4:5:6:7:8:9/128", GH_E_PARSE}, {"1:2:3:4:5:6:7:8::/128", GH_E_PARSE},
	{"::1:2:3:4:5:6:7:8/128", GH_E_PARSE}, {"1:2:3:4:5:6:7:1.2.3.4/128", GH_E_PARSE}, {"1.2.3.4::/128", GH_E_PARSE}, {"12345::/16", GH_E_PARSE}, {"g::/16", GH_E_PARSE},
	{"1:/16", GH_E_PARSE}, {":1/16", GH_E_PARSE}, {"::1.2.3/128", GH_E_PARSE}, {"local/8", GH_E_PARSE}, {"fe80::1%eth0/128", GH_E_PARSE},
};

static void
test_networks(void **state)
{
	(void)state;
	for (size_t i = 0; i < BASE_COUNT(networks); i++) {
		struct policy_network n;
		int err = policy_network_parse(base_span_str(networks[i].network), &n);
		if (err != networks[i].err)
			fail_msg("%s: %d", networks[i].network, err);
		for (size_t len = 0; len < strlen(networks[i].network); len++) { /* in memory of its own: no byte behind the end is read */
			char *exact = malloc(len == 0 ? 1 : len);
			assert_non_null(exact);
			memcpy(exact, networks[i].network, len);
			(void)!policy_network_parse(base_span(exact, len), &n);
			(void)policy_network_has(&n, base_span(exact, len));
			free(exact);
		}
	}
}

static void
test_inside(void **state)
{
	static const struct { const char *network, *address; bool inside; } t[] = {
		{"10.20.0.0/16", "10.20.0.0", true}, {"10.20.0.0/16", "10.20.255.255", true}, {"10.20.0.0/16", "10.21.0.0", false}, {"10.20.0.0/16", "10.19.255.255", false},
		{"10.20.0.0/15", "10.21.255.255", true}, {"10.20.0.0/15", "10.22.0.0", false}, {"1.2.3.4/32", "1.2.3.4", true}, {"1.2.3.4/32", "1.2.3.5", false},
		{"0.0.0.0/0", "255.255.255.255", true}, {"0.0.0.0/0", "::1", false}, {"::/0", "1.2.3.4", true}, {"::/0", "::1", true},
		{"10.20.0.0/16", "::ffff:10.20.1.2", true}, {"10.20.0.0/16", "::ffff:a14:102", true}, {"::ffff:10.0.0.0/104", "10.9.9.9", true}, {"10.20.0.0/16", "::10.20.1.2", false},
		{"2001:db8:20::/48", "2001:db8:20:ffff::1", true}, {"2001:db8:20::/48", "2001:db8:21::1", false}, {"2001:db8:20::/44", "2001:db8:2f::", true},
		{"2001:db8:20::/44", "2001:db8:30::", false}, {"fe80::/10", "fe80::1%eth0", true}, {"fe80::/10", "febf::1", true}, {"fe80::/10", "fec0::1", false},
		{"0.0.0.0/0", "local", false}, {"::/0", "local", false}, {"::/0", "", false}, {"::/0", "10.0.0.0/8", false}, {"::/0", "%", false},
	};
	(void)state;
	for (size_t i = 0; i < BASE_COUNT(t); i++) {
		struct policy_network n;
		assert_int_equal(policy_network_parse(base_span_str(t[i].network), &n), 0);
		if (policy_network_has(&n, base_span_str(t[i].address)) != t[i].inside)
			fail_msg("%s in %s", t[i].address, t[i].network);
	}
}

/* A fake: the wall's hours since Monday, 2026-11-23 00:00 UTC; "Test/East" is 8 hours ahead; "Test/Summer" goes from +1 to +2 at 01:00 UTC of the Sunday and back a week
 * later at the same hour; "Test/None" is not there. */
#define MINUTE 60000000ull
#define HOUR (60 * MINUTE)

static bool
local(void *ctx, struct base_span zone, uint64_t wall_us, struct policy_local *l_r)
{
	uint64_t minutes = wall_us / MINUTE;
	(void)ctx;
	if (base_span_is(zone, "Test/East"))
		minutes += 8 * 60;
	else if (base_span_is(zone, "Test/Summer"))
		minutes += minutes >= (6 * 24 + 1) * 60 && minutes < (13 * 24 + 1) * 60 ? 120 : 60;
	else if (zone.n > 0)
		return false;
	l_r->minute = (unsigned)(minutes % (24 * 60));
	l_r->weekday = (unsigned)(minutes / (24 * 60) % 7);
	(void)snprintf(l_r->date, sizeof(l_r->date), "2026-11-%02u", (unsigned)(23 + minutes / (24 * 60) % 8));
	return true;
}

static struct policy_scope *
scope_of(const char *only, const char *more)
{
	static const struct policy_cat_relation relation = {1, S("a"), S("b"), 'r'};
	static const struct policy_cat_column column = {1, 1, S("c"), 25, S("text"), false, false};
	static const struct policy_catalogue catalogue = {.relations = &relation, .nrelations = 1, .columns = &column, .ncolumns = 1};
	static const struct base_span groups[] = {S("g"), S("h")};
	struct policy_file *f = NULL;
	struct policy_map *m = NULL;
	struct policy_scope *s = NULL;
	struct base_fail fail = {.code = 0};
	char text[1000];
	assert_true(snprintf(text, sizeof(text), "policy \"p\" version 1 { subject s { table a.b key c }\ngroup g { %s }\ngroup h { %s }\ngroup i { only vetted } }", only, more) > 0);
	if (policy_file_parse(base_span_str(text), "o.gate", &f, &fail) != 0 || policy_map_bind(f, &catalogue, &m, &fail) != 0)
		fail_msg("%s", fail.text);
	policy_file_free(&f);
	assert_int_equal(policy_scope_new(m, groups, BASE_COUNT(groups), &s), 0);
	policy_map_unref(&m);
	return s;
}

#define AT(day, hour, minute) ((day) * 24 * HOUR + (hour) * HOUR + (minute) * MINUTE)
enum { MON, TUE, WED, THU, FRI, SAT, SUN };

static void
test_hours(void **state)
{
	static const struct { const char *only; uint64_t at; bool yes; } t[] = {
		{"Mon-Fri 07:30-19:00", AT(MON, 7, 29), false}, {"Mon-Fri 07:30-19:00", AT(MON, 7, 30), true}, {"Mon-Fri 07:30-19:00", AT(FRI, 18, 59), true},
		{"Mon-Fri 07:30-19:00", AT(FRI, 19, 0), false}, {"Mon-Fri 07:30-19:00", AT(SAT, 12, 0), false},
		{"Mon-Fri 07:30-19:00, Sat 09:00-13:00", AT(SAT, 12, 59), true}, {"Mon-Fri 07:30-19:00, Sat 09:00-13:00", AT(SAT, 13, 0), false},
		/* over midnight: of the day on which it began */
		{"Fri 22:00-06:00", AT(FRI, 21, 59), false}, {"Fri 22:00-06:00", AT(FRI, 22, 0), true}, {"Fri 22:00-06:00", AT(SAT, 0, 0), true}, {"Fri 22:00-06:00", AT(SAT, 5, 59), true},
		{"Fri 22:00-06:00", AT(SAT, 6, 0), false}, {"Fri 22:00-06:00", AT(FRI, 5, 0), false}, {"Fri 22:00-06:00", AT(SAT, 22, 0), false},
		{"Sun 22:00-06:00", AT(7 + MON, 3, 0), true}, {"Sun 22:00-06:00", AT(MON, 3, 0), true}, {"Sun 22:00-06:00", AT(SUN, 3, 0), false},
		{"Fri-Mon 00:00-24:00", AT(SUN, 23, 59), true}, {"Fri-Mon 00:00-24:00", AT(MON, 0, 0), true}, {"Fri-Mon 00:00-24:00", AT(TUE, 0, 0), false},
		{"Mon 08:00-08:00", AT(MON, 8, 0), true}, {"Mon 08:00-08:00", AT(TUE, 7, 59), true}, {"Mon 08:00-08:00", AT(TUE, 8, 0), false}, {"Mon 08:00-08:00", AT(MON, 7, 59), false},
		/* elsewhere it is tomorrow */
		{"Tue 00:00-01:00 Test/East", AT(MON, 15, 59), false}, {"Tue 00:00-01:00 Test/East", AT(MON, 16, 0), true}, {"Tue 00:00-01:00 Test/East", AT(MON, 17, 0), false},
		/* the clock goes forward: 02:00 to 03:00 does not exist that Sunday; and back: 02:00 to 03:00 comes twice */
		{"Sun 01:30-03:30 Test/Summer", AT(SUN, 0, 29), false}, {"Sun 01:30-03:30 Test/Summer", AT(SUN, 0, 30), true}, {"Sun 01:30-03:30 Test/Summer", AT(SUN, 1, 29), true},
		{"Sun 01:30-03:30 Test/Summer", AT(SUN, 1, 30), false}, {"Sun 02:00-03:00 Test/Summer", AT(SUN, 1, 0), false}, {"Sun 02:00-03:00 Test/Summer", AT(SUN, 0, 59), false},
		{"Sun 02:00-03:00 Test/Summer", AT(7 + SUN, 0, 30), true}, {"Sun 02:00-03:00 Test/Summer", AT(7 + SUN, 1, 30), true}, {"Sun 02:00-03:00 Test/Summer", AT(7 + SUN, 2, 0), false},
		{"Mon-Sun 00:00-24:00 Test/None", AT(MON, 12, 0), false},
	};
	(void)state;
	for (size_t i = 0; i < BASE_COUNT(t); i++) {
		struct policy_where rule = {.line = 0};
		struct policy_moment m = {.wall_us = t[i].at, .local = local, .address = base_span_str("local")};
		char only[200], words[200];
		assert_true(snprintf(only, sizeof(only), "only during %s", t[i].only) > 0);
		struct policy_scope *s = scope_of(only, "");
		if ((policy_only_check(s, NULL, &m, &rule, words, sizeof(words)) == POLICY_ONLY_YES) != t[i].yes)
			fail_msg("%s, minute %llu: %s", t[i].only, (unsigned long long)(t[i].at / MINUTE), t[i].yes ? words : "yes");
		assert_int_equal(rule.line, t[i].yes ? 0 : 2);
		policy_scope_unref(&s);
	}
}

static void
test_answers(void **state)
{
	static const struct policy_person vetted = {.vetted_until = S("2026-11-24")}, left = {.vetted_until = S("2027-01-01"), .left_on = S("2026-11-24")}, plain = {.role = S("x")};
	static const struct {
		const char *g, *h; const struct policy_person *person; const char *address; bool certificate; uint64_t at; enum policy_only_answer answer; unsigned line; const char *words;
	} t[] = {
		{"", "", NULL, "local", false, 0, POLICY_ONLY_YES, 0, ""},
		{"only from network 10.0.0.0/8", "", NULL, "10.1.2.3", false, 0, POLICY_ONLY_YES, 0, ""},
		{"only from network 10.0.0.0/8, 11.0.0.0/8", "", NULL, "11.1.2.3", false, 0, POLICY_ONLY_YES, 0, ""},
		{"only from network 10.0.0.0/8", "", NULL, "local", false, 0, POLICY_ONLY_NETWORK, 2, "local is outside the networks from which this is allowed"},
		{"only from network 10.0.0.0/8", "only from network 10.1.0.0/16", NULL, "10.2.0.1", false, 0, POLICY_ONLY_NETWORK, 3, "10.2.0.1 is outside the networks from which this is allowed"},
		{"only with certificate", "", NULL, "local", false, 0, POLICY_ONLY_CERTIFICATE, 2, "there is no client certificate"},
		{"only with certificate", "", NULL, "local", true, 0, POLICY_ONLY_YES, 0, ""},
		{"only vetted", "", NULL, "local", false, 0, POLICY_ONLY_VETTED, 2, "no vetting is on record"},
		{"", "only vetted", &plain, "local", false, 0, POLICY_ONLY_VETTED, 3, "no vetting is on record"},
		{"only vetted", "", &vetted, "local", false, AT(TUE, 23, 59), POLICY_ONLY_YES, 0, ""},
		{"only vetted", "", &vetted, "local", false, AT(WED, 0, 0), POLICY_ONLY_VETTED, 2, "vetting lapsed on 2026-11-24"},
		{"", "", &left, "local", false, AT(TUE, 23, 59), POLICY_ONLY_YES, 0, ""},
		{"only with certificate", "", &left, "local", false, AT(WED, 0, 0), POLICY_ONLY_LEFT, 0, "left on 2026-11-24"},
		{"only during Mon-Fri 07:30-19:00, Sat 09:00-13:00, Mon-Sun 01:00-01:01, Sat-Mon 02:00-02:01 Test/East", "", NULL, "local", false, AT(SUN, 0, 0), POLICY_ONLY_HOURS, 2,
		 "outside Mon-Fri 07:30-19:00, Sat 09:00-13:00, Mon-Sun 01:00-01:01, Sat-Mon 02:00-02:01 Test/East"},
		{"only during Tue 07:30-24:00", "", NULL, "local", false, AT(SUN, 0, 0), POLICY_ONLY_HOURS, 2, "outside Tue 07:30-24:00 UTC"},
		{"only vetted only with certificate only during Tue 08:00-09:00 only from network 10.0.0.0/8", "", NULL, "10.0.0.1", true, AT(TUE, 8, 30), POLICY_ONLY_VETTED, 2,
		 "no vetting is on record"},
	};
	(void)state;
	for (size_t i = 0; i < BASE_COUNT(t); i++) {
		struct policy_where rule = {.line = 0};
		struct policy_moment m = {.wall_us = t[i].at, .local = local, .address = base_span_str(t[i].address), .certificate = t[i].certificate};
		char words[200] = "", few[8] = "";
		struct policy_scope *s = scope_of(t[i].g, t[i].h);
		assert_int_equal(policy_only_check(s, t[i].person, &m, &rule, words, sizeof(words)), t[i].answer);
		assert_string_equal(words, t[i].words);
		assert_int_equal(rule.line, t[i].line);
		if (rule.line != 0)
			assert_string_equal(rule.file, "o.gate");
		assert_int_equal(policy_only_left(t[i].person, &m), t[i].answer == POLICY_ONLY_LEFT);
		(void)policy_only_check(s, t[i].person, &m, &rule, few, sizeof(few)); /* cut, not overrun */
		assert_int_equal(strncmp(few, t[i].words, sizeof(few) - 1), 0);
		policy_scope_unref(&s);
	}
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
		cmocka_unit_test(test_networks), cmocka_unit_test(test_inside), cmocka_unit_test(test_hours), cmocka_unit_test(test_answers),
	};
	return cmocka_run_group_tests(tests, setup, NULL);
}
