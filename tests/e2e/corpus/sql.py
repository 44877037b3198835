"""Statements of all classes, as an application would run them."""
from lib import pgwire

from . import Group

WINDOWS_AND_MORE = """
select id, sum(amount) over (partition by customer_id order by id), rank() over w, lag(id, 1, -1) over w, ntile(4) over w from orders where id < 40 window w as (order by amount desc, id) order by id
select id, first_value(id) over (order by id rows between 1 preceding and 1 following exclude current row) from products where id < 8
select customer_id, count(*), sum(amount), avg(amount), min(item), max(ordered_at), array_agg(id order by id), string_agg(item, ',' order by id) from orders where id < 60 group by 1 order by 1
select province, count(*) filter (where id % 2 = 0) from customers group by rollup (province) order by 1 nulls last
select province, full_name like 'W%', count(*) from customers group by cube (1, 2) order by 1, 2
select percentile_cont(0.5) within group (order by price), mode() within group (order by id % 3), stddev(price), corr(id, price), regr_slope(price, id) from products
select c.id, o.n from customers c left join lateral (select count(*) n from orders o where o.customer_id = c.id) o on true where c.id < 5 order by 1
with recursive t(n) as (select 1 union all select n + 1 from t where n < 50) select sum(n), max(n) from t
with recursive t(a, b) as (values (1, 1) union select b, a + b from t where b < 100) select * from t
with x as materialized (select * from products where id < 5), y as (select * from x) select * from y join x using (id)
select distinct on (customer_id) customer_id, id from orders where id < 30 order by customer_id, id desc
select * from generate_series(timestamp '2024-01-01', '2024-01-03', '12 hours') with ordinality
select * from rows from (generate_series(1, 2), generate_series(5, 7)) as r(a, b)
select * from unnest(array[1,2], array['a','b','c']) as u(x, y)
select * from json_to_recordset('[{"a":1,"b":"x"},{"a":2}]') as x(a int, b text)
select * from xmltable('/r/i' passing '<r><i a="1">x</i><i a="2"/></r>' columns a int path '@a', t text path '.')
select id from customers tablesample system (100) where id < 3
select 1 union select 2 union all select 2 except select 1 intersect select 1
select * from (values (1, 'a'), (2, null)) v(n, t) order by n desc nulls first limit 1 offset 1
select id from products order by id fetch first 3 rows with ties
select case id when 1 then 'one' else full_name end from customers where id <= 2
select exists (select 1 from orders where customer_id = 5), 5 in (select customer_id from orders), array(select id from products where id < 4)
select c, (c).phone, c.* from customers c where id = 8
select customers from customers where id = 9
select row(c.*)::customers from customers c where id = 10
select tableoid::regclass, ctid, xmin is null, * from visits where id < 3
select * from v_customer where id = 11
select * from v_nested limit 3
select * from v_customer_order where customer = 12
select * from mv_customer where id = 13
select * from visits_2025 limit 2
select * from customers where phone = '13800000014'
select * from customers where id = any('{15,16}') order by id
select customer_name(17)
select 1 as a, 2 as a, 3 as "A b", 4
select
select from customers limit 3
select null, null::int, ''
select * from pg_temp.nosuch
table products limit 2
values (1, 'a'), (2, 'b')
explain (costs off) select * from customers where id = 1
explain (format json, costs off) select * from customers c join orders o on o.customer_id = c.id
explain (analyze, timing off, costs off, summary off) select * from products where id = 1
explain (costs off) execute nosuch
select lower(email), upper(account_id) from customers where id between 20 and 25 order by 1
select current_date - current_date, now() = transaction_timestamp(), statement_timestamp() >= now()
select setseed(0.5)
select random() < 1, random() >= 0
select txid_current_if_assigned() is null
select pg_notify('corpus', 'x')
select 1; select 2
select 1;
;
;;
 
-- only a comment
/* a /* nested */ comment */ select 1
select 'a' 'b'
select 1--comment
"""

