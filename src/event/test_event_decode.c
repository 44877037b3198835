/* test_event_decode: what is accepted comes back whole; everything else is refused with a reason. */
#include "event_entry.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#define HEAD "{\"v\":1,\"kind\":\"read\",\"time\":\"2026-11-22T16:07:54.123456Z\""
static const char whole[] = HEAD ",\"session\":\"0123456789abcdef\",\"seq\":7,\"part\":2,\"last\":true,\"actor\":\"li\\u0000na\","
	"\"groups\":[\"a\",\"b\"],\"text\":\"select \xe6\x9d\x8e\",\"columns\":[\"p.c.x\"],\"rows\":1,\"subjects\":\"known\",\"epoch\":2026,"
	"\"kinds\":[\"c.key\"],\"marks\":\"AQIDBAUGBwg=\",\"classes\":\"W\",\"case\":\"8841\",\"target\":\"actor x\",\"operator\":\"o\",\"counter\":3,"
	"\"until\":\"2026-11-22T16:37:54.123456Z\",\"node\":\"g\"}";

static void
test_whole(void **state)
{
	struct event_decoded *d = NULL;
	struct base_fail fail = {0};
	const struct event_entry *e;

	(void)state;
	if (event_decode(base_span_str(whole), &d, &fail) != GH_OK)
		fail_msg("%s", fail.text);
	e = event_decoded_entry(d);
	assert_int_equal(e->kind, EVENT_READ);
	assert_int_equal(e->time_us, 1795363674123456);
	assert_true(base_span_is(e->session, "0123456789abcdef"));
	assert_int_equal(e->seq, 7);
	assert_int_equal(e->part, 2);
	assert_true(e->last);
	assert_true(base_span_eq(e->actor, base_span("li\0na", 5)));
	assert_int_equal(e->groups.count, 2);
	assert_true(base_span_is(e->groups.item[1], "b"));
	assert_int_equal(e->tables.count, 0);
	assert_int_equal(e->rows, 1);
	assert_int_equal(e->subjects, EVENT_SUBJECTS_KNOWN);
	assert_int_equal(e->epoch, 2026);
	assert_true(base_span_eq(e->marks, base_span("\1\2\3\4\5\6\7\10", 8)));
	assert_true(base_span_is(e->classes, "W") && base_span_is(e->case_number, "8841") && base_span_is(e->target, "actor x"));
	assert_true(base_span_is(e->operator, "o") && e->counter == 3 && e->until_us == 1795365474123456);
	assert_true(e->login.n == 0 && e->purpose.n == 0 && e->budget.n == 0 && e->owner.n == 0);
	assert_true(base_span_is(e->node, "g"));
	event_decoded_free(&d);
	assert_null(d);
	event_decoded_free(&d);
}

/* Every proper prefix and every single wrong byte of a good line: refused, or another canonical entry; never a crash. */
static void
test_truncated_and_bent(void **state)
{
	char copy[sizeof(whole)];

	(void)state;
	for (size_t n = 0; n < sizeof(whole) - 1; n++) {
		struct event_decoded *d = NULL;
		void *exact = malloc(n + 1);

		assert_non_null(exact);
		memcpy(exact, whole, n); /* an allocation of its own, so that a sanitizer sees the first byte too far */
		exact = realloc(exact, n > 0 ? n : 1);
		assert_int_equal(event_decode(base_span(exact, n), &d, NULL), GH_E_PARSE);
		assert_null(d);
		free(exact);
	}
	for (size_t i = 0; i < sizeof(whole) - 1; i++) {
		static const char bytes[] = {'"', '}', ' ', '0', 'z', '\\', '\0', (char)0xff};

		for (size_t b = 0; b < sizeof(bytes); b++) {
			struct event_decoded *d = NULL;

			memcpy(copy, whole, sizeof(whole));
			copy[i] = bytes[b];
			if (event_decode(base_span(copy, sizeof(whole) - 1), &d, NULL) == GH_OK)
				event_decoded_free(&d);
			assert_null(d);
		}
	}
}

