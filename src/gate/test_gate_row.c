/* Tests of gate_row: rows whole, byte by byte and in every two pieces; cut at every length; giant values, NULLs, lengths that lie, many
 * columns; marks equal to those of the canonical text in both formats. Here also gate_tuples.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base_buf.h"
#include "test_gate_shop.h"
#include "gate_row.h"

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

static struct gate_plan_column
subject(uint16_t index, int16_t format, uint32_t type, uint32_t oid, int16_t attnum)
{
	return (struct gate_plan_column){index, format, type, policy_map_column(map, oid, attnum)};
}

static uint64_t
mark(const char *kind, const char *canonical)
{
	return shop_mark(map, marker, kind, canonical);
}

/* ---- rows ---- */

static void
row(struct base_buf *b, unsigned n)
{
	base_buf_init(b, 1u << 26);
	base_buf_u16(b, (uint16_t)n);
}

static void
field(struct base_buf *b, const char *bytes, size_t n)
{
	base_buf_u32(b, (uint32_t)n);
	base_buf_put(b, base_span(bytes, n));
}

static void
text(struct base_buf *b, const char *s)
{
	field(b, s, strlen(s));
}

static void
null(struct base_buf *b)
{
	base_buf_u32(b, UINT32_MAX);
}

/* Feeds the row in pieces of `step` bytes; returns how many bytes the reader took. */
static size_t
feed(struct gate_row *r, const struct gate_plan *p, struct base_span s, size_t step, bool early)
{
	size_t used = 0;

	gate_row_begin(r);
	for (size_t at = 0; at < s.n && r->phase < GATE_ROW_DONE;) {
		size_t n = step < s.n - at ? step : s.n - at;
		/* memory of exactly that length, so that a read past its end is seen */
		uint8_t *piece = malloc(n);
		assert_non_null(piece);
		memcpy(piece, s.p + at, n);
		used += gate_row_feed(r, p, marker, base_span(piece, n), early);
		free(piece);
		at += n;
	}
	return used;
}

struct expect { enum { DONE = GATE_ROW_DONE, BROKEN = GATE_ROW_BROKEN } phase; bool lost; uint64_t tuple[4]; };

/* Whole, byte by byte, and cut in two at every place, with and without stop_early. */
static void
check(const struct gate_plan *p, struct base_span s, const struct expect *e)
{
	struct gate_row r;

	for (int early = 0; early < 2; early++) {
		for (size_t cut = 1; cut <= (s.n > 400 ? 400 : s.n); cut++) {
			size_t used = feed(&r, p, s, cut, early);
			assert_int_equal(r.phase, e->phase);
			assert_int_equal(r.lost, e->lost);
			assert_memory_equal(r.tuple, e->tuple, p->nsubjects * sizeof(uint64_t));
			if (!early && e->phase == DONE)
				assert_int_equal(used, s.n);
		}
		(void)feed(&r, p, s, s.n, early);
		assert_int_equal(r.phase, e->phase);
		assert_memory_equal(r.tuple, e->tuple, p->nsubjects * sizeof(uint64_t));
	}
}

