/* Tests of sql_command: a command written as one line of text, so that the table below reads like the contract:
 *   kind words [name=..] [value=..] [inner={..}] [send={..}] [types] [arguments] [flags]
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
#include "sql_command.h"

static const char *const kinds[] = {
	"empty", "query", "transaction", "set", "reset-all", "show", "prepare", "execute", "deallocate", "declare", "fetch", "move", "close",
	"copy-query", "copy-table", "explain", "discard", "unlisten", "several", "other",
};

static const struct { const char *text, *command; } cases[] = {
	{"", "empty"},
	{" ; /* x */ ; -- y", "empty"},
	{"select 1; select 2", "several"},
	/* queries */
	{"select 1", "query SELECT inner={select 1} select"},
	{"; select ';' /* ; */ ; ; ", "query SELECT inner={select ';'} select"},
	{"with a as (select 1) table a", "query SELECT inner={with a as (select 1) table a} select"},
	{"select 1 into t", "query SELECT inner={select 1 into t}"},
	{"select 1 from t for share", "query SELECT inner={select 1 from t for share}"},
	{"select * from (select 1 from t for update) x", "query SELECT inner={select * from (select 1 from t for update) x}"},
	{"with d as (delete from t returning 1) select * from d", "query SELECT inner={with d as (delete from t returning 1) select * from d}"},
	{"insert into t values (1)", "query INSERT inner={insert into t values (1)}"},
	{"update t set a = 1", "query UPDATE inner={update t set a = 1}"},
	{"delete from t", "query DELETE inner={delete from t}"},
	{"merge into a using b on a.id = b.id when matched then delete", "query MERGE inner={merge into a using b on a.id = b.id when matched then delete}"},
	/* transactions */
	{"begin", "transaction BEGIN send={BEGIN}"},
	{"begin work isolation level repeatable read read write deferrable",
	 "transaction BEGIN send={BEGIN ISOLATION LEVEL REPEATABLE READ, READ WRITE, DEFERRABLE}"},
	{"start transaction isolation level serializable, read only, not deferrable",
	 "transaction START TRANSACTION send={START TRANSACTION ISOLATION LEVEL SERIALIZABLE, READ ONLY, NOT DEFERRABLE}"},
	{"commit", "transaction COMMIT send={COMMIT}"},
	{"end work and no chain", "transaction COMMIT send={COMMIT}"},
	{"rollback and chain", "transaction ROLLBACK send={ROLLBACK AND CHAIN}"},
	{"abort", "transaction ROLLBACK send={ROLLBACK}"},
	{"savepoint \"a\"\"; drop\"", "transaction SAVEPOINT name=a\"; drop send={SAVEPOINT \"a\"\"; drop\"}"},
	{"release Foo", "transaction RELEASE name=foo send={RELEASE SAVEPOINT \"foo\"}"},
	{"rollback to savepoint s", "transaction ROLLBACK name=s send={ROLLBACK TO SAVEPOINT \"s\"}"},
	{"prepare transaction 'x'", "other PREPARE TRANSACTION"},
	{"commit prepared 'x'", "other COMMIT PREPARED"},
	{"rollback prepared 'x'", "other ROLLBACK PREPARED"},
	{"set transaction isolation level read uncommitted", "transaction SET send={SET TRANSACTION ISOLATION LEVEL READ UNCOMMITTED}"},
	{"set local transaction read only", "transaction SET send={SET LOCAL TRANSACTION READ ONLY} local"},
	{"set session characteristics as transaction read only, deferrable",
	 "transaction SET send={SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY, DEFERRABLE}"},
	{"set transaction snapshot '1'", "other SET"},
	/* settings */
	{"set a.b to 'x'", "set SET name=a.b value=x"},
	{"set gatehouse.case = '8841'", "set SET name=gatehouse.case value=8841"}, /* no SQL, because CASE is reserved; the gate's own setting all the same */
	{" SET Local\nGatehouse . CASE to 'a'", "set SET name=gatehouse.case value=a local"},
	{"set session gatehouse.case to default", "set SET name=gatehouse.case default"},
	{"show gatehouse.case;", "show SHOW name=gatehouse.case"},
	{"set \"Client_Encoding\" = SJIS", "set SET name=client_encoding value=sjis"},
	{"set session x = -5", "set SET name=x value=-5"},
	{"set x = - /* 7 */ -- 8\n 5", "set SET name=x value=-5"},
	{"set x = +0", "set SET name=x value=0"},
	{"set local x = -1.50", "set SET name=x value=-1.50 local"},
	{"set x to default", "set SET name=x default"},
	{"set search_path = a, \"B\", 'c d', 5", "set SET name=search_path value=a, \"B\", \"c d\", \"5\" several"},
	{"set names 'utf8'", "set SET name=client_encoding value=utf8"},
	{"set names", "set SET name=client_encoding default"},
	{"set schema 's'", "set SET name=search_path value=s"},
	{"set time zone 'UTC'", "set SET name=timezone value=UTC"},
	{"set time zone -7", "set SET name=timezone value=-7"},
	{"set time zone local", "set SET name=timezone default"},
	{"set time zone interval '1' hour to minute", "other SET TIME ZONE INTERVAL"},
	{"set x from current", "other SET FROM CURRENT"},
	{"set role bob", "other SET ROLE"},
	{"set \"ROLE\" = 'bob'", "other SET ROLE"},
	{"set local role none", "other SET ROLE"},
	{"reset role", "other RESET ROLE"},
	{"set session authorization bob", "other SET SESSION AUTHORIZATION"},
	{"set session_authorization = bob", "other SET SESSION AUTHORIZATION"},
	{"reset x", "set RESET name=x default"},
	{"reset time zone", "set RESET name=timezone default"},
	{"reset all", "reset-all RESET"},
	{"show all", "show SHOW name=all"},
	{"show Time Zone", "show SHOW name=timezone"},
	{"show \"DateStyle\"", "show SHOW name=datestyle"},
	{"discard all", "discard DISCARD ALL name=all"},
	{"discard plans", "discard DISCARD PLANS name=plans"},
	{"discard temporary", "discard DISCARD TEMP name=temp"},
	{"discard sequences", "discard DISCARD SEQUENCES name=sequences"},
	/* prepared statements */
	{"prepare p as select 1;", "prepare PREPARE name=p inner={select 1} select"},
	{"prepare /* AS SELECT 1 -- */ p AS SELECT phone", "prepare PREPARE name=p inner={SELECT phone} select"},
	{"prepare \"p AS SELECT 1 --\" as select phone from c", "prepare PREPARE name=p AS SELECT 1 -- inner={select phone from c} select"},
	{"prepare p -- as select 1\n as /* x */ select 'as' as select /* y */ ; -- z", "prepare PREPARE name=p inner={select 'as' as select} select"},
	{"prepare p as select U&'\\0041' ;", "prepare PREPARE name=p inner={select U&'\\0041'} select"},
	{"prepare p as select $$ as $$, E'\\' as', $a$ $$ $a$", "prepare PREPARE name=p inner={select $$ as $$, E'\\' as', $a$ $$ $a$} select"},
	{"prepare p as delete from t", "prepare PREPARE name=p inner={delete from t}"},
	{"prepare p (int, integer, bigint, smallint, text, varchar(3), character varying, numeric(5,2), boolean, date) as select $1",
	 "prepare PREPARE name=p inner={select $1} types=23,23,20,21,25,1043,1043,1700,16,1082 select"},
	{"prepare p (timestamp, timestamp with time zone, timestamptz, uuid, json, jsonb, float8, double precision, real, bytea) as select $1",
	 "prepare PREPARE name=p inner={select $1} types=1114,1184,1184,2950,114,3802,701,701,700,17 select"},
	{"prepare p (\"char\", char, name, oid, int[], pg_catalog.int4[][3], text array, time, interval) as select $1",
	 "prepare PREPARE name=p inner={select $1} types=18,1042,19,26,1007,1007,1009,1083,1186 select"},
	{"prepare p (int, regclass) as select $1", "other PREPARE (type regclass)"},
	{"prepare p (public.int4) as select $1", "other PREPARE (type int4)"},
	{"prepare p (setof int) as select $1", "other PREPARE (type int4)"},
	{"execute p", "execute EXECUTE name=p"},
	{"execute p(1, 'x''y', null, true, false::bool, -5, 0, '', 1.5, 3000000000, '5'::int, date '2020-01-01', (7), -(5), - - 5, null::text)",
	 "execute EXECUTE name=p args=<1><x'y>null<t><f><-5><0><><1.5><3000000000><5><2020-01-01><7><-5><5>null"},
	{"execute p(1+1, $1, b'01', 'abc'::varchar(2), 'x'::regclass, now(), (select 1), -'5', row(1), array[1], a, -(1+1))",
	 "execute EXECUTE name=p args=????????????"},
	{"deallocate p", "deallocate DEALLOCATE name=p"},
	{"deallocate prepare \"all\"", "deallocate DEALLOCATE name=all"},
	{"deallocate all", "deallocate DEALLOCATE ALL"},
	/* cursors */
	{"declare c cursor for select 1", "declare DECLARE CURSOR name=c inner={select 1} select"},
	{"declare cursor cursor for select 1;", "declare DECLARE CURSOR name=cursor inner={select 1} select"},
	{"DECLARE \"k CURSOR FOR SELECT 1 --\" CURSOR FOR SELECT address", "declare DECLARE CURSOR name=k CURSOR FOR SELECT 1 -- inner={SELECT address} select"},
	{"declare c /* for select 1 */ binary insensitive scroll cursor with hold for (select 1)",
	 "declare DECLARE CURSOR name=c inner={(select 1)} hold scroll binary select"},
	{"declare c asensitive no scroll cursor without hold for values (1)", "declare DECLARE CURSOR name=c inner={values (1)} select"},
	{"declare c cursor for select 1 from t for update", "declare DECLARE CURSOR name=c inner={select 1 from t for update}"},
	{"fetch c", "fetch FETCH name=c count=1"},
	{"fetch next from \"C\"", "fetch FETCH name=C count=1"},
	{"fetch all c", "fetch FETCH name=c all"},
	{"fetch forward all in c", "fetch FETCH name=c all"},
	{"fetch forward 5 c", "fetch FETCH name=c count=5"},
	{"fetch 0 c", "fetch FETCH name=c count=0"},
	{"fetch -3 c", "fetch FETCH name=c backward count=-3"},
	{"fetch forward -3 c", "fetch FETCH name=c backward count=-3"},
	{"fetch prior c", "fetch FETCH name=c backward count=1"},
	{"fetch backward all c", "fetch FETCH name=c backward all"},
	{"fetch first c", "fetch FETCH name=c backward count=1"},
	{"fetch last c", "fetch FETCH name=c backward count=-1"},
	{"fetch absolute 2 c", "fetch FETCH name=c backward count=2"},
	{"fetch relative 0 c", "fetch FETCH name=c backward count=0"},
	{"move forward 2 c", "move MOVE name=c count=2"},
	{"close c", "close CLOSE CURSOR name=c"},
	{"close all", "close CLOSE CURSOR ALL"},
	/* COPY */
	{"copy (select phone, ') TO STDOUT' from customers) to stdout",
	 "copy-query COPY inner={select phone, ') TO STDOUT' from customers} select copy=text,\t,\",\",\\N"},
	{"copy /* ( */ ( /* ) */ (select 1) union (select ')') ) to stdin",
	 "copy-query COPY inner={(select 1) union (select ')')} select copy=text,\t,\",\",\\N"},
	{"copy (delete from t returning 1) to stdout", "copy-query COPY inner={delete from t returning 1} copy=text,\t,\",\",\\N"},
	{"copy t to stdout", "copy-table COPY inner={SELECT * FROM \"t\"} select copy=text,\t,\",\",\\N"},
	{"copy S.\"T\"\"x\" (a, \"B\") to stdout (format csv, header, delimiter ';', null 'x', quote '''', escape 'y')",
	 "copy-table COPY inner={SELECT \"a\", \"B\" FROM \"s\".\"T\"\"x\"} select copy=csv,;,',y,x,header"},
	{"copy t to stdout csv header delimiter as ';' null as 'x' quote as '''' escape as 'y'",
	 "copy-table COPY inner={SELECT * FROM \"t\"} select copy=csv,;,',y,x,header"},
	{"copy t to stdout (format csv, quote '!')", "copy-table COPY inner={SELECT * FROM \"t\"} select copy=csv,,,!,!,"},
	{"copy t to stdout (header off, format text, encoding 'UTF8')", "copy-table COPY inner={SELECT * FROM \"t\"} select copy=text,\t,\",\",\\N"},
	{"copy t to stdout with delimiter '|' null ''", "copy-table COPY inner={SELECT * FROM \"t\"} select copy=text,|,\",\","},
	{"copy binary t to stdout", "copy-table COPY inner={SELECT * FROM \"t\"} select copy=binary,\t,\",\",\\N"},
	{"copy t from stdin", "other COPY FROM"},
	{"copy t to '/x'", "other COPY TO FILE"},
	{"copy t to program 'x'", "other COPY TO PROGRAM"},
	{"copy (select 1) to program 'x'", "other COPY TO PROGRAM"},
	/* EXPLAIN */
	{"explain select 1", "explain EXPLAIN inner={select 1} send={EXPLAIN } select"},
	{"explain (select 1);", "explain EXPLAIN inner={(select 1)} send={EXPLAIN } select"},
	{"explain analyse verbose (select 1)", "explain EXPLAIN inner={(select 1)} send={EXPLAIN } analyze verbose select"},
	{"explain verbose delete from t", "explain EXPLAIN inner={delete from t} send={EXPLAIN } verbose"},
	{"explain (costs off, format json, timing 0, \"analyze\" 1) /* ( */ (select 1)",
	 "explain EXPLAIN inner={(select 1)} send={EXPLAIN (COSTS false, TIMING false, FORMAT JSON) } analyze select"},
	{"explain (analyze, analyze off, costs off, costs, buffers 'ON', wal true, settings, summary) select ') select 2'",
	 "explain EXPLAIN inner={select ') select 2'} send={EXPLAIN (COSTS true, SETTINGS true, BUFFERS true, WAL true, SUMMARY true) } select"},
	{"explain (format yaml) select 1", "explain EXPLAIN inner={select 1} send={EXPLAIN (FORMAT YAML) } select"},
	{"explain (generic_plan) select 1", "other EXPLAIN (unknown option)"},
	{"explain (format sql) select 1", "other EXPLAIN (unknown option)"},
	{"explain (costs 2) select 1", "other EXPLAIN (unknown option)"},
	{"explain (\"ANALYZE\") select 1", "other EXPLAIN (unknown option)"},
	{"explain execute p", "other EXPLAIN of a command"},
	{"explain create table x as select 1", "other EXPLAIN of a command"},
	{"explain declare c cursor for select 1", "other EXPLAIN of a command"},
	/* the rest */
	{"unlisten *", "unlisten UNLISTEN"},
	{"unlisten x", "unlisten UNLISTEN name=x"},
	{"listen x", "other LISTEN"},
	{"notify x, 'y'", "other NOTIFY"},
	{"create table t (a int)", "other CREATE TABLE"},
	{"create temp table t as select 1", "other CREATE TABLE AS"},
	{"create materialized view t as select 1", "other CREATE MATERIALIZED VIEW"},
	{"create text search configuration x (copy = y)", "other CREATE TEXT SEARCH CONFIGURATION"},
	{"create procedure p() language sql as ''", "other CREATE PROCEDURE"},
	{"alter table t rename a to b", "other ALTER TABLE"},
	{"alter view v set schema s", "other ALTER VIEW"},
	{"alter function f() owner to x", "other ALTER FUNCTION"},
	{"drop materialized view v", "other DROP MATERIALIZED VIEW"},
	{"drop event trigger v", "other DROP EVENT TRIGGER"},
	{"grant select on t to u", "other GRANT"},
	{"revoke a from b", "other REVOKE ROLE"},
	{"lock table t", "other LOCK TABLE"},
	{"do $$ begin end $$", "other DO"},
	{"call p()", "other CALL"},
	{"vacuum t", "other VACUUM"},
	{"analyze", "other ANALYZE"},
	{"truncate t", "other TRUNCATE TABLE"},
	/* identifiers that could forge a line of the tree */
	{"select \"a\nb\"", "query SELECT inner={select \"a\nb\"} select odd"},
	{"select 1 as \"\x7f\"", "query SELECT inner={select 1 as \"\x7f\"} select odd"},
	{"select U&\"a\\000ab\"", "query SELECT inner={select U&\"a\\000ab\"} select odd"},
	{"select \"a b\", 'c\nd', U&'\\000a'", "query SELECT inner={select \"a b\", 'c\nd', U&'\\000a'} select"},
	{"prepare p as select \"\t\"", "prepare PREPARE name=p inner={select \"\t\"} select odd"},
	/* refused by the grammar or the scanner */
	{"select from where", "error -3"},
	{"prepare p as create table t (a int)", "error -3"},
	{"select 'open", "error -3"},
	{"select '\xff'", "error -3"},
};

