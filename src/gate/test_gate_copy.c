/* Tests of gate_copy: what PostgreSQL 15 wrote (test_gate_copy_golden.h), read whole, in pieces of every size and cut at every place;
 * cut short; values without end; NULL texts chosen to look like somebody's value; bytes that no server writes.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base_buf.h"
#include "test_gate_copy_golden.h"
#include "test_gate_shop.h"
#include "gate_copy.h"

#define COLUMNS 3u /* of a person: key, phone, email */

/* The subjects in the six rows, as canonical text; NULL: none. The fifth has an empty phone and an empty email: values, but nobody's. */
static const struct person { const char *column[COLUMNS]; bool empty; } people[] = {
	{{"1", "8613800138000", "ann@example.org"}, false},
	{{"2", NULL, "two@example.org"}, false},
	{{"3", "8613900139000", NULL}, false},
	{{"4", "8613700137000", "a,b;c|d\"e\"@example.org"}, false},
	{{"-5", NULL, NULL}, true},
	{{"9223372036854775807", "8613600136000", "last@example.org"}, false},
};
static const char *const kinds[COLUMNS] = {"customer.key", "customer.phone", "customer.email"};

static struct policy_map *map;
static struct mask_marker *marker;

static int
set_up(void **state)
{
	(void)state;
	map = shop_map(SHOP_POLICY);
	marker = shop_marker(map, 2026);
	return 0;
}

static int
tear_down(void **state)
{
	(void)state;
	mask_marker_free(&marker);
	policy_map_unref(&map);
	return 0;
}

struct run {
	struct sql_scan scan;
	struct sql_facts *facts;
	const struct sql_statement *st;
	struct gate_plan plan;
	struct gate_copy copy;
	struct gate_tuples tuples;
	uint16_t columns;
};

static void
prepare(struct run *r, const char *sql)
{
	struct base_fail fail;

	*r = (struct run){0};
	sql_scan_init(&r->scan);
	shop_must(sql_scan_text(&r->scan, base_span_str(sql), &fail) == 0, sql);
	shop_must(sql_facts_new(base_span_str(sql), &r->scan, &r->facts, &fail) == 0, sql);
	r->st = &r->facts->statement[0];
	assert_int_equal(r->st->class, SQL_COPY_TO);
	assert_true(gate_plan_copy(policy_map_relation(map, SHOP_CUSTOMERS), r->st->columns, r->st->ncolumns, r->st->format == SQL_COPY_BINARY,
	                           &r->plan, &r->columns));
}

static void
begin(struct run *r)
{
	assert_true(gate_copy_begin(&r->copy, r->st, r->columns));
	gate_tuples_reset(&r->tuples, r->plan.nsubjects);
}

static void
done(struct run *r)
{
	gate_tuples_done(&r->tuples);
	sql_facts_unref(&r->facts);
	sql_scan_done(&r->scan);
}

/* In memory of exactly that length, so that a read past the end is seen. */
static void
feed(struct run *r, const char *bytes, size_t n)
{
	char *piece = malloc(n + (n == 0));

	assert_non_null(piece);
	memcpy(piece, bytes, n);
	assert_true(gate_copy_feed(&r->copy, &r->plan, marker, base_span(piece, n), &r->tuples));
	free(piece);
}

static void
expect_people(const struct run *r, const char *sql)
{
	struct base_span none = r->st->null_text;
	bool word = r->st->format == SQL_COPY_TEXT && none.n > 0 && none.p[0] != '\\'; /* a NULL text that could be an email */
	size_t at = 0;

	/* Each has a key that can be read, so an empty telephone number or an email that could be NULL loses nobody. */
	if (r->tuples.rows != BASE_COUNT(people) || r->tuples.lost != 0)
		fail_msg("%s: rows %d, lost %d", sql, (int)r->tuples.rows, (int)r->tuples.lost);
	for (size_t i = 0; i < BASE_COUNT(people); i++) {
		uint64_t want[COLUMNS], any = 0;
		for (size_t j = 0; j < r->plan.nsubjects; j++) {
			size_t k = 0;
			while (!base_span_is(policy_map_kind(map, r->plan.subject[j].column->kind), kinds[k]))
				k++;
			const char *canonical = people[i].column[k];
			if (!canonical && word && k == 2 && !people[i].empty)
				canonical = "null";
			want[j] = canonical ? shop_mark(map, marker, kinds[k], canonical) : 0;
			any |= want[j];
		}
		if (any == 0)
			continue;
		assert_true(at < r->tuples.count);
		if (memcmp(r->tuples.mark + at++ * r->plan.nsubjects, want, r->plan.nsubjects * sizeof(want[0])) != 0)
			fail_msg("%s: row %d has other marks", sql, (int)i);
	}
	assert_int_equal(at, r->tuples.count);
}

