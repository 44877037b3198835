"""Errors and notices: each SQLSTATE raised with every field, and statements that fail by themselves, in every phase."""
from lib import pgwire

from . import Group

SQLSTATES = """
00000 01000 01003 01004 01006 01007 01008 0100C 01P01 02000 02001 03000 08000 08001 08003 08004 08006 08007 08P01 09000 0A000 0B000 0F000 0F001 0L000 
0LP01 0P000 0Z000 0Z002 20000 21000 22000 22001 22002 22003 22004 22005 22007 22008 22009 2200B 2200C 2200D 2200F 2200G 2200H 2200L 2200M 2200N 2200S 
2200T 22010 22011 22012 22013 22014 22015 22016 22018 22019 2201B 2201E 2201F 2201G 2201W 2201X 22021 22022 22023 22024 22025 22026 22027 2202E 2202G 
2202H 22030 22031 22032 22033 22034 22035 22036 22037 22038 22039 2203A 2203B 2203C 2203D 2203E 2203F 2203G 22P01 22P02 22P03 22P04 22P05 22P06 23000 
23001 23502 23503 23505 23514 23P01 24000 25000 25001 25002 25003 25004 25005 25006 25007 25008 25P01 25P02 25P03 26000 27000 28000 28P01 2B000 2BP01 
2D000 2F000 2F002 2F003 2F004 2F005 34000 38000 38001 38002 38003 38004 39000 39001 39004 39P01 39P02 39P03 3B000 3B001 3D000 3F000 40000 40001 40002 
40003 40P01 42000 42501 42601 42602 42611 42622 42701 42702 42703 42704 42710 42712 42723 42725 42803 42804 42809 42830 42846 42883 428C9 42939 42P01 
42P02 42P03 42P04 42P05 42P06 42P07 42P08 42P09 42P10 42P11 42P12 42P13 42P14 42P15 42P16 42P17 42P18 42P19 42P20 42P21 42P22 44000 53000 53100 53200 
53300 53400 54000 54001 54011 54023 55000 55006 55P02 55P03 55P04 57000 57014 57P01 57P02 57P03 57P04 57P05 58000 58030 58P01 58P02 72000 F0000 F0001 
HV000 HV001 HV002 HV004 HV005 HV006 HV007 HV008 HV009 HV00A HV00B HV00C HV00D HV00J HV00K HV00L HV00M HV00N HV00P HV00Q HV00R HV010 HV014 HV021 HV024 
HV090 HV091 P0000 P0001 P0002 P0003 P0004 XX000 XX001 XX002 
""".split()