static void
test_marks_are_those_of_the_canonical_text(void **state)
{
	static const uint8_t seventeen[8] = {0, 0, 0, 0, 0, 0, 0, 17}, minus[8] = {255, 255, 255, 255, 255, 255, 255, 251};
	(void)state;
	const struct { int16_t format; uint32_t type; int16_t attnum; const void *bytes; size_t n; const char *kind, *canonical; } cases[] = {
		{0, SHOP_INT8, 1, "17", 2, "customer.key", "17"},
		{1, SHOP_INT8, 1, seventeen, 8, "customer.key", "17"},
		{0, SHOP_INT8, 1, "-5", 2, "customer.key", "-5"},
		{1, SHOP_INT8, 1, minus, 8, "customer.key", "-5"},
		{1, SHOP_INT4, 1, seventeen + 4, 4, "customer.key", "17"},
		{0, SHOP_VARCHAR, 2, "138 0013-8000", 13, "customer.phone", "8613800138000"},
		{1, SHOP_VARCHAR, 2, "+8613800138000", 14, "customer.phone", "8613800138000"},
		{0, SHOP_VARCHAR, 2, "0086 138 0013 8000", 18, "customer.phone", "8613800138000"},
		{0, SHOP_TEXT, 3, "  Ann@Example.org ", 18, "customer.email", "ann@example.org"},
		{1, SHOP_TEXT, 3, "ANN@EXAMPLE.ORG", 15, "customer.email", "ann@example.org"},
	};
	for (size_t i = 0; i < BASE_COUNT(cases); i++) {
		struct gate_plan p = {.nsubjects = 1};
		struct base_buf b;
		p.subject[0] = subject(0, cases[i].format, cases[i].type, SHOP_CUSTOMERS, cases[i].attnum);
		row(&b, 1);
		field(&b, cases[i].bytes, cases[i].n);
		struct expect e = {DONE, false, {mark(cases[i].kind, cases[i].canonical)}};
		assert_true(e.tuple[0] != 0);
		check(&p, base_buf_span(&b), &e);
		base_buf_done(&b);
	}
}

static void
test_a_value_that_cannot_be_read_is_lost_not_nobody(void **state)
{
	static char giant[MASK_VALUE_MAX + 1];
	(void)state;
	memset(giant, 'a', sizeof(giant));
	const struct { int16_t format; uint32_t type; int16_t attnum; const char *bytes; size_t n; } cases[] = {
		{1, SHOP_INT8, 1, "\0\0\0\1", 4},      /* four bytes are no int8 */
		{1, SHOP_INT8, 1, "", 0},
		{0, SHOP_INT8, 1, "seventeen", 9},
		{0, SHOP_INT8, 1, "", 0},
		{0, SHOP_VARCHAR, 2, "unlisted", 8},   /* no digit */
		{0, SHOP_TEXT, 3, giant, sizeof(giant)},
		{1, 3802, 1, "x", 1},                  /* a type without canonical text, in binary */
	};
	for (size_t i = 0; i < BASE_COUNT(cases); i++) {
		struct gate_plan p = {.nsubjects = 1};
		struct base_buf b;
		p.subject[0] = subject(0, cases[i].format, cases[i].type, SHOP_CUSTOMERS, cases[i].attnum);
		row(&b, 1);
		field(&b, cases[i].bytes, cases[i].n);
		check(&p, base_buf_span(&b), &(struct expect){DONE, true, {0}});
		base_buf_done(&b);
	}
}

/* A customer without a telephone number is still customer 17; a link that cannot be read is somebody unknown whatever else is there. */
static void
test_an_unreadable_identifier_loses_nobody_beside_a_key(void **state)
{
	struct gate_plan p = {.nsubjects = 2};
	struct base_buf b;
	(void)state;
	p.subject[0] = subject(0, 0, SHOP_INT8, SHOP_CUSTOMERS, 1);
	p.subject[1] = subject(1, 0, SHOP_VARCHAR, SHOP_CUSTOMERS, 2);
	row(&b, 2);
	field(&b, "17", 2);
	field(&b, "", 0);
	check(&p, base_buf_span(&b), &(struct expect){DONE, false, {mark("customer.key", "17"), 0}});
	base_buf_done(&b);
	row(&b, 2);
	field(&b, "seventeen", 9);
	field(&b, "13800000017", 11);
	check(&p, base_buf_span(&b), &(struct expect){DONE, true, {0, mark("customer.phone", "8613800000017")}});
	base_buf_done(&b);
}

static void
test_the_longest_value_is_read(void **state)
{
	static char longest[MASK_VALUE_MAX + 1];
	struct gate_plan p = {.nsubjects = 1};
	struct base_buf b;
	(void)state;
	memset(longest, 'a', MASK_VALUE_MAX);
	p.subject[0] = subject(0, 0, SHOP_TEXT, SHOP_CUSTOMERS, 3);
	row(&b, 1);
	text(&b, longest);
	check(&p, base_buf_span(&b), &(struct expect){DONE, false, {mark("customer.email", longest)}});
	base_buf_done(&b);
}