static void
test_what_the_server_writes_is_read(void **state)
{
	(void)state;
	for (size_t g = 0; g < BASE_COUNT(goldens); g++) {
		const struct golden *o = &goldens[g];
		struct run r;
		prepare(&r, o->sql);
		for (size_t step = 1; step <= o->n; step++) {
			begin(&r);
			for (size_t at = 0; at < o->n; at += step)
				feed(&r, o->bytes + at, step < o->n - at ? step : o->n - at);
			gate_copy_end(&r.copy, &r.tuples);
			expect_people(&r, o->sql);
		}
		for (size_t cut = 0; cut <= o->n; cut++) {
			begin(&r);
			feed(&r, o->bytes, cut);
			feed(&r, o->bytes + cut, o->n - cut);
			gate_copy_end(&r.copy, &r.tuples);
			expect_people(&r, o->sql);
		}
		done(&r);
	}
}

/* Rows that did not arrive whole are said to be lost; none is invented. */
static void
test_cut_at_every_length(void **state)
{
	(void)state;
	for (size_t g = 0; g < BASE_COUNT(goldens); g++) {
		const struct golden *o = &goldens[g];
		struct run r;
		prepare(&r, o->sql);
		uint64_t before = 0;
		for (size_t n = 0; n < o->n; n++) {
			begin(&r);
			feed(&r, o->bytes, n);
			uint64_t whole = r.tuples.rows;
			assert_true(whole >= before && whole <= BASE_COUNT(people));
			gate_copy_end(&r.copy, &r.tuples);
			assert_true(r.tuples.rows == whole || (r.tuples.rows == whole + 1 && r.tuples.lost >= 1));
			before = whole;
		}
		done(&r);
	}
}

struct wrong { const char *sql, *bytes; size_t n; uint64_t rows, lost; };
#define BYTES(text) text, sizeof(text) - 1
#define SIGNATURE "PGCOPY\n\377\r\n\0" "\0\0\0\0" "\0\0\0\0" /* and flags, and no extension */

static void
check_wrong(const struct wrong *w)
{
	struct run r;

	prepare(&r, w->sql);
	for (size_t cut = 0; cut <= w->n; cut++) { /* wherever it is cut */
		begin(&r);
		feed(&r, w->bytes, cut);
		feed(&r, w->bytes + cut, w->n - cut);
		gate_copy_end(&r.copy, &r.tuples);
		if (r.tuples.rows != w->rows || r.tuples.lost != w->lost)
			fail_msg("%s: \"%s\" cut at %d: rows %d, lost %d", w->sql, w->bytes, (int)cut, (int)r.tuples.rows, (int)r.tuples.lost);
	}
	done(&r);
}