SCRIPT = """
create table t (id serial primary key, n int not null default 5, t text unique, d date check (d > '2000-01-01'), a int[] default '{}', j jsonb, constraint positive check (n > 0))
insert into t (t, d, j) values ('a', '2020-01-01', '{"k": 1}'), ('b', null, null) returning id, t, n, a, j
insert into t (n) values (-1)
insert into t (t) values ('a')
insert into t (t) values ('a') on conflict (t) do update set n = t.n + 1 returning *
insert into t (t) values ('a') on conflict do nothing
insert into t select i, i, 'g' || i from generate_series(100, 120) i
insert into t default values returning id
update t set n = n + 1 where id > 110 returning id, n
update t set (n, t) = (select 7, 'seven') where id = 100
update t set n = o.id from products o where o.id = t.id and t.id < 3
delete from t where id = 120 returning *
delete from t using products p where p.id = t.id - 100
merge into t using (values (100, 'm'), (500, 'n')) s(id, t) on t.id = s.id when matched then update set t = s.t when not matched then insert (id, t) values (s.id, s.t)
with gone as (delete from t where id > 105 returning id), put as (insert into t (id, n) select id + 1000, 1 from gone returning id) select (select count(*) from gone), (select min(id) from put)
select * from t order by id limit 10
alter table t add column extra numeric(10,2) default 1.5
alter table t add column gen int generated always as (n * 2) stored
alter table t alter column n type bigint
alter table t rename column extra to more
alter table t drop column d
alter table t add constraint fk foreign key (n) references products not valid
alter table t validate constraint fk
alter table t alter t set not null
alter table t drop constraint positive, add check (n > -5)
alter table t rename to tt
alter table tt set (fillfactor = 70)
select * from tt order by id limit 3
create index on tt (n)
create index concurrently tt_more on tt (more) include (n) where n > 3
create unique index if not exists tt_more on tt (more)
reindex index tt_more
drop index tt_more, tt_n_idx
create view tv as select id, n from tt with check option
insert into tv values (2000, 3)
create or replace view tv as select id, n, t from tt
create rule nothing as on delete to tv do instead nothing
delete from tv
create materialized view tm as select count(*) from tt with no data
select * from tm
refresh materialized view tm
select * from tm
create sequence s start 10 increment 5 maxvalue 20 cycle
select nextval('s'), nextval('s'), nextval('s'), nextval('s'), currval('s'), lastval()
alter sequence s restart
select setval('s', 15, false), nextval('s')
create type mood as enum ('sad', 'ok')
alter type mood add value 'happy' after 'ok'
select 'happy'::mood > 'sad'
select enum_range(null::mood)
create type pair as (a int, b text)
select row(1, 'x')::pair, (row(1, 'x')::pair).b
create domain posint as int check (value > 0)
select 5::posint
select (-5)::posint
create type ir as range (subtype = int4)
select ir(1, 5)
create table parts (a int, b text) partition by list (b)
create table parts_x partition of parts for values in ('x')
create table parts_d partition of parts default
insert into parts values (1, 'x'), (2, 'y') returning tableoid::regclass, *
update parts set b = 'z' where a = 1 returning tableoid::regclass
alter table parts detach partition parts_x
create table kid (c int) inherits (parts_x)
drop table parts_x
drop table parts_x cascade
create function add(a int, b int default 2) returns int language sql immutable as 'select a + b'
select add(1), add(b => 5, a => 1)
create or replace function out2(in a int, out b int, out c text) language plpgsql as $$ begin b := a + 1; c := 'c' || a; raise notice 'in out2 %', a; end $$
select * from out2(5)
select out2(6)
create function rows_of(n int) returns setof products language sql stable as 'select * from products where id <= n'
select * from rows_of(3)
select (rows_of(2)).title
create function tab() returns table (x int, y text) language plpgsql as $$ begin for x in 1..3 loop y := repeat('*', x); return next; end loop; end $$
select * from tab()
create function bad(i int) returns int language plpgsql as $$ begin return 1 / i; exception when division_by_zero then raise warning 'caught % %', sqlstate, sqlerrm; return -1; end $$
select bad(0), bad(2)
create function ctx() returns void language plpgsql as $$ declare c text; begin get diagnostics c = pg_context; perform 1 / 0; end $$
select ctx()
create function curs() returns refcursor language plpgsql as $$ declare c refcursor := 'named'; begin open c for select id, title from products order by id; return c; end $$
begin
select curs()
fetch 3 from named
move 2 in named
fetch all from named
commit
create procedure proc(inout a int) language plpgsql as $$ begin a := a * 2; commit; insert into scratch values (a); rollback; end $$
call proc(21)
create function trig() returns trigger language plpgsql as $$ begin raise notice '% % %', tg_op, tg_when, tg_table_name; if tg_op = 'DELETE' then return old; end if; new.n := coalesce(new.n, 1); return new; end $$
create trigger tr before insert or update or delete on tt for each row execute function trig()
insert into tt (id, n, t) values (3000, null, 'trigger') returning n
update tt set more = 2 where id = 3000
delete from tt where id = 3000
alter table tt disable trigger tr
create event trigger et on ddl_command_end execute function trig()
create policy pol on tt using (id > 5)
alter table tt enable row level security
create statistics st on n, t from tt
analyze tt
vacuum tt
vacuum (verbose off, analyze) tt
cluster tt using tt_pkey
create schema sch create table inner_t (a int)
set search_path = sch, public
select current_schemas(false)
create table inner_u as select 1 a
select a into inner_v from inner_u
drop schema sch cascade
reset search_path
create role r1 nologin
grant select (id, n), update (n) on tt to r1
grant r1 to anna
revoke all on tt from r1
alter default privileges in schema public grant select on tables to r1
alter default privileges in schema public revoke select on tables from r1
reassign owned by r1 to dba
drop owned by r1
drop role r1
create extension if not exists hstore
create extension pg_trgm
select show_trgm('word'), 'word' % 'wrod'
drop extension pg_trgm
create collation c1 (provider = icu, locale = 'de')
drop collation c1
create operator <%%%> (leftarg = int, rightarg = int, function = add)
select 1 <%%%> 2
drop operator <%%%> (int, int)
create aggregate mysum (int) (sfunc = int4pl, stype = int, initcond = '0')
select mysum(id) from products
create cast (mood as int) with function add(int, int)
create foreign data wrapper w
create server srv foreign data wrapper w
create foreign table ft (a int) server srv
select * from ft
drop foreign data wrapper w cascade
create publication pub for table tt
drop publication pub
comment on table tt is 'a comment'
comment on column tt.n is 'another'
select obj_description('tt'::regclass), col_description('tt'::regclass, 2)
security label on table tt is 'x'
truncate tt restart identity cascade
drop table tt
drop view tv, nosuch
drop table if exists nosuch, nosuch2
drop table tt cascade
drop function add, bad, ctx, tab, rows_of, out2, curs
drop type pair, mood cascade
drop type pair
drop domain if exists posint, nosuch
drop table if exists parts, kid cascade
"""

