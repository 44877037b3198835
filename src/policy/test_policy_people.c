/* Tests of policy_people: RFC 4180 forms, messages with their line, each text cut at every length. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>

#include "base_buf.h"
#include "policy_people.h"

static const char good[] =
	"\xef\xbb\xbfname,role,groups,employer,vetted_until,province,team,left_on\r\n"
	"\"Li, Na \"\"Nana\"\"\",li.na,support; night ;,Shenzhen Yiyuan,2027-01-31,\xe5\xb9\xbf\xe4\xb8\x9c,B2,2026-09-30\r\n"
	"\n"
	",zhao,\"\",\"\",,,,\n"
	"Alice,\"alice\",a,b,,c,d,"; /* no line end */

static void
test_good(void **state)
{
	struct policy_people *p = NULL;
	struct base_fail fail = {.code = 0};
	(void)state;
	if (policy_people_parse(base_span(good, strlen(good)), "p.csv", &p, &fail) != 0)
		fail_msg("%s", fail.text);
	assert_int_equal(policy_people_count(p), 3);
	const struct policy_person *li = policy_people_find(p, base_span_str("li.na"));
	assert_true(base_span_is(li->name, "Li, Na \"Nana\""));
	assert_true(base_span_is(li->employer, "Shenzhen Yiyuan"));
	assert_true(base_span_is(li->province, "\xe5\xb9\xbf\xe4\xb8\x9c"));
	assert_true(base_span_is(li->team, "B2"));
	assert_true(base_span_is(li->vetted_until, "2027-01-31"));
	assert_true(base_span_is(li->left_on, "2026-09-30"));
	assert_int_equal(li->ngroups, 2);
	assert_true(base_span_is(li->groups[0], "support") && base_span_is(li->groups[1], "night"));
	const struct policy_person *zhao = policy_people_find(p, base_span_str("zhao"));
	assert_true(zhao->name.n == 0 && zhao->employer.n == 0 && zhao->ngroups == 0 && zhao->vetted_until.n == 0 && zhao->left_on.n == 0);
	assert_true(base_span_is(policy_people_find(p, base_span_str("alice"))->team, "d"));
	assert_null(policy_people_find(p, base_span_str("Alice")));
	assert_null(policy_people_find(p, base_span("", 0)));
	assert_int_equal(strlen(policy_people_hash(p)), 16);
	policy_people_ref(p);
	struct policy_people *second = p;
	policy_people_unref(&second);
	assert_int_equal(policy_people_count(p), 3);
	policy_people_unref(&p);
	policy_people_unref(&p);
}