#define PUT(what, s) \
	if ((s).n > 0) \
	base_buf_fmt(out, " " what, (int)(s).n, (const char *)(s).p)

static void
describe_lists(const struct sql_command *c, struct base_buf *out)
{
	for (size_t i = 0; i < c->ntypes; i++)
		base_buf_fmt(out, "%s%u", i == 0 ? " types=" : ",", c->types[i]);
	for (size_t i = 0; i < c->nargs; i++) {
		base_buf_str(out, i == 0 ? " args=" : "");
		if (c->args[i].kind == SQL_ARG_VALUE)
			base_buf_fmt(out, "<%.*s>", (int)c->args[i].text.n, (const char *)c->args[i].text.p);
		else
			base_buf_str(out, c->args[i].kind == SQL_ARG_NULL ? "null" : "?");
	}
}

static void
describe(const struct sql_command *c, struct base_buf *out)
{
	static const char *const formats[] = {"text", "csv", "binary"};
	const struct { bool on; const char *word; } flags[] = {
		{c->is_default, " default"}, {c->local && c->kind != SQL_C_OTHER, " local"}, {c->several_values, " several"}, {c->hold, " hold"},
		{c->scroll, " scroll"}, {c->binary, " binary"}, {c->backward, " backward"}, {c->all, " all"}, {c->analyze && c->kind == SQL_C_EXPLAIN, " analyze"},
		{c->verbose, " verbose"}, {c->is_select && c->kind != SQL_C_OTHER, " select"}, {c->odd_identifier, " odd"},
	};
	base_buf_str(out, kinds[c->kind]);
	PUT("%.*s", base_span_str(c->words));
	if (c->kind != SQL_C_OTHER)
		PUT("name=%.*s", c->name);
	PUT("value=%.*s", c->value);
	PUT("inner={%.*s}", c->inner);
	PUT("send={%.*s}", c->send);
	describe_lists(c, out);
	for (size_t i = 0; i < BASE_COUNT(flags); i++)
		base_buf_str(out, flags[i].on ? flags[i].word : "");
	if ((c->kind == SQL_C_FETCH || c->kind == SQL_C_MOVE) && !c->all)
		base_buf_fmt(out, " count=%lld", (long long)c->count);
	if (c->kind == SQL_C_COPY_QUERY || c->kind == SQL_C_COPY_TABLE)
		base_buf_fmt(out, " copy=%s,%c,%c,%c,%.*s%s%s", formats[c->copy.format], c->copy.delimiter, c->copy.quote, c->copy.escape,
		             (int)c->copy.null_text.n, (const char *)c->copy.null_text.p, c->copy.header ? ",header" : "",
		             c->copy.unsupported ? ",unsupported" : "");
}