TRANSACTIONS = """
begin
start transaction
select 1
commit
commit
rollback
begin isolation level serializable read only deferrable
show transaction_isolation
insert into scratch values (1)
select 1
rollback
begin
savepoint a
insert into scratch values (1)
savepoint b
select 1/0
select 1
rollback to b
select count(*) from scratch
release a
rollback to a
select 1
commit
select 1
begin
create table rolled (a int)
rollback
select * from rolled
begin
set local work_mem = '1MB'
show work_mem
commit
show work_mem
begin
insert into scratch values (7)
prepare transaction 'two'
select gid from pg_prepared_xacts
rollback prepared 'two'
begin
prepare transaction 'two'
commit prepared 'two'
begin; insert into scratch values (8); commit; select count(*) from scratch; rollback
begin; select 1/0; commit
select 1
commit
insert into scratch values (9); select 1/0; insert into scratch values (10)
select count(*) from scratch
begin; select 1; end; select 2; begin; select 3
rollback
select 1; begin; select 2; commit; select 3; select 1/0
commit and chain
begin
commit and chain
rollback and chain
rollback
abort
begin; lock table scratch in access exclusive mode; rollback
begin; set constraints all immediate; commit
begin; declare c cursor for select generate_series(1, 10); fetch 3 from c; fetch backward 1 from c; fetch absolute 1 from c; move 5 in c; fetch relative 1 from c; fetch 0 from c; fetch all from c; fetch next from c; close c; commit
begin; declare c scroll cursor with hold for select id, title from products order by id; commit
fetch 2 from c
fetch last from c
fetch prior from c
fetch first from c
fetch absolute -3 from c
move backward all in c
fetch forward 2 from c
select name, statement, is_holdable from pg_cursors
close c
fetch c
begin; declare b binary cursor for select 1, 'x', now() is not null; fetch all from b; commit
begin; declare u cursor for select * from scratch for update; fetch u; delete from scratch where current of u; rollback
prepare p as select 1
execute p
prepare q(int, text) as select $1 + 1, $2 || 'x'
execute q(1, 'a')
execute q(1)
execute q('x', 'a')
prepare q as select 1
select name, statement, parameter_types, from_sql from pg_prepared_statements order by 1
explain (costs off) execute p
create table pt (a int)
prepare r as select * from pt
execute r
alter table pt add b int
execute r
prepare w as insert into pt values ($1, $2) returning *
execute w(1, 2)
create table pc as execute r
drop table pt, pc
execute r
deallocate p
deallocate all
execute q(1, 'a')
discard plans
discard temp
discard sequences
discard all
begin; discard all; rollback
create temp table tmp (a int) on commit delete rows
insert into tmp values (1); select count(*) from tmp
select count(*) from tmp
begin; insert into tmp values (1); select count(*) from tmp; commit
create temp table tmp2 on commit drop as select 1
begin; create temp table tmp2 on commit drop as select 1; select * from tmp2; commit
select * from tmp2
listen a
listen "B c"
select pg_listening_channels()
notify a
notify a, 'payload'
begin; notify a, '1'; notify a, '1'; notify a, '2'; commit
begin; notify a, 'lost'; rollback
select pg_notify('a', 'f'), pg_notify('B c', 'g')
unlisten a
notify a, 'unheard'
unlisten *
load 'nosuch'
checkpoint
show all_nothing
set application_name = 'renamed'
set client_encoding = 'LATIN1'
select 'é'
set client_encoding = 'UTF8'
set datestyle = 'ISO, DMY'
set intervalstyle = 'iso_8601'
set timezone = 'Asia/Tokyo'
set time zone interval '-08:00' hour to minute
set standard_conforming_strings = off
select 'a\\nb'
set standard_conforming_strings = on
set default_transaction_read_only = on
create table nope (a int)
set default_transaction_read_only = off
set session characteristics as transaction isolation level repeatable read
show default_transaction_isolation
begin; set local timezone = 'UTC'; set application_name = 'inner'; rollback
begin; set timezone = 'UTC'; commit
set role anna
select current_user, session_user
select * from pg_authid limit 1
reset role
set session authorization anna
select current_user, session_user
reset session authorization
alter role anna set work_mem = '2MB'
alter role anna reset work_mem
set local work_mem = '3MB'
set work_mem to default
reset all
show timezone
show search_path
select set_config('timezone', 'Europe/Paris', false), set_config('my.own', 'v', true), current_setting('my.own')
"""


