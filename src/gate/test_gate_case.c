/* Tests of gate_case's parts without a server: the text of its queries, rows as tickets, the cache, the look-ups that wait. tests/case/run.py has the rest. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>

#include "base_mem.h"
#include "gate_case_int.h"

#define S(text) {(const uint8_t *)(text), sizeof(text) - 1}

static const struct policy_case_from whole = {.line = 1, .table = {.schema = S("public"), .table = S("tick\"ets")}, .number = S("id"), .subject = S("customer"),
	.person = S("assigned"), .opener = S("by"), .team = S("team"), .opened = S("at"), .closed = S("done"), .open_where = S("done is null")};
static const struct policy_case_from least = {.line = 1, .table = {.schema = S("app"), .table = S("t")}, .number = S("id"), .subject = S("customer"), .person = S("assigned")};
static const struct gate_case_type int8_type = {"pg_catalog", "int8"};

static char *
text_of(struct base_buf *b)
{
	assert_false(b->bad);
	char *s = base_mem_str(base_buf_span(b));
	base_buf_done(b);
	return s;
}

static void
has(const char *text, const char *part)
{
	assert_non_null(text);
	if (!strstr(text, part))
		fail_msg("no \"%s\" in: %s", part, text);
}

static void
test_query(void **state)
{
	struct base_buf b;
	char *s;

	(void)state;
	base_buf_init(&b, 65536);
	gate_case_query_ask(&whole, &int8_type, &b);
	s = text_of(&b);
	has(s, "FROM \"public\".\"tick\"\"ets\" WHERE \"tick\"\"ets\".\"customer\" OPERATOR(\"pg_catalog\".=) gatehouse_k.gatehouse_v::\"pg_catalog\".\"int8\"");
	has(s, "((done is null\n) IS TRUE) AS gatehouse_open");
	has(s, "\"tick\"\"ets\".\"by\"::pg_catalog.text AS gatehouse_opener");
	has(s, "ORDER BY 5 DESC, 6 DESC NULLS LAST LIMIT 64");
	free(s);
	base_buf_init(&b, 65536);
	gate_case_query_ask(&least, &(struct gate_case_type){"ext", "citext"}, &b);
	s = text_of(&b);
	has(s, "NULL::pg_catalog.text AS gatehouse_team, true AS gatehouse_open, NULL::pg_catalog.int8 AS gatehouse_opened, NULL::pg_catalog.int8 AS gatehouse_closed FROM \"app\".\"t\"");
	has(s, "OPERATOR(\"ext\".=) gatehouse_k.gatehouse_v::\"ext\".\"citext\"");
	free(s);
	base_buf_init(&b, 65536);
	gate_case_query_scan(&whole, 1795000000000007u, &b);
	s = text_of(&b);
	has(s, "\"at\" OPERATOR(pg_catalog.>=) pg_catalog.to_timestamp(1795000000.000007) LIMIT 1000000");
	free(s);
	base_buf_init(&b, 65536);
	gate_case_query_scan(&least, 5, &b);
	s = text_of(&b);
	has(s, "\"t\".\"customer\" IS NOT NULL AND true LIMIT");
	free(s);
}

static void
test_array(void **state)
{
	const char *const keys[] = {"7", "a\"b", "c\\d", "", "NULL", "{,}"};
	struct base_buf b;

	(void)state;
	base_buf_init(&b, 4096);
	gate_case_query_array(keys, BASE_COUNT(keys), &b);
	char *s = text_of(&b);
	assert_string_equal(s, "{\"7\",\"a\\\"b\",\"c\\\\d\",\"\",\"NULL\",\"{,}\"}");
	free(s);
	base_buf_init(&b, 16);
	gate_case_query_array(keys, 0, &b);
	s = text_of(&b);
	assert_string_equal(s, "{}");
	free(s);
}

static struct gate_case_row
row(const char *number, const char *person, const char *open, const char *opened, const char *closed)
{
	const char *const v[GATE_CASE_R_COUNT] = {"1", number, person, NULL, NULL, open, opened, closed};
	struct gate_case_row r;

	for (size_t i = 0; i < GATE_CASE_R_COUNT; i++)
		r.value[i] = v[i] ? base_span_str(v[i]) : (struct base_span){NULL, 0};
	return r;
}

static void
test_tickets(void **state)
{
	char wide[GATE_CASE_FIELD + 2];
	struct gate_case_row rows[GATE_CASE_TICKETS + 3];

	(void)state;
	memset(wide, 'x', sizeof(wide) - 1);
	wide[sizeof(wide) - 1] = '\0';
	for (size_t i = 0; i < BASE_COUNT(rows); i++)
		rows[i] = row("T9", NULL, "f", NULL, NULL);
	rows[0] = row("T1", "wang", "t", "1795000000000001", NULL);
	rows[1] = row(wide, wide + 1, "t", "-5", "99999999999999999999999");
	rows[2] = row("", "", "x", "", "12 ");
	struct gate_case_tickets *t = gate_case_query_tickets(rows, BASE_COUNT(rows), 77);
	assert_non_null(t);
	assert_int_equal(t->n, GATE_CASE_TICKETS);
	assert_int_equal(t->at_us, 77);
	assert_true(base_span_is(t->ticket[0].number, "T1") && base_span_is(t->ticket[0].person, "wang") && t->ticket[0].opener.n == 0);
	assert_true(t->ticket[0].open && t->ticket[0].has_opened && t->ticket[0].opened_us == 1795000000000001u && !t->ticket[0].has_closed);
	assert_true(t->ticket[1].number.n == 0 && t->ticket[1].person.n == GATE_CASE_FIELD); /* too long is none: half a number would be another */
	assert_true(t->ticket[1].has_opened && t->ticket[1].opened_us == 0 && !t->ticket[1].has_closed);
	assert_true(!t->ticket[2].open && !t->ticket[2].has_opened && !t->ticket[2].has_closed);
	gate_case_tickets_free(t);
	t = gate_case_query_tickets(NULL, 0, 1);
	assert_true(t && t->n == 0);
	gate_case_tickets_free(t);
}