static void
test_command(void **state)
{
	(void)state;
	for (size_t i = 0; i < BASE_COUNT(cases); i++) {
		struct sql_command *c = NULL;
		struct base_buf out;
		base_buf_init(&out, 65536);
		int err = sql_command_read(base_span_str(cases[i].text), &c, NULL);
		if (err == 0)
			describe(c, &out);
		else
			base_buf_fmt(&out, "error %d", err);
		base_buf_u8(&out, 0);
		print_message("%s\n", cases[i].text);
		assert_string_equal((const char *)base_buf_span(&out).p, cases[i].command);
		assert_true((err == 0) == (c != NULL));
		sql_command_free(&c);
		base_buf_done(&out);
	}
}

/* What any text must fulfil. */
static void
check_any(struct base_span text)
{
	struct sql_command *c = NULL;
	struct base_fail fail = {.code = 0};
	int err = sql_command_read(text, &c, &fail);
	assert_true(!sql_command_is_plain(text) || err != 0 || (c->kind == SQL_C_QUERY && !c->odd_identifier));
	if (err != 0) {
		assert_true(err == GH_E_PARSE || err == GH_E_LIMIT);
		assert_int_equal(fail.code, err);
		assert_null(c);
		return;
	}
	struct base_span outer = c->made.n > 0 ? c->made : text;
	if (c->inner.n > 0)
		assert_true(c->inner.p >= outer.p && c->inner.n <= (size_t)(outer.p + outer.n - c->inner.p));
	assert_true(c->send.n == 0 || !memchr(c->send.p, 0, c->send.n));
	if (c->kind == SQL_C_OTHER)
		assert_true(c->send.n == 0 && c->inner.n == 0 && c->made.n == 0 && (c->words[0] != '\0'));
	sql_command_free(&c);
}

