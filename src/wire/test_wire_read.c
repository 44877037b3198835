/* test_wire_read: each decoder on golden bytes, on every truncation of them, on one byte too many, and on what else it must refuse. */
#include "wire_read.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#define BYTES(s) {(const uint8_t *)(s), sizeof(s) - 1}
#define SPAN(s) base_span(s, sizeof(s) - 1)

/* Decoders behind one signature; with `check` they also look at what came out. */
typedef int (*decoder)(struct base_span in, bool check, struct base_fail *fail);

static int
do_startup(struct base_span in, bool check, struct base_fail *fail)
{
	struct base_cursor c = base_cursor(in);
	struct base_span name, value, last = SPAN("");
	unsigned count = 0;
	int rc;

	while ((rc = wire_read_startup_next(&c, &name, &value, fail)) == 1) {
		count++;
		last = value;
		if (check && count == 1)
			assert_true(base_span_is(name, "user") && base_span_is(value, "bo"));
	}
	if (check)
		assert_true(rc == 0 && count == 2 && base_span_is(last, ""));
	return rc;
}

static int
do_cancel(struct base_span in, bool check, struct base_fail *fail)
{
	struct wire_cancel r;
	int rc = wire_read_cancel(in, &r, fail);

	if (check)
		assert_true(rc == 0 && r.pid == 42 && base_span_eq(r.key, SPAN("\1\2\3\4")));
	return rc;
}

static int
do_query(struct base_span in, bool check, struct base_fail *fail)
{
	struct wire_query r;
	int rc = wire_read_query(in, &r, fail);

	if (check)
		assert_true(rc == 0 && base_span_is(r.text, "SELECT 1") && r.text.p[r.text.n] == 0);
	return rc;
}

static int
do_parse(struct base_span in, bool check, struct base_fail *fail)
{
	struct wire_parse r;
	int rc = wire_read_parse(in, &r, fail);

	if (check)
		assert_true(rc == 0 && base_span_is(r.name, "s") && base_span_is(r.text, "T") && r.ntypes == 2
		    && base_span_eq(r.types, SPAN("\0\0\0\x17\0\0\0\x19")));
	return rc;
}

static int
do_bind(struct base_span in, bool check, struct base_fail *fail)
{
	struct wire_bind r;
	struct base_cursor c;
	struct base_span v;
	bool null;
	int rc = wire_read_bind(in, &r, fail);

	if (!check)
		return rc;
	assert_int_equal(rc, 0);
	assert_true(base_span_is(r.portal, "p") && base_span_is(r.name, "s"));
	assert_true(r.nformats == 1 && r.nparams == 3 && r.nresults == 2 && base_span_eq(r.results, SPAN("\0\0\0\1")));
	assert_int_equal(wire_read_format(r.formats, r.nformats, 2), 1);
	c = base_cursor(r.params);
	assert_int_equal(wire_read_value_next(&c, &v, &null), 1);
	assert_true(!null && base_span_is(v, "ab"));
	assert_int_equal(wire_read_value_next(&c, &v, &null), 1);
	assert_true(null && v.n == 0);
	assert_int_equal(wire_read_value_next(&c, &v, &null), 1);
	assert_true(!null && v.n == 0);
	assert_int_equal(wire_read_value_next(&c, &v, &null), 0);
	return rc;
}

static int
do_target(struct base_span in, bool check, struct base_fail *fail)
{
	struct wire_target r;
	int rc = wire_read_target(in, &r, fail);

	if (check)
		assert_true(rc == 0 && r.what == 'S' && base_span_is(r.name, "st"));
	return rc;
}

static int
do_execute(struct base_span in, bool check, struct base_fail *fail)
{
	struct wire_execute r;
	int rc = wire_read_execute(in, &r, fail);

	if (check)
		assert_true(rc == 0 && base_span_is(r.portal, "p") && r.max_rows == 100);
	return rc;
}

