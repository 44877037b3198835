/* test_wire_write: golden bytes of each builder, what makes it latch, and that our own decoders read what it wrote. */
#include "wire_write.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "wire_read.h"

#define SPAN(s) base_span(s, sizeof(s) - 1)

/* The unread bytes are exactly these; then the buffer is emptied. */
static void
expect(struct base_buf *b, struct base_span want)
{
	struct base_span got = base_buf_span(b);

	assert_false(b->bad);
	assert_int_equal(got.n, want.n);
	assert_memory_equal(got.p, want.p, want.n);
	base_buf_clear(b);
}

static void
test_golden(void **state)
{
	const struct base_span names[] = {SPAN("user"), SPAN("database")}, values[] = {SPAN("bo"), SPAN("")};
	const struct base_span unknown[] = {SPAN("_pq_.x")};
	struct base_buf b;

	(void)state;
	base_buf_init(&b, 4096);
	wire_write_message(&b, 'Z', SPAN("I"));
	expect(&b, SPAN("Z\0\0\0\5I"));
	wire_write_message(&b, 'I', SPAN(""));
	expect(&b, SPAN("I\0\0\0\4"));
	wire_write_auth(&b, 0, SPAN(""));
	expect(&b, SPAN("R\0\0\0\x08\0\0\0\0"));
	wire_write_auth(&b, 12, SPAN("v=x"));
	expect(&b, SPAN("R\0\0\0\x0b\0\0\0\x0cv=x"));
	wire_write_sasl_mechanisms(&b, false);
	expect(&b, SPAN("R\0\0\0\x17\0\0\0\x0aSCRAM-SHA-256\0\0"));
	wire_write_sasl_mechanisms(&b, true);
	expect(&b, SPAN("R\0\0\0\x2a\0\0\0\x0aSCRAM-SHA-256-PLUS\0SCRAM-SHA-256\0\0"));
	wire_write_key_data(&b, 42, SPAN("\1\2\3\4"));
	expect(&b, SPAN("K\0\0\0\x0c\0\0\0\x2a\1\2\3\4"));
	wire_write_negotiate(&b, 2, unknown, 1);
	expect(&b, SPAN("v\0\0\0\x13\0\3\0\2\0\0\0\1_pq_.x\0"));
	wire_write_negotiate(&b, 0, NULL, 0);
	expect(&b, SPAN("v\0\0\0\x0c\0\3\0\0\0\0\0\0"));
	wire_write_error(&b, "FATAL", "28P01", "no", NULL);
	expect(&b, SPAN("E\0\0\0\x1e" "SFATAL\0VFATAL\0C28P01\0Mno\0\0"));
	wire_write_error(&b, "ERROR", "42501", "no", "ask");
	expect(&b, SPAN("E\0\0\0\x23" "SERROR\0VERROR\0C42501\0Mno\0Hask\0\0"));
	wire_write_ready(&b, 'T');
	expect(&b, SPAN("Z\0\0\0\5T"));
	wire_write_describe(&b, 'S', SPAN("st"));
	expect(&b, SPAN("D\0\0\0\x08Sst\0"));
	wire_write_startup(&b, names, values, 2);
	expect(&b, SPAN("\0\0\0\x1b\0\3\0\0user\0bo\0database\0\0\0"));
	wire_write_startup(&b, NULL, NULL, 0);
	expect(&b, SPAN("\0\0\0\x09\0\3\0\0\0"));
	wire_write_ssl_request(&b);
	expect(&b, SPAN("\0\0\0\x08\x04\xd2\x16\x2f"));
	wire_write_cancel(&b, 42, SPAN("\1\2\3\4"));
	expect(&b, SPAN("\0\0\0\x10\x04\xd2\x16\x2e\0\0\0\x2a\1\2\3\4"));
	wire_write_sasl_initial(&b, "SCRAM-SHA-256", SPAN("n,,"));
	expect(&b, SPAN("p\0\0\0\x19SCRAM-SHA-256\0\0\0\0\3n,,"));
	wire_write_sasl_initial(&b, "S", base_span(NULL, 0));
	expect(&b, SPAN("p\0\0\0\x0aS\0\xff\xff\xff\xff"));
	wire_write_sasl_response(&b, SPAN("c="));
	expect(&b, SPAN("p\0\0\0\6c="));
	base_buf_done(&b);
}