static void
test_plain(void **state)
{
	static const char *const plain[] = {"select 1", "/* a */ select ';' ;; -- b;", "values (1)", "with a as (select 1) delete from t", "insert into t values (1)",
	                                    "update t set a = 1;", "select \"a;b\" from t", "select from where"};
	static const char *const not_plain[] = {"", ";", "select 1; select 2", "; select 1", "(select 1)", "table t", "begin", "prepare a as select 1", "explain select 1",
	                                        "select u&\"a\" from t", "select \"a\nb\" from t", "select 'a", "\"select\" 1", "create rule r as on insert to t do (select 1; select 2)"};
	(void)state;
	for (size_t i = 0; i < BASE_COUNT(plain); i++)
		assert_true(sql_command_is_plain(base_span_str(plain[i])));
	for (size_t i = 0; i < BASE_COUNT(not_plain); i++)
		assert_false(sql_command_is_plain(base_span_str(not_plain[i])));
	assert_false(sql_command_is_plain(base_span("select\0 1", 9)));
}

static void
test_truncated(void **state)
{
	(void)state;
	for (size_t i = 0; i < BASE_COUNT(cases); i++) {
		for (size_t n = strlen(cases[i].text); n > 0; n--) {
			uint8_t *exact = base_mem_new(n, 1);
			memcpy(exact, cases[i].text, n);
			check_any(base_span(exact, n));
			free(exact);
		}
	}
}