static void
test_null_is_nobody(void **state)
{
	struct gate_plan p = {.nsubjects = 2};
	struct base_buf b;
	(void)state;
	p.subject[0] = subject(0, 0, SHOP_INT8, SHOP_CUSTOMERS, 1);
	p.subject[1] = subject(2, 0, SHOP_VARCHAR, SHOP_CUSTOMERS, 2);
	row(&b, 4);
	null(&b);
	null(&b);
	text(&b, "13800138000");
	null(&b);
	check(&p, base_buf_span(&b), &(struct expect){DONE, false, {0, mark("customer.phone", "8613800138000")}});
	base_buf_done(&b);
	row(&b, 3);
	for (int i = 0; i < 3; i++)
		null(&b);
	check(&p, base_buf_span(&b), &(struct expect){DONE, false, {0, 0}});
	base_buf_done(&b);
}

static void
test_subjects_between_other_columns(void **state)
{
	struct gate_plan p = {.nsubjects = 3};
	struct base_buf b;
	(void)state;
	p.subject[0] = subject(1, 0, SHOP_INT8, SHOP_ORDERS, 2);
	p.subject[1] = subject(3, 0, SHOP_VARCHAR, SHOP_CUSTOMERS, 2);
	p.subject[2] = subject(4, 0, SHOP_TEXT, SHOP_CUSTOMERS, 3);
	row(&b, 6);
	text(&b, "a note with 17 in it");
	text(&b, "17");
	text(&b, "");
	text(&b, "+86 1");
	text(&b, "X@y");
	text(&b, "18");
	check(&p, base_buf_span(&b), &(struct expect){DONE, false, {mark("customer.key", "17"), mark("customer.phone", "861"), mark("customer.email", "x@y")}});
	base_buf_done(&b);
}

static void
test_many_columns(void **state)
{
	struct gate_plan p = {.nsubjects = 1};
	struct base_buf b;
	(void)state;
	p.subject[0] = subject(GATE_COLUMNS_MAX - 1, 0, SHOP_INT8, SHOP_CUSTOMERS, 1);
	row(&b, GATE_COLUMNS_MAX);
	for (unsigned i = 0; i < GATE_COLUMNS_MAX; i++)
		text(&b, i % 3 ? "17" : "");
	check(&p, base_buf_span(&b), &(struct expect){DONE, false, {mark("customer.key", "17")}});
	base_buf_done(&b);
}

/* Nothing but the value under the reader is kept: 16 MiB pass through a struct of about a kilobyte. */
static void
test_promise_7_a_giant_value_costs_no_memory(void **state)
{
	struct gate_plan p = {.nsubjects = 1};
	struct gate_row r;
	struct base_buf b;
	static char zeros[1u << 24];
	(void)state;
	assert_true(sizeof(r) < 2048);
	p.subject[0] = subject(1, 0, SHOP_INT8, SHOP_CUSTOMERS, 1);
	row(&b, 2);
	field(&b, zeros, sizeof(zeros));
	text(&b, "17");
	for (size_t step = 4093; step < base_buf_len(&b) * 2; step *= 7) {
		(void)feed(&r, &p, base_buf_span(&b), step, true);
		assert_int_equal(r.phase, GATE_ROW_DONE);
		assert_true(!r.lost && r.tuple[0] == mark("customer.key", "17"));
	}
	base_buf_done(&b);
}

