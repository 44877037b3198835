/* Tests of sql_comment: what counts as a comment, the form of pairs, decoding, refusals; each text also cut at every length in memory of
 * exactly that length.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>

#include <pg_query.h>

#include "sql_comment.h"
#include "sql_scan.h"

static const struct {
	const char *text;
	const char *value; /* of case; NULL: none */
} rows[] = {
	/* where comments are */
	{"select 1 /*case='T-1'*/", "T-1"},
	{"/*case='T-1'*/ select 1", "T-1"},
	{"select /*case='T-1'*/ 1", "T-1"},
	{"select 1 -- case='T-1'", "T-1"},
	{"select 1 --case='T-1'\n, 2", "T-1"},
	{"select 1 --case='T-1'\r\n, 2", "T-1"},
	{"/*case='T-1'*/", "T-1"},
	{"select 1; /*case='T-1'*/ select 2", "T-1"},
	{"select '/*case=''T-1''*/'", NULL},
	{"select '/*', ' case=', 'x*/'", NULL},
	{"select $$ /*case='T-1'*/ $$", NULL},
	{"select $a$ -- case='T-1'\n$a$", NULL},
	{"select \"/*case='T-1'*/\" from t", NULL},
	{"select E'\\'/*case=''T-1''*/'", NULL},
	{"select U&'/*' /*case='T-1'*/", "T-1"},
	{"select 'it''s' /*case='T-1'*/", "T-1"},
	{"select 'it''s -- x' /*case='T-1'*/ , '/*case=''T-2''*/'", "T-1"},
	{"/* /*case='T-1'*/ */ select 1", NULL},                 /* the outer comment is not of the form */
	{"/*case='/*T-1*/'*/ select 1", "/*T-1*/"},              /* nesting balances, so it is all one comment */
	{"/*case='T-1*/' select 1", NULL},                       /* the comment ends inside the value; then a string begins */
	{"-- case='T-1' /* \nselect 1", NULL},
	{"select 1 /*case='T-1'", NULL},                         /* the scanner refuses it */
	{"select 1 case='T-1'", NULL},
	{"select 1 where a.case='T-1' -- x", NULL},
	{"select 1 /*+ IndexScan(t) */ /*case='T-1'*/", "T-1"},
	{"select 1 /*+case='T-1'*/", NULL},
	{"", NULL},
	{"--", NULL},
	{"/**/", NULL},
	/* several comments */
	{"/*case='T-1'*/ select 1 /*case='T-2'*/", "T-2"},
	{"/*case='T-1'*/ select 1 -- case='T-2'", "T-2"},
	{"/*case='T-1'*/ select 1 /*purpose='x'*/", "T-1"},
	{"/*case='T-1'*/ select 1 /* case='T-2' and more */", "T-1"}, /* for people: not of the form */
	{"/*case='T-1'*/ select 1 /*case='%'*/", NULL},               /* the last that has it counts, and it is malformed */
	{"/*case='T-1'*/ select 1 /*case='a%00b'*/", NULL},
	{"/*case='T-1',case='T-2'*/ select 1", NULL},
	{"/*case='T-0'*/ select 1 /*case='T-1',case='T-1'*/", "T-0"},
	/* pairs */
	{"/*action='run%20this',case='T-1',framework='spring'*/ select 1", "T-1"},
	{"/* action='a' , case='T-1' */ select 1", "T-1"},
	{"/*\n\taction='a',\n\tcase='T-1'\r\n*/ select 1", "T-1"},
	{"/*traceparent='00-5bd66ef5095369c7b0d1f8f4bd33716a-c532cb4098ac3dd2-01',case='T-1'*/ select 1", "T-1"},
	{"/*showcase='T-1'*/ select 1", NULL},
	{"/*case2='T-1'*/ select 1", NULL},
	{"/*Case='T-1'*/ select 1", NULL},
	{"/*c%61se='T-1'*/ select 1", NULL},
	{"/*x-y.z%20='1',case='T-1'*/ select 1", "T-1"},
	{"/*case='T-1',*/ select 1", NULL},
	{"/*,case='T-1'*/ select 1", NULL},
	{"/*case='T-1';x='y'*/ select 1", NULL},
	{"/*case='T-1' x='y'*/ select 1", NULL},
	{"/*case ='T-1'*/ select 1", NULL},
	{"/*case= 'T-1'*/ select 1", NULL},
	{"/*case=T-1*/ select 1", NULL},
	{"/*case=\"T-1\"*/ select 1", NULL},
	{"/*case='T-1*/ select 1", NULL},
	{"/*case='T-1''*/ select 1", NULL},
	{"/*case='T'1'*/ select 1", NULL},
	{"/*='x',case='T-1'*/ select 1", NULL},
	{"/*case='T-1',purpose*/ select 1", NULL},
	{"/*case='T-1',purpose='*/ select 1", NULL},
	{"/*case='T-1',purpose='a\\*/ select 1", NULL},
	/* values */
	{"/*case=''*/ select 1", ""},
	{"/*case='a%20b'*/ select 1", "a b"},
	{"/*case='a b, c'*/ select 1", "a b, c"},
	{"/*case='it\\'s'*/ select 1", "it's"},
	{"/*case='it%27s'*/ select 1", "it's"},
	{"/*case='\\''*/ select 1", "'"},
	{"/*case='a\\\\b'*/ select 1", NULL},
	{"/*case='a\\nb'*/ select 1", NULL},
	{"/*case='a%5Cb'*/ select 1", "a\\b"},
	{"/*case='a+b'*/ select 1", "a+b"},
	{"/*case='%2Fpolls%201000'*/ select 1", "/polls 1000"},
	{"/*case='%E4%B8%AD%e6%96%87'*/ select 1", "\xe4\xb8\xad\xe6\x96\x87"},
	{"/*case='\xe4\xb8\xad'*/ select 1", "\xe4\xb8\xad"},
	{"/*case='%E4%B8'*/ select 1", NULL},
	{"/*case='%ff'*/ select 1", NULL},
	{"/*case='%C0%80'*/ select 1", NULL},
	{"/*case='%ED%A0%80'*/ select 1", NULL},
	{"/*case='a%0Ab'*/ select 1", NULL},
	{"/*case='a\nb'*/ select 1", NULL},
	{"/*case='a%7Fb'*/ select 1", NULL},
	{"/*case='a%C2%85b'*/ select 1", NULL},
	{"/*case='a%C2%A0b'*/ select 1", "a\xc2\xa0" "b"},
	{"/*case='a%2'*/ select 1", NULL},
	{"/*case='a%2g'*/ select 1", NULL},
	{"/*case='a%%20'*/ select 1", NULL},
	{"/*case='%2527'*/ select 1", "%27"}, /* decoded once */
	{"select '\xff' /*case='T-1'*/", NULL},
};