static void
test_promise_5_what_is_not_understood_is_lost(void **state)
{
	static const struct wrong wrongs[] = {
		{"COPY customers TO STDOUT", BYTES("1\tp\n"), 1, 1},                              /* too few fields */
		{"COPY customers TO STDOUT", BYTES("1\t1\ta@b\tn\tn\tx\n"), 1, 1},                /* too many */
		{"COPY customers TO STDOUT", BYTES("1\t1\ta@b\tn\tn"), 1, 1},                     /* no end */
		{"COPY customers TO STDOUT", BYTES("1\t1\ta@b\tn\tn\\"), 1, 1},
		{"COPY customers TO STDOUT", BYTES("1\t1\ta@b\tn\t\x81\\\n"), 1, 1},              /* GBK: the backslash is half a character */
		{"COPY customers TO STDOUT", BYTES("x\t1\ta@b\tn\tn\n"), 1, 1},                   /* no number */
		{"COPY customers TO STDOUT", BYTES("\n"), 1, 1},
		{"COPY customers TO STDOUT (FORMAT csv)", BYTES("1,1,\"a@b,n,n\n"), 1, 1},        /* quote without end */
		{"COPY customers TO STDOUT (FORMAT csv)", BYTES("1,1,\"\"\"\",n,\"\"\"\n"), 1, 1},
		{"COPY customers TO STDOUT (FORMAT binary)", BYTES("PGCOPY\n\377\r\n"), 0, 0},
		{"COPY customers TO STDOUT (FORMAT binary)", BYTES(SIGNATURE "\377\377"), 0, 0}, /* an empty table */
		{"COPY customers TO STDOUT (FORMAT binary)", BYTES(SIGNATURE "\0\1\0\0\0\0"), 1, 1}, /* one field */
		{"COPY customers TO STDOUT (FORMAT binary)", BYTES(SIGNATURE "\0\5\200\0\0\0"), 1, 1}, /* length -2^31 */
		{"COPY customers TO STDOUT (FORMAT binary)", BYTES(SIGNATURE "\0\5\0\0\0\10\0\0"), 1, 1},
		{"COPY customers TO STDOUT (FORMAT binary)", BYTES(SIGNATURE "\377\377\0\0"), 1, 1}, /* behind the trailer */
		{"COPY customers TO STDOUT (FORMAT binary)", BYTES(SIGNATURE "\377\377\377\377\377\377\200\0\0\0"), 1, 1},
	};
	(void)state;
	for (size_t i = 0; i < BASE_COUNT(wrongs); i++)
		check_wrong(&wrongs[i]);
}

static void
test_a_lost_row_costs_no_other(void **state)
{
	struct run r;
	(void)state;
	prepare(&r, "COPY customers TO STDOUT");
	begin(&r);
	feed(&r, BYTES("16\t1\ta@b\tn\t\x81\\\n"));
	gate_copy_end(&r.copy, &r.tuples);
	feed(&r, BYTES("17\t\\N\t\\N\tn\tn\n"));
	gate_copy_end(&r.copy, &r.tuples);
	assert_true(r.tuples.rows == 2 && r.tuples.lost == 1 && r.tuples.count == 1);
	assert_true(r.tuples.mark[0] == shop_mark(map, marker, "customer.key", "17"));
	done(&r);
	prepare(&r, "COPY customers (id) TO STDOUT (FORMAT binary)");
	begin(&r);
	feed(&r, BYTES(SIGNATURE "\0\1\200\0\0\0"));
	gate_copy_end(&r.copy, &r.tuples);
	feed(&r, BYTES("\0\1\0\0\0\10\0\0\0\0\0\0\0\21"));
	gate_copy_end(&r.copy, &r.tuples);
	feed(&r, BYTES("\377\377"));
	gate_copy_end(&r.copy, &r.tuples);
	assert_true(r.tuples.rows == 2 && r.tuples.lost == 1 && r.tuples.count == 1);
	feed(&r, BYTES("\377\377")); /* a second trailer */
	gate_copy_end(&r.copy, &r.tuples);
	assert_int_equal(r.tuples.lost, 2);
	done(&r);
}

