-- section: 4.4 laundering
-- name: create table as
CREATE TEMP TABLE t AS SELECT phone FROM customers WHERE id < 9;
SELECT * FROM t;
-- name: select into
SELECT full_name INTO TEMP t FROM customers WHERE id < 9;
SELECT * FROM t;
-- name: select into with words between
SELECT full_name /* INTO */ INTO /* x */ TEMPORARY TABLE "t" FROM customers WHERE id < 9;
TABLE t;
-- name: insert select
CREATE TEMP TABLE t (v text);
INSERT INTO t SELECT address FROM customers WHERE id < 20;
SELECT v FROM t;
-- name: insert select returning
CREATE TEMP TABLE t (v text);
INSERT INTO t SELECT full_name FROM customers WHERE id < 9 RETURNING v;
-- name: create table as execute
PREPARE p AS SELECT phone FROM customers WHERE id < 9;
CREATE TEMP TABLE t AS EXECUTE p;
SELECT * FROM t;
-- name: update of a temp table with a sub-select
CREATE TEMP TABLE t AS SELECT 1 AS x, ''::text AS v;
UPDATE t SET v = (SELECT phone FROM customers WHERE id = 7) RETURNING v;
-- name: merge into a temp table
CREATE TEMP TABLE t (id bigint, v text);
MERGE INTO t USING (SELECT id, phone FROM customers WHERE id < 9) c ON t.id = c.id WHEN NOT MATCHED THEN INSERT VALUES (c.id, c.phone);
SELECT * FROM t ORDER BY id;
-- name: data-modifying cte
CREATE TEMP TABLE t (v text);
WITH w AS (INSERT INTO t SELECT phone FROM customers WHERE id < 9 RETURNING v) SELECT v FROM w;
-- name: temp view
CREATE TEMP VIEW v AS SELECT id, phone || '' AS p FROM customers;
SELECT p FROM v WHERE id < 9;
-- name: temp recursive view
CREATE TEMP RECURSIVE VIEW v (n, p) AS SELECT 1, full_name FROM customers WHERE id = 7 UNION ALL SELECT n + 1, p FROM v WHERE n < 2;
SELECT * FROM v;
-- name: temp view takes an open table's name
CREATE TEMP VIEW products AS SELECT phone AS name, 1.0 AS price FROM public.customers WHERE id < 9;
SELECT name, price FROM products;
-- name: temp view takes the trusted view's name
CREATE TEMP VIEW customers_public AS SELECT id, phone AS phone_masked, province FROM public.customers WHERE id < 9;
SELECT phone_masked FROM customers_public;
-- name: rule of an own table
CREATE TEMP TABLE t (id bigint);
CREATE RULE "_RETURN" AS ON SELECT TO t DO INSTEAD SELECT id FROM customers WHERE phone LIKE '+1-605%';
SELECT id FROM t ORDER BY id;
-- name: rule with another table
CREATE TEMP TABLE s (id bigint);
CREATE TEMP TABLE t (v text);
CREATE RULE r AS ON INSERT TO s DO ALSO INSERT INTO t SELECT phone FROM customers WHERE id = NEW.id;
INSERT INTO s VALUES (7);
SELECT v FROM t;
-- name: trigger of an own table
CREATE TEMP TABLE t (id bigint, v text);
CREATE FUNCTION pg_temp.f() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.v := (SELECT phone FROM public.customers WHERE id = NEW.id); RETURN NEW; END $$;
CREATE TRIGGER g BEFORE INSERT ON t FOR EACH ROW EXECUTE FUNCTION pg_temp.f();
INSERT INTO t VALUES (7) RETURNING v;
-- name: default of an own table
CREATE FUNCTION pg_temp.f() RETURNS text LANGUAGE sql AS $$ SELECT full_name FROM public.customers WHERE id = 7 $$;
CREATE TEMP TABLE t (id int, v text DEFAULT pg_temp.f());
INSERT INTO t (id) VALUES (1) RETURNING v;
-- name: generated column
CREATE FUNCTION pg_temp.f(bigint) RETURNS text IMMUTABLE LANGUAGE sql AS $$ SELECT full_name FROM public.customers WHERE id = $1 $$;
CREATE TEMP TABLE t (id bigint, v text GENERATED ALWAYS AS (pg_temp.f(id)) STORED);
INSERT INTO t VALUES (7) RETURNING v;
-- name: expression index and its statistics
CREATE FUNCTION pg_temp.f(bigint) RETURNS text IMMUTABLE LANGUAGE sql AS $$ SELECT phone::text FROM public.customers WHERE id = $1 $$;
CREATE TEMP TABLE t AS SELECT id FROM customers;
CREATE INDEX i ON t (pg_temp.f(id));
ANALYZE t;
SELECT histogram_bounds FROM pg_stats WHERE tablename = 'i';
-- name: analyze and pg_stats of an own table
CREATE TEMP TABLE t AS SELECT phone FROM customers;
ANALYZE t;
SELECT histogram_bounds, most_common_vals FROM pg_stats WHERE tablename = 't';
-- name: open column of a real table by update
UPDATE tickets SET note = (SELECT phone FROM customers WHERE id = 7) WHERE id = 1;
SELECT note FROM tickets WHERE id = 1;
-- name: update from
UPDATE tickets SET note = c.full_name FROM customers c WHERE c.id = tickets.customer_id AND tickets.id < 5;
SELECT id, note FROM tickets WHERE id < 5 ORDER BY id;
-- name: update from returning under another table's column
UPDATE tickets SET note = c.phone FROM customers c WHERE c.id = tickets.customer_id AND tickets.id < 5 RETURNING note;
-- name: update returning in a cte
WITH u AS (UPDATE tickets SET note = c.phone FROM customers c WHERE c.id = tickets.customer_id AND tickets.id < 5 RETURNING note) SELECT note FROM u;
-- name: update returning the other table
UPDATE tickets SET note = 'x' FROM customers c WHERE c.id = tickets.customer_id AND tickets.id < 5 RETURNING c.phone || '';
-- name: update whose condition tells
UPDATE tickets SET state = 'closed' FROM customers c WHERE c.id = tickets.customer_id AND c.phone LIKE '+1-605%';
-- name: update whose sub-select tells
UPDATE tickets SET state = 'closed' WHERE customer_id IN (SELECT id FROM customers WHERE full_name LIKE 'M%');
SELECT count(*) FROM tickets WHERE state = 'closed';
-- name: update multi-column
UPDATE tickets SET (note, state) = (SELECT full_name, 'open' FROM customers WHERE id = 7) WHERE id = 1 RETURNING note;
-- name: delete whose condition tells
DELETE FROM tickets USING customers c WHERE c.id = tickets.customer_id AND c.address IS NULL;
-- name: delete returning
DELETE FROM tickets USING customers c WHERE c.id = tickets.customer_id AND tickets.id < 5 RETURNING c.full_name || '';
-- name: insert select into a real table
INSERT INTO tickets (customer_id, note) SELECT id, phone FROM customers WHERE id < 5;
SELECT note FROM tickets WHERE id > 40 ORDER BY id;
-- name: insert values with a sub-select
INSERT INTO tickets (customer_id, note) VALUES (7, (SELECT apple_id FROM customers WHERE id = 7)) RETURNING note;
-- name: insert select whose count tells
INSERT INTO tickets (customer_id, note) SELECT id, 'x' FROM customers WHERE phone LIKE '+1-605%';
-- name: on conflict do update
INSERT INTO tickets (id, customer_id, note) VALUES (1, 7, 'x') ON CONFLICT (id) DO UPDATE SET note = (SELECT full_name FROM customers WHERE id = 7) RETURNING note;
-- name: on conflict where
INSERT INTO tickets (id, customer_id, note) VALUES (1, 7, 'x') ON CONFLICT (id) DO UPDATE SET note = 'y' WHERE EXISTS (SELECT 1 FROM customers WHERE id = 7 AND phone = '+1-605-0107');
-- name: merge into a real table
MERGE INTO tickets t USING customers c ON t.customer_id = c.id AND c.phone LIKE '+1-605%' WHEN MATCHED THEN UPDATE SET state = 'closed';
SELECT count(*) FROM tickets WHERE state = 'closed';
-- name: merge writes the value
MERGE INTO tickets t USING customers c ON t.customer_id = c.id WHEN MATCHED THEN UPDATE SET note = c.full_name;
SELECT note FROM tickets ORDER BY id LIMIT 5;
-- name: large object from bytes
SELECT lo_from_bytea(424242, convert_to(string_agg(phone, ',' ORDER BY id), 'UTF8')) FROM customers;
SELECT convert_from(lo_get(424242), 'UTF8');
-- name: large object's number
SELECT lo_create((1000000000 + regexp_replace(phone, '[^0-9]', '', 'g')::bigint % 100000000)::oid) FROM customers WHERE id = 7;
SELECT oid FROM pg_largeobject_metadata;
-- name: large object written and read
BEGIN;
SELECT lowrite(lo_open(lo_create(4711), 131072), convert_to((SELECT full_name FROM customers WHERE id = 7), 'UTF8'));
SELECT convert_from(lo_get(4711), 'UTF8');
COMMIT;
-- name: notify with a payload
LISTEN ch;
SELECT pg_notify('ch', phone) FROM customers WHERE id = 7;
-- name: notify channel's name
SELECT pg_notify(full_name, '') FROM customers WHERE id = 7;
LISTEN "Mary Major";
SELECT pg_notify('Mary Major', '') FROM customers WHERE id = 7 AND full_name = 'Mary Major';
-- name: notify conditional, by trigger of time
LISTEN ch;
SELECT CASE WHEN phone LIKE '+1-605%' THEN pg_notify('ch', '') END FROM customers WHERE id = 7;
-- name: cursor over an expression
BEGIN;
DECLARE k CURSOR FOR SELECT phone || '' FROM customers ORDER BY id;
FETCH 9 FROM k;
COMMIT;
-- name: cursor with a test
BEGIN;
DECLARE k SCROLL CURSOR FOR SELECT id FROM customers WHERE phone > '+1-6' ORDER BY id;
FETCH ABSOLUTE 5 FROM k;
FETCH BACKWARD 3 FROM k;
COMMIT;
-- name: cursor with hold
DECLARE k CURSOR WITH HOLD FOR SELECT address || '.' FROM customers ORDER BY id;
FETCH 9 FROM k;
CLOSE k;
-- name: binary cursor
BEGIN;
DECLARE k BINARY CURSOR FOR SELECT upper(full_name) FROM customers ORDER BY id;
FETCH 9 FROM k;
COMMIT;
-- name: move counts
BEGIN;
DECLARE k CURSOR FOR SELECT 1 FROM customers WHERE phone LIKE '+1-605%';
MOVE ALL FROM k;
COMMIT;
-- name: refcursor opened in a DO block
BEGIN;
DO $$ DECLARE k refcursor := 'k'; BEGIN OPEN k FOR SELECT phone FROM customers WHERE id < 9; END $$;
FETCH ALL FROM k;
COMMIT;
-- name: prepare and execute
PREPARE p AS SELECT phone || '' FROM customers WHERE id < 9;
EXECUTE p;
-- name: prepare with a parameter that is column's name
PREPARE p(text) AS SELECT to_jsonb(c) ->> $1 FROM customers c WHERE id < 9;
EXECUTE p('phone');
-- name: execute with a sub-select as its argument
-- direct: PostgreSQL refuses it
PREPARE p(text) AS SELECT $1;
EXECUTE p((SELECT phone FROM customers WHERE id = 7)::text);
-- name: execute with an expression that calls
PREPARE p(text) AS SELECT $1;
EXECUTE p(contact_of(7));
-- name: explain of an execute
PREPARE p AS SELECT id FROM customers WHERE phone < '+1-6';
EXPLAIN EXECUTE p;
-- name: do raises a notice
DO $$ BEGIN RAISE NOTICE '%', (SELECT phone FROM customers WHERE id = 7); END $$;
-- name: do raises an error
DO $$ DECLARE v text; BEGIN SELECT full_name INTO v FROM customers WHERE id = 7; RAISE EXCEPTION USING MESSAGE = v, ERRCODE = 'P0' || left(md5(v), 3); END $$;
-- name: do executes assembled text
DO $$ BEGIN EXECUTE 'DO ' || quote_literal('BEGIN RAISE NOTICE ''%'', (SELECT ' || 'address' || ' FROM customers WHERE id = 7); END'); END $$;
-- name: do makes a column's name
DO $$ BEGIN EXECUTE format('CREATE TEMP TABLE t (%I int)', (SELECT phone FROM customers WHERE id = 7)); END $$;
SELECT * FROM t;
-- name: do makes a table's name
DO $$ BEGIN EXECUTE format('CREATE TEMP TABLE %I ()', (SELECT full_name FROM customers WHERE id = 7)); END $$;
SELECT relname FROM pg_class WHERE relnamespace = pg_my_temp_schema() ORDER BY 1;
-- name: do makes a comment
CREATE TEMP TABLE t ();
DO $$ BEGIN EXECUTE format('COMMENT ON TABLE t IS %L', (SELECT full_name FROM customers WHERE id = 7)); END $$;
SELECT obj_description('t'::regclass);
-- name: do prepares a statement with the value in its text
DO $$ BEGIN EXECUTE format('PREPARE p AS SELECT %L', (SELECT phone FROM customers WHERE id = 7)); END $$;
SELECT statement FROM pg_prepared_statements;
-- name: do in another language word
DO LANGUAGE plpgsql $$ BEGIN PERFORM set_config('my.v', (SELECT phone FROM customers WHERE id = 7), false); END $$;
SHOW my.v;
-- name: do sets the application's name
DO $$ BEGIN PERFORM set_config('application_name', (SELECT phone FROM customers WHERE id = 7), false); END $$;
-- name: temp function
CREATE FUNCTION pg_temp.f() RETURNS SETOF text LANGUAGE sql AS $$ SELECT phone FROM public.customers WHERE id < 9 $$;
SELECT pg_temp.f();
-- name: temp function with a body of its own kind
CREATE FUNCTION pg_temp.f() RETURNS SETOF text LANGUAGE sql BEGIN ATOMIC SELECT full_name FROM public.customers WHERE id < 9; END;
SELECT * FROM pg_temp.f();
-- name: temp function that leaks each row by notice
CREATE FUNCTION pg_temp.leak(text) RETURNS bool COST 0.0000001 LANGUAGE plpgsql AS $$ BEGIN RAISE NOTICE '%', $1; RETURN true; END $$;
SELECT count(*) FROM customers WHERE pg_temp.leak(phone) AND id < 9;
-- name: temp procedure
CREATE PROCEDURE pg_temp.f(INOUT v text) LANGUAGE plpgsql AS $$ BEGIN SELECT phone INTO v FROM public.customers WHERE id = 7; END $$;
CALL pg_temp.f(NULL);
-- name: temp aggregate
CREATE AGGREGATE pg_temp.a (text) (SFUNC = textcat, STYPE = text, INITCOND = '');
SELECT pg_temp.a(phone) FROM customers WHERE id < 9;
-- name: temp operator
CREATE OPERATOR pg_temp.### (LEFTARG = text, RIGHTARG = text, FUNCTION = textcat);
SELECT phone::text OPERATOR(pg_temp.###) '' FROM customers WHERE id < 9;
-- name: temp domain
CREATE DOMAIN pg_temp.d AS varchar(32);
SELECT phone::pg_temp.d FROM customers WHERE id < 9;
-- name: temp domain with a check that leaks
CREATE DOMAIN pg_temp.d AS text CHECK (VALUE NOT LIKE '+1-605%');
SELECT phone::pg_temp.d FROM customers WHERE id < 30;
-- name: temp domain called text
CREATE FUNCTION pg_temp.leak(varchar) RETURNS bool LANGUAGE plpgsql AS $$ BEGIN RAISE NOTICE '%', $1; RETURN true; END $$;
CREATE DOMAIN pg_temp.text AS varchar CHECK (pg_temp.leak(VALUE));
SELECT count(phone::text) FROM customers WHERE id < 9;
-- name: temp enum
CREATE TYPE pg_temp.e AS ENUM ('x');
SELECT full_name::pg_temp.e FROM customers WHERE id = 7;
-- name: temp composite type
CREATE TYPE pg_temp.ct AS (v text);
SELECT ROW(phone)::pg_temp.ct FROM customers WHERE id < 9;
-- name: temp table frees a prepared statement
CREATE TEMP TABLE customers (id bigint, phone varchar(32));
PREPARE p AS SELECT phone || '' AS p FROM customers WHERE id < 9;
EXECUTE p;
DROP TABLE pg_temp.customers;
EXECUTE p;
-- name: temp sequence
CREATE TEMP SEQUENCE s;
SELECT setval('s', right(phone, 4)::bigint + 1) FROM customers WHERE id = 7;
SELECT last_value FROM s;
-- name: sequence set to the digits
SELECT setval('counter', 1 + regexp_replace(phone, '[^0-9]', '', 'g')::bigint) FROM customers WHERE id = 7;
SELECT last_value FROM counter;
-- name: conditional nextval
SELECT count(CASE WHEN phone LIKE '+1-605%' THEN nextval('counter') END) * 0 FROM customers;
SELECT last_value FROM counter;
-- name: advisory lock read back
SELECT pg_advisory_lock(regexp_replace(phone, '[^0-9]', '', 'g')::bigint) FROM customers WHERE id = 7;
SELECT classid, objid FROM pg_locks WHERE locktype = 'advisory';
-- name: advisory lock tried
SELECT pg_try_advisory_lock(length(full_name)) FROM customers WHERE id = 7;
SELECT objid FROM pg_locks WHERE locktype = 'advisory';
-- name: seed of random
SELECT setseed(right(phone, 4)::int / 10000.0) FROM customers WHERE id = 7;
SELECT random();
-- name: setting of one's own
SELECT set_config('x.y', phone, false) FROM customers WHERE id = 7;
SHOW x.y;
-- name: setting of one's own, current_setting
SELECT set_config('x.y', string_agg(full_name, ',' ORDER BY id), false) IS NULL FROM customers WHERE id < 20;
SELECT current_setting('x.y');
-- name: application name
SELECT set_config('application_name', phone, false) IS NULL FROM customers WHERE id = 7;
SHOW application_name;
-- name: time zone carries digits
SELECT set_config('TimeZone', '<+' || right(phone, 4) || '>2', false) IS NULL FROM customers WHERE id = 7;
SELECT timestamptz '2024-01-01 00:00Z';
-- name: work_mem carries digits
SELECT set_config('work_mem', (1000 + right(phone, 4)::int)::text, false) IS NULL FROM customers WHERE id = 7;
SHOW work_mem;
-- name: search_path carries the value
SELECT set_config('search_path', quote_ident(full_name), false) IS NULL FROM customers WHERE id = 7;
SELECT current_setting('search_path');
-- name: local setting in a transaction
BEGIN;
SELECT set_config('x.z', full_name, true) IS NULL FROM customers WHERE id = 7;
SELECT current_setting('x.z', true);
ROLLBACK;
-- name: setting by update of pg_settings
UPDATE pg_settings SET setting = (SELECT right(phone, 4)::int + 1000 FROM public.customers WHERE id = 7)::text WHERE name = 'work_mem';
SHOW work_mem;
-- name: copy table
-- simple:
COPY customers (phone) TO STDOUT;
-- name: copy whole table
-- simple:
COPY customers TO STDOUT WITH (FORMAT csv, HEADER);
-- name: copy query
-- simple:
COPY (SELECT upper(full_name) FROM customers ORDER BY id) TO STDOUT;
-- name: copy binary
-- simple:
COPY (SELECT phone || '' FROM customers ORDER BY id) TO STDOUT (FORMAT binary);
-- name: copy with a test
-- simple:
COPY (SELECT id FROM customers WHERE phone LIKE '+1-605%' ORDER BY id) TO STDOUT;
-- name: copy of a view
-- simple:
COPY (TABLE contact_card) TO STDOUT;
-- name: copy values of an update returning
-- simple:
COPY (UPDATE tickets SET note = 'x' FROM customers c WHERE c.id = tickets.customer_id RETURNING c.full_name || '') TO STDOUT;
-- name: copy old syntax
-- simple:
COPY customers (full_name) TO STDOUT DELIMITER '|' NULL 'none' CSV;
-- name: logical message
-- direct: the value goes to readers of the log of writes, whom nobody plays here; only a place in that log comes back
SELECT pg_logical_emit_message(false, 'x', phone) IS NULL FROM customers WHERE id = 7;
-- name: temp table on commit drop within one transaction
BEGIN;
CREATE TEMP TABLE t ON COMMIT DROP AS SELECT address FROM customers WHERE id < 20;
SELECT * FROM t;
COMMIT;
-- name: exclusion of a temp table of one's own by LIKE
CREATE TEMP TABLE t (LIKE customers INCLUDING ALL);
INSERT INTO t SELECT * FROM customers WHERE id < 9;
SELECT full_name FROM t ORDER BY id;
-- name: inherited temp table
-- direct: PostgreSQL refuses it: only the owner's tables can be inherited from
CREATE TEMP TABLE t () INHERITS (customers);
SELECT full_name FROM t;
-- name: temp foreign table
CREATE FOREIGN TABLE pg_temp.ft (id bigint, phone text) SERVER loop OPTIONS (schema_name 'public', table_name 'customers');
SELECT phone FROM pg_temp.ft ORDER BY id LIMIT 9;
-- name: discard and reset between
SET x.y = 'start';
SELECT set_config('x.y', phone, false) IS NULL FROM customers WHERE id = 7;
DISCARD PLANS;
SHOW x.y;
-- name: explain analyze runs it
EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF, SUMMARY OFF) CREATE TEMP TABLE t AS SELECT phone FROM customers WHERE id < 9;
SELECT * FROM t;
-- name: explain analyze of a notification
LISTEN ch;
EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF, SUMMARY OFF) SELECT pg_notify('ch', phone) FROM customers WHERE id = 7;