static void
test_copy_unsupported(void **state)
{
	static const struct { const char *options; bool unsupported; } t[] = {
		{"csv force quote *", true}, {"(format csv, force_quote (a))", true}, {"(force_quote *)", true}, {"(freeze)", true},
		{"(encoding 'latin1')", true}, {"(encoding 'utf-8')", false}, {"(format 'Csv')", true}, {"(format avro)", true}, {"(header match)", true},
		{"(header 2)", true}, {"(header 1)", false}, {"(delimiter 'ab')", true}, {"(delimiter '')", true}, {"(delimiter 'a')", true},
		{"(delimiter '\xc3\xa9')", true}, {"(delimiter E'\\n')", true}, {"(delimiter '.')", true}, {"(format csv, delimiter 'a')", false},
		{"(format csv, delimiter '\"')", true}, {"(null E'a\\nb')", true}, {"(null 'a|', delimiter '|')", true},
		{"(format csv, null '\"')", true}, {"(quote '''')", true}, {"(escape 'x')", true}, {"(format binary, header)", true},
		{"(format binary, null '')", true}, {"(format binary, delimiter '|')", true}, {"(format binary)", false}, {"binary", false},
		{"(format csv, format csv)", true}, {"(oids)", true}, {"(format csv, null '')", false}, {"(format csv, header 'oN')", false},
	};
	(void)state;
	for (size_t i = 0; i < BASE_COUNT(t); i++) {
		struct sql_command *c = NULL;
		char text[128];
		(void)snprintf(text, sizeof(text), "copy t to stdout %s", t[i].options);
		print_message("%s\n", text);
		assert_int_equal(sql_command_read(base_span_str(text), &c, NULL), 0);
		assert_int_equal(c->kind, SQL_C_COPY_TABLE);
		assert_int_equal(c->copy.unsupported, t[i].unsupported);
		sql_command_free(&c);
	}
}

