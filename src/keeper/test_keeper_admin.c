/* test_keeper_admin: which lines are administrative, whom they name, and that nothing inside a string passes for a field. What the encoder makes is read as it was meant. */
#include "keeper_admin.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "event_entry.h"

#define AT ",\"time\":\"2026-11-22T16:07:54.123456Z\""
#define K(kind) "{\"v\":1,\"kind\":\"" kind "\"" AT

static const struct {
	const char *line;
	int rc;
	enum keeper_admin_kind kind;
	const char *target;
	unsigned code;
} lines[] = {
	{K("suspend") ",\"why\":\"x\",\"target\":\"actor wang\",\"operator\":\"o\"}", 1, KEEPER_ADMIN_SUSPEND, "actor wang", 0},
	{K("resume") ",\"target\":\"employer North \\\"Star\\\"\"}", 1, KEEPER_ADMIN_RESUME, "employer North \\\"Star\\\"", 0},
	{K("enroll") ",\"target\":\"actor a\\\\\"}", 1, KEEPER_ADMIN_ENROLL, "actor a\\\\", 0},
	{K("step") ",\"actor\":\"li.na\",\"why\":\"recovery code\",\"counter\":1}", 1, KEEPER_ADMIN_STEP, "li.na", 1},
	{K("step") ",\"actor\":\"li.na\",\"why\":\"recovery code\",\"counter\":10,\"node\":\"g\"}", 1, KEEPER_ADMIN_STEP, "li.na", 10},
	/* not administrative */
	{K("step") ",\"actor\":\"li.na\",\"counter\":59845455}", 0, 0, "", 0},
	{K("step") ",\"actor\":\"li.na\",\"why\":\"wrong code\"}", 0, 0, "", 0},
	{K("read") ",\"why\":\"recovery code\",\"target\":\"actor wang\"}", 0, 0, "", 0},
	{"{\"v\":1,\"kind\":\"suspends\"" AT ",\"target\":\"actor wang\"}", 0, 0, "", 0},
	{"{ \"v\":1,\"kind\":\"suspend\"" AT ",\"target\":\"actor wang\"}", 0, 0, "", 0}, /* no reader takes it for an entry */
	{"{\"v\":2,\"kind\":\"suspend\"" AT ",\"target\":\"actor wang\"}", 0, 0, "", 0},
	{"", 0, 0, "", 0},
	/* administrative, and about nobody: may not be recorded */
	{K("suspend") "}", GH_E_PARSE, 0, "", 0},
	{K("suspend") ",\"target\":\"\"}", GH_E_PARSE, 0, "", 0},
	{K("suspend") ",\"target\":\"actor \"}", GH_E_PARSE, 0, "", 0},
	{K("suspend") ",\"target\":\"group x\"}", GH_E_PARSE, 0, "", 0},
	{K("suspend") ",\"target\":\"actor x", GH_E_PARSE, 0, "", 0},
	{K("suspend") ",\"target\":\"actor x\\\"", GH_E_PARSE, 0, "", 0},
	{K("suspend") ",\"target\":\"actor x\\", GH_E_PARSE, 0, "", 0},
	{K("step") ",\"why\":\"recovery code\",\"counter\":1}", GH_E_PARSE, 0, "", 0},
	{K("step") ",\"actor\":\"a\",\"why\":\"recovery code\"}", GH_E_PARSE, 0, "", 0},
	{K("step") ",\"actor\":\"a\",\"why\":\"recovery code\",\"counter\":0}", GH_E_PARSE, 0, "", 0},
	{K("step") ",\"actor\":\"a\",\"why\":\"recovery code\",\"counter\":11}", GH_E_PARSE, 0, "", 0},
	{K("step") ",\"actor\":\"a\",\"why\":\"recovery code\",\"counter\":99999999999999999999}", GH_E_PARSE, 0, "", 0},
	/* a field's name inside a string is none */
	{K("suspend") ",\"why\":\",\\\"target\\\":\\\"actor evil\\\"\",\"target\":\"actor wang\"}", 1, KEEPER_ADMIN_SUSPEND, "actor wang", 0},
	{K("suspend") ",\"why\":\",\\\"target\\\":\\\"actor evil\\\"\"}", GH_E_PARSE, 0, "", 0},
};

