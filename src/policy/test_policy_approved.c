/* Tests of policy_approved: a file with everything, what is wrong in which line, every prefix, writing and reading back. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>

#include "base_mem.h"
#include "base_text.h"
#include "policy_approved.h"

#define A "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define B "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"

static const char whole[] =
	"# read by Maria\n"
	"application crm\n"
	"statement " A "\n"
	"  tree " B "\n"
	"  approved by \"Maria \"\"M\"\" Klein\" on 2026-11-22\n"
	"  seen 1204 times, last 2026-11-20\n"
	"  text\n"
	"    | select id, name from customers\n"
	"    |   where phone like $1 || '%'\n"
	"    |\n"
	"    |;\n"
	"\n"
	"statement " B "\r\n"
	"\ttree " A "\n"
	"\tproposed\n"
	"\tseen 3 times\n"
	"application \"the other\"\n"
	"statement " A "\n"
	"  approved by Li on 2026-01-02\n"
	"  # a comment\n"
	"  tree " A;

static struct policy_approved *
parse(const char *text)
{
	struct policy_approved *a = NULL;
	struct base_fail fail = {0};

	if (policy_approved_parse(base_span_str(text), "x.statements", &a, &fail) != 0)
		fail_msg("%s", fail.text);
	return a;
}

static void
check_whole(const struct policy_approved *a)
{
	uint8_t hash[BASE_SHA256_SIZE];
	const struct policy_approval *p;

	assert_int_equal(policy_approved_count(a), 3);
	assert_null(policy_approved_at(a, 3));
	memset(hash, 0xaa, sizeof(hash));
	p = policy_approved_find(a, base_span_str("crm"), hash);
	assert_ptr_equal(p, policy_approved_at(a, 0));
	assert_true(p->approved && base_span_is(p->by, "Maria \"M\" Klein") && base_span_is(p->on, "2026-11-22") && base_span_is(p->last, "2026-11-20"));
	assert_int_equal(p->seen, 1204);
	assert_true(base_span_is(p->text, "select id, name from customers\n  where phone like $1 || '%'\n\n;"));
	assert_true(p->tree_hash[0] == 0xbb && p->tree_hash[31] == 0xbb);
	p = policy_approved_find(a, base_span_str("the other"), hash);
	assert_true(p && base_span_is(p->by, "Li") && p->text.n == 0 && p->seen == 0);
	assert_null(policy_approved_find(a, base_span_str("crm2"), hash));
	assert_null(policy_approved_find(a, base_span("crm\0", 4), hash));
	memset(hash, 0xbb, sizeof(hash));
	assert_null(policy_approved_find(a, base_span_str("crm"), hash)); /* proposed: not in force */
	assert_true(!policy_approved_at(a, 1)->approved && policy_approved_at(a, 1)->seen == 3);
}

static void
test_whole(void **state)
{
	struct policy_approved *a = parse(whole), *again, *other;
	struct base_buf b;

	(void)state;
	check_whole(a);
	assert_int_equal(policy_approved_at(a, 0)->line, 3);
	base_buf_init(&b, 65536);
	for (size_t i = 0; i < 3; i++)
		policy_approved_print(policy_approved_at(a, i), &b);
	base_buf_u8(&b, 0);
	again = parse((const char *)base_buf_span(&b).p);
	check_whole(again);
	base_buf_done(&b);
	policy_approved_ref(a);
	other = a;
	policy_approved_unref(&other);
	check_whole(a);
	policy_approved_unref(&a);
	policy_approved_unref(&again);
	a = parse("");
	assert_int_equal(policy_approved_count(a), 0);
	policy_approved_unref(&a);
}

/* Every prefix is read, or refused with its file's name; never more statements than the whole has. */
static void
test_prefixes(void **state)
{
	(void)state;
	for (size_t n = 0; n < sizeof(whole); n++) {
		char *copy = base_mem_new(n + 1, 1); /* so that reading past the end is seen */
		struct policy_approved *a = NULL;
		struct base_fail fail = {0};

		memcpy(copy, whole, n);
		if (policy_approved_parse(base_span(copy, n), "x", &a, &fail) == 0)
			assert_true(policy_approved_count(a) <= 3);
		else
			assert_true(strncmp(fail.text, "x:", 2) == 0);
		policy_approved_unref(&a);
		free(copy);
	}
}