/* Several messages behind consumed and unread bytes: each length word lands in its own place, also after growing. */
static void
test_behind_others(void **state)
{
	struct base_buf b;
	struct wire_header h;
	uint8_t big[700] = {0};

	(void)state;
	base_buf_init(&b, 8192);
	base_buf_str(&b, "0123456789");
	base_buf_consume(&b, 7);
	for (int i = 0; i < 5; i++)
		wire_write_message(&b, 'd', base_span(big, sizeof(big)));
	wire_write_ready(&b, 'I');
	assert_false(b.bad);
	base_buf_consume(&b, 3);
	for (int i = 0; i < 5; i++) {
		assert_int_equal(wire_frame_header(WIRE_B, base_buf_span(&b), &h, NULL), 1);
		assert_true(h.type == 'd' && h.len == sizeof(big));
		base_buf_consume(&b, WIRE_HEADER + h.len);
	}
	expect(&b, SPAN("Z\0\0\0\5I"));
	base_buf_done(&b);
}

static void
test_read_back(void **state)
{
	const struct base_span name = SPAN("user"), value = SPAN("bo");
	struct wire_first_packet first;
	struct wire_cancel cancel;
	struct wire_mechanisms m;
	struct wire_error e;
	struct wire_auth a;
	struct base_buf b;

	(void)state;
	base_buf_init(&b, 4096);
	wire_write_error(&b, "FATAL", "57P03", "the database system is starting up", "wait");
	assert_int_equal(wire_read_error(base_span(base_buf_span(&b).p + 5, base_buf_len(&b) - 5), &e, NULL), 0);
	assert_true(base_span_is(e.sqlstate, "57P03") && base_span_is(e.hint, "wait") && e.detail.p == NULL);
	base_buf_clear(&b);
	wire_write_sasl_mechanisms(&b, true);
	assert_int_equal(wire_read_auth(base_span(base_buf_span(&b).p + 5, base_buf_len(&b) - 5), &a, NULL), 0);
	assert_int_equal(wire_read_mechanisms(a.rest, &m, NULL), 0);
	assert_true(a.code == 10 && m.scram && m.scram_plus);
	base_buf_clear(&b);
	wire_write_cancel(&b, 9, SPAN("12345678"));
	assert_int_equal(wire_frame_first(base_buf_span(&b), &first, NULL), 1);
	assert_int_equal(first.kind, WIRE_FIRST_CANCEL);
	assert_int_equal(wire_read_cancel(base_buf_span(&b), &cancel, NULL), 0);
	assert_true(cancel.pid == 9 && base_span_is(cancel.key, "12345678"));
	base_buf_clear(&b);
	wire_write_startup(&b, &name, &value, 1);
	assert_int_equal(wire_frame_first(base_buf_span(&b), &first, NULL), 1);
	assert_true(first.kind == WIRE_FIRST_STARTUP && first.size == base_buf_len(&b));
	base_buf_done(&b);
}

static void
test_latch(void **state)
{
	const struct base_span inner = SPAN("a\0b"), fine = SPAN("x"), empty = SPAN("");
	struct base_buf b;

	(void)state;
	base_buf_init(&b, 4096);
	wire_write_startup(&b, &inner, &fine, 1);
	assert_true(b.bad);
	base_buf_clear(&b);
	wire_write_startup(&b, &fine, &inner, 1);
	assert_true(b.bad);
	base_buf_clear(&b);
	wire_write_startup(&b, &empty, &fine, 1);
	assert_true(b.bad);
	base_buf_clear(&b);
	wire_write_describe(&b, 'S', inner);
	assert_true(b.bad);
	base_buf_done(&b);
	/* Every ceiling from 0 to the size of the message: latched until it fits, and never written past. */
	for (size_t max = 0; max <= 36; max++) {
		base_buf_init(&b, max);
		wire_write_error(&b, "ERROR", "42501", "no", "ask");
		assert_int_equal(b.bad, max < 36);
		assert_true(base_buf_len(&b) <= max);
		base_buf_done(&b);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_golden),
		cmocka_unit_test(test_behind_others),
		cmocka_unit_test(test_read_back),
		cmocka_unit_test(test_latch),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