static int
do_row_description(struct base_span in, bool check, struct base_fail *fail)
{
	struct base_cursor c = base_cursor(in);
	struct wire_column col;
	uint16_t count;
	int rc = wire_read_row_description(&c, &count, fail);

	for (unsigned i = 0; rc == 0 && i < count; i++) {
		rc = wire_read_column(&c, &col, fail);
		if (check && i == 0)
			assert_true(base_span_is(col.name, "id") && col.table_oid == 16384 && col.attnum == 1 && col.type_oid == 20
			    && col.typlen == 8 && col.typmod == -1 && col.format == 0);
		if (check && i == 1)
			assert_true(col.name.n == 0 && col.table_oid == 0 && col.attnum == 0 && col.typlen == -1 && col.format == 1);
	}
	if (rc == 0 && !base_cursor_done(&c))
		rc = GH_E_PARSE;
	return rc;
}

static int
do_error(struct base_span in, bool check, struct base_fail *fail)
{
	struct wire_error r;
	int rc = wire_read_error(in, &r, fail);

	if (check)
		assert_true(rc == 0 && base_span_is(r.severity, "ERROR") && base_span_is(r.sqlstate, "42P01")
		    && base_span_is(r.message, "no") && r.detail.p == NULL && base_span_is(r.hint, ""));
	return rc;
}

static int
do_status(struct base_span in, bool check, struct base_fail *fail)
{
	struct wire_status r;
	int rc = wire_read_parameter_status(in, &r, fail);

	if (check)
		assert_true(rc == 0 && base_span_is(r.name, "TimeZone") && base_span_is(r.value, "UTC"));
	return rc;
}

static int
do_key_data(struct base_span in, bool check, struct base_fail *fail)
{
	struct wire_key_data r;
	int rc = wire_read_key_data(in, &r, fail);

	if (check)
		assert_true(rc == 0 && r.pid == 7 && base_span_eq(r.key, SPAN("\xff\1\2\3")));
	return rc;
}

static int
do_auth(struct base_span in, bool check, struct base_fail *fail)
{
	struct wire_auth r;
	int rc = wire_read_auth(in, &r, fail);

	if (check)
		assert_true(rc == 0 && r.code == 11 && base_span_is(r.rest, "r="));
	return rc;
}

static int
do_mechanisms(struct base_span in, bool check, struct base_fail *fail)
{
	struct wire_mechanisms r;
	int rc = wire_read_mechanisms(in, &r, fail);

	if (check)
		assert_true(rc == 0 && r.scram && r.scram_plus);
	return rc;
}

static int
do_tag(struct base_span in, bool check, struct base_fail *fail)
{
	struct wire_tag r;
	int rc = wire_read_tag(in, &r, fail);

	if (check)
		assert_true(rc == 0 && base_span_is(r.text, "SELECT 12") && base_span_is(r.words, "SELECT") && r.has_rows && r.rows == 12);
	return rc;
}

static int
do_copy(struct base_span in, bool check, struct base_fail *fail)
{
	struct wire_copy r;
	int rc = wire_read_copy_response(in, &r, fail);

	if (check)
		assert_true(rc == 0 && r.overall == 1 && r.ncols == 2 && r.formats.n == 4);
	return rc;
}

static int
do_function(struct base_span in, bool check, struct base_fail *fail)
{
	struct wire_function_call r;
	int rc = wire_read_function_call(in, &r, fail);

	if (check)
		assert_true(rc == 0 && r.oid == 0x01020304);
	return rc;
}

static int
do_sasl(struct base_span in, bool check, struct base_fail *fail)
{
	struct wire_sasl_initial r;
	int rc = wire_read_sasl_initial(in, &r, fail);

	if (check)
		assert_true(rc == 0 && base_span_is(r.mechanism, "SCRAM-SHA-256") && base_span_is(r.data, "n,,"));
	return rc;
}