#define ADD " , \"c\".\"I\"\"d\" AS \"gh_k1\" "
static const struct { const char *text, *made; } splices[] = {
	{"select a from c", "select a" " " ADD "from c"},
	{"select 'a'from c", "select 'a'" ADD "from c"},
	{"select a/*x*/from c", "select a/*x*/" ADD "from c"},
	{"select a -- x\nfrom c", "select a -- x\n" ADD "from c"},
	{"select a from c;", "select a " ADD "from c;"},
	{"select * from c, d where a in (select 1 from e)", "select * " ADD "from c, d where a in (select 1 from e)"},
	{"select (select 1 from d), extract(year from x), a[(select 1 from e)] from c",
	 "select (select 1 from d), extract(year from x), a[(select 1 from e)] " ADD "from c"},
	{"select ' from d', $$ from $$, \"from\" from c", "select ' from d', $$ from $$, \"from\" " ADD "from c"},
	{"select a is distinct from b from c", "select a is distinct from b " ADD "from c"},
	{"select a is not distinct /* from */ from b from c", "select a is not distinct /* from */ from b " ADD "from c"},
	{"select a distinct from c", "select a distinct " ADD "from c"},
	{"select a as distinct from c", "select a as distinct " ADD "from c"},
	{"select x.is distinct from c", "select x.is distinct " ADD "from c"},
	{"select a as from, c.from, 1 as union, c.except as select from c", "select a as from, c.from, 1 as union, c.except as select " ADD "from c"},
	{"with recursive x(f) as not materialized (select 1 from y union select 2 from z) search depth first by f set o select a from c, x",
	 "with recursive x(f) as not materialized (select 1 from y union select 2 from z) search depth first by f set o select a " ADD "from c, x"},
	{"select a from c order by 1 limit 5 for update", "select a " ADD "from c order by 1 limit 5 for update"},
	{"select a from c where b is distinct from 5 and x = 'union'", "select a " ADD "from c where b is distinct from 5 and x = 'union'"},
	{"select c.* from only c join d using (id)", "select c.* " ADD "from only c join d using (id)"},
	/* no place */
	{"select a", NULL},
	{"select from c", NULL},
	{"select a is distinct from c", NULL},
	{"select distinct a from c", NULL},
	{"select distinct on (a) a from c", NULL},
	{"select a from c union select b from d", NULL},
	{"select a from c intersect select b from d", NULL},
	{"(select a from c)", NULL},
	{"table c", NULL},
	{"values (1)", NULL},
	{"select a into t from c", NULL},
	{"select a from c order by GH_K1", NULL},
	{"select a from c order by \"gh_k1\"", NULL},
	{"select U&\"a\" from c", NULL},
	{"select a from c; select b from d", NULL},
	{"delete from c", NULL},
	{"insert into d select a from c", NULL},
	{"explain select a from c", NULL},
	{"", NULL},
};

