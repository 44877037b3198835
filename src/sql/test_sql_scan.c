/* Tests of sql_scan: normal form, literals and their values, refusals; each text also cut at every length in memory of exactly that
 * length.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>

#include <pg_query.h>

#include "base_mem.h"
#include "sql_scan.h"

#define L(...) {__VA_ARGS__, NULL}

static const struct {
	const char *text, *norm;
	const char *literal[8];
} scans[] = {
	{"", "", L(NULL)},
	{" \t\r\n\f", "", L(NULL)},
	{"-- only a comment", "", L(NULL)},
	{"SELECT 1", "SELECT ?", L("1")},
	{"select*from t where id=42", "select * from t where id = ?", L("42")},
	{"SELECT 'it''s', 1.5e3, .5, $$x$$, $a$ ' $a$", "SELECT ? , ? , ? , ? , ?", L("'it''s'", "1.5e3", ".5", "$$x$$", "$a$ ' $a$")},
	{"select E'\\n', B'01', X'1f', N'n'", "select ? , ? , ? , N ?", L("E'\\n'", "B'01'", "X'1f'", "'n'")},
	{"select U&'a''b' , U&\"c d\" UESCAPE '!' from t", "select ? , U&\"c d\" UESCAPE ? from t", L("U&'a''b'", "'!'")},
	{"select U&'x'", "select ?", L("U&'x'")},
	{"select U&'x' -- ' end", "select ?", L("U&'x'")},
	{"select U&'x'\n  'y' /* ' */ , 1", "select ? , ?", L("U&'x'\n  'y'", "1")},
	{"select 'a' \n\t 'b'", "select ?", L("'a' \n\t 'b'")},
	{"select 'a' -- it's\n 'b'", "select ? ?", L("'a'", "'b'")}, /* one literal for the server; the parser refuses it later */
	{"select a/* /* nested ' */ ' */,b--x\r,c", "select a , b , c", L(NULL)},
	{"select $1, $22::text", "select $1 , $22 :: text", L(NULL)},
	{"select -5, +5", "select - ? , + ?", L("5", "5")},
	{"select j ? 'k', j ?| a, j @? b", "select j OPERATOR(?) ? , j ?| a , j @? b", L("'k'")},
	{"select \"Quoted ''x\" from \"a\".\"b\"", "select \"Quoted ''x\" from \"a\" . \"b\"", L(NULL)},
	{"select '\xe4\xb8\xad\xe6\x96\x87', \xe5\x90\x8d from t", "select ? , \xe5\x90\x8d from t", L("'\xe4\xb8\xad\xe6\x96\x87'")},
	{"select '\\' || ', phone from customers --'", "select ? || ?", L("'\\'", "', phone from customers --'")}, /* strings conform */
	{"select 1;select 2;", "select ? ; select ? ;", L("1", "2")},
	{"select 'abc", NULL, L(NULL)},
	{"select \"abc", NULL, L(NULL)},
	{"select $$abc", NULL, L(NULL)},
	{"select /* abc", NULL, L(NULL)},
	{"select U&'abc", NULL, L(NULL)},
	{"select 1a", NULL, L(NULL)},
	{"select 'secret value' 'x", NULL, L(NULL)},
	{"select '\xff'", NULL, L(NULL)},
	{"select '\xc0\x80'", NULL, L(NULL)},
};

static void
check_invariants(const struct sql_scan *s, struct base_span text)
{
	uint32_t end = 0;
	for (size_t i = 0; i < s->nliterals; i++) {
		assert_true(s->literal[i].at >= end && s->literal[i].len > 0);
		assert_true(s->literal[i].at <= text.n && s->literal[i].len <= text.n - s->literal[i].at);
		end = s->literal[i].at + s->literal[i].len;
	}
}

static void
test_scan(void **state)
{
	struct sql_scan s;
	(void)state;
	sql_scan_init(&s);
	for (size_t i = 0; i < BASE_COUNT(scans); i++) {
		struct base_fail fail = {.code = 0};
		struct base_span text = base_span_str(scans[i].text);
		int err = sql_scan_text(&s, text, &fail);
		if (!scans[i].norm) {
			assert_int_equal(err, GH_E_PARSE);
			assert_true(base_buf_len(&s.norm) == 0 && s.nliterals == 0);
			assert_null(strstr(fail.text, "abc")); /* literals stay out of messages */
			assert_null(strstr(fail.text, "secret"));
			continue;
		}
		assert_int_equal(err, 0);
		assert_int_equal(base_buf_len(&s.norm), strlen(scans[i].norm));
		assert_memory_equal(base_buf_span(&s.norm).p, scans[i].norm, strlen(scans[i].norm));
		size_t n = 0;
		for (; scans[i].literal[n]; n++) {
			assert_true(n < s.nliterals);
			struct base_span token = base_span(text.p + s.literal[n].at, s.literal[n].len);
			assert_true(base_span_is(token, scans[i].literal[n]));
		}
		assert_int_equal(s.nliterals, n);
	}
	sql_scan_done(&s);
}