static void
test_forms(void **state)
{
	static const struct { const char *text; int err; size_t count; const char *message; } t[] = {
		{"role", 0, 0, NULL},
		{"role\n", 0, 0, NULL},
		{"\n\nrole\r\nx\r\n", 0, 1, NULL},
		{"\"role\",\"name\"\n\"a\",\"b\"\n", 0, 1, NULL},
		{"", GH_E_PARSE, 0, "p.csv:1: the header line is missing"},
		{"\n\n", GH_E_PARSE, 0, "p.csv:3: the header line is missing"},
		{"name\nx", GH_E_PARSE, 0, "p.csv:1: the header line has no column \"role\""},
		{"role,nmae\n", GH_E_PARSE, 0, "p.csv:1: unknown column \"nmae\"; did you mean \"name\"?"},
		{"role,salary\n", GH_E_PARSE, 0, "p.csv:1: unknown column \"salary\""},
		{"Role\n", GH_E_PARSE, 0, "p.csv:1: unknown column \"Role\"; did you mean \"role\"?"},
		{"role,\n", GH_E_PARSE, 0, "p.csv:1: unknown column \"\""},
		{"role,name,role\n", GH_E_PARSE, 0, "p.csv:1: this column is named twice: \"role\""},
		{"role,name\na", GH_E_PARSE, 0, "p.csv:2: this line has another number of fields than the header"},
		{"role\na,b", GH_E_PARSE, 0, "p.csv:2: this line has another number of fields than the header"},
		{"role\na,,,,,,,,,", GH_E_PARSE, 0, "p.csv:2: too many fields"},
		{"role,name\nx,y\n,z\n", GH_E_PARSE, 0, "p.csv:3: the role is empty"},
		{"role\na\nb\na\n", GH_E_EXISTS, 0, "p.csv:4: this role is listed twice: \"a\""},
		{"role\n a\n", GH_E_PARSE, 0, "p.csv:2: this role begins or ends with a space: \" a\""},
		{"role\n\"a\n", GH_E_PARSE, 0, "p.csv:2: the closing quote is missing"},
		{"role,name\n\"a\"b,c\n", GH_E_PARSE, 0, "p.csv:2: a comma is missing behind the closing quote"},
		{"role\na\"b\n", GH_E_PARSE, 0, "p.csv:2: a quote stands inside a field that has none around it"},
		{"role,name\na,\"x\ny\"\n", GH_E_PARSE, 0, "p.csv:2: a control character stands in the field \"x\\x0ay\""},
		{"role\na\rb\n", GH_E_PARSE, 0, "p.csv:2: a control character stands in the field \"a\\x0db\""},
		{"role,vetted_until\na,2027-02-30\n", GH_E_PARSE, 0, "p.csv:2: vetted_until is not a date such as 2027-01-31: \"2027-02-30\""},
		{"role,left_on\na,2026-09-31\n", GH_E_PARSE, 0, "p.csv:2: left_on is not a date such as 2026-09-30: \"2026-09-31\""},
		{"role,left_no\n", GH_E_PARSE, 0, "p.csv:1: unknown column \"left_no\"; did you mean \"left_on\"?"},
		{"role,vetted_until\na,31.1.2027\n", GH_E_PARSE, 0, "p.csv:2: vetted_until is not a date such as 2027-01-31: \"31.1.2027\""},
		{"role\n\xff\n", GH_E_PARSE, 0, "p.csv: the file is not valid UTF-8 text"},
		{"role\n0123456789012345678901234567890123456789012345678901234567890123\n", GH_E_LIMIT, 0,
		 "p.csv:2: this role is longer than 63 bytes: \"0123456789012345678901234567890123456789012345678901234567890123\""},
	};
	(void)state;
	for (size_t i = 0; i < BASE_COUNT(t); i++) {
		struct policy_people *p = NULL;
		struct base_fail fail = {.code = 0};
		assert_int_equal(policy_people_parse(base_span_str(t[i].text), "p.csv", &p, &fail), t[i].err);
		if (t[i].err == 0)
			assert_int_equal(policy_people_count(p), t[i].count);
		else
			assert_string_equal(fail.text, t[i].message);
		policy_people_unref(&p);
	}
}

static void
test_truncated(void **state)
{
	(void)state;
	for (size_t len = 0; len <= strlen(good); len++) {
		struct policy_people *p = NULL;
		char *exact = malloc(len == 0 ? 1 : len);
		assert_non_null(exact);
		memcpy(exact, good, len);
		int err = policy_people_parse(base_span(exact, len), "p.csv", &p, NULL);
		free(exact); /* the people have a copy */
		if (err == 0 && policy_people_count(p) > 0)
			assert_non_null(policy_people_find(p, base_span_str("li.na")));
		policy_people_unref(&p);
	}
}

static void
test_many(void **state)
{
	struct policy_people *p = NULL;
	struct base_buf b;
	(void)state;
	base_buf_init(&b, 8u << 20);
	base_buf_str(&b, "role,groups\n");
	for (unsigned i = 0; i < 20000; i++)
		base_buf_fmt(&b, "r%u,g;h;g%u\n", i * 7919 % 20000, i);
	assert_int_equal(policy_people_parse(base_buf_span(&b), "p.csv", &p, NULL), 0);
	assert_int_equal(policy_people_count(p), 20000);
	for (unsigned i = 0; i < 20000; i += 7) {
		char role[16];
		struct base_buf name;
		base_buf_init(&name, sizeof(role));
		base_buf_fmt(&name, "r%u", i);
		assert_int_equal(policy_people_find(p, base_buf_span(&name))->ngroups, 3);
		base_buf_done(&name);
	}
	policy_people_unref(&p);

	base_buf_clear(&b);
	base_buf_str(&b, "role,groups\nx,");
	for (unsigned i = 0; i < 65; i++)
		base_buf_str(&b, "g;");
	assert_int_equal(policy_people_parse(base_buf_span(&b), "p.csv", &p, NULL), GH_E_LIMIT);
	base_buf_clear(&b);
	base_buf_str(&b, "role,name\nx,");
	for (unsigned i = 0; i < 257; i++)
		base_buf_u8(&b, 'n');
	assert_int_equal(policy_people_parse(base_buf_span(&b), "p.csv", &p, NULL), GH_E_LIMIT);
	base_buf_done(&b);
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
		cmocka_unit_test(test_good),
		cmocka_unit_test(test_forms),
		cmocka_unit_test(test_truncated),
		cmocka_unit_test(test_many),
	};
	return cmocka_run_group_tests(tests, setup, NULL);
}
