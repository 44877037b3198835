/* Tests of sql_facts: the facts of a statement written as one line of text, so that the table below reads like the contract:
 *   class [name] | relations (w: written) | equalities (n: relation number, -: several) | functions | arguments
 * Every statement is also cut at every length, in memory of exactly that length.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include <pg_query.h>

#include "base_mem.h"
#include "sql_facts.h"

static const char *const class_names[] = {
	"select", "insert", "update", "delete", "merge", "copy-to", "copy-query-to", "copy-from", "prepare", "execute", "deallocate",
	"declare", "fetch", "close", "explain", "transaction", "set", "show", "create-as", "call-do", "other",
};

static const struct { const char *text, *facts; } cases[] = {
	/* relations and names */
	{"select * from customers", "select | customers"},
	{"select * from Public.Customers c, \"Mixed\".\"Case\"", "select | public.customers Mixed.Case"},
	{"table customers", "select | customers"},
	{"values (1)", "select"},
	{"select * from a where x in (select y from b where exists (select 1 from c))", "select | a b c"},
	{"select (select phone from customers where id = 1)", "select | customers"},
	{"with customers as (select 1) select * from customers", "select"},
	{"with c as (select * from customers) select * from c, public.c", "select | customers public.c"},
	{"with a as (select * from b), b as (select * from a) select * from a, b", "select | b"},
	{"with recursive a as (select * from b), b as (select * from a) select * from a, b", "select"},
	{"with t as (select 1) select * from (with u as (select * from t) select * from u, x) q, u", "select | x u"},
	{"with t as (select 1) insert into t select * from t", "insert | t(w)"},
	{"with d as (delete from customers where id = 1 returning *) select * from d", "select | customers(w) | 0.id=#0"},
	{"select * from t tablesample system (5) where id = 7", "select | t | 0.id=#1"},
	{"select 1 into x from t", "create-as | x(w) t"},
	{"select 1 into x from t union select 2 from u", "create-as | x(w) t u"},
	{"create table n as select * from customers where id = 5", "create-as | customers n(w) | 0.id=#0"},
	{"create materialized view m as select * from t", "create-as | t m(w)"},
	{"truncate a, b.c", "other | a(w) b.c(w)"},
	{"lock table customers", "other | customers"},
	{"merge into a using b on a.id = 5 when matched then delete", "merge | a(w) b"},
	/* equalities */
	{"select * from customers where id = 42", "select | customers | 0.id=#0"},
	{"select * from customers where 42 = id", "select | customers | 0.id=#0"},
	{"select * from customers where customers.id = $1 and public.customers.phone = 'x'", "select | customers | 0.id=$1 0.phone=#0"},
	{"select * from customers c where c.id = $1::int8 and c.name = '5'::text and c.n = cast($2 as numeric)",
	 "select | customers | 0.id=$1 0.name=#0 0.n=$2"},
	{"select * from customers c where (c.id) in (7) and c.k in (1, 2)", "select | customers | 0.id=#0"},
	{"select * from customers where id operator(pg_catalog.=) 5 and x operator(public.=) 6", "select | customers | 0.id=#0"},
	{"select * from t where a = -5 and b = null and c = true and d = 'x'::varchar(3) and e = '{1}'::int[] and f = date '2020-01-01'",
	 "select | t"},
	{"select * from t where a = 1 or b = 2", "select | t"},
	{"select * from t where not (a = 1) and b = 2", "select | t | 0.b=#1"},
	{"select * from t where (a = 1 and (b = 2 and c = 3)) and a = b and a > 4", "select | t | 0.a=#0 0.b=#1 0.c=#2"},
	{"select * from a, b where id = 1 and a.x = 2 and z.x = 3", "select | a b | -.id=#0 0.x=#1"},
	{"select * from a, b where id = 1 and exists (select 1 from c)", "select | a b c"},
	{"select * from a join b on a.id = b.id and b.k = 1 where a.x = 2", "select | a b | 1.k=#0 0.x=#1"},
	{"select * from a left join b on b.k = 1 where b.x = 2", "select | a b | 1.x=#1"},
	{"select * from (a left join b on true) join c on c.k = 3", "select | a b c | 2.k=#0"},
	{"select * from a left join (b join c on c.k = 3) on true", "select | a b c"},
	{"select * from a full join b on a.k = 1", "select | a b"},
	{"select * from a right join (select * from b where id = 3) q on a.k = 1", "select | a b | 1.id=#0"},
	{"select * from a left join (select * from b where id = 3) q on true", "select | a b"},
	{"select * from a join b using (id) where a.id = 4", "select | a b | 0.id=#0"},
	{"select * from (select * from customers where id = 1) q where q.phone = '2'", "select | customers | 0.phone=#1 0.id=#0"},
	{"select * from (select id as x, * from customers) q where x = 5 and name = 'z'", "select | customers | 0.id=#0 0.name=#1"},
	{"select * from (select a.id from a, b) q where id = 5", "select | a b | 0.id=#0"},
	{"select * from (select b.* from a, b) q where id = 5", "select | a b | 1.id=#0"},
	{"select * from (select * from a, b) q where id = 5", "select | a b"},
	{"select * from (select lower(id) as id from a) q where id = 'x'", "select | a | | lower"},
	{"select * from (select * from a) q(x, y) where x = 5", "select | a"},
	{"select * from customers c(x) where x = 5", "select | customers"},
	{"select * from (select 1 union select id from a) q(id) where id = 1", "select | a"},
	{"select 1 from a where id = 1 union select 2 from b where id = 2", "select | a b"},
	{"with c as (select * from customers where id = 42) select * from c where phone = 'x'", "select | customers | 0.phone=#1 0.id=#0"},
	{"with c as (select * from customers where id = 42) select * from c, c d", "select | customers"},
	{"with c(x) as (select * from customers where id = 42) select * from c where x = 1", "select | customers | 0.id=#0"},
	{"with recursive c as (select * from c where id = 1) select * from c where id = 2", "select"},
	{"select * from a, lateral (select * from b where id = 1) q", "select | a b"},
	{"select * from f(1) g where g.id = 1", "select | | | f"},
	{"select * from a, f() g where id = 1", "select | a | | f"},
	{"insert into t (a, b, c) values (1, $2, lower('x'))", "insert | t(w) | 0.a=#0 0.b=$2 | lower"},
	{"insert into t values (1)", "insert | t(w)"},
	{"insert into t (a) values (1), (2)", "insert | t(w)"},
	{"insert into t (a) default values", NULL},
	{"insert into t (a[1]) values (1)", "insert | t(w)"},
	{"insert into t select * from u where id = 5", "insert | t(w) u | 1.id=#0"},
	{"update t set a = 1 from u where t.id = 2 and u.k = $1", "update | t(w) u | 0.id=#1 1.k=$1"},
	{"delete from t x using u where x.id = '2'", "delete | t(w) u | 0.id=#0"},
	/* functions */
	{"select b(), a(b()), s.c(1), count(*) from x order by d(1)", "select | x | | a b c count d"},
	{"select \"Big\"(1)", "select | | | Big"},
	{"call p(1)", "call-do | | | p"},
	{"do $$begin end$$", "call-do"},
	/* wrapping statements */
	{"prepare p (int) as select * from customers where id = $1", "prepare [p] | customers | 0.id=$1"},
	{"execute p ('a', 5, $1, -1, 7::int, f(1))", "execute [p] | | | f | #0 #1 - - #3 -"},
	{"execute p", "execute [p]"},
	{"deallocate p", "deallocate [p]"},
	{"deallocate all", "deallocate"},
	{"declare c cursor for select * from customers where id = 1", "declare [c] | customers | 0.id=#0"},
	{"fetch 3 from c", "fetch [c]"},
	{"move backward 3 in \"C d\"", "fetch [C d]"},
	{"close c", "close [c]"},
	{"close all", "close"},
	{"explain select * from t where a = 1", "explain | t | 0.a=#0"},
	{"explain analyze delete from t", "explain! | t(w)"},
	{"explain (analyze off, costs) execute p(3)", "explain [p] | | | | #0"},
	{"explain (analyze true) create table x as select 1 from y", "explain! | y x(w)"},
	{"explain (\"analyze\" 1) select 1", "explain!"},
	{"explain (analyze 0) select 1", "explain"},
	{"create table x as execute p(3)", "create-as [p] | x(w) | | | #0"},
	{"begin read only", "transaction"}, {"rollback to x", "transaction"}, {"commit", "transaction"},
	{"set search_path = a", "set"}, {"reset all", "set"}, {"show x", "show"},
	{"listen x", "other"}, {"create view v as select * from t", "other | v t"},
	{"grant select on t to x", "other | t"},
	/* COPY: the rest is in test_copy */
	{"copy t (a, b) to stdout", "copy-to | t"},
	{"copy (select * from t where id = 1) to stdout", "copy-query-to | t | 0.id=#0"},
	{"copy (delete from t where id = 1 returning *) to stdout", "copy-query-to | t(w) | 0.id=#0"},
	{"copy t from stdin", "copy-from | t(w)"},
	{"copy t to '/tmp/x'", "other | t"},
	{"copy t from program 'x'", "other | t(w)"},
	/* refused */
	{"selct 1", NULL}, {"select * from", NULL}, {"select 'x", NULL},
};

