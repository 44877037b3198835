/* test_proc_msg: frames both ways, whole, in pieces, with every hostile length. */
#include "proc_msg.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

static uint8_t entry[65536];

/* The messages of one direction in a row; returns how many. */
static size_t
fill(struct base_buf *b, bool from_gate)
{
	if (from_gate) {
		proc_msg_entry(b, 1, base_span("x", 1));
		proc_msg_entry(b, UINT64_MAX, base_span("{\"v\":1}", 7));
		proc_msg_recall(b, 1795363674123456);
		return 3;
	}
	proc_msg_hello(b, 0x0102030405060708);
	proc_msg_receipt(b, 42);
	proc_msg_failed(b, 43, PROC_MSG_DISK_FULL, "disk full");
	proc_msg_failed(b, 44, PROC_MSG_MALFORMED, "");
	proc_msg_notice(b, base_span("{\"n\":1}", 7));
	proc_msg_recalled(b, base_span("x", 1));
	proc_msg_recall_end(b, UINT64_MAX);
	return 7;
}

static void
check_message(const struct proc_msg *m, bool from_gate, size_t i)
{
	if (from_gate && i == 2) {
		assert_int_equal(m->type, PROC_MSG_RECALL);
		assert_int_equal(m->id, 1795363674123456);
		return;
	}
	if (from_gate) {
		assert_int_equal(m->type, PROC_MSG_ENTRY);
		assert_int_equal(m->id, i == 0 ? 1 : UINT64_MAX);
		assert_true(base_span_is(m->body, i == 0 ? "x" : "{\"v\":1}"));
		return;
	}
	switch (i) {
	case 0:
		assert_int_equal(m->type, PROC_MSG_HELLO);
		assert_int_equal(m->format, PROC_MSG_FORMAT);
		assert_int_equal(m->id, 0x0102030405060708);
		break;
	case 1:
		assert_int_equal(m->type, PROC_MSG_RECEIPT);
		assert_int_equal(m->id, 42);
		break;
	case 4:
		assert_int_equal(m->type, PROC_MSG_NOTICE);
		assert_true(base_span_is(m->body, "{\"n\":1}"));
		break;
	case 5:
		assert_int_equal(m->type, PROC_MSG_RECALLED);
		assert_true(base_span_is(m->body, "x"));
		break;
	case 6:
		assert_int_equal(m->type, PROC_MSG_RECALL_END);
		assert_int_equal(m->id, UINT64_MAX);
		break;
	default:
		assert_int_equal(m->type, PROC_MSG_FAILED);
		assert_int_equal(m->id, 41 + i);
		assert_int_equal(m->failure, i == 2 ? PROC_MSG_DISK_FULL : PROC_MSG_MALFORMED);
		assert_true(base_span_is(m->body, i == 2 ? "disk full" : ""));
		break;
	}
}

/* Byte by byte: each message appears exactly with its last byte, whatever was read before. */
static void
test_incremental(void **state)
{
	(void)state;
	for (unsigned from_gate = 0; from_gate < 2; from_gate++) {
		struct base_buf b;
		struct base_span all;
		size_t want, got = 0, start = 0;

		base_buf_init(&b, 1u << 20);
		want = fill(&b, from_gate);
		all = base_buf_span(&b);
		for (size_t end = 0; end <= all.n; end++) {
			struct proc_msg m;
			size_t used = 77, n = end - start;
			uint8_t *exact = malloc(n > 0 ? n : 1); /* exact, so that a sanitizer sees a read too far */
			int rc;

			assert_non_null(exact);
			memcpy(exact, all.p + start, n);
			rc = proc_msg_next(base_span(exact, n), from_gate, &m, &used, NULL);
			assert_true(rc == 0 || rc == 1);
			if (rc == 1) {
				assert_int_equal(used, n);
				check_message(&m, from_gate, got++);
				start = end;
			} else {
				assert_int_equal(used, 77);
			}
			free(exact);
		}
		assert_int_equal(got, want);
		assert_int_equal(start, all.n);
		base_buf_done(&b);
	}
}

static void
test_wrong_direction(void **state)
{
	(void)state;
	for (unsigned from_gate = 0; from_gate < 2; from_gate++) {
		struct base_fail fail = {0};
		struct base_buf b;
		struct proc_msg m;
		size_t used;

		base_buf_init(&b, 1u << 20);
		(void)fill(&b, from_gate);
		assert_int_equal(proc_msg_next(base_buf_span(&b), !from_gate, &m, &used, &fail), GH_E_PARSE);
		assert_string_equal(fail.text, from_gate ? "message type 1 is not legal here" : "message type 2 is not legal here");
		base_buf_done(&b);
	}
}