/* In text format the server does not escape a value that equals the NULL text: who asks with NULL '17' would make customer 17 look absent. */
static void
test_a_null_text_hides_nobody(void **state)
{
	static const struct { const char *sql, *bytes; uint64_t lost; const char *key, *email; } cases[] = {
		{"COPY customers (id, email) TO STDOUT (NULL '17')", "17\tx@y\n", 1, "17", "x@y"},
		{"COPY customers (id, email) TO STDOUT (NULL 'x@y')", "17\tx@y\n", 0, "17", "x@y"},
		{"COPY customers (id, email) TO STDOUT (NULL 'NULL')", "17\tx@y\n", 0, "17", "x@y"},
		{"COPY customers (id, email) TO STDOUT (NULL '')", "17\t\n", 0, "17", NULL},
		{"COPY customers (id, email) TO STDOUT (NULL 'none')", "none\tx@y\n", 0, NULL, "x@y"},
		{"COPY customers (id, email) TO STDOUT", "17\t\\N\n", 0, "17", NULL},
		/* CSV quotes what only looks like NULL */
		{"COPY customers (id, email) TO STDOUT (FORMAT csv, NULL '17')", "\"17\",17\n", 0, "17", NULL},
		{"COPY customers (id, email) TO STDOUT (FORMAT csv)", "17,\n", 0, "17", NULL},
	};
	(void)state;
	for (size_t i = 0; i < BASE_COUNT(cases); i++) {
		struct run r;
		prepare(&r, cases[i].sql);
		begin(&r);
		feed(&r, cases[i].bytes, strlen(cases[i].bytes));
		uint64_t want[2] = {cases[i].key ? shop_mark(map, marker, "customer.key", cases[i].key) : 0,
		                    cases[i].email ? shop_mark(map, marker, "customer.email", cases[i].email) : 0};
		assert_int_equal(r.tuples.lost, cases[i].lost);
		assert_int_equal(r.tuples.count, 1);
		assert_memory_equal(r.tuples.mark, want, sizeof(want));
		done(&r);
	}
}

static void
test_options_that_are_not_read(void **state)
{
	static const char *const refused[] = {
		"COPY customers TO STDOUT (NULL '12345678901234567890123456789012x')", /* longer than is kept */
		"COPY customers TO STDOUT (NULL '\\0')",                               /* written as it is: an escape to any reader */
		"COPY customers TO STDOUT (NULL 'x\\N')",
	};
	(void)state;
	for (size_t i = 0; i < BASE_COUNT(refused); i++) {
		struct run r;
		prepare(&r, refused[i]);
		assert_false(gate_copy_begin(&r.copy, r.st, r.columns));
		done(&r);
	}
}

static void
test_promise_7_a_giant_value_costs_no_memory(void **state)
{
	static const char *const formats[] = {"COPY customers (id, note, email) TO STDOUT", "COPY customers (id, note, email) TO STDOUT (FORMAT csv)"};
	static char much[1u << 20];
	(void)state;
	assert_true(sizeof(struct gate_copy) < 4096);
	memset(much, 'n', sizeof(much));
	for (size_t i = 0; i < BASE_COUNT(formats); i++) {
		char d = i ? ',' : '\t', end[32];
		struct run r;
		prepare(&r, formats[i]);
		begin(&r);
		feed(&r, d == ',' ? "17," : "17\t", 3);
		for (int k = 0; k < 16; k++)
			feed(&r, much, sizeof(much));
		(void)snprintf(end, sizeof(end), "%ca@b\n", d);
		feed(&r, end, strlen(end));
		assert_true(r.tuples.rows == 1 && r.tuples.lost == 0 && r.tuples.count == 1);
		assert_true(r.tuples.mark[1] == shop_mark(map, marker, "customer.email", "a@b"));
		/* the same as the subject: too long to be anybody's that can be told */
		feed(&r, d == ',' ? "17,," : "17\t\t", 4);
		feed(&r, much, MASK_VALUE_MAX);
		feed(&r, "\n", 1);
		assert_int_equal(r.tuples.lost, 0);
		feed(&r, d == ',' ? "17,," : "17\t\t", 4);
		feed(&r, much, MASK_VALUE_MAX + 1);
		feed(&r, "\n", 1);
		assert_int_equal(r.tuples.lost, 0); /* the key tells */
		feed(&r, d == ',' ? ",," : "\\N\t\t", d == ',' ? 2 : 4);
		feed(&r, much, MASK_VALUE_MAX + 1);
		feed(&r, "\n", 1);
		assert_int_equal(r.tuples.lost, 1);
		done(&r);
	}
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_what_the_server_writes_is_read),
		cmocka_unit_test(test_cut_at_every_length),
		cmocka_unit_test(test_promise_5_what_is_not_understood_is_lost),
		cmocka_unit_test(test_a_lost_row_costs_no_other),
		cmocka_unit_test(test_a_null_text_hides_nobody),
		cmocka_unit_test(test_options_that_are_not_read),
		cmocka_unit_test(test_promise_7_a_giant_value_costs_no_memory),
	};

	base_crypt_init();
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