static void
test_cache(void **state)
{
	struct gate_case_cache c;
	struct gate_case_row r = row("T1", "wang", "t", NULL, NULL);
	char key[24];

	(void)state;
	gate_case_cache_init(&c);
	gate_case_cache_put(&c, "a", gate_case_query_tickets(&r, 1, 1000));
	assert_non_null(gate_case_cache_get(&c, "a", 1000, 5));
	assert_non_null(gate_case_cache_get(&c, "a", 1004, 5));
	assert_null(gate_case_cache_get(&c, "a", 1005, 5)); /* never older than it may be, also before it is swept */
	assert_null(gate_case_cache_get(&c, "a", 1000, 0));
	assert_null(gate_case_cache_get(&c, "b", 1000, 5));
	gate_case_cache_put(&c, "b", gate_case_query_tickets(&r, 1, 1003));
	gate_case_cache_sweep(&c, 1005, 5);
	assert_int_equal(base_map_count(c.map), 1);
	gate_case_cache_put(&c, "b", gate_case_query_tickets(NULL, 0, 1004)); /* replaced: counted once */
	assert_int_equal(c.bytes, sizeof(struct gate_case_tickets));
	for (unsigned i = 0; i < GATE_CASES_MAX + 10; i++) {
		(void)snprintf(key, sizeof(key), "%u", i);
		gate_case_cache_put(&c, key, gate_case_query_tickets(&r, 1, 2000 + i));
	}
	assert_int_equal(base_map_count(c.map), GATE_CASES_MAX);
	assert_null(gate_case_cache_get(&c, "9", 2009, 5)); /* least recently used */
	gate_case_cache_clear(&c);
	assert_int_equal(c.bytes, 0);
	gate_case_cache_done(&c);
}