static void
test_wrong(void **state)
{
	static const struct { const char *text, *want; } bad[] = {
		{"statement " A "\n", "x:1: `application NAME`"},
		{"application crm\nstatement abc\n", "x:2: `statement` is followed by 64 hex digits"},
		{"application crm\nstatement " A "\n", "x:2: the statement has no `tree`"},
		{"application crm\nstatement " A "\n  tree " B "\n", "x:2: the statement has no `approved"},
		{"application crm\nstatement " A "\n  tree " B "\n  proposed\nstatement " A "\n  tree " B "\n  approved by x on 2026-01-01\n", "x:5: this statement of the application is there twice; first in line 2"},
		{"application crm\nstatement " A "\n  tree " B "\n  proposed\n  approved by x on 2026-01-01\n", "x:5: this is said of the statement twice"},
		{"application crm\nstatement " A "\n  tree " B "x\n", "x:3: `tree`"},
		{"application crm\nstatement " A "\n  approved\n", "x:3: it is written"},
		{"application crm\nstatement " A "\n  approved by \"\" on 2026-01-01\n", "x:3: who approved it?"},
		{"application crm\nstatement " A "\n  approved by \"x on 2026-01-01\n", "x:3: the closing quote is missing"},
		{"application crm\nstatement " A "\n  approved by x at 2026-01-01\n", "x:3: when was it approved?"},
		{"application crm\nstatement " A "\n  approved by x on 2026-13-01\n", "x:3: a date is written"},
		{"application crm\nstatement " A "\n  approved by x on 2026-01-01 or so\n", "x:3: a date is written"},
		{"application crm\nstatement " A "\n  seen -1 times\n", "x:3: it is written: seen"},
		{"application crm\nstatement " A "\n  seen 1 often\n", "x:3: it is written: seen"},
		{"application crm\nstatement " A "\n  proposed too\n", "x:3: something stands behind `proposed`"},
		{"application crm\nstatement " A "\n  text select 1\n", "x:3: the text stands in the lines below"},
		{"application crm\n  | x\n", "x:2: a line of text without"},
		{"application crm\n  tree " A "\n", "x:2: this belongs behind"},
		{"application\n", "x:1: `application` is followed by its name"},
		{"application a b\n", "x:1: something stands behind"},
		{"approve\n", "x:1: not known"},
		{"# \x1b[31m\n", "x:1: a character that cannot be seen"},
		{"#\n# \xe2\x80\xae\n", "x:2: a character that cannot be seen"},
		{"# \xff\n", "x:1: not valid UTF-8"},
		{"# \r \n", "x:1: a character that cannot be seen"},
	};

	(void)state;
	for (size_t i = 0; i < BASE_COUNT(bad); i++) {
		struct policy_approved *a = NULL;
		struct base_fail fail = {0};

		assert_true(policy_approved_parse(base_span_str(bad[i].text), "x", &a, &fail) < 0);
		if (strncmp(fail.text, bad[i].want, strlen(bad[i].want)) != 0)
			fail_msg("%s\n  not %s", fail.text, bad[i].want);
		assert_null(a);
	}
}

static void
test_many(void **state)
{
	struct policy_approved *a;
	struct base_fail fail = {0};
	struct base_buf b;
	uint8_t hash[BASE_SHA256_SIZE] = {0};

	(void)state;
	base_buf_init(&b, POLICY_APPROVED_SIZE_MAX + 2);
	for (unsigned i = 0; i < 1000; i++) {
		struct policy_approval p = {.application = base_span_str("crm"), .approved = i % 2, .by = base_span_str("x"), .on = base_span_str("2026-01-01"), .text = base_span_str("select 1")};
		p.text_hash[0] = (uint8_t)(i >> 8);
		p.text_hash[1] = (uint8_t)i;
		policy_approved_print(&p, &b);
	}
	assert_int_equal(policy_approved_parse(base_buf_span(&b), "x", &a, &fail), 0);
	assert_int_equal(policy_approved_count(a), 1000);
	hash[0] = 3;
	hash[1] = 231;
	assert_ptr_equal(policy_approved_find(a, base_span_str("crm"), hash), policy_approved_at(a, 999));
	policy_approved_unref(&a);
	base_buf_clear(&b);
	while (base_buf_len(&b) <= POLICY_APPROVED_SIZE_MAX)
		base_buf_u8(&b, '\n');
	assert_int_equal(policy_approved_parse(base_buf_span(&b), "x", &a, &fail), GH_E_LIMIT);
	base_buf_done(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_whole), cmocka_unit_test(test_prefixes), cmocka_unit_test(test_wrong), cmocka_unit_test(test_many)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