def lines(text):
    return [line for line in text.split('\n')[1:-1]]


def copies():
    g = Group('copy', setup=['create table ct (a int, b text, c numeric)', "insert into ct values (1, 'one', 1.5), (2, null, null), (3, E'tab\\there\\\\ and \\n line, \"q\"', -1)"])
    for what in ('ct', 'ct (b, a)', '(select * from ct order by a desc)', 'customers', 'products', 'visits_2024', '(values (1, null))', '(select where false)', '(insert into ct values (9) returning *)',
                 'v_customer', 'mv_customer', 'visits', '(select id from generate_series(1, 20000) id)'):
        for options in ('', ' (format csv)', ' (format csv, header)', ' (format binary)', " (delimiter '|', null 'NULL')", " (format csv, quote '''', force_quote *)", ' csv header', ' (header)', ' (encoding latin1)', ' binary'):
            g.q('copy %s to stdout%s' % (what, options))
        g.x('copy %s to stdout' % what)
        g.x('copy %s to stdout binary' % what, rformats=[1])
    g.q("select 1; copy ct to stdout; select 2; copy ct (a) to stdout; select 3")
    yield g
    g = Group('copy in', setup=['create table ci (a int primary key, b text, c numeric)'])
    g.copy_in('copy ci from stdin', '1\tone\t1.5\n2\t\\N\t\\N\n', '3\tthr', 'ee\t-1\n')
    g.copy_in('copy ci from stdin', '10\tx\t1\n\\.\n')
    g.copy_in('copy ci from stdin')
    g.copy_in('copy ci from stdin', '1\ttwice\t1\n')
    g.copy_in('copy ci from stdin', '20\tx\n')
    g.copy_in('copy ci from stdin', '20\tx\t1\t2\n')
    g.copy_in('copy ci from stdin', 'x\ty\tz\n', '21\ta\t1\n')
    g.copy_in('copy ci from stdin', '30\tlost\t1\n', fail='the client gave up')
    g.copy_in('copy ci from stdin', fail='')
    g.copy_in('copy ci (a, b) from stdin (format csv)', '40,"a ""q"" b"\n41,\n42,""\n')
    g.copy_in('copy ci (b, a) from stdin csv header', 'b,a\nx,50\n')
    g.copy_in('copy ci (a, b) from stdin (format csv, header match)', 'a,wrong\n1,2\n')
    g.copy_in("copy ci (a, b) from stdin (delimiter '|', null 'none')", '60|none\n61|x|\n')
    g.copy_in('copy ci (a, b) from stdin (format csv)', '70,"unterminated\n')
    g.copy_in('copy ci from stdin where a > 85', '85\ta\t1\n86\tb\t2\n')
    g.copy_in('copy ci (a) from stdin (format binary)', b'PGCOPY\n\xff\r\n\0' + bytes(8) + b'\0\x01\0\0\0\x04\0\0\0\x64' + b'\xff\xff')
    g.copy_in('copy ci (a) from stdin (format binary)', b'not binary at all, but long enough')
    g.copy_in('copy ci (a) from stdin (format binary)', b'PGCOPY\n\xff\r\n\0' + bytes(8) + b'\0\x02\0\0\0\x04\0\0\0\x64')
    g.copy_in('copy ci from stdin', '200\tx\t1\n', extended=True)
    g.copy_in('copy ci from stdin', 'x\tx\t1\n', extended=True)
    g.copy_in('copy ci from stdin', '201\tx\t1\n', fail='no', extended=True)
    g.copy_in('copy nowhere from stdin', '1\n')
    g.copy_in('select 1; copy ci (a) from stdin; select 2', '300\n')
    g.copy_in('copy ci (b) from stdin; select 1', 'no key\n')
    g.copy_in('begin; copy ci (a) from stdin', '301\n').q('select count(*) from ci', 'rollback', 'select count(*) from ci')
    g.copy_in('copy ci (a, b) from stdin', *['%d\t%s\n' % (i, 'x' * (i % 200)) for i in range(1000, 6000)])
    g.send(pgwire.query('copy ci (a) from stdin') + pgwire.copy_data(b'400\n') + pgwire.query('select 1') + pgwire.SYNC, 2, 'a Query in the middle of COPY')
    g.send(pgwire.query('copy ci (a) from stdin') + pgwire.FLUSH + pgwire.SYNC + pgwire.copy_data(b'401\n') + pgwire.COPY_DONE, 1, 'Flush and Sync in the middle of COPY')
    g.send(pgwire.query('copy ci (a) from stdin; copy ci (a) from stdin') + pgwire.copy_data(b'410\n') + pgwire.COPY_DONE + pgwire.copy_data(b'411\n') + pgwire.COPY_DONE, 1, 'two COPY in one string')
    g.send(pgwire.copy_data(b'stray') + pgwire.COPY_DONE + pgwire.copy_fail('stray') + pgwire.query('select 5'), 1, 'stray COPY messages')
    g.q('select count(*), sum(a), sum(length(b)) from ci', 'select * from ci where a < 500 order by a', 'drop table ci')
    yield g