static const struct {
	const char *line;
	int code;
	const char *text; /* the beginning */
} bad[] = {
	{"", GH_E_PARSE, "not JSON"},
	{"[]", GH_E_PARSE, "entry is not a JSON object"},
	{"{}", GH_E_PARSE, "not an entry of format 1"},
	{"{\"v\":2}", GH_E_PARSE, "not an entry of format 1"},
	{"{\"v\":1}", GH_E_PARSE, "kind or time is missing"},
	{HEAD ",\"rows\":0", GH_E_PARSE, "not JSON"},
	{HEAD ",\"rows\":0,\"until\":\"1970-01-01T00:00:00.000000Z\"}", GH_E_VERIFY, "entry is not in canonical form"},
	{HEAD ",\"rows\":0,\"until\":\"tomorrow\"}", GH_E_PARSE, "field \"until\" has a malformed value"},
	{HEAD ",\"rows\":0,\"counter\":\"3\"}", GH_E_PARSE, "field \"counter\" has a malformed value"},
	{HEAD ",\"rows\":0,\"operator\":\"o\",\"target\":\"t\"}", GH_E_VERIFY, "entry is not in canonical form"},
	{HEAD ",\"rows\":0,\"case_number\":\"1\"}", GH_E_PARSE, "unknown field \"case_number\""},
	{HEAD ",\"rows\":0}x", GH_E_PARSE, "not JSON"},
	{HEAD ",\"rows\":0}\n", GH_E_VERIFY, "entry is not in canonical form"},
	{HEAD ", \"rows\":0}", GH_E_VERIFY, "entry is not in canonical form"},
	{HEAD "}", GH_E_VERIFY, "entry is not in canonical form"}, /* rows is always there in a read */
	{HEAD ",\"rows\":0,\"seq\":1}", GH_E_VERIFY, "entry is not in canonical form"},
	{HEAD ",\"seq\":0,\"rows\":0}", GH_E_VERIFY, "entry is not in canonical form"},
	{HEAD ",\"actor\":\"\",\"rows\":0}", GH_E_VERIFY, "entry is not in canonical form"},
	{HEAD ",\"actor\":\"\\u0041\",\"rows\":0}", GH_E_VERIFY, "entry is not in canonical form"},
	{HEAD ",\"actor\":\"a\\nb\",\"rows\":0}", GH_E_VERIFY, "entry is not in canonical form"},
	{HEAD ",\"groups\":[],\"rows\":0}", GH_E_VERIFY, "entry is not in canonical form"},
	{HEAD ",\"rows\":9007199254740992}", GH_E_VERIFY, "entry is not in canonical form"},
	{HEAD ",\"rows\":99999999999999999999}", GH_E_PARSE, "not JSON"},
	{HEAD ",\"rows\":1.0}", GH_E_PARSE, "field \"rows\" has a malformed value"},
	{HEAD ",\"rows\":-1}", GH_E_PARSE, "field \"rows\" has a malformed value"},
	{HEAD ",\"rows\":\"1\"}", GH_E_PARSE, "field \"rows\" has a malformed value"},
	{HEAD ",\"rows\":null}", GH_E_PARSE, "field \"rows\" has a malformed value"},
	{HEAD ",\"part\":4294967296,\"rows\":0}", GH_E_PARSE, "field \"part\" has a malformed value"},
	{HEAD ",\"last\":false,\"rows\":0}", GH_E_PARSE, "field \"last\" has a malformed value"},
	{HEAD ",\"groups\":\"a\",\"rows\":0}", GH_E_PARSE, "field \"groups\" has a malformed value"},
	{HEAD ",\"groups\":[1],\"rows\":0}", GH_E_PARSE, "field \"groups\" has a malformed value"},
	{HEAD ",\"rows\":0,\"subjects\":\"some\"}", GH_E_PARSE, "field \"subjects\" has a malformed value"},
	{HEAD ",\"rows\":0,\"rows\":0}", GH_E_PARSE, "not JSON: duplicate object key"},
	{HEAD ",\"rows\":0,\"x\\u000ay\":0}", GH_E_PARSE, "unknown field \"x\\x0ay\""},
	{HEAD ",\"rows\":0,\"Rows\":0}", GH_E_PARSE, "unknown field \"Rows\""},
	{HEAD ",\"rows\":0,\"kinds\":[\"k\"],\"marks\":\"AQIDBAUGBwg\"}", GH_E_PARSE, "field \"marks\" has a malformed value"},
	{HEAD ",\"rows\":0,\"kinds\":[\"k\"],\"marks\":\"AQIDBAUGBwk=\"}", GH_OK, ""},
	{HEAD ",\"rows\":0,\"kinds\":[\"k\"],\"marks\":\"AQIDBAUG\"}", GH_E_PARSE, "marks are not whole tuples"},
	{HEAD ",\"rows\":0,\"marks\":\"AQIDBAUGBwg=\"}", GH_E_PARSE, "marks are not whole tuples"},
	{"{\"v\":1,\"kind\":\"reads\",\"time\":\"2026-11-22T16:07:54.123456Z\"}", GH_E_PARSE, "field \"kind\" has a malformed value"},
	{"{\"v\":1,\"kind\":\"stop\",\"time\":\"2026-11-22\"}", GH_E_VERIFY, "entry is not in canonical form"},
	{"{\"v\":1,\"kind\":\"stop\",\"time\":\"2026-13-22T16:07:54.123456Z\"}", GH_E_PARSE, "field \"time\" has a malformed value"},
	{"{\"kind\":\"stop\",\"v\":1,\"time\":\"2026-11-22T16:07:54.123456Z\"}", GH_E_VERIFY, "entry is not in canonical form"},
};

static void
test_bad(void **state)
{
	(void)state;
	for (size_t i = 0; i < BASE_COUNT(bad); i++) {
		struct event_decoded *d = NULL;
		struct base_fail fail = {0};
		int rc = event_decode(base_span_str(bad[i].line), &d, &fail);

		if (rc != bad[i].code || strncmp(fail.text, bad[i].text, strlen(bad[i].text)) != 0)
			fail_msg("%s: got %d \"%s\"", bad[i].line, rc, fail.text);
		event_decoded_free(&d);
	}
}

static void
test_big(void **state)
{
	static uint8_t deep[EVENT_ENTRY_MAX + 1];
	struct event_decoded *d = NULL;

	(void)state;
	memset(deep, '[', sizeof(deep));
	assert_int_equal(event_decode(base_span(deep, sizeof(deep)), &d, NULL), GH_E_PARSE);
	assert_int_equal(event_decode(base_span(deep, sizeof(deep) - 1), &d, NULL), GH_E_PARSE);
	assert_null(d);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_whole),
		cmocka_unit_test(test_truncated_and_bent),
		cmocka_unit_test(test_bad),
		cmocka_unit_test(test_big),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