static void
test_truncated(void **state)
{
	struct sql_scan s;
	struct base_fail fail;
	(void)state;
	sql_scan_init(&s);
	for (size_t i = 0; i < BASE_COUNT(scans); i++) {
		size_t n = strlen(scans[i].text);
		for (size_t len = 0; len <= n; len++) {
			uint8_t *exact = malloc(len == 0 ? 1 : len);
			assert_non_null(exact);
			memcpy(exact, scans[i].text, len);
			if (sql_scan_text(&s, base_span(exact, len), &fail) == 0)
				check_invariants(&s, base_span(exact, len));
			free(exact);
		}
	}
	sql_scan_done(&s);
}

static void
test_limits(void **state)
{
	struct sql_scan s;
	struct base_fail fail;
	size_t n = SQL_TEXT_MAX + 1;
	char *big = base_mem_new(n + 1, 1);
	(void)state;
	sql_scan_init(&s);
	memset(big, ' ', n);
	assert_int_equal(sql_scan_text(&s, base_span(big, n), &fail), GH_E_LIMIT);
	assert_int_equal(sql_scan_text(&s, base_span(big, n - 1), &fail), 0);
	assert_int_equal(base_buf_len(&s.norm), 0);

	memcpy(big, "select 1", 8);
	for (size_t i = 1; i <= SQL_LITERALS_MAX; i++) { /* one literal more in each turn */
		memcpy(big + 8 + 2 * (i - 1), ",1", 2);
		struct base_span text = base_span(big, 8 + 2 * i);
		if (i < 3 || i + 2 > SQL_LITERALS_MAX)
			assert_int_equal(sql_scan_text(&s, text, &fail), i + 1 > SQL_LITERALS_MAX ? GH_E_LIMIT : 0);
	}
	assert_true(base_buf_len(&s.norm) == 0 && s.nliterals == 0);

	memset(big, '?', n - 1); /* many short operators: the normal form outgrows its ceiling */
	for (size_t i = 0; i < n - 1; i += 2)
		big[i] = ',';
	assert_int_equal(sql_scan_text(&s, base_span(big, n - 1), &fail), GH_E_LIMIT);
	memset(big, '(', n - 1); /* exactly as many tokens as bytes */
	assert_int_equal(sql_scan_text(&s, base_span(big, n - 1), &fail), 0);
	assert_int_equal(base_buf_len(&s.norm), 2 * (n - 1) - 1);
	assert_int_equal(sql_scan_text(&s, base_span("a\0b", 3), &fail), GH_E_PARSE);
	assert_int_equal(sql_scan_text(&s, base_span_str("select 1"), &fail), 0); /* and it still works */
	assert_int_equal(s.nliterals, 1);
	sql_scan_done(&s);
	free(big);
}

static void
test_value(void **state)
{
	static const struct { const char *token; int err; const char *value; } t[] = {
		{"42", 0, "42"}, {"1.5e3", 0, "1.5e3"}, {".5", 0, ".5"}, {"''", 0, ""}, {"'abc'", 0, "abc"}, {"'it''s'", 0, "it's"},
		{"''''", 0, "'"}, {"'a'\n'b'", 0, "ab"}, {"'a' \r\n\t 'b''c'\n''", 0, "ab'c"},
		{"'a\\'", 0, "a\\"}, {"$$x$$", 0, "x"}, {"$$$$", 0, ""}, {"$a$ ' $$ $a$", 0, " ' $$ "},
		{"E'a'", GH_E_UNSUPPORTED, ""}, {"e'a'", GH_E_UNSUPPORTED, ""}, {"U&'a'", GH_E_UNSUPPORTED, ""},
		{"B'01'", GH_E_UNSUPPORTED, ""}, {"x'1f'", GH_E_UNSUPPORTED, ""}, {"", GH_E_PARSE, ""},
	};
	struct base_buf out;
	(void)state;
	base_buf_init(&out, 1024);
	for (size_t i = 0; i < BASE_COUNT(t); i++) {
		base_buf_clear(&out);
		assert_int_equal(sql_scan_value(base_span_str(t[i].token), &out), t[i].err);
		assert_true(base_span_is(base_buf_span(&out), t[i].value));
		for (size_t len = 0; len < strlen(t[i].token); len++) { /* not tokens any more; must not read past the end */
			uint8_t *exact = malloc(len == 0 ? 1 : len);
			assert_non_null(exact);
			memcpy(exact, t[i].token, len);
			base_buf_clear(&out);
			assert_true(sql_scan_value(base_span(exact, len), &out) <= 0);
			free(exact);
		}
	}
	base_buf_done(&out);
	base_buf_init(&out, 2);
	assert_int_equal(sql_scan_value(base_span_str("'abc'"), &out), GH_E_LIMIT);
	base_buf_done(&out);
}

static int
teardown(void **state)
{
	(void)state;
	pg_query_exit(); /* the thread's memory context, for the leak check */
	return 0;
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_scan),
		cmocka_unit_test(test_truncated),
		cmocka_unit_test(test_limits),
		cmocka_unit_test(test_value),
	};
	return cmocka_run_group_tests(tests, NULL, teardown);
}