def large_objects():
    g = Group('large objects')
    g.q("select lo_create(70001), lo_from_bytea(70002, '\\x00010203')", 'select lo_get(70002), lo_get(70002, 1, 2)', "select lo_put(70002, 2, '\\xffff')", 'select lo_get(70002)', 'begin')
    g.q('select lo_open(70001, 393216)', "select lowrite(0, '\\x68656c6c6f')", 'select lo_lseek64(0, 1, 0), lo_tell64(0)', 'select loread(0, 3)', 'select lo_truncate64(0, 2)', 'select lo_close(0)', 'select lo_close(0)', 'rollback',
        'select lo_get(70001)', 'select loid, pageno, data from pg_largeobject where loid = 70002', 'select lo_unlink(70001), lo_unlink(70002)', 'select lo_unlink(70002)', 'begin')
    g.send(pgwire.call(957, [b'\0\x01\x11\x70'], [1], 1), 1, 'lo_creat is not 957: whatever it answers')
    g.q('rollback', 'begin')
    # lo_create(oid) 715, lo_open 952, lowrite 955, lo_lseek 956, loread 954, lo_tell 958, lo_close 953, lo_unlink 964
    g.send(pgwire.call(715, [b'\0\x01\x11\x71'], [1], 1), 1, 'FunctionCall lo_create binary')
    g.send(pgwire.call(952, [b'\0\x01\x11\x71', b'\0\x06\0\0'], [1], 1), 1, 'FunctionCall lo_open')
    g.send(pgwire.call(955, [b'\0\0\0\0', bytes(range(256)) * 40], [1], 1), 1, 'FunctionCall lowrite')
    g.send(pgwire.call(956, [b'\0\0\0\0', b'\0\0\0\x05', b'\0\0\0\0'], [1], 1), 1, 'FunctionCall lo_lseek')
    g.send(pgwire.call(954, [b'\0\0\0\0', b'\0\0\0\x10'], [1], 1), 1, 'FunctionCall loread')
    g.send(pgwire.call(954, [b'0', b'16'], [0], 0), 1, 'FunctionCall loread in text')
    g.send(pgwire.call(953, [b'\0\0\0\0'], [1], 1), 1, 'FunctionCall lo_close')
    g.send(pgwire.call(964, [b'70001'], [0], 0), 1, 'FunctionCall lo_unlink in text')
    g.q('commit')
    for oid, args, formats, result in ((861, [], [], 0), (871, [b'abc'], [], 0), (871, [b'abc'], [0, 1], 0), (870, [b'ABC'], [1], 1), (870, [None], [], 0), (177, [b'1', b'2'], [], 0), (177, [b'\0\0\0\1', b'2'], [1, 0], 1), (177, [b'1'], [], 0),
                                       (141, [b'\x7f\xff\xff\xff'] * 2, [1], 1), (154, [b'1', b'0'], [], 0), (0, [], [], 0), (4294967295, [], [], 0), (177, [b'x', b'y'], [], 0), (750, [b'1', b'2'], [], 2), (31, [b'1'], [], 0)):
        g.send(pgwire.call(oid, args, formats, result), 1, 'FunctionCall %d %r %r %d' % (oid, args, formats, result))
    g.q('begin', 'select 1/0')
    g.send(pgwire.call(871, [b'abc']), 1, 'FunctionCall in a failed transaction')
    g.q('rollback')
    yield g