static void
test_splice(void **state)
{
	(void)state;
	for (size_t i = 0; i < BASE_COUNT(splices); i++) {
		for (size_t n = strlen(splices[i].text) + 1; n-- > 0;) {
			bool whole = n == strlen(splices[i].text);
			uint8_t *exact = base_mem_new(n + 1, 1);
			memcpy(exact, splices[i].text, n);
			struct base_buf out;
			base_buf_init(&out, SQL_TEXT_MAX);
			int err = sql_splice_column(base_span(exact, n), base_span_str("c"), base_span_str("I\"d"), "gh_k1", &out);
			if (whole) {
				print_message("%s\n", splices[i].text);
				assert_int_equal(err, splices[i].made ? 0 : GH_E_UNSUPPORTED);
				if (err == 0)
					assert_true(base_span_is(base_buf_span(&out), splices[i].made));
			}
			if (err != 0)
				assert_int_equal(base_buf_len(&out), 0);
			base_buf_done(&out);
			free(exact);
		}
	}
}

static void
test_splice_names(void **state)
{
	static const char *const bad[] = {"", "a name of more than sixty-three bytes is cut by the server: refused", "\xff"};
	struct base_buf out;
	(void)state;
	base_buf_init(&out, SQL_TEXT_MAX);
	for (size_t i = 0; i < BASE_COUNT(bad); i++)
		assert_int_equal(sql_splice_column(base_span_str("select a from c"), base_span_str(bad[i]), base_span_str("id"), "gh_k1", &out), GH_E_UNSUPPORTED);
	assert_int_equal(base_buf_len(&out), 0);
	base_buf_done(&out);
}