static void
put_name(struct base_buf *b, struct base_span s)
{
	base_buf_put(b, s);
}

static void
put_statement(struct base_buf *b, const struct sql_statement *st)
{
	base_buf_str(b, class_names[st->class]);
	if (st->analyze)
		base_buf_u8(b, '!');
	if (st->name.n > 0)
		base_buf_fmt(b, " [%.*s]", (int)st->name.n, (const char *)st->name.p);
	int parts = st->nargs > 0 ? 4 : st->nfunctions > 0 ? 3 : st->nequalities > 0 ? 2 : st->nrelations > 0 ? 1 : 0;
	if (parts > 0)
		base_buf_str(b, " |");
	for (size_t i = 0; i < st->nrelations; i++) {
		base_buf_u8(b, ' ');
		put_name(b, st->relations[i].schema);
		base_buf_str(b, st->relations[i].schema.n > 0 ? "." : "");
		put_name(b, st->relations[i].name);
		base_buf_str(b, st->relations[i].written ? "(w)" : "");
	}
	if (parts > 1)
		base_buf_str(b, " |");
	for (size_t i = 0; i < st->nequalities; i++) {
		const struct sql_equality *e = &st->equalities[i];
		if (e->relation == SIZE_MAX)
			base_buf_str(b, " -.");
		else
			base_buf_fmt(b, " %zu.", e->relation);
		assert_true(e->relation == SIZE_MAX || e->relation < st->nrelations);
		put_name(b, e->column);
		base_buf_fmt(b, "=%s%u", e->is_param ? "$" : "#", e->number);
	}
	if (parts > 2)
		base_buf_str(b, " |");
	for (size_t i = 0; i < st->nfunctions; i++) {
		base_buf_u8(b, ' ');
		put_name(b, st->functions[i]);
	}
	if (parts > 3)
		base_buf_str(b, " |");
	for (size_t i = 0; i < st->nargs; i++) {
		if (st->args[i] == SIZE_MAX)
			base_buf_str(b, " -");
		else
			base_buf_fmt(b, " #%zu", st->args[i]);
	}
}