def groups():
    for how in ('simple', 'text', 'binary'):
        g = Group('queries ' + how, setup=['begin', 'set search_path = public'])
        g.q('commit')
        for sql in lines(WINDOWS_AND_MORE):
            if how == 'simple':
                g.q(sql)
            else:
                g.x(sql, rformats=[how == 'binary'])
        yield g
    for how in ('simple', 'extended'):
        g = Group('script ' + how)
        for sql in lines(SCRIPT):
            g.q(sql) if how == 'simple' else g.x(sql)
        yield g
    g = Group('transactions')
    g.q(*lines(TRANSACTIONS))
    yield g
    g = Group('transactions extended')
    for sql in lines(TRANSACTIONS):
        if 'load ' not in sql:
            g.x(sql.split('; ')[0])
    yield g
    yield from copies()
    yield from large_objects()
    g = Group('wide and long')
    g.both('select ' + ', '.join('%d as c%d' % (i, i) for i in range(1600)), 'select ' + ', '.join('%d' % i for i in range(1700)), "select repeat('x', 1 << 20)", "select repeat('ab', 5) || i from generate_series(1, 20000) i",
           "select '%s'" % ('y' * 300000), 'select ' + '(' * 200 + '1' + ')' * 200, 'select ' + '+'.join(['1'] * 2000), 'select * from customers', "do $$ begin for i in 1..300 loop raise notice 'notice % %', i, repeat('n', 100); end loop; end $$")
    g.x('select ' + ', '.join('$%d::int' % i for i in range(1, 1001)), [str(i) for i in range(1, 1001)])
    g.x('select length($1), length($2)', ['z' * 500000, None])
    g.x('select count(*) from unnest(array[' + ','.join('$%d' % i for i in range(1, 5001)) + ']) x', ['1'] * 5000, types=[23] * 5000)
    yield g
    g = Group('as staff', user='anna')
    for sql in lines(WINDOWS_AND_MORE)[:40]:
        g.both(sql)
    g.q("update customers set note = 'n' where id = 5 returning id, note", "insert into tickets values (80000, 5, 'x') returning *", 'delete from tickets where id = 80000', 'select * from customers where id = 5 for update')
    yield g
    for params in ([('client_encoding', 'LATIN1')], [('DateStyle', 'German'), ('TimeZone', 'Asia/Shanghai'), ('application_name', 'ä"\'x')], [('options', '-c statement_timeout=5000 -c search_path=pg_catalog')], [('IntervalStyle', 'iso_8601'), ('extra_float_digits', '3'), ('geqo', 'off')]):
        g = Group('start-up parameters %s' % params[0][0], user='anna', params=params)
        g.both("select 'é', date '2024-02-29', timestamptz '2024-01-01 00:00Z', interval '1 day', 0.1::float4", 'show application_name', 'show search_path', 'show statement_timeout', 'select * from public.customers where id = 2')
        yield g