FAILING = """
selec 1
select
select 1 +
select * fro customers
select 'unterminated
select "unterminated
select $$unterminated
/* unterminated
select 1)
select (1
create table
select * from nowhere
select nocolumn from customers
select customers.nocolumn from customers
select nofunction(1)
select lower(1, 2)
select * from nofunction()
select 1 + 'a'
select 'a'::int
select 1::nosuchtype
select 1/0
select 1.0/0
select 1::float8/0
select 2147483647 + 1
select 9223372036854775807 + 1
select 1e400::float8
select sqrt(-1)
select ln(0)
select power(0, -1)
select '2024-02-30'::date
select '25:00'::time
select date '5874897-12-31' + 1
select timestamp '294276-12-31 23:59:59' + interval '1 day'
select 'x' || 1 || array[1]
select array[1, 'a']
select (array[1,2])['a']
select substring('abc' from 1 for -1)
select chr(0)
select repeat('x', -1), repeat('x', 1073741824)
select '\\x0'::bytea
select 'a' collate "nope"
select max(count(*)) from customers
select full_name from customers group by id + 1
select * from customers where count(*) > 1
select * from customers limit -1
select * from customers offset -1
select * from customers order by 99
select distinct on (id) id from customers order by full_name limit 1
select id, id from (select 1 as id, 2 as id) x
select (select id from customers)
select * from customers where id = (select 1, 2)
select 1 union select 'a'
select 1 union select 1, 2
values (1), (1, 2)
insert into customers (id) values (1)
insert into customers (id, full_name, created_at) values (1, 'x', now())
insert into customers values (1)
insert into customers (id, nocolumn) values (1, 2)
insert into orders values (99999, 999999, 1, 'x', '2020-01-01')
insert into orders values (99999, 1, 1e20, 'x', '2020-01-01')
insert into visits values (1, 1, '1990-01-01', 'x')
insert into v_customer_order values (1, 'a', 2, 3)
insert into customers (id, full_name, phone, created_at) values (5000, 'x', repeat('9', 40), now())
update customers set id = 2 where id = 1
update customers set nocolumn = 1
update customers set full_name = null where id = 1
delete from customers where id = 1
delete from nowhere
truncate customers
drop table customers
drop table nowhere
drop table v_customer
drop view customers
drop schema gatehouse
drop role staff
drop type nosuch
drop function nosuch(int)
drop database nosuch
create table customers (a int)
create table t1 (a int, a int)
create table t1 (a int primary key, b int primary key)
create table t1 (a nosuchtype)
create table t1 (a int references nowhere)
create table t1 (a int default nosuch())
create table t1 (a int check (b > 1))
create view v1 as select * from nowhere
create index on nowhere (a)
create index on customers (nocolumn)
create unique index on orders (customer_id)
create schema public
create role anna
create extension nosuch
create function f1() returns int language sql as 'select ''a'''
create function f1() returns int language nosuch as ''
create function f1() returns int language plpgsql as 'begin'
create type t1 as enum ('a', 'a')
create domain d1 as nosuch
create trigger t before insert on customers execute function now()
create sequence s1 increment 0
create cast (int as text) with function nosuch(int)
alter table customers add column id int
alter table customers drop column nocolumn
alter table customers alter column full_name type int
alter table nowhere add a int
alter table customers add constraint c check (id < 10)
alter role nosuch nologin
alter system set nosuch = 1
set nosuch = 1
set work_mem = 'many'
set work_mem = 1
set datestyle = 'x'
set timezone = 'Nowhere/None'
set client_encoding = 'nope'
set server_version = 1
set max_connections = 5
set role nosuch
set session authorization nosuch
set transaction isolation level serializable
set constraints all deferred
show nosuch
reset nosuch
commit
rollback
savepoint s
rollback to s
release s
rollback prepared 'nosuch'
commit prepared 'nosuch'
prepare transaction 'x'
lock table customers
declare c cursor for select 1
fetch from nosuch
move nosuch
close nosuch
execute nosuch
deallocate nosuch
execute nosuch(1, 2)
copy nowhere to stdout
copy customers (nocolumn) to stdout
copy customers to stdout with (format nosuch)
copy customers to stdout (delimiter 'ab')
copy customers from '/nosuch/file'
copy v_customer from stdin
copy (delete from customers) to stdout
vacuum nowhere
analyze nowhere
cluster customers
reindex table nowhere
explain nosuch
comment on table nowhere is 'x'
grant select on nowhere to anna
grant nosuch to anna
revoke all on customers from nosuch
listen
notify x, y
call nosuch()
do 'begin raise exception ''x''; end'
do 'nonsense'
do language nosuch 'x'
select lo_open(999999, 131072)
select lo_get(999999)
select lo_unlink(999999)
select pg_read_file('/nosuch')
select nextval('nosuch')
select currval('pg_toast.nosuch')
select lastval()
select setval('nosuch', 1)
select pg_sleep('x')
select to_date('x', 'YYYY')
select to_number('', '9')
select '{'::json
select '[1,2'::jsonb
select jsonb_path_query('1', 'strict $.a')
select '(1,2'::point
select '[5,1]'::int4range
select regexp_replace('a', '(', '')
select 'a' ~ '['
select 'a' like 'a\\'
select convert_from('\\xff', 'UTF8')
select convert_to('张', 'LATIN1')
select decode('zz', 'hex')
select encode('a', 'nosuch')
select xmlparse(document '<a')
select format('%s')
select width_bucket(1, 1, 1, 1)
select generate_series(1, 10, 0)
select array_fill(1, array[-1])
select cast(row(1, 2) as customers)
select row(1, 2) = row(1, 2, 3)
select current_setting('nosuch')
select set_config('nosuch', 'x', false)
select pg_get_viewdef(1)
select has_table_privilege('nosuch', 'customers', 'select')
select make_date(2024, 13, 1)
select make_interval(secs => 'inf')
select 1 as "", 2
select U&'\\00'
select e'\\u0000'
select "".a
select a.b.c.d.e
select * from customers natural join nowhere
select * from customers c join orders c on true
select * from customers join orders using (nocolumn)
select * from lateral nowhere
with x as (select 1), x as (select 2) select 1
with recursive x as (select 1 union all select x.* from x, x y) select 1
with x as (insert into nowhere values (1)) select 1
select sum(id) over w from customers
select rank() from customers
select lag(1) over (order by id rows between 1 following and 1 preceding) from customers
select ntile(0) over () from customers
select id from customers for update of nowhere
select count(*) from customers for update
select * from customers tablesample nosuch (1)
merge into customers using orders on true when matched then do nothing when matched then delete
insert into customers (id, full_name, created_at) values (1, 'x', now()) on conflict (full_name) do nothing
select grouping(id) from customers
create policy p on nowhere
create publication p for table nowhere
create statistics s on id from customers
create server s foreign data wrapper nosuch
create tablespace t location 'relative'
create operator === (leftarg = int)
create aggregate a (int) (sfunc = nosuch, stype = int)
create rule r as on select to customers do instead nothing
alter table visits detach partition customers
create table p1 partition of visits for values from ('2025-06-01') to ('2025-07-01')
""".strip().splitlines()