static int
make(const char *text, size_t n, struct sql_facts **facts_r, struct base_fail *fail)
{
	struct sql_scan scan;
	sql_scan_init(&scan);
	int err = sql_scan_text(&scan, base_span(text, n), fail);
	if (err == 0)
		err = sql_facts_new(base_span(text, n), &scan, facts_r, fail);
	sql_scan_done(&scan);
	return err;
}

static void
test_facts(void **state)
{
	(void)state;
	for (size_t i = 0; i < BASE_COUNT(cases); i++) {
		struct sql_facts *facts = NULL;
		struct base_fail fail = {.code = 0};
		struct base_buf line;
		int err = make(cases[i].text, strlen(cases[i].text), &facts, &fail);
		if (!cases[i].facts) {
			assert_int_equal(err, GH_E_PARSE);
			assert_null(facts);
			continue;
		}
		if (err != 0)
			fail_msg("%s: %s", cases[i].text, fail.text);
		assert_int_equal(facts->count, 1);
		assert_int_equal(facts->statement[0].at, 0);
		assert_int_equal(facts->statement[0].len, strlen(cases[i].text));
		base_buf_init(&line, 4096);
		put_statement(&line, &facts->statement[0]);
		base_buf_u8(&line, 0);
		assert_string_equal((const char *)base_buf_span(&line).p, cases[i].facts);
		base_buf_done(&line);
		sql_facts_ref(facts);
		struct sql_facts *second = facts;
		sql_facts_unref(&second);
		assert_null(second);
		sql_facts_unref(&facts);
		assert_null(facts);
		sql_facts_unref(&facts); /* nothing to do */
	}
}