/* least: the shortest truncation that is a message of its own (open-ended fields); surplus: is one more byte refused? */
static const struct golden {
	const char *name;
	decoder decode;
	struct base_span bytes;
	size_t least;
	bool surplus;
} goldens[] = {
	{"start-up", do_startup, BYTES("user\0bo\0application_name\0\0\0"), SIZE_MAX, true},
	{"CancelRequest", do_cancel, BYTES("\0\0\0\x10\x04\xd2\x16\x2e\0\0\0\x2a\1\2\3\4"), SIZE_MAX, true},
	{"Query", do_query, BYTES("SELECT 1\0"), SIZE_MAX, true},
	{"Parse", do_parse, BYTES("s\0T\0\0\2\0\0\0\x17\0\0\0\x19"), SIZE_MAX, true},
	{"Bind", do_bind, BYTES("p\0s\0\0\1\0\1\0\3\0\0\0\2" "ab\xff\xff\xff\xff\0\0\0\0\0\2\0\0\0\1"), SIZE_MAX, true},
	{"Describe", do_target, BYTES("Sst\0"), SIZE_MAX, true},
	{"Execute", do_execute, BYTES("p\0\0\0\0\x64"), SIZE_MAX, true},
	{"RowDescription", do_row_description,
	    BYTES("\0\2id\0\0\0\x40\0\0\1\0\0\0\x14\0\x08\xff\xff\xff\xff\0\0\0\0\0\0\0\0\0\0\0\0\x19\xff\xff\xff\xff\xff\xff\0\1"),
	    SIZE_MAX, true},
	{"ErrorResponse", do_error, BYTES("SFEHLER\0VERROR\0C42P01\0Mno\0Myes\0H\0zfuture\0\0"), SIZE_MAX, true},
	{"ParameterStatus", do_status, BYTES("TimeZone\0UTC\0"), SIZE_MAX, true},
	{"BackendKeyData", do_key_data, BYTES("\0\0\0\7\xff\1\2\3"), SIZE_MAX, false},
	{"Authentication", do_auth, BYTES("\0\0\0\x0br="), 4, false},
	{"AuthenticationSASL", do_mechanisms, BYTES("SCRAM-SHA-256-PLUS\0SCRAM-SHA-256\0\0"), SIZE_MAX, true},
	{"CommandComplete", do_tag, BYTES("SELECT 12\0"), SIZE_MAX, true},
	{"CopyResponse", do_copy, BYTES("\1\0\2\0\1\0\1"), SIZE_MAX, true},
	{"FunctionCall", do_function, BYTES("\1\2\3\4"), SIZE_MAX, false},
	{"SASLInitialResponse", do_sasl, BYTES("SCRAM-SHA-256\0\0\0\0\3n,,"), SIZE_MAX, true},
};

/* From a heap block of exactly that size, so that the sanitizer sees every byte too far. */
static int
run(decoder decode, struct base_span s, size_t n, bool check, struct base_fail *fail)
{
	uint8_t *exact = malloc(n == 0 ? 1 : n);
	int rc;

	assert_non_null(exact);
	memset(exact, 0x20, n == 0 ? 1 : n);
	memcpy(exact, s.p, n < s.n ? n : s.n);
	rc = decode(base_span(exact, n), check, fail);
	free(exact);
	return rc;
}

static void
test_golden(void **state)
{
	(void)state;
	for (size_t i = 0; i < BASE_COUNT(goldens); i++) {
		const struct golden *g = &goldens[i];
		struct base_fail fail = {.code = 0};

		assert_int_equal(run(g->decode, g->bytes, g->bytes.n, true, &fail), 0);
		assert_int_equal(run(g->decode, g->bytes, g->bytes.n, true, NULL), 0);
		for (size_t n = 0; n < g->bytes.n; n++) {
			int rc = run(g->decode, g->bytes, n, false, &fail);

			if (n < g->least && rc != GH_E_PARSE)
				fail_msg("%s cut to %zu bytes gave %d", g->name, n, rc);
			if (n >= g->least && rc != 0)
				fail_msg("%s cut to %zu bytes gave %d", g->name, n, rc);
			if (rc < 0)
				assert_true(fail.text[0] != '\0' && fail.code == GH_E_PARSE);
		}
		assert_int_equal(run(g->decode, g->bytes, g->bytes.n + 1, false, &fail), g->surplus ? GH_E_PARSE : 0);
	}
}

