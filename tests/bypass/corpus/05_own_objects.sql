-- section: 4.5 objects of one's own
-- name: plpgsql function returns a setting
CREATE FUNCTION pg_temp.f() RETURNS text LANGUAGE plpgsql AS $$ BEGIN PERFORM set_config('x.y', (SELECT phone FROM public.customers WHERE id = 7), false); RETURN ''; END $$;
SELECT pg_temp.f();
SHOW x.y;
-- name: function with out parameters
CREATE FUNCTION pg_temp.f(OUT a text, OUT b text) LANGUAGE sql AS $$ SELECT full_name, phone::text FROM public.customers WHERE id = 7 $$;
SELECT * FROM pg_temp.f();
-- name: function returning a table
CREATE FUNCTION pg_temp.f() RETURNS TABLE (n bigint, p text) LANGUAGE sql STABLE AS $$ SELECT id, phone::text FROM public.customers WHERE id < 9 $$;
SELECT p FROM pg_temp.f() ORDER BY n;
-- name: function with a setting clause
CREATE FUNCTION pg_temp.f() RETURNS text LANGUAGE sql SET standard_conforming_strings = off AS $$ SELECT address FROM public.customers WHERE id = 42 $$;
SELECT pg_temp.f();
-- name: function inlined into the query
CREATE FUNCTION pg_temp.f(customers) RETURNS text LANGUAGE sql IMMUTABLE AS $$ SELECT $1.phone::text $$;
SELECT pg_temp.f(c) FROM customers c WHERE id < 9;
-- name: function as attribute
CREATE FUNCTION pg_temp.nick(public.customers) RETURNS text LANGUAGE sql AS $$ SELECT upper($1.full_name) $$;
SELECT pg_temp.nick(c), id FROM customers c WHERE id < 9;
-- name: range type over text
CREATE TYPE pg_temp.r AS RANGE (subtype = text);
SELECT pg_temp.r(full_name, NULL) FROM customers WHERE id < 9;
-- name: cast of one's own
CREATE TYPE pg_temp.w AS (v text);
CREATE FUNCTION pg_temp.c(text) RETURNS pg_temp.w LANGUAGE sql AS $$ SELECT ROW($1 || '!')::pg_temp.w $$;
SELECT (pg_temp.c(phone::text)).v FROM customers WHERE id < 9;
-- name: operator that tells by notice
CREATE FUNCTION pg_temp.o(text, text) RETURNS bool LANGUAGE plpgsql AS $$ BEGIN RAISE NOTICE '%', $1; RETURN true; END $$;
CREATE OPERATOR pg_temp.=== (LEFTARG = text, RIGHTARG = text, FUNCTION = pg_temp.o);
SELECT count(*) FROM customers WHERE full_name OPERATOR(pg_temp.===) 'x' AND id < 9;
-- name: operator called like a built-in one
CREATE FUNCTION pg_temp.o(varchar, varchar) RETURNS bool LANGUAGE plpgsql AS $$ BEGIN RAISE NOTICE '%', $1; RETURN true; END $$;
CREATE OPERATOR pg_temp.= (LEFTARG = varchar, RIGHTARG = varchar, FUNCTION = pg_temp.o);
SELECT count(*) FROM customers WHERE phone OPERATOR(pg_temp.=) 'x'::varchar AND id < 9;
-- name: aggregate with a final function
CREATE FUNCTION pg_temp.s(text, text) RETURNS text LANGUAGE sql AS $$ SELECT coalesce($1, '') || '/' || coalesce($2, '') $$;
CREATE AGGREGATE pg_temp.a (text) (SFUNC = pg_temp.s, STYPE = text);
SELECT pg_temp.a(address ORDER BY id) FROM customers;
-- name: window aggregate of one's own over an open column
CREATE FUNCTION pg_temp.s(text, bigint) RETURNS text LANGUAGE sql AS $$ SELECT coalesce($1, '') || (SELECT phone FROM public.customers WHERE id = $2) $$;
CREATE AGGREGATE pg_temp.a (bigint) (SFUNC = pg_temp.s, STYPE = text);
SELECT pg_temp.a(id) OVER (ORDER BY id) FROM customers WHERE id IN (7, 8, 9);
-- name: domain with a not null that tells
CREATE DOMAIN pg_temp.d AS text NOT NULL;
SELECT id, address::pg_temp.d IS NULL FROM customers WHERE id = 7;
-- name: domain check over a table
CREATE FUNCTION pg_temp.k(text) RETURNS bool LANGUAGE sql AS $$ SELECT EXISTS (SELECT 1 FROM public.customers WHERE phone = $1) $$;
CREATE DOMAIN pg_temp.d AS text CHECK (pg_temp.k(VALUE));
SELECT '+1-605-0107'::pg_temp.d;
-- name: temp table with a column called like a key
CREATE TEMP TABLE orders AS SELECT id, id AS customer_id, phone AS item, 1::numeric AS amount, now() AS ordered_at FROM public.customers;
SELECT item FROM orders WHERE id < 9 ORDER BY id;
-- name: temp view with security_barrier
CREATE TEMP VIEW v WITH (security_barrier) AS SELECT id, address || '' AS a FROM customers;
SELECT a FROM v WHERE id < 30;
-- name: temp materialized view is refused, view of a function works
CREATE TEMP VIEW v AS SELECT * FROM run_report('SELECT phone::text FROM customers ORDER BY id LIMIT 9');
SELECT * FROM v;
-- name: instead-of trigger of a temp view
CREATE TEMP VIEW v AS SELECT 1 AS n, ''::text AS p;
CREATE FUNCTION pg_temp.f() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.p := (SELECT full_name FROM public.customers WHERE id = NEW.n); RETURN NEW; END $$;
CREATE TRIGGER g INSTEAD OF INSERT ON v FOR EACH ROW EXECUTE FUNCTION pg_temp.f();
INSERT INTO v VALUES (7) RETURNING p;
-- name: text search configuration of one's own
CREATE TEXT SEARCH DICTIONARY pg_temp.d (TEMPLATE = simple);
CREATE TEXT SEARCH CONFIGURATION pg_temp.c (COPY = simple);
SELECT to_tsvector('pg_temp.c', full_name) FROM customers WHERE id < 9;
-- name: collation of one's own
CREATE COLLATION pg_temp.x FROM "C";
SELECT id FROM customers ORDER BY full_name COLLATE pg_temp.x, id;
-- name: statistics object over an own copy
CREATE TEMP TABLE t AS SELECT province, full_name FROM customers;
CREATE STATISTICS pg_temp.st (mcv) ON province, full_name FROM t;
ANALYZE t;
SELECT most_common_vals FROM pg_stats_ext WHERE tablename = 't';
-- name: index on an own copy, and its estimate
CREATE TEMP TABLE t AS SELECT phone FROM customers;
CREATE INDEX ON t (phone);
ANALYZE t;
EXPLAIN SELECT 1 FROM t WHERE phone < '+1-6';
-- name: alter a temp table's column by the value
CREATE TEMP TABLE t AS SELECT full_name AS v FROM customers WHERE id = 7;
ALTER TABLE t ALTER COLUMN v TYPE int USING v::int;
-- name: rename a temp table's column to the value
CREATE TEMP TABLE t (v int);
DO $$ BEGIN EXECUTE format('ALTER TABLE t RENAME COLUMN v TO %I', (SELECT apple_id FROM customers WHERE id = 7)); END $$;
TABLE t;
-- name: enum labels of values
DO $$ BEGIN EXECUTE format('CREATE TYPE pg_temp.e AS ENUM (%L)', (SELECT full_name FROM customers WHERE id = 7)); END $$;
SELECT enumlabel FROM pg_enum WHERE enumtypid = 'pg_temp.e'::regtype;
-- name: polymorphic function
CREATE FUNCTION pg_temp.f(anyelement) RETURNS anyelement LANGUAGE sql AS $$ SELECT $1 $$;
SELECT pg_temp.f(phone) FROM customers WHERE id < 9;
-- name: variadic function
CREATE FUNCTION pg_temp.f(VARIADIC text[]) RETURNS text LANGUAGE sql AS $$ SELECT $1[1] $$;
SELECT pg_temp.f(VARIADIC ARRAY[full_name, 'x']) FROM customers WHERE id < 9;
-- name: anonymous record from a function
CREATE FUNCTION pg_temp.f() RETURNS record LANGUAGE sql AS $$ SELECT id, phone::text FROM public.customers WHERE id = 7 $$;
SELECT * FROM pg_temp.f() AS x(province bigint, created_at text);
-- name: refcursor from a function
BEGIN;
CREATE FUNCTION pg_temp.f() RETURNS refcursor LANGUAGE plpgsql AS $$ DECLARE k refcursor := 'kk'; BEGIN OPEN k FOR SELECT address FROM public.customers ORDER BY id; RETURN k; END $$;
SELECT pg_temp.f();
FETCH 20 FROM kk;
COMMIT;
