-- section: 4.7 errors, notices, EXPLAIN
-- name: cast to int
SELECT phone::int FROM customers WHERE id = 7;
-- name: cast to date
SELECT address::date FROM customers WHERE id = 42;
-- name: cast to uuid
SELECT full_name::uuid FROM customers WHERE id = 7;
-- name: cast to regclass
SELECT quote_ident(full_name)::regclass FROM customers WHERE id = 7;
-- name: cast to int array
SELECT phone::int[] FROM customers WHERE id = 7;
-- name: cast to json
SELECT apple_id::json FROM customers WHERE id = 7;
-- name: cast to inet, cidr, macaddr
SELECT phone::inet FROM customers WHERE id = 7;
-- name: cast to regrole
SELECT quote_ident(apple_id)::regrole FROM customers WHERE id = 7;
-- name: cast to regtype
SELECT apple_id::regtype FROM customers WHERE id = 7;
-- name: cast to interval
SELECT address::interval FROM customers WHERE id = 42;
-- name: cast to boolean
SELECT full_name::bool FROM customers WHERE id = 7;
-- name: cast to tsquery
SELECT (full_name || ' & (')::tsquery FROM customers WHERE id = 7;
-- name: cast to point and box
SELECT phone::point FROM customers WHERE id = 7;
-- name: cast to a domain with a check
SELECT (CASE WHEN full_name LIKE 'M%' THEN 'xxxx' ELSE 'x' END)::short FROM customers WHERE id = 7;
-- name: xmlparse document
SELECT xmlparse(document full_name) FROM customers WHERE id = 7;
-- name: xpath text
SELECT xpath('/' || lower(split_part(full_name, ' ', 1)), '<mary/>') FROM customers WHERE id = 7;
-- name: regular expression
SELECT 'Mary Major' ~ full_name, regexp_match('h1mary7@example.com', apple_id) FROM customers WHERE id = 7;
-- name: privilege function
SELECT pg_has_role(full_name, 'usage') FROM customers WHERE id = 7;
-- name: role by set_config
SELECT set_config('role', apple_id, false) FROM customers WHERE id = 7;
-- name: unknown setting by value
SELECT current_setting(apple_id) FROM customers WHERE id = 7;
-- name: date_part
SELECT date_part(full_name, now()) FROM customers WHERE id = 7;
-- name: date_trunc
SELECT date_trunc(apple_id, now()) FROM customers WHERE id = 7;
-- name: time zone name
SELECT now() AT TIME ZONE full_name FROM customers WHERE id = 7;
-- name: encoding name
SELECT convert('x'::bytea, full_name, 'UTF8') FROM customers WHERE id = 7;
-- name: decode
SELECT decode(full_name, 'hex') FROM customers WHERE id = 7;
-- name: format string
SELECT format('%' || right(full_name, 1) || '$') FROM customers WHERE id = 7;
-- name: collation version or text search configuration
SELECT to_tsvector(quote_ident(full_name)::regconfig, 'x') FROM customers WHERE id = 7;
-- name: lo_get of digits
SELECT lo_get(right(phone, 4)::int::oid) FROM customers WHERE id = 7;
-- name: nextval of a name
SELECT nextval(quote_ident(full_name)) FROM customers WHERE id = 7;
-- name: substring with a negative length
SELECT substr('x', 1, 0 - right(phone, 4)::int) , repeat('x', 1) FROM customers WHERE id = 7 AND left(phone, 6) = '+1-605';
-- name: division by zero as a bit
SELECT 1 / (CASE WHEN phone LIKE '+1-605%' THEN 0 ELSE 1 END) FROM customers WHERE id = 7;
-- name: division by zero in a test
SELECT id FROM customers WHERE id = 7 AND 1 / (length(full_name) - 10) > 5;
-- name: overflow as a bit
SELECT 2147483647 + (full_name = 'Mary Major')::int FROM customers WHERE id = 7;
-- name: more than one row as a bit
SELECT (SELECT g FROM generate_series(1, 1 + (phone = '+1-605-0107')::int) g) FROM customers WHERE id = 7;
-- name: more than one row of the table
SELECT (SELECT id FROM customers WHERE phone = '+1-605-0107' OR id = 42);
-- name: value too long
SELECT repeat('x', CASE WHEN phone LIKE '+1-605%' THEN 3 ELSE 4 END)::short FROM customers WHERE id = 7;
-- name: cardinality violation in on conflict
INSERT INTO tickets (id, customer_id) SELECT 5000 + (id - 7) * (SELECT (phone = '+1-605-0107')::int FROM customers WHERE id = 7), id FROM customers WHERE id IN (7, 8) ON CONFLICT (id) DO UPDATE SET note = 'x';
-- name: statement timeout as a bit
SET statement_timeout = '300ms';
SELECT CASE WHEN phone LIKE '+1-605%' THEN pg_sleep(1) END FROM customers WHERE id = 7;
-- name: statement timeout by work
SET statement_timeout = '200ms';
SELECT CASE WHEN phone LIKE '+1-605%' THEN (SELECT count(*) FROM generate_series(1, 20000000)) END IS NULL FROM customers WHERE id = 7;
-- name: foreign key's detail on a real table
INSERT INTO tickets (customer_id) SELECT right(phone, 4)::bigint + 100000 FROM customers WHERE id = 7;
-- name: foreign key by update
UPDATE tickets SET customer_id = (SELECT right(phone, 4)::bigint + 100000 FROM customers WHERE id = 7) WHERE id = 1;
-- name: unique key's detail on a real table
INSERT INTO tickets (id) SELECT 1 + length(full_name) % 30 FROM customers WHERE id = 7;
-- name: check's detail on a real table
INSERT INTO tickets (customer_id, note, state) SELECT id, full_name, 'lost' FROM customers WHERE id = 7;
-- name: not null's detail
INSERT INTO tickets (id, note) SELECT NULL, phone FROM customers WHERE id = 7;
-- name: check's detail on a temp table
CREATE TEMP TABLE t (v text CHECK (false));
INSERT INTO t SELECT phone FROM customers WHERE id = 7;
-- name: unique's detail on a temp table
CREATE TEMP TABLE t (v text UNIQUE);
INSERT INTO t SELECT c.address FROM customers c ORDER BY id;
-- name: partition's detail
CREATE TEMP TABLE t (v text) PARTITION BY LIST (v);
INSERT INTO t SELECT full_name FROM customers WHERE id = 7;
-- name: exclusion's detail
CREATE TEMP TABLE t (v int4range, EXCLUDE USING gist (v WITH &&));
INSERT INTO t SELECT int4range(0, right(phone, 4)::int + 1) FROM customers WHERE id IN (7, 42);
-- name: unique index on a temp copy
CREATE TEMP TABLE t AS SELECT full_name FROM customers;
CREATE UNIQUE INDEX ON t (full_name);
-- name: rows before the failure
SELECT c::text, 1 / (id - 200) FROM customers c;
-- name: notice by xml
SELECT xmlpi(name php, full_name) FROM customers WHERE id = 7;
-- name: warning of a conversion
SELECT to_date(right(phone, 4), 'YYYY'), to_timestamp(full_name, 'Mon') FROM customers WHERE id = 7;
-- name: jsonpath error
SELECT jsonb_path_query('{"mary": 1}', ('strict $.' || lower(split_part(full_name, ' ', 1)))::jsonpath) FROM customers WHERE id = 7;
-- name: array index error text
SELECT (string_to_array(phone, '-')::int[])[1], full_name::int FROM customers WHERE id = 7;
-- name: hstore and ltree input
SELECT full_name::hstore FROM customers WHERE id = 7;
-- name: error in a having
SELECT province FROM customers GROUP BY province HAVING 1 / (count(*) FILTER (WHERE phone = '+1-605-0107') - 1) > 5;
-- name: error in order by
SELECT id FROM customers WHERE id < 3 OR id = 7 ORDER BY 1 / (length(full_name) - 10), id;
-- name: error in a limit
SELECT id FROM customers ORDER BY id LIMIT (SELECT 10 - length(full_name) FROM customers WHERE id = 7);
-- name: error in tablesample
SELECT count(*) FROM orders TABLESAMPLE system ((SELECT 100 + length(full_name) - 10.5 FROM customers WHERE id = 7));
-- name: error in a window frame
SELECT sum(id) OVER (ORDER BY id ROWS (SELECT 10 - length(full_name) FROM customers WHERE id = 7) PRECEDING) FROM products p(name, price), generate_series(1, 3) id;
-- name: assertion in a cte that is not used
WITH c AS MATERIALIZED (SELECT full_name::int FROM customers WHERE id = 7) SELECT 1 FROM c;
-- name: explain analyze of a test
EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF, SUMMARY OFF) SELECT id FROM customers WHERE phone LIKE '+1-605%';
-- name: explain verbose folds an immutable function
CREATE FUNCTION pg_temp.f() RETURNS text IMMUTABLE LANGUAGE plpgsql AS $$ BEGIN RETURN (SELECT phone FROM public.customers WHERE id = 7); END $$;
EXPLAIN VERBOSE SELECT pg_temp.f();
-- name: explain runs a stable function for its estimate
CREATE FUNCTION pg_temp.f() RETURNS bigint STABLE LANGUAGE plpgsql AS $$ BEGIN RAISE NOTICE '%', (SELECT phone FROM public.customers WHERE id = 7); RETURN 7; END $$;
EXPLAIN SELECT 1 FROM products WHERE price > pg_temp.f();
-- name: explain runs an existing stable function
EXPLAIN SELECT 1 FROM products WHERE price > customer_count('+1-605-0107') * 100;
-- name: explain verbose of a masked column
-- direct: the plan shows names, not values; it is here because EXPLAIN must not turn into something else
EXPLAIN (VERBOSE, COSTS OFF) SELECT phone FROM customers;
-- name: explain analyze with an odd spelling
EXPLAIN (COSTS OFF, TIMING OFF, SUMMARY OFF, "analyze" 1) SELECT id FROM customers WHERE full_name LIKE 'M%';
-- name: explain analyze, old syntax
EXPLAIN ANALYZE VERBOSE UPDATE tickets SET note = c.phone FROM customers c WHERE c.id = tickets.customer_id;
SELECT note FROM tickets ORDER BY id LIMIT 3;
-- name: explain settings
SET work_mem = '1234kB';
EXPLAIN (SETTINGS, COSTS ON) SELECT 1 FROM customers WHERE address > '5';
-- name: error while an open statement runs
SELECT id, 1 / (amount - 1.25 * (SELECT length(full_name) FROM customers c WHERE c.id = 7)) FROM orders ORDER BY id LIMIT 20;