static void
test_rows(void **state)
{
	(void)state;
	for (size_t i = 0; i < BASE_COUNT(rows); i++) {
		size_t n = strlen(rows[i].text);
		for (size_t len = 0; len <= n; len++) {
			struct base_arena *arena = base_arena_new(1024);
			struct base_span value = base_span("untouched", 9);
			uint8_t *exact = malloc(len == 0 ? 1 : len);
			assert_non_null(exact);
			memcpy(exact, rows[i].text, len);
			bool got = sql_comment_value(base_span(exact, len), "case", arena, &value);
			if (!got)
				assert_true(base_span_is(value, "untouched"));
			if (len == n && got != (rows[i].value != NULL))
				fail_msg("%s: %s", rows[i].text, got ? "a value" : "no value");
			if (len == n && got && !base_span_is(value, rows[i].value))
				fail_msg("%s: %.*s", rows[i].text, (int)value.n, (const char *)value.p);
			free(exact);
			base_arena_free(&arena);
		}
	}
}

static void
test_limits(void **state)
{
	struct base_arena *arena = base_arena_new(4096), *small = base_arena_new(8);
	struct base_span value;
	char text[1200];
	(void)state;
	for (int n = 254; n <= 257; n++) {
		int len = snprintf(text, sizeof(text), "/*case='%0*d'*/ select 1", n, 7);
		assert_int_equal(sql_comment_value(base_span(text, (size_t)len), "case", arena, &value), n <= 255);
	}
	assert_int_equal(value.n, 255);
	size_t used = (size_t)snprintf(text, sizeof(text), "select 1 /*case='"); /* 255 bytes, each written as three */
	for (int i = 0; i < 255; i++)
		used += (size_t)snprintf(text + used, sizeof(text) - used, "%%41");
	used += (size_t)snprintf(text + used, sizeof(text) - used, "'*/");
	assert_true(sql_comment_value(base_span(text, used), "case", arena, &value));
	assert_int_equal(value.n, 255);
	assert_false(sql_comment_value(base_span_str("/*case='longer than eight, and than what is given out at once'*/"), "case", small, &value));
	assert_false(sql_comment_value(base_span_str("/*case='x'*/"), "", arena, &value));
	assert_false(sql_comment_value(base_span("/*case='x'*/ \0", 14), "case", arena, &value));
	assert_true(sql_comment_value(base_span_str("/*purpose='x',case='y'*/"), "purpose", arena, &value));
	assert_true(base_span_is(value, "x"));

	char *big = malloc(SQL_TEXT_MAX + 1);
	assert_non_null(big);
	memset(big, ' ', SQL_TEXT_MAX + 1);
	memcpy(big, "/*case='x'*/", 12);
	assert_true(sql_comment_value(base_span(big, SQL_TEXT_MAX), "case", arena, &value));
	assert_false(sql_comment_value(base_span(big, SQL_TEXT_MAX + 1), "case", arena, &value));
	free(big);
	base_arena_free(&arena);
	base_arena_free(&small);
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
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_limits),
	};
	return cmocka_run_group_tests(tests, NULL, teardown);
}