static void
test_cache_bytes(void **state)
{
	struct gate_case_cache c;
	struct gate_case_row rows[GATE_CASE_TICKETS];
	char wide[GATE_CASE_FIELD + 1], key[24];

	(void)state;
	memset(wide, 'x', sizeof(wide) - 1);
	wide[sizeof(wide) - 1] = '\0';
	for (size_t i = 0; i < BASE_COUNT(rows); i++)
		rows[i] = row(wide, wide, "t", NULL, NULL);
	gate_case_cache_init(&c);
	for (unsigned i = 0; i < 3000; i++) {
		(void)snprintf(key, sizeof(key), "%u", i);
		gate_case_cache_put(&c, key, gate_case_query_tickets(rows, BASE_COUNT(rows), 1));
		assert_true(c.bytes <= GATE_CASE_BYTES);
	}
	assert_true(base_map_count(c.map) > 0 && base_map_count(c.map) < 3000);
	gate_case_cache_done(&c);
}

static void
add(struct gate_case_pending *p, const char *session, uint64_t seq, uint64_t at, const char *actor, const char *declared, uint64_t mark, uint32_t epoch)
{
	struct gate_case_look l = {.mark = mark, .seq = seq, .at_us = at, .epoch = epoch, .session = base_span_str(session), .actor = base_span_str(actor),
		.employer = base_span_str("Acme"), .team = base_span_str("B2"), .declared = base_span_str(declared)};

	assert_true(gate_case_pending_add(p, &l));
}

static size_t
drop(struct gate_case_look *l)
{
	size_t n = 0;

	for (struct gate_case_look *next; l; l = next, n++) {
		next = l->next;
		free(l);
	}
	return n;
}

static void
test_pending(void **state)
{
	struct gate_case_pending p;

	(void)state;
	gate_case_pending_init(&p);
	add(&p, "s1", 1, 100, "wang", "", 7, 2026);
	add(&p, "s1", 2, 200, "wang", "", 8, 2026);
	add(&p, "s2", 1, 300, "li", "", 7, 2026);
	add(&p, "s2", 2, 400, "li", "", 7, 2026);
	add(&p, "s1", 2, 200, "wang", "", 8, 2026); /* again: still one */
	assert_int_equal(p.count, 4);
	assert_int_equal(base_map_count(p.by_name), 4);
	assert_null(gate_case_pending_find(&p, 9));
	assert_true(gate_case_pending_named(&p, base_span_str("s2"), 1, 7)->at_us == 300);
	assert_null(gate_case_pending_named(&p, base_span_str("s2"), 1, 8));
	assert_null(gate_case_pending_named(&p, base_span_str("s"), 1, 7));
	/* Out of the middle, the head and the end of the looks of one mark. */
	struct gate_case_look *l = gate_case_pending_find(&p, 7)->next;
	assert_int_equal(l->at_us, 300);
	gate_case_pending_take(&p, l);
	free(l);
	l = gate_case_pending_find(&p, 7);
	assert_true(l->at_us == 400 && l->next->at_us == 100 && !l->next->next);
	gate_case_pending_take(&p, l);
	free(l);
	l = gate_case_pending_find(&p, 7);
	assert_true(l && l->at_us == 100 && base_span_is(l->session, "s1") && base_span_is(l->employer, "Acme"));
	gate_case_pending_take(&p, l);
	free(l);
	assert_null(gate_case_pending_find(&p, 7));
	assert_true(p.oldest == p.newest && p.oldest->mark == 8 && p.count == 1);
	for (uint64_t i = 0; i < 20; i++)
		add(&p, "s3", i, 300 + i, "li", "", 100 + i % 3, 2026);
	assert_int_equal(drop(gate_case_pending_expire(&p, 0, 1000)), 0);
	assert_int_equal(drop(gate_case_pending_expire(&p, 303, 1000)), 4); /* 200, 300, 301, 302 */
	assert_int_equal(drop(gate_case_pending_expire(&p, 0, 10)), 7);
	assert_int_equal(p.oldest->at_us, 310);
	assert_int_equal(p.count, 10);
	/* One that comes late stands where its time is. */
	add(&p, "s4", 1, 315, "li", "", 200, 2026);
	add(&p, "s4", 2, 5, "li", "", 201, 2026);
	add(&p, "s4", 3, 999, "li", "", 202, 2026);
	assert_true(p.oldest->at_us == 5 && p.newest->at_us == 999);
	uint64_t before = 0;
	size_t n = 0;
	for (l = p.oldest; l; l = l->newer, n++) {
		assert_true(l->at_us >= before && (l->newer ? l->newer->older == l : p.newest == l));
		before = l->at_us;
	}
	assert_int_equal(n, p.count);
	assert_int_equal(base_map_count(p.by_name), p.count);
	gate_case_pending_done(&p);
}