/* What has the right length and is wrong all the same; `text` must be in the complaint. */
static const struct {
	decoder decode;
	struct base_span bytes;
	const char *text;
} wrongs[] = {
	{do_startup, BYTES(""), "terminator"},
	{do_startup, BYTES("user\0\0"), "no terminator"},
	{do_startup, BYTES("user\0bo\0\0x\0"), "behind"},
	{do_cancel, BYTES("\0\0\0\x11\x04\xd2\x16\x2e\0\0\0\x2a\1\2\3\4"), "length"},
	{do_cancel, BYTES("\0\0\0\x10\x04\xd2\x16\x2f\0\0\0\x2a\1\2\3\4"), "code"},
	{do_cancel, BYTES("\0\0\0\x0f\x04\xd2\x16\x2e\0\0\0\x2a\1\2\3"), "key"},
	{do_query, BYTES("SELECT 1\0; SELECT 2\0"), "surplus"},
	{do_parse, BYTES("s\0T\0\xff\xff\0\0\0\x17"), "parameter types"},
	{do_bind, BYTES("\0\0\0\0\0\1\xff\xff\xff\xfe\0\0"), "parameter value"},
	{do_bind, BYTES("\0\0\0\0\0\1\x80\0\0\0\0\0"), "parameter value"},
	{do_bind, BYTES("\0\0\0\0\0\1\x7f\xff\xff\xff\0\0"), "parameter value"},
	{do_bind, BYTES("\0\0\xff\xff\0\0\0\0"), "parameter formats"},
	{do_bind, BYTES("\0\0\0\0\xff\xff\0\0"), "parameter value"},
	{do_bind, BYTES("\0\0\0\0\0\0\0\1"), "result formats"},
	{do_target, BYTES("Xst\0"), "kind"},
	{do_target, BYTES("sst\0"), "kind"},
	{do_row_description, BYTES("\0\1"), "number of columns"},
	{do_row_description, BYTES("\xff\xff" "abcdefghijklmnopqrstuvwxyz"), "number of columns"},
	{do_row_description, BYTES("\0\1\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\2"), "column"},
	{do_error, BYTES(""), "terminator"},
	{do_error, BYTES("C\0\0"), "sqlstate"},
	{do_error, BYTES("C42P0\0\0"), "sqlstate"},
	{do_error, BYTES("C42P010\0\0"), "sqlstate"},
	{do_error, BYTES("C42p01\0\0"), "sqlstate"},
	{do_error, BYTES("\0Mlate\0\0"), "surplus"},
	{do_key_data, BYTES("\0\0\0\7\1\2\3"), "key"},
	{do_mechanisms, BYTES("A\0A\0A\0A\0A\0A\0A\0A\0A\0A\0A\0A\0A\0A\0A\0A\0A\0\0"), "too many"},
	{do_copy, BYTES("\2\0\0"), "overall"},
	{do_copy, BYTES("\0\0\1\0\2"), "column format"},
	{do_copy, BYTES("\0\0\1\1\0"), "column format"},
	{do_sasl, BYTES("S\0\xff\xff\xff\xff\0"), "surplus"},
	{do_sasl, BYTES("S\0\xff\xff\xff\xfe\0"), "response"},
};

static void
test_wrong(void **state)
{
	struct base_fail fail;

	(void)state;
	for (size_t i = 0; i < BASE_COUNT(wrongs); i++) {
		assert_int_equal(run(wrongs[i].decode, wrongs[i].bytes, wrongs[i].bytes.n, false, &fail), GH_E_PARSE);
		if (strstr(fail.text, wrongs[i].text) == NULL)
			fail_msg("row %zu: \"%s\" does not say \"%s\"", i, fail.text, wrongs[i].text);
	}
}

static void
test_outputs_untouched(void **state)
{
	struct wire_bind b = {.nparams = 77};
	struct wire_error e = {.severity = {NULL, 77}};
	struct wire_tag t = {.rows = 77};

	(void)state;
	assert_int_equal(wire_read_bind(SPAN("p\0"), &b, NULL), GH_E_PARSE);
	assert_int_equal(wire_read_error(SPAN("SX\0"), &e, NULL), GH_E_PARSE);
	assert_int_equal(wire_read_tag(SPAN("SELECT 1"), &t, NULL), GH_E_PARSE);
	assert_true(b.nparams == 77 && e.severity.n == 77 && t.rows == 77);
}