static void
test_lengths_that_lie(void **state)
{
	static const uint32_t lengths[] = {0x80000000u, 0xfffffffeu, 0x80000001u};
	struct gate_plan p = {.nsubjects = 1};
	struct gate_row r;
	(void)state;
	p.subject[0] = subject(0, 0, SHOP_INT8, SHOP_CUSTOMERS, 1);
	for (size_t i = 0; i < BASE_COUNT(lengths); i++) {
		struct base_buf b;
		row(&b, 1);
		base_buf_u32(&b, lengths[i]);
		base_buf_str(&b, "17");
		check(&p, base_buf_span(&b), &(struct expect){BROKEN, false, {0}});
		base_buf_done(&b);
	}
	/* a value said to be longer than what there is: the row never ends */
	struct base_buf b;
	row(&b, 1);
	base_buf_u32(&b, INT32_MAX);
	base_buf_str(&b, "17");
	(void)feed(&r, &p, base_buf_span(&b), 1, true);
	assert_int_equal(r.phase, GATE_ROW_VALUE);
	assert_true(r.tuple[0] == 0);
	base_buf_done(&b);
	/* no field at all where one is expected */
	row(&b, 0);
	(void)feed(&r, &p, base_buf_span(&b), 2, true);
	assert_true(r.phase == GATE_ROW_DONE && r.next == 0);
	base_buf_done(&b);
}

static void
test_cut_at_every_length(void **state)
{
	struct gate_plan p = {.nsubjects = 2};
	struct gate_row r;
	struct base_buf b;
	(void)state;
	p.subject[0] = subject(0, 0, SHOP_INT8, SHOP_CUSTOMERS, 1);
	p.subject[1] = subject(2, 0, SHOP_TEXT, SHOP_CUSTOMERS, 3);
	row(&b, 3);
	text(&b, "17");
	null(&b);
	text(&b, "a@b");
	for (size_t n = 0; n < base_buf_len(&b); n++) {
		for (size_t step = 1; step <= n; step++) {
			(void)feed(&r, &p, base_span(base_buf_span(&b).p, n), step, true);
			assert_true(r.phase < GATE_ROW_DONE);
			assert_true(r.tuple[1] == 0 && (r.tuple[0] == 0 || n >= 8));
		}
	}
	base_buf_done(&b);
}

/* ---- tuples ---- */

static void
test_tuples_keep_every_person_and_fold_neighbours(void **state)
{
	struct gate_tuples t = {0};
	(void)state;
	gate_tuples_reset(&t, 2);
	static const uint64_t rows[][2] = {{1, 2}, {1, 2}, {0, 0}, {1, 2}, {1, 3}, {0, 3}, {1, 3}};
	for (size_t i = 0; i < BASE_COUNT(rows); i++)
		assert_true(gate_tuples_add(&t, rows[i], 0));
	assert_int_equal(t.rows, 7);
	assert_int_equal(t.count, 4);
	static const uint64_t want[] = {1, 2, 1, 3, 0, 3, 1, 3};
	assert_memory_equal(t.mark, want, sizeof(want));
	gate_tuples_reset(&t, 1);
	assert_true(t.rows == 0 && t.count == 0);
	for (uint64_t i = 1; i <= 100000; i++)
		assert_true(gate_tuples_add(&t, &i, 0));
	assert_true(t.count == 100000 && t.mark[99999] == 100000);
	gate_tuples_reset(&t, 0); /* rows without subject columns are counted only */
	assert_true(gate_tuples_add(&t, NULL, 0));
	assert_true(t.rows == 1 && t.count == 0);
	gate_tuples_done(&t);
	assert_null(t.mark);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_marks_are_those_of_the_canonical_text),
		cmocka_unit_test(test_a_value_that_cannot_be_read_is_lost_not_nobody),
		cmocka_unit_test(test_an_unreadable_identifier_loses_nobody_beside_a_key),
		cmocka_unit_test(test_the_longest_value_is_read),
		cmocka_unit_test(test_null_is_nobody),
		cmocka_unit_test(test_subjects_between_other_columns),
		cmocka_unit_test(test_many_columns),
		cmocka_unit_test(test_promise_7_a_giant_value_costs_no_memory),
		cmocka_unit_test(test_lengths_that_lie),
		cmocka_unit_test(test_cut_at_every_length),
		cmocka_unit_test(test_tuples_keep_every_person_and_fold_neighbours),
	};

	base_crypt_init();
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