static const struct {
	const char *bytes;
	size_t n;
	bool from_gate;
	const char *text;
} hostile[] = {
	{"\0\0\0\0", 4, true, "message length 0 is outside 1..65544"},
	{"\xff\xff\xff\xff", 4, true, "message length 4294967295 is outside 1..65544"},
	{"\x80\0\0\0", 4, false, "message length 2147483648 is outside 1..65544"},
	{"\0\1\0\x09", 4, true, "message length 65545 is outside 1..65544"},
	{"\0\0\0\1\1", 5, true, "message of type 1 has length 1"},
	{"\0\0\0\x09\1", 5, true, "message of type 1 has length 9"}, /* an entry of no bytes */
	{"\0\0\0\x09\0", 5, true, "message type 0 is not legal here"},
	{"\0\0\0\x09\5", 5, false, "message type 5 is not legal here"},
	{"\0\0\0\x09\xff", 5, false, "message type 255 is not legal here"},
	{"\0\0\0\x0a\3", 5, false, "message of type 3 has length 10"},
	{"\0\0\0\x08\3", 5, false, "message of type 3 has length 8"},
	{"\0\1\0\x08\4", 5, false, "message of type 4 has length 65544"},
	{"\0\0\0\x08\5", 5, true, "message of type 5 has length 8"},
	{"\0\0\0\x0a\5", 5, true, "message of type 5 has length 10"},
	{"\0\0\0\2\6", 5, true, "message type 6 is not legal here"},
	{"\0\0\0\x09\7", 5, true, "message type 7 is not legal here"},
	{"\0\0\0\2\x08", 5, true, "message type 8 is not legal here"},
	{"\0\0\0\1\6", 5, false, "message of type 6 has length 1"},
	{"\0\1\0\1\6", 5, false, "message of type 6 has length 65537"},
	{"\0\0\0\x0a\7", 5, false, "message of type 7 has length 10"},
	{"\0\0\0\1\x08", 5, false, "message of type 8 has length 1"},
	{"\0\1\0\1\x08", 5, false, "message of type 8 has length 65537"},
	{"\0\0\0\2\x09", 5, false, "message type 9 is not legal here"},
	{"\0\0\0\x0d\2\0\0\0\2\0\0\0\0\0\0\0\0", 17, false, "keeper speaks format 2, we speak 1"},
	{"\0\0\0\x0a\4\0\0\0\0\0\0\0\0\0", 14, false, "unknown failure code 0"},
	{"\0\0\0\x0a\4\0\0\0\0\0\0\0\0\4", 14, false, "unknown failure code 4"},
};

static void
test_hostile(void **state)
{
	(void)state;
	for (size_t i = 0; i < BASE_COUNT(hostile); i++) {
		struct base_fail fail = {0};
		struct proc_msg m;
		size_t used;

		assert_int_equal(proc_msg_next(base_span(hostile[i].bytes, hostile[i].n), hostile[i].from_gate, &m, &used, &fail), GH_E_PARSE);
		assert_string_equal(fail.text, hostile[i].text);
	}
}

static void
test_limits(void **state)
{
	char text[3000];
	struct base_buf b;
	struct proc_msg m;
	size_t used;

	(void)state;
	base_buf_init(&b, 1u << 20);
	proc_msg_entry(&b, 9, base_span(entry, 65535));
	assert_int_equal(base_buf_len(&b), 4 + PROC_MSG_MAX);
	assert_int_equal(proc_msg_next(base_buf_span(&b), true, &m, &used, NULL), 1);
	assert_int_equal(m.body.n, 65535);
	base_buf_clear(&b);
	proc_msg_entry(&b, 9, base_span(entry, 65536));
	assert_true(b.bad);
	base_buf_clear(&b);
	proc_msg_entry(&b, 9, base_span(entry, 0));
	assert_true(b.bad);
	base_buf_clear(&b);
	for (unsigned which = 0; which < 2; which++) {
		void (*const put)(struct base_buf *, struct base_span) = which == 0 ? proc_msg_recalled : proc_msg_notice;

		base_buf_clear(&b);
		put(&b, base_span(entry, 65535));
		assert_int_equal(proc_msg_next(base_buf_span(&b), false, &m, &used, NULL), 1);
		assert_int_equal(m.body.n, 65535);
		base_buf_clear(&b);
		put(&b, base_span(entry, 65536));
		assert_true(b.bad);
		base_buf_clear(&b);
		put(&b, base_span(entry, 0));
		assert_true(b.bad);
	}
	base_buf_clear(&b);
	memset(text, 'x', sizeof(text));
	text[sizeof(text) - 1] = '\0';
	proc_msg_failed(&b, 1, PROC_MSG_WRITE_ERROR, text);
	assert_int_equal(proc_msg_next(base_buf_span(&b), false, &m, &used, NULL), 1);
	assert_int_equal(m.body.n, 1024);
	base_buf_done(&b);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_incremental),
		cmocka_unit_test(test_wrong_direction),
		cmocka_unit_test(test_hostile),
		cmocka_unit_test(test_limits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