static void
test_quote(void **state)
{
	static const struct { const char *text, *identifier, *literal; } t[] = {
		{"", "\"\"", "''"}, {"a", "\"a\"", "'a'"}, {"a\"b'c", "\"a\"\"b'c\"", "'a\"b''c'"}, {"a\\'", "\"a\\'\"", " E'a\\\\'''"},
	};
	(void)state;
	for (size_t i = 0; i < BASE_COUNT(t); i++) {
		struct base_buf out;
		base_buf_init(&out, 100);
		sql_quote_identifier(base_span_str(t[i].text), &out);
		assert_true(base_span_is(base_buf_span(&out), t[i].identifier));
		base_buf_clear(&out);
		sql_quote_literal(base_span_str(t[i].text), &out);
		assert_true(base_span_is(base_buf_span(&out), t[i].literal));
		base_buf_done(&out);
	}
}

/* -- size and depth -- */

static void *
deep_thread(void *ctx)
{
	static const struct { const char *head, *unit; } t[] = {
		{"prepare a as select 1", "+1"}, {"select ", "("}, {"execute a(", "("}, {"execute a(1", "::int"}, {"execute a(1", ",-1"},
		{"execute a(", "- "}, {"set a to b", ",b"}, {"explain select ", "not "}, {"declare a cursor for select 1", " union select 1"},
		{"prepare a (int", ",int"}, {"", ";"}, {"", "/*"}, {"copy (select a", "[1]"}, {"explain (costs", ",costs"}, {"select ", "f("},
	};
	int *limits = ctx;
	for (size_t i = 0; i < BASE_COUNT(t); i++) {
		for (size_t size = 1024; size <= SQL_TEXT_MAX + 1024; size *= 8) {
			struct base_buf text;
			struct sql_command *c = NULL;
			base_buf_init(&text, 2 * (size_t)SQL_TEXT_MAX);
			base_buf_str(&text, t[i].head);
			while (base_buf_len(&text) + strlen(t[i].unit) <= size)
				base_buf_str(&text, t[i].unit);
			size_t closed = base_buf_len(&text);
			for (int k = 0; k < 2; k++) { /* once open, once closed */
				int err = sql_command_read(base_buf_span(&text), &c, NULL);
				if (err == GH_E_LIMIT)
					++*limits;
				else if (err != 0 && err != GH_E_PARSE)
					*limits = -1000;
				sql_command_free(&c);
				for (size_t at = 0; at < closed; at++)
					if (base_buf_span(&text).p[at] == '(')
						base_buf_u8(&text, ')');
				if (base_buf_len(&text) > SQL_TEXT_MAX)
					break;
			}
			base_buf_done(&text);
		}
	}
	return NULL; /* the library frees the thread's memory when it ends */
}

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
	assert_true(limits > 2);
}

static void
test_long(void **state)
{
	struct base_buf text;
	struct sql_command *c = NULL;
	(void)state;
	base_buf_init(&text, 2 * (size_t)SQL_TEXT_MAX);
	base_buf_str(&text, "select 1");
	while (base_buf_len(&text) < SQL_TEXT_MAX)
		base_buf_u8(&text, ' ');
	assert_int_equal(sql_command_read(base_buf_span(&text), &c, NULL), 0);
	sql_command_free(&c);
	base_buf_u8(&text, ' ');
	assert_int_equal(sql_command_read(base_buf_span(&text), &c, NULL), GH_E_LIMIT);
	assert_int_equal(sql_command_read(base_span("select\0 1", 9), &c, NULL), GH_E_PARSE);
	assert_int_equal(sql_command_read(base_span(NULL, 0), &c, NULL), 0);
	assert_int_equal(c->kind, SQL_C_EMPTY);
	sql_command_free(&c);
	sql_command_free(&c);
	base_buf_done(&text);
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
		cmocka_unit_test(test_command),   cmocka_unit_test(test_plain),        cmocka_unit_test(test_truncated),    cmocka_unit_test(test_copy_unsupported),
		cmocka_unit_test(test_splice),    cmocka_unit_test(test_splice_names), cmocka_unit_test(test_quote),
		cmocka_unit_test(test_deep),      cmocka_unit_test(test_long),
	};
	return cmocka_run_group_tests(tests, NULL, teardown);
}