/* One subject looked at over and over costs no more than many. */
static void
test_pending_same(void **state)
{
	struct gate_case_pending p;

	(void)state;
	gate_case_pending_init(&p);
	for (uint64_t i = 0; i < GATE_PENDING_LOOKS; i++)
		add(&p, "s1", i, i, "wang", "", 7, 2026);
	for (uint64_t i = 0; i < GATE_PENDING_LOOKS; i += 2) {
		struct gate_case_look *l = gate_case_pending_named(&p, base_span_str("s1"), i, 7);
		assert_true(l && l->seq == i);
		gate_case_pending_take(&p, l);
		free(l);
	}
	assert_int_equal(drop(gate_case_pending_expire(&p, GATE_PENDING_LOOKS, GATE_PENDING_LOOKS)), GATE_PENDING_LOOKS / 2);
	assert_null(gate_case_pending_find(&p, 7));
	assert_true(!p.oldest && !p.newest && base_map_count(p.by_mark) == 0 && base_map_count(p.by_name) == 0);
	gate_case_pending_done(&p);
}

static void
test_settle(void **state)
{
	struct gate_case_row rows[] = {row("T1", "gus", "t", "1795000000000000", NULL), row("T2", "wang", "t", "1795000000000000", NULL)};
	struct gate_case_tickets *t = gate_case_query_tickets(rows, 2, 1);
	struct gate_case_pending p;
	uint64_t at = 1795000000000000u - 20ull * 60 * 1000000;

	(void)state;
	gate_case_pending_init(&p);
	add(&p, "s1", 1, at, "wang", "", 7, 2026);                        /* twenty minutes before the ticket: explained */
	add(&p, "s1", 2, at - POLICY_CASE_EARLY_US, "wang", "", 7, 2026); /* too early */
	add(&p, "s1", 3, at, "wang", "T1", 7, 2026);                      /* another case was declared */
	add(&p, "s1", 4, at, "wang", "T2", 7, 2026);                      /* this one */
	add(&p, "s1", 5, at, "li", "", 7, 2026);                          /* weak is not enough */
	add(&p, "s1", 6, at, "wang", "", 7, 2025);                        /* the same mark of another year's key is another's */
	struct gate_case_explained *e = gate_case_pending_weigh(&p, 7, 2026, t, NULL), *next;
	unsigned seen = 0;
	for (; e; e = next) {
		next = e->next;
		assert_int_equal(e->by, 1);
		seen |= 1u << e->look->seq;
		free(e->look);
		free(e);
	}
	assert_int_equal(seen, 1u << 1 | 1u << 4);
	assert_int_equal(p.count, 4);
	assert_null(gate_case_pending_weigh(&p, 8, 2026, t, NULL));
	gate_case_pending_done(&p);
	gate_case_tickets_free(t);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_query),       cmocka_unit_test(test_array),   cmocka_unit_test(test_tickets), cmocka_unit_test(test_cache),
		cmocka_unit_test(test_cache_bytes), cmocka_unit_test(test_pending), cmocka_unit_test(test_pending_same),
		cmocka_unit_test(test_settle),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