FIELDS = "detail = 'the detail', hint = 'the hint', column = 'col', constraint = 'con', datatype = 'type', table = 'tab', schema = 'sch'"


def groups():
    g = Group('every sqlstate')
    for code in SQLSTATES:
        if code[:2] in ('00', '01', '02'):  # not errors; RAISE takes them all the same
            g.q("do $$ begin raise warning using errcode = '%s', message = 'state %s'; end $$" % (code, code))
        g.q("do $$ begin raise exception using errcode = '%s', message = 'state %s', %s; end $$" % (code, code, FIELDS))
    yield g
    g = Group('every level')
    for least in ('debug5', 'debug1', 'log', 'notice', 'warning', 'error'):
        g.q("set client_min_messages = '%s'" % least)
        for level in ('debug', 'log', 'info', 'notice', 'warning', 'exception'):
            g.q("do $$ begin raise %s 'at %% and %%', 1, null; end $$" % level, "do $$ begin raise %s using message = 'm', %s; end $$" % (level, FIELDS))
            g.x("do $$ begin raise %s 'extended'; end $$" % level)
    g.q('set client_min_messages = notice', "set lc_messages = 'C'", 'set log_error_verbosity = verbose', 'select 1/0')
    yield g
    for how in ('simple', 'extended', 'in a transaction'):
        g = Group('failing ' + how)
        for sql in FAILING:
            sql = sql.replace('\\\\', '\\')
            if how == 'simple':
                g.q(sql)
            elif how == 'extended':
                g.x(sql)
            else:
                g.q('begin', 'select 1')
                g.q(sql, 'select 2', 'rollback')
        yield g
    g = Group('privileges', user='anna')
    for sql in ('select * from gatehouse.nosuch', 'delete from orders', 'insert into products values (9999, null, null)', 'update products set price = 0', 'create schema s', 'create role r', 'create database d', 'create extension xml2',
                'alter table customers add a int', 'drop table customers', 'truncate orders', 'select * from pg_authid', 'select pg_read_file(\'x\')', "select gatehouse.get_auth('anna')", 'set role dba', 'set session authorization dba', 'copy customers to \'/tmp/x\'',
                'copy orders from stdin', 'lock table products in exclusive mode', 'vacuum products', 'grant select on products to bo', "alter system set work_mem = '1MB'", 'checkpoint', 'set log_min_messages = debug1', 'create function f() returns int language c as \'x\'', 'show data_directory', 'select lo_import(\'/etc/passwd\')', "comment on table customers is 'x'", 'reindex table customers',
                'analyze products', 'select pg_terminate_backend(1)', 'alter role anna superuser', "select set_config('role', 'dba', false)"):
        if 'copy orders from' in sql:
            g.q(sql)
        else:
            g.both(sql)
    yield g
    g = Group('failures while rows come')
    for sql in ('select 10 / (5 - i) from generate_series(1, 10) i', "select id, case when id > 700 then (1 / (id - 701))::text else full_name end from customers order by id",
                "select i, lower(case when i = 2000 then (1 / 0)::text else 'x' end) from generate_series(1, 3000) i", "copy (select 10 / (5 - i) from generate_series(1, 10) i) to stdout"):
        g.q(sql)
        g.x(sql)
        for rows in (2, 4, 5, 100):
            g.x(sql, rows=rows)
    yield g
    g = Group('statement timeout')
    g.q("set statement_timeout = '60ms'", 'select pg_sleep(5)', 'select 1')
    g.x('select pg_sleep(5)').x('select 1')
    g.q('reset statement_timeout', "set lock_timeout = '50ms'", "set idle_session_timeout = 0")
    yield g
    g = Group('fatal')
    g.send(pgwire.query('select 1; do $$ begin perform pg_terminate_backend(pg_backend_pid()); end $$; select 2'), 'end', 'a backend that ends itself')
    yield g
    g = Group('idle in transaction time-out of the server')
    g.q("set idle_in_transaction_session_timeout = '100ms'")
    g.send(pgwire.query('begin'), 'end', 'begin and wait')
    yield g
    g = Group('idle session time-out of the server')
    g.send(pgwire.query("set idle_session_timeout = '100ms'"), 'end', 'set and wait')
    yield g