static void
test_lines(void **state)
{
	(void)state;
	for (size_t i = 0; i < BASE_COUNT(lines); i++) {
		size_t all = strlen(lines[i].line);
		struct keeper_admin a = {.code = 77};

		for (size_t n = 0; n <= all; n++) { /* cut at every length, in memory that ends there */
			uint8_t *exact = malloc(n > 0 ? n : 1);

			assert_non_null(exact);
			memcpy(exact, lines[i].line, n);
			int rc = keeper_admin_read(base_span(exact, n), &a);
			assert_in_range(rc + 10, 0, 11);
			free(exact);
		}
		a.code = 0;
		if (keeper_admin_read(base_span_str(lines[i].line), &a) != lines[i].rc)
			fail_msg("%s", lines[i].line);
		if (lines[i].rc == 1 && (a.kind != lines[i].kind || !base_span_is(a.target, lines[i].target) || a.code != lines[i].code))
			fail_msg("%s: %.*s %u", lines[i].line, (int)a.target.n, (const char *)a.target.p, a.code);
	}
}

static void
test_long(void **state)
{
	static char line[KEEPER_ADMIN_MAX + 200];
	struct keeper_admin a;

	(void)state;
	for (int over = -1; over <= 1; over++) {
		size_t n = (size_t)((int)KEEPER_ADMIN_MAX + over);
		static const char head[] = K("suspend") ",\"target\":\"actor ";

		memset(line, 'x', n);
		memcpy(line, head, sizeof(head) - 1);
		memcpy(line + n - 2, "\"}", 2);
		assert_int_equal(keeper_admin_read(base_span(line, n), &a), over > 0 ? GH_E_PARSE : 1);
	}
}

/* Every byte as a name: through the encoder and back. */
static void
test_encoded(void **state)
{
	(void)state;
	for (unsigned c = 0; c < 256; c++) {
		char target[] = "actor x,\"target\":\"actor y";
		struct event_entry e = {.kind = c % 2 ? EVENT_SUSPEND : EVENT_RESUME, .time_us = 1795363674123456 + c};
		struct keeper_admin a;
		struct base_buf out;
		uint64_t us = 0;

		target[7] = (char)c;
		e.why = base_span(target, sizeof(target) - 1);
		e.target = base_span(target, sizeof(target) - 1);
		base_buf_init(&out, EVENT_ENTRY_MAX);
		assert_int_equal(event_entry_encode(&e, &out, NULL), 0);
		assert_int_equal(keeper_admin_read(base_buf_span(&out), &a), 1);
		assert_true(a.target.n >= sizeof(target) - 1 && memcmp(a.target.p, "actor x", 7) == 0 && memcmp(a.target.p + a.target.n - 7, "actor y", 7) == 0);
		assert_true(keeper_admin_time(base_buf_span(&out), &us));
		assert_int_equal(us, e.time_us);
		base_buf_done(&out);
	}
}

static void
test_time(void **state)
{
	static const char *const none[] = {"", "{}", "{\"v\":1,\"kind\":\"stop\"}", "{\"v\":1,\"kind\":\"stop\",\"time\":\"2026-11-22\"}",
		"{\"v\":1,\"kind\":\"stop\",\"time\":\"2026-13-22T16:07:54.123456Z\"}", "{\"v\":1,\"kind\":\"stop\",\"seq\":1" AT "}", "{\"v\":1,\"kind\":\"stop\",\"time\":\"2026"};
	uint64_t us = 7;

	(void)state;
	for (size_t i = 0; i < BASE_COUNT(none); i++)
		assert_false(keeper_admin_time(base_span_str(none[i]), &us));
	assert_true(keeper_admin_time(base_span_str(K("stop") "}"), &us));
	assert_int_equal(us, 1795363674123456);
	assert_true(base_span_is(keeper_admin_actor(base_span_str("actor a b")), "a b"));
	assert_int_equal(keeper_admin_actor(base_span_str("employer a")).n, 0);
	assert_int_equal(keeper_admin_actor(base_span_str("actor ")).n, 0);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lines),
		cmocka_unit_test(test_long),
		cmocka_unit_test(test_encoded),
		cmocka_unit_test(test_time),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