static void
test_truncated(void **state)
{
	(void)state;
	for (size_t i = 0; i < BASE_COUNT(cases); i++) {
		for (size_t len = 0; len < strlen(cases[i].text); len++) {
			struct sql_facts *facts = NULL;
			char *exact = malloc(len == 0 ? 1 : len);
			assert_non_null(exact);
			memcpy(exact, cases[i].text, len);
			(void)make(exact, len, &facts, NULL);
			sql_facts_unref(&facts);
			free(exact);
		}
	}
}

static void
test_copy(void **state)
{
	static const struct {
		const char *text;
		int format;
		char delimiter, quote, escape;
		const char *null_text;
		bool header;
		size_t ncolumns;
	} t[] = {
		{"copy t to stdout", SQL_COPY_TEXT, '\t', '"', '"', "\\N", false, 0},
		{"copy t (a, \"B\") to stdout csv header", SQL_COPY_CSV, ',', '"', '"', "", true, 2},
		{"copy t to stdout (format csv, delimiter ';', null 'x', quote '''', header)", SQL_COPY_CSV, ';', '\'', '\'', "x", true, 0},
		{"copy t to stdout (format csv, escape '\\')", SQL_COPY_CSV, ',', '"', '\\', "", false, 0},
		{"copy t to stdout with delimiter E'\\x01' null as ''", SQL_COPY_TEXT, '\1', '"', '"', "", false, 0},
		{"copy t to stdout (format binary)", SQL_COPY_BINARY, '\t', '"', '"', "\\N", false, 0},
		{"copy t to stdout binary", SQL_COPY_BINARY, '\t', '"', '"', "\\N", false, 0},
		{"copy binary t to stdout", SQL_COPY_BINARY, '\t', '"', '"', "\\N", false, 0},
		{"copy t to stdout (header off)", SQL_COPY_TEXT, '\t', '"', '"', "\\N", false, 0},
		{"copy t to stdout (header 0)", SQL_COPY_TEXT, '\t', '"', '"', "\\N", false, 0},
		{"copy t to stdout (header 1)", SQL_COPY_TEXT, '\t', '"', '"', "\\N", true, 0},
		{"copy t from stdin (header match)", SQL_COPY_TEXT, '\t', '"', '"', "\\N", true, 0},
		{"copy t to stdout (header 'False')", SQL_COPY_TEXT, '\t', '"', '"', "\\N", false, 0},
	};
	(void)state;
	for (size_t i = 0; i < BASE_COUNT(t); i++) {
		struct sql_facts *facts = NULL;
		assert_int_equal(make(t[i].text, strlen(t[i].text), &facts, NULL), 0);
		const struct sql_statement *st = &facts->statement[0];
		assert_true(facts->exact);
		assert_int_equal((int)st->format, t[i].format);
		assert_int_equal(st->delimiter, t[i].delimiter);
		assert_int_equal(st->quote, t[i].quote);
		assert_int_equal(st->escape, t[i].escape);
		assert_true(base_span_is(st->null_text, t[i].null_text));
		assert_true(st->header == t[i].header);
		assert_int_equal(st->ncolumns, t[i].ncolumns);
		if (st->ncolumns == 2)
			assert_true(base_span_is(st->columns[0], "a") && base_span_is(st->columns[1], "B"));
		sql_facts_unref(&facts);
	}
}

