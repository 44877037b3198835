/* test_event_entry: canonical form, cutting, limits, and that nothing is written on failure. */
#include "event_entry.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#define S(text) {(const uint8_t *)(text), sizeof(text) - 1}
#define ELLIPSIS "\xe2\x80\xa6"

static const struct event_entry read_entry = {
	.kind = EVENT_READ, .time_us = 1795363674123456, .session = S("0123456789abcdef"), .seq = 7, .part = 1, .last = true,
	.actor = S("li.na"), .name = S("\xe6\x9d\x8e\xe5\xa8\x9c"), .employer = S("North Star"), .province = S("Guangdong"), .team = S("T3"),
	.groups = {2, {S("support"), S("night")}}, .application = S("psql"), .address = S("10.0.0.7:50123"),
	.auth = S("scram-sha-256"), .tls = S("TLSv1.3"), .database = S("crm"),
	.statement = S("e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
	.text = S("select id, \"Name\" from customers where phone = $1"), .tables = {1, {S("public.customers")}},
	.columns = {2, {S("public.customers.id"), S("public.customers.Name")}}, .rows = 2, .subjects = EVENT_SUBJECTS_KNOWN, .via = S("answer"),
	.epoch = 2026, .kinds = {2, {S("customer.key"), S("customer.phone")}},
	.marks = S("\x01\x02\x03\x04\x05\x06\x07\x08\x00\x00\x00\x00\x00\x00\x00\x00"
		   "\xff\xfe\xfd\xfc\xfb\xfa\xf9\xf8\x11\x12\x13\x14\x15\x16\x17\x18"),
	.policy = S("00112233445566ff"), .people = S("ffeeddccbbaa9988"), .node = S("gate1"),
};

static const struct {
	struct event_entry e;
	const char *line;
} golden[] = {
	{{.kind = EVENT_START}, "{\"v\":1,\"kind\":\"start\",\"time\":\"1970-01-01T00:00:00.000000Z\"}"},
	{{.kind = EVENT_START, .time_us = 1, .node = S("gate1"), .version = S("0.1.0")},
	    "{\"v\":1,\"kind\":\"start\",\"time\":\"1970-01-01T00:00:00.000001Z\",\"node\":\"gate1\",\"version\":\"0.1.0\"}"},
	{{.kind = EVENT_WRITE}, "{\"v\":1,\"kind\":\"write\",\"time\":\"1970-01-01T00:00:00.000000Z\",\"rows\":0}"},
	{{.kind = EVENT_READ, .rows = UINT64_MAX, .seq = UINT64_MAX, .part = UINT32_MAX, .epoch = UINT32_MAX},
	    "{\"v\":1,\"kind\":\"read\",\"time\":\"1970-01-01T00:00:00.000000Z\",\"seq\":9007199254740991,\"part\":4294967295,"
	    "\"rows\":9007199254740991,\"epoch\":4294967295}"},
	{{.kind = EVENT_CLOSE, .why = S("a\"b\\c\n\x01\x1f\x7f/\xc3\xa4\xff\xc0\xaf\xed\xa0\x80")},
	    "{\"v\":1,\"kind\":\"close\",\"time\":\"1970-01-01T00:00:00.000000Z\",\"why\":\"a\\\"b\\\\c\\u000a\\u0001\\u001f\x7f/\xc3\xa4"
	    "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\"}"},
	{{.kind = EVENT_SUSPEND, .target = S("employer North Star"), .operator = S("maria"), .why = S("why"), .node = S("g")},
	    "{\"v\":1,\"kind\":\"suspend\",\"time\":\"1970-01-01T00:00:00.000000Z\",\"why\":\"why\",\"target\":\"employer North Star\","
	    "\"operator\":\"maria\",\"node\":\"g\"}"},
	{{.kind = EVENT_STEP, .actor = S("li.na"), .login = S("crm_app"), .name = S("Li Na"), .why = S("right"), .counter = UINT64_MAX, .until_us = 1795363674123456},
	    "{\"v\":1,\"kind\":\"step\",\"time\":\"1970-01-01T00:00:00.000000Z\",\"actor\":\"li.na\",\"login\":\"crm_app\",\"name\":\"Li Na\","
	    "\"why\":\"right\",\"counter\":9007199254740991,\"until\":\"2026-11-22T16:07:54.123456Z\"}"},
	{{.kind = EVENT_READ, .rows = 2, .kinds = {1, {S("k")}}, .marks = S("\1\2\3\4\5\6\7\10\1\2\3\4\5\6\7\10"), .classes = S("eU"), .purpose = S("refund"),
		.case_number = S("8841"), .budget = S("b"), .owner = S("o")},
	    "{\"v\":1,\"kind\":\"read\",\"time\":\"1970-01-01T00:00:00.000000Z\",\"rows\":2,\"kinds\":[\"k\"],\"marks\":\"AQIDBAUGBwgBAgMEBQYHCA==\","
	    "\"classes\":\"eU\",\"purpose\":\"refund\",\"case\":\"8841\",\"budget\":\"b\",\"owner\":\"o\"}"},
	{{.kind = EVENT_DENY, .why = {(const uint8_t *)"a\0b", 3}, .groups = {3, {S(""), S("x"), S("\"")}}},
	    "{\"v\":1,\"kind\":\"deny\",\"time\":\"1970-01-01T00:00:00.000000Z\",\"groups\":[\"\",\"x\",\"\\\"\"],\"why\":\"a\\u0000b\"}"},
};

static void
check(const struct event_entry *e, const char *want)
{
	struct base_buf out;
	struct base_fail fail = {0};

	base_buf_init(&out, EVENT_ENTRY_MAX);
	assert_int_equal(event_entry_encode(e, &out, &fail), GH_OK);
	base_buf_u8(&out, 0);
	assert_string_equal((const char *)base_buf_span(&out).p, want);
	base_buf_done(&out);
}

static void
test_golden(void **state)
{
	(void)state;
	for (size_t i = 0; i < BASE_COUNT(golden); i++)
		check(&golden[i].e, golden[i].line);
	check(&read_entry,
	    "{\"v\":1,\"kind\":\"read\",\"time\":\"2026-11-22T16:07:54.123456Z\",\"session\":\"0123456789abcdef\",\"seq\":7,\"part\":1,"
	    "\"last\":true,\"actor\":\"li.na\",\"name\":\"\xe6\x9d\x8e\xe5\xa8\x9c\",\"employer\":\"North Star\",\"province\":\"Guangdong\","
	    "\"team\":\"T3\",\"groups\":[\"support\",\"night\"],\"application\":\"psql\",\"address\":\"10.0.0.7:50123\","
	    "\"auth\":\"scram-sha-256\",\"tls\":\"TLSv1.3\",\"database\":\"crm\","
	    "\"statement\":\"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855\","
	    "\"text\":\"select id, \\\"Name\\\" from customers where phone = $1\",\"tables\":[\"public.customers\"],"
	    "\"columns\":[\"public.customers.id\",\"public.customers.Name\"],\"rows\":2,\"subjects\":\"known\",\"via\":\"answer\","
	    "\"epoch\":2026,\"kinds\":[\"customer.key\",\"customer.phone\"],"
	    "\"marks\":\"AQIDBAUGBwgAAAAAAAAAAP/+/fz7+vn4ERITFBUWFxg=\",\"policy\":\"00112233445566ff\","
	    "\"people\":\"ffeeddccbbaa9988\",\"node\":\"gate1\"}");
}

static void
test_kinds(void **state)
{
	enum event_kind k;

	(void)state;
	for (unsigned i = 0; i < EVENT_KIND_COUNT; i++) {
		assert_int_equal(event_kind_parse(base_span_str(event_kind_name((enum event_kind)i)), &k), GH_OK);
		assert_int_equal(k, i);
	}
	assert_int_equal(event_kind_parse(base_span_str("rea"), &k), GH_E_PARSE);
	assert_int_equal(event_kind_parse(base_span_str("reads"), &k), GH_E_PARSE);
	assert_int_equal(event_kind_parse(base_span_str(""), &k), GH_E_PARSE);
	assert_string_equal(event_kind_name(EVENT_KIND_COUNT), "unknown");
}

static bool
contains(struct base_span s, const char *part)
{
	return memmem(s.p, s.n, part, strlen(part)) != NULL;
}

/* Encodes, checks that decoding gives the same bytes again, and leaves the line in out. */
static void
encode_checked(const struct event_entry *e, struct base_buf *out)
{
	struct event_decoded *d = NULL;
	struct base_fail fail = {0};

	base_buf_clear(out);
	if (event_entry_encode(e, out, &fail) != GH_OK)
		fail_msg("encode: %s", fail.text);
	assert_true(base_buf_len(out) <= EVENT_ENTRY_MAX);
	if (event_decode(base_buf_span(out), &d, &fail) != GH_OK)
		fail_msg("decode: %s", fail.text);
	event_decoded_free(&d);
}

static void
test_cut_text(void **state)
{
	static uint8_t big[70000];
	struct event_entry e = {.kind = EVENT_READ};
	struct base_buf out;

	(void)state;
	base_buf_init(&out, EVENT_ENTRY_MAX);
	for (size_t n = 240; n < 270; n++) { /* around the ceiling of 256, with units of 1, 2, 3 and 6 bytes */
		static const char *const unit[] = {"a", "\xc3\xa4", "\xe6\x9d\x8e", "\x01", "\xff"};

		for (size_t u = 0; u < BASE_COUNT(unit); u++) {
			size_t len = strlen(unit[u]);

			for (size_t i = 0; i < sizeof(big) - len; i += len)
				memcpy(big + i, unit[u], len);
			e.actor = base_span(big, n - n % len);
			encode_checked(&e, &out);
			assert_int_equal(contains(base_buf_span(&out), ELLIPSIS "\""), e.actor.n / len * (u == 3 ? 6 : u == 4 ? 3 : len) > 256);
		}
	}
	memset(big, 'x', sizeof(big));
	e = (struct event_entry){.kind = EVENT_READ, .text = {big, sizeof(big)}};
	encode_checked(&e, &out);
	assert_true(contains(base_buf_span(&out), "xxx" ELLIPSIS "\",\"rows\":0"));
	base_buf_done(&out);
}

static void
test_cut_lists(void **state)
{
	static uint8_t big[20000];
	struct event_entry e = {.kind = EVENT_READ};
	struct base_buf out;

	(void)state;
	base_buf_init(&out, EVENT_ENTRY_MAX);
	memset(big, 'x', sizeof(big));
	e.columns.count = 1000; /* the caller had more than fits the struct */
	for (size_t i = 0; i < EVENT_LIST_MAX; i++)
		e.columns.item[i] = base_span(big, 3);
	encode_checked(&e, &out);
	assert_true(contains(base_buf_span(&out), "\"xxx\",\"" ELLIPSIS "\"]"));
	e.columns.count = EVENT_LIST_MAX;
	encode_checked(&e, &out);
	assert_false(contains(base_buf_span(&out), ELLIPSIS));
	for (size_t len = 190; len < 210; len++) {
		for (size_t i = 0; i < EVENT_LIST_MAX; i++)
			e.columns.item[i] = base_span(big, len);
		encode_checked(&e, &out);
		assert_int_equal(contains(base_buf_span(&out), ",\"" ELLIPSIS "\"]"), (len + 3) * EVENT_LIST_MAX - 1 > 12800);
	}
	e.columns = (struct event_list){1, {{big, sizeof(big)}}};
	encode_checked(&e, &out);
	assert_true(contains(base_buf_span(&out), "\"columns\":[\"" ELLIPSIS "\"]"));
	base_buf_done(&out);
}

/* Every field as large as it can be, with hostile content: it fits, and one tuple of 64 marks still does. */
static void
test_everything_at_once(void **state)
{
	static uint8_t big[70000];
	struct event_entry e = {.kind = EVENT_READ, .time_us = UINT64_MAX, .seq = UINT64_MAX, .part = UINT32_MAX, .last = true,
		.rows = UINT64_MAX, .subjects = EVENT_SUBJECTS_UNKNOWN, .epoch = UINT32_MAX};
	struct base_span all = {big, sizeof(big)};
	struct event_list list = {.count = EVENT_LIST_MAX};
	struct base_buf out;
	size_t tuples;

	(void)state;
	base_buf_init(&out, EVENT_ENTRY_MAX);
	memset(big, 1, sizeof(big));
	for (size_t i = 0; i < EVENT_LIST_MAX; i++)
		list.item[i] = base_span(big, 20);
	e.login = e.classes = e.purpose = e.case_number = e.budget = e.target = e.operator = e.owner = all;
	e.counter = e.until_us = UINT64_MAX;
	e.session = e.actor = e.name = e.employer = e.province = e.team = e.application = e.address = e.auth = e.tls = all;
	e.database = e.statement = e.text = e.via = e.why = e.policy = e.people = e.file = e.sqlstate = e.node = e.version = all;
	e.groups = e.tables = e.columns = e.kinds = list;
	encode_checked(&e, &out);
	tuples = event_entry_tuples_max(&e, EVENT_LIST_MAX);
	assert_true(tuples >= 1);
	e.marks = base_span(big, tuples * EVENT_LIST_MAX * 8);
	encode_checked(&e, &out);
	base_buf_done(&out);
}

static void
test_marks_limit(void **state)
{
	static uint8_t big[70000];
	struct event_entry e = read_entry;
	struct base_fail fail = {0};
	struct base_buf out;

	(void)state;
	base_buf_init(&out, EVENT_ENTRY_MAX);
	for (size_t kinds = 1; kinds <= 4; kinds++) {
		size_t tuples;

		e.kinds.count = kinds;
		for (size_t i = 0; i < kinds; i++)
			e.kinds.item[i] = base_span_str("customer.something");
		tuples = event_entry_tuples_max(&e, kinds);
		assert_true(tuples > 5000 / kinds);
		e.marks = base_span(big, tuples * kinds * 8);
		encode_checked(&e, &out);
	}
	/* The text gives way to marks, and then the marks do not fit. */
	e.kinds.count = 1;
	memset(big, 'x', sizeof(big));
	e.text = base_span(big, 16000);
	for (size_t n = 4000; n < 8192; n += 1) {
		int rc;

		e.marks = base_span(big, n * 8);
		base_buf_clear(&out);
		rc = event_entry_encode(&e, &out, &fail);
		if (rc == GH_OK) {
			assert_true(base_buf_len(&out) <= EVENT_ENTRY_MAX);
			if (n % 97 == 0)
				encode_checked(&e, &out);
			continue;
		}
		assert_int_equal(rc, GH_E_LIMIT);
		assert_true(n > 5900);
		assert_int_equal(base_buf_len(&out), 0);
		assert_false(out.bad);
		break;
	}
	e.marks = base_span(big, 12);
	assert_int_equal(event_entry_encode(&e, &out, &fail), GH_E_PARSE);
	e.kinds.count = 0;
	e.marks = base_span(big, 16);
	assert_int_equal(event_entry_encode(&e, &out, &fail), GH_E_PARSE);
	e.kinds.count = EVENT_LIST_MAX + 1;
	assert_int_equal(event_entry_encode(&e, &out, &fail), GH_E_PARSE); /* not whole tuples of 64 */
	e.marks = base_span(big, EVENT_LIST_MAX * 8);
	for (size_t i = 0; i < EVENT_LIST_MAX; i++)
		e.kinds.item[i] = base_span_str("k");
	assert_int_equal(event_entry_encode(&e, &out, &fail), GH_E_LIMIT);
	assert_int_equal(base_buf_len(&out), 0);
	base_buf_done(&out);
}

static void
test_room(void **state)
{
	struct base_buf out;
	size_t size;

	(void)state;
	base_buf_init(&out, EVENT_ENTRY_MAX);
	assert_int_equal(event_entry_encode(&read_entry, &out, NULL), GH_OK);
	size = base_buf_len(&out);
	base_buf_done(&out);
	for (size_t max = 0; max < size + 3; max++) { /* room is judged by the true size, and failing leaves the buffer usable */
		struct base_fail fail = {0};
		int rc;

		base_buf_init(&out, max);
		rc = event_entry_encode(&read_entry, &out, &fail);
		assert_int_equal(rc, max < size ? GH_E_LIMIT : GH_OK);
		assert_int_equal(base_buf_len(&out), max < size ? 0 : size);
		base_buf_done(&out);
	}
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_golden),
		cmocka_unit_test(test_kinds),
		cmocka_unit_test(test_cut_text),
		cmocka_unit_test(test_cut_lists),
		cmocka_unit_test(test_everything_at_once),
		cmocka_unit_test(test_marks_limit),
		cmocka_unit_test(test_room),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