static void
test_error_absent(void **state)
{
	struct wire_error r;

	(void)state;
	assert_int_equal(wire_read_error(SPAN("\0"), &r, NULL), 0);
	assert_true(r.severity.p == NULL && r.sqlstate.p == NULL && r.message.p == NULL && r.detail.p == NULL && r.hint.p == NULL);
	assert_int_equal(wire_read_error(SPAN("SWARNUNG\0Dd\0\0"), &r, NULL), 0);
	assert_true(base_span_is(r.severity, "WARNUNG") && base_span_is(r.detail, "d") && r.sqlstate.p == NULL);
}

static void
test_sasl_null(void **state)
{
	struct wire_sasl_initial r;

	(void)state;
	assert_int_equal(wire_read_sasl_initial(SPAN("S\0\xff\xff\xff\xff"), &r, NULL), 0);
	assert_null(r.data.p);
	assert_int_equal(wire_read_sasl_initial(SPAN("S\0\0\0\0\0"), &r, NULL), 0);
	assert_true(r.data.p != NULL && r.data.n == 0);
}

static const struct {
	const char *tag, *words;
	bool has_rows;
	uint64_t rows;
} tags[] = {
	{"INSERT 0 5", "INSERT", true, 5},
	{"INSERT 16400 1", "INSERT", true, 1},
	{"SELECT 0", "SELECT", true, 0},
	{"SELECT 18446744073709551615", "SELECT", true, UINT64_MAX},
	{"SELECT 18446744073709551616", "SELECT 18446744073709551616", false, 0},
	{"COPY 1000000", "COPY", true, 1000000},
	{"CREATE TABLE", "CREATE TABLE", false, 0},
	{"CREATE TABLE AS 3", "CREATE TABLE AS", true, 3},
	{"BEGIN", "BEGIN", false, 0},
	{"", "", false, 0},
	{" 5", " 5", false, 0},
	{"5", "5", false, 0},
	{"SELECT ", "SELECT ", false, 0},
	{"SELECT -1", "SELECT -1", false, 0},
	{"SELECT 1 ", "SELECT 1 ", false, 0},
};

static void
test_tags(void **state)
{
	struct wire_tag r;

	(void)state;
	for (size_t i = 0; i < BASE_COUNT(tags); i++) {
		assert_int_equal(wire_read_tag(base_span(tags[i].tag, strlen(tags[i].tag) + 1), &r, NULL), 0);
		assert_true(base_span_is(r.text, tags[i].tag) && base_span_is(r.words, tags[i].words));
		assert_true(r.has_rows == tags[i].has_rows && (!r.has_rows || r.rows == tags[i].rows));
	}
}

static void
test_formats(void **state)
{
	(void)state;
	assert_int_equal(wire_read_format(SPAN(""), 0, 0), 0);
	assert_int_equal(wire_read_format(SPAN(""), 0, 9999), 0);
	assert_int_equal(wire_read_format(SPAN("\0\1"), 1, 9999), 1);
	assert_int_equal(wire_read_format(SPAN("\0\1\0\0"), 2, 0), 1);
	assert_int_equal(wire_read_format(SPAN("\0\1\0\0"), 2, 1), 0);
	assert_int_equal(wire_read_format(SPAN("\0\1\0\0"), 2, 2), -1);
	assert_int_equal(wire_read_format(SPAN("\0\2"), 1, 0), -1);
	assert_int_equal(wire_read_format(SPAN("\1\1"), 1, 0), -1);
	assert_int_equal(wire_read_format(SPAN("\0\1"), 2, 1), -1); /* a count that the span does not hold */
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_golden),
		cmocka_unit_test(test_wrong),
		cmocka_unit_test(test_outputs_untouched),
		cmocka_unit_test(test_error_absent),
		cmocka_unit_test(test_sasl_null),
		cmocka_unit_test(test_tags),
		cmocka_unit_test(test_formats),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