static void
test_several(void **state)
{
	static const char text[] = " select 1 from a where x = 5 ;; update b set y = 'z' where k = 6; /* no more */";
	struct sql_facts *facts = NULL;
	(void)state;
	assert_int_equal(make(text, strlen(text), &facts, NULL), 0);
	assert_int_equal(facts->count, 2);
	assert_true(facts->exact);
	const struct sql_statement *a = &facts->statement[0], *b = &facts->statement[1];
	assert_int_equal(a->at, 0);
	assert_int_equal(text[a->at + a->len], ';');
	assert_int_equal(text[b->at + b->len], ';');
	assert_memory_equal(text + b->at, " update", 7);
	assert_int_equal(a->equalities[0].number, 1);
	assert_int_equal(b->equalities[0].number, 3);
	sql_facts_unref(&facts);

	assert_int_equal(make("", 0, &facts, NULL), 0);
	assert_int_equal(facts->count, 0);
	sql_facts_unref(&facts);
	assert_int_equal(make("explain (analyze 1) select 1", 28, &facts, NULL), 0);
	assert_true(facts->exact);
	sql_facts_unref(&facts);
	assert_int_equal(make("explain analyze select 1", 24, &facts, NULL), 0);
	assert_false(facts->exact);
	sql_facts_unref(&facts);
}

/* Fills n bytes with `unit` repeated. */
static char *
repeat(const char *head, const char *unit, size_t n, size_t *len_r)
{
	char *text = base_mem_new(n + 1, 1);
	size_t at = strlen(head), u = strlen(unit);
	memcpy(text, head, at);
	for (; n - at >= u; at += u)
		memcpy(text + at, unit, u);
	*len_r = at;
	return text;
}

static void *
deep_thread(void *ctx)
{
	static const struct { const char *head, *unit; } t[] = {
		{"select 1", "+1"}, {"select 1", "||a"}, {"select ", "(" }, {"select ", "- "}, {"select a", "[1]"}, {"select a", " is null"},
		{"select ", "not "}, {"select 1 from a", ",a"}, {"select a", ",a"}, {"select 1 from a", " join a on b"}, {"select f(", "f("},
		{"select 1 from a where a=1", " and a=1"}, {"select 1 from a where a=1", " or a=1"}, {"select a()", ",a()"},
		{"select 1", " union select 1"}, {"select ", "case when "}, {"with a as (select 1)", ",a as (select 1 from a)"},
		{"select * from ", "(select * from "}, {"", "explain "}, {"insert into t(a", ",a"}, {"select a", ".a"}, {"set a to b", ",b"},
	};
	int *limits = ctx;
	for (size_t i = 0; i < BASE_COUNT(t); i++) {
		for (size_t size = 1024; size <= SQL_TEXT_MAX; size *= 8) {
			struct sql_facts *facts = NULL;
			struct base_fail fail = {.code = 0};
			size_t n;
			char *text = repeat(t[i].head, t[i].unit, size, &n);
			int err = make(text, n, &facts, &fail);
			if (err == GH_E_LIMIT)
				++*limits;
			else if (err != 0 && err != GH_E_PARSE)
				*limits = -1000;
			sql_facts_unref(&facts);
			free(text);
		}
	}
	return NULL; /* the library frees the thread's memory when it ends */
}

/* The header asks for 32 MiB of stack; nothing may go deeper than that, whatever the text. */
static void
test_deep(void **state)
{
	pthread_attr_t attr;
	pthread_t thread;
	int limits = 0;
	(void)state;
	assert_int_equal(pthread_attr_init(&attr), 0);
	assert_int_equal(pthread_attr_setstacksize(&attr, (size_t)32 << 20), 0);
	assert_int_equal(pthread_create(&thread, &attr, deep_thread, &limits), 0);
	assert_int_equal(pthread_join(thread, NULL), 0);
	assert_int_equal(pthread_attr_destroy(&attr), 0);
	assert_true(limits > 5);
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
		cmocka_unit_test(test_facts),
		cmocka_unit_test(test_truncated),
		cmocka_unit_test(test_copy),
		cmocka_unit_test(test_several),
		cmocka_unit_test(test_deep),
	};
	return cmocka_run_group_tests(tests, NULL, teardown);
}
