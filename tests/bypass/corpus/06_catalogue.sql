-- section: 4.6 catalogue and statistics
-- name: pg_stats histogram
SELECT histogram_bounds FROM pg_stats WHERE tablename = 'customers' AND attname = 'phone';
-- name: pg_stats most common values
SELECT most_common_vals, n_distinct, null_frac, avg_width FROM pg_stats WHERE tablename = 'customers' AND attname = 'address';
-- name: pg_stats whole row
SELECT s::text FROM pg_stats s WHERE tablename = 'customers' ORDER BY attname;
-- name: pg_stats star
SELECT * FROM pg_catalog.pg_stats WHERE schemaname = 'public' ORDER BY tablename, attname;
-- name: pg_stats as a test
SELECT 1 FROM pg_stats WHERE tablename = 'customers' AND attname = 'phone' AND (histogram_bounds::text || coalesce(most_common_vals::text, '')) LIKE '%+1-605-0107%';
-- name: pg_stats of an unknown column
SELECT histogram_bounds FROM pg_stats WHERE tablename = 'orders' AND attname = 'remark';
-- name: pg_statistic
-- direct: PostgreSQL refuses it
SELECT stavalues1 FROM pg_statistic WHERE starelid = 'customers'::regclass;
-- name: pg_stats_ext
-- direct: there are no extended statistics
SELECT * FROM pg_stats_ext WHERE tablename = 'customers';
-- name: pg_authid
-- direct: PostgreSQL refuses it
SELECT rolname, rolpassword FROM pg_authid;
-- name: plan's estimate of a test
EXPLAIN SELECT 1 FROM customers WHERE phone < '+1-605';
-- name: plan's estimate of an equality with a common value
EXPLAIN SELECT 1 FROM customers WHERE full_name = 'Mary Major' OR address = '5 Bay';
-- name: plan's estimate of groups
EXPLAIN SELECT 1 FROM customers GROUP BY address;
-- name: plan's estimate in json
EXPLAIN (FORMAT json) SELECT 1 FROM customers WHERE full_name < 'M';
-- name: plan's width
EXPLAIN SELECT address FROM customers;
-- name: plan of a join
EXPLAIN SELECT 1 FROM customers a JOIN customers b ON a.address = b.address;
-- name: plan of an update
EXPLAIN UPDATE tickets SET note = 'x' FROM customers c WHERE c.id = tickets.customer_id AND c.phone < '+1-6';
-- name: plan within a query function
-- direct: PostgreSQL refuses it
SELECT query_to_xml('EXPLAIN SELECT 1 FROM customers WHERE phone < ''+1-605''', true, false, '');
-- name: plan by parameter
-- bind: +1-605
SELECT run_report('EXPLAIN SELECT 1 FROM customers WHERE phone < ' || quote_literal($1::text));
-- name: view's and function's text
-- direct: definitions hold no data
SELECT pg_get_viewdef('contact_card'::regclass), pg_get_functiondef('run_report(text)'::regprocedure);
-- name: operator estimate functions
-- direct: cannot be called from SQL
SELECT eqsel(NULL, 98, NULL, 0);
-- name: information_schema does not tell
-- direct: metadata only
SELECT table_name, column_name FROM information_schema.columns WHERE table_name = 'customers' ORDER BY ordinal_position;
-- name: has_column_privilege with the value as a name
SELECT has_table_privilege(full_name, 'customers', 'select') FROM customers WHERE id = 7;
-- name: to_regclass of the value
SELECT to_regclass(CASE WHEN phone LIKE '+1-605%' THEN 'customers' ELSE 'nothing' END) FROM customers WHERE id = 7;
-- name: pg_typeof depends
SELECT pg_typeof(CASE WHEN EXISTS (SELECT 1 FROM customers WHERE phone = '+1-605-0107') THEN 1 END), EXISTS (SELECT 1 FROM customers WHERE phone = '+1-605-0107');
-- name: statistics of touched tables
BEGIN;
SELECT 1 WHERE (SELECT phone FROM customers WHERE id = 7) LIKE '+1-605%' AND EXISTS (SELECT 1 FROM products);
SELECT relname, seq_scan > 0 FROM pg_stat_xact_user_tables WHERE relname = 'products';
COMMIT;
-- name: statistics of index use
SELECT id FROM customers WHERE id = 7 AND phone = '+1-605-0107';
SELECT pg_stat_get_xact_numscans('products'::regclass), (SELECT count(*) FROM customers WHERE full_name LIKE 'M%');
-- name: prepared statements listed
PREPARE p AS SELECT 1;
DO $$ BEGIN EXECUTE 'PREPARE q AS SELECT ' || quote_literal((SELECT full_name FROM customers WHERE id = 7)); END $$;
SELECT name, statement FROM pg_prepared_statements ORDER BY 1;
-- name: cursors listed
BEGIN;
DO $$ DECLARE k refcursor; BEGIN k := (SELECT full_name FROM customers WHERE id = 7); OPEN k FOR SELECT 1; END $$;
SELECT name FROM pg_cursors ORDER BY 1;
COMMIT;
-- name: relation size of an own copy
CREATE TEMP TABLE t AS SELECT repeat('x', right(phone, 4)::int * 40) AS v FROM customers WHERE id = 7;
SELECT pg_column_size(v), pg_total_relation_size('t') FROM t;
-- name: describe of the statistics function
SELECT * FROM pg_stat_get_activity(NULL) WHERE application_name LIKE (SELECT left(phone, 3) || '%' FROM customers WHERE phone = '+1-605-0107') OR (SELECT phone FROM customers WHERE id = 7) LIKE '+1-416%' AND pid = pg_backend_pid();
